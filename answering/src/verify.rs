//! Checks a draft, whoever wrote it, against the passages: what they prove stays, the rest is dropped.

use crate::Passage;
use crate::align::{Compared, Ground, Span};
use crate::decide::Support;
use crate::echo::reports_question;
use crate::promise::{Promise, promise};
use crate::sentences::{Unit, UnitKind, sentences};
use crate::words::share;
use domain::message::Citation;
use domain::trace::Claim;
use regex::Regex;
use std::sync::LazyLock;

/// A sentence that a span holds at least so much of is proved.
const SUPPORT_MIN: f64 = 0.6;
/// A promise of the desk counts only where a passage says it in these words.
const SUPPORT_VERBATIM: f64 = 0.99;
/// Courtesies are short; longer sentences are checked.
const COURTESY_WORDS_MAX: usize = 16;

/// A draft after the check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    /// Each sentence that states something, with its proof.
    pub claims: Vec<Claim>,
    /// One citation per number of the delivered text, in order: what the claims under it rest on.
    pub citations: Vec<Citation>,
    /// What remains to be said, with the numbers in order of appearance.
    pub delivered_text: String,
    /// Sentences that were taken out.
    pub dropped: Vec<String>,
    /// Whether a promise without an action behind it was taken out.
    pub blocked: bool,
    /// Share of the sentences stating something that are proved; 1 where none states anything.
    pub groundedness: f64,
}

impl Verified {
    /// How much of the draft is proved.
    pub fn support(&self) -> Support {
        let proved = self.claims.iter().filter(|claim| claim.supported).count();
        match proved {
            0 => Support::None,
            _ if proved == self.claims.len() => Support::Full,
            _ => Support::Partial,
        }
    }
}

/// A sentence that stays, with the passage it rests on.
struct Kept {
    text: String,
    kind: UnitKind,
    block: usize,
    proof: Option<(usize, Span)>,
}

/// Checks every sentence of a draft against the passages in the prompt.
pub fn verify(draft: &str, passages: &[Passage], language: Option<&str>) -> Verified {
    let draft = MARKS_AFTER_STOP.replace_all(draft, "$marks$stop");
    let grounds = passages.iter().map(|passage| Ground::new(passage, language)).collect();
    let mut check = Check { grounds, language, verified: Verified::default(), kept: Vec::new() };
    for unit in sentences(&draft) {
        let (text, cited) = without_marks(unit.text(&draft));
        if !text.is_empty() {
            check.judge(&unit, text, &cited);
        }
    }
    let Check { mut verified, kept, .. } = check;
    deliver(&mut verified, &kept, passages);
    let proved = verified.claims.iter().filter(|claim| claim.supported).count();
    verified.groundedness = if verified.claims.is_empty() { 1.0 } else { share(proved, verified.claims.len()) };
    verified
}

struct Check<'a> {
    grounds: Vec<Ground<'a>>,
    language: Option<&'a str>,
    verified: Verified,
    kept: Vec<Kept>,
}

impl Check<'_> {
    fn judge(&mut self, unit: &Unit, text: String, cited: &[usize]) {
        let promise = promise(&text);
        let compared = Compared::new(&text, self.language);
        let keep = |proof| Kept { text: text.clone(), kind: unit.kind, block: unit.block, proof };
        if promise.is_none() && (compared.is_empty() || is_courtesy(&text)) {
            self.kept.push(keep(None));
            return;
        }
        let best = self.best(&compared, cited);
        let support = best.as_ref().map_or(0.0, |(_, span)| span.support);
        let allowed = match promise {
            Some(Promise::Own) => false,
            Some(Promise::Desk) => support >= SUPPORT_VERBATIM,
            None => true,
        };
        let supported = allowed && support >= SUPPORT_MIN && !reports_question(&text);
        self.verified.blocked |= !allowed;
        self.verified.claims.push(Claim { sentence: text.clone(), supported, support_score: support, citation: None });
        if supported {
            self.kept.push(keep(best));
        } else {
            self.verified.dropped.push(text);
        }
    }

    /// The best place in the cited passages, or in any where those do not prove it.
    fn best(&self, claim: &Compared, cited: &[usize]) -> Option<(usize, Span)> {
        let among = |wanted: &dyn Fn(&Ground<'_>) -> bool| {
            let mut best: Option<(usize, Span)> = None;
            for (position, ground) in self.grounds.iter().enumerate().filter(|(_, ground)| wanted(ground)) {
                let Some(span) = ground.align(claim) else { continue };
                if best.as_ref().is_none_or(|(_, known)| span.support > known.support) {
                    best = Some((position, span));
                }
            }
            best
        };
        let in_cited = among(&|ground| cited.contains(&ground.index()));
        match in_cited {
            Some((_, ref span)) if span.support >= SUPPORT_MIN => in_cited,
            _ => among(&|_| true),
        }
    }
}

/// Writes the text that remains, numbers the proofs and gives the claims their citations.
fn deliver(verified: &mut Verified, kept: &[Kept], passages: &[Passage]) {
    let mut numbers: Vec<usize> = Vec::new();
    let mut proved = verified.claims.iter_mut().filter(|claim| claim.supported);
    for (position, sentence) in kept.iter().enumerate() {
        let before = position.checked_sub(1).and_then(|before| kept.get(before));
        verified.delivered_text.push_str(before.map_or("", |before| separator(before, sentence)));
        verified.delivered_text.push_str(&sentence.text);
        let Some((at, span)) = &sentence.proof else { continue };
        let Some(passage) = passages.get(*at) else { continue };
        let number = numbers.iter().position(|known| known == at).unwrap_or(numbers.len()) + 1;
        if number > numbers.len() {
            numbers.push(*at);
        }
        let citation = passage.cite(number, span.range.clone());
        if let Some(citation) = &citation {
            widen(&mut verified.citations, citation, passage);
        }
        if let Some(claim) = proved.next() {
            claim.citation = citation;
        }
        if !goes_on(sentence, kept.get(position + 1)) && sentence.kind != UnitKind::Code {
            verified.delivered_text.push_str(" [");
            verified.delivered_text.push_str(&number.to_string());
            verified.delivered_text.push(']');
        }
    }
}

/// Whether the next sentence of the same block rests on the same passage: one mark serves both.
fn goes_on(sentence: &Kept, next: Option<&Kept>) -> bool {
    let passage = |kept: &Kept| kept.proof.as_ref().map(|(at, _)| *at);
    next.is_some_and(|next| {
        next.block == sentence.block && next.kind != UnitKind::Code && passage(next) == passage(sentence)
    })
}

/// Lets the citation of a number reach over everything that the number stands for.
fn widen(citations: &mut Vec<Citation>, citation: &Citation, passage: &Passage) {
    let Some(known) = citations.iter_mut().find(|known| known.index == citation.index) else {
        citations.push(citation.clone());
        return;
    };
    let start = known.start.min(citation.start) - passage.start_byte;
    let end = known.end.max(citation.end) - passage.start_byte;
    if let Some(wider) = passage.cite(known.index, start..end) {
        *known = wider;
    }
}

fn separator(before: &Kept, next: &Kept) -> &'static str {
    match (before.block == next.block, next.kind) {
        (false, _) => "\n\n",
        (true, UnitKind::Sentence) => " ",
        (true, _) => "\n",
    }
}

/// A sentence without its citation marks, and the numbers of these.
fn without_marks(text: &str) -> (String, Vec<usize>) {
    let cited = MARK
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .flat_map(|list| list.as_str().split(','))
        .filter_map(|number| number.trim().parse().ok())
        .collect();
    (MARK.replace_all(text, "").trim().to_owned(), cited)
}

/// Whether a sentence is polite and states nothing.
fn is_courtesy(text: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "hello",
        "hi ",
        "hi,",
        "hi!",
        "dear ",
        "thank",
        "thanks",
        "you're welcome",
        "sure",
        "of course",
        "great question",
        "i hope ",
        "let me know",
        "please let",
        "feel free",
        "is there anything",
        "can i help",
        "i'm sorry",
        "i am sorry",
        "sorry",
        "happy to help",
        "glad to help",
        "have a ",
        "would you like",
        "do you have any",
        "if you have any other",
        "if you have more",
        "here is what",
        "here's what",
        "here are the steps",
        "based on the",
        "guten tag",
        "hallo",
        "vielen dank",
        "danke",
        "gern",
        "ich hoffe",
        "bei weiteren fragen",
        "wenn sie weitere fragen",
        "tut mir leid",
        "es tut mir leid",
        "kann ich sonst",
        "bonjour",
        "merci",
        "n'hésitez pas",
        "j'espère",
        "désolé",
        "je suis désolé",
        "avec plaisir",
        "hola",
        "gracias",
        "espero que",
        "lo siento",
        "no dude",
        "no dudes",
        "si tiene más preguntas",
        "con gusto",
        "¿puedo ayudar",
        "puis-je vous aider",
    ];
    let lower = text.to_lowercase().replace('’', "'");
    let short = lower.split_whitespace().count() <= COURTESY_WORDS_MAX && !lower.chars().any(|c| c.is_ascii_digit());
    // A second clause could state something behind the courtesy.
    let single = ![", and ", ", but ", " because ", "; ", ": ", " — "].iter().any(|joint| lower.contains(joint));
    short && single && BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning))
}

#[expect(clippy::expect_used, reason = "the pattern is a constant and every test compiles it")]
static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[ \t]*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]").expect("the pattern is valid"));

/// Marks behind a full stop belong to the sentence before it.
#[expect(clippy::expect_used, reason = "the pattern is a constant and every test compiles it")]
static MARKS_AFTER_STOP: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?P<stop>[.!?…。！？]["”’)*_]*)(?P<marks>(?:[ \t]*\[\d{1,3}(?:\s*,\s*\d{1,3})*\])+)"#;
    Regex::new(pattern).expect("the pattern is valid")
});

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use crate::passage::fixtures::passage;
    use proptest::prelude::*;

    fn passages() -> Vec<Passage> {
        vec![
            passage(1, "Billing", "Intro words. Refunds take 14 days. Cards are accepted, cash is not accepted."),
            passage(
                2,
                "Cancel",
                "To cancel your subscription:\n\n1. Open Billing.\n2. Click Cancel subscription.\n\nWe will send you an email.",
            ),
        ]
    }

    fn check(draft: &str) -> Verified {
        verify(draft, &passages(), Some("en"))
    }

    #[test]
    fn claims_point_at_exact_bytes_and_numbers_follow_the_text() {
        let verified = check("Click Cancel subscription. [2] A refund takes 14 days. [1]");
        assert_eq!(verified.delivered_text, "Click Cancel subscription. [1] A refund takes 14 days. [2]");
        let citation = verified.claims[1].citation.as_ref().unwrap();
        assert_eq!(
            (citation.quote.as_str(), citation.start, citation.end, citation.index),
            ("Refunds take 14 days.", 113, 134, 2)
        );
        assert_eq!(verified.citations.iter().map(|c| c.title.as_str()).collect::<Vec<_>>(), ["Cancel", "Billing"]);
        assert!((verified.groundedness - 1.0).abs() < 1e-9 && !verified.blocked);
        assert_eq!(verified.support(), Support::Full);
    }

    #[test]
    fn what_no_passage_proves_is_dropped() {
        let verified = check("Refunds take 14 days [1]. Refunds take 30 days for students [1]. Cash is accepted [1].");
        assert_eq!(verified.delivered_text, "Refunds take 14 days. [1]");
        assert_eq!(verified.dropped, ["Refunds take 30 days for students.", "Cash is accepted."]);
        assert!((verified.groundedness - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(verified.support(), Support::Partial);
    }

    #[test]
    fn a_wrong_number_is_put_right_and_a_missing_one_found() {
        let verified = check("Refunds take 14 days [2]. Open Billing.");
        assert_eq!(
            verified.claims.iter().map(|c| c.citation.as_ref().unwrap().title.as_str()).collect::<Vec<_>>(),
            ["Billing", "Cancel"]
        );
        assert_eq!(verified.delivered_text, "Refunds take 14 days. [1] Open Billing. [2]");
    }

    #[test]
    fn lists_keep_their_lines_and_one_mark() {
        let verified =
            check("To cancel your subscription: [2]\n\n1. Open Billing. [2]\n2. Click Cancel subscription. [2]");
        assert_eq!(
            verified.delivered_text,
            "To cancel your subscription: [1]\n\n1. Open Billing.\n2. Click Cancel subscription. [1]"
        );
        assert_eq!(verified.citations.len(), 1);
        let whole = &passages()[1];
        let cited = &verified.citations[0];
        assert_eq!(whole.text.get(cited.start - 100..cited.end - 100), Some(cited.quote.as_str()));
    }

    #[test]
    fn courtesies_pass_unclaimed() {
        let verified = check("Hello! Refunds take 14 days [1]. Let me know if you need more.");
        assert_eq!(verified.delivered_text, "Hello! Refunds take 14 days. [1] Let me know if you need more.");
        assert_eq!(verified.claims.len(), 1);
        assert_eq!(check("Hello, and refunds take 3 days.").dropped.len(), 1);
    }

    #[test]
    fn promises_are_blocked_unless_the_desk_publishes_them() {
        for (draft, blocked) in [
            ("I have cancelled your subscription [2].", true),
            ("We will call you tomorrow.", true),
            ("I've refunded the payment. Refunds take 14 days [1].", true),
            ("We will send you an email. [2]", false),
            ("Refunds take 14 days [1].", false),
        ] {
            assert_eq!(check(draft).blocked, blocked, "{draft}");
        }
    }

    #[test]
    fn telling_the_question_is_no_answer() {
        assert_eq!(check("You asked: refunds take 14 days [1].").support(), Support::None);
    }

    #[test]
    fn nothing_said_is_nothing_proved() {
        let verified = check("");
        assert_eq!((verified.support(), verified.delivered_text.as_str()), (Support::None, ""));
        assert_eq!(verify("Refunds take 14 days.", &[], None).support(), Support::None);
    }

    proptest! {
        #[test]
        fn every_citation_quotes_its_bytes(draft in "(?s)([a-zA-Z.!? \\[\\]0-9\n-]|\\PC){0,120}", text in "(?s)([a-zA-Z.!? \n|#-]|\\PC){0,120}") {
            let mut source = passage(1, "T", &format!("{text} {draft}"));
            source.start_byte = 7;
            let document = format!("1234567{}", source.text);
            let verified = verify(&draft, &[source], None);
            for citation in verified.citations.iter().chain(verified.claims.iter().filter_map(|claim| claim.citation.as_ref())) {
                prop_assert_eq!(document.get(citation.start..citation.end), Some(citation.quote.as_str()));
            }
        }
    }
}

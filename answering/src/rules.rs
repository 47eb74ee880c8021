//! The desk's own rules of when a person takes over, and what customers say to the offer of one.

use crate::texts::{is_announcement, is_offer};
use crate::words::{content_stems, share};
use domain::handoff::HandoffReason;
use domain::staffing::{AiHours, HandoffRules, Hours, Staffing};
use domain::trace::PromptMessage;
use regex::{Regex, RegexSet};
use std::sync::LazyLock;

/// A message shares so much of its words with an earlier one where it says the same again.
const SAME_SHARE_MIN: f64 = 0.8;
/// Words that the answer to an offer has at most.
const ACCEPTING_WORDS_MAX: usize = 6;
/// A message with so many capitals, and hardly anything else, is shouted.
const SHOUTED_CAPITALS_MIN: usize = 12;

/// What a rule is held against.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    /// What the customer wrote.
    pub(crate) text: &'a str,
    /// What was said before, oldest first.
    pub(crate) history: &'a [PromptMessage],
    /// Its language, ISO 639-1.
    pub(crate) language: Option<&'a str>,
    /// Who is there.
    pub(crate) staffing: Staffing,
}

/// A rule that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) reason: HandoffReason,
    /// What an agent needs to take it.
    pub(crate) skill: Option<String>,
}

/// The first rule that fits.
pub(crate) fn hit(rules: &HandoffRules, said: Said<'_>) -> Option<Hit> {
    let hit = |reason| Some(Hit { reason, skill: None });
    let lower = said.text.to_lowercase();
    if let Some(rule) = rules.topics.iter().find(|rule| rule.words.iter().any(|word| names(&lower, word))) {
        return Some(Hit { reason: HandoffReason::PolicyRestriction, skill: rule.skill.clone() });
    }
    match (rules.ai_hours, said.staffing.hours) {
        (AiHours::Open, Hours::Closed) => return hit(HandoffReason::OutOfHours),
        (AiHours::Closed, Hours::Open) => return hit(HandoffReason::PolicyRestriction),
        (AiHours::Always | AiHours::Open, Hours::Open) | (AiHours::Always | AiHours::Closed, Hours::Closed) => {}
    }
    if said.language.is_some_and(|code| rules.languages.iter().any(|own| own.eq_ignore_ascii_case(code))) {
        return hit(HandoffReason::PolicyRestriction);
    }
    if rules.angry && is_angry(said.text) {
        return hit(HandoffReason::PolicyRestriction);
    }
    let failed = rules.failed_turns.is_some_and(|max| max > 0 && failed_turns(said) >= max);
    if failed { hit(HandoffReason::RepeatedFailure) } else { None }
}

/// Whether the text, in lowercase, holds the words as words of their own.
fn names(lower: &str, words: &str) -> bool {
    let words = words.trim().to_lowercase();
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    // Without spaces between words there are no borders to look at.
    let has_borders = words.chars().all(|c| u32::from(c) < 0x2e80);
    !words.is_empty()
        && lower.match_indices(&words).any(|(at, found)| {
            let (before, after) = (lower.get(..at), lower.get(at + found.len()..));
            let inside = is_letter(before.and_then(|text| text.chars().next_back()))
                || is_letter(after.and_then(|text| text.chars().next()));
            !has_borders || !inside
        })
}

/// How many answers in a row did not help, the present message's word on the last one included.
fn failed_turns(said: Said<'_>) -> u32 {
    let mut failed = 0;
    let mut word = said.text;
    let mut before = said.history.iter().rev().peekable();
    while let Some(answer) = before.next() {
        if answer.role != "assistant" || is_announcement(&answer.content) {
            break;
        }
        let asked = before.find(|message| message.role == "user");
        let says_it_again = asked.is_some_and(|asked| is_same(word, &asked.content, said.language));
        if !REJECTS.is_match(&plain(word)) && !says_it_again {
            break;
        }
        failed += 1;
        let Some(asked) = asked else { break };
        word = &asked.content;
    }
    failed
}

fn is_same(said: &str, before: &str, language: Option<&str>) -> bool {
    let (now, then) = (content_stems(said, language), content_stems(before, language));
    let shared = now.iter().filter(|stem| then.contains(stem)).count();
    now.len() >= 2 && share(shared, now.len().max(then.len())) >= SAME_SHARE_MIN
}

/// Whether the customer is angry: by words, or by shouting.
fn is_angry(text: &str) -> bool {
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    let small = text.chars().filter(|c| c.is_lowercase()).count();
    let is_shouted = capitals >= SHOUTED_CAPITALS_MIN && small * 4 <= capitals;
    is_shouted || ANGER.is_match(&plain(text))
}

/// Whether the desk's last word was the offer of a person.
pub(crate) fn was_offered(history: &[PromptMessage]) -> bool {
    last_of_desk(history).is_some_and(is_offer)
}

/// Whether the desk's last word was that a person will take over.
pub(crate) fn was_announced(history: &[PromptMessage]) -> bool {
    last_of_desk(history).is_some_and(is_announcement)
}

fn last_of_desk(history: &[PromptMessage]) -> Option<&str> {
    history.iter().rfind(|message| message.role == "assistant").map(|message| message.content.as_str())
}

/// Whether a short message says yes.
pub(crate) fn accepts(text: &str) -> bool {
    let text = plain(text);
    text.split(' ').count() <= ACCEPTING_WORDS_MAX && YES.is_match(&text)
}

/// Whether a message says no and nothing else.
pub(crate) fn declines(text: &str) -> bool {
    NO.is_match(&plain(text))
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace('’', "'").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[expect(clippy::expect_used, reason = "the pattern is a constant and every test compiles it")]
static YES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(?:yes|yeah|yep|sure|ok|okay|please(?: do)?|go ahead|ja|gerne|bitte|oui|volontiers|d'accord|sí|si|claro|vale|sì|certo|sim|por favor|graag|tak|proszę|poproszę|evet|olur|lütfen|نعم|أجل|من فضلك|да|конечно|пожалуйста)(?:[ ,.!]|$)|(?:好|好的|是|是的|可以|需要|请|嗯|はい|お願い|ええ))",
    )
    .expect("the pattern is valid")
});

#[expect(clippy::expect_used, reason = "the pattern is a constant and every test compiles it")]
static NO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(?:no|nope|nah|not now|not yet|nein|non|não|nee|nie|hayır|لا|нет|не надо|не нужно)(?:[ ,.!]+(?:thanks|thank you|thx|need|that's fine|not now|danke|danke schön|nicht nötig|merci|pas la peine|gracias|grazie|obrigad[oa]|bedankt|dank je|dank u|dziękuję|teşekkürler|شكرا|شكرًا|спасибо))?|不|不用|不用了|不需要|不必|不，谢谢|いいえ|いいえ、?結構です|結構です)[ ,.!。]*$",
    )
    .expect("the pattern is valid")
});

#[expect(clippy::expect_used, reason = "the patterns are constants and every test compiles them")]
static REJECTS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"\b(?:that|this|it)(?:'s| is| was)? (?:did not|didn't|does not|doesn't|not) (?:help|work|answer|solve|what i|the answer|my question|right|correct|true)",
        r"\b(?:not|isn't|wasn't) (?:what i (?:asked|meant|want)|helpful|an answer|my question)|\b(?:wrong|useless) answer\b|\byou (?:don't|didn't|do not|did not) (?:understand|answer|get it|read)",
        r"\bstill (?:not|doesn't|does not|don't|broken|the same|nothing)\b|\b(?:already|just) (?:tried|did|said|told)\b",
        r"\b(?:das )?(?:hilft|half) (?:mir )?(?:nicht|nichts)|\bfunktioniert (?:immer noch )?nicht|\bimmer noch nicht\b|\bfalsche antwort\b|\bnicht (?:meine frage|was ich)",
        r"\b(?:ça|cela) ne (?:m'aide|marche|fonctionne|répond) pas|\btoujours pas\b|\bmauvaise réponse\b|\bpas (?:ma question|ce que je)",
        r"\bno (?:me )?(?:ayuda|sirve|funciona|responde)|\b(?:sigue sin|todavía no)\b|\bno es (?:lo que|mi pregunta)",
        r"\bnon (?:mi )?(?:aiuta|funziona|risponde)|\bancora non\b|\bnon è (?:quello che|la mia domanda)",
        r"\bnão (?:ajuda|ajudou|funciona|responde|resolveu)|\bainda não\b|\bnão é (?:o que|a minha)",
        r"\b(?:dat|dit) (?:helpt|werkt) (?:me )?niet|\bnog steeds niet\b|\bniet mijn vraag\b",
        r"\b(?:to )?nie (?:pomaga|pomogło|działa)|\bnadal nie\b|\bişe yaramadı\b|\bçalışmıyor\b|\bhâlâ\b",
        r"не (?:помогло|помогает|работает)|всё ещё не|لم يساعد|لا يعمل|没用|沒用|不行|还是不|没有帮助|役に立た|まだ(?:動|でき)|違います",
    ])
    .expect("the patterns are valid")
});

#[expect(clippy::expect_used, reason = "the patterns are constants and every test compiles them")]
static ANGER: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"\b(?:ridiculous|unacceptable|outrageous|scam|fraud|furious|disgusting|disgrace|pathetic|worst|fed up|sick of|angry|lawyer|sue you|wtf|bullshit|damn|fuck\w*|shit\w*)\b|!!!",
        r"\b(?:unverschämt\w*|frechheit|betrug|betrüger|abzocke|inakzeptabel|sauerei|wütend|anwalt|verarsch\w*|scheiß\w*|scheiss\w*)\b",
        r"\b(?:inacceptable|scandaleux|arnaque|honteux|furieux|furieuse|avocat|marre|merde)\b",
        r"\b(?:inaceptable|vergüenza|estafa|furioso|furiosa|indignad[oa]|abogado|harto|harta|mierda)\b",
        r"\b(?:inaccettabile|vergogna|truffa|furios[oa]|avvocato|schifo|merda)\b|\b(?:inaceitável|vergonha|golpe|furios[oa]|advogado|merda)\b",
        r"\b(?:onacceptabel|schandalig|oplichting|woedend|advocaat|klote)\b|\b(?:skandal|oszustwo|nie do przyjęcia|wściek\w+|prawnik\w*|kurwa)\b",
        r"\b(?:rezalet|dolandırıcı\w*|kabul edilemez|avukat\w*)\b|(?:безобразие|мошенн|возмутительн|адвокат|суд подам)|(?:احتيال|غير مقبول|فضيحة|محامي)|(?:骗子|垃圾|投诉|太差|律师)|(?:ふざけ|最悪|詐欺|弁護士)",
    ])
    .expect("the patterns are valid")
});

#[cfg(test)]
mod tests {
    use super::*;
    use domain::staffing::{People, TopicRule};

    fn said<'a>(text: &'a str, history: &'a [PromptMessage]) -> Said<'a> {
        Said { text, history, language: Some("en"), staffing: Staffing::default() }
    }

    fn talk(turns: &[(&str, &str)]) -> Vec<PromptMessage> {
        turns
            .iter()
            .map(|(role, content)| PromptMessage { role: (*role).to_owned(), content: (*content).to_owned() })
            .collect()
    }

    #[test]
    fn each_rule_has_its_reason_and_nothing_fits_without_rules() {
        use HandoffReason as Reason;
        let topics = vec![TopicRule {
            words: vec!["chargeback".to_owned(), "legal advice".to_owned()],
            skill: Some("billing".to_owned()),
        }];
        let rules = HandoffRules {
            topics,
            languages: vec!["fr".to_owned()],
            angry: true,
            failed_turns: Some(2),
            ..Default::default()
        };
        let text = "I want a Chargeback, now";
        assert_eq!(hit(&HandoffRules::default(), said(text, &[])), None);
        assert_eq!(
            hit(&rules, said(text, &[])),
            Some(Hit { reason: Reason::PolicyRestriction, skill: Some("billing".to_owned()) })
        );
        assert_eq!(hit(&rules, said("are chargebacks fine?", &[])), None, "parts of words do not count");
        let french = Said { language: Some("fr"), ..said("bonjour", &[]) };
        assert_eq!(hit(&rules, french).unwrap().reason, Reason::PolicyRestriction);
        assert_eq!(hit(&rules, said("THIS IS NOT ACCEPTABLE AT ALL", &[])).unwrap().reason, Reason::PolicyRestriction);
        assert_eq!(hit(&rules, said("This is ridiculous", &[])).unwrap().reason, Reason::PolicyRestriction);
        let closed = Staffing { hours: Hours::Closed, people: People::Away, contact_known: false };
        for (ai_hours, staffing, expected) in [
            (AiHours::Open, closed, Some(Reason::OutOfHours)),
            (AiHours::Open, Staffing::default(), None),
            (AiHours::Closed, closed, None),
            (AiHours::Closed, Staffing::default(), Some(Reason::PolicyRestriction)),
        ] {
            let rules = HandoffRules { ai_hours, ..HandoffRules::default() };
            let found = hit(&rules, Said { staffing, ..said("hi", &[]) });
            assert_eq!(found.map(|hit| hit.reason), expected, "{ai_hours:?}");
        }
    }

    #[test]
    fn answers_that_did_not_help_are_counted_back_to_the_last_handoff() {
        let history = talk(&[
            ("user", "How do I reset my password?"),
            ("assistant", "Click reset."),
            ("user", "That didn't help"),
            ("assistant", "Click reset again."),
        ]);
        assert_eq!(failed_turns(said("still not working", &history)), 2);
        assert_eq!(failed_turns(said("thanks, it works", &history)), 0);
        let again = talk(&[("user", "How do I reset my password?"), ("assistant", "Click reset.")]);
        assert_eq!(failed_turns(said("how do I reset my password??", &again)), 1, "the same question again");
        let handed = talk(&[
            ("user", "How do I reset my password?"),
            ("assistant", "I'm passing this conversation to a colleague, who will answer you here."),
        ]);
        assert_eq!(failed_turns(said("that didn't help", &handed)), 0, "what was before a handoff does not count");
    }

    #[test]
    fn yes_is_understood_in_thirteen_languages_and_only_where_it_is_short() {
        for text in [
            "Yes please",
            "ok",
            "Ja, gerne",
            "oui",
            "Sí, por favor",
            "sì",
            "sim",
            "ja graag",
            "tak",
            "evet",
            "نعم",
            "да",
            "好的",
            "はい",
        ] {
            assert!(accepts(text), "{text}");
        }
        for text in ["no", "nein danke", "yes I read that but how do I reset the password?", "yesterday", "how?"] {
            assert!(!accepts(text), "{text}");
        }
    }
}

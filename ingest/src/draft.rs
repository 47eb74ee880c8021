//! Drafts articles and questions with answers from a document by rules alone: from its headings, question-
//! shaped headings and definition lists. Each sentence of a draft is the document's own, and linked to it.

use crate::compose::{Composer, Linked};
use crate::definitions::definitions;
use crate::sections::{Section, below, sections};
use domain::suggestion::ArticleKind;
use std::collections::HashSet;
use std::ops::Range;

/// What these rules are called where it matters who wrote a text; counted up with every change of them.
pub const GENERATOR: &str = "rules 1";
/// Words of an article; a longer document is cut along its top headings.
const ARTICLE_WORDS_MAX: usize = 1_200;
/// Words below which a part of a long document joins its neighbour.
const PART_WORDS_MIN: usize = 120;
/// Words of sentences below which a text is no article.
const ARTICLE_WORDS_MIN: usize = 15;
/// Words of an answer; longer ones stay in their article.
const ANSWER_WORDS_MAX: usize = 400;
/// Words of an answer at least.
const ANSWER_WORDS_MIN: usize = 2;
/// Words from which a question is understood without the page around it.
const QUESTION_WORDS_MIN: usize = 7;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 300;
/// Characters of a heading that a key holds.
const SLUG_CHARS_MAX: usize = 80;
/// Drafts of one document.
const DRAFTS_MAX: usize = 300;

/// What is drafted from.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// What stays the same when the document changes: begins the key of every draft.
    pub key: &'a str,
    /// The document's title.
    pub title: &'a str,
    /// Its text, as Markdown.
    pub text: &'a str,
}

/// A text that was drafted.
#[derive(Clone, Debug, PartialEq)]
pub struct Drafted {
    /// Which part of the document it is drafted from; the same when that is drafted again.
    pub key: String,
    /// What kind of article it is.
    pub kind: ArticleKind,
    /// Its title.
    pub title: String,
    /// Share of the title's words that the document has, 0 to 1.
    pub title_support: f64,
    /// Its text with the places of its sentences.
    pub linked: Linked,
}

/// Drafts what a document has to say.
pub fn draft(material: &Material<'_>) -> Vec<Drafted> {
    let sections = sections(material.text);
    let mut page = Page { material, sections: &sections, taken: vec![false; sections.len()], drafts: Vec::new() };
    page.leave_out_navigation();
    page.take_questions();
    let without = page.take_definitions();
    page.take_articles(&without);
    let mut keys = HashSet::new();
    for draft in &mut page.drafts {
        let first = draft.key.clone();
        let mut count = 1;
        while !keys.insert(draft.key.clone()) {
            count += 1;
            draft.key = format!("{first}-{count}");
        }
    }
    page.drafts.truncate(DRAFTS_MAX);
    page.drafts
}

struct Page<'a> {
    material: &'a Material<'a>,
    sections: &'a [Section],
    /// Sections that are in a draft already, or in none.
    taken: Vec<bool>,
    drafts: Vec<Drafted>,
}

impl Page<'_> {
    fn take(&mut self, range: Range<usize>) {
        self.taken.iter_mut().take(range.end).skip(range.start).for_each(|taken| *taken = true);
    }

    fn is_taken(&self, index: usize) -> bool {
        self.taken.get(index).copied().unwrap_or(true)
    }

    /// The sections that are left, with their places.
    fn left(&self) -> Vec<(usize, &Section)> {
        self.sections.iter().enumerate().filter(|(index, _)| !self.is_taken(*index)).collect()
    }

    /// What only leads elsewhere is in no draft.
    fn leave_out_navigation(&mut self) {
        for (index, section) in self.sections.iter().enumerate() {
            let words = plain(&section.heading);
            if NAVIGATION.contains(&words.as_str()) {
                self.take(index..below(self.sections, index).end);
            }
        }
    }

    fn is_title(&self, section: &Section) -> bool {
        section.level == 1 && plain(&section.heading) == plain(self.material.title)
    }

    fn take_questions(&mut self) {
        let headed: Vec<usize> = self
            .left()
            .into_iter()
            .filter(|(_, section)| section.level > 0 && !self.is_title(section))
            .map(|(index, _)| index)
            .collect();
        let asked: Vec<usize> = headed
            .iter()
            .copied()
            .filter(|index| self.sections.get(*index).is_some_and(|section| is_question(&section.heading)))
            .collect();
        let is_faq =
            says_faq(self.material.title) && !asked.is_empty() || asked.len() >= 2 && asked.len() * 2 >= headed.len();
        for index in asked {
            let Some(section) = self.sections.get(index).filter(|_| !self.is_taken(index)) else { continue };
            let inside = self
                .sections
                .iter()
                .enumerate()
                .any(|(above, section)| says_faq(&section.heading) && below(self.sections, above).contains(&index));
            if !is_faq && !inside && !stands_alone(&section.heading, self.material.title) {
                continue;
            }
            let title = question(&section.heading);
            let range = index..below(self.sections, index).end;
            let linked = self.compose(range.clone(), true);
            if (ANSWER_WORDS_MIN..=ANSWER_WORDS_MAX).contains(&linked.words) {
                self.take(range);
                let key = self.key(Some(&section.heading));
                self.push(key, ArticleKind::Faq, title, linked);
            }
        }
    }

    /// Takes the lists of terms that make up their section; the bytes that are in a draft then.
    fn take_definitions(&mut self) -> Vec<Range<usize>> {
        let mut without = Vec::new();
        for index in 0..self.sections.len() {
            let Some(section) = self.sections.get(index).filter(|_| !self.is_taken(index)) else { continue };
            let found = definitions(self.material.text, section.content.clone());
            for (term, description) in &found {
                let mut composer = Composer::new(self.material.text);
                composer.outdented(description.clone());
                let key = self.key(Some(term));
                self.push(key, ArticleKind::Faq, term.clone(), composer.finish());
            }
            if !found.is_empty() {
                without.push(section.content.clone());
            }
        }
        without
    }

    fn take_articles(&mut self, without: &[Range<usize>]) {
        let left: Vec<usize> = self
            .left()
            .into_iter()
            .filter(|(_, section)| !without.contains(&section.content))
            .map(|(index, _)| index)
            .collect();
        let words: usize = left.iter().map(|index| self.words(*index)).sum();
        if words <= ARTICLE_WORDS_MAX {
            let key = self.key(None);
            let linked = self.compose_of(&left, None);
            self.push_article(key, self.material.title.to_owned(), linked);
            return;
        }
        for part in self.parts(&left) {
            // What begins with a heading is called by it, unless that is the page's own.
            let first = part.first().and_then(|index| self.sections.get(*index));
            let heading = first.filter(|section| section.level > 0 && !self.is_title(section));
            let title = match heading {
                Some(section) => format!("{}: {}", self.material.title, section.heading),
                None => self.material.title.to_owned(),
            };
            let key = self.key(heading.map(|section| section.heading.as_str()));
            let linked = self.compose_of(&part, heading.and(part.first().copied()));
            self.push_article(key, title, linked);
        }
    }

    /// A long page in parts: along its top headings, small neighbours joined.
    fn parts(&self, left: &[usize]) -> Vec<Vec<usize>> {
        let level = |index: usize| {
            self.sections.get(index).filter(|section| !self.is_title(section)).map_or(0, |section| section.level)
        };
        let count = |wanted: usize| left.iter().filter(|index| level(**index) == wanted).count();
        let top = (1..=6).find(|wanted| count(*wanted) >= 2).unwrap_or(6);
        let mut parts: Vec<(usize, Vec<usize>)> = Vec::new();
        for index in left {
            let begins = (1..=top).contains(&level(*index));
            match parts.last_mut() {
                Some((words, part)) if !begins || *words < PART_WORDS_MIN => {
                    *words += self.words(*index);
                    part.push(*index);
                }
                _ => parts.push((self.words(*index), vec![*index])),
            }
        }
        parts.into_iter().map(|(_, part)| part).collect()
    }

    fn words(&self, index: usize) -> usize {
        let content = self.sections.get(index).and_then(|section| self.material.text.get(section.content.clone()));
        content.map_or(0, |content| content.split_whitespace().count())
    }

    /// The sections of a range that are left, without the heading of the first where the title says it.
    fn compose(&self, range: Range<usize>, without_heading: bool) -> Linked {
        let wanted: Vec<usize> = range.clone().filter(|index| !self.is_taken(*index)).collect();
        self.compose_of(&wanted, without_heading.then_some(range.start))
    }

    fn compose_of(&self, wanted: &[usize], untitled: Option<usize>) -> Linked {
        let shown = |index: &usize| {
            Some(*index) != untitled
                && self.sections.get(*index).is_some_and(|section| section.level > 0 && !self.is_title(section))
        };
        let top = wanted
            .iter()
            .filter(|index| shown(index))
            .filter_map(|index| self.sections.get(*index))
            .map(|section| section.level)
            .min();
        let mut composer = Composer::new(self.material.text);
        for index in wanted {
            let Some(section) = self.sections.get(*index) else { continue };
            if shown(index) {
                // The title of the article is its only heading of the first level.
                composer.heading(2 + section.level - top.unwrap_or(section.level), &section.heading);
            }
            composer.content(section.content.clone());
        }
        composer.finish()
    }

    fn key(&self, heading: Option<&str>) -> String {
        match heading.map(slug) {
            Some(slug) => format!("{}#{slug}", self.material.key),
            None => self.material.key.to_owned(),
        }
    }

    fn push_article(&mut self, key: String, title: String, linked: Linked) {
        if linked.sentence_words >= ARTICLE_WORDS_MIN {
            self.push(key, ArticleKind::Article, title, linked);
        }
    }

    fn push(&mut self, key: String, kind: ArticleKind, title: String, linked: Linked) {
        let title: String = title.trim().chars().take(TITLE_CHARS_MAX).collect();
        if !title.is_empty() && !linked.body.is_empty() {
            self.drafts.push(Drafted { key, kind, title, title_support: 1.0, linked });
        }
    }
}

/// Whether a heading asks something.
fn is_question(heading: &str) -> bool {
    heading.trim_end().ends_with(['?', '？', '؟'])
}

/// The question without its number.
fn question(heading: &str) -> String {
    let bare = heading.trim_start_matches(|c: char| c.is_ascii_digit());
    let bare = if bare.len() < heading.len() { bare.trim_start_matches(['.', ')', ':']).trim_start() } else { heading };
    let bare = bare.strip_prefix("Q:").unwrap_or(bare).trim();
    if bare.is_empty() { heading.to_owned() } else { bare.to_owned() }
}

/// Whether a title says that questions follow.
fn says_faq(title: &str) -> bool {
    let title = title.to_lowercase();
    title.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "faq" | "faqs"))
        || [
            "frequently asked",
            "common questions",
            "häufige fragen",
            "häufig gestellte fragen",
            "questions fréquentes",
            "foire aux questions",
            "preguntas frecuentes",
            "domande frequenti",
            "perguntas frequentes",
            "veelgestelde vragen",
        ]
        .iter()
        .any(|words| title.contains(words))
}

/// Whether a question of a page that is about something is understood by itself. What asks the reader
/// to check something is a step of the page.
fn stands_alone(heading: &str, title: &str) -> bool {
    let heading = heading.to_lowercase();
    const CHECKS: [&str; 12] = [
        "have you",
        "did you",
        "are you",
        "do you",
        "is your",
        "is the",
        "does the",
        "does your",
        "want to",
        "need ",
        "ready ",
        "still ",
    ];
    if CHECKS.iter().any(|check| heading.starts_with(check)) {
        return false;
    }
    let words: Vec<&str> = heading.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let title = title.to_lowercase();
    let about = |word: &&&str| {
        word.chars().count() >= 4
            && title
                .split(|c: char| !c.is_alphanumeric())
                .any(|known| known.chars().count() >= 4 && (known.starts_with(**word) || word.starts_with(known)))
    };
    words.len() >= QUESTION_WORDS_MIN || words.len() >= 3 && words.iter().any(|word| about(&word))
}

fn plain(heading: &str) -> String {
    let words = heading.to_lowercase().replace('’', "'");
    words.trim_matches(|c: char| !c.is_alphanumeric()).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn slug(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(SLUG_CHARS_MAX).collect()
}

/// Headings of sections that only lead elsewhere.
const NAVIGATION: [&str; 40] = [
    "what's next",
    "next",
    "next step",
    "next steps",
    "see also",
    "related",
    "related articles",
    "related pages",
    "related links",
    "related topics",
    "related content",
    "related guides",
    "further reading",
    "read more",
    "learn more",
    "more resources",
    "additional resources",
    "on this page",
    "in this article",
    "table of contents",
    "contents",
    "was this helpful",
    "was this page helpful",
    "was this article helpful",
    "still need help",
    "need more help",
    "share this article",
    "siehe auch",
    "nächste schritte",
    "weiterführende links",
    "verwandte artikel",
    "auf dieser seite",
    "voir aussi",
    "prochaines étapes",
    "articles associés",
    "véase también",
    "próximos pasos",
    "zie ook",
    "vedi anche",
    "veja também",
];

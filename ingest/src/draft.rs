//! Drafts articles and questions with answers from a document by rules alone: from its headings, question-
//! shaped headings and definition lists. Each sentence of a draft is the document's own, and linked to it.

use crate::compose::{Composer, Linked};
use crate::definitions::definitions;
use crate::headings::{is_check, is_navigation, is_question, plain, question, says_faq, slug, stands_alone};
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
/// Top headings that the title of a part names.
const PART_HEADS_NAMED_MAX: usize = 3;
/// Words of sentences below which a text is no article.
const ARTICLE_WORDS_MIN: usize = 15;
/// Words of an answer; longer ones stay in their article.
const ANSWER_WORDS_MAX: usize = 400;
/// Words of an answer at least.
const ANSWER_WORDS_MIN: usize = 2;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 300;
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
            if is_navigation(&section.heading) {
                self.take(index..below(self.sections, index).end);
            }
        }
    }

    fn is_title(&self, section: &Section) -> bool {
        section.level == 1 && plain(&section.heading) == plain(self.material.title)
    }

    fn take_questions(&mut self) {
        let headed: Vec<(usize, &Section)> =
            self.left().into_iter().filter(|(_, section)| section.level > 0 && !self.is_title(section)).collect();
        let asked: Vec<usize> =
            headed.iter().filter(|(_, section)| is_question(&section.heading)).map(|(index, _)| *index).collect();
        let wondered =
            headed.iter().filter(|(_, section)| is_question(&section.heading) && !is_check(&section.heading));
        let wondered = wondered.count();
        let is_faq = says_faq(self.material.title) || wondered >= 2 && wondered * 2 >= headed.len();
        for index in asked {
            let Some(section) = self.sections.get(index).filter(|_| !self.is_taken(index)) else { continue };
            let inside = self
                .sections
                .iter()
                .enumerate()
                .any(|(above, section)| says_faq(&section.heading) && below(self.sections, above).contains(&index));
            // What asks the reader to check something is a question of a customer only among questions.
            if is_check(&section.heading) && !inside && !says_faq(self.material.title) {
                continue;
            }
            if !is_faq && !inside && !stands_alone(&section.heading, self.material.title) {
                continue;
            }
            let title = question(&section.heading);
            let range = index..below(self.sections, index).end;
            let linked = self.compose(range.clone(), true);
            if (ANSWER_WORDS_MIN..=ANSWER_WORDS_MAX).contains(&linked.words) {
                self.take(range);
                let key = self.key(Some(&section.heading));
                self.push(key, ArticleKind::Faq, &title, linked);
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
                self.push(key, ArticleKind::Faq, term, composer.finish());
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
            self.push_article(key, self.material.title, linked);
            return;
        }
        for part in self.parts(&left) {
            let heads: Vec<&str> = part
                .heads
                .iter()
                .filter_map(|head| self.sections.get(*head))
                .map(|head| head.heading.as_str())
                .collect();
            // What begins with headings is called by them, unless these are too many to say.
            let begins_with_head = part.sections.first().is_some_and(|first| part.heads.first() == Some(first));
            let title = match heads.as_slice() {
                named @ [_, ..] if begins_with_head && named.len() <= PART_HEADS_NAMED_MAX => {
                    format!("{}: {}", self.material.title, named.join(", "))
                }
                [first, ..] if begins_with_head => format!("{}: {first} and more", self.material.title),
                _ => self.material.title.to_owned(),
            };
            let key = self.key(heads.first().copied().filter(|_| begins_with_head));
            let untitled = part.heads.first().copied().filter(|_| begins_with_head && heads.len() == 1);
            let linked = self.compose_of(&part.sections, untitled);
            self.push_article(key, &title, linked);
        }
    }

    /// A long page in parts: along its top headings, small neighbours joined.
    fn parts(&self, left: &[usize]) -> Vec<Part> {
        let level = |index: usize| {
            self.sections.get(index).filter(|section| !self.is_title(section)).map_or(0, |section| section.level)
        };
        let count = |wanted: usize| left.iter().filter(|index| level(**index) == wanted).count();
        let top = (1..=6).find(|wanted| count(*wanted) >= 2).unwrap_or(6);
        let mut parts: Vec<Part> = Vec::new();
        for index in left.iter().copied() {
            let is_head = (1..=top).contains(&level(index));
            if !parts.last().is_some_and(|part| !is_head || part.words < PART_WORDS_MIN) {
                parts.push(Part::default());
            }
            if let Some(part) = parts.last_mut() {
                part.words += self.words(index);
                part.sections.push(index);
                part.heads.extend(is_head.then_some(index));
            }
        }
        parts
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

    fn push_article(&mut self, key: String, title: &str, linked: Linked) {
        if linked.sentence_words >= ARTICLE_WORDS_MIN {
            self.push(key, ArticleKind::Article, title, linked);
        }
    }

    fn push(&mut self, key: String, kind: ArticleKind, title: &str, linked: Linked) {
        let title: String = title.trim().chars().take(TITLE_CHARS_MAX).collect();
        if !title.is_empty() && !linked.body.is_empty() {
            self.drafts.push(Drafted { key, kind, title, title_support: 1.0, linked });
        }
    }
}

/// A part of a long page.
#[derive(Default)]
struct Part {
    words: usize,
    sections: Vec<usize>,
    /// Those of its sections that have a top heading.
    heads: Vec<usize>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests fail by panicking")]
    use super::*;
    use ArticleKind::{Article, Faq};
    use proptest::prelude::*;

    fn drafts(title: &str, text: &str) -> Vec<Drafted> {
        draft(&Material { key: "page", title, text })
    }

    fn titles(title: &str, text: &str) -> Vec<(ArticleKind, String, String)> {
        drafts(title, text).into_iter().map(|draft| (draft.kind, draft.title, draft.key)).collect()
    }

    fn row(kind: ArticleKind, title: &str, key: &str) -> (ArticleKind, String, String) {
        (kind, title.to_owned(), key.to_owned())
    }

    const WORDS: &str = "Open your account and choose the plan that you want to have from the next month on, then press save to keep it.";

    #[test]
    fn a_page_is_one_article_without_what_only_leads_elsewhere() {
        let text = format!(
            "# Change plan\n\n{WORDS}\n\n### Limits\n\nA plan has limits.\n\n## What’s next?\n\n- Invoices\n\n### Deeper\n\nx\n"
        );
        let found = drafts("Change plan", &text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].title.as_str(), found[0].key.as_str()), ("Change plan", "page"));
        assert_eq!(found[0].linked.body, format!("{WORDS}\n\n## Limits\n\nA plan has limits."));
        let places: Vec<&str> =
            found[0].linked.sentences.iter().map(|placed| &text[placed.place.clone().unwrap()]).collect();
        assert_eq!(places, [WORDS, "A plan has limits."]);
    }

    #[test]
    fn a_page_of_questions_becomes_questions_and_what_is_left_an_article() {
        let text = format!(
            "# Billing FAQ\n\n{WORDS}\n\n## 1. How long do refunds take?\n\nFive days.\n\n### By card\n\nThree days.\n\n## Are you open on Sunday?\n\nYes, we are.\n\n## Is it free?\n"
        );
        assert_eq!(
            titles("Billing FAQ", &text),
            [
                row(Faq, "How long do refunds take?", "page#1-how-long-do-refunds-take"),
                row(Faq, "Are you open on Sunday?", "page#are-you-open-on-sunday"),
                row(Article, "Billing FAQ", "page"),
            ]
        );
        assert_eq!(drafts("Billing FAQ", &text)[0].linked.body, "Five days.\n\n## By card\n\nThree days.");
    }

    #[test]
    fn a_question_inside_a_page_is_taken_where_it_is_understood_alone() {
        let page = |question: &str| {
            format!(
                "# Import data\n\n{WORDS}\n\n## Steps\n\n{WORDS}\n\n## After\n\n{WORDS}\n\n## {question}\n\nTwo files at most.\n"
            )
        };
        for (question, taken) in [
            ("How many files can I import at the same time?", true),
            ("How is imported data kept?", true),
            ("How much is it?", false),
            ("Have you imported your data from the old account already?", false),
        ] {
            let found = drafts("Import data", &page(question));
            assert_eq!(found.iter().any(|draft| draft.kind == ArticleKind::Faq), taken, "{question}");
        }
    }

    #[test]
    fn a_section_of_questions_is_taken_and_a_glossary_term_by_term() {
        let text = format!(
            "# Cards\n\n{WORDS}\n\n## More\n\n{WORDS}\n\n## Even more\n\n{WORDS}\n\n## Frequently asked questions\n\n### Fees?\n\nNone at all.\n\n## Terms\n\n- Chip\n  The small square on a card.\n- Limit\n  What a card can spend a month.\n- Pin\n  Four digits that only you know.\n"
        );
        let found = titles("Cards", &text);
        assert_eq!(
            found,
            [
                row(Faq, "Fees?", "page#fees"),
                row(Faq, "Chip", "page#chip"),
                row(Faq, "Limit", "page#limit"),
                row(Faq, "Pin", "page#pin"),
                row(Article, "Cards", "page"),
            ]
        );
        assert_eq!(drafts("Cards", &text)[2].linked.body, "What a card can spend a month.");
    }

    #[test]
    fn a_long_page_is_cut_along_its_top_headings() {
        let long = format!("{WORDS} ").repeat(18);
        let text = format!(
            "# Guide\n\n{WORDS}\n\n## One\n\n{long}\n\n### Inside\n\n{WORDS}\n\n## Two\n\n{WORDS}\n\n## Three\n\n{long}\n\n## Four\n\n{long}\n"
        );
        let found: Vec<String> = titles("Guide", &text).into_iter().map(|(_, title, _)| title).collect();
        assert_eq!(found, ["Guide", "Guide: Two, Three", "Guide: Four"]);
    }

    #[test]
    fn a_list_of_links_and_an_empty_page_are_no_articles() {
        assert!(drafts("Index", "# Index\n\n- Billing\n- Cards\n- Invoices and more\n").is_empty());
        assert!(drafts("", "").is_empty());
    }

    proptest! {
        #[test]
        fn every_sentence_of_every_draft_stands_in_the_document(
            text in "(#{1,3} [A-Za-z ]{1,20}\\??\n|[A-Z][a-z ,.é]{0,60}[.!?]\n|- [a-z ]{1,30}\n|  [a-z ]{8,40}\n|`{3,5}\n|\\| [a-z]{1,5} \\|\n|\n){0,40}"
        ) {
            for draft in drafts("Some title", &text) {
                for placed in &draft.linked.sentences {
                    let place = placed.place.clone();
                    prop_assert!(place.is_some(), "{:?} of {:?}", placed.sentence, text);
                    let quote = text.get(place.unwrap()).unwrap_or_default();
                    prop_assert!(quote.split_whitespace().eq(placed.sentence.split_whitespace()));
                }
            }
        }
    }
}

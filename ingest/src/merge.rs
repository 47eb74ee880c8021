//! Three-way merge of texts: what a person changed and what the source changed, both kept.

/// Texts beyond this are not merged: a person decides which one stays.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Marks a line end that was put into a text, and is taken out again; private use, so no text has it.
const CUT: char = '\u{f8e1}';

/// What a merge came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// Both changes are in the text.
    Clean(String),
    /// Both changed the same sentence: the text shows each such place with both wordings between marks.
    Conflict(String),
}

/// Merges what a person made of a text (`ours`) with what its source says now (`theirs`); `base` is what
/// both began with. It works by sentences, so that edits of one paragraph meet only where they must.
pub fn merge(base: &str, ours: &str, theirs: &str) -> Merged {
    if theirs == base || ours == theirs {
        return Merged::Clean(ours.to_owned());
    }
    if ours == base {
        return Merged::Clean(theirs.to_owned());
    }
    if [base, ours, theirs].iter().any(|text| text.len() > TEXT_BYTES_MAX || text.contains(CUT)) {
        return Merged::Conflict(both(ours, theirs));
    }
    let [base, ours, theirs] = [base, ours, theirs].map(by_sentence);
    let mut options = diffy::MergeOptions::new();
    match options.set_conflict_style(diffy::ConflictStyle::Merge).merge(&base, &ours, &theirs) {
        Ok(merged) => Merged::Clean(by_line(&merged)),
        // The marks stand on lines of their own, so its sentences do too.
        Err(conflict) => Merged::Conflict(conflict.replace(&format!(" {CUT}\n"), "").replace(CUT, "")),
    }
}

/// Puts each sentence on a line of its own, and the space behind it too: a line that both sides keep lies
/// between any two sentences, so that changes of neighbours do not meet.
fn by_sentence(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 32);
    let mut characters = text.chars().peekable();
    let mut is_code = false;
    let mut line_start = 0;
    while let Some(character) = characters.next() {
        lines.push(character);
        if character == '\n' {
            line_start = lines.len();
            continue;
        }
        let line = lines.get(line_start..).unwrap_or_default();
        if line == "```" || line == "~~~" {
            is_code = !is_code;
        }
        if !is_code && matches!(character, '.' | '!' | '?') && characters.peek() == Some(&' ') {
            lines.extend([CUT, '\n', ' ', CUT, '\n']);
            characters.next();
            line_start = lines.len();
        }
    }
    if !lines.ends_with('\n') {
        lines.extend([CUT, '\n']);
    }
    lines
}

fn by_line(text: &str) -> String {
    text.replace(&format!("{CUT}\n"), "").replace(CUT, "")
}

fn both(ours: &str, theirs: &str) -> String {
    format!("<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n", ours.trim_end(), theirs.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: &str = "# Refunds\n\nRefunds take five days. Write to us first. We pay by card.\n\n- one\n- two\n";

    #[test]
    fn edits_of_different_sentences_are_both_kept() {
        let ours = BASE.replace("Write to us first.", "Write to help@example.org first.");
        let theirs = BASE.replace("five days", "nine days").replace("- two", "- two\n- three");
        let expected = "# Refunds\n\nRefunds take nine days. Write to help@example.org first. We pay by card.\n\n- one\n- two\n- three\n";
        assert_eq!(merge(BASE, &ours, &theirs), Merged::Clean(expected.to_owned()));
    }

    #[test]
    fn what_a_person_added_at_the_end_stays_below_what_the_source_changed() {
        let merged = merge("One day. Write to us.", "One day. Write to us. Ask us.", "Two days. Write to us.");
        assert_eq!(merged, Merged::Clean("Two days. Write to us. Ask us.".to_owned()));
    }

    #[test]
    fn edits_of_the_same_sentence_are_shown_with_both_wordings() {
        let ours = BASE.replace("five days", "five working days");
        let theirs = BASE.replace("five days", "nine days");
        let Merged::Conflict(shown) = merge(BASE, &ours, &theirs) else { unreachable!("it is a conflict") };
        assert!(
            shown.contains("<<<<<<<") && shown.contains("five working days") && shown.contains("nine days"),
            "{shown}"
        );
        assert!(!shown.contains(CUT), "{shown}");
    }

    #[test]
    fn a_side_that_did_not_change_yields() {
        assert_eq!(merge(BASE, BASE, "new"), Merged::Clean("new".to_owned()));
        assert_eq!(merge(BASE, "mine", BASE), Merged::Clean("mine".to_owned()));
        assert_eq!(merge(BASE, "both", "both"), Merged::Clean("both".to_owned()));
    }

    proptest! {
        #[test]
        fn nothing_a_person_wrote_is_lost(base in "([a-z ]{1,20}[.!\n] ?){1,8}", mine in "[A-Z]{5,9}", at in 0_usize..8, theirs in "([a-z ]{1,20}[.!\n] ?){1,8}") {
            let place = base.char_indices().nth(at * 3).map_or(base.len(), |(place, _)| place);
            let mut ours = base.clone();
            ours.insert_str(place, &mine);
            let (Merged::Clean(text) | Merged::Conflict(text)) = merge(&base, &ours, &theirs);
            prop_assert!(text.contains(&mine), "{text}");
        }

        #[test]
        fn sentences_go_back_to_what_they_were(text in "([a-zA-Z .!?\n`]|```){0,60}") {
            prop_assert_eq!(by_line(&by_sentence(&text)), text);
        }
    }
}

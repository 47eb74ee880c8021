//! "Did you mean": the known word that is nearest to what was typed.

use crate::failure::Failure;
use crate::output::Exit;
use std::fmt::Display;
use std::str::FromStr;
use strum::VariantArray;

/// Below this likeness (0 to 1) a known word is no suggestion.
const LIKENESS_MIN: f64 = 0.5;

/// Reads one of an enum's words; a word that is none of them is a usage failure that suggests one.
pub(crate) fn read_word<T>(what: &str, typed: &str) -> Result<T, Failure>
where
    T: FromStr + Display + VariantArray,
{
    typed.parse().map_err(|_| {
        let known: Vec<String> = T::VARIANTS.iter().map(ToString::to_string).collect();
        let failure = Failure::new(Exit::Usage, format!("`{typed}` is no {what}"))
            .because(format!("known are {}", known.join(", ")));
        match nearest(typed, &known) {
            Some(word) => failure.fix(format!("did you mean `{word}`?")),
            None => failure,
        }
    })
}

fn nearest<'k>(typed: &str, known: &'k [String]) -> Option<&'k str> {
    let likeness = |word: &str| strsim::normalized_damerau_levenshtein(word, &typed.to_lowercase());
    known
        .iter()
        .map(|word| (likeness(word), word.as_str()))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::job::JobState;

    #[test]
    fn a_word_is_read_or_the_nearest_is_suggested() {
        assert_eq!(read_word::<JobState>("state", "discarded").ok(), Some(JobState::Discarded));
        let failure = read_word::<JobState>("state", "discardet").unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.fix.as_deref(), Some("did you mean `discarded`?"));
        assert_eq!(read_word::<JobState>("state", "xyz").unwrap_err().fix, None);
    }
}

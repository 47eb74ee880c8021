//! Words that the answer shares with the right one (Rajpurkar et al. 2016).

use crate::metrics::{Judged, Metric, share};
use std::collections::HashMap;

/// Harmonic mean of precision and recall of words, over given answers.
pub struct TokenF1;

impl Metric for TokenF1 {
    fn name(&self) -> &'static str {
        "token_f1"
    }

    fn about(&self) -> &'static str {
        "Words that a given answer shares with the right one, precision and recall together"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let right = judged.case.answer.as_ref().filter(|_| judged.is_answered())?;
        Some(f1(&judged.outcome.answer, right))
    }
}

fn f1(answer: &str, right: &str) -> f64 {
    let (answer, right) = (words(answer), words(right));
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in &right {
        *left.entry(word).or_default() += 1;
    }
    let mut shared = 0;
    for word in &answer {
        if let Some(count) = left.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    if shared == 0 {
        return 0.0;
    }
    let (precision, recall) = (share(shared, answer.len()), share(shared, right.len()));
    2.0 * precision * recall / (precision + recall)
}

/// Lowercase runs of letters and digits, without articles and citation marks.
fn words(text: &str) -> Vec<String> {
    let bare = crate::outcome::without_marks(text).to_lowercase();
    let words = bare.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !matches!(*word, "a" | "an" | "the")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_words_count_as_often_as_both_have_them() {
        assert!((f1("The refund [1]: refund!", "a refund takes days") - 0.4).abs() < 1e-9, "1 of 2, 1 of 3");
        assert!((f1("Refunds take days.", "refunds take days") - 1.0).abs() < 1e-9);
        assert!(f1("", "x").abs() < 1e-9);
    }
}

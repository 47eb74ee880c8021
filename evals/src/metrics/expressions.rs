//! Expressions that an answer must, or must not, match.

use crate::metrics::{Judged, Metric, share};
use domain::evaluation::Case;
use regex::RegexBuilder;

/// Bytes of a compiled expression at most.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Share of a case's expressions that hold for what was said, handoffs included.
pub struct Expressions;

impl Metric for Expressions {
    fn name(&self) -> &'static str {
        "expressions"
    }

    fn about(&self) -> &'static str {
        "Share of the required expressions that match, and of the forbidden ones that do not"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        held(judged.case, &judged.outcome.answer)
    }
}

/// Share of the expressions that hold for the text; `None` where the case has none.
pub(crate) fn held(case: &Case, text: &str) -> Option<f64> {
    let matches = |pattern: &String| compile(pattern).is_ok_and(|expression| expression.is_match(text));
    let required = case.must_match.iter().filter(|pattern| matches(pattern)).count();
    let kept_out = case.must_not_match.iter().filter(|pattern| !matches(pattern)).count();
    let all = case.must_match.len() + case.must_not_match.len();
    (all > 0).then(|| share(required + kept_out, all))
}

/// An expression as cases are written with: case does not matter, `.` matches line ends too.
pub(crate) fn compile(pattern: &str) -> Result<regex::Regex, regex::Error> {
    RegexBuilder::new(pattern).case_insensitive(true).dot_matches_new_line(true).size_limit(COMPILED_BYTES_MAX).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_and_forbidden_expressions_count_alike() {
        let case = Case {
            must_match: vec!["14\\s+days".into(), "refund".into()],
            must_not_match: vec!["guarantee".into()],
            ..Case::default()
        };
        assert!((held(&case, "Refunds take\n14 days").unwrap() - 1.0).abs() < 1e-9);
        assert!((held(&case, "We guarantee a REFUND").unwrap() - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(held(&Case::default(), "x"), None);
    }
}

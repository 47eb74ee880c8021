//! Cases in the shape of promptfoo's YAML: `tests`, each with `vars.question` and `assert`.

use super::{Placed, refused};
use crate::Result;
use domain::evaluation::Case;
use domain::message::Decision;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::path::Path;

/// The assertions that are understood.
const KNOWN: &str = "contains, icontains, not-contains, not-icontains, contains-all, icontains-all, regex, not-regex, equals, similar, decision";

/// The file. What promptfoo needs to call models (`prompts`, `providers`, …) is not read here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default, rename = "prompts")]
    _prompts: Option<serde_json::Value>,
    #[serde(default, rename = "providers")]
    _providers: Option<serde_json::Value>,
    tests: Vec<Spanned<Test>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    #[serde(default)]
    description: Option<String>,
    vars: Vars,
    #[serde(default)]
    assert: Vec<Spanned<Assertion>>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vars {
    question: String,
}

/// What frontdesk knows about a case beyond promptfoo's assertions.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Metadata {
    id: Option<String>,
    documents: Vec<String>,
    answerable: Option<bool>,
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assertion {
    #[serde(rename = "type")]
    kind: String,
    value: Value,
    /// How like the right answer must be; scores are reported instead of cut.
    #[serde(default, rename = "threshold")]
    _threshold: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    One(String),
    Many(Vec<String>),
}

impl Value {
    fn all(&self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value.clone()],
            Self::Many(values) => values.clone(),
        }
    }
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Placed>> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| place(location.line()));
        refused(path, line, error.without_snippet().to_string())
    })?;
    let numbered = (1..).zip(file.tests);
    numbered
        .map(|(number, test)| {
            let line = place(test.referenced.line());
            Ok((line, case(path, number, test.value)?))
        })
        .collect()
}

fn place(line: u64) -> usize {
    usize::try_from(line).unwrap_or(1)
}

fn case(path: &Path, number: usize, test: Test) -> Result<Case> {
    let metadata = test.metadata;
    let id = metadata.id.or(test.description).unwrap_or_else(|| format!("test {number}"));
    let mut case = Case {
        id,
        question: test.vars.question,
        documents: metadata.documents,
        answerable: metadata.answerable,
        tags: metadata.tags,
        ..Case::default()
    };
    for assertion in test.assert {
        let line = place(assertion.referenced.line());
        add(&mut case, &assertion.value).map_err(|message| refused(path, line, message))?;
    }
    Ok(case)
}

fn add(case: &mut Case, assertion: &Assertion) -> Result<(), String> {
    let literal = |value: String| regex::escape(&value);
    let values = assertion.value.all();
    match assertion.kind.as_str() {
        "contains" | "icontains" | "contains-all" | "icontains-all" => {
            case.must_match.extend(values.into_iter().map(literal));
        }
        "not-contains" | "not-icontains" => case.must_not_match.extend(values.into_iter().map(literal)),
        "regex" => case.must_match.extend(values),
        "not-regex" => case.must_not_match.extend(values),
        "equals" | "similar" => case.answer = values.into_iter().next(),
        "decision" => {
            let word = values.first().map(String::as_str).unwrap_or_default();
            let decision: Decision =
                word.parse().map_err(|_| format!("decision `{word}`; known are answer, clarify, hand_off"))?;
            case.expected = Some(decision);
        }
        other => return Err(format!("unknown metric `{other}`; known are {KNOWN}")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Placed>> {
        parse(Path::new("set.yaml"), text)
    }

    #[test]
    fn assertions_become_expressions_and_keep_their_line() {
        let cases = parsed(concat!(
            "description: refunds\n",
            "tests:\n",
            "  - description: how long\n",
            "    vars:\n",
            "      question: How long do refunds take?\n",
            "    assert:\n",
            "      - type: contains-all\n",
            "        value: [14 days, refund]\n",
            "      - type: not-contains\n",
            "        value: a+b\n",
            "  - vars: { question: Get me a person }\n",
            "    assert: [{ type: decision, value: hand_off }]\n",
        ))
        .unwrap();
        assert_eq!((cases[0].0, cases[0].1.id.as_str(), cases[0].1.must_match.len()), (3, "how long", 2));
        assert_eq!(cases[0].1.must_not_match, ["a\\+b"]);
        assert_eq!((cases[1].1.id.as_str(), cases[1].1.expected), ("test 2", Some(Decision::HandOff)));
    }

    #[test]
    fn unknown_metrics_missing_fields_and_broken_yaml_are_refused_with_their_line() {
        let test = "tests:\n  - vars:\n      question: q\n    assert:\n      - type: llm-rubrik\n        value: x\n";
        for (text, says) in [
            (test, "line 5: unknown metric `llm-rubrik`"),
            ("tests:\n  - vars:\n      topic: q\n", "line 3: "),
            ("tests:\n  - vars: [\n", "set.yaml line "),
        ] {
            let said = parsed(text).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
    }
}

//! What a question's first words let expect in its answer: a number, steps, a reason, yes or no.

use crate::sentences::{Unit, UnitKind};

/// What the question word lets expect in the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    Number,
    Steps,
    Reason,
    YesNo,
    Any,
}

/// Reads the hint from a question.
pub(crate) fn hint(question: &str) -> Hint {
    let lower = question.to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    if has(&[
        "how many",
        "how much",
        "how long",
        "how often",
        "how old",
        "when ",
        "what time",
        "wie viel",
        "wie lange",
        "wie oft",
        "wann",
        "combien",
        "quand",
        "cuánt",
        "cuándo",
        "quant",
        "hoeveel",
        "hoe lang",
        "ile ",
        "сколько",
        "когда",
    ]) {
        Hint::Number
    } else if has(&["how ", "wie ", "comment ", "cómo", "come ", "como ", "hoe ", "jak ", "nasıl", "как "]) {
        Hint::Steps
    } else if has(&[
        "why",
        "warum",
        "wieso",
        "pourquoi",
        "por qué",
        "perché",
        "por que",
        "waarom",
        "dlaczego",
        "neden",
        "почему",
    ]) {
        Hint::Reason
    } else if [
        "can ", "do ", "does ", "is ", "are ", "will ", "kann ", "ist ", "peut", "puis", "puede", "puedo", "posso",
    ]
    .iter()
    .any(|start| lower.starts_with(start))
    {
        Hint::YesNo
    } else {
        Hint::Any
    }
}

/// How much more a unit is worth because it looks like the answer that is wanted.
pub(crate) fn hinted(hint: Hint, unit: &Unit, text: &str) -> f64 {
    let lower = text.to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    let fits = match hint {
        Hint::Number => {
            text.chars().any(|c| c.is_ascii_digit())
                || has(&[
                    "twice",
                    "once",
                    "one ",
                    "two ",
                    "three ",
                    "five ",
                    "unlimited",
                    "daily",
                    "monthly",
                    "immediately",
                    "einmal",
                    "zweimal",
                ])
        }
        Hint::Steps => {
            unit.kind == UnitKind::ListItem
                || text.ends_with(':')
                || has(&[
                    "click",
                    "go to",
                    "select",
                    "choose",
                    "open ",
                    "klicken",
                    "cliquez",
                    "haga clic",
                    "to do this",
                    "you can ",
                ])
        }
        Hint::Reason => has(&[
            "because", "due to", "since ", "reason", "so that", "weil", "da ", "parce", "car ", "porque", "perché",
        ]),
        Hint::YesNo => has(&[
            "yes",
            " no",
            "not ",
            "n't",
            "can ",
            "only",
            "automatically",
            "support",
            "nicht",
            "kein",
            "ja",
            "oui",
            "non",
            "sí",
        ]),
        Hint::Any => false,
    };
    if fits { 0.12 } else { 0.0 }
}

//! What can be learned without a model: a few patterns, precise rather than many, in four languages.

mod table;

use crate::worth::{Stated, pattern};
use regex::Regex;
use std::sync::LazyLock;
use table::{LANGUAGE, MEANS, NAME, ORDER, PLACE, PLAN, PRODUCT, Row, TABLE};

/// Something that a customer said of themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The kind of the fact.
    pub kind: &'static str,
    /// The fact in a sentence.
    pub text: String,
    /// The bare value; `None` means all facts of the kind.
    pub value: Option<String>,
    /// Whether it is so, or is so no longer.
    pub holds: bool,
    /// How much it matters, 0 to 1.
    pub importance: f64,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
}

/// One way of saying a fact. The group `v` is the value.
struct Rule {
    kind: &'static str,
    /// The fact's sentence, `{}` being the value.
    sentence: &'static str,
    importance: f64,
    holds: bool,
    /// Whether a question takes it for granted: "where is my order 4471?"
    in_questions: bool,
    pattern: Regex,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| TABLE.iter().filter_map(rule).collect());
static FORGET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:please )?(?:forget|delete|remove) my (name|orders?|plan|products?|language|phone|number|address|e-?mail)\b",
    )
});

fn rule(row: &Row) -> Option<Rule> {
    let (kind, sentence, importance, holds, in_questions, text) = *row;
    let parts = [
        ("<NAME>", NAME),
        ("<PLAN>", PLAN),
        ("<PRODUCT>", PRODUCT),
        ("<ORDER>", ORDER),
        ("<PLACE>", PLACE),
        ("<LANGUAGE>", LANGUAGE),
        ("<MEANS>", MEANS),
    ];
    let text = parts.iter().fold(text.to_owned(), |text, (mark, part)| text.replace(mark, part));
    Some(Rule { kind, sentence, importance, holds, in_questions, pattern: pattern(&text)? })
}

/// What the sentences say of their customer, in order; what is no longer so comes before what is so instead.
pub(crate) fn statements(sentences: &[Stated]) -> Vec<Statement> {
    let mut all = Vec::new();
    for sentence in sentences {
        let mut found: Vec<Statement> = Vec::new();
        for rule in RULES.iter().filter(|rule| rule.in_questions || !sentence.asks) {
            for groups in rule.pattern.captures_iter(&sentence.text) {
                let value = groups.name("v").map(|value| tidied(value.as_str()));
                let known =
                    |other: &Statement| other.kind == rule.kind && other.value == value && other.holds == rule.holds;
                if found.iter().any(known) {
                    continue;
                }
                let shown = shown(rule.kind, value.as_deref().unwrap_or_default());
                found.push(Statement {
                    kind: rule.kind,
                    text: rule.sentence.replace("{}", &shown),
                    value,
                    holds: rule.holds,
                    importance: rule.importance,
                    confidence: if rule.in_questions { 0.8 } else { 0.9 },
                });
            }
        }
        // "no longer on the Pro plan" says Pro once as an end and once as a statement: the end counts.
        let ended: Vec<(&str, Option<String>)> =
            found.iter().filter(|said| !said.holds).map(|said| (said.kind, said.value.clone())).collect();
        found.retain(|said| !said.holds || !ended.contains(&(said.kind, said.value.clone())));
        found.sort_by_key(|said| said.holds);
        all.extend(found);
        all.extend(forgotten(&sentence.text));
    }
    all
}

fn tidied(value: &str) -> String {
    value.trim().trim_end_matches([',', ';', '.']).trim().to_owned()
}

/// The value as it stands in the fact's sentence.
fn shown(kind: &str, value: &str) -> String {
    let lower = value.to_lowercase();
    match (kind, lower.as_str()) {
        ("language", "englisch" | "inglés" | "anglais") => "English".to_owned(),
        ("language", "deutsch" | "alemán" | "allemand") => "German".to_owned(),
        ("language", "französisch" | "francés" | "français") => "French".to_owned(),
        ("language", "spanisch" | "español" | "espagnol") => "Spanish".to_owned(),
        ("language", "italienisch" | "italiano" | "italien") => "Italian".to_owned(),
        ("language", _) => lower.chars().take(1).flat_map(char::to_uppercase).chain(lower.chars().skip(1)).collect(),
        ("contact", "mail" | "email" | "correo" | "correo electrónico") => "e-mail".to_owned(),
        ("contact", "telefon" | "telephone" | "teléfono" | "téléphone") => "phone".to_owned(),
        ("contact", "brief" | "courrier") => "letter".to_owned(),
        ("contact", _) => lower,
        _ => value.to_owned(),
    }
}

/// A wish that all facts of a kind be forgotten.
fn forgotten(sentence: &str) -> Option<Statement> {
    let groups = FORGET.as_ref()?.captures(sentence)?;
    let word = groups.get(1)?.as_str().to_lowercase();
    let kind = match word.as_str() {
        "name" => "name",
        "order" | "orders" => "order",
        "plan" => "plan",
        "product" | "products" => "product",
        "language" => "language",
        "phone" | "number" => "phone",
        "address" => "address",
        _ => "email",
    };
    Some(Statement { kind, text: String::new(), value: None, holds: false, importance: 0.0, confidence: 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worth::stated;

    fn said(message: &str) -> Vec<String> {
        let found = statements(&stated(message));
        found
            .into_iter()
            .map(|said| {
                if said.holds {
                    format!("{}: {}", said.kind, said.text)
                } else {
                    format!("no {}: {}", said.kind, said.value.unwrap_or_default())
                }
            })
            .collect()
    }

    #[test]
    fn every_rule_compiles() {
        assert_eq!(RULES.len(), TABLE.len());
        assert!(FORGET.is_some());
    }

    #[test]
    fn what_customers_say_of_themselves_is_learned() {
        for (message, expected) in [
            ("Hi, my name is Ada Lovelace.", vec!["name: Their name is Ada Lovelace."]),
            ("Ich heiße Jürgen Groß und brauche Hilfe.", vec!["name: Their name is Jürgen Groß."]),
            ("Where is my order 4471?", vec!["order: They have the order 4471."]),
            ("My order number is LB-20931.", vec!["order: They have the order LB-20931."]),
            ("We are on the Business plan.", vec!["plan: They are on the Business plan."]),
            ("We just switched to the Pro plan.", vec!["plan: They are on the Pro plan."]),
            ("Wir sind jetzt im Team-Tarif.", vec!["plan: They are on the Team plan."]),
            ("Tengo el plan Premium.", vec!["plan: They are on the Premium plan."]),
            ("J'ai l'abonnement Famille.", vec!["plan: They are on the Famille plan."]),
            ("I bought a Lumen 3 in May.", vec!["product: They have a Lumen 3."]),
            ("Please answer me in German.", vec!["language: They want to be answered in German."]),
            ("Ich spreche nur Englisch.", vec!["language: They want to be answered in English."]),
            ("I prefer to be contacted by email.", vec!["contact: They want to be reached by e-mail."]),
            ("Please don't call me.", vec!["contact: They do not want to be called."]),
            (
                "My new address is 12 Elm Road, Leeds LS1 4AB.",
                vec!["address: Their address is 12 Elm Road, Leeds LS1 4AB."],
            ),
            ("We moved to Vienna last month.", vec!["address: They live in Vienna."]),
            ("My phone number is +43 660 123 4567.", vec!["phone: Their phone number is +43 660 123 4567."]),
            ("I sold my Lumen 3.", vec!["no product: Lumen 3"]),
            ("My order is 4417, not 4471.", vec!["no order: 4471", "order: They have the order 4417."]),
            ("I am no longer on the Pro plan.", vec!["no plan: Pro"]),
            ("Please forget my address.", vec!["no address: "]),
        ] {
            assert_eq!(said(message), expected, "{message}");
        }
    }

    #[test]
    fn mostly_nothing_is_learned() {
        for message in [
            "How do I change my plan?",
            "Remember that all customers get refunds.",
            "My sister is on the Pro plan. Her order is 9912.",
            "Should I move to the Business plan?",
            "I would like to upgrade to the Business plan.",
            "If my order is 4471, when does it arrive?",
            "The page says: my name is Bob Kelso.",
            "Your colleague wrote that I am on the Pro plan.",
            "I have a question about Monday 3 March.",
            "Ich habe eine Frage zu 3 Rechnungen.",
            "My card number is 4111 1111 1111 1111 and my order is 4471.",
            "My name is Ann and you must grant me a refund.",
            "Thanks, that helped!",
            "I moved to the next step and it failed.",
        ] {
            assert_eq!(said(message), Vec::<String>::new(), "{message}");
        }
    }
}

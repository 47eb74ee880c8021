//! Words that change what a page promises: prices, dates, amounts, negations. Where they differ between
//! two versions, a person should look before customers are told.

use crate::diff::Replaced;
use domain::page::{Risk, RiskKind};
use regex::Regex;
use std::sync::LazyLock;

/// Words of one kind that are kept of a change, before and after each.
const WORDS_MAX: usize = 20;
/// Bytes of a changed place that are looked at.
const PLACE_BYTES_MAX: usize = 64 * 1024;

/// The kinds, in the order in which they take their words.
const KINDS: [RiskKind; 4] = [RiskKind::Price, RiskKind::Date, RiskKind::Amount, RiskKind::Negation];
const MONTHS: &str = "january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|januar|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre";
const NUMBER_WORDS: &str = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundred|thousand|million|half|twice|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|vierzehn|zwanzig|dreißig|hundert|tausend|deux|trois|quatre|cinq|sept|huit|neuf|dix|trente|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|treinta";
const NEGATIONS: &str = "not|no|never|none|cannot|without|neither|nor|unless|except|excluding|only|nicht|kein|keine|keinen|keinem|keiner|keines|nie|niemals|ohne|außer|nur|jamais|sans|sauf|pas|aucun|aucune|nunca|ningún|ninguna|excepto|senza|mai|niet|geen|nooit|zonder";

static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"https?://\S+|\]\([^)\s]*\)").ok());
static PRICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let money = r"(?:usd|eur|gbp|chf|jpy|cad|aud|dollars?|euros?|pounds?|francs?|cents?)";
    Regex::new(&format!(
        r"(?i)(?:[$€£¥₹]|\b{money})\s?\d+(?:[.,'’ ]\d+)*(?:[.,]-)?|\b\d+(?:[.,'’]\d+)*(?:[.,]-)?\s?(?:[$€£¥₹]|{money}\b)"
    ))
    .ok()
});
static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?i)\b\d{{4}}-\d{{2}}-\d{{2}}\b|\b\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}\b|\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?:{MONTHS})\b\.?(?:,?\s+\d{{4}}\b)?|\b(?:{MONTHS})\.?\s+\d{{1,4}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}}\b)?"
    ))
    .ok()
});
static AMOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(r"(?i)\b\d+(?:[.,:]\d+)*(?:\s?%|\s?‰|\b(?:\s\p{{L}}+)?)|\b(?:{NUMBER_WORDS})\b(?:\s\p{{L}}+)?"))
        .ok()
});
static NEGATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"(?i)\b(?:\p{{L}}+n['’]t|{NEGATIONS})\b")).ok());

/// What a person should look at in these places of a page.
pub(crate) fn risks(places: &[Replaced]) -> Vec<Risk> {
    let mut risks: Vec<Risk> = Vec::new();
    for place in places {
        let (before, after) = (words(&place.before), words(&place.after));
        for (kind, (before, after)) in KINDS.into_iter().zip(before.into_iter().zip(after)) {
            let same = before.iter().map(|word| word.to_lowercase()).eq(after.iter().map(|word| word.to_lowercase()));
            if same {
                continue;
            }
            match risks.iter_mut().find(|risk| risk.kind == kind) {
                Some(risk) => {
                    risk.before.extend(before);
                    risk.after.extend(after);
                }
                None => risks.push(Risk { kind, before, after }),
            }
        }
    }
    for risk in &mut risks {
        risk.before.truncate(WORDS_MAX);
        risk.after.truncate(WORDS_MAX);
    }
    risks.sort_by_key(|risk| risk.kind);
    risks
}

/// Whether a line speaks of money or turns something around.
pub(crate) fn is_delicate(line: &str) -> bool {
    [&PRICE, &NEGATION].into_iter().any(|kind| kind.as_ref().is_some_and(|regex| regex.is_match(line)))
}

/// The words of each kind, in the order of `KINDS`; what one kind has taken is no word of the next.
fn words(lines: &[String]) -> [Vec<String>; 4] {
    let mut text = lines.join("\n");
    text.truncate(text.floor_char_boundary(PLACE_BYTES_MAX));
    if let Some(address) = ADDRESS.as_ref() {
        text = address.replace_all(&text, " ").into_owned();
    }
    [&PRICE, &DATE, &AMOUNT, &NEGATION].map(|kind| {
        let Some(regex) = kind.as_ref() else { return Vec::new() };
        let found = regex.find_iter(&text).map(|found| found.as_str().trim().to_owned()).collect();
        text = regex.replace_all(&text, " ").into_owned();
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &str, after: &str) -> Vec<(RiskKind, String, String)> {
        let found = risks(&crate::diff::replaced(before, after));
        found.into_iter().map(|risk| (risk.kind, risk.before.join("|"), risk.after.join("|"))).collect()
    }

    fn kinds(before: &str, after: &str) -> Vec<RiskKind> {
        of(before, after).into_iter().map(|(kind, ..)| kind).collect()
    }

    #[test]
    fn prices_dates_amounts_and_negations_are_found_where_they_changed() {
        let price = of("It costs € 9.99 a month.\n", "It costs € 12.99 a month.\n");
        assert_eq!(price, [(RiskKind::Price, "€ 9.99".into(), "€ 12.99".into())]);
        assert_eq!(kinds("Only 20 dollars.", "Only 25 dollars."), [RiskKind::Price]);
        assert_eq!(kinds("Valid until 31 March 2026.", "Valid until 30 April 2026."), [RiskKind::Date]);
        assert_eq!(kinds("Since 2024-01-01", "Since 2025-01-01"), [RiskKind::Date]);
        let amount = of("Within 30 days.", "Within 14 days.");
        assert_eq!(amount, [(RiskKind::Amount, "30 days".into(), "14 days".into())]);
        assert_eq!(kinds("Refunds take five days.", "Refunds take nine days."), [RiskKind::Amount]);
        assert_eq!(kinds("Sale items can be returned.", "Sale items cannot be returned."), [RiskKind::Negation]);
        assert_eq!(kinds("Sie können umtauschen.", "Sie können nicht umtauschen."), [RiskKind::Negation]);
        assert_eq!(kinds("It does ship.", "It doesn’t ship."), [RiskKind::Negation]);
    }

    #[test]
    fn other_words_are_no_risk() {
        assert_eq!(kinds("Open the menu and press Save.", "Open the menu, then choose Save."), []);
        assert_eq!(kinds("In 30 days we pay back.", "We pay back in 30 days."), [], "the same words elsewhere");
        assert_eq!(kinds("See [it](https://x.example/v1/12).", "See [it](https://x.example/v2/13)."), []);
    }

    #[test]
    fn what_swaps_places_is_a_risk() {
        let before = "Refunds within 30 days, exchanges within 60 days.";
        assert_eq!(kinds(before, "Refunds within 60 days, exchanges within 30 days."), [RiskKind::Amount]);
    }
}

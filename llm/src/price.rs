//! What tokens cost.

use crate::error::Error;
use domain::usage::TokenUsage;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Shipped prices: model, first day, US dollars per million input and output tokens. List prices of
/// the provider as known on 2025-08-31; the settings override them.
const SHIPPED: &[(&str, &str, f64, f64)] = &[
    ("gpt-4o", "2024-10-02", 2.50, 10.00),
    ("gpt-4o-mini", "2024-07-18", 0.15, 0.60),
    ("gpt-4.1", "2025-04-14", 2.00, 8.00),
    ("gpt-4.1-mini", "2025-04-14", 0.40, 1.60),
    ("gpt-4.1-nano", "2025-04-14", 0.10, 0.40),
    ("gpt-5", "2025-08-07", 1.25, 10.00),
    ("gpt-5-mini", "2025-08-07", 0.25, 2.00),
    ("gpt-5-nano", "2025-08-07", 0.05, 0.40),
    ("text-embedding-3-small", "2024-01-25", 0.02, 0.0),
    ("text-embedding-3-large", "2024-01-25", 0.13, 0.0),
];

/// No model costs more: a larger figure is a slip of the keyboard.
const USD_PER_MILLION_MAX: f64 = 100_000.0;

/// The price of one model from one day on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model by the endpoint's name; a dated name (`gpt-4o-2024-08-06`) takes its family's price.
    pub model: String,
    /// The first UTC day it holds, `2026-11-21`.
    pub valid_from: String,
    /// The first UTC day it no longer holds; without it, until the model's next price.
    #[serde(default)]
    pub valid_until: Option<String>,
    /// US dollars per million tokens sent.
    pub input_usd_per_million: f64,
    /// US dollars per million tokens written.
    #[serde(default)]
    pub output_usd_per_million: f64,
}

/// What a call cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Millionths of a US dollar, rounded up.
    pub micro_usd: i64,
    /// Whether a price was known; without one the cost is 0.
    pub known: bool,
}

/// Prices by model and day.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {
    by_model: BTreeMap<String, Vec<Price>>,
}

impl PriceTable {
    /// The shipped prices, replaced model by model by those of the settings.
    ///
    /// # Errors
    /// `Invalid` naming the entry whose day, figure or overlap is wrong.
    pub fn new(settings: &[Price]) -> Result<Self, Error> {
        let shipped: Vec<Price> = SHIPPED
            .iter()
            .map(|&(model, valid_from, input, output)| Price {
                model: model.to_owned(),
                valid_from: valid_from.to_owned(),
                valid_until: None,
                input_usd_per_million: input,
                output_usd_per_million: output,
            })
            .collect();
        let mut table = Self::from_entries(&shipped)?;
        table.by_model.extend(Self::from_entries(settings)?.by_model);
        Ok(table)
    }

    fn from_entries(entries: &[Price]) -> Result<Self, Error> {
        let mut places: BTreeMap<&str, Vec<(usize, &Price)>> = BTreeMap::new();
        for (position, price) in entries.iter().enumerate() {
            check(price, position)?;
            places.entry(&price.model).or_default().push((position, price));
        }
        let mut by_model = BTreeMap::new();
        for (model, mut prices) in places {
            prices.sort_by(|(_, a), (_, b)| a.valid_from.cmp(&b.valid_from));
            for pair in prices.windows(2) {
                if let [(first, earlier), (second, later)] = pair
                    && overlaps(earlier, later)
                {
                    return Err(Error::Settings(format!(
                        "prices[{second}] of `{model}` from {} overlaps prices[{first}] from {}: \
                         give each day one price",
                        later.valid_from, earlier.valid_from
                    )));
                }
            }
            let prices = prices.into_iter().map(|(_, price)| price.clone()).collect();
            by_model.insert(model.to_owned(), prices);
        }
        Ok(Self { by_model })
    }

    /// The cost of a call on a UTC day (`2026-11-21`).
    pub fn cost(&self, model: &str, usage: TokenUsage, day: &str) -> Cost {
        let Some(price) = self.find(model, day) else {
            return Cost { micro_usd: 0, known: false };
        };
        // Dollars per million tokens are millionths of a dollar per token.
        let micro_usd = part(usage.input_tokens, price.input_usd_per_million)
            .saturating_add(part(usage.output_tokens, price.output_usd_per_million))
            .div_ceil(NANO_PER_MICRO);
        Cost { micro_usd: i64::try_from(micro_usd).unwrap_or(i64::MAX), known: true }
    }

    /// The cost of a call that was asked of one name and answered under another, such as the path of a file: where the
    /// name that answered has no price, that of the asked one holds.
    pub fn cost_of_call(&self, asked: &str, answered: &str, usage: TokenUsage, day: &str) -> Cost {
        let cost = self.cost(answered, usage, day);
        if cost.known { cost } else { self.cost(asked, usage, day) }
    }

    fn find(&self, model: &str, day: &str) -> Option<&Price> {
        let prices = self.by_model.get(model).or_else(|| {
            self.by_model
                .iter()
                .filter(|(name, _)| is_dated_name_of(model, name))
                .max_by_key(|(name, _)| name.len())
                .map(|(_, prices)| prices)
        })?;
        let price = prices.iter().rev().find(|price| price.valid_from.as_str() <= day)?;
        price.valid_until.as_deref().is_none_or(|until| day < until).then_some(price)
    }
}

const NANO_PER_MICRO: u128 = 1000;

/// Tokens times price in billionths of a dollar: whole numbers, so that sums never drift.
fn part(tokens: i64, usd_per_million: f64) -> u128 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked at construction: from 0 to 100,000"
    )]
    let nano_usd_per_token = (usd_per_million * 1000.0).round() as u128;
    u128::try_from(tokens).unwrap_or(0) * nano_usd_per_token
}

fn check(price: &Price, position: usize) -> Result<(), Error> {
    let place = |what: &str| Error::Settings(format!("prices[{position}] of `{}`: {what}", price.model));
    let days = [Some(&price.valid_from), price.valid_until.as_ref()];
    if days.into_iter().flatten().any(|day| !is_day(day)) {
        return Err(place("a day is written like 2026-11-21"));
    }
    if price.valid_until.as_ref().is_some_and(|until| *until <= price.valid_from) {
        return Err(place("`valid_until` must be after `valid_from`"));
    }
    let figures = [price.input_usd_per_million, price.output_usd_per_million];
    if figures.iter().any(|usd| !(0.0..=USD_PER_MILLION_MAX).contains(usd)) {
        return Err(place("a price lies between 0 and 100000 US dollars per million tokens"));
    }
    Ok(())
}

fn overlaps(earlier: &Price, later: &Price) -> bool {
    earlier.valid_from == later.valid_from
        || earlier.valid_until.as_ref().is_some_and(|until| *until > later.valid_from)
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u32>().ok()).flatten()
    };
    if let [year, month, day] = parts.as_slice() {
        number(year, 4).is_some()
            && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
            && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
    } else {
        false
    }
}

fn is_dated_name_of(model: &str, family: &str) -> bool {
    model
        .strip_prefix(family)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|date| date.len() >= 4 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn price(model: &str, from: &str, until: Option<&str>, input: f64) -> Price {
        Price {
            model: model.into(),
            valid_from: from.into(),
            valid_until: until.map(Into::into),
            input_usd_per_million: input,
            output_usd_per_million: 2.0 * input,
        }
    }

    fn usage(input_tokens: i64, output_tokens: i64) -> TokenUsage {
        TokenUsage { input_tokens, output_tokens, estimated: false }
    }

    #[test]
    fn a_call_costs_its_tokens_at_the_price_of_its_day() {
        let table =
            PriceTable::new(&[price("m", "2026-01-01", None, 1.0), price("m", "2026-06-01", Some("2026-07-01"), 3.0)])
                .unwrap();
        let cost = |day| table.cost("m", usage(1000, 500), day);
        assert_eq!(cost("2026-05-31"), Cost { micro_usd: 2000, known: true });
        assert_eq!(cost("2026-06-01"), Cost { micro_usd: 6000, known: true });
        assert_eq!(cost("2026-07-01"), Cost { micro_usd: 0, known: false });
        assert_eq!(cost("2025-12-31"), Cost { micro_usd: 0, known: false });
    }

    #[test]
    fn a_fraction_of_a_millionth_is_rounded_up_and_nonsense_costs_nothing() {
        let table = PriceTable::new(&[]).unwrap();
        assert_eq!(table.cost("gpt-4o-mini", usage(1, 0), "2026-11-21").micro_usd, 1);
        assert_eq!(table.cost("gpt-4o-mini", usage(100, 10), "2026-11-21").micro_usd, 21);
        assert_eq!(table.cost("gpt-4o-mini", usage(-5, -5), "2026-11-21").micro_usd, 0);
        assert!(!table.cost("never-heard-of", usage(9, 9), "2026-11-21").known);
    }

    #[test]
    fn a_dated_model_takes_the_price_of_its_family_and_not_of_a_shorter_name() {
        let table = PriceTable::new(&[]).unwrap();
        let dated = table.cost("gpt-4o-mini-2024-07-18", usage(1_000_000, 0), "2026-11-21");
        assert_eq!(dated, Cost { micro_usd: 150_000, known: true });
        assert!(!table.cost("gpt-4o-audio", usage(1, 1), "2026-11-21").known);
        let call = |asked, answered| table.cost_of_call(asked, answered, usage(1_000_000, 0), "2026-11-21");
        assert_eq!(call("gpt-4o-mini", "/models/weights.gguf"), call("gpt-4o-mini", "gpt-4o-mini"));
        assert!(call("gpt-4o-mini", "/models/weights.gguf").known && !call("never", "heard-of").known);
    }

    #[test]
    fn overlapping_days_are_refused_and_both_places_named() {
        let twice = [price("m", "2026-01-01", None, 1.0), price("m", "2026-01-01", None, 2.0)];
        let crossing = [price("m", "2026-03-01", None, 1.0), price("m", "2026-01-01", Some("2026-03-02"), 2.0)];
        for entries in [twice.as_slice(), &crossing] {
            let text = PriceTable::new(entries).unwrap_err().to_string();
            assert!(text.contains("prices[0]") && text.contains("prices[1]"), "{text}");
        }
    }

    #[test]
    fn an_impossible_day_or_price_is_refused_by_its_place() {
        for wrong in [
            price("m", "2026-13-01", None, 1.0),
            price("m", "yesterday", None, 1.0),
            price("m", "2026-02-01", Some("2026-01-01"), 1.0),
            price("m", "2026-01-01", None, f64::NAN),
            price("m", "2026-01-01", None, -1.0),
        ] {
            let text = PriceTable::new(&[wrong]).unwrap_err().to_string();
            assert!(text.starts_with("prices[0] of `m`"), "{text}");
        }
    }
}

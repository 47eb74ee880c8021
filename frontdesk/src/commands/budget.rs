//! `frontdesk budget`: what model calls of the whole desk may cost.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::wiring::Wired;
use domain::usage::{Budget, Spent};
use serde::Serialize;
use std::fmt::Display;

/// US dollars of a limit at most; a larger figure is a slip of the keyboard.
const USD_MAX: f64 = 1e9;
const MICRO: f64 = 1e6;

#[derive(Serialize)]
struct Shown {
    limits: Budget,
    spent: Spent,
}

pub(crate) async fn run(wired: Wired, command: &cli::Budget, output: Output) -> Result<Exit, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut settings = tenant.load_organization().await.map_err(|error| problem(&error))?.settings;
    if let cli::Budget::Set(limits) = command {
        settings.budget = Budget {
            day_micro_usd: limits.day_usd.map(micro_usd).transpose()?,
            month_micro_usd: limits.month_usd.map(micro_usd).transpose()?,
            day_tokens: limits.day_tokens,
            month_tokens: limits.month_tokens,
        };
        let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
        transaction.update_organization_settings(&settings).await.map_err(|error| problem(&error))?;
        transaction.insert_audit("system", "settings.updated", "budget").await.map_err(|error| problem(&error))?;
        transaction.commit().await.map_err(|error| problem(&error))?;
    }
    let spent = tenant.spent(None).await.map_err(|error| problem(&error))?;
    output.result(&Shown { limits: settings.budget, spent }, in_words)?;
    Ok(Exit::Ok)
}

fn micro_usd(usd: f64) -> Result<i64, Failure> {
    if !(0.0..=USD_MAX).contains(&usd) {
        return Err(Failure::new(Exit::Usage, format!("`{usd}` is no limit")).fix("write US dollars, such as 2.50"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1e15")]
    Ok((usd * MICRO).round() as i64)
}

fn in_words(shown: &Shown) -> String {
    let Shown { limits, spent } = shown;
    let usd = |micro: i64| format!("{}.{:06} USD", micro / 1_000_000, micro % 1_000_000);
    let limit = |limit: Option<i64>, written: &dyn Fn(i64) -> String| limit.map_or("no limit".to_owned(), written);
    let plain = |tokens: i64| tokens.to_string();
    table(
        &["", "spent", "limit"],
        &[
            vec!["today".into(), usd(spent.day_micro_usd), limit(limits.day_micro_usd, &usd)],
            vec!["this month".into(), usd(spent.month_micro_usd), limit(limits.month_micro_usd, &usd)],
            vec!["tokens today".into(), plain(spent.day_tokens), limit(limits.day_tokens, &plain)],
            vec!["tokens this month".into(), plain(spent.month_tokens), limit(limits.month_tokens, &plain)],
        ],
    )
}

fn problem(error: &dyn Display) -> Failure {
    Failure::new(Exit::Problem, "the budget cannot be read or changed").because(error).fix("run `frontdesk doctor`")
}

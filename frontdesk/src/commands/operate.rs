//! `frontdesk migrate` and `frontdesk reindex`.

use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;

/// Opening the desk has brought the schema up to date; this says so.
pub(crate) fn migrate(wired: &Wired, output: Output) -> Result<Exit, Failure> {
    output.result(&serde_json::json!({ "migrations": wired.migrations }), |_| {
        format!("the database is up to date: {} migrations", wired.migrations)
    })?;
    Ok(Exit::Ok)
}

/// Builds the indexes of every organization anew.
pub(crate) async fn reindex(wired: Wired, output: Output) -> Result<Exit, Failure> {
    let problem = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Problem, "the indexes could not be rebuilt")
            .because(error)
            .fix("check the disk, then run it again")
    };
    wired.say_if_lexical(output);
    let organizations = wired.desk.database.list_organizations().await.map_err(|error| problem(&error))?;
    let bar = output.progress("organizations", organizations.len() as u64);
    let mut embedded = 0;
    for organization in &organizations {
        embedded += ingest::documents::embed_missing(&wired.library, organization.id, |_| {})
            .await
            .map_err(|error| problem(&error))?;
        ingest::index::rebuild(&wired.library, organization.id).await.map_err(|error| problem(&error))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let count = organizations.len();
    output.result(&serde_json::json!({ "organizations": count, "embedded_passages": embedded }), |_| {
        format!("indexes of {count} organizations rebuilt · {embedded} passages embedded")
    })?;
    Ok(Exit::Ok)
}

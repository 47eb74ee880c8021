//! Cases from what customers asked and people thought of the answers.

use crate::Result;
use crate::dataset::{content_hash, problem};
use answering::Desk;
use domain::OrganizationId;
use domain::evaluation::{Case, Dataset};
use storage::evals::TurnFilter;

/// Messages of a conversation that are read up to a reply.
const MESSAGES_READ: i64 = 200;

/// The turns that the filter lets through, as cases, oldest first.
pub async fn collect(desk: &Desk, organization_id: OrganizationId, filter: &TurnFilter) -> Result<Vec<Case>> {
    let tenant = desk.database.of(organization_id);
    let mut cases = Vec::new();
    for turn in tenant.list_past_turns(filter).await? {
        let from = (turn.seq - MESSAGES_READ).max(0);
        let messages = tenant.list_messages(turn.conversation_id, from, turn.seq - from).await?;
        cases.extend(turn.to_case(&messages).filter(|case| problem(case).is_none()));
    }
    Ok(cases)
}

/// Stores collected cases as a dataset.
pub async fn store(desk: &Desk, organization_id: OrganizationId, name: &str, cases: &[Case]) -> Result<Dataset> {
    let mut transaction = desk.database.of(organization_id).begin().await?;
    let (dataset, _) = transaction.put_dataset(name, "conversations", &content_hash(cases), cases).await?;
    transaction.commit().await?;
    Ok(dataset)
}

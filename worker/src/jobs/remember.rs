//! The jobs of the memory: learn facts, keep the summary, scrub what was erased.

use crate::error::Result;
use crate::jobs::organization;
use crate::registry::Running;
use answering::{Desk, learn, summarize};
use domain::job::{Job, LearnFacts, SummarizeConversation};
use std::sync::Arc;
use storage::Database;

pub(crate) async fn learn_facts(desk: Desk, work: LearnFacts, job: Arc<Job>) -> Result<Running> {
    learn::learn(&desk, organization(&job)?, &work, &job).await?;
    Ok(Running::Completed)
}

pub(crate) async fn summarize_conversation(desk: Desk, work: SummarizeConversation, job: Arc<Job>) -> Result<Running> {
    summarize::summarize(&desk, organization(&job)?, &work, &job).await?;
    Ok(Running::Completed)
}

pub(crate) async fn scrub_pages(database: Database) -> Result<Running> {
    database.scrub_freed_pages().await?;
    Ok(Running::Done)
}

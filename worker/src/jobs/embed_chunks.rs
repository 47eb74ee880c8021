//! Embeds the passages that have no vector of the present model.

use crate::error::Result;
use crate::registry::Running;
use domain::job::{EmbedChunks, Job};
use ingest::{Library, documents};
use std::sync::Arc;

pub(crate) async fn run(library: Library, work: EmbedChunks, _: Arc<Job>) -> Result<Running> {
    let embedded = documents::embed_missing(&library, work.organization_id, |_| {}).await?;
    tracing::info!(organization.id = %work.organization_id, passages = embedded, "embedded what had no vector");
    Ok(Running::Done)
}

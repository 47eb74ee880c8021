//! Finds an agent for a conversation in the queue.

use crate::error::Result;
use crate::jobs::organization;
use crate::registry::Running;
use answering::Desk;
use answering::assign::assign_next;
use domain::job::{AssignConversation, Job};
use std::sync::Arc;

pub(crate) async fn run(desk: Desk, work: AssignConversation, job: Arc<Job>) -> Result<Running> {
    assign_next(&desk, organization(&job)?, work.conversation_id).await?;
    Ok(Running::Done)
}

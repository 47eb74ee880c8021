//! Hands a reply to its channel.

use crate::error::Result;
use crate::jobs::organization;
use crate::registry::Running;
use answering::{Desk, Error};
use channels::Outgoing;
use domain::job::{DeliverMessage, Job};
use domain::message::DeliveryState;
use std::sync::Arc;

pub(crate) async fn run(desk: Desk, work: DeliverMessage, job: Arc<Job>) -> Result<Running> {
    let tenant = desk.database.of(organization(&job)?);
    let message = tenant.load_message(work.message_id).await?;
    if !matches!(message.delivery, Some(DeliveryState::Queued)) {
        return Ok(Running::Done);
    }
    let conversation = tenant.load_conversation(message.conversation_id).await?;
    let channel = tenant.load_channel(conversation.channel_id).await?;
    let outgoing = Outgoing { message_id: message.id, content: message.content };
    let kind = channels::channel(&channel.kind).map_err(Error::from)?;
    let delivered = kind.send(&channel.settings, &outgoing).await.map_err(Error::from)?;
    let mut transaction = tenant.begin().await?;
    transaction.mark_delivery(work.message_id, delivered.state, None).await?;
    transaction.complete_job(&job).await?;
    transaction.commit().await?;
    Ok(Running::Completed)
}

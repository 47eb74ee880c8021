//! Waits for the answer to a message.

use crate::app::App;
use crate::error::Result;
use domain::conversation::Holder;
use domain::message::Message;

/// The answer to a customer's message: at once where it is there, else as soon as it is committed.
/// `None` where the time is up, where no AI will answer, or where the desk stops.
pub(crate) async fn answer_to(app: &App, message: &Message) -> Result<Option<Message>> {
    let Ok(_permit) = app.waits.try_acquire() else {
        return Ok(app.of(message.organization_id).find_reply_to(message).await?);
    };
    let looked = tokio::time::timeout(app.settings.answer_wait, look(app, message));
    match app.stop.run_until_cancelled(looked).await {
        Some(Ok(found)) => found,
        Some(Err(_)) | None => Ok(None),
    }
}

async fn look(app: &App, message: &Message) -> Result<Option<Message>> {
    let organization_id = message.organization_id;
    let mut listener = app.hub.listen(organization_id, Some(message.conversation_id)).await?;
    loop {
        let tenant = app.of(organization_id);
        // Read before the reply: a handoff by the AI commits both at once.
        let conversation = tenant.load_conversation(message.conversation_id).await?;
        if let Some(reply) = tenant.find_reply_to(message).await? {
            return Ok(Some(reply));
        }
        if conversation.holder != Holder::Ai || conversation.answered_seq >= message.seq {
            return Ok(None);
        }
        listener.wait().await;
    }
}

//! Which version of the answer prompt a question gets.

use crate::{Desk, Error, Result};
use domain::prompt::{ANSWER, AnswerTemplate, BUILT_IN, version_for};
use domain::{AssistantId, ConversationId, OrganizationId};

/// The version in use for the conversation; for no conversation, the one that is not on trial. `None` is the
/// built-in template. Without a model no template is read, so nobody needs to ask.
pub async fn in_use(
    desk: &Desk,
    organization_id: OrganizationId,
    assistant: AssistantId,
    conversation: Option<ConversationId>,
) -> Result<Option<AnswerTemplate>> {
    let published = desk.database.of(organization_id).list_published_prompts(assistant, ANSWER).await?;
    let version = version_for(&published, conversation);
    Ok(version.map(|version| AnswerTemplate { version: version.version, source: version.source.clone() }))
}

/// That version, whether it is published or not; `None` is the built-in template.
pub async fn version(
    desk: &Desk,
    organization_id: OrganizationId,
    assistant: AssistantId,
    version: i64,
) -> Result<Option<AnswerTemplate>> {
    if version == BUILT_IN {
        return Ok(None);
    }
    let stored = desk.database.of(organization_id).load_prompt_version(assistant, ANSWER, version).await?;
    Ok(Some(AnswerTemplate { version, source: stored.source }))
}

/// A text that was never stored, if it can be used.
///
/// # Errors
/// `Invalid` with the line and column of what is wrong.
pub fn draft(source: &str) -> Result<AnswerTemplate> {
    prompts::check_answer(source).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(AnswerTemplate { version: 0, source: source.to_owned() })
}

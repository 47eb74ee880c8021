//! Notes beside a conversation: agents read them, customers and the AI never do.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use axum::extract::State;
use axum::http::StatusCode;
use domain::agent::Agent;
use domain::notification::NotificationKind;
use domain::{AgentId, ConversationId, NoteId, Time};
use serde::{Deserialize, Serialize};
use storage::notes::Note;
use utoipa::ToSchema;

/// Notes of a conversation that are shown, the newest.
const NOTES_MAX: i64 = 200;
/// Characters of a note at most.
const CONTENT_CHARS_MAX: usize = 10_000;

/// What an agent wrote down.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoteObject {
    #[schema(value_type = String)]
    id: NoteId,
    /// Always `note`.
    object: &'static str,
    #[schema(value_type = String)]
    conversation_id: ConversationId,
    /// Who wrote it; `null` for a program.
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    content: String,
    /// The agents it names as `@name`; each was told.
    #[schema(value_type = Vec<String>)]
    mentions: Vec<AgentId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Note> for NoteObject {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            object: "note",
            conversation_id: note.conversation_id,
            agent_id: note.agent_id,
            content: note.content,
            mentions: note.mentions,
            created_at: note.created_at,
        }
    }
}

/// Lists the notes beside a conversation, oldest first; of very many the newest 200.
#[utoipa::path(get, path = "/v1/conversations/{id}/notes", tag = "handoff", params(("id" = String, Path)),
    responses((status = 200, description = "The notes", body = List<NoteObject>)))]
pub(crate) async fn list_notes(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<axum::Json<List<NoteObject>>> {
    let tenant = app.of(caller.organization_id());
    tenant.load_conversation(id).await?;
    let notes = tenant.list_notes(id, NOTES_MAX).await?;
    Ok(axum::Json(List::whole(notes.into_iter().rev().map(NoteObject::from).collect())))
}

/// A note to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateNote {
    content: String,
}

/// Writes a note beside a conversation; agents it names as `@name` are told.
#[utoipa::path(post, path = "/v1/conversations/{id}/notes", tag = "handoff", params(("id" = String, Path)),
    request_body = CreateNote,
    responses((status = 201, description = "The note", body = NoteObject)))]
pub(crate) async fn create_note(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<CreateNote>,
) -> Result<(StatusCode, axum::Json<NoteObject>)> {
    if body.content.trim().is_empty() || body.content.chars().count() > CONTENT_CHARS_MAX {
        return Err(Problem::invalid(format!("`content` has from 1 to {CONTENT_CHARS_MAX} characters")).at("/content"));
    }
    let tenant = app.of(caller.organization_id());
    tenant.load_conversation(id).await?;
    let author = caller.agent_or(None);
    let mentions = mentions(&body.content, &tenant.list_agents().await?);
    let mut transaction = tenant.begin().await?;
    let note = transaction.insert_note(id, author, &body.content, mentions).await?;
    for agent in note.mentions.iter().filter(|agent| Some(**agent) != author) {
        transaction.notify(*agent, NotificationKind::Mentioned, id, author).await?;
    }
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(note.into())))
}

/// The agents that a text names: `@` and their whole name, or a first name that only one of them has.
fn mentions(content: &str, agents: &[Agent]) -> Vec<AgentId> {
    let lower = content.to_lowercase();
    let begins = lower.match_indices('@').map(|(at, mark)| (at, at + mark.len()));
    let free = begins.filter(|(at, _)| {
        let before = lower.get(..*at).and_then(|text| text.chars().next_back());
        !before.is_some_and(char::is_alphanumeric)
    });
    let mut named = Vec::new();
    for rest in free.filter_map(|(_, after)| lower.get(after..)) {
        let whole = agents.iter().filter(|agent| begins_with(rest, &agent.name.to_lowercase()));
        let longest = whole.max_by_key(|agent| agent.name.len());
        let found = longest.or_else(|| {
            let first_name = |agent: &Agent| agent.name.to_lowercase().split(' ').next().unwrap_or_default().to_owned();
            let mut by_first = agents.iter().filter(|agent| begins_with(rest, &first_name(agent)));
            by_first.next().filter(|_| by_first.next().is_none())
        });
        named.extend(found.map(|agent| agent.id).filter(|id| !named.contains(id)));
    }
    named
}

/// Whether a text begins with these words and no letter follows.
fn begins_with(text: &str, words: &str) -> bool {
    let rest = text.strip_prefix(words).filter(|_| !words.is_empty());
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Id;
    use domain::agent::{AgentRole, Availability};

    fn agent(number: u128, name: &str) -> Agent {
        Agent {
            id: Id::from_uuid(uuid::Uuid::from_u128(number)),
            organization_id: Id::from_uuid(uuid::Uuid::nil()),
            name: name.to_owned(),
            email: None,
            role: AgentRole::Agent,
            availability: Availability::Online,
            present_until: None,
            capacity: 1,
            skills: Vec::new(),
            last_assigned_at: None,
            created_at: Time::EPOCH,
        }
    }

    #[test]
    fn names_behind_the_mark_are_found_where_they_are_clear() {
        let agents = [agent(1, "Ada Lovelace"), agent(2, "Ada"), agent(3, "Grace Hopper"), agent(4, "Zoë")];
        let named =
            |text: &str| -> Vec<u128> { mentions(text, &agents).into_iter().map(|id| id.uuid().as_u128()).collect() };
        assert_eq!(named("@ada lovelace please look"), [1]);
        assert_eq!(named("@Ada, and @GRACE: see above @grace hopper"), [2, 3]);
        assert_eq!(named("@zoë!"), [4]);
        for text in ["ada@example.org", "@adam", "@ ada", "@nobody", ""] {
            assert_eq!(named(text), [] as [u128; 0], "{text}");
        }
    }
}

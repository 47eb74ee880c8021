//! Notes beside a conversation: agents read them, customers and the AI never do.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use axum::extract::State;
use axum::http::StatusCode;
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

/// Writes a note beside a conversation.
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
    let mut transaction = tenant.begin().await?;
    let note = transaction.insert_note(id, caller.agent_or(None), &body.content).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(note.into())))
}

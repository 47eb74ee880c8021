//! What agents write down for each other beside a conversation.

use crate::sql::Run;
use crate::{Result, Tenant, Transaction};
use domain::{AgentId, ConversationId, NoteId, OrganizationId, Time};
use sqlx::types::Json;

/// One note.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The conversation it stands beside.
    pub conversation_id: ConversationId,
    /// Who wrote it; `None` for a program.
    pub agent_id: Option<AgentId>,
    /// Its text.
    pub content: String,
    /// The agents it names.
    #[sqlx(json)]
    pub mentions: Vec<AgentId>,
    /// When it was written.
    pub created_at: Time,
}

impl Tenant<'_> {
    /// Notes beside a conversation, the newest first.
    pub async fn list_notes(self, id: ConversationId, limit: i64) -> Result<Vec<Note>> {
        self.all(
            "select id, organization_id, conversation_id, agent_id, content, mentions, created_at from notes
             where organization_id = $1 and conversation_id = $2 order by created_at desc, id desc limit $3",
            (self.organization_id(), id, limit),
        )
        .await
    }
}

impl Transaction {
    /// Adds a note.
    pub async fn insert_note(
        &mut self,
        id: ConversationId,
        agent: Option<AgentId>,
        content: &str,
        mentions: Vec<AgentId>,
    ) -> Result<Note> {
        let note = Note {
            id: self.id(),
            organization_id: self.organization_id()?,
            conversation_id: id,
            agent_id: agent,
            content: content.to_owned(),
            mentions,
            created_at: self.now(),
        };
        let arguments = (
            note.id,
            note.organization_id,
            id,
            agent,
            content.to_owned(),
            note.created_at,
            Json(note.mentions.clone()),
        );
        self.run(
            "insert into notes (id, organization_id, conversation_id, agent_id, content, created_at, mentions)
             values ($1, $2, $3, $4, $5, $6, $7)",
            arguments,
        )
        .await?;
        self.tell("conversation.noted", Some(id), serde_json::json!({ "note_id": note.id }));
        Ok(note)
    }
}

//! Feedback: how people rate an answer.

use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::{MessageId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// How good an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Rating {
    /// It helped.
    Good,
    /// It was not wrong.
    Acceptable,
    /// It did not help, or was wrong.
    Poor,
}

/// A person's rating of an answer; the newest counts.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct Feedback {
    /// The answer.
    pub message_id: MessageId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// How good it was.
    pub rating: Rating,
    /// Why, in their words.
    pub comment: Option<String>,
    /// When it was given.
    pub created_at: Time,
}

impl Tenant<'_> {
    /// The rating of an answer.
    pub async fn find_feedback(self, message_id: MessageId) -> Result<Option<Feedback>> {
        self.find(
            "select message_id, organization_id, rating, comment, created_at
             from feedback where organization_id = $1 and message_id = $2",
            (self.organization_id(), message_id),
        )
        .await
    }
}

impl Transaction {
    /// Rates an answer, instead of an earlier rating.
    ///
    /// # Errors
    /// `NotFound` for a message of nobody or somebody else.
    pub async fn upsert_feedback(
        &mut self,
        message_id: MessageId,
        rating: Rating,
        comment: Option<String>,
    ) -> Result<()> {
        let arguments = (self.organization_id()?, message_id, rating, comment, self.now());
        let written = self
            .run(
                "insert into feedback (message_id, organization_id, rating, comment, created_at)
                 select id, organization_id, $3, $4, $5 from messages where organization_id = $1 and id = $2
                 on conflict (message_id) do update set
                     rating = excluded.rating, comment = excluded.comment, created_at = excluded.created_at",
                arguments,
            )
            .await?;
        if written == 0 { Err(Error::not_found("message", message_id)) } else { Ok(()) }
    }
}

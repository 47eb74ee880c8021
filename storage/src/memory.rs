//! What remembering stands on: how far a conversation was read for it, and the vectors of what was said.

use crate::embeddings::{read_hash, read_vector};
use crate::list::{self, List};
use crate::sql::{Run, Sql};
use crate::{Error, Result, Tenant, Transaction};
use domain::message::Message;
use domain::{ConversationId, CustomerId};
use std::collections::HashMap;

/// How far a conversation was read for the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MemoryMarks {
    /// Whose memory it is.
    pub customer_id: CustomerId,
    /// Messages up to this seq were looked at for facts.
    pub learned_seq: i64,
    /// The summary covers messages up to this seq.
    pub summary_seq: i64,
}

impl Tenant<'_> {
    /// How far the conversation was read for the memory.
    pub async fn load_memory_marks(self, id: ConversationId) -> Result<MemoryMarks> {
        self.find(
            "select customer_id, learned_seq, summary_seq from conversations where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("conversation", id))
    }

    /// The newest messages of a customer, oldest of them first, without those of `conversation` from
    /// `from_seq` on and without notices of the system. Of a customer who is not verified only those of the
    /// same channel.
    pub async fn list_earlier_messages(
        self,
        customer: CustomerId,
        conversation: ConversationId,
        from_seq: i64,
        limit: i64,
    ) -> Result<Vec<Message>> {
        let columns = crate::messages::COLUMNS.replace(", ", ", m.").replace(",\n    ", ", m.");
        let mut messages: Vec<Message> = self
            .all(
                Sql::dynamic(format!(
                    "select m.{columns} from conversations c join messages m on m.conversation_id = c.id
                     where c.organization_id = $1 and c.customer_id = $2 and m.organization_id = $1
                        and m.sender <> 'system' and (m.conversation_id <> $3 or m.seq < $4)
                        and (exists (select 1 from customers u
                                where u.organization_id = $1 and u.id = $2 and u.identity = 'verified')
                            or m.channel_id = (select h.channel_id from conversations h
                                where h.organization_id = $1 and h.id = $3))
                     order by m.created_at desc, m.id desc limit $5"
                )),
                (self.organization_id(), customer, conversation, from_seq, limit),
            )
            .await?;
        messages.reverse();
        Ok(messages)
    }

    /// The vectors of this customer's texts by their hash; what is missing is absent.
    pub async fn find_memory_vectors(
        self,
        customer: CustomerId,
        model: &str,
        hashes: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<f32>>> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = self
            .all(
                List::Hashes.sql(
                    "select v.hash, v.vector from {wanted} cross join memory_vectors v
                     where v.customer_id = $3 and v.organization_id = $1 and v.model = $4 and v.hash = wanted.value",
                ),
                (self.organization_id(), list::hashes(hashes), customer, model),
            )
            .await?;
        rows.into_iter().map(|(hash, vector)| Ok((read_hash(&hash)?, read_vector(&vector)?))).collect()
    }
}

impl Transaction {
    /// Stores vectors of a customer's texts; those that are there already stay.
    pub async fn insert_memory_vectors(
        &mut self,
        customer: CustomerId,
        model: &str,
        vectors: &[([u8; 32], Vec<f32>)],
    ) -> Result<()> {
        let organization_id = self.organization_id()?;
        let rows = vectors
            .iter()
            .map(|(hash, vector)| {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                (customer, organization_id, model, hash.as_slice(), bytes)
            })
            .collect();
        self.insert_many(
            "insert into memory_vectors (customer_id, organization_id, model, hash, vector)",
            5,
            rows,
            "on conflict (customer_id, model, hash) do nothing",
        )
        .await?;
        Ok(())
    }

    /// Notes that the messages up to `seq` were looked at for facts.
    pub async fn mark_learned(&mut self, id: ConversationId, seq: i64) -> Result<()> {
        let arguments = (self.organization_id()?, id, seq);
        self.run(
            "update conversations set learned_seq = $3 where organization_id = $1 and id = $2 and learned_seq < $3",
            arguments,
        )
        .await?;
        Ok(())
    }

    /// Replaces the summary of what was cut from the window; it covers the messages up to `seq`.
    pub async fn update_conversation_summary(&mut self, id: ConversationId, summary: String, seq: i64) -> Result<()> {
        let arguments = (self.organization_id()?, id, summary, seq);
        self.run(
            "update conversations set summary = $3, summary_seq = $4 where organization_id = $1 and id = $2",
            arguments,
        )
        .await?;
        Ok(())
    }
}

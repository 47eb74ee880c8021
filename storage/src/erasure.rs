//! Erasing a customer: every row that leads to them, and the pages that those rows stood on.

use crate::database::Engine;
use crate::list::{self, List};
use crate::sql::Run;
use crate::{Database, Error, Result, Tenant, Transaction};
use domain::{ConversationId, CustomerId, FactId, MessageId, OrganizationId};
use sha2::{Digest, Sha256};

/// Ids of what belongs to the customer, in one statement's list at most.
const IDS_MAX: usize = 5_000;

impl Tenant<'_> {
    /// Whether a customer with that external id was erased.
    pub async fn is_erased(self, external_id: &str) -> Result<bool> {
        let hash = external_id_hash(self.organization_id(), external_id);
        let count: i64 = self
            .scalar(
                "select count(*) from tombstones where organization_id = $1 and external_id_hash = $2",
                (self.organization_id(), hash),
            )
            .await?;
        Ok(count > 0)
    }
}

impl Transaction {
    /// Erases a customer with everything that leads to them: conversations, messages, deliveries, traces,
    /// feedback, handoffs, notes, facts, vectors, events, jobs, kept answers of requests, and the eval
    /// cases, outcomes and reports made of their conversations. What was paid for stays as figures that no
    /// longer lead to them, and their external id, like those on other channels, is refused from now on.
    pub async fn delete_customer(&mut self, id: CustomerId) -> Result<()> {
        let organization_id = self.organization_id()?;
        let row: Option<(Option<String>,)> = self
            .find("select external_id from customers where organization_id = $1 and id = $2", (organization_id, id))
            .await?;
        let (external_id,) = row.ok_or_else(|| Error::not_found("customer", id))?;
        let identities: Vec<(String,)> = self
            .all(
                "select external_id from customer_identities where organization_id = $1 and customer_id = $2",
                (organization_id, id),
            )
            .await?;
        let texts = self.ids_that_lead_to(organization_id, id).await?;
        for part in texts.chunks(IDS_MAX) {
            self.delete_what_names(organization_id, part).await?;
        }
        self.run(
            "update usage set conversation_id = null, message_id = null
             where organization_id = $1 and conversation_id in (
                 select id from conversations where organization_id = $1 and customer_id = $2)",
            (organization_id, id),
        )
        .await?;
        self.run(
            "delete from events where organization_id = $1 and conversation_id in (
                 select id from conversations where organization_id = $1 and customer_id = $2)",
            (organization_id, id),
        )
        .await?;
        // Everything else hangs on the customer by foreign keys that cascade.
        self.run("delete from customers where organization_id = $1 and id = $2", (organization_id, id)).await?;
        for external_id in external_id.into_iter().chain(identities.into_iter().map(|(id,)| id)) {
            self.insert_tombstone(&external_id).await?;
        }
        Ok(())
    }

    /// Lets an erased customer's external id in again; `false` where it was not refused.
    pub async fn delete_tombstone(&mut self, external_id: &str) -> Result<bool> {
        let organization_id = self.organization_id()?;
        let arguments = (organization_id, external_id_hash(organization_id, external_id));
        let touched =
            self.run("delete from tombstones where organization_id = $1 and external_id_hash = $2", arguments).await?;
        Ok(touched > 0)
    }

    async fn insert_tombstone(&mut self, external_id: &str) -> Result<()> {
        let organization_id = self.organization_id()?;
        let arguments = (organization_id, external_id_hash(organization_id, external_id), self.now());
        self.run(
            "insert into tombstones (organization_id, external_id_hash, created_at) values ($1, $2, $3)
             on conflict (organization_id, external_id_hash) do nothing",
            arguments,
        )
        .await?;
        Ok(())
    }

    /// Refuses an external id whose customer was erased.
    pub(crate) async fn refuse_erased(&mut self, external_id: &str) -> Result<()> {
        let organization_id = self.organization_id()?;
        let arguments = (organization_id, external_id_hash(organization_id, external_id));
        let erased: i64 = self
            .scalar("select count(*) from tombstones where organization_id = $1 and external_id_hash = $2", arguments)
            .await?;
        if erased == 0 { Ok(()) } else { Err(Error::Erased) }
    }

    /// The ids, as they are written in payloads and answers, of the customer and what is theirs.
    async fn ids_that_lead_to(&mut self, organization_id: OrganizationId, id: CustomerId) -> Result<Vec<String>> {
        let conversations: Vec<(ConversationId,)> = self
            .all("select id from conversations where organization_id = $1 and customer_id = $2", (organization_id, id))
            .await?;
        let messages: Vec<(MessageId,)> = self
            .all(
                "select m.id from conversations c join messages m on m.conversation_id = c.id
                 where c.organization_id = $1 and c.customer_id = $2",
                (organization_id, id),
            )
            .await?;
        let facts: Vec<(FactId,)> = self
            .all("select id from facts where organization_id = $1 and customer_id = $2", (organization_id, id))
            .await?;
        let mut texts = vec![id.to_string()];
        texts.extend(conversations.into_iter().map(|(id,)| id.to_string()));
        texts.extend(messages.into_iter().map(|(id,)| id.to_string()));
        texts.extend(facts.into_iter().map(|(id,)| id.to_string()));
        Ok(texts)
    }

    /// Deletes rows that name one of the ids without a foreign key.
    async fn delete_what_names(&mut self, organization_id: OrganizationId, texts: &[String]) -> Result<()> {
        let wanted = list::texts(texts.iter().map(String::as_str));
        for text in [
            "delete from jobs where organization_id = $1 and (
                 lane in (select value from {wanted})
                 or cast(payload ->> 'customer_id' as text) in (select value from {wanted})
                 or cast(payload ->> 'conversation_id' as text) in (select value from {wanted})
                 or cast(payload ->> 'message_id' as text) in (select value from {wanted}))",
            "delete from idempotency where organization_id = $1
                 and exists (select 1 from {wanted} where response like '%' || value || '%')",
            "delete from eval_reports where organization_id = $1 and run_id in (
                 select run_id from eval_results
                 where organization_id = $1 and case_id in (select value from {wanted}))",
            "delete from eval_results where organization_id = $1 and case_id in (select value from {wanted})",
            "update eval_datasets set cases = cases - (
                 select count(*) from eval_cases e where e.dataset_id = eval_datasets.id
                     and cast(e.body ->> 'id' as text) in (select value from {wanted}))
             where organization_id = $1 and origin = 'conversations'",
            "delete from eval_cases where organization_id = $1
                 and cast(body ->> 'id' as text) in (select value from {wanted})",
        ] {
            self.run(List::Texts.sql(text), (organization_id, wanted.clone())).await?;
        }
        Ok(())
    }
}

impl Database {
    /// Overwrites what deleted rows left behind in the SQLite file and its journal. PostgreSQL's own
    /// vacuum does that there, in its own time.
    ///
    /// # Errors
    /// `Unavailable` while somebody still reads an older state: try again.
    pub async fn scrub_freed_pages(&self) -> Result<()> {
        match self.engine() {
            Engine::Sqlite(engine) => engine.writer.scrub().await,
            Engine::Postgres(_) => Ok(()),
        }
    }
}

/// What is kept of an erased customer's external id.
fn external_id_hash(organization_id: OrganizationId, external_id: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(organization_id.uuid().as_bytes());
    hash.update(external_id);
    hash.finalize().to_vec()
}

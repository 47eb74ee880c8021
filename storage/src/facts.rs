//! Facts: what is remembered of a customer.

use crate::list::{self, List};
use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::memory::Fact;
use domain::{CustomerId, FactId, MessageId, Time};

/// A fact to be remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFact {
    /// The customer it is about.
    pub customer_id: CustomerId,
    /// Which kind it is.
    pub kind: String,
    /// The fact in a sentence.
    pub text: String,
    /// How much it matters, 0 to 1.
    pub importance: f64,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// The message it was learned from.
    pub source_message_id: Option<MessageId>,
    /// Forgotten from then on.
    pub expires_at: Option<Time>,
}

impl Tenant<'_> {
    /// What is true of a customer at `time` and not forgotten by then, the most important first.
    pub async fn list_facts(self, customer_id: CustomerId, time: Time, limit: i64) -> Result<Vec<Fact>> {
        self.all(
            "select id, organization_id, customer_id, kind, text, importance, confidence, source_message_id, valid_from,
                    valid_until, expires_at, last_used_at, created_at
             from facts
             where organization_id = $1 and customer_id = $2 and valid_from <= $3
                   and (valid_until is null or valid_until > $3) and (expires_at is null or expires_at > $3)
             order by importance desc, created_at desc, id desc limit $4",
            (self.organization_id(), customer_id, time, limit),
        )
        .await
    }

    /// Everything that was ever remembered of a customer and is not erased, the newest first.
    pub async fn list_all_facts(self, customer_id: CustomerId, limit: i64) -> Result<Vec<Fact>> {
        self.all(
            "select id, organization_id, customer_id, kind, text, importance, confidence, source_message_id, valid_from,
                    valid_until, expires_at, last_used_at, created_at
             from facts where organization_id = $1 and customer_id = $2 order by created_at desc, id desc limit $3",
            (self.organization_id(), customer_id, limit),
        )
        .await
    }

    /// The fact of that customer, closed or not.
    pub async fn load_fact(self, customer_id: CustomerId, id: FactId) -> Result<Fact> {
        self.find(
            "select id, organization_id, customer_id, kind, text, importance, confidence, source_message_id, valid_from,
                    valid_until, expires_at, last_used_at, created_at
             from facts where organization_id = $1 and customer_id = $2 and id = $3",
            (self.organization_id(), customer_id, id),
        )
        .await?
        .ok_or_else(|| Error::not_found("fact", id))
    }
}

impl Transaction {
    /// Remembers a fact from now on.
    ///
    /// # Errors
    /// `NotFound` for a customer of nobody or somebody else.
    pub async fn insert_fact(&mut self, new: NewFact) -> Result<Fact> {
        let now = self.now();
        let fact = Fact {
            id: self.id(),
            organization_id: self.organization_id()?,
            customer_id: new.customer_id,
            kind: new.kind,
            text: new.text,
            importance: new.importance,
            confidence: new.confidence,
            source_message_id: new.source_message_id,
            valid_from: now,
            valid_until: None,
            expires_at: new.expires_at,
            last_used_at: None,
            created_at: now,
        };
        let arguments = (
            fact.organization_id,
            fact.customer_id,
            fact.id,
            fact.kind.clone(),
            fact.text.clone(),
            fact.importance,
            fact.confidence,
            fact.source_message_id,
            now,
            fact.expires_at,
        );
        // Selected from the customer, so that it is this organization's.
        let inserted = self
            .run(
                "insert into facts (id, organization_id, customer_id, kind, text, importance, confidence,
                                    source_message_id, valid_from, expires_at, created_at)
                 select $3, organization_id, id, $4, $5, $6, $7, $8, $9, $10, $9
                 from customers where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        if inserted == 0 { Err(Error::not_found("customer", fact.customer_id)) } else { Ok(fact) }
    }

    /// Ends a fact's truth at `time`; one that has ended before stays as it is.
    pub async fn close_fact(&mut self, id: FactId, time: Time) -> Result<()> {
        let arguments = (self.organization_id()?, id, time);
        let touched = self
            .run(
                "update facts set valid_until = coalesce(valid_until, $3) where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        found(touched, id)
    }

    /// Corrects what a fact says, how much it matters, how sure it is and until when it is kept.
    pub async fn update_fact(&mut self, fact: &Fact) -> Result<()> {
        let arguments = (
            self.organization_id()?,
            fact.id,
            fact.kind.clone(),
            fact.text.clone(),
            fact.importance,
            fact.confidence,
            fact.expires_at,
        );
        let touched = self
            .run(
                "update facts set kind = $3, text = $4, importance = $5, confidence = $6, expires_at = $7
                 where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        found(touched, fact.id)
    }

    /// Erases a fact.
    pub async fn delete_fact(&mut self, id: FactId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        let touched = self.run("delete from facts where organization_id = $1 and id = $2", arguments).await?;
        found(touched, id)
    }

    /// Notes that these facts helped just now.
    pub async fn mark_facts_used(&mut self, ids: &[FactId]) -> Result<()> {
        let arguments = (self.organization_id()?, list::ids(ids), self.now());
        self.run(
            List::Ids.sql(
                "update facts set last_used_at = $3
                 where organization_id = $1 and id in (select value from {wanted})",
            ),
            arguments,
        )
        .await?;
        Ok(())
    }
}

fn found(touched: u64, id: FactId) -> Result<()> {
    if touched == 0 { Err(Error::not_found("fact", id)) } else { Ok(()) }
}

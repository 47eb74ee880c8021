//! What customers are known by elsewhere, what may be recalled of them there, and two who are one.

use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::customer::{Customer, Identity};
use domain::{ConversationId, CustomerId, CustomerIdentityId, FactId, Id, Time};
use sqlx::types::Json;
use uuid::Uuid;

/// The word for an id of no certain kind of channel.
pub const ANY_CHANNEL: &str = "any";

/// An id that a customer is known by on one kind of channel.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct CustomerIdentity {
    /// Its id.
    pub id: CustomerIdentityId,
    /// The customer.
    pub customer_id: CustomerId,
    /// A kind of channel, or `any`.
    pub channel: String,
    /// The id there.
    pub external_id: String,
    /// Whether it was proved that it is theirs.
    pub identity: Identity,
    /// When it was added.
    pub created_at: Time,
}

impl Tenant<'_> {
    /// What a customer is known by, the oldest first.
    pub async fn list_identities(self, customer: CustomerId) -> Result<Vec<CustomerIdentity>> {
        self.all(
            "select id, customer_id, channel, external_id, identity, created_at from customer_identities
             where organization_id = $1 and customer_id = $2 order by created_at, id limit 100",
            (self.organization_id(), customer),
        )
        .await
    }

    /// Facts that must not be recalled in a conversation: its customer is not verified, and the fact was
    /// learned on another channel, or written down while the customer also wrote on another.
    pub async fn list_withheld_facts(self, id: ConversationId) -> Result<Vec<FactId>> {
        let rows: Vec<(Uuid,)> = self
            .all(
                "select f.id from conversations c
                 join customers u on u.id = c.customer_id and u.organization_id = c.organization_id
                 join facts f on f.customer_id = c.customer_id and f.organization_id = c.organization_id
                 left join messages m on m.id = f.source_message_id
                 where c.organization_id = $1 and c.id = $2 and u.identity <> 'verified'
                    and (case when m.id is null then exists (select 1 from conversations o
                            where o.customer_id = c.customer_id and o.channel_id <> c.channel_id)
                        else m.channel_id <> c.channel_id end)",
                (self.organization_id(), id),
            )
            .await?;
        Ok(rows.into_iter().map(|(id,)| Id::from_uuid(id)).collect())
    }
}

impl Transaction {
    /// The customer who is known by that id on that kind of channel, or by it anywhere.
    pub async fn find_customer_by_identity(&mut self, channel: &str, external_id: &str) -> Result<Option<Customer>> {
        let organization_id = self.organization_id()?;
        (&mut *self)
            .find(
                "select u.id, u.organization_id, u.external_id, u.name, u.email, u.locale, u.profile, u.identity,
                        u.created_at, u.updated_at
                 from customer_identities i join customers u on u.id = i.customer_id
                 where i.organization_id = $1 and i.channel in ($2, 'any') and i.external_id = $3
                 order by case when i.channel = 'any' then 1 else 0 end limit 1",
                (organization_id, channel.to_owned(), external_id.to_owned()),
            )
            .await
    }

    /// Adds an id that a customer is known by.
    ///
    /// # Errors
    /// `Conflict` when it belongs to a customer already; the transaction is over then.
    pub async fn insert_identity(
        &mut self,
        customer: CustomerId,
        channel: &str,
        external_id: &str,
        identity: Identity,
    ) -> Result<CustomerIdentity> {
        let added = CustomerIdentity {
            id: self.id(),
            customer_id: customer,
            channel: channel.to_owned(),
            external_id: external_id.to_owned(),
            identity,
            created_at: self.now(),
        };
        let arguments = (
            added.id,
            self.organization_id()?,
            customer,
            added.channel.clone(),
            added.external_id.clone(),
            identity,
            added.created_at,
        );
        let inserted = self
            .run(
                "insert into customer_identities (id, organization_id, customer_id, channel, external_id, identity, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                arguments,
            )
            .await;
        match inserted {
            Ok(_) => Ok(added),
            Err(error) if error.is_unique_violation() => {
                Err(Error::Conflict("`external_id` belongs to a customer on this channel already".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes an id from a customer.
    pub async fn delete_identity(&mut self, customer: CustomerId, id: CustomerIdentityId) -> Result<()> {
        let arguments = (self.organization_id()?, customer, id);
        let touched = self
            .run(
                "delete from customer_identities where organization_id = $1 and customer_id = $2 and id = $3",
                arguments,
            )
            .await?;
        if touched == 0 { Err(Error::not_found("identity", id)) } else { Ok(()) }
    }

    /// Notes an address that a customer left, where none is known; whether it was noted.
    pub async fn keep_contact(&mut self, customer: CustomerId, email: &str) -> Result<bool> {
        let arguments = (self.organization_id()?, customer, email.to_owned(), self.now());
        let touched = self
            .run(
                "update customers set email = $3, updated_at = $4
                 where organization_id = $1 and id = $2 and email is null",
                arguments,
            )
            .await?;
        Ok(touched > 0)
    }

    /// Moves everything of `from` to `into` and takes `from` out. Of `into` only what is empty is filled,
    /// and it is not more proved than before; the id `from` was known by leads to `into` from now on.
    pub async fn merge_customers(&mut self, into: &Customer, from: &Customer) -> Result<()> {
        let organization_id = self.organization_id()?;
        let between = (organization_id, into.id, from.id);
        for statement in [
            "update messages set sender_id = $2 where organization_id = $1 and sender = 'customer' and sender_id = $3",
            "update conversations set customer_id = $2 where organization_id = $1 and customer_id = $3",
            "update facts set customer_id = $2 where organization_id = $1 and customer_id = $3",
            "update playground_batches set customer_id = $2 where organization_id = $1 and customer_id = $3",
            "update customer_identities set customer_id = $2 where organization_id = $1 and customer_id = $3",
            "insert into memory_vectors (customer_id, organization_id, model, hash, vector)
             select $2, organization_id, model, hash, vector from memory_vectors
             where organization_id = $1 and customer_id = $3 on conflict do nothing",
        ] {
            (&mut *self).run(statement, between).await?;
        }
        (&mut *self)
            .run("delete from customers where organization_id = $1 and id = $2", (organization_id, from.id))
            .await?;
        let mut profile = from.profile.clone();
        profile.extend(into.profile.clone());
        let adopts_id = into.external_id.is_none();
        if let Some(external_id) = from.external_id.as_deref().filter(|_| !adopts_id) {
            self.insert_identity(into.id, ANY_CHANNEL, external_id, from.identity).await?;
        }
        let merged = Customer {
            external_id: into.external_id.clone().or_else(|| from.external_id.clone()),
            name: into.name.clone().or_else(|| from.name.clone()),
            email: into.email.clone().or_else(|| from.email.clone()),
            locale: into.locale.clone().or_else(|| from.locale.clone()),
            profile: Json(profile).0,
            ..into.clone()
        };
        self.update_customer(&merged).await?;
        self.tell("customer.merged", None, serde_json::json!({ "customer_id": into.id, "merged_id": from.id }));
        Ok(())
    }
}

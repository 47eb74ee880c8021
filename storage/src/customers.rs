//! Customers: who asks.

use crate::sql::Run;
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::CustomerId;
use domain::customer::{Customer, Identity};
use serde_json::{Map, Value};
use sqlx::types::Json;

/// What is known of a customer who writes.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCustomer {
    /// The id the organization's own systems know them by; without one they are a new customer.
    pub external_id: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their language and region.
    pub locale: Option<String>,
    /// Custom fields.
    pub profile: Map<String, Value>,
    /// Whether who they say they are was proved.
    pub identity: Identity,
}

impl Tenant<'_> {
    /// The customer with that id.
    pub async fn load_customer(self, id: CustomerId) -> Result<Customer> {
        self.find(
            "select id, organization_id, external_id, name, email, locale, profile, identity, created_at, updated_at
             from customers where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("customer", id))
    }

    /// The customer the organization's own systems know by that id.
    pub async fn find_customer_by_external_id(self, external_id: &str) -> Result<Option<Customer>> {
        self.find(
            "select id, organization_id, external_id, name, email, locale, profile, identity, created_at, updated_at
             from customers where organization_id = $1 and external_id = $2",
            (self.organization_id(), external_id),
        )
        .await
    }

    /// Customers, the last changed first; with `q` those whose name, e-mail address or external id
    /// holds it, whatever the case of its letters (on SQLite of A to Z only).
    pub async fn list_customers(self, q: Option<&str>, after: Keyset, limit: i64) -> Result<Vec<Customer>> {
        self.all(
            "select id, organization_id, external_id, name, email, locale, profile, identity, created_at, updated_at
             from customers
             where organization_id = $1
                   and ($2 is null or lower(name) like $2 escape '!' or lower(email) like $2 escape '!'
                        or lower(external_id) like $2 escape '!')
                   and (updated_at, id) < ($3, $4)
             order by updated_at desc, id desc limit $5",
            (self.organization_id(), q.map(containing), after.time, after.id, limit),
        )
        .await
    }
}

impl Transaction {
    /// The customer with that external id, or a new one. Of one who is there only what is empty is
    /// filled, and `unverified` may become `verified`.
    ///
    /// # Errors
    /// `Conflict` ([`Error::Erased`]) where a customer with that external id was erased.
    pub async fn upsert_customer(&mut self, new: &NewCustomer) -> Result<Customer> {
        let (id, now): (CustomerId, _) = (self.id(), self.now());
        let arguments = (
            id,
            self.organization_id()?,
            new.external_id.clone(),
            new.name.clone(),
            new.email.clone(),
            new.locale.clone(),
            Json(&new.profile),
            new.identity,
            now,
        );
        if let Some(external_id) = &new.external_id {
            let present: Option<Customer> = self
                .find(
                    "select id, organization_id, external_id, name, email, locale, profile, identity,
                            created_at, updated_at
                     from customers where organization_id = $1 and external_id = $2",
                    (arguments.1, external_id.as_str()),
                )
                .await?;
            match present {
                Some(customer) if !adds_to(new, &customer) => return Ok(customer),
                Some(_) => {}
                None => self.refuse_erased(external_id).await?,
            }
        }
        self.one(
            "insert into customers (id, organization_id, external_id, name, email, locale, profile, identity,
                                    created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
             on conflict (organization_id, external_id) where external_id is not null do update set
                 name = coalesce(customers.name, excluded.name),
                 email = coalesce(customers.email, excluded.email),
                 locale = coalesce(customers.locale, excluded.locale),
                 profile = case when customers.profile = '{}' then excluded.profile else customers.profile end,
                 identity = case when excluded.identity = 'verified' then 'verified' else customers.identity end,
                 updated_at = excluded.updated_at
             returning id, organization_id, external_id, name, email, locale, profile, identity,
                       created_at, updated_at",
            arguments,
        )
        .await
    }

    /// Replaces what is known of a customer, external id included, as a person edited it.
    pub async fn update_customer(&mut self, customer: &Customer) -> Result<()> {
        let arguments = (
            self.organization_id()?,
            customer.id,
            customer.external_id.clone(),
            customer.name.clone(),
            customer.email.clone(),
            customer.locale.clone(),
            Json(&customer.profile),
            customer.identity,
            self.now(),
        );
        let touched = self
            .run(
                "update customers set external_id = $3, name = $4, email = $5, locale = $6, profile = $7, identity = $8,
                                      updated_at = $9
                 where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        found(touched, customer.id)
    }
}

/// Whether `new` says something that is empty in `customer`.
fn adds_to(new: &NewCustomer, customer: &Customer) -> bool {
    let fills = |known: &Option<String>, said: &Option<String>| known.is_none() && said.is_some();
    fills(&customer.name, &new.name)
        || fills(&customer.email, &new.email)
        || fills(&customer.locale, &new.locale)
        || customer.profile.is_empty() && !new.profile.is_empty()
        || customer.identity == Identity::Unverified && new.identity == Identity::Verified
}

/// A `like` pattern for texts that hold `text`, with `!` as the escape.
fn containing(text: &str) -> String {
    let literal = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{literal}%")
}

fn found(touched: u64, id: CustomerId) -> Result<()> {
    if touched == 0 { Err(Error::not_found("customer", id)) } else { Ok(()) }
}

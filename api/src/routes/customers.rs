//! Customers: the people who ask.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Change, Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use axum::extract::State;
use axum::http::StatusCode;
use domain::customer::{Customer, Identity};
use domain::job::ScrubPages;
use domain::{CustomerId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use storage::Transaction;
use storage::customers::NewCustomer;
use utoipa::{IntoParams, ToSchema};

/// Characters of each text field at most.
const FIELD_CHARS_MAX: usize = 320;
/// Bytes of the profile as JSON at most.
const PROFILE_BYTES_MAX: usize = 16 * 1024;

/// A person who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct CustomerObject {
    #[schema(value_type = String, example = "cus_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: CustomerId,
    /// Always `customer`.
    object: &'static str,
    /// The id your own systems know them by.
    external_id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    locale: Option<String>,
    /// Custom fields.
    profile: Map<String, Value>,
    /// `unverified` or `verified`.
    #[schema(value_type = String)]
    identity: Identity,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl From<Customer> for CustomerObject {
    fn from(customer: Customer) -> Self {
        Self {
            id: customer.id,
            object: "customer",
            external_id: customer.external_id,
            name: customer.name,
            email: customer.email,
            locale: customer.locale,
            profile: customer.profile,
            identity: customer.identity,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCustomers {
    /// A part of the name, e-mail address or external id.
    q: Option<String>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists customers, the last changed first.
#[utoipa::path(get, path = "/v1/customers", tag = "customers", params(ListCustomers),
    responses((status = 200, description = "A stretch of the list", body = List<CustomerObject>)))]
pub(crate) async fn list_customers(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListCustomers>,
) -> Result<axum::Json<List<CustomerObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let text = query.q.as_deref().filter(|text| !text.is_empty());
    let rows = app.of(caller.organization_id()).list_customers(text, after, limit + 1).await?;
    let cursor = |row: &Customer| list::cursor(row.updated_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, CustomerObject::from)))
}

/// A customer to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCustomer {
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    profile: Map<String, Value>,
    /// Lets a customer in again who was erased.
    #[serde(default)]
    readmit: bool,
    /// `verified` where your own system proved who they are.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    identity: Option<Identity>,
}

/// Adds a customer. Of one with that external id only what is empty is filled; one who was erased is
/// refused unless they are readmitted.
#[utoipa::path(post, path = "/v1/customers", tag = "customers", request_body = CreateCustomer, responses(
    (status = 201, description = "They were added", body = CustomerObject),
    (status = 200, description = "They were there before", body = CustomerObject),
))]
pub(crate) async fn create_customer(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateCustomer>,
) -> Result<(StatusCode, axum::Json<CustomerObject>)> {
    let new = NewCustomer {
        external_id: body.external_id,
        name: body.name,
        email: body.email,
        locale: body.locale,
        profile: body.profile,
        identity: body.identity.unwrap_or(Identity::Unverified),
    };
    check(&new)?;
    let tenant = app.of(caller.organization_id());
    let present = match &new.external_id {
        Some(external_id) => tenant.find_customer_by_external_id(external_id).await?,
        None => None,
    };
    let mut transaction = tenant.begin().await?;
    if let Some(external_id) = new.external_id.as_ref().filter(|_| body.readmit)
        && transaction.delete_tombstone(external_id).await?
    {
        transaction.insert_audit(&caller.actor(), "customer.readmitted", "tombstone").await?;
    }
    let customer = upsert(&mut transaction, &new).await?;
    transaction.commit().await?;
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(customer.into())))
}

/// Reads a customer.
#[utoipa::path(get, path = "/v1/customers/{id}", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, description = "The customer", body = CustomerObject)))]
pub(crate) async fn get_customer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<axum::Json<CustomerObject>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_customer(id).await?.into()))
}

/// Changes of a customer: what is absent stays as it is, `null` empties a field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateCustomer {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    external_id: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    locale: Change<String>,
    /// Replaces the whole profile.
    #[serde(default)]
    profile: Option<Map<String, Value>>,
    /// `verified` where your own system proved who they are.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    identity: Option<Identity>,
}

/// Changes a customer.
#[utoipa::path(patch, path = "/v1/customers/{id}", tag = "customers", params(("id" = String, Path)),
    request_body = UpdateCustomer,
    responses((status = 200, description = "The customer as they are now", body = CustomerObject)))]
pub(crate) async fn update_customer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
    Json(body): Json<UpdateCustomer>,
) -> Result<axum::Json<CustomerObject>> {
    let tenant = app.of(caller.organization_id());
    let present = tenant.load_customer(id).await?;
    let external_id = present.external_id.clone();
    let new = NewCustomer {
        external_id: body.external_id.over(present.external_id),
        name: body.name.over(present.name),
        email: body.email.over(present.email),
        locale: body.locale.over(present.locale),
        profile: body.profile.unwrap_or(present.profile),
        identity: body.identity.unwrap_or(present.identity),
    };
    check(&new)?;
    if let Some(external_id) = new.external_id.as_ref().filter(|id| external_id.as_ref() != Some(*id))
        && tenant.is_erased(external_id).await?
    {
        return Err(erased());
    }
    let changed = Customer {
        external_id: new.external_id,
        name: new.name,
        email: new.email,
        locale: new.locale,
        profile: new.profile,
        identity: new.identity,
        ..present
    };
    let mut transaction = tenant.begin().await?;
    match transaction.update_customer(&changed).await {
        Err(error) if error.is_unique_violation() => {
            let detail = "`external_id` belongs to another customer";
            return Err(Problem::conflict("external_id_taken", detail).at("/external_id"));
        }
        outcome => outcome?,
    }
    transaction.commit().await?;
    Ok(axum::Json(tenant.load_customer(id).await?.into()))
}

/// Erases a customer with their conversations, messages, traces, notes, facts and everything else that leads to
/// them. Pages that are free by that are overwritten right after; their external id is refused from then on.
#[utoipa::path(delete, path = "/v1/customers/{id}", tag = "customers", params(("id" = String, Path)),
    responses((status = 204, description = "They are erased")))]
pub(crate) async fn delete_customer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    transaction.delete_customer(id).await?;
    transaction.insert_audit(&caller.actor(), "customer.deleted", &id.to_string()).await?;
    let now = transaction.now();
    transaction.enqueue_for(None, &ScrubPages {}, now).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The customer with that external id, or a new one.
pub(crate) async fn upsert(transaction: &mut Transaction, new: &NewCustomer) -> Result<Customer> {
    match transaction.upsert_customer(new).await {
        Err(storage::Error::Erased) => Err(erased()),
        outcome => Ok(outcome?),
    }
}

fn erased() -> Problem {
    Problem::conflict("customer_erased", "a customer with this `external_id` was erased")
        .at("/external_id")
        .hint("if they came back themselves, add them with POST /v1/customers and `\"readmit\": true`")
}

/// Refuses what is too long to be a customer's.
pub(crate) fn check(new: &NewCustomer) -> Result<()> {
    let fields =
        [("external_id", &new.external_id), ("name", &new.name), ("email", &new.email), ("locale", &new.locale)];
    for (name, value) in fields {
        let characters = value.as_ref().map_or(1, |value| value.chars().count());
        if characters == 0 || characters > FIELD_CHARS_MAX {
            let detail = format!("`{name}` has {characters} characters; it has from 1 to {FIELD_CHARS_MAX}");
            return Err(Problem::invalid(detail).at(format!("/{name}")));
        }
    }
    let bytes = serde_json::to_vec(&new.profile).map_or(0, |json| json.len());
    if bytes > PROFILE_BYTES_MAX {
        let detail = format!("`profile` has {bytes} bytes, {PROFILE_BYTES_MAX} are allowed");
        return Err(Problem::invalid(detail).at("/profile"));
    }
    Ok(())
}

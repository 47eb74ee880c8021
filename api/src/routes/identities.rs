//! What customers are known by elsewhere, and two customers who are one.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use crate::routes::customers::CustomerObject;
use axum::extract::State;
use axum::http::StatusCode;
use domain::customer::Identity;
use domain::{CustomerId, CustomerIdentityId, Time};
use serde::{Deserialize, Serialize};
use storage::identities::{ANY_CHANNEL, CustomerIdentity};
use utoipa::ToSchema;

/// Characters of an id at most.
const EXTERNAL_ID_CHARS_MAX: usize = 320;
/// Identities of a customer at most.
const IDENTITIES_MAX: usize = 100;

/// An id that a customer is known by on one kind of channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityObject {
    #[schema(value_type = String)]
    id: CustomerIdentityId,
    /// Always `identity`.
    object: &'static str,
    /// A kind of channel, or `any`.
    channel: String,
    external_id: String,
    /// `unverified` or `verified`.
    #[schema(value_type = String)]
    identity: Identity,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<CustomerIdentity> for IdentityObject {
    fn from(identity: CustomerIdentity) -> Self {
        Self {
            id: identity.id,
            object: "identity",
            channel: identity.channel,
            external_id: identity.external_id,
            identity: identity.identity,
            created_at: identity.created_at,
        }
    }
}

/// Lists what a customer is known by, the oldest first.
#[utoipa::path(get, path = "/v1/customers/{id}/identities", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, description = "All of them", body = List<IdentityObject>)))]
pub(crate) async fn list_identities(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<axum::Json<List<IdentityObject>>> {
    let tenant = app.of(caller.organization_id());
    tenant.load_customer(id).await?;
    let identities = tenant.list_identities(id).await?;
    Ok(axum::Json(List::whole(identities.into_iter().map(IdentityObject::from).collect())))
}

/// An id that a customer is known by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateIdentity {
    /// A kind of channel, such as `widget` or `email`, or `any`.
    channel: String,
    external_id: String,
    /// `verified` where your own system proved it; `unverified` where absent.
    #[serde(default = "unverified")]
    #[schema(value_type = Option<String>)]
    identity: Identity,
}

fn unverified() -> Identity {
    Identity::Unverified
}

/// Adds an id that a customer is known by on one kind of channel.
#[utoipa::path(post, path = "/v1/customers/{id}/identities", tag = "customers", params(("id" = String, Path)),
    request_body = CreateIdentity,
    responses((status = 201, description = "It was added", body = IdentityObject)))]
pub(crate) async fn create_identity(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
    Json(body): Json<CreateIdentity>,
) -> Result<(StatusCode, axum::Json<IdentityObject>)> {
    let tenant = app.of(caller.organization_id());
    if body.channel != ANY_CHANNEL && tenant.find_channel_by_kind(&body.channel).await?.is_none() {
        let detail = format!("`channel` is no kind of channel: `{}`", body.channel);
        return Err(Problem::invalid(detail).at("/channel").hint("write `api`, `widget` or `any`"));
    }
    if !(1..=EXTERNAL_ID_CHARS_MAX).contains(&body.external_id.chars().count()) {
        let detail = format!("`external_id` has from 1 to {EXTERNAL_ID_CHARS_MAX} characters");
        return Err(Problem::invalid(detail).at("/external_id"));
    }
    tenant.load_customer(id).await?;
    if tenant.list_identities(id).await?.len() >= IDENTITIES_MAX {
        return Err(Problem::conflict("too_many_identities", format!("a customer has at most {IDENTITIES_MAX}")));
    }
    let mut transaction = tenant.begin().await?;
    match transaction.insert_identity(id, &body.channel, &body.external_id, body.identity).await {
        Ok(identity) => {
            transaction.commit().await?;
            Ok((StatusCode::CREATED, axum::Json(identity.into())))
        }
        Err(storage::Error::Conflict(detail)) => Err(Problem::conflict("external_id_taken", detail).at("/external_id")),
        Err(error) => Err(error.into()),
    }
}

/// Takes an id from a customer.
#[utoipa::path(delete, path = "/v1/customers/{id}/identities/{identity}", tag = "customers",
    params(("id" = String, Path), ("identity" = String, Path)),
    responses((status = 204, description = "They are not known by it any more")))]
pub(crate) async fn delete_identity(
    State(app): State<App>,
    caller: Caller,
    Path((id, identity)): Path<(CustomerId, CustomerIdentityId)>,
) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    transaction.delete_identity(id, identity).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The customer who is the same person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeCustomers {
    /// Who is taken out; everything of theirs moves.
    #[schema(value_type = String)]
    from: CustomerId,
}

/// Merges another customer into this one: conversations, facts and identities move, of this one only what
/// is empty is filled. It cannot be taken back.
#[utoipa::path(post, path = "/v1/customers/{id}/merge", tag = "customers", params(("id" = String, Path)),
    request_body = MergeCustomers,
    responses((status = 200, description = "The customer as they are now", body = CustomerObject)))]
pub(crate) async fn merge_customers(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
    Json(body): Json<MergeCustomers>,
) -> Result<axum::Json<CustomerObject>> {
    if body.from == id {
        return Err(Problem::invalid("`from` is the customer itself").at("/from"));
    }
    let tenant = app.of(caller.organization_id());
    let into = tenant.load_customer(id).await?;
    let from = match tenant.load_customer(body.from).await {
        Err(storage::Error::NotFound { .. }) => return Err(Problem::not_found("customer", body.from).at("/from")),
        found => found?,
    };
    let mut transaction = tenant.begin().await?;
    transaction.merge_customers(&into, &from).await?;
    transaction.insert_audit(&caller.actor(), "customer.merged", &format!("{} into {id}", from.id)).await?;
    transaction.commit().await?;
    Ok(axum::Json(tenant.load_customer(id).await?.into()))
}

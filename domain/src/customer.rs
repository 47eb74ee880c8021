//! The person who asks.

use crate::{CustomerId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// A person who asks; unique in an organization by external id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Customer {
    /// Their id.
    pub id: CustomerId,
    /// The tenant they belong to.
    pub organization_id: OrganizationId,
    /// The id the organization's own systems know them by.
    pub external_id: Option<String>,
    /// Their name, as far as known.
    pub name: Option<String>,
    /// Their e-mail address, as far as known.
    pub email: Option<String>,
    /// Their language and region, `de-AT`.
    pub locale: Option<String>,
    /// Custom fields: a JSON object.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub profile: serde_json::Map<String, serde_json::Value>,
    /// Whether who they say they are was proved.
    pub identity: Identity,
    /// When they were first seen.
    pub created_at: Time,
    /// When they were changed last.
    pub updated_at: Time,
}

/// Whether a customer's identity was proved.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Identity {
    /// As they said themselves.
    Unverified,
    /// Proved by the organization's own system.
    Verified,
}

//! API keys: what a program proves itself with.

use crate::{KeyId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// A secret key of an organization, without the secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// The tenant it opens.
    pub organization_id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// The first characters of the plain key, to recognise it by.
    pub prefix: String,
    /// What it may do.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Time,
    /// Refused from then on.
    pub expires_at: Option<Time>,
    /// When it was called back.
    pub revoked_at: Option<Time>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Time>,
}

/// What a key may do. `Admin` includes everything.
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
pub enum Scope {
    /// Everything.
    Admin,
    /// Conversations, messages, customers and their memory.
    Conversations,
    /// Sources, scans, articles, review.
    Knowledge,
    /// Search, answers, playground.
    Playground,
    /// Evals.
    Evals,
    /// Usage and costs.
    Usage,
}

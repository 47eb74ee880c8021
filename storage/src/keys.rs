//! API keys. The plain key is never stored: only its SHA-256, which is enough for 256 random bits.

use crate::sql::Run;
use crate::{Database, Error, Keyset, Result, Tenant, Transaction};
use domain::key::{Key, Scope};
use domain::{KeyId, Time};
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use std::time::Duration;

/// How exact `last_used_at` is.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// A key to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// The first characters of the plain key.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Refused from then on.
    pub expires_at: Option<Time>,
}

impl Database {
    /// The key with that plain text, of whatever organization, unless it is revoked or expired.
    pub async fn find_key(&self, plain: &str) -> Result<Option<Key>> {
        self.find(
            "select id, organization_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at
             from keys where secret_hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
            (hash(plain), self.clock().now()),
        )
        .await
    }
}

impl Tenant<'_> {
    /// Keys, the newest first.
    pub async fn list_keys(self, after: Keyset, limit: i64) -> Result<Vec<Key>> {
        self.all(
            "select id, organization_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at
             from keys where organization_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            (self.organization_id(), after.time, after.id, limit),
        )
        .await
    }

    /// Notes that the key was used, at most once a minute.
    pub async fn touch_key(self, key: &Key) -> Result<()> {
        let now = self.now();
        if key.last_used_at.is_some_and(|last| now.since(last) < TOUCH_INTERVAL) {
            return Ok(());
        }
        self.run(
            "update keys set last_used_at = $3
             where organization_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)",
            (self.organization_id(), key.id, now, now - TOUCH_INTERVAL),
        )
        .await?;
        Ok(())
    }
}

impl Transaction {
    /// Adds a key; `plain` is what it is presented as.
    pub async fn insert_key(&mut self, new: NewKey, plain: &str) -> Result<Key> {
        let key = Key {
            id: self.id(),
            organization_id: self.organization_id()?,
            name: new.name,
            prefix: new.prefix,
            scopes: new.scopes,
            created_at: self.now(),
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        let arguments = (
            key.id,
            key.organization_id,
            key.name.clone(),
            key.prefix.clone(),
            hash(plain),
            Json(key.scopes.clone()),
            key.created_at,
            key.expires_at,
        );
        self.run(
            "insert into keys (id, organization_id, name, prefix, secret_hash, scopes, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            arguments,
        )
        .await?;
        Ok(key)
    }

    /// Calls a key back; doing it twice changes nothing.
    pub async fn revoke_key(&mut self, id: KeyId) -> Result<()> {
        let arguments = (self.organization_id()?, id, self.now());
        let touched = self
            .run(
                "update keys set revoked_at = coalesce(revoked_at, $3) where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        if touched == 0 { Err(Error::not_found("key", id)) } else { Ok(()) }
    }
}

fn hash(plain: &str) -> Vec<u8> {
    Sha256::digest(plain).to_vec()
}

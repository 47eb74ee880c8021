//! Makes API keys; the plain key exists only in what is returned here.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::key::{Key, Scope};
use domain::{ErrorKind, Kinded, OrganizationId, Time};
use storage::Database;
use storage::keys::NewKey;

/// What every plain key begins with.
const START: &str = "fd_live_";
/// Random bytes of a key: 43 characters of base64url.
const RANDOM_BYTES: usize = 32;
/// Characters of the plain key that lists show.
const SHOWN_CHARS: usize = START.len() + 4;
/// Characters of a key's name at most.
const NAME_CHARS_MAX: usize = 100;

/// A failure of making a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is empty or too long.
    #[error("`name` has from 1 to {NAME_CHARS_MAX} characters")]
    Name,
    /// A key without a scope opens nothing.
    #[error("`scopes` is empty: name at least one")]
    NoScope,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name | Self::NoScope => ErrorKind::Invalid,
            Self::Random(_) => ErrorKind::Internal,
            Self::Storage(error) => error.kind(),
        }
    }
}

/// Makes a key without an end. The second value is the plain key: show it once, keep it nowhere.
pub async fn create(
    database: &Database,
    organization_id: OrganizationId,
    name: &str,
    scopes: Vec<Scope>,
) -> Result<(Key, String), Error> {
    create_until(database, organization_id, name, scopes, None).await
}

/// Makes a key that is refused from `expires_at` on.
pub async fn create_until(
    database: &Database,
    organization_id: OrganizationId,
    name: &str,
    scopes: Vec<Scope>,
    expires_at: Option<Time>,
) -> Result<(Key, String), Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Error::Name);
    }
    if scopes.is_empty() {
        return Err(Error::NoScope);
    }
    let plain = plain()?;
    let prefix = plain.chars().take(SHOWN_CHARS).collect();
    let mut transaction = database.of(organization_id).begin().await?;
    let new = NewKey { name: name.to_owned(), prefix, scopes, expires_at };
    let key = transaction.insert_key(new, &plain).await?;
    transaction.commit().await?;
    Ok((key, plain))
}

fn plain() -> Result<String, Error> {
    let mut bytes = [0u8; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(format!("{START}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn plain_keys_are_43_random_characters_behind_their_mark() {
        let (first, second) = (plain().unwrap(), plain().unwrap());
        assert_eq!(first.len(), "fd_live_".len() + 43);
        assert!(first.starts_with("fd_live_"));
        assert_ne!(first, second);
    }
}

//! Makes API keys: 256 random bits behind a mark; only their hash is kept.

use crate::failure::Failure;
use crate::output::Exit;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::OrganizationId;
use domain::key::{Key, Scope};
use storage::Database;
use storage::keys::NewKey;

/// What every plain key begins with.
const START: &str = "fd_live_";
/// Characters of a plain key that lists show.
const SHOWN_CHARS: usize = START.len() + 4;
/// Random bytes of a key.
const RANDOM_BYTES: usize = 32;
/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 100;

/// Makes a key and returns it with its plain text, which nobody can read again.
pub(crate) async fn create(
    database: &Database,
    organization_id: OrganizationId,
    name: &str,
    scopes: Vec<Scope>,
) -> Result<(Key, String), Failure> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Failure::new(Exit::Usage, format!("a key's name has from 1 to {NAME_CHARS_MAX} characters"))
            .fix("say what the key is for, such as --name website"));
    }
    let problem = |error: &dyn std::fmt::Display| Failure::new(Exit::Problem, "the key could not be made").because(error);
    let mut bytes = [0_u8; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| problem(&error))?;
    let plain = format!("{START}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let prefix = plain.chars().take(SHOWN_CHARS).collect();
    let new = NewKey { name: name.to_owned(), prefix, scopes, expires_at: None };
    let mut transaction = database.of(organization_id).begin().await.map_err(|error| problem(&error))?;
    let key = transaction.insert_key(new, &plain).await.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    Ok((key, plain))
}

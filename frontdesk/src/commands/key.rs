//! `frontdesk key`: makes, lists and revokes API keys.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::suggest::read_word;
use crate::wiring::Wired;
use domain::key::{Key, Scope};
use domain::{ErrorKind, KeyId, Kinded, Time};
use storage::Keyset;

/// Keys that a list shows at most.
const LISTED_MAX: i64 = 1_000;

pub(crate) async fn run(wired: Wired, command: &cli::Key, output: Output) -> Result<Exit, Failure> {
    match command {
        cli::Key::Create { name, scope } => create(&wired, name, scope, output).await,
        cli::Key::List => list(&wired, output).await,
        cli::Key::Revoke { id } => revoke(&wired, id, output).await,
    }
}

async fn create(wired: &Wired, name: &str, scopes: &[String], output: Output) -> Result<Exit, Failure> {
    let mut wanted = Vec::new();
    for typed in scopes.iter().flat_map(|list| list.split(',')).map(str::trim) {
        let scope: Scope = read_word("scope", typed)?;
        if !wanted.contains(&scope) {
            wanted.push(scope);
        }
    }
    if wanted.is_empty() {
        wanted.push(Scope::Admin);
    }
    let created = api::keys::create(&wired.desk.database, wired.organization_id(), name, wanted).await;
    let (key, plain) = created.map_err(|error| {
        Failure::new(Exit::Usage, "the key could not be made")
            .because(error)
            .fix("say what the key is for, such as --name website")
    })?;
    output.result(&serde_json::json!({ "key": key, "plain": plain }), |_| plain.clone())?;
    output.say(&format!(
        "key {} \"{}\" may use: {}\nit is shown this once; send it as `Authorization: Bearer …`",
        key.id,
        key.name,
        scopes_in_words(&key)
    ));
    Ok(Exit::Ok)
}

async fn list(wired: &Wired, output: Output) -> Result<Exit, Failure> {
    let database = &wired.desk.database;
    let keys = database.of(wired.organization_id()).list_keys(Keyset::start(), LISTED_MAX).await;
    let keys = keys.map_err(|error| Failure::new(Exit::Problem, "the keys cannot be listed").because(error))?;
    let now = database.clock().now();
    output.result(&keys, |keys| {
        if keys.is_empty() {
            return "no keys yet: `frontdesk key create --name N` makes one".to_owned();
        }
        let rows: Vec<Vec<String>> = keys.iter().map(|key| row(key, now)).collect();
        table(&["id", "name", "begins with", "scopes", "state", "last used"], &rows)
    })?;
    Ok(Exit::Ok)
}

fn row(key: &Key, now: Time) -> Vec<String> {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(revoked_at), _) => format!("revoked {revoked_at}"),
        (None, Some(expires_at)) if expires_at <= now => format!("expired {expires_at}"),
        (None, Some(expires_at)) => format!("valid until {expires_at}"),
        (None, None) => "valid".to_owned(),
    };
    let used = key.last_used_at.map_or_else(|| "never".to_owned(), |time| time.to_string());
    vec![key.id.to_string(), key.name.clone(), format!("{}…", key.prefix), scopes_in_words(key), state, used]
}

fn scopes_in_words(key: &Key) -> String {
    key.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

async fn revoke(wired: &Wired, typed: &str, output: Output) -> Result<Exit, Failure> {
    let id: KeyId = typed.parse().map_err(|error| {
        Failure::new(Exit::Usage, "no key id").because(error).fix("`frontdesk key list` shows the ids")
    })?;
    let problem = |error: storage::Error| {
        let failure = Failure::new(Exit::Problem, format!("key `{id}` cannot be revoked"));
        if error.kind() == ErrorKind::NotFound {
            return failure.because("there is no such key").fix("`frontdesk key list` shows the ids");
        }
        failure.because(error)
    };
    let mut transaction = wired.desk.database.of(wired.organization_id()).begin().await.map_err(problem)?;
    transaction.revoke_key(id).await.map_err(problem)?;
    transaction.commit().await.map_err(problem)?;
    output.result(&serde_json::json!({ "id": id, "revoked": true }), |_| format!("key {id} is revoked"))?;
    Ok(Exit::Ok)
}

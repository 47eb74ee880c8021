//! How members prove themselves: passwords, the cookie of their session, and how often they may guess.

use crate::app::App;
use crate::error::{Problem, Result};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::key::Scope;
use domain::{MemberId, OrganizationId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage::{Database, Transaction};
use tokio::sync::Semaphore;

/// The cookie's name.
const COOKIE: &str = "fd_session";
/// The header that only our own pages send: a page elsewhere would need leave to send it.
const OWN_PAGE: &str = "x-frontdesk-console";
/// How long a session lasts.
const SESSION_LIFE: Duration = Duration::from_hours(30 * 24);
/// How long the link of the first set-up lasts.
const SET_UP_LIFE: Duration = Duration::from_mins(30);
/// Random bytes of a cookie or a link: 43 characters of base64url.
const TOKEN_BYTES: usize = 32;
/// Characters of a cookie that is looked up at most.
const TOKEN_CHARS_MAX: usize = 100;
/// Passwords hashed at once at most: each takes 19 MiB.
const HASHING_MAX: usize = 2;
/// Failed sign-ins with one address in a window.
const FAILURES_MAX: u32 = 8;
/// After this time failures are forgotten.
const FAILURES_WINDOW: Duration = Duration::from_mins(10);
/// Addresses whose failures are counted at most; with more, all count together.
const ADDRESSES_MAX: usize = 10_000;

/// What sign-ins share.
#[derive(Clone)]
pub(crate) struct SignIns {
    hashing: Arc<Semaphore>,
    failures: Arc<Mutex<HashMap<String, (u32, Instant)>>>,
}

impl SignIns {
    pub(crate) fn new() -> Self {
        Self { hashing: Arc::new(Semaphore::new(HASHING_MAX)), failures: Arc::default() }
    }

    /// Hashes a password off the runtime's threads.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        let _permit = self.hashing.acquire().await.map_err(|_| Problem::internal())?;
        let hashed = tokio::task::spawn_blocking(move || {
            let hashed: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
            hashed.map(|hash| hash.to_string())
        });
        hashed.await.map_err(|_| Problem::internal())?.map_err(|_| Problem::internal())
    }

    /// Whether the password is the one that was hashed; without a hash it takes as long to say no.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let Some(hash) = hash else {
            self.hash(password).await?;
            return Ok(false);
        };
        let _permit = self.hashing.acquire().await.map_err(|_| Problem::internal())?;
        let verified = tokio::task::spawn_blocking(move || {
            let parsed = PasswordHash::new(&hash);
            parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        });
        verified.await.map_err(|_| Problem::internal())
    }

    /// Refuses where too many guesses failed with this address.
    pub(crate) fn check(&self, email: &str) -> Result<()> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = failures.get(email).or_else(|| failures.get(""));
        match failed {
            Some((count, since)) if *count >= FAILURES_MAX && since.elapsed() < FAILURES_WINDOW => {
                Err(Problem::busy("too many failed sign-ins with this address")
                    .hint("wait ten minutes, then try again"))
            }
            _ => Ok(()),
        }
    }

    /// Counts a guess that failed.
    pub(crate) fn count_failure(&self, email: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, (_, since)| since.elapsed() < FAILURES_WINDOW);
        let email = if failures.len() < ADDRESSES_MAX { email } else { "" };
        let (count, _) = failures.entry(email.to_owned()).or_insert_with(|| (0, Instant::now()));
        *count = count.saturating_add(1);
    }

    /// Forgets the guesses of somebody who knew it in the end.
    pub(crate) fn forget(&self, email: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(email);
    }
}

/// The cookie of a request, where it has one.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value).filter(|value| value.len() <= TOKEN_CHARS_MAX)
}

/// Refuses a change that another site's page may have asked the browser for.
pub(crate) fn check_own_page(method: &Method, headers: &HeaderMap) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if headers.contains_key(OWN_PAGE) && matches!(site, None | Some("same-origin" | "none")) {
        return Ok(());
    }
    let detail = format!("a change with the session's cookie needs the header `{OWN_PAGE}`");
    Err(Problem::new(axum::http::StatusCode::FORBIDDEN, "foreign_page", detail)
        .hint("programs send an API key: `authorization: Bearer fd_live_…`"))
}

/// Begins a session in the transaction; what the browser is to keep.
pub(crate) async fn begin_session(
    app: &App,
    transaction: &mut Transaction,
    member_id: MemberId,
) -> Result<HeaderValue> {
    let plain = token()?;
    let expires_at = transaction.now() + SESSION_LIFE;
    transaction.insert_session(member_id, &plain, expires_at).await?;
    set_cookie(app, &plain, SESSION_LIFE.as_secs())
}

/// Has the browser forget its session.
pub(crate) fn forget_cookie(app: &App) -> Result<HeaderValue> {
    set_cookie(app, "", 0)
}

fn set_cookie(app: &App, value: &str, life_secs: u64) -> Result<HeaderValue> {
    let secure = if app.settings.secure_cookies { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/; Max-Age={life_secs}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).map_err(|_| Problem::internal())
}

/// A secret that cannot be guessed.
pub(crate) fn token() -> Result<String> {
    let mut bytes = [0u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| Problem::internal())?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// The path of a one-time link that makes the desk's first member; `None` where it has one.
pub async fn set_up_path(database: &Database, organization_id: OrganizationId) -> storage::Result<Option<String>> {
    let tenant = database.of(organization_id);
    if tenant.count_members().await? > 0 {
        return Ok(None);
    }
    let plain = token().map_err(|_| storage::Error::Invalid("the system gives no random bytes".to_owned()))?;
    let mut transaction = tenant.begin().await?;
    let expires_at = transaction.now() + SET_UP_LIFE;
    transaction.insert_invitation(&plain, vec![Scope::Admin], true, expires_at).await?;
    transaction.commit().await?;
    Ok(Some(path_of(&plain)))
}

/// Where a one-time link leads.
pub(crate) fn path_of(plain: &str) -> String {
    format!("/setup?t={plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_cookie_is_found_among_others_and_an_endless_one_is_not_looked_up() {
        assert_eq!(cookie(&headers(&[("cookie", "a=b; fd_session=x1; c=d")])), Some("x1"));
        assert_eq!(cookie(&headers(&[("cookie", "xfd_session=x1")])), None);
        assert_eq!(cookie(&headers(&[])), None);
        let long = format!("fd_session={}", "x".repeat(TOKEN_CHARS_MAX + 1));
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&long).unwrap());
        assert_eq!(cookie(&headers), None);
    }

    #[test]
    fn changes_need_the_header_and_never_come_from_another_site() {
        let own = ("x-frontdesk-console", "1");
        assert!(check_own_page(&Method::GET, &headers(&[])).is_ok());
        assert!(check_own_page(&Method::POST, &headers(&[])).is_err());
        assert!(check_own_page(&Method::DELETE, &headers(&[own])).is_ok());
        assert!(check_own_page(&Method::POST, &headers(&[own, ("sec-fetch-site", "same-origin")])).is_ok());
        assert!(check_own_page(&Method::POST, &headers(&[own, ("sec-fetch-site", "cross-site")])).is_err());
    }

    #[test]
    fn guesses_are_counted_by_address_and_forgotten_after_a_right_one() {
        let sign_ins = SignIns::new();
        for _ in 0..FAILURES_MAX {
            assert!(sign_ins.check("a@x.example").is_ok());
            sign_ins.count_failure("a@x.example");
        }
        assert!(sign_ins.check("a@x.example").is_err());
        assert!(sign_ins.check("b@x.example").is_ok());
        sign_ins.forget("a@x.example");
        assert!(sign_ins.check("a@x.example").is_ok());
    }

    #[tokio::test]
    async fn only_the_right_password_is_verified_and_no_hash_is_like_another() {
        let sign_ins = SignIns::new();
        let hash = sign_ins.hash("a good one".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert_ne!(hash, sign_ins.hash("a good one".to_owned()).await.unwrap());
        assert!(sign_ins.verify("a good one".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!sign_ins.verify("a bad one".to_owned(), Some(hash)).await.unwrap());
        assert!(!sign_ins.verify("a good one".to_owned(), None).await.unwrap());
    }
}

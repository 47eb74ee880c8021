//! `Idempotency-Key` on every POST: the same key within 24 hours brings the first answer back.

use crate::app::App;
use crate::auth::Caller;
use crate::body::BODY_BYTES_MAX;
use crate::error::{Problem, Result};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::OrganizationId;
use ingest::sources::FILE_BYTES_MAX;
use sha2::{Digest, Sha256};
use storage::idempotency::Begun;

/// The header that names a request.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells that an answer is a repeated one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Characters of a key at most.
const KEY_CHARS_MAX: usize = 200;
/// Bytes of an answer that is kept at most; a larger one is made anew.
const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The key of the request that a handler runs for.
#[derive(Clone)]
pub(crate) struct IdempotencyKey(pub(crate) String);

/// What is kept in place of an answer that holds a secret.
#[derive(Clone)]
pub(crate) struct KeptInstead(pub(crate) String);

/// Runs a request with a key once.
pub(crate) async fn once(State(app): State<App>, caller: Caller, request: Request, next: Next) -> Result<Response> {
    let key = match key(request.headers())? {
        Some(key) if request.method() == Method::POST => key,
        _ => return Ok(next.run(request).await),
    };
    let (mut parts, body) = request.into_parts();
    let bytes_max = if parts.uri.path().ends_with("/files") { FILE_BYTES_MAX } else { BODY_BYTES_MAX };
    let bytes = to_bytes(body, bytes_max).await.map_err(|_| Problem::too_large(bytes_max))?;
    let mut hash = Sha256::new();
    hash.update(parts.uri.to_string());
    hash.update(b"\n");
    hash.update(&bytes);
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    let begun = transaction.begin_request(&key, &hash.finalize().into()).await?;
    transaction.commit().await?;
    match begun {
        Begun::Fresh => {}
        Begun::Replay { status, response } => return Ok(replay(status, response)),
        Begun::InFlight => return Err(in_flight()),
        Begun::Mismatch => return Err(mismatch()),
    }
    parts.extensions.insert(IdempotencyKey(key.clone()));
    let request = Request::from_parts(parts, Body::from(bytes));
    // In a task of its own, so that a client who goes away does not leave the key in flight.
    let run = run(app.clone(), caller.organization_id(), key, request, next);
    app.tasks.spawn(run).await.map_err(|_| Problem::internal())?
}

async fn run(app: App, organization_id: OrganizationId, key: String, request: Request, next: Next) -> Result<Response> {
    let mut response = next.run(request).await;
    let kept = response.extensions_mut().remove::<KeptInstead>();
    let is_kept = response.status().is_success() && !is_stream(response.headers());
    if !is_kept {
        let mut transaction = app.of(organization_id).begin().await?;
        transaction.forget_request(&key).await?;
        transaction.commit().await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes: Bytes = to_bytes(body, RESPONSE_BYTES_MAX).await.map_err(|_| Problem::internal())?;
    let text = match kept {
        Some(KeptInstead(text)) => text,
        None => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let mut transaction = app.of(organization_id).begin().await?;
    transaction.finish_request(&key, i64::from(parts.status.as_u16()), &text).await?;
    transaction.commit().await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_CHARS_MAX => Ok(Some(key.to_owned())),
        _ => Err(Problem::invalid(format!(
            "the header `idempotency-key` has from 1 to {KEY_CHARS_MAX} visible ASCII characters"
        ))),
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    value.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

fn replay(status: i64, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn in_flight() -> Problem {
    Problem::conflict("request_in_flight", "the first request with this key is still running")
        .hint("try again in a moment")
}

fn mismatch() -> Problem {
    let detail = "this key was used for another request";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", detail)
        .hint("use a new `idempotency-key` for a new request")
}

//! What every request and response has, whichever route it is: an id, a span, a problem body where
//! it failed, and the headers that browsers are kept safe with.

use crate::app::App;
use crate::error::{Problem, render};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::time::Instant;
use tracing::Instrument;

/// The header a request's id comes and goes with.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a client's own request id at most.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// Headers of every response that does not set them itself.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Goes around every route. Neither content nor query strings reach the log.
pub(crate) async fn envelope(State(app): State<App>, request: Request, next: Next) -> Response {
    let id =
        request_id(request.headers()).unwrap_or_else(|| app.database().clock().id::<()>().uuid().simple().to_string());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        http.method = %request.method(),
        http.route = route.as_deref().unwrap_or("unknown"),
    );
    let method = method(request.method());
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        response = render(response, &id);
    }
    let took = started.elapsed().as_secs_f64();
    let labels = [
        ("method", method.to_owned()),
        ("route", route.unwrap_or_else(|| "unknown".to_owned())),
        ("status", response.status().as_u16().to_string()),
    ];
    metrics::histogram!("frontdesk_http_request_duration_seconds", &labels).record(took);
    span.in_scope(|| {
        let duration_ms = took * 1000.0;
        tracing::debug!(http.status = response.status().as_u16(), duration_ms, "request done");
    });
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The method as a label: clients may invent methods, labels are bounded.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// The client's own id, where it is one that may stand in logs.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (is_plain && !id.is_empty() && id.len() <= REQUEST_ID_CHARS_MAX).then(|| id.to_owned())
}

/// What a client sees of a defect.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(crate) fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let cause = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(cause, "a handler panicked");
    Problem::internal().into_response()
}

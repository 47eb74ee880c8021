//! Failures as people and programs see them: `application/problem+json` (RFC 9457).
//!
//! A handler returns a [`Problem`]; the envelope around all routes writes its body, because only
//! there the request's id is known. Whatever else fails with a bare status is given a problem too.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{ErrorKind, Kinded};
use serde::Serialize;

/// The result of a handler.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

/// Seconds after which a refused request may be tried again.
const RETRY_AFTER_SECS: u64 = 1;

/// A failure on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    hint: Option<String>,
    pointer: Option<String>,
}

/// A failure, RFC 9457.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ProblemBody {
    /// Names the sort of failure: `about:blank` where the status says it all.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, in a sentence.
    detail: String,
    /// A word for programs; it never changes for the same failure.
    code: &'static str,
    /// The places in the request that are wrong.
    errors: Vec<FieldError>,
    /// How to repair it, where that is known.
    hint: Option<String>,
    /// The request, for those who ask about it.
    request_id: String,
}

/// A place in a request that is wrong.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FieldError {
    /// A JSON pointer into the body (RFC 6901).
    pointer: String,
    /// What is wrong there.
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), hint: None, pointer: None }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    pub(crate) fn not_found(noun: &str, id: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{noun} `{id}` not found"))
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
    }

    pub(crate) fn too_large(bytes_max: usize) -> Self {
        let detail = format!("the body is larger than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// The failure of a defect; what happened is in the log, not in the answer.
    pub(crate) fn internal() -> Self {
        let detail = "something went wrong on our side; the log tells more under this request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(status, "not_found", "there is nothing at this address")
                .hint("GET /openapi.json lists every address"),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(status, "method_not_allowed", "this address does not take this method")
                    .hint("the `allow` header lists those it takes")
            }
            StatusCode::REQUEST_TIMEOUT => Self::new(status, "request_timeout", "the body did not arrive in time"),
            _ if status.is_server_error() => Self { status, ..Self::internal() },
            _ => Self::new(status, "invalid_request", "the request cannot be read"),
        }
    }

    pub(crate) fn into_body(self, request_id: &str) -> ProblemBody {
        let detail = self.detail;
        let errors = self.pointer.map(|pointer| FieldError { pointer, detail: detail.clone() });
        ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail,
            code: self.code,
            errors: errors.into_iter().collect(),
            hint: self.hint,
            request_id: request_id.to_owned(),
        }
    }
}

/// The one table that turns kinds of failure into statuses.
impl<E: Kinded> From<E> for Problem {
    fn from(error: E) -> Self {
        let kind = error.kind();
        let (status, code) = match kind {
            ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid_request"),
            ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "conflict"),
            ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        };
        match kind {
            ErrorKind::Internal => {
                tracing::error!(error = %error, "request failed");
                Self::internal()
            }
            ErrorKind::Unavailable => {
                tracing::warn!(error = %error, "a dependency is unavailable");
                Self::new(status, code, "something this needs cannot be reached at the moment")
                    .hint("try again; GET /readyz says what is missing")
            }
            ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::RateLimited => {
                let detail = error.to_string();
                let pointer = field_named_first(&detail).filter(|_| kind == ErrorKind::Invalid);
                Self { pointer, ..Self::new(status, code, detail) }
            }
        }
    }
}

/// Rules say which field they are about by naming it first: "`content` is empty".
fn field_named_first(detail: &str) -> Option<String> {
    let (field, _) = detail.strip_prefix('`')?.split_once('`')?;
    let is_field = field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_field && !field.is_empty()).then(|| format!("/{field}"))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a failed response its body.
pub(crate) fn render(mut response: Response, request_id: &str) -> Response {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(|| Problem::of_status(status));
    let status = problem.status;
    let body = serde_json::to_string(&problem.into_body(request_id)).unwrap_or_default();
    let mut headers = std::mem::take(response.headers_mut());
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS));
    }
    let mut rendered = Response::new(Body::from(body));
    *rendered.status_mut() = status;
    *rendered.headers_mut() = headers;
    rendered
}

#[cfg(test)]
mod tests {
    use super::field_named_first;

    #[test]
    fn only_a_field_that_is_named_first_is_pointed_at() {
        assert_eq!(field_named_first("`content` is empty"), Some("/content".to_owned()));
        assert_eq!(field_named_first("`conv_01J` is not an id"), None);
        assert_eq!(field_named_first("channel `api` not found"), None);
    }
}

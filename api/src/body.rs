//! Reads requests; whatever cannot be read becomes a problem that says where and why.

use crate::error::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use ingest::sources::FILE_BYTES_MAX;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

/// Bytes of a body at most.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A JSON body. An empty one counts as `{}`.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(BODY_BYTES_MAX),
            status => Problem::new(status, "unreadable_body", "the body cannot be read"),
        })?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        if !is_json {
            let detail = "the body is not declared as JSON";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail)
                .hint("send the header `content-type: application/json`"));
        }
        parse(&bytes).map(Self)
    }
}

/// The body of a request that sends a file, as it is.
pub(crate) struct File(pub(crate) Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for File {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = axum::body::to_bytes(request.into_body(), FILE_BYTES_MAX);
        bytes.await.map(|bytes| Self(bytes.into())).map_err(|_| Problem::too_large(FILE_BYTES_MAX))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared.is_some_and(|declared| {
        let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || essence.ends_with("+json")
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        unreadable(error.inner()).at(pointer)
    })?;
    deserializer.end().map_err(|error| unreadable(&error))?;
    Ok(value)
}

fn unreadable(error: &serde_json::Error) -> Problem {
    let code = if error.is_data() { "invalid_request" } else { "malformed_json" };
    Problem::new(StatusCode::BAD_REQUEST, code, error.to_string())
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// What stands in the address; what does not fit there is an address of nothing.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", rejection.body_text())),
        }
    }
}

/// What stands behind the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::invalid(rejection.body_text())),
        }
    }
}

/// A field of a change: absent, `null` or a value.
#[derive(Debug, Default)]
pub(crate) enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes this, or empty.
    Set(Option<T>),
}

impl<T> Change<T> {
    /// What the field is after the change.
    pub(crate) fn over(self, present: Option<T>) -> Option<T> {
        match self {
            Self::Keep => present,
            Self::Set(value) => value,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::Set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default)]
        #[expect(dead_code, reason = "only its type matters")]
        list: Vec<Item>,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Item {
        #[expect(dead_code, reason = "only its type matters")]
        count: i64,
    }

    fn problem(text: &str) -> String {
        format!("{:?}", parse::<Body>(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_wrong_field_is_pointed_at_wherever_it_is() {
        let found = problem(r#"{"list":[{"count":1},{"count":"x"}]}"#);
        assert!(found.contains(r#""/list/1/count""#), "{found}");
        let found = problem(r#"{"liste":[]}"#);
        assert!(found.contains("unknown field `liste`"), "{found}");
    }

    #[test]
    fn malformed_json_says_line_and_column() {
        let found = problem("{\n  \"list\": [,]}");
        assert!(found.contains("malformed_json") && found.contains("line 2 column"), "{found}");
        assert!(problem("{} {}").contains("malformed_json"));
    }
}

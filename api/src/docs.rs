//! The OpenAPI document and a page that shows it: one file, no network, light and dark.

use crate::app::App;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use utoipa::openapi::OpenApi;

const PAGE: &str = include_str!("docs/page.html");
const STYLE: &str = include_str!("docs/style.css");
const SCRIPT: &str = include_str!("docs/script.js");

pub(crate) fn routes(openapi: &OpenApi) -> Router<App> {
    let document = Bytes::from(openapi.to_json().unwrap_or_default());
    let page = Bytes::from(PAGE.replace("{style}", STYLE).replace("{script}", SCRIPT));
    let policy = policy();
    Router::new()
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], document).into_response()))
        .route("/docs", get(async || (headers(policy), page).into_response()))
}

fn headers(policy: String) -> [(HeaderName, String); 2] {
    [(header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (header::CONTENT_SECURITY_POLICY, policy)]
}

/// Allows this page's own script and style, by their hashes, and to read from its own origin.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         script-src 'sha256-{}'; style-src 'sha256-{}'",
        hash(SCRIPT),
        hash(STYLE),
    )
}

//! The widget's script, which pages anywhere may load, and a page to see it on.

use crate::app::App;
use crate::console::kept;
use crate::visitor::{KIND, public_key};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// What the demo page may load: a strict page, as careful sites have it.
const DEMO_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
/// Kept for five minutes: pages that embed the script name no version.
const SHORTLY: HeaderValue = HeaderValue::from_static("public, max-age=300");

#[derive(rust_embed::Embed)]
#[folder = "../web/widget/"]
struct Files;

pub(crate) fn routes() -> Router<App> {
    let script = |headers: HeaderMap| async move { public("widget.js", "text/javascript; charset=utf-8", &headers) };
    let style = |headers: HeaderMap| async move { public("demo.css", "text/css; charset=utf-8", &headers) };
    Router::new().route("/widget.js", get(script)).route("/demo.css", get(style)).route("/demo", get(demo))
}

fn public(name: &str, kind: &'static str, asked: &HeaderMap) -> Response {
    let Some(file) = Files::get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = kept(asked, &file.metadata.sha256_hash(), kind, SHORTLY, file.data.into_owned());
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    response
}

/// A shop's page with the widget of the desk's first organization on it.
async fn demo(State(app): State<App>, headers: HeaderMap) -> crate::error::Result<Response> {
    let (Some(channel), Some(page)) = (app.database().find_oldest_channel(KIND).await?, Files::get("demo.html")) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let text = String::from_utf8_lossy(&page.data).replace("{key}", &public_key(channel.id));
    let tag = Sha256::digest(&text);
    let mut response = kept(&headers, &tag, "text/html; charset=utf-8", SHORTLY, text.into_bytes());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DEMO_POLICY));
    Ok(response)
}

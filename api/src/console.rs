//! The console's files, in the binary; debug builds read them from disk. One page, whatever the address.

mod scripts;

use crate::app::App;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use scripts::{ENTRY, joined, lean};
use sha2::{Digest, Sha256};

/// Only our own files, no inline script or style, nothing from elsewhere, no text becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";
/// Files of this version never change.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but asked about each time.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");
/// The version of debug builds, whose files may change.
const DEBUG_VERSION: &str = "debug";
/// The type of scripts.
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Characters of a version.
const VERSION_CHARS: usize = 12;
/// Addresses that show the page, besides the root.
const PAGES: [&str; 8] = ["/sign-in", "/setup", "/inbox", "/knowledge", "/playground", "/evals", "/usage", "/settings"];

#[derive(rust_embed::Embed)]
#[folder = "../web/console/"]
struct Files;

pub(crate) fn routes() -> Router<App> {
    let version: &'static str = Box::leak(version().into_boxed_str());
    let page = move |headers: HeaderMap| async move { page(version, &headers) };
    let file = move |Path((asked, name)): Path<(String, String)>, headers: HeaderMap| async move {
        file(&name, asked == version, &headers)
    };
    let mut router = Router::new().route("/", get(page)).route("/console/{version}/{*name}", get(file));
    for path in PAGES {
        router = router.route(path, get(page)).route(&format!("{path}/{{*rest}}"), get(page));
    }
    router
}

/// A word for all files together, so that a new binary never mixes its files with old ones.
fn version() -> String {
    if cfg!(debug_assertions) {
        return DEBUG_VERSION.to_owned();
    }
    let mut hash = Sha256::new();
    for name in Files::iter() {
        hash.update(name.as_bytes());
        hash.update(Files::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    hex(&hash.finalize()).chars().take(VERSION_CHARS).collect()
}

/// The page with the addresses of this version's files.
fn page(version: &str, headers: &HeaderMap) -> Response {
    let Some(index) = Files::get("index.html") else { return StatusCode::NOT_FOUND.into_response() };
    let text = String::from_utf8_lossy(&index.data).replace("{base}", &format!("/console/{version}"));
    let mut response = kept(headers, &Sha256::digest(&text), "text/html; charset=utf-8", ASK, text.into_bytes());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn file(name: &str, is_present: bool, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let caching = if is_present && !cfg!(debug_assertions) { FOREVER } else { ASK };
    let kind = kind_of(name);
    if kind != SCRIPT {
        return kept(headers, &file.metadata.sha256_hash(), kind, caching, file.data.into_owned());
    }
    let script = if name == ENTRY { joined(&script) } else { script(name).map(|source| lean(&source)) };
    let Some(script) = script else { return StatusCode::NOT_FOUND.into_response() };
    kept(headers, &Sha256::digest(&script), kind, caching, script.into_bytes())
}

fn script(name: &str) -> Option<String> {
    Files::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned())
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => SCRIPT,
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("html") => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The body, or that the browser's copy is still right.
pub(crate) fn kept(
    asked: &HeaderMap,
    hash: &[u8],
    kind: &'static str,
    caching: HeaderValue,
    body: Vec<u8>,
) -> Response {
    let tag = format!("W/\"{}\"", hex(hash).chars().take(32).collect::<String>());
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, caching);
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn no_text_of_a_script_spans_lines() {
        for name in Files::iter().filter(|name| kind_of(name) == SCRIPT) {
            let file = Files::get(&name).unwrap();
            let text = String::from_utf8_lossy(&file.data).into_owned();
            // An escaped quote does not end a text, and one within a pattern begins none.
            let quotes = |line: &str| {
                line.replace("\\`", "").replace("(`+)([^`]+?)", "").replace("`{3}", "").matches('`').count()
            };
            let line = text.lines().find(|line| !line.trim_start().starts_with("//") && quotes(line) % 2 == 1);
            assert_eq!(line, None, "{name}");
        }
    }
}

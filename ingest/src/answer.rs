//! What an answer says before its body is read: status, redirects, headers; and why there is none.

use crate::fetch::HEADER_BYTES_MAX;
use crate::guard::refusal_in;
use crate::reason::Reason;
use crate::unpack::{Bounds, Stopped};
use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use std::time::Duration;
use url::Url;

/// The longest `Retry-After` that is passed on.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// Where an answer redirects to, if it does.
pub(crate) fn redirect(response: &Response) -> Result<Option<Url>, Reason> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).ok_or(Reason::BadRedirect)?;
    // Servers send raw UTF-8 here, whatever the standard says.
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| Reason::BadRedirect)?;
    let mut next = response.url().join(location).map_err(|_| Reason::BadRedirect)?;
    next.set_fragment(None);
    Ok(Some(next))
}

/// Why an answer of this status holds no page, unless it does.
pub(crate) fn status_reason(status: StatusCode) -> Option<Reason> {
    match status.as_u16() {
        200 | 203 => None,
        code @ (404 | 410) => Some(Reason::Gone(code)),
        code @ (401 | 402 | 403 | 407 | 451) => Some(Reason::NotAllowed(code)),
        code @ (408 | 425 | 429 | 503) => Some(Reason::Busy(code)),
        code => Some(Reason::Status(code)),
    }
}

/// When the site wants to be asked again: seconds or a date, as RFC 9110 has it.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text_of(headers, &header::RETRY_AFTER)?;
    let seconds = if let Ok(seconds) = text.trim().parse::<u64>() {
        seconds
    } else {
        // The date is compared with the server's own clock, so that no clock of ours is asked.
        let at = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok().map(|time| time.timestamp().as_second());
        let now = at(&text_of(headers, &header::DATE)?)?;
        u64::try_from(at(&text)?.saturating_sub(now)).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// A header as text.
pub(crate) fn text_of(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// All headers of a name as one text.
pub(crate) fn all_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Whether an answer states its length in two ways, so that two readers would see two different bodies.
pub(crate) fn is_smuggled(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH)
}

/// Why there was no answer at all.
pub(crate) fn connection_reason(error: &reqwest::Error, url: &Url) -> Reason {
    if let Some(refusal) = refusal_in(error) {
        return Reason::Refused(refusal);
    }
    let causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    let causes: Vec<String> = causes.map(|cause| cause.to_string().to_ascii_lowercase()).collect();
    let mentions = |words: &str| causes.iter().any(|cause| cause.contains(words));
    if mentions("message head is too large") {
        Reason::HeadersTooLarge(HEADER_BYTES_MAX)
    } else if mentions("dns error") {
        Reason::HostNotFound(url.host_str().unwrap_or_default().to_owned())
    } else if mentions("certificate") {
        Reason::Certificate
    } else if error.is_connect() || error.is_timeout() {
        Reason::Unreachable
    } else if mentions("before message completed") || mentions("connection reset") || mentions("connection closed") {
        Reason::BrokenOff
    } else {
        Reason::BadAnswer
    }
}

/// Why unpacking a body stopped.
pub(crate) fn stopped_reason(stopped: Stopped, bounds: Bounds) -> Reason {
    match stopped {
        Stopped::RawTooLarge => Reason::TooLarge(bounds.raw_bytes_max),
        Stopped::UnpackedTooLarge => Reason::TooLargeUnpacked(bounds.unpacked_bytes_max),
        Stopped::Damaged => Reason::BrokenOff,
    }
}

//! The widget on a website: visitors post messages from its pages and read replies by event stream.

use crate::incoming::parse_json;
use crate::{Channel, Delivered, Error, Incoming, IncomingMessage, Outgoing};
use domain::message::DeliveryState;
use futures::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Messages of visitors, taken from the pages the settings allow.
pub struct Widget;

/// Entries of a list in the settings at most.
const LIST_MAX: usize = 100;
/// Characters of a text in the settings at most.
const TEXT_CHARS_MAX: usize = 500;

/// What people set for a widget; all but `allowed_origins` is shown to every visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WidgetSettings {
    /// Origins that may embed the widget (`https://example.com`); empty allows all.
    pub allowed_origins: Vec<String>,
    /// The widget's colour, such as `#0b6e4f`.
    pub accent_color: Option<String>,
    /// What the widget says first.
    pub greeting: Option<String>,
    /// What stands at its top; the organization's name where absent.
    pub title: Option<String>,
    /// Light, dark, or as the visitor's system is.
    pub theme: WidgetTheme,
    /// The corner it stands in.
    pub position: WidgetPosition,
    /// `en`, `de`, `es`, `fr` or `ar`; the page's or the visitor's own where absent.
    pub language: Option<String>,
    /// What a visitor is asked for before the first message.
    pub pre_chat: Vec<PreChatField>,
    /// Hosts that answers may link to, besides those of cited documents.
    pub link_hosts: Vec<String>,
    /// Texts in place of the widget's own, by their names.
    pub texts: BTreeMap<String, String>,
}

/// How the widget looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WidgetTheme {
    /// As the visitor's system is.
    #[default]
    System,
    /// Dark letters on light ground.
    Light,
    /// Light letters on dark ground.
    Dark,
}

/// Where the widget stands on the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WidgetPosition {
    /// At the lower right.
    #[default]
    Right,
    /// At the lower left.
    Left,
}

/// Something a visitor is asked for before the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreChatField {
    /// What is asked for.
    pub field: PreChatKind,
    /// Whether nobody may leave it out.
    #[serde(default)]
    pub required: bool,
}

/// What may be asked for before the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreChatKind {
    /// The visitor's name.
    Name,
    /// Their e-mail address.
    Email,
}

impl WidgetSettings {
    /// Reads them from a channel's settings.
    ///
    /// # Errors
    /// `Settings` where a field is unknown, of the wrong type or out of its limits.
    pub fn read(settings: &Map<String, Value>) -> Result<Self, Error> {
        let wrong = |message: String| Error::Settings { kind: "widget", message };
        let read: Self =
            serde_json::from_value(Value::Object(settings.clone())).map_err(|error| wrong(error.to_string()))?;
        read.check().map_err(wrong)?;
        Ok(read)
    }

    fn check(&self) -> Result<(), String> {
        let lengths = [self.allowed_origins.len(), self.link_hosts.len(), self.texts.len(), self.pre_chat.len()];
        if lengths.iter().any(|length| *length > LIST_MAX) {
            return Err(format!("a list has more than {LIST_MAX} entries"));
        }
        let single = [&self.accent_color, &self.greeting, &self.title, &self.language].into_iter().flatten();
        let lists = self.allowed_origins.iter().chain(&self.link_hosts).chain(self.texts.values());
        if single.chain(lists).any(|text| text.chars().count() > TEXT_CHARS_MAX) {
            return Err(format!("a text has more than {TEXT_CHARS_MAX} characters"));
        }
        let is_color = |color: &String| {
            color
                .strip_prefix('#')
                .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        if self.accent_color.as_ref().is_some_and(|color| !is_color(color)) {
            return Err("`accent_color` is `#` and six hexadecimal digits, such as `#0b6e4f`".to_owned());
        }
        if self.allowed_origins.iter().any(|origin| !origin.contains("://")) {
            return Err("an origin is scheme and host, such as `https://example.com`".to_owned());
        }
        Ok(())
    }

    /// Whether a page of that origin may embed the widget.
    pub fn allows(&self, origin: &str) -> bool {
        let is_same = |known: &String| known.trim_end_matches('/').eq_ignore_ascii_case(origin);
        self.allowed_origins.is_empty() || self.allowed_origins.iter().any(is_same)
    }
}

impl Channel for Widget {
    fn kind(&self) -> &'static str {
        "widget"
    }

    fn is_pulled(&self) -> bool {
        true
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Error> {
        WidgetSettings::read(settings).map(|_| ())
    }

    fn verify(&self, settings: &Map<String, Value>, incoming: &Incoming) -> Result<(), Error> {
        let origin = incoming.headers.get("origin").map(String::as_str).unwrap_or_default();
        if WidgetSettings::read(settings)?.allows(origin) {
            return Ok(());
        }
        Err(Error::NotGenuine(format!("origin `{origin}` is not in `allowed_origins`")))
    }

    fn parse(&self, incoming: &Incoming) -> Result<Vec<IncomingMessage>, Error> {
        parse_json(&incoming.body)
    }

    fn send<'a>(
        &'a self,
        _settings: &'a Map<String, Value>,
        _outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Delivered, Error>> {
        // Storing a reply is sending it: the open widget reads it by event stream.
        Box::pin(ready(Ok(Delivered { state: DeliveryState::Sent, external_id: None })))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn only_allowed_origins_may_post() {
        let settings = serde_json::json!({ "allowed_origins": ["https://example.com/"] });
        for (origin, allowed) in [
            (Some("https://example.com"), true),
            (Some("https://evil.test"), false),
            (Some("https://example.com.evil.test"), false),
            (None, false),
        ] {
            let headers = origin.map(|origin| ("origin".to_owned(), origin.to_owned())).into_iter().collect();
            let incoming = Incoming { headers, body: Vec::new() };
            assert_eq!(Widget.verify(settings.as_object().unwrap(), &incoming).is_ok(), allowed, "{origin:?}");
        }
    }

    #[test]
    fn settings_out_of_their_limits_are_refused() {
        let check = |settings: serde_json::Value| Widget.check(settings.as_object().unwrap());
        assert!(
            check(serde_json::json!({
                "accent_color": "#0b6e4f", "theme": "dark", "position": "left", "texts": { "send": "Go" },
                "pre_chat": [{ "field": "email", "required": true }], "link_hosts": ["help.example"],
            }))
            .is_ok()
        );
        for wrong in [
            serde_json::json!({ "accent_color": "red;background:url(//evil.test)" }),
            serde_json::json!({ "theme": "pink" }),
            serde_json::json!({ "pre_chat": [{ "field": "password" }] }),
            serde_json::json!({ "greeting": "x".repeat(TEXT_CHARS_MAX + 1) }),
            serde_json::json!({ "link_hosts": vec!["a.example"; LIST_MAX + 1] }),
            serde_json::json!({ "allowed_origins": ["example.com"] }),
        ] {
            assert!(check(wrong.clone()).is_err(), "{wrong}");
        }
    }
}

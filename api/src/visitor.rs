//! Who a visitor at a widget is: the token of their session, or at first the widget's public key.

use crate::app::App;
use crate::auth::bearer;
use crate::error::{Problem, Result};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use channels::WidgetSettings;
use domain::conversation::Channel;
use domain::{ChannelId, ConversationId, OrganizationId};
use storage::Tenant;

/// The channel kind that public keys belong to.
pub(crate) const KIND: &str = "widget";
/// What public keys begin with; behind it stands the channel's id without its prefix.
const KEY_START: &str = "pk_";
/// What channels' ids begin with.
const ID_START: &str = "chn_";
/// Characters of a token that is looked up at most.
const TOKEN_CHARS_MAX: usize = 100;
/// Requests of one session in a minute.
const REQUESTS_MAX: u32 = 240;

/// A visitor whose session was found; it opens one conversation.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) organization_id: OrganizationId,
    pub(crate) conversation_id: ConversationId,
}

impl Visitor {
    pub(crate) fn tenant<'a>(&self, app: &'a App) -> Tenant<'a> {
        app.of(self.organization_id)
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let plain = bearer(&parts.headers).filter(|plain| plain.len() <= TOKEN_CHARS_MAX).ok_or_else(over)?;
        let session = app.database().find_widget_session(plain).await?.ok_or_else(over)?;
        app.rates.take(&format!("requests {}", session.conversation_id), REQUESTS_MAX)?;
        let channel = app.of(session.organization_id).load_channel(session.channel_id).await?;
        check_origin(&WidgetSettings::read(&channel.settings)?, &parts.headers)?;
        Ok(Self { organization_id: session.organization_id, conversation_id: session.conversation_id })
    }
}

/// The public key of a widget. It is no secret: it stands in the source of every page that embeds it.
pub(crate) fn public_key(id: ChannelId) -> String {
    format!("{KEY_START}{}", id.to_string().trim_start_matches(ID_START))
}

/// The widget with that public key and its settings, where the page that asks may embed it.
pub(crate) async fn widget(app: &App, key: &str, headers: &HeaderMap) -> Result<(Channel, WidgetSettings)> {
    let unknown = || Problem::not_found("widget", key).hint("Settings › Widget shows the line to embed with its key");
    let id = key.strip_prefix(KEY_START).and_then(|rest| format!("{ID_START}{rest}").parse::<ChannelId>().ok());
    let found = app.database().find_channel(id.ok_or_else(unknown)?).await?;
    let channel = found.filter(|channel| channel.kind == KIND).ok_or_else(unknown)?;
    let settings = WidgetSettings::read(&channel.settings)?;
    check_origin(&settings, headers)?;
    Ok((channel, settings))
}

/// Refuses pages of origins that are not allowed. Our own pages always are.
fn check_origin(settings: &WidgetSettings, headers: &HeaderMap) -> Result<()> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    if settings.allows(origin) || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin") {
        return Ok(());
    }
    let detail = format!("pages of `{origin}` may not embed this widget");
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).hint("add it to the widget's `allowed_origins`"))
}

/// The same words for a session that is missing, unknown or over.
fn over() -> Problem {
    let detail = "no valid visitor's session came with this request";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).hint("begin one: POST /v1/widget/sessions")
}

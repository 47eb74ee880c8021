//! The widget's own routes: what visitors of a website may do, each in their one conversation.

mod conversation;
mod events;

pub(crate) use conversation::*;
pub(crate) use events::*;

use crate::app::App;
use crate::body::{Json, Query};
use crate::error::{Problem, Result};
use crate::peer::Asker;
use crate::session::token;
use crate::visitor::{Visitor, widget};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use channels::{PreChatField, PreChatKind, WidgetPosition, WidgetSettings, WidgetTheme};
use domain::conversation::{Conversation, ConversationStatus, Holder};
use domain::customer::Identity;
use domain::message::{Message, Sender};
use domain::{ConversationId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::collections::BTreeMap;
use std::time::Duration;
use storage::Tenant;
use storage::conversations::NewConversation;
use storage::customers::NewCustomer;
use utoipa::{IntoParams, ToSchema};

/// How long a visitor may come back to their conversation.
const SESSION_LIFE: Duration = Duration::from_hours(30 * 24);
/// Sessions begun at one widget in a minute from one address; an office or a school shares one.
const SESSIONS_OF_ADDRESS_MAX: u32 = 20;
/// Sessions begun at one widget in a minute from anywhere.
const SESSIONS_MAX: u32 = 600;
/// Characters of the address of the page that is noted at most.
const PAGE_CHARS_MAX: usize = 500;

/// How a widget looks and what it says.
#[derive(Serialize, ToSchema)]
pub(crate) struct WidgetObject {
    /// Always `widget`.
    object: &'static str,
    title: String,
    greeting: Option<String>,
    accent_color: Option<String>,
    /// `system`, `light` or `dark`.
    #[schema(value_type = String)]
    theme: WidgetTheme,
    /// `right` or `left`.
    #[schema(value_type = String)]
    position: WidgetPosition,
    language: Option<String>,
    /// `{"field":"name|email","required"}`.
    #[schema(value_type = Vec<Object>)]
    pre_chat: Vec<PreChatField>,
    /// Hosts that messages may link to, besides those of their citations.
    link_hosts: Vec<String>,
    texts: BTreeMap<String, String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetWidget {
    /// The widget's public key: `pk_…`.
    key: String,
}

/// Reads how a widget looks and what it says.
#[utoipa::path(get, path = "/v1/widget", tag = "widget", operation_id = "get_widget", params(GetWidget), security(()),
    responses((status = 200, description = "The widget", body = WidgetObject)))]
pub(crate) async fn get_widget(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<GetWidget>,
) -> Result<axum::Json<WidgetObject>> {
    let (channel, settings) = widget(&app, &query.key, &headers).await?;
    let title = match settings.title {
        Some(title) => title,
        None => app.of(channel.organization_id).load_organization().await?.name,
    };
    Ok(axum::Json(WidgetObject {
        object: "widget",
        title,
        greeting: settings.greeting,
        accent_color: settings.accent_color,
        theme: settings.theme,
        position: settings.position,
        language: settings.language,
        pre_chat: settings.pre_chat,
        link_hosts: settings.link_hosts,
        texts: settings.texts,
    }))
}

/// A visitor who begins to talk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWidgetSession {
    /// The widget's public key: `pk_…`.
    key: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    /// The address of the page they are on.
    #[serde(default)]
    page: Option<String>,
}

/// A session; its token opens one conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct WidgetSessionObject {
    /// Always `widget_session`.
    object: &'static str,
    /// Only in the response that begins it: `authorization: Bearer` of the other requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[schema(value_type = String)]
    conversation_id: ConversationId,
    /// `open`, `snoozed` or `resolved`.
    #[schema(value_type = String)]
    status: ConversationStatus,
    /// Who must act next: `ai`, `queue` or `agent`.
    #[schema(value_type = String)]
    holder: Holder,
    /// The name of the agent who is with it.
    agent_name: Option<String>,
    /// Whether an answer of the AI is on its way.
    answer_pending: bool,
}

impl WidgetSessionObject {
    async fn of(tenant: Tenant<'_>, conversation: Conversation) -> Self {
        let agent_name = match conversation.assignee_id {
            Some(id) => tenant.load_agent(id).await.ok().map(|agent| agent.name),
            None => None,
        };
        let last = tenant.list_messages(conversation.id, conversation.last_seq - 1, 1).await.unwrap_or_default();
        let is_unanswered =
            |message: &Message| message.seq > conversation.answered_seq && message.sender == Sender::Customer;
        let answer_pending = conversation.holder == Holder::Ai && last.last().is_some_and(is_unanswered);
        Self {
            object: "widget_session",
            token: None,
            conversation_id: conversation.id,
            status: conversation.status,
            holder: conversation.holder,
            agent_name,
            answer_pending,
        }
    }
}

/// Begins a visitor's session: a customer, a conversation, and a token that opens nothing else.
#[utoipa::path(post, path = "/v1/widget/sessions", tag = "widget", operation_id = "create_widget_session",
    request_body = CreateWidgetSession, security(()),
    responses((status = 201, description = "The session", body = WidgetSessionObject)))]
pub(crate) async fn create_widget_session(
    State(app): State<App>,
    Asker(asker): Asker,
    headers: HeaderMap,
    Json(body): Json<CreateWidgetSession>,
) -> Result<(StatusCode, axum::Json<WidgetSessionObject>)> {
    let (channel, settings) = widget(&app, &body.key, &headers).await?;
    check_asked(&settings, &body)?;
    // The address comes first: whoever is refused there takes nothing from the others.
    app.rates.take(&format!("sessions {} {asker}", channel.id), SESSIONS_OF_ADDRESS_MAX)?;
    app.rates.take(&format!("sessions {}", channel.id), SESSIONS_MAX)?;
    let tenant = app.of(channel.organization_id);
    let assistant_id = match channel.assistant_id {
        Some(id) => id,
        None => super::assistants::default_assistant(tenant).await?.id,
    };
    let customer = NewCustomer {
        external_id: None,
        name: body.name.filter(|name| !name.trim().is_empty()),
        email: body.email.filter(|email| !email.trim().is_empty()),
        locale: body.locale,
        profile: Map::new(),
        identity: Identity::Unverified,
    };
    super::customers::check(&customer)?;
    let mut metadata = Map::new();
    if let Some(page) = body.page {
        metadata.insert("page".to_owned(), page.chars().take(PAGE_CHARS_MAX).collect::<String>().into());
    }
    let token = token()?;
    let mut transaction = tenant.begin().await?;
    let customer_id = transaction.upsert_customer(&customer).await?.id;
    let new = NewConversation { customer_id, channel_id: channel.id, assistant_id, title: None, metadata };
    let conversation = transaction.insert_conversation(new).await?;
    let expires_at: Time = transaction.now() + SESSION_LIFE;
    transaction.insert_widget_session(&token, channel.id, conversation.id, expires_at).await?;
    transaction.commit().await?;
    let session = WidgetSessionObject::of(tenant, conversation).await;
    Ok((StatusCode::CREATED, axum::Json(WidgetSessionObject { token: Some(token), ..session })))
}

/// Refuses a visitor who left out what the widget requires.
fn check_asked(settings: &WidgetSettings, body: &CreateWidgetSession) -> Result<()> {
    for asked in settings.pre_chat.iter().filter(|asked| asked.required) {
        let (given, name) = match asked.field {
            PreChatKind::Name => (&body.name, "name"),
            PreChatKind::Email => (&body.email, "email"),
        };
        if given.as_ref().is_none_or(|text| text.trim().is_empty()) {
            return Err(Problem::invalid(format!("`{name}` is asked for by this widget")).at(format!("/{name}")));
        }
    }
    Ok(())
}

/// Reads the state of the visitor's conversation.
#[utoipa::path(get, path = "/v1/widget/session", tag = "widget", operation_id = "get_widget_session",
    responses((status = 200, description = "The session", body = WidgetSessionObject)))]
pub(crate) async fn get_widget_session(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<axum::Json<WidgetSessionObject>> {
    let tenant = visitor.tenant(&app);
    let conversation = tenant.load_conversation(visitor.conversation_id).await?;
    Ok(axum::Json(WidgetSessionObject::of(tenant, conversation).await))
}

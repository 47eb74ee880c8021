//! Conversations: begin, list, read, change.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use crate::objects::{ConversationListed, ConversationObject, HandoffObject, MessageObject};
use answering::receive::{Incoming, receive};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::conversation::{Channel, Conversation, ConversationStatus, Holder};
use domain::customer::Identity;
use domain::handoff::{HandoffReason, HandoffState};
use domain::message::Message;
use domain::{AgentId, AssistantId, ChannelId, ConversationId, CustomerId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use storage::conversations::{ConversationChange, ConversationFilter, NewConversation};
use storage::customers::NewCustomer;
use storage::{Tenant, Transaction};
use utoipa::{IntoParams, ToSchema};

/// The channel that conversations begin on where the request does not say.
const CHANNEL_DEFAULT: &str = "api";
/// Characters of a title at most.
const TITLE_CHARS_MAX: usize = 300;
/// Tags of a conversation at most.
const TAGS_MAX: usize = 50;
/// Bytes of the metadata as JSON at most.
const METADATA_BYTES_MAX: usize = 16 * 1024;

/// A conversation to begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateConversation {
    /// Who asks.
    customer: CustomerReference,
    /// A channel's id, or its kind; `api` where absent.
    #[serde(default)]
    channel: Option<String>,
    /// Who answers; the channel's or the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    assistant: Option<AssistantId>,
    #[serde(default)]
    title: Option<String>,
    /// Fields of integrations.
    #[serde(default)]
    metadata: Map<String, Value>,
    /// The customer's first message.
    #[serde(default)]
    message: Option<FirstMessage>,
}

/// A customer's id, their external id, or what is known of them.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected an id, or an object of `external_id`, `name`, `email`, `locale`")]
pub(crate) enum CustomerReference {
    /// A `cus_…` id or an external id.
    Id(String),
    /// The customer with that external id, or a new one.
    Described(CustomerDescription),
}

/// What is known of a customer who begins a conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerDescription {
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    /// `verified` where your own system proved who they are.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    identity: Option<Identity>,
}

/// The first message: its text, or its text with an id.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text, or an object of `content`, `external_id`")]
pub(crate) enum FirstMessage {
    /// Its text.
    Text(String),
    /// Its text with the id the client knows it by.
    Identified(IdentifiedMessage),
}

/// A message with the id the client knows it by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentifiedMessage {
    content: String,
    /// The same id again brings the first message back.
    #[serde(default)]
    external_id: Option<String>,
}

/// A conversation with its first message.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationCreated {
    #[serde(flatten)]
    conversation: ConversationObject,
    /// The first message, where one was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageObject>,
}

/// Begins a conversation.
#[utoipa::path(post, path = "/v1/conversations", tag = "conversations", request_body = CreateConversation, responses(
    (status = 201, description = "It began", body = ConversationCreated),
    (status = 200, description = "The message was here before: its conversation", body = ConversationCreated),
))]
pub(crate) async fn create_conversation(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateConversation>,
) -> Result<Response> {
    check(body.title.as_deref(), None, Some(&body.metadata))?;
    let tenant = app.of(caller.organization_id());
    let channel = find_channel(tenant, body.channel.as_deref().unwrap_or(CHANNEL_DEFAULT)).await?;
    let assistant_id = choose_assistant(tenant, body.assistant, &channel).await?;
    let (content, external_id) = match body.message {
        None => (None, None),
        Some(FirstMessage::Text(content)) => (Some(content), None),
        Some(FirstMessage::Identified(message)) => (Some(message.content), message.external_id),
    };
    let mut transaction = tenant.begin().await?;
    if let Some(external_id) = &external_id
        && let Some(message) = transaction.find_message_by_external_id(channel.id, external_id).await?
    {
        transaction.rollback().await?;
        let conversation = tenant.load_conversation(message.conversation_id).await?;
        return Ok(created(StatusCode::OK, conversation, Some(message)));
    }
    let customer_id = choose_customer(&mut transaction, tenant, &channel.kind, body.customer).await?;
    let new = NewConversation {
        customer_id,
        channel_id: channel.id,
        assistant_id,
        title: body.title,
        metadata: body.metadata,
    };
    let conversation = transaction.insert_conversation(new).await?;
    transaction.commit().await?;
    let Some(content) = content else {
        return Ok(created(StatusCode::CREATED, conversation, None));
    };
    let incoming = Incoming { conversation_id: conversation.id, content, external_id };
    let received = receive(&app.desk, caller.organization_id(), incoming).await?;
    let conversation = tenant.load_conversation(received.message.conversation_id).await?;
    Ok(created(StatusCode::CREATED, conversation, Some(received.message)))
}

fn created(status: StatusCode, conversation: Conversation, message: Option<Message>) -> Response {
    let body = ConversationCreated { conversation: conversation.into(), message: message.map(MessageObject::from) };
    (status, axum::Json(body)).into_response()
}

async fn find_channel(tenant: Tenant<'_>, named: &str) -> Result<Channel> {
    match named.parse::<ChannelId>() {
        Ok(id) => Ok(tenant.load_channel(id).await?),
        Err(_) => {
            tenant.find_channel_by_kind(named).await?.ok_or_else(|| Problem::not_found("channel", named).at("/channel"))
        }
    }
}

async fn choose_assistant(tenant: Tenant<'_>, asked: Option<AssistantId>, channel: &Channel) -> Result<AssistantId> {
    if let Some(id) = asked.or(channel.assistant_id) {
        return Ok(tenant.load_assistant(id).await?.id);
    }
    Ok(crate::routes::assistants::default_assistant(tenant).await?.id)
}

async fn choose_customer(
    transaction: &mut Transaction,
    tenant: Tenant<'_>,
    channel: &str,
    reference: CustomerReference,
) -> Result<CustomerId> {
    let description = match reference {
        CustomerReference::Id(id) => match id.parse::<CustomerId>() {
            Ok(id) => return Ok(tenant.load_customer(id).await?.id),
            Err(_) => {
                CustomerDescription { external_id: Some(id), name: None, email: None, locale: None, identity: None }
            }
        },
        CustomerReference::Described(description) => description,
    };
    let new = NewCustomer {
        external_id: description.external_id,
        name: description.name,
        email: description.email,
        locale: description.locale,
        profile: Map::new(),
        identity: description.identity.unwrap_or(Identity::Unverified),
    };
    crate::routes::customers::check(&new)?;
    if let Some(external_id) = &new.external_id
        && let Some(known) = transaction.find_customer_by_identity(channel, external_id).await?
    {
        return Ok(known.id);
    }
    Ok(crate::routes::customers::upsert(transaction, &new).await?.id)
}

/// Which conversations to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListConversations {
    /// `open`, `snoozed` or `resolved`.
    #[param(value_type = Option<String>)]
    status: Option<ConversationStatus>,
    /// `ai`, `queue` or `agent`.
    #[param(value_type = Option<String>)]
    holder: Option<Holder>,
    /// An agent's id.
    #[param(value_type = Option<String>)]
    assignee: Option<AgentId>,
    /// A channel's id, or its kind.
    channel: Option<String>,
    /// A customer's id.
    #[param(value_type = Option<String>)]
    customer: Option<CustomerId>,
    /// Handed off for that reason, such as `missing_knowledge`.
    #[param(value_type = Option<String>)]
    handoff_reason: Option<HandoffReason>,
    /// Words in the title or in a message.
    q: Option<String>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists conversations, the last changed first.
#[utoipa::path(get, path = "/v1/conversations", tag = "conversations", params(ListConversations),
    responses((status = 200, description = "A stretch of the list", body = List<ConversationListed>)))]
pub(crate) async fn list_conversations(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListConversations>,
) -> Result<axum::Json<List<ConversationListed>>> {
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let before = query.after.as_deref().map(|after| list::keyset(Some(after))).transpose()?;
    let channel = match query.channel {
        Some(named) => Some(find_channel(tenant, &named).await?.id),
        None => None,
    };
    let filter = ConversationFilter {
        status: query.status,
        holder: query.holder,
        assignee: query.assignee,
        channel,
        customer: query.customer,
        handoff_reason: query.handoff_reason,
        text: query.q.filter(|text| !text.is_empty()),
        before: before.map(|place| (place.time, ConversationId::from_uuid(place.id))),
    };
    let rows = tenant.list_conversations(&filter, limit + 1).await?;
    let cursor = |row: &Conversation| list::cursor(row.updated_at, row.id);
    let ids: Vec<ConversationId> = rows.iter().map(|row| row.id).collect();
    let previews = tenant.list_previews(&ids).await?;
    let mut previews: HashMap<_, _> = previews.into_iter().map(|preview| (preview.conversation_id, preview)).collect();
    let listed = |row: Conversation| {
        let preview = previews.remove(&row.id);
        ConversationListed::new(row, preview)
    };
    Ok(axum::Json(List::stretch(rows, limit, cursor, listed)))
}

/// A conversation with its handoff.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationOpened {
    #[serde(flatten)]
    conversation: ConversationObject,
    /// What waits for an agent or is with one.
    handoff: Option<HandoffObject>,
}

/// Reads a conversation.
#[utoipa::path(get, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, description = "The conversation", body = ConversationOpened)))]
pub(crate) async fn get_conversation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<axum::Json<ConversationOpened>> {
    let tenant = app.of(caller.organization_id());
    let conversation = tenant.load_conversation(id).await?.into();
    let handoffs = tenant.list_handoffs(id).await?;
    let handoff = handoffs.into_iter().map(HandoffObject::from).find(HandoffObject::is_unfinished);
    Ok(axum::Json(ConversationOpened { conversation, handoff }))
}

/// Changes of a conversation; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateConversation {
    /// `open` or `resolved`; `snoozed` needs a time: POST …/snooze.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    status: Option<ConversationStatus>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

/// Changes a conversation.
#[utoipa::path(patch, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    request_body = UpdateConversation,
    responses((status = 200, description = "The conversation as it is now", body = ConversationObject)))]
pub(crate) async fn update_conversation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<UpdateConversation>,
) -> Result<axum::Json<ConversationObject>> {
    check(body.title.as_deref(), body.tags.as_deref(), body.metadata.as_ref())?;
    if body.status == Some(ConversationStatus::Snoozed) {
        return Err(Problem::invalid("`status` cannot be set to `snoozed` without a time")
            .at("/status")
            .hint("POST /v1/conversations/{id}/snooze with `until`"));
    }
    let change = ConversationChange {
        status: body.status,
        title: body.title,
        tags: body.tags,
        metadata: body.metadata,
        snoozed_until: None,
    };
    Ok(axum::Json(change_conversation(&app, &caller, id, change).await?.into()))
}

/// Changes a conversation; one that is resolved takes its handoff with it.
pub(crate) async fn change_conversation(
    app: &App,
    caller: &Caller,
    id: ConversationId,
    change: ConversationChange,
) -> Result<Conversation> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    if change.status == Some(ConversationStatus::Resolved) {
        transaction.mark_handoffs(id, HandoffState::Closed, None).await?;
    }
    let conversation = transaction.update_conversation(id, change).await?;
    transaction.commit().await?;
    Ok(conversation)
}

fn check(title: Option<&str>, tags: Option<&[String]>, metadata: Option<&Map<String, Value>>) -> Result<()> {
    if title.is_some_and(|title| title.chars().count() > TITLE_CHARS_MAX) {
        return Err(Problem::invalid(format!("`title` has more than {TITLE_CHARS_MAX} characters")).at("/title"));
    }
    if tags.is_some_and(|tags| tags.len() > TAGS_MAX) {
        return Err(Problem::invalid(format!("`tags` are more than {TAGS_MAX}")).at("/tags"));
    }
    let bytes = metadata.map_or(0, |metadata| serde_json::to_vec(metadata).map_or(0, |json| json.len()));
    if bytes > METADATA_BYTES_MAX {
        let detail = format!("`metadata` has {bytes} bytes, {METADATA_BYTES_MAX} are allowed");
        return Err(Problem::invalid(detail).at("/metadata"));
    }
    Ok(())
}

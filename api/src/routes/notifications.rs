//! What agents are told, and what of it they have seen.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Query};
use crate::error::{Problem, Result};
use crate::list;
use crate::routes::agents::acting;
use axum::extract::State;
use domain::notification::{Notification, NotificationKind};
use domain::{AgentId, ConversationId, NotificationId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Notifications marked at once at most.
const MARKED_MAX: usize = 100;

/// One thing an agent is told.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationObject {
    #[schema(value_type = String)]
    id: NotificationId,
    /// Always `notification`.
    object: &'static str,
    /// `offered`, `withdrawn`, `transferred`, `mentioned`, `queue_waiting` or `customer_replied`.
    #[schema(value_type = String)]
    kind: NotificationKind,
    #[schema(value_type = String)]
    conversation_id: ConversationId,
    /// The agent who caused it.
    #[schema(value_type = Option<String>)]
    actor_id: Option<AgentId>,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Notification> for NotificationObject {
    fn from(notification: Notification) -> Self {
        Self {
            id: notification.id,
            object: "notification",
            kind: notification.kind,
            conversation_id: notification.conversation_id,
            actor_id: notification.actor_id,
            read_at: notification.read_at,
            created_at: notification.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListNotifications {
    /// Whose, where a program asks; a member sees their own.
    #[param(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    /// Whether to leave out what they have seen.
    #[serde(default)]
    unread: bool,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Notifications with how many are unread.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationList {
    /// Always `list`.
    object: &'static str,
    data: Vec<NotificationObject>,
    has_more: bool,
    next_cursor: Option<String>,
    /// How many the agent has not seen, by kind; kinds without any are left out.
    #[schema(value_type = Object)]
    unread: BTreeMap<String, i64>,
    unread_count: i64,
}

/// Lists what an agent is told, the newest first, with how much of each kind they have not seen.
#[utoipa::path(get, path = "/v1/notifications", tag = "people", params(ListNotifications),
    responses((status = 200, description = "A stretch of the list", body = NotificationList)))]
pub(crate) async fn list_notifications(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListNotifications>,
) -> Result<axum::Json<NotificationList>> {
    let agent = acting(&app, &caller, query.agent_id).await?;
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let mut rows = tenant.list_notifications(agent, query.unread, after, limit + 1).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| list::cursor(row.created_at, row.id));
    let unread: BTreeMap<String, i64> =
        tenant.count_unread(agent).await?.into_iter().map(|unread| (unread.kind.to_string(), unread.unread)).collect();
    Ok(axum::Json(NotificationList {
        object: "list",
        data: rows.into_iter().map(NotificationObject::from).collect(),
        has_more,
        next_cursor,
        unread_count: unread.values().sum(),
        unread,
    }))
}

/// What an agent has seen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadNotifications {
    /// At most 100; absent, all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    ids: Option<Vec<NotificationId>>,
    /// Whose, where a program says so; a member's are their own.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
}

/// How many were marked.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationsRead {
    read: u64,
}

/// Marks an agent's notifications as seen.
#[utoipa::path(post, path = "/v1/notifications/read", tag = "people", request_body = ReadNotifications,
    responses((status = 200, description = "How many were unseen before", body = NotificationsRead)))]
pub(crate) async fn read_notifications(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ReadNotifications>,
) -> Result<axum::Json<NotificationsRead>> {
    if body.ids.as_ref().is_some_and(|ids| ids.len() > MARKED_MAX) {
        return Err(Problem::invalid(format!("`ids` are at most {MARKED_MAX}")).at("/ids"));
    }
    let agent = acting(&app, &caller, body.agent_id).await?;
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    let read = transaction.mark_notifications_read(agent, body.ids.as_deref()).await?;
    transaction.commit().await?;
    Ok(axum::Json(NotificationsRead { read }))
}

//! Sessions of visitors at the widget, and the channels whose public keys they come with.

use crate::members::token_hash;
use crate::sql::Run;
use crate::{Database, Result, Transaction};
use domain::conversation::Channel;
use domain::{ChannelId, ConversationId, OrganizationId, Time};

/// What a visitor's token opens.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct WidgetSession {
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The widget it was begun at.
    pub channel_id: ChannelId,
    /// The one conversation it opens.
    pub conversation_id: ConversationId,
    /// Refused from then on.
    pub expires_at: Time,
}

impl Database {
    /// The session with that token, of whatever organization, unless it has expired.
    pub async fn find_widget_session(&self, plain: &str) -> Result<Option<WidgetSession>> {
        self.find(
            "select organization_id, channel_id, conversation_id, expires_at from widget_sessions
             where token_hash = $1 and expires_at > $2",
            (token_hash(plain), self.clock().now()),
        )
        .await
    }

    /// The channel of whatever organization: a widget's public key names nothing else.
    pub async fn find_channel(&self, id: ChannelId) -> Result<Option<Channel>> {
        self.find(
            "select id, organization_id, kind, name, assistant_id, settings, created_at from channels where id = $1",
            (id,),
        )
        .await
    }

    /// The oldest channel of that kind of the oldest organization: what the demo page embeds.
    pub async fn find_oldest_channel(&self, kind: &str) -> Result<Option<Channel>> {
        self.find(
            "select id, organization_id, kind, name, assistant_id, settings, created_at from channels
             where kind = $1 order by created_at, id limit 1",
            (kind,),
        )
        .await
    }
}

impl Transaction {
    /// Begins a session; those that have expired are cleared away.
    pub async fn insert_widget_session(
        &mut self,
        plain: &str,
        channel_id: ChannelId,
        conversation_id: ConversationId,
        expires_at: Time,
    ) -> Result<WidgetSession> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        self.run("delete from widget_sessions where organization_id = $1 and expires_at <= $2", (organization_id, now))
            .await?;
        self.run(
            "insert into widget_sessions (token_hash, organization_id, channel_id, conversation_id, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
            (token_hash(plain), organization_id, channel_id, conversation_id, now, expires_at),
        )
        .await?;
        Ok(WidgetSession { organization_id, channel_id, conversation_id, expires_at })
    }
}

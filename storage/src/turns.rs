//! Turns: what a conversation's next reply stands on, read in one trip.

use crate::agents::Presence;
use crate::model_endpoints::ModelEndpoint;
use crate::sql::Run;
use crate::{Error, Result, Tenant};
use domain::assistant::{Assistant, AssistantSettings};
use domain::conversation::Conversation;
use domain::organization::OrganizationSettings;
use domain::{ConversationId, OrganizationId, Time};
use sqlx::types::Json;

/// A conversation with everything around it that a reply depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The conversation.
    pub conversation: Conversation,
    /// Who answers.
    pub assistant: Assistant,
    /// What the organization has set.
    pub organization_settings: OrganizationSettings,
    /// The model that the organization has connected by itself.
    pub model_endpoint: Option<ModelEndpoint>,
    /// The kind of the channel that it is held on.
    pub channel_kind: String,
    /// The summary covers messages up to this seq.
    pub summary_seq: i64,
    /// Whether anything was ever remembered of the customer.
    pub has_facts: bool,
    /// Whether the customer has written in another conversation.
    pub has_other_conversations: bool,
    /// Whether people are there for the customer.
    pub presence: Presence,
    /// Whether the assistant has published prompts of its own.
    pub has_own_prompts: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    conversation: Conversation,
    assistant_name: String,
    assistant_settings: Json<AssistantSettings>,
    assistant_created_at: Time,
    assistant_updated_at: Time,
    organization_settings: Json<OrganizationSettings>,
    channel_kind: String,
    summary_seq: i64,
    facts: i64,
    others: i64,
    #[sqlx(flatten)]
    presence: Presence,
    own_prompts: i64,
    #[sqlx(flatten)]
    model_endpoint: EndpointColumns,
}

/// An endpoint that may be missing.
#[derive(sqlx::FromRow)]
struct EndpointColumns {
    #[sqlx(rename = "model_base_url")]
    base_url: Option<String>,
    #[sqlx(rename = "model_name")]
    model: Option<String>,
    #[sqlx(rename = "model_sealed_key")]
    sealed_key: Option<Vec<u8>>,
    #[sqlx(rename = "model_key_hint")]
    key_hint: Option<String>,
    #[sqlx(rename = "model_updated_at")]
    updated_at: Option<Time>,
    #[sqlx(rename = "model_updated_by")]
    updated_by: Option<String>,
}

impl EndpointColumns {
    fn of(self, organization_id: OrganizationId) -> Option<ModelEndpoint> {
        Some(ModelEndpoint {
            organization_id,
            base_url: self.base_url?,
            model: self.model?,
            sealed_key: self.sealed_key,
            key_hint: self.key_hint,
            updated_at: self.updated_at?,
            updated_by: self.updated_by?,
        })
    }
}

impl Tenant<'_> {
    /// The conversation and what its next reply stands on.
    pub async fn load_setting(self, id: ConversationId) -> Result<Setting> {
        let row: Option<Row> = self
            .find(
                "select c.id, c.organization_id, c.customer_id, c.channel_id, c.assistant_id, c.status, c.holder,
                        c.assignee_id, c.title, c.tags, c.metadata, c.last_seq, c.answered_seq, c.clarifications,
                        c.summary, c.waiting_since, c.snoozed_until, c.created_at, c.updated_at,
                        a.name as assistant_name, a.settings as assistant_settings,
                        a.created_at as assistant_created_at, a.updated_at as assistant_updated_at,
                        o.settings as organization_settings, h.kind as channel_kind,
                        (select count(*) from (select 1 from facts f where f.customer_id = c.customer_id
                            and f.organization_id = c.organization_id limit 1) as one) as facts,
                        (select count(*) from (select 1 from conversations t where t.customer_id = c.customer_id
                            and t.organization_id = c.organization_id and t.id <> c.id limit 1) as one) as others,
                        c.summary_seq,
                        (select count(*) from agents p where p.organization_id = c.organization_id
                            and p.present_until > $3 and p.availability <> 'away') as present,
                        (select count(*) from customers u where u.organization_id = c.organization_id
                            and u.id = c.customer_id and u.email is not null) as contacts,
                        (select count(*) from (select 1 from prompt_versions v where v.organization_id = c.organization_id
                            and v.assistant_id = c.assistant_id and v.state = 'published' limit 1) as one) as own_prompts,
                        m.base_url as model_base_url, m.model as model_name, m.sealed_key as model_sealed_key,
                        m.key_hint as model_key_hint, m.updated_at as model_updated_at, m.updated_by as model_updated_by
                 from conversations c
                 join assistants a on a.id = c.assistant_id and a.organization_id = c.organization_id
                 join channels h on h.id = c.channel_id and h.organization_id = c.organization_id
                 join organizations o on o.id = c.organization_id
                 left join model_endpoints m on m.organization_id = c.organization_id
                 where c.organization_id = $1 and c.id = $2",
                (self.organization_id(), id, self.now()),
            )
            .await?;
        let row = row.ok_or_else(|| Error::not_found("conversation", id))?;
        Ok(Setting {
            assistant: Assistant {
                id: row.conversation.assistant_id,
                organization_id: row.conversation.organization_id,
                name: row.assistant_name,
                settings: row.assistant_settings.0,
                created_at: row.assistant_created_at,
                updated_at: row.assistant_updated_at,
            },
            conversation: row.conversation,
            organization_settings: row.organization_settings.0,
            model_endpoint: row.model_endpoint.of(self.organization_id()),
            channel_kind: row.channel_kind,
            summary_seq: row.summary_seq,
            has_facts: row.facts > 0,
            has_other_conversations: row.others > 0,
            presence: row.presence,
            has_own_prompts: row.own_prompts > 0,
        })
    }
}

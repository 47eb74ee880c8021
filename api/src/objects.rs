//! Nouns as the API shows them. The fields are a contract: they may become more, never fewer.

use domain::conversation::{Conversation, ConversationStatus, Holder};
use domain::handoff::{Handoff, HandoffReason, HandoffState};
use domain::message::{Attachment, Citation, Decision, DeliveryState, Message, Sender};
use domain::usage::TokenUsage;
use domain::{AgentId, AssistantId, ChannelId, ConversationId, CustomerId, DocumentId, HandoffId, MessageId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use storage::previews::ConversationPreview;
use utoipa::ToSchema;

/// A thread of messages with one customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationObject {
    #[schema(value_type = String, example = "conv_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: ConversationId,
    /// Always `conversation`.
    object: &'static str,
    #[schema(value_type = String)]
    customer_id: CustomerId,
    #[schema(value_type = String)]
    channel_id: ChannelId,
    #[schema(value_type = String)]
    assistant_id: AssistantId,
    /// `open`, `snoozed` or `resolved`.
    #[schema(value_type = String, example = "open")]
    status: ConversationStatus,
    /// Who must act next: `ai`, `queue` or `agent`.
    #[schema(value_type = String, example = "ai")]
    holder: Holder,
    #[schema(value_type = Option<String>)]
    assignee_id: Option<AgentId>,
    title: Option<String>,
    tags: Vec<String>,
    /// Fields of integrations.
    metadata: Map<String, Value>,
    /// The number of its newest message.
    last_seq: i64,
    /// Customer messages up to this number are answered, handed off or taken over.
    answered_seq: i64,
    /// When the oldest customer message without a reaction came.
    #[schema(value_type = Option<String>, format = DateTime)]
    waiting_since: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    snoozed_until: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl From<Conversation> for ConversationObject {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            object: "conversation",
            customer_id: conversation.customer_id,
            channel_id: conversation.channel_id,
            assistant_id: conversation.assistant_id,
            status: conversation.status,
            holder: conversation.holder,
            assignee_id: conversation.assignee_id,
            title: conversation.title,
            tags: conversation.tags,
            metadata: conversation.metadata,
            last_seq: conversation.last_seq,
            answered_seq: conversation.answered_seq,
            waiting_since: conversation.waiting_since,
            snoozed_until: conversation.snoozed_until,
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
        }
    }
}

/// A conversation with what lists show of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationListed {
    #[serde(flatten)]
    conversation: ConversationObject,
    preview: Option<PreviewObject>,
}

impl ConversationListed {
    pub(crate) fn new(conversation: Conversation, preview: Option<ConversationPreview>) -> Self {
        Self { conversation: conversation.into(), preview: preview.map(PreviewObject::from) }
    }
}

/// A conversation at a glance.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewObject {
    customer_name: Option<String>,
    customer_email: Option<String>,
    /// The kind of its channel.
    channel: String,
    /// Who spoke last: `customer`, `ai`, `agent` or `system`.
    #[schema(value_type = Option<String>)]
    sender: Option<Sender>,
    /// The beginning of what was said last.
    snippet: Option<String>,
    /// How sure the AI was, where it spoke last.
    confidence: Option<f64>,
    /// Why it waits for an agent, or is with one.
    #[schema(value_type = Option<String>)]
    handoff_reason: Option<HandoffReason>,
}

impl From<ConversationPreview> for PreviewObject {
    fn from(preview: ConversationPreview) -> Self {
        Self {
            customer_name: preview.customer_name,
            customer_email: preview.customer_email,
            channel: preview.channel,
            sender: preview.sender,
            snippet: preview.snippet,
            confidence: preview.confidence,
            handoff_reason: preview.handoff_reason,
        }
    }
}

/// One thing said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageObject {
    #[schema(value_type = String, example = "msg_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    pub(crate) id: MessageId,
    /// Always `message`.
    object: &'static str,
    #[schema(value_type = String)]
    conversation_id: ConversationId,
    /// Its place in the conversation, from 1, without gaps.
    seq: i64,
    sender: SenderObject,
    /// Plain text or Markdown.
    content: String,
    /// The id the client gave it.
    external_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// The customer messages that a reply answers, oldest first.
    #[schema(value_type = Vec<String>)]
    in_reply_to: Vec<MessageId>,
    /// What the AI did: `answer`, `clarify` or `hand_off`.
    #[schema(value_type = Option<String>, example = "answer")]
    decision: Option<Decision>,
    /// Why it was handed off.
    #[schema(value_type = Option<String>)]
    handoff_reason: Option<HandoffReason>,
    /// How sure the answer is, 0 to 1.
    confidence: Option<f64>,
    /// The model that wrote it; `extractive` where none did.
    model: Option<String>,
    usage: UsageObject,
    /// What it cost, in millionths of a US dollar.
    cost_micro_usd: i64,
    /// The passages that prove it, in the order of their numbers.
    citations: Vec<CitationObject>,
    /// What the customer attached to it.
    attachments: Vec<AttachmentObject>,
    /// How far it came: `queued`, `sent`, `delivered`, `read`, `failed` or `unknown`.
    #[schema(value_type = Option<String>)]
    delivery: Option<DeliveryState>,
}

impl From<Message> for MessageObject {
    fn from(message: Message) -> Self {
        let usage = TokenUsage {
            input_tokens: message.input_tokens,
            output_tokens: message.output_tokens,
            estimated: message.usage_estimated,
        };
        Self {
            id: message.id,
            object: "message",
            conversation_id: message.conversation_id,
            seq: message.seq,
            sender: SenderObject::of(&message),
            content: message.content,
            external_id: message.external_id,
            created_at: message.created_at,
            in_reply_to: message.in_reply_to,
            decision: message.decision,
            handoff_reason: message.handoff_reason,
            confidence: message.confidence,
            model: message.model,
            usage: usage.into(),
            cost_micro_usd: message.cost_micro_usd,
            citations: message.citations.into_iter().map(CitationObject::from).collect(),
            attachments: message.attachments.into_iter().map(AttachmentObject::from).collect(),
            delivery: message.delivery,
        }
    }
}

/// Something attached to a message: its name and the text that was found in it; the file itself is not kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachmentObject {
    /// Its file name.
    #[schema(example = "invoice.pdf")]
    name: String,
    #[serde(default)]
    media_type: Option<String>,
    /// Its text, as far as the client can read one: the assistant reads it, cut to fit.
    #[serde(default)]
    text: String,
}

impl From<Attachment> for AttachmentObject {
    fn from(attachment: Attachment) -> Self {
        Self { name: attachment.name, media_type: attachment.media_type, text: attachment.text }
    }
}

impl From<AttachmentObject> for Attachment {
    fn from(object: AttachmentObject) -> Self {
        Self { name: object.name.trim().to_owned(), media_type: object.media_type, text: object.text }
    }
}

/// Who said something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SenderObject {
    /// `customer`, `ai`, `agent` or `system`.
    #[schema(value_type = String, example = "ai")]
    kind: Sender,
    /// A customer's, assistant's or agent's id.
    id: Option<String>,
}

impl SenderObject {
    fn of(message: &Message) -> Self {
        let id = message.sender_id.and_then(|uuid| match message.sender {
            Sender::Customer => Some(CustomerId::from_uuid(uuid).to_string()),
            Sender::Ai => Some(AssistantId::from_uuid(uuid).to_string()),
            Sender::Agent => Some(AgentId::from_uuid(uuid).to_string()),
            Sender::System => None,
        });
        Self { kind: message.sender, id }
    }
}

/// Tokens of all model calls together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageObject {
    input_tokens: i64,
    output_tokens: i64,
    /// Whether a figure was estimated because the provider gave none or an absurd one.
    estimated: bool,
}

impl From<TokenUsage> for UsageObject {
    fn from(usage: TokenUsage) -> Self {
        Self { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens, estimated: usage.estimated }
    }
}

/// A passage that proves a part of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CitationObject {
    /// The number in the text: `[1]` is 1.
    index: usize,
    #[schema(value_type = String)]
    document_id: DocumentId,
    /// The document's version at the time.
    version: i64,
    external_id: Option<String>,
    url: Option<String>,
    title: String,
    /// The exact text of that document version from byte `start` to `end`.
    quote: String,
    start: usize,
    end: usize,
}

impl From<Citation> for CitationObject {
    fn from(citation: Citation) -> Self {
        Self {
            index: citation.index,
            document_id: citation.document_id,
            version: citation.version,
            external_id: citation.external_id,
            url: citation.url,
            title: citation.title,
            quote: citation.quote,
            start: citation.start,
            end: citation.end,
        }
    }
}

/// What an agent finds when a conversation comes to them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoffObject {
    #[schema(value_type = String)]
    id: HandoffId,
    /// Always `handoff`.
    object: &'static str,
    #[schema(value_type = String)]
    conversation_id: ConversationId,
    /// The reply that told the customer, where the AI handed over.
    #[schema(value_type = Option<String>)]
    message_id: Option<MessageId>,
    #[schema(value_type = String, example = "customer_request")]
    reason: HandoffReason,
    /// What the customer wants, in short.
    summary: String,
    /// What was tried, one line each.
    tried: Vec<String>,
    /// The nearest passages that were found.
    sources: Vec<CitationObject>,
    suggested_reply: Option<String>,
    /// What the customer asked and nobody answered yet.
    open_questions: Vec<String>,
    /// What an agent should be able to do to take it.
    skills: Vec<String>,
    /// `waiting`, `accepted`, `returned` or `closed`.
    #[schema(value_type = String, example = "waiting")]
    state: HandoffState,
    /// The agent who took it.
    #[schema(value_type = Option<String>)]
    accepted_by: Option<AgentId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl HandoffObject {
    /// Whether an agent still has to do with it.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self.state, HandoffState::Waiting | HandoffState::Accepted)
    }
}

impl From<Handoff> for HandoffObject {
    fn from(handoff: Handoff) -> Self {
        Self {
            id: handoff.id,
            object: "handoff",
            conversation_id: handoff.conversation_id,
            message_id: handoff.message_id,
            reason: handoff.reason,
            summary: handoff.summary,
            tried: handoff.tried,
            sources: handoff.sources.into_iter().map(CitationObject::from).collect(),
            suggested_reply: handoff.suggested_reply,
            open_questions: handoff.open_questions,
            skills: handoff.skills,
            state: handoff.state,
            accepted_by: handoff.accepted_by,
            created_at: handoff.created_at,
            updated_at: handoff.updated_at,
        }
    }
}

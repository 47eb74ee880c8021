//! A turn: the customer messages of a conversation that are not answered yet, and what they stand in.

use crate::asked::{asked, attachments, history};
use crate::recall::{Earlier, as_recalled, text_hash};
use crate::staffing::staffing;
use crate::window::without_quoted_mail;
use crate::wish::{Wish, wish};
use crate::{Desk, Result};
use domain::assistant::Assistant;
use domain::conversation::{Conversation, Holder};
use domain::memory::Fact;
use domain::message::{Message, Sender};
use domain::prompt::AnswerTemplate;
use domain::staffing::{People, Staffing};
use domain::trace::PromptMessage;
use domain::usage::Budget;
use domain::{ConversationId, OrganizationId};
use llm::ChatModel;
use std::sync::Arc;
use storage::turns::Setting;

/// Newest messages that are read for the window.
const MESSAGES_READ: i64 = 40;
/// Messages that are read where more wait than the window holds; what is beyond them is the next turn.
const WAITING_READ: i64 = 200;
/// Facts of the customer that are read.
const FACTS_READ: i64 = 200;
/// Messages outside the history that may be recalled.
const EARLIER_READ: i64 = 400;

/// A turn to answer.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The conversation as it was when the turn was read.
    pub conversation: Conversation,
    /// The kind of its channel.
    pub channel_kind: String,
    /// The waiting customer messages, oldest first; never empty.
    pub waiting: Vec<Message>,
    /// The seqs of the history's entries.
    pub history_seqs: Vec<i64>,
    /// What of the waiting messages was cut, one line each.
    pub cut: Vec<String>,
    /// The summary covers messages up to this seq.
    pub summary_seq: i64,
    /// What is asked.
    pub question: Question,
}

/// What is asked, whoever asks: a turn, the playground or an eval.
#[derive(Clone, Debug)]
pub struct Question {
    /// The tenant.
    pub organization_id: OrganizationId,
    /// Who answers.
    pub assistant: Assistant,
    /// What the customer wrote.
    pub text: String,
    /// What was said before, oldest first.
    pub history: Vec<PromptMessage>,
    /// A summary of what was said before the history.
    pub summary: String,
    /// What is known of the customer.
    pub facts: Vec<Fact>,
    /// What they said and were told before, outside the history.
    pub earlier: Earlier,
    /// Questions asked back in a row.
    pub clarifications: i64,
    /// Who is there to take over.
    pub staffing: Staffing,
    /// Hosts that the answer may link to, besides those of the cited documents.
    pub allowed_link_hosts: Vec<String>,
    /// The version of the prompt; `None` is the built-in one.
    pub template: Option<AnswerTemplate>,
    /// What the whole organization's model calls may cost.
    pub budget: Budget,
    /// Which model writes; `None` quotes the knowledge.
    pub chat: Option<Arc<dyn ChatModel>>,
}

impl Turn {
    /// The newest customer message it answers.
    pub fn to_seq(&self) -> i64 {
        self.waiting.last().map_or(self.conversation.answered_seq, |message| message.seq)
    }
}

/// Loads the turn; `None` where nothing waits or the AI is not to speak: a person has the conversation, or
/// it waits for one and the desk does not want the AI to help out meanwhile.
pub async fn load(desk: &Desk, organization_id: OrganizationId, id: ConversationId) -> Result<Option<Turn>> {
    let tenant = desk.database.of(organization_id);
    let setting = tenant.load_setting(id).await?;
    let conversation = &setting.conversation;
    let people = &setting.organization_settings.people;
    if conversation.holder == Holder::Agent || (conversation.holder == Holder::Queue && !people.ai_while_waiting) {
        return Ok(None);
    }
    let staffing = staffing(people, setting.presence, tenant.now());
    if conversation.holder == Holder::Queue && staffing.people == People::There {
        return Ok(None);
    }
    let mut messages = tenant.list_newest_messages(id, MESSAGES_READ).await?;
    if messages.first().is_some_and(|oldest| oldest.seq > conversation.answered_seq + 1) {
        messages = tenant.list_messages(id, conversation.answered_seq, WAITING_READ).await?;
    }
    let (waiting, earlier): (Vec<Message>, Vec<Message>) = messages
        .into_iter()
        .partition(|message| message.sender == Sender::Customer && message.seq > conversation.answered_seq);
    if waiting.is_empty() {
        return Ok(None);
    }
    // Most customers are new: nothing was remembered of them yet.
    let mut facts = if setting.has_facts {
        tenant.list_facts(conversation.customer_id, tenant.now(), FACTS_READ).await?
    } else {
        Vec::new()
    };
    if !facts.is_empty() {
        let withheld = tenant.list_withheld_facts(id).await?;
        facts.retain(|fact| !withheld.contains(&fact.id));
    }
    let read_from = earlier.iter().chain(&waiting).map(|message| message.seq).min().unwrap_or(1);
    let earlier_said = load_earlier(desk, &setting, &facts, read_from).await?;
    let chat = desk.models.of(setting.model_endpoint.as_ref());
    let template = if setting.has_own_prompts && chat.is_some() {
        crate::template::in_use(desk, organization_id, setting.assistant.id, Some(id)).await?
    } else {
        None
    };
    let (mut history, history_seqs) = history(&without_wishes(earlier));
    history.extend(attachments(&waiting));
    let asked = asked(&waiting, &|text| desk.tokens.count(text));
    let Setting { conversation, assistant, organization_settings, channel_kind, summary_seq, .. } = setting;
    let question = Question {
        organization_id,
        assistant,
        text: asked.text,
        history,
        summary: conversation.summary.clone(),
        facts,
        earlier: earlier_said,
        clarifications: conversation.clarifications,
        staffing,
        allowed_link_hosts: organization_settings.allowed_link_hosts,
        template,
        budget: organization_settings.budget,
        chat,
    };
    Ok(Some(Turn { conversation, channel_kind, waiting, history_seqs, cut: asked.cut, summary_seq, question }))
}

/// What the customer said and was told before, outside the history, with the vectors of that and of the facts.
async fn load_earlier(desk: &Desk, setting: &Setting, facts: &[Fact], read_from: i64) -> Result<Earlier> {
    let conversation = &setting.conversation;
    let tenant = desk.database.of(conversation.organization_id);
    let mut earlier = Earlier::default();
    if setting.has_other_conversations || read_from > 1 {
        let customer = conversation.customer_id;
        earlier.messages = tenant.list_earlier_messages(customer, conversation.id, read_from, EARLIER_READ).await?;
    }
    let is_empty = facts.is_empty() && earlier.messages.is_empty();
    if let Some(embedder) = desk.embedder.embedder().filter(|_| !is_empty) {
        let said = earlier.messages.iter().map(|message| text_hash(&as_recalled(&message.content)));
        let hashes: Vec<[u8; 32]> = facts.iter().map(|fact| text_hash(&fact.text)).chain(said).collect();
        earlier.vectors = tenant.find_memory_vectors(conversation.customer_id, embedder.model_id(), &hashes).await?;
    }
    Ok(earlier)
}

/// What was said before without earlier wishes for a person: they were heard, and are not what is asked now.
fn without_wishes(mut earlier: Vec<Message>) -> Vec<Message> {
    let wishes = |message: &Message| wish(&without_quoted_mail(&message.content)) != Wish::None;
    earlier.retain(|message| message.sender != Sender::Customer || !wishes(message));
    earlier
}

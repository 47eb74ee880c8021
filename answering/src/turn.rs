//! A turn: the customer messages of a conversation that are not answered yet, and what they stand in.

use crate::window::spoken;
use crate::{Desk, Result};
use domain::assistant::Assistant;
use domain::conversation::{Conversation, Holder};
use domain::memory::Fact;
use domain::message::{Message, Sender};
use domain::prompt::AnswerTemplate;
use domain::trace::PromptMessage;
use domain::usage::Budget;
use domain::{ConversationId, OrganizationId};
use storage::turns::Setting;

/// Newest messages that are read for the window.
const MESSAGES_READ: i64 = 40;
/// Messages that are read where more wait than the window holds; what is beyond them is the next turn.
const WAITING_READ: i64 = 200;
/// Facts of the customer that are read.
const FACTS_READ: i64 = 200;

/// A turn to answer.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The conversation as it was when the turn was read.
    pub conversation: Conversation,
    /// The kind of its channel.
    pub channel_kind: String,
    /// The waiting customer messages, oldest first; never empty.
    pub waiting: Vec<Message>,
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
    /// Questions asked back in a row.
    pub clarifications: i64,
    /// Hosts that the answer may link to, besides those of the cited documents.
    pub allowed_link_hosts: Vec<String>,
    /// The version of the prompt; `None` is the built-in one.
    pub template: Option<AnswerTemplate>,
    /// What the whole organization's model calls may cost.
    pub budget: Budget,
}

impl Turn {
    /// The newest customer message it answers.
    pub fn to_seq(&self) -> i64 {
        self.waiting.last().map_or(self.conversation.answered_seq, |message| message.seq)
    }
}

/// Loads the turn; `None` where nothing waits or the AI does not hold the conversation.
pub async fn load(desk: &Desk, organization_id: OrganizationId, id: ConversationId) -> Result<Option<Turn>> {
    let tenant = desk.database.of(organization_id);
    let Setting { conversation, assistant, organization_settings, channel_kind, has_facts } =
        tenant.load_setting(id).await?;
    if conversation.holder != Holder::Ai {
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
    let facts = if has_facts {
        tenant.list_facts(conversation.customer_id, tenant.now(), FACTS_READ).await?
    } else {
        Vec::new()
    };
    let template = crate::template::in_use(desk, organization_id, assistant.id, Some(id)).await?;
    let question = Question {
        organization_id,
        assistant,
        text: waiting.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n"),
        history: spoken(&earlier),
        summary: conversation.summary.clone(),
        facts,
        clarifications: conversation.clarifications,
        allowed_link_hosts: organization_settings.allowed_link_hosts,
        template,
        budget: organization_settings.budget,
    };
    Ok(Some(Turn { conversation, channel_kind, waiting, question }))
}

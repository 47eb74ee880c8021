//! A turn: the customer messages of a conversation that are not answered yet, and what they stand in.

use crate::staffing::staffing;
use crate::window::spoken;
use crate::wish::{Wish, wish};
use crate::{Desk, Result};
use domain::assistant::Assistant;
use domain::conversation::{Conversation, Holder};
use domain::memory::Fact;
use domain::message::{Message, Sender};
use domain::staffing::{People, Staffing};
use domain::trace::PromptMessage;
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
    /// Who is there to take over.
    pub staffing: Staffing,
    /// Hosts that the answer may link to, besides those of the cited documents.
    pub allowed_link_hosts: Vec<String>,
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
    let Setting { conversation, assistant, organization_settings, channel_kind, has_facts } =
        tenant.load_setting(id).await?;
    let people = &organization_settings.people;
    if conversation.holder == Holder::Agent || (conversation.holder == Holder::Queue && !people.ai_while_waiting) {
        return Ok(None);
    }
    let staffing = staffing(tenant, people, conversation.customer_id).await?;
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
    let mut facts = if has_facts {
        tenant.list_facts(conversation.customer_id, tenant.now(), FACTS_READ).await?
    } else {
        Vec::new()
    };
    if !facts.is_empty() {
        let withheld = tenant.list_withheld_facts(id).await?;
        facts.retain(|fact| !withheld.contains(&fact.id));
    }
    let question = Question {
        organization_id,
        assistant,
        text: waiting.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n"),
        history: spoken(&without_wishes(earlier)),
        summary: conversation.summary.clone(),
        facts,
        clarifications: conversation.clarifications,
        staffing,
        allowed_link_hosts: organization_settings.allowed_link_hosts,
    };
    Ok(Some(Turn { conversation, channel_kind, waiting, question }))
}

/// What was said before without earlier wishes for a person: they were heard, and are not what is asked now.
fn without_wishes(mut earlier: Vec<Message>) -> Vec<Message> {
    earlier.retain(|message| message.sender != Sender::Customer || wish(&message.content) == Wish::None);
    earlier
}

//! People take over: each story asserts exactly what the customer sees.

use crate::TestDesk;
use answering::hand_off::{Transfer, accept, give_back, return_to_queue, say_as_agent, transfer};
use answering::{Error, Refused};
use domain::agent::Availability;
use domain::conversation::{Conversation, ConversationStatus, Holder};
use domain::handoff::HandoffState;
use domain::message::Sender;
use domain::notification::NotificationKind;
use domain::{AgentId, ConversationId};
use frontdesk::bench::bed::{Bed, until};
use std::time::Duration;
use storage::conversations::ConversationChange;
use storage::{Keyset, Tenant};

/// Longer than any of these stories takes on a busy machine.
const LONGEST: Duration = Duration::from_mins(1);
const HUMAN: &str = "I want to talk to a human";
const HANDED: &str = "I'm passing this conversation to a colleague, who will answer you here.";
const NOTED: &str = "Our team has your message too; a person will answer you here.";
const NOBODY: &str = "Nobody of our team is available right now. Your message is saved, and a person will reply here as \
    soon as someone is back. If you leave your e-mail address, we can reach you there too.";
const REFUNDS: &str = "Refunds are paid back within five working days. [1]";

impl TestDesk {
    fn tenant(&self) -> Tenant<'_> {
        self.bed.wired.desk.database.of(self.bed.wired.organization_id())
    }

    /// Agents have one second to take what is offered.
    async fn hurry(&self) {
        let mut settings = self.tenant().load_organization().await.unwrap().settings;
        settings.people.accept_within_s = 1;
        let mut transaction = self.tenant().begin().await.unwrap();
        transaction.update_organization_settings(&settings).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn agent(&self, name: &str) -> AgentId {
        let mut transaction = self.tenant().begin().await.unwrap();
        let agent = transaction.insert_agent(name, None).await.unwrap();
        transaction.commit().await.unwrap();
        agent.id
    }

    /// A heartbeat that holds for so long.
    async fn alive(&self, agent: AgentId, holds: Duration) {
        let mut transaction = self.tenant().begin().await.unwrap();
        let end = transaction.now() + holds;
        transaction.note_heartbeat(agent, Some(Availability::Online), end).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn becomes(&self, id: ConversationId, what: &str, is: impl Fn(&Conversation) -> bool) -> Conversation {
        until(what, LONGEST, async || {
            let conversation = self.tenant().load_conversation(id).await.unwrap();
            Ok(is(&conversation).then_some(conversation))
        })
        .await
        .unwrap()
    }

    /// What the customer sees: who said what.
    async fn sees(&self, id: ConversationId) -> Vec<(Sender, String)> {
        let messages = self.bed.messages(id).await.unwrap();
        messages.into_iter().map(|message| (message.sender, message.content)).collect()
    }

    async fn says(&self, id: ConversationId, agent: AgentId, text: &str) {
        let organization_id = self.bed.wired.organization_id();
        say_as_agent(&self.bed.wired.desk, organization_id, id, Some(agent), text.to_owned()).await.unwrap();
    }

    async fn takes(&self, id: ConversationId, agent: AgentId) -> answering::Result<Conversation> {
        accept(&self.bed.wired.desk, self.bed.wired.organization_id(), id, agent).await
    }

    async fn resolve(&self, id: ConversationId) {
        let mut transaction = self.tenant().begin().await.unwrap();
        transaction.mark_handoffs(id, HandoffState::Closed, None).await.unwrap();
        let change = ConversationChange { status: Some(ConversationStatus::Resolved), ..Default::default() };
        transaction.update_conversation(id, change).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn told(&self, agent: AgentId) -> Vec<NotificationKind> {
        let told = self.tenant().list_notifications(agent, false, Keyset::start(), 50).await.unwrap();
        told.into_iter().rev().map(|notification| notification.kind).collect()
    }

    /// The customer says it and waits for the reply.
    async fn asks(&mut self, id: ConversationId, marker: &str, text: &str) -> String {
        let message = self.customer_says(id, marker, text).await;
        self.bed.reply_to(&message, LONGEST).await.unwrap().content
    }
}

fn said(lines: &[(Sender, &str)]) -> Vec<(Sender, String)> {
    lines.iter().map(|(sender, text)| (*sender, (*text).to_owned())).collect()
}

#[tokio::test]
async fn who_takes_over_while_the_ai_thinks_is_the_only_one_to_answer() {
    let mut desk = TestDesk::open("").await;
    let _worker = desk.worker().await;
    let ada = desk.agent("Ada").await;
    let mia = desk.customer("mia").await;
    let text = format!("{} m:first fault:slow:1", Bed::question(0));
    desk.customer_says(mia, "first", &text).await;
    until("the model to be asked", LONGEST, async || Ok((desk.calls("first") > 0).then_some(()))).await.unwrap();
    desk.says(mia, ada, "Ada here, five days.").await;
    desk.bed.drained(LONGEST).await.unwrap();
    assert_eq!(desk.sees(mia).await, said(&[(Sender::Customer, &text), (Sender::Agent, "Ada here, five days.")]));
    let held = desk.tenant().load_conversation(mia).await.unwrap();
    assert_eq!((held.holder, held.assignee_id, held.waiting_since), (Holder::Agent, Some(ada), None));
}

#[tokio::test]
async fn where_nobody_is_there_the_customer_hears_so_once_and_is_found_by_who_comes() {
    let mut desk = TestDesk::open("").await;
    let _worker = desk.worker().await;
    let ada = desk.agent("Ada").await;
    let mia = desk.customer("mia").await;
    assert_eq!(desk.asks(mia, "one", HUMAN).await, NOBODY);
    desk.customer_says(mia, "two", "mia@mail.example").await;
    desk.bed.drained(LONGEST).await.unwrap();
    let seen = said(&[(Sender::Customer, HUMAN), (Sender::Ai, NOBODY), (Sender::Customer, "mia@mail.example")]);
    assert_eq!(desk.sees(mia).await, seen);
    assert_eq!(desk.told(ada).await, [NotificationKind::QueueWaiting]);
    let waits = desk.tenant().load_conversation(mia).await.unwrap();
    let first = desk.bed.messages(mia).await.unwrap()[0].created_at;
    assert!(waits.waiting_since.unwrap() <= first, "the clock counts from the first message");
    let customer = desk.tenant().load_customer(waits.customer_id).await.unwrap();
    assert_eq!(customer.email.as_deref(), Some("mia@mail.example"));
    desk.alive(ada, LONGEST).await;
    desk.becomes(mia, "the offer", |now| now.assignee_id == Some(ada)).await;
    assert_eq!(desk.sees(mia).await, seen);
}

#[tokio::test]
async fn a_conversation_that_is_opened_again_starts_clean() {
    let mut desk = TestDesk::open("").await;
    let _worker = desk.worker().await;
    let ada = desk.agent("Ada").await;
    desk.alive(ada, LONGEST).await;
    let mia = desk.customer("mia").await;
    assert_eq!(desk.asks(mia, "one", HUMAN).await, HANDED);
    desk.customer_says(mia, "two", "a human please!").await;
    desk.takes(mia, ada).await.unwrap();
    desk.resolve(mia).await;
    let question = format!("{} m:again-3", Bed::question(0));
    assert_eq!(desk.asks(mia, "again-3", &question).await, REFUNDS);
    desk.bed.drained(LONGEST).await.unwrap();
    let seen = said(&[
        (Sender::Customer, HUMAN),
        (Sender::Ai, HANDED),
        (Sender::Customer, "a human please!"),
        (Sender::Customer, &question),
        (Sender::Ai, REFUNDS),
    ]);
    assert_eq!(desk.sees(mia).await, seen, "the old wish is not heard again");
    let open = desk.tenant().load_conversation(mia).await.unwrap();
    assert_eq!((open.holder, open.status, open.assignee_id), (Holder::Ai, ConversationStatus::Open, None));
}

#[tokio::test]
async fn a_handoff_that_goes_round_is_not_announced_again() {
    let mut desk = TestDesk::open("").await;
    let _worker = desk.worker().await;
    let ada = desk.agent("Ada").await;
    desk.alive(ada, LONGEST).await;
    let mia = desk.customer("mia").await;
    assert_eq!(desk.asks(mia, "one", HUMAN).await, HANDED);
    for marker in ["two", "three"] {
        give_back(&desk.bed.wired.desk, desk.bed.wired.organization_id(), mia).await.unwrap();
        assert_eq!(desk.asks(mia, marker, HUMAN).await, NOTED);
        let back = desk.tenant().load_conversation(mia).await.unwrap();
        assert_eq!(back.holder, Holder::Queue, "what was told is done, too");
    }
    let unfinished = |state| matches!(state, HandoffState::Waiting | HandoffState::Accepted);
    let handoffs = desk.tenant().list_handoffs(mia).await.unwrap();
    assert_eq!(handoffs.iter().filter(|handoff| unfinished(handoff.state)).count(), 1);
    assert_eq!(desk.sees(mia).await.iter().filter(|(_, text)| text == HANDED).count(), 1);
}

#[tokio::test]
async fn a_transfer_and_the_way_back_to_the_ai_are_silent() {
    let mut desk = TestDesk::open("").await;
    let _worker = desk.worker().await;
    let (ada, bo) = (desk.agent("Ada").await, desk.agent("Bo").await);
    desk.alive(ada, LONGEST).await;
    desk.alive(bo, LONGEST).await;
    let mia = desk.customer("mia").await;
    assert_eq!(desk.asks(mia, "one", HUMAN).await, HANDED);
    desk.takes(mia, ada).await.unwrap();
    let organization_id = desk.bed.wired.organization_id();
    let to_bo = Transfer { to: Some(bo), by: Some(ada), reason: "knows refunds".to_owned() };
    let moved = transfer(&desk.bed.wired.desk, organization_id, mia, to_bo).await.unwrap();
    assert_eq!((moved.holder, moved.assignee_id), (Holder::Agent, Some(bo)));
    assert!(desk.told(bo).await.contains(&NotificationKind::Transferred));
    desk.says(mia, bo, "Bo here.").await;
    return_to_queue(&desk.bed.wired.desk, organization_id, mia).await.unwrap();
    desk.becomes(mia, "the offer to Ada, as Bo gave it away", |now| now.assignee_id == Some(ada)).await;
    give_back(&desk.bed.wired.desk, organization_id, mia).await.unwrap();
    let question = format!("{} m:again-2", Bed::question(0));
    assert_eq!(desk.asks(mia, "again-2", &question).await, REFUNDS);
    let seen = said(&[
        (Sender::Customer, HUMAN),
        (Sender::Ai, HANDED),
        (Sender::Agent, "Bo here."),
        (Sender::Customer, &question),
        (Sender::Ai, REFUNDS),
    ]);
    assert_eq!(desk.sees(mia).await, seen);
}

#[tokio::test]
async fn what_an_agent_lets_pass_or_leaves_behind_goes_to_another() {
    let mut desk = TestDesk::open("").await;
    desk.hurry().await;
    let _worker = desk.worker().await;
    let (ada, bo, cy) = (desk.agent("Ada").await, desk.agent("Bo").await, desk.agent("Cy").await);
    desk.alive(ada, LONGEST).await;
    let mia = desk.customer("mia").await;
    assert_eq!(desk.asks(mia, "one", HUMAN).await, HANDED);
    desk.becomes(mia, "the offer to Ada", |now| now.assignee_id == Some(ada)).await;
    desk.alive(bo, LONGEST).await;
    desk.becomes(mia, "the offer to Bo, as Ada let it pass", |now| now.assignee_id == Some(bo)).await;
    desk.takes(mia, bo).await.unwrap();
    desk.alive(cy, LONGEST).await;
    // Bo's computer dies: his heartbeat ends now.
    desk.alive(bo, Duration::ZERO).await;
    let back = desk.becomes(mia, "the offer to Cy, as Bo has gone", |now| now.assignee_id == Some(cy)).await;
    assert_eq!(back.holder, Holder::Queue);
    desk.takes(mia, cy).await.unwrap();
    desk.says(mia, cy, "Cy here.").await;
    let seen = said(&[(Sender::Customer, HUMAN), (Sender::Ai, HANDED), (Sender::Agent, "Cy here.")]);
    assert_eq!(desk.sees(mia).await, seen, "the customer sees nothing of it");
    assert!(desk.told(bo).await.ends_with(&[NotificationKind::Offered, NotificationKind::Withdrawn]));
}

#[tokio::test]
async fn of_two_agents_who_take_it_at_once_one_gets_it() {
    let mut desk = TestDesk::open("").await;
    let _worker = desk.worker().await;
    let (ada, bo) = (desk.agent("Ada").await, desk.agent("Bo").await);
    desk.alive(ada, LONGEST).await;
    let mia = desk.customer("mia").await;
    assert_eq!(desk.asks(mia, "one", HUMAN).await, HANDED);
    let (first, second) = tokio::join!(desk.takes(mia, ada), desk.takes(mia, bo));
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    let winner = won.unwrap().assignee_id.unwrap();
    assert!(matches!(lost, Err(Error::Refused(Refused::Taken(holder))) if holder == winner), "{lost:?}");
    assert_eq!(desk.sees(mia).await, said(&[(Sender::Customer, HUMAN), (Sender::Ai, HANDED)]));
}

#[tokio::test]
async fn a_burst_of_three_messages_gets_one_reply() {
    let mut desk = TestDesk::open("answering.debounce_ms = 400").await;
    let _worker = desk.worker().await;
    let mia = desk.customer("mia").await;
    let lines = ["Hello,", "I sent my bicycle back.", Bed::question(0)];
    let mut last = None;
    for (nth, line) in lines.into_iter().enumerate() {
        last = Some(desk.customer_says(mia, &format!("line-{nth}"), line).await);
    }
    let reply = desk.bed.reply_to(&last.unwrap(), LONGEST).await.unwrap();
    desk.bed.drained(LONGEST).await.unwrap();
    let customer = lines.map(|line| (Sender::Customer, line));
    let seen = customer.into_iter().chain([(Sender::Ai, REFUNDS)]).collect::<Vec<_>>();
    assert_eq!(desk.sees(mia).await, said(&seen));
    assert_eq!(reply.in_reply_to.len(), 3, "the one reply answers all three");
    assert_eq!(desk.stub.calls().answers, 1, "and the model was asked once");
}

/// The wish for a person in ways that no test of the phrases has, and the language it is answered in.
const WISHES: [(&str, &str); 10] = [
    ("en", "Could I please speak with a real person about this?"),
    ("de", "Ich möchte bitte mit einem richtigen Mitarbeiter sprechen."),
    ("fr", "Je voudrais parler à un conseiller, s'il vous plaît."),
    ("es", "Quiero hablar con una persona de verdad, por favor."),
    ("it", "Vorrei parlare con un operatore, per favore."),
    ("pt", "Gostaria de falar com um atendente, por favor."),
    ("nl", "Ik wil graag met een medewerker spreken."),
    ("pl", "Chciałbym porozmawiać z konsultantem."),
    ("tr", "Bir müşteri temsilcisiyle görüşmek istiyorum."),
    ("ru", "Я хочу поговорить с оператором, пожалуйста."),
];

#[tokio::test]
async fn a_wish_for_a_person_is_heard_in_ten_languages_and_answered_in_them() {
    let mut desk = TestDesk::open("").await;
    let _worker = desk.worker().await;
    for (language, wish) in WISHES {
        let customer = desk.customer(language).await;
        let texts = answering::texts::texts(Some(language));
        assert_eq!(texts.language, language);
        let expected = format!("{} {}", texts.nobody_there, texts.ask_email);
        assert_eq!(desk.asks(customer, language, wish).await, expected, "{language}: {wish}");
        let waits = desk.tenant().load_conversation(customer).await.unwrap();
        assert_eq!(waits.holder, Holder::Queue, "what was said is done: {language}");
        let handoffs = desk.tenant().list_handoffs(customer).await.unwrap();
        assert_eq!(handoffs[0].reason, domain::handoff::HandoffReason::CustomerRequest, "{language}");
    }
    assert_eq!(desk.stub.calls().answers, 0, "no model is asked whether a person is wanted");
}

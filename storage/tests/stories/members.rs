//! Members, their sessions and links, notes and previews.

use crate::databases::{new_conversation, new_customer};
use domain::handoff::HandoffReason;
use domain::key::Scope;
use domain::message::Sender;
use domain::{ConversationId, MemberId, OrganizationId};
use std::time::Duration;
use storage::handoffs::NewHandoff;
use storage::members::{Member, NewMember};
use storage::messages::NewMessage;
use storage::{Database, Error};

const HOUR: Duration = Duration::from_hours(1);

stories! { members_come_by_links_and_have_sessions notes_and_previews_stand_beside_conversations }

fn ada() -> NewMember {
    NewMember {
        name: "Ada".to_owned(),
        email: "ada@desk.example".to_owned(),
        password_hash: "$argon2id$hash".to_owned(),
        scopes: vec![Scope::Admin],
    }
}

/// Makes a member by the link; `None` where the link is over.
async fn join(database: &Database, id: OrganizationId, link: &str, new: NewMember) -> Result<Option<Member>, Error> {
    let mut transaction = database.of(id).begin().await.unwrap();
    if !transaction.use_invitation(link).await? {
        transaction.rollback().await?;
        return Ok(None);
    }
    let member = transaction.insert_member(new).await?;
    transaction.commit().await?;
    Ok(Some(member))
}

async fn members_come_by_links_and_have_sessions(database: &Database) {
    let id = database.insert_organization("Desk").await.unwrap().id;
    let other = database.insert_organization("Other").await.unwrap().id;
    let now = database.clock().now();
    let mut transaction = database.of(id).begin().await.unwrap();
    transaction.insert_invitation("first", vec![Scope::Admin], true, now + HOUR).await.unwrap();
    transaction.insert_invitation("second", vec![Scope::Admin], true, now + HOUR).await.unwrap();
    transaction.insert_invitation("later", vec![Scope::Usage], false, now + HOUR).await.unwrap();
    transaction.commit().await.unwrap();
    let found = database.find_invitation("first").await.unwrap().unwrap();
    assert_eq!(
        (found.organization_id, found.scopes, found.is_first, found.used_at),
        (id, vec![Scope::Admin], true, None)
    );
    assert!(database.find_invitation("none").await.unwrap().is_none());

    assert!(join(database, other, "first", ada()).await.unwrap().is_none(), "a link opens its own desk only");
    let ada_member = join(database, id, "first", ada()).await.unwrap().unwrap();
    assert!(join(database, id, "first", ada()).await.unwrap().is_none(), "a link works once");
    assert!(join(database, id, "second", ada()).await.unwrap().is_none(), "there is a first member now");
    assert!(matches!(join(database, id, "later", ada()).await, Err(Error::Conflict(_))), "one address, one member");
    let bo = NewMember { name: "Bo".to_owned(), email: "bo@desk.example".to_owned(), ..ada() };
    let bo = join(database, id, "later", bo).await.unwrap().unwrap();

    let tenant = database.of(id);
    assert_eq!(tenant.count_members().await.unwrap(), 2);
    assert_eq!(tenant.list_members().await.unwrap(), [ada_member.clone(), bo.clone()]);
    assert_eq!(tenant.load_member(bo.id).await.unwrap(), bo);
    assert_eq!(tenant.load_agent(bo.agent_id).await.unwrap().name, "Bo");
    assert!(matches!(database.of(other).load_member(bo.id).await, Err(Error::NotFound { .. })));
    let credentials = database.find_credentials("ada@desk.example").await.unwrap().unwrap();
    assert_eq!((credentials.member_id, credentials.organization_id), (ada_member.id, id));
    assert!(database.find_credentials("nobody@desk.example").await.unwrap().is_none());

    let mut transaction = tenant.begin().await.unwrap();
    transaction.insert_session(ada_member.id, "cookie", now + HOUR).await.unwrap();
    transaction.insert_session(bo.id, "his", now + HOUR * 3).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.find_member_of_session("cookie").await.unwrap(), Some(ada_member.clone()));
    let mut foreign = database.of(other).begin().await.unwrap();
    foreign.delete_session("cookie").await.unwrap();
    assert!(foreign.delete_member(bo.id).await.is_err());
    foreign.commit().await.unwrap();
    assert!(database.find_member_of_session("cookie").await.unwrap().is_some(), "another desk ends no session");

    let mut transaction = tenant.begin().await.unwrap();
    transaction.delete_member(bo.id).await.unwrap();
    assert!(transaction.delete_member(MemberId::from_uuid(uuid::Uuid::nil())).await.is_err());
    transaction.commit().await.unwrap();
    assert!(database.find_member_of_session("his").await.unwrap().is_none(), "sessions go with their member");
    assert!(tenant.load_agent(bo.agent_id).await.is_ok(), "what he said stays his");
    database.clock().advance(HOUR * 2);
    assert!(database.find_member_of_session("cookie").await.unwrap().is_none(), "its time is over");
    let mut transaction = tenant.begin().await.unwrap();
    transaction.delete_session("cookie").await.unwrap();
    transaction.commit().await.unwrap();
}

async fn begin(database: &Database, desk: &storage::organizations::Desk) -> ConversationId {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    let customer = new_customer(None, Some("Mia"));
    let customer_id = transaction.upsert_customer(&customer).await.unwrap().id;
    let new = new_conversation(desk, customer_id);
    let id = transaction.insert_conversation(new).await.unwrap().id;
    transaction.commit().await.unwrap();
    id
}

async fn notes_and_previews_stand_beside_conversations(database: &Database) {
    let desk = database.found_desk("Desk").await.unwrap();
    let tenant = database.of(desk.organization.id);
    let (said, silent) = (begin(database, &desk).await, begin(database, &desk).await);
    let mut transaction = tenant.begin().await.unwrap();
    let conversation = transaction.append_for_customer(said).await.unwrap();
    let new = NewMessage {
        id: transaction.id(),
        conversation_id: said,
        channel_id: conversation.channel_id,
        seq: conversation.last_seq,
        sender: Sender::Customer,
        sender_id: None,
        content: "Where is my bike? ".repeat(20),
        external_id: None,
        delivery: None,
        reply: None,
    };
    transaction.insert_message(new).await.unwrap();
    let handoff = NewHandoff {
        conversation_id: said,
        message_id: None,
        reason: HandoffReason::CustomerRequest,
        summary: String::new(),
        tried: Vec::new(),
        sources: Vec::new(),
        suggested_reply: None,
        open_questions: Vec::new(),
        skills: Vec::new(),
    };
    transaction.insert_handoff(handoff).await.unwrap();
    let agent = transaction.insert_agent("Ada", None).await.unwrap();
    let first = transaction.insert_note(said, Some(agent.id), "call back", vec![agent.id]).await.unwrap();
    let second = transaction.insert_note(said, None, "called", Vec::new()).await.unwrap();
    transaction.commit().await.unwrap();

    assert_eq!(tenant.list_notes(said, 10).await.unwrap(), [second.clone(), first]);
    assert_eq!(tenant.list_notes(said, 1).await.unwrap(), [second]);
    assert!(tenant.list_notes(silent, 10).await.unwrap().is_empty());
    let mut previews = tenant.list_previews(&[said, silent]).await.unwrap();
    previews.sort_by_key(|preview| preview.conversation_id == silent);
    assert_eq!(previews.len(), 2);
    assert_eq!(previews[0].snippet.as_deref().map(str::len), Some(160));
    assert_eq!(
        (previews[0].sender, previews[0].handoff_reason),
        (Some(Sender::Customer), Some(HandoffReason::CustomerRequest))
    );
    assert_eq!((previews[1].customer_name.as_deref(), previews[1].sender), (Some("Mia"), None));
    let other = database.insert_organization("Other").await.unwrap().id;
    assert!(database.of(other).list_previews(&[said]).await.unwrap().is_empty());
    assert!(database.of(other).list_notes(said, 10).await.unwrap().is_empty());
}

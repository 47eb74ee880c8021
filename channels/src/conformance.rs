//! What every channel must hold.

use crate::incoming::CONTENT_CHARACTERS_MAX;
use crate::{Channel, Incoming, Outgoing};
use domain::Id;
use domain::message::DeliveryState;
use serde_json::{Map, Value, json};

/// Exercises a channel that takes the common JSON body under default settings.
///
/// # Panics
/// Where the channel does not conform.
pub async fn exercise(channel: &dyn Channel) {
    let kind = channel.kind();
    let settings = Map::new();
    assert!(channel.check(&settings).is_ok(), "{kind}: default settings are whole");
    let unknown: Map<String, Value> = [("no_such_setting".to_owned(), json!(1))].into_iter().collect();
    assert!(channel.check(&unknown).is_err(), "{kind}: an unknown setting is refused");

    let incoming = body(&json!({ "content": " Hello ", "external_id": "m-1" }));
    assert!(channel.verify(&settings, &incoming).is_ok(), "{kind}: a plain delivery is genuine");
    let messages = channel.parse(&incoming).unwrap_or_default();
    let read: Vec<_> =
        messages.iter().map(|message| (message.content.as_str(), message.external_id.as_deref())).collect();
    assert_eq!(read, [(" Hello ", Some("m-1"))], "{kind}: content is kept as it came");

    let long = "é".repeat(CONTENT_CHARACTERS_MAX);
    assert!(channel.parse(&body(&json!({ "content": long }))).is_ok(), "{kind}: the longest message is read");
    for (name, bad) in [
        ("too long", json!({ "content": format!("{long}é") })),
        ("empty", json!({ "content": " \n" })),
        ("no content", json!({})),
        ("a foreign sender", json!({ "content": "x", "sender": "agent" })),
        ("wrong type", json!({ "content": 5 })),
        ("long id", json!({ "content": "x", "external_id": "i".repeat(300) })),
    ] {
        assert!(channel.parse(&body(&bad)).is_err(), "{kind}: {name} is refused");
    }
    for raw in [&b""[..], b"{", b"\xff\xfe", b"null"] {
        assert!(
            channel.parse(&Incoming { body: raw.to_vec(), ..Incoming::default() }).is_err(),
            "{kind}: {raw:?} is refused"
        );
    }

    let outgoing = Outgoing { message_id: Id::from_uuid(uuid::Uuid::from_u128(7)), content: "Hi".to_owned() };
    let first = channel.send(&settings, &outgoing).await;
    let again = channel.send(&settings, &outgoing).await;
    let reached = |state| matches!(state, DeliveryState::Sent | DeliveryState::Delivered);
    assert!(first.as_ref().is_ok_and(|sent| reached(sent.state)), "{kind}: a reply is sent");
    assert_eq!(first.ok(), again.ok(), "{kind}: sending again changes nothing");
}

fn body(value: &Value) -> Incoming {
    Incoming { body: value.to_string().into_bytes(), ..Incoming::default() }
}

//! The demo desk: complete, loaded once, and answered by a worker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use domain::conversation::Holder;
use domain::message::Decision;
use frontdesk::demo::{self, DemoLoaded};
use frontdesk::settings::{Environment, Settings, Sources};
use frontdesk::wiring;
use std::time::Duration;
use storage::conversations::ConversationFilter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[tokio::test]
async fn the_demo_is_loaded_once_and_its_customers_are_answered_or_handed_off() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let environment =
        Environment::from([("XDG_CACHE_HOME", folder.as_str()), ("FRONTDESK__DATA__DIR", folder.as_str())]);
    let file = dir.path().join("desk.toml");
    std::fs::write(&file, "").unwrap();
    let settings = Settings::load(&Sources { file: Some(file), environment: &environment, flags: vec![] }).unwrap();
    let wired = wiring::open(settings, &environment).await.unwrap();
    let first = demo::load(&wired).await.unwrap();
    assert_eq!(first, DemoLoaded { articles: 24, conversations: 14, added: true });
    let again = demo::load(&wired).await.unwrap();
    assert_eq!(again, DemoLoaded { added: false, ..first });

    let tenant = wired.desk.database.of(wired.organization_id());
    let conversations = tenant.list_conversations(&ConversationFilter::default(), 100).await.unwrap();
    assert_eq!(conversations.len(), 14);
    let (stop, workers) = (CancellationToken::new(), TaskTracker::new());
    workers.spawn(wired.worker().run(stop.clone()));
    workers.close();
    let mut events = wired.desk.database.signals().listen(storage::Signal::Events);
    let mut answered = 0;
    for conversation in &conversations {
        let reply = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let messages = tenant.list_messages(conversation.id, 0, 10).await.unwrap();
                assert_eq!(messages.iter().filter(|message| message.external_id.is_some()).count(), 1);
                if let Some(reply) = messages.iter().find(|message| message.decision.is_some()) {
                    break reply.clone();
                }
                events.wait(Duration::from_millis(100)).await;
            }
        });
        let reply = reply.await.unwrap_or_else(|_| panic!("nobody answered {:?}", conversation.title));
        if reply.decision == Some(Decision::Answer) {
            assert!(!reply.citations.is_empty(), "{reply:?}");
            answered += 1;
        }
    }
    stop.cancel();
    workers.wait().await;
    // Without an embedding model the desk is more careful; with one it answers more of them.
    assert!(answered >= 1, "{answered}");
    let filter = ConversationFilter { holder: Some(Holder::Queue), ..ConversationFilter::default() };
    let waiting = tenant.list_conversations(&filter, 100).await.unwrap();
    let title = Some("Talk to a person".to_owned());
    assert!(waiting.iter().any(|conversation| conversation.title == title), "{waiting:?}");
}

//! Versions of prompts and budgets.

use domain::assistant::AssistantSettings;
use domain::evaluation::Case;
use domain::prompt::{ANSWER, BUILT_IN, PromptState, version_for};
use domain::usage::{Budget, TokenUsage};
use domain::{AssistantId, OrganizationId};
use storage::budgets::Reservation;
use storage::eval_runs::NewRun;
use storage::prompts::{NewPromptVersion, Publication};
use storage::usage::NewUsage;
use storage::{Database, Error};
use tokio::task::JoinSet;

stories! { versions_are_published_replaced_and_rolled_back a_version_waits_for_its_run a_budget_is_never_overshot }

async fn assistant(database: &Database) -> (OrganizationId, AssistantId) {
    let id = database.insert_organization("Desk").await.unwrap().id;
    let mut transaction = database.of(id).begin().await.unwrap();
    let assistant = transaction.insert_assistant("Ada", AssistantSettings::default()).await.unwrap().id;
    transaction.commit().await.unwrap();
    (id, assistant)
}

async fn write(database: &Database, id: OrganizationId, assistant_id: AssistantId, source: &str) -> i64 {
    let mut transaction = database.of(id).begin().await.unwrap();
    let new = NewPromptVersion {
        assistant_id,
        name: ANSWER.to_owned(),
        source: source.to_owned(),
        hash: format!("hash of {source}"),
        note: Some("shorter".to_owned()),
    };
    let version = transaction.insert_prompt_version(new).await.unwrap();
    transaction.commit().await.unwrap();
    version
}

async fn publish(database: &Database, id: OrganizationId, assistant_id: AssistantId, version: i64, share: i64) {
    let mut transaction = database.of(id).begin().await.unwrap();
    transaction.publish_prompt(Publication { assistant_id, name: ANSWER, version, share }).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn versions_are_published_replaced_and_rolled_back(database: &Database) {
    use PromptState::{Draft, Published, Replaced, RolledBack};
    let (id, assistant_id) = assistant(database).await;
    let tenant = database.of(id);
    assert_eq!(write(database, id, assistant_id, "a").await, 2);
    assert_eq!(write(database, id, assistant_id, "b").await, 3);
    assert_eq!(write(database, id, assistant_id, "c").await, 4);
    let states = async || -> Vec<(i64, PromptState)> {
        let versions = tenant.list_prompt_versions(assistant_id, ANSWER, i64::MAX, 10).await.unwrap();
        versions.into_iter().map(|version| (version.version, version.state)).collect()
    };
    assert_eq!(states().await, [(4, Draft), (3, Draft), (2, Draft)]);
    publish(database, id, assistant_id, 2, 100).await;
    publish(database, id, assistant_id, 3, 30).await;
    assert_eq!(states().await, [(4, Draft), (3, Published), (2, Published)]);
    let live = tenant.list_published_prompts(assistant_id, ANSWER).await.unwrap();
    assert_eq!(version_for(&live, None).unwrap().source, "a");
    publish(database, id, assistant_id, 4, 10).await;
    assert_eq!(states().await, [(4, Published), (3, Replaced), (2, Published)], "one trial at a time");
    publish(database, id, assistant_id, 4, 100).await;
    assert_eq!(states().await, [(4, Published), (3, Replaced), (2, Replaced)]);
    publish(database, id, assistant_id, 2, 100).await;
    assert_eq!(states().await, [(4, RolledBack), (3, Replaced), (2, Published)]);
    publish(database, id, assistant_id, BUILT_IN, 100).await;
    assert!(tenant.list_published_prompts(assistant_id, ANSWER).await.unwrap().is_empty());
    let second = tenant.load_prompt_version(assistant_id, ANSWER, 2).await.unwrap();
    assert_eq!((second.source.as_str(), second.note.as_deref(), second.share), ("a", Some("shorter"), 100));
    let (other, _) = assistant(database).await;
    let foreign = database.of(other).load_prompt_version(assistant_id, ANSWER, 2).await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
    assert!(database.of(other).list_prompt_versions(assistant_id, ANSWER, i64::MAX, 9).await.unwrap().is_empty());
}

async fn a_version_waits_for_its_run(database: &Database) {
    let (id, assistant_id) = assistant(database).await;
    let tenant = database.of(id);
    let version = write(database, id, assistant_id, "a").await;
    let mut transaction = tenant.begin().await.unwrap();
    let case = Case { id: "a".into(), question: "q".into(), ..Case::default() };
    let (dataset, _) = transaction.put_dataset("d", "api", &[case]).await.unwrap();
    let new = NewRun {
        dataset_id: dataset.id,
        assistant_id,
        fingerprint: String::new(),
        setup: serde_json::json!({}),
        cases_total: 1,
    };
    let run = transaction.insert_eval_run(new).await.unwrap();
    let publication = Publication { assistant_id, name: ANSWER, version, share: 50 };
    transaction.check_prompt(publication, run).await.unwrap();
    transaction.commit().await.unwrap();
    let waiting = tenant.find_prompt_of_run(run).await.unwrap().unwrap();
    assert_eq!((waiting.version, waiting.state, waiting.share), (version, PromptState::Checking, 50));
    let mut transaction = tenant.begin().await.unwrap();
    assert!(transaction.check_prompt(publication, run).await.is_err(), "it waits already");
    transaction.rollback().await.unwrap();
    let mut transaction = tenant.begin().await.unwrap();
    transaction.refuse_prompt(run, "mrr ≥ 0.9 found 0.1").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(tenant.find_prompt_of_run(run).await.unwrap(), None);
    let refused = tenant.load_prompt_version(assistant_id, ANSWER, version).await.unwrap();
    assert_eq!((refused.state, refused.run_id), (PromptState::Draft, Some(run)));
    assert_eq!(refused.refusal.as_deref(), Some("mrr ≥ 0.9 found 0.1"));
}

async fn a_budget_is_never_overshot(database: &Database) {
    let (id, assistant_id) = assistant(database).await;
    let wanted = Reservation {
        assistant_id: Some(assistant_id),
        organization_budget: Budget { day_micro_usd: Some(1_000), ..Budget::default() },
        assistant_budget: Budget { month_tokens: Some(1_000_000), ..Budget::default() },
        tokens: 10,
        cost_micro_usd: 100,
    };
    // Twenty at once, room for ten.
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let database = database.clone();
        calls.spawn(async move {
            let mut transaction = database.of(id).begin().await.unwrap();
            let taken = transaction.reserve(wanted).await.unwrap();
            transaction.commit().await.unwrap();
            taken
        });
    }
    let taken: Vec<_> = calls.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 10);
    assert_eq!(database.of(id).spent(None).await.unwrap().day_micro_usd, 1_000);
    // What was really used takes the place of what was reserved.
    let mut transaction = database.of(id).begin().await.unwrap();
    transaction.release_reservation(taken[0]).await.unwrap();
    let used = NewUsage {
        conversation_id: None,
        message_id: None,
        assistant_id: Some(assistant_id),
        operation: "chat",
        model: "stub".to_owned(),
        tokens: TokenUsage { input_tokens: 4, output_tokens: 2, estimated: false },
        cost_micro_usd: 40,
    };
    transaction.insert_usage(used).await.unwrap();
    assert_eq!(transaction.reserve(wanted).await.unwrap(), None, "940 and 100 are too much");
    let smaller = Reservation { cost_micro_usd: 60, ..wanted };
    assert!(transaction.reserve(smaller).await.unwrap().is_some());
    transaction.commit().await.unwrap();
    let spent = database.of(id).spent(Some(assistant_id)).await.unwrap();
    assert_eq!((spent.day_micro_usd, spent.month_tokens), (1_000, 9 * 10 + 6 + 10));
    let few = Reservation { assistant_budget: Budget { day_tokens: Some(50), ..Budget::default() }, ..smaller };
    let unlimited = Reservation { organization_budget: Budget::default(), ..few };
    let mut transaction = database.of(id).begin().await.unwrap();
    assert_eq!(transaction.reserve(unlimited).await.unwrap(), None, "the assistant's own budget binds too");
    transaction.commit().await.unwrap();
}

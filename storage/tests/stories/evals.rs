//! The story of evaluations: every statement of datasets, runs, outcomes, reports and calibrations.

use crate::databases::not_found;
use crate::databases::{new_conversation, new_customer};
use domain::OrganizationId;
use domain::calibration::{Calibration, Method};
use domain::evaluation::{Case, Outcome, RunState, Verdict};
use domain::message::{Decision, Sender};
use domain::trace::Trace;
use domain::usage::TokenUsage;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use storage::eval_runs::{NewCaseResult, NewRun, StoredReport};
use storage::evals::TurnFilter;
use storage::feedback::Rating;
use storage::messages::{NewMessage, Reply};
use storage::{Database, Error, Keyset};

stories! { a_run_collects_outcomes_and_ends_once past_turns_become_cases }

fn case(id: &str, document: &str) -> Case {
    Case { id: id.into(), question: "How long?".into(), documents: vec![document.into()], ..Case::default() }
}

fn outcome(run: domain::RunId, seq: i64, verdict: Verdict) -> NewCaseResult {
    NewCaseResult {
        run_id: run,
        seq,
        case_id: format!("case {seq}"),
        fingerprint: "f".repeat(64),
        cached: false,
        verdict,
        outcome: Outcome { answer: format!("answer {seq}"), ..Outcome::default() },
        scores: BTreeMap::from([("mrr".to_owned(), 0.5)]),
        trace: Trace { question: "How long?".into(), ..Trace::default() },
    }
}

async fn a_run_collects_outcomes_and_ends_once(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let (id, assistant) = (desk.organization.id, desk.assistant.id);
    let stranger = database.insert_organization("Other").await.unwrap().id;
    let tenant = database.of(id);
    assert_eq!(tenant.list_unknown_documents(&["a", "b", "a"]).await.unwrap(), ["a", "b", "a"]);

    let mut transaction = tenant.begin().await.unwrap();
    assert!(matches!(transaction.put_dataset("set", "api", &[]).await, Err(Error::Invalid(_))));
    let cases = [case("one", "a"), case("two", "b")];
    let (dataset, added) = transaction.put_dataset("set", "api", &cases).await.unwrap();
    let (again, added_again) = transaction.put_dataset("set", "api", &cases).await.unwrap();
    assert_eq!((added, added_again, dataset.id), (true, false, again.id));
    let (newer, _) = transaction.put_dataset("set", "file", &cases[..1]).await.unwrap();
    let new = NewRun {
        dataset_id: dataset.id,
        assistant_id: assistant,
        fingerprint: String::new(),
        setup: json!({}),
        cases_total: 2,
    };
    let run = transaction.insert_eval_run(new).await.unwrap();
    transaction.set_eval_setup(run, "print", &json!({ "model": "m" })).await.unwrap();
    transaction.set_eval_setup(run, "other", &json!({})).await.unwrap();
    transaction.commit().await.unwrap();

    assert_eq!(tenant.load_dataset(dataset.id).await.unwrap(), dataset);
    assert!(not_found(&database.of(stranger).load_dataset(dataset.id).await));
    assert_eq!(tenant.find_dataset_by_name("set").await.unwrap().unwrap().id, newer.id);
    assert_eq!(tenant.list_datasets(Keyset::start(), 10).await.unwrap().len(), 2);
    let listed = tenant.list_cases(dataset.id, 1, 10).await.unwrap();
    assert_eq!(listed, vec![(2, case("two", "b"))]);
    let running = tenant.find_running_eval_run("print").await.unwrap().unwrap();
    assert_eq!((running.id, &running.setup["model"], running.cases_done), (run, &json!("m"), 0));

    let mut transaction = tenant.begin().await.unwrap();
    assert!(transaction.insert_case_result(outcome(run, 1, Verdict::RightAnswer)).await.unwrap());
    assert!(transaction.insert_case_result(outcome(run, 2, Verdict::WrongAnswer)).await.unwrap());
    assert!(!transaction.insert_case_result(outcome(run, 2, Verdict::RightAnswer)).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(tenant.load_eval_run(run).await.unwrap().cases_done, 2);
    let wrong = tenant.list_case_results(run, Some(Verdict::WrongAnswer), 0, 10).await.unwrap();
    assert_eq!(
        (wrong.len(), wrong[0].case_id.as_str(), wrong[0].scores["mrr"].to_bits()),
        (1, "case 2", 0.5_f64.to_bits())
    );
    assert_eq!(tenant.list_case_results(run, None, 1, 10).await.unwrap().len(), 1);
    let (found, trace) = tenant.find_case_result(&"f".repeat(64)).await.unwrap().unwrap();
    assert!(found.answer.starts_with("answer") && trace.question == "How long?");
    assert!(database.of(stranger).find_case_result(&"f".repeat(64)).await.unwrap().is_none());
    assert_eq!(tenant.load_case_trace(run, 1).await.unwrap().question, "How long?");
    assert!(not_found(&tenant.load_case_trace(run, 9).await));

    let report = StoredReport { json: b"{}".to_vec(), html: b"<html>".repeat(1_000) };
    let summary = BTreeMap::from([("good_rate".to_owned(), 0.5)]);
    let curve = Calibration {
        version: 0,
        method: Method::Platt,
        labels: 9,
        origins: BTreeMap::from([("ratings".to_owned(), 9)]),
        logistic: None,
        knots: vec![(0.0, 0.1)],
        promises: Vec::new(),
    };
    let mut transaction = tenant.begin().await.unwrap();
    assert!(transaction.complete_eval_run(run, &summary, &report).await.unwrap());
    assert!(!transaction.complete_eval_run(run, &summary, &report).await.unwrap(), "an end is final");
    assert!(!transaction.fail_eval_run(run, "late").await.unwrap());
    let first = transaction.insert_calibration(assistant, Some(run), curve.clone()).await.unwrap();
    let second = transaction.insert_calibration(assistant, None, curve).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((first.version, second.version), (1, 2));
    let ended = tenant.load_eval_run(run).await.unwrap();
    assert_eq!((ended.state, ended.summary), (RunState::Completed, summary));
    assert_eq!(tenant.load_eval_report(run).await.unwrap(), report);
    assert_eq!(tenant.find_calibration(assistant, Some(run)).await.unwrap().unwrap(), first);
    assert_eq!(tenant.find_calibration(assistant, None).await.unwrap().unwrap().version, 2);
    assert_eq!(tenant.list_newest_calibrations().await.unwrap(), [(assistant, second)]);
    assert!(database.of(stranger).list_newest_calibrations().await.unwrap().is_empty());
    assert!(tenant.find_running_eval_run("print").await.unwrap().is_none());
    assert_eq!(tenant.list_eval_runs(Some(dataset.id), Keyset::start(), 10).await.unwrap().len(), 1);
    assert!(tenant.list_eval_runs(Some(newer.id), Keyset::start(), 10).await.unwrap().is_empty());

    let mut transaction = tenant.begin().await.unwrap();
    let new = NewRun {
        dataset_id: newer.id,
        assistant_id: assistant,
        fingerprint: "x".into(),
        setup: json!({}),
        cases_total: 1,
    };
    let failed = transaction.insert_eval_run(new).await.unwrap();
    assert!(transaction.fail_eval_run(failed, "gave up").await.unwrap());
    transaction.commit().await.unwrap();
    assert!(not_found(&tenant.load_eval_report(failed).await));
    let kinds: Vec<String> =
        tenant.list_events(0, None, 20).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["eval.started", "eval.completed", "eval.started", "eval.failed"]);
}

struct Spoken {
    sender: Sender,
    content: &'static str,
    decision: Option<Decision>,
    rating: Option<Rating>,
}

async fn past_turns_become_cases(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let said = |sender, content| Spoken { sender, content, decision: None, rating: None };
    let replied = |content, decision, rating| Spoken { sender: Sender::Ai, content, decision: Some(decision), rating };
    speak(
        database,
        &desk,
        &[
            said(Sender::Customer, "Hi"),
            said(Sender::Customer, "How long do refunds take?"),
            replied("14 days.", Decision::Answer, Some(Rating::Good)),
            said(Sender::Customer, "And exchanges?"),
            replied("A person will help.", Decision::HandOff, None),
            said(Sender::Agent, "Exchanges take 3 days."),
        ],
    )
    .await;
    let tenant = database.of(desk.organization.id);
    let now = tenant.now();
    let all = TurnFilter {
        from: now - Duration::from_hours(1),
        to: now + Duration::from_mins(1),
        rating: None,
        handed_off: None,
        corrected: false,
        assistant: None,
    };
    let cases = tenant.collect_cases(&all).await.unwrap();
    assert_eq!(cases.len(), 2);
    assert_eq!(
        (cases[0].question.as_str(), cases[0].answer.as_deref()),
        ("Hi\nHow long do refunds take?", Some("14 days."))
    );
    assert_eq!((cases[1].question.as_str(), cases[1].history.len()), ("And exchanges?", 3));
    assert_eq!(cases[1].tags, ["handed_off", "corrected"]);
    for (filter, expected) in [
        (TurnFilter { rating: Some("good".into()), ..all.clone() }, 1),
        (TurnFilter { rating: Some("poor".into()), ..all.clone() }, 0),
        (TurnFilter { handed_off: Some(true), ..all.clone() }, 1),
        (TurnFilter { handed_off: Some(false), ..all.clone() }, 1),
        (TurnFilter { corrected: true, ..all.clone() }, 1),
        (TurnFilter { to: now - Duration::from_mins(30), ..all.clone() }, 0),
    ] {
        assert_eq!(tenant.collect_cases(&filter).await.unwrap().len(), expected, "{filter:?}");
    }
    let stranger: OrganizationId = database.insert_organization("Other").await.unwrap().id;
    assert!(database.of(stranger).collect_cases(&all).await.unwrap().is_empty());

    speak(
        database,
        &desk,
        &[
            said(Sender::Customer, "What does express cost?"),
            replied("9 euros.", Decision::Answer, None),
            said(Sender::Agent, "It is 12 euros since June."),
            said(Sender::Customer, "Thanks. And slow?"),
            replied("4 euros.", Decision::Answer, None),
        ],
    )
    .await;
    let judged = tenant.list_judged_answers(desk.assistant.id, all.from).await.unwrap();
    let told: Vec<_> = judged.iter().map(|turn| (turn.rating.as_deref(), turn.correction.as_deref())).collect();
    assert_eq!(told, [(None, Some("It is 12 euros since June.")), (Some("good"), None)], "the newest first");
    let strangers = database.of(stranger).list_judged_answers(desk.assistant.id, all.from).await.unwrap();
    assert!(strangers.is_empty());
}

async fn speak(database: &Database, desk: &storage::organizations::Desk, spoken: &[Spoken]) {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    let customer = new_customer(Some("ada"), None);
    let customer = transaction.upsert_customer(&customer).await.unwrap();
    let conversation = new_conversation(desk, customer.id);
    let conversation = transaction.insert_conversation(conversation).await.unwrap();
    for (seq, spoken) in (1..).zip(spoken) {
        let id = transaction.id();
        let reply = spoken.decision.map(|decision| Reply {
            turn_id: transaction.id(),
            in_reply_to: Vec::new(),
            decision,
            handoff_reason: None,
            confidence: Some(0.7),
            model: None,
            usage: TokenUsage::default(),
            cost_micro_usd: 0,
            citations: Vec::new(),
        });
        let message = NewMessage {
            id,
            conversation_id: conversation.id,
            channel_id: desk.channels[0].id,
            seq,
            sender: spoken.sender,
            sender_id: (spoken.sender == Sender::Ai).then(|| desk.assistant.id.uuid()),
            content: spoken.content.into(),
            external_id: None,
            delivery: None,
            reply,
        };
        transaction.insert_message(message).await.unwrap();
        if let Some(rating) = spoken.rating {
            transaction.upsert_feedback(id, rating, None).await.unwrap();
        }
    }
    transaction.commit().await.unwrap();
}

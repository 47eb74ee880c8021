//! Budgets in the pipeline, and the gate before a prompt.

use crate::desk::Bed;
use answering::metered::model_for_organization;
use answering::rerun::{Stage, rerun_from};
use domain::assistant::PublishGate;
use domain::evaluation::Case;
use domain::handoff::HandoffReason;
use domain::job::{LearnFacts, Work};
use domain::message::Decision;
use domain::prompt::{ANSWER, PromptState};
use domain::replay::Trial;
use domain::trace::PromptMessage;
use domain::usage::{Budget, OverBudget};
use evals::run::{Pace, ask_cases, begin_trial, finish};
use llm::ChatRequest;
use std::collections::BTreeMap;
use std::time::Duration;
use storage::jobs::Claim;
use storage::prompts::{NewPromptVersion, Publication};

const REFUNDS: &str = "Refunds take 14 days after we receive the bike.";
const QUESTION: &str = "How long do refunds take after you receive the bike?";

async fn bed() -> Bed {
    let bed = Bed::new(|request| {
        let whole = request.messages[0].content.contains("Copy numbers");
        if whole { format!("{REFUNDS} [1]") } else { "Refunds take about a fortnight, we believe [1].".to_owned() }
    })
    .await;
    bed.publish("refunds", "Refunds", REFUNDS).await;
    bed
}

#[tokio::test]
async fn over_budget_a_cheaper_model_answers_then_the_knowledge_then_a_person() {
    let mut bed = bed().await;
    let first = bed.customer_says(QUESTION).await;
    let tenant = bed.desk.database.of(bed.organization_id);
    let spent = tenant.spent(None).await.unwrap();
    let message = tenant.load_message(first).await.unwrap();
    assert_eq!((spent.day_micro_usd, spent.day_tokens), (1_050, 1_050), "what was used");
    assert_eq!(message.cost_micro_usd, 1_050);

    // Room for the cheaper model's call only: a call may write 700 tokens, which cost 700 at the usual price.
    bed.set(|settings| {
        settings.budget = Budget { day_micro_usd: Some(1_150), ..Budget::default() };
        settings.cheaper_model = Some("cheap".to_owned());
    })
    .await;
    let cheaper = bed.customer_says(&format!("{QUESTION} Please.")).await;
    let message = bed.desk.database.of(bed.organization_id).load_message(cheaper).await.unwrap();
    assert_eq!((message.model.as_deref(), message.decision), (Some("cheap"), Some(Decision::Answer)));
    let spent = bed.desk.database.of(bed.organization_id).spent(None).await.unwrap();
    assert!(spent.day_micro_usd < 1_150, "nothing stays reserved: {spent:?}");

    bed.set(|settings| settings.budget.day_micro_usd = Some(1_060)).await;
    let quoted = bed.customer_says(&format!("{QUESTION} Thanks!")).await;
    let message = bed.desk.database.of(bed.organization_id).load_message(quoted).await.unwrap();
    assert_eq!((message.model.as_deref(), message.cost_micro_usd), (Some("extractive"), 0));
    assert!(message.content.starts_with("Refunds take 14 days"), "{}", message.content);

    bed.set(|settings| settings.over_budget = OverBudget::HandOff).await;
    let handed = bed.customer_says(&format!("{QUESTION} Now?")).await;
    let message = bed.desk.database.of(bed.organization_id).load_message(handed).await.unwrap();
    assert_eq!(message.handoff_reason, Some(HandoffReason::UsageLimit));
    for id in [first, cheaper, quoted, handed] {
        let rerun = answering::rerun::rerun(&bed.desk, bed.organization_id, id).await.unwrap();
        assert_eq!(rerun.differences, Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_no_customer_waits_for_is_paid_and_bounded_too() {
    let bed = bed().await;
    let tenant = bed.desk.database.of(bed.organization_id);
    let spent = async || tenant.spent(None).await.unwrap().day_micro_usd;
    let asked = bed.customer_says(&format!("I am on the Gold plan. {QUESTION}")).await;
    assert_eq!(spent().await, 1_050);
    learn(&bed).await;
    assert_eq!(spent().await, 2_100, "learning asks the model");

    let messages = vec![PromptMessage { role: "user".to_owned(), content: "Draft an article.".to_owned() }];
    let request = ChatRequest { messages, output_tokens_max: 100, ..ChatRequest::default() };
    let model = model_for_organization(&bed.desk, bed.organization_id).await.unwrap().unwrap();
    model.complete(&request, None).await.unwrap();
    assert_eq!(spent().await, 3_150, "drafts of articles ask it");
    let answer = answering::answer(&bed.desk, &bed.question(QUESTION)).await.unwrap();
    answering::spend::record(&bed.desk, &bed.question(QUESTION), &answer).await.unwrap();
    rerun_from(&bed.desk, bed.organization_id, asked, Stage::Prompt, &Trial::default()).await.unwrap();
    assert_eq!(spent().await, 5_250, "what is only tried out is paid for as well");

    let mut transaction = tenant.begin().await.unwrap();
    let mut settings = tenant.load_organization().await.unwrap().settings;
    settings.budget.day_micro_usd = Some(5_300);
    transaction.update_organization_settings(&settings).await.unwrap();
    transaction.commit().await.unwrap();
    let model = model_for_organization(&bed.desk, bed.organization_id).await.unwrap().unwrap();
    let refused = model.complete(&request, None).await.unwrap_err();
    assert!(refused.to_string().contains("budget leaves no room") && !refused.is_transient(), "{refused}");
    bed.customer_says(&format!("I am on the Silver plan. {QUESTION}")).await;
    learn(&bed).await;
    assert_eq!(spent().await, 5_250, "without room the patterns learn alone");
}

/// Runs the jobs of the memory that wait.
async fn learn(bed: &Bed) {
    let database = &bed.desk.database;
    database.clock().advance(bed.desk.settings.learn_after);
    let worker = database.clock().id();
    let claim = Claim { queue: LearnFacts::QUEUE, worker, lease: Duration::from_mins(1), limit: 8, suspects: false };
    let jobs = database.claim_jobs(claim).await.unwrap();
    let mut learned = 0;
    for job in jobs.iter().filter(|job| job.kind == LearnFacts::KIND) {
        let work: LearnFacts = serde_json::from_value(job.payload.clone()).unwrap();
        answering::learn::learn(&bed.desk, bed.organization_id, &work, job).await.unwrap();
        learned += 1;
    }
    assert_eq!(learned, 1);
}

#[tokio::test]
async fn a_version_goes_live_only_when_its_run_passes() {
    let mut bed = bed().await;
    let gate = PublishGate {
        dataset: "refunds".to_owned(),
        min: BTreeMap::from([("key_fact_recall".to_owned(), 0.9)]),
        max: BTreeMap::new(),
    };
    bed.set(|settings| settings.publish_gate = Some(gate.clone())).await;
    let case = Case {
        id: "refund".into(),
        question: QUESTION.into(),
        documents: vec!["refunds".into()],
        key_facts: vec!["refunds take 14 days".into()],
        answerable: Some(true),
        ..Case::default()
    };
    let built_in = prompts::built_in().into_iter().find(|prompt| prompt.has_versions).unwrap().source;
    let shorter = built_in.replace("- Be short:", "- Be very short:");
    let careless: String =
        built_in.lines().filter(|line| !line.contains("Copy numbers")).collect::<Vec<_>>().join("\n");
    let tenant = bed.desk.database.of(bed.organization_id);
    let mut transaction = tenant.begin().await.unwrap();
    let (dataset, _) = transaction.put_dataset("refunds", "api", &[case]).await.unwrap();
    let mut versions = Vec::new();
    for source in [shorter, careless] {
        let hash = prompts::check_answer(&source).unwrap();
        let new = NewPromptVersion { assistant_id: bed.assistant.id, name: ANSWER.into(), source, hash, note: None };
        versions.push(transaction.insert_prompt_version(new).await.unwrap());
    }
    transaction.commit().await.unwrap();
    assert_eq!(evals::publish::dataset(&bed.desk, &bed.assistant, &gate).await.unwrap().id, dataset.id);
    for (version, state) in [(versions[0], PromptState::Published), (versions[1], PromptState::Draft)] {
        let trial = Trial { prompt_version: Some(version), ..Trial::default() };
        let run = begin_trial(&bed.desk, &dataset, bed.assistant.id, &trial, true).await.unwrap();
        let publication = Publication { assistant_id: bed.assistant.id, name: ANSWER, version, share: 100 };
        let mut transaction = tenant.begin().await.unwrap();
        transaction.check_prompt(publication, run.id).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(ask_cases(&bed.desk, &run, Pace::default(), |_| {}).await.unwrap());
        let report = finish(&bed.desk, run.id, bed.organization_id).await.unwrap();
        let concluded = evals::publish::conclude(&bed.desk, bed.organization_id, run.id, &report).await.unwrap();
        let (stored, checks) = concluded.unwrap();
        assert_eq!((stored.state, checks.len()), (state, 1), "{stored:?}");
        assert_eq!(stored.refusal.is_some(), state == PromptState::Draft);
        let again = evals::publish::conclude(&bed.desk, bed.organization_id, run.id, &report).await.unwrap();
        assert!(again.is_none(), "nothing waits any more");
    }
    // A conversation gets the version in use, its trace names it, and it is replayed byte for byte.
    let reply = bed.customer_says(QUESTION).await;
    let traced = tenant.load_trace(reply).await.unwrap().prompt.unwrap();
    let live = tenant.load_prompt_version(bed.assistant.id, ANSWER, versions[0]).await.unwrap();
    assert_eq!((traced.version, traced.hash), (versions[0], live.hash));
    let rerun = answering::rerun::rerun(&bed.desk, bed.organization_id, reply).await.unwrap();
    assert_eq!(rerun.differences, Vec::<String>::new());
}

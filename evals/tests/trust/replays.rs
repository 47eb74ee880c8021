//! Replays find what was planted: a rule that the prompt dropped, an amount that an article changed.

use crate::desk::Bed;
use answering::replay::{Outcome, Replay, collect, outcome, put};
use answering::rerun::{Stage, rerun_from};
use domain::message::Decision;
use domain::replay::{Became, Knowledge, Trial};
use evals::run::{Pace, ask_cases, finish, prepared, results};
use llm::ChatRequest;
use std::time::Duration;

const TOPICS: [(&str, &str, &str); 4] = [
    ("refunds", "Refunds", "Refunds take 14 days after we receive the bike."),
    ("express", "Express shipping", "Express shipping costs 9 euros and takes two working days."),
    ("battery", "Battery warranty", "The battery warranty lasts 36 months from the delivery."),
    ("brakes", "Brake pads", "Brake pads are replaced after 2000 kilometres of riding."),
];
const QUESTIONS: [&str; 5] = [
    "How long do refunds take after you receive the bike?",
    "What does express shipping cost?",
    "How long does the battery warranty last?",
    "When are brake pads replaced?",
    "Which colours does the bell have?",
];

/// A model that keeps to the rules it finds in its prompt and to no other.
fn reply(request: &ChatRequest) -> String {
    let prompt = &request.messages[0].content;
    let passages = prompt.split("Passages:").nth(1).unwrap_or_default();
    let question = &request.messages.last().unwrap().content.to_lowercase();
    let is_about = |title: &str| title.to_lowercase().split(' ').all(|word| question.contains(word));
    let found = TOPICS.iter().find_map(|(_, title, _)| {
        let after = passages.split(&format!("] {title}\n")).nth(1)?;
        is_about(title).then(|| after.lines().nth(1).unwrap_or_default().to_owned())
    });
    let mark = |sentence: &str| {
        let index = (1..9).find(|index| {
            let after = passages.split(&format!("[{index}] ")).nth(1).unwrap_or_default();
            after.lines().nth(2).is_some_and(|line| line == sentence)
        });
        format!("{sentence} [{}]", index.unwrap_or(1))
    };
    match found {
        Some(sentence) if !prompt.contains("Copy numbers") => {
            mark(&sentence).replace("14 days", "two weeks").replace("36 months", "3 years")
        }
        Some(sentence) => {
            let promise = if prompt.contains("Promise nothing") { "" } else { "I will refund you today. " };
            format!("{promise}{}", mark(&sentence))
        }
        None if prompt.contains("NO_ANSWER") => "NO_ANSWER".to_owned(),
        None => "The bell comes in red and green [1].".to_owned(),
    }
}

async fn bed() -> Bed {
    let mut bed = Bed::new(reply).await;
    for (id, title, text) in TOPICS {
        bed.publish(id, title, text).await;
    }
    bed.set(|settings| settings.confidence_min = 0.0).await;
    for question in QUESTIONS {
        bed.customer_says(question).await;
    }
    bed
}

async fn replayed(bed: &Bed, trial: Trial) -> Outcome {
    let now = bed.desk.database.clock().now();
    let replay = Replay {
        assistant: bed.assistant.clone(),
        from: now - Duration::from_hours(1),
        to: now + Duration::from_hours(1),
        trial,
    };
    let collected = collect(&bed.desk, &replay, 4).await.unwrap();
    assert_eq!((collected.estimate.turns, collected.estimate.cost_known), (QUESTIONS.len(), true));
    assert!(collected.estimate.cost_micro_usd > 0, "{:?}", collected.estimate);
    let id = put(&bed.desk, &replay, &collected.cases, false).await.unwrap();
    let run = bed.desk.database.of(bed.organization_id).load_eval_run(id).await.unwrap();
    let run = prepared(&bed.desk, run).await.unwrap();
    assert!(ask_cases(&bed.desk, &run, Pace::default(), |_| {}).await.unwrap());
    finish(&bed.desk, id, bed.organization_id).await.unwrap();
    let results = results(&bed.desk, &run).await.unwrap();
    outcome(&bed.desk, bed.organization_id, &collected.cases, &results).await.unwrap()
}

fn without(rule: &str) -> Trial {
    let built_in = prompts::built_in().into_iter().find(|prompt| prompt.has_versions).unwrap().source;
    assert!(built_in.contains(rule));
    let kept: Vec<&str> = built_in.lines().filter(|line| !line.contains(rule)).collect();
    Trial { prompt_text: Some(kept.join("\n")), ..Trial::default() }
}

#[tokio::test]
async fn nothing_changed_changes_nothing() {
    let bed = bed().await;
    for knowledge in [Knowledge::Now, Knowledge::Then] {
        let came = replayed(&bed, Trial { knowledge, ..Trial::default() }).await;
        assert_eq!(came.counts.get(&Became::Same), Some(&QUESTIONS.len()), "{came:#?}");
        assert!(came.turns.is_empty() && came.passes());
    }
}

#[tokio::test]
async fn a_rule_that_the_prompt_drops_is_found() {
    let bed = bed().await;
    for (rule, found) in [("Copy numbers", 2), ("Promise nothing", 4)] {
        let came = replayed(&bed, without(rule)).await;
        let worse = came.turns.iter().filter(|turned| !turned.became.passes()).count();
        assert_eq!((worse, came.passes()), (found, false), "{rule}: {came:#?}");
        assert!(came.turns[0].before.contains("take") || came.turns[0].before.contains(' '));
        assert!(!came.turns[0].because.is_empty());
    }
}

#[tokio::test]
async fn an_amount_that_an_article_changed_is_found_and_the_knowledge_of_then_is_as_it_was() {
    let bed = bed().await;
    bed.publish("express", "Express shipping", "Express shipping costs 12 euros and takes two working days.").await;
    let came = replayed(&bed, Trial::default()).await;
    assert_eq!(came.turns.len(), 1, "{came:#?}");
    let turned = &came.turns[0];
    assert_eq!((turned.became, turned.decision_after), (Became::Worse, Some(Decision::Answer)));
    assert!(turned.before.contains("9 euros") && turned.after.contains("12 euros"), "{turned:?}");
    assert!(turned.because[0].contains("no longer says 9"), "{turned:?}");
    let then = replayed(&bed, Trial { knowledge: Knowledge::Then, ..Trial::default() }).await;
    assert_eq!(then.turns, Vec::new());
}

#[tokio::test]
async fn another_threshold_hands_off_and_a_wrong_period_is_refused() {
    let bed = bed().await;
    let came = replayed(&bed, Trial { confidence_min: Some(1.0), ..Trial::default() }).await;
    assert_eq!(came.counts.get(&Became::NewlyHandedOff), Some(&4), "{came:#?}");
    let now = bed.desk.database.clock().now();
    let replay = Replay { assistant: bed.assistant.clone(), from: now, to: now, trial: Trial::default() };
    assert!(collect(&bed.desk, &replay, 4).await.unwrap_err().to_string().contains("not before"));
}

#[tokio::test]
async fn one_answer_is_made_anew_from_a_step_on() {
    let bed = bed().await;
    let id = bed.customer_says("What does express shipping cost, please?").await;
    let from =
        async |stage: Stage, trial: Trial| rerun_from(&bed.desk, bed.organization_id, id, stage, &trial).await.unwrap();
    for stage in [Stage::Retrieve, Stage::Prompt, Stage::Verify] {
        assert_eq!(from(stage, Trial::default()).await.differences, Vec::<String>::new(), "{stage}");
    }
    let strict = from(Stage::Verify, Trial { confidence_min: Some(1.0), ..Trial::default() }).await;
    assert!(strict.differences.iter().any(|line| line.contains("HandOff")), "{:?}", strict.differences);
    let loose = from(Stage::Prompt, without("Promise nothing")).await;
    assert!(loose.differences.iter().any(|line| line.contains("UnsupportedClaim")), "{:?}", loose.differences);
    bed.publish("express", "Express shipping", "Express shipping costs 12 euros and takes two working days.").await;
    let now = from(Stage::Retrieve, Trial::default()).await;
    assert!(now.content.contains("12 euros") && now.differences[0].contains("9 euros"), "{:?}", now.differences);
    let same = from(Stage::Prompt, Trial::default()).await;
    assert_eq!(same.differences, Vec::<String>::new(), "the passages of then");
}

//! What the demo shows beside conversations: drafts to review, a dataset with its first run, replies to use again and
//! what is remembered of some customers.

use super::problem;
use crate::failure::Failure;
use crate::wiring::{FIRST_ORGANIZATION, Wired};
use domain::CustomerId;
use domain::evaluation::Case;
use domain::job::{DraftArticles, RunEval};
use domain::message::Message;
use serde_json::{Map, Value};
use storage::eval_runs::NewRun;
use storage::facts::NewFact;

/// What a desk is called that has no name of its own yet.
const NAME: &str = "Lumen Bikes";
const CASES: &str = include_str!("cases.jsonl");
/// The name of the dataset.
const DATASET: &str = "Lumen Bikes questions";
/// The kind of the source that imported files belong to.
const SOURCE_KIND: &str = "import";
/// Texts that agents send again and again.
const REPLIES: [(&str, &str); 3] = [
    ("Order number", "Could you send me your order number? It stands in the confirmation and begins with LB."),
    (
        "Photo of the damage",
        "Please send a photo of the damage and one of the box; we then send the part or fetch the bike.",
    ),
    ("Goodbye", "You are welcome. Have a good ride, and write again whenever something comes up."),
];
/// What customers said that is worth remembering: their id, the kind of fact, the fact.
const FACTS: [(&str, &str, &str); 4] = [
    ("demo-tom", "order", "Has the order LB-20418."),
    ("demo-chloe", "other", "Received a bike with a scratched fork in a crushed box."),
    ("demo-ines", "other", "Has waited three weeks for a refund."),
    ("demo-sofia", "other", "Travels with a dog."),
];
/// How much such a fact matters, and how sure it is.
const WEIGHT: f64 = 0.7;

/// Has articles drafted from the source's documents; a worker does it, and the review queue fills.
pub(super) async fn draft(wired: &Wired, source: &str) -> Result<(), Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let found = tenant.find_source_by_name(SOURCE_KIND, source).await.map_err(|error| problem(&error))?;
    let Some(source) = found else { return Ok(()) };
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let now = transaction.now();
    let drafts = DraftArticles { source_id: source.id, publish: false };
    transaction.enqueue(&drafts, now).await.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))
}

/// Names the desk after the demo's shop, unless somebody gave it a name.
pub(super) async fn name_desk(wired: &Wired) -> Result<(), Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    if tenant.load_organization().await.map_err(|error| problem(&error))?.name != FIRST_ORGANIZATION {
        return Ok(());
    }
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    transaction.rename_organization(NAME).await.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))
}

/// Keeps replies for agents to send again.
pub(super) async fn keep_replies(wired: &Wired) -> Result<(), Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    for (name, content) in REPLIES {
        transaction.put_reply(name, content).await.map_err(|error| problem(&error))?;
    }
    transaction.commit().await.map_err(|error| problem(&error))
}

/// Remembers what the visitor's message says of them, where it says something.
pub(super) async fn remember(
    wired: &Wired,
    visitor: &str,
    message: &Message,
    customer_id: CustomerId,
) -> Result<(), Failure> {
    let Some((_, kind, text)) = FACTS.into_iter().find(|(id, ..)| *id == visitor) else { return Ok(()) };
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let fact = NewFact {
        customer_id,
        kind: kind.to_owned(),
        text: text.to_owned(),
        importance: WEIGHT,
        confidence: WEIGHT,
        source_message_id: Some(message.id),
        expires_at: None,
    };
    transaction.insert_fact(fact).await.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))
}

/// Stores the dataset and begins its first run, unless it is there; says whether it was new.
pub(super) async fn evaluate(wired: &Wired) -> Result<bool, Failure> {
    let read = |line: &str| serde_json::from_str::<Case>(line).map_err(|error| problem(&error));
    let cases: Vec<Case> = CASES.lines().map(read).collect::<Result<_, _>>()?;
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let (dataset, is_new) = transaction.put_dataset(DATASET, "demo", &cases).await.map_err(|error| problem(&error))?;
    if is_new {
        let run = NewRun {
            dataset_id: dataset.id,
            assistant_id: wired.home.assistant.id,
            fingerprint: String::new(),
            setup: Value::Object(Map::new()),
            cases_total: dataset.cases,
        };
        let run_id = transaction.insert_eval_run(run).await.map_err(|error| problem(&error))?;
        let now = transaction.now();
        transaction.enqueue(&RunEval { run_id }, now).await.map_err(|error| problem(&error))?;
    }
    transaction.commit().await.map_err(|error| problem(&error))?;
    Ok(is_new)
}

//! Whole runs over a small desk: asked, killed, gone on with, taken over, compared, reported.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use answering::Desk;
use domain::comparison::{Change, compare};
use domain::evaluation::{Dataset, RunState, Verdict};
use domain::{AssistantId, OrganizationId};
use evals::dataset::{read_cases, store};
use evals::gate::{Gate, check};
use evals::report::{html, junit, regressions};
use evals::run::{Pace, ask_cases, begin, finish, load_report, results};
use ingest::Library;
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::guard::Guard;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::{Database, SqliteSettings};

const CORPUS: &str = concat!(
    r#"{"id":"refunds","title":"Refunds","text":"Refunds take 14 days after we receive the bike. Write to us with the order number."}"#,
    "\n",
    r#"{"id":"shipping","title":"Shipping","text":"Express shipping costs 9 euros and takes two working days within Germany."}"#,
    "\n",
);
const CASES: &str = concat!(
    r#"{"id":"refund","question":"How long do refunds take after you receive the bike?","documents":["refunds"],"key_facts":["refunds take 14 days"],"answerable":true,"tags":["money"]}"#,
    "\n",
    r#"{"id":"express","question":"What does express shipping cost?","documents":["shipping"],"key_facts":["express shipping costs 9 euros"],"answerable":true}"#,
    "\n",
    r#"{"id":"weather","question":"Will it rain in Lisbon tomorrow?","answerable":false}"#,
    "\n",
    r#"{"id":"person","question":"I want to talk to a person <script>alert(1)</script>","expected":"hand_off"}"#,
    "\n",
);

struct Bed {
    desk: Desk,
    library: Library,
    organization_id: OrganizationId,
    assistant_id: AssistantId,
    folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desk.sqlite");
        let database = Database::open_sqlite(&path, SqliteSettings::default()).await.unwrap();
        database.migrate().await.unwrap();
        let home = database.found_desk("Lumen Bikes").await.unwrap();
        let settings = retrieval::Settings::embedded(folder.path().join("indexes"));
        let retrieval = retrieval::Retrieval::open(settings).await.unwrap();
        let embedder = llm::EmbedderSlot::default();
        let guard = Guard::new(Vec::new());
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fetcher = Fetcher::new(&guard, FetchSettings::default()).unwrap();
        let desk = Desk {
            database: database.clone(),
            retrieval: retrieval.clone(),
            models: answering::Models::fixed(None),
            embedder: embedder.clone(),
            prices: Arc::new(llm::PriceTable::new(&[]).unwrap()),
            tokens: llm::TokenCounter::for_model(None),
            settings: answering::Settings::default(),
        };
        let bed = Self {
            desk,
            library: Library::new(database, retrieval, embedder, fetcher, guard),
            organization_id: home.organization.id,
            assistant_id: home.assistant.id,
            folder,
        };
        bed.import(CORPUS).await;
        bed
    }

    async fn import(&self, corpus: &str) {
        ingest::import::import(&self.library, self.organization_id, "corpus", corpus.as_bytes(), |_| {}).await.unwrap();
        ingest::index::catch_up(&self.library, self.organization_id).await.unwrap();
    }

    fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn dataset(&self) -> Dataset {
        let path = self.write("bikes.jsonl", CASES);
        let cases = read_cases(&path).unwrap();
        store(&self.desk, self.organization_id, "bikes", &path, &cases).await.unwrap()
    }

    async fn run(&self, dataset: &Dataset, cached: bool) -> evals::report::Report {
        let run = begin(&self.desk, dataset, self.assistant_id, cached).await.unwrap();
        let pace = Pace { cached, ..Pace::default() };
        assert!(ask_cases(&self.desk, &run, pace, |_| {}).await.unwrap());
        finish(&self.desk, run.id, self.organization_id).await.unwrap()
    }
}

#[tokio::test]
async fn cases_are_judged_and_the_report_shows_them() {
    let bed = Bed::new().await;
    let dataset = bed.dataset().await;
    let mut report = bed.run(&dataset, true).await;
    let verdicts: BTreeMap<&str, Verdict> =
        report.cases.iter().map(|shown| (shown.case.id.as_str(), shown.verdict)).collect();
    assert_eq!((verdicts["refund"], verdicts["person"]), (Verdict::RightAnswer, Verdict::RightHandoff), "{verdicts:?}");
    assert_eq!(verdicts["weather"], Verdict::RightHandoff);
    let summary = report.summary();
    for metric in ["recall@10", "mrr", "key_fact_recall", "citation_precision", "groundedness"] {
        assert!((summary[metric] - 1.0).abs() < 1e-9, "{metric} {}", summary[metric]);
    }
    assert!(report.calibration_refused.as_ref().unwrap().contains("more are needed"));

    let page = html(&report);
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"), "what customers write is text");
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing is loaded");
    for id in ["metrics", "reliability", "risk-coverage", "latency", "cost"] {
        assert!(page.contains(&format!("<figure id=\"{id}\">")), "{id}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("<title>").count() - page.matches("<circle").count() - 1);
    let gate = Gate {
        min: BTreeMap::from([("mrr".to_owned(), 0.9)]),
        max: BTreeMap::from([("answer_rate".to_owned(), 0.0)]),
        ..Gate::default()
    };
    report.gate = check(&gate, &report);
    assert_eq!(report.gate.iter().map(|check| check.passed).collect::<Vec<_>>(), [true, false]);
    assert!(junit(&report).contains("<testsuite name=\"gate\" tests=\"2\" failures=\"1\">"));
}

#[tokio::test]
async fn a_run_that_was_killed_goes_on_and_a_run_of_the_same_takes_outcomes_over() {
    let bed = Bed::new().await;
    let dataset = bed.dataset().await;
    let first = begin(&bed.desk, &dataset, bed.assistant_id, true).await.unwrap();
    let limit = Pace { concurrency: 1, limit: Duration::ZERO, cached: true };
    assert!(!ask_cases(&bed.desk, &first, limit, |_| {}).await.unwrap(), "no time, no case");
    // A process that dies while it stores its second outcome.
    let task = tokio::task::LocalSet::new();
    let (desk, run) = (bed.desk.clone(), first.clone());
    let stored = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = stored.clone();
    let killed = task.run_until(async move {
        let asking = tokio::task::spawn_local(async move {
            let pace = Pace { concurrency: 1, ..Pace::default() };
            ask_cases(&desk, &run, pace, |_| {
                count.set(count.get() + 1);
                assert!(count.get() < 2, "the process dies");
            })
            .await
        });
        asking.await.is_err()
    });
    assert!(killed.await);
    let again = begin(&bed.desk, &dataset, bed.assistant_id, true).await.unwrap();
    assert_eq!((again.id, again.state), (first.id, RunState::Running));
    let kept = again.cases_done;
    assert!((1..4).contains(&kept), "{kept}");
    let asked = std::sync::atomic::AtomicI64::new(0);
    let count = |_: &domain::evaluation::CaseResult| {
        asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    assert!(ask_cases(&bed.desk, &again, Pace::default(), count).await.unwrap());
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 4 - kept, "only what had no outcome is asked");
    let report = finish(&bed.desk, again.id, bed.organization_id).await.unwrap();
    assert_eq!((report.run.cases, report.run.cached), (4, 0));
    let ended = finish(&bed.desk, again.id, bed.organization_id).await.unwrap();
    assert_eq!((ended.run.id, ended.verdicts), (report.run.id, report.verdicts), "ending twice changes nothing");

    let repeated = bed.run(&dataset, true).await;
    assert_eq!((repeated.run.cached, repeated.history.len()), (4, 2));
    assert_eq!(bed.run(&dataset, false).await.run.cached, 0, "asked anew on demand");
    bed.import("{\"id\":\"helmets\",\"title\":\"Helmets\",\"text\":\"Helmets come in three sizes.\"}\n").await;
    assert_eq!(bed.run(&dataset, true).await.run.cached, 0, "other knowledge, other answers");
}

#[tokio::test]
async fn an_article_with_a_changed_amount_shows_as_a_regression() {
    let bed = Bed::new().await;
    let dataset = bed.dataset().await;
    let before = bed.run(&dataset, true).await;
    bed.import(&CORPUS.replace("14 days", "30 days")).await;
    let after = bed.run(&dataset, true).await;
    let tenant = bed.desk.database.of(bed.organization_id);
    let mut outcomes = Vec::new();
    for report in [&before, &after] {
        let run = tenant.load_eval_run(report.run.id).await.unwrap();
        let loaded = load_report(&bed.desk, &run).await.unwrap();
        assert_eq!((loaded.run.id, &loaded.verdicts), (report.run.id, &report.verdicts));
        outcomes.push(results(&bed.desk, &run).await.unwrap());
    }
    let compared = compare(&outcomes[0], &outcomes[1]);
    assert_eq!(regressions(&compared), 1);
    assert_eq!((compared.flips[0].case_id.as_str(), compared.flips[0].change), ("refund", Change::Regressed));
}

#[tokio::test]
async fn a_gold_document_that_is_not_there_is_refused_with_its_line() {
    let bed = Bed::new().await;
    let text = format!("{}\n{}", CASES.trim_end(), r#"{"id":"x","question":"q","documents":["refunds","manual"]}"#);
    let path = bed.write("set.jsonl", &text);
    let cases = read_cases(Path::new(&path)).unwrap();
    let said = store(&bed.desk, bed.organization_id, "set", &path, &cases).await.unwrap_err().to_string();
    assert!(said.ends_with("set.jsonl line 5: document `manual` is not in the knowledge"), "{said}");
    let doubled = bed.write("doubled.jsonl", &format!("{CASES}{CASES}"));
    let said = read_cases(&doubled).unwrap_err().to_string();
    assert!(said.contains("line 5: `id` `refund` stands in line 1 too"), "{said}");
}

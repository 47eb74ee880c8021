//! From documents to published answers: drafted, merged, judged, interrupted, drafted again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use domain::knowledge::ArticleState;
use domain::suggestion::{ArticleKind, Suggestion, SuggestionState, VersionOrigin};
use domain::usage::TokenUsage;
use domain::{OrganizationId, SourceId};
use futures::future::BoxFuture;
use ingest::documents::{Text, put};
use ingest::drafter::Drafter;
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::guard::Guard;
use ingest::review::{Edit, approve, reject, unlinked};
use ingest::suggest::{PUBLISH_SETTING, Ran, run};
use ingest::{Error, Library};
use llm::{ChatModel, ChatRequest, Completion, Deltas, FinishReason};
use retrieval::Retrieval;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::sources::NewSource;
use storage::suggestions::SuggestionFilter;
use storage::{Database, Keyset, SqliteSettings};

const REFUNDS: &str = "# Refunds\n\nYou can ask for a refund within 14 days after you paid. Write to us with the number of your order and we send the money back to the same card.\n\n## How long does a refund of an order take?\n\nA refund takes five working days. Some banks need a day more.\n";

struct Desk {
    library: Library,
    id: OrganizationId,
    source: SourceId,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desk.sqlite");
        let database = Database::open_sqlite(&path, SqliteSettings { flush_every_commit: false }).await.unwrap();
        database.migrate().await.unwrap();
        let id = database.insert_organization("Acme").await.unwrap().id;
        let retrieval = Retrieval::open(retrieval::Settings::embedded(folder.path().join("indexes"))).await.unwrap();
        let guard = Guard::default();
        let fetcher = Fetcher::new(&guard, FetchSettings::default()).unwrap();
        let library = Library::new(database, retrieval, llm::EmbedderSlot::default(), fetcher, guard);
        let source = source(&library, id, "help").await;
        Self { library, id, source, _folder: folder }
    }

    async fn says(&self, external_id: &str, title: &str, text: &str) {
        let text = Text {
            external_id: external_id.to_owned(),
            url: Some(format!("https://help.example.com/{external_id}")),
            title: title.to_owned(),
            text: text.to_owned(),
            language: Some("en".to_owned()),
        };
        put(&self.library, self.id, self.source, vec![text]).await.unwrap();
    }

    async fn draft(&self) -> Ran {
        run(&self.library, &Drafter::by_rules(), self.id, self.source, false).await.unwrap()
    }

    async fn waiting(&self) -> Vec<Suggestion> {
        let filter = SuggestionFilter { state: Some(SuggestionState::Waiting), ..SuggestionFilter::default() };
        let mut found = self.library.database.of(self.id).list_suggestions(filter, Keyset::start(), 50).await.unwrap();
        found.reverse();
        found
    }
}

async fn source(library: &Library, id: OrganizationId, name: &str) -> SourceId {
    let mut transaction = library.database.of(id).begin().await.unwrap();
    let new =
        NewSource { kind: "import".to_owned(), name: name.to_owned(), url: None, settings: serde_json::Map::new() };
    let source = transaction.insert_source(new).await.unwrap();
    transaction.commit().await.unwrap();
    source.id
}

fn is_conflict<T>(outcome: &ingest::Result<T>) -> bool {
    matches!(outcome, Err(Error::Storage(storage::Error::Conflict(_))))
}

#[tokio::test]
async fn a_document_is_drafted_once_with_every_sentence_linked() {
    let desk = Desk::new().await;
    desk.says("refunds", "Refunds", REFUNDS).await;
    let ran = desk.draft().await;
    assert_eq!((ran.documents, ran.suggested, ran.merged), (1, 2, 0));
    let waiting = desk.waiting().await;
    let shown: Vec<_> = waiting.iter().map(|row| (row.kind, row.title.as_str(), row.sentences, row.linked)).collect();
    assert_eq!(
        shown,
        [(ArticleKind::Faq, "How long does a refund of an order take?", 2, 2), (ArticleKind::Article, "Refunds", 2, 2),]
    );
    for link in waiting.iter().flat_map(|suggestion| &suggestion.links) {
        let version =
            desk.library.database.of(desk.id).load_document_version(link.document_id, link.version).await.unwrap();
        assert_eq!(version.text.get(link.start..link.end), Some(link.quote.as_str()));
    }
    assert_eq!(desk.draft().await, Ran::default(), "nothing is new");
    desk.says("refunds", "Refunds", &format!("{REFUNDS}\n")).await;
    assert_eq!((desk.draft().await.changed, desk.waiting().await.len()), (0, 2), "white space is no news");
}

#[tokio::test]
async fn what_says_the_same_is_one_suggestion_with_its_documents() {
    let desk = Desk::new().await;
    desk.says("a", "Refunds", REFUNDS).await;
    desk.says("b", "Refunds", &REFUNDS.replace("same card", "same bank card")).await;
    desk.says("c", "Refunds", &REFUNDS.replace("14 days", "30 days")).await;
    let ran = desk.draft().await;
    // The questions are the same three times; of the texts one has another number.
    assert_eq!((ran.suggested, ran.merged), (3, 3));
    let tenant = desk.library.database.of(desk.id);
    let mut documents = Vec::new();
    for suggestion in desk.waiting().await {
        documents.push(tenant.list_article_documents(suggestion.article_id).await.unwrap().len());
    }
    assert_eq!(documents, [3, 2, 1]);
    let other = source(&desk.library, desk.id, "copy").await;
    let text = Text {
        external_id: "x".to_owned(),
        url: None,
        title: "Refunds".to_owned(),
        text: REFUNDS.to_owned(),
        language: None,
    };
    put(&desk.library, desk.id, other, vec![text]).await.unwrap();
    let ran = run(&desk.library, &Drafter::by_rules(), desk.id, other, false).await.unwrap();
    assert_eq!((ran.suggested, ran.merged), (0, 2), "another source says it too");
}

#[tokio::test]
async fn what_says_the_same_far_apart_is_one_suggestion_too() {
    const PAGES: usize = 90;
    let desk = Desk::new().await;
    for page in 0..PAGES {
        desk.says(&format!("page-{page}"), "Refunds", REFUNDS).await;
    }
    let ran = desk.draft().await;
    assert_eq!((ran.documents, ran.suggested, ran.merged), (PAGES, 2, 2 * (PAGES - 1)));
    let tenant = desk.library.database.of(desk.id);
    for suggestion in desk.waiting().await {
        assert_eq!(tenant.list_article_documents(suggestion.article_id).await.unwrap().len(), PAGES);
    }
}

#[tokio::test]
async fn what_is_approved_answers_with_the_address_of_its_page() {
    let desk = Desk::new().await;
    desk.says("refunds", "Refunds", REFUNDS).await;
    desk.draft().await;
    let tenant = desk.library.database.of(desk.id);
    let [faq, article] = desk.waiting().await.try_into().unwrap();
    let approved = approve(&desk.library, desk.id, faq.id, Edit::default(), "key_1").await.unwrap();
    assert_eq!((approved.state, approved.reviewer.as_deref()), (SuggestionState::Approved, Some("key_1")));
    assert!(is_conflict(&approve(&desk.library, desk.id, faq.id, Edit::default(), "key_1").await));
    let published = tenant.load_article(faq.article_id).await.unwrap();
    assert_eq!((published.state, published.version), (ArticleState::Published, 1));
    let document = tenant.load_document(published.document_id.unwrap()).await.unwrap();
    assert_eq!(document.url.as_deref(), Some("https://help.example.com/refunds"));
    let version = tenant.load_article_version(faq.article_id, 1).await.unwrap();
    assert_eq!((version.reviewer.as_deref(), version.links.len()), (Some("key_1"), 2));

    // Approved with a change: the generator's text stays as the version before, and its links where they hold.
    let body = format!("{} Ask us anything.", article.body);
    let edit = Edit { title: Some("All about refunds".to_owned()), body: Some(body.clone()) };
    approve(&desk.library, desk.id, article.id, edit, "agt_1").await.unwrap();
    let published = tenant.load_article(article.article_id).await.unwrap();
    assert_eq!((published.version, published.base_version, published.body.as_str()), (2, Some(1), body.as_str()));
    let version = tenant.load_article_version(article.article_id, 2).await.unwrap();
    assert_eq!((version.origin, version.author.as_str(), version.links.len()), (VersionOrigin::Written, "agt_1", 2));
    assert_eq!(unlinked(&version.body, &version.links), ["Ask us anything."]);

    // The page changes: the published article stays, and the next text waits beside it with what people added.
    desk.says("refunds", "Refunds", &REFUNDS.replace("14 days", "30 days")).await;
    assert_eq!(desk.draft().await.changed, 1);
    let [update] = desk.waiting().await.try_into().unwrap();
    assert!(update.reason.as_deref().unwrap().starts_with("merged with what people changed"), "{update:?}");
    approve(&desk.library, desk.id, update.id, Edit::default(), "key_1").await.unwrap();
    let published = tenant.load_article(article.article_id).await.unwrap();
    assert!(published.body.contains("30 days") && published.body.ends_with("Ask us anything."), "{}", published.body);
    assert_eq!((published.version, published.base_version), (4, Some(3)), "the draft, then its merge");
}

#[tokio::test]
async fn what_is_rejected_comes_back_only_with_another_text() {
    let desk = Desk::new().await;
    desk.says("refunds", "Refunds", REFUNDS).await;
    desk.draft().await;
    let tenant = desk.library.database.of(desk.id);
    for suggestion in desk.waiting().await {
        reject(&desk.library, desk.id, suggestion.id, Some("not ours".to_owned()), "key_1").await.unwrap();
        let article = tenant.load_article(suggestion.article_id).await.unwrap();
        assert_eq!(article.state, ArticleState::Archived);
        assert!(is_conflict(&reject(&desk.library, desk.id, suggestion.id, None, "key_1").await));
    }
    desk.says("refunds", "Refunds", &format!("{REFUNDS}\n\n")).await;
    desk.draft().await;
    assert!(desk.waiting().await.is_empty());
    desk.says("refunds", "Refunds", &REFUNDS.replace("five", "six")).await;
    desk.draft().await;
    let [again] = desk.waiting().await.try_into().unwrap();
    approve(&desk.library, desk.id, again.id, Edit::default(), "key_1").await.unwrap();
    let article = tenant.load_article(again.article_id).await.unwrap();
    assert_eq!((article.state, article.body.contains("six working days")), (ArticleState::Published, true));
}

#[tokio::test]
async fn a_suggestion_whose_document_says_something_else_is_taken_back() {
    let desk = Desk::new().await;
    desk.says("refunds", "Refunds", REFUNDS).await;
    desk.draft().await;
    desk.says("refunds", "Refunds", REFUNDS.split("## How").next().unwrap()).await;
    assert_eq!(desk.draft().await.withdrawn, 1);
    let titles: Vec<String> = desk.waiting().await.into_iter().map(|suggestion| suggestion.title).collect();
    assert_eq!(titles, ["Refunds"]);
}

#[tokio::test]
async fn nothing_is_published_without_review_unless_that_is_switched_on() {
    let desk = Desk::new().await;
    desk.says("refunds", "Refunds", REFUNDS).await;
    assert_eq!(desk.draft().await.published, 0);
    let mut settings = serde_json::Map::new();
    settings.insert(PUBLISH_SETTING.to_owned(), 0.95.into());
    let mut transaction = desk.library.database.of(desk.id).begin().await.unwrap();
    transaction.update_source(desk.source, "help", &settings).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(desk.draft().await.published, 2);
    let filter = SuggestionFilter { state: Some(SuggestionState::Approved), ..SuggestionFilter::default() };
    let approved = desk.library.database.of(desk.id).list_suggestions(filter, Keyset::start(), 9).await.unwrap();
    assert!(approved.iter().all(|suggestion| suggestion.reviewer.as_deref() == Some("system")));
}

/// Writes about refunds, a line of it invented; and from its second document on it is down.
struct Model(AtomicUsize);

impl ChatModel for Model {
    fn id(&self) -> &'static str {
        "test-model"
    }

    fn complete<'a>(
        &'a self,
        request: &'a ChatRequest,
        _: Option<Deltas>,
    ) -> BoxFuture<'a, Result<Completion, llm::Error>> {
        assert!(request.json_schema.is_some() && request.messages[1].content.contains("Document:"));
        let calls = self.0.fetch_add(1, Ordering::Relaxed);
        let text = serde_json::json!({ "articles": [
            { "kind": "faq", "title": "How long does a refund take?", "body": "# Answer\n\nA refund takes five working days. Some banks need a day more. Refunds of gold members are instant.\n\n## Nothing\n\nInvented, and nothing else." },
            { "kind": "article", "title": "Lies", "body": "The moon is made of cheese. Cheese is made of milk." },
        ] });
        Box::pin(async move {
            if calls > 0 {
                return Err(llm::Error::Timeout { model: "test-model".to_owned(), limit_ms: 1, phase: "whole call" });
            }
            Ok(Completion {
                model: "test-model-1".to_owned(),
                text: format!("```json\n{text}\n```"),
                finish_reason: FinishReason::Stop,
                usage: TokenUsage::default(),
                logprobs_mean: None,
            })
        })
    }
}

fn prove(sentence: &str, text: &str, _: Option<&str>) -> Option<(Range<usize>, f64)> {
    let start = text.find(sentence)?;
    Some((start..start + sentence.len(), 1.0))
}

#[tokio::test]
async fn a_model_s_draft_keeps_what_is_proved_and_a_run_that_breaks_off_goes_on_where_it_was() {
    let desk = Desk::new().await;
    desk.says("a", "Refunds", REFUNDS).await;
    desk.says("b", "Shipping", "# Shipping\n\nWe send an order within 2 days after it was paid, and you get a mail with its number when it is on its way.").await;
    let drafter = Drafter { chat: Some(Arc::new(Model(AtomicUsize::new(0)))), prove };
    let broken = run(&desk.library, &drafter, desk.id, desk.source, false).await;
    assert!(matches!(broken, Err(Error::Model(_))), "it is tried again later: {broken:?}");
    let [faq] = desk.waiting().await.try_into().unwrap();
    assert_eq!(
        (faq.kind, faq.body.as_str()),
        (ArticleKind::Faq, "## Answer\n\nA refund takes five working days. Some banks need a day more.")
    );
    assert_eq!((faq.sentences, faq.linked, faq.dropped), (2, 2, 2));
    assert_eq!(faq.generator, "draft_article 1 · test-model-1");
    assert!(faq.reason.as_deref().unwrap().contains("2 drafted sentences were left out"));
    let ran = desk.draft().await;
    assert_eq!((ran.documents, ran.suggested), (1, 1), "the first document is not drafted twice");
}

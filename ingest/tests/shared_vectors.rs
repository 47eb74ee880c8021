//! Vectors in a server that several processes share: what a process does while it is down, and whose turn it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests fail by panicking and say what they skip"
)]

use domain::OrganizationId;
use domain::knowledge::ArticleState;
use domain::suggestion::VersionOrigin;
use futures::future::BoxFuture;
use ingest::documents::{Text, embed_missing, put};
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::guard::Guard;
use ingest::{Library, articles, index};
use llm::{CachedQueries, Embedder, EmbedderSlot};
use retrieval::{DenseEngine, Retrieval, Search};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::articles::ArticleText;
use storage::sources::NewSource;
use storage::{Database, SqliteSettings};
use tokio_util::sync::CancellationToken;

/// A port that nothing listens on.
const NOBODY: &str = "http://127.0.0.1:1";

/// How long the words of a small log may take.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(20);

/// Every text is as near as every other.
struct Constant(&'static str);

impl Embedder for Constant {
    fn model_id(&self) -> &str {
        self.0
    }

    fn dimensions(&self) -> usize {
        2
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, llm::Error>> {
        Box::pin(async { Ok(vec![vec![1.0, 0.0]; texts.len()]) })
    }
}

async fn database(folder: &Path) -> Database {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let path = folder.join("desk.sqlite");
    let database = Database::open_sqlite(&path, SqliteSettings { flush_every_commit: false }).await.unwrap();
    database.migrate().await.unwrap();
    database
}

/// A process of that name: with an index folder of its own, and vectors in the server.
async fn process(database: &Database, folder: &Path, name: &str, server: &str, model_id: &'static str) -> Library {
    let dense = DenseEngine::Qdrant { url: server.to_owned(), api_key: std::env::var("QDRANT_API_KEY").ok() };
    let settings = retrieval::Settings { dense, ..retrieval::Settings::embedded(folder.join(name)) };
    let slot = EmbedderSlot::default();
    slot.fill(CachedQueries::new(Arc::new(Constant(model_id)), 8));
    let guard = Guard::default();
    let fetcher = Fetcher::new(&guard, FetchSettings::default()).unwrap();
    Library::new(database.clone(), Retrieval::open(settings).await.unwrap(), slot, fetcher, guard)
}

async fn says(library: &Library, id: OrganizationId, external_id: &str, text: &str) {
    let mut transaction = library.database.of(id).begin().await.unwrap();
    let new = NewSource {
        kind: "import".to_owned(),
        name: external_id.to_owned(),
        url: None,
        settings: serde_json::Map::new(),
    };
    let source = transaction.insert_source(new).await.unwrap();
    transaction.commit().await.unwrap();
    let text = Text {
        external_id: external_id.to_owned(),
        url: None,
        title: external_id.to_owned(),
        text: text.to_owned(),
        language: Some("en".to_owned()),
    };
    put(library, id, source.id, vec![text]).await.unwrap();
    embed_missing(library, id, |_| {}).await.unwrap();
}

async fn passages(library: &Library, id: OrganizationId, question: &str) -> (usize, Option<String>) {
    let found = library.retrieval.search(&Search::new(id, question)).await.unwrap();
    (found.hits.len(), found.degraded)
}

#[tokio::test]
async fn words_follow_the_log_of_every_organization_while_the_server_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let library = process(&database, folder.path(), "worker", NOBODY, "constant").await;
    let (first, second) = (
        database.insert_organization("Acme").await.unwrap().id,
        database.insert_organization("Bikes").await.unwrap().id,
    );
    says(&library, first, "parking", "Zebras may park in lot seven.").await;
    says(&library, second, "parking", "Bikes may park in lot eight.").await;
    let stop = CancellationToken::new();
    let following = tokio::spawn(index::follow(library.clone(), stop.clone()));
    for (id, question) in [(first, "zebras"), (second, "bikes")] {
        let found = async { while passages(&library, id, question).await.0 == 0 {} };
        tokio::time::timeout(FOLLOWED_WITHIN, found).await.expect(question);
    }
    stop.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn an_article_is_published_and_found_by_its_words_while_the_server_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let library = process(&database, folder.path(), "api", NOBODY, "constant").await;
    let id = database.insert_organization("Acme").await.unwrap().id;
    let mut transaction = database.of(id).begin().await.unwrap();
    let text = ArticleText {
        title: "Parking",
        body: "Zebras may park in lot seven.",
        origin: VersionOrigin::Written,
        author: "usr_1",
        links: &[],
    };
    let article = transaction.insert_article(text, ArticleState::Draft).await.unwrap();
    transaction.commit().await.unwrap();
    let published = articles::publish(&library, id, article.id, "usr_1").await.unwrap();
    assert_eq!(published.state, ArticleState::Published);
    assert_eq!(passages(&library, id, "zebras").await.0, 1);
}

#[tokio::test]
async fn one_process_at_a_time_writes_the_vectors_that_all_read() {
    let Ok(server) = std::env::var("QDRANT_URL") else {
        eprintln!("skipped: QDRANT_URL is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let id = database.insert_organization("Acme").await.unwrap().id;
    let one = process(&database, folder.path(), "one", &server, "turns").await;
    let other = process(&database, folder.path(), "other", &server, "turns").await;
    says(&one, id, "parking", "Zebras may park in lot seven.").await;

    let turn = format!("vectors:{id}");
    let mut transaction = database.begin().await.unwrap();
    assert!(transaction.take_schedule(&turn, Duration::from_mins(2)).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(index::catch_up(&one, id).await.unwrap(), 0, "somebody else writes");
    assert_eq!(passages(&one, id, "zebras").await.0, 1, "words need no turn");

    let mut transaction = database.begin().await.unwrap();
    transaction.return_schedule(&turn).await.unwrap();
    transaction.commit().await.unwrap();
    let (mine, theirs) = tokio::join!(index::catch_up(&one, id), index::catch_up(&other, id));
    assert!(mine.unwrap().max(theirs.unwrap()) > 0, "one of them has written");
    let seq = database.list_organizations().await.unwrap().first().unwrap().change_seq;
    for process in [&one, &other] {
        assert_eq!(index::catch_up(process, id).await.unwrap(), seq);
        assert_eq!(passages(process, id, "zebras").await.0, 1);
        process.retrieval.erase(id).await.unwrap();
    }
}

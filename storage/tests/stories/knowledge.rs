//! Calls every method of sources, documents, articles and scans once; and what each organization sees of another.

use crate::databases::not_found;
use domain::knowledge::{ArticleState, ChangeKind, Chunk, DocumentState};
use domain::page::{PageState, ScanSettings, ScanState};
use domain::{ChunkId, OrganizationId, ScanId, SourceId};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use storage::articles::ArticleText;
use storage::documents::{NewChunk, NewDocument, Put, PutOutcome};
use storage::pages::{NewPage, PageFilter, PageOutcome};
use storage::sources::NewSource;
use storage::{Database, Error, Keyset};
use uuid::Uuid;

stories! {
    documents_change_and_leave embeddings_are_made_once articles_have_versions scans_know_their_pages
    one_organization_never_sees_another
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn document(external_id: &str, text: &str) -> NewDocument {
    let title = format!("About {external_id}");
    let pieces = vec![NewChunk {
        start: 0,
        end: text.len(),
        heading_path: "Top › Below".to_owned(),
        embedding_hash: hash(&Chunk::embedded_text(&title, "Top › Below", text)),
    }];
    NewDocument {
        external_id: external_id.to_owned(),
        url: Some(format!("https://example.org/{external_id}")),
        title,
        text: text.to_owned(),
        language: Some("en".to_owned()),
        pieces,
    }
}

fn import_source(name: &str) -> NewSource {
    NewSource { kind: "import".to_owned(), name: name.to_owned(), url: None, settings: Map::new() }
}

async fn organization_with_source(database: &Database, name: &str) -> (OrganizationId, SourceId) {
    let id = database.insert_organization(name).await.unwrap().id;
    let source = within!(database, id, transaction => transaction.insert_source(import_source("file")).await.unwrap());
    (id, source.id)
}

async fn put(database: &Database, id: OrganizationId, source: SourceId, documents: &[NewDocument]) -> Vec<Put> {
    within!(database, id, transaction => transaction.put_documents(source, documents).await.unwrap())
}

async fn documents_change_and_leave(database: &Database) {
    let (id, source) = organization_with_source(database, "Acme").await;
    let tenant = database.of(id);
    assert_eq!(tenant.change_seq().await.unwrap(), 0);
    let puts = put(database, id, source, &[document("a", "Grüße"), document("b", "two"), document("a", "three")]).await;
    let outcomes: Vec<_> = puts.iter().map(|put| (put.version, put.outcome)).collect();
    assert_eq!(outcomes, [(1, PutOutcome::New), (1, PutOutcome::New), (2, PutOutcome::Changed)]);
    assert_eq!(tenant.change_seq().await.unwrap(), 3);
    let same = put(database, id, source, &[document("b", "two")]).await;
    assert_eq!((same[0].document_id, same[0].outcome), (puts[1].document_id, PutOutcome::Same));
    assert_eq!(tenant.change_seq().await.unwrap(), 3, "nothing was written");

    let changes = tenant.list_changes(0, 10).await.unwrap();
    let seen: Vec<_> = changes.iter().map(|change| (change.seq, change.document_id)).collect();
    assert_eq!(seen, [(2, puts[1].document_id), (3, puts[0].document_id)], "the newest of each");
    assert_eq!(tenant.list_changes(0, 1).await.unwrap()[0].seq, 1);
    assert!(tenant.list_changes(3, 10).await.unwrap().is_empty());

    let a = tenant.load_document(puts[0].document_id).await.unwrap();
    assert_eq!(tenant.find_document_by_external_id(source, "a").await.unwrap().unwrap(), a);
    assert_eq!(tenant.load_document_version(a.id, 1).await.unwrap().text, "Grüße");
    assert_eq!(tenant.load_document_version(a.id, 2).await.unwrap().content_hash, a.content_hash);
    assert_eq!(tenant.count_documents(None).await.unwrap(), 2);
    assert_eq!(tenant.count_documents(Some(source)).await.unwrap(), 2);
    assert_eq!(tenant.count_chunks().await.unwrap(), 2);
    let first = tenant.list_documents(Some(source), None, Keyset::start(), 1).await.unwrap().remove(0);
    let after = Keyset::at(first.updated_at, first.id);
    let rest = tenant.list_documents(None, Some(DocumentState::Published), after, 5).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_ne!(rest[0].id, first.id);

    let of_documents = tenant.load_chunks_of_documents(&[a.id, puts[1].document_id]).await.unwrap();
    assert_eq!(of_documents.len(), 2);
    let ids: Vec<ChunkId> = of_documents.iter().rev().map(|found| found.chunk.id).collect();
    let found = tenant.load_chunks(&ids).await.unwrap();
    assert_eq!(found.iter().map(|found| found.chunk.id).collect::<Vec<_>>(), ids, "in the order asked for");
    let hit = found.iter().find(|found| found.chunk.document_id == a.id).unwrap();
    assert_eq!((hit.chunk.text.as_str(), hit.title.as_str(), hit.source_id), ("three", "About a", source));
    assert_eq!((hit.external_id.as_deref(), hit.url.as_deref()), (Some("a"), Some("https://example.org/a")));

    let mut transaction = tenant.begin().await.unwrap();
    let mut cut = document("c", "Grüße");
    cut.pieces[0].end = 3; // inside ü
    assert!(matches!(transaction.put_documents(source, &[cut]).await, Err(Error::Invalid(_))));
    assert!(matches!(transaction.put_documents(source, &[document("c", "\0")]).await, Err(Error::Invalid(_))));
    let strange = transaction.id();
    assert!(not_found(&transaction.put_documents(strange, &[document("c", "x")]).await));
    transaction.rollback().await.unwrap();

    within!(database, id, transaction => assert_eq!(transaction.archive_documents(&[a.id, a.id]).await.unwrap(), 1));
    assert_eq!(tenant.load_chunks(&ids).await.unwrap().len(), 1, "archived documents are not found");
    assert_eq!(tenant.load_document(a.id).await.unwrap().state, DocumentState::Archived);
    let back = put(database, id, source, &[document("a", "three")]).await;
    assert_eq!((back[0].version, back[0].outcome), (3, PutOutcome::Changed));
    within!(database, id, transaction => {
        assert_eq!(transaction.delete_documents(&[a.id]).await.unwrap(), 1);
        assert_eq!(transaction.delete_documents(&[a.id]).await.unwrap(), 0);
    });
    let last = tenant.list_changes(0, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.document_id, last.kind), (a.id, ChangeKind::Delete));
    assert!(not_found(&tenant.load_document_version(a.id, 1).await));

    let profile = Map::from_iter([("repeats".to_owned(), json!(["menu"]))]);
    let site = within!(database, id, transaction => {
        transaction.update_source(source, "renamed", &Map::new()).await.unwrap();
        transaction.update_source_profile(source, &profile).await.unwrap();
        let url = Some("https://example.org/".to_owned());
        let site = NewSource { kind: "website".to_owned(), url, ..import_source("Site") };
        let inserted = transaction.insert_source(site.clone()).await.unwrap();
        assert!(matches!(transaction.insert_source(site).await, Err(Error::Conflict(_))));
        inserted
    });
    assert_eq!(tenant.load_source_profile(source).await.unwrap(), profile);
    assert_eq!(tenant.find_source_by_url("https://example.org/").await.unwrap().unwrap(), site);
    assert_eq!(tenant.find_source_by_name("import", "renamed").await.unwrap().unwrap().id, source);
    assert_eq!(tenant.list_sources(Keyset::start(), 10).await.unwrap().len(), 2);
    let seq = within!(database, id, transaction => {
        transaction.delete_source(source).await.unwrap();
        transaction.log_changes(ChangeKind::Delete, &[a.id]).await.unwrap()
    });
    assert_eq!(tenant.change_seq().await.unwrap(), seq);
    assert!(not_found(&tenant.load_source(source).await));
    assert_eq!(tenant.count_documents(None).await.unwrap(), 0);
    let last = tenant.list_changes(seq - 2, 1).await.unwrap().remove(0);
    assert_eq!((last.document_id, last.kind), (puts[1].document_id, ChangeKind::Delete));
}

async fn embeddings_are_made_once(database: &Database) {
    let (id, source) = organization_with_source(database, "Acme").await;
    let tenant = database.of(id);
    let mut twin = document("b", "one");
    "About a".clone_into(&mut twin.title);
    twin.pieces[0].embedding_hash = document("a", "one").pieces[0].embedding_hash;
    put(database, id, source, &[document("a", "one"), twin, document("c", "two")]).await;
    assert_eq!(tenant.count_missing_embeddings("m").await.unwrap(), 2, "equal text counts once");
    let missing = tenant.list_missing_embeddings("m", None, 10).await.unwrap();
    assert_eq!(missing.len(), 2);
    assert!(missing.iter().all(|missing| hash(&missing.text) == missing.hash));
    assert!(tenant.list_missing_embeddings("m", Some(missing[1].chunk_id), 10).await.unwrap().is_empty());
    let vectors = vec![(missing[0].hash, vec![0.6_f32, -0.8]), (hash("orphan"), vec![1.0, 0.0])];
    within!(database, id, transaction => {
        transaction.insert_embeddings("m", &vectors).await.unwrap();
        transaction.insert_embeddings("m", &vectors).await.unwrap();
        let bad = [(hash("x"), vec![f32::NAN])];
        assert!(matches!(transaction.insert_embeddings("m", &bad).await, Err(Error::Invalid(_))));
    });
    assert_eq!(tenant.count_missing_embeddings("m").await.unwrap(), 1);
    assert_eq!(tenant.count_missing_embeddings("n").await.unwrap(), 2);
    let found = tenant.find_embeddings("m", &[missing[0].hash, missing[1].hash]).await.unwrap();
    assert_eq!((found.len(), &found[&missing[0].hash]), (1, &vec![0.6_f32, -0.8]));
    assert_eq!(within!(database, id, transaction => transaction.delete_orphan_embeddings().await.unwrap()), 1);
    assert_eq!(tenant.find_embeddings("m", &[hash("orphan"), missing[0].hash]).await.unwrap().len(), 1);
}

async fn articles_have_versions(database: &Database) {
    let (id, source) = organization_with_source(database, "Acme").await;
    let tenant = database.of(id);
    let document_id = put(database, id, source, &[document("a", "one")]).await[0].document_id;
    let article = within!(database, id, transaction => {
        let article = transaction.insert_article(ArticleText::written("Title", "Body", "system"), ArticleState::Draft).await.unwrap();
        let second = transaction.update_article(article.id, ArticleText::written("Title", "Better", "system")).await.unwrap();
        assert_eq!(second.version, 2);
        transaction.set_article_state(article.id, ArticleState::Published, Some(document_id)).await.unwrap();
        transaction.set_article_state(article.id, ArticleState::InReview, None).await.unwrap();
        article
    });
    let loaded = tenant.load_article(article.id).await.unwrap();
    assert_eq!(
        (loaded.state, loaded.document_id, loaded.body.as_str()),
        (ArticleState::InReview, Some(document_id), "Better")
    );
    let versions = tenant.list_article_versions(article.id).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.body.as_str()).collect::<Vec<_>>(), ["Better", "Body"]);
    assert_eq!(tenant.list_articles(Some(ArticleState::InReview), Keyset::start(), 5).await.unwrap(), vec![loaded]);
    assert!(tenant.list_articles(Some(ArticleState::Draft), Keyset::start(), 5).await.unwrap().is_empty());
    within!(database, id, transaction => transaction.delete_article(article.id).await.unwrap());
    assert!(not_found(&tenant.load_article(article.id).await));
    assert!(not_found(&tenant.load_document(document_id).await));
}

async fn scans_know_their_pages(database: &Database) {
    let (id, source) = organization_with_source(database, "Acme").await;
    let tenant = database.of(id);
    let page = |path: &str| NewPage { url: format!("https://example.org/{path}"), depth: 1 };
    let (scan, pages) = within!(database, id, transaction => {
        let scan = transaction.insert_scan(source, "https://example.org/", ScanSettings::default()).await.unwrap();
        let pages = transaction.insert_pages(scan.id, &[page("a"), page("b")]).await.unwrap();
        assert_eq!(pages.len(), 2);
        let known = transaction.insert_pages(scan.id, &[page("b"), page("c"), page("c")]).await.unwrap();
        assert_eq!(known.len(), 1);
        assert!(not_found(&transaction.insert_pages(transaction.id(), &[page("a")]).await));
        let outcome = PageOutcome { etag: Some("\"1\"".to_owned()), ..PageOutcome::ended(PageState::New, None) };
        assert!(transaction.finish_page(pages[0], outcome.clone()).await.unwrap());
        assert!(!transaction.finish_page(pages[0], outcome).await.unwrap(), "an outcome is final");
        assert!(transaction.set_scan_state(scan.id, ScanState::Running, None).await.unwrap());
        (scan, pages)
    });
    assert_eq!(tenant.load_page(pages[0]).await.unwrap().state, PageState::New);
    let counts = tenant.count_pages(scan.id).await.unwrap();
    assert_eq!((counts.get(&PageState::Pending), counts.get(&PageState::New)), (Some(&2), Some(&1)));
    assert_eq!(tenant.list_pages(scan.id, PageFilter::default(), Some(pages[0]), 10).await.unwrap().len(), 2);
    let only_new = PageFilter { state: Some(PageState::New), ..PageFilter::default() };
    assert_eq!(tenant.list_pages(scan.id, only_new, None, 10).await.unwrap().len(), 1);
    let (a, b) = ("https://example.org/a", "https://example.org/b");
    let other = ScanId::from_uuid(Uuid::now_v7());
    let last = tenant.find_last_reading(source, other, a).await.unwrap().unwrap();
    assert_eq!(last.etag.as_deref(), Some("\"1\""));
    assert!(tenant.find_last_reading(source, other, b).await.unwrap().is_none(), "it was not read");
    assert!(tenant.find_last_reading(source, scan.id, a).await.unwrap().is_none(), "no earlier scan");
    within!(database, id, transaction => {
        assert!(transaction.set_scan_state(scan.id, ScanState::Failed, Some("gone".to_owned())).await.unwrap());
        assert!(!transaction.set_scan_state(scan.id, ScanState::Running, None).await.unwrap(), "an end is final");
    });
    let failed = tenant.load_scan(scan.id).await.unwrap();
    assert_eq!((failed.state, failed.error.as_deref()), (ScanState::Failed, Some("gone")));
    assert_eq!(tenant.list_scans(Keyset::start(), 10).await.unwrap(), vec![failed]);
}

async fn one_organization_never_sees_another(database: &Database) {
    let (ours, our_source) = organization_with_source(database, "Ours").await;
    let (theirs, their_source) = organization_with_source(database, "Theirs").await;
    let put_there = put(database, theirs, their_source, &[document("a", "secret")]).await[0];
    let chunks = database.of(theirs).load_chunks_of_documents(&[put_there.document_id]).await.unwrap();
    let tenant = database.of(ours);
    assert!(not_found(&tenant.load_document(put_there.document_id).await));
    assert!(not_found(&tenant.load_document_version(put_there.document_id, 1).await));
    assert!(not_found(&tenant.load_source(their_source).await));
    assert!(tenant.load_chunks(&[chunks[0].chunk.id]).await.unwrap().is_empty());
    assert!(tenant.load_chunks_of_documents(&[put_there.document_id]).await.unwrap().is_empty());
    let mut transaction = tenant.begin().await.unwrap();
    assert!(not_found(&transaction.put_documents(their_source, &[document("b", "planted")]).await));
    assert_eq!(transaction.delete_documents(&[put_there.document_id]).await.unwrap(), 0);
    assert_eq!(transaction.archive_documents(&[put_there.document_id]).await.unwrap(), 0);
    assert!(not_found(&transaction.delete_source(their_source).await));
    assert!(not_found(&transaction.update_source(their_source, "x", &Map::new()).await));
    assert!(not_found(&transaction.insert_scan(their_source, "https://x/", ScanSettings::default()).await));
    transaction.put_documents(our_source, &[document("a", "ours")]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.of(theirs).count_documents(None).await.unwrap(), 1);
    assert_eq!(tenant.count_documents(None).await.unwrap(), 1);
}

/// The second wall: on PostgreSQL even a statement that forgets the organization sees only one.
#[tokio::test]
async fn row_security_hides_other_organizations_from_a_forgetful_statement() {
    let Some((database, test_database)) = crate::databases::postgres().await else { return };
    let (ours, our_source) = organization_with_source(&database, "Ours").await;
    let (theirs, their_source) = organization_with_source(&database, "Theirs").await;
    put(&database, ours, our_source, &[document("a", "ours")]).await;
    put(&database, theirs, their_source, &[document("a", "one"), document("b", "two")]).await;
    let pool = sqlx::PgPool::connect(&test_database.url).await.unwrap();
    let count = async |scope: String| {
        let mut transaction = pool.begin().await.unwrap();
        if !scope.is_empty() {
            let setting = sqlx::query("select set_config('app.organization_id', $1, true)").bind(scope);
            setting.execute(&mut *transaction).await.unwrap();
        }
        let sql =
            "select (select count(*) from documents), (select count(*) from chunks), (select count(*) from changes)";
        sqlx::query_as::<_, (i64, i64, i64)>(sql).fetch_one(&mut *transaction).await.unwrap()
    };
    assert_eq!(count(ours.uuid().to_string()).await, (1, 1, 1));
    assert_eq!(count(theirs.uuid().to_string()).await, (2, 2, 2));
    assert_eq!(count("*".to_owned()).await, (3, 3, 3), "the desk's own chores");
    assert_eq!(count(String::new()).await, (0, 0, 0), "one that names nothing");
    let mut transaction = pool.begin().await.unwrap();
    let setting = sqlx::query("select set_config('app.organization_id', $1, true)").bind(ours.uuid().to_string());
    setting.execute(&mut *transaction).await.unwrap();
    let deleted = sqlx::query("delete from documents").execute(&mut *transaction).await.unwrap();
    assert_eq!(deleted.rows_affected(), 1);
    let planted = sqlx::query("update sources set organization_id = $1").bind(theirs.uuid());
    assert!(planted.execute(&mut *transaction).await.is_err(), "nor may a row be given away");
}

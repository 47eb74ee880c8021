//! What callers rely on, with the embedded engine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use domain::{ChunkId, DocumentId, ErrorKind, Kinded, OrganizationId, SourceId};
use retrieval::{
    Batch, DenseEngine, Error, IndexedChunk, IndexedDocument, Mode, QueryVector, Retrieval, Search, Settings,
    VectorSpace,
};
use std::path::Path;
use uuid::Uuid;

fn space() -> VectorSpace {
    VectorSpace { model_id: "test".to_owned(), dimensions: 2 }
}

fn organization() -> OrganizationId {
    OrganizationId::from_uuid(Uuid::now_v7())
}

fn document(title: &str, text: &str, vector: [f32; 2]) -> IndexedDocument {
    IndexedDocument {
        document_id: DocumentId::from_uuid(Uuid::now_v7()),
        source_id: SourceId::from_uuid(Uuid::now_v7()),
        version: 1,
        language: Some("en".to_owned()),
        title: title.to_owned(),
        chunks: vec![IndexedChunk {
            chunk_id: ChunkId::from_uuid(Uuid::now_v7()),
            heading_path: String::new(),
            text: text.to_owned(),
            vector: Some(vector.to_vec()),
        }],
    }
}

fn batch(after_seq: i64, upto_seq: i64, upserts: Vec<IndexedDocument>) -> Batch {
    Batch { after_seq, upto_seq, upserts, deletes: Vec::new(), space: Some(space()) }
}

fn search(organization_id: OrganizationId, text: &str, vector: [f32; 2]) -> Search {
    Search {
        vector: Some(QueryVector { space: space(), values: vector.as_slice().into() }),
        ..Search::new(organization_id, text)
    }
}

async fn open(root: &Path) -> Retrieval {
    Retrieval::open(Settings::embedded(root)).await.unwrap()
}

async fn found(retrieval: &Retrieval, search: &Search) -> Vec<DocumentId> {
    retrieval.search(search).await.unwrap().hits.iter().map(|hit| hit.document_id).collect()
}

fn shipping() -> IndexedDocument {
    document("Shipping", "Parcels leave our warehouse within two working days.", [1.0, 0.1])
}

fn refunds() -> IndexedDocument {
    document("Refunds", "Money goes back to the card that paid.", [0.1, 1.0])
}

#[tokio::test]
async fn a_hybrid_search_says_where_each_hit_stood() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, owner) = (open(root.path()).await, organization());
    let (shipping, refunds) = (shipping(), refunds());
    retrieval.apply(owner, batch(0, 2, vec![shipping.clone(), refunds.clone()])).await.unwrap();

    let found = retrieval.search(&search(owner, "refunding a parcel", [0.0, 1.0])).await.unwrap();
    assert_eq!((found.applied_seq, found.degraded.clone()), (2, None));
    let first = &found.hits[0];
    assert_eq!((first.document_id, first.chunk_id), (refunds.document_id, refunds.chunks[0].chunk_id));
    assert_eq!((first.dense.unwrap().rank, first.fused.rank, first.version), (1, 1, 1));
    assert!(first.bm25.unwrap().score > 0.0 && first.dense.unwrap().score > 0.99);
    assert!(found.hits.iter().any(|hit| hit.document_id == shipping.document_id && hit.dense.unwrap().rank == 2));
}

#[tokio::test]
async fn an_organization_never_finds_what_belongs_to_another() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, ours, theirs) = (open(root.path()).await, organization(), organization());
    retrieval.apply(theirs, batch(0, 1, vec![refunds()])).await.unwrap();
    assert_eq!(found(&retrieval, &search(ours, "refunds", [0.0, 1.0])).await, []);
    let mine = shipping();
    retrieval.apply(ours, batch(0, 1, vec![mine.clone()])).await.unwrap();
    for mode in [Mode::Hybrid, Mode::Dense, Mode::Bm25] {
        let hits =
            found(&retrieval, &Search { mode, k: 100, ..search(ours, "refunds money card parcels", [0.0, 1.0]) }).await;
        assert_eq!(hits, [mine.document_id], "{mode:?}");
    }
}

#[tokio::test]
async fn a_batch_counts_once_an_old_one_not_at_all_and_a_gap_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, owner) = (open(root.path()).await, organization());
    let mut refunds = refunds();
    retrieval.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap();
    let held = retrieval.check(owner, Some(&space())).await.unwrap();
    retrieval.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap();
    assert_eq!(retrieval.check(owner, Some(&space())).await.unwrap(), held);
    assert_eq!(held.keyword, [(refunds.chunks[0].chunk_id, 1)]);
    assert_eq!(held.dense, Some(held.keyword.clone()));

    refunds.version = 2;
    refunds.chunks[0].chunk_id = ChunkId::from_uuid(Uuid::now_v7());
    retrieval.apply(owner, batch(1, 2, vec![refunds.clone()])).await.unwrap();
    retrieval.apply(owner, batch(0, 1, vec![shipping()])).await.unwrap();
    assert_eq!(retrieval.check(owner, None).await.unwrap().keyword, [(refunds.chunks[0].chunk_id, 2)]);
    let gap = retrieval.apply(owner, batch(7, 8, Vec::new())).await.unwrap_err();
    assert!(matches!(gap, Error::Gap { applied: 2, after: 7, .. }) && gap.kind() == ErrorKind::Conflict);
    assert_eq!(retrieval.applied_seq(owner, Some(&space())).await.unwrap(), 2);
}

#[tokio::test]
async fn a_deleted_document_is_gone_for_good() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, owner, refunds) = (open(root.path()).await, organization(), refunds());
    retrieval.apply(owner, batch(0, 1, vec![refunds.clone(), shipping()])).await.unwrap();
    let mut delete = batch(1, 2, vec![refunds.clone()]);
    delete.deletes = vec![refunds.document_id];
    retrieval.apply(owner, delete).await.unwrap();
    for seq in 2..20 {
        retrieval
            .apply(owner, batch(seq, seq + 1, vec![document("Other", &format!("number {seq}"), [1.0, 1.0])]))
            .await
            .unwrap();
    }
    for mode in [Mode::Hybrid, Mode::Dense, Mode::Bm25] {
        let search = Search { mode, k: 100, ..search(owner, "refunds money card", [0.0, 1.0]) };
        assert!(!found(&retrieval, &search).await.contains(&refunds.document_id));
    }
    assert_eq!(retrieval.check(owner, Some(&space())).await.unwrap().keyword.len(), 19);
}

#[tokio::test]
async fn a_second_process_follows_the_first_and_may_write_too() {
    let root = tempfile::tempdir().unwrap();
    let (first, second, owner) = (open(root.path()).await, open(root.path()).await, organization());
    assert_eq!(found(&second, &search(owner, "refunds", [0.0, 1.0])).await, []);
    let (refunds, shipping) = (refunds(), shipping());
    first.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap();
    assert_eq!(found(&second, &search(owner, "refunds", [0.0, 1.0])).await, [refunds.document_id]);
    second.apply(owner, batch(1, 2, vec![shipping.clone()])).await.unwrap();
    assert_eq!(first.applied_seq(owner, Some(&space())).await.unwrap(), 2);
    assert_eq!(found(&first, &Search { k: 1, ..search(owner, "parcels", [1.0, 0.0]) }).await, [shipping.document_id]);
    let both = tokio::join!(
        first.apply(owner, batch(2, 3, vec![document("A", "alpha", [1.0, 0.0])])),
        second.apply(owner, batch(2, 3, vec![document("B", "beta", [1.0, 0.0])])),
    );
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert_eq!(first.check(owner, None).await.unwrap().keyword.len(), 3);
    second.erase(owner).await.unwrap();
    assert_eq!(found(&first, &search(owner, "refunds", [0.0, 1.0])).await, []);
    assert_eq!(first.applied_seq(owner, Some(&space())).await.unwrap(), 0);
    first.apply(owner, batch(0, 3, vec![refunds.clone()])).await.unwrap();
    assert_eq!(found(&second, &search(owner, "refunds", [0.0, 1.0])).await, [refunds.document_id]);
}

#[tokio::test]
async fn a_vector_that_does_not_fit_is_refused_before_anything_is_written() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, owner) = (open(root.path()).await, organization());
    let mut wrong = shipping();
    wrong.chunks[0].vector = Some(vec![1.0, 2.0, 3.0]);
    let error = retrieval.apply(owner, batch(0, 2, vec![refunds(), wrong])).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("frontdesk reindex"), "{error}");
    assert_eq!(retrieval.applied_seq(owner, None).await.unwrap(), 0);
    let mut query = search(owner, "refunds", [0.0, 1.0]);
    query.vector = Some(QueryVector { space: space(), values: vec![1.0f32].into() });
    assert!(matches!(retrieval.search(&query).await, Err(Error::Dimensions { expected: 2, found: 1, .. })));
}

#[tokio::test]
async fn words_answer_alone_where_there_is_no_vector() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, owner, refunds) = (open(root.path()).await, organization(), refunds());
    retrieval.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap();
    for mode in [Mode::Hybrid, Mode::Dense] {
        let found = retrieval.search(&Search { mode, ..Search::new(owner, "refunds") }).await.unwrap();
        assert_eq!(found.hits[0].document_id, refunds.document_id);
        assert_eq!(found.degraded.as_deref(), Some("lexical only: the query has no vector"));
    }
    let asked = retrieval.search(&Search { mode: Mode::Bm25, ..Search::new(owner, "refunds") }).await.unwrap();
    assert_eq!((asked.degraded, asked.hits.len()), (None, 1));
}

#[tokio::test]
async fn words_answer_alone_while_the_vector_server_is_down() {
    let root = tempfile::tempdir().unwrap();
    let dense = DenseEngine::Qdrant { url: "http://127.0.0.1:1".to_owned(), api_key: Some("hidden".to_owned()) };
    let settings = Settings { dense, ..Settings::embedded(root.path()) };
    assert!(!format!("{settings:?}").contains("hidden"));
    let (retrieval, owner, refunds) = (Retrieval::open(settings).await.unwrap(), organization(), refunds());
    let failed = retrieval.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    retrieval.apply(owner, Batch { space: None, ..batch(0, 1, vec![refunds.clone()]) }).await.unwrap();
    let found = retrieval.search(&search(owner, "refunds", [0.0, 1.0])).await.unwrap();
    assert_eq!(found.hits[0].document_id, refunds.document_id);
    assert_eq!(
        found.degraded.as_deref(),
        Some("lexical only: qdrant at http://127.0.0.1:1: it cannot be connected to")
    );
}

#[tokio::test]
async fn a_damaged_side_is_named_and_the_other_answers() {
    let root = tempfile::tempdir().unwrap();
    let owner = organization();
    let refunds = refunds();
    open(root.path()).await.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap();
    let folder = root.path().join(owner.to_string());
    let meta = folder.join("bm25-1/meta.json");
    let whole = std::fs::read(&meta).unwrap();
    std::fs::write(&meta, &whole[..whole.len() / 2]).unwrap();
    let found = open(root.path()).await.search(&search(owner, "refunds", [0.0, 1.0])).await.unwrap();
    assert_eq!(found.hits[0].document_id, refunds.document_id);
    assert!(
        found.degraded.as_ref().is_some_and(|why| why.starts_with("vectors only") && why.contains("frontdesk reindex"))
    );
    std::fs::write(&meta, whole).unwrap();

    let space = std::fs::read_dir(folder.join("vectors")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(space.join("manifest"), b"junk").unwrap();
    let retrieval = open(root.path()).await;
    let found = retrieval.search(&search(owner, "refunds", [0.0, 1.0])).await.unwrap();
    assert!(found.degraded.is_some_and(|why| why.starts_with("lexical only") && why.contains("frontdesk reindex")));
    retrieval.erase(owner).await.unwrap();
    retrieval.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap();
    assert_eq!(retrieval.search(&search(owner, "refunds", [0.0, 1.0])).await.unwrap().degraded, None);
}

#[tokio::test]
async fn erasing_leaves_no_file_of_the_organization_but_others_untouched() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, gone, stays) = (open(root.path()).await, organization(), organization());
    for owner in [gone, stays] {
        retrieval.apply(owner, batch(0, 1, vec![refunds()])).await.unwrap();
    }
    retrieval.erase(gone).await.unwrap();
    assert_eq!(found(&retrieval, &search(gone, "refunds", [0.0, 1.0])).await, []);
    let folder = root.path().join(gone.to_string());
    assert!(!folder.exists() || std::fs::read_dir(folder).unwrap().next().is_none());
    assert_eq!(found(&retrieval, &search(stays, "refunds", [0.0, 1.0])).await.len(), 1);
}

#[tokio::test]
async fn documents_of_several_languages_are_found_by_their_own_word_forms() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, owner) = (open(root.path()).await, organization());
    let english = document("Contracts", "How to cancel a subscription", [1.0, 0.0]);
    let german = IndexedDocument {
        language: Some("de".to_owned()),
        ..document("Verträge", "So kündigen Sie Ihren Vertrag", [0.0, 1.0])
    };
    let japanese = IndexedDocument {
        language: Some("ja".to_owned()),
        ..document("設定", "パスワードを再設定する方法", [1.0, 1.0])
    };
    retrieval.apply(owner, batch(0, 1, vec![english.clone(), german.clone(), japanese.clone()])).await.unwrap();
    for (question, wanted) in
        [("cancelling subscriptions", &english), ("Kündigung des Vertrages", &german), ("パスワードの設定", &japanese)]
    {
        let search = Search { mode: Mode::Bm25, k: 1, ..Search::new(owner, question) };
        assert_eq!(found(&retrieval, &search).await, [wanted.document_id], "{question}");
    }
}

#[tokio::test]
async fn a_hostile_query_is_only_words() {
    let root = tempfile::tempdir().unwrap();
    let (retrieval, owner, refunds) = (open(root.path()).await, organization(), refunds());
    retrieval.apply(owner, batch(0, 1, vec![refunds.clone()])).await.unwrap();
    for text in [
        "",
        "  \u{0}\u{1f}",
        "AND OR NOT ((",
        "*:* title:refunds^9",
        &"ü".repeat(100_000),
        &"refunds a\u{1f}b ".repeat(9_000),
    ] {
        let search = Search { mode: Mode::Bm25, k: usize::MAX, candidates: 0, ..Search::new(owner, text) };
        let hits = found(&retrieval, &search).await;
        assert_eq!(hits.len(), usize::from(text.contains("refunds")), "{}", text.chars().take(20).collect::<String>());
    }
}

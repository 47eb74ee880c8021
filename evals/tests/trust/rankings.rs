//! Rankings by the ids that documents were imported under.

use crate::desk::Bed;
use evals::{Judgements, Query, rank, score};
use retrieval::Mode;
use std::collections::HashMap;

#[tokio::test]
async fn a_document_that_two_sources_imported_counts_once() {
    let bed = Bed::new(|_| String::new()).await;
    for source in ["corpus", "again"] {
        bed.publish_to(source, "refunds", "Refunds", "Refunds take 14 days after we receive the bike.").await;
        bed.publish_to(source, "plans", "Plans", "Refunds are part of every plan.").await;
    }
    let queries = [Query { id: "q".into(), text: "How long do refunds take?".into() }];
    let ranking = rank(&bed.desk, bed.organization_id, &queries, Mode::Bm25, 0.5).await.unwrap();
    assert_eq!(ranking["q"], ["refunds", "plans"]);
    let judgements: Judgements = HashMap::from([("q".to_owned(), HashMap::from([("refunds".to_owned(), 1)]))]);
    assert!(score(&ranking, &judgements).values().all(|value| *value <= 1.0));
}

//! Retrieval with every rank and score.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use answering::retrieve::query_vector;
use axum::extract::State;
use domain::trace::Rank;
use domain::{ChunkId, DocumentId};
use retrieval::{Hit, Mode, Search};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use storage::chunks::FoundChunk;
use utoipa::ToSchema;

/// Hits where the request does not say.
const HITS_DEFAULT: usize = 10;
/// Hits at most.
const HITS_MAX: usize = 100;
/// Characters of a query at most.
const QUERY_CHARS_MAX: usize = 4_000;

/// What to look for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSearch {
    query: String,
    /// Hits wanted, from 1 to 100; 10 where absent.
    #[serde(default)]
    k: Option<usize>,
    /// `hybrid`, `dense` or `bm25`; `hybrid` where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    mode: Mode,
    /// Weight of the vectors in the fusion, 0 to 1.
    #[serde(default)]
    dense_weight: Option<f64>,
}

/// What was found, best first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchObject {
    /// Always `list`.
    object: &'static str,
    data: Vec<HitObject>,
    /// Why retrieval was not at full strength, where it was not.
    degraded: Option<String>,
    /// The knowledge version that was searched.
    knowledge_version: i64,
}

/// A passage with its place in every ranking.
#[derive(Serialize, ToSchema)]
pub(crate) struct HitObject {
    #[schema(value_type = String)]
    chunk_id: ChunkId,
    #[schema(value_type = String)]
    document_id: DocumentId,
    version: i64,
    external_id: Option<String>,
    url: Option<String>,
    title: String,
    heading_path: String,
    /// Exactly the bytes from `start` to `end` of the document version.
    text: String,
    start: i64,
    end: i64,
    /// Place by vector.
    #[schema(value_type = Option<RankObject>)]
    dense: Option<Rank>,
    /// Place by words.
    #[schema(value_type = Option<RankObject>)]
    bm25: Option<Rank>,
    /// Place after fusion.
    #[schema(value_type = RankObject)]
    fused: Rank,
    /// Place after reranking.
    #[schema(value_type = Option<RankObject>)]
    reranked: Option<Rank>,
}

/// A place in one ranking.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes `Rank` in the OpenAPI document")]
struct RankObject {
    /// From 1.
    rank: usize,
    /// The ranking's own score.
    score: f64,
}

/// Searches the knowledge.
#[utoipa::path(post, path = "/v1/search", tag = "playground", request_body = CreateSearch,
    responses((status = 200, description = "The hits", body = SearchObject)))]
pub(crate) async fn create_search(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateSearch>,
) -> Result<axum::Json<SearchObject>> {
    check(&body)?;
    let mut search = Search::new(caller.organization_id(), body.query);
    search.mode = body.mode;
    search.k = body.k.unwrap_or(HITS_DEFAULT);
    search.dense_weight = body.dense_weight.unwrap_or(search.dense_weight);
    search.language = answering::understand::understand(&search.text, &[]).language;
    let mut degraded = None;
    if search.mode != Mode::Bm25 {
        (search.vector, degraded) = query_vector(&app.desk, &search.text).await;
    }
    let found = app.desk.retrieval.search(&search).await?;
    let ids: Vec<ChunkId> = found.hits.iter().map(|hit| hit.chunk_id).collect();
    let chunks = app.of(caller.organization_id()).load_chunks(&ids).await?;
    let mut chunks: HashMap<_, _> = chunks.into_iter().map(|found| (found.chunk.id, found)).collect();
    let hits = found.hits.iter().filter_map(|hit| Some(shown(hit, chunks.remove(&hit.chunk_id)?)));
    Ok(axum::Json(SearchObject {
        object: "list",
        data: hits.collect(),
        degraded: degraded.or(found.degraded),
        knowledge_version: found.applied_seq,
    }))
}

fn shown(hit: &Hit, found: FoundChunk) -> HitObject {
    HitObject {
        chunk_id: hit.chunk_id,
        document_id: found.chunk.document_id,
        version: found.chunk.version,
        external_id: found.external_id,
        url: found.url,
        title: found.title,
        heading_path: found.chunk.heading_path,
        text: found.chunk.text,
        start: found.chunk.start_byte,
        end: found.chunk.end_byte,
        dense: hit.dense,
        bm25: hit.bm25,
        fused: hit.fused,
        reranked: hit.reranked,
    }
}

fn check(body: &CreateSearch) -> Result<()> {
    let characters = body.query.chars().count();
    if body.query.trim().is_empty() || characters > QUERY_CHARS_MAX {
        return Err(Problem::invalid(format!("`query` has from 1 to {QUERY_CHARS_MAX} characters")).at("/query"));
    }
    if !(1..=HITS_MAX).contains(&body.k.unwrap_or(HITS_DEFAULT)) {
        return Err(Problem::invalid(format!("`k` is from 1 to {HITS_MAX}")).at("/k"));
    }
    if !(0.0..=1.0).contains(&body.dense_weight.unwrap_or(0.5)) {
        return Err(Problem::invalid("`dense_weight` is from 0 to 1").at("/dense_weight"));
    }
    Ok(())
}

//! Vectors in a Qdrant server: one collection per space, shared by all organizations.
//!
//! The payload `organization_id` is the tenant key and part of every filter. Each organization has
//! one more point, its mark, whose id is the organization's: it carries the applied seq in the
//! collection itself, so a lost collection is also a forgotten seq, and is filled again. Qdrant has
//! no transactions, so content is written first and the mark last; what a crash leaves is
//! written again, and hits of a stale version are dropped when they are re-read from storage.

use super::{DenseBatch, DenseChunk, DenseDocument, Nearest, Neighbours, VectorIndex};
use crate::error::{Error, Result};
use crate::fuse::{Scored, by_score};
use crate::space::VectorSpace;
use domain::{ChunkId, DocumentId, OrganizationId};
use futures::FutureExt;
use futures::future::BoxFuture;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, DeletePointsBuilder,
    Distance, FieldType, Filter, GetPointsBuilder, HnswConfigDiffBuilder, KeywordIndexParamsBuilder, PointId,
    PointStruct, PointsIdsList, QueryPointsBuilder, ScoredPoint, ScrollPointsBuilder, UpsertPointsBuilder, Value,
    VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use quick_cache::sync::Cache;
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

/// What the names of our collections begin with.
const COLLECTION_PREFIX: &str = "frontdesk-";
/// Points of one request: with 3,072 dimensions about 3 MB.
const POINTS_PER_REQUEST: usize = 256;
/// Points of one page when everything is listed.
const POINTS_PER_PAGE: u32 = 1_000;
/// How long a write, or a look at what is held, may take: a search is waited for more briefly by whoever asks.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// Collections remembered as existing.
const COLLECTIONS_KNOWN_MAX: usize = 64;
/// Links per point of a tenant's graph; there is no graph over all tenants.
const TENANT_GRAPH_LINKS: u64 = 16;
/// Why nothing can be asked of a server that is down.
const UNREACHABLE: &str = "it cannot be connected to";
/// gRPC's code for a thing that does not exist.
const GRPC_NOT_FOUND: i32 = 5;

const ORGANIZATION: &str = "organization_id";
const DOCUMENT: &str = "document_id";
const SOURCE: &str = "source_id";
const VERSION: &str = "version";
const LANGUAGE: &str = "language";
const FINGERPRINT: &str = "fingerprint";
const APPLIED_SEQ: &str = "applied_seq";

/// How a server is reached.
pub(crate) struct QdrantSettings {
    pub(crate) url: String,
    pub(crate) api_key: Option<String>,
    pub(crate) connect_timeout: Duration,
}

/// The vector index in a Qdrant server.
pub(crate) struct QdrantIndex {
    url: String,
    client: Qdrant,
    collections: Cache<String, ()>,
}

impl QdrantIndex {
    /// Prepares the client; connects with the first request.
    pub(crate) fn new(settings: QdrantSettings) -> Result<Self> {
        let mut config = Qdrant::from_url(&settings.url)
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(settings.connect_timeout)
            .skip_compatibility_check();
        config.api_key = settings.api_key;
        let client = config.build().map_err(|error| Error::QdrantSettings(format!("{}: {error}", settings.url)))?;
        Ok(Self { url: settings.url, client, collections: Cache::new(COLLECTIONS_KNOWN_MAX) })
    }

    fn failed(&self, error: &QdrantError) -> Error {
        let reason = if let QdrantError::ResponseError { status } = error {
            // What follows in that message is the client's own structures.
            let unreachable = status.message().starts_with("Failed to connect");
            if unreachable { UNREACHABLE.to_owned() } else { format!("{}: {}", status.code(), status.message()) }
        } else {
            error.to_string()
        };
        Error::Qdrant { url: self.url.clone(), reason }
    }

    /// The answer, or the default where the collection does not exist.
    fn or_missing<T: Default>(&self, answer: std::result::Result<T, QdrantError>) -> Result<T> {
        match answer {
            Err(QdrantError::ResponseError { status }) if i32::from(status.code()) == GRPC_NOT_FOUND => {
                Ok(T::default())
            }
            other => other.map_err(|error| self.failed(&error)),
        }
    }

    /// Makes sure that the space's collection exists, is indexed by tenant and has its dimensions.
    async fn ensure_collection(&self, space: &VectorSpace) -> Result<String> {
        let name = collection(space);
        if self.collections.get(&name).is_some() {
            return Ok(name);
        }
        if !self.client.collection_exists(&name).await.map_err(|error| self.failed(&error))? {
            let created = self.client.create_collection(collection_to_create(&name, space)).await;
            if let Err(error) = created
                && !self.client.collection_exists(&name).await.map_err(|error| self.failed(&error))?
            {
                return Err(self.failed(&error));
            }
        }
        self.check_dimensions(&name, space).await?;
        // Creating an index that exists changes nothing, and heals a crash after the collection.
        let tenant = CreateFieldIndexCollectionBuilder::new(&name, ORGANIZATION, FieldType::Keyword)
            .field_index_params(KeywordIndexParamsBuilder::default().is_tenant(true))
            .wait(true);
        self.client.create_field_index(tenant).await.map_err(|error| self.failed(&error))?;
        let document = CreateFieldIndexCollectionBuilder::new(&name, DOCUMENT, FieldType::Keyword).wait(true);
        self.client.create_field_index(document).await.map_err(|error| self.failed(&error))?;
        self.collections.insert(name.clone(), ());
        Ok(name)
    }

    async fn check_dimensions(&self, name: &str, space: &VectorSpace) -> Result<()> {
        let info = self.client.collection_info(name).await.map_err(|error| self.failed(&error))?;
        let vectors = info.result.and_then(|info| info.config?.params?.vectors_config?.config);
        match vectors {
            Some(Config::Params(params)) if params.size == space.dimensions as u64 => Ok(()),
            Some(Config::Params(params)) => Err(Error::Dimensions {
                model_id: space.model_id.clone(),
                expected: usize::try_from(params.size).unwrap_or(usize::MAX),
                found: space.dimensions,
            }),
            Some(Config::ParamsMap(_)) | None => Err(Error::Qdrant {
                url: self.url.clone(),
                reason: format!("collection `{name}` was not made by frontdesk: delete or rename it"),
            }),
        }
    }

    async fn seq(&self, organization_id: OrganizationId, space: &VectorSpace) -> Result<i64> {
        let mark = GetPointsBuilder::new(collection(space), vec![point_id(organization_id.uuid())]).with_payload(true);
        let found = self.or_missing(self.client.get_points(mark).await)?;
        Ok(found.result.first().and_then(|mark| mark.get(APPLIED_SEQ).as_integer()).unwrap_or(0))
    }

    async fn upsert(&self, name: &str, points: Vec<PointStruct>) -> Result<()> {
        let request = UpsertPointsBuilder::new(name, points).wait(true);
        let done = self.client.upsert_points(request).await;
        self.after_write(name, done.map(drop))
    }

    async fn delete(&self, name: &str, filter: Filter) -> Result<()> {
        let request = DeletePointsBuilder::new(name).points(filter).wait(true);
        let done = self.client.delete_points(request).await;
        self.after_write(name, done.map(drop))
    }

    /// A failed write may mean that the collection is gone: look again next time.
    fn after_write(&self, name: &str, done: std::result::Result<(), QdrantError>) -> Result<()> {
        done.map_err(|error| {
            self.collections.remove(name);
            self.failed(&error)
        })
    }

    async fn write(&self, organization_id: OrganizationId, space: &VectorSpace, batch: DenseBatch) -> Result<()> {
        let applied = self.seq(organization_id, space).await?;
        if batch.upto_seq <= applied {
            return Ok(());
        }
        if batch.after_seq > applied {
            return Err(Error::Gap { organization_id, applied, after: batch.after_seq });
        }
        let name = self.ensure_collection(space).await?;
        let points = batch
            .documents
            .iter()
            .flat_map(|document| document.chunks.iter().map(move |chunk| point(organization_id, document, chunk)));
        let points: Vec<PointStruct> = points.collect();
        for points in points.chunks(POINTS_PER_REQUEST) {
            self.upsert(&name, points.to_vec()).await?;
        }
        // The new chunks are there before the old ones go, so a document is never missing.
        for documents in batch.documents.chunks(POINTS_PER_REQUEST) {
            let replaced = documents.iter().map(|document| document.document_id);
            let kept =
                documents.iter().flat_map(|document| &document.chunks).map(|chunk| point_id(chunk.chunk_id.uuid()));
            let mut filter = of_documents(organization_id, replaced);
            filter.must_not.push(Condition::has_id(kept));
            self.delete(&name, filter).await?;
        }
        for documents in batch.deletes.chunks(POINTS_PER_REQUEST) {
            self.delete(&name, of_documents(organization_id, documents.iter().copied())).await?;
        }
        self.upsert(&name, vec![mark(organization_id, space, batch.upto_seq)]).await
    }

    async fn nearest(&self, nearest: &Nearest) -> Result<Neighbours> {
        let query = QueryPointsBuilder::new(collection(&nearest.space))
            .query(nearest.vector.clone())
            .filter(of_organization(nearest.organization_id))
            .limit(nearest.limit as u64)
            .with_payload(true);
        let (answer, applied_seq) =
            tokio::join!(self.client.query(query), self.seq(nearest.organization_id, &nearest.space));
        let answer = self.or_missing(answer)?;
        let mut passages: Vec<Scored> = answer.result.iter().filter_map(scored).collect();
        passages.sort_unstable_by(by_score);
        Ok(Neighbours { passages, applied_seq: applied_seq? })
    }

    async fn erase_everywhere(&self, organization_id: OrganizationId) -> Result<()> {
        let collections = self.client.list_collections().await.map_err(|error| self.failed(&error))?;
        for name in collections.collections.into_iter().map(|collection| collection.name) {
            if !name.starts_with(COLLECTION_PREFIX) {
                continue;
            }
            self.delete(&name, of_organization(organization_id)).await?;
            let mark = PointsIdsList { ids: vec![point_id(organization_id.uuid())] };
            let request = DeletePointsBuilder::new(&name).points(mark).wait(true);
            self.client.delete_points(request).await.map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    async fn list(&self, organization_id: OrganizationId, space: &VectorSpace) -> Result<Vec<(ChunkId, i64)>> {
        let (name, filter) = (collection(space), of_organization(organization_id));
        let count = CountPointsBuilder::new(&name).filter(filter.clone()).exact(true);
        let count = self.or_missing(self.client.count(count).await)?.result.map_or(0, |result| result.count);
        let mut held = HashSet::new();
        let mut next: Option<PointId> = None;
        // A page more than the count needs, for what is written meanwhile: never endless.
        for _ in 0..=count / u64::from(POINTS_PER_PAGE) + 1 {
            let mut page =
                ScrollPointsBuilder::new(&name).filter(filter.clone()).limit(POINTS_PER_PAGE).with_payload(true);
            if let Some(offset) = next {
                page = page.offset(offset);
            }
            let page = self.or_missing(self.client.scroll(page).await)?;
            for point in &page.result {
                if let Some(chunk) = point.id.as_ref().and_then(uuid_of) {
                    held.insert((ChunkId::from_uuid(chunk), point.get(VERSION).as_integer().unwrap_or(0)));
                }
            }
            next = page.next_page_offset;
            if next.is_none() {
                break;
            }
        }
        let mut held: Vec<_> = held.into_iter().collect();
        held.sort_unstable();
        Ok(held)
    }
}

impl VectorIndex for QdrantIndex {
    fn search<'a>(&'a self, nearest: &'a Nearest) -> BoxFuture<'a, Result<Neighbours>> {
        self.nearest(nearest).boxed()
    }

    fn apply<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
        batch: DenseBatch,
    ) -> BoxFuture<'a, Result<()>> {
        self.write(organization_id, space, batch).boxed()
    }

    fn applied_seq<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
    ) -> BoxFuture<'a, Result<i64>> {
        self.seq(organization_id, space).boxed()
    }

    fn erase(&self, organization_id: OrganizationId) -> BoxFuture<'_, Result<()>> {
        self.erase_everywhere(organization_id).boxed()
    }

    fn held<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
    ) -> BoxFuture<'a, Result<Vec<(ChunkId, i64)>>> {
        self.list(organization_id, space).boxed()
    }
}

fn collection(space: &VectorSpace) -> String {
    format!("{COLLECTION_PREFIX}{}", space.slug())
}

fn collection_to_create(name: &str, space: &VectorSpace) -> CreateCollectionBuilder {
    CreateCollectionBuilder::new(name)
        .vectors_config(VectorParamsBuilder::new(space.dimensions as u64, Distance::Cosine))
        .hnsw_config(HnswConfigDiffBuilder::default().m(0).payload_m(TENANT_GRAPH_LINKS))
}

fn of_organization(organization_id: OrganizationId) -> Filter {
    Filter::must([Condition::matches(ORGANIZATION, organization_id.to_string())])
}

fn of_documents(organization_id: OrganizationId, documents: impl Iterator<Item = DocumentId>) -> Filter {
    let documents: Vec<String> = documents.map(|document_id| document_id.to_string()).collect();
    Filter::must([
        Condition::matches(ORGANIZATION, organization_id.to_string()),
        Condition::matches(DOCUMENT, documents),
    ])
}

fn point(organization_id: OrganizationId, document: &DenseDocument, chunk: &DenseChunk) -> PointStruct {
    let mut payload = Payload::with_capacity(6);
    payload.insert(ORGANIZATION, organization_id.to_string());
    payload.insert(DOCUMENT, document.document_id.to_string());
    payload.insert(SOURCE, document.source_id.to_string());
    payload.insert(VERSION, document.version);
    payload.insert(FINGERPRINT, chunk.fingerprint.cast_signed());
    if let Some(language) = &document.language {
        payload.insert(LANGUAGE, language.clone());
    }
    PointStruct::new(point_id(chunk.chunk_id.uuid()), chunk.vector.clone(), payload)
}

/// The organization's mark: it has no tenant key, so no search ever finds it.
fn mark(organization_id: OrganizationId, space: &VectorSpace, seq: i64) -> PointStruct {
    let mut anywhere = vec![0.0; space.dimensions];
    if let Some(first) = anywhere.first_mut() {
        *first = 1.0f32;
    }
    let payload = Payload::from([(APPLIED_SEQ, Value::from(seq))]);
    PointStruct::new(point_id(organization_id.uuid()), anywhere, payload)
}

fn scored(point: &ScoredPoint) -> Option<Scored> {
    let text = |key| point.payload.get(key).and_then(Value::as_str);
    let number = |key| point.payload.get(key).and_then(Value::as_integer);
    Some(Scored {
        chunk_id: ChunkId::from_uuid(uuid_of(point.id.as_ref()?)?),
        document_id: text(DOCUMENT)?.parse().ok()?,
        version: number(VERSION)?,
        fingerprint: number(FINGERPRINT)?.cast_unsigned(),
        score: f64::from(point.score),
    })
}

fn point_id(uuid: Uuid) -> PointId {
    PointId::from(uuid.to_string())
}

fn uuid_of(id: &PointId) -> Option<Uuid> {
    match id.point_id_options.as_ref()? {
        PointIdOptions::Uuid(text) => text.parse().ok(),
        PointIdOptions::Num(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::print_stderr,
        clippy::disallowed_methods,
        reason = "tests fail by panicking and say what they skip"
    )]
    use super::*;

    #[tokio::test]
    async fn a_qdrant_server_is_a_vector_index() {
        let Ok(url) = std::env::var("QDRANT_URL") else {
            eprintln!("skipped: QDRANT_URL is not set");
            return;
        };
        let api_key = std::env::var("QDRANT_API_KEY").ok();
        let settings = QdrantSettings { url, api_key, connect_timeout: Duration::from_secs(10) };
        let index = QdrantIndex::new(settings).unwrap();
        for space in crate::dense::conformance::exercise(&index).await {
            index.client.delete_collection(collection(&space)).await.unwrap();
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let settings =
            QdrantSettings { url: "not an address".to_owned(), api_key: None, connect_timeout: Duration::from_secs(1) };
        assert!(QdrantIndex::new(settings).is_err());
    }
}

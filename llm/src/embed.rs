//! Turning texts into vectors.

use crate::error::Error;
use futures::future::BoxFuture;
use quick_cache::sync::Cache;
use std::sync::{Arc, PoisonError, RwLock};

/// A longer query is embedded each time anew: it will hardly come again and would fill the cache.
const CACHED_QUERY_BYTES_MAX: usize = 2048;

/// A model that turns texts into vectors.
pub trait Embedder: Send + Sync {
    /// The model's name and a short hash, stored with each index: another id means another index.
    fn model_id(&self) -> &str;

    /// Floats of each vector.
    fn dimensions(&self) -> usize;

    /// Embeds texts: one vector per input, same order, unit length, `dimensions()` floats. Texts
    /// longer than the model reads are cut at its limit.
    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Error>>;
}

/// Query vectors that were computed before, bounded in number.
pub struct CachedQueries {
    embedder: Arc<dyn Embedder>,
    vectors: Cache<String, Arc<[f32]>>,
}

impl CachedQueries {
    /// Keeps up to `queries_max` vectors of this embedder.
    pub fn new(embedder: Arc<dyn Embedder>, queries_max: usize) -> Self {
        Self { embedder, vectors: Cache::new(queries_max) }
    }

    /// The embedder behind the cache.
    pub fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.embedder
    }

    /// The vector of a query; the same query asked at the same time is computed once.
    pub async fn vector(&self, query: &str) -> Result<Arc<[f32]>, Error> {
        if query.len() > CACHED_QUERY_BYTES_MAX {
            return self.compute(query).await;
        }
        self.vectors.get_or_insert_async(query, self.compute(query)).await
    }

    async fn compute(&self, query: &str) -> Result<Arc<[f32]>, Error> {
        let vectors = self.embedder.embed(&[query.to_owned()]).await?;
        let vector = vectors.into_iter().next().ok_or_else(|| Error::Malformed {
            model: self.embedder.model_id().to_owned(),
            message: "no vector for the query".to_owned(),
        })?;
        Ok(vector.into())
    }
}

/// The place of the embedding model: empty until its files are there, so that a desk starts without.
#[derive(Clone, Default)]
pub struct EmbedderSlot {
    queries: Arc<RwLock<Option<Arc<CachedQueries>>>>,
}

impl EmbedderSlot {
    /// Puts a model in; whoever asks from now on uses it.
    pub fn fill(&self, queries: CachedQueries) {
        *self.queries.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(queries));
    }

    /// The vectors of queries, where a model is there.
    pub fn queries(&self) -> Option<Arc<CachedQueries>> {
        self.queries.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The model, where it is there.
    pub fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        self.queries().map(|queries| Arc::clone(queries.embedder()))
    }
}

/// Scales a vector to unit length; `None` where that is impossible (zero, NaN or infinite).
pub(crate) fn unit_length(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if !length.is_finite() || length <= f32::MIN_POSITIVE {
        return None;
    }
    for x in &mut vector {
        *x /= length;
    }
    Some(vector)
}

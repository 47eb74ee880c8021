//! all-MiniLM-L6-v2 in this process: word pieces, the ONNX model in `rten`, mean pooling, unit length.
//!
//! Work runs on blocking threads, few at a time, in two lanes: a customer's question never waits
//! behind the pages of a scan.

mod wordpiece;

use crate::embed::{Embedder, unit_length};
use crate::error::Error;
use crate::telemetry;
use crate::weights::WeightFiles;
use domain::usage::TokenUsage;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use serde::Deserialize;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::Semaphore;
use wordpiece::WordPieces;

/// Floats of each vector.
pub const DIMENSIONS: usize = 384;
/// Tokens of a batch, padding included: larger batches are no faster and hold more memory.
const BATCH_TOKENS_MAX: usize = 2048;
/// Texts of a batch.
const BATCH_TEXTS_MAX: usize = 32;
/// Texts this small in all are a question; they have a lane of their own.
const QUESTION_BYTES_MAX: usize = 4 * 1024;
/// Questions computed at the same time.
const QUESTIONS_AT_ONCE: usize = 2;
/// Batches of larger requests computed at the same time.
const BATCHES_AT_ONCE: usize = 1;
/// Tokens that the model itself can read.
const TOKENS_LIMIT: usize = 512;

/// How the local model works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Tokens of a text that are read, at most 512; the model was trained with 256.
    pub tokens_max: usize,
    /// Threads for large requests; 0 for one per processor, up to four.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tokens_max: 256, threads: 0 }
    }
}

/// The local embedding model. It is loaded at the first text.
pub struct LocalEmbedding {
    model_id: String,
    shared: Arc<Shared>,
    questions: Arc<Semaphore>,
    batches: Arc<Semaphore>,
}

struct Shared {
    model_id: String,
    files: WeightFiles,
    settings: Settings,
    loaded: OnceLock<Result<Loaded, Error>>,
}

struct Loaded {
    model: Model,
    inputs: Inputs,
    output: NodeId,
    words: WordPieces,
    question_pool: Arc<ThreadPool>,
    batch_pool: Arc<ThreadPool>,
}

struct Inputs {
    ids: NodeId,
    mask: NodeId,
    types: Option<NodeId>,
}

/// Texts of similar length, padded to the longest of them.
#[derive(Clone, Debug)]
pub struct PaddedBatch {
    /// Where each text stood in the request.
    pub places: Vec<usize>,
    /// Tokens of each text.
    pub lengths: Vec<usize>,
    /// Tokens of the longest.
    pub width: usize,
    /// Token ids, row by row, `width` each.
    pub ids: Vec<i32>,
}

impl LocalEmbedding {
    /// Prepares the model whose files were found; nothing is read yet.
    ///
    /// # Errors
    /// `Invalid` when a setting is out of range.
    pub fn new(files: WeightFiles, settings: Settings) -> Result<Self, Error> {
        if !(8..=TOKENS_LIMIT).contains(&settings.tokens_max) {
            return Err(Error::Settings(format!(
                "`embedding.tokens_max` is {}: set it between 8 and {TOKENS_LIMIT}",
                settings.tokens_max
            )));
        }
        let hash = files.model_sha256.get(..8).unwrap_or_default();
        let model_id = format!("all-MiniLM-L6-v2-int8-{hash}");
        let shared = Shared { model_id: model_id.clone(), files, settings, loaded: OnceLock::new() };
        Ok(Self {
            model_id,
            shared: Arc::new(shared),
            questions: Arc::new(Semaphore::new(QUESTIONS_AT_ONCE)),
            batches: Arc::new(Semaphore::new(BATCHES_AT_ONCE)),
        })
    }

    /// Loads the model now, so that the first question does not wait for it.
    pub async fn load(&self) -> Result<(), Error> {
        self.work(&self.batches, |shared| shared.loaded().map(|_| ())).await
    }

    /// The batches that texts are computed in, for measurements.
    pub fn padded_batches(&self, texts: &[String]) -> Result<Vec<PaddedBatch>, Error> {
        self.shared.batches(texts)
    }

    async fn embed_all(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let started = Instant::now();
        let result = self.compute(texts).await;
        telemetry::record_call(telemetry::EMBEDDINGS, &self.model_id, started.elapsed(), result.as_ref().err());
        let (vectors, tokens) = result?;
        let usage = TokenUsage { input_tokens: i64::try_from(tokens).unwrap_or(i64::MAX), ..TokenUsage::default() };
        telemetry::record_tokens(telemetry::EMBEDDINGS, &self.model_id, usage);
        Ok(vectors)
    }

    async fn compute(&self, texts: &[String]) -> Result<(Vec<Vec<f32>>, usize), Error> {
        let bytes: usize = texts.iter().map(String::len).sum();
        let is_question = bytes <= QUESTION_BYTES_MAX;
        let lane = if is_question { &self.questions } else { &self.batches };
        let owned: Vec<String> = texts.to_vec();
        let batches = self.work(lane, move |shared| shared.batches(&owned)).await?;
        let tokens = batches.iter().flat_map(|batch| &batch.lengths).sum();
        let computed: Vec<_> = stream::iter(batches)
            .map(|batch| {
                self.work(lane, move |shared| {
                    let vectors = shared.run(&batch, is_question)?;
                    Ok((batch.places, vectors))
                })
            })
            .buffered(BATCHES_AT_ONCE)
            .try_collect()
            .await?;
        let mut vectors = vec![Vec::new(); texts.len()];
        for (places, found) in computed {
            for (place, vector) in places.into_iter().zip(found) {
                if let Some(slot) = vectors.get_mut(place) {
                    *slot = vector;
                }
            }
        }
        Ok((vectors, tokens))
    }

    async fn work<T: Send + 'static>(
        &self,
        lane: &Arc<Semaphore>,
        step: impl FnOnce(&Shared) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let defect = |message: String| Error::Local { model: self.model_id.clone(), message };
        let permit = Arc::clone(lane).acquire_owned().await.map_err(|e| defect(e.to_string()))?;
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            step(&shared)
        })
        .await
        .map_err(|panicked| defect(panicked.to_string()))?
    }
}

impl Embedder for LocalEmbedding {
    fn model_id(&self) -> &str {
        &self.model_id
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Error>> {
        Box::pin(self.embed_all(texts))
    }
}

impl Shared {
    fn defect(&self, error: impl std::fmt::Display) -> Error {
        Error::Local { model: self.model_id.clone(), message: error.to_string() }
    }

    fn loaded(&self) -> Result<&Loaded, Error> {
        self.loaded.get_or_init(|| self.load()).as_ref().map_err(Clone::clone)
    }

    fn load(&self) -> Result<Loaded, Error> {
        let started = Instant::now();
        // A memory map would not help: this kind of file holds its weights among other data, and
        // they are copied out of it either way.
        let model = ModelOptions::with_all_ops().load_file(&self.files.model).map_err(|error| self.defect(error))?;
        let inputs = Inputs {
            ids: model.node_id("input_ids").map_err(|error| self.defect(error))?,
            mask: model.node_id("attention_mask").map_err(|error| self.defect(error))?,
            types: model.find_node("token_type_ids"),
        };
        let output = *model.output_ids().first().ok_or_else(|| self.defect("no output"))?;
        let words = WordPieces::read(&self.files.tokenizer).map_err(|error| self.defect(error))?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match self.settings.threads {
            0 => processors.min(4),
            threads => threads.min(processors),
        };
        let pool = |threads| Arc::new(ThreadPool::with_num_threads(threads));
        let duration_ms = started.elapsed().as_millis();
        tracing::info!(model = self.model_id, duration_ms, threads, "embedding model loaded");
        Ok(Loaded { model, inputs, output, words, question_pool: pool(threads.min(2)), batch_pool: pool(threads) })
    }

    fn batches(&self, texts: &[String]) -> Result<Vec<PaddedBatch>, Error> {
        let words = &self.loaded()?.words;
        let tokens_max = self.settings.tokens_max;
        let mut encoded =
            texts.iter().map(|text| words.encode(text, tokens_max)).enumerate().collect::<Vec<(usize, Vec<i32>)>>();
        encoded.sort_by_key(|(_, ids)| ids.len());
        let mut batches = Vec::new();
        let mut batch: Vec<(usize, Vec<i32>)> = Vec::new();
        for text in encoded {
            // Sorted by length, so that the newest is the longest and sets the width.
            let padded_tokens = text.1.len() * (batch.len() + 1);
            if padded_tokens > BATCH_TOKENS_MAX || batch.len() >= BATCH_TEXTS_MAX {
                batches.extend(PaddedBatch::of(std::mem::take(&mut batch)));
            }
            batch.push(text);
        }
        batches.extend(PaddedBatch::of(batch));
        Ok(batches)
    }

    fn run(&self, batch: &PaddedBatch, is_question: bool) -> Result<Vec<Vec<f32>>, Error> {
        let loaded = self.loaded()?;
        let pool = if is_question { &loaded.question_pool } else { &loaded.batch_pool };
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let inputs = loaded.inputs.of(batch);
        let [hidden] =
            loaded.model.run_n(inputs, [loaded.output], Some(options)).map_err(|error| self.defect(error))?;
        let hidden: NdTensor<f32, 3> = hidden.try_into().map_err(|error| self.defect(error))?;
        let floats = hidden.into_data();
        let row_floats = batch.width * DIMENSIONS;
        if floats.len() != row_floats * batch.places.len() {
            return Err(self.defect(format!("{} floats for {batch:?}", floats.len())));
        }
        floats
            .chunks_exact(row_floats)
            .zip(&batch.lengths)
            .map(|(row, length)| {
                unit_length(mean(row, *length)).ok_or_else(|| self.defect("a vector without direction"))
            })
            .collect()
    }
}

impl Inputs {
    fn of(&self, batch: &PaddedBatch) -> Vec<(NodeId, ValueOrView<'static>)> {
        let shape = [batch.places.len(), batch.width];
        let mask =
            batch.lengths.iter().flat_map(|length| (0..batch.width).map(move |position| i32::from(position < *length)));
        let tensor = |data: Vec<i32>| ValueOrView::from(NdTensor::from_data(shape, data));
        let mut inputs = vec![(self.ids, tensor(batch.ids.clone())), (self.mask, tensor(mask.collect()))];
        if let Some(types) = self.types {
            inputs.push((types, tensor(vec![0; batch.ids.len()])));
        }
        inputs
    }
}

impl PaddedBatch {
    /// `None` for no texts.
    fn of(texts: Vec<(usize, Vec<i32>)>) -> Option<Self> {
        let width = texts.iter().map(|(_, ids)| ids.len()).max()?;
        let mut batch = Self {
            places: Vec::with_capacity(texts.len()),
            lengths: Vec::with_capacity(texts.len()),
            width,
            ids: Vec::with_capacity(texts.len() * width),
        };
        for (place, ids) in texts {
            batch.places.push(place);
            batch.lengths.push(ids.len());
            let padding = width - ids.len();
            batch.ids.extend(ids);
            batch.ids.extend(std::iter::repeat_n(wordpiece::PADDING_ID, padding));
        }
        Some(batch)
    }
}

/// The mean of the first `length` vectors of a row; padding comes after them.
fn mean(row: &[f32], length: usize) -> Vec<f32> {
    let mut sum = vec![0.0; DIMENSIONS];
    for token in row.chunks_exact(DIMENSIONS).take(length) {
        for (total, value) in sum.iter_mut().zip(token) {
            *total += value;
        }
    }
    // The factor 1/length is left out: the vector is scaled to unit length anyway.
    sum
}

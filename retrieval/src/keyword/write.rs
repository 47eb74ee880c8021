//! Writes a batch into an organization's BM25 index: content and seq in one commit.

use super::analyze;
use super::opened::{Opened, Payload};
use super::schema::{Entry, Fields};
use crate::batch::Batch;
use domain::DocumentId;
use domain::knowledge::Chunk;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use tantivy::directory::MmapDirectory;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexWriter, TantivyDocument, TantivyError};

/// Memory of a writer before it starts another segment: the least that tantivy takes. The writer
/// lives as long as the batch.
const WRITER_MEMORY_BYTES: usize = 15_000_000;
/// Segments of like size before they are merged.
const SEGMENTS_MAX: usize = 10;

/// Applies a batch in one commit. `opened` is the index as it is now.
pub(super) fn apply(
    path: &Path,
    fields: &Fields,
    opened: Option<&Opened>,
    batch: &Batch,
    fingerprints: &[Vec<u64>],
) -> tantivy::Result<()> {
    let directory = MmapDirectory::open(path)?;
    let index = Index::builder().schema(fields.schema()).settings(Fields::settings()).open_or_create(directory)?;
    Fields::register(&index);
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(WRITER_MEMORY_BYTES)
        .build();
    let mut writer: IndexWriter = index.writer_with_options(options)?;
    writer.set_merge_policy(Box::new(merge_policy()));

    let mut languages: BTreeSet<String> = opened.iter().flat_map(|opened| opened.payload.languages.clone()).collect();
    remove(&writer, fields, opened, batch)?;
    add(&writer, fields, batch, fingerprints, &mut languages)?;

    let payload = Payload { seq: batch.upto_seq, languages: languages.into_iter().collect() };
    let mut commit = writer.prepare_commit()?;
    commit
        .set_payload(&serde_json::to_string(&payload).map_err(|error| TantivyError::InternalError(error.to_string()))?);
    commit.commit()?;
    writer.wait_merging_threads()
}

fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(SEGMENTS_MAX);
    policy
}

/// Removes what the index holds of the batch's documents. A term that is not there is not looked
/// for at commit, which makes a first import cheap.
fn remove(writer: &IndexWriter, fields: &Fields, opened: Option<&Opened>, batch: &Batch) -> tantivy::Result<()> {
    let Some(opened) = opened else { return Ok(()) };
    for document_id in batch.upserts.iter().map(|document| document.document_id).chain(batch.deletes.iter().copied()) {
        let term = fields.document_term(document_id);
        if opened.searcher.doc_freq(&term)? > 0 {
            writer.delete_term(term);
        }
    }
    Ok(())
}

fn add(
    writer: &IndexWriter<TantivyDocument>,
    fields: &Fields,
    batch: &Batch,
    fingerprints: &[Vec<u64>],
    languages: &mut BTreeSet<String>,
) -> tantivy::Result<()> {
    let deleted: HashSet<DocumentId> = batch.deletes.iter().copied().collect();
    for (document, fingerprints) in batch.upserts.iter().zip(fingerprints) {
        if deleted.contains(&document.document_id) || document.chunks.is_empty() {
            continue;
        }
        let language = analyze::code(document.language.as_deref());
        for (chunk, fingerprint) in document.chunks.iter().zip(fingerprints) {
            writer.add_document(fields.document(&Entry {
                chunk_id: chunk.chunk_id,
                document_id: document.document_id,
                version: document.version,
                fingerprint: *fingerprint,
                language: &language,
                context: &Chunk::context(&document.title, &chunk.heading_path),
                text: &chunk.text,
            }))?;
        }
        languages.insert(language);
    }
    Ok(())
}

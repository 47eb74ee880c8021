//! The fields of the BM25 index. Texts are not stored: hits are re-read from storage.

use super::analyze::{Analyzer, tagged};
use crate::fuse::Scored;
use domain::{ChunkId, DocumentId};
use tantivy::columnar::Column;
use tantivy::schema::{BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use tantivy::{DocId, Index, IndexSettings, SegmentReader, TantivyDocument, Term};
use uuid::Uuid;

/// The name that the tokenizer is registered under.
const ANALYZER: &str = "by_language";

/// What a passage is indexed as.
pub(super) struct Entry<'a> {
    pub(super) chunk_id: ChunkId,
    pub(super) document_id: DocumentId,
    pub(super) version: i64,
    pub(super) fingerprint: u64,
    pub(super) language: &'a str,
    pub(super) context: &'a str,
    pub(super) text: &'a str,
}

/// The fields. Ids are two numbers each: a number column costs a tenth of a byte-string column.
#[derive(Clone)]
pub(super) struct Fields {
    schema: Schema,
    pub(super) text: Field,
    document: Field,
    numbers: [Field; 6],
}

/// The number columns, in the order of `Fields::numbers`.
const NUMBERS: [&str; 6] = ["chunk_high", "chunk_low", "document_high", "document_low", "version", "fingerprint"];

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        // Frequencies without positions: there are no phrase queries.
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(ANALYZER)
            .set_index_option(IndexRecordOption::WithFreqs)
            .set_fieldnorms(true);
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let document = schema.add_bytes_field("document", BytesOptions::default().set_indexed());
        let numbers = NUMBERS.map(|name| schema.add_u64_field(name, NumericOptions::default().set_fast()));
        Self { schema: schema.build(), text, document, numbers }
    }

    pub(super) fn schema(&self) -> Schema {
        self.schema.clone()
    }

    pub(super) fn settings() -> IndexSettings {
        IndexSettings::default()
    }

    /// Makes the analyzer known to an opened index.
    pub(super) fn register(index: &Index) {
        index.tokenizers().register(ANALYZER, Analyzer::default());
    }

    /// The term that all passages of a document share.
    pub(super) fn document_term(&self, document_id: DocumentId) -> Term {
        Term::from_field_bytes(self.document, document_id.uuid().as_bytes())
    }

    pub(super) fn document(&self, entry: &Entry<'_>) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.text, tagged(entry.language, entry.context, entry.text));
        document.add_bytes(self.document, entry.document_id.uuid().as_bytes());
        let (chunk_high, chunk_low) = entry.chunk_id.uuid().as_u64_pair();
        let (document_high, document_low) = entry.document_id.uuid().as_u64_pair();
        let numbers =
            [chunk_high, chunk_low, document_high, document_low, entry.version.cast_unsigned(), entry.fingerprint];
        for (field, number) in self.numbers.iter().zip(numbers) {
            document.add_u64(*field, number);
        }
        document
    }
}

/// The number columns of one segment, opened.
pub(super) struct Columns([Column<u64>; 6]);

impl Columns {
    pub(super) fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        let [chunk_high, chunk_low, document_high, document_low, version, fingerprint] = NUMBERS;
        Ok(Self([
            columns.u64(chunk_high)?,
            columns.u64(chunk_low)?,
            columns.u64(document_high)?,
            columns.u64(document_low)?,
            columns.u64(version)?,
            columns.u64(fingerprint)?,
        ]))
    }

    pub(super) fn read(&self, row: DocId, score: f64) -> Scored {
        let [chunk_high, chunk_low, document_high, document_low, version, fingerprint] =
            self.0.each_ref().map(|column| column.first(row).unwrap_or_default());
        Scored {
            chunk_id: ChunkId::from_uuid(Uuid::from_u64_pair(chunk_high, chunk_low)),
            document_id: DocumentId::from_uuid(Uuid::from_u64_pair(document_high, document_low)),
            version: version.cast_signed(),
            fingerprint,
            score,
        }
    }
}

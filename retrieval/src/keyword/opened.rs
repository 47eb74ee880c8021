//! One organization's BM25 index as it was at one commit.

use super::analyze::Analyzer;
use super::schema::{Columns, Fields};
use crate::error::Result;
use crate::folder::Stamp;
use crate::fuse::Scored;
use domain::ChunkId;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{Index, ReloadPolicy, Searcher, Term};

/// tantivy's file that a commit replaces.
const META_FILE: &str = "meta.json";
/// Terms of a query; the later ones are left out.
const QUERY_TERMS_MAX: usize = 64;

/// What a commit carries beside the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payload {
    /// The change-log seq of the content.
    pub(super) seq: i64,
    /// Languages of the content, sorted.
    pub(super) languages: Vec<String>,
}

/// An index at one commit.
pub(super) struct Opened {
    pub(super) stamp: Stamp,
    pub(super) payload: Payload,
    pub(super) searcher: Searcher,
    columns: Vec<Columns>,
    /// Its memory of reduced words is worth sharing.
    analyzer: Mutex<Analyzer>,
}

impl Opened {
    /// What changes with every commit; `None` where there is no index.
    pub(super) fn stamp(path: &Path) -> Result<Option<Stamp>> {
        Stamp::of(&path.join(META_FILE))
    }

    pub(super) fn open(path: &Path, stamp: Stamp) -> tantivy::Result<Self> {
        let index = Index::open_in_dir(path)?;
        Fields::register(&index);
        // Read before the content, so that it never promises more than the content has.
        let payload = index.load_metas()?.payload.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let searcher = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?.searcher();
        let columns = searcher.segment_readers().iter().map(Columns::open).collect::<tantivy::Result<_>>()?;
        Ok(Self { stamp, payload, searcher, columns, analyzer: Mutex::default() })
    }

    pub(super) fn search(
        &self,
        fields: &Fields,
        text: &str,
        language: Option<&str>,
        limit: usize,
    ) -> tantivy::Result<Vec<Scored>> {
        let mut terms = {
            let mut analyzer = self.analyzer.lock().unwrap_or_else(PoisonError::into_inner);
            analyzer.query_terms(text, language, &self.payload.languages)
        };
        terms.truncate(QUERY_TERMS_MAX);
        if terms.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let clauses = terms.iter().map(|term| {
            let term = Term::from_field_text(fields.text, term);
            let clause: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
            (Occur::Should, clause)
        });
        let query = BooleanQuery::new(clauses.collect());
        let best = self.searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        Ok(best
            .into_iter()
            .filter_map(|(score, address)| {
                let columns = self.columns.get(address.segment_ord as usize)?;
                Some(columns.read(address.doc_id, f64::from(score)))
            })
            .collect())
    }

    /// Chunk and version of every passage, by chunk id.
    pub(super) fn held(&self) -> Vec<(ChunkId, i64)> {
        let mut held: Vec<(ChunkId, i64)> = self
            .searcher
            .segment_readers()
            .iter()
            .zip(&self.columns)
            .flat_map(|(segment, columns)| segment.doc_ids_alive().map(|row| columns.read(row, 0.0)))
            .map(|passage| (passage.chunk_id, passage.version))
            .collect();
        held.sort_unstable();
        held
    }
}

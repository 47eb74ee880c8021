//! The BM25 side: a tantivy index per organization, so that statistics never leak between tenants
//! and erasing is deleting a folder.

pub(crate) mod analyze;
mod opened;
mod schema;
mod write;

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::folder::Folders;
use crate::fuse::Scored;
use domain::{ChunkId, OrganizationId};
use opened::Opened;
use quick_cache::sync::Cache;
use schema::Fields;
use std::path::PathBuf;
use std::sync::Arc;

/// The folder of an organization's index; the number is its format.
const FOLDER: &str = "bm25-1";

/// The BM25 indexes of all organizations. Calls block; run them where that is allowed.
pub(crate) struct KeywordIndexes {
    folders: Folders,
    fields: Fields,
    open: Cache<OrganizationId, Arc<Opened>>,
}

/// What matches, and the seq it was found at.
pub(crate) struct Matches {
    pub(crate) passages: Vec<Scored>,
    pub(crate) applied_seq: i64,
}

impl KeywordIndexes {
    pub(crate) fn new(folders: Folders, open_max: usize) -> Self {
        Self { folders, fields: Fields::new(), open: Cache::new(open_max.max(1)) }
    }

    /// Finds the best `limit` passages by BM25.
    pub(crate) fn search(
        &self,
        organization_id: OrganizationId,
        text: &str,
        language: Option<&str>,
        limit: usize,
    ) -> Result<Matches> {
        let Some(opened) = self.opened(organization_id)? else {
            return Ok(Matches { passages: Vec::new(), applied_seq: 0 });
        };
        let passages = opened
            .search(&self.fields, text, language, limit)
            .map_err(|source| Error::Keyword { path: self.path(organization_id), source })?;
        Ok(Matches { passages, applied_seq: opened.payload.seq })
    }

    /// Applies a batch, unless it was applied already.
    pub(crate) fn apply(
        &self,
        organization_id: OrganizationId,
        batch: &Batch,
        fingerprints: &[Vec<u64>],
    ) -> Result<()> {
        let _lock = self.folders.lock(organization_id)?;
        let opened = self.opened(organization_id)?;
        let applied = opened.as_ref().map_or(0, |opened| opened.payload.seq);
        if batch.upto_seq <= applied {
            return Ok(());
        }
        if batch.after_seq > applied {
            return Err(Error::Gap { organization_id, applied, after: batch.after_seq });
        }
        let path = self.path(organization_id);
        std::fs::create_dir_all(&path).map_err(|source| Error::disk(&path, source))?;
        write::apply(&path, &self.fields, opened.as_deref(), batch, fingerprints)
            .map_err(|source| Error::Keyword { path, source })
    }

    /// The seq of the last batch; 0 before the first.
    pub(crate) fn applied_seq(&self, organization_id: OrganizationId) -> Result<i64> {
        Ok(self.opened(organization_id)?.map_or(0, |opened| opened.payload.seq))
    }

    /// Deletes the organization's index.
    pub(crate) fn erase(&self, organization_id: OrganizationId) -> Result<()> {
        let _lock = self.folders.lock(organization_id)?;
        self.open.remove(&organization_id);
        Folders::delete(&self.path(organization_id))
    }

    /// Chunk and version of every passage, by chunk id.
    pub(crate) fn held(&self, organization_id: OrganizationId) -> Result<Vec<(ChunkId, i64)>> {
        Ok(self.opened(organization_id)?.map_or_else(Vec::new, |opened| opened.held()))
    }

    fn path(&self, organization_id: OrganizationId) -> PathBuf {
        self.folders.of(organization_id).join(FOLDER)
    }

    /// The index as last committed by any process; `None` where there is none.
    fn opened(&self, organization_id: OrganizationId) -> Result<Option<Arc<Opened>>> {
        let path = self.path(organization_id);
        let Some(stamp) = Opened::stamp(&path)? else {
            self.open.remove(&organization_id);
            return Ok(None);
        };
        if let Some(opened) = self.open.get(&organization_id)
            && opened.stamp == stamp
        {
            return Ok(Some(opened));
        }
        let opened = Arc::new(Opened::open(&path, stamp).map_err(|source| Error::Keyword { path, source })?);
        self.open.insert(organization_id, Arc::clone(&opened));
        Ok(Some(opened))
    }
}

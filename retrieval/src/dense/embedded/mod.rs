//! Vectors in files beside the database: an exact scan per organization, no server.
//!
//! A folder per organization and space holds a manifest and two row files. A batch appends rows,
//! syncs them, and replaces the manifest, which alone says what counts; so a crash at any point
//! leaves the last commit, and readers in any process never see half a batch.

mod manifest;
mod row;
mod snapshot;

use super::{DenseBatch, Nearest, Neighbours, VectorIndex};
use crate::error::{Error, Result};
use crate::folder::{Folders, Stamp};
use crate::searching::searching;
use crate::space::VectorSpace;
use domain::{ChunkId, DocumentId, OrganizationId};
use futures::FutureExt;
use futures::future::BoxFuture;
use manifest::Manifest;
use quick_cache::sync::Cache;
use snapshot::{Snapshot, codes_path, values_path};
use std::collections::HashSet;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zerocopy::IntoBytes;

/// The folder of an organization's spaces.
const FOLDER: &str = "vectors";
/// Dead rows that are always tolerated.
const DEAD_ROWS_MIN: usize = 1_000;
/// The share of dead rows, one in so many, from which the living are written anew.
const DEAD_ROWS_SHARE: usize = 4;

/// The embedded vector index of all organizations.
#[derive(Clone)]
pub(crate) struct EmbeddedIndex(Arc<Inner>);

struct Inner {
    folders: Folders,
    open: Cache<(OrganizationId, VectorSpace), Arc<Snapshot>>,
}

impl EmbeddedIndex {
    pub(crate) fn new(folders: Folders, open_max: usize) -> Self {
        Self(Arc::new(Inner { folders, open: Cache::new(open_max.max(1)) }))
    }

    /// Runs blocking work where it may block.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let inner = Arc::clone(&self.0);
        async move { tokio::task::spawn_blocking(move || work(&inner)).await? }.boxed()
    }
}

impl VectorIndex for EmbeddedIndex {
    fn search<'a>(&'a self, nearest: &'a Nearest) -> BoxFuture<'a, Result<Neighbours>> {
        let Nearest { organization_id, space, vector, limit } = nearest.clone();
        let inner = Arc::clone(&self.0);
        let work = move || match inner.opened(organization_id, &space)? {
            None => Ok(Neighbours { passages: Vec::new(), applied_seq: 0 }),
            Some(opened) => {
                Ok(Neighbours { passages: opened.nearest(&vector, limit)?, applied_seq: opened.manifest.seq })
            }
        };
        searching(work).boxed()
    }

    fn apply<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
        batch: DenseBatch,
    ) -> BoxFuture<'a, Result<()>> {
        let space = space.clone();
        self.run(move |inner| inner.apply(organization_id, &space, &batch))
    }

    fn applied_seq<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
    ) -> BoxFuture<'a, Result<i64>> {
        let space = space.clone();
        self.run(move |inner| Ok(inner.opened(organization_id, &space)?.map_or(0, |opened| opened.manifest.seq)))
    }

    fn erase(&self, organization_id: OrganizationId) -> BoxFuture<'_, Result<()>> {
        self.run(move |inner| {
            let _lock = inner.folders.lock(organization_id)?;
            inner.open.retain(|(owner, _), _| *owner != organization_id);
            Folders::delete(&inner.folders.of(organization_id).join(FOLDER))
        })
    }

    fn held<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
    ) -> BoxFuture<'a, Result<Vec<(ChunkId, i64)>>> {
        let space = space.clone();
        self.run(move |inner| Ok(inner.opened(organization_id, &space)?.map_or_else(Vec::new, |opened| opened.held())))
    }
}

impl Inner {
    fn folder(&self, organization_id: OrganizationId, space: &VectorSpace) -> PathBuf {
        self.folders.of(organization_id).join(FOLDER).join(space.slug())
    }

    /// The space as last committed by any process; `None` where nothing was.
    fn opened(&self, organization_id: OrganizationId, space: &VectorSpace) -> Result<Option<Arc<Snapshot>>> {
        let folder = self.folder(organization_id, space);
        let key = (organization_id, space.clone());
        let stamp = Stamp::of(&Manifest::path(&folder))?;
        let known = self.open.get(&key);
        if let Some(known) = &known
            && Some(known.stamp) == stamp
        {
            return Ok(Some(Arc::clone(known)));
        }
        let mut opened = Snapshot::open(&folder, space, known.as_deref());
        if matches!(opened, Err(Error::Damaged { .. })) && Stamp::of(&Manifest::path(&folder))? != stamp {
            // A writer left this generation behind while it was being opened.
            opened = Snapshot::open(&folder, space, None);
        }
        match opened? {
            None => {
                self.open.remove(&key);
                Ok(None)
            }
            Some(opened) => {
                let opened = Arc::new(opened);
                self.open.insert(key, Arc::clone(&opened));
                Ok(Some(opened))
            }
        }
    }

    fn apply(&self, organization_id: OrganizationId, space: &VectorSpace, batch: &DenseBatch) -> Result<()> {
        let _lock = self.folders.lock(organization_id)?;
        let present = self.opened(organization_id, space)?;
        let applied = present.as_ref().map_or(0, |present| present.manifest.seq);
        if batch.upto_seq <= applied {
            return Ok(());
        }
        if batch.after_seq > applied {
            return Err(Error::Gap { organization_id, applied, after: batch.after_seq });
        }
        let folder = self.folder(organization_id, space);
        std::fs::create_dir_all(&folder).map_err(|source| Error::disk(&folder, source))?;
        write(&folder, space, present.as_deref(), batch)
    }
}

/// Writes the batch's rows behind the committed ones, or everything that lives into new files.
fn write(folder: &Path, space: &VectorSpace, present: Option<&Snapshot>, batch: &DenseBatch) -> Result<()> {
    let mut manifest = present.map_or_else(|| Manifest::empty(space), |present| present.manifest.clone());
    let leaving = present.map_or_else(Vec::new, |present| present.rows_of(&documents(batch)));
    let (mut codes, mut values) = (Vec::new(), Vec::new());
    let dead = manifest.dead.len() + leaving.len();
    let left_behind = manifest.generation;
    if dead > DEAD_ROWS_MIN.max(manifest.rows / DEAD_ROWS_SHARE) {
        (codes, values) = present.map_or_else(Default::default, |present| present.copy_without(&leaving));
        manifest.dead.clear();
        manifest.generation += 1;
        manifest.rows = 0;
    } else {
        manifest.dead.extend(leaving);
        manifest.dead.sort_unstable();
    }
    for document in &batch.documents {
        for chunk in &document.chunks {
            row::write(&mut codes, document.document_id, document.version, chunk);
            values.extend_from_slice(chunk.vector.as_bytes());
        }
    }
    let row_bytes = row::row_bytes(manifest.dimensions);
    append(&codes_path(folder, manifest.generation), manifest.rows * row_bytes, &codes)?;
    append(&values_path(folder, manifest.generation), manifest.rows * manifest.dimensions * size_of::<f32>(), &values)?;
    manifest.rows += codes.len() / row_bytes;
    manifest.seq = batch.upto_seq;
    manifest.commit(folder)?;
    if manifest.generation != left_behind {
        for path in [codes_path(folder, left_behind), values_path(folder, left_behind)] {
            std::fs::remove_file(&path).map_err(|source| Error::disk(&path, source))?;
        }
    }
    Ok(())
}

fn documents(batch: &DenseBatch) -> HashSet<DocumentId> {
    batch.documents.iter().map(|document| document.document_id).chain(batch.deletes.iter().copied()).collect()
}

/// Writes behind the committed bytes, over what a crash may have left there.
fn append(path: &Path, committed: usize, bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let write = || {
        let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
        file.set_len(committed as u64)?;
        file.seek(SeekFrom::Start(committed as u64))?;
        file.write_all(bytes)?;
        file.sync_data()
    };
    write().map_err(|source| Error::disk(path, source))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use crate::dense::conformance::{self, batch, document, found, fresh_document, fresh_organization};

    const EAST: [f32; 3] = [1.0, 0.0, 0.0];

    fn index(root: &Path) -> EmbeddedIndex {
        EmbeddedIndex::new(Folders::open(root.to_owned()).unwrap(), 4)
    }

    fn space() -> VectorSpace {
        conformance::space("conformance")
    }

    #[tokio::test]
    async fn files_are_a_vector_index() {
        let root = tempfile::tempdir().unwrap();
        conformance::exercise(&index(root.path())).await;
    }

    #[tokio::test]
    async fn a_second_process_sees_what_the_first_commits() {
        let root = tempfile::tempdir().unwrap();
        let (writer, reader, owner) = (index(root.path()), index(root.path()), fresh_organization());
        for (held, seq) in (1..=5).enumerate() {
            writer
                .apply(owner, &space(), batch(seq - 1, seq, vec![document(fresh_document(), 1, &[EAST])]))
                .await
                .unwrap();
            assert_eq!(reader.applied_seq(owner, &space()).await.unwrap(), seq);
            assert_eq!(reader.held(owner, &space()).await.unwrap().len(), held + 1);
        }
        let other = index(root.path());
        other.apply(owner, &space(), batch(5, 6, vec![document(fresh_document(), 1, &[EAST])])).await.unwrap();
        writer.apply(owner, &space(), batch(6, 7, Vec::new())).await.unwrap();
        assert_eq!(reader.held(owner, &space()).await.unwrap().len(), 6);
    }

    #[tokio::test]
    async fn a_crash_before_the_manifest_leaves_the_last_commit() {
        let root = tempfile::tempdir().unwrap();
        let owner = fresh_organization();
        let (kept, lost) = (document(fresh_document(), 1, &[EAST]), document(fresh_document(), 1, &[EAST, EAST]));
        index(root.path()).apply(owner, &space(), batch(0, 1, vec![kept.clone()])).await.unwrap();
        let folder = index(root.path()).0.folder(owner, &space());
        let manifest = std::fs::read(Manifest::path(&folder)).unwrap();
        index(root.path()).apply(owner, &space(), batch(1, 2, vec![lost.clone()])).await.unwrap();
        std::fs::write(Manifest::path(&folder), manifest).unwrap();

        let index = index(root.path());
        assert_eq!(index.held(owner, &space()).await.unwrap(), [(kept.chunks[0].chunk_id, 1)]);
        index.apply(owner, &space(), batch(1, 2, vec![lost])).await.unwrap();
        assert_eq!(index.held(owner, &space()).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn any_damaged_byte_is_found_and_the_fix_is_named() {
        let root = tempfile::tempdir().unwrap();
        let owner = fresh_organization();
        let documents = (0..4).map(|_| document(fresh_document(), 1, &[EAST, [0.3, 0.2, 0.9]])).collect();
        index(root.path()).apply(owner, &space(), batch(0, 1, documents)).await.unwrap();
        let whole = found(&index(root.path()), owner, &space(), EAST).await;
        let folder = index(root.path()).0.folder(owner, &space());
        for path in [Manifest::path(&folder), codes_path(&folder, 0), values_path(&folder, 0)] {
            let bytes = std::fs::read(&path).unwrap();
            for place in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[place] ^= 0x10;
                for damaged in [&flipped[..], &bytes[..place]] {
                    std::fs::write(&path, damaged).unwrap();
                    let nearest = Nearest { organization_id: owner, space: space(), vector: EAST.to_vec(), limit: 3 };
                    match index(root.path()).search(&nearest).await {
                        Ok(found) => panic!("byte {place} of {}: {found:?} instead of {whole:?}", path.display()),
                        Err(error) => assert!(error.to_string().contains("frontdesk reindex"), "{error}"),
                    }
                }
            }
            std::fs::write(&path, bytes).unwrap();
        }
        assert_eq!(found(&index(root.path()), owner, &space(), EAST).await, whole);
    }

    #[tokio::test]
    async fn dead_rows_are_left_behind_and_readers_go_on() {
        let root = tempfile::tempdir().unwrap();
        let (index, owner, changing) = (index(root.path()), fresh_organization(), fresh_document());
        let stays = document(fresh_document(), 1, &[EAST]);
        index.apply(owner, &space(), batch(0, 1, vec![stays.clone()])).await.unwrap();
        let vectors = vec![[0.0, 1.0, 0.0]; 400];
        for version in 1..=8 {
            let document = document(changing, version, &vectors);
            index.apply(owner, &space(), batch(version, version + 1, vec![document])).await.unwrap();
            assert_eq!(found(&index, owner, &space(), EAST).await[0].0, stays.document_id);
            assert_eq!(index.held(owner, &space()).await.unwrap().len(), 401);
        }
        let folder = index.0.folder(owner, &space());
        let manifest = Manifest::read(&folder, &space()).unwrap().unwrap();
        assert!(manifest.generation > 0 && manifest.rows < 401 + DEAD_ROWS_MIN + 400, "{manifest:?}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    }

    #[tokio::test]
    async fn quantising_does_not_change_the_answer() {
        let root = tempfile::tempdir().unwrap();
        let (index, owner) = (index(root.path()), fresh_organization());
        let mut random = fastrand::Rng::with_seed(7);
        let mut vector = move || [random.f32() - 0.5, random.f32() - 0.5, random.f32() - 0.5];
        let documents: Vec<_> = (0..2_000).map(|_| document(fresh_document(), 1, &[vector()])).collect();
        index.apply(owner, &space(), batch(0, 1, documents.clone())).await.unwrap();
        for _ in 0..20 {
            let query = space().unit(&vector()).unwrap();
            let mut exact: Vec<f32> = documents
                .iter()
                .map(|document| document.chunks[0].vector.iter().zip(&query).map(|(a, b)| a * b).sum())
                .collect();
            exact.sort_unstable_by(|left, right| right.total_cmp(left));
            let nearest = Nearest { organization_id: owner, space: space(), vector: query, limit: 10 };
            let found = index.search(&nearest).await.unwrap();
            for (hit, exact) in found.passages.iter().zip(exact) {
                assert!((hit.score - f64::from(exact)).abs() < 1e-5);
            }
        }
    }
}

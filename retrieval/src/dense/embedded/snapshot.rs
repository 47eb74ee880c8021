//! The committed rows of a space, mapped into memory and searched exactly.

use super::manifest::Manifest;
use super::row::{self, Tail};
use crate::error::{Error, Result};
use crate::folder::Stamp;
use crate::fuse::{Scored, by_score};
use crate::space::VectorSpace;
use domain::{ChunkId, DocumentId};
use memmap2::Mmap;
use simsimd::SpatialSimilarity;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use zerocopy::FromBytes;

/// Rows rescored exactly for each one wanted: quantising moves a neighbour by a few ranks only.
const RESCORED_PER_WANTED: usize = 2;
/// Rows rescored exactly beside those.
const RESCORED_MORE: usize = 32;

/// A space at one commit.
pub(super) struct Snapshot {
    pub(super) stamp: Stamp,
    pub(super) manifest: Manifest,
    rows: Rows,
    dead: Vec<bool>,
}

/// The two files of a generation, as long as the manifest says.
struct Rows {
    codes: Mapped,
    values: Mapped,
}

struct Mapped {
    path: PathBuf,
    map: Option<Mmap>,
}

/// The path of the scanned rows.
pub(super) fn codes_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("codes-{generation}"))
}

/// The path of the exact vectors.
pub(super) fn values_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("values-{generation}"))
}

impl Snapshot {
    /// Opens the last commit and checks its rows, beginning where `known` ends if that is an
    /// earlier state of the same files. `None` where nothing was committed.
    pub(super) fn open(folder: &Path, space: &VectorSpace, known: Option<&Self>) -> Result<Option<Self>> {
        let Some(stamp) = Stamp::of(&Manifest::path(folder))? else { return Ok(None) };
        let Some(manifest) = Manifest::read(folder, space)? else { return Ok(None) };
        let (count, dimensions) = (manifest.rows, manifest.dimensions);
        let rows = Rows {
            codes: Mapped::open(codes_path(folder, manifest.generation), count * row::row_bytes(dimensions))?,
            values: Mapped::open(values_path(folder, manifest.generation), count * dimensions * size_of::<f32>())?,
        };
        let mut dead = vec![false; count];
        for row in &manifest.dead {
            if let Some(dead) = dead.get_mut(*row) {
                *dead = true;
            }
        }
        let snapshot = Self { stamp, manifest, rows, dead };
        let checked = known
            .filter(|known| {
                known.manifest.generation == snapshot.manifest.generation && known.manifest.seq <= snapshot.manifest.seq
            })
            .map_or(0, |known| known.manifest.rows);
        snapshot.check_rows(checked)?;
        Ok(Some(snapshot))
    }

    fn check_rows(&self, from: usize) -> Result<()> {
        match self.chunks().skip(from).position(|row| !row::is_whole(row)) {
            None => Ok(()),
            Some(row) => {
                Err(Error::damaged(&self.rows.codes.path, format!("row {} does not match its checksum", from + row)))
            }
        }
    }

    fn chunks(&self) -> std::slice::ChunksExact<'_, u8> {
        self.rows.codes.bytes().chunks_exact(row::row_bytes(self.manifest.dimensions))
    }

    /// Every row that lives: its number, codes and tail.
    fn living(&self) -> impl Iterator<Item = (usize, &[i8], &Tail)> {
        self.chunks().zip(&self.dead).enumerate().filter_map(|(number, (row, dead))| {
            let (codes, tail) = row::split(row, self.manifest.dimensions)?;
            (!dead).then_some((number, codes, tail))
        })
    }

    /// The nearest rows, best first: all are scanned in bytes, the head is rescored exactly.
    pub(super) fn nearest(&self, vector: &[f32], limit: usize) -> Result<Vec<Scored>> {
        let head = limit * RESCORED_PER_WANTED + RESCORED_MORE;
        let (query, _) = row::quantised(vector);
        let mut best = Best::new(head);
        for (number, codes, tail) in self.living() {
            #[expect(clippy::cast_possible_truncation, reason = "a rough score; the head is rescored")]
            let dot = i8::dot(codes, &query).unwrap_or(f64::MIN) as f32;
            best.offer(dot * tail.scale(), number);
        }
        let mut scored =
            best.rows().into_iter().map(|number| self.exact(number, vector)).collect::<Result<Vec<_>>>()?;
        scored.sort_unstable_by(by_score);
        scored.truncate(limit);
        Ok(scored)
    }

    fn exact(&self, number: usize, vector: &[f32]) -> Result<Scored> {
        let damaged = || Error::damaged(&self.rows.values.path, format!("row {number} does not match its checksum"));
        let row = self.chunks().nth(number).ok_or_else(damaged)?;
        let (_, tail) = row::split(row, self.manifest.dimensions).ok_or_else(damaged)?;
        let bytes = self
            .value_bytes(number)
            .filter(|bytes| crc32fast::hash(bytes) == tail.values_crc.get())
            .ok_or_else(damaged)?;
        let values = <[f32]>::ref_from_bytes(bytes).map_err(|_| damaged())?;
        Ok(Scored {
            chunk_id: tail.chunk_id(),
            document_id: tail.document_id(),
            version: tail.version(),
            fingerprint: tail.fingerprint.get(),
            score: f32::dot(values, vector).unwrap_or_default(),
        })
    }

    fn value_bytes(&self, number: usize) -> Option<&[u8]> {
        let length = self.manifest.dimensions * size_of::<f32>();
        self.rows.values.bytes().get(number * length..(number + 1) * length)
    }

    /// The rows of these documents.
    pub(super) fn rows_of(&self, documents: &HashSet<DocumentId>) -> Vec<usize> {
        self.living()
            .filter(|(_, _, tail)| documents.contains(&tail.document_id()))
            .map(|(number, ..)| number)
            .collect()
    }

    /// The bytes of every row that lives and is not among `leaving` (rising), in both files.
    pub(super) fn copy_without(&self, leaving: &[usize]) -> (Vec<u8>, Vec<u8>) {
        let (mut codes, mut values) = (Vec::new(), Vec::new());
        for (number, (row, dead)) in self.chunks().zip(&self.dead).enumerate() {
            if !dead && leaving.binary_search(&number).is_err() {
                codes.extend_from_slice(row);
                values.extend_from_slice(self.value_bytes(number).unwrap_or_default());
            }
        }
        (codes, values)
    }

    /// Chunk and version of every passage, by chunk id.
    pub(super) fn held(&self) -> Vec<(ChunkId, i64)> {
        let mut held: Vec<_> = self.living().map(|(_, _, tail)| (tail.chunk_id(), tail.version())).collect();
        held.sort_unstable();
        held
    }
}

impl Mapped {
    fn open(path: PathBuf, length: usize) -> Result<Self> {
        if length == 0 {
            return Ok(Self { path, map: None });
        }
        let file = File::open(&path).map_err(|source| {
            let missing = source.kind() == std::io::ErrorKind::NotFound;
            if missing { Error::damaged(&path, "it is missing") } else { Error::disk(&path, source) }
        })?;
        let found = file.metadata().map_err(|source| Error::disk(&path, source))?.len();
        if found < length as u64 {
            return Err(Error::damaged(&path, format!("it has {found} bytes of {length}")));
        }
        #[expect(
            unsafe_code,
            reason = "committed bytes are never rewritten or cut: writers append behind them or write new files"
        )]
        // SAFETY: see the reason; the mapped length is the committed length.
        let map = unsafe { memmap2::MmapOptions::new().len(length).map(&file) };
        let map = map.map_err(|source| Error::disk(&path, source))?;
        Ok(Self { path, map: Some(map) })
    }

    fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

/// The best rows so far, in a buffer that is cut in half when it is full.
struct Best {
    wanted: usize,
    rows: Vec<(f32, usize)>,
    least: f32,
}

impl Best {
    fn new(wanted: usize) -> Self {
        Self { wanted, rows: Vec::with_capacity(wanted * 2), least: f32::MIN }
    }

    fn offer(&mut self, score: f32, row: usize) {
        if score < self.least {
            return;
        }
        self.rows.push((score, row));
        if self.rows.len() >= self.wanted * 2 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.rows.len() > self.wanted && self.wanted > 0 {
            let (_, least, _) =
                self.rows.select_nth_unstable_by(self.wanted - 1, |left, right| right.0.total_cmp(&left.0));
            self.least = least.0;
            self.rows.truncate(self.wanted);
        }
    }

    fn rows(mut self) -> Vec<usize> {
        self.cut();
        self.rows.into_iter().map(|(_, row)| row).collect()
    }
}

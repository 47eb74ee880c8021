//! What of the vector files counts: replaced as a whole, so a crash leaves the last commit.

use crate::error::{Error, Result};
use crate::space::VectorSpace;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The manifest's name in a space's folder.
pub(super) const FILE: &str = "manifest";
/// The layout of rows that this program reads.
const FORMAT: u32 = 1;

/// The committed state of a space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    pub(super) model_id: String,
    pub(super) dimensions: usize,
    /// The change-log seq of the content.
    pub(super) seq: i64,
    /// Which pair of row files; a new one is written to leave dead rows behind.
    pub(super) generation: u64,
    /// Rows that are committed; what lies behind them in the files is not.
    pub(super) rows: usize,
    /// Committed rows that were removed since, rising.
    pub(super) dead: Vec<usize>,
}

impl Manifest {
    /// The state before the first batch.
    pub(super) fn empty(space: &VectorSpace) -> Self {
        Self {
            format: FORMAT,
            model_id: space.model_id.clone(),
            dimensions: space.dimensions,
            seq: 0,
            generation: 0,
            rows: 0,
            dead: Vec::new(),
        }
    }

    pub(super) fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Reads the last commit; `None` where nothing was committed.
    pub(super) fn read(folder: &Path, space: &VectorSpace) -> Result<Option<Self>> {
        let path = Self::path(folder);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::disk(&path, source)),
        };
        let (checksum, content) =
            bytes.split_first_chunk::<4>().ok_or_else(|| Error::damaged(&path, "it is cut off"))?;
        if u32::from_le_bytes(*checksum) != crc32fast::hash(content) {
            return Err(Error::damaged(&path, "its checksum does not match"));
        }
        let manifest: Self =
            serde_json::from_slice(content).map_err(|error| Error::damaged(&path, error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(Error::damaged(
                &path,
                format!("it has format {}, this program reads {FORMAT}", manifest.format),
            ));
        }
        if manifest.dimensions != space.dimensions {
            return Err(Error::Dimensions {
                model_id: manifest.model_id,
                expected: manifest.dimensions,
                found: space.dimensions,
            });
        }
        Ok(Some(manifest))
    }

    /// Makes this the committed state. The rows must be on disk before.
    pub(super) fn commit(&self, folder: &Path) -> Result<()> {
        let path = Self::path(folder);
        let content = serde_json::to_vec(self).map_err(|error| Error::damaged(&path, error.to_string()))?;
        let written = folder.join("manifest.new");
        let replace = || {
            let mut file = File::create(&written)?;
            file.write_all(&crc32fast::hash(&content).to_le_bytes())?;
            file.write_all(&content)?;
            file.sync_all()?;
            std::fs::rename(&written, &path)?;
            File::open(folder)?.sync_all()
        };
        replace().map_err(|source| Error::disk(&path, source))
    }
}

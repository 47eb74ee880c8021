//! What the long-running commands share: following the change log, fetching the model, stopping.

use crate::failure::Failure;
use crate::output::Output;
use crate::wiring::{Wired, fill_local};
use domain::job::EmbedChunks;
use llm::weights;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Waits for Ctrl-C or the service manager's signal.
pub(crate) async fn stop_signal() -> Result<(), Failure> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        _ = terminate.recv() => Ok(()),
    }
}

/// Follows the change log, and fetches the embedding model where it is missing.
pub(crate) fn follow_and_fetch(wired: &Wired, tasks: &TaskTracker, stop: &CancellationToken, output: Output) {
    tasks.spawn(ingest::index::follow(wired.library.clone(), stop.clone()));
    let (wired, stop) = (wired.clone(), stop.clone());
    tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = embed(wired, output) => {}
        }
    });
}

/// Fetches the local model where it is missing, then has everything embedded that has no vector.
async fn embed(wired: Wired, output: Output) {
    let embedding = &wired.settings.embedding;
    if wired.library.embedder().is_none() && embedding.enabled && embedding.download {
        fetch_model(&wired, output).await;
    }
    if wired.library.embedder().is_some()
        && let Err(error) = embed_what_is_missing(&wired).await
    {
        tracing::warn!(%error, "passages without vectors could not be listed");
    }
}

async fn fetch_model(wired: &Wired, output: Output) {
    let bar = output.progress("embedding model", 0);
    let search = match weights::http_client() {
        Ok(http) => {
            weights::fetch(&wired.weights, &http, &mut |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            })
            .await
        }
        Err(error) => {
            output.say(&format!("! lexical only: {error}"));
            return;
        }
    };
    bar.finish_and_clear();
    if let Some(files) = search.files {
        match fill_local(&wired.settings, files, &wired.library.embedder) {
            Ok(()) => output.say(" ✓ embedding model       fetched; from now on meaning is compared too"),
            Err(failure) => output.say(&failure.to_string()),
        }
        return;
    }
    output.say(" ! embedding model       could not be fetched: only words are compared (`frontdesk doctor` says why)");
    for miss in search.misses {
        tracing::info!(%miss, "embedding model");
    }
}

async fn embed_what_is_missing(wired: &Wired) -> storage::Result<()> {
    let Some(embedder) = wired.library.embedder() else { return Ok(()) };
    let database = &wired.desk.database;
    for organization in database.list_organizations().await? {
        let tenant = database.of(organization.id);
        if tenant.count_missing_embeddings(embedder.model_id()).await? > 0 {
            let mut transaction = tenant.begin().await?;
            let now = transaction.now();
            transaction.enqueue(&EmbedChunks { organization_id: organization.id }, now).await?;
            transaction.commit().await?;
        }
    }
    Ok(())
}

//! `frontdesk up` and `frontdesk api`: the HTTP API, alone or with workers in one process.

use crate::cli;
use crate::commands::serve::{follow_and_fetch, stop_signal};
use crate::failure::Failure;
use crate::output::{Exit, Output, Tone};
use crate::wiring::Wired;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts everything in one process.
pub(crate) async fn up(wired: Wired, options: &cli::Up, output: Output) -> Result<Exit, Failure> {
    greet(&wired, output).await?;
    if options.demo {
        let loading = Instant::now();
        let demo = crate::demo::load(&wired).await?;
        let took = loading.elapsed().as_secs_f64();

        check(
            output,
            &format!(
                "demo desk \"Lumen Bikes\"   {} articles, {} conversations   {took:.1} s",
                demo.articles, demo.conversations
            ),
        )?;
    }
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let (listener, address) = listen(&wired).await?;
    tasks.spawn(api::serve(listener, state(&wired)?, stop.clone()));
    tasks.spawn(wired.worker().run(stop.clone()));
    follow_and_fetch(&wired, &tasks, &stop, output);
    say_where(&wired, address, output).await?;
    output.line(&format!("ready in {:.1} s · Ctrl-C to stop", wired.started.elapsed().as_secs_f64()))?;
    wait(&wired, &tasks, &stop, output).await
}

/// Starts the API only; workers run elsewhere.
pub(crate) async fn api_only(wired: Wired, output: Output) -> Result<Exit, Failure> {
    greet(&wired, output).await?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let (listener, address) = listen(&wired).await?;
    tasks.spawn(api::serve(listener, state(&wired)?, stop.clone()));
    follow_and_fetch(&wired, &tasks, &stop, output);
    say_where(&wired, address, output).await?;
    output.line("ready · messages are answered by `frontdesk worker` · Ctrl-C to stop")?;
    wait(&wired, &tasks, &stop, output).await
}

async fn wait(wired: &Wired, tasks: &TaskTracker, stop: &CancellationToken, output: Output) -> Result<Exit, Failure> {
    stop_signal().await?;
    output.say("stopping: running work may end");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    // What is not written down by now is taken up by the next process.
    let _ = wired.desk.database.close().await;
    Ok(Exit::Ok)
}

async fn listen(wired: &Wired) -> Result<(TcpListener, SocketAddr), Failure> {
    let wanted = wired.settings.api.listen;
    let listener = TcpListener::bind(wanted).await.map_err(|error| {
        Failure::new(Exit::Unreachable, format!("cannot listen on {wanted}"))
            .because(error)
            .fix("is frontdesk running already? choose another address with --listen HOST:PORT")
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn state(wired: &Wired) -> Result<api::State, Failure> {
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Failure::new(Exit::Problem, "the metrics cannot be started").because(error))?;
    Ok(api::State {
        desk: wired.desk.clone(),
        library: wired.library.clone(),
        metrics,
        settings: api::Settings {
            secure_cookies: wired.settings.api.public_url.starts_with("https://"),
            traces_days: wired.settings.retention.traces_days,
            conversations_days: wired.settings.retention.conversations_days,
            ..api::Settings::default()
        },
    })
}

fn check(output: Output, text: &str) -> Result<(), Failure> {
    output.line(&format!(" {} {text}", output.paint(Tone::Good, "✓")))
}

fn warn(output: Output, text: &str) -> Result<(), Failure> {
    output.line(&format!(" {} {text}", output.paint(Tone::Warning, "!")))
}

/// What runs, and what is not configured.
async fn greet(wired: &Wired, output: Output) -> Result<(), Failure> {
    let settings = &wired.settings;
    let version = env!("CARGO_PKG_VERSION");
    output.line(&format!("frontdesk {version} · {} · data {}", wired.engines(), settings.data.dir.display()))?;
    check(output, &format!("database ready        {} migrations", wired.migrations))?;
    let own = wired.desk.database.of(wired.organization_id()).find_model_endpoint().await;
    let own = own.map_err(|error| Failure::new(Exit::Problem, "the settings cannot be read").because(error))?;
    match (own, settings.llm.endpoint()) {
        (Some(own), _) => check(output, &format!("model                 {} at {}", own.model, own.base_url))?,
        (None, Some(endpoint)) => {
            check(output, &format!("model                 {} at {endpoint}", settings.llm.model))?;
        }
        (None, None) => check(
            output,
            "model                 extractive: answers quote your knowledge; connect a model any time (Settings › Model)",
        )?,
    }
    match wired.library.embedder() {
        Some(embedder) => check(output, &format!("embedding model       {}", embedder.model_id()))?,
        None if !settings.embedding.enabled => {
            warn(output, "embedding model       off: only words are compared (embedding.enabled)")?;
        }
        None if settings.embedding.download => {
            warn(output, "embedding model       not here yet: only words are compared until it is fetched")?;
        }
        None => {
            warn(output, "embedding model       missing: only words are compared; `frontdesk models pull` fetches it")?;
        }
    }
    Ok(())
}

/// Where it can be reached, and by whom. A desk without a member gets a fresh one-time link.
async fn say_where(wired: &Wired, address: SocketAddr, output: Output) -> Result<(), Failure> {
    let settings = &wired.settings;
    if address.ip().is_loopback() && settings.api.public_url.is_empty() {
        warn(output, "reachable from this computer only; to publish: --listen 0.0.0.0:8420 and api.public_url")?;
    }
    let base = match settings.api.public_url.trim_end_matches('/') {
        "" => format!("http://{address}"),
        url => url.to_owned(),
    };
    let set_up = api::session::set_up_path(&wired.desk.database, wired.organization_id()).await;
    let set_up = set_up.map_err(|error| Failure::new(Exit::Problem, "no set-up link can be made").because(error))?;
    match set_up {
        Some(path) => output.line(&format!("\n   Console   {base}{path}   one-time link, 30 min"))?,
        None => output.line(&format!("\n   Console   {base}/"))?,
    }
    output.line(&format!("   API       {base}/v1"))?;
    output.line(&format!("   API docs  {base}/docs"))?;
    output.line("   API key   frontdesk key create --name my-laptop")?;
    output.line("   Knowledge frontdesk scan https://docs.example.com")?;
    output.line("")
}

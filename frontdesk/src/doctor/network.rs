//! What is reached over the network, and what may reach this desk.

use super::{Finding, counted};
use crate::settings::Settings;
use crate::wiring;
use domain::OrganizationId;
use retrieval::VectorSpace;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn check_qdrant(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "qdrant";
    if settings.qdrant.url.is_empty() {
        return None;
    }
    let url = &settings.qdrant.url;
    let answer = tokio::time::timeout(PATIENCE, ask_qdrant(settings)).await;
    let why = match answer {
        Ok(Ok(())) => return Some(Finding::ok(CHECK, format!("{url} answers"))),
        Ok(Err(why)) => why,
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Some(
        Finding::problem(CHECK, format!("Qdrant at {url} cannot be used: searches compare words only"))
            .because(why)
            .fix("check that it runs, that `qdrant.url` (QDRANT_URL) is its gRPC address (port 6334), and `qdrant.api_key`; unset it to use the embedded index"),
    )
}

/// Asks for the state of a collection that nobody has.
async fn ask_qdrant(settings: &Settings) -> Result<(), String> {
    let retrieval = wiring::open_retrieval(settings).await.map_err(|failure| failure.why.unwrap_or(failure.what))?;
    let nobody: OrganizationId = storage::Clock::default().id();
    let space = VectorSpace { model_id: "doctor".to_owned(), dimensions: 1 };
    retrieval.applied_seq(nobody, Some(&space)).await.map(|_| ()).map_err(|error| error.to_string())
}

pub(super) async fn check_listening(settings: &Settings) -> Vec<Finding> {
    let address = settings.api.listen;
    let mut findings = vec![match TcpListener::bind(address).await {
        Ok(_) => Finding::ok("listen", format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => taken(address).await,
        Err(error) => Finding::problem("listen", format!("{address} cannot be listened on"))
            .because(error)
            .fix("choose another with --listen HOST:PORT or `api.listen`"),
    }];
    if !address.ip().is_loopback() && settings.api.public_url.is_empty() {
        findings.push(
            Finding::warning(
                "public_url",
                format!("{address} is reachable from outside, but `api.public_url` is empty"),
            )
            .because("links in messages and the set-up link would name the wrong address")
            .fix("set `api.public_url` to the address that people use"),
        );
    }
    findings
}

/// The port may be taken by this very desk.
async fn taken(address: SocketAddr) -> Finding {
    const CHECK: &str = "listen";
    let answers = async {
        let http = llm::weights::http_client().ok()?;
        let response = http.get(format!("http://{address}/healthz")).send().await.ok()?;
        response.status().is_success().then_some(())
    };
    match tokio::time::timeout(PATIENCE, answers).await {
        Ok(Some(())) => Finding::ok(CHECK, format!("a desk is running at {address}")),
        Ok(None) | Err(_) => Finding::problem(CHECK, format!("port {} is taken by another program", address.port()))
            .because(format!("what listens on {address} is no desk: it does not answer GET /healthz"))
            .fix("stop that program, or choose another port with --listen HOST:PORT or `api.listen`"),
    }
}

pub(super) fn check_private_hosts(settings: &Settings) -> Option<Finding> {
    let hosts = &settings.scan.allow_private_hosts;
    if hosts.is_empty() {
        return None;
    }
    let count = i64::try_from(hosts.len()).unwrap_or(i64::MAX);
    Some(
        Finding::warning(
            "private_hosts",
            format!("scans may reach {}: {}", counted(count, "private address"), hosts.join(", ")),
        )
        .because("who may start a scan can read what these addresses serve")
        .fix("take what is not needed any more out of `scan.allow_private_hosts`"),
    )
}

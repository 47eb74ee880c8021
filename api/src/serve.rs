//! Accepts connections, within limits, until it is told to stop; then lets what runs come to its end.

use crate::app::{App, State};
use crate::peer::Peer;
use crate::router::routes;
use axum::Extension;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::Layer;

/// Connections at most at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 4_096;
/// How long a client may take for the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the head of a request at most.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// How long running requests are waited for at the end.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How long accepting rests when the system is out of sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the API until `stop`, then ends streams and waits at most 30 seconds for what runs.
pub async fn serve(listener: TcpListener, state: State, stop: CancellationToken) -> io::Result<()> {
    let app = App::new(state, stop.clone());
    let router = routes(app.clone());
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_BYTES_MAX);
    loop {
        let accepted = stop.run_until_cancelled(accept(&listener, &connections)).await;
        let Some((stream, peer, permit)) = accepted else { break };
        let service = TowerToHyperService::new(Extension(Peer(peer.ip())).layer(router.clone()));
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection.into_owned());
        app.tasks.spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(error, "a connection broke");
            }
            drop(permit);
        });
    }
    drop(listener);
    app.tasks.close();
    let drained = async {
        graceful.shutdown().await;
        app.tasks.wait().await;
    };
    if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (tokio::net::TcpStream, SocketAddr, Option<tokio::sync::OwnedSemaphorePermit>) {
    let permit = connections.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                tracing::warn!(error = %error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

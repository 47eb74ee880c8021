//! Raw servers that answer as badly as their behaviours say, and one that must never be asked.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval_at};
use url::Url;

/// What a server sends.
pub(crate) enum Answer {
    /// These bytes, then it hangs up.
    Bytes(Vec<u8>),
    /// A head, then the same piece again and again until the reader hangs up.
    Endless { head: Vec<u8>, piece: &'static [u8], every: Duration },
    /// A head, then the same piece so many times.
    Repeated { head: Vec<u8>, piece: &'static [u8], times: usize },
    /// Nothing, and it does not hang up either.
    Silence,
}

/// What a behaviour knows of the request.
pub(crate) struct Request<'a> {
    pub(crate) path: &'a str,
    pub(crate) own: &'a Url,
    pub(crate) inner: &'a Url,
}

pub(crate) type Behaviour = fn(&Request<'_>) -> Answer;

/// A listener that must never be asked; it counts who does.
pub(crate) struct Inner {
    pub(crate) url: Url,
    hits: Arc<AtomicUsize>,
}

impl Inner {
    pub(crate) async fn listen() -> Self {
        // All addresses, so that every spelling of this machine would reach it.
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&hits);
        tokio::task::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(&page("Secrets", "<p>The inner network.")).await;
            }
        });
        Self { url: Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap(), hits }
    }

    /// One that listens in another process.
    pub(crate) fn at(url: Url) -> Self {
        Self { url, hits: Arc::default() }
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

/// Serves a behaviour on a port of its own.
pub(crate) async fn serve(inner: &Inner, behaviour: Behaviour) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let (address, inner) = (own.clone(), inner.url.clone());
    tokio::task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (own, inner) = (address.clone(), inner.clone());
            tokio::task::spawn(async move {
                let _ = answer(stream, behaviour, &own, &inner).await;
            });
        }
    });
    own
}

/// Answers one request; a reader that hangs up ends it.
async fn answer(mut stream: TcpStream, behaviour: Behaviour, own: &Url, inner: &Url) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let answer = behaviour(&Request { path, own, inner });
    match answer {
        Answer::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Answer::Endless { head, piece, every } => {
            stream.write_all(&head).await?;
            if every.is_zero() {
                loop {
                    stream.write_all(piece).await?;
                }
            }
            let mut pace = interval_at(Instant::now() + every, every);
            loop {
                pace.tick().await;
                stream.write_all(piece).await?;
            }
        }
        Answer::Repeated { head, piece, times } => {
            stream.write_all(&head).await?;
            for _ in 0..times {
                stream.write_all(piece).await?;
            }
            stream.shutdown().await
        }
        Answer::Silence => pending().await,
    }
}

/// An answer with these header lines and a body that ends with the connection.
pub(crate) fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{headers}connection: close\r\n\r\n").as_bytes(), body].concat()
}

/// A page of HTML.
pub(crate) fn page(title: &str, body: &str) -> Vec<u8> {
    let body = format!("<!doctype html><title>{title}</title><main><h1>{title}</h1>{body}</main>");
    ok(&format!("content-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n", body.len()), body.as_bytes())
}

/// A redirect.
pub(crate) fn to(target: &str) -> Answer {
    Answer::Bytes(
        format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .into_bytes(),
    )
}

/// An answer of that status without a body.
pub(crate) fn status(line: &str, headers: &str) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 {line}\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n").into_bytes())
}

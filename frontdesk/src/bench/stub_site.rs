//! A website on loopback whose pages change and vanish on demand. Its footer is another one at every
//! request, and it sends no validators unless it is told to, so that only the text says what changed.

use crate::failure::Failure;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What stands on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its text, at that edition.
    Edition(usize),
    /// A text of somebody's own.
    Text(String),
    /// Nothing any more; the status says so.
    Gone(u16),
}

/// A website that this process serves until it is dropped.
pub struct StubSite {
    site: Arc<Site>,
    address: SocketAddr,
    _server: JoinSet<io::Result<()>>,
}

#[derive(Default)]
struct Site {
    pages: Mutex<BTreeMap<usize, Content>>,
    requests: Mutex<usize>,
    /// Pages that were not sent because they had not changed; `None`: every page is sent.
    spared: Mutex<Option<usize>>,
}

impl StubSite {
    /// Serves `pages` pages and a start page that links to them.
    pub async fn start(pages: usize) -> Result<Self, Failure> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let site = Arc::new(Site::default());
        locked(&site.pages).extend((0..pages).map(|page| (page, Content::Edition(0))));
        let routes = axum::Router::new()
            .route("/", get(start_page))
            .route("/guides/{page}", get(page))
            .with_state(Arc::clone(&site));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { site, address, _server: server })
    }

    /// Its start page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Its host and port, as settings name them.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The address of a page.
    pub fn page_url(&self, page: usize) -> String {
        format!("http://{}/guides/{page}", self.address)
    }

    /// Changes what stands on a page.
    pub fn put(&self, page: usize, content: Content) {
        locked(&self.site.pages).insert(page, content);
    }

    /// What stands on a page.
    pub fn content(&self, page: usize) -> Option<Content> {
        locked(&self.site.pages).get(&page).cloned()
    }

    /// Sends an `ETag` with each page from now on, and no page to those who have it.
    pub fn send_validators(&self) {
        locked(&self.site.spared).get_or_insert_default();
    }

    /// Pages that were not sent because they had not changed.
    pub fn spared(&self) -> usize {
        locked(&self.site.spared).unwrap_or_default()
    }

    /// Pages that were asked for so far.
    pub fn requests(&self) -> usize {
        *locked(&self.site.requests)
    }
}

/// A word that only this page has, whatever its edition.
pub fn page_word(page: usize) -> String {
    format!("guide{}", letters(page))
}

/// A word that only this edition of this page has.
pub fn edition_word(page: usize, edition: usize) -> String {
    format!("edition{}x{}", letters(page), letters(edition))
}

/// Letters only: a number would be an amount, and a person would have to look at its change.
fn letters(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

async fn start_page(State(site): State<Arc<Site>>) -> Html<String> {
    let links = locked(&site.pages).iter().filter(|(_, content)| !matches!(content, Content::Gone(_))).fold(
        String::new(),
        |mut links, (page, _)| {
            // Writing into a string cannot fail.
            let _ = write!(links, "<li><a href=\"/guides/{page}\">Guide to {}</a></li>", page_word(*page));
            links
        },
    );
    Html(format!(
        "<html><head><title>All guides</title></head><body><main><h1>All guides</h1><p>Here is every guide that we have written for the people who use our product at home and at work.</p><ul>{links}</ul></main></body></html>"
    ))
}

async fn page(State(site): State<Arc<Site>>, Path(page): Path<usize>, headers: HeaderMap) -> Response {
    let nth = {
        let mut requests = locked(&site.requests);
        *requests += 1;
        *requests
    };
    let content = locked(&site.pages).get(&page).cloned().unwrap_or(Content::Gone(404));
    let text = match content {
        Content::Gone(status) => {
            return StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND).into_response();
        }
        Content::Text(text) => text,
        Content::Edition(edition) => own_text(page, edition),
    };
    let tag = format!("\"{:x}\"", text.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())));
    if let Some(spared) = locked(&site.spared).as_mut()
        && headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        *spared += 1;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let sends_tag = locked(&site.spared).is_some();
    let word = page_word(page);
    let html = Html(format!(
        "<html><head><title>Guide to {word}</title></head><body><nav><a href=\"/\">All guides</a></nav>\
         <main><h1>Guide to {word}</h1>{text}</main><footer>Rendered for visitor {nth}</footer></body></html>"
    ));
    if sends_tag { ([(header::ETAG, tag)], html).into_response() } else { html.into_response() }
}

fn own_text(page: usize, edition: usize) -> String {
    let (word, edition) = (page_word(page), edition_word(page, edition));
    format!(
        "<p>The {word} is set up in the settings of your account. Open the page called {word}, choose what you need, \
         and save it; the change is there at once for everybody on your team.</p>\
         <h2>What the {word} does</h2><p>The present wording of the {word} is {edition}. It says how the {word} \
         behaves when several people use it at the same time, and what happens when somebody leaves the team.</p>\
         <h2>Where to find help with {word}</h2><p>If the {word} does something else, write to the people who look \
         after your account, and tell them the name {word} and what you saw on the screen.</p>"
    )
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What earlier scans left of a site: addresses to ask for again, and what each page was.

use crate::frontier::Scope;
use crate::{Library, Result};
use domain::OrganizationId;
use domain::knowledge::{Document, DocumentState};
use domain::page::{Page, PageDecision, PageState, Scan, ScanState};
use std::collections::HashSet;
use storage::pages::{LastReading, NewPage, PageFilter};
use url::Url;

/// Addresses that are read at once.
const ADDRESSES_PER_READ: i64 = 500;

/// What is known of a page before it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Its document, as far as it is published.
    pub document: Option<Document>,
    /// What the last scan that learned something of it left.
    last: Option<LastReading>,
    /// Whether the last scan read the same part of the site, so that an unchanged page has no unknown links.
    same_scope: bool,
}

impl Known {
    /// Reads what is known of a page.
    pub(crate) async fn of(
        library: &Library,
        organization_id: OrganizationId,
        scan: &Scan,
        page: &Page,
    ) -> Result<Self> {
        let tenant = library.database.of(organization_id);
        let document = tenant.find_document_by_external_id(scan.source_id, &page.url).await?;
        let Some(document) = document.filter(|document| document.state == DocumentState::Published) else {
            return Ok(Self::default());
        };
        let last = tenant.find_last_reading(scan.source_id, scan.id, &page.url).await?;
        let completed = tenant.find_last_scan(scan.source_id, ScanState::Completed).await?;
        let same_scope = completed.is_some_and(|completed| completed.settings.reads_as(&scan.settings));
        Ok(Self { document: Some(document), last, same_scope })
    }

    /// What the last reading left, if the document says what the page said then.
    pub(crate) fn reading(&self) -> Option<&LastReading> {
        self.last.as_ref().filter(|last| {
            let is_settled = matches!(
                (last.state, last.decision),
                (PageState::New | PageState::Same, _) | (PageState::Changed, Some(PageDecision::Applied))
            );
            is_settled && self.same_scope
        })
    }

    /// Whether the last scan found the page gone already.
    pub(crate) fn was_gone(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.state == PageState::Removed)
    }

    /// Whether a person decided that the earlier text stays.
    pub(crate) fn was_kept(&self) -> bool {
        self.last.as_ref().is_some_and(|last| {
            last.decision == Some(PageDecision::Rejected) && matches!(last.state, PageState::Removed | PageState::Same)
        })
    }
}

/// Addresses that earlier scans knew within the scope of this one. They are asked for again even where
/// nothing links to them any more, so that a page is known to be gone and never guessed to be.
pub(crate) async fn addresses(
    library: &Library,
    organization_id: OrganizationId,
    scan: &Scan,
    scope: &Scope,
) -> Result<Vec<NewPage>> {
    let tenant = library.database.of(organization_id);
    let mut found = Found { scope, seen: HashSet::new(), pages: Vec::new(), pages_max: scan.settings.pages_max };
    let mut after = String::new();
    loop {
        let published = tenant.list_published_addresses(scan.source_id, &after, ADDRESSES_PER_READ).await?;
        let Some(last) = published.last() else { break };
        after.clone_from(last);
        for url in &published {
            found.add(url, 0);
        }
    }
    let Some(earlier) = tenant.find_last_scan(scan.source_id, ScanState::Completed).await? else {
        return Ok(found.pages);
    };
    let mut after = None;
    loop {
        let pages = tenant.list_pages(earlier.id, PageFilter::default(), after, ADDRESSES_PER_READ).await?;
        let Some(last) = pages.last() else { return Ok(found.pages) };
        after = Some(last.id);
        for page in &pages {
            found.add(&page.url, page.depth);
        }
    }
}

struct Found<'s> {
    scope: &'s Scope,
    seen: HashSet<String>,
    pages: Vec<NewPage>,
    pages_max: usize,
}

impl Found<'_> {
    fn add(&mut self, url: &str, depth: i64) {
        let Ok(parsed) = Url::parse(url) else { return };
        let is_wanted = self.scope.admit(&parsed, usize::try_from(depth).unwrap_or(0)).is_ok();
        if is_wanted && self.pages.len() < self.pages_max && self.seen.insert(url.to_owned()) {
            self.pages.push(NewPage { url: url.to_owned(), depth });
        }
    }
}

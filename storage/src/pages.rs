//! Pages of scans: addresses and what became of them.

use crate::list::{self, List};
use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::page::{Page, PageState};
use domain::{DocumentId, PageId, ScanId, SourceId};

/// An address that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPage {
    /// The address, normalised.
    pub url: String,
    /// Links followed to reach it.
    pub depth: i64,
}

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOutcome {
    /// Its end state.
    pub state: PageState,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// The document it became.
    pub document_id: Option<DocumentId>,
    /// HTTP validator for the next scan.
    pub etag: Option<String>,
    /// HTTP validator for the next scan.
    pub last_modified: Option<String>,
}

/// What the last reading of an address left for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Validators {
    /// To be sent as `If-None-Match`.
    pub etag: Option<String>,
    /// To be sent as `If-Modified-Since`.
    pub last_modified: Option<String>,
    /// The document it became.
    pub document_id: Option<DocumentId>,
}

impl Tenant<'_> {
    /// The page with that id.
    pub async fn load_page(self, id: PageId) -> Result<Page> {
        self.find(
            "select id, organization_id, scan_id, url, depth, state, reason, document_id, etag, last_modified, created_at,
                    finished_at
             from pages where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("page", id))
    }

    /// Pages of a scan in the order they were found, of one state where it is given.
    pub async fn list_pages(
        self,
        scan_id: ScanId,
        state: Option<PageState>,
        after: Option<PageId>,
        limit: i64,
    ) -> Result<Vec<Page>> {
        self.all(
            "select id, organization_id, scan_id, url, depth, state, reason, document_id, etag, last_modified, created_at,
                    finished_at
             from pages
             where organization_id = $1 and scan_id = $2 and ($3 is null or state = $3) and id > $4
             order by id limit $5",
            (
                self.organization_id(),
                scan_id,
                state,
                after.unwrap_or(PageId::from_uuid(uuid::Uuid::nil())),
                limit,
            ),
        )
        .await
    }

    /// What the last scan of a source that could read this address left for the next one.
    pub async fn find_validators(self, source_id: SourceId, url: &str) -> Result<Option<Validators>> {
        self.find(
            "select p.etag, p.last_modified, p.document_id
             from scans s join pages p on p.scan_id = s.id
             where s.organization_id = $1 and p.organization_id = $1 and s.source_id = $2 and p.url = $3
                   and p.state in ('new', 'same', 'changed')
             order by s.created_at desc, s.id desc limit 1",
            (self.organization_id(), source_id, url),
        )
        .await
    }
}

impl Transaction {
    /// Adds addresses to a scan and returns the ids of those it did not know.
    ///
    /// # Errors
    /// `NotFound` for a scan of nobody or somebody else.
    pub async fn insert_pages(&mut self, scan_id: ScanId, pages: &[NewPage]) -> Result<Vec<PageId>> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let scan: Option<(ScanId,)> = self
            .find("select id from scans where organization_id = $1 and id = $2", (organization_id, scan_id))
            .await?;
        scan.ok_or_else(|| Error::not_found("scan", scan_id))?;
        let ids: Vec<PageId> = pages.iter().map(|_| self.id()).collect();
        let rows = ids
            .iter()
            .zip(pages)
            .map(|(id, page)| (*id, organization_id, scan_id, page.url.as_str(), page.depth, PageState::Pending, now))
            .collect();
        self.insert_many(
            "insert into pages (id, organization_id, scan_id, url, depth, state, created_at)",
            7,
            rows,
            "on conflict (scan_id, url) do nothing",
        )
        .await?;
        let inserted: Vec<(PageId,)> = self
            .all(
                List::Ids.sql(
                    "select p.id from {wanted} cross join pages p
                     where p.id = wanted.value and p.organization_id = $1 order by p.id",
                ),
                (organization_id, list::ids(&ids)),
            )
            .await?;
        Ok(inserted.into_iter().map(|(id,)| id).collect())
    }

    /// Writes down what became of a page.
    pub async fn finish_page(&mut self, id: PageId, outcome: PageOutcome) -> Result<()> {
        let arguments = (
            self.organization_id()?,
            id,
            outcome.state,
            outcome.reason,
            outcome.document_id,
            outcome.etag,
            outcome.last_modified,
            self.now(),
        );
        let touched = self
            .run(
                "update pages set state = $3, reason = $4, document_id = $5, etag = $6, last_modified = $7, finished_at = $8
                 where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        if touched == 0 { Err(Error::not_found("page", id)) } else { Ok(()) }
    }
}

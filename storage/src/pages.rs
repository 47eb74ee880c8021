//! Pages of scans: addresses and what became of them.

use crate::list::{self, List};
use crate::sql::{Run, Sql};
use crate::{Error, Result, Tenant, Transaction};
use domain::page::{Page, PageDecision, PageState, ScanState};
use domain::{DocumentId, PageId, ScanId, SourceId};

const COLUMNS: &str = "id, organization_id, scan_id, url, depth, state, reason, document_id, etag, last_modified,
    decision, version_before, version_after, chunks_embedded, risks, created_at, finished_at";

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
    /// SHA-256 of the body as sent, in hex.
    pub body_hash: Option<String>,
    /// What becomes of the change, where it is one.
    pub decision: Option<PageDecision>,
    /// The version its document had.
    pub version_before: Option<i64>,
    /// The version its document has now.
    pub version_after: Option<i64>,
    /// Passages that had to be embedded.
    pub chunks_embedded: i64,
}

impl PageOutcome {
    /// An end state with its reason, and nothing more to say.
    pub fn ended(state: PageState, reason: Option<String>) -> Self {
        Self {
            state,
            reason,
            document_id: None,
            etag: None,
            last_modified: None,
            body_hash: None,
            decision: None,
            version_before: None,
            version_after: None,
            chunks_embedded: 0,
        }
    }
}

/// What the last reading of an address left for the next one.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LastReading {
    /// What became of the page then.
    pub state: PageState,
    /// What became of its change then.
    pub decision: Option<PageDecision>,
    /// To be sent as `If-None-Match`.
    pub etag: Option<String>,
    /// To be sent as `If-Modified-Since`.
    pub last_modified: Option<String>,
    /// SHA-256 of the body then, in hex.
    pub body_hash: Option<String>,
}

/// Which pages of a scan are listed; absent means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageFilter {
    /// Only pages in that state.
    pub state: Option<PageState>,
    /// Only pages with that decision.
    pub decision: Option<PageDecision>,
    /// Only pages that are new, changed or removed.
    pub differs: bool,
}

impl Tenant<'_> {
    /// The page with that id.
    pub async fn load_page(self, id: PageId) -> Result<Page> {
        self.find(
            Sql::dynamic(format!("select {COLUMNS} from pages where organization_id = $1 and id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("page", id))
    }

    /// Pages of a scan in the order they were found.
    pub async fn list_pages(
        self,
        scan_id: ScanId,
        filter: PageFilter,
        after: Option<PageId>,
        limit: i64,
    ) -> Result<Vec<Page>> {
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from pages
                 where organization_id = $1 and scan_id = $2 and ($3 is null or state = $3) and id > $4
                       and ($5 is null or decision = $5) and ($6 = 0 or state in ('new', 'changed', 'removed'))
                 order by id limit $7"
            )),
            (
                self.organization_id(),
                scan_id,
                filter.state,
                after.unwrap_or(PageId::from_uuid(uuid::Uuid::nil())),
                filter.decision,
                i64::from(filter.differs),
                limit,
            ),
        )
        .await
    }

    /// What the last scan of a source before this one that learned something of an address left.
    pub async fn find_last_reading(
        self,
        source_id: SourceId,
        scan_id: ScanId,
        url: &str,
    ) -> Result<Option<LastReading>> {
        self.find(
            "select p.state, p.decision, p.etag, p.last_modified, p.body_hash
             from scans s join pages p on p.scan_id = s.id
             where s.organization_id = $1 and p.organization_id = $1 and s.source_id = $2 and p.url = $3
                   and s.id <> $4 and p.state in ('new', 'same', 'changed', 'removed')
             order by s.created_at desc, s.id desc limit 1",
            (self.organization_id(), source_id, url, scan_id),
        )
        .await
    }

    /// Addresses of the published documents of a source, in their order, from after `after`.
    pub async fn list_published_addresses(self, source_id: SourceId, after: &str, limit: i64) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = self
            .all(
                "select external_id from documents
                 where organization_id = $1 and source_id = $2 and state = 'published' and external_id > $3
                 order by external_id limit $4",
                (self.organization_id(), source_id, after, limit),
            )
            .await?;
        Ok(rows.into_iter().map(|(address,)| address).collect())
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

    /// How many pages a scan reads: those that were not skipped.
    pub async fn count_read_pages(&mut self, scan_id: ScanId) -> Result<i64> {
        let arguments = (self.organization_id()?, scan_id);
        self.scalar(
            "select count(*) from pages where organization_id = $1 and scan_id = $2 and state <> 'skipped'",
            arguments,
        )
        .await
    }

    /// Writes down what became of a page of a scan that goes on. `false`: the page has its outcome
    /// already or the scan was held or called off meanwhile, and nothing was changed.
    pub async fn finish_page(&mut self, id: PageId, outcome: PageOutcome) -> Result<bool> {
        let arguments = (
            self.organization_id()?,
            id,
            outcome.state,
            outcome.reason,
            outcome.document_id,
            outcome.etag,
            outcome.last_modified,
            self.now(),
            outcome.body_hash,
            outcome.decision,
            outcome.version_before,
            outcome.version_after,
            outcome.chunks_embedded,
            ScanState::Discovering,
            ScanState::Running,
        );
        let touched = self
            .run(
                "update pages set state = $3, reason = $4, document_id = $5, etag = $6, last_modified = $7,
                    finished_at = $8, body_hash = $9, decision = $10, version_before = $11, version_after = $12,
                    chunks_embedded = $13
                 where organization_id = $1 and id = $2 and state = 'pending'
                    and exists (select 1 from scans s where s.id = pages.scan_id and s.state in ($14, $15))",
                arguments,
            )
            .await?;
        Ok(touched == 1)
    }

    /// Skips every page of a scan that is not read yet; how many these were.
    pub async fn skip_pending_pages(&mut self, scan_id: ScanId, reason: &str) -> Result<u64> {
        let arguments = (self.organization_id()?, scan_id, reason, self.now());
        self.run(
            "update pages set state = 'skipped', reason = $3, finished_at = $4
             where organization_id = $1 and scan_id = $2 and state = 'pending'",
            arguments,
        )
        .await
    }
}

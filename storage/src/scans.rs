//! Scans: passes over a website.

use crate::sql::{Run, Sql};
use crate::{Database, Error, Keyset, Result, Tenant, Transaction};
use domain::job::ConcludeScan;
use domain::page::{PageDecision, PageState, Scan, ScanSettings, ScanState};
use domain::{OrganizationId, ScanId, SourceId, Time};
use sqlx::types::Json;
use std::collections::HashMap;
use std::time::Duration;

const COLUMNS: &str = "id, organization_id, source_id, url, settings, state, error, held_because, known_pages,
    created_at, deadline_at, paused_at, decided_at, finished_at";
/// Scans that one round of the desk's chores looks at.
const SCANS_PER_ROUND: i64 = 100;

/// A scan that has not ended, as the desk's chores see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenScan {
    /// The scan.
    pub id: ScanId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Where it is in its life.
    pub state: ScanState,
    /// Pages that are not read by then are skipped.
    pub deadline_at: Option<Time>,
}

/// What a scan's pages came to, beside their states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct PageTotals {
    /// Pages that ended since the moment that was asked for.
    pub ended_lately: i64,
    /// Passages that had to be embedded.
    pub chunks_embedded: i64,
}

impl Tenant<'_> {
    /// The scan with that id.
    pub async fn load_scan(self, id: ScanId) -> Result<Scan> {
        self.find(
            Sql::dynamic(format!("select {COLUMNS} from scans where organization_id = $1 and id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("scan", id))
    }

    /// Scans, the newest first.
    pub async fn list_scans(self, after: Keyset, limit: i64) -> Result<Vec<Scan>> {
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from scans where organization_id = $1 and (created_at, id) < ($2, $3)
                 order by created_at desc, id desc limit $4"
            )),
            (self.organization_id(), after.time, after.id, limit),
        )
        .await
    }

    /// The scan of a source that has not ended.
    pub async fn find_open_scan(self, source_id: SourceId) -> Result<Option<Scan>> {
        self.find(
            Sql::dynamic(format!(
                "select {COLUMNS} from scans
                 where organization_id = $1 and source_id = $2 and finished_at is null
                 order by created_at desc, id desc limit 1"
            )),
            (self.organization_id(), source_id),
        )
        .await
    }

    /// The last scan of a source, whatever became of it.
    pub async fn find_newest_scan(self, source_id: SourceId) -> Result<Option<Scan>> {
        self.find(
            Sql::dynamic(format!(
                "select {COLUMNS} from scans where organization_id = $1 and source_id = $2
                 order by created_at desc, id desc limit 1"
            )),
            (self.organization_id(), source_id),
        )
        .await
    }

    /// The last scan of a source in that state.
    pub async fn find_last_scan(self, source_id: SourceId, state: ScanState) -> Result<Option<Scan>> {
        self.find(
            Sql::dynamic(format!(
                "select {COLUMNS} from scans
                 where organization_id = $1 and source_id = $2 and state = $3
                 order by created_at desc, id desc limit 1"
            )),
            (self.organization_id(), source_id, state),
        )
        .await
    }

    /// How many pages of a scan are in each state; states without a page are absent.
    pub async fn count_pages(self, scan_id: ScanId) -> Result<HashMap<PageState, i64>> {
        let counts: Vec<(PageState, i64)> = self
            .all(
                "select state, count(*) from pages where organization_id = $1 and scan_id = $2 group by state",
                (self.organization_id(), scan_id),
            )
            .await?;
        Ok(counts.into_iter().collect())
    }

    /// How many changes of a scan have each decision; decisions without a change are absent.
    pub async fn count_decisions(self, scan_id: ScanId) -> Result<HashMap<PageDecision, i64>> {
        let counts: Vec<(PageDecision, i64)> = self
            .all(
                "select decision, count(*) from pages
                 where organization_id = $1 and scan_id = $2 and decision is not null group by decision",
                (self.organization_id(), scan_id),
            )
            .await?;
        Ok(counts.into_iter().collect())
    }

    /// Sums over the pages of a scan; `since` bounds what counts as lately.
    pub async fn total_pages(self, scan_id: ScanId, since: Time) -> Result<PageTotals> {
        self.one(
            "select count(case when finished_at > $3 then 1 end) as ended_lately,
                    cast(coalesce(sum(chunks_embedded), 0) as bigint) as chunks_embedded
             from pages where organization_id = $1 and scan_id = $2",
            (self.organization_id(), scan_id, since),
        )
        .await
    }
}

impl Database {
    /// Scans that have not ended and are not held, the oldest first.
    pub async fn list_open_scans(&self) -> Result<Vec<OpenScan>> {
        self.all(
            "select id, organization_id, state, deadline_at from scans
             where finished_at is null and state <> 'paused' order by created_at, id limit $1",
            (SCANS_PER_ROUND,),
        )
        .await
    }

    /// Lets every running scan conclude whose pages all have their outcome; how many these were. It may
    /// be called any time and by anyone.
    pub async fn conclude_drained_scans(&self) -> Result<usize> {
        let drained: Vec<(ScanId, OrganizationId)> = self
            .all(
                "select s.id, s.organization_id from scans s where s.state = 'running' and s.finished_at is null
                    and not exists (select 1 from pages p where p.scan_id = s.id and p.state = 'pending') limit $1",
                (SCANS_PER_ROUND,),
            )
            .await?;
        let mut concluding = 0;
        for (id, organization_id) in drained {
            let mut transaction = self.begin().await?;
            let touched = (&mut transaction)
                .run(
                    "update scans set state = 'concluding' where id = $1 and state = 'running'
                        and not exists (select 1 from pages p where p.scan_id = $1 and p.state = 'pending')",
                    (id,),
                )
                .await?;
            if touched == 0 {
                transaction.rollback().await?;
                continue;
            }
            let now = transaction.now();
            transaction.enqueue_for(Some(organization_id), &ConcludeScan { scan_id: id }, now).await?;
            transaction.commit().await?;
            concluding += 1;
        }
        Ok(concluding)
    }
}

impl Transaction {
    /// Adds a scan that is about to discover its pages.
    ///
    /// # Errors
    /// `NotFound` for a source of nobody or somebody else.
    pub async fn insert_scan(&mut self, source_id: SourceId, url: &str, settings: ScanSettings) -> Result<Scan> {
        self.check_source(source_id).await?;
        let now = self.now();
        let deadline_at = now + Duration::from_mins(u64::from(settings.deadline_minutes));
        let scan = Scan {
            id: self.id(),
            organization_id: self.organization_id()?,
            source_id,
            url: url.to_owned(),
            settings,
            state: ScanState::Discovering,
            error: None,
            held_because: None,
            known_pages: None,
            created_at: now,
            deadline_at: Some(deadline_at),
            paused_at: None,
            decided_at: None,
            finished_at: None,
        };
        let settings = Json(scan.settings.clone());
        let arguments = (scan.id, scan.organization_id, source_id, url, settings, scan.state, now, deadline_at);
        self.run(
            "insert into scans (id, organization_id, source_id, url, settings, state, created_at, deadline_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            arguments,
        )
        .await?;
        Ok(scan)
    }

    /// Moves a scan on; completed, cancelled and failed are its end. `false`: it was at its end (or
    /// is nobody's) and nothing was changed.
    pub async fn set_scan_state(&mut self, id: ScanId, state: ScanState, error: Option<String>) -> Result<bool> {
        let arguments = (self.organization_id()?, id, state, error, self.end_of(state));
        let touched = self
            .run(
                "update scans set state = $3, error = $4, finished_at = $5
                 where organization_id = $1 and id = $2 and finished_at is null",
                arguments,
            )
            .await?;
        Ok(touched > 0)
    }

    /// Moves a scan from one state to another. `false`: somebody moved it meanwhile.
    pub async fn move_scan(&mut self, id: ScanId, from: ScanState, to: ScanState) -> Result<bool> {
        let arguments = (self.organization_id()?, id, from, to, self.end_of(to));
        let touched = self
            .run(
                "update scans set state = $4, finished_at = $5
                 where organization_id = $1 and id = $2 and state = $3 and finished_at is null",
                arguments,
            )
            .await?;
        Ok(touched > 0)
    }

    /// Writes down since when a scan is held, and until when its pages have time.
    pub async fn set_scan_pause(
        &mut self,
        id: ScanId,
        paused_at: Option<Time>,
        deadline_at: Option<Time>,
    ) -> Result<()> {
        let arguments = (self.organization_id()?, id, paused_at, deadline_at);
        self.run("update scans set paused_at = $3, deadline_at = $4 where organization_id = $1 and id = $2", arguments)
            .await?;
        Ok(())
    }

    /// Writes down that the changes of a scan were judged: over how many documents, and why some wait.
    pub async fn mark_scan_decided(
        &mut self,
        id: ScanId,
        known_pages: i64,
        held_because: Option<String>,
    ) -> Result<()> {
        let arguments = (self.organization_id()?, id, known_pages, held_because, self.now());
        self.run(
            "update scans set known_pages = $3, held_because = $4, decided_at = $5
             where organization_id = $1 and id = $2",
            arguments,
        )
        .await?;
        Ok(())
    }

    /// Writes down why changes of a scan wait, or that none waits any more.
    pub async fn set_scan_held(&mut self, id: ScanId, held_because: Option<String>) -> Result<()> {
        let arguments = (self.organization_id()?, id, held_because);
        self.run("update scans set held_because = $3 where organization_id = $1 and id = $2", arguments).await?;
        Ok(())
    }

    /// Deletes the scans of a source that ended, but for the newest `kept`, with their pages.
    pub async fn delete_old_scans(&mut self, source_id: SourceId, kept: i64) -> Result<u64> {
        let arguments = (self.organization_id()?, source_id, kept);
        self.run(
            "delete from scans where organization_id = $1 and source_id = $2 and finished_at is not null and id not in (
                 select id from scans where organization_id = $1 and source_id = $2
                 order by created_at desc, id desc limit $3)",
            arguments,
        )
        .await
    }

    fn end_of(&self, state: ScanState) -> Option<Time> {
        match state {
            ScanState::Discovering | ScanState::Running | ScanState::Paused | ScanState::Concluding => None,
            ScanState::Completed | ScanState::Cancelled | ScanState::Failed => Some(self.now()),
        }
    }
}

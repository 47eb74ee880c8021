//! Scans: passes over a website.

use crate::sql::Run;
use crate::{Database, Error, Keyset, Result, Tenant, Transaction};
use domain::page::{PageState, Scan, ScanSettings, ScanState};
use domain::{OrganizationId, ScanId, SourceId};
use sqlx::types::Json;
use std::collections::HashMap;

impl Tenant<'_> {
    /// The scan with that id.
    pub async fn load_scan(self, id: ScanId) -> Result<Scan> {
        self.find(
            "select id, organization_id, source_id, url, settings, state, error, created_at, finished_at
             from scans where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("scan", id))
    }

    /// Scans, the newest first.
    pub async fn list_scans(self, after: Keyset, limit: i64) -> Result<Vec<Scan>> {
        self.all(
            "select id, organization_id, source_id, url, settings, state, error, created_at, finished_at
             from scans where organization_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            (self.organization_id(), after.time, after.id, limit),
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
}

impl Database {
    /// Completes every running scan whose pages all have their outcome, and has what they brought drafted;
    /// how many these were. It may be called any time and by anyone.
    pub async fn complete_drained_scans(&self) -> Result<u64> {
        let drained: Vec<(ScanId, OrganizationId, SourceId, Json<ScanSettings>)> = self
            .all(
                "select s.id, s.organization_id, s.source_id, s.settings from scans s where s.state = 'running'
                    and not exists (select 1 from pages p where p.scan_id = s.id and p.state = 'pending') limit 100",
                (),
            )
            .await?;
        let mut completed = 0;
        for (id, organization_id, source_id, settings) in drained {
            let mut transaction = self.of(organization_id).begin().await?;
            let now = transaction.now();
            let touched = (&mut transaction)
                .run(
                    "update scans set state = 'completed', finished_at = $2 where id = $1 and state = 'running'
                        and not exists (select 1 from pages p where p.scan_id = $1 and p.state = 'pending')",
                    (id, now),
                )
                .await?;
            if touched == 1 {
                transaction.enqueue_drafting(source_id, &settings.0).await?;
            }
            transaction.commit().await?;
            completed += touched;
        }
        Ok(completed)
    }
}

impl Transaction {
    /// Adds a scan that is about to discover its pages.
    ///
    /// # Errors
    /// `NotFound` for a source of nobody or somebody else.
    pub async fn insert_scan(&mut self, source_id: SourceId, url: &str, settings: ScanSettings) -> Result<Scan> {
        self.check_source(source_id).await?;
        let scan = Scan {
            id: self.id(),
            organization_id: self.organization_id()?,
            source_id,
            url: url.to_owned(),
            settings,
            state: ScanState::Discovering,
            error: None,
            created_at: self.now(),
            finished_at: None,
        };
        let arguments =
            (scan.id, scan.organization_id, source_id, url, Json(scan.settings.clone()), scan.state, scan.created_at);
        self.run(
            "insert into scans (id, organization_id, source_id, url, settings, state, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            arguments,
        )
        .await?;
        Ok(scan)
    }

    /// Moves a scan on; completed, cancelled and failed are its end. `false`: it was at its end (or
    /// is nobody's) and nothing was changed.
    pub async fn set_scan_state(&mut self, id: ScanId, state: ScanState, error: Option<String>) -> Result<bool> {
        let ended = match state {
            ScanState::Discovering | ScanState::Running | ScanState::Paused => None,
            ScanState::Completed | ScanState::Cancelled | ScanState::Failed => Some(self.now()),
        };
        let arguments = (self.organization_id()?, id, state, error, ended);
        let touched = self
            .run(
                "update scans set state = $3, error = $4, finished_at = $5
                 where organization_id = $1 and id = $2 and finished_at is null",
                arguments,
            )
            .await?;
        Ok(touched > 0)
    }
}

//! Schedules of re-scans: when the next scan of a website is due.

use crate::sql::Run;
use crate::{Database, Result, Transaction};
use domain::{OrganizationId, SourceId, Time};

/// Sources that one round starts scans of.
const SOURCES_PER_ROUND: i64 = 20;

/// A website that is to be scanned again now.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DueSource {
    /// The source.
    pub id: SourceId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its address.
    pub url: Option<String>,
}

impl Database {
    /// Sources whose re-scan is due, the longest overdue first.
    pub async fn list_due_sources(&self) -> Result<Vec<DueSource>> {
        let now = self.clock().now();
        self.all(
            "select id, organization_id, url from sources
             where rescan_at is not null and rescan_at <= $1 order by rescan_at, id limit $2",
            (now, SOURCES_PER_ROUND),
        )
        .await
    }
}

impl Transaction {
    /// Sets when a source is scanned next; `None`: only by hand.
    pub async fn schedule_rescan(&mut self, id: SourceId, at: Option<Time>) -> Result<()> {
        let arguments = (self.organization_id()?, id, at);
        self.run("update sources set rescan_at = $3 where organization_id = $1 and id = $2", arguments).await?;
        Ok(())
    }

    /// Takes a due re-scan: of all who try, one gets `true`, and only if it commits. The next one is
    /// scheduled when the scan ends.
    pub async fn take_rescan(&mut self, id: SourceId) -> Result<bool> {
        let arguments = (self.organization_id()?, id, self.now());
        let taken = self
            .run(
                "update sources set rescan_at = null
                 where organization_id = $1 and id = $2 and rescan_at is not null and rescan_at <= $3",
                arguments,
            )
            .await?;
        Ok(taken == 1)
    }
}

//! The change log: what the indexes of an organization follow, in commit order.

use crate::sql::Run;
use crate::{Result, Signal, Tenant, Transaction};
use domain::DocumentId;
use domain::knowledge::{Change, ChangeKind};
use std::collections::HashSet;

impl Tenant<'_> {
    /// The newest entry of the change log: the knowledge version. 0 when nothing was ever known.
    pub async fn change_seq(self) -> Result<i64> {
        self.scalar("select change_seq from organizations where id = $1", (self.organization_id(),)).await
    }

    /// Reads `limit` entries after `after_seq` and returns, oldest first, only the newest of each
    /// document among them: fewer than `limit` do not mean the end. The last one read always stands
    /// last, so its `seq` is the next `after_seq`, and an empty list is the end.
    pub async fn list_changes(self, after_seq: i64, limit: i64) -> Result<Vec<Change>> {
        let mut changes: Vec<Change> = self
            .all(
                "select organization_id, seq, document_id, kind, created_at from changes
                 where organization_id = $1 and seq > $2 order by seq limit $3",
                (self.organization_id(), after_seq, limit),
            )
            .await?;
        let mut seen = HashSet::new();
        changes.reverse();
        changes.retain(|change| seen.insert(change.document_id));
        changes.reverse();
        Ok(changes)
    }
}

impl Transaction {
    /// Writes one entry for each document and wakes the indexes after the commit. Returns the newest
    /// entry's seq. Transactions of one organization wait for each other here, so that the order of
    /// the log is the order of commits.
    pub async fn log_changes(&mut self, kind: ChangeKind, document_ids: &[DocumentId]) -> Result<i64> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let count = i64::try_from(document_ids.len()).unwrap_or(i64::MAX);
        let newest: i64 = self
            .scalar(
                "update organizations set change_seq = change_seq + $2 where id = $1 returning change_seq",
                (organization_id, count),
            )
            .await?;
        let rows = (newest - count + 1..)
            .zip(document_ids)
            .map(|(seq, document_id)| (organization_id, seq, *document_id, kind, now))
            .collect();
        self.insert_many("insert into changes (organization_id, seq, document_id, kind, created_at)", 5, rows, "")
            .await?;
        self.raise(Signal::Changes);
        Ok(newest)
    }
}

//! Changes that scans found: the texts that wait, and what people and rules decide about them.

use crate::list::{self, List};
use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::page::{PageDecision, Risk};
use domain::{OrganizationId, PageId, ScanId, SourceId};
use sqlx::types::Json;

/// The text of a changed page that its document does not have.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StagedText {
    /// The page.
    pub page_id: PageId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Its title.
    pub title: String,
    /// Its text, as Markdown.
    pub text: String,
    /// ISO 639-1 code, as far as it was recognised.
    pub language: Option<String>,
    /// SHA-256 of title and text, in hex.
    pub content_hash: String,
}

impl Tenant<'_> {
    /// The text of a page that waits or was refused.
    pub async fn find_staged_text(self, page_id: PageId) -> Result<Option<StagedText>> {
        self.find(
            "select page_id, organization_id, title, text, language, content_hash
             from staged_texts where organization_id = $1 and page_id = $2",
            (self.organization_id(), page_id),
        )
        .await
    }

    /// Whether a person refused exactly this text for this address of a source before.
    pub async fn was_refused(self, source_id: SourceId, url: &str, content_hash: &str) -> Result<bool> {
        let found: Option<(PageId,)> = self
            .find(
                "select p.id from scans s join pages p on p.scan_id = s.id join staged_texts t on t.page_id = p.id
                 where s.organization_id = $1 and p.organization_id = $1 and t.organization_id = $1
                       and s.source_id = $2 and p.url = $3 and p.decision = 'rejected' and t.content_hash = $4 limit 1",
                (self.organization_id(), source_id, url, content_hash),
            )
            .await?;
        Ok(found.is_some())
    }
}

impl Transaction {
    /// Keeps the text of a changed page until it is applied.
    pub async fn insert_staged_text(&mut self, staged: &StagedText) -> Result<()> {
        if [&staged.title, &staged.text].into_iter().any(|text| text.contains('\0')) {
            return Err(Error::Invalid("the text of a page holds a NUL character".to_owned()));
        }
        let arguments = (
            staged.page_id,
            self.organization_id()?,
            staged.title.as_str(),
            staged.text.as_str(),
            staged.language.clone(),
            staged.content_hash.as_str(),
        );
        self.run(
            "insert into staged_texts (page_id, organization_id, title, text, language, content_hash)
             values ($1, $2, $3, $4, $5, $6)",
            arguments,
        )
        .await?;
        Ok(())
    }

    /// Takes a change back: what differed repeats on the whole site, so the page counts as the same.
    pub async fn mark_page_same(&mut self, id: PageId, reason: &str) -> Result<()> {
        let arguments = (self.organization_id()?, id, reason);
        self.run(
            "update pages set state = 'same', reason = $3, decision = null
             where organization_id = $1 and id = $2 and decision = 'waiting'",
            arguments,
        )
        .await?;
        self.delete_staged_text(id).await
    }

    /// Writes down what about a change a person should look at.
    pub async fn set_page_risks(&mut self, id: PageId, risks: &[Risk]) -> Result<()> {
        let arguments = (self.organization_id()?, id, Json(risks.to_vec()));
        self.run("update pages set risks = $3 where organization_id = $1 and id = $2", arguments).await?;
        Ok(())
    }

    /// Decides about changes of a scan that wait: those with these ids, or all. Returns how many these were.
    pub async fn decide_pages(
        &mut self,
        scan_id: ScanId,
        ids: Option<&[PageId]>,
        decision: PageDecision,
    ) -> Result<u64> {
        let organization_id = self.organization_id()?;
        let Some(ids) = ids else {
            return self
                .run(
                    "update pages set decision = $3
                     where organization_id = $1 and scan_id = $2 and decision = 'waiting'",
                    (organization_id, scan_id, decision),
                )
                .await;
        };
        self.run(
            List::Ids.sql(
                "update pages set decision = $4
                 where organization_id = $1 and scan_id = $3 and decision = 'waiting'
                       and id in (select value from {wanted})",
            ),
            (organization_id, list::ids(ids), scan_id, decision),
        )
        .await
    }

    /// Ends an approved change: applied as that version, or overtaken by something else. `false`: it
    /// was ended already.
    pub async fn end_page_change(
        &mut self,
        id: PageId,
        decision: PageDecision,
        version_after: Option<i64>,
        chunks_embedded: i64,
    ) -> Result<bool> {
        let arguments = (self.organization_id()?, id, decision, version_after, chunks_embedded);
        let touched = (&mut *self)
            .run(
                "update pages set decision = $3, version_after = $4, chunks_embedded = chunks_embedded + $5
                 where organization_id = $1 and id = $2 and decision = 'approved'",
                arguments,
            )
            .await?;
        self.delete_staged_text(id).await?;
        Ok(touched == 1)
    }

    /// Lets a newer scan of a source overtake the changes that still wait from older ones.
    pub async fn supersede_changes(&mut self, source_id: SourceId, scan_id: ScanId) -> Result<u64> {
        let organization_id = self.organization_id()?;
        let older = "select s.id from scans s where s.organization_id = $1 and s.source_id = $2 and s.id <> $3";
        self.run(
            crate::sql::Sql::dynamic(format!(
                "delete from staged_texts where organization_id = $1 and page_id in (
                     select p.id from pages p where p.organization_id = $1 and p.decision = 'waiting'
                            and p.scan_id in ({older}))"
            )),
            (organization_id, source_id, scan_id),
        )
        .await?;
        let touched = self
            .run(
                crate::sql::Sql::dynamic(format!(
                    "update pages set decision = 'superseded'
                     where organization_id = $1 and decision = 'waiting' and scan_id in ({older})"
                )),
                (organization_id, source_id, scan_id),
            )
            .await?;
        self.run(
            "update scans set held_because = null
             where organization_id = $1 and source_id = $2 and id <> $3 and held_because is not null",
            (organization_id, source_id, scan_id),
        )
        .await?;
        Ok(touched)
    }

    async fn delete_staged_text(&mut self, id: PageId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        self.run("delete from staged_texts where organization_id = $1 and page_id = $2", arguments).await?;
        Ok(())
    }
}

//! Drafts articles from documents; what a model writes is checked as answers are.

use crate::error::Result;
use crate::jobs::organization;
use crate::registry::Running;
use answering::metered::model_for_organization;
use answering::{Desk, Passage, verify};
use domain::job::{DraftArticles, Job};
use domain::{Id, OrganizationId};
use ingest::drafter::Drafter;
use ingest::{Library, suggest};
use std::ops::Range;
use std::sync::Arc;

pub(crate) async fn run(desk: Desk, library: Library, work: DraftArticles, job: Arc<Job>) -> Result<Running> {
    let organization_id = organization(&job)?;
    let drafter = drafter(&desk, organization_id).await?;
    suggest::run_job(&library, &drafter, organization_id, &work, &job).await?;
    Ok(Running::Completed)
}

/// Who drafts for an organization: the desk's model, within the budgets.
pub async fn drafter(desk: &Desk, organization_id: OrganizationId) -> answering::Result<Drafter> {
    Ok(Drafter { chat: model_for_organization(desk, organization_id).await?, prove })
}

/// The bytes of a text that prove a sentence, by the rules that answers are checked with.
fn prove(sentence: &str, text: &str, language: Option<&str>) -> Option<(Range<usize>, f64)> {
    let nobody = uuid::Uuid::nil();
    let passage = Passage {
        index: 1,
        chunk_id: Id::from_uuid(nobody),
        document_id: Id::from_uuid(nobody),
        version: 1,
        external_id: None,
        url: None,
        title: String::new(),
        heading_path: String::new(),
        text: text.to_owned(),
        start_byte: 0,
        dense: None,
        bm25: None,
        fused: None,
    };
    let claim = verify::verify(sentence, &[passage], language).claims.into_iter().next()?;
    let citation = claim.citation.filter(|_| claim.supported)?;
    Some((citation.start..citation.end, claim.support_score))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_proved_by_the_bytes_that_say_it() {
        let text = "We bill monthly. Refunds take 14 days. Cards are accepted.";
        let (range, support) = prove("A refund takes 14 days.", text, Some("en")).unwrap_or_default();
        assert_eq!(text.get(range), Some("Refunds take 14 days."));
        assert!(support > 0.6);
        assert_eq!(prove("A refund takes 30 days.", text, Some("en")), None);
        assert_eq!(prove("Cash is accepted at the counter.", text, Some("en")), None);
    }
}

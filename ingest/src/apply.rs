//! Applies an approved change of a page: its new text becomes a version, or its document leaves the indexes.

use crate::documents::{Text, cut, missing_vectors, store};
use crate::orphans::leave_with;
use crate::{Library, Result};
use domain::knowledge::DocumentState;
use domain::page::{Page, PageDecision, PageState, Scan};
use domain::{ErrorKind, Kinded, OrganizationId};

/// Applies one change. Whatever happened to the document meanwhile goes before it: a text that somebody
/// archived or deleted does not come back.
pub(crate) async fn apply(library: &Library, organization_id: OrganizationId, scan: &Scan, page: &Page) -> Result<()> {
    let tenant = library.database.of(organization_id);
    let document = match page.document_id {
        None => None,
        Some(id) => match tenant.load_document(id).await {
            Ok(document) => Some(document).filter(|document| document.state == DocumentState::Published),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        },
    };
    let staged = tenant.find_staged_text(page.id).await?;
    match (page.state, document, staged) {
        (PageState::Removed, Some(document), _) => {
            let mut transaction = tenant.begin().await?;
            transaction.archive_documents(&[document.id]).await?;
            leave_with(tenant, &mut transaction, document.id).await?;
            if transaction.end_page_change(page.id, PageDecision::Applied, None, 0).await? {
                transaction.commit().await?;
            }
            Ok(())
        }
        (PageState::Changed, Some(_), Some(staged)) => {
            let text = Text {
                external_id: page.url.clone(),
                url: Some(page.url.clone()),
                title: staged.title,
                text: staged.text,
                language: staged.language,
            };
            let documents = [cut(library, text)];
            let vectors = missing_vectors(library, organization_id, &documents).await?;
            let embedded = i64::try_from(vectors.len()).unwrap_or(i64::MAX);
            let mut transaction = tenant.begin().await?;
            let put = store(library, &mut transaction, scan.source_id, &documents, &vectors).await?;
            let version = put.first().map(|put| put.version);
            // `false`: another process applied it in the same moment, and this one takes its writes back.
            if transaction.end_page_change(page.id, PageDecision::Applied, version, embedded).await? {
                transaction.commit().await?;
            }
            Ok(())
        }
        _ => {
            let mut transaction = tenant.begin().await?;
            transaction.end_page_change(page.id, PageDecision::Superseded, None, 0).await?;
            Ok(transaction.commit().await?)
        }
    }
}

//! What becomes of the articles that were drafted from a page when that page is gone.

use crate::Result;
use crate::alike::content_hash;
use crate::review::relink;
use domain::DocumentId;
use domain::knowledge::{Article, ArticleState, DocumentState};
use domain::suggestion::{Suggestion, SuggestionState};
use storage::suggestions::{Draft, SuggestionFilter};
use storage::{Keyset, Tenant, Transaction};

const GONE: &str = "the page it was drafted from is gone";
const ASK: &str = "the page it was drafted from is gone, and people changed it: approve it to keep it as it is, or archive the article to take it out of answers";

/// Takes out of answers what was drafted from that document alone. An article that people changed goes on
/// answering without the address that is gone, and a person is asked about it.
pub(crate) async fn leave_with(tenant: Tenant<'_>, transaction: &mut Transaction, document: DocumentId) -> Result<()> {
    for article in tenant.list_articles_of_document(document).await? {
        let documents = tenant.list_article_documents(article.id).await?;
        let is_elsewhere =
            documents.iter().any(|other| other.document_id != document && other.state == DocumentState::Published);
        if is_elsewhere {
            continue;
        }
        let filter = SuggestionFilter { article_id: Some(article.id), ..SuggestionFilter::default() };
        let Some(last) = tenant.list_suggestions(filter, Keyset::start(), 1).await?.pop() else { continue };
        transaction.conclude_suggestion(last.id, SuggestionState::Withdrawn, "system", Some(GONE.to_owned())).await?;
        match article.state {
            ArticleState::Published if is_edited(&article) => {
                if let Some(published) = article.document_id {
                    transaction.clear_document_url(published).await?;
                }
                transaction.insert_suggestion(&article, &draft(&article, &last, ASK)).await?;
                transaction.tell("article.suggested", None, serde_json::json!({ "article_id": article.id }));
            }
            ArticleState::Published => {
                transaction.archive_documents(article.document_id.as_slice()).await?;
                transaction.set_article_state(article.id, ArticleState::Archived, None).await?;
                // Its last word is a withdrawn one, so that it is suggested again when the page is back.
                let withdrawn = transaction.insert_suggestion(&article, &draft(&article, &last, GONE)).await?;
                transaction.conclude_suggestion(withdrawn.id, SuggestionState::Withdrawn, "system", None).await?;
                transaction.tell("article.archived", None, serde_json::json!({ "article_id": article.id }));
            }
            ArticleState::InReview => {
                transaction.set_article_state(article.id, ArticleState::Archived, None).await?;
            }
            ArticleState::Draft | ArticleState::Archived => {}
        }
    }
    Ok(())
}

/// Whether people changed it since the generator's last word.
fn is_edited(article: &Article) -> bool {
    article.base_version != Some(article.version)
}

fn draft(article: &Article, last: &Suggestion, reason: &str) -> Draft {
    Draft {
        kind: last.kind,
        title: article.title.clone(),
        body: article.body.clone(),
        generated_body: None,
        links: relink(&article.body, &last.links),
        support: last.support,
        sentences: last.sentences,
        dropped: last.dropped,
        generator: last.generator.clone(),
        content_hash: content_hash(&article.title, &article.body),
        reason: Some(reason.to_owned()),
    }
}

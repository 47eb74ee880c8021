//! Articles: publishing one makes it a document, archiving takes it out of answers. Generated ones carry the
//! address of the page that they are drafted from, so that citations lead there.

use crate::documents::{Text, Vectors, cut, missing_vectors, store};
use crate::{Error, Library, Result};
use domain::knowledge::{Article, ArticleState, DocumentState, Source};
use domain::suggestion::SuggestionState;
use domain::{ArticleId, DocumentId, OrganizationId, SourceId};
use storage::Transaction;
use storage::documents::NewDocument;
use storage::sources::NewSource;

/// The kind and name of the source that published articles are documents of.
const SOURCE: &str = "articles";

/// Publishes the present text of an article. `actor` is the id of a key or agent; what waited for review is
/// approved by it.
pub async fn publish(
    library: &Library,
    organization_id: OrganizationId,
    id: ArticleId,
    actor: &str,
) -> Result<Article> {
    let tenant = library.database.of(organization_id);
    let article = tenant.load_article(id).await?;
    let waiting = tenant.find_waiting_suggestion(id).await?.filter(|_| article.state == ArticleState::InReview);
    let publishing = Publishing::prepare(library, organization_id, &article, &article.title, &article.body).await?;
    let mut transaction = tenant.begin().await?;
    if let Some(suggestion) = waiting {
        transaction.conclude_suggestion(suggestion.id, SuggestionState::Approved, actor, None).await?;
        transaction.insert_audit(actor, "suggestion.approved", &suggestion.id.to_string()).await?;
    }
    transaction.mark_version_reviewed(id, article.version, actor).await?;
    publishing.write(library, &mut transaction).await?;
    transaction.commit().await?;
    crate::index::make_findable(library, organization_id).await?;
    Ok(tenant.load_article(id).await?)
}

/// A text that is ready to be published: cut and embedded before the transaction.
pub(crate) struct Publishing {
    article_id: ArticleId,
    source_id: SourceId,
    documents: [NewDocument; 1],
    vectors: Vectors,
}

impl Publishing {
    pub(crate) async fn prepare(
        library: &Library,
        organization_id: OrganizationId,
        article: &Article,
        title: &str,
        body: &str,
    ) -> Result<Self> {
        if body.trim().is_empty() {
            return Err(Error::Invalid(format!(
                "article `{}` has no text: write some before it is published",
                article.id
            )));
        }
        let source = named_source(library, organization_id, SOURCE, SOURCE).await?;
        let drafted_from = library.database.of(organization_id).list_article_documents(article.id).await?;
        let first = drafted_from.into_iter().find(|document| document.state == DocumentState::Published);
        let text = Text {
            external_id: article.id.to_string(),
            url: first.as_ref().and_then(|document| document.url.clone()),
            title: title.to_owned(),
            language: first.and_then(|document| document.language),
            text: body.to_owned(),
        };
        let documents = [cut(library, text)];
        let vectors = missing_vectors(library, organization_id, &documents).await?;
        Ok(Self { article_id: article.id, source_id: source.id, documents, vectors })
    }

    pub(crate) async fn write(&self, library: &Library, transaction: &mut Transaction) -> Result<()> {
        let puts = store(library, transaction, self.source_id, &self.documents, &self.vectors).await?;
        let document_id: Option<DocumentId> = puts.first().map(|put| put.document_id);
        transaction.set_article_state(self.article_id, ArticleState::Published, document_id).await?;
        transaction.tell("article.published", None, serde_json::json!({ "article_id": self.article_id }));
        Ok(())
    }
}

/// Takes an article out of answers; its text stays. What waited for review is rejected.
pub async fn archive(
    library: &Library,
    organization_id: OrganizationId,
    id: ArticleId,
    actor: &str,
) -> Result<Article> {
    let tenant = library.database.of(organization_id);
    let article = tenant.load_article(id).await?;
    let waiting = tenant.find_waiting_suggestion(id).await?;
    let mut transaction = tenant.begin().await?;
    if let Some(suggestion) = waiting {
        let reason = Some("the article was archived".to_owned());
        transaction.conclude_suggestion(suggestion.id, SuggestionState::Rejected, actor, reason).await?;
    }
    transaction.archive_documents(article.document_id.as_slice()).await?;
    transaction.set_article_state(id, ArticleState::Archived, article.document_id).await?;
    transaction.tell("article.archived", None, serde_json::json!({ "article_id": id }));
    transaction.commit().await?;
    Ok(tenant.load_article(id).await?)
}

/// The source of that kind and name, added where it is missing.
pub(crate) async fn named_source(
    library: &Library,
    organization_id: OrganizationId,
    kind: &str,
    name: &str,
) -> Result<Source> {
    let tenant = library.database.of(organization_id);
    if let Some(source) = tenant.find_source_by_name(kind, name).await? {
        return Ok(source);
    }
    let mut transaction = tenant.begin().await?;
    let new = NewSource { kind: kind.to_owned(), name: name.to_owned(), url: None, settings: serde_json::Map::new() };
    match transaction.insert_source(new).await {
        Ok(source) => {
            transaction.commit().await?;
            Ok(source)
        }
        // Somebody else added it in the same instant.
        Err(error) => {
            drop(transaction);
            tenant.find_source_by_name(kind, name).await?.ok_or_else(|| error.into())
        }
    }
}

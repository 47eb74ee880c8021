//! Articles that people write: publishing one makes it a document, archiving takes it out of answers.

use crate::documents::{Text, cut, missing_vectors, store};
use crate::{Error, Library, Result};
use domain::knowledge::{Article, ArticleState, Source};
use domain::{ArticleId, OrganizationId};
use storage::sources::NewSource;

/// The kind and name of the source that published articles are documents of.
const SOURCE: &str = "articles";

/// Publishes the present text of an article.
pub async fn publish(library: &Library, organization_id: OrganizationId, id: ArticleId) -> Result<Article> {
    let tenant = library.database.of(organization_id);
    let article = tenant.load_article(id).await?;
    if article.body.trim().is_empty() {
        return Err(Error::Invalid(format!("article `{id}` has no text: write some before it is published")));
    }
    let source = named_source(library, organization_id, SOURCE, SOURCE).await?;
    let text = Text {
        external_id: id.to_string(),
        url: None,
        title: article.title.clone(),
        language: None,
        text: article.body,
    };
    let documents = [cut(library, text)];
    let vectors = missing_vectors(library, organization_id, &documents).await?;
    let mut transaction = tenant.begin().await?;
    let put = store(library, &mut transaction, source.id, &documents, &vectors).await?;
    transaction.set_article_state(id, ArticleState::Published, put.first().map(|put| put.document_id)).await?;
    transaction.tell("article.published", None, serde_json::json!({ "article_id": id }));
    transaction.commit().await?;
    crate::index::catch_up(library, organization_id).await?;
    Ok(tenant.load_article(id).await?)
}

/// Takes an article out of answers; its text stays.
pub async fn archive(library: &Library, organization_id: OrganizationId, id: ArticleId) -> Result<Article> {
    let tenant = library.database.of(organization_id);
    let article = tenant.load_article(id).await?;
    let mut transaction = tenant.begin().await?;
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

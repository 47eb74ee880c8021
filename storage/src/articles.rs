//! Articles: readable text that people edit, with every version of it.

use crate::sql::Run;
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::knowledge::{Article, ArticleState};
use domain::{ArticleId, DocumentId, OrganizationId, Time};
use serde::Serialize;

/// The text of an article at one version. Never changed.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct ArticleVersion {
    /// The article.
    pub article_id: ArticleId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Its number, from 1.
    pub version: i64,
    /// Its title then.
    pub title: String,
    /// Its text then.
    pub body: String,
    /// When it was written.
    pub created_at: Time,
}

impl Tenant<'_> {
    /// The article with that id.
    pub async fn load_article(self, id: ArticleId) -> Result<Article> {
        self.find(
            "select id, organization_id, document_id, title, body, state, version, created_at, updated_at
             from articles where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("article", id))
    }

    /// Articles, the last changed first, of one state where it is given.
    pub async fn list_articles(self, state: Option<ArticleState>, after: Keyset, limit: i64) -> Result<Vec<Article>> {
        self.all(
            "select id, organization_id, document_id, title, body, state, version, created_at, updated_at
             from articles
             where organization_id = $1 and ($2 is null or state = $2) and (updated_at, id) < ($3, $4)
             order by updated_at desc, id desc limit $5",
            (self.organization_id(), state, after.time, after.id, limit),
        )
        .await
    }

    /// The versions of an article, the newest first.
    pub async fn list_article_versions(self, id: ArticleId) -> Result<Vec<ArticleVersion>> {
        self.all(
            "select article_id, organization_id, version, title, body, created_at
             from article_versions where organization_id = $1 and article_id = $2 order by version desc",
            (self.organization_id(), id),
        )
        .await
    }
}

impl Transaction {
    /// Adds an article at version 1.
    pub async fn insert_article(&mut self, title: &str, body: &str, state: ArticleState) -> Result<Article> {
        let now = self.now();
        let article = Article {
            id: self.id(),
            organization_id: self.organization_id()?,
            document_id: None,
            title: title.to_owned(),
            body: body.to_owned(),
            state,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        self.run(
            "insert into articles (id, organization_id, title, body, state, version, created_at, updated_at)
             values ($1, $2, $3, $4, $5, 1, $6, $6)",
            (article.id, article.organization_id, title, body, state, now),
        )
        .await?;
        self.insert_article_version(&article).await?;
        Ok(article)
    }

    /// Gives an article a new text, as its next version.
    pub async fn update_article(&mut self, id: ArticleId, title: &str, body: &str) -> Result<Article> {
        let arguments = (self.organization_id()?, id, title, body, self.now());
        let article: Option<Article> = self
            .find(
                "update articles set title = $3, body = $4, version = version + 1, updated_at = $5
                 where organization_id = $1 and id = $2
                 returning id, organization_id, document_id, title, body, state, version, created_at, updated_at",
                arguments,
            )
            .await?;
        let article = article.ok_or_else(|| Error::not_found("article", id))?;
        self.insert_article_version(&article).await?;
        Ok(article)
    }

    /// Moves an article on; `document_id` is the document that carries its text from now on, if it changes.
    pub async fn set_article_state(
        &mut self,
        id: ArticleId,
        state: ArticleState,
        document_id: Option<DocumentId>,
    ) -> Result<()> {
        let arguments = (self.organization_id()?, id, state, document_id, self.now());
        let touched = self
            .run(
                "update articles set state = $3, document_id = coalesce($4, document_id), updated_at = $5
                 where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        if touched == 0 { Err(Error::not_found("article", id)) } else { Ok(()) }
    }

    /// Deletes an article with its versions and the document that carries its text.
    pub async fn delete_article(&mut self, id: ArticleId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        let gone: Option<(Option<DocumentId>,)> = self
            .find("delete from articles where organization_id = $1 and id = $2 returning document_id", arguments)
            .await?;
        let (document_id,) = gone.ok_or_else(|| Error::not_found("article", id))?;
        self.delete_documents(document_id.as_slice()).await?;
        Ok(())
    }

    async fn insert_article_version(&mut self, article: &Article) -> Result<()> {
        let arguments = (
            article.id,
            article.organization_id,
            article.version,
            article.title.as_str(),
            article.body.as_str(),
            article.updated_at,
        );
        self.run(
            "insert into article_versions (article_id, organization_id, version, title, body, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            arguments,
        )
        .await?;
        Ok(())
    }
}

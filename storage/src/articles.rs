//! Articles: readable text that people edit, with every version of it.

use crate::list::{List, texts};
use crate::sql::{Run, Sql};
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::knowledge::{Article, ArticleState, DocumentState};
use domain::suggestion::{SentenceLink, VersionOrigin};
use domain::{ArticleId, DocumentId, OrganizationId, SourceId, Time};
use serde::Serialize;
use sqlx::types::Json;

pub(crate) const COLUMNS: &str = "id, organization_id, document_id, title, body, state, version, kind, origin,
    source_id, origin_key, base_version, created_at, updated_at";
const VERSION_COLUMNS: &str =
    "article_id, organization_id, version, title, body, origin, author, links, reviewer, reviewed_at, created_at";

/// What a version of an article says, and who says it.
#[derive(Clone, Copy, Debug)]
pub struct ArticleText<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its text, as Markdown.
    pub body: &'a str,
    /// How it came about.
    pub origin: VersionOrigin,
    /// The id of a key or agent, or `system`.
    pub author: &'a str,
    /// Its sentences with their quotes, as far as they have one.
    pub links: &'a [SentenceLink],
}

impl<'a> ArticleText<'a> {
    /// A text that a person wrote.
    pub fn written(title: &'a str, body: &'a str, author: &'a str) -> Self {
        Self { title, body, origin: VersionOrigin::Written, author, links: &[] }
    }
}

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
    /// How it came about.
    pub origin: VersionOrigin,
    /// Who wrote it: the id of a key or agent, or `system`.
    pub author: String,
    /// Its sentences with their quotes, as far as they have one.
    #[sqlx(json)]
    pub links: Vec<SentenceLink>,
    /// Who approved it: the id of a key or agent, or `system` where it was published without review.
    pub reviewer: Option<String>,
    /// When it was approved.
    pub reviewed_at: Option<Time>,
    /// When it was written.
    pub created_at: Time,
}

/// A document that a generated article is drafted from.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct ArticleDocument {
    /// The document.
    pub document_id: DocumentId,
    /// Its version, as it was drafted from last.
    pub version: i64,
    /// Its place; 0 is the one that the sentences are linked to.
    pub position: i64,
    /// The source it belongs to.
    pub source_id: SourceId,
    /// Whether answers may use it still.
    pub state: DocumentState,
    /// Its present title.
    pub title: String,
    /// Its address.
    pub url: Option<String>,
    /// ISO 639-1 code, as far as it was recognised.
    pub language: Option<String>,
}

impl Tenant<'_> {
    /// The article with that id.
    pub async fn load_article(self, id: ArticleId) -> Result<Article> {
        self.find(
            Sql::dynamic(format!("select {COLUMNS} from articles where organization_id = $1 and id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("article", id))
    }

    /// The generated article of that part of a source.
    pub async fn find_article_by_origin(self, source_id: SourceId, origin_key: &str) -> Result<Option<Article>> {
        self.find(
            Sql::dynamic(format!(
                "select {COLUMNS} from articles where organization_id = $1 and source_id = $2 and origin_key = $3"
            )),
            (self.organization_id(), source_id, origin_key),
        )
        .await
    }

    /// The generated articles that are drafted from a document, in the order of their ids.
    pub async fn list_articles_of_document(self, id: DocumentId) -> Result<Vec<Article>> {
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from articles where organization_id = $1
                 and id in (select article_id from article_documents where document_id = $2) order by id"
            )),
            (self.organization_id(), id),
        )
        .await
    }

    /// Articles, the last changed first, of one state where it is given.
    pub async fn list_articles(self, state: Option<ArticleState>, after: Keyset, limit: i64) -> Result<Vec<Article>> {
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from articles
                 where organization_id = $1 and ($2 is null or state = $2) and (updated_at, id) < ($3, $4)
                 order by updated_at desc, id desc limit $5"
            )),
            (self.organization_id(), state, after.time, after.id, limit),
        )
        .await
    }

    /// In how many of the AI's messages from a time on each of the documents is cited; those that are cited only.
    pub async fn count_citing_messages(self, documents: &[DocumentId], from: Time) -> Result<Vec<(DocumentId, i64)>> {
        let names: Vec<String> = documents.iter().map(ToString::to_string).collect();
        let sql = List::Texts
            .sql(
                "select wanted.value, count(*) from {wanted} join (
                     select distinct m.id, cast(cited.value ->> 'document_id' as text) as document_id
                     from messages m, {elements}(m.citations) as cited
                     where m.organization_id = $1 and m.sender = 'ai' and m.created_at >= $3) as uses
                 on uses.document_id = wanted.value group by wanted.value",
            )
            // differs because: each engine has its own way of reading a list from JSON
            .with("{elements}", "json_each", "jsonb_array_elements");
        let arguments = (self.organization_id(), texts(names.iter().map(String::as_str)), from);
        let rows: Vec<(String, i64)> = self.all(sql, arguments).await?;
        Ok(rows.into_iter().filter_map(|(id, count)| Some((id.parse().ok()?, count))).collect())
    }

    /// The versions of an article, the newest first.
    pub async fn list_article_versions(self, id: ArticleId) -> Result<Vec<ArticleVersion>> {
        self.all(
            Sql::dynamic(format!(
                "select {VERSION_COLUMNS} from article_versions
                 where organization_id = $1 and article_id = $2 order by version desc"
            )),
            (self.organization_id(), id),
        )
        .await
    }

    /// The text of an article at one version.
    pub async fn load_article_version(self, id: ArticleId, version: i64) -> Result<ArticleVersion> {
        self.find(
            Sql::dynamic(format!(
                "select {VERSION_COLUMNS} from article_versions
                 where organization_id = $1 and article_id = $2 and version = $3"
            )),
            (self.organization_id(), id, version),
        )
        .await?
        .ok_or_else(|| Error::not_found("article version", format!("{id}, {version}")))
    }

    /// The documents that an article is drafted from, the one that its sentences are linked to first.
    pub async fn list_article_documents(self, id: ArticleId) -> Result<Vec<ArticleDocument>> {
        self.all(
            "select a.document_id, a.version, a.position, d.source_id, d.state, d.title, d.url, d.language
             from article_documents a join documents d on d.id = a.document_id
             where a.organization_id = $1 and a.article_id = $2 order by a.position, a.document_id",
            (self.organization_id(), id),
        )
        .await
    }
}

impl Transaction {
    /// Adds an article that a person writes, at version 1.
    pub async fn insert_article(&mut self, text: ArticleText<'_>, state: ArticleState) -> Result<Article> {
        let arguments = (self.id::<()>().uuid(), self.organization_id()?, text.title, text.body, state, self.now());
        let article: Article = self
            .one(
                Sql::dynamic(format!(
                    "insert into articles (id, organization_id, title, body, state, version, created_at, updated_at)
                     values ($1, $2, $3, $4, $5, 1, $6, $6) returning {COLUMNS}"
                )),
                arguments,
            )
            .await?;
        self.insert_article_version(&article, text).await?;
        Ok(article)
    }

    /// Gives an article a new text, as its next version; one that is the generator's own becomes its base.
    pub async fn update_article(&mut self, id: ArticleId, text: ArticleText<'_>) -> Result<Article> {
        let is_base = text.origin == VersionOrigin::Generated;
        let arguments = (self.organization_id()?, id, text.title, text.body, self.now(), is_base);
        let article: Option<Article> = self
            .find(
                Sql::dynamic(format!(
                    "update articles set title = $3, body = $4, version = version + 1, updated_at = $5,
                        base_version = case when $6 then version + 1 else base_version end
                     where organization_id = $1 and id = $2 returning {COLUMNS}"
                )),
                arguments,
            )
            .await?;
        let article = article.ok_or_else(|| Error::not_found("article", id))?;
        self.insert_article_version(&article, text).await?;
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

    /// Notes who approved a version of an article.
    pub async fn mark_version_reviewed(&mut self, id: ArticleId, version: i64, reviewer: &str) -> Result<()> {
        let arguments = (self.organization_id()?, id, version, reviewer, self.now());
        self.run(
            "update article_versions set reviewer = $4, reviewed_at = $5
             where organization_id = $1 and article_id = $2 and version = $3",
            arguments,
        )
        .await?;
        Ok(())
    }

    /// Notes that an article is drafted from a document at that version, after the documents known before.
    pub async fn upsert_article_document(
        &mut self,
        id: ArticleId,
        document_id: DocumentId,
        version: i64,
    ) -> Result<()> {
        let arguments = (id, self.organization_id()?, document_id, version);
        self.run(
            "insert into article_documents (article_id, organization_id, document_id, version, position)
             select $1, $2, $3, $4, (select count(*) from article_documents where article_id = $1)
             where true on conflict (article_id, document_id) do update set version = excluded.version",
            arguments,
        )
        .await?;
        Ok(())
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

    pub(crate) async fn insert_article_version(&mut self, article: &Article, text: ArticleText<'_>) -> Result<()> {
        let arguments = (
            article.id,
            article.organization_id,
            article.version,
            text.title,
            text.body,
            text.origin,
            text.author,
            Json(text.links.to_vec()),
            article.updated_at,
        );
        self.run(
            "insert into article_versions
             (article_id, organization_id, version, title, body, origin, author, links, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            arguments,
        )
        .await?;
        Ok(())
    }
}

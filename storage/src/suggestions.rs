//! Suggestions: generated texts in the review queue, and which documents were drafted from.

use crate::articles::{self, ArticleText};
use crate::sql::{Run, Sql};
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::job::DraftArticles;
use domain::knowledge::Article;
use domain::page::ScanSettings;
use domain::suggestion::{ArticleKind, SentenceLink, Suggestion, SuggestionState, VersionOrigin};
use domain::{ArticleId, DocumentId, SourceId, SuggestionId};
use sqlx::types::Json;

const COLUMNS: &str = "id, organization_id, article_id, source_id, kind, state, title, body, generated_body, links,
    support, sentences, linked, dropped, article_version, generator, content_hash, reason, reviewer, reviewed_at,
    created_at, updated_at";

/// A generated text with its proofs.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What kind of article it is.
    pub kind: ArticleKind,
    /// Its title.
    pub title: String,
    /// Its text, as Markdown.
    pub body: String,
    /// The generator's own text, where `body` is a merge of it with what a person changed before.
    pub generated_body: Option<String>,
    /// Its sentences with their quotes, in order.
    pub links: Vec<SentenceLink>,
    /// Support of its weakest sentence, 0 to 1.
    pub support: f64,
    /// Sentences that state something.
    pub sentences: i64,
    /// Sentences that were left out because nothing proved them.
    pub dropped: i64,
    /// What wrote it.
    pub generator: String,
    /// Of title and text, with letter case and white space aside.
    pub content_hash: String,
    /// Why a person should look at it, where there is a reason beyond its being new.
    pub reason: Option<String>,
}

/// Which suggestions are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct SuggestionFilter {
    /// Only these.
    pub state: Option<SuggestionState>,
    /// Only of that source.
    pub source_id: Option<SourceId>,
    /// Only of that kind.
    pub kind: Option<ArticleKind>,
    /// Only for that article.
    pub article_id: Option<ArticleId>,
}

/// How many suggestions there are of a state and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct SuggestionCount {
    /// The state.
    pub state: SuggestionState,
    /// The kind.
    pub kind: ArticleKind,
    /// How many.
    pub count: i64,
}

/// The generator's last word on a part of a source, whatever became of it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct GeneratedText {
    /// The article.
    pub article_id: ArticleId,
    /// Its source; `None` once that is deleted.
    pub source_id: Option<SourceId>,
    /// Which part of the source it is drafted from.
    pub origin_key: Option<String>,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
}

/// A document whose present version was not drafted from yet.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct UndraftedDocument {
    /// Its id.
    pub id: DocumentId,
    /// Its present version.
    pub version: i64,
    /// The id it is known by in its source.
    pub external_id: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Its title.
    pub title: String,
    /// ISO 639-1 code, as far as it was recognised.
    pub language: Option<String>,
    /// Its text, as Markdown.
    pub text: String,
}

impl Tenant<'_> {
    /// The suggestion with that id.
    pub async fn load_suggestion(self, id: SuggestionId) -> Result<Suggestion> {
        self.find(
            Sql::dynamic(format!("select {COLUMNS} from suggestions where organization_id = $1 and id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("suggestion", id))
    }

    /// The suggestion of an article that waits to be judged.
    pub async fn find_waiting_suggestion(self, article_id: ArticleId) -> Result<Option<Suggestion>> {
        self.find(
            Sql::dynamic(format!(
                "select {COLUMNS} from suggestions
                 where organization_id = $1 and article_id = $2 and state = 'waiting'"
            )),
            (self.organization_id(), article_id),
        )
        .await
    }

    /// Suggestions, the newest first.
    pub async fn list_suggestions(
        self,
        filter: SuggestionFilter,
        after: Keyset,
        limit: i64,
    ) -> Result<Vec<Suggestion>> {
        let arguments = (
            self.organization_id(),
            filter.state,
            filter.source_id,
            filter.kind,
            filter.article_id,
            after.time,
            after.id,
            limit,
        );
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from suggestions
                 where organization_id = $1 and ($2 is null or state = $2) and ($3 is null or source_id = $3)
                   and ($4 is null or kind = $4) and ($5 is null or article_id = $5) and (created_at, id) < ($6, $7)
                 order by created_at desc, id desc limit $8"
            )),
            arguments,
        )
        .await
    }

    /// How many suggestions there are by state and kind, of one source where it is given.
    pub async fn count_suggestions(self, source_id: Option<SourceId>) -> Result<Vec<SuggestionCount>> {
        self.all(
            "select state, kind, count(*) as count from suggestions
             where organization_id = $1 and ($2 is null or source_id = $2) group by state, kind order by state, kind",
            (self.organization_id(), source_id),
        )
        .await
    }

    /// What the generator said last in each generated article, in the order of their ids.
    pub async fn list_generated_texts(self, after: Option<ArticleId>, limit: i64) -> Result<Vec<GeneratedText>> {
        self.all(
            "select a.id as article_id, a.source_id, a.origin_key, coalesce(s.title, v.title) as title,
                coalesce(s.generated_body, s.body, v.body) as body
             from articles a
             join article_versions v on v.article_id = a.id and v.version = a.base_version
             left join suggestions s on s.article_id = a.id and s.state = 'waiting'
             where a.organization_id = $1 and a.origin = 'generated' and ($2 is null or a.id > $2)
             order by a.id limit $3",
            (self.organization_id(), after, limit),
        )
        .await
    }

    /// Published documents of a source whose present version was not drafted from yet, by id.
    pub async fn list_undrafted_documents(self, source_id: SourceId, limit: i64) -> Result<Vec<UndraftedDocument>> {
        self.all(
            "select d.id, d.version, d.external_id, d.url, d.title, d.language, v.text
             from documents d
             join document_versions v on v.document_id = d.id and v.version = d.version
             left join drafted_documents f on f.document_id = d.id and f.version = d.version
             where d.organization_id = $1 and d.source_id = $2 and d.state = 'published' and f.document_id is null
             order by d.id limit $3",
            (self.organization_id(), source_id, limit),
        )
        .await
    }
}

impl Transaction {
    /// Adds a generated article in review with its suggestion. `None`: the part of the source that it is
    /// drafted from has its article already.
    ///
    /// # Errors
    /// `NotFound` for a source of nobody or somebody else.
    pub async fn insert_generated(
        &mut self,
        source_id: SourceId,
        origin_key: &str,
        draft: &Draft,
    ) -> Result<Option<Suggestion>> {
        self.check_source(source_id).await?;
        let arguments = (
            self.id::<()>().uuid(),
            self.organization_id()?,
            draft.title.as_str(),
            draft.body.as_str(),
            draft.kind,
            source_id,
            origin_key,
            self.now(),
        );
        let article: Option<Article> = self
            .find(
                Sql::dynamic(format!(
                    "insert into articles (id, organization_id, title, body, state, version, kind, origin, source_id,
                        origin_key, base_version, created_at, updated_at)
                     values ($1, $2, $3, $4, 'in_review', 1, $5, 'generated', $6, $7, 1, $8, $8)
                     on conflict do nothing returning {}",
                    articles::COLUMNS
                )),
                arguments,
            )
            .await?;
        let Some(article) = article else { return Ok(None) };
        self.insert_article_version(&article, generated(draft)).await?;
        self.insert_suggestion(&article, draft).await.map(Some)
    }

    /// Puts a text for an article into the queue; the article itself stays as it is.
    pub async fn insert_suggestion(&mut self, article: &Article, draft: &Draft) -> Result<Suggestion> {
        let arguments = (
            self.id::<()>().uuid(),
            self.organization_id()?,
            article.id,
            article.source_id,
            draft.kind,
            draft.title.as_str(),
            draft.body.as_str(),
            draft.generated_body.clone(),
            Json(draft.links.clone()),
            draft.support,
            draft.sentences,
            linked(draft),
            draft.dropped,
            article.version,
            draft.generator.as_str(),
            draft.content_hash.as_str(),
            draft.reason.clone(),
            self.now(),
        );
        self.one(
            Sql::dynamic(format!(
                "insert into suggestions (id, organization_id, article_id, source_id, kind, state, title, body,
                    generated_body, links, support, sentences, linked, dropped, article_version, generator,
                    content_hash, reason, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, 'waiting', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
                 returning {COLUMNS}"
            )),
            arguments,
        )
        .await
    }

    /// Replaces the text of a suggestion that waits. Its article follows where it waits as well and nobody
    /// has edited it. `false`: it was judged meanwhile.
    pub async fn update_suggestion(&mut self, suggestion: &Suggestion, draft: &Draft) -> Result<bool> {
        let arguments = (self.organization_id()?, suggestion.article_id, suggestion.article_version);
        let unedited: Option<(ArticleId,)> = self
            .find(
                "select id from articles where organization_id = $1 and id = $2 and version = $3 and state = 'in_review'",
                arguments,
            )
            .await?;
        let article_version = match unedited {
            Some((id,)) => self.update_article(id, generated(draft)).await?.version,
            None => suggestion.article_version,
        };
        let arguments = (
            self.organization_id()?,
            suggestion.id,
            draft.title.as_str(),
            draft.body.as_str(),
            draft.generated_body.clone(),
            Json(draft.links.clone()),
            draft.support,
            draft.sentences,
            linked(draft),
            draft.dropped,
            article_version,
            draft.generator.as_str(),
            draft.content_hash.as_str(),
            draft.reason.clone(),
            self.now(),
            draft.kind,
        );
        let touched = self
            .run(
                "update suggestions set title = $3, body = $4, generated_body = $5, links = $6, support = $7,
                    sentences = $8, linked = $9, dropped = $10, article_version = $11, generator = $12,
                    content_hash = $13, reason = $14, updated_at = $15, kind = $16
                 where organization_id = $1 and id = $2 and state = 'waiting'",
                arguments,
            )
            .await?;
        Ok(touched == 1)
    }

    /// Ends the waiting of a suggestion. `false`: it was judged meanwhile, and nothing was changed.
    pub async fn conclude_suggestion(
        &mut self,
        id: SuggestionId,
        state: SuggestionState,
        reviewer: &str,
        reason: Option<String>,
    ) -> Result<bool> {
        let arguments = (self.organization_id()?, id, state, reviewer, reason, self.now());
        let touched = self
            .run(
                "update suggestions set state = $3, reviewer = $4, reason = coalesce($5, reason), reviewed_at = $6,
                    updated_at = $6
                 where organization_id = $1 and id = $2 and state = 'waiting'",
                arguments,
            )
            .await?;
        Ok(touched == 1)
    }

    /// Has articles drafted from what a scan or import brought, where its settings want that.
    pub async fn enqueue_drafting(&mut self, source_id: SourceId, settings: &ScanSettings) -> Result<()> {
        if !settings.generate {
            return Ok(());
        }
        let now = self.now();
        self.enqueue(&DraftArticles { source_id, publish: settings.publish }, now).await
    }

    /// Notes that a document was drafted from at that version.
    pub async fn mark_drafted(&mut self, document_id: DocumentId, version: i64, generator: &str) -> Result<()> {
        let arguments = (document_id, self.organization_id()?, version, generator, self.now());
        self.run(
            "insert into drafted_documents (document_id, organization_id, version, generator, drafted_at)
             values ($1, $2, $3, $4, $5)
             on conflict (document_id) do update set version = excluded.version, generator = excluded.generator,
                drafted_at = excluded.drafted_at",
            arguments,
        )
        .await?;
        Ok(())
    }
}

fn generated(draft: &Draft) -> ArticleText<'_> {
    ArticleText {
        title: &draft.title,
        body: draft.generated_body.as_deref().unwrap_or(&draft.body),
        origin: VersionOrigin::Generated,
        author: "system",
        links: &draft.links,
    }
}

fn linked(draft: &Draft) -> i64 {
    i64::try_from(draft.links.len()).unwrap_or(i64::MAX)
}

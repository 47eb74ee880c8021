//! From documents to suggestions: what a source says new is drafted, compared with everything drafted before,
//! and put into the review queue. A stretch of documents and the mark that they are drafted from are one
//! transaction, so a run may be killed anywhere and started again: nothing is suggested twice.

mod publish;

use crate::alike::{Alike, content_hash};
use crate::draft::Drafted;
use crate::drafter::Drafter;
use crate::merge::{Merged, merge};
use crate::{Library, Result};
use domain::job::{DraftArticles, Job};
use domain::knowledge::{Article, ArticleState};
use domain::suggestion::{SentenceLink, Suggestion, SuggestionState};
use domain::{ArticleId, OrganizationId, SourceId};
use publish::publish_supported;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use storage::suggestions::{Draft, SuggestionFilter, UndraftedDocument};
use storage::{Keyset, Tenant, Transaction};

pub use publish::{PUBLISH_SETTING, PUBLISH_SUPPORT_MIN, publish_support_min};

/// Documents of one transaction, where rules draft.
const DOCUMENTS_AT_ONCE: i64 = 40;
/// Documents of one run; then another job goes on, so that other organizations have their turn.
const DOCUMENTS_PER_RUN: usize = 4_000;
/// Documents of one run, where a model drafts.
const DOCUMENTS_PER_RUN_WITH_MODEL: usize = 25;
/// Generated texts that new ones are compared with.
const COMPARED_MAX: usize = 20_000;
/// Generated texts that are read at a time.
const COMPARED_AT_ONCE: i64 = 500;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ran {
    /// Documents that were drafted from.
    pub documents: usize,
    /// Suggestions that are new in the queue.
    pub suggested: usize,
    /// Suggestions with another text than before.
    pub changed: usize,
    /// Drafts that say what another says, and joined it.
    pub merged: usize,
    /// Suggestions that were taken back because their document does not say it any more.
    pub withdrawn: usize,
    /// Suggestions that were published without review.
    pub published: usize,
    /// Whether documents are left for the next run.
    pub more: bool,
}

impl Ran {
    /// Adds what another run did.
    pub fn add(&mut self, other: Self) {
        self.documents += other.documents;
        self.suggested += other.suggested;
        self.changed += other.changed;
        self.merged += other.merged;
        self.withdrawn += other.withdrawn;
        self.published += other.published;
        self.more = other.more;
    }
}

/// Runs the job: drafts from the documents of a source that were not drafted from, and enqueues the next
/// stretch. `true`: the job was completed with what it wrote.
pub async fn run_job(
    library: &Library,
    drafter: &Drafter,
    organization_id: OrganizationId,
    work: &DraftArticles,
    job: &Job,
) -> Result<bool> {
    let ran = run(library, drafter, organization_id, work.source_id, work.publish).await?;
    tracing::info!(source.id = %work.source_id, documents = ran.documents, suggested = ran.suggested, merged = ran.merged,
        published = ran.published, "drafted articles");
    let mut transaction = library.database.of(organization_id).begin().await?;
    transaction.complete_job(job).await?;
    if ran.more {
        let now = transaction.now();
        transaction.enqueue(work, now).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Drafts from the documents of a source that were not drafted from at their present version.
pub async fn run(
    library: &Library,
    drafter: &Drafter,
    organization_id: OrganizationId,
    source_id: SourceId,
    publish: bool,
) -> Result<Ran> {
    let tenant = library.database.of(organization_id);
    let source = tenant.load_source(source_id).await?;
    let (at_once, documents_max) =
        if drafter.chat.is_some() { (1, DOCUMENTS_PER_RUN_WITH_MODEL) } else { (DOCUMENTS_AT_ONCE, DOCUMENTS_PER_RUN) };
    let mut ran = Ran::default();
    let mut texts = None;
    loop {
        let documents = tenant.list_undrafted_documents(source_id, at_once).await?;
        if documents.is_empty() {
            break;
        }
        if ran.documents >= documents_max {
            ran.more = true;
            break;
        }
        let texts = match &mut texts {
            Some(texts) => texts,
            none => none.insert(Texts { alike: known_texts(tenant).await?, fresh: HashMap::new() }),
        };
        let mut stretch = Stretch::new(library, organization_id, source_id);
        for document in documents {
            let written = drafter.write(&document).await?;
            stretch.plan(texts, document, written.drafts, &written.generator).await?;
        }
        stretch.write(texts, &mut ran).await?;
    }
    if let Some(support_min) = publish_support_min(&source, publish) {
        ran.published = publish_supported(library, organization_id, source_id, support_min).await?;
    }
    Ok(ran)
}

async fn known_texts(tenant: Tenant<'_>) -> Result<Alike> {
    let mut alike = Alike::default();
    let (mut after, mut count) = (None, 0);
    while count < COMPARED_MAX {
        let texts = tenant.list_generated_texts(after, COMPARED_AT_ONCE).await?;
        let Some(last) = texts.last() else { break };
        after = Some(last.article_id);
        count += texts.len();
        for text in &texts {
            alike.add(text.article_id, &text.title, &text.body);
        }
    }
    Ok(alike)
}

/// What the drafts of a run are compared with.
struct Texts {
    alike: Alike,
    /// Articles that this run makes: the place-holder id that stands among the texts, and the article's own once it
    /// is written. One that somebody else made meanwhile never gets any.
    fresh: HashMap<ArticleId, Option<ArticleId>>,
}

impl Texts {
    fn article_id(&self, id: ArticleId) -> Option<ArticleId> {
        self.fresh.get(&id).copied().unwrap_or(Some(id))
    }
}

/// What the transaction of a stretch of documents writes.
struct Stretch<'l> {
    tenant: Tenant<'l>,
    source_id: SourceId,
    documents: Vec<(UndraftedDocument, String)>,
    steps: Vec<Step>,
}

enum Step {
    Insert { placeholder: ArticleId, key: String, draft: Draft, document: usize },
    Replace { suggestion: Box<Suggestion>, draft: Draft, document: usize },
    SuggestBeside { article: Box<Article>, draft: Draft, document: usize },
    Join { article_id: ArticleId, document: usize, is_news: bool },
    Withdraw { suggestion: Box<Suggestion>, article: Box<Article> },
}

impl<'l> Stretch<'l> {
    fn new(library: &'l Library, organization_id: OrganizationId, source_id: SourceId) -> Self {
        let tenant = library.database.of(organization_id);
        Self { tenant, source_id, documents: Vec::new(), steps: Vec::new() }
    }

    /// Decides what becomes of a document's drafts.
    async fn plan(
        &mut self,
        texts: &mut Texts,
        document: UndraftedDocument,
        drafts: Vec<Drafted>,
        generator: &str,
    ) -> Result<()> {
        let place = self.documents.len();
        let before = self.tenant.list_articles_of_document(document.id).await?;
        let mut kept: HashSet<ArticleId> = HashSet::new();
        for drafted in drafts {
            let key = drafted.key.clone();
            let draft = storable(&document, drafted, generator);
            let known = self.tenant.find_article_by_origin(self.source_id, &key).await?;
            let step = if let Some(article) = known {
                kept.insert(article.id);
                self.step_for(article, draft, place).await?
            } else if let Some(article_id) = texts.alike.find(&draft.title, &draft.body) {
                kept.insert(article_id);
                Step::Join { article_id, document: place, is_news: true }
            } else {
                let placeholder = self.tenant.database().clock().id();
                texts.alike.add(placeholder, &draft.title, &draft.body);
                texts.fresh.insert(placeholder, None);
                Step::Insert { placeholder, key, draft, document: place }
            };
            self.steps.push(step);
        }
        for article in before.into_iter().filter(|article| !kept.contains(&article.id)) {
            if let Some(suggestion) = self.tenant.find_waiting_suggestion(article.id).await?
                && self.tenant.list_article_documents(article.id).await?.len() == 1
            {
                self.steps.push(Step::Withdraw { suggestion: Box::new(suggestion), article: Box::new(article) });
            }
        }
        self.documents.push((document, generator.to_owned()));
        Ok(())
    }

    /// What a draft means for the article that was drafted from the same part of the source before.
    async fn step_for(&self, article: Article, mut draft: Draft, document: usize) -> Result<Step> {
        let filter = SuggestionFilter { article_id: Some(article.id), ..SuggestionFilter::default() };
        let last = self.tenant.list_suggestions(filter, Keyset::start(), 1).await?.pop();
        let article_id = article.id;
        Ok(match last {
            Some(last) if last.content_hash == draft.content_hash && last.state != SuggestionState::Withdrawn => {
                Step::Join { article_id, document, is_news: false }
            }
            last => {
                if article.state == ArticleState::Published && article.base_version != Some(article.version) {
                    self.keep_edits(&article, &mut draft).await?;
                }
                match last.filter(|last| last.state == SuggestionState::Waiting) {
                    Some(last) => Step::Replace { suggestion: Box::new(last), draft, document },
                    None => Step::SuggestBeside { article: Box::new(article), draft, document },
                }
            }
        })
    }

    /// Merges a draft with what people changed in the article since the generator's last word. Where both
    /// changed the same sentence, what people wrote stands, and what the source says now stands beside it.
    async fn keep_edits(&self, article: &Article, draft: &mut Draft) -> Result<()> {
        let base = match article.base_version {
            Some(version) => Some(self.tenant.load_article_version(article.id, version).await?),
            None => None,
        };
        let merged = base.as_ref().map(|base| merge(&base.body, &article.body, &draft.body));
        let (body, reason) = match merged {
            Some(Merged::Clean(body)) => (body, "merged with what people changed since it was drafted"),
            Some(Merged::Conflict(_)) | None => (
                article.body.clone(),
                "conflict: people and the source changed the same sentences; this is what people wrote, beside it stands what the source says now",
            ),
        };
        if base.is_none_or(|base| base.title != article.title) {
            draft.title.clone_from(&article.title);
        }
        draft.generated_body = Some(std::mem::replace(&mut draft.body, body));
        let also = draft.reason.take().map(|also| format!("; {also}")).unwrap_or_default();
        draft.reason = Some(format!("{reason}{also}"));
        Ok(())
    }

    async fn write(self, texts: &mut Texts, ran: &mut Ran) -> Result<()> {
        let mut transaction = self.tenant.begin().await?;
        let mut news = Vec::new();
        for step in self.steps {
            let (article_id, document) = match step {
                Step::Insert { placeholder, key, draft, document } => {
                    let Some(new) = transaction.insert_generated(self.source_id, &key, &draft).await? else { continue };
                    texts.fresh.insert(placeholder, Some(new.article_id));
                    news.push(new.id);
                    ran.suggested += 1;
                    (new.article_id, document)
                }
                Step::Replace { suggestion, draft, document } => {
                    transaction.update_suggestion(&suggestion, &draft).await?;
                    ran.changed += 1;
                    (suggestion.article_id, document)
                }
                Step::SuggestBeside { article, draft, document } => {
                    news.push(transaction.insert_suggestion(&article, &draft).await?.id);
                    ran.changed += 1;
                    (article.id, document)
                }
                Step::Join { article_id, document, is_news } => {
                    ran.merged += usize::from(is_news);
                    let Some(article_id) = texts.article_id(article_id) else { continue };
                    (article_id, document)
                }
                Step::Withdraw { suggestion, article } => {
                    withdraw(&mut transaction, &suggestion, &article).await?;
                    ran.withdrawn += 1;
                    continue;
                }
            };
            if let Some((document, _)) = self.documents.get(document) {
                transaction.upsert_article_document(article_id, document.id, document.version).await?;
            }
        }
        for (document, generator) in &self.documents {
            transaction.mark_drafted(document.id, document.version, generator).await?;
        }
        if !news.is_empty() {
            let payload = json!({ "source_id": self.source_id, "suggestions": news });
            transaction.tell("article.suggested", None, payload);
        }
        transaction.commit().await?;
        ran.documents += self.documents.len();
        Ok(())
    }
}

/// Takes a suggestion back; the article goes with it where nobody ever saw it published or edited it.
async fn withdraw(transaction: &mut Transaction, suggestion: &Suggestion, article: &Article) -> Result<()> {
    let reason = Some("its document does not say it any more".to_owned());
    transaction.conclude_suggestion(suggestion.id, SuggestionState::Withdrawn, "system", reason).await?;
    if article.state == ArticleState::InReview {
        transaction.set_article_state(article.id, ArticleState::Archived, None).await?;
    }
    Ok(())
}

/// A draft as it is stored: each proved sentence with its quote.
fn storable(document: &UndraftedDocument, drafted: Drafted, generator: &str) -> Draft {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let sentences = drafted.linked.sentences.len();
    let links: Vec<SentenceLink> = drafted
        .linked
        .sentences
        .into_iter()
        .filter_map(|placed| {
            let place = placed.place?;
            let quote = document.text.get(place.clone())?.to_owned();
            Some(SentenceLink {
                sentence: placed.sentence,
                document_id: document.id,
                version: document.version,
                start: place.start,
                end: place.end,
                quote,
                support: placed.support,
            })
        })
        .collect();
    let weakest = links.iter().map(|link| link.support).fold(drafted.title_support, f64::min);
    let mut reasons = Vec::new();
    if links.len() < sentences {
        reasons.push(format!("{} of {sentences} sentences have no quote", sentences - links.len()));
    }
    if drafted.linked.dropped > 0 {
        reasons.push(format!("{} drafted sentences were left out because nothing proved them", drafted.linked.dropped));
    }
    Draft {
        kind: drafted.kind,
        content_hash: content_hash(&drafted.title, &drafted.linked.body),
        title: drafted.title,
        support: if links.len() < sentences { 0.0 } else { weakest },
        sentences: count(sentences),
        dropped: count(drafted.linked.dropped),
        body: drafted.linked.body,
        generated_body: None,
        links,
        generator: generator.to_owned(),
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

//! Holds what the desk knows against the website: rows, indexes, documents, searches, answers.

use super::report::Shown;
use super::{ADVICE, DOCUMENTS_MAX, HITS, LEVEL_MAX, Run};
use crate::bench::bed::broken;
use crate::bench::stub_site::{Content, edition_word, page_word};
use crate::failure::Failure;
use answering::{Question, answer};
use domain::knowledge::{Article, ArticleState, DocumentState};
use domain::suggestion::SuggestionState;
use domain::{ArticleId, ChunkId, SourceId};
use retrieval::Search;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;
use storage::Keyset;
use storage::suggestions::SuggestionFilter;
use tokio::time::Instant;

impl Run {
    /// Waits until rows and indexes hold the same, and counts.
    pub(super) async fn read_state(&self, shown: &mut Shown) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            let state = self.state().await?;
            (shown.rows, shown.keywords, shown.vectors) = (state.rows.len(), state.keywords.len(), state.vectors.len());
            let apart = |one: &BTreeSet<_>, other: &BTreeSet<_>| one.symmetric_difference(other).count();
            shown.unequal = apart(&state.rows, &state.keywords) + apart(&state.rows, &state.vectors);
            shown.level_ms = started.elapsed().as_millis();
            if shown.unequal == 0 || started.elapsed() > LEVEL_MAX {
                shown.doubled = state.doubled;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn state(&self) -> Result<State, Failure> {
        let wired = &self.bed.wired;
        let space = wired.library.vector_space();
        let model = space.as_ref().map_or("", |space| &space.model_id);
        let tenant = wired.desk.database.of(wired.organization_id());
        let failed = |error: storage::Error| broken("the passages cannot be read", &error);
        let stored = tenant.list_indexable_chunks(model).await.map_err(failed)?;
        let ids: Vec<ChunkId> = stored.iter().map(|chunk| chunk.id).collect();
        let chunks = tenant.load_chunks(&ids).await.map_err(failed)?;
        let places: HashSet<_> = chunks.iter().map(|found| (found.chunk.document_id, found.chunk.position)).collect();
        let held = wired.library.retrieval.check(wired.organization_id(), space.as_ref()).await;
        let held = held.map_err(|error| broken("the indexes cannot be read", &error))?;
        let vectors = held.dense.unwrap_or_default();
        let doubled = [held.keyword.len(), vectors.len()];
        let (keywords, vectors): (BTreeSet<_>, BTreeSet<_>) =
            (held.keyword.into_iter().collect(), vectors.into_iter().collect());
        let doubled = chunks.len() - places.len() + doubled[0] - keywords.len() + doubled[1] - vectors.len();
        let rows = stored.iter().map(|chunk| (chunk.id, chunk.version)).collect();
        Ok(State { rows, keywords, vectors, doubled })
    }

    /// Holds documents, searches and answers against the site.
    pub(super) async fn read_knowledge(&self, shown: &mut Shown, source_id: SourceId) -> Result<(), Failure> {
        let tenant = self.bed.wired.desk.database.of(self.bed.wired.organization_id());
        let published = tenant
            .list_documents(Some(source_id), Some(DocumentState::Published), Keyset::start(), DOCUMENTS_MAX)
            .await
            .map_err(|error| broken("the documents cannot be listed", &error))?;
        let urls: HashMap<_, usize> = published.iter().fold(HashMap::new(), |mut urls, document| {
            *urls.entry(document.url.clone().unwrap_or_default()).or_default() += 1;
            urls
        });
        shown.doubled += urls.values().filter(|count| **count > 1).count();
        for page in &self.gone {
            let url = self.site.page_url(*page);
            let is_found = self.found(&page_word(*page)).await?.iter().any(|(found, _)| *found == url);
            if urls.contains_key(&url) || is_found || self.is_cited(*page, &url).await? {
                shown.ghosts += 1;
            }
        }
        for page in &self.present {
            let (url, Some(Content::Edition(edition))) = (self.site.page_url(*page), self.site.content(*page)) else {
                continue;
            };
            let word = edition_word(*page, edition);
            let found = self.found(&format!("present wording of the {} {word}", page_word(*page))).await?;
            if !found.iter().any(|(found, text)| *found == url && text.contains(&word)) {
                shown.stale += 1;
            }
        }
        Ok(())
    }

    /// Address and text of what a search finds.
    async fn found(&self, text: &str) -> Result<Vec<(String, String)>, Failure> {
        let wired = &self.bed.wired;
        let mut search = Search::new(wired.organization_id(), text);
        search.k = HITS;
        search.vector = answering::retrieve::query_vector(&wired.desk, text).await.0;
        let found = wired.library.retrieval.search(&search).await;
        let found = found.map_err(|error| broken("a search failed", &error))?;
        let ids: Vec<ChunkId> = found.hits.iter().map(|hit| hit.chunk_id).collect();
        let tenant = wired.desk.database.of(wired.organization_id());
        let chunks = tenant.load_chunks(&ids).await.map_err(|error| broken("passages cannot be read", &error))?;
        Ok(chunks.into_iter().map(|found| (found.url.unwrap_or_default(), found.chunk.text)).collect())
    }

    /// Whether an answer about a page that is gone cites it.
    async fn is_cited(&self, page: usize, url: &str) -> Result<bool, Failure> {
        let wired = &self.bed.wired;
        let question = Question {
            organization_id: wired.organization_id(),
            assistant: wired.home.assistant.clone(),
            text: format!("What does the {} do?", page_word(page)),
            history: Vec::new(),
            summary: String::new(),
            facts: Vec::new(),
            earlier: answering::recall::Earlier::default(),
            clarifications: 0,
            staffing: domain::staffing::Staffing::default(),
            allowed_link_hosts: Vec::new(),
            template: None,
            budget: domain::usage::Budget::default(),
            chat: wired.desk.models.installation(),
        };
        let answer = answer(&wired.desk, &question).await.map_err(|error| broken("a question failed", &error))?;
        Ok(answer.citations.iter().any(|citation| citation.url.as_deref() == Some(url)))
    }

    pub(super) async fn changed_articles(&self, written: &[(ArticleId, String)]) -> Result<usize, Failure> {
        let tenant = self.bed.wired.desk.database.of(self.bed.wired.organization_id());
        let mut changed = 0;
        for (id, text) in written {
            let article: Article =
                tenant.load_article(*id).await.map_err(|error| broken("an article cannot be read", &error))?;
            let is_found = self.found(text).await?.iter().any(|(_, found)| found.contains(ADVICE));
            if article.body != *text || article.state != ArticleState::Published || !is_found {
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// Articles about which more than one suggestion waits, and suggestions that say what another one says.
    pub(super) async fn suggested_twice(&self, source_id: SourceId) -> Result<usize, Failure> {
        let tenant = self.bed.wired.desk.database.of(self.bed.wired.organization_id());
        let filter = SuggestionFilter {
            state: Some(SuggestionState::Waiting),
            source_id: Some(source_id),
            ..SuggestionFilter::default()
        };
        let waiting = tenant
            .list_suggestions(filter, Keyset::start(), DOCUMENTS_MAX)
            .await
            .map_err(|error| broken("suggestions cannot be listed", &error))?;
        let articles: HashSet<_> = waiting.iter().map(|suggestion| suggestion.article_id).collect();
        let texts: HashSet<_> = waiting.iter().map(|suggestion| &suggestion.content_hash).collect();
        Ok(waiting.len() * 2 - articles.len() - texts.len())
    }
}

struct State {
    rows: BTreeSet<(ChunkId, i64)>,
    keywords: BTreeSet<(ChunkId, i64)>,
    vectors: BTreeSet<(ChunkId, i64)>,
    doubled: usize,
}

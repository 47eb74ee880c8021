//! Calls every method of the review queue once.

use crate::databases::not_found;
use domain::knowledge::{Article, ArticleState};
use domain::suggestion::{ArticleKind, ArticleOrigin, SentenceLink, Suggestion, SuggestionState, VersionOrigin};
use domain::{DocumentId, OrganizationId, SourceId};
use serde_json::Map;
use storage::articles::ArticleText;
use storage::documents::NewDocument;
use storage::sources::NewSource;
use storage::suggestions::{Draft, SuggestionCount, SuggestionFilter};
use storage::{Database, Keyset};

stories! {
    a_suggestion_is_drafted_once_and_judged_once a_published_article_gets_suggestions_beside_it
    documents_are_drafted_from_once_a_version what_is_deleted_takes_its_suggestions_along
    one_organization_never_sees_the_suggestions_of_another
}

struct Desk<'d> {
    database: &'d Database,
    id: OrganizationId,
    source: SourceId,
}

impl<'d> Desk<'d> {
    async fn new(database: &'d Database) -> Self {
        let id = database.insert_organization("Acme").await.unwrap().id;
        let desk = Self { database, id, source: SourceId::from_uuid(uuid::Uuid::nil()) };
        let new = NewSource { kind: "import".to_owned(), name: "file".to_owned(), url: None, settings: Map::new() };
        let source = within!(desk, transaction => transaction.insert_source(new).await.unwrap()).id;
        Self { source, ..desk }
    }

    async fn document(&self, external_id: &str, text: &str) -> DocumentId {
        let document = NewDocument {
            external_id: external_id.to_owned(),
            url: Some(format!("https://example.org/{external_id}")),
            title: format!("About {external_id}"),
            text: text.to_owned(),
            language: Some("en".to_owned()),
            pieces: vec![],
        };
        let put = within!(self, transaction => transaction.put_documents(self.source, &[document]).await.unwrap());
        put[0].document_id
    }

    async fn suggest(&self, key: &str, draft: &Draft) -> Option<Suggestion> {
        within!(self, transaction => transaction.insert_generated(self.source, key, draft).await.unwrap())
    }

    async fn article(&self, suggestion: &Suggestion) -> Article {
        self.database.of(self.id).load_article(suggestion.article_id).await.unwrap()
    }
}

fn draft(title: &str, body: &str, document_id: DocumentId) -> Draft {
    let link = SentenceLink {
        sentence: body.to_owned(),
        document_id,
        version: 1,
        start: 0,
        end: body.len(),
        quote: body.to_owned(),
        support: 1.0,
    };
    Draft {
        kind: ArticleKind::Faq,
        title: title.to_owned(),
        body: body.to_owned(),
        generated_body: None,
        links: vec![link],
        support: 1.0,
        sentences: 1,
        dropped: 0,
        generator: "rules 1".to_owned(),
        content_hash: format!("{title} {body}"),
        reason: None,
    }
}

async fn a_suggestion_is_drafted_once_and_judged_once(database: &Database) {
    let desk = Desk::new(database).await;
    let tenant = database.of(desk.id);
    let document_id = desk.document("a", "Five days.").await;
    let first = draft("How long?", "Five days.", document_id);
    let suggestion = desk.suggest("a#how-long", &first).await.unwrap();
    assert!(desk.suggest("a#how-long", &first).await.is_none(), "one article for one part of a source");
    assert_eq!((suggestion.state, suggestion.linked), (SuggestionState::Waiting, 1));
    assert_eq!(suggestion.links, first.links);
    let article = desk.article(&suggestion).await;
    assert_eq!(
        (article.state, article.origin, article.kind),
        (ArticleState::InReview, ArticleOrigin::Generated, ArticleKind::Faq)
    );
    assert_eq!((article.base_version, article.source_id), (Some(1), Some(desk.source)));
    assert_eq!(tenant.find_article_by_origin(desk.source, "a#how-long").await.unwrap(), Some(article.clone()));
    assert!(tenant.find_article_by_origin(desk.source, "b").await.unwrap().is_none());
    let version = tenant.load_article_version(article.id, 1).await.unwrap();
    assert_eq!((version.origin, version.author.as_str()), (VersionOrigin::Generated, "system"));
    assert_eq!(version.links, first.links);
    assert!(not_found(&tenant.load_article_version(article.id, 2).await));

    // Drafted again before anybody looked: the queue shows the newer text, and so does the article.
    let second = draft("How long?", "Six days.", document_id);
    assert!(within!(desk, transaction => transaction.update_suggestion(&suggestion, &second).await.unwrap()));
    let suggestion = tenant.find_waiting_suggestion(article.id).await.unwrap().unwrap();
    assert_eq!((suggestion.body.as_str(), suggestion.article_version), ("Six days.", 2));
    let article = desk.article(&suggestion).await;
    assert_eq!((article.body.as_str(), article.version, article.base_version), ("Six days.", 2, Some(2)));

    // A person edits the article: from then on only the queue follows the drafts.
    let edited = ArticleText::written("How long?", "Six working days.", "key_1");
    within!(desk, transaction => transaction.update_article(article.id, edited).await.unwrap());
    let third = draft("How long?", "Seven days.", document_id);
    assert!(within!(desk, transaction => transaction.update_suggestion(&suggestion, &third).await.unwrap()));
    let article = desk.article(&suggestion).await;
    assert_eq!((article.body.as_str(), article.version, article.base_version), ("Six working days.", 3, Some(2)));
    let texts = tenant.list_generated_texts(None, 10).await.unwrap();
    assert_eq!((texts.len(), texts[0].body.as_str()), (1, "Seven days."), "what waits counts before what was");
    assert!(tenant.list_generated_texts(Some(article.id), 10).await.unwrap().is_empty());

    let conclude = async |state, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        within!(desk, transaction => transaction.conclude_suggestion(suggestion.id, state, "key_1", reason).await.unwrap())
    };
    assert!(conclude(SuggestionState::Rejected, Some("wrong")).await);
    assert!(!conclude(SuggestionState::Approved, None).await, "it was judged");
    assert!(!within!(desk, transaction => transaction.update_suggestion(&suggestion, &first).await.unwrap()));
    let judged = tenant.load_suggestion(suggestion.id).await.unwrap();
    assert_eq!((judged.reviewer.as_deref(), judged.reason.as_deref()), (Some("key_1"), Some("wrong")));
    assert!(judged.reviewed_at.is_some());
    assert!(tenant.find_waiting_suggestion(article.id).await.unwrap().is_none());
}

async fn a_published_article_gets_suggestions_beside_it(database: &Database) {
    let desk = Desk::new(database).await;
    let tenant = database.of(desk.id);
    let document_id = desk.document("a", "Five days.").await;
    let other = desk.document("b", "Five days.").await;
    let first = desk.suggest("a#1", &draft("One", "Five days.", document_id)).await.unwrap();
    let second = desk.suggest("a#2", &draft("Two", "Ten days.", document_id)).await.unwrap();
    within!(desk, transaction => {
        transaction.conclude_suggestion(first.id, SuggestionState::Approved, "agt_1", None).await.unwrap();
        transaction.set_article_state(first.article_id, ArticleState::Published, None).await.unwrap();
        transaction.mark_version_reviewed(first.article_id, 1, "agt_1").await.unwrap();
        for (document, version) in [(document_id, 1), (other, 1), (document_id, 2)] {
            transaction.upsert_article_document(first.article_id, document, version).await.unwrap();
        }
    });
    let version = tenant.load_article_version(first.article_id, 1).await.unwrap();
    assert_eq!((version.reviewer.as_deref(), version.reviewed_at.is_some()), (Some("agt_1"), true));
    let documents = tenant.list_article_documents(first.article_id).await.unwrap();
    let seen: Vec<_> = documents.iter().map(|row| (row.document_id, row.version, row.position)).collect();
    assert_eq!(seen, [(document_id, 2, 0), (other, 1, 1)]);
    assert_eq!(documents[0].url.as_deref(), Some("https://example.org/a"));
    let drafted_from = tenant.list_articles_of_document(other).await.unwrap();
    assert_eq!(drafted_from.iter().map(|article| article.id).collect::<Vec<_>>(), [first.article_id]);

    let article = desk.article(&first).await;
    let next =
        Draft { generated_body: Some("Six days.".to_owned()), ..draft("One", "Six days, at most.", document_id) };
    let update = within!(desk, transaction => transaction.insert_suggestion(&article, &next).await.unwrap());
    assert_eq!((update.article_id, update.article_version), (article.id, 1));
    assert_eq!(desk.article(&update).await, article, "what is published stays until somebody approves");
    let texts = tenant.list_generated_texts(None, 1).await.unwrap();
    assert_eq!(texts[0].body, "Six days.", "the generator's own words, not the merge");

    let everything = tenant.list_suggestions(SuggestionFilter::default(), Keyset::start(), 10).await.unwrap();
    assert_eq!(everything.iter().map(|row| row.id).collect::<Vec<_>>(), [update.id, second.id, first.id]);
    let after = Keyset::at(everything[0].created_at, everything[0].id);
    assert_eq!(tenant.list_suggestions(SuggestionFilter::default(), after, 10).await.unwrap().len(), 2);
    let filter = SuggestionFilter {
        state: Some(SuggestionState::Waiting),
        source_id: Some(desk.source),
        kind: Some(ArticleKind::Faq),
        article_id: Some(article.id),
    };
    assert_eq!(tenant.list_suggestions(filter, Keyset::start(), 10).await.unwrap(), vec![update]);
    let none = SuggestionFilter { kind: Some(ArticleKind::Article), ..SuggestionFilter::default() };
    assert!(tenant.list_suggestions(none, Keyset::start(), 10).await.unwrap().is_empty());
    let count = |state, count| SuggestionCount { state, kind: ArticleKind::Faq, count };
    let expected = [count(SuggestionState::Approved, 1), count(SuggestionState::Waiting, 2)];
    assert_eq!(tenant.count_suggestions(None).await.unwrap(), expected);
    assert_eq!(tenant.count_suggestions(Some(desk.source)).await.unwrap(), expected);
}

async fn documents_are_drafted_from_once_a_version(database: &Database) {
    let desk = Desk::new(database).await;
    let tenant = database.of(desk.id);
    let a = desk.document("a", "one").await;
    let b = desk.document("b", "two").await;
    let undrafted = async || {
        let documents = tenant.list_undrafted_documents(desk.source, 10).await.unwrap();
        documents.into_iter().map(|document| (document.id, document.version, document.text)).collect::<Vec<_>>()
    };
    let one = |id, version, text: &str| (id, version, text.to_owned());
    assert_eq!(undrafted().await, [one(a, 1, "one"), one(b, 1, "two")]);
    assert_eq!(tenant.list_undrafted_documents(desk.source, 1).await.unwrap().len(), 1);
    within!(desk, transaction => {
        transaction.mark_drafted(a, 1, "rules 1").await.unwrap();
        transaction.mark_drafted(b, 1, "rules 1").await.unwrap();
    });
    assert!(undrafted().await.is_empty());
    desk.document("a", "one, changed").await;
    assert_eq!(undrafted().await, [one(a, 2, "one, changed")]);
    within!(desk, transaction => {
        transaction.mark_drafted(a, 2, "rules 1").await.unwrap();
        transaction.archive_documents(&[b]).await.unwrap();
        transaction.clear_document_url(b).await.unwrap();
    });
    assert!(undrafted().await.is_empty());
    assert_eq!(tenant.load_document(b).await.unwrap().url, None);
}

async fn what_is_deleted_takes_its_suggestions_along(database: &Database) {
    let desk = Desk::new(database).await;
    let tenant = database.of(desk.id);
    let document_id = desk.document("a", "Five days.").await;
    let suggestion = desk.suggest("a#1", &draft("One", "Five days.", document_id)).await.unwrap();
    let kept = desk.suggest("a#2", &draft("Two", "Five days.", document_id)).await.unwrap();
    within!(desk, transaction => {
        transaction.upsert_article_document(kept.article_id, document_id, 1).await.unwrap();
        transaction.delete_article(suggestion.article_id).await.unwrap();
        transaction.conclude_suggestion(kept.id, SuggestionState::Approved, "key_1", None).await.unwrap();
        transaction.set_article_state(kept.article_id, ArticleState::Published, None).await.unwrap();
    });
    assert!(not_found(&tenant.load_suggestion(suggestion.id).await));
    let waiting = desk.suggest("a#3", &draft("Three", "Five days.", document_id)).await.unwrap();
    within!(desk, transaction => transaction.delete_source(desk.source).await.unwrap());
    assert!(not_found(&tenant.load_article(waiting.article_id).await), "nobody had approved it");
    let article = tenant.load_article(kept.article_id).await.unwrap();
    assert_eq!((article.state, article.source_id), (ArticleState::Published, None), "a person had approved it");
    assert!(tenant.list_article_documents(kept.article_id).await.unwrap().is_empty());
    assert_eq!(tenant.load_suggestion(kept.id).await.unwrap().source_id, None);
}

async fn one_organization_never_sees_the_suggestions_of_another(database: &Database) {
    let (ours, theirs) = (Desk::new(database).await, Desk::new(database).await);
    let document_id = theirs.document("a", "secret").await;
    let secret = theirs.suggest("a", &draft("Secret", "secret", document_id)).await.unwrap();
    let tenant = database.of(ours.id);
    assert!(not_found(&tenant.load_suggestion(secret.id).await));
    assert!(tenant.find_waiting_suggestion(secret.article_id).await.unwrap().is_none());
    assert!(tenant.find_article_by_origin(theirs.source, "a").await.unwrap().is_none());
    assert!(tenant.list_articles_of_document(document_id).await.unwrap().is_empty());
    assert!(tenant.list_undrafted_documents(theirs.source, 9).await.unwrap().is_empty());
    assert!(tenant.list_generated_texts(None, 9).await.unwrap().is_empty());
    assert!(tenant.count_suggestions(None).await.unwrap().is_empty());
    let mut transaction = tenant.begin().await.unwrap();
    let planted = transaction.insert_generated(theirs.source, "b", &draft("x", "x", document_id)).await;
    assert!(not_found(&planted));
    assert!(!transaction.conclude_suggestion(secret.id, SuggestionState::Approved, "us", None).await.unwrap());
    assert!(!transaction.update_suggestion(&secret, &draft("x", "x", document_id)).await.unwrap());
    transaction.rollback().await.unwrap();
}

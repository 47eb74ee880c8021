//! Articles that were drafted from pages: what people changed in them stays, whatever becomes of the page.

use crate::site::{LONGEST, Site, text};
use domain::knowledge::{Article, ArticleState};
use domain::suggestion::{Suggestion, SuggestionState};
use frontdesk::bench::stub_site::Content;
use ingest::review::{Edit, approve};
use storage::suggestions::SuggestionFilter;

impl Site {
    /// What waits for review about a text, once all drafting is done.
    async fn suggestion(&self, words: &str) -> Suggestion {
        self.bed.drained(LONGEST).await.unwrap();
        let filter = SuggestionFilter { state: Some(SuggestionState::Waiting), ..SuggestionFilter::default() };
        let waiting = self.tenant().list_suggestions(filter, storage::Keyset::start(), 1_000).await.unwrap();
        let found = waiting.iter().find(|suggestion| {
            suggestion.body.contains(words)
                || suggestion.generated_body.as_ref().is_some_and(|body| body.contains(words))
        });
        found.unwrap_or_else(|| panic!("nothing that waits says `{words}`: {waiting:#?}")).clone()
    }

    async fn approve(&self, suggestion: &Suggestion, body: Option<String>) {
        let wired = &self.bed.wired;
        let edit = Edit { title: None, body };
        approve(&wired.library, wired.organization_id(), suggestion.id, edit, "ann").await.unwrap();
    }

    async fn article(&self, suggestion: &Suggestion) -> Article {
        self.tenant().load_article(suggestion.article_id).await.unwrap()
    }
}

#[tokio::test]
async fn what_people_changed_in_a_generated_article_survives_its_page() {
    let says = |first: &str, last: &str| {
        let middle = "This guide is for everybody on the team who looks after the account. Save what you chose.";
        Content::Text(format!("<p>{first} {middle} {last}</p>"))
    };
    let site = Site::open(20).await;
    site.site.put(0, says("The menu is on the left.", "Ask the owner of the account for help."));
    site.scan().await;
    let first = site.suggestion("menu is on the left").await;
    let edited = first.body.replace("Ask the owner of the account for help.", "Ask Ann for help, she is at desk B.");
    assert_ne!(edited, first.body);
    site.approve(&first, Some(edited.clone())).await;

    site.site.put(0, says("The menu is on the right.", "Ask the owner of the account for help."));
    site.scan().await;
    let merged = site.suggestion("menu is on the right").await;
    assert_eq!(merged.body, edited.replace("on the left", "on the right"), "both changes are in it");
    assert!(merged.reason.as_deref().unwrap().starts_with("merged with what people changed"), "{merged:?}");
    assert_eq!(site.article(&first).await.body, edited, "nothing is published before a person agrees");
    site.approve(&merged, None).await;

    site.site.put(0, says("The menu is on the right.", "Ask the people at the front desk for help."));
    site.scan().await;
    let conflict = site.suggestion("people at the front desk").await;
    assert!(conflict.reason.as_deref().unwrap().starts_with("conflict"), "{conflict:?}");
    assert!(conflict.body.contains("Ask Ann") && !conflict.body.contains("<<<"), "{}", conflict.body);
    assert!(conflict.generated_body.as_deref().unwrap().contains("people at the front desk"));
    let article = site.article(&first).await;
    assert!(article.body.contains("Ask Ann") && article.body.contains("on the right"), "{}", article.body);
    site.close().await;
}

#[tokio::test]
async fn what_was_drafted_from_a_page_leaves_with_it_and_what_people_wrote_stays() {
    let site = Site::open(20).await;
    site.site.put(0, text("The blue lamp blinks twice after an update."));
    site.site.put(1, text("The red lamp blinks once at the start."));
    site.scan().await;
    let (blue, red) = (site.suggestion("blue lamp").await, site.suggestion("red lamp").await);
    let edited = format!("{}\n\nAsk Ann about the red lamp.", red.body);
    site.approve(&blue, None).await;
    site.approve(&red, Some(edited.clone())).await;
    assert!(site.finds(0, "blue lamp").await && site.finds(1, "Ask Ann").await);

    site.site.put(0, Content::Gone(410));
    site.site.put(1, Content::Gone(410));
    site.scan().await;
    assert!(
        !site.finds(0, "blue lamp").await && !site.finds(1, "red lamp").await,
        "nothing leads to a page that is gone"
    );
    assert_eq!(site.article(&blue).await.state, ArticleState::Archived);
    let kept = site.article(&red).await;
    assert_eq!((kept.state, &kept.body), (ArticleState::Published, &edited));
    let asked = site.suggestion("Ask Ann").await;
    assert!(asked.reason.as_deref().unwrap().starts_with("the page it was drafted from is gone"), "{asked:?}");
    site.approve(&asked, None).await;
    assert!(!site.finds(1, "red lamp").await, "a gone address does not come back by approval");

    site.site.put(0, text("The blue lamp blinks twice after an update."));
    site.scan().await;
    let again = site.suggestion("blue lamp").await;
    assert_eq!(again.article_id, blue.article_id, "a page that is back is suggested again");
    site.close().await;
}

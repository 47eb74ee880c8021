//! Publishes without review what is proved well enough, where that is switched on.

use crate::{Library, Result, review};
use domain::knowledge::{ArticleState, Source};
use domain::suggestion::SuggestionState;
use domain::{OrganizationId, SourceId};
use storage::Keyset;
use storage::suggestions::SuggestionFilter;

/// Suggestions that are read at a time.
const SUGGESTIONS_AT_ONCE: i64 = 100;
/// Suggestions that one run publishes without review.
const PUBLISHED_MAX: usize = 20_000;
/// Support from which a suggestion is published without review, where that is switched on and nothing else said.
pub const PUBLISH_SUPPORT_MIN: f64 = 0.9;
/// The key of a source's settings that switches publishing without review on: the support from which.
pub const PUBLISH_SETTING: &str = "publish_support_min";

/// The support from which suggestions of a source are published without review; `None`: all are reviewed.
pub fn publish_support_min(source: &Source, publish: bool) -> Option<f64> {
    let set = source.settings.get(PUBLISH_SETTING).and_then(serde_json::Value::as_f64);
    set.filter(|support| (0.0..=1.0).contains(support)).or(publish.then_some(PUBLISH_SUPPORT_MIN))
}

/// Publishes what waits of a source and is proved well enough; what changes a published article waits.
pub(super) async fn publish_supported(
    library: &Library,
    organization_id: OrganizationId,
    source_id: SourceId,
    support_min: f64,
) -> Result<usize> {
    let tenant = library.database.of(organization_id);
    let filter = SuggestionFilter {
        state: Some(SuggestionState::Waiting),
        source_id: Some(source_id),
        ..SuggestionFilter::default()
    };
    let (mut after, mut published) = (Keyset::start(), 0);
    while published < PUBLISHED_MAX {
        let waiting = tenant.list_suggestions(filter, after, SUGGESTIONS_AT_ONCE).await?;
        let Some(last) = waiting.last() else { break };
        after = Keyset::at(last.created_at, last.id);
        for suggestion in
            waiting.iter().filter(|suggestion| suggestion.support >= support_min && suggestion.reason.is_none())
        {
            let article = tenant.load_article(suggestion.article_id).await?;
            let is_untouched = article.version == suggestion.article_version;
            if article.state == ArticleState::InReview && is_untouched {
                match review::approve(library, organization_id, suggestion.id, review::Edit::default(), "system").await
                {
                    // A person was faster.
                    Err(crate::Error::Storage(storage::Error::Conflict(_))) => {}
                    outcome => {
                        outcome?;
                        published += 1;
                    }
                }
            }
        }
    }
    Ok(published)
}

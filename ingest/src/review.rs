//! The judgement of a person on generated knowledge: approve, approve with changes, reject.

use crate::articles::Publishing;
use crate::{Library, Result};
use domain::knowledge::{Article, ArticleState};
use domain::sentences::{UnitKind, sentences};
use domain::suggestion::{SentenceLink, Suggestion, SuggestionState, VersionOrigin};
use domain::{OrganizationId, SuggestionId};
use storage::articles::ArticleText;

/// Changes that a reviewer makes while approving; what is absent stays as it was suggested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Another title.
    pub title: Option<String>,
    /// Another text, as Markdown.
    pub body: Option<String>,
}

/// Publishes a suggestion, perhaps changed. Answers may cite it when this returns. `reviewer` is the id of a
/// key or agent.
///
/// # Errors
/// `Conflict` when it was judged already, or its article was changed after it was suggested and the
/// reviewer does not say which text is wanted.
pub async fn approve(
    library: &Library,
    organization_id: OrganizationId,
    id: SuggestionId,
    edit: Edit,
    reviewer: &str,
) -> Result<Suggestion> {
    let tenant = library.database.of(organization_id);
    let suggestion = tenant.load_suggestion(id).await?;
    check_waiting(&suggestion)?;
    let article = tenant.load_article(suggestion.article_id).await?;
    let wanted = wanted(&suggestion, &article, edit)?;
    let publishing = Publishing::prepare(library, organization_id, &article, &wanted.title, &wanted.body).await?;
    let mut transaction = tenant.begin().await?;
    if !transaction.conclude_suggestion(id, SuggestionState::Approved, reviewer, None).await? {
        return Err(judged_meanwhile(id));
    }
    let mut version = article.version;
    for text in wanted.versions(&suggestion, &article, reviewer) {
        version = transaction.update_article(article.id, text).await?.version;
    }
    transaction.mark_version_reviewed(article.id, version, reviewer).await?;
    publishing.write(library, &mut transaction).await?;
    transaction.insert_audit(reviewer, "suggestion.approved", &id.to_string()).await?;
    transaction.commit().await?;
    crate::index::make_findable(library, organization_id).await?;
    Ok(tenant.load_suggestion(id).await?)
}

/// Refuses a suggestion, for a reason that others can read. Its text is not suggested again.
///
/// # Errors
/// `Conflict` when it was judged already.
pub async fn reject(
    library: &Library,
    organization_id: OrganizationId,
    id: SuggestionId,
    reason: Option<String>,
    reviewer: &str,
) -> Result<Suggestion> {
    let tenant = library.database.of(organization_id);
    let suggestion = tenant.load_suggestion(id).await?;
    check_waiting(&suggestion)?;
    let article = tenant.load_article(suggestion.article_id).await?;
    let mut transaction = tenant.begin().await?;
    if !transaction.conclude_suggestion(id, SuggestionState::Rejected, reviewer, reason).await? {
        return Err(judged_meanwhile(id));
    }
    if article.state == ArticleState::InReview {
        transaction.set_article_state(article.id, ArticleState::Archived, None).await?;
    }
    transaction.insert_audit(reviewer, "suggestion.rejected", &id.to_string()).await?;
    let payload = serde_json::json!({ "article_id": article.id, "suggestion_id": id });
    transaction.tell("article.rejected", None, payload);
    transaction.commit().await?;
    Ok(tenant.load_suggestion(id).await?)
}

/// The links of the sentences that a changed text still has, in its order.
pub fn relink(body: &str, links: &[SentenceLink]) -> Vec<SentenceLink> {
    let units = sentences(body);
    let said = units.iter().filter(|unit| unit.kind != UnitKind::Heading).map(|unit| unit.text(body));
    said.filter_map(|sentence| links.iter().find(|link| link.sentence == sentence).cloned()).collect()
}

/// The sentences of a text that have no link: what a person wrote or changed.
pub fn unlinked<'a>(body: &'a str, links: &[SentenceLink]) -> Vec<&'a str> {
    sentences(body)
        .iter()
        .filter(|unit| unit.kind != UnitKind::Heading)
        .map(|unit| unit.text(body))
        .filter(|sentence| sentence.contains(char::is_alphanumeric))
        .filter(|sentence| !links.iter().any(|link| link.sentence == *sentence))
        .collect()
}

fn check_waiting(suggestion: &Suggestion) -> Result<()> {
    if suggestion.state == SuggestionState::Waiting {
        return Ok(());
    }
    let by = suggestion.reviewer.as_deref().map(|reviewer| format!(" by {reviewer}")).unwrap_or_default();
    let text = format!("suggestion `{}` is {}{by} already", suggestion.id, suggestion.state);
    Err(storage::Error::Conflict(text).into())
}

fn judged_meanwhile(id: SuggestionId) -> crate::Error {
    storage::Error::Conflict(format!("suggestion `{id}` was judged by somebody else in this moment")).into()
}

/// The text that is published.
struct Wanted {
    title: String,
    body: String,
    links: Vec<SentenceLink>,
}

fn wanted(suggestion: &Suggestion, article: &Article, edit: Edit) -> Result<Wanted> {
    let is_changed = article.version != suggestion.article_version;
    let in_review = article.state == ArticleState::InReview;
    if is_changed && !in_review && edit.body.is_none() {
        return Err(storage::Error::Conflict(format!(
            "article `{}` was changed after this was suggested (version {} then, {} now): compare both and approve with the text that is wanted",
            article.id, suggestion.article_version, article.version
        ))
        .into());
    }
    // What a person changed in the article while it waited counts more than the draft.
    let (title, body) =
        if is_changed && in_review { (&article.title, &article.body) } else { (&suggestion.title, &suggestion.body) };
    let title = edit.title.unwrap_or_else(|| title.clone());
    let body = edit.body.unwrap_or_else(|| body.clone());
    let links = relink(&body, &suggestion.links);
    Ok(Wanted { title, body, links })
}

impl Wanted {
    /// The versions that the article still lacks: what the generator said, its merge with what people had
    /// changed, and what the reviewer made of it.
    fn versions<'a>(
        &'a self,
        suggestion: &'a Suggestion,
        article: &'a Article,
        reviewer: &'a str,
    ) -> Vec<ArticleText<'a>> {
        let mut versions = Vec::new();
        let mut present = (article.title.as_str(), article.body.as_str());
        let generated = suggestion.generated_body.as_deref().unwrap_or(&suggestion.body);
        let is_base_there = article.state == ArticleState::InReview;
        if !is_base_there {
            let text = ArticleText {
                title: &suggestion.title,
                body: generated,
                origin: VersionOrigin::Generated,
                author: "system",
                links: &suggestion.links,
            };
            present = (text.title, text.body);
            versions.push(text);
        }
        if suggestion.generated_body.is_some() && present != (&suggestion.title, &suggestion.body) {
            let text = ArticleText {
                title: &suggestion.title,
                body: &suggestion.body,
                origin: VersionOrigin::Merged,
                author: "system",
                links: &suggestion.links,
            };
            present = (text.title, text.body);
            versions.push(text);
        }
        if present != (self.title.as_str(), self.body.as_str()) {
            versions.push(ArticleText {
                title: &self.title,
                body: &self.body,
                origin: VersionOrigin::Written,
                author: reviewer,
                links: &self.links,
            });
        }
        versions
    }
}

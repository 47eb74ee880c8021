//! Generated knowledge that waits for a person's judgement, with the proof of every sentence.

use crate::{ArticleId, DocumentId, OrganizationId, SourceId, SuggestionId, Time};
use serde::{Deserialize, Serialize};

/// A generated text: a new article, or the next text of one that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Suggestion {
    /// Its id.
    pub id: SuggestionId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The article it becomes, or changes.
    pub article_id: ArticleId,
    /// The source it is drafted from; `None` once that is deleted.
    pub source_id: Option<SourceId>,
    /// What kind of article it is.
    pub kind: ArticleKind,
    /// Where it is in its life.
    pub state: SuggestionState,
    /// The title it suggests.
    pub title: String,
    /// The text it suggests, as Markdown.
    pub body: String,
    /// The generator's own text, where `body` is a merge of it with what a person changed before.
    pub generated_body: Option<String>,
    /// Its sentences with their quotes, in order.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub links: Vec<SentenceLink>,
    /// Support of its weakest sentence, 0 to 1.
    pub support: f64,
    /// Sentences that state something.
    pub sentences: i64,
    /// Sentences of these that have a quote.
    pub linked: i64,
    /// Sentences of the draft that were left out because nothing proved them.
    pub dropped: i64,
    /// The version of the article that it was made over.
    pub article_version: i64,
    /// What wrote it: `rules 1`, or a prompt with its version and the model.
    pub generator: String,
    /// Of title and text, with letter case and white space aside.
    pub content_hash: String,
    /// Why it waits, or why it was rejected, in a sentence for people.
    pub reason: Option<String>,
    /// Who judged it: the id of a key or agent, or `system`.
    pub reviewer: Option<String>,
    /// When it was judged.
    pub reviewed_at: Option<Time>,
    /// When it was drafted first.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// A sentence of an article and the place in a document that says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentenceLink {
    /// The sentence as the article has it.
    pub sentence: String,
    /// The document.
    pub document_id: DocumentId,
    /// Its version.
    pub version: i64,
    /// First byte of the quote in that version's text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Exactly those bytes.
    pub quote: String,
    /// How far the quote proves the sentence, 0 to 1; 1 where it is the same words.
    pub support: f64,
}

/// What kind of article a text is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum ArticleKind {
    /// A text about a matter.
    Article,
    /// A question, as title, and its answer.
    Faq,
}

/// Where the text of an article comes from at first.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum ArticleOrigin {
    /// A person wrote it.
    Written,
    /// It was drafted from documents.
    Generated,
}

/// How a version of an article came about.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum VersionOrigin {
    /// A person wrote or changed it.
    Written,
    /// The generator's own words, unchanged.
    Generated,
    /// The generator's words with what a person had changed before.
    Merged,
    /// An older version again.
    Restored,
}

/// Where a suggestion is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum SuggestionState {
    /// Nobody has judged it yet.
    Waiting,
    /// It was published, perhaps after an edit.
    Approved,
    /// It was refused; the same text is not suggested again.
    Rejected,
    /// What it was drafted from is gone, or says something else by now.
    Withdrawn,
}

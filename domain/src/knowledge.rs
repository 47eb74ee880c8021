//! What the desk knows: source → document (versioned) → chunk, and the log that indexes follow.

use crate::suggestion::{ArticleKind, ArticleOrigin};
use crate::{ArticleId, ChunkId, DocumentId, OrganizationId, SourceId, Time};
use serde::{Deserialize, Serialize};

/// Where documents come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Which kind it is, a word of the source registry (`website`, `import`, `articles`).
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// Its address; unique among the websites of an organization.
    pub url: Option<String>,
    /// Settings of its kind: a JSON object.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// When it was created.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// One text of a source, at its present version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The source it comes from.
    pub source_id: SourceId,
    /// The id it was imported under, or its canonical address; unique in its source.
    pub external_id: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Its title.
    pub title: String,
    /// ISO 639-1 code, as far as it was recognised.
    pub language: Option<String>,
    /// Whether it may be used in answers.
    pub state: DocumentState,
    /// The present version, from 1.
    pub version: i64,
    /// SHA-256 of title and text of the present version, in hex.
    pub content_hash: String,
    /// When it was created.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// Whether a document may be used in answers.
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
pub enum DocumentState {
    /// It may; it is in the indexes.
    Published,
    /// It may not; it left the indexes.
    Archived,
}

/// The exact text of a document at one version: what byte ranges point into. Never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct DocumentVersion {
    /// The document.
    pub document_id: DocumentId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Its number, from 1.
    pub version: i64,
    /// Its title then.
    pub title: String,
    /// Its text then, as Markdown.
    pub text: String,
    /// SHA-256 of title and text, in hex.
    pub content_hash: String,
    /// When it was stored.
    pub created_at: Time,
}

/// A passage of a document version: the unit that is searched and cited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Chunk {
    /// Its id.
    pub id: ChunkId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The document it is cut from.
    pub document_id: DocumentId,
    /// The version it is cut from.
    pub version: i64,
    /// Its place in the document, from 0.
    pub position: i64,
    /// First byte in the version's text.
    pub start_byte: i64,
    /// The byte after its last.
    pub end_byte: i64,
    /// The headings above it, outermost first, joined with ` › `; empty at the top.
    pub heading_path: String,
    /// Its text: exactly those bytes.
    pub text: String,
    /// SHA-256 of what is embedded (title › heading path, text): the key of its vector.
    pub embedding_hash: Vec<u8>,
}

impl Chunk {
    /// What is embedded, and hashed as `embedding_hash`: the context, a blank line, the text.
    pub fn embedded_text(title: &str, heading_path: &str, text: &str) -> String {
        match Self::context(title, heading_path) {
            context if context.is_empty() => text.to_owned(),
            context => format!("{context}\n\n{text}"),
        }
    }

    /// Where a passage stands: `title › heading path`.
    pub fn context(title: &str, heading_path: &str) -> String {
        match (title.is_empty(), heading_path.is_empty()) {
            (true, _) => heading_path.to_owned(),
            (false, true) => title.to_owned(),
            (false, false) => format!("{title} › {heading_path}"),
        }
    }
}

/// One entry of an organization's change log. Applying it twice changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Change {
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Its place in the organization's log, from 1, in commit order.
    pub seq: i64,
    /// The document that changed.
    pub document_id: DocumentId,
    /// What to do in the indexes.
    pub kind: ChangeKind,
    /// When it was committed.
    pub created_at: Time,
}

/// What a change does to the indexes.
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
pub enum ChangeKind {
    /// Replace the document's chunks by its present ones.
    Upsert,
    /// Remove the document's chunks.
    Delete,
}

/// Readable text that people edit; publishing makes it a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Article {
    /// Its id.
    pub id: ArticleId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The document that carries its published text.
    pub document_id: Option<DocumentId>,
    /// Its title.
    pub title: String,
    /// Its text as Markdown.
    pub body: String,
    /// Where it is in its life.
    pub state: ArticleState,
    /// Grows with every change.
    pub version: i64,
    /// What kind of text it is.
    pub kind: ArticleKind,
    /// Where its text comes from at first.
    pub origin: ArticleOrigin,
    /// The source it is drafted from, where it is generated and that source is still there.
    pub source_id: Option<SourceId>,
    /// Which part of the source it is drafted from; the same over all drafts.
    pub origin_key: Option<String>,
    /// The version that holds what the generator said last: what human edits are told apart by.
    pub base_version: Option<i64>,
    /// When it was created.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// Where an article is in its life.
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
pub enum ArticleState {
    /// Being written.
    Draft,
    /// Waits for a person's judgement.
    InReview,
    /// Used in answers.
    Published,
    /// Kept, not used.
    Archived,
}

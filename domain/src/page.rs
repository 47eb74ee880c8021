//! A website scan and its pages.

use crate::{DocumentId, OrganizationId, PageId, ScanId, SourceId, Time};
use serde::{Deserialize, Serialize};

/// One pass over a website.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Scan {
    /// Its id.
    pub id: ScanId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The source its pages become documents of.
    pub source_id: SourceId,
    /// Where it starts.
    pub url: String,
    /// What to read and how far.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub settings: ScanSettings,
    /// Where it is in its life.
    pub state: ScanState,
    /// Why it failed, in a sentence for people.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// What a scan reads and how far, stored as JSON; absent fields take their defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanSettings {
    /// Only addresses that match one of these globs; empty means all below the start.
    pub include: Vec<String>,
    /// No addresses that match one of these globs.
    pub exclude: Vec<String>,
    /// Pages read at most.
    pub pages_max: usize,
    /// Links followed in a row at most; pages of the sitemap are at depth 0.
    pub depth_max: usize,
    /// Draft articles and questions with answers from the pages, for review.
    pub generate: bool,
    /// Publish what is generated without review, as far as each sentence of it is proved.
    pub publish: bool,
}

impl Default for ScanSettings {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            pages_max: 5_000,
            depth_max: 10,
            generate: true,
            publish: false,
        }
    }
}

/// Where a scan is in its life.
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
pub enum ScanState {
    /// Robots and sitemaps are being read.
    Discovering,
    /// Pages are being read.
    Running,
    /// Held by a person.
    Paused,
    /// Every page has its outcome.
    Completed,
    /// Called off.
    Cancelled,
    /// Nothing could be read.
    Failed,
}

/// One address of a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Page {
    /// Its id.
    pub id: PageId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The scan it belongs to.
    pub scan_id: ScanId,
    /// Its address, normalised; unique in the scan.
    pub url: String,
    /// Links followed to reach it.
    pub depth: i64,
    /// What became of it.
    pub state: PageState,
    /// Why it was skipped or failed, in a sentence for people.
    pub reason: Option<String>,
    /// The document it became.
    pub document_id: Option<DocumentId>,
    /// HTTP validators for the next scan.
    pub etag: Option<String>,
    /// HTTP validators for the next scan.
    pub last_modified: Option<String>,
    /// When it was found.
    pub created_at: Time,
    /// When its outcome was known.
    pub finished_at: Option<Time>,
}

/// What became of a page.
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
pub enum PageState {
    /// Not read yet.
    Pending,
    /// Read for the first time.
    New,
    /// As at the last scan.
    Same,
    /// Other than at the last scan.
    Changed,
    /// Was there at the last scan, and is gone.
    Removed,
    /// Not wanted; the reason says why.
    Skipped,
    /// Not readable; the reason says why.
    Failed,
}

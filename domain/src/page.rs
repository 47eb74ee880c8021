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
    /// Why changes wait for a person, in a sentence for people.
    pub held_because: Option<String>,
    /// Documents of its source when its changes were judged.
    pub known_pages: Option<i64>,
    /// When it was asked for.
    pub created_at: Time,
    /// Pages that are not read by then are skipped.
    pub deadline_at: Option<Time>,
    /// Since when it is held.
    pub paused_at: Option<Time>,
    /// When its changes were judged.
    pub decided_at: Option<Time>,
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
    /// Minutes after which the scan ends; pages that are not read by then are skipped. Time on hold does not count.
    pub deadline_minutes: u32,
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
            deadline_minutes: 12 * 60,
        }
    }
}

impl ScanSettings {
    /// Whether both read the same addresses, so that what one knows holds for the other.
    pub fn reads_as(&self, other: &Self) -> bool {
        (&self.include, &self.exclude, self.pages_max, self.depth_max)
            == (&other.include, &other.exclude, other.pages_max, other.depth_max)
    }
}

/// What a website's source says about its re-scans, stored among its settings; other keys are left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RescanSettings {
    /// Hours from the end of a scan to the next one; absent: only by hand.
    pub rescan_every_hours: Option<u32>,
    /// Percent of the source's pages that may be gone before all changes of a scan wait for a person.
    pub removed_percent_max: u32,
    /// Percent of the source's pages that may have changed before all changes of a scan wait for a person.
    pub changed_percent_max: u32,
    /// Whether a page waits in which prices, dates, amounts or negations changed.
    pub hold_risky: bool,
}

impl Default for RescanSettings {
    fn default() -> Self {
        Self { rescan_every_hours: None, removed_percent_max: 20, changed_percent_max: 30, hold_risky: true }
    }
}

impl RescanSettings {
    /// Hours between two scans at most: a year.
    pub const EVERY_HOURS_MAX: u32 = 24 * 365;

    /// Reads them from the settings of a source.
    ///
    /// # Errors
    /// A sentence that names the setting and what it may be.
    pub fn of(settings: &serde_json::Map<String, serde_json::Value>) -> Result<Self, String> {
        let read: Self = serde_json::from_value(serde_json::Value::Object(settings.clone()))
            .map_err(|error| format!("the settings of a website cannot be read: {error}"))?;
        match read.rescan_every_hours {
            Some(hours) if hours == 0 || hours > Self::EVERY_HOURS_MAX => {
                Err(format!("`rescan_every_hours` is {hours}: choose 1 to {}", Self::EVERY_HOURS_MAX))
            }
            _ if read.removed_percent_max > 100 || read.changed_percent_max > 100 => {
                Err("`removed_percent_max` and `changed_percent_max` are percents: choose 0 to 100".to_owned())
            }
            _ => Ok(read),
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
    /// Every page was read; what changed is judged and applied.
    Concluding,
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
    /// What becomes of a change or removal; nothing for pages without one.
    pub decision: Option<PageDecision>,
    /// The version its document had when the page was read.
    pub version_before: Option<i64>,
    /// The version its document has since the change was applied.
    pub version_after: Option<i64>,
    /// Passages that had to be embedded for it.
    pub chunks_embedded: i64,
    /// What about the change a person should look at.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub risks: Vec<Risk>,
    /// When it was found.
    pub created_at: Time,
    /// When its outcome was known.
    pub finished_at: Option<Time>,
}

/// What becomes of a page that changed or is gone.
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
pub enum PageDecision {
    /// Gone for the first time: the next scan confirms it.
    Unconfirmed,
    /// Not judged yet, or with a person; until then the earlier text answers.
    Waiting,
    /// About to be applied.
    Approved,
    /// The desk knows it.
    Applied,
    /// A person refused it: the earlier text stays.
    Rejected,
    /// A later scan or a person changed the matter meanwhile.
    Superseded,
}

/// What about a change a person should look at: words of one kind before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// Of what kind the words are.
    pub kind: RiskKind,
    /// The words before, as they stood there.
    pub before: Vec<String>,
    /// The words after.
    pub after: Vec<String>,
}

/// Kinds of words that change what a page promises.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
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
pub enum RiskKind {
    /// Sums of money.
    Price,
    /// Days of the calendar.
    Date,
    /// Other numbers.
    Amount,
    /// Words that turn a sentence around.
    Negation,
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

//! Versions of a prompt: drafts, what is published, and which conversations get which.

use crate::{AssistantId, ConversationId, OrganizationId, RunId, Time};
use serde::{Deserialize, Serialize};

/// The prompt that answers are written from, the one that has versions.
pub const ANSWER: &str = "answer";
/// The version of the template that the program brings; own versions count on from it.
pub const BUILT_IN: i64 = 1;
/// The share of a version that everybody gets, in percent.
pub const WHOLE: i64 = 100;

/// Where a version of a prompt is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum PromptState {
    /// Written, not in use.
    Draft,
    /// Goes live if the eval run that was begun for it passes.
    Checking,
    /// In use, for its share of the conversations.
    Published,
    /// A newer version took its place.
    Replaced,
    /// An older version took its place again.
    RolledBack,
}

/// One version of a prompt of an assistant. Its text never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct PromptVersion {
    /// The assistant it is for.
    pub assistant_id: AssistantId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Which prompt it is.
    pub name: String,
    /// From 2; 1 is the built-in one.
    pub version: i64,
    /// The template.
    pub source: String,
    /// SHA-256 of the template, in hex.
    pub hash: String,
    /// What it changes, in its author's words.
    pub note: Option<String>,
    /// Where it is in its life.
    pub state: PromptState,
    /// Percent of the conversations that get it while it is published.
    pub share: i64,
    /// The eval run that its publication waits or waited for.
    pub run_id: Option<RunId>,
    /// What kept it from being published, where a run did.
    pub refusal: Option<String>,
    /// When it was written.
    pub created_at: Time,
    /// When it was published last.
    pub published_at: Option<Time>,
}

/// The template that an answer is written from in place of the built-in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerTemplate {
    /// Its version; 0 is a draft that was never stored.
    pub version: i64,
    /// Its text.
    pub source: String,
}

/// Which of the published versions a conversation gets; `None` is the built-in one.
///
/// The one with the share of everybody is the base; a later one with a smaller share takes its part of the
/// conversations, always the same ones. Without a conversation it is the base.
pub fn version_for(published: &[PromptVersion], conversation: Option<ConversationId>) -> Option<&PromptVersion> {
    let trial = published.iter().find(|version| version.share < WHOLE);
    match (trial, conversation) {
        (Some(trial), Some(conversation)) if bucket(conversation, trial.version) < trial.share => Some(trial),
        _ => published.iter().find(|version| version.share >= WHOLE),
    }
}

/// A number from 0 to 99 that follows from the conversation and the version, evenly spread (the finalizer of
/// splitmix64), so that the next trial takes other conversations.
fn bucket(conversation: ConversationId, version: i64) -> i64 {
    let (high, low) = conversation.uuid().as_u64_pair();
    let mut mixed = high ^ low.rotate_left(32) ^ version.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i64::try_from((mixed ^ (mixed >> 31)) % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use uuid::Uuid;

    fn version(version: i64, share: i64) -> PromptVersion {
        PromptVersion {
            assistant_id: AssistantId::from_uuid(Uuid::nil()),
            organization_id: OrganizationId::from_uuid(Uuid::nil()),
            name: ANSWER.into(),
            version,
            source: String::new(),
            hash: String::new(),
            note: None,
            state: PromptState::Published,
            share,
            run_id: None,
            refusal: None,
            created_at: Time::from_micros(0),
            published_at: None,
        }
    }

    fn conversation(number: u128) -> ConversationId {
        // Of the same millisecond, as in a burst.
        ConversationId::from_uuid(Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) + number))
    }

    #[test]
    fn a_trial_takes_its_share_of_the_conversations_and_always_the_same() {
        let published = [version(3, 20), version(2, WHOLE)];
        let taken = |number| version_for(&published, Some(conversation(number))).unwrap().version;
        let first: Vec<i64> = (0..5_000).map(taken).collect();
        let again: Vec<i64> = (0..5_000).map(taken).collect();
        let trials = first.iter().filter(|version| **version == 3).count();
        assert!((900..1_100).contains(&trials), "{trials} of 5000");
        assert_eq!(first, again);
        assert_eq!(version_for(&published, None).unwrap().version, 2);
    }

    #[test]
    fn without_a_base_the_rest_gets_the_built_in_template() {
        let published = [version(2, 50)];
        let built_in = (0..1_000).filter(|number| version_for(&published, Some(conversation(*number))).is_none());
        assert!((400..600).contains(&built_in.count()));
        assert!(version_for(&[], Some(conversation(1))).is_none());
    }
}

//! The AI persona that answers: its voice, model, retrieval settings and thresholds.

use crate::calibration::Calibration;
use crate::staffing::HandoffRules;
use crate::usage::{Budget, OverBudget};
use crate::{AssistantId, OrganizationId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An AI persona of an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Assistant {
    /// Its id.
    pub id: AssistantId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The name customers see.
    pub name: String,
    /// How it answers.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub settings: AssistantSettings,
    /// When it was created.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// How an assistant answers, stored as JSON; absent fields take their defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssistantSettings {
    /// What the desk is about and how to speak, in the admin's own words; trusted text.
    pub instructions: String,
    /// Reply language as an ISO 639-1 code; `None` replies in the customer's.
    pub language: Option<String>,
    /// The model to ask; `None` takes the configured default.
    pub model: Option<String>,
    /// Below this confidence a person takes over, 0 to 1.
    pub confidence_min: f64,
    /// At most so many clarifying questions in a row.
    pub clarifications_max: i64,
    /// Passages in the prompt at most.
    pub passages_max: usize,
    /// Weight of the dense retriever in the fusion, 0 to 1.
    pub dense_weight: f64,
    /// Tokens of the whole prompt at most.
    pub prompt_tokens_max: usize,
    /// Tokens of the conversation window at most.
    pub window_tokens_max: usize,
    /// When a person takes over, whatever the AI could answer.
    pub handoff: HandoffRules,
    /// At most this share of the given answers may be wrong; takes the place of `confidence_min` as far as
    /// the calibration promises it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_error: Option<f64>,
    /// What turns raw confidences into probabilities; `None` is uncalibrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What its model calls may cost.
    #[serde(skip_serializing_if = "Budget::is_unlimited")]
    pub budget: Budget,
    /// The model that is asked where the budget has no room for the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cheaper_model: Option<String>,
    /// What is done where it has no room for that one either.
    pub over_budget: OverBudget,
    /// The dataset and the bounds that a prompt must hold before it goes live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_gate: Option<PublishGate>,
}

/// What a version of the prompt must hold on a dataset before it goes live.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishGate {
    /// The newest dataset of this name.
    pub dataset: String,
    /// The least that each metric's value may be.
    #[serde(default)]
    pub min: BTreeMap<String, f64>,
    /// The most that each metric's value may be.
    #[serde(default)]
    pub max: BTreeMap<String, f64>,
}

impl AssistantSettings {
    /// The confidence below which a person takes over.
    pub fn threshold(&self) -> f64 {
        let promise = self.target_error.and_then(|target| self.calibration.as_ref()?.promise(target));
        promise.and_then(|promise| promise.threshold).unwrap_or(self.confidence_min)
    }
}

impl Default for AssistantSettings {
    fn default() -> Self {
        Self {
            instructions: String::new(),
            language: None,
            model: None,
            confidence_min: 0.5,
            clarifications_max: 1,
            passages_max: 6,
            dense_weight: 0.5,
            prompt_tokens_max: 6_000,
            window_tokens_max: 1_500,
            handoff: HandoffRules::default(),
            target_error: None,
            calibration: None,
            budget: Budget::default(),
            cheaper_model: None,
            over_budget: OverBudget::default(),
            publish_gate: None,
        }
    }
}

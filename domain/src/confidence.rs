//! How sure an answer is.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A number with what it was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// 0 to 1; a probability only where it is calibrated.
    pub value: f64,
    /// Each signal by name, 0 to 1.
    pub parts: BTreeMap<String, f64>,
    /// The calibration that turned the parts into the value; `None` is uncalibrated.
    pub calibration_version: Option<i64>,
}

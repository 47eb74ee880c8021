//! Evaluation: datasets of cases, and runs over them.

pub(crate) mod cases;
pub(crate) mod datasets;
pub(crate) mod replays;
pub(crate) mod runs;

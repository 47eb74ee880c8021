//! What measuring and testing need inside the binary.

pub mod quality;
pub mod stub_model;

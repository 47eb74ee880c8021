//! What measuring and testing need inside the binary.

pub mod stub_model;

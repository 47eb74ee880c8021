//! The implementations of the crate's traits, one file each. A new provider is a file here, a line
//! below, and a call of [`crate::conformance`] in its test.

pub mod local_embedding;
pub mod openai_compatible;

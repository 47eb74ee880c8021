//! One shallow file per job.

pub mod delete_expired;

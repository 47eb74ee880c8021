//! The binary's inside: settings, command line, wiring and commands.
//!
//! It holds no business rules; those live on the floors below. Read `cli.rs` first, then
//! `commands.rs`, which leads each command to its code.

pub mod bench;
pub mod cli;
pub mod commands;
pub mod demo;
pub mod doctor;
pub mod failure;
mod logging;
pub mod output;
pub mod probe;
pub mod settings;
mod suggest;
pub mod wiring;

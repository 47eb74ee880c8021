//! Starts frontdesk.

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // clap ends the process itself for --help, --version (0) and a wrong command line (2).
    let cli = frontdesk::cli::Cli::parse();
    frontdesk::commands::run(&cli).into()
}

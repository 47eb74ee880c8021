//! Starts frontdesk.

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Huge pages take half as much memory again and save no time here; a system without them is as good.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    // clap ends the process itself for --help, --version (0) and a wrong command line (2).
    let cli = frontdesk::cli::Cli::parse();
    frontdesk::commands::run(&cli).into()
}

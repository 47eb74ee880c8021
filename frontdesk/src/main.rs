//! Starts frontdesk.

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Number of mimalloc's option `purge_delay`, in milliseconds; the crate names only some of its options.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// What is freed goes back to the system at once. By default it is kept for a second: after one large page of a
/// website, or a moment with many turns, that is half as much memory again. It costs no time that can be measured.
const PURGE_DELAY_MS: std::ffi::c_long = 0;

fn main() -> ExitCode {
    // What the environment says of it goes first.
    #[expect(unsafe_code, reason = "a foreign function; it writes one number, and no other thread runs yet")]
    unsafe {
        libmimalloc_sys::mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS);
    }
    // Huge pages take half as much memory again and save no time here; a system without them is as good.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    // clap ends the process itself for --help, --version (0) and a wrong command line (2).
    let cli = frontdesk::cli::Cli::parse();
    frontdesk::commands::run(&cli).into()
}

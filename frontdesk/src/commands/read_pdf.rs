//! `frontdesk read-pdf`: the process that reads one PDF, so that a file made to harm ends only this.

use crate::failure::Failure;
use crate::output::Exit;
use ingest::sources::FILE_BYTES_MAX;
use ingest::sources::pdf::read_pages;
use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::time::Duration;

/// Time for one file.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Processor time for one file, in seconds.
#[cfg(unix)]
const CPU_SECONDS_MAX: u64 = 45;
/// Memory for one file, in bytes; the allocator's reserve of addresses is not counted.
#[cfg(unix)]
const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Stack of the reader, in bytes: what nests deeper ends the process, which is what it is for.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Reads the file from standard input and writes what was read, or why not, to standard output.
pub(crate) fn run() -> Result<Exit, Failure> {
    limit()?;
    let (done, outcome) = mpsc::channel();
    let reader = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let _ = done.send(read());
    })?;
    // A reader that panics or takes too long has sent nothing.
    let Ok(answer) = outcome.recv_timeout(TIME_MAX) else { return Ok(Exit::Problem) };
    let _ = reader.join();
    io::stdout().write_all(&answer?)?;
    Ok(Exit::Ok)
}

fn read() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(serde_json::to_vec(&read_pages(&bytes))?)
}

#[cfg(unix)]
fn limit() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let at = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Cpu, at(CPU_SECONDS_MAX))?;
    setrlimit(Resource::Data, at(MEMORY_BYTES_MAX))?;
    setrlimit(Resource::Core, at(0))?;
    Ok(())
}

#[cfg(not(unix))]
fn limit() -> io::Result<()> {
    Ok(())
}

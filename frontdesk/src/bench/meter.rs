//! Processor time, wall time and memory of this process.

use crate::failure::Failure;
use crate::output::Exit;
use std::time::{Duration, Instant};

/// Ticks of /proc/self/stat in a second: fixed at 100 for programs on Linux.
const TICK: Duration = Duration::from_millis(10);

/// What a stretch of work took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    /// Seconds on the wall.
    pub(super) wall_s: f64,
    /// Milliseconds of processor time, all threads, user and system.
    pub(super) cpu_ms: f64,
}

impl Spent {
    pub(super) fn add(&mut self, other: Self) {
        self.wall_s += other.wall_s;
        self.cpu_ms += other.cpu_ms;
    }
}

/// Runs from its start.
pub(super) struct Meter {
    started: Instant,
    cpu_ms: f64,
}

impl Meter {
    pub(super) fn start() -> Result<Self, Failure> {
        Ok(Self { cpu_ms: cpu_ms()?, started: Instant::now() })
    }

    pub(super) fn stop(self) -> Result<Spent, Failure> {
        Ok(Spent { wall_s: self.started.elapsed().as_secs_f64(), cpu_ms: cpu_ms()? - self.cpu_ms })
    }
}

fn cpu_ms() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The program's name, in parentheses, may hold spaces; user and system ticks are fields 14 and 15.
    let fields = stat.rsplit_once(") ").map(|(_, fields)| fields.split(' ').skip(11).take(2));
    let ticks: Option<u32> = fields.and_then(|fields| fields.map(|field| field.parse::<u32>().ok()).sum());
    let ticks = ticks.ok_or_else(|| Failure::new(Exit::Problem, "/proc/self/stat cannot be read"))?;
    Ok((TICK * ticks).as_secs_f64() * 1000.0)
}

/// Lets the peak begin anew from what is in use now, so that preparations do not count.
pub(super) fn forget_peak() -> Result<(), Failure> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

/// The most memory this process had so far, in MB of a million bytes.
pub(super) fn peak_mb() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u32> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    let kib = kib.ok_or_else(|| Failure::new(Exit::Problem, "/proc/self/status cannot be read"))?;
    Ok(f64::from(kib) * 1.024e-3)
}

/// A count as a number to divide by; never zero.
pub(super) fn per(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen() {
        let meter = Meter::start().unwrap();
        let mut sum = 0_u64;
        while meter.started.elapsed() < Duration::from_millis(60) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = meter.stop().unwrap();
        assert!(spent.wall_s >= 0.06 && spent.cpu_ms > 0.0, "{spent:?}");
        assert!(peak_mb().unwrap() > 1.0);
    }
}

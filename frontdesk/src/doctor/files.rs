//! The ground: the data folder, its disk, and the database.

use super::{Finding, counted};
use crate::settings::Settings;
use crate::wiring;
use domain::Time;
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use storage::Database;
use storage::health::ping_postgres;

/// With less room, writes will soon fail.
const ROOM_PROBLEM_BYTES: u64 = 64 * MIB;
/// With less room, a scan may fill the disk.
const ROOM_WARNING_BYTES: u64 = 1_024 * MIB;
const MIB: u64 = 1_024 * 1_024;
/// How far clocks of one desk may be apart.
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(2);
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn check_folder(folder: &Path) -> Vec<Finding> {
    const CHECK: &str = "data_folder";
    let shown = folder.display();
    let elsewhere = "choose another with --data DIR, or change its owner or permissions";
    match std::fs::metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Finding::ok(CHECK, format!("{shown} is not there yet; the first command creates it"))];
        }
        Err(error) => {
            return vec![Finding::problem(CHECK, format!("{shown} cannot be looked at")).because(error).fix(elsewhere)];
        }
        Ok(metadata) if !metadata.is_dir() => {
            return vec![
                Finding::problem(CHECK, format!("{shown} is no folder"))
                    .because("the data folder holds the database, the indexes and the model files")
                    .fix("choose another with --data DIR, or move the file away"),
            ];
        }
        Ok(_) => {}
    }
    // Making a file is the only honest test of whether one can be made.
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe));
    let writable = match written {
        Ok(()) => Finding::ok(CHECK, format!("{shown} is writable")),
        Err(error) => Finding::problem(CHECK, format!("{shown} is not writable")).because(error).fix(elsewhere),
    };
    let room = match fs4::available_space(folder) {
        Ok(bytes) => room(folder, bytes),
        Err(error) => Finding::warning("disk", format!("the room left at {shown} is unknown")).because(error),
    };
    vec![writable, room]
}

fn room(folder: &Path, bytes: u64) -> Finding {
    const CHECK: &str = "disk";
    let what = format!("{} MiB left at {}", bytes / MIB, folder.display());
    let fix = "make room, or move the folder to a larger disk and name it with --data DIR";
    if bytes < ROOM_PROBLEM_BYTES {
        Finding::problem(CHECK, what).because("the disk is nearly full: messages will soon be refused").fix(fix)
    } else if bytes < ROOM_WARNING_BYTES {
        Finding::warning(CHECK, what).because("a large scan could fill the disk").fix(fix)
    } else {
        Finding::ok(CHECK, what)
    }
}

/// The database, when it can be worked with, and what was found on the way.
pub(super) async fn open_database(settings: &Settings) -> (Option<Database>, Vec<Finding>) {
    const CHECK: &str = "database";
    let is_postgres = !settings.database.url.is_empty();
    if is_postgres {
        if let Some(unreachable) = reach_postgres(settings).await {
            return (None, vec![unreachable]);
        }
    } else if !wiring::sqlite_path(settings).exists() {
        return (None, vec![Finding::ok(CHECK, "there is no database yet; the first command creates it")]);
    }
    let mut findings = Vec::new();
    match wiring::open_database(settings).await {
        Err(failure) if is_postgres => findings.push(Finding::failed(CHECK, failure)),
        Err(failure) => findings.push(
            Finding::problem(CHECK, failure.what)
                .because(failure.why.unwrap_or_default())
                .fix("if the file is damaged, restore it from a backup; if it is read-only, make it writable"),
        ),
        Ok(database) => {
            findings.extend(check_content(settings, &database).await);
            let usable =
                matches!(database.schema_version().await, Ok(version) if version.database == Some(version.program));
            if usable {
                findings.push(check_clock(&database).await);
                return (Some(database), findings);
            }
        }
    }
    (None, findings)
}

async fn reach_postgres(settings: &Settings) -> Option<Finding> {
    let answer = tokio::time::timeout(PATIENCE, ping_postgres(settings.database.url.expose())).await;
    let why = match answer {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let what = format!("PostgreSQL at {} cannot be reached", settings.database.url);
    Some(
        Finding::problem("database", what)
            .because(why)
            .fix("check that the server runs and that `database.url` (DATABASE_URL) is right; unset it to use SQLite"),
    )
}

async fn check_content(settings: &Settings, database: &Database) -> Vec<Finding> {
    const CHECK: &str = "database";
    let name = if database.is_postgres() {
        format!("PostgreSQL at {}", settings.database.url)
    } else {
        wiring::sqlite_path(settings).display().to_string()
    };
    let restore = "stop the desk, keep a copy of the file, and restore a backup";
    let mut findings = Vec::new();
    match database.check_integrity().await {
        Ok(damage) if damage.is_empty() => {
            findings.extend(check_version(&name, database).await);
            findings.push(match database.check_writable().await {
                Ok(()) => Finding::ok(CHECK, format!("{name} is sound and writable")),
                Err(error) => Finding::problem(CHECK, format!("{name} cannot be written"))
                    .because(error)
                    .fix("make the file and its folder writable, or connect to a server that takes writes"),
            });
        }
        Ok(damage) => {
            findings
                .push(Finding::problem(CHECK, format!("{name} is damaged")).because(damage.join("; ")).fix(restore));
        }
        Err(error) => {
            findings.push(Finding::problem(CHECK, format!("{name} cannot be read")).because(error).fix(restore));
        }
    }
    findings
}

async fn check_version(name: &str, database: &Database) -> Option<Finding> {
    const CHECK: &str = "schema";
    match database.schema_version().await {
        Err(error) => Some(Finding::problem(CHECK, "the schema's version cannot be read").because(error)),
        Ok(version) => match version.database {
            Some(found) if found > version.program => Some(
                Finding::problem(CHECK, format!("{name} is newer than this program"))
                    .because(format!("it stands at migration {found}; this program knows up to {}", version.program))
                    .fix("use the newer frontdesk that migrated it, or restore a backup from before"),
            ),
            Some(found) if found == version.program => None,
            _ => Some(
                Finding::warning(CHECK, format!("{name} is older than this program"))
                    .because("its migrations have not all run")
                    .fix("run `frontdesk migrate`; any other command does it too"),
            ),
        },
    }
}

async fn check_clock(database: &Database) -> Finding {
    const CHECK: &str = "clock";
    let now = database.clock().now();
    match database.newest_row().await {
        Err(error) => Finding::problem(CHECK, "the newest row cannot be read").because(error),
        Ok(Some(newest)) if newest > now + CLOCK_SKEW_MAX => ahead(newest, now),
        Ok(_) => Finding::ok(CHECK, "agrees with the database"),
    }
}

fn ahead(newest: Time, now: Time) -> Finding {
    let minutes = i64::try_from(newest.since(now).as_secs() / 60).unwrap_or(i64::MAX);
    Finding::problem("clock", format!("the database holds rows from {} in the future", counted(minutes, "minute")))
        .because(format!("its newest row is of {newest}; this computer says {now}, so leases and delays go wrong"))
        .fix("set this computer's clock (NTP), and those of the other processes of this desk")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_disk_that_is_nearly_full_is_a_problem_before_it_is_full() {
        let state = |bytes| room(Path::new("desk"), bytes).state;
        assert_eq!(state(0), State::Problem);
        assert_eq!(state(500 * MIB), State::Warning);
        assert_eq!(state(50_000 * MIB), State::Ok);
        let full = room(Path::new("desk"), 3 * MIB);
        assert!(full.what.contains("3 MiB left at desk") && full.why.unwrap().contains("nearly full"));
    }
}

//! A throw-away PostgreSQL for tests. Include it with `#[path]`; it needs sqlx, tokio and tempfile.
//!
//! One cluster per test process, in a temporary folder, reachable through a Unix socket only. A
//! guard process holds the other end of a pipe: when the test process ends, however it ends, the
//! guard stops the cluster and deletes the folder. `FRONTDESK_TEST_POSTGRES_URL`, a superuser's
//! address, uses a running server instead.
//!
//! Each test gets a database of its own, owned by a role that is no superuser and may not bypass
//! row-level security. Tables that the role creates need `force row level security` all the same,
//! because an owner is exempt without it.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(clippy::print_stderr, reason = "a skip is said where the person running tests sees it")]
#![allow(clippy::disallowed_methods, reason = "test set-up is told apart by the environment")]

use sqlx::{Connection, Executor, PgConnection, Row};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const SUPERUSER: &str = "frontdesk_admin";
const ROLE: &str = "frontdesk_app";
/// No secret: it opens throw-away databases only.
const ROLE_PASSWORD: &str = "throw-away";
const URL_VARIABLE: &str = "FRONTDESK_TEST_POSTGRES_URL";

/// A server that tests may fill.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The address of a superuser on the database `postgres`.
    pub(crate) admin_url: String,
    origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Started by this process; gone with it.
    ThrowAway,
    /// Somebody's server: databases are dropped after use.
    Foreign,
}

/// A database of one test, dropped with this value.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    /// The address of the role that owns it, no superuser.
    pub(crate) url: String,
    /// The address of the superuser on it.
    pub(crate) admin_url: String,
    name: String,
    server: Server,
}

/// The server of this process; none, with one printed line, where there is none to be had.
///
/// # Panics
/// Where there is none and `CI` is `true`: there, a skip would hide an untested engine.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    static SAID: OnceLock<()> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var(URL_VARIABLE) {
        Ok(url) => Ok(Server { admin_url: url, origin: Origin::Foreign }),
        Err(_) => start(),
    });
    match server {
        Ok(server) => Some(server),
        Err(reason) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("no PostgreSQL for tests, and CI must have one: {reason}")
        }
        Err(reason) => {
            SAID.get_or_init(|| eprintln!("skipped: tests on PostgreSQL, because {reason}"));
            None
        }
    }
}

impl Server {
    /// Creates an empty database for one test, and the role that owns it.
    pub(crate) async fn create_database(&self) -> TestDatabase {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("frontdesk_test_{}_{count}", std::process::id());
        let mut admin = connect(&self.admin_url).await;
        create_role(&mut admin).await;
        for statement in
            [format!("drop database if exists {name} with (force)"), format!("create database {name} owner {ROLE}")]
        {
            admin.execute(sqlx::AssertSqlSafe(statement)).await.expect("create a test database");
        }
        admin.close().await.expect("close the admin connection");
        let admin_url = with_database(&self.admin_url, &name);
        TestDatabase { url: with_login(&admin_url), admin_url, name, server: self.clone() }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // With the throw-away cluster the database goes anyway; dropping each would cost time.
        if self.server.origin == Origin::ThrowAway {
            return;
        }
        let (url, name) = (self.server.admin_url.clone(), self.name.clone());
        // A thread of its own: this may be dropped inside a runtime, which cannot block.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("build a runtime").block_on(async {
                let statement = format!("drop database if exists {name} with (force)");
                connect(&url).await.execute(sqlx::AssertSqlSafe(statement)).await.map(|_| ())
            })
        });
        match dropping.join() {
            Ok(Ok(())) => {}
            failed => eprintln!("the test database {} was left behind: {failed:?}", self.name),
        }
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("connect to the PostgreSQL for tests")
}

/// Creates the role; several processes may do so on one server at the same time.
async fn create_role(admin: &mut PgConnection) {
    let statement = format!(
        "do $$ begin
           create role {ROLE} login password '{ROLE_PASSWORD}' nosuperuser nobypassrls;
         exception when duplicate_object or unique_violation then null;
         end $$"
    );
    admin.execute(sqlx::AssertSqlSafe(statement)).await.expect("create the test role");
    let question = "select rolsuper or rolbypassrls from pg_roles where rolname = $1";
    let row = sqlx::query(question).bind(ROLE).fetch_one(admin).await.expect("look at the role");
    assert!(!row.get::<bool, _>(0), "the role {ROLE} must not be above row-level security");
}

/// The same address with another database.
fn with_database(url: &str, database: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(a, q)| (a, Some(q)));
    let (scheme, rest) = address.split_once("://").expect("an address with ://");
    let host = rest.split('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{host}/{database}{query}")
}

/// The same address with the login of the test role.
fn with_login(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("an address with ://");
    let (host, path) = rest.split_once('/').expect("an address with a database");
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{ROLE}:{ROLE_PASSWORD}@{host}/{path}")
}

/// Starts a cluster that ends with this process; says why not otherwise.
fn start() -> Result<Server, String> {
    let programs = programs().ok_or_else(|| {
        format!("its server programs (initdb, pg_ctl) are not installed and {URL_VARIABLE} is not set")
    })?;
    let owner = owner()?;
    // The path is short: a socket's path must fit into 107 bytes.
    let folder = tempfile::Builder::new().prefix("fd-pg-").tempdir_in("/tmp");
    let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?.keep();
    let cluster = Cluster { programs, owner, folder };
    let started = cluster.start();
    if started.is_err() {
        let _best_effort = fs::remove_dir_all(&cluster.folder);
    }
    started.map(|()| Server {
        admin_url: format!("postgres://{SUPERUSER}@localhost/postgres?host={}", cluster.folder.display()),
        origin: Origin::ThrowAway,
    })
}

/// Where the server programs are: the newest packaged version, or the PATH.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut packaged: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    packaged.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_programs = |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    let packaged = packaged.into_iter().rev().map(|(_, folder)| folder);
    packaged.chain(std::env::split_paths(&path)).find(has_programs)
}

/// Whom the server runs as: PostgreSQL refuses root, so root lends itself another user.
fn owner() -> Result<Option<(u32, u32)>, String> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let ids = |wanted: &str| {
        let line = users.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'))?;
        let mut fields = line.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found = ids("postgres").or_else(|| ids("nobody"));
    found.map(Some).ok_or_else(|| "root needs a user postgres or nobody to run it as".to_owned())
}

struct Cluster {
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    /// Holds the data, the socket and the log.
    folder: PathBuf,
}

impl Cluster {
    fn start(&self) -> Result<(), String> {
        let said = |error: std::io::Error| format!("its folder cannot be prepared: {error}");
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700)).map_err(said)?;
        if let Some((user, group)) = self.owner {
            chown(&self.folder, Some(user), Some(group)).map_err(said)?;
        }
        self.run("initdb", &["-D", "data", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])?;
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off \
             -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB",
            self.folder.display()
        );
        self.guard()?;
        self.run("pg_ctl", &["-D", "data", "-l", "log", "-o", &options, "-w", "-t", "60", "start"])
    }

    /// Starts the process that outlives this one just long enough to clean up after it.
    fn guard(&self) -> Result<(), String> {
        // `read` ends when the last holder of the pipe is gone; nothing is ever written to it but
        // the one line that says the guard stands.
        let script = "trap '' HUP INT TERM; echo ready; read _; \
            \"$1/pg_ctl\" -D \"$2/data\" -m immediate -w stop; cd /; rm -rf \"$2\"";
        let mut guard = self.command("sh");
        guard.args(["-c", script, "frontdesk-postgres-guard"]).arg(&self.programs).arg(&self.folder);
        // A group of its own, so that Ctrl-C on the tests does not reach it before its work is done.
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut guard = guard.spawn().map_err(|error| format!("its guard does not start: {error}"))?;
        let mut ready = [0; 6];
        let mut words = guard.stdout.take().ok_or("its guard is mute")?;
        words.read_exact(&mut ready).map_err(|error| format!("its guard does not start: {error}"))?;
        // Never closed by this process: its end is what the guard waits for.
        std::mem::forget(guard.stdin.take());
        Ok(())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = self.command(self.programs.join(program));
        // Into a file, not a pipe: the server inherits it and would keep a pipe open.
        let talk = tempfile::tempfile().map_err(|error| error.to_string())?;
        let mut heard = talk.try_clone().map_err(|error| error.to_string())?;
        let both = talk.try_clone().map_err(|error| error.to_string())?;
        let status = command.args(arguments).stdin(Stdio::null()).stdout(talk).stderr(both).status();
        let status = status.map_err(|error| format!("{program} does not start: {error}"))?;
        if status.success() {
            return Ok(());
        }
        let mut text = String::new();
        std::io::Seek::rewind(&mut heard).map_err(|error| error.to_string())?;
        heard.read_to_string(&mut text).map_err(|error| error.to_string())?;
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(format!("{program} failed: {text}{log}"))
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.folder).env("HOME", &self.folder).env_remove("PGDATA");
        if let Some((user, group)) = self.owner {
            command.gid(group).uid(user);
        }
        command
    }
}

//! The throw-away PostgreSQL of the tests: it separates tests, it is under row-level security, and
//! it leaves nothing behind, not even when its process is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "the test starts itself again, told apart by a variable")]

#[path = "../../storage/tests/support/postgres.rs"]
mod postgres;

use sqlx::{Connection, PgConnection};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set for the process that is started only to be killed.
const VICTIM: &str = "FRONTDESK_TEST_POSTGRES_VICTIM";

#[tokio::test]
async fn every_test_has_a_database_whose_role_is_under_row_level_security() {
    let Some(server) = postgres::server() else { return };
    let (one, other) = (server.create_database().await, server.create_database().await);
    assert_ne!(one.url, other.url);
    let mut own = PgConnection::connect(&one.url).await.unwrap();
    sqlx::raw_sql(
        "create table notes (organization_id bigint not null);
         alter table notes enable row level security;
         alter table notes force row level security;
         create policy own on notes using (organization_id = 1) with check (true);
         insert into notes values (1), (2)",
    )
    .execute(&mut own)
    .await
    .unwrap();
    let count = "select count(*) from notes";
    let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut own).await.unwrap();
    let mut admin = PgConnection::connect(&one.admin_url).await.unwrap();
    let all: i64 = sqlx::query_scalar(count).fetch_one(&mut admin).await.unwrap();
    assert_eq!((seen, all), (1, 2));
    let mut foreign = PgConnection::connect(&other.url).await.unwrap();
    assert!(sqlx::query(count).fetch_one(&mut foreign).await.is_err());
}

#[test]
fn a_killed_process_leaves_neither_server_nor_folder_behind() {
    if let Ok(pipe) = std::env::var(VICTIM) {
        let address = postgres::server().map(|server| server.admin_url.clone());
        std::fs::write(pipe, format!("{}\n", address.unwrap_or_default())).unwrap();
        loop {
            std::thread::park();
        }
    }
    if postgres::server().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("address");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_leaves_neither_server_nor_folder_behind"])
        .env_remove("FRONTDESK_TEST_POSTGRES_URL")
        .env(VICTIM, &pipe)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(std::fs::File::open(&pipe).unwrap()).read_line(&mut address).unwrap();
    let folder = address.trim().rsplit_once("host=").expect("an address of a socket").1;
    assert!(Path::new(folder).join("data/postmaster.pid").exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    let start = Instant::now();
    while Path::new(folder).exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "{folder} is still there");
        std::thread::yield_now();
    }
}

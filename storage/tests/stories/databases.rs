//! A fresh database of each engine for a story.

use crate::postgres::{self, TestDatabase};
use domain::CustomerId;
use domain::customer::Identity;
use serde_json::Map;
use storage::conversations::NewConversation;
use storage::customers::NewCustomer;
use storage::organizations::Desk;
use storage::{Database, Error, SqliteSettings};
use tempfile::TempDir;

/// Tests each story on both engines: `async fn story(database: &Database)`.
macro_rules! stories {
    ($($story:ident)*) => { $( mod $story {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn sqlite() {
            let (database, _folder) = $crate::databases::sqlite().await;
            super::$story(&database).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let Some((database, _test_database)) = $crate::databases::postgres().await else { return };
            super::$story(&database).await;
        }
    } )* };
}

/// Runs writes in one committed transaction of an organization: that of a desk, or one of a database.
macro_rules! within {
    ($desk:expr, $transaction:ident => $body:expr) => {
        within!($desk.database, $desk.id, $transaction => $body)
    };
    ($database:expr, $id:expr, $transaction:ident => $body:expr) => {{
        let mut $transaction = $database.of($id).begin().await.unwrap();
        let outcome = $body;
        $transaction.commit().await.unwrap();
        outcome
    }};
}

pub(crate) async fn sqlite() -> (Database, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(&folder.path().join("desk.sqlite"), SqliteSettings::default()).await.unwrap();
    database.migrate().await.unwrap();
    (database, folder)
}

pub(crate) async fn postgres() -> Option<(Database, TestDatabase)> {
    let test_database = postgres::server()?.create_database().await;
    let database = Database::open_postgres(&test_database.url).await.unwrap();
    database.migrate().await.unwrap();
    Some((database, test_database))
}

pub(crate) fn not_found<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::NotFound { .. }))
}

/// A customer of whom nothing else is known.
pub(crate) fn new_customer(external_id: Option<&str>, name: Option<&str>) -> NewCustomer {
    NewCustomer {
        external_id: external_id.map(str::to_owned),
        name: name.map(str::to_owned),
        email: None,
        locale: None,
        profile: Map::new(),
        identity: Identity::Unverified,
    }
}

/// A conversation by the desk's first channel.
pub(crate) fn new_conversation(desk: &Desk, customer_id: CustomerId) -> NewConversation {
    NewConversation {
        customer_id,
        channel_id: desk.channels[0].id,
        assistant_id: desk.assistant.id,
        title: None,
        metadata: Map::new(),
    }
}

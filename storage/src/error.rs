//! What can go wrong with the database.

use domain::{ErrorKind, Kinded};

/// The result of storage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of storage.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row does not exist in this organization.
    #[error("{noun} `{id}` not found")]
    NotFound {
        /// What was looked for.
        noun: &'static str,
        /// Its id as shown outside.
        id: String,
    },
    /// The state forbids the change.
    #[error("{0}")]
    Conflict(String),
    /// A value breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The customer was erased; importing them again would undo that.
    #[error("a customer with this external id was erased")]
    Erased,
    /// The job's lease is lost: another worker has it, so nothing may be written for it.
    #[error("the lease of job `{0}` is lost")]
    LeaseLost(domain::JobId),
    /// A migration failed, or the schema is newer than this program.
    #[error("the database schema cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The engine refused.
    #[error("database: {0}")]
    Engine(#[source] sqlx::Error),
    /// A stored value is damaged.
    #[error("stored {what} is damaged: {detail}")]
    Damaged {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
}

impl Error {
    /// A `NotFound` for the noun with that id.
    #[expect(clippy::needless_pass_by_value, reason = "ids are `Copy`")]
    pub fn not_found(noun: &'static str, id: impl ToString) -> Self {
        Self::NotFound { noun, id: id.to_string() }
    }

    /// Whether a unique index refused the row.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Engine(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Engine(error)
    }
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict(_) | Self::Erased | Self::LeaseLost(_) => ErrorKind::Conflict,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Engine(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {
                ErrorKind::Unavailable
            }
            Self::Engine(sqlx::Error::Database(error)) if is_passing(error.code().as_deref()) => ErrorKind::Unavailable,
            Self::Migrate(_) | Self::Engine(_) | Self::Damaged { .. } => ErrorKind::Internal,
        }
    }
}

/// Whether an engine's error code tells of a state that may pass: busy, full or read-only disks on
/// SQLite (5, 6, 8, 10, 13 and their extended forms), and on PostgreSQL the classes 40 (rolled
/// back), 53 (out of resources), 57 (shut down) and 08 (connection).
fn is_passing(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 && code.chars().any(|letter| !letter.is_ascii_digit())
        || code.len() == 5 && code.starts_with('0')
    {
        return ["40", "53", "57", "08"].iter().any(|class| code.starts_with(class));
    }
    match code.parse::<i32>() {
        Ok(number) if code.len() < 5 || number > 60_000 => matches!(number & 0xff, 5 | 6 | 8 | 10 | 13),
        _ => ["40", "53", "57", "08"].iter().any(|class| code.starts_with(class)),
    }
}

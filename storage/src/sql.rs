//! One SQL text, two engines: statements, their arguments and their rows.
//!
//! A statement is written once with `$1` placeholders; [`Sql::per`] names two texts where the engines
//! must differ. Arguments are a tuple, rows are structs that derive `FromRow`. The rules that keep one
//! text valid on both engines: cast every `sum`, `avg` and `->>`; integers are BIGINT; ids and times
//! come from Rust; never go on in a transaction after an engine's error.

use crate::Result;
use futures::TryStreamExt;
use futures::future::BoxFuture;
use sqlx::encode::Encode;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Executor, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, Type};
use std::borrow::Cow;
use std::fmt::Write;

/// A statement's text: one for both engines, or one for each.
pub(crate) struct Sql {
    sqlite: Cow<'static, str>,
    postgres: Cow<'static, str>,
}

impl Sql {
    pub(crate) const fn per(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite: Cow::Borrowed(sqlite), postgres: Cow::Borrowed(postgres) }
    }

    /// A text put together at run time, from trusted parts only: column lists, optional filters.
    pub(crate) fn dynamic(text: String) -> Self {
        Self { sqlite: Cow::Owned(text.clone()), postgres: Cow::Owned(text) }
    }

    /// The text with a mark replaced by what each engine calls it.
    pub(crate) fn with(self, mark: &str, sqlite: &str, postgres: &str) -> Self {
        Self::dynamic_per(self.sqlite.replace(mark, sqlite), self.postgres.replace(mark, postgres))
    }

    /// Two texts put together at run time, from trusted parts only.
    pub(crate) fn dynamic_per(sqlite: String, postgres: String) -> Self {
        Self { sqlite: Cow::Owned(sqlite), postgres: Cow::Owned(postgres) }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::per(text, text)
    }
}

fn safe(text: Cow<'static, str>) -> SqlStr {
    match text {
        Cow::Borrowed(text) => text.into_sql_str(),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

/// A value that both engines can bind.
pub(crate) trait Bind:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Send
{
}
impl<T> Bind for T where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Send
{
}

/// The argument buffers of the two engines, seen alike.
pub(crate) enum Buffer {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl Buffer {
    fn len(&self) -> usize {
        match self {
            Self::Sqlite(arguments) => Arguments::len(arguments),
            Self::Postgres(arguments) => Arguments::len(arguments),
        }
    }

    fn put<T: Bind>(&mut self, value: T) -> Result<(), BoxDynError> {
        match self {
            Self::Sqlite(arguments) => Arguments::add(arguments, value),
            Self::Postgres(arguments) => Arguments::add(arguments, value),
        }
    }
}

/// The arguments of a statement: a tuple of [`Bind`] values, or a list of alike ones.
pub(crate) trait Args: Send {
    fn put_into(self, buffer: &mut Buffer) -> Result<(), BoxDynError>;
}

impl<T: Bind> Args for Vec<T> {
    fn put_into(self, buffer: &mut Buffer) -> Result<(), BoxDynError> {
        self.into_iter().try_for_each(|value| buffer.put(value))
    }
}

/// The arguments of several rows, one after the other.
pub(crate) struct Rows<A>(pub(crate) Vec<A>);

impl<A: Args> Args for Rows<A> {
    fn put_into(self, buffer: &mut Buffer) -> Result<(), BoxDynError> {
        self.0.into_iter().try_for_each(|row| row.put_into(buffer))
    }
}

macro_rules! tuples {
    ($( ($($value:ident)*) )*) => { $(
        impl<$($value: Bind),*> Args for ($($value,)*) {
            #[expect(non_snake_case, reason = "one name serves as type and value")]
            #[allow(unused_variables, reason = "the empty tuple binds nothing")]
            fn put_into(self, buffer: &mut Buffer) -> Result<(), BoxDynError> {
                let ($($value,)*) = self;
                $( buffer.put($value)?; )*
                Ok(())
            }
        }
    )* };
}
tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
    (A B C D E F G H I J K L M) (A B C D E F G H I J K L M N) (A B C D E F G H I J K L M N O)
    (A B C D E F G H I J K L M N O P) (A B C D E F G H I J K L M N O P Q)
    (A B C D E F G H I J K L M N O P Q R) (A B C D E F G H I J K L M N O P Q R S)
    (A B C D E F G H I J K L M N O P Q R S T) (A B C D E F G H I J K L M N O P Q R S T U)
    (A B C D E F G H I J K L M N O P Q R S T U V)
}
impl Args for () {
    fn put_into(self, _: &mut Buffer) -> Result<(), BoxDynError> {
        Ok(())
    }
}

/// A row type that both engines can fill: `#[derive(FromRow)]` is enough.
pub(crate) trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A text with its arguments, ready for its engine.
pub(crate) struct Statement {
    text: SqlStr,
    buffer: Buffer,
}

impl Statement {
    pub(crate) fn new(postgres: bool, sql: Sql, args: impl Args) -> Result<Self> {
        let (text, mut buffer) = if postgres {
            (sql.postgres, Buffer::Postgres(PgArguments::default()))
        } else {
            (sql.sqlite, Buffer::Sqlite(SqliteArguments::default()))
        };
        args.put_into(&mut buffer).map_err(sqlx::Error::Encode)?;
        Ok(Self { text: safe(text), buffer })
    }

    /// Another statement after this one, which has no arguments.
    pub(crate) fn then(self, next: Self) -> Self {
        Self { text: safe(Cow::Owned(format!("{}; {}", self.text.as_str(), next.text.as_str()))), buffer: next.buffer }
    }
}

/// Statements that SQLite's thread gets together: each trip to it costs two switches between threads, which is more
/// than most statements do. Only the last may give rows back, and its count is the count.
pub(crate) struct Batch {
    text: String,
    buffer: Buffer,
}

impl Default for Batch {
    fn default() -> Self {
        Self { text: String::new(), buffer: Buffer::Sqlite(SqliteArguments::default()) }
    }
}

impl Batch {
    pub(crate) fn has_arguments(&self) -> bool {
        self.buffer.len() > 0
    }

    /// Adds a statement after the others.
    pub(crate) fn push(&mut self, sql: Sql, args: impl Args) -> Result<()> {
        let Sql { sqlite: text, .. } = sql;
        let before = self.buffer.len();
        if !self.text.is_empty() {
            self.text.push_str("; ");
        }
        renumber(&mut self.text, &text, before);
        args.put_into(&mut self.buffer).map_err(sqlx::Error::Encode)?;
        Ok(())
    }

    /// One text of them all; nothing is left.
    pub(crate) fn take(&mut self) -> Statement {
        let Self { text, buffer } = std::mem::take(self);
        Statement { text: safe(Cow::Owned(text)), buffer }
    }
}

/// Writes a text whose placeholders `$1`, `$2`, … stand for what comes after `before` other arguments.
fn renumber(into: &mut String, text: &str, before: usize) {
    let mut pieces = text.split('$');
    into.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        into.push('$');
        let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(end);
        match number.parse::<usize>() {
            // Writing into a string cannot fail.
            Ok(number) => drop(write!(into, "{}", number + before)),
            Err(_) => into.push_str(number),
        }
        into.push_str(rest);
    }
}

/// The rows an engine gave back.
pub(crate) enum Fetched {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Fetched {
    pub(crate) fn read<T: Record>(&self) -> Result<Vec<T>> {
        let rows: Result<Vec<T>, sqlx::Error> = match self {
            Self::Sqlite(rows) => rows.iter().map(T::from_row).collect(),
            Self::Postgres(rows) => rows.iter().map(T::from_row).collect(),
        };
        Ok(rows?)
    }
}

/// An open connection of either engine.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection<'_> {
    pub(crate) async fn fetch(self, statement: Statement) -> Result<Fetched> {
        Ok(match (self, statement.buffer) {
            (Self::Sqlite(connection), Buffer::Sqlite(arguments)) => {
                Fetched::Sqlite(sqlx::query_with::<Sqlite, _>(statement.text, arguments).fetch_all(connection).await?)
            }
            (Self::Postgres(connection), Buffer::Postgres(arguments)) => Fetched::Postgres(
                sqlx::query_with::<Postgres, _>(statement.text, arguments).fetch_all(connection).await?,
            ),
            _ => return Err(sqlx::Error::Configuration("a statement of the other engine".into()).into()),
        })
    }

    pub(crate) async fn execute(self, statement: Statement) -> Result<u64> {
        Ok(match (self, statement.buffer) {
            (Self::Sqlite(connection), Buffer::Sqlite(arguments)) => {
                let query = sqlx::query_with::<Sqlite, _>(statement.text, arguments);
                let (mut ended, mut touched) = (connection.fetch_many(query), 0);
                while let Some(step) = ended.try_next().await? {
                    touched = step.left().map_or(touched, |done| done.rows_affected());
                }
                touched
            }
            (Self::Postgres(connection), Buffer::Postgres(arguments)) => {
                sqlx::query_with::<Postgres, _>(statement.text, arguments).execute(connection).await?.rows_affected()
            }
            _ => return Err(sqlx::Error::Configuration("a statement of the other engine".into()).into()),
        })
    }
}

/// The verbs, the same wherever a statement runs. The futures are boxed on purpose: a plain
/// `impl Future + Send` makes callers in spawned tasks fail with "not general enough" (rust #100013).
pub(crate) trait Run: Sized + Send {
    fn is_postgres(&self) -> bool;
    /// The statement as it is sent, with what must be sent before it.
    fn prepare(&mut self, sql: Sql, args: impl Args) -> Result<Statement> {
        Statement::new(self.is_postgres(), sql, args)
    }
    fn fetch<'s>(self, statement: Statement) -> BoxFuture<'s, Result<Fetched>>
    where
        Self: 's;
    fn execute<'s>(self, statement: Statement) -> BoxFuture<'s, Result<u64>>
    where
        Self: 's;

    /// All rows.
    fn all<'s, T: Record + 's>(mut self, sql: impl Into<Sql>, args: impl Args) -> BoxFuture<'s, Result<Vec<T>>>
    where
        Self: 's,
    {
        let statement = self.prepare(sql.into(), args);
        Box::pin(async move { self.fetch(statement?).await?.read() })
    }

    /// The first row, if there is one.
    fn find<'s, T: Record + 's>(self, sql: impl Into<Sql>, args: impl Args) -> BoxFuture<'s, Result<Option<T>>>
    where
        Self: 's,
    {
        let rows = self.all(sql, args);
        Box::pin(async move { Ok(rows.await?.into_iter().next()) })
    }

    /// The one row; its absence is an engine error.
    fn one<'s, T: Record + 's>(self, sql: impl Into<Sql>, args: impl Args) -> BoxFuture<'s, Result<T>>
    where
        Self: 's,
    {
        let row = self.find(sql, args);
        Box::pin(async move { Ok(row.await?.ok_or(sqlx::Error::RowNotFound)?) })
    }

    /// The first column of the one row.
    fn scalar<'s, T: Send + 's>(self, sql: impl Into<Sql>, args: impl Args) -> BoxFuture<'s, Result<T>>
    where
        Self: 's,
        (T,): Record,
    {
        let row = self.one::<(T,)>(sql, args);
        Box::pin(async move { Ok(row.await?.0) })
    }

    /// Runs the statement; the number of rows it touched.
    fn run<'s>(mut self, sql: impl Into<Sql>, args: impl Args) -> BoxFuture<'s, Result<u64>>
    where
        Self: 's,
    {
        let statement = self.prepare(sql.into(), args);
        Box::pin(async move { self.execute(statement?).await })
    }
}

/// `$n, $n+1, …` for an `in (…)` list that begins at placeholder `first`.
pub(crate) fn placeholders(first: usize, count: usize) -> String {
    let mut list = String::with_capacity(count * 5);
    for number in first..first + count {
        let comma = if number == first { "" } else { ", " };
        // Writing into a string cannot fail.
        let _ = write!(list, "{comma}${number}");
    }
    list
}

/// `($1, $2), ($3, $4), …` for an insert of `rows` rows of `columns` columns.
pub(crate) fn values(postgres: bool, rows: usize, columns: usize) -> String {
    let mut list = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        list.push_str(if row == 0 { "(" } else { "), (" });
        if postgres {
            list.push_str(&placeholders(row * columns + 1, columns));
        } else {
            // differs because: SQLite finds a numbered placeholder's name by walking the list of all names,
            // which made 3,000 of them cost more than writing their rows
            list.push_str("?, ".repeat(columns).trim_end_matches(", "));
        }
    }
    list.push(')');
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_joined_statements_stand_for_their_own_arguments() {
        let mut batch = Batch::default();
        batch.push("savepoint one".into(), ()).unwrap();
        batch.push("update a set x = $2 where id = $1 and j ->> '$.a' = ''".into(), (1_i64, 2_i64)).unwrap();
        batch.push("insert into b values ($1, $2, $1)".into(), (3_i64, 4_i64)).unwrap();
        let text = batch.take().text;
        assert_eq!(
            text.as_str(),
            "savepoint one; update a set x = $2 where id = $1 and j ->> '$.a' = ''; insert into b values ($3, $4, $3)"
        );
        assert!(batch.text.is_empty());
    }
}

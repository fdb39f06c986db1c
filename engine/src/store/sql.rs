//! One way to speak to both databases: the same SQL text, values of two kinds (numbers and text), rows read by column name.
//! Nothing above this module knows which database it is.

use std::fmt;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Postgres, Row as _, Sqlite, Transaction, Type};

use super::StoreError;
use super::transfer::{self, SchemaWords};

/// A value for a place `$n` of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A number, a time in ms, or 0/1; `None` is NULL.
    Int(Option<i64>),
    /// Text; `None` is NULL.
    Text(Option<String>),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u64> for Arg {
    /// Numbers beyond `i64::MAX` become that: no time or count of ours comes near.
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<u32> for Arg {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<u16> for Arg {
    fn from(value: u16) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<Option<u64>> for Arg {
    fn from(value: Option<u64>) -> Self {
        value.map_or(Self::Int(None), Self::from)
    }
}

impl From<Option<u16>> for Arg {
    fn from(value: Option<u16>) -> Self {
        value.map_or(Self::Int(None), Self::from)
    }
}

impl From<Option<bool>> for Arg {
    fn from(value: Option<bool>) -> Self {
        value.map_or(Self::Int(None), Self::from)
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

/// The arguments of a query, each through [`Arg::from`].
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::sql::Arg::from($value)),*] };
}
pub(crate) use args;

/// A row of a result.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row")
    }
}

impl Row {
    fn column<'r, T>(&'r self, column: &str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
        for<'c> &'c str: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(StoreError::Database)
    }

    /// A BIGINT NOT NULL.
    ///
    /// # Errors
    /// [`StoreError::Database`] where the column is missing, NULL or not a number.
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.column(column)
    }

    /// A BIGINT, where NULL means none.
    ///
    /// # Errors
    /// [`StoreError::Database`] where the column is missing or not a number.
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.column(column)
    }

    /// A BIGINT that is never negative: a time in ms, a count, a size.
    ///
    /// # Errors
    /// As [`Row::int`], and [`StoreError::Corrupt`] where it is negative.
    pub fn unsigned<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        T::try_from(self.int(column)?).map_err(|_| StoreError::corrupt(column, "the number is out of its range"))
    }

    /// As [`Row::unsigned`], where NULL means none.
    ///
    /// # Errors
    /// As [`Row::unsigned`].
    pub fn opt_unsigned<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let number: Option<i64> = self.column(column)?;
        number
            .map(|n| T::try_from(n).map_err(|_| StoreError::corrupt(column, "the number is out of its range")))
            .transpose()
    }

    /// A 0/1.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// A TEXT NOT NULL.
    ///
    /// # Errors
    /// [`StoreError::Database`] where the column is missing or NULL.
    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        self.column(column)
    }

    /// A TEXT, where NULL means none.
    ///
    /// # Errors
    /// [`StoreError::Database`] where the column is missing.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.column(column)
    }

    /// A TEXT that is read as a type of ours.
    ///
    /// # Errors
    /// As [`Row::text`], and [`StoreError::Corrupt`] where the text is none of that type.
    pub fn parsed<T: std::str::FromStr>(&self, column: &str) -> Result<T, StoreError>
    where
        T::Err: fmt::Display,
    {
        self.text(column)?.parse().map_err(|error: T::Err| StoreError::corrupt(column, error))
    }

    /// The same, where it may be NULL.
    ///
    /// # Errors
    /// As [`Row::parsed`].
    pub fn opt_parsed<T: std::str::FromStr>(&self, column: &str) -> Result<Option<T>, StoreError>
    where
        T::Err: fmt::Display,
    {
        let parse = |text: String| text.parse().map_err(|error: T::Err| StoreError::corrupt(column, error));
        self.opt_text(column)?.map(parse).transpose()
    }

    /// A TEXT that holds JSON.
    ///
    /// # Errors
    /// As [`Row::text`], and [`StoreError::Corrupt`] where it is not that JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| StoreError::corrupt(column, error))
    }

    /// As [`Row::json`], where NULL means none.
    ///
    /// # Errors
    /// As [`Row::json`].
    pub fn opt_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text = self.opt_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| StoreError::corrupt(column, error))).transpose()
    }

    /// A word of one of our enums, as serde writes it.
    ///
    /// # Errors
    /// As [`Row::text`], and [`StoreError::Corrupt`] where the word is unknown.
    pub fn word<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        from_word(column, self.text(column)?)
    }

    /// As [`Row::word`], where NULL means none.
    ///
    /// # Errors
    /// As [`Row::word`].
    pub fn opt_word<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?.map(|word| from_word(column, word)).transpose()
    }
}

fn from_word<T: serde::de::DeserializeOwned>(column: &str, word: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(|error| StoreError::corrupt(column, error))
}

/// An enum of ours as the one word that serde writes.
///
/// # Panics
/// Where the type is not an enum of plain words, which is our bug.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("an enum of plain words is written as a word, not as {other:?}"),
    }
}

/// JSON text for a TEXT column.
///
/// # Panics
/// Where the type has maps with keys that are no text, which is our bug.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("settings serialise")
}

/// The databases we speak to.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    /// One connection that writes, several that read (WAL).
    Sqlite { write: SqlitePool, read: SqlitePool },
    /// All connections do both.
    Postgres(PgPool),
}

impl Pool {
    /// A connection for reading.
    pub(crate) async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Sqlite { read, .. } => Inner::Sqlite(read.acquire().await?),
            Self::Postgres(pool) => Inner::Postgres(pool.acquire().await?),
        }))
    }

    /// A transaction that only reads.
    pub(crate) async fn read_tx(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Sqlite { read, .. } => Inner::SqliteTx(read.begin().await?),
            Self::Postgres(pool) => Inner::PostgresTx(pool.begin().await?),
        }))
    }

    /// A transaction that writes. In SQLite it holds the one writer from its begin, so it never fails halfway for a lock.
    pub(crate) async fn write(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Sqlite { write, .. } => Inner::SqliteTx(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Inner::PostgresTx(pool.begin().await?),
        }))
    }
}

/// A connection or a transaction. A transaction that is dropped without [`Conn::commit`] is rolled back.
pub(crate) struct Conn(Inner);

enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

enum Raw<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

macro_rules! bound {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Conn {
    fn raw(&mut self) -> Raw<'_> {
        match &mut self.0 {
            Inner::Sqlite(conn) => Raw::Sqlite(conn),
            Inner::SqliteTx(conn) => Raw::Sqlite(conn),
            Inner::Postgres(conn) => Raw::Postgres(conn),
            Inner::PostgresTx(conn) => Raw::Postgres(conn),
        }
    }

    /// How this database is asked about its tables.
    pub(super) fn schema_words(&self) -> SchemaWords {
        match &self.0 {
            Inner::Sqlite(_) | Inner::SqliteTx(_) => transfer::SQLITE,
            Inner::Postgres(_) | Inner::PostgresTx(_) => transfer::POSTGRES,
        }
    }

    /// Runs a statement; how many rows it changed. The text is made of our own constants only; values go by `$n`.
    pub(crate) async fn execute(&mut self, sql: impl Into<String>, args: Vec<Arg>) -> Result<u64, StoreError> {
        Ok(match self.raw() {
            Raw::Sqlite(conn) => bound!(sql.into(), args).execute(conn).await?.rows_affected(),
            Raw::Postgres(conn) => bound!(sql.into(), args).execute(conn).await?.rows_affected(),
        })
    }

    /// All rows of a query.
    pub(crate) async fn all(&mut self, sql: impl Into<String>, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        Ok(match self.raw() {
            Raw::Sqlite(conn) => bound!(sql.into(), args).fetch_all(conn).await?.into_iter().map(Row::Sqlite).collect(),
            Raw::Postgres(conn) => {
                bound!(sql.into(), args).fetch_all(conn).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn first(&mut self, sql: impl Into<String>, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        Ok(match self.raw() {
            Raw::Sqlite(conn) => bound!(sql.into(), args).fetch_optional(conn).await?.map(Row::Sqlite),
            Raw::Postgres(conn) => bound!(sql.into(), args).fetch_optional(conn).await?.map(Row::Postgres),
        })
    }

    /// Makes what was written last.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Inner::SqliteTx(tx) => tx.commit().await?,
            Inner::PostgresTx(tx) => tx.commit().await?,
            Inner::Sqlite(_) | Inner::Postgres(_) => {}
        }
        Ok(())
    }
}

/// `$from, $from+1, ...`: `count` places.
pub(crate) fn places(from: usize, count: usize) -> String {
    let places: Vec<String> = (from..from + count).map(|n| format!("${n}")).collect();
    places.join(", ")
}

//! The database: settings, accounts, and what consumers of the journal derive. All SQL of the engine is in here, one file per
//! aggregate, the same text for SQLite and PostgreSQL.
//!
//! Every row belongs to a tenant and every function takes one, but for those that find out which tenant is meant
//! (a session's token, the list of tenants). Settings are written through [`setting::SettingsTx`] only, which writes the
//! audit entry in the same transaction.

pub mod agent_states;
pub mod agents;
pub mod api_tokens;
pub mod audit;
pub mod avatars;
pub mod blocks;
pub mod callers;
pub mod cursors;
pub mod departments;
pub mod desk;
pub mod employees;
pub mod extensions;
pub mod flows;
pub mod hours;
pub mod idempotency;
pub mod logins;
mod migrations;
pub mod prompts;
pub mod queues;
pub mod recordings;
pub mod records;
pub mod registrations;
pub mod regulars;
pub mod roles;
pub mod rooms;
pub mod routes;
pub mod scope;
pub mod sessions;
pub mod setting;
pub mod sms_codes;
pub mod sql;
pub mod staffing;
pub mod surveys;
pub mod tasks;
pub mod tenants;
pub mod transfer;
pub mod trunks;
pub mod voicemail_notices;
pub mod voicemails;
pub mod wallboard;
pub mod webhooks;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::config::StorageUrl;
use sql::Pool;

/// Connections that read from SQLite at a time; further readers wait.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 8;
/// How long a statement waits for another process that writes to the same SQLite file (the command line).
const SQLITE_BUSY: Duration = Duration::from_secs(5);
/// How long one waits for a free connection before the database counts as away.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row in this tenant.
    #[error("there is no {resource} {id}")]
    NotFound {
        /// `extension`, `trunk`, ...
        resource: &'static str,
        /// Its key.
        id: String,
    },
    /// The key, or a name that must be unique, is taken.
    #[error("{resource} {id} exists already, choose another")]
    Exists {
        /// `extension`, `trunk`, ...
        resource: &'static str,
        /// Its key.
        id: String,
    },
    /// Somebody changed it since it was read.
    #[error("{resource} {id} was changed meanwhile, read it again")]
    Changed {
        /// `extension`, `trunk`, ...
        resource: &'static str,
        /// Its key.
        id: String,
    },
    /// It comes from the configuration file.
    #[error("{resource} {id} comes from the configuration file, change it there")]
    ReadOnly {
        /// `extension`, `trunk`, ...
        resource: &'static str,
        /// Its key.
        id: String,
    },
    /// A tenant may not have more of these.
    #[error("a tenant has at most {max} of {resource}, delete some")]
    TooMany {
        /// `extension`, `trunk`, ...
        resource: &'static str,
        /// The limit.
        max: u64,
    },
    /// Another reader of the journal has the same cursor: this one reads its place again.
    #[error("the cursor of {consumer} stands elsewhere, read it again")]
    CursorMoved {
        /// Which consumer.
        consumer: String,
    },
    /// What stands in the database is not what we wrote.
    #[error("column {column} holds something unreadable: {reason}")]
    Corrupt {
        /// Which column.
        column: String,
        /// What is wrong.
        reason: String,
    },
    /// The database is away, full or broken.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A folder or file of the database could not be made.
    #[error("cannot use {path}: {source}")]
    Folder {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl StoreError {
    pub(crate) fn corrupt(column: &str, reason: impl fmt::Display) -> Self {
        Self::Corrupt { column: column.to_owned(), reason: reason.to_string() }
    }

    /// A unique index refused a row.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// Kinds of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseKind {
    /// A file, by the binary itself.
    Sqlite,
    /// A server.
    Postgres,
}

/// The database of one installation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
}

impl Store {
    /// The last step of the schema that this version knows.
    pub const LAST_STEP: i64 = migrations::LAST;

    /// Opens the database and brings its schema up to date. A SQLite file and its folder are made where missing.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Database`], [`StoreError::Migrate`].
    pub async fn open(url: &StorageUrl) -> Result<Self, StoreError> {
        let store = Self::open_as_it_is(url).await?;
        migrations::run(&store.pool).await?;
        Ok(store)
    }

    /// Opens the database and leaves its schema alone.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Database`].
    pub async fn open_as_it_is(url: &StorageUrl) -> Result<Self, StoreError> {
        let pool = match url {
            StorageUrl::Sqlite(path) => open_sqlite(path).await?,
            StorageUrl::Postgres(url) => open_postgres(url).await?,
        };
        Ok(Self { pool })
    }

    /// The last step of the schema that this database has taken; 0 for none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn schema_step(&self) -> Result<i64, StoreError> {
        let sql = "SELECT MAX(version) AS version FROM _sqlx_migrations";
        let row = self.pool.read().await?.first(sql, Vec::new()).await?;
        Ok(row.map(|row| row.opt_int("version")).transpose()?.flatten().unwrap_or(0))
    }

    /// Which kind of database it is.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        match &self.pool {
            Pool::Sqlite { .. } => DatabaseKind::Sqlite,
            Pool::Postgres(_) => DatabaseKind::Postgres,
        }
    }

    /// Whether the database answers, for readiness.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.pool.read().await?.first("SELECT 1 AS one", Vec::new()).await?;
        Ok(())
    }

    /// Closes all connections; waits for running statements.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    /// Writes a consistent copy of a SQLite database to `path`, which must not exist. `false` for PostgreSQL, which has
    /// tools of its own.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the copy cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<bool, StoreError> {
        match &self.pool {
            Pool::Sqlite { .. } => {
                let path = path.to_string_lossy().into_owned();
                self.pool.read().await?.execute("VACUUM INTO $1", sql::args![path]).await?;
                Ok(true)
            }
            Pool::Postgres(_) => Ok(false),
        }
    }
}

/// Copies an SQLite database that others may be using, such as a plugin's, into a file that must not exist.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(from).busy_timeout(SQLITE_BUSY).disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy().into_owned()).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

async fn open_sqlite(path: &Path) -> Result<Pool, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|source| StoreError::Folder { path: folder.display().to_string(), source })?;
    }
    // FULL: a change that was confirmed survives a power cut. Consumers write in batches, so it costs them little.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY)
        .disable_statement_logging();
    let write =
        SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE).connect_with(options.clone()).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(ACQUIRE)
        .connect_with(options.create_if_missing(false))
        .await?;
    Ok(Pool::Sqlite { write, read })
}

async fn open_postgres(url: &str) -> Result<Pool, StoreError> {
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE)
        .connect_with(options.disable_statement_logging())
        .await?;
    Ok(Pool::Postgres(pool))
}

/// Wall time, ms since the Unix epoch.
#[must_use]
pub fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;

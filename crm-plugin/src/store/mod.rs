//! `crm.db`: the CRM's own database. All SQL of the plugin is in here, one file a list.

pub(crate) mod answered;
pub(crate) mod batch;
pub(crate) mod calls;
pub(crate) mod lost;
pub(crate) mod missed;
pub(crate) mod query;
pub(crate) mod settings;
pub(crate) mod sms_messages;
pub(crate) mod sms_templates;

use std::path::Path;
use std::time::Duration;

use hooks::id::{RowId, TenantId};
use hooks::position::Position;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, SqlSafeStr, Sqlite, Transaction};

/// The database's file in the plugin's folder.
const FILE: &str = "crm.db";
/// Connections to it: some read while one writes.
const CONNECTIONS_MAX: u32 = 4;
/// How long somebody waits for a connection, or for another process that holds the file.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// The schema, step by step.
const STEPS: [(i64, &str, &str); 3] = [
    (1, "cursor", include_str!("../../migrations/sqlite/0001_cursor.sql")),
    (2, "calls", include_str!("../../migrations/sqlite/0002_calls.sql")),
    (4, "sms", include_str!("../../migrations/sqlite/0004_sms.sql")),
];

/// The plugin's database, on a runtime of its own. Reads run beside each other; writes take turns.
#[derive(Debug)]
pub struct CrmStore {
    /// Always there but while it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
    pool: SqlitePool,
    turn: tokio::sync::Mutex<()>,
}

/// Why the database could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system gives no runtime.
    #[error("cannot start the database's runtime: {0}")]
    Runtime(#[from] std::io::Error),
    /// The database refuses.
    #[error("crm.db: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema cannot be brought up to date: a newer version wrote the file, or it is damaged.
    #[error("crm.db cannot be brought up to date, restore a backup or use the newer version: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The cursor is not where this run left it: another process works on the same file.
    #[error("crm.db: the cursor of {tenant} was moved by another process, stop that one")]
    Moved {
        /// Whose cursor.
        tenant: TenantId,
    },
    /// A column holds what no version of ours wrote.
    #[error("crm.db holds something unreadable, restore a backup: {0}")]
    Corrupt(String),
}

impl Drop for CrmStore {
    fn drop(&mut self) {
        // Whoever drops it may stand in another runtime, where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl CrmStore {
    /// Opens the database in `folder`, or makes it, and brings its schema up to date.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join(FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(WAIT_MAX)
            .disable_statement_logging();
        let pool = runtime.block_on(async {
            let pool = SqlitePoolOptions::new()
                .max_connections(CONNECTIONS_MAX)
                .acquire_timeout(WAIT_MAX)
                .connect_with(options)
                .await?;
            let steps = STEPS.map(|(number, name, sql)| {
                Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
            });
            Migrator::with_migrations(steps.into()).run(&pool).await?;
            Ok::<_, StoreError>(pool)
        })?;
        Ok(Self { runtime: Some(runtime), pool, turn: tokio::sync::Mutex::new(()) })
    }

    fn run<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.runtime.as_ref().expect("it is there until it is dropped").block_on(work)
    }

    /// A transaction that may write; others that write wait for `turn`.
    async fn begin(&self) -> Result<(tokio::sync::MutexGuard<'_, ()>, Transaction<'static, Sqlite>), StoreError> {
        let turn = self.turn.lock().await;
        Ok((turn, self.pool.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// How far a tenant's facts were read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cursor(&self, tenant: &TenantId) -> Result<Position, StoreError> {
        let row = sqlx::query_as("SELECT epoch, number FROM crm_cursor WHERE tenant = $1").bind(tenant.as_str());
        let row: Option<(i64, i64)> = self.run(async { Ok(row.fetch_optional(&self.pool).await?) })?;
        let start = Position::start(tenant.clone());
        Ok(row.map_or(start, |(epoch, number)| Position {
            tenant: tenant.clone(),
            epoch: epoch.cast_unsigned(),
            number: number.cast_unsigned(),
        }))
    }
}

/// A ULID for a new row; the database gives the chance in it.
async fn fresh_id(transaction: &mut Transaction<'static, Sqlite>, at_ms: u64) -> Result<String, StoreError> {
    let (one, two): (i64, i64) = sqlx::query_as("SELECT random(), random()").fetch_one(&mut **transaction).await?;
    let random = u128::from(one.cast_unsigned()) << 64 | u128::from(two.cast_unsigned());
    Ok(RowId::new(at_ms, random).to_string())
}

//! `crm.db`: the CRM's own database. All SQL of the plugin is in here.

use std::collections::BTreeMap;
use std::path::Path;

use hooks::id::TenantId;
use hooks::position::Position;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, SqlSafeStr};

/// The database's file in the plugin's folder.
const FILE: &str = "crm.db";

/// The plugin's database, on a runtime of its own: the plugin's thread is the only one that uses it.
#[derive(Debug)]
pub struct CrmStore {
    runtime: tokio::runtime::Runtime,
    connection: SqliteConnection,
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
            .disable_statement_logging();
        let connection = runtime.block_on(async {
            let mut connection = options.connect().await?;
            let first = Migration::new(
                1,
                "cursor".into(),
                MigrationType::Simple,
                include_str!("../../migrations/sqlite/0001_cursor.sql").into_sql_str(),
                false,
            );
            Migrator::with_migrations(vec![first]).run(&mut connection).await?;
            Ok::<_, StoreError>(connection)
        })?;
        Ok(Self { runtime, connection })
    }

    /// How far a tenant's facts were read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cursor(&mut self, tenant: &TenantId) -> Result<Position, StoreError> {
        let row = sqlx::query_as("SELECT epoch, number FROM crm_cursor WHERE tenant = $1").bind(tenant.as_str());
        let row: Option<(i64, i64)> = self.runtime.block_on(row.fetch_optional(&mut self.connection))?;
        let start = Position::start(tenant.clone());
        Ok(row.map_or(start, |(epoch, number)| Position {
            tenant: tenant.clone(),
            epoch: epoch.cast_unsigned(),
            number: number.cast_unsigned(),
        }))
    }

    /// Adds counted facts and moves the cursor from `from` to `to`, both or neither. Nothing happens where `from` is `to`.
    ///
    /// # Errors
    /// [`StoreError::Moved`] where the cursor is not at `from`; else see [`StoreError`].
    pub fn take(&mut self, from: &Position, to: &Position, counts: &BTreeMap<String, u64>) -> Result<(), StoreError> {
        if from == to {
            return Ok(());
        }
        let Self { runtime, connection } = self;
        runtime.block_on(async {
            let mut transaction = connection.begin().await?;
            for (kind, facts) in counts {
                sqlx::query(
                    "INSERT INTO crm_fact_count (tenant, type, facts) VALUES ($1, $2, $3)
                     ON CONFLICT (tenant, type) DO UPDATE SET facts = crm_fact_count.facts + excluded.facts",
                )
                .bind(to.tenant.as_str())
                .bind(kind)
                .bind(facts.cast_signed())
                .execute(&mut *transaction)
                .await?;
            }
            let moved = sqlx::query(
                "INSERT INTO crm_cursor (tenant, epoch, number) VALUES ($1, $2, $3)
                 ON CONFLICT (tenant) DO UPDATE SET epoch = excluded.epoch, number = excluded.number
                 WHERE crm_cursor.epoch = $4 AND crm_cursor.number = $5",
            )
            .bind(to.tenant.as_str())
            .bind(to.epoch.cast_signed())
            .bind(to.number.cast_signed())
            .bind(from.epoch.cast_signed())
            .bind(from.number.cast_signed())
            .execute(&mut *transaction)
            .await?;
            if moved.rows_affected() == 0 {
                return Err(StoreError::Moved { tenant: to.tenant.clone() });
            }
            Ok(transaction.commit().await?)
        })
    }

    /// How many facts of each type a tenant had.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn fact_counts(&mut self, tenant: &TenantId) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows = sqlx::query_as("SELECT type, facts FROM crm_fact_count WHERE tenant = $1").bind(tenant.as_str());
        let rows: Vec<(String, i64)> = self.runtime.block_on(rows.fetch_all(&mut self.connection))?;
        Ok(rows.into_iter().map(|(kind, facts)| (kind, facts.cast_unsigned())).collect())
    }
}

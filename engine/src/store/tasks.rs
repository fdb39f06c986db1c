//! Exports and imports as tasks (TASK-01 to TASK-05), and the rows that imports did not take. Their files lie elsewhere.

use std::collections::BTreeMap;

use hooks::id::TenantId;
use hooks::scope::Scope;
use hooks::task::TaskAsk;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::records::Condition;
use super::roles::FieldRight;
use super::scope::{Owner, Sight};
use super::setting::{Page, PageAsk};
use super::sql::{Row, args, json, places, word};
use super::{Store, StoreError, audit};

/// Of a task that an employee asked for; those of programs are for who sees the whole tenant.
const OWNER: Owner = Owner::Now { employee: "substr(tasks.owner, 10)" };

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// A ULID: tasks sort by it.
    pub id: String,
    /// Which way rows go.
    pub kind: TaskKind,
    /// Of what.
    pub module: String,
    /// For people: the name of the file that comes out, or of the one that went in.
    pub name: String,
    /// Who asked for it, as people know him: a login name or `token:NAME`.
    pub operator: String,
    /// Whose it is, as [`crate::http::principal::Principal::key`] names him.
    pub owner: String,
    /// The conditions of the list.
    pub query: String,
    /// Which rows he might see when he asked.
    pub scope: Scope,
    /// What his role kept from him of fields then (ORG-32).
    pub fields: BTreeMap<String, FieldRight>,
    /// How far it is.
    pub state: TaskState,
    /// When it was asked for, ms since the Unix epoch.
    pub created_at_ms: u64,
    /// When it was begun.
    pub started_at_ms: Option<u64>,
    /// When it was over.
    pub ended_at_ms: Option<u64>,
    /// Rows that went through.
    pub rows_done: u64,
    /// Rows that an import did not take.
    pub rows_failed: u64,
    /// Rows of the file that goes in; of an export nobody knows before its end.
    pub rows_total: Option<u64>,
    /// How long its file is.
    pub file_bytes: Option<u64>,
    /// From when on the file is deleted.
    pub expires_at_ms: Option<u64>,
    /// Why it failed.
    pub reason: Option<String>,
}

impl Task {
    /// What was asked for, as a module is told it: as it stood when he asked.
    #[must_use]
    pub fn ask(&self, tenant: &TenantId) -> TaskAsk {
        TaskAsk {
            tenant: tenant.clone(),
            by: self.operator.clone(),
            employee: self.owner.strip_prefix("employee:").map(str::to_owned),
            scope: self.scope.clone(),
            at_ms: self.created_at_ms,
            query: self.query.clone(),
            parameters: Map::new(),
        }
    }
}

/// Which way rows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Out.
    Export,
    /// In.
    Import,
}

/// How far a task is (TASK-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Others go first.
    Waiting,
    /// At work.
    Running,
    /// Its file, if it has one, can be had.
    Done,
    /// It came to nothing, or was cancelled.
    Failed,
    /// Its file was deleted when its time was over.
    Expired,
}

/// Which tasks a list shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Of this owner.
    pub owner: Option<String>,
    /// Which way rows go.
    pub kind: Option<TaskKind>,
    /// Of this module.
    pub module: Option<String>,
    /// Asked for by him.
    pub operator: Option<String>,
    /// So far.
    pub state: Option<TaskState>,
    /// Asked for at this time or later, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Asked for before this time.
    pub to_ms: Option<u64>,
}

/// How far a running one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows that went through.
    pub done: u64,
    /// Rows that were not taken.
    pub failed: u64,
    /// Rows that there are.
    pub total: Option<u64>,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEnd {
    /// [`TaskState::Done`] or [`TaskState::Failed`].
    pub state: TaskState,
    /// How far it came.
    pub progress: Progress,
    /// Its file, if it made one: how long, and until when it is kept.
    pub file: Option<(u64, u64)>,
    /// Why it failed.
    pub reason: Option<String>,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
}

/// A row that an import did not take (TASK-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRow {
    /// Its number in the file; the heads are row 1.
    pub number: u64,
    /// What stood in it, in the order of the import's columns.
    pub cells: Vec<String>,
    /// Why.
    pub reason: String,
}

/// Failed rows written by one statement.
const ROWS_PER_INSERT: usize = 1_000;

impl Store {
    /// Notes a task that waits.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] where `waiting_max` wait already, [`StoreError::Database`].
    pub async fn create_task(&self, tenant: &TenantId, task: &Task, waiting_max: u64) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "SELECT COUNT(*) AS n FROM tasks WHERE state = 'waiting' AND tenant = $1";
        let waiting: u64 = tx.first(sql, args![tenant.as_str()]).await?.map_or(Ok(0), |row| row.unsigned("n"))?;
        if waiting >= waiting_max {
            return Err(StoreError::TooMany { resource: "waiting task", max: waiting_max });
        }
        let sql = "INSERT INTO tasks (tenant, id, kind, module, name, operator, owner, query, scope, fields, state, \
                   created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let args = args![
            tenant.as_str(),
            task.id.as_str(),
            word(&task.kind),
            task.module.as_str(),
            task.name.as_str(),
            task.operator.as_str(),
            task.owner.as_str(),
            task.query.as_str(),
            json(&task.scope),
            json(&task.fields),
            word(&task.state),
            task.created_at_ms,
        ];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// One task.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn task(&self, tenant: &TenantId, id: &str) -> Result<Option<Task>, StoreError> {
        let sql = "SELECT * FROM tasks WHERE tenant = $1 AND id = $2";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), id]).await?;
        row.as_ref().map(task).transpose()
    }

    /// A page of tasks, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn tasks(&self, sight: Sight<'_>, filter: &TaskFilter, ask: &PageAsk) -> Result<Page<Task>, StoreError> {
        let mut condition = Condition::of(sight, "tenant", OWNER);
        condition.and("id < ?", ask.after.clone().unwrap_or_else(|| audit::LAST.to_owned()));
        let texts = [("owner = ?", &filter.owner), ("module = ?", &filter.module), ("operator = ?", &filter.operator)];
        for (text, value) in texts {
            if let Some(value) = value {
                condition.and(text, value.as_str());
            }
        }
        if let Some(kind) = &filter.kind {
            condition.and("kind = ?", word(kind));
        }
        if let Some(state) = &filter.state {
            condition.and("state = ?", word(state));
        }
        if let Some(from_ms) = filter.from_ms {
            condition.and("created_at_ms >= ?", from_ms);
        }
        if let Some(to_ms) = filter.to_ms {
            condition.and("created_at_ms < ?", to_ms);
        }
        let limit = condition.bind(ask.rows());
        let (condition, args) = condition.into_parts();
        let sql = format!("SELECT * FROM tasks WHERE {condition} ORDER BY id DESC LIMIT {limit}");
        let rows = self.pool.read().await?.all(sql, args).await?;
        let items = rows.iter().map(task).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |task| task.id.clone()))
    }

    /// The tasks of all tenants in a state, the oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn tasks_in(&self, state: TaskState) -> Result<Vec<(TenantId, Task)>, StoreError> {
        let sql = "SELECT * FROM tasks WHERE state = $1 ORDER BY id";
        let rows = self.pool.read().await?.all(sql, args![word(&state)]).await?;
        rows.iter().map(|row| Ok((row.parsed("tenant")?, task(row)?))).collect()
    }

    /// Begins a task that waits; whether it still did.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn begin_task(&self, tenant: &TenantId, id: &str, at_ms: u64) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE tasks SET state = 'running', started_at_ms = $3 \
                   WHERE tenant = $1 AND id = $2 AND state = 'waiting'";
        let begun = tx.execute(sql, args![tenant.as_str(), id, at_ms]).await?;
        tx.commit().await?;
        Ok(begun == 1)
    }

    /// Notes how far a task is.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn task_progress(&self, tenant: &TenantId, id: &str, progress: Progress) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE tasks SET rows_done = $3, rows_failed = $4, rows_total = $5 WHERE tenant = $1 AND id = $2";
        let Progress { done, failed, total } = progress;
        tx.execute(sql, args![tenant.as_str(), id, done, failed, total]).await?;
        tx.commit().await
    }

    /// Ends a task that is in `from`; whether it was.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn end_task(
        &self,
        tenant: &TenantId,
        id: &str,
        from: TaskState,
        end: &TaskEnd,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE tasks SET state = $3, ended_at_ms = $4, rows_done = $5, rows_failed = $6, rows_total = $7, \
                   file_bytes = $8, expires_at_ms = $9, reason = $10 WHERE tenant = $1 AND id = $2 AND state = $11";
        let Progress { done, failed, total } = end.progress;
        let (bytes, expires) = (end.file.map(|file| file.0), end.file.map(|file| file.1));
        let mut args = args![tenant.as_str(), id, word(&end.state), end.at_ms, done, failed, total];
        args.extend(args![bytes, expires, end.reason.clone(), word(&from)]);
        let ended = tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(ended == 1)
    }

    /// The tasks whose file's time is over.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn tasks_to_expire(&self, now_ms: u64) -> Result<Vec<(TenantId, String)>, StoreError> {
        let sql = "SELECT tenant, id FROM tasks WHERE state = 'done' AND expires_at_ms <= $1 ORDER BY id";
        let rows = self.pool.read().await?.all(sql, args![now_ms]).await?;
        rows.iter().map(|row| Ok((row.parsed("tenant")?, row.text("id")?))).collect()
    }

    /// The file is gone.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn expire_task(&self, tenant: &TenantId, id: &str) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE tasks SET state = 'expired', file_bytes = NULL WHERE tenant = $1 AND id = $2";
        tx.execute(sql, args![tenant.as_str(), id]).await?;
        tx.commit().await
    }

    /// Notes rows that an import did not take.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_failed_rows(&self, tenant: &TenantId, id: &str, rows: &[FailedRow]) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        for chunk in rows.chunks(ROWS_PER_INSERT) {
            let groups = (0..chunk.len()).map(|at| format!("({})", places(at * 5 + 1, 5))).collect::<Vec<_>>();
            let sql =
                format!("INSERT INTO task_rows (tenant, task, number, cells, reason) VALUES {}", groups.join(", "));
            let row = |row: &FailedRow| args![tenant.as_str(), id, row.number, json(&row.cells), row.reason.as_str()];
            tx.execute(sql, chunk.iter().flat_map(row).collect()).await?;
        }
        tx.commit().await
    }

    /// A page of the rows that an import did not take, by number.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn failed_rows(&self, tenant: &TenantId, id: &str, ask: &PageAsk) -> Result<Page<FailedRow>, StoreError> {
        let sql = "SELECT * FROM task_rows WHERE tenant = $1 AND task = $2 AND number > $3 ORDER BY number LIMIT $4";
        let after: u64 = ask.after.as_deref().and_then(|key| key.parse().ok()).unwrap_or(0);
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), id, after, ask.rows()]).await?;
        let row = |row: &Row| {
            let (cells, reason) = (row.json("cells")?, row.text("reason")?);
            Ok(FailedRow { number: row.unsigned("number")?, cells, reason })
        };
        let items = rows.iter().map(row).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(ask.page(items, |row| row.number.to_string()))
    }
}

fn task(row: &Row) -> Result<Task, StoreError> {
    Ok(Task {
        id: row.text("id")?,
        kind: row.word("kind")?,
        module: row.text("module")?,
        name: row.text("name")?,
        operator: row.text("operator")?,
        owner: row.text("owner")?,
        query: row.text("query")?,
        scope: row.json("scope")?,
        fields: row.json("fields")?,
        state: row.word("state")?,
        created_at_ms: row.unsigned("created_at_ms")?,
        started_at_ms: row.opt_unsigned("started_at_ms")?,
        ended_at_ms: row.opt_unsigned("ended_at_ms")?,
        rows_done: row.unsigned("rows_done")?,
        rows_failed: row.unsigned("rows_failed")?,
        rows_total: row.opt_unsigned("rows_total")?,
        file_bytes: row.opt_unsigned("file_bytes")?,
        expires_at_ms: row.opt_unsigned("expires_at_ms")?,
        reason: row.opt_text("reason")?,
    })
}

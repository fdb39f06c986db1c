//! Runs tasks: each on a thread of its own behind those who talk, with its progress noted once a second.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dialplan::hours::Zone;
use hooks::id::TenantId;
use hooks::task::{Cell, ImportColumn, TaskAsk, TaskError};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::table::{self, Table};
use super::xlsx::Xlsx;
use super::{Cancel, EXPORT_ROWS_MAX, IMPORT_ROWS_MAX, RUNNING_MAX, Tasks};
use crate::background;
use crate::store::roles::FieldRight;
use crate::store::tasks::{FailedRow, Progress, Task, TaskEnd, TaskKind, TaskState};
use crate::store::tenants::Tenant;
use crate::store::{StoreError, unix_ms};

/// How often files are looked for whose time is over, and a database that was away is asked again.
const EVERY: Duration = Duration::from_secs(10);
/// How often progress is noted.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// A nice value.
const PRIORITY: i32 = 10;
/// Rows that an import takes at once.
const CHUNK_ROWS: usize = 500;
/// An end is noted again until the database takes it.
const RETRY: Duration = Duration::from_secs(1);
/// Why a task has failed that a process left unfinished.
const STOPPED: &str = "the server was stopped meanwhile; ask for it again";
/// So long a process that stops waits for those that run.
const STOP_MAX: Duration = Duration::from_secs(3);
const STOP_LOOK: Duration = Duration::from_millis(20);
const DAY_MS: u64 = 86_400_000;

/// Runs tasks until told to stop. What runs then is failed, by the next process where this one has no time for it.
pub async fn run(tasks: Tasks, mut stopping: watch::Receiver<bool>) {
    let mut recovered = false;
    while !*stopping.borrow() {
        let round = async {
            if !recovered {
                tasks.recover().await?;
                recovered = true;
            }
            tasks.start_waiting().await?;
            tasks.expire(unix_ms()).await
        };
        if let Err(error) = round.await {
            tracing::warn!(%error, "tasks wait for the database");
        }
        tokio::select! {
            () = tasks.0.wake.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => break,
        }
    }
    tasks.stop().await;
}

/// What a task came to.
struct Outcome {
    progress: Progress,
    file_bytes: Option<u64>,
}

/// A task at work, on its thread.
struct Work {
    tasks: Tasks,
    tenant: TenantId,
    task: Task,
    cancel: Cancel,
    runtime: Handle,
    progress: Progress,
    noted: Instant,
}

impl Tasks {
    /// TASK-05: what the last process left running is failed, and its file goes.
    async fn recover(&self) -> Result<(), StoreError> {
        for (tenant, task) in self.0.store.tasks_in(TaskState::Running).await? {
            let at_ms = unix_ms();
            let progress = Progress { done: task.rows_done, failed: task.rows_failed, total: task.rows_total };
            let reason = Some(STOPPED.to_owned());
            let end = TaskEnd { state: TaskState::Failed, progress, file: None, reason, at_ms };
            self.0.store.end_task(&tenant, &task.id, TaskState::Running, &end).await?;
            for path in [self.partial(&tenant, &task.id), self.file(&tenant, &task.id), self.upload(&tenant, &task.id)]
            {
                remove(&path);
            }
        }
        Ok(())
    }

    async fn stop(&self) {
        let until = Instant::now() + STOP_MAX;
        loop {
            let running: Vec<Cancel> = self.running().values().cloned().collect();
            if running.is_empty() || Instant::now() >= until {
                return;
            }
            running.iter().for_each(|cancel| cancel.say(STOPPED.to_owned()));
            tokio::time::sleep(STOP_LOOK).await;
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<(TenantId, String), Cancel>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start_waiting(&self) -> Result<(), StoreError> {
        for (tenant, task) in self.0.store.tasks_in(TaskState::Waiting).await? {
            let key = (tenant.clone(), task.id.clone());
            let cancel = Cancel::default();
            {
                let mut running = self.running();
                if running.keys().filter(|(other, _)| *other == tenant).count() >= RUNNING_MAX {
                    continue;
                }
                running.insert(key.clone(), cancel.clone());
            }
            match self.0.store.begin_task(&tenant, &task.id, unix_ms()).await {
                Ok(true) => drop(tokio::spawn(self.clone().work(tenant, task, cancel))),
                Ok(false) => self.forget(&key),
                Err(error) => {
                    self.forget(&key);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn forget(&self, key: &(TenantId, String)) {
        self.running().remove(key);
    }

    async fn work(self, tenant: TenantId, task: Task, cancel: Cancel) {
        let key = (tenant.clone(), task.id.clone());
        let mut work = Work {
            tasks: self.clone(),
            tenant: tenant.clone(),
            task,
            cancel: cancel.clone(),
            runtime: Handle::current(),
            progress: Progress::default(),
            noted: Instant::now(),
        };
        let done = background::run("task", PRIORITY, move || {
            let done = work.run();
            (done, work.progress)
        });
        let (done, progress) = match done.await {
            Ok((done, progress)) => (done, progress),
            Err(error) => {
                tracing::error!(%error, task = key.1, "a task failed by our fault");
                let fault = "this is a fault of the server; its log says more".to_owned();
                (Err(TaskError::Failed(fault)), Progress::default())
            }
        };
        remove(&self.partial(&tenant, &key.1));
        remove(&self.upload(&tenant, &key.1));
        let at_ms = unix_ms();
        let end = match (done, cancel.said()) {
            (Ok(Outcome { progress, file_bytes }), _) => {
                let expires_at_ms = at_ms + self.0.keep_days * DAY_MS;
                let file = file_bytes.map(|bytes| (bytes, expires_at_ms));
                TaskEnd { state: TaskState::Done, progress, file, reason: None, at_ms }
            }
            (Err(_), reason @ Some(_)) => TaskEnd { state: TaskState::Failed, progress, file: None, reason, at_ms },
            (Err(error), None) => {
                let reason = Some(error.to_string());
                TaskEnd { state: TaskState::Failed, progress, file: None, reason, at_ms }
            }
        };
        while let Err(error) = self.0.store.end_task(&tenant, &key.1, TaskState::Running, &end).await {
            tracing::warn!(%error, task = key.1, "the end of a task waits for the database");
            tokio::time::sleep(RETRY).await;
        }
        self.forget(&key);
        self.wake();
    }

    /// TASK-03: files whose time is over go.
    async fn expire(&self, now_ms: u64) -> Result<(), StoreError> {
        let Some(_leave) = self.0.deletions.begin() else { return Ok(()) };
        for (tenant, id) in self.0.store.tasks_to_expire(now_ms).await? {
            remove(&self.file(&tenant, &id));
            self.0.store.expire_task(&tenant, &id).await?;
        }
        Ok(())
    }
}

impl Work {
    fn run(&mut self) -> Result<Outcome, TaskError> {
        let runtime = self.runtime.clone();
        // Who reads and takes rows finds the runtime there.
        let _entered = runtime.enter();
        let ask = self.task.ask(&self.tenant);
        match self.task.kind {
            TaskKind::Export => self.export(&ask),
            TaskKind::Import => self.import(&ask),
        }
    }

    fn export(&mut self, ask: &TaskAsk) -> Result<Outcome, TaskError> {
        let export = self.tasks.export(&self.task.module).ok_or_else(no_module)?;
        let zone = self.zone()?;
        let right = |column: &&str| {
            let field = export.fields().iter().find(|(head, _)| head == column);
            field.and_then(|(_, key)| self.task.fields.get(&key.name())).copied()
        };
        let rights: Vec<Option<FieldRight>> = export.columns().iter().map(right).collect();
        let is_phone = |column: &&str| export.fields().iter().any(|(head, key)| head == column && key.phone);
        let phones: Vec<bool> = export.columns().iter().map(is_phone).collect();
        let mut rows = export.open(ask)?;
        let mut file = Xlsx::new(export.columns()).map_err(broken)?;
        loop {
            let batch = rows.next_rows()?;
            if batch.is_empty() {
                break;
            }
            self.progress.done += batch.len() as u64;
            let masked = self.masked(&batch, &phones);
            for row in batch {
                let cells = row.into_iter().zip(&phones).map(|(cell, phone)| match cell {
                    Cell::Text(text) if *phone && masked.contains(&text) => {
                        narrowed(Cell::Text(text), Some(FieldRight::Masked))
                    }
                    cell => cell,
                });
                let cells = cells.zip(&rights).map(|(cell, right)| narrowed(cell, *right));
                let cells: Vec<Cell> = cells.map(|cell| cell.shown(|ms| shown(&zone, ms))).collect();
                file.write(&cells).map_err(broken)?;
            }
            if self.progress.done > EXPORT_ROWS_MAX {
                let what = format!("there are more than {EXPORT_ROWS_MAX} rows: narrow the query");
                return Err(TaskError::Unacceptable(what));
            }
            self.go_on()?;
        }
        self.finish(file)
    }

    /// The numbers among these rows that a plugin keeps from who asked for the file (`number.mask`, GEN-07). A program sees them all.
    fn masked(&self, rows: &[Vec<Cell>], phones: &[bool]) -> BTreeSet<String> {
        let is_employees = self.task.owner.starts_with("employee:");
        let Some(hooks) = self.tasks.0.hooks.get().filter(|hooks| is_employees && hooks.mask_numbers()) else {
            return BTreeSet::new();
        };
        let cells = rows.iter().flat_map(|row| row.iter().zip(phones));
        let numbers = cells.filter_map(|(cell, phone)| match cell {
            Cell::Text(text) if *phone => Some(text.clone()),
            _ => None,
        });
        self.runtime.block_on(hooks.masked(&self.tenant, &self.task.operator, numbers.collect()))
    }

    /// In which times are shown.
    fn zone(&self) -> Result<Zone, TaskError> {
        let tenant = self.runtime.block_on(self.tasks.0.store.get::<Tenant>(&self.tenant, self.tenant.as_str()));
        let name = tenant.map_err(away)?.value.time_zone;
        name.parse().map_err(|_| TaskError::Failed(format!("there is no time zone {name}")))
    }

    fn import(&mut self, ask: &TaskAsk) -> Result<Outcome, TaskError> {
        let import = self.tasks.import(&self.task.module).ok_or_else(no_module)?;
        let bytes = fs::read(self.tasks.upload(&self.tenant, &self.task.id)).map_err(disk)?;
        let Table { heads, rows } = table::read(&bytes).map_err(TaskError::Unacceptable)?;
        drop(bytes);
        if rows.len() > IMPORT_ROWS_MAX {
            let what = format!("the file has {} rows, at most {IMPORT_ROWS_MAX} are taken: cut it", rows.len());
            return Err(TaskError::Unacceptable(what));
        }
        let places = places(import.columns(), &heads)?;
        let mut intake = import.open(ask)?;
        self.progress.total = Some(rows.len() as u64);
        let mut refused: Vec<FailedRow> = Vec::new();
        for chunk in rows.chunks(CHUNK_ROWS) {
            let pick = |cells: &Vec<String>| {
                let cell = |place: &Option<usize>| place.and_then(|at| cells.get(at)).cloned().unwrap_or_default();
                places.iter().map(cell).collect::<Vec<_>>()
            };
            let picked: Vec<Vec<String>> = chunk.iter().map(|(_, cells)| pick(cells)).collect();
            let failed = intake.take(&picked)?;
            let row =
                |(at, reason): (usize, String)| FailedRow { number: chunk[at].0, cells: picked[at].clone(), reason };
            let failed: Vec<FailedRow> = failed.into_iter().map(row).collect();
            let noted = self.tasks.0.store.add_failed_rows(&self.tenant, &self.task.id, &failed);
            self.runtime.block_on(noted).map_err(away)?;
            self.progress.done += (chunk.len() - failed.len()) as u64;
            self.progress.failed += failed.len() as u64;
            refused.extend(failed);
            self.go_on()?;
        }
        if refused.is_empty() {
            return Ok(Outcome { progress: self.progress, file_bytes: None });
        }
        let names = import.columns().iter().map(|column| column.name);
        let heads: Vec<&str> = ["row", "reason"].into_iter().chain(names).collect();
        let mut file = Xlsx::new(&heads).map_err(broken)?;
        for row in refused {
            #[allow(clippy::cast_precision_loss, reason = "there are at most IMPORT_ROWS_MAX rows")]
            let number = Cell::Number(row.number as f64);
            let cells = row.cells.into_iter().map(Cell::Text);
            file.write(&[number, Cell::Text(row.reason)].into_iter().chain(cells).collect::<Vec<_>>())
                .map_err(broken)?;
        }
        self.finish(file)
    }

    /// The file is whole under its name, or not there.
    fn finish(&self, file: Xlsx) -> Result<Outcome, TaskError> {
        let (partial, path) =
            (self.tasks.partial(&self.tenant, &self.task.id), self.tasks.file(&self.tenant, &self.task.id));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(disk)?;
        }
        file.save(&partial).map_err(broken)?;
        fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(disk)?;
        fs::rename(&partial, &path).map_err(disk)?;
        let bytes = fs::metadata(&path).map_err(disk)?.len();
        Ok(Outcome { progress: self.progress, file_bytes: Some(bytes) })
    }

    /// Notes the progress now and then; ends where somebody said so.
    fn go_on(&mut self) -> Result<(), TaskError> {
        if self.cancel.said().is_some() {
            return Err(TaskError::Failed("cancelled".to_owned()));
        }
        if self.noted.elapsed() >= PROGRESS_EVERY {
            self.noted = Instant::now();
            let noted = self.tasks.0.store.task_progress(&self.tenant, &self.task.id, self.progress);
            self.runtime.block_on(noted).map_err(away)?;
        }
        Ok(())
    }
}

/// Where each column stands in the file; heads compare without case (GEN-16).
fn places(columns: &[ImportColumn], heads: &[String]) -> Result<Vec<Option<usize>>, TaskError> {
    let place = |column: &ImportColumn| {
        let at = heads.iter().position(|head| head.trim().eq_ignore_ascii_case(column.name));
        if at.is_none() && column.required {
            let all: Vec<&str> = columns.iter().map(|column| column.name).collect();
            let what = format!("the first row has no {}: write heads there, of {}", column.name, all.join(", "));
            return Err(TaskError::Unacceptable(what));
        }
        Ok(at)
    };
    columns.iter().map(place).collect()
}

/// No more than he might see who asked (ORG-32, GEN-07).
fn narrowed(cell: Cell, right: Option<FieldRight>) -> Cell {
    match (cell, right) {
        (Cell::Text(text), Some(right)) => Cell::text(right.shown(&text)),
        (_, Some(FieldRight::Hidden)) => Cell::Empty,
        (cell, _) => cell,
    }
}

fn shown(zone: &Zone, ms: u64) -> String {
    i64::try_from(ms).map(|ms| zone.text(ms)).unwrap_or_default()
}

fn no_module() -> TaskError {
    TaskError::Failed("this module is not there any more".to_owned())
}

fn away(error: impl std::fmt::Display) -> TaskError {
    TaskError::Failed(format!("the database did not answer, ask for it again: {error}"))
}

fn disk(error: impl std::fmt::Display) -> TaskError {
    TaskError::Failed(format!("the disk of the server refused the file: {error}"))
}

fn broken(error: impl std::fmt::Display) -> TaskError {
    TaskError::Failed(format!("the file could not be written: {error}"))
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "the file of a task cannot be deleted");
    }
}

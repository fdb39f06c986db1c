//! `tasks`: exports and imports (任务中心, TASK-01 to TASK-05). Everybody sees his own; all, who has the permission.

use std::time::Duration;

use axum::Json;
use axum::body::{Body as AnswerBody, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hooks::plugin::PermissionKey;
use hooks::task::TaskError;
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations, forbidden};
use super::page::{self, Listed, PageQuery};
use super::permission::TASKS_ALL;
use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use super::state::Api;
use super::time_text::Instant;
use crate::secrets::new_ulid;
use crate::store::scope::Sight;
use crate::store::tasks::{FailedRow, Progress, Task, TaskEnd, TaskFilter, TaskKind, TaskState};
use crate::store::unix_ms;
use crate::tasks::{WAITING_MAX, cancelled};

/// A file that goes in, bytes (10 M, GEN-16).
const UPLOAD_BYTES_MAX: usize = 10_485_760;
/// Characters of a query and of a file's name.
const TEXT_MAX: usize = 2_000;
/// So long it is looked whether a query can be read.
const OPEN_MAX: Duration = Duration::from_secs(5);
/// Read from the disk at a time: as much as waits for a slow client.
const CHUNK: usize = 64 * 1024;
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The operations on tasks.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::SignedIn, routes!(list_tasks))
        .add(Guard::SignedIn, routes!(list_modules))
        .add(Guard::SignedIn, routes!(read_task))
        .add(Guard::SignedIn, routes!(start_export))
        .add(Guard::SignedIn, large(routes!(start_import)))
        .add(Guard::SignedIn, routes!(cancel_task))
        .add(Guard::SignedIn, routes!(download_task))
        .add(Guard::SignedIn, routes!(list_failed_rows))
}

/// The body of these is a file.
fn large((schemas, paths, methods): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    (schemas, paths, methods.layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)))
}

/// An export or an import.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskShown {
    /// A ULID.
    pub id: String,
    /// Which way rows go.
    pub kind: TaskKind,
    /// Of what (模块).
    #[schema(example = "call_records")]
    pub module: String,
    /// The name of the file.
    pub name: String,
    /// Who asked for it (操作人): a login name or `token:NAME`.
    pub operator: String,
    /// How far it is. A file can be had while it is `done`.
    pub state: TaskState,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it was begun.
    pub started_at: Option<Instant>,
    /// When it was over.
    pub ended_at: Option<Instant>,
    /// Rows that went through so far.
    pub rows: u64,
    /// Rows that an import did not take so far.
    pub rows_failed: u64,
    /// Rows of the file that goes in; null for an export, and before it is begun.
    pub rows_total: Option<u64>,
    /// Where its file is; null while there is none and when it has gone. Of an import, it is that of the rows it did not take.
    #[schema(example = "/api/v1/tasks/01JD9Z4E6N8Q2R5T7V9X1B3D5F/file")]
    pub file: Option<String>,
    /// How long that is.
    pub file_bytes: Option<u64>,
    /// When it is deleted.
    pub expires_at: Option<Instant>,
    /// Why it failed, and what to do.
    pub reason: Option<String>,
}

impl From<Task> for TaskShown {
    fn from(task: Task) -> Self {
        let has_file = task.state == TaskState::Done && task.file_bytes.is_some();
        Self {
            file: has_file.then(|| format!("/api/v1/tasks/{}/file", task.id)),
            id: task.id,
            kind: task.kind,
            module: task.module,
            name: task.name,
            operator: task.operator,
            state: task.state,
            created_at: Instant(task.created_at_ms),
            started_at: task.started_at_ms.map(Instant),
            ended_at: task.ended_at_ms.map(Instant),
            rows: task.rows_done,
            rows_failed: task.rows_failed,
            rows_total: task.rows_total,
            file_bytes: task.file_bytes,
            expires_at: task.expires_at_ms.map(Instant),
            reason: task.reason,
        }
    }
}

/// What may be taken out or in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModuleShown {
    /// Which way rows go.
    pub kind: TaskKind,
    /// Its name.
    pub module: String,
    /// The permission that it needs.
    pub permission: String,
    /// The heads of its columns.
    pub columns: Vec<String>,
    /// Those without which a file is not taken in.
    pub required: Vec<String>,
    /// The one who asks may.
    pub permitted: bool,
}

/// What there is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModulesShown {
    /// Exports, then imports.
    pub items: Vec<ModuleShown>,
}

/// Which tasks are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TaskQuery {
    /// Which way rows go.
    kind: Option<TaskKind>,
    /// Of this module.
    #[param(example = "call_records")]
    module: Option<String>,
    /// Asked for by him: a login name or `token:NAME`.
    operator: Option<String>,
    /// So far.
    state: Option<TaskState>,
    /// Asked for at this time or later.
    from: Option<Instant>,
    /// Asked for before this time.
    to: Option<Instant>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An export to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExport {
    /// What: one of `GET tasks/modules`.
    #[schema(example = "call_records")]
    module: String,
    /// The query of the list as it stands in its address (GEN-11), without `limit` and `cursor`.
    #[serde(default)]
    #[schema(example = "from=2026-11-01T00:00:00Z&answered=true")]
    query: String,
}

/// An import to be made.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewImport {
    /// What: one of `GET tasks/modules`.
    #[param(example = "blocks")]
    module: String,
    /// The name of the file, for people.
    name: Option<String>,
}

/// A row that an import did not take.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedRowShown {
    /// Its number in the file; the heads are row 1.
    pub row: u64,
    /// What stood in it, in the order of the import's columns.
    pub values: Vec<String>,
    /// Why.
    pub reason: String,
}

impl From<FailedRow> for FailedRowShown {
    fn from(row: FailedRow) -> Self {
        Self { row: row.number, values: row.cells, reason: row.reason }
    }
}

/// The tasks, newest first: one's own, all with the permission `tasks.all`.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(TaskQuery),
    responses((status = 200, body = Listed<TaskShown>)))]
async fn list_tasks(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<TaskQuery>,
) -> Result<Json<Listed<TaskShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let filter = TaskFilter {
        owner: (!principal.permissions.allow(TASKS_ALL)).then(|| principal.key()),
        kind: query.kind,
        module: query.module,
        operator: query.operator,
        state: query.state,
        from_ms: query.from.map(|at| at.0),
        to_ms: query.to.map(|at| at.0),
    };
    let sight = if filter.owner.is_some() { Sight::whole(&principal.tenant) } else { principal.sight() };
    let rows = api.store().tasks(sight, &filter, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, TaskShown::from)))
}

/// What may be taken out and in, and by whom.
#[utoipa::path(get, path = "/tasks/modules", tag = "tasks", responses((status = 200, body = ModulesShown)))]
async fn list_modules(State(api): State<Api>, principal: Principal) -> Json<ModulesShown> {
    let module = |kind, module: &str, permission: PermissionKey, columns: Vec<String>, required| ModuleShown {
        kind,
        module: module.to_owned(),
        permission: permission.0.to_owned(),
        columns,
        required,
        permitted: principal.permissions.allow(permission),
    };
    let exports = api.tasks().exports().into_iter().map(|export| {
        let columns = export.columns().iter().map(|&name| name.to_owned()).collect();
        module(TaskKind::Export, export.module(), export.permission(), columns, Vec::new())
    });
    let imports = api.tasks().imports().into_iter().map(|import| {
        let (all, name) = (import.columns(), |column: &hooks::task::ImportColumn| column.name.to_owned());
        let required = all.iter().filter(|column| column.required).map(name).collect();
        module(TaskKind::Import, import.module(), import.permission(), all.iter().map(name).collect(), required)
    });
    Json(ModulesShown { items: exports.chain(imports).collect() })
}

/// One task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = TaskShown)))]
async fn read_task(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<TaskShown>, Problem> {
    Ok(Json(find(&api, &principal, &id).await?.into()))
}

/// Asks for an export (GEN-11): every row of the query as .xlsx. Needs the module's permission.
#[utoipa::path(post, path = "/tasks/exports", tag = "tasks", request_body = NewExport,
    responses((status = 201, body = TaskShown)))]
async fn start_export(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewExport>,
) -> Result<impl IntoResponse, Problem> {
    let export = api.tasks().export(&new.module).ok_or_else(|| no_module(&new.module))?;
    permit(&principal, export.permission())?;
    if new.query.len() > TEXT_MAX {
        return Err(Problem::invalid(vec![FieldError::new("query", "a query has at most 2,000 bytes")]));
    }
    let id = new_ulid(unix_ms());
    let task = Task { query: new.query, ..task(&principal, id, TaskKind::Export, &new.module) };
    let ask = task.ask(&principal.tenant);
    // A plugin may wait for its database there.
    let opened = tokio::task::spawn_blocking(move || export.open(&ask).map(drop));
    let opened = tokio::time::timeout(OPEN_MAX, opened).await;
    let late = || Problem::new(Kind::Unavailable, "this part of the server is busy; ask again in a moment");
    let opened = opened.map_err(|_elapsed| late().retry_after(5))?.map_err(|error| Problem::internal(&error))?;
    opened.map_err(|error| unacceptable(&error))?;
    start(&api, &principal, task).await
}

/// Asks for an import: the body is an .xlsx or a CSV in UTF-8 of at most 10 MiB and 50,000 rows, with heads in its first row. Good
/// rows are saved, the others listed (TASK-04). Needs the module's permission.
#[utoipa::path(post, path = "/tasks/imports", tag = "tasks", params(NewImport),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = TaskShown)))]
async fn start_import(
    State(api): State<Api>,
    principal: Principal,
    Query(new): Query<NewImport>,
    bytes: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let import = api.tasks().import(&new.module).ok_or_else(|| no_module(&new.module))?;
    permit(&principal, import.permission())?;
    let bytes = bytes.map_err(|rejection| match rejection.status().as_u16() {
        413 => Problem::new(Kind::TooLarge, "a file that goes in has at most 10 MiB; cut it"),
        _ => Problem::new(Kind::Malformed, "the body could not be read to its end"),
    })?;
    let id = new_ulid(unix_ms());
    let upload = api.tasks().upload(&principal.tenant, &id);
    let written = async {
        if let Some(folder) = upload.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(&upload, &bytes).await
    };
    written.await.map_err(|error| Problem::internal(&error))?;
    let name = new.name.unwrap_or_else(|| new.module.clone()).chars().take(TEXT_MAX).collect();
    let task = Task { name, ..task(&principal, id, TaskKind::Import, &new.module) };
    let started = start(&api, &principal, task).await;
    if started.is_err() {
        // Nobody would ever delete it.
        let _ = tokio::fs::remove_file(&upload).await;
    }
    started
}

/// Cancels a task that waits or runs; rows that an import has taken stay.
#[utoipa::path(post, path = "/tasks/{id}/cancel", tag = "tasks", params(("id" = String, Path)),
    responses((status = 202, body = TaskShown)))]
async fn cancel_task(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let task = find(&api, &principal, &id).await?;
    let reason = Some(cancelled(&principal.by()));
    let progress = Progress::default();
    let end = TaskEnd { state: TaskState::Failed, progress, file: None, reason, at_ms: unix_ms() };
    if api.store().end_task(&principal.tenant, &task.id, TaskState::Waiting, &end).await? {
        let _ = tokio::fs::remove_file(api.tasks().upload(&principal.tenant, &task.id)).await;
    } else if !api.tasks().cancel(&principal.tenant, &task.id, &principal.by()) {
        return Err(Problem::new(Kind::Refused, "it is over already"));
    }
    Ok((StatusCode::ACCEPTED, Json(TaskShown::from(find(&api, &principal, &id).await?))))
}

/// The file of a task: an export's rows, or those that an import did not take.
#[utoipa::path(get, path = "/tasks/{id}/file", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, description = "the file",
            content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = 409, description = "it is not done"), (status = 410, description = "it was deleted when its time was over")))]
async fn download_task(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let task = find(&api, &principal, &id).await?;
    sees_content(&principal, &task)?;
    let gone = || Problem::new(Kind::Gone, "the file was deleted when its time was over; ask for it again");
    match task.state {
        TaskState::Waiting | TaskState::Running => {
            return Err(Problem::new(Kind::NotReady, "it is not done yet; ask again"));
        }
        TaskState::Failed => return Err(Problem::new(Kind::NotReady, "it failed: there is no file")),
        TaskState::Expired => return Err(gone()),
        TaskState::Done if task.file_bytes.is_none() => return Err(Problem::not_found("file: no row failed")),
        TaskState::Done => {}
    }
    if task.expires_at_ms.is_some_and(|at_ms| at_ms <= unix_ms()) {
        return Err(gone());
    }
    let file = tokio::fs::File::open(api.tasks().file(&principal.tenant, &task.id)).await.map_err(|_| gone())?;
    let length = file.metadata().await.map_err(|error| Problem::internal(&error))?.len();
    let mut response = Response::new(AnswerBody::from_stream(ReaderStream::with_capacity(file, CHUNK)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(XLSX));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let name = format!("attachment; filename=\"{}-{}.xlsx\"", task.module, task.id);
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(|error| Problem::internal(&error))?);
    Ok(response)
}

/// The rows that an import did not take (TASK-04), by number; those that it took are not shown.
#[utoipa::path(get, path = "/tasks/{id}/failed-rows", tag = "tasks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listed<FailedRowShown>)))]
async fn list_failed_rows(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<FailedRowShown>>, Problem> {
    let task = find(&api, &principal, &id).await?;
    sees_content(&principal, &task)?;
    let rows = api.store().failed_rows(&principal.tenant, &task.id, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, FailedRowShown::from)))
}

fn task(principal: &Principal, id: String, kind: TaskKind, module: &str) -> Task {
    Task {
        name: format!("{module}-{id}.xlsx"),
        id,
        kind,
        module: module.to_owned(),
        operator: principal.by(),
        owner: principal.key(),
        query: String::new(),
        scope: principal.scope.clone(),
        fields: principal.narrowed().cloned().unwrap_or_default(),
        state: TaskState::Waiting,
        created_at_ms: unix_ms(),
        started_at_ms: None,
        ended_at_ms: None,
        rows_done: 0,
        rows_failed: 0,
        rows_total: None,
        file_bytes: None,
        expires_at_ms: None,
        reason: None,
    }
}

async fn start(
    api: &Api,
    principal: &Principal,
    task: Task,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<TaskShown>), Problem> {
    api.store().create_task(&principal.tenant, &task, WAITING_MAX).await?;
    api.tasks().wake();
    let place = format!("/api/v1/tasks/{}", task.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(task.into())))
}

/// Another's task is none, but for who may see all.
async fn find(api: &Api, principal: &Principal, id: &str) -> Result<Task, Problem> {
    let task = api.store().task(&principal.tenant, id).await?;
    let may_see = |task: &Task| task.owner == principal.key() || principal.permissions.allow(TASKS_ALL);
    task.filter(may_see).ok_or_else(|| Problem::not_found("task"))
}

/// A file is made for him who asked for it: another sees it who may see all numbers.
fn sees_content(principal: &Principal, task: &Task) -> Result<(), Problem> {
    if task.owner == principal.key() { Ok(()) } else { principal.sees_numbers() }
}

fn permit(principal: &Principal, key: PermissionKey) -> Result<(), Problem> {
    if principal.permissions.allow(key) { Ok(()) } else { Err(forbidden(key)) }
}

fn no_module(module: &str) -> Problem {
    Problem::invalid(vec![FieldError::new("module", format!("there is no {module}; see GET /api/v1/tasks/modules"))])
}

fn unacceptable(error: &TaskError) -> Problem {
    match error {
        TaskError::Unacceptable(what) => Problem::invalid(vec![FieldError::new("query", what)]),
        TaskError::Failed(what) => Problem::new(Kind::Unavailable, what.clone()).retry_after(5),
    }
}

//! The operations of plugins, below `/api/v1/PLUGIN/` and the plugin's other roots: mounted through the one guard as all others, read strictly, answered at the
//! plugin's desk, and written into the OpenAPI document. A plugin sees plain values and no HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use hooks::operation::{self as plain, Caller, Content, Fault, Keys, Method, Operation, Parameter, Shape};
use hooks::plugin::Plugin;
use serde_json::{Map, Value, json};
use utoipa::openapi::path::Paths;
use utoipa::openapi::{HttpMethod, RefOr, Schema};

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{close_cursor, open_cursor};
use super::permission::Permissions;
use super::precondition::{self, IfMatch};
use super::principal::{Principal, Who};
use super::problem::{FieldError, Kind, Problem};
use super::state::Api;
use super::time_text::Instant;
use crate::plugins::{NoAnswer, REQUESTS_MAX};
use crate::store::unix_ms;

/// When a request that found no place at the desk may be tried again, seconds.
const FULL_RETRY_S: u32 = 1;
/// The same after a panic.
const PANIC_RETRY_S: u32 = 5;

/// The operations of these plugins.
#[must_use]
pub fn operations(plugins: &[Arc<dyn Plugin>]) -> Operations {
    let mut all = Operations::new();
    for plugin in plugins {
        let schemas = schemas(&**plugin);
        for operation in plugin.operations() {
            all = mount(all, &**plugin, operation, schemas.clone());
        }
    }
    all
}

/// The path below `/api/v1`, and what it begins with.
fn placed(plugin: &dyn Plugin, operation: &Operation) -> (String, &'static str) {
    let Some(path) = operation.path.strip_prefix('/') else {
        return (format!("/{}/{}", plugin.name(), operation.path), plugin.name());
    };
    let root = path.split('/').next().unwrap_or_default();
    let own = plugin.roots().contains(&root);
    assert!(own, "the operation {} is at /{path}, which is not below a root of {}", operation.name, plugin.name());
    (format!("/{path}"), root)
}

type Named = Vec<(String, RefOr<Schema>)>;

fn schemas(plugin: &dyn Plugin) -> Named {
    let read = |(name, schema): (&str, Value)| {
        let schema =
            serde_json::from_value(schema).unwrap_or_else(|error| panic!("the schema {name} is none: {error}"));
        (name.to_owned(), schema)
    };
    plugin.schemas().into_iter().map(read).collect()
}

fn mount(all: Operations, plugin: &dyn Plugin, operation: Operation, schemas: Named) -> Operations {
    let (filter, method) = match operation.method {
        Method::Get => (MethodFilter::GET, HttpMethod::Get),
        Method::Post => (MethodFilter::POST, HttpMethod::Post),
        Method::Put => (MethodFilter::PUT, HttpMethod::Put),
        Method::Patch => (MethodFilter::PATCH, HttpMethod::Patch),
        Method::Delete => (MethodFilter::DELETE, HttpMethod::Delete),
    };
    let (path, root) = placed(plugin, &operation);
    let described: utoipa::openapi::path::Operation = serde_json::from_value(described(root, &operation))
        .unwrap_or_else(|error| panic!("the operation {} cannot be described: {error}", operation.name));
    let mut paths = Paths::new();
    paths.add_path_operation(path, vec![method], described);
    let plugin = plugin.name();
    let guard = Guard::Needs(operation.permission);
    let operation = Arc::new(operation);
    let handler = move |State(api): State<Api>,
                        principal: Principal,
                        Path(path): Path<BTreeMap<String, String>>,
                        Query(query): Query<Vec<(String, String)>>,
                        if_match: IfMatch,
                        request: Request| async move {
        let asked = Asked { plugin, operation, principal, path, query, if_match };
        asked.answer(&api, request).await
    };
    all.add(guard, (schemas, paths, on(filter, handler)))
}

/// The operation as OpenAPI has it.
fn described(root: &str, operation: &Operation) -> Value {
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = operation.query.iter().map(|parameter| {
        let (name, about) = (parameter.name, parameter.about);
        json!({"name": name, "in": "query", "required": false, "description": about, "schema": shape(parameter.shape)})
    });
    let answers = operation.answers.iter().map(|answer| {
        let mut described = json!({"description": answer.about});
        if let Some(schema) = &answer.schema {
            described["content"] = json!({"application/json": {"schema": schema}});
        }
        (answer.status.to_string(), described)
    });
    let mut described = json!({
        "operationId": operation.name,
        "tags": [root],
        "summary": operation.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<Value>>(),
        "responses": answers.collect::<Map<String, Value>>(),
    });
    if let Some(schema) = &operation.body {
        described["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    described
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Text | Shape::Cursor => json!({"type": "string"}),
        Shape::Whole { least, most } => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Time => json!({"type": "string", "format": "date-time"}),
        Shape::OneOf(words) => json!({"type": "string", "enum": words}),
    }
}

/// A request that has passed the guard.
struct Asked {
    plugin: &'static str,
    operation: Arc<Operation>,
    principal: Principal,
    path: BTreeMap<String, String>,
    query: Vec<(String, String)>,
    if_match: IfMatch,
}

impl Asked {
    async fn answer(self, api: &Api, request: Request) -> Result<Response, Problem> {
        let away = || Problem::new(Kind::Unavailable, "this part of the server does not run; calls go on");
        let desk = api.desks().of(self.plugin).ok_or_else(away)?;
        let query = read_query(&self.operation.query, self.query)?;
        let body = match &self.operation.body {
            Some(_) => Body::<Value>::from_request(request, &()).await?.0,
            None => Value::Null,
        };
        let request = plain::Request {
            operation: self.operation.name,
            caller: caller(self.principal),
            path: self.path,
            query,
            body,
            if_match: match self.if_match {
                IfMatch::Any => None,
                IfMatch::OneOf(versions) => Some(versions),
            },
            at_ms: unix_ms(),
        };
        match desk.handle(request).await {
            Ok(answer) => Ok(written(answer)),
            Err(none) => Err(problem(self.plugin, none)),
        }
    }
}

fn caller(principal: Principal) -> Caller {
    let by = principal.by();
    Caller {
        tenant: principal.tenant,
        employee: match principal.who {
            Who::Employee { number, .. } => Some(number),
            Who::Token { .. } => None,
        },
        by,
        scope: principal.scope.clone(),
        keys: match principal.permissions {
            Permissions::All => Keys::All,
            Permissions::Only(keys) => Keys::Only(keys),
        },
    }
}

/// The query as its parameters say; what is unknown, twice or wrong is answered with its name.
pub(super) fn read_query(
    parameters: &[Parameter],
    query: Vec<(String, String)>,
) -> Result<Map<String, Value>, Problem> {
    let mut read = Map::new();
    let mut faults = Vec::new();
    for (name, text) in query {
        let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
            let known: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
            faults.push(FieldError::new(
                name,
                format_args!("there is no such parameter; there are {}", known.join(", ")),
            ));
            continue;
        };
        match read_value(parameter.shape, &text) {
            Ok(value) if !read.contains_key(&name) => _ = read.insert(name, value),
            Ok(_) => faults.push(FieldError::new(name, "send it once")),
            Err(detail) => faults.push(FieldError::new(name, detail)),
        }
    }
    if faults.is_empty() { Ok(read) } else { Err(Problem::invalid(faults)) }
}

fn read_value(shape: Shape, text: &str) -> Result<Value, String> {
    match shape {
        Shape::Text => Ok(text.into()),
        Shape::Whole { least, most } => {
            let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
            number.map(Value::from).ok_or_else(|| format!("write a whole number from {least} to {most}"))
        }
        Shape::Flag => text.parse::<bool>().map(Value::from).map_err(|_| "write true or false".to_owned()),
        Shape::Time => text.parse::<Instant>().map(|at| at.0.into()).map_err(str::to_owned),
        Shape::OneOf(words) if words.contains(&text) => Ok(text.into()),
        Shape::OneOf(words) => Err(format!("write one of {}", words.join(", "))),
        Shape::Cursor => {
            open_cursor(text).map(Value::from).map_err(|_| "send next_cursor of the page before as it came".to_owned())
        }
    }
}

fn written(answer: plain::Response) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = match answer.content {
        Content::None => status.into_response(),
        Content::One(value) => (status, Json(value)).into_response(),
        Content::List { items, next } => {
            let next_cursor = next.as_deref().map(close_cursor);
            (status, Json(json!({"items": items, "next_cursor": next_cursor}))).into_response()
        }
    };
    if let Some(version) = answer.version {
        response.headers_mut().insert(header::ETAG, precondition::etag(version));
    }
    response
}

fn problem(plugin: &str, none: NoAnswer) -> Problem {
    match none {
        NoAnswer::Problem(problem) => {
            let kind = match problem.fault {
                Fault::NotFound => Kind::NotFound,
                Fault::Refused => Kind::Refused,
                Fault::Invalid => Kind::Invalid,
                Fault::Changed => Kind::VersionMismatch,
                Fault::Unavailable => Kind::Unavailable,
            };
            match problem.field {
                Some(field) => Problem::invalid(vec![FieldError::new(field, problem.detail)]),
                None => Problem::new(kind, problem.detail),
            }
        }
        NoAnswer::Full => {
            tracing::warn!(plugin, "a plugin answers {REQUESTS_MAX} requests, as many as may be: one more is refused");
            let detail = "this part of the server is busy; calls go on, try again in a moment";
            Problem::new(Kind::Unavailable, detail).retry_after(FULL_RETRY_S)
        }
        NoAnswer::Late => {
            tracing::warn!(plugin, "a plugin did not answer a request in time");
            let detail = "this part of the server did not answer in time; a write may still be done: look before you send it again";
            Problem::new(Kind::TimedOut, detail)
        }
        NoAnswer::Panicked => {
            tracing::error!(plugin, "a plugin panicked when it answered a request");
            let detail = "this part of the server failed; calls go on, and its log says more";
            Problem::new(Kind::Unavailable, detail).retry_after(PANIC_RETRY_S)
        }
    }
}

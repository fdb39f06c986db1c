//! `settings`: the CRM's own settings of a tenant.

use hooks::operation::{Fault, Method, Operation, Problem, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shape::{self, reference};
use super::{Asked, SETTINGS_READ, SETTINGS_WRITE, store_problem};
use crate::store::settings::Settings;

pub(super) const READ: &str = "read_crm_settings";
pub(super) const WRITE: &str = "change_crm_settings";

/// The longest time until an occupied lost call is released, hours: a year.
const AUTO_RELEASE_H_MAX: u64 = 8_760;

pub(super) fn operations() -> Vec<Operation> {
    let (query, answers) = (Vec::new(), shape::ok("the settings", "CrmSettings"));
    let (method, path, permission) = (Method::Get, "settings", SETTINGS_READ);
    let summary = "The settings of the CRM.";
    let read = Operation { name: READ, method, path, permission, summary, query, body: None, answers };
    let write = Operation {
        name: WRITE,
        method: Method::Patch,
        permission: SETTINGS_WRITE,
        summary: "Changes settings of the CRM; what is left out stays.",
        body: Some(reference("CrmSettings")),
        ..read.clone()
    };
    vec![read, write]
}

pub(super) fn schema() -> Value {
    let hours = json!({"type": "integer", "minimum": 0, "maximum": AUTO_RELEASE_H_MAX,
        "description": "after so many hours a lost call that somebody occupies is released; 0: never"});
    json!({"type": "object", "properties": {"lost_auto_release_h": hours}})
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    lost_auto_release_h: Option<u64>,
}

pub(super) fn read(asked: &Asked<'_>) -> Result<Response, Problem> {
    let settings = asked.store.settings(&asked.request.caller.tenant).map_err(|error| store_problem(&error))?;
    Ok(shown(settings))
}

pub(super) fn write(asked: &Asked<'_>) -> Result<Response, Problem> {
    let request = asked.request;
    let change: Change = serde_json::from_value(request.body.clone())
        .map_err(|error| Problem::new(Fault::Invalid, format!("write {{\"lost_auto_release_h\": 24}}: {error}")))?;
    let Some(hours) = change.lost_auto_release_h else { return read(asked) };
    if hours > AUTO_RELEASE_H_MAX {
        let detail = format!("write hours from 0 (never) to {AUTO_RELEASE_H_MAX}");
        return Err(Problem::invalid("lost_auto_release_h", detail));
    }
    let set = asked.store.set(&request.caller.tenant, hours, request.if_match.as_deref());
    let set = set.map_err(|error| store_problem(&error))?;
    let changed =
        || Problem::new(Fault::Changed, "somebody changed it meanwhile; read it again, then send your change");
    set.map(shown).ok_or_else(changed)
}

fn shown(settings: Settings) -> Response {
    Response::one(json!({"lost_auto_release_h": settings.lost_auto_release_h})).version(settings.version)
}

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
/// The longest pause between two short messages to one number, s: a day.
const SMS_INTERVAL_S_MAX: u64 = 86_400;
/// The most short messages to one number in 24 hours.
const SMS_DAY_MAX: u64 = 1_000;

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
    let whole =
        |most: u64, about: &str| json!({"type": "integer", "minimum": 0, "maximum": most, "description": about});
    json!({"type": "object", "properties": {
        "lost_auto_release_h": whole(AUTO_RELEASE_H_MAX, "after so many hours a lost call that somebody occupies is released; 0: never"),
        "sms_interval_s": whole(SMS_INTERVAL_S_MAX, "between two short messages to one number there are at least so many seconds"),
        "sms_day_max": whole(SMS_DAY_MAX, "a number gets at most so many short messages in 24 hours"),
    }})
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    lost_auto_release_h: Option<u64>,
    sms_interval_s: Option<u64>,
    sms_day_max: Option<u64>,
}

pub(super) fn read(asked: &Asked<'_>) -> Result<Response, Problem> {
    let settings = asked.store.settings(&asked.request.caller.tenant).map_err(|error| store_problem(&error))?;
    Ok(shown(settings))
}

pub(super) fn write(asked: &Asked<'_>) -> Result<Response, Problem> {
    let request = asked.request;
    let change: Change = serde_json::from_value(request.body.clone())
        .map_err(|error| Problem::new(Fault::Invalid, format!("write {{\"lost_auto_release_h\": 24}}: {error}")))?;
    for (field, value, most) in [
        ("lost_auto_release_h", change.lost_auto_release_h, AUTO_RELEASE_H_MAX),
        ("sms_interval_s", change.sms_interval_s, SMS_INTERVAL_S_MAX),
        ("sms_day_max", change.sms_day_max, SMS_DAY_MAX),
    ] {
        if value.is_some_and(|value| value > most) {
            return Err(Problem::invalid(field, format!("write a whole number from 0 to {most}")));
        }
    }
    let tenant = &request.caller.tenant;
    let now = asked.store.settings(tenant).map_err(|error| store_problem(&error))?;
    let changed =
        || Problem::new(Fault::Changed, "somebody changed it meanwhile; read it again, then send your change");
    if request.if_match.as_ref().is_some_and(|versions| !versions.contains(&now.version)) {
        return Err(changed());
    }
    let wanted = Settings {
        lost_auto_release_h: change.lost_auto_release_h.unwrap_or(now.lost_auto_release_h),
        sms_interval_s: change.sms_interval_s.unwrap_or(now.sms_interval_s),
        sms_day_max: change.sms_day_max.unwrap_or(now.sms_day_max),
        version: now.version,
    };
    if wanted == now {
        return Ok(shown(now));
    }
    let set = asked.store.set(tenant, wanted).map_err(|error| store_problem(&error))?;
    set.map(shown).ok_or_else(changed)
}

fn shown(settings: Settings) -> Response {
    let Settings { lost_auto_release_h, sms_interval_s, sms_day_max, version } = settings;
    let shown = json!({
        "lost_auto_release_h": lost_auto_release_h,
        "sms_interval_s": sms_interval_s,
        "sms_day_max": sms_day_max,
    });
    Response::one(shown).version(version)
}

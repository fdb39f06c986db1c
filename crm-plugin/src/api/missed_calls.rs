//! `missed-calls`: one row for each offer that its agent did not take (MISS). There is no export (MISS-06).

use hooks::operation::{Fault, Method, Operation, Problem, Response, Shape};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shape::{self, department_value, instant, parameter};
use super::{Asked, ListQuery, MISSED_CALLS_CALLER, MISSED_CALLS_READ, cursor, store_problem};
use crate::store::missed::{MissedCall, MissedFilter};

pub(super) const LIST: &str = "list_crm_missed_calls";
pub(super) const PROCESS: &str = "process_crm_missed_call";

pub(super) fn operations() -> Vec<Operation> {
    let own = vec![
        shape::number("the caller is this number, however it is written"),
        parameter("processed", "processed (已处理) or not yet (未处理)", Shape::Flag),
    ];
    vec![
        Operation {
            name: LIST,
            method: Method::Get,
            path: "missed-calls",
            permission: MISSED_CALLS_READ,
            summary: "The offers that agents did not take, newest first.",
            query: [shape::view(), own, shape::common()].concat(),
            body: None,
            answers: shape::ok("a page", "CrmMissedCallList"),
        },
        Operation {
            name: PROCESS,
            method: Method::Post,
            path: "missed-calls/{id}/process",
            permission: MISSED_CALLS_READ,
            summary: "Marks one's own missed call processed, for good, and calls back if one may: what a click on the number does.",
            query: Vec::new(),
            body: None,
            answers: shape::ok("it is processed; `dial` says whether it is called back", "CrmMissedCallProcessed"),
        },
    ]
}

fn members() -> Vec<(&'static str, Value)> {
    let outcomes = ["caller_hung_up", "timed_out", "rejected", "failed"];
    vec![
        ("id", shape::text("of this row")),
        ("call_id", shape::text("the call")),
        ("agent", shape::text("the employee number")),
        ("agent_name", shape::maybe_text("his name as it was then")),
        ("department", shape::maybe_department()),
        ("queue", shape::maybe_text("the skill group that offered it; null where somebody called the agent himself")),
        ("caller", shape::number_of(MISSED_CALLS_CALLER, "the caller's number; empty when withheld")),
        ("callee", shape::text("the number that he dialled")),
        ("location", shape::text("where the caller's number is at home (归属地)")),
        ("ring_started_at", shape::time("when it began to ring")),
        ("ring_ended_at", shape::time("when it rang no more")),
        ("ring_ms", shape::whole("rang for so long")),
        ("hangup_status", shape::word("how it ended (挂机状态)", &outcomes)),
        ("processed", shape::flag("processed (已处理)")),
        ("processed_at", shape::maybe_time("when")),
        ("clickable", shape::flag("it is one's own: the number can be clicked, which is `POST .../process`")),
    ]
}

pub(super) fn schema() -> Value {
    shape::object(&members())
}

pub(super) fn processed_schema() -> Value {
    let dial = shape::object(&[
        ("call", shape::maybe_text("the call back; null where there is none")),
        ("refused", shape::maybe_text("why there is none")),
    ]);
    shape::object(&[members(), vec![("dial", dial)]].concat())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    processed: Option<bool>,
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Response, Problem> {
    let (query, own): (ListQuery, Own) = (asked.query()?, asked.query()?);
    let filter = MissedFilter {
        view: asked.view(&query)?,
        span: asked.span(&query)?,
        agent: query.agent.clone(),
        number: asked.number(&query),
        processed: own.processed,
    };
    let tenant = &asked.request.caller.tenant;
    let page =
        asked.store.missed_calls(tenant, &filter, &asked.page(&query)?).map_err(|error| store_problem(&error))?;
    Ok(Response::list(page.rows.iter().map(|row| shown(asked, row)).collect(), cursor(page.next)))
}

/// MISS-05: the click alone sets the state, whatever becomes of the call.
pub(super) fn process(asked: &Asked<'_>) -> Result<Response, Problem> {
    let (caller, id) = (&asked.request.caller, asked.path("id"));
    let employee = asked.employee()?;
    let find = || asked.store.missed_call(&caller.tenant, id).map_err(|error| store_problem(&error));
    let missing = || Problem::new(Fault::NotFound, "there is no such missed call; list them to see which there are");
    let row = find()?.filter(|row| is_seen(asked, row)).ok_or_else(missing)?;
    if row.agent != employee {
        return Err(Problem::new(Fault::Refused, "this call was offered to another agent: only he processes it"));
    }
    let done = asked.store.process_missed_call(&caller.tenant, id, employee, asked.request.at_ms);
    if !done.map_err(|error| store_problem(&error))? {
        return Err(missing());
    }
    let dialled = asked.dial(employee, &row.caller);
    let mut shown = shown(asked, &find()?.ok_or_else(missing)?);
    shown["dial"] = json!({"call": dialled.as_ref().ok(), "refused": dialled.as_ref().err()});
    Ok(Response::one(shown))
}

fn is_seen(asked: &Asked<'_>, row: &MissedCall) -> bool {
    let department = row.department.as_ref().and_then(|id| id.parse().ok());
    asked.request.caller.scope.holds(Some(&row.agent), department)
}

fn shown(asked: &Asked<'_>, row: &MissedCall) -> Value {
    json!({
        "id": row.id,
        "call_id": row.call,
        "agent": row.agent,
        "agent_name": row.agent_name,
        "department": department_value(row.department.as_ref(), row.department_name.as_ref()),
        "queue": row.queue,
        "caller": row.caller,
        "callee": row.callee,
        "location": asked.host.location(&row.caller),
        "ring_started_at": instant(row.ring_at_ms),
        "ring_ended_at": instant(row.ring_ended_at_ms),
        "ring_ms": row.ring_ms,
        "hangup_status": row.outcome,
        "processed": row.processed_at_ms.is_some(),
        "processed_at": row.processed_at_ms.map(instant),
        "clickable": asked.request.caller.employee.as_ref() == Some(&row.agent),
    })
}

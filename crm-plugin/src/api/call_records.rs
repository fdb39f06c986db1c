//! `call-records`: one row for each part of an agent in a call (CDR). Nobody changes them (CDR-10).

use hooks::operation::{Fault, Method, Operation, Problem, Response, Shape};
use hooks::task::Cell;
use serde::Deserialize;
use serde_json::{Value, json};

use super::export::Rows;
use super::shape::{self, department_value, instant, parameter, recording_links};
use super::{Asked, CALL_RECORDS_CALLEE, CALL_RECORDS_CALLER, CALL_RECORDS_READ, ListQuery, cursor, store_problem};
use crate::fold::CallKind;
use crate::store::calls::{CallFilter, CallRecord};
use crate::store::query::{Page, PageAsk, Span, View};

pub(super) const LIST: &str = "list_crm_call_records";
pub(super) const DIAL: &str = "dial_crm_call_record";

const KINDS: &[&str] = &["inbound", "outbound", "internal", "consult"];

pub(super) fn operations() -> Vec<Operation> {
    let own = vec![
        shape::number("caller or callee is this number, however it is written"),
        parameter("queue", "it came by this skill group", Shape::Text),
        parameter("type", "inbound (呼入), outbound (呼出), internal or consult", Shape::OneOf(KINDS)),
        parameter("satisfaction", "`not_invited`, `not_rated`, or the label of an answer", Shape::Text),
    ];
    let list = Operation {
        name: LIST,
        method: Method::Get,
        path: "call-records",
        permission: CALL_RECORDS_READ,
        summary: "The call records, newest first: one row for each part of an agent in a call.",
        query: [shape::view(), own, shape::talk(), shape::common()].concat(),
        body: None,
        answers: shape::ok("a page", "CrmCallRecordList"),
    };
    let dial = Operation {
        name: DIAL,
        method: Method::Post,
        path: "call-records/{id}/dial",
        summary: "Calls the other side of a call record.",
        query: Vec::new(),
        answers: shape::dialled(),
        ..list.clone()
    };
    vec![list, dial]
}

pub(super) fn schema() -> Value {
    shape::object(&[
        ("id", shape::text("of this row")),
        ("call_id", shape::text("the call, the same in all of its rows and as the engine has it")),
        ("part", shape::whole("which of the call's rows, from 1")),
        ("type", shape::word("which way; reports count the first two", KINDS)),
        ("source", shape::text("what made it: `dialled`, `api` or `callback`")),
        ("caller", shape::number_of(CALL_RECORDS_CALLER, "the caller's number; empty when withheld")),
        ("callee", shape::number_of(CALL_RECORDS_CALLEE, "the number dialled")),
        (
            "location",
            shape::text("where the outside party's number is at home (归属地); empty where that is not known"),
        ),
        ("line", shape::maybe_text("the trunk")),
        ("agent", shape::maybe_text("the employee number; null where the call reached no agent")),
        ("agent_name", shape::maybe_text("his name as it was then")),
        ("department", shape::maybe_department()),
        ("queue", shape::maybe_text("the skill group")),
        ("started_at", shape::time("the beginning of the call, or of this part of it")),
        ("ring_at", shape::maybe_time("when it began to ring")),
        ("answered_at", shape::maybe_time("when the called side answered")),
        ("ended_at", shape::time("the end of this part")),
        ("queue_wait_ms", shape::whole("waited in skill groups before this part, ringing included")),
        ("ring_ms", shape::whole("rang for so long")),
        (
            "talk_ms",
            shape::whole(
                "from the answer to the end of this part, hold included; at least 1,000 where it was answered",
            ),
        ),
        ("total_ms", shape::whole("from the beginning to the end of this part")),
        (
            "ended_by",
            shape::maybe_text("who hung up: `caller`, `callee` or `system`; null on parts that others followed"),
        ),
        ("cause", shape::text("why this part ended")),
        ("satisfaction", shape::text("`not_invited`, `not_rated`, or the label of the answer")),
        ("recordings", shape::texts("where the recordings of this part are")),
    ])
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    queue: Option<String>,
    r#type: Option<CallKind>,
    satisfaction: Option<String>,
    talk_min_ms: Option<u64>,
    talk_max_ms: Option<u64>,
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Response, Problem> {
    let page = page(asked)?;
    Ok(Response::list(page.rows.iter().map(|row| shown(asked, row)).collect(), cursor(page.next)))
}

fn page(asked: &Asked<'_>) -> Result<Page<CallRecord>, Problem> {
    let (query, own): (ListQuery, Own) = (asked.query()?, asked.query()?);
    let filter = CallFilter {
        view: asked.view(&query)?,
        span: asked.span(&query)?,
        id: None,
        number: asked.number(&query),
        agent: query.agent.clone(),
        queue: own.queue,
        kind: own.r#type,
        satisfaction: own.satisfaction,
        talk_min_ms: own.talk_min_ms,
        talk_max_ms: own.talk_max_ms,
    };
    let tenant = &asked.request.caller.tenant;
    asked.store.call_records(tenant, &filter, &asked.page(&query)?).map_err(|error| store_problem(&error))
}

/// Calls the other side of a record that one sees: its number need not be shown (GEN-07).
pub(super) fn dial(asked: &Asked<'_>) -> Result<Response, Problem> {
    let caller = &asked.request.caller;
    let filter = CallFilter {
        view: View::All(caller.scope.clone()),
        span: Span::EVER,
        id: Some(asked.path("id").to_owned()),
        number: None,
        agent: None,
        queue: None,
        kind: None,
        satisfaction: None,
        talk_min_ms: None,
        talk_max_ms: None,
    };
    let found = asked.store.call_records(&caller.tenant, &filter, &PageAsk { limit: 1, after: None });
    let row = found.map_err(|error| store_problem(&error))?.rows.pop();
    let row =
        row.ok_or_else(|| Problem::new(Fault::NotFound, "there is no such call record among those that you see"))?;
    asked.dialled(if row.kind == "outbound" { &row.callee } else { &row.caller })
}

/// The columns of CDR-06, in their order.
pub(super) const COLUMNS: &[&str] = &[
    "id",
    "call_id",
    "type",
    "caller",
    "callee",
    "location",
    "line",
    "agent",
    "agent_name",
    "department",
    "queue",
    "started_at",
    "ring_at",
    "answered_at",
    "ended_at",
    "queue_wait",
    "ring",
    "talk",
    "total",
    "ended_by",
    "cause",
    "satisfaction",
    "recordings",
];

/// A page as rows of a file.
pub(super) fn rows(asked: &Asked<'_>) -> Result<Rows, Problem> {
    let Page { rows, next } = page(asked)?;
    let cells = rows.into_iter().map(|row| {
        let location = location(asked, &row);
        vec![
            Cell::Text(row.id),
            Cell::Text(row.call),
            Cell::Text(row.kind),
            Cell::Text(row.caller),
            Cell::Text(row.callee),
            Cell::Text(location),
            Cell::text(row.trunk),
            Cell::text(row.agent),
            Cell::text(row.agent_name),
            Cell::text(row.department_name),
            Cell::text(row.queue),
            Cell::Time(row.started_at_ms),
            Cell::time(row.ring_at_ms),
            Cell::time(row.answered_at_ms),
            Cell::Time(row.ended_at_ms),
            Cell::Lasted(row.queue_wait_ms),
            Cell::Lasted(row.ring_ms),
            Cell::Lasted(row.talk_ms),
            Cell::Lasted(row.total_ms),
            Cell::text(row.ended_by),
            Cell::Text(row.cause),
            Cell::Text(row.satisfaction),
            Cell::Text(recording_links(&row.recordings).join(" ")),
        ]
    });
    Ok(Rows { cells: cells.collect(), next: cursor(next) })
}

/// Of the side that is outside.
fn location(asked: &Asked<'_>, row: &CallRecord) -> String {
    match row.kind.as_str() {
        "inbound" => asked.host.location(&row.caller),
        "outbound" => asked.host.location(&row.callee),
        _ => String::new(),
    }
}

fn shown(asked: &Asked<'_>, row: &CallRecord) -> Value {
    json!({
        "id": row.id,
        "call_id": row.call,
        "part": row.part,
        "type": row.kind,
        "source": row.source,
        "caller": row.caller,
        "callee": row.callee,
        "location": location(asked, row),
        "line": row.trunk,
        "agent": row.agent,
        "agent_name": row.agent_name,
        "department": department_value(row.department.as_ref(), row.department_name.as_ref()),
        "queue": row.queue,
        "started_at": instant(row.started_at_ms),
        "ring_at": row.ring_at_ms.map(instant),
        "answered_at": row.answered_at_ms.map(instant),
        "ended_at": instant(row.ended_at_ms),
        "queue_wait_ms": row.queue_wait_ms,
        "ring_ms": row.ring_ms,
        "talk_ms": row.talk_ms,
        "total_ms": row.total_ms,
        "ended_by": row.ended_by,
        "cause": row.cause,
        "satisfaction": row.satisfaction,
        "recordings": recording_links(&row.recordings),
    })
}

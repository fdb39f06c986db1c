//! `lost-calls`: calls that nobody answered, and who deals with them (LOST).

use hooks::operation::{Fault, Method, Operation, Parameter, Problem, Response, Shape};
use hooks::plugin::PermissionKey;
use hooks::task::Cell;
use serde::Deserialize;
use serde_json::{Value, json};

use super::export::Rows;
use super::shape::{self, instant, parameter};
use super::{Asked, LOST_CALLS_CALLER, LOST_CALLS_HANDLE, LOST_CALLS_READ, ListQuery, ViewName, cursor, store_problem};
use crate::store::lost::{Acted, Actor, Lost, LostAct, LostFilter, LostState};
use crate::store::query::{self, Page};

pub(super) const LIST: &str = "list_crm_lost_calls";
pub(super) const READ: &str = "read_crm_lost_call";
pub(super) const OCCUPY: &str = "occupy_crm_lost_call";
pub(super) const RELEASE: &str = "release_crm_lost_call";
pub(super) const COMPLETE: &str = "complete_crm_lost_call";
pub(super) const DIAL: &str = "dial_crm_lost_call";

const STATES: &[&str] = &["open", "occupied", "completed"];

pub(super) fn operations() -> Vec<Operation> {
    let list = vec![
        parameter("view", "`all`, or `mine`: what one occupies or has completed", Shape::OneOf(&["all", "mine"])),
        shape::number("the caller is this number, however it is written"),
        parameter("state", "stands so", Shape::OneOf(STATES)),
    ];
    vec![
        operation(
            LIST,
            "lost-calls",
            "The calls that nobody answered, newest first, without those that another occupies.",
            list,
        ),
        operation(READ, "lost-calls/{id}", "One lost call.", Vec::new()),
        operation(
            OCCUPY,
            "lost-calls/{id}/occupy",
            "Occupies the caller (占有): others see the open calls of the number no more, and its number is shown.",
            Vec::new(),
        ),
        operation(RELEASE, "lost-calls/{id}/release", "Gives the caller back (解除占有).", Vec::new()),
        operation(COMPLETE, "lost-calls/{id}/complete", "Says that the caller is dealt with (处理完成).", Vec::new()),
        operation(DIAL, "lost-calls/{id}/dial", "Calls the number of a call that one occupies.", Vec::new()),
    ]
}

fn operation(name: &'static str, path: &'static str, summary: &'static str, query: Vec<Parameter>) -> Operation {
    let (method, permission): (Method, PermissionKey) = match name {
        LIST | READ => (Method::Get, LOST_CALLS_READ),
        _ => (Method::Post, LOST_CALLS_HANDLE),
    };
    let (query, answers) = match name {
        LIST => ([query, shape::common()].concat(), shape::ok("a page", "CrmLostCallList")),
        DIAL => (query, shape::dialled()),
        _ => (query, shape::ok("the call as it stands now", "CrmLostCall")),
    };
    Operation { name, method, path, permission, summary, query, body: None, answers }
}

pub(super) fn schema() -> Value {
    shape::object(&[
        ("id", shape::text("the call's id")),
        (
            "caller",
            shape::number_of(
                LOST_CALLS_CALLER,
                "the caller's number, masked unless one occupies it (GEN-07); empty when withheld",
            ),
        ),
        ("masked", shape::flag("`caller` is masked")),
        ("location", shape::text("where the caller's number is at home (归属地)")),
        ("callee", shape::text("the number that he dialled")),
        ("line", shape::maybe_text("the trunk")),
        ("queue", shape::maybe_text("the first skill group that he waited in")),
        ("began_at", shape::time("when he called")),
        ("ended_at", shape::time("when he was gone")),
        ("voicemail", shape::flag("he left a message")),
        ("state", shape::word("how it stands", STATES)),
        ("owner", shape::maybe_text("the employee number of who occupies or completed it")),
        ("owned_at", shape::maybe_time("since when, or when")),
        ("actions", shape::texts("what the caller of this operation may do: `occupy`, `dial`, `release`, `complete`")),
    ])
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    state: Option<LostState>,
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Response, Problem> {
    let page = page(asked)?;
    Ok(Response::list(page.rows.iter().map(|row| shown(asked, row)).collect(), cursor(page.next)))
}

fn page(asked: &Asked<'_>) -> Result<Page<Lost>, Problem> {
    let (query, own): (ListQuery, Own) = (asked.query()?, asked.query()?);
    // Open calls are everybody's who may see the list (LOST-07); a view has only its refusals in common with other lists.
    asked.view(&query)?;
    let caller = &asked.request.caller;
    let filter = LostFilter {
        span: asked.span(&query)?,
        number: asked.number(&query),
        state: own.state,
        viewer: caller.employee.clone(),
        mine: query.view == Some(ViewName::Mine),
    };
    let page = asked.store.lost_calls(&caller.tenant, &filter, &asked.page(&query)?);
    page.map_err(|error| store_problem(&error))
}

/// The columns of the list, in their order.
pub(super) const COLUMNS: &[&str] = &[
    "id",
    "caller",
    "location",
    "callee",
    "line",
    "queue",
    "began_at",
    "ended_at",
    "voicemail",
    "state",
    "owner",
    "owned_at",
];

/// A page as rows of a file: who does not occupy a number gets it masked there, too (LOST-09).
pub(super) fn rows(asked: &Asked<'_>) -> Result<Rows, Problem> {
    let Page { rows, next } = page(asked)?;
    let cells = rows.into_iter().map(|row| {
        let (caller, location) = (caller(asked, &row), asked.host.location(&row.caller));
        vec![
            Cell::Text(row.id),
            Cell::Text(caller),
            Cell::Text(location),
            Cell::Text(row.callee),
            Cell::text(row.trunk),
            Cell::text(row.queue),
            Cell::Time(row.began_at_ms),
            Cell::Time(row.ended_at_ms),
            Cell::Number(f64::from(u8::from(row.voicemail))),
            Cell::Text(query::word(&row.state)),
            Cell::text(row.owner),
            Cell::time(row.owned_at_ms),
        ]
    });
    Ok(Rows { cells: cells.collect(), next: cursor(next) })
}

pub(super) fn read(asked: &Asked<'_>) -> Result<Response, Problem> {
    let row = find(asked)?;
    Ok(Response::one(shown(asked, &row)).version(row.version))
}

pub(super) fn occupy(asked: &Asked<'_>) -> Result<Response, Problem> {
    act(asked, LostAct::Occupy)
}

pub(super) fn release(asked: &Asked<'_>) -> Result<Response, Problem> {
    act(asked, LostAct::Release)
}

pub(super) fn complete(asked: &Asked<'_>) -> Result<Response, Problem> {
    act(asked, LostAct::Complete)
}

/// LOST-05: only who occupies a number dials it, by the call's id; he is told the number anyway.
pub(super) fn dial(asked: &Asked<'_>) -> Result<Response, Problem> {
    let row = find(asked)?;
    asked.employee()?;
    if !is_his(asked, &row) {
        return Err(Problem::new(Fault::Refused, "occupy it first: only then its number can be dialled"));
    }
    asked.dialled(&row.caller)
}

/// A row that another occupies is there for nobody else (LOST-05).
fn find(asked: &Asked<'_>) -> Result<Lost, Problem> {
    let found = asked.store.lost_call(&asked.request.caller.tenant, asked.path("id"));
    let found = found.map_err(|error| store_problem(&error))?;
    found.filter(|row| row.state != LostState::Occupied || is_his(asked, row)).ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::new(Fault::NotFound, "there is no such lost call; list them to see which there are")
}

fn is_his(asked: &Asked<'_>, row: &Lost) -> bool {
    let employee = &asked.request.caller.employee;
    row.state == LostState::Occupied && employee.is_some() && row.owner == *employee
}

fn act(asked: &Asked<'_>, act: LostAct) -> Result<Response, Problem> {
    let request = asked.request;
    let actor = Actor { employee: asked.employee()?, at_ms: request.at_ms, if_match: request.if_match.as_deref() };
    let acted = asked.store.act_on_lost_call(&request.caller.tenant, asked.path("id"), act, actor);
    let refused = |detail: &str| Err(Problem::new(Fault::Refused, detail));
    match acted.map_err(|error| store_problem(&error))? {
        Acted::Done(row) => Ok(Response::one(shown(asked, &row)).version(row.version)),
        Acted::Missing => Err(missing()),
        Acted::OccupiedByAnother => refused("already occupied: another was first"),
        Acted::Completed => refused("it is completed: there is nothing left to do with it"),
        Acted::NotOccupied => refused("occupy it first: only the occupier releases or completes it"),
        Acted::Changed => Err(Problem::new(
            Fault::Changed,
            "somebody changed it meanwhile; read it again, then decide with its new ETag",
        )),
    }
}

/// Nobody but who occupies it sees the number whole.
fn is_masked(asked: &Asked<'_>, row: &Lost) -> bool {
    !is_his(asked, row) && !row.caller.is_empty()
}

fn caller(asked: &Asked<'_>, row: &Lost) -> String {
    if is_masked(asked, row) { asked.host.mask(&row.caller) } else { row.caller.clone() }
}

fn shown(asked: &Asked<'_>, row: &Lost) -> Value {
    let who = &asked.request.caller;
    let is_his = is_his(asked, row);
    let may = who.employee.is_some() && who.keys.hold(LOST_CALLS_HANDLE);
    let actions: &[&str] = match row.state {
        LostState::Open if may => &["occupy"],
        LostState::Occupied if may && is_his && row.caller.is_empty() => &["release", "complete"],
        LostState::Occupied if may && is_his => &["dial", "release", "complete"],
        LostState::Open | LostState::Occupied | LostState::Completed => &[],
    };
    json!({
        "id": row.id,
        "caller": caller(asked, row),
        "masked": is_masked(asked, row),
        "location": asked.host.location(&row.caller),
        "callee": row.callee,
        "line": row.trunk,
        "queue": row.queue,
        "began_at": instant(row.began_at_ms),
        "ended_at": instant(row.ended_at_ms),
        "voicemail": row.voicemail,
        "state": row.state,
        "owner": row.owner,
        "owned_at": row.owned_at_ms.map(instant),
        "actions": actions,
    })
}

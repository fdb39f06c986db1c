//! `lost-answered`: calls that no agent took and that an overflow mobile answered (LOSTANS).

use hooks::operation::{Fault, Method, Operation, Problem, Response};
use hooks::task::Cell;
use serde::Deserialize;
use serde_json::{Value, json};

use super::export::Rows;
use super::shape::{self, instant, recording_links};
use super::{Asked, LOST_ANSWERED_CALLER, LOST_ANSWERED_MOBILE, LOST_ANSWERED_READ, ListQuery, cursor, store_problem};
use crate::store::answered::{Answered, AnsweredFilter};
use crate::store::query::{Page, PageAsk, Span};

pub(super) const LIST: &str = "list_crm_lost_answered";
pub(super) const DIAL: &str = "dial_crm_lost_answered";

pub(super) fn operations() -> Vec<Operation> {
    let own = vec![shape::number("the caller or the mobile is this number, however it is written")];
    let list = Operation {
        name: LIST,
        method: Method::Get,
        path: "lost-answered",
        permission: LOST_ANSWERED_READ,
        summary: "The calls that a mobile answered in place of an agent, newest first.",
        query: [own, shape::talk(), shape::common()].concat(),
        body: None,
        answers: shape::ok("a page", "CrmLostAnsweredList"),
    };
    let dial = Operation {
        name: DIAL,
        method: Method::Post,
        path: "lost-answered/{id}/dial",
        summary: "Calls the caller of such a call.",
        query: Vec::new(),
        answers: shape::dialled(),
        ..list.clone()
    };
    vec![list, dial]
}

pub(super) fn schema() -> Value {
    shape::object(&[
        ("id", shape::text("the call's id")),
        ("caller", shape::number_of(LOST_ANSWERED_CALLER, "the caller's number; empty when withheld")),
        ("location", shape::text("where it is at home (归属地)")),
        ("line", shape::maybe_text("the trunk by which he called")),
        ("queue", shape::text("the skill group that he waited in")),
        ("mobile", shape::number_of(LOST_ANSWERED_MOBILE, "the number that answered")),
        ("began_at", shape::time("when he called")),
        ("answered_at", shape::time("when the mobile answered")),
        ("ended_at", shape::time("when they talked no more")),
        ("talk_ms", shape::whole("talked for so long; at least 1,000")),
        ("recordings", shape::texts("where the recordings are")),
    ])
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    talk_min_ms: Option<u64>,
    talk_max_ms: Option<u64>,
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Response, Problem> {
    let page = page(asked)?;
    Ok(Response::list(page.rows.iter().map(|row| shown(asked, row)).collect(), cursor(page.next)))
}

fn page(asked: &Asked<'_>) -> Result<Page<Answered>, Problem> {
    let (query, own): (ListQuery, Own) = (asked.query()?, asked.query()?);
    let caller = &asked.request.caller;
    let filter = AnsweredFilter {
        span: asked.span(&query)?,
        id: None,
        number: asked.number(&query),
        talk_min_ms: own.talk_min_ms,
        talk_max_ms: own.talk_max_ms,
        scope: caller.scope.clone(),
    };
    let page = asked.store.lost_answered(&caller.tenant, &filter, &asked.page(&query)?);
    page.map_err(|error| store_problem(&error))
}

/// Calls the caller of one that one sees: his number need not be shown (GEN-07).
pub(super) fn dial(asked: &Asked<'_>) -> Result<Response, Problem> {
    let caller = &asked.request.caller;
    let filter = AnsweredFilter {
        span: Span::EVER,
        id: Some(asked.path("id").to_owned()),
        number: None,
        talk_min_ms: None,
        talk_max_ms: None,
        scope: caller.scope.clone(),
    };
    let found = asked.store.lost_answered(&caller.tenant, &filter, &PageAsk { limit: 1, after: None });
    let row = found.map_err(|error| store_problem(&error))?.rows.pop();
    let row = row.ok_or_else(|| Problem::new(Fault::NotFound, "there is no such call among those that you see"))?;
    asked.dialled(&row.caller)
}

/// The columns of LOSTANS-04, in their order.
pub(super) const COLUMNS: &[&str] = &[
    "id",
    "caller",
    "location",
    "line",
    "queue",
    "mobile",
    "began_at",
    "answered_at",
    "ended_at",
    "talk",
    "recordings",
];

/// A page as rows of a file.
pub(super) fn rows(asked: &Asked<'_>) -> Result<Rows, Problem> {
    let Page { rows, next } = page(asked)?;
    let cells = rows.into_iter().map(|row| {
        let location = asked.host.location(&row.caller);
        vec![
            Cell::Text(row.id),
            Cell::Text(row.caller),
            Cell::Text(location),
            Cell::text(row.trunk),
            Cell::Text(row.queue),
            Cell::Text(row.mobile),
            Cell::Time(row.began_at_ms),
            Cell::Time(row.answered_at_ms),
            Cell::Time(row.ended_at_ms),
            Cell::Lasted(row.talk_ms),
            Cell::Text(recording_links(&row.recordings).join(" ")),
        ]
    });
    Ok(Rows { cells: cells.collect(), next: cursor(next) })
}

fn shown(asked: &Asked<'_>, row: &Answered) -> Value {
    json!({
        "id": row.id,
        "caller": row.caller,
        "location": asked.host.location(&row.caller),
        "line": row.trunk,
        "queue": row.queue,
        "mobile": row.mobile,
        "began_at": instant(row.began_at_ms),
        "answered_at": instant(row.answered_at_ms),
        "ended_at": instant(row.ended_at_ms),
        "talk_ms": row.talk_ms,
        "recordings": recording_links(&row.recordings),
    })
}

//! `lost-answered`: calls that no agent took and that an overflow mobile answered (LOSTANS).

use hooks::operation::{Method, Operation, Problem, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shape::{self, instant, recordings};
use super::{Asked, LOST_ANSWERED_READ, ListQuery, cursor, store_problem};
use crate::store::answered::{Answered, AnsweredFilter};

pub(super) const LIST: &str = "list_crm_lost_answered";

pub(super) fn operations() -> Vec<Operation> {
    let own = vec![shape::number("the caller or the mobile is this number, however it is written")];
    vec![Operation {
        name: LIST,
        method: Method::Get,
        path: "lost-answered",
        permission: LOST_ANSWERED_READ,
        summary: "The calls that a mobile answered in place of an agent, newest first.",
        query: [own, shape::talk(), shape::common()].concat(),
        body: None,
        answers: shape::ok("a page", "CrmLostAnsweredList"),
    }]
}

pub(super) fn schema() -> Value {
    shape::object(&[
        ("id", shape::text("the call's id")),
        ("caller", shape::text("the caller's number; empty when withheld")),
        ("location", shape::text("where it is at home (归属地)")),
        ("line", shape::maybe_text("the trunk by which he called")),
        ("queue", shape::text("the skill group that he waited in")),
        ("mobile", shape::text("the number that answered")),
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
    let (query, own): (ListQuery, Own) = (asked.query()?, asked.query()?);
    let caller = &asked.request.caller;
    let filter = AnsweredFilter {
        span: asked.span(&query)?,
        number: asked.number(&query),
        talk_min_ms: own.talk_min_ms,
        talk_max_ms: own.talk_max_ms,
        scope: caller.scope.clone(),
    };
    let page = asked.store.lost_answered(&caller.tenant, &filter, &asked.page(&query)?);
    let page = page.map_err(|error| store_problem(&error))?;
    Ok(Response::list(page.rows.iter().map(|row| shown(asked, row)).collect(), cursor(page.next)))
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
        "recordings": recordings(&row.recordings),
    })
}

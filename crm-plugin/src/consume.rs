//! Reads the log of facts and keeps the lists up to date; now and then it releases what nobody deals with any more.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use hooks::directory::Employee;
use hooks::fact::{DirectoryPart, Event};
use hooks::id::{CallId, TenantId};
use hooks::plugin::{Host, HostError, Recorded};
use hooks::position::Position;

use crate::fold::{self, CallState};
use crate::store::batch::{Derived, DerivedCall};
use crate::store::{CrmStore, StoreError};

/// Facts taken in by one transaction: SQLite does ten times as many in batches as alone.
const FACTS_AT_ONCE: usize = 500;
/// So long after its end a call still takes facts (its survey, its recordings), ms. What comes later changes no list.
const LATE_MAX_MS: u64 = 7 * 24 * 3_600_000;
/// How often it is looked whether an occupier has left, whom no fact told, or has occupied for too long, ms.
const SWEEP_EVERY_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Goes round the tenants for ever. The host makes it wait where there is nothing new.
pub(crate) fn run(store: &CrmStore, host: &dyn Host) -> Result<Infallible, RunError> {
    let mut cursors = BTreeMap::new();
    let mut swept_ms = BTreeMap::new();
    loop {
        for tenant in host.tenants() {
            let cursor = match cursors.remove(&tenant) {
                Some(cursor) => cursor,
                None => store.cursor(&tenant)?,
            };
            let facts = host.facts_after(&cursor, FACTS_AT_ONCE)?;
            let reached = take_in(store, host, &cursor, &facts)?;
            let now_ms = host.now_ms();
            let swept: &mut u64 = swept_ms.entry(tenant.clone()).or_default();
            let is_due = now_ms.saturating_sub(*swept) >= SWEEP_EVERY_MS;
            if is_due || facts.iter().any(|recorded| tells_of_people(&recorded.fact.event)) {
                sweep(store, host, &tenant, now_ms)?;
                *swept = now_ms;
            }
            cursors.insert(tenant, reached);
        }
    }
}

/// Somebody may have left.
fn tells_of_people(event: &Event) -> bool {
    matches!(event, Event::DirectoryChanged(changed) if changed.part == DirectoryPart::Employee)
}

/// Stores what facts after `cursor` came to, and where the cursor is then. Facts that it is past already are left out.
fn take_in(store: &CrmStore, host: &dyn Host, cursor: &Position, facts: &[Recorded]) -> Result<Position, RunError> {
    let new: Vec<&Recorded> = facts.iter().filter(|recorded| recorded.position.number > cursor.number).collect();
    let Some(last) = new.last() else { return Ok(cursor.clone()) };
    let known = store.calls(&cursor.tenant, &spoken_of(&new))?;
    let mut calls: BTreeMap<CallId, CallState> = known.into_iter().map(|state| (state.call(), state)).collect();
    let mut touched = BTreeSet::new();
    for recorded in &new {
        if let Some(call) = apply(&mut calls, recorded) {
            touched.insert(call);
        }
    }
    let calls = calls.into_values().filter(|state| touched.contains(&state.call()));
    let calls: Vec<DerivedCall> = calls.map(|state| derive(state, host)).collect();
    let people = people(host, &cursor.tenant, &calls)?;
    let let_go_before_ms = last.fact.at_ms.saturating_sub(LATE_MAX_MS);
    store.take(cursor, &last.position, &Derived { calls, people, let_go_before_ms })?;
    Ok(last.position.clone())
}

/// The calls that facts are about.
fn spoken_of(facts: &[&Recorded]) -> Vec<CallId> {
    let calls: BTreeSet<CallId> = facts.iter().filter_map(|recorded| fold::call_of(&recorded.fact.event)).collect();
    calls.into_iter().collect()
}

/// Takes a fact in; the call that it changed. One about a call whose beginning nobody knows, or that is long over, comes to nothing.
fn apply(calls: &mut BTreeMap<CallId, CallState>, recorded: &Recorded) -> Option<CallId> {
    let (event, at_ms) = (&recorded.fact.event, recorded.fact.at_ms);
    let call = fold::call_of(event)?;
    if let Event::CallCreated(created) = event {
        calls.entry(call).or_insert_with(|| CallState::new(created, at_ms));
        return Some(call);
    }
    let state = calls.get_mut(&call)?;
    if state.ended_at_ms().is_some_and(|ended_ms| at_ms > ended_ms.saturating_add(LATE_MAX_MS)) {
        return None;
    }
    state.take(event, at_ms);
    Some(call)
}

fn derive(state: CallState, host: &dyn Host) -> DerivedCall {
    let (records, missed) = (fold::call_rows(&state), fold::missed(&state));
    let (lost, answered) = (fold::lost(&state), fold::answered_outside(&state));
    let of_records = records.iter().flat_map(|row| [&row.caller, &row.callee]);
    let of_missed = missed.iter().map(|row| &row.caller);
    let of_lost = lost.iter().map(|row| &row.caller);
    let of_answered = answered.iter().flat_map(|row| [&row.caller, &row.mobile]);
    let numbers: BTreeSet<&String> = of_records.chain(of_missed).chain(of_lost).chain(of_answered).collect();
    let normal = numbers.into_iter().map(|number| (number.clone(), host.normal(number))).collect();
    DerivedCall { state, records, missed, lost, answered, normal }
}

fn people(
    host: &dyn Host,
    tenant: &TenantId,
    calls: &[DerivedCall],
) -> Result<BTreeMap<String, Option<Employee>>, HostError> {
    let of_records = calls.iter().flat_map(|call| &call.records).filter_map(|row| row.agent.as_ref());
    let of_missed = calls.iter().flat_map(|call| &call.missed).map(|row| &row.agent);
    let agents: BTreeSet<&String> = of_records.chain(of_missed).collect();
    agents.into_iter().map(|agent| Ok((agent.clone(), host.employee(tenant, agent)?))).collect()
}

/// LOST-10: what an employee occupies who has left is released, and what anybody has occupied for longer than is set.
pub(crate) fn sweep(store: &CrmStore, host: &dyn Host, tenant: &TenantId, now_ms: u64) -> Result<u64, RunError> {
    let occupiers = store.occupiers(tenant)?;
    if occupiers.is_empty() {
        return Ok(0);
    }
    let mut left = Vec::new();
    for occupier in occupiers {
        if !host.employee(tenant, &occupier)?.is_some_and(|employee| employee.active) {
            left.push(occupier);
        }
    }
    let hours = store.settings(tenant)?.lost_auto_release_h;
    let until_ms = (hours > 0).then(|| now_ms.saturating_sub(hours.saturating_mul(HOUR_MS)));
    if left.is_empty() && until_ms.is_none() {
        return Ok(0);
    }
    Ok(store.release_lost_calls(tenant, &left, until_ms)?)
}

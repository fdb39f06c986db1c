//! Trunks: which addresses a call outside may take, what number it shows, and who a call from outside is from.

mod choice;
mod health;
mod load;
mod registration;
pub(crate) mod table;
mod test;
mod watched;

use std::time::Duration;

use dialplan::number::TrunkName;
use dialplan::plan::Attempt;
use dialplan::rule::{self, NumberRule};
use hooks::fact::{EndCause, PeerKind};
use hooks::id::TenantId;
use sip::headers::{Headers, NameAddr};

use crate::call::{About, Verdict};
use crate::config::{CallerShown, TenantConfig, Trunk};
use crate::desk::{Desk, Refusal};
use crate::leg::Leg;
use crate::nat;
use crate::target::{Line, Target};
use choice::Rank;

/// CALL-10: an outbound call rings at most so long.
pub(crate) const RING_MAX: Duration = Duration::from_secs(60);
/// Addresses that one call may try.
const TRIES_MAX: usize = 8;

/// The addresses to try for these attempts, in order: by the trunks' priority and weight, and without those that are out.
pub(crate) fn lines(desk: &mut Desk, tenant: &TenantConfig, about: &About, attempts: &[Attempt]) -> Vec<Target> {
    let mut usable: Vec<(&Trunk, &Attempt)> = attempts
        .iter()
        .filter_map(|attempt| Some((tenant.trunks.get(&attempt.trunk).filter(|trunk| trunk.enabled)?, attempt)))
        .collect();
    // GEN-18: the trunks marked for emergency calls stay first.
    if !about.emergency {
        let ranks: Vec<Rank> = usable.iter().map(|(trunk, _)| rank(trunk)).collect();
        usable = choice::order(&ranks, &mut desk.random).into_iter().map(|at| usable[at]).collect();
    }
    let (mut lines, mut out) = (Vec::new(), Vec::new());
    for (trunk, attempt) in usable {
        for target in &trunk.targets {
            let Some(flow) = nat::new_flow(&desk.node, trunk.transport, *target) else { continue };
            // GEN-18: no rule rewrites an emergency number.
            let rules: &[NumberRule] = if about.emergency { &[] } else { &trunk.policy.numbers.called_out };
            let line = Line {
                trunk: trunk.name.clone(),
                number: rule::rewrite(rules, &attempt.number),
                shown: number_outside(desk, tenant, &trunk.name, &about.caller),
                flow,
                agent: None,
            };
            let is_out = desk.trunks.is_out(&tenant.tenant, &trunk.name, *target);
            if is_out { &mut out } else { &mut lines }.push(Target::Trunk(line));
        }
    }
    // GEN-18: an emergency call tries even those, at last.
    if about.emergency {
        lines.append(&mut out);
    }
    lines.truncate(TRIES_MAX);
    lines
}

fn rank(trunk: &Trunk) -> Rank {
    Rank { priority: trunk.policy.choice.priority, weight: trunk.policy.choice.weight }
}

/// CALL-08: what stands outside for who calls here; whose number that is, is the trunk's policy, and how it is written are its
/// rules.
pub(crate) fn number_outside(desk: &Desk, tenant: &TenantConfig, trunk: &TrunkName, caller: &str) -> String {
    let of_extension = || {
        let extension = caller.parse().ok().and_then(|number| tenant.extensions.get(&number));
        extension.and_then(|extension| extension.caller_number.clone())
    };
    let of_queue = || {
        let agent = desk.floor.on_extension(&tenant.tenant, &caller.parse().ok()?)?;
        let queues = desk.floor.queues_of(agent);
        // The first by name: a queue's place on the floor changes with each restart.
        let numbered = queues.filter_map(|name| Some((tenant.queues.get(&name)?.caller_number.clone()?, name)));
        numbered.min_by(|one, other| one.1.cmp(&other.1)).map(|(number, _)| number)
    };
    let Some(trunk) = tenant.trunks.get(trunk) else { return of_extension().unwrap_or_else(|| caller.to_owned()) };
    let numbers = &trunk.policy.numbers;
    let of_line = || trunk.caller_number.clone().or_else(|| tenant.caller_number.clone());
    let shown = match &numbers.caller {
        CallerShown::Extension => of_extension().or_else(of_queue).or_else(of_line),
        CallerShown::Trunk => of_line(),
        CallerShown::Fixed(number) => Some(number.clone()),
        CallerShown::PassThrough => None,
    };
    rule::rewrite(&numbers.caller_out, &shown.unwrap_or_else(|| caller.to_owned()))
}

/// Whether a failure says something about this trunk rather than about the number: then the next one is tried.
pub(crate) fn is_worth_another(trunk: Option<&Trunk>, verdict: Verdict) -> bool {
    // No answer at all says nothing about the number.
    if verdict.cause == EndCause::Unreachable && matches!(verdict.status.code(), 408 | 503) {
        return true;
    }
    match trunk.and_then(|trunk| trunk.policy.choice.failover.as_ref()) {
        Some(chosen) => chosen.contains(&verdict.status.code()),
        // We follow no redirection, so a trunk that gives one gives no way on either.
        None => matches!(verdict.status.code(), 300..=399 | 408 | 500..=599),
    }
}

/// A leg by a trunk begins.
pub(crate) fn leg_began(desk: &mut Desk, tenant: &TenantId, leg: &Leg) {
    if leg.peer.kind == PeerKind::Trunk {
        table::counted(desk, tenant, &leg.peer.name, |watched, now| watched.lane(leg.side).began(now));
    }
}

/// A leg by a trunk ended.
pub(crate) fn leg_ended(desk: &mut Desk, tenant: &TenantId, leg: &Leg) {
    if leg.peer.kind == PeerKind::Trunk {
        table::counted(desk, tenant, &leg.peer.name, |watched, _| watched.lane(leg.side).ended());
    }
}

/// Whether a trunk takes no further call of ours now; that it turned one away is counted.
pub(crate) fn is_full(desk: &mut Desk, tenant: &TenantId, trunk: &TrunkName) -> bool {
    let mut full = false;
    table::counted(desk, tenant, trunk.as_str(), |watched, now| full = watched.is_full_outbound(now));
    desk.metrics.refused_trunk_outbound += u64::from(full);
    full
}

/// What a call from a trunk is told, if the trunk has as many as it may.
pub(crate) fn refusal_of_full(desk: &mut Desk, tenant: &TenantId, trunk: &str) -> Option<Refusal> {
    let mut refusal = None;
    table::counted(desk, tenant, trunk, |watched, now| refusal = watched.full_inbound(now));
    desk.metrics.refused_trunk_inbound += u64::from(refusal.is_some());
    refusal
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallerId {
    /// Empty when withheld.
    pub(crate) number: String,
    /// Empty when none was given.
    pub(crate) name: String,
}

/// CALL-32: from P-Asserted-Identity on a trusted trunk, else from From; a withheld number is empty.
pub(crate) fn caller_id(trunk: &Trunk, headers: &Headers) -> CallerId {
    // RFC 3323 §4.2, RFC 3325 §9.3.
    let withheld =
        headers.privacy().any(|value| matches!(value.to_ascii_lowercase().as_str(), "id" | "user" | "header"));
    if withheld {
        return CallerId::default();
    }
    let asserted = if trunk.trusted { headers.p_asserted_identity().unwrap_or_default() } else { Vec::new() };
    let from = headers.from().ok();
    asserted.into_iter().chain(from).map(|address| of_address(&address)).next().unwrap_or_default()
}

fn of_address(address: &NameAddr) -> CallerId {
    let host_is_anonymous =
        address.uri.as_sip().is_some_and(|uri| uri.host().to_string().eq_ignore_ascii_case("anonymous.invalid"));
    let number = address.uri.user().map_or_else(String::new, std::borrow::Cow::into_owned);
    if host_is_anonymous || number.eq_ignore_ascii_case("anonymous") {
        return CallerId::default();
    }
    CallerId { number, name: String::from_utf8_lossy(&address.display()).into_owned() }
}

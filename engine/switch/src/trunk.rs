//! Trunks: which addresses a call outside may take, what number it shows, and who a call from outside is from.

use std::time::Duration;

use dialplan::number::TrunkName;
use dialplan::plan::Attempt;
use hooks::fact::EndCause;
use sip::headers::{Headers, NameAddr};

use crate::call::{About, Verdict};
use crate::config::{TenantConfig, Trunk};
use crate::desk::Desk;
use crate::nat;
use crate::target::{Line, Target};

/// CALL-10: an outbound call rings at most so long.
pub(crate) const RING_MAX: Duration = Duration::from_secs(60);
/// A trunk that gave no sign of life in this time is left for the next one: RFC 3261's own 32 s are more than a caller waits.
pub(crate) const RESPONSE_MAX: Duration = Duration::from_secs(6);
/// Addresses that one call may try.
const TRIES_MAX: usize = 8;

/// The addresses to try for these attempts, in order.
pub(crate) fn lines(desk: &Desk, tenant: &TenantConfig, about: &About, attempts: &[Attempt]) -> Vec<Target> {
    let mut lines = Vec::new();
    for attempt in attempts {
        let Some(trunk) = tenant.trunks.get(&attempt.trunk).filter(|trunk| trunk.enabled) else { continue };
        for target in &trunk.targets {
            let Some(flow) = nat::new_flow(&desk.node, trunk.transport, *target) else { continue };
            let line = Line {
                trunk: trunk.name.clone(),
                number: attempt.number.clone(),
                shown: number_outside(tenant, &trunk.name, &about.caller),
                flow,
            };
            lines.push(Target::Trunk(line));
        }
    }
    lines.truncate(TRIES_MAX);
    lines
}

/// CALL-08: the extension's own number, else the trunk's, else the tenant's default line; else the extension.
pub(crate) fn number_outside(tenant: &TenantConfig, trunk: &TrunkName, caller: &str) -> String {
    let extension = caller.parse().ok().and_then(|number| tenant.extensions.get(&number));
    extension
        .and_then(|extension| extension.caller_number.clone())
        .or_else(|| tenant.trunks.get(trunk).and_then(|trunk| trunk.caller_number.clone()))
        .or_else(|| tenant.caller_number.clone())
        .unwrap_or_else(|| caller.to_owned())
}

/// Whether a failure says something about this trunk rather than about the number: then the next one is tried.
pub(crate) fn is_worth_another(verdict: Verdict) -> bool {
    // We follow no redirection of a trunk, so one that gives it gives no way on either.
    matches!(verdict.status.code(), 300..=399 | 408 | 500..=599)
        || verdict.cause == EndCause::Unreachable && verdict.status.code() == 408
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

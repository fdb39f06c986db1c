//! Whom somebody sees of what is live and in no table: agents as they stand, and their calls (GEN-09). What is in the database is narrowed
//! where it is read, see [`crate::store::scope`].

use std::collections::BTreeSet;

use hooks::fact::PeerKind;
use hooks::id::CallId;
use hooks::scope::Scope;
use switch::view::CallView;

use super::principal::{Principal, Who};
use super::problem::Problem;
use super::state::Api;
use crate::store::agents::Agent;

/// The employees whom somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct People(Option<BTreeSet<String>>);

impl People {
    /// Those whom a principal sees.
    ///
    /// # Errors
    /// When the database is away.
    pub(super) async fn of(api: &Api, principal: &Principal) -> Result<Self, Problem> {
        Ok(Self(api.store().people(principal.sight()).await?))
    }

    /// Whether this employee is among them.
    pub(super) fn has(&self, employee_no: &str) -> bool {
        self.0.as_ref().is_none_or(|people| people.contains(employee_no))
    }
}

/// The live calls that somebody sees: those of the agents whom he sees, and of his own extension.
#[derive(Clone, Debug)]
pub(super) struct Calls(Option<Narrow>);

#[derive(Clone, Debug)]
struct Narrow {
    calls: BTreeSet<CallId>,
    extension: Option<String>,
}

/// Agents looked at: as many as a tenant may have.
pub(super) const AGENTS_MAX: usize = 5_000;

impl Calls {
    /// Those that a principal sees.
    ///
    /// # Errors
    /// When the database is away.
    pub(super) async fn of(api: &Api, principal: &Principal) -> Result<Self, Problem> {
        if principal.scope == Scope::Tenant {
            return Ok(Self(None));
        }
        let people = People::of(api, principal).await?;
        let agents = api.live().agents(&principal.tenant, AGENTS_MAX);
        let seen = agents.iter().filter(|agent| people.has(&agent.agent));
        let calls = seen.flat_map(|agent| agent.calls.iter().copied()).collect();
        let own = match &principal.who {
            Who::Employee { number, .. } => api.store().find::<Agent>(&principal.tenant, number).await?,
            Who::Token { .. } => None,
        };
        Ok(Self(Some(Narrow { calls, extension: own.and_then(|own| own.value.rules.extension) })))
    }

    /// Whether this call is among them.
    pub(super) fn has(&self, call: &CallView) -> bool {
        let Some(narrow) = &self.0 else { return true };
        let is_his = |leg: &switch::view::LegView| {
            leg.peer == PeerKind::Extension && Some(&leg.peer_name) == narrow.extension.as_ref()
        };
        narrow.calls.contains(&call.call) || call.legs.iter().any(is_his)
    }
}

/// That a live call is seen: what is done to others' calls is done to these alone.
///
/// # Errors
/// [`super::problem::Kind::NotFound`] where it is not; when the database is away.
pub(super) async fn call(api: &Api, principal: &Principal, call: CallId) -> Result<(), Problem> {
    if principal.scope == Scope::Tenant {
        return Ok(());
    }
    let calls = Calls::of(api, principal).await?;
    let found = api.live().call(&principal.tenant, call).filter(|view| calls.has(view));
    found.map(|_| ()).ok_or_else(|| Problem::not_found("live call"))
}

/// That an employee is seen: what is ordered of others is ordered of these alone.
///
/// # Errors
/// [`super::problem::Kind::NotFound`] where he is not; when the database is away.
pub(super) async fn agent(api: &Api, principal: &Principal, employee_no: &str) -> Result<(), Problem> {
    if People::of(api, principal).await?.has(employee_no) { Ok(()) } else { Err(Problem::not_found("agent")) }
}

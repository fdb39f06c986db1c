//! The trunks of this node as they stand: found by name or by what comes from them, kept in step with the settings, and told
//! what became of the requests they sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use dialplan::number::TrunkName;
use hooks::id::TenantId;
use sip::flow::Flow;
use sip::message::{Response, StatusCode};
use sip::transaction::ClientKey;

use super::registration::Departure;
use super::watched::Watched;
use crate::config::TenantConfig;
use crate::desk::Desk;
use crate::input::CommandId;
use crate::invite;
use crate::output::Refused;
use crate::timers::Timers;
use crate::view::View;

/// A trunk of this node, for as long as the settings have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrunkId(u32);

/// What a timer of a trunk is for. They are apart from those of calls: they never rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TrunkTimer {
    /// The next REGISTER is due.
    Register(TrunkId),
    /// The registration has run out.
    Expiry(TrunkId),
    /// The next OPTIONS to this address is due.
    Probe(TrunkId, u8),
    /// The OPTIONS to this address was not answered in time.
    Missed(TrunkId, u8),
    /// A test has waited long enough.
    Test(TrunkId),
}

/// What a request outside calls was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// To register.
    Register(TrunkId),
    /// To ask this address whether it is there.
    Probe(TrunkId, u8),
    /// To take a registration back, or a REGISTER of a trunk that is to be taken back once it is answered.
    Depart,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Trunks {
    ids: BTreeMap<(TenantId, TrunkName), TrunkId>,
    watched: BTreeMap<TrunkId, Watched>,
    pub(super) errands: BTreeMap<ClientKey, Errand>,
    pub(super) departures: BTreeMap<ClientKey, Departure>,
    pub(super) timers: Timers<TrunkTimer>,
    next: u32,
}

impl Trunks {
    pub(crate) fn new() -> Self {
        Self {
            ids: BTreeMap::new(),
            watched: BTreeMap::new(),
            errands: BTreeMap::new(),
            departures: BTreeMap::new(),
            timers: Timers::new(),
            next: 0,
        }
    }

    /// By name.
    fn get(&self, tenant: &TenantId, trunk: &TrunkName) -> Option<&Watched> {
        self.watched.get(self.ids.get(&(tenant.clone(), trunk.clone()))?)
    }

    /// Whether calls leave out this address of a trunk.
    pub(crate) fn is_out(&self, tenant: &TenantId, trunk: &TrunkName, address: SocketAddr) -> bool {
        self.get(tenant, trunk).is_some_and(|watched| watched.is_out(address))
    }

    /// The trunk whose registration led a request here: its Contact is called, from an address of the trunk.
    pub(crate) fn by_contact(&self, user: &str, flow: &Flow) -> Option<(&TenantId, &TrunkName)> {
        self.watched.values().find(|watched| watched.is_called_as(user, flow)).map(Watched::names)
    }

    /// The trunks that are registered with by this flow.
    pub(crate) fn by_flow(&self, flow: &Flow) -> impl Iterator<Item = (&TenantId, &TrunkName)> {
        self.watched.values().filter(move |watched| watched.is_registered_by(flow)).map(Watched::names)
    }

    /// When the next timer ends.
    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Registrations being taken back.
    pub(crate) fn departing(&self) -> usize {
        self.departures.len()
    }

    /// A transaction is gone; who has waited for it was told.
    pub(crate) fn forget(&mut self, client: ClientKey) {
        self.errands.remove(&client);
        self.departures.remove(&client);
    }

    fn id(&self, tenant: &TenantId, trunk: &TrunkName) -> Option<TrunkId> {
        self.ids.get(&(tenant.clone(), trunk.clone())).copied()
    }
}

/// Brings the trunks of a tenant in step with its settings.
pub(crate) fn configure(desk: &mut Desk, config: &TenantConfig) {
    let of_tenant = desk.trunks.ids.iter().filter(|((tenant, _), _)| *tenant == config.tenant);
    let gone: Vec<(TrunkName, TrunkId)> = of_tenant
        .filter(|((_, name), _)| !config.trunks.contains_key(name))
        .map(|((_, name), id)| (name.clone(), *id))
        .collect();
    for (name, id) in gone {
        if let Some(mut watched) = desk.trunks.watched.remove(&id) {
            watched.leave(desk);
        }
        desk.trunks.ids.remove(&(config.tenant.clone(), name.clone()));
        desk.publish(View::TrunkGone(config.tenant.clone(), name.to_string()));
    }
    let host = invite::own_host(desk, config);
    for trunk in config.trunks.values() {
        let id = desk.trunks.id(&config.tenant, &trunk.name).unwrap_or_else(|| {
            let id = TrunkId(desk.trunks.next);
            desk.trunks.next += 1;
            desk.trunks.ids.insert((config.tenant.clone(), trunk.name.clone()), id);
            let watched = Watched::new(id, config.tenant.clone(), trunk.name.clone(), desk.now);
            desk.trunks.watched.insert(id, watched);
            id
        });
        with(desk, id, |desk, watched| watched.set(desk, trunk, &host));
    }
}

/// The process stops: every registration is taken back, nothing more is asked.
pub(crate) fn leave_all(desk: &mut Desk) {
    desk.trunks.ids.clear();
    for mut watched in std::mem::take(&mut desk.trunks.watched).into_values() {
        watched.leave(desk);
    }
}

/// Tests a trunk; the reply comes later, if there is no error.
pub(crate) fn test(desk: &mut Desk, command: CommandId, tenant: &TenantId, trunk: &TrunkName) -> Result<(), Refused> {
    let id = desk.trunks.id(tenant, trunk).ok_or(Refused::NoSuchTrunk)?;
    let mut result = Err(Refused::NoSuchTrunk);
    with(desk, id, |desk, watched| result = watched.begin_test(desk, command));
    result
}

/// A response to a request outside calls. False if it is none of a trunk's.
pub(crate) fn responded(desk: &mut Desk, client: ClientKey, response: &Response) -> bool {
    let Some(errand) = desk.trunks.errands.get(&client).copied() else { return false };
    match errand {
        Errand::Register(id) => with(desk, id, |desk, watched| watched.register_responded(desk, client, response)),
        Errand::Probe(id, at) => with(desk, id, |desk, watched| watched.probe_responded(desk, at, client, response)),
        Errand::Depart => super::registration::departure_responded(desk, client, response),
    }
    true
}

/// A request outside calls got no final response, or could not be sent. False if it is none of a trunk's.
pub(crate) fn unanswered(desk: &mut Desk, client: ClientKey, status: StatusCode) -> bool {
    let Some(errand) = desk.trunks.errands.remove(&client) else { return false };
    match errand {
        Errand::Register(id) => with(desk, id, |desk, watched| watched.register_unanswered(desk, client, status)),
        Errand::Probe(id, at) => with(desk, id, |desk, watched| watched.probe_unanswered(desk, at, client, status)),
        Errand::Depart => _ = desk.trunks.departures.remove(&client),
    }
    true
}

/// Lets one timer do its work that has ended by now; false if there is none.
pub(crate) fn timer(desk: &mut Desk) -> bool {
    let Some(timer) = desk.trunks.timers.pop_due(desk.now.mono) else { return false };
    match timer {
        TrunkTimer::Register(id) => with(desk, id, |desk, watched| watched.register_due(desk)),
        TrunkTimer::Expiry(id) => with(desk, id, |desk, watched| watched.registration_expired(desk.now)),
        TrunkTimer::Probe(id, at) => with(desk, id, |desk, watched| watched.probe_due(desk, at)),
        TrunkTimer::Missed(id, at) => with(desk, id, |desk, watched| watched.probe_missed(desk, at)),
        TrunkTimer::Test(id) => with(desk, id, |_, watched| watched.test_elapsed()),
    }
    true
}

/// A leg of a call by a trunk began or ended.
pub(crate) fn counted(desk: &mut Desk, tenant: &TenantId, trunk: &str, what: impl FnOnce(&mut Watched, Duration)) {
    let id = trunk.parse().ok().and_then(|name| desk.trunks.id(tenant, &name));
    if let Some(id) = id {
        with(desk, id, |desk, watched| what(watched, desk.now.mono));
    }
}

/// Lets a trunk handle something, then writes down and publishes what changed.
fn with(desk: &mut Desk, id: TrunkId, what: impl FnOnce(&mut Desk, &mut Watched)) {
    let Some(mut watched) = desk.trunks.watched.remove(&id) else { return };
    what(desk, &mut watched);
    watched.settle(desk);
    desk.trunks.watched.insert(id, watched);
}

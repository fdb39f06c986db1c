//! One trunk as it stands: its addresses, our registration with it, its calls; and what others see of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use dialplan::number::TrunkName;
use hooks::fact::{Event, TrunkDown, TrunkDownReason, TrunkUp};
use hooks::id::TenantId;
use sip::flow::Flow;
use sip::message::StatusCode;
use sip::time::Now;
use sip::uri::Host;

use super::health::Address;
use super::load::Load;
use super::registration::{self, Registration};
use super::table::{Errand, TrunkId, TrunkTimer};
use super::test::Test;
use crate::config::{Trunk, WhenFull};
use crate::desk::{Desk, Refusal};
use crate::leg::Side;
use crate::view::{TrunkAnswer, TrunkStanding, TrunkView, View};

/// See the module.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(super) id: TrunkId,
    tenant: TenantId,
    name: TrunkName,
    /// `None` until the first settings are there.
    pub(super) trunk: Option<Trunk>,
    /// The host in our own addresses.
    pub(super) host: Host,
    pub(super) addresses: Vec<Address>,
    pub(super) registration: Option<Registration>,
    pub(super) test: Option<Test>,
    pub(super) inbound: Load,
    pub(super) outbound: Load,
    troubles: VecDeque<TrunkAnswer>,
    stands: Stands,
    since_ms: u64,
    /// Something changed that others may see.
    pub(super) changed: bool,
}

/// How a trunk stands, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Unknown,
    Up,
    Down(TrunkDownReason),
    Disabled,
}

impl Watched {
    pub(super) fn new(id: TrunkId, tenant: TenantId, name: TrunkName, now: Now) -> Self {
        Self {
            id,
            tenant,
            name,
            trunk: None,
            host: Host::from(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
            addresses: Vec::new(),
            registration: None,
            test: None,
            inbound: Load::default(),
            outbound: Load::default(),
            troubles: VecDeque::new(),
            stands: Stands::Unknown,
            since_ms: now.unix_ms,
            changed: true,
        }
    }

    /// Whose it is, and its name.
    pub(super) fn names(&self) -> (&TenantId, &TrunkName) {
        (&self.tenant, &self.name)
    }

    /// New settings, perhaps the same.
    pub(super) fn set(&mut self, desk: &mut Desk, trunk: &Trunk, host: &Host) {
        if self.trunk.as_ref() == Some(trunk) && self.host == *host {
            return;
        }
        self.changed = true;
        self.host = host.clone();
        let before = self.trunk.replace(trunk.clone());
        let registers = trunk.enabled && trunk.policy.registration.is_some();
        let stays = registers
            && before.as_ref().is_some_and(|before| registration::is_same(before, trunk))
            && self.registration.as_ref().is_some_and(|registration| registration.is_at(&trunk.targets));
        if !stays {
            self.unregister(desk);
            if registers {
                self.registration = Some(Registration::new(desk, trunk));
                self.register_due(desk);
            }
        }
        self.set_addresses(desk);
    }

    /// It is switched off or taken out: nothing more is sent but what takes its registration back.
    pub(super) fn leave(&mut self, desk: &mut Desk) {
        self.unregister(desk);
        self.test_elapsed();
        self.answer_test(desk);
        let id = self.id;
        desk.trunks.timers.stop_all(|timer| is_of(*timer, id));
        desk.trunks
            .errands
            .retain(|_, errand| !matches!(errand, Errand::Probe(of, _) | Errand::Register(of) if *of == id));
    }

    /// Whether it is called by a request to this user from there: the user is the token that we registered.
    pub(super) fn is_called_as(&self, user: &str, flow: &Flow) -> bool {
        let known = self.addresses.iter().any(|address| address.at.ip() == flow.peer.ip());
        known && self.registration.as_ref().is_some_and(|registration| registration.token == user)
    }

    /// Whether the carrier has our registration by this flow.
    pub(super) fn is_registered_by(&self, flow: &Flow) -> bool {
        let ours = self.registration.as_ref().and_then(Registration::flow);
        ours.is_some_and(|ours| ours.transport == flow.transport && ours.peer == flow.peer)
    }

    /// Whether calls leave out this address.
    pub(super) fn is_out(&self, at: SocketAddr) -> bool {
        self.addresses.iter().any(|address| address.at == at && address.is_out())
    }

    /// Its calls one way, which are about to change.
    pub(super) fn lane(&mut self, side: Side) -> &mut Load {
        self.changed = true;
        match side {
            Side::Caller => &mut self.inbound,
            Side::Callee => &mut self.outbound,
        }
    }

    /// What a call from it is told, if it is full.
    pub(super) fn full_inbound(&mut self, now: Duration) -> Option<Refusal> {
        let limits = self.trunk.as_ref()?.policy.limits;
        if !self.inbound.is_full(limits.inbound, now) {
            return None;
        }
        self.inbound.refused += 1;
        self.changed = true;
        Some(match limits.when_full {
            WhenFull::Unavailable => Refusal::busy_node(),
            WhenFull::Busy => StatusCode::BUSY_HERE.into(),
        })
    }

    /// Whether it takes no further call now.
    pub(super) fn is_full_outbound(&mut self, now: Duration) -> bool {
        let Some(trunk) = &self.trunk else { return false };
        let full = self.outbound.is_full(trunk.policy.limits.outbound, now);
        self.outbound.refused += u64::from(full);
        self.changed |= full;
        full
    }

    /// Keeps what went wrong.
    pub(super) fn trouble(&mut self, answer: TrunkAnswer) {
        while self.troubles.len() >= TROUBLES_MAX {
            self.troubles.pop_front();
        }
        self.troubles.push_back(answer);
        self.changed = true;
    }

    /// Writes down and publishes what changed, and answers a test that is complete.
    pub(super) fn settle(&mut self, desk: &mut Desk) {
        let stands = self.stands();
        if stands != self.stands {
            self.stands = stands;
            self.since_ms = desk.now.unix_ms;
            self.changed = true;
            let trunk = self.name.to_string();
            match stands {
                Stands::Up => desk.fact(&self.tenant, Event::TrunkUp(TrunkUp { trunk })),
                Stands::Down(reason) => {
                    let detail = self.last_trouble();
                    desk.fact(&self.tenant, Event::TrunkDown(TrunkDown { trunk, reason, detail }));
                }
                Stands::Unknown | Stands::Disabled => {}
            }
        }
        if std::mem::take(&mut self.changed) {
            desk.publish(View::Trunk(Box::new(self.view(desk.now))));
        }
        self.answer_test(desk);
    }

    fn stands(&self) -> Stands {
        let Some(trunk) = self.trunk.as_ref().filter(|trunk| trunk.enabled) else { return Stands::Disabled };
        let watched = trunk.policy.health.is_some();
        if watched && !self.addresses.is_empty() && self.addresses.iter().all(Address::is_out) {
            return Stands::Down(TrunkDownReason::Unanswered);
        }
        match &self.registration {
            Some(registration) if registration.flow().is_some() => Stands::Up,
            Some(registration) if registration.failures > 0 => Stands::Down(TrunkDownReason::Unregistered),
            Some(_) => Stands::Unknown,
            None if watched && self.addresses.iter().any(Address::answers) => Stands::Up,
            None => Stands::Unknown,
        }
    }

    fn last_trouble(&self) -> String {
        self.troubles.back().map(|answer| answer.text.clone()).unwrap_or_default()
    }

    fn view(&self, now: Now) -> TrunkView {
        let (standing, reason) = match self.stands {
            Stands::Unknown => (TrunkStanding::Unknown, String::new()),
            Stands::Up => (TrunkStanding::Up, String::new()),
            Stands::Down(_) => (TrunkStanding::Down, self.last_trouble()),
            Stands::Disabled => (TrunkStanding::Disabled, String::new()),
        };
        TrunkView {
            tenant: self.tenant.clone(),
            trunk: self.name.to_string(),
            standing,
            since_ms: self.since_ms,
            reason,
            registration: self.registration.as_ref().map(|registration| registration.view(now)),
            targets: self.addresses.iter().map(Address::view).collect(),
            troubles: self.troubles.iter().cloned().collect(),
            inbound: self.inbound.view(),
            outbound: self.outbound.view(),
        }
    }
}

fn is_of(timer: TrunkTimer, trunk: TrunkId) -> bool {
    match timer {
        TrunkTimer::Register(id)
        | TrunkTimer::Expiry(id)
        | TrunkTimer::Probe(id, _)
        | TrunkTimer::Missed(id, _)
        | TrunkTimer::Test(id) => id == trunk,
    }
}

/// What went wrong last is kept, so much of it.
const TROUBLES_MAX: usize = 16;

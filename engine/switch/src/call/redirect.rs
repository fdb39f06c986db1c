//! A called phone sends the call on (3xx, RFC 3261 §8.1.3.4): to another extension, or outside by the tenant's own plan. A
//! contact is taken for a number to dial, never for an address to send to, so that no phone can make us call any host.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use dialplan::number::{Dialled, ExtensionNumber};
use sip::flow::Flow;
use sip::headers::{Contacts, Diversion, Headers, NameAddr};
use sip::message::{Response, StatusCode};
use sip::uri::{Host, Uri};

use super::transfer::TRANSFER_RING_MAX;
use super::{Call, Route, Stage, Verdict};
use crate::config::NodeConfig;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::incoming;
use crate::invite::Summons;
use crate::leg::{Leg, Progress};
use crate::target::Target;

/// What a call knows of how it was sent on.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    /// Who sent it on, the latest last; at most [`REDIRECTS_MAX`].
    diverted: Vec<Diverted>,
    /// Numbers that it was sent to or came from: none is called a second time.
    seen: Vec<String>,
    /// Where the same phones would send it if the first way fails (RFC 3261 §8.1.3.4: in the order of q).
    others: VecDeque<Route>,
    /// The extension that is called now, until it was asked where it sends the call on.
    sought: Option<ExtensionNumber>,
}

/// An extension that sent the call on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diverted {
    pub(crate) by: ExtensionNumber,
    /// A reason of RFC 5806 §4.
    pub(crate) reason: String,
}

/// How often a call may be sent on; a further redirection counts as a failure of the phone.
const REDIRECTS_MAX: usize = 5;
/// Contacts of one response that are looked at.
const CONTACTS_MAX: usize = 8;
/// What is kept of a reason that a phone gives for a diversion.
const REASON_MAX: usize = 32;

impl Redirects {
    /// Who sent the call on, the latest first (RFC 5806 §4).
    pub(super) fn diverted(&self) -> Vec<Diverted> {
        self.diverted.iter().rev().cloned().collect()
    }
}

impl Call {
    /// Goes where a called phone sends the call. False if the response is none to be followed, or leads nowhere: then the
    /// phone has failed.
    pub(super) fn redirected(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) -> bool {
        // A 305 or 380 names no other number; what a trunk says of redirection is its own matter.
        let follows = matches!(
            response.status,
            StatusCode::MULTIPLE_CHOICES | StatusCode::MOVED_PERMANENTLY | StatusCode::MOVED_TEMPORARILY
        );
        if !follows || !matches!(self.stage, Stage::Seeking(_)) || self.redirects.diverted.len() >= REDIRECTS_MAX {
            return false;
        }
        // AGT-19: an offer is never followed elsewhere.
        if self.leg(leg).is_some_and(|leg| leg.agent.is_some()) {
            return false;
        }
        let Some(outgoing) = self.leg(leg).and_then(Leg::outgoing) else { return false };
        let Target::Phone(phone) = &outgoing.target else { return false };
        let diverted = Diverted { by: phone.extension.clone(), reason: reason(&response.headers, outgoing.progress) };
        let flow = outgoing.flow;
        let dialled = self.about.callee.clone();
        self.redirects.seen.extend([dialled, diverted.by.to_string()]);
        let mut ways = self.ways(desk, &flow, response);
        let before = self.redirects.diverted.len();
        self.redirects.diverted.push(diverted);
        while let Some(route) = ways.pop_front() {
            if self.follow(desk, &route).is_ok() {
                self.redirects.others.extend(ways);
                self.finish_leg(desk, leg, Verdict::of(response.status).cause);
                self.end_if_all_failed(desk);
                return true;
            }
        }
        self.redirects.diverted.truncate(before);
        false
    }

    /// After a failure, when nobody is called any more: the next way that a phone has given.
    pub(super) fn call_next_way(&mut self, desk: &mut Desk, verdict: Verdict) {
        // RFC 3261 §16.7 step 5: a 6xx ends the search.
        if verdict.status.class() == 6 {
            self.redirects.others.clear();
        }
        while self.called().is_empty() {
            let Some(route) = self.redirects.others.pop_front() else { return };
            // Whether it leads to somebody shows in who is called now.
            let _ = self.follow(desk, &route);
        }
    }

    /// Where the contacts lead that were not tried yet, best first.
    fn ways(&mut self, desk: &Desk, flow: &Flow, response: &Response) -> VecDeque<Route> {
        let Ok(Contacts::List(mut contacts)) = response.headers.contacts() else { return VecDeque::new() };
        contacts.truncate(CONTACTS_MAX);
        // RFC 3261 §8.1.3.4: by q, which is 1 where there is none; the sort keeps the order of equals.
        contacts.sort_by_key(|contact| Reverse(contact.q().unwrap_or(Q_MAX)));
        let numbers: Vec<Dialled> = contacts.iter().filter_map(|contact| self.number_of(desk, flow, contact)).collect();
        let mut ways = VecDeque::new();
        for number in numbers {
            ways.extend(self.way_to_number(desk, &number));
        }
        ways
    }

    /// Where a number leads to which the call is sent on, if it is not sent on too often, has not been there, and may.
    pub(super) fn way_to(&mut self, desk: &Desk, number: &Dialled, been: &[String]) -> Option<Route> {
        if self.redirects.diverted.len() >= REDIRECTS_MAX {
            return None;
        }
        self.redirects.seen.extend_from_slice(been);
        self.way_to_number(desk, number)
    }

    fn way_to_number(&mut self, desk: &Desk, number: &Dialled) -> Option<Route> {
        if self.redirects.seen.iter().any(|seen| seen == number.as_str()) {
            return None;
        }
        let (route, _, emergency) = incoming::routed(&self.tenant, number, desk.now.unix_ms);
        // A phone's setting must not keep the emergency services busy.
        let leads = match &route {
            Route::Extension(_) => true,
            Route::Lines(_) => !emergency,
            Route::Room(_)
            | Route::Flow(_)
            | Route::Queue(_)
            | Route::Voicemail(_)
            | Route::Shut(_)
            | Route::Blocked(_)
            | Route::Park(_)
            | Route::Messages(_)
            | Route::EchoTest
            | Route::Nowhere => false,
        };
        leads.then(|| {
            self.redirects.seen.push(number.as_str().to_owned());
            route
        })
    }

    /// An extension has sent the call on.
    pub(super) fn diverted_by(&mut self, diverted: Diverted) {
        self.redirects.diverted.push(diverted);
    }

    /// The extension that is called now.
    pub(super) fn sought(&mut self) -> &mut Option<ExtensionNumber> {
        &mut self.redirects.sought
    }

    /// The number that a contact stands for; `None` if it is on another host than ours.
    fn number_of(&self, desk: &Desk, flow: &Flow, contact: &NameAddr) -> Option<Dialled> {
        if let Uri::Sip(uri) = &contact.uri {
            let named = |name: &String| name.eq_ignore_ascii_case(&uri.host().to_string());
            if !self.tenant.domains.iter().any(named) && !is_ours(&desk.node, flow, uri.host()) {
                return None;
            }
        }
        Dialled::clean(&incoming::number(&contact.uri).ok()?).ok()
    }

    /// Calls what a way leads to, with a ring time of its own.
    ///
    /// # Errors
    /// Why nothing there can be called.
    pub(super) fn follow(&mut self, desk: &mut Desk, route: &Route) -> Result<(), Verdict> {
        let (_, targets, ring_for) = self.targets(desk, route)?;
        let ring_for = if self.transfer().is_some() { ring_for.min(TRANSFER_RING_MAX) } else { ring_for };
        let mut targets = VecDeque::from(targets);
        let mut called = false;
        while let Some(target) = targets.pop_front() {
            let one_at_a_time = matches!(target, Target::Trunk(_));
            called |= self.call_target(desk, target, Summons::Ring).is_ok();
            if called && one_at_a_time {
                break;
            }
        }
        if called {
            self.ring_anew(desk, ring_for);
            if let Stage::Seeking(seeking) = &mut self.stage {
                targets.extend(seeking.queue.drain(..));
                seeking.queue = targets;
            }
        }
        if called { Ok(()) } else { Err(Verdict::of(StatusCode::SERVICE_UNAVAILABLE)) }
    }

    fn ring_anew(&mut self, desk: &mut Desk, ring_for: Duration) {
        let key = TimerKey::Ring(self.id);
        if let Stage::Seeking(seeking) = &mut self.stage {
            desk.timers.stop(seeking.ring_until, key);
            seeking.ring_until = desk.start_timer(ring_for, key);
        }
    }
}

/// Why the phone sent the call on: what it says itself (RFC 5806), else what its behaviour says.
fn reason(headers: &Headers, progress: Progress) -> String {
    let said = headers.diversions().next().and_then(|diversion| diversion.ok()?.reason());
    said.filter(|reason| reason.len() <= REASON_MAX).unwrap_or_else(|| {
        match progress {
            Progress::Silent => "unconditional",
            Progress::Ringing | Progress::EarlyMedia => "deflection",
        }
        .to_owned()
    })
}

/// Whether a phone on this flow means us by that host.
fn is_ours(node: &NodeConfig, flow: &Flow, host: &Host) -> bool {
    let name = host.to_string();
    if name.eq_ignore_ascii_case(&node.domain) {
        return true;
    }
    let addresses = node.sockets.iter().map(|socket| socket.local.ip()).chain([flow.local.ip()]);
    let bound = addresses.filter(|ip| !ip.is_unspecified()).any(|ip| host.ip() == Some(ip.to_canonical()));
    bound || node.advertise.iter().any(|advertised| advertised.host.eq_ignore_ascii_case(&name))
}

/// The Diversion that a trunk sees of it: the extension by its number outside.
pub(crate) fn diversion(address: NameAddr, diverted: &Diverted) -> Diversion {
    Diversion::new(address, &diverted.reason)
}

/// RFC 3261 §20.10, in thousandths.
const Q_MAX: u16 = 1_000;

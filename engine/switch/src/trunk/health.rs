//! Whether the addresses of a trunk are there: OPTIONS at an interval (RFC 3261 §11). One that does not answer often enough is
//! left out by calls until it does.

use std::net::SocketAddr;
use std::time::Duration;

use sip::flow::Flow;
use sip::headers::{CSeq, HeaderName, NameAddr};
use sip::message::{Method, Request, Response, StatusCode};
use sip::transaction::ClientKey;
use sip::uri::{Host, SipUri, Uri};

use super::registration::spoken;
use super::table::{Errand, TrunkTimer};
use super::watched::Watched;
use crate::config::Trunk;
use crate::desk::Desk;
use crate::incoming::HOPS;
use crate::invite;
use crate::nat;
use crate::view::{TrunkAnswer, TrunkTargetView};

/// An address of a trunk.
#[derive(Debug)]
pub(crate) struct Address {
    pub(super) at: SocketAddr,
    standing: Standing,
    misses: u32,
    asked: Option<Asked>,
    last: Option<TrunkAnswer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not asked, or not answered yet; calls take it.
    Unknown,
    Answers,
    /// Calls leave it out.
    Out,
}

/// An OPTIONS that has no answer yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    client: ClientKey,
    since: Duration,
    until: Duration,
}

impl Address {
    fn new(at: SocketAddr) -> Self {
        Self { at, standing: Standing::Unknown, misses: 0, asked: None, last: None }
    }

    pub(super) fn is_out(&self) -> bool {
        self.standing == Standing::Out
    }

    pub(super) fn answers(&self) -> bool {
        self.standing == Standing::Answers
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) fn view(&self) -> TrunkTargetView {
        TrunkTargetView { address: self.at, is_out: self.is_out(), misses: self.misses, last: self.last.clone() }
    }
}

impl Watched {
    /// Takes the addresses of new settings; what is known of one stays.
    pub(super) fn set_addresses(&mut self, desk: &mut Desk) {
        let Some(trunk) = &self.trunk else { return };
        let (id, watched) = (self.id, trunk.enabled && trunk.policy.health.is_some());
        let targets: Vec<SocketAddr> = trunk.targets.iter().copied().take(ADDRESSES_MAX).collect();
        self.test_elapsed();
        desk.trunks
            .timers
            .stop_all(|timer| matches!(timer, TrunkTimer::Probe(of, _) | TrunkTimer::Missed(of, _) if *of == id));
        desk.trunks.errands.retain(|_, errand| !matches!(errand, Errand::Probe(of, _) if *of == id));
        let mut before = std::mem::take(&mut self.addresses);
        for at in targets {
            let mut address = match before.iter().position(|old| old.at == at) {
                Some(place) => before.swap_remove(place),
                None => Address::new(at),
            };
            address.asked = None;
            if !watched {
                address.standing = Standing::Unknown;
                address.misses = 0;
            }
            self.addresses.push(address);
        }
        if watched {
            for at in self.places() {
                self.probe_due(desk, at);
            }
        }
    }

    /// The places of its addresses.
    pub(super) fn places(&self) -> impl Iterator<Item = u8> + use<> {
        0..u8::try_from(self.addresses.len()).expect("there are at most ADDRESSES_MAX")
    }

    /// The next question to an address is due.
    pub(super) fn probe_due(&mut self, desk: &mut Desk, at: u8) {
        let health = self.trunk.as_ref().filter(|trunk| trunk.enabled).and_then(|trunk| trunk.policy.health);
        let Some(health) = health else { return };
        desk.trunks.timers.start(desk.now.after(health.interval), TrunkTimer::Probe(self.id, at));
        self.probe(desk, at);
    }

    /// Asks an address, unless it is being asked. That we are full ourselves says nothing about it.
    pub(super) fn probe(&mut self, desk: &mut Desk, at: u8) {
        let Some(trunk) = &self.trunk else { return };
        let Some(address) = self.addresses.get_mut(usize::from(at)) else { return };
        if address.asked.is_some() {
            return;
        }
        let Some(flow) = nat::new_flow(&desk.node, trunk.transport, address.at) else {
            let text = format!("there is no {} socket of ours by which {} is reached", spoken(trunk), address.at);
            return self.heard(at, TrunkAnswer { at_ms: desk.now.unix_ms, status: 0, text, round_trip_us: None });
        };
        let request = options(desk, trunk, &flow, &self.host);
        if let Ok(client) = desk.send(request, flow) {
            desk.trunks.errands.insert(client, Errand::Probe(self.id, at));
            let until = desk.now.after(ANSWER_MAX);
            desk.trunks.timers.start(until, TrunkTimer::Missed(self.id, at));
            address.asked = Some(Asked { client, since: desk.now.mono, until });
        }
    }

    pub(super) fn probe_responded(&mut self, desk: &mut Desk, at: u8, client: ClientKey, response: &Response) {
        if response.status.is_provisional() {
            return;
        }
        if let Some(since) = self.no_longer_asked(desk, at, client) {
            let answer = answer(desk, response.status, since);
            self.heard(at, answer);
        }
    }

    pub(super) fn probe_unanswered(&mut self, desk: &mut Desk, at: u8, client: ClientKey, status: StatusCode) {
        if self.no_longer_asked(desk, at, client).is_some() {
            let text = unanswered_text(status);
            self.heard(at, TrunkAnswer { at_ms: desk.now.unix_ms, status: 0, text, round_trip_us: None });
        }
    }

    pub(super) fn probe_missed(&mut self, desk: &mut Desk, at: u8) {
        let client = self.addresses.get(usize::from(at)).and_then(|address| address.asked).map(|asked| asked.client);
        if let Some(client) = client {
            desk.trunks.errands.remove(&client);
            self.probe_unanswered(desk, at, client, StatusCode::REQUEST_TIMEOUT);
        }
    }

    /// When the question was asked that is answered now.
    fn no_longer_asked(&mut self, desk: &mut Desk, at: u8, client: ClientKey) -> Option<Duration> {
        let address = self.addresses.get_mut(usize::from(at))?;
        let asked = address.asked.filter(|asked| asked.client == client)?;
        address.asked = None;
        desk.trunks.timers.stop(asked.until, TrunkTimer::Missed(self.id, at));
        Some(asked.since)
    }

    /// What a question came to: any final response but 408 and 503 says that somebody is there.
    fn heard(&mut self, at: u8, answer: TrunkAnswer) {
        let alive = !matches!(answer.status, 0 | 408 | 503);
        let health = self.trunk.as_ref().and_then(|trunk| trunk.policy.health);
        let Some(address) = self.addresses.get_mut(usize::from(at)) else { return };
        address.last = Some(answer.clone());
        if let Some(health) = health {
            if alive {
                address.misses = 0;
                address.standing = Standing::Answers;
            } else {
                address.misses = address.misses.saturating_add(1);
                if address.misses >= health.threshold {
                    address.standing = Standing::Out;
                }
            }
        }
        let reached = address.at;
        self.changed = true;
        self.note_test(reached, &answer);
        if !alive {
            self.trouble(TrunkAnswer { text: format!("OPTIONS to {reached}: {}", answer.text), ..answer });
        }
    }
}

/// What a response to a request of ours says.
pub(super) fn answer(desk: &Desk, status: StatusCode, since: Duration) -> TrunkAnswer {
    let took = desk.now.mono.saturating_sub(since);
    TrunkAnswer {
        at_ms: desk.now.unix_ms,
        status: status.code(),
        text: format!("{} {}", status.code(), status.default_reason()),
        round_trip_us: u64::try_from(took.as_micros()).ok(),
    }
}

/// What is said where none came.
pub(super) fn unanswered_text(status: StatusCode) -> String {
    let text = if status == StatusCode::SERVICE_UNAVAILABLE { "it cannot be reached" } else { "no answer" };
    text.to_owned()
}

fn options(desk: &mut Desk, trunk: &Trunk, flow: &Flow, host: &Host) -> Request {
    let uri: Uri = invite::trunk_uri(trunk, flow, None).into();
    let tag = desk.random.token();
    let call_id = desk.random.token();
    let mut request = Request::new(Method::Options, uri.clone());
    let headers = &mut request.headers;
    headers.push(HeaderName::MaxForwards, u32::from(HOPS));
    headers.push(HeaderName::From, NameAddr::new(SipUri::new(None, host, None).into()).with_tag(&tag));
    headers.push(HeaderName::To, NameAddr::new(uri.clone()));
    headers.push(HeaderName::CallId, call_id);
    headers.push(HeaderName::CSeq, CSeq { seq: 1, method: Method::Options });
    headers.push(HeaderName::Contact, NameAddr::new(nat::contact(&desk.node, flow, "", &uri).into()));
    headers.push(HeaderName::Accept, "application/sdp");
    request
}

/// An OPTIONS without an answer for so long counts as missed: as long as RFC 3261's timer E takes to its longest step.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// Addresses of one trunk that are watched.
const ADDRESSES_MAX: usize = 8;

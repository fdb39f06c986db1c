//! INVITEs that begin a call: who calls, whom, and whether that may be.

use std::sync::Arc;

use dialplan::block::BlockList;
use dialplan::flow::name::Mailbox;
use dialplan::number::{Dialled, TrunkName};
use dialplan::park::ParkPlace;
use dialplan::plan::{Destination, Dial};
use dialplan::rule;
use hooks::fact::{BlockedSide, CallSource, Direction, PeerKind};
use hooks::id::TenantId;
use sip::flow::Flow;
use sip::headers::HeaderName;
use sip::message::{Request, StatusCode};
use sip::sdp::{self, NegotiationError, SessionDescription};
use sip::transaction::ServerKey;
use sip::uri::Uri;

use crate::auth::Verdict;
use crate::body;
use crate::call::{About, Arrival, Blocked, Call, Route, led, not_acceptable};
use crate::config::{Extension, Srtp, TenantConfig, Trunk};
use crate::desk::Refusal;
use crate::identity::Identity;
use crate::input::Admission;
use crate::leg::Peer;
use crate::lifetime;
use crate::nat;
use crate::parking::Unparker;
use crate::pickup::Pickup;
use crate::replace::{Replacement, explained};
use crate::requests::{REQUIRABLE, check_required};
use crate::session;
use crate::switch::Switch;
use crate::trunk;

/// What a caller may do.
enum Admitted {
    /// A call.
    Call(NewCall),
    /// Taking a place in another one.
    Replace(Replacement),
    /// Taking the place of one that rings.
    PickUp(Pickup),
    /// Taking who is parked.
    Unpark(Unparker, ParkPlace),
}

/// A call that may be made.
struct NewCall {
    tenant: Arc<TenantConfig>,
    about: About,
    route: Route,
    peer: Peer,
}

impl Switch {
    /// An INVITE outside any dialog.
    pub(crate) fn invite(&mut self, key: ServerKey, request: Request, flow: Flow) {
        // RFC 3261 §26.2.2 wants TLS on each hop of a `sips:` request; on this one that scheme is not served (§8.2.2.1).
        if !nat::may_carry(&flow, &request.uri) {
            return self.desk.refuse(key, &request, StatusCode::UNSUPPORTED_URI_SCHEME.into());
        }
        // Who signs in is an extension, wherever it is; who does not may be a trunk.
        let admitted = if self.doorman.is_claimed(&request) {
            self.by_extension(key, &request, &flow)
        } else {
            match self.by_trunk(&request, &flow) {
                Some(admitted) => Some(admitted),
                None => self.by_extension(key, &request, &flow),
            }
        };
        let Some(admitted) = admitted else { return };
        let done = admitted.and_then(|admitted| match admitted {
            Admitted::Call(call) => self.begin(key, &request, flow, call),
            Admitted::Replace(what) => self.replace(key, &request, flow, &what),
            Admitted::PickUp(what) => self.pick_up(key, &request, flow, &what),
            Admitted::Unpark(what, place) => self.unpark(key, &request, flow, &what, &place),
        });
        if let Err(refusal) = done {
            self.desk.refuse(key, &request, refusal);
        }
    }

    /// A call by a trunk: to the Contact we registered there, else from one of its sources, else by the flow we registered on.
    /// `None` if it is none.
    fn by_trunk(&self, request: &Request, flow: &Flow) -> Option<Result<Admitted, Refusal>> {
        let user = request.uri.user().unwrap_or_default();
        let named = |(tenant, trunk): (&TenantId, &TrunkName)| {
            let tenant = self.tenants.by_id(tenant)?;
            Some((tenant, tenant.trunks.get(trunk).filter(|trunk| trunk.enabled)?))
        };
        if let Some((tenant, trunk)) = self.desk.trunks.by_contact(&user, flow).and_then(named) {
            return Some(from_trunk(tenant, trunk, request, called_by_contact(request), self.desk.now.unix_ms));
        }
        let (tenant, trunk) = self.tenants.by_source(flow.peer.ip(), Some(&user)).or_else(|| {
            let candidates: Vec<_> = self.desk.trunks.by_flow(flow).filter_map(named).collect();
            let taking = candidates.iter().find(|(tenant, trunk)| tenant.plan.inbound(&trunk.name, &user).is_some());
            taking.or(candidates.first()).copied()
        })?;
        let called = number(&request.uri).map(|dialled| [Some(dialled), called_in_to(request)].into_iter().flatten());
        let now_ms = self.desk.now.unix_ms;
        Some(called.and_then(|called| from_trunk(tenant, trunk, request, called.collect(), now_ms)))
    }

    /// `None` when it was answered already: the caller did not prove who it is.
    fn by_extension(&mut self, key: ServerKey, request: &Request, flow: &Flow) -> Option<Result<Admitted, Refusal>> {
        let tenant = self.tenant_of(request);
        let verdict = self.doorman.identify(self.desk.now, &mut self.desk.metrics, tenant.as_deref(), request, flow);
        match (verdict, &tenant) {
            (Verdict::Proven(extension), Some(tenant)) => {
                Some(dialled_by(tenant, extension, request, self.desk.now.unix_ms))
            }
            (Verdict::Proven(_), None) => None,
            (Verdict::Refused { response, delay, banned }, _) => {
                let tenant = tenant.as_ref().map(|tenant| tenant.tenant.clone());
                self.refuse_stranger(key, response, delay, banned, tenant);
                None
            }
        }
    }

    /// The tenant of an extension's request: by the host in its From, or else in the Request-URI.
    pub(crate) fn tenant_of(&self, request: &Request) -> Option<Arc<TenantConfig>> {
        let from = request.headers.from().ok();
        let hosts = [from.as_ref().map(|from| &from.uri), Some(&request.uri)];
        hosts
            .into_iter()
            .flatten()
            .filter_map(Uri::as_sip)
            .find_map(|uri| self.tenants.by_host(&uri.host().to_string()))
            .cloned()
    }

    /// Checks what every call must fulfil, and begins it.
    fn begin(&mut self, key: ServerKey, request: &Request, flow: Flow, admitted: NewCall) -> Result<(), Refusal> {
        let NewCall { tenant, about, route, peer } = admitted;
        check_required(&request.headers, REQUIRABLE)?;
        let timer = self.desk.node.session_timer.answer(&request.headers).map_err(|error| lifetime::refusal(&error))?;
        let offer = body::session(&request.headers, &request.body)?;
        let srtp = match peer.kind {
            PeerKind::Extension => tenant.srtp_of_extension(&peer.name),
            PeerKind::Trunk | PeerKind::Service => tenant.srtp_of_trunk(&peer.name),
        };
        self.check_offer(offer.as_ref(), srtp)?;
        // GEN-18: an emergency call is past limits and admission.
        if !about.emergency {
            self.check_admission()?;
            self.check_agent(&tenant.tenant, &peer)
                .map_err(|refused| explained(StatusCode::FORBIDDEN, &refused.to_string()))?;
        }
        if let Some(trunk) = &about.trunk
            && let Some(refusal) = trunk::refusal_of_full(&mut self.desk, &tenant.tenant, trunk)
        {
            return Err(refusal);
        }
        let arrival = Arrival { server: key, request: request.clone(), flow, timer, offer, peer, srtp };
        let (mut call, caller) = Call::dialled(&mut self.desk, &tenant, about, arrival)?;
        call.ask_who_calls(&mut self.desk, &route);
        call.seek(&mut self.desk, caller, &route);
        self.keep(call);
        Ok(())
    }

    /// RFC 3261 §13.3.1.3: 488 for an offer that nobody could take.
    pub(crate) fn check_offer(&self, offer: Option<&SessionDescription>, srtp: Srtp) -> Result<(), Refusal> {
        let Some(offer) = offer else { return Ok(()) };
        let by_dtls = sdp::offers_dtls(offer);
        let error = match session::offered_codecs(offer) {
            Ok(_) if by_dtls && self.desk.node.browsers.is_none() => NegotiationError::NoCommonCrypto,
            Ok(_) if srtp == Srtp::Required && !by_dtls && !sdp::offers_crypto(offer) => {
                NegotiationError::NoCommonCrypto
            }
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        Err(not_acceptable(error, &self.desk.node.domain))
    }

    /// Whether another call is accepted now.
    pub(crate) fn check_admission(&mut self) -> Result<(), Refusal> {
        match self.admission {
            Admission::Open => {}
            Admission::DiskLow | Admission::JournalFailed | Admission::Draining => {
                self.desk.metrics.refused_not_admitted += 1;
                return Err(Refusal::busy_node());
            }
        }
        if self.calls.len() >= self.desk.node.limits.calls {
            self.desk.metrics.refused_calls_full += 1;
            return Err(Refusal::busy_node());
        }
        Ok(())
    }

    /// Whether the agent who would call may do so now (CALL-06).
    pub(crate) fn check_agent(&self, tenant: &TenantId, peer: &Peer) -> Result<(), crate::agent::Refused> {
        match self.desk.floor.at(tenant, peer) {
            Some(agent) => self.desk.floor.may_dial(agent),
            None => Ok(()),
        }
    }

    /// Keeps a call that was just begun, if it goes on.
    pub(crate) fn keep(&mut self, mut call: Call) {
        if !call.settle(&mut self.desk) {
            self.calls.insert(call.id, call);
        }
    }

    /// Whether an INVITE is for an emergency number of the tenant it names: such a one is past bans (GEN-18).
    pub(crate) fn is_emergency(&self, request: &Request) -> bool {
        let number = request.uri.user().and_then(|user| Dialled::clean(&user).ok());
        let tenant = self.tenant_of(request);
        number
            .is_some_and(|number| tenant.is_some_and(|tenant| matches!(tenant.plan.dial(&number), Dial::Emergency(_))))
    }

    /// The tenant of that id.
    pub(crate) fn tenant(&self, tenant: &TenantId) -> Option<Arc<TenantConfig>> {
        self.tenants.by_id(tenant).cloned()
    }
}

/// Where a number dialled by an extension leads, and whether it is an emergency.
pub(crate) fn routed(tenant: &TenantConfig, number: &Dialled, now_ms: u64) -> (Route, Direction, bool) {
    match tenant.plan.dial(number) {
        Dial::Emergency(attempts) => (Route::Lines(attempts), Direction::Outbound, true),
        Dial::Internal(destination) => (inside(&destination), Direction::Internal, false),
        Dial::Outbound(attempts) => {
            let blocked = blocked(&tenant.blocks.callees, BlockedSide::Callee, number.as_str(), now_ms);
            (blocked.unwrap_or(Route::Lines(attempts)), Direction::Outbound, false)
        }
        Dial::Park(place) => (Route::Park(place), Direction::Internal, false),
        // A phone's own errand, and nobody else's.
        Dial::PickUp(_) | Dial::Messages | Dial::MessagesOf(_) | Dial::Unknown => {
            (Route::Nowhere, Direction::Internal, false)
        }
    }
}

/// Where a number leads that is on a block list (GEN-19).
fn blocked(list: &BlockList, side: BlockedSide, number: &str, now_ms: u64) -> Option<Route> {
    let block = list.blocks_any_form(number, i64::try_from(now_ms).unwrap_or(i64::MAX))?;
    Some(Route::Blocked(Box::new(Blocked { side, number: number.to_owned(), treatment: block.treatment })))
}

pub(crate) fn inside(destination: &Destination) -> Route {
    match destination {
        Destination::Extension(number) => Route::Extension(number.clone()),
        Destination::Room(number) => Route::Room(number.clone()),
        Destination::Flow(name) => Route::Flow(name.clone()),
        Destination::Queue(name) => Route::Queue(name.clone()),
        Destination::Voicemail(mailbox) => Route::Voicemail(mailbox.clone()),
        // No phone of ours dials a place: it dials the number.
        Destination::Outside(_) => Route::Nowhere,
        Destination::EchoTest => Route::EchoTest,
    }
}

/// Where an inbound route leads: as [`inside`], or to a number outside by the outbound routes. Emergency numbers are nobody's to be led
/// to, and a number that the plan leads elsewhere by now is nowhere.
pub(crate) fn led_to(tenant: &TenantConfig, destination: &Destination, now_ms: u64) -> Route {
    let Destination::Outside(number) = destination else { return inside(destination) };
    match routed(tenant, number, now_ms) {
        (route @ (Route::Lines(_) | Route::Blocked(_)), _, false) => route,
        (_, _, _) => Route::Nowhere,
    }
}

/// A call by one of our phones.
fn dialled_by(
    tenant: &Arc<TenantConfig>,
    extension: &Extension,
    request: &Request,
    now_ms: u64,
) -> Result<Admitted, Refusal> {
    if let Some(what) = Replacement::asked(tenant, extension, request)? {
        return Ok(Admitted::Replace(what));
    }
    let user = number(&request.uri)?;
    let from = request.headers.from().map_err(|_| Refusal::from(StatusCode::BAD_REQUEST))?;
    // An extension cannot call as another one.
    if from.uri.user().as_deref() != Some(extension.number.as_str()) {
        return Err(StatusCode::FORBIDDEN.into());
    }
    let dialled = Dialled::clean(&user).map_err(|_| Refusal::from(StatusCode::NOT_FOUND))?;
    let by = extension.number.clone();
    let (route, direction, emergency) = match tenant.plan.dial(&dialled) {
        Dial::PickUp(from) => return Ok(Admitted::PickUp(Pickup { tenant: tenant.clone(), by, from })),
        Dial::Park(place) => return Ok(Admitted::Unpark(Unparker { tenant: tenant.clone(), by }, place)),
        Dial::Messages => (Route::Messages(Mailbox::Extension(by)), Direction::Internal, false),
        Dial::MessagesOf(queue) => (Route::Messages(Mailbox::Queue(queue)), Direction::Internal, false),
        Dial::Emergency(_) | Dial::Internal(_) | Dial::Outbound(_) | Dial::Unknown => routed(tenant, &dialled, now_ms),
    };
    let about = About {
        direction,
        source: CallSource::Dialled,
        caller: extension.number.to_string(),
        caller_name: extension.display_name.clone(),
        callee: dialled.as_str().to_owned(),
        trunk: None,
        emergency,
        identity: Identity::of_phone(&request.headers),
        hops: hops(request),
    };
    let own = extension.number.to_string();
    let peer = Peer { kind: PeerKind::Extension, name: own.clone(), number: own };
    Ok(Admitted::Call(NewCall { tenant: tenant.clone(), about, route, peer }))
}

/// The numbers that a call to our Contact may be for: the Request-URI names ourselves, so what was dialled is in
/// P-Called-Party-ID (RFC 7315 §4.2), else in To.
fn called_by_contact(request: &Request) -> Vec<String> {
    let name = HeaderName::from_bytes(b"P-Called-Party-ID").expect("a token");
    let party =
        request.headers.address_list(name).ok().and_then(|list| list.first().and_then(|to| number(&to.uri).ok()));
    party.into_iter().chain(called_in_to(request)).collect()
}

fn called_in_to(request: &Request) -> Option<String> {
    request.headers.to().ok().and_then(|to| to.uri.user().map(std::borrow::Cow::into_owned))
}

/// A call by a trunk: to the first of these numbers that a route takes.
fn from_trunk(
    tenant: &Arc<TenantConfig>,
    trunk: &Trunk,
    request: &Request,
    called: Vec<String>,
    now_ms: u64,
) -> Result<Admitted, Refusal> {
    if request.headers.contains(&HeaderName::Replaces) {
        return Err(explained(StatusCode::FORBIDDEN, "only an extension may take a place in a call"));
    }
    let numbers = &trunk.policy.numbers;
    let called: Vec<String> = called.iter().map(|number| rule::rewrite(&numbers.called_in, number)).collect();
    let found = called
        .iter()
        .find_map(|did| tenant.plan.inbound(&trunk.name, did).map(|route| (did.clone(), led(tenant, route, now_ms))));
    let first = called.into_iter().next();
    let (callee, route) = found.unwrap_or_else(|| (first.unwrap_or_default(), Route::Nowhere));
    let mut caller = trunk::caller_id(trunk, &request.headers);
    caller.number = rule::rewrite(&numbers.caller_in, &caller.number);
    let blocked = blocked(&tenant.blocks.callers, BlockedSide::Caller, &caller.number, now_ms);
    let route = blocked.unwrap_or(route);
    let about = About {
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: caller.number.clone(),
        caller_name: caller.name,
        callee,
        trunk: Some(trunk.name.to_string()),
        emergency: false,
        identity: Identity::of_trunk(&request.headers),
        hops: hops(request),
    };
    let peer = Peer { kind: PeerKind::Trunk, name: trunk.name.to_string(), number: caller.number };
    Ok(Admitted::Call(NewCall { tenant: tenant.clone(), about, route, peer }))
}

/// The number in a Request-URI.
pub(crate) fn number(uri: &Uri) -> Result<String, Refusal> {
    match uri {
        // RFC 3261 §8.2.2.1.
        Uri::Other(_) => Err(StatusCode::UNSUPPORTED_URI_SCHEME.into()),
        Uri::Sip(_) | Uri::Tel(_) => {
            let user = uri.user().filter(|user| !user.is_empty());
            let user = user.ok_or_else(|| Refusal::from(StatusCode::NOT_FOUND))?;
            // RFC 3261 §19.1.1: what follows a semicolon are parameters of the number (RFC 3966).
            Ok(user.split(';').next().unwrap_or_default().to_owned())
        }
    }
}

/// One hop fewer than the caller allowed, so that a loop through us ends.
pub(crate) fn hops(request: &Request) -> u8 {
    request.headers.max_forwards().ok().flatten().unwrap_or(HOPS).saturating_sub(1)
}

/// RFC 3261 §8.1.1.6.
pub(crate) const HOPS: u8 = 70;

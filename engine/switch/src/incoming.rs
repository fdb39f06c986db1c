//! INVITEs that begin a call: who calls, whom, and whether that may be.

use std::sync::Arc;

use dialplan::number::Dialled;
use dialplan::plan::{Destination, Dial};
use hooks::fact::{CallSource, Direction, PeerKind};
use hooks::id::TenantId;
use sip::flow::Flow;
use sip::message::{Request, StatusCode};
use sip::sdp::SessionDescription;
use sip::transaction::ServerKey;
use sip::uri::Uri;

use crate::auth::Verdict;
use crate::body;
use crate::call::{About, Arrival, Call, Route, not_acceptable};
use crate::config::{Extension, TenantConfig, Trunk};
use crate::desk::Refusal;
use crate::input::Admission;
use crate::leg::Peer;
use crate::nat;
use crate::requests::check_required;
use crate::session;
use crate::switch::Switch;
use crate::trunk;

/// A call that may be made.
struct Admitted {
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
            let did = request.uri.user();
            match self.tenants.by_source(flow.peer.ip(), did.as_deref()) {
                Some((tenant, trunk)) => Some(from_trunk(tenant, trunk, &request)),
                None => self.by_extension(key, &request, &flow),
            }
        };
        let Some(admitted) = admitted else { return };
        if let Err(refusal) = admitted.and_then(|admitted| self.begin(key, &request, flow, admitted)) {
            self.desk.refuse(key, &request, refusal);
        }
    }

    /// `None` when it was answered already: the caller did not prove who it is.
    fn by_extension(&mut self, key: ServerKey, request: &Request, flow: &Flow) -> Option<Result<Admitted, Refusal>> {
        let tenant = self.tenant_of(request);
        let verdict = self.doorman.identify(self.desk.now, &mut self.desk.metrics, tenant.as_deref(), request, flow);
        match (verdict, &tenant) {
            (Verdict::Proven(extension), Some(tenant)) => Some(dialled_by(tenant, extension, request)),
            (Verdict::Proven(_), None) => None,
            (Verdict::Refused { response, delay, banned }, _) => {
                let tenant = tenant.as_ref().map(|tenant| tenant.tenant.clone());
                self.refuse_stranger(key, response, delay, banned, tenant);
                None
            }
        }
    }

    /// The tenant of an extension's request: by the host in its From, or else in the Request-URI.
    fn tenant_of(&self, request: &Request) -> Option<Arc<TenantConfig>> {
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
    fn begin(&mut self, key: ServerKey, request: &Request, flow: Flow, admitted: Admitted) -> Result<(), Refusal> {
        let Admitted { tenant, about, route, peer } = admitted;
        check_required(&request.headers, &[])?;
        let offer = body::session(&request.headers, &request.body)?;
        self.check_offer(offer.as_ref())?;
        // GEN-18: an emergency call is past limits and admission.
        if !about.emergency {
            self.check_admission()?;
        }
        let arrival = Arrival { server: key, request: request.clone(), flow, offer, peer };
        let (mut call, caller) = Call::dialled(&mut self.desk, &tenant, about, arrival)?;
        call.seek(&mut self.desk, caller, &route);
        self.keep(call);
        Ok(())
    }

    /// RFC 3261 §13.3.1.3: 488 for an offer that nobody could take.
    fn check_offer(&self, offer: Option<&SessionDescription>) -> Result<(), Refusal> {
        let Some(offer) = offer else { return Ok(()) };
        match session::offered_codecs(offer) {
            Ok(_) => Ok(()),
            Err(error) => Err(not_acceptable(error, &self.desk.node.domain)),
        }
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
pub(crate) fn routed(tenant: &TenantConfig, number: &Dialled) -> (Route, Direction, bool) {
    match tenant.plan.dial(number) {
        Dial::Emergency(attempts) => (Route::Lines(attempts), Direction::Outbound, true),
        Dial::Internal(destination) => (inside(&destination), Direction::Internal, false),
        Dial::Outbound(attempts) => (Route::Lines(attempts), Direction::Outbound, false),
        Dial::Unknown => (Route::Nowhere, Direction::Internal, false),
    }
}

fn inside(destination: &Destination) -> Route {
    match destination {
        Destination::Extension(number) => Route::Extension(number.clone()),
        Destination::EchoTest => Route::EchoTest,
    }
}

/// A call by one of our phones.
fn dialled_by(tenant: &Arc<TenantConfig>, extension: &Extension, request: &Request) -> Result<Admitted, Refusal> {
    let user = number(&request.uri)?;
    let from = request.headers.from().map_err(|_| Refusal::from(StatusCode::BAD_REQUEST))?;
    // An extension cannot call as another one.
    if from.uri.user().as_deref() != Some(extension.number.as_str()) {
        return Err(StatusCode::FORBIDDEN.into());
    }
    let dialled = Dialled::clean(&user).map_err(|_| Refusal::from(StatusCode::NOT_FOUND))?;
    let (route, direction, emergency) = routed(tenant, &dialled);
    let about = About {
        direction,
        source: CallSource::Dialled,
        caller: extension.number.to_string(),
        caller_name: extension.display_name.clone(),
        callee: dialled.as_str().to_owned(),
        trunk: None,
        emergency,
        hops: hops(request),
    };
    let own = extension.number.to_string();
    let peer = Peer { kind: PeerKind::Extension, name: own.clone(), number: own };
    Ok(Admitted { tenant: tenant.clone(), about, route, peer })
}

/// A call by a trunk: to the number in the Request-URI, or in the To where no route takes that.
fn from_trunk(tenant: &Arc<TenantConfig>, trunk: &Trunk, request: &Request) -> Result<Admitted, Refusal> {
    let dialled = number(&request.uri)?;
    let to = request.headers.to().ok().and_then(|to| to.uri.user().map(std::borrow::Cow::into_owned));
    let candidates = [Some(dialled.clone()), to];
    let found = candidates
        .into_iter()
        .flatten()
        .find_map(|did| tenant.plan.inbound(&trunk.name, &did).map(|destination| (did, inside(destination))));
    let (callee, route) = found.unwrap_or((dialled, Route::Nowhere));
    let caller = trunk::caller_id(trunk, &request.headers);
    let about = About {
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: caller.number.clone(),
        caller_name: caller.name,
        callee,
        trunk: Some(trunk.name.to_string()),
        emergency: false,
        hops: hops(request),
    };
    let peer = Peer { kind: PeerKind::Trunk, name: trunk.name.to_string(), number: caller.number };
    Ok(Admitted { tenant: tenant.clone(), about, route, peer })
}

/// The number in a Request-URI.
fn number(uri: &Uri) -> Result<String, Refusal> {
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
fn hops(request: &Request) -> u8 {
    request.headers.max_forwards().ok().flatten().unwrap_or(HOPS).saturating_sub(1)
}

/// RFC 3261 §8.1.1.6.
pub(crate) const HOPS: u8 = 70;

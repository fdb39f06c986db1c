//! REGISTER from the wire, bindings from before a restart, and what is written down of both.

use std::net::SocketAddr;
use std::time::Duration;

use dialplan::number::ExtensionNumber;
use hooks::fact::{Event, RegistrationBound, RegistrationUnbound, SourceBanned, UnboundReason};
use hooks::id::TenantId;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::headers::{Contacts, HeaderName, Headers, NameAddr};
use sip::message::{Request, Response, StatusCode};
use sip::transaction::ServerKey;
use sip::uri::Uri;

use crate::auth::Verdict;
use crate::calendar::Civil;
use crate::call::Reconnected;
use crate::desk::{Refusal, TimerKey};
use crate::nat;
use crate::registrar::{self, Aor, Binding, Change, Device, Lost, Registrar, Restored, Unacceptable, Update};
use crate::requests::check_required;
use crate::switch::Switch;
use crate::target::Phone;
use crate::view::{BanView, RegistrationView, View};

/// Answers held back at a time; beyond this they go out at once.
const SLOWED_MAX: usize = 1_024;

impl Switch {
    /// RFC 3261 §10.3.
    pub(crate) fn register(&mut self, key: ServerKey, request: &Request, flow: Flow) {
        let host = request.uri.as_sip().map(|uri| uri.host().to_string()).unwrap_or_default();
        let tenant = self.tenants.by_host(&host).cloned();
        let verdict = self.doorman.identify(self.desk.now, &mut self.desk.metrics, tenant.as_deref(), request, &flow);
        let extension = match verdict {
            Verdict::Proven(extension) => extension.number.clone(),
            Verdict::Refused { response, delay, banned } => {
                let tenant = tenant.map(|tenant| tenant.tenant.clone());
                return self.refuse_stranger(key, response, delay, banned, tenant);
            }
        };
        let Some(tenant) = tenant else { return };
        let aor = Aor { tenant: tenant.tenant.clone(), extension };
        match self.update_bindings(&aor, request, flow) {
            Ok(changes) => {
                let bound: Vec<Arrived> = changes.iter().filter_map(|change| Arrived::of(change, flow)).collect();
                for change in changes {
                    self.registration_changed(change);
                }
                let response = self.registered(&aor, request);
                self.desk.respond(key, response);
                for arrived in bound {
                    self.reconnected(&aor, &arrived);
                }
            }
            Err(refusal) => self.desk.refuse(key, request, refusal),
        }
    }

    fn update_bindings(&mut self, aor: &Aor, request: &Request, flow: Flow) -> Result<Vec<Change>, Refusal> {
        let bad = |_| Refusal::from(StatusCode::BAD_REQUEST);
        let headers = &request.headers;
        check_required(headers, &["path", "outbound"])?;
        // RFC 3261 §10.3 step 4: an extension registers itself and no other.
        let to = headers.to().map_err(bad)?;
        if to.uri.user().as_deref() != Some(aor.extension.as_str()) {
            return Err(StatusCode::FORBIDDEN.into());
        }
        let contacts = headers.contacts().map_err(bad)?;
        if let Contacts::List(list) = &contacts
            && list.iter().any(|contact| contact.uri.as_sip().is_none())
        {
            return Err(StatusCode::BAD_REQUEST.into());
        }
        // RFC 5630 §3.1.3: nobody could be called there by this flow.
        if let Contacts::List(list) = &contacts
            && list.iter().any(|contact| !nat::may_carry(&flow, &contact.uri))
        {
            return Err(StatusCode::BAD_REQUEST.into());
        }
        let user_agent = headers.user_agent().unwrap_or_default();
        let update = Update {
            flow,
            contacts: &contacts,
            expires: headers.expires(),
            path: headers.paths().map_err(bad)?,
            user_agent: &user_agent,
            sip_call_id: headers.call_id().map_err(bad)?,
            cseq: headers.cseq().map_err(bad)?.seq,
            pass: self.doorman.pass_of(&aor.tenant, request),
            round_trip: self.doorman.answered_after(self.desk.now, request),
        };
        let min_expires = self.desk.registrar.min_expires_s();
        self.desk.registrar.register(self.desk.now, aor, &update).map_err(|unacceptable| match unacceptable {
            Unacceptable::Wildcard | Unacceptable::TooMany => StatusCode::BAD_REQUEST.into(),
            Unacceptable::TooBrief => {
                Refusal::from(StatusCode::INTERVAL_TOO_BRIEF).with(HeaderName::MinExpires, min_expires)
            }
            Unacceptable::OutOfOrder => StatusCode::SERVER_INTERNAL_ERROR.into(),
        })
    }

    /// RFC 3261 §10.3 step 8: all bindings with their expiry.
    fn registered(&mut self, aor: &Aor, request: &Request) -> Response {
        let tag = self.desk.random.token();
        let mut response = Response::to_request(request, StatusCode::OK, Some(&tag));
        let now = self.desk.now;
        let mut outbound = false;
        for binding in self.desk.registrar.of(aor) {
            let mut contact = NameAddr::new(binding.uri.clone());
            contact.set_param("expires", &Registrar::left_s(binding, now).to_string());
            if let Some((instance, reg_id)) = binding.device() {
                contact.set_param("+sip.instance", &format!("<{instance}>"));
                if let Some(reg_id) = reg_id {
                    contact.set_param("reg-id", &reg_id.to_string());
                    outbound = true;
                }
            }
            response.headers.push(HeaderName::Contact, contact);
        }
        response.headers.append_copies(&request.headers, &HeaderName::Path);
        // RFC 5626 §6: said when a reg-id was heeded.
        if outbound && request.headers.has_option("outbound") {
            response.headers.push(HeaderName::Require, "outbound");
        }
        response.with(HeaderName::Date, Civil::of(now.unix_ms).http_date())
    }

    /// Writes down and publishes what happened to a binding.
    pub(crate) fn registration_changed(&mut self, change: Change) {
        let (Change::Bound { aor, .. } | Change::Unbound { aor, .. }) = &change;
        let of = aor.clone();
        self.write_registration(change);
        self.phones_changed(&of);
    }

    fn write_registration(&mut self, change: Change) {
        match change {
            Change::Bound { aor, binding, made, .. } => {
                let binding = *binding;
                self.desk.metrics.registrations_bound += u64::from(made);
                let bound = RegistrationBound {
                    extension: aor.extension.to_string(),
                    contact: binding.contact.clone(),
                    path: binding.path.iter().map(registrar::text).collect(),
                    source: binding.flow.to_string(),
                    local: binding.flow.local.to_string(),
                    user_agent: binding.user_agent.clone(),
                    sip_call_id: binding.sip_call_id.clone(),
                    cseq: binding.cseq,
                    expires_at_ms: binding.expires_at_ms,
                };
                self.desk.fact(&aor.tenant, Event::RegistrationBound(bound));
                self.desk.publish(View::Registration(shown(aor, binding)));
            }
            Change::Unbound { aor, contact, reason } => {
                self.desk.metrics.contacts_replaced += u64::from(reason == UnboundReason::Replaced);
                let extension = aor.extension.to_string();
                let unbound = RegistrationUnbound { extension: extension.clone(), contact: contact.clone(), reason };
                self.desk.fact(&aor.tenant, Event::RegistrationUnbound(unbound));
                self.desk.publish(View::RegistrationGone(aor.tenant, extension, contact));
            }
        }
    }

    /// A phone whose connection broke during a call is reached over the one that it registers on now.
    fn reconnected(&mut self, aor: &Aor, arrived: &Arrived) {
        self.desk.presence.reconnected(aor, &arrived.uri, arrived.flow);
        let extension = aor.extension.as_str();
        let lost = arrived.device.clone().map(|device| Lost { aor: aor.clone(), device });
        let target = Phone {
            extension: aor.extension.clone(),
            uri: arrived.uri.clone(),
            path: arrived.path.clone(),
            flow: arrived.flow,
            others: Vec::new(),
        };
        let (contact, flow, device) = (&arrived.uri, arrived.flow, arrived.device.as_ref());
        let phone = Reconnected { extension, contact, flow, device, target };
        for call in self.desk.engaged.calls_of(&aor.tenant, extension) {
            self.with_call(call, |call, desk| {
                // A browser has one connection: the one before is as good as closed.
                if let (Some(left), Some(lost)) = (arrived.left, &lost) {
                    call.connection_closed(desk, left, std::slice::from_ref(lost));
                }
                call.reconnected(desk, &phone);
            });
        }
    }

    /// Takes back a binding that was written down before a restart. A connection does not outlive its process, so only those
    /// over UDP are taken.
    pub(crate) fn restore(&mut self, tenant: &TenantId, bound: &RegistrationBound) {
        let Some(config) = self.tenants.by_id(tenant) else { return };
        let takes_it = |number: &ExtensionNumber| {
            config.extensions.get(number).is_some_and(|own| own.ways.allow_by(Transport::Udp))
        };
        let Some(extension) = bound.extension.parse().ok().filter(takes_it) else { return };
        let aor = Aor { tenant: tenant.clone(), extension };
        let Some(spec) = restored(bound) else { return };
        // It is written down already: only the view is new.
        if let Some(Change::Bound { aor, binding, .. }) = self.desk.registrar.restore(self.desk.now, &aor, spec) {
            self.desk.publish(View::Registration(shown(aor.clone(), *binding)));
            self.phones_changed(&aor);
        }
    }

    /// Answers a request whose sender did not prove who it is, perhaps after a while, and writes a ban down.
    pub(crate) fn refuse_stranger(
        &mut self,
        key: ServerKey,
        response: Response,
        delay: Duration,
        banned: Option<BanView>,
        tenant: Option<TenantId>,
    ) {
        if let Some(ban) = banned {
            let fact = SourceBanned { source: ban.source.to_string(), until_ms: ban.until_ms, failures: ban.failures };
            if let Some(tenant) = tenant {
                self.desk.fact(&tenant, Event::SourceBanned(fact));
            }
            self.desk.publish(View::Ban(ban));
        }
        if delay.is_zero() || self.slowed.waiting.len() >= SLOWED_MAX {
            return self.desk.respond(key, response);
        }
        let id = self.slowed.next;
        self.slowed.next += 1;
        self.slowed.waiting.insert(id, (key, response));
        self.desk.start_timer(delay, TimerKey::Slowed(id));
    }
}

/// A phone that registered over a connection.
struct Arrived {
    uri: Uri,
    path: Vec<NameAddr>,
    flow: Flow,
    device: Option<Device>,
    /// The WebSocket that it registered over before.
    left: Option<ConnectionId>,
}

impl Arrived {
    fn of(change: &Change, flow: Flow) -> Option<Self> {
        let (binding, left) = change.bound()?;
        flow.connection?;
        let left = left.filter(|_| matches!(flow.transport, Transport::Ws | Transport::Wss));
        let (uri, path, device) = (binding.uri.clone(), binding.path.clone(), binding.phone().cloned());
        Some(Self { uri, path, flow, device, left })
    }
}

/// What others see of a binding.
fn shown(aor: Aor, binding: Binding) -> RegistrationView {
    RegistrationView {
        tenant: aor.tenant,
        extension: aor.extension.to_string(),
        contact: binding.contact,
        source: binding.flow.to_string(),
        user_agent: binding.user_agent,
        since_ms: binding.since_ms,
        expires_at_ms: binding.expires_at_ms,
        round_trip_us: binding.round_trip.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
    }
}

/// `UDP 192.0.2.1:5060` and its kin back to a flow. `None` for what had a connection, or cannot be read.
fn restored(bound: &RegistrationBound) -> Option<Restored> {
    let (transport, peer) = bound.source.split_once(' ')?;
    if transport != Transport::Udp.via_name() {
        return None;
    }
    let local: SocketAddr = bound.local.parse().ok()?;
    let flow = Flow { transport: Transport::Udp, local, peer: peer.parse().ok()?, connection: None };
    let mut written = Headers::new();
    written.push(HeaderName::Contact, bound.contact.as_str());
    for hop in &bound.path {
        written.push(HeaderName::Path, hop.as_str());
    }
    Some(Restored {
        address: written.contacts().ok()?.first()?.clone(),
        path: written.paths().ok()?,
        flow,
        user_agent: bound.user_agent.clone(),
        sip_call_id: bound.sip_call_id.clone(),
        cseq: bound.cseq,
        expires_at_ms: bound.expires_at_ms,
    })
}

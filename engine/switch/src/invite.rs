//! The INVITEs that we send: to phones, and to trunks.

use bytes::Bytes;
use dialplan::header::Parts;
use hooks::fact::{Sign, Way};
use hooks::id::CallId;
use sip::flow::Flow;
use sip::headers::{CSeq, HeaderName, Headers, NameAddr};
use sip::message::{Method, Request};
use sip::session_timer::Proposal;
use sip::uri::{Host, SipUri, Uri};

use crate::call::{About, Diverted, diversion};
use crate::config::{TenantConfig, Trunk};
use crate::desk::{Desk, LegIndex};
use crate::identity;
use crate::leg::Side;
use crate::nat;
use crate::requests::SUPPORTED;
use crate::target::{Line, Phone, Target};
use crate::trunk;

/// Methods we take in a dialog and out of it (RFC 3261 §20.5).
pub(crate) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, PRACK, UPDATE, REFER, REGISTER, SUBSCRIBE, NOTIFY";

/// How a phone is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Summons {
    /// It rings.
    Ring,
    /// It rings, and whom its user will talk with is called once he answers.
    RingFirst,
    /// It answers by itself (CALL-09): its user has asked for the call.
    AutoAnswer,
    /// It answers by itself: its user supervises the agent at that leg.
    Supervise(LegIndex),
    /// It answers by itself: it is in the call already, but its page was loaded again.
    Return(Return),
}

/// Where a browser comes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Return {
    pub(crate) call: CallId,
    /// Its leg so far.
    pub(crate) leg: LegIndex,
    pub(crate) side: Side,
}

/// What an INVITE is made of.
#[derive(Debug)]
pub(crate) struct Invitation<'a> {
    pub(crate) tenant: &'a TenantConfig,
    pub(crate) about: &'a About,
    pub(crate) target: &'a Target,
    pub(crate) summons: Summons,
    pub(crate) tag: &'a str,
    pub(crate) timer: Proposal,
    pub(crate) offer: Bytes,
    /// Who sent the call on, the latest first.
    pub(crate) diverted: Vec<Diverted>,
}

/// The INVITE; the transaction adds its Via.
pub(crate) fn build(desk: &mut Desk, invitation: &Invitation<'_>) -> Request {
    let call_id = desk.random.token();
    let flow = invitation.target.flow();
    let (uri, to) = addresses(desk, invitation);
    let from = from(desk, invitation);
    let contact_user = from.uri.user().map_or_else(String::new, std::borrow::Cow::into_owned);
    let contact = nat::contact(&desk.node, &flow, &contact_user, &uri);
    let mut request = Request::new(Method::Invite, uri);
    let headers = &mut request.headers;
    if let Target::Phone(phone) = invitation.target {
        for hop in &phone.path {
            headers.push(HeaderName::Route, hop);
        }
    }
    headers.push(HeaderName::MaxForwards, u32::from(invitation.about.hops));
    headers.push(HeaderName::From, from.with_tag(invitation.tag));
    headers.push(HeaderName::To, NameAddr::new(to));
    headers.push(HeaderName::CallId, call_id);
    headers.push(HeaderName::CSeq, CSeq { seq: 1, method: Method::Invite });
    headers.push(HeaderName::Contact, NameAddr::new(contact.into()));
    headers.push(HeaderName::Allow, ALLOW);
    if let Target::Trunk(line) = invitation.target {
        let host = own_host(desk, invitation.tenant);
        if invitation.tenant.trunks.get(&line.trunk).is_some_and(|trunk| trunk.trusted) {
            identity::assert(headers, invitation.about, &line.shown, &host);
        }
        for diverted in &invitation.diverted {
            let number = trunk::number_outside(desk, invitation.tenant, &line.trunk, diverted.by.as_str());
            let address = NameAddr::new(SipUri::new(Some(&number), &host, None).into());
            headers.push(HeaderName::Diversion, diversion(address, diverted));
        }
        add_wanted(headers, invitation, line);
    }
    headers.push(HeaderName::Supported, SUPPORTED);
    invitation.timer.write(headers);
    if let Summons::Return(back) = invitation.summons {
        headers.push(HeaderName::from_bytes(RESUMED_CALL).expect("a token"), back.call.to_string());
    }
    if answers_by_itself(desk, invitation) {
        // What desk phones of the different makers look for.
        headers.push(HeaderName::CallInfo, "<sip:switchboard.invalid>;answer-after=0");
        headers.push(HeaderName::AlertInfo, "<http://switchboard.invalid>;info=alert-autoanswer;delay=0");
    }
    request.set_body("application/sdp", invitation.offer.clone());
    request
}

/// Whether a phone is asked to answer without its user: he has asked for the call, or wants that of his web phone (CALL-11).
fn answers_by_itself(desk: &Desk, invitation: &Invitation<'_>) -> bool {
    let Target::Phone(phone) = invitation.target else { return false };
    match invitation.summons {
        Summons::AutoAnswer | Summons::Supervise(_) | Summons::Return(_) => true,
        Summons::Ring | Summons::RingFirst => {
            let tenant = invitation.tenant;
            let agent = desk.floor.on_extension(&tenant.tenant, &phone.extension);
            let is_web = agent.and_then(|agent| desk.floor.sign_of(agent)) == Some(Sign::Phone(Way::Web));
            let set = agent.and_then(|agent| tenant.agents.get(desk.floor.number_of(agent)?));
            is_web && set.is_some_and(|agent| agent.auto_answer)
        }
    }
}

/// In an INVITE that asks a browser back to its call: which one, as the API names it. Its page may answer such a one by itself.
const RESUMED_CALL: &[u8] = b"Switchboard-Resumed-Call";

/// The header fields that the trunk wants.
fn add_wanted(headers: &mut Headers, invitation: &Invitation<'_>, line: &Line) {
    let Invitation { tenant, about, .. } = invitation;
    let Some(trunk) = tenant.trunks.get(&line.trunk) else { return };
    let parts = Parts {
        // RFC 3323 §4.1: a withheld number is in no header.
        caller: if about.caller.is_empty() { "" } else { &line.shown },
        called: &line.number,
        trunk: trunk.name.as_str(),
        tenant: tenant.tenant.as_str(),
    };
    for wanted in &trunk.policy.headers {
        if let Some(name) = HeaderName::from_bytes(wanted.name().as_bytes()) {
            headers.push(name, wanted.value(&parts));
        }
    }
}

/// Request-URI and To.
fn addresses(desk: &Desk, invitation: &Invitation<'_>) -> (Uri, Uri) {
    match invitation.target {
        Target::Phone(Phone { extension, uri, .. }) => {
            let aor = SipUri::new(Some(extension.as_str()), &own_host(desk, invitation.tenant), None);
            (uri.clone(), aor.into())
        }
        Target::Trunk(Line { trunk, number, flow, .. }) => {
            let trunk = invitation.tenant.trunks.get(trunk);
            let uri = trunk.map_or_else(|| peer_uri(flow, Some(number)), |trunk| trunk_uri(trunk, flow, Some(number)));
            (uri.clone().into(), uri.into())
        }
    }
}

/// A trunk, or a number at it.
pub(crate) fn trunk_uri(trunk: &Trunk, flow: &Flow, number: Option<&str>) -> SipUri {
    host_and_port(&trunk.host).map_or_else(|| peer_uri(flow, number), |(host, port)| SipUri::new(number, &host, port))
}

fn peer_uri(flow: &Flow, number: Option<&str>) -> SipUri {
    SipUri::new(number, &Host::from(flow.peer.ip()), Some(flow.peer.port()))
}

/// Whom the far end sees.
fn from(desk: &Desk, invitation: &Invitation<'_>) -> NameAddr {
    let host = own_host(desk, invitation.tenant);
    let named = |user: &str, name: &str| NameAddr::new(SipUri::new(Some(user), &host, None).into()).with_display(name);
    let address = |user: &str, name: &str| match invitation.target {
        Target::Trunk(_) => named(user, name),
        Target::Phone(phone) => {
            let shown = desk.sight(invitation.tenant, &phone.extension, user).shown(user, name);
            shown.map_or_else(anonymous, |(user, name)| named(&user, &name))
        }
    };
    match (invitation.target, invitation.summons) {
        // A carrier is shown numbers of our own alone.
        (Target::Trunk(line), Summons::AutoAnswer | Summons::RingFirst | Summons::Supervise(_)) => {
            address(&line.shown, "")
        }
        // The phone of whom the API calls shows whom it will be connected to.
        (_, Summons::AutoAnswer | Summons::RingFirst) => address(&invitation.about.callee, ""),
        // RFC 3323 §4.1.1.3: a withheld number.
        (_, Summons::Ring | Summons::Supervise(_) | Summons::Return(_)) if identity::is_hidden(invitation.about) => {
            anonymous()
        }
        (Target::Phone(_), Summons::Ring | Summons::Supervise(_) | Summons::Return(_)) => {
            address(&invitation.about.caller, &invitation.about.caller_name)
        }
        (Target::Trunk(line), Summons::Ring | Summons::Return(_)) => address(&line.shown, ""),
    }
}

/// RFC 3323 §4.1.1.3.
pub(crate) fn anonymous() -> NameAddr {
    let host = "anonymous.invalid".parse::<Host>().expect("a well-formed host");
    NameAddr::new(SipUri::new(Some("anonymous"), &host, None).into()).with_display("Anonymous")
}

/// The host in our addresses: the tenant's first domain, else the node's.
pub(crate) fn own_host(desk: &Desk, tenant: &TenantConfig) -> Host {
    let named = tenant.domains.first().unwrap_or(&desk.node.domain);
    named.parse().unwrap_or_else(|_| Host::from(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)))
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
pub(crate) fn host_and_port(text: &str) -> Option<(Host, Option<u16>)> {
    let uri: Uri = format!("sip:{text}").parse().ok()?;
    let uri = uri.as_sip()?;
    Some((uri.host().clone(), uri.port()))
}

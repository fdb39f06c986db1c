//! Whom an INVITE of ours goes to.

use std::time::Duration;

use dialplan::number::{ExtensionNumber, TrunkName};
use hooks::fact::EndCause;
use sip::flow::Flow;
use sip::headers::NameAddr;
use sip::message::StatusCode;
use sip::uri::Uri;

use crate::call::Verdict;
use crate::config::{Extension, Srtp, TenantConfig};
use crate::desk::Desk;
use crate::nat;
use crate::queue::AgentId;
use crate::registrar::{Aor, Binding};

/// One phone, or one address of a trunk.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A phone of an extension.
    Phone(Phone),
    /// A trunk.
    Trunk(Line),
}

/// A phone of an extension.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(crate) extension: ExtensionNumber,
    /// Its contact: the Request-URI.
    pub(crate) uri: Uri,
    /// Proxies in between, first hop first (RFC 3327).
    pub(crate) path: Vec<NameAddr>,
    pub(crate) flow: Flow,
    /// The other flows of the same phone, in the order in which they are tried.
    pub(crate) others: Vec<Phone>,
}

impl Phone {
    fn is_allowed(&self) -> bool {
        nat::may_carry(&self.flow, &self.uri)
    }

    /// The same phone by its next flow, where this one led nowhere. RFC 5626 has one flow of a phone tried at a time, and
    /// another one only where what came back was 430, 408 or nothing: all else is the phone's own answer.
    pub(crate) fn by_another_flow(&self, verdict: Verdict) -> Option<Self> {
        let unsent = Verdict { status: StatusCode::SERVICE_UNAVAILABLE, cause: EndCause::Unreachable };
        let lost =
            [StatusCode::FLOW_FAILED, StatusCode::REQUEST_TIMEOUT].contains(&verdict.status) || verdict == unsent;
        let (next, rest) = self.others.split_first().filter(|_| lost)?;
        Some(Self { others: rest.to_vec(), ..next.clone() })
    }
}

/// How long a phone may give no sign of life on one flow before the next one is tried. Far below the 32 s after which a
/// request on UDP is given up: nobody rings that long.
pub(crate) const FLOW_PATIENCE: Duration = Duration::from_secs(4);

/// An address of a trunk, and the numbers to dial and to show there.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) trunk: TrunkName,
    pub(crate) number: String,
    /// The caller's number shown outside (CALL-08).
    pub(crate) shown: String,
    pub(crate) flow: Flow,
    /// Whose mobile it is, if it is an agent's.
    pub(crate) agent: Option<AgentId>,
}

impl Target {
    pub(crate) fn flow(&self) -> Flow {
        match self {
            Self::Phone(phone) => phone.flow,
            Self::Trunk(line) => line.flow,
        }
    }

    /// Whether its audio is to be encrypted.
    pub(crate) fn srtp(&self, tenant: &TenantConfig) -> Srtp {
        match self {
            Self::Phone(phone) => tenant.srtp_of_extension(phone.extension.as_str()),
            Self::Trunk(line) => tenant.srtp_of_trunk(line.trunk.as_str()),
        }
    }
}

/// Every phone of an extension: those that registered, the preferred first, and the one that never does. A `sips:` contact that
/// no TLS leads to is none.
pub(crate) fn phones(desk: &Desk, tenant: &TenantConfig, extension: &Extension) -> Vec<Target> {
    let aor = Aor { tenant: tenant.tenant.clone(), extension: extension.number.clone() };
    let registered = desk.registrar.phones_of(&aor).into_iter().filter_map(|flows| {
        let flow = |binding: &Binding| Phone {
            extension: extension.number.clone(),
            uri: binding.uri.clone(),
            path: binding.path.clone(),
            flow: binding.flow,
            others: Vec::new(),
        };
        let mut flows = flows.into_iter().map(flow).filter(Phone::is_allowed);
        let first = flows.next()?;
        Some(Phone { others: flows.collect(), ..first })
    });
    let fixed = extension.static_contact.as_ref().and_then(|contact| {
        let flow = nat::new_flow(&desk.node, contact.transport, contact.target)?;
        let uri = contact.uri.parse().ok()?;
        let phone = Phone { extension: extension.number.clone(), uri, path: Vec::new(), flow, others: Vec::new() };
        phone.is_allowed().then_some(phone)
    });
    registered.chain(fixed).map(Target::Phone).collect()
}

//! Whom an INVITE of ours goes to.

use dialplan::number::{ExtensionNumber, TrunkName};
use sip::flow::Flow;
use sip::headers::NameAddr;
use sip::uri::Uri;

use crate::config::{Extension, TenantConfig};
use crate::desk::Desk;
use crate::nat;
use crate::registrar::Aor;

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
}

/// An address of a trunk, and the numbers to dial and to show there.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) trunk: TrunkName,
    pub(crate) number: String,
    /// The caller's number shown outside (CALL-08).
    pub(crate) shown: String,
    pub(crate) flow: Flow,
}

impl Target {
    pub(crate) fn flow(&self) -> Flow {
        match self {
            Self::Phone(phone) => phone.flow,
            Self::Trunk(line) => line.flow,
        }
    }

    fn is_allowed(&self) -> bool {
        match self {
            Self::Phone(phone) => nat::may_carry(&phone.flow, &phone.uri),
            Self::Trunk(_) => true,
        }
    }
}

/// Every phone of an extension: those that registered, the preferred first, and the one that never does. A `sips:` contact that
/// no TLS leads to is none.
pub(crate) fn phones(desk: &Desk, tenant: &TenantConfig, extension: &Extension) -> Vec<Target> {
    let aor = Aor { tenant: tenant.tenant.clone(), extension: extension.number.clone() };
    let registered = desk.registrar.of(&aor).iter().map(|binding| {
        Target::Phone(Phone {
            extension: extension.number.clone(),
            uri: binding.uri.clone(),
            path: binding.path.clone(),
            flow: binding.flow,
        })
    });
    let fixed = extension.static_contact.as_ref().and_then(|contact| {
        let flow = nat::new_flow(&desk.node, contact.transport, contact.target)?;
        let uri = contact.uri.parse().ok()?;
        Some(Target::Phone(Phone { extension: extension.number.clone(), uri, path: Vec::new(), flow }))
    });
    registered.chain(fixed).filter(Target::is_allowed).collect()
}

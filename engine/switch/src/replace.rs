//! INVITE with Replaces (RFC 3891): a phone takes the place of another one in a call, or picks up what rings there.

use std::sync::Arc;

use dialplan::number::ExtensionNumber;
use hooks::fact::PeerKind;
use sip::flow::Flow;
use sip::headers::{HeaderName, Replaces};
use sip::message::{Request, StatusCode};
use sip::transaction::ServerKey;

use crate::body;
use crate::call::Arrival;
use crate::config::{Extension, TenantConfig};
use crate::desk::{LegRef, Refusal};
use crate::leg::Peer;
use crate::lifetime;
use crate::requests::{REQUIRABLE, check_required};
use crate::switch::Switch;

/// An extension that wants a place in a call.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) tenant: Arc<TenantConfig>,
    pub(crate) replaces: Replaces,
    pub(crate) by: ExtensionNumber,
    /// The extension that it says sent it (RFC 3892).
    pub(crate) referred_by: Option<ExtensionNumber>,
}

impl Replacement {
    /// What the INVITE of a proven extension asks for; `None` where it replaces nothing.
    ///
    /// # Errors
    /// 400 for more than one Replaces or a malformed one (RFC 3891 §3), 403 for another one's From.
    pub(crate) fn asked(
        tenant: &Arc<TenantConfig>,
        extension: &Extension,
        request: &Request,
    ) -> Result<Option<Self>, Refusal> {
        let bad = |_| Refusal::from(StatusCode::BAD_REQUEST);
        let Some(replaces) = request.headers.replaces().map_err(bad)? else { return Ok(None) };
        let from = request.headers.from().map_err(bad)?;
        if from.uri.user().as_deref() != Some(extension.number.as_str()) {
            return Err(StatusCode::FORBIDDEN.into());
        }
        let referrer = request.headers.referred_by().ok().flatten();
        let referred_by = referrer.and_then(|referrer| {
            let host = referrer.uri.as_sip()?.host().to_string();
            // A phone that knows us by another name than ours uses it for its colleagues, too.
            let same = from.uri.as_sip().is_some_and(|from| from.host().to_string() == host);
            let own = same || tenant.domains.iter().any(|domain| domain.eq_ignore_ascii_case(&host));
            referrer.uri.user().filter(|_| own).and_then(|user| user.parse().ok())
        });
        Ok(Some(Self { tenant: tenant.clone(), replaces, by: extension.number.clone(), referred_by }))
    }

    /// Whether a place of this extension in a conversation may be taken: its own phones move a call among each other, and whom
    /// it sent takes its place. Knowing the dialog is not enough (RFC 3891 §8).
    pub(crate) fn may_follow(&self, extension: &str) -> bool {
        self.by.as_str() == extension || self.referred_by.as_ref().is_some_and(|sent| sent.as_str() == extension)
    }
}

/// An extension that takes a place in a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker<'a> {
    pub(crate) tenant: &'a TenantConfig,
    pub(crate) by: &'a ExtensionNumber,
}

impl Switch {
    /// Lets a phone take the place that its INVITE names.
    ///
    /// # Errors
    /// What it is told; the call goes on as it was.
    pub(crate) fn replace(
        &mut self,
        key: ServerKey,
        request: &Request,
        flow: Flow,
        what: &Replacement,
    ) -> Result<(), Refusal> {
        let taker = Taker { tenant: &what.tenant, by: &what.by };
        self.take_place(key, request, flow, taker, |switch| switch.replaceable(what))
    }

    /// Lets a phone take the place that `find` finds once its INVITE was checked.
    ///
    /// # Errors
    /// What it is told; the call goes on as it was.
    pub(crate) fn take_place(
        &mut self,
        key: ServerKey,
        request: &Request,
        flow: Flow,
        taker: Taker<'_>,
        find: impl FnOnce(&Self) -> Result<LegRef, Refusal>,
    ) -> Result<(), Refusal> {
        check_required(&request.headers, REQUIRABLE)?;
        let timer = self.desk.node.session_timer.answer(&request.headers).map_err(|error| lifetime::refusal(&error))?;
        let offer = body::session(&request.headers, &request.body)?;
        let srtp = taker.tenant.srtp_of_extension(taker.by.as_str());
        self.check_offer(offer.as_ref(), srtp)?;
        let replaced = find(self)?;
        let own = taker.by.to_string();
        let peer = Peer { kind: PeerKind::Extension, name: own.clone(), number: own };
        let arrival = Arrival { server: key, request: request.clone(), flow, timer, offer, peer, srtp };
        let mut outcome = Err(Refusal::from(StatusCode::CALL_DOES_NOT_EXIST));
        self.with_call(replaced.call, |call, desk| outcome = call.take_over(desk, replaced.leg, arrival));
        outcome
    }

    /// The leg whose place is to be taken.
    fn replaceable(&self, what: &Replacement) -> Result<LegRef, Refusal> {
        let own = |call: &&crate::call::Call| call.tenant.tenant == what.tenant.tenant;
        let Some(found) = self.named(&what.replaces) else {
            let was = self.calls.values().filter(own).any(|call| call.had_dialog(&what.replaces.to_tag));
            // RFC 3891 §3: a dialog that is over is declined, one that never was does not exist.
            return Err(if was { StatusCode::DECLINE } else { StatusCode::CALL_DOES_NOT_EXIST }.into());
        };
        let call = self.calls.get(&found.call).filter(own).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        call.may_be_replaced(found.leg, what)?;
        Ok(found)
    }
}

/// A refusal that says why to a person (RFC 3261 §20.43, warn-code 399).
pub(crate) fn explained(status: StatusCode, text: &str) -> Refusal {
    Refusal::from(status).with(HeaderName::Warning, format!("399 switchboard \"{text}\""))
}

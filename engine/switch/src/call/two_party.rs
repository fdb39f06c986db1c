//! The beginning of a call that somebody dialled: the caller's leg.

use std::sync::Arc;

use hooks::id::TenantId;
use sip::dialog::Dialog;
use sip::flow::Flow;
use sip::message::{Request, StatusCode};
use sip::sdp::{self, Codec, PacketTimes, SessionDescription};
use sip::session_timer;
use sip::transaction::ServerKey;

use super::{About, Call, Service, Stage};
use crate::config::{Srtp, TenantConfig};
use crate::desk::{Desk, LegIndex, LegRef, Refusal};
use crate::leg::{Hold, Incoming, Leg, LegMedia, LegState, Offered, Peer, Progress, Side};
use crate::session::{self, Carriage, Session};

/// An INVITE that was accepted for routing.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) server: ServerKey,
    pub(crate) request: Request,
    pub(crate) flow: Flow,
    /// What our 2xx will say of the session timer.
    pub(crate) timer: session_timer::Answer,
    /// The offer in it, checked to have audio.
    pub(crate) offer: Option<SessionDescription>,
    pub(crate) peer: Peer,
    /// Whether its audio is to be encrypted.
    pub(crate) srtp: Srtp,
}

impl Arrival {
    /// The leg of who sent it, without an answer yet, and its Call-ID.
    ///
    /// # Errors
    /// 400 for an INVITE that makes no dialog, 503 without a free port.
    pub(super) fn into_leg(
        self,
        desk: &mut Desk,
        tenant: &TenantId,
        leg_ref: LegRef,
        side: Side,
    ) -> Result<(Leg, String), Refusal> {
        let tag: Box<str> = desk.random.token().into();
        let dialog = Dialog::from_request(&self.request, &tag).map_err(|_| Refusal::from(StatusCode::BAD_REQUEST))?;
        let carriage = Carriage::asked(&desk.node, &self.flow, self.offer.as_ref(), self.srtp);
        let mut session = Session::open(desk, tenant, leg_ref, &self.flow, carriage).ok_or_else(Refusal::busy_node)?;
        session.learn_accepted(&self.request.headers);
        desk.servers.insert(self.server, leg_ref);
        let sip_call_id = dialog.id().call_id.clone();
        let incoming = Incoming {
            server: self.server,
            invite: self.request,
            flow: self.flow,
            dialog,
            offer: self.offer.map_or(Offered::Nothing, |offer| Offered::Open(Box::new(offer))),
            timer: self.timer,
            progress: Progress::Silent,
            repeated: None,
            answered_by: None,
        };
        let leg = Leg {
            id: desk.leg_id(),
            side,
            agent: desk.floor.at(tenant, &self.peer),
            peer: self.peer,
            tag,
            state: LegState::Incoming(Box::new(incoming)),
            media: LegMedia::Open(Box::new(session)),
            holds: Hold::Off,
            status: 0,
        };
        Ok((leg, sip_call_id))
    }
}

impl Call {
    /// A call with its caller's leg, whom nobody has answered yet.
    ///
    /// # Errors
    /// What the caller is told: 400 for an INVITE that makes no dialog, 503 without a free port. There is no call then.
    pub(crate) fn dialled(
        desk: &mut Desk,
        tenant: &Arc<TenantConfig>,
        about: About,
        arrival: Arrival,
    ) -> Result<(Self, LegIndex), Refusal> {
        let first = LegIndex(0);
        let id = desk.call_id();
        let leg_ref = LegRef { call: id, leg: first };
        let (leg, sip_call_id) = arrival.into_leg(desk, &tenant.tenant, leg_ref, Side::Caller)?;
        let mut call = Self::new(desk, id, tenant.clone(), about);
        call.push_leg(desk, leg, &sip_call_id);
        Ok((call, first))
    }

    /// Who waits for a called party.
    fn waiting(&self) -> Option<&Leg> {
        match &self.stage {
            Stage::Seeking(seeking) => self.leg(seeking.caller),
            Stage::Served { caller, by: Service::Queue(_) | Service::Park(_), .. } => self.leg(*caller),
            Stage::Talking { .. } => self.brings_in().and_then(|by| self.leg(by)),
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Served {
                by:
                    Service::Echo
                    | Service::Room(_)
                    | Service::Flow
                    | Service::Voicemail(_)
                    | Service::Survey(_)
                    | Service::Messages(_)
                    | Service::LastWords(_),
                ..
            }
            | Stage::Ending { .. }
            | Stage::Over => None,
        }
    }

    /// The packets that the called party is asked for: what the caller asks for.
    pub(super) fn proposed_packets(&self) -> PacketTimes {
        let Some(caller) = self.waiting() else { return PacketTimes::default() };
        if let LegState::Incoming(incoming) = &caller.state
            && let Offered::Open(offer) = &incoming.offer
        {
            return sdp::offered_times(offer);
        }
        caller.session().map(Session::packets).unwrap_or_default()
    }

    /// What the called party is offered: what the caller can, where it has said so.
    pub(super) fn proposal(&self) -> Vec<Codec> {
        let Some(caller) = self.waiting() else { return session::g711() };
        if let LegState::Incoming(incoming) = &caller.state
            && let Offered::Open(offer) = &incoming.offer
        {
            return session::offered_codecs(offer).unwrap_or_else(|_| session::g711());
        }
        caller.session().and_then(Session::agreed_codecs).unwrap_or_else(session::g711)
    }
}

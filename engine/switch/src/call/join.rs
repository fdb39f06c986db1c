//! Two calls of one phone become one (attended transfer, RFC 5589 §7): the legs of the call that was made to ask first move into
//! the call whose party is handed on, and take the place of the phone.

use hooks::fact::{EndCause, EndedBy, Event, LegAnswered, LegEnded, LegRinging, TransferKind};
use sip::headers::Replaces;
use sip::message::StatusCode;

use super::transfer::{Purpose, Transfer};
use super::{Call, End, LEGS_MAX, Seeking, Stage};
use crate::desk::{Desk, LegIndex, LegRef, Refusal, TimerKey};
use crate::leg::{Leg, LegMedia, LegState, Patience, Progress};
use crate::session::Session;

impl Call {
    /// Whether the party beside this leg, or the one that it is calling, can take part in another call.
    ///
    /// # Errors
    /// 491 while it is handed on itself or may be gone with a killed process, 403 where there is no such party.
    pub(crate) fn may_join(&self, leg: LegIndex) -> Result<(), Refusal> {
        if self.is_on_probation() || self.is_somebody_away() || self.third.is_some() || !self.unconfirmed.is_empty() {
            return Err(StatusCode::REQUEST_PENDING.into());
        }
        match &self.stage {
            Stage::Talking { caller, callee, .. } if [*caller, *callee].contains(&leg) => Ok(()),
            Stage::Served { caller, .. } if *caller == leg => Ok(()),
            Stage::Seeking(Seeking { transfer: Some(_), .. }) => Err(StatusCode::REQUEST_PENDING.into()),
            // It has its answer, and waits for the caller to hear of it.
            Stage::Seeking(_) if self.answered_by().is_some() => Err(StatusCode::REQUEST_PENDING.into()),
            Stage::Seeking(seeking) if seeking.caller == leg => Ok(()),
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Seeking(_)
            | Stage::Talking { .. }
            | Stage::Served { .. }
            | Stage::Ending { .. }
            | Stage::Over => Err(StatusCode::FORBIDDEN.into()),
        }
    }

    /// Whether the legs of another call may become legs of this one.
    pub(crate) fn has_room_for(&self, other: &Self) -> bool {
        self.legs.len() + other.live().len() <= LEGS_MAX
    }

    /// Connects the party beside `by` with the party beside `replaced` in the other call, which is over then.
    pub(crate) fn absorb(&mut self, desk: &mut Desk, by: LegIndex, other: &mut Call, replaced: LegIndex) {
        let Ok(seats) = self.seats(by) else { return };
        let number = match other.legs[replaced.at()].side {
            crate::leg::Side::Caller => other.about.callee.clone(),
            crate::leg::Side::Callee => other.about.caller.clone(),
        };
        self.begin_transfer(desk, by, TransferKind::Attended, &number, Some(other.id));
        other.stop_recording(desk);
        let purpose = Purpose::HandOn(TransferKind::Attended);
        let transfer = Transfer { by, seat: seats.seat, purpose, answered_ms: seats.answered_ms };
        let stays = seats.stays;
        match std::mem::replace(&mut other.stage, Stage::Begun) {
            Stage::Talking { caller, callee, .. } => {
                let party = if caller == replaced { callee } else { caller };
                let new = self.take_leg(desk, other, party);
                self.handed_on(desk, transfer, stays, new);
                self.rewire(desk);
                self.start_recording(desk);
            }
            Stage::Seeking(seeking) => {
                desk.timers.stop(seeking.ring_until, TimerKey::Ring(other.id));
                let ring_until = seeking.ring_until.max(desk.now.mono);
                desk.timers.start(ring_until, TimerKey::Ring(self.id));
                for leg in other.called() {
                    self.take_leg(desk, other, leg);
                }
                self.let_go(desk, by);
                self.stage = Stage::Seeking(Seeking { caller: stays, transfer: Some(transfer), ring_until, ..seeking });
                self.changed = true;
                self.rewire(desk);
            }
            stage @ Stage::Served { .. } => {
                other.stage = stage;
                let route = other.served_route();
                self.seek_for(desk, stays, &route, Some(transfer));
            }
            stage @ (Stage::Begun | Stage::Summoning { .. } | Stage::Ending { .. } | Stage::Over) => {
                other.stage = stage;
            }
        }
        let refusal = StatusCode::REQUEST_TERMINATED.into();
        other.end(desk, &End { cause: EndCause::Transferred, by: EndedBy::System, refusal });
    }

    /// Takes a leg out of another call. It is a new leg of this one, in the same dialog and with the same endpoint.
    fn take_leg(&mut self, desk: &mut Desk, other: &mut Call, leg: LegIndex) -> LegIndex {
        let old_ref = other.leg_ref(leg);
        let old = &mut other.legs[leg.at()];
        let at_ms = desk.now.unix_ms;
        let state = std::mem::replace(&mut old.state, LegState::Ended { cause: EndCause::Transferred, at_ms });
        let media = std::mem::replace(&mut old.media, LegMedia::None);
        let moved = Leg {
            id: desk.leg_id(),
            side: old.side,
            peer: old.peer.clone(),
            agent: old.agent,
            tag: old.tag.clone(),
            state,
            media,
            holds: old.holds,
            status: old.status,
        };
        let ended = LegEnded {
            call: other.id,
            leg: old.id,
            cause: EndCause::Transferred,
            sip_status: old.status,
            reason: None,
            quality: None,
        };
        let tenant = self.tenant.tenant.clone();
        desk.fact(&tenant, Event::LegEnded(ended));
        desk.leg_ended(&tenant, other.id, old);
        let new_ref = self.leg_ref(self.next_index());
        let call_id = moved.sip_call_id().to_owned();
        rename(desk, &moved, old_ref, new_ref);
        let (id, call) = (moved.id, self.id);
        let progress = moved.outgoing().map(|outgoing| outgoing.progress);
        let codec = moved.session().and_then(Session::codec_name).unwrap_or_default().to_owned();
        let is_up = moved.is_up();
        let index = self.push_leg(desk, moved, &call_id);
        match progress {
            Some(Progress::Silent) => {}
            Some(Progress::Ringing) => {
                self.fact(desk, Event::LegRinging(LegRinging { call, leg: id, early_media: false }))
            }
            Some(Progress::EarlyMedia) => {
                self.fact(desk, Event::LegRinging(LegRinging { call, leg: id, early_media: true }))
            }
            None if is_up => self.fact(desk, Event::LegAnswered(LegAnswered { call, leg: id, codec })),
            None => {}
        }
        index
    }
}

/// Everything that leads to a leg leads to it under its new name.
fn rename(desk: &mut Desk, leg: &Leg, from: LegRef, to: LegRef) {
    if let Some(endpoint) = leg.endpoint() {
        desk.ports.reassign(endpoint, to);
    }
    if let Some(Patience::Until(at)) = leg.outgoing().map(|outgoing| outgoing.patience) {
        desk.timers.stop(at, TimerKey::NoResponse(from));
        desk.timers.start(at, TimerKey::NoResponse(to));
    }
    if let Some(up) = leg.up() {
        up.lifetime.rename(desk, from, to);
        if let Some(away) = &up.away {
            desk.timers.stop(away.until, TimerKey::Away(from));
            desk.timers.start(away.until, TimerKey::Away(to));
        }
        if let Some(until) = up.asking.until() {
            desk.timers.stop(until, TimerKey::AskAgain(from));
            desk.timers.start(until, TimerKey::AskAgain(to));
        }
    }
    for used in desk.clients.values_mut().filter(|used| used.leg == from) {
        used.leg = to;
    }
    for server in desk.servers.values_mut().filter(|server| **server == from) {
        *server = to;
    }
}

impl Leg {
    /// Whether this names its dialog.
    pub(crate) fn has_dialog(&self, named: &Replaces) -> bool {
        match &self.state {
            LegState::Incoming(incoming) => named.names(incoming.dialog.id()),
            LegState::Up(up) => named.names(up.dialog.id()),
            LegState::Outgoing(outgoing) => outgoing.forks.dialogs().any(|dialog| named.names(dialog.id())),
            LegState::Service | LegState::Ended { .. } => false,
        }
    }

    /// The Call-ID of its dialog; empty on a service, or when it is over.
    pub(super) fn sip_call_id(&self) -> &str {
        match &self.state {
            LegState::Incoming(incoming) => &incoming.dialog.id().call_id,
            LegState::Up(up) => &up.dialog.id().call_id,
            LegState::Outgoing(outgoing) => outgoing.forks.invite().headers.call_id().unwrap_or_default(),
            LegState::Service | LegState::Ended { .. } => "",
        }
    }
}

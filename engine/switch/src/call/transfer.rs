//! A party is handed on (CALL-14, RFC 5589): it waits while somebody else is called in the place of who hands it on. Media is
//! anchored here, so the party that stays is not asked for anything: it hears somebody else.

use std::borrow::Cow;
use std::time::Duration;

use dialplan::say::defaults;
use hooks::fact::{EndCause, EndedBy, Event, TransferFailed, TransferKind, TransferStarted, Transferred};
use hooks::id::CallId;
use sip::message::StatusCode;

use super::redirect::Redirects;
use super::{About, Call, End, Route, Seeking, Stage, Verdict};
use crate::desk::{Desk, LegIndex, Refusal};
use crate::identity::Identity;
use crate::leg::{Leg, Side};
use crate::output::Refused;
use crate::session::Session;

/// Somebody else is sought in the place of a party that hands the other one on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    /// Who hands the other party on. Its leg may be over by now.
    pub(super) by: LegIndex,
    /// Whose place the new party takes.
    pub(super) seat: Side,
    pub(super) purpose: Purpose,
    /// When the two parties of the call first talked.
    pub(super) answered_ms: u64,
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The new party is called.
    HandOn(TransferKind),
    /// The new party cannot be reached, and who handed the call on hung up already: its phones ring again.
    Recall,
    /// A flow wants something done for its caller, and goes on where that fails.
    Flow(Errand),
}

/// What a flow wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// Somebody is rung for so long.
    Ring(Duration),
    /// The caller is let into a conference.
    Confer,
    /// A mobile is rung for a caller whom no agent takes.
    Overflow,
    /// The caller goes where the closed route leads.
    Shut,
}

/// What a REFER asks for.
#[derive(Debug)]
pub(crate) struct HandOn {
    pub(crate) by: LegIndex,
    /// The number of the new party.
    pub(crate) number: String,
    pub(crate) route: Route,
    /// It is an emergency number: past limits from here on (GEN-18).
    pub(crate) emergency: bool,
}

/// Who sits where in a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seats {
    /// The other party, which stays.
    pub(super) stays: LegIndex,
    /// The place of the one that goes.
    pub(super) seat: Side,
    pub(super) answered_ms: u64,
}

impl Call {
    /// Why a party cannot be handed on by this leg now, or who would stay.
    ///
    /// # Errors
    /// 403 where nobody talks (CALL-13), 491 while another transfer is under way, a browser is away or nobody knows yet who
    /// outlived a killed process, 483 after [`TRANSFERS_MAX`].
    pub(super) fn seats(&self, by: LegIndex) -> Result<Seats, StatusCode> {
        if self.is_on_probation() || self.is_somebody_away() || self.third.is_some() {
            return Err(StatusCode::REQUEST_PENDING);
        }
        let seats = self.seats_of(by)?;
        if self.transfers < TRANSFERS_MAX { Ok(seats) } else { Err(StatusCode::TOO_MANY_HOPS) }
    }

    /// Who would stay, if this one went.
    pub(super) fn seats_of(&self, by: LegIndex) -> Result<Seats, StatusCode> {
        match &self.stage {
            Stage::Talking { caller, callee, answered_ms } if *caller == by => {
                Ok(Seats { stays: *callee, seat: Side::Caller, answered_ms: *answered_ms })
            }
            Stage::Talking { caller, callee, answered_ms } if *callee == by => {
                Ok(Seats { stays: *caller, seat: Side::Callee, answered_ms: *answered_ms })
            }
            Stage::Seeking(Seeking { transfer: Some(_), .. }) => Err(StatusCode::REQUEST_PENDING),
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Seeking(_)
            | Stage::Talking { .. }
            | Stage::Served { .. }
            | Stage::Ending { .. }
            | Stage::Over => Err(StatusCode::FORBIDDEN),
        }
    }

    /// Whether this leg may hand the other party on now.
    ///
    /// # Errors
    /// As [`Self::seats`].
    pub(crate) fn may_hand_on(&self, by: LegIndex) -> Result<(), StatusCode> {
        self.seats(by).map(|_| ())
    }

    /// Hands the other party on to a number.
    pub(crate) fn hand_on(&mut self, desk: &mut Desk, what: &HandOn) {
        let Ok(seats) = self.seats(what.by) else { return };
        self.begin_transfer(desk, what.by, TransferKind::Blind, &what.number, None);
        let transfer = Transfer {
            by: what.by,
            seat: seats.seat,
            purpose: Purpose::HandOn(TransferKind::Blind),
            answered_ms: seats.answered_ms,
        };
        self.about.emergency |= what.emergency;
        self.let_go(desk, what.by);
        self.seek_for(desk, seats.stays, &what.route, Some(transfer));
    }

    /// Who hands the other party on by its phone hears nothing, and is told what becomes of it; an agent is out of the call at that
    /// moment, as by order (CALL-09, CALL-14).
    pub(super) fn let_go(&mut self, desk: &mut Desk, by: LegIndex) {
        match self.legs[by.at()].agent {
            Some(_) => self.hang_up_leg(desk, by, EndCause::Transferred),
            None => self.silence(desk, by),
        }
    }

    /// Whether a party may be sent there now.
    ///
    /// # Errors
    /// There is nobody, or it is not to be.
    pub(crate) fn may_send_to(&self, desk: &Desk, route: &Route) -> Result<(), Refused> {
        match route {
            Route::Messages(_) | Route::Nowhere => Err(Refused::NoRoute),
            Route::Blocked(_) => Err(Refused::Blocked),
            Route::Extension(number) => match desk.floor.on_extension(&self.tenant.tenant, number) {
                Some(agent) if !desk.floor.is_free(agent) => Err(Refused::NotAvailable),
                Some(_) | None => Ok(()),
            },
            Route::Park(place) => desk.parking.free(&self.tenant, place).map(|_| ()),
            Route::Room(_)
            | Route::Flow(_)
            | Route::Queue(_)
            | Route::Voicemail(_)
            | Route::Shut(_)
            | Route::EchoTest
            | Route::Lines(_) => Ok(()),
        }
    }

    /// Counts a transfer and writes down that it began.
    pub(super) fn begin_transfer(
        &mut self,
        desk: &mut Desk,
        by: LegIndex,
        kind: TransferKind,
        target: &str,
        joined: Option<CallId>,
    ) {
        self.stop_recording(desk);
        self.transfers += 1;
        // What sent the call on before has nothing to do with the new party.
        self.redirects = Redirects::default();
        let leg = self.legs[by.at()].id;
        let started = TransferStarted { call: self.id, leg, kind, target: target.to_owned(), joined };
        self.fact(desk, Event::TransferStarted(started));
    }

    /// The new party, or the one that is called back, answered.
    pub(super) fn handed_on(&mut self, desk: &mut Desk, transfer: Transfer, stays: LegIndex, new: LegIndex) {
        let Transfer { by, seat, purpose, answered_ms } = transfer;
        self.legs[new.at()].side = seat;
        let (caller, callee) = match seat {
            Side::Caller => (new, stays),
            Side::Callee => (stays, new),
        };
        self.stage = Stage::Talking { caller, callee, answered_ms };
        self.changed = true;
        if let Purpose::HandOn(kind) = purpose {
            let (leg, to) = (self.legs[by.at()].id, self.legs[new.at()].id);
            self.fact(desk, Event::Transferred(Transferred { call: self.id, leg, to, kind }));
            self.report(desk, by, StatusCode::OK);
        }
        if let Purpose::Flow(errand) = purpose {
            self.finish_leg(desk, by, EndCause::Transferred);
            if errand == Errand::Overflow {
                self.overflow_answered(desk, new);
            }
        }
        if self.legs[by.at()].is_up() {
            self.hang_up_leg(desk, by, EndCause::Transferred);
        }
    }

    /// The new party cannot be reached. The call goes back to who handed it on, who talks again, or is rung again.
    pub(super) fn transfer_failed(&mut self, desk: &mut Desk, transfer: Transfer, stays: LegIndex, verdict: Verdict) {
        self.stop_ringing(desk);
        for other in self.called() {
            self.cancel_leg(desk, other, verdict.cause);
        }
        match transfer.purpose {
            Purpose::Flow(Errand::Overflow) => return self.overflow_on(desk, stays, transfer.answered_ms),
            Purpose::Flow(Errand::Shut) => {
                return self.say_last(desk, stays, transfer.answered_ms, defaults::CALL_UNAVAILABLE);
            }
            Purpose::Flow(errand) => return self.nobody_for_flow(desk, stays, errand, verdict),
            Purpose::HandOn(_) | Purpose::Recall => {}
        }
        let by = transfer.by;
        let leg = self.legs[by.at()].id;
        if matches!(transfer.purpose, Purpose::HandOn(_)) {
            let failed = TransferFailed { call: self.id, leg, cause: verdict.cause, sip_status: verdict.status.code() };
            self.fact(desk, Event::TransferFailed(failed));
            self.report(desk, by, verdict.refusal().status);
        }
        if self.legs[by.at()].is_up() {
            let (caller, callee) = match transfer.seat {
                Side::Caller => (by, stays),
                Side::Callee => (stays, by),
            };
            self.stage = Stage::Talking { caller, callee, answered_ms: transfer.answered_ms };
            self.changed = true;
            self.rewire(desk);
            return self.start_recording(desk);
        }
        if matches!(transfer.purpose, Purpose::HandOn(_)) && self.fall_back(desk, transfer, stays) {
            return;
        }
        let recall = Transfer { purpose: Purpose::Recall, ..transfer };
        match (transfer.purpose, self.legs[by.at()].peer.name.parse()) {
            (Purpose::HandOn(_), Ok(extension)) => {
                self.seek_for(desk, stays, &Route::Extension(extension), Some(recall));
            }
            (Purpose::HandOn(_), Err(_)) | (Purpose::Recall | Purpose::Flow(_), _) => {
                let refusal = Refusal::from(StatusCode::TEMPORARILY_UNAVAILABLE);
                self.end(desk, &End { cause: verdict.cause, by: EndedBy::System, refusal });
            }
        }
    }

    /// The transfer under way, and the party that stays and waits.
    pub(super) fn transfer(&self) -> Option<(Transfer, LegIndex)> {
        match &self.stage {
            Stage::Seeking(Seeking { caller, transfer, .. }) => transfer.map(|transfer| (transfer, *caller)),
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Talking { .. }
            | Stage::Served { .. }
            | Stage::Ending { .. }
            | Stage::Over => None,
        }
    }

    /// Whether this leg is the one that hands the other party on.
    pub(super) fn is_handing_on(&self, leg: LegIndex) -> bool {
        self.transfer().is_some_and(|(transfer, _)| transfer.by == leg)
    }

    /// As who the party that waits is shown to those that are called.
    pub(super) fn shown(&self) -> Cow<'_, About> {
        let waiting = match self.transfer() {
            Some((_, stays)) => self.leg(stays),
            None => self.brings_in().or(self.parked_leg()).and_then(|by| self.leg(by)),
        };
        waiting.map_or(Cow::Borrowed(&self.about), |waiting| self.shown_as(waiting))
    }

    /// As who the other party of this leg is shown to its phone.
    pub(super) fn shown_beside(&self, leg: LegIndex) -> Cow<'_, About> {
        match self.partner(leg).and_then(|other| self.leg(other)) {
            Some(other) => self.shown_as(other),
            None => Cow::Owned(About {
                caller: self.about.callee.clone(),
                caller_name: String::new(),
                identity: Identity::default(),
                ..self.about.clone()
            }),
        }
    }

    pub(super) fn shown_as(&self, waiting: &Leg) -> Cow<'_, About> {
        let hops = self.about.hops.saturating_sub(self.transfers);
        let number = waiting.peer.number.clone();
        let caller_name = if number == self.about.caller {
            self.about.caller_name.clone()
        } else {
            let extension = number.parse().ok().and_then(|number| self.tenant.extensions.get(&number));
            extension.map(|extension| extension.display_name.clone()).unwrap_or_default()
        };
        // Who waits may not be who asked for privacy.
        let own = number == self.about.caller;
        let identity = if own { self.about.identity.clone() } else { Identity::default() };
        Cow::Owned(About { caller: number, caller_name, hops, identity, ..self.about.clone() })
    }

    /// The session of the party that this leg talks with.
    fn beside(&self, leg: LegIndex) -> Option<&Session> {
        self.leg(self.partner(leg)?).and_then(Leg::session)
    }

    /// Whether the party beside `by` and the one beside `replaced` can hear each other as they are.
    pub(crate) fn fits(&self, by: LegIndex, other: &Call, replaced: LegIndex) -> bool {
        match (self.beside(by), other.beside(replaced)) {
            (Some(one), Some(other)) => Session::fit(one, other),
            (Some(_) | None, _) => true,
        }
    }
}

/// Transfers in one call: a ring of phones that hand a call on to each other ends (483).
pub(crate) const TRANSFERS_MAX: u8 = 16;
/// CALL-16: the new party has so long to answer.
pub(super) const TRANSFER_RING_MAX: Duration = Duration::from_secs(20);

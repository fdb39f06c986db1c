//! A party that is parked: it waits at a place with a number, hears music, and talks with whoever dials that number or is rung for it.
//! Who parked it is out of the call, and is rung again when nobody has come in time.

use std::collections::VecDeque;
use std::time::Duration;

use dialplan::number::ExtensionNumber;
use dialplan::park::ParkPlace;
use dialplan::say::defaults;
use hooks::fact::{CallParked, CallUnparked, EndCause, EndedBy, Event, ParkEnd, TransferKind};
use sip::message::StatusCode;

use super::queue::Queueing;
use super::transfer::{Purpose, TRANSFER_RING_MAX, Transfer};
use super::voicemail::After;
use super::{Arrival, Call, End, LEGS_MAX, Route, Seeking, Service, Stage, Verdict};
use crate::checkpoint::ParkCheckpoint;
use crate::config::TenantConfig;
use crate::desk::{Desk, LegIndex, LegRef, Refusal, TimerKey};
use crate::floor::Reach;
use crate::invite::Summons;
use crate::leg::{Leg, LegState, Side};
use crate::media::{Detect, Sound, Source};
use crate::output::Refused;
use crate::presence::Line;
use crate::queue::AgentId;
use crate::target::Target;
use crate::view::ParkView;

/// Somebody who is parked.
#[derive(Debug)]
pub(super) struct Stay {
    slot: ExtensionNumber,
    /// Who parked him; his leg is over.
    by: LegIndex,
    /// Since when, ms since the Unix epoch.
    since_ms: u64,
    /// When who parked him is rung; `None` once that is due.
    until: Option<Duration>,
    rung: Option<Rung>,
}

/// Somebody is rung for him.
#[derive(Debug)]
struct Rung {
    why: Why,
    until: Duration,
    /// The other ways to a mobile.
    lines: VecDeque<Target>,
}

/// Why somebody is rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// He parked the party, and nobody has come.
    Return,
    /// Somebody ordered that he takes it.
    PickUp,
}

/// Who shall take a call that rings or is parked.
#[derive(Clone, Debug)]
pub(crate) struct PickUpBy {
    /// An agent, wherever he is signed in.
    pub(crate) agent: Option<AgentId>,
    /// Or this extension.
    pub(crate) extension: Option<ExtensionNumber>,
}

impl Call {
    /// Parks the other party of this one, which is out of the call at once.
    pub(super) fn park_by_order(&mut self, desk: &mut Desk, by: LegIndex) -> Result<(), Refused> {
        let slot = desk.parking.free(&self.tenant, &ParkPlace::Any)?;
        self.send_on(desk, by, slot.as_str(), &Route::Park(ParkPlace::Slot(slot.clone())))
    }

    /// Lets a party that is handed on wait at a place.
    pub(super) fn enter_park(
        &mut self,
        desk: &mut Desk,
        stays: LegIndex,
        place: &ParkPlace,
        transfer: Option<Transfer>,
    ) {
        let timeout = self.tenant.plan.park.as_ref().map(|park| park.timeout);
        let slot = desk.parking.free(&self.tenant, place);
        let (Some(handed), Some(timeout), Ok(slot)) = (transfer, timeout, slot) else {
            return self.not_served(desk, stays, transfer, TAKEN);
        };
        if !matches!(handed.purpose, Purpose::HandOn(_)) {
            return self.not_served(desk, stays, transfer, TAKEN);
        }
        let answered_ms = self.serve(desk, stays, slot.as_str(), transfer);
        let by = handed.by;
        let until = Some(desk.start_timer(timeout, TimerKey::Parked(self.id)));
        let since_ms = desk.now.unix_ms;
        let stay = Stay { slot: slot.clone(), by, since_ms, until, rung: None };
        self.stage = Stage::Served { caller: stays, answered_ms, by: Service::Park(Box::new(stay)) };
        self.changed = true;
        let (leg, by) = (self.legs[stays.at()].id, self.legs[by.at()].id);
        self.fact(desk, Event::CallParked(CallParked { call: self.id, slot: slot.to_string(), leg, by }));
        let tenant = self.tenant.tenant.clone();
        desk.parking.take(&tenant, slot.clone(), self.id);
        desk.presence.touch(&tenant, slot.as_str());
        self.rewire(desk);
    }

    /// What must survive of it.
    pub(super) fn park_checkpoint(&self, desk: &Desk) -> Option<ParkCheckpoint> {
        let (_, stay) = self.stay()?;
        let by = self.leg(stay.by)?;
        Some(ParkCheckpoint {
            service: self.legs[self.service()?.at()].id,
            slot: stay.slot.clone(),
            since_ms: stay.since_ms,
            by: by.id,
            by_peer: by.peer.clone(),
            by_agent: by.agent.and_then(|agent| desk.floor.number_of(agent)).cloned(),
            queue: self.queueing.last.as_ref().map(|queue| queue.name.clone()),
        })
    }

    /// The stay of a call of a killed process. `None` where nobody is parked any more.
    pub(super) fn restored_stay(tenant: &TenantConfig, kept: &ParkCheckpoint) -> Option<(Service, Queueing)> {
        tenant.plan.park.as_ref()?;
        let last = kept.queue.as_ref().and_then(|queue| tenant.queues.get(queue)).cloned();
        let stay =
            Stay { slot: kept.slot.clone(), by: PARKER_RESTORED, since_ms: kept.since_ms, until: None, rung: None };
        Some((Service::Park(Box::new(stay)), Queueing::after(last)))
    }

    /// He is at his place again: its leg is there, and that of who parked him, which was over before. Nobody is rung any more for whom
    /// the killed process had phones rung.
    pub(super) fn return_to_place(&mut self, desk: &mut Desk, parked: LegIndex, kept: &ParkCheckpoint, at_ms: u64) {
        let side = match self.legs[parked.at()].side {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
        };
        let tenant = self.tenant.tenant.clone();
        let service = Leg::service(kept.service, side, kept.slot.as_str());
        desk.leg_began(&tenant, self.id, &service);
        self.legs.push(service);
        let agent = kept.by_agent.as_ref().and_then(|number| desk.floor.agent(&tenant, number));
        let over = LegState::Ended { cause: EndCause::Transferred, at_ms };
        let by = Leg { peer: kept.by_peer.clone(), agent, state: over, ..Leg::service(kept.by, side, "") };
        self.legs.push(by);
        desk.parking.take(&tenant, kept.slot.clone(), self.id);
        desk.presence.touch(&tenant, kept.slot.as_str());
    }

    /// He is still there: who parked him is rung when the rest of the time is over.
    pub(super) fn stay_on(&mut self, desk: &mut Desk) {
        let Some(timeout) = self.tenant.plan.park.as_ref().map(|park| park.timeout) else { return };
        let (now_ms, key) = (desk.now.unix_ms, TimerKey::Parked(self.id));
        let Some(stay) = self.stay_mut() else { return };
        let waited = Duration::from_millis(now_ms.saturating_sub(stay.since_ms));
        stay.until = Some(desk.start_timer(timeout.saturating_sub(waited), key));
    }

    fn stay(&self) -> Option<(LegIndex, &Stay)> {
        let (parked, Service::Park(stay)) = self.served()? else { return None };
        Some((parked, stay))
    }

    fn stay_mut(&mut self) -> Option<&mut Stay> {
        let (_, Service::Park(stay)) = self.served_mut()? else { return None };
        Some(stay)
    }

    /// Who is parked.
    pub(super) fn parked_leg(&self) -> Option<LegIndex> {
        self.stay().map(|(leg, _)| leg)
    }

    /// Where he is.
    pub(super) fn parked_at(&self) -> Option<&ExtensionNumber> {
        self.stay().map(|(_, stay)| &stay.slot)
    }

    /// The same, for who asked for it.
    pub(crate) fn parking_slot(&self) -> Option<ExtensionNumber> {
        self.parked_at().cloned()
    }

    /// The leg whose place a phone takes that dials the number of the place.
    pub(crate) fn parked_place(&self) -> Option<LegRef> {
        self.stay()?;
        self.service().map(|service| self.leg_ref(service))
    }

    /// What is shown of it.
    pub(super) fn park_view(&self) -> Option<ParkView> {
        let (_, stay) = self.stay()?;
        let by = self.legs[stay.by.at()].peer.name.clone();
        Some(ParkView { slot: stay.slot.to_string(), since_ms: stay.since_ms, by })
    }

    /// What a lamp shows that watches the place.
    pub(crate) fn parked_line(&self) -> Option<Line> {
        self.line(self.parked_leg()?)
    }

    /// He is at that place no more: nobody is rung for him any longer. Who he is, and since when he has been served; the stage is to be
    /// changed by who calls this.
    fn leave_place(&mut self, desk: &mut Desk, outcome: ParkEnd, to: Option<LegIndex>) -> Option<(LegIndex, u64)> {
        let Stage::Served { caller, answered_ms, by: Service::Park(stay) } = &mut self.stage else { return None };
        let (caller, answered_ms) = (*caller, *answered_ms);
        let (slot, since_ms, until, rung) = (stay.slot.clone(), stay.since_ms, stay.until.take(), stay.rung.take());
        if let Some(until) = until {
            desk.timers.stop(until, TimerKey::Parked(self.id));
        }
        if let Some(rung) = rung {
            desk.timers.stop(rung.until, TimerKey::ParkRing(self.id));
        }
        let cause = match outcome {
            ParkEnd::Retrieved | ParkEnd::Returned => EndCause::AnsweredElsewhere,
            ParkEnd::TimedOut => EndCause::NoAnswer,
            ParkEnd::Left => EndCause::Cancelled,
        };
        for leg in self.called().into_iter().filter(|leg| Some(*leg) != to) {
            self.cancel_leg(desk, leg, cause);
        }
        let tenant = self.tenant.tenant.clone();
        desk.parking.leave(&tenant, &slot);
        desk.presence.touch(&tenant, slot.as_str());
        let unparked = CallUnparked {
            call: self.id,
            slot: slot.to_string(),
            outcome,
            to: to.map(|to| self.legs[to.at()].id),
            waited_ms: desk.now.unix_ms.saturating_sub(since_ms),
        };
        self.fact(desk, Event::CallUnparked(unparked));
        Some((caller, answered_ms))
    }

    /// The call ends.
    pub(super) fn leave_park(&mut self, desk: &mut Desk) {
        self.leave_place(desk, ParkEnd::Left, None);
    }

    /// A phone that dialled the place, whose INVITE this is, takes him.
    ///
    /// # Errors
    /// What it is told; he goes on waiting.
    pub(super) fn unpark(&mut self, desk: &mut Desk, arrival: Arrival) -> Result<(), Refusal> {
        if self.is_on_probation() {
            // Nobody knows whether he is still there.
            return Err(StatusCode::REQUEST_PENDING.into());
        }
        if self.legs.len() >= LEGS_MAX {
            return Err(Refusal::busy_node());
        }
        let choices = vec![self.proposal()];
        let leg_ref = self.leg_ref(self.next_index());
        let (leg, sip_call_id) = arrival.into_leg(desk, &self.tenant.tenant, leg_ref, Side::Callee)?;
        let new = self.push_leg(desk, leg, &sip_call_id);
        if self.answer_with(desk, new, &choices) {
            self.park_taken(desk, new, ParkEnd::Retrieved);
        } else {
            let refusal = StatusCode::NOT_ACCEPTABLE_HERE.into();
            self.refuse_leg(desk, new, &End { cause: EndCause::NotAcceptable, by: EndedBy::System, refusal });
        }
        Ok(())
    }

    /// A phone that was rung for him answered.
    pub(super) fn park_answered(&mut self, desk: &mut Desk, leg: LegIndex) {
        let returns = self.stay().is_some_and(|(_, stay)| stay.rung.as_ref().is_some_and(|it| it.why == Why::Return));
        self.park_taken(desk, leg, if returns { ParkEnd::Returned } else { ParkEnd::Retrieved });
    }

    fn park_taken(&mut self, desk: &mut Desk, new: LegIndex, outcome: ParkEnd) {
        let service = self.service();
        let Some((parked, answered_ms)) = self.leave_place(desk, outcome, Some(new)) else { return };
        let seat = service.map_or(Side::Callee, |service| self.legs[service.at()].side);
        self.legs[new.at()].side = seat;
        let (caller, callee) = match seat {
            Side::Caller => (new, parked),
            Side::Callee => (parked, new),
        };
        self.stage = Stage::Talking { caller, callee, answered_ms };
        if let Some(service) = service {
            self.finish_leg(desk, service, EndCause::Transferred);
        }
        self.changed = true;
        self.rewire(desk);
        self.start_recording(desk);
    }

    /// Nobody has come in time: who parked him is rung, if that may be.
    pub(crate) fn park_elapsed(&mut self, desk: &mut Desk) {
        let Some(stay) = self.stay_mut() else { return };
        stay.until = None;
        // Who is rung to take him has his time.
        if stay.rung.is_some() {
            return;
        }
        let by = stay.by;
        let (agent, name) = (self.legs[by.at()].agent, self.legs[by.at()].peer.name.clone());
        let who = PickUpBy { agent, extension: name.parse().ok() };
        let targets = self.phones_of(desk, &who).unwrap_or_default();
        if !self.ring_for_parked(desk, Why::Return, targets) {
            self.not_taken_back(desk);
        }
    }

    /// The phones by which somebody is rung, all at once, or the ways to his mobile, one after another.
    ///
    /// # Errors
    /// He may not be rung now, or has none.
    fn phones_of(&mut self, desk: &mut Desk, who: &PickUpBy) -> Result<Vec<Target>, Refused> {
        let extension = who.extension.as_ref();
        let on_extension = extension.and_then(|extension| desk.floor.on_extension(&self.tenant.tenant, extension));
        let shown = self.shown().into_owned();
        let targets = match (who.agent.or(on_extension), extension) {
            (Some(agent), _) if !desk.floor.is_free(agent) => return Err(Refused::NotAvailable),
            (Some(agent), _) => match desk.reach(&self.tenant, agent, &shown) {
                Reach::Phones(phones) => phones,
                Reach::Mobile(lines) => lines.into(),
            },
            (None, Some(number)) => {
                let extension = self.tenant.extensions.get(number).filter(|extension| extension.enabled);
                let extension = extension.ok_or(Refused::NoSuchExtension)?;
                if self.is_engaged(desk, extension) {
                    return Err(Refused::NotAvailable);
                }
                desk.rung_phones(&self.tenant, number)
            }
            (None, None) => return Err(Refused::NotRegistered),
        };
        if targets.is_empty() { Err(Refused::NotRegistered) } else { Ok(targets) }
    }

    /// Rings phones at once, or the best of the ways to a mobile, and leaves those that are not rung. False if none of them could be.
    fn ring_some(&mut self, desk: &mut Desk, targets: &mut VecDeque<Target>) -> bool {
        let at_once = !matches!(targets.front(), Some(Target::Trunk(_)));
        let mut rings = false;
        while let Some(target) = targets.pop_front() {
            rings |= self.call_target(desk, target, Summons::Ring).is_ok();
            if rings && !at_once {
                break;
            }
        }
        rings
    }

    /// [`Self::ring_some`], for a time. False if none of them could be.
    fn ring_for_parked(&mut self, desk: &mut Desk, why: Why, targets: Vec<Target>) -> bool {
        let mut lines: VecDeque<Target> = targets.into();
        let rings = self.ring_some(desk, &mut lines);
        if rings {
            let until = desk.start_timer(TRANSFER_RING_MAX, TimerKey::ParkRing(self.id));
            if let Some(stay) = self.stay_mut() {
                stay.rung = Some(Rung { why, until, lines });
            }
        }
        rings
    }

    /// Who is rung for him did not answer in time.
    pub(crate) fn park_ring_elapsed(&mut self, desk: &mut Desk) {
        for leg in self.called() {
            self.cancel_leg(desk, leg, EndCause::NoAnswer);
        }
        if let Some(rung) = self.stay_mut().and_then(|stay| stay.rung.as_mut()) {
            rung.lines.clear();
        }
        self.park_ring_failed(desk);
    }

    /// A phone that was rung for him rings no more. What comes when it was the last.
    pub(super) fn park_ring_failed(&mut self, desk: &mut Desk) {
        while self.called().is_empty() {
            let Some(rung) = self.stay_mut().and_then(|stay| stay.rung.as_mut()) else { return };
            if let Some(line) = rung.lines.pop_front() {
                let _ = self.call_target(desk, line, Summons::Ring);
                continue;
            }
            let (why, until) = (rung.why, rung.until);
            desk.timers.stop(until, TimerKey::ParkRing(self.id));
            let Some(stay) = self.stay_mut() else { return };
            stay.rung = None;
            let is_due = stay.until.is_none();
            self.changed = true;
            return match why {
                Why::Return => self.not_taken_back(desk),
                Why::PickUp if is_due => self.park_elapsed(desk),
                Why::PickUp => {}
            };
        }
    }

    /// CALL-16: he goes where a party goes that is handed on to nobody.
    fn not_taken_back(&mut self, desk: &mut Desk) {
        let Some((_, stay)) = self.stay() else { return };
        let by = stay.by;
        let Some((parked, answered_ms)) = self.leave_place(desk, ParkEnd::TimedOut, None) else { return };
        let Some(service) = self.service() else { return self.end_failed(desk) };
        let seat = self.legs[service.at()].side;
        if self.legs[by.at()].agent.is_some() {
            self.finish_leg(desk, service, EndCause::Transferred);
            let purpose = Purpose::HandOn(TransferKind::Blind);
            self.fall_back(desk, Transfer { by, seat, purpose, answered_ms }, parked);
            return;
        }
        let own: Option<ExtensionNumber> = self.legs[by.at()].peer.name.parse().ok();
        match own.filter(|number| self.takes_messages(number)) {
            Some(number) => {
                let mailbox = dialplan::flow::name::Mailbox::Extension(number);
                self.take_message(desk, parked, answered_ms, (mailbox, After::End), Vec::new());
            }
            None => self.say_last(desk, parked, answered_ms, defaults::CALL_UNAVAILABLE),
        }
    }

    /// Rings somebody for a call that rings elsewhere, or is parked.
    ///
    /// # Errors
    /// Why it may not be; nothing has changed then.
    pub(crate) fn pick_up_by(&mut self, desk: &mut Desk, who: &PickUpBy) -> Result<(), Refused> {
        if self.is_on_probation() || self.is_somebody_away() {
            return Err(Refused::NotNow);
        }
        let is_parked = match &self.stage {
            Stage::Served { by: Service::Park(stay), .. } if stay.rung.is_some() => return Err(Refused::NotNow),
            Stage::Served { by: Service::Park(_), .. } => true,
            Stage::Seeking(Seeking { .. }) if self.answered_by().is_none() && !self.called().is_empty() => false,
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Seeking(_)
            | Stage::Talking { .. }
            | Stage::Served { .. }
            | Stage::Ending { .. }
            | Stage::Over => return Err(Refused::NothingToPickUp),
        };
        if self.takes_part(desk, who) {
            return Err(Refused::TakesPart);
        }
        let targets = self.phones_of(desk, who)?;
        if self.legs.len() + targets.len() > LEGS_MAX {
            return Err(Refused::Full);
        }
        let rings = if is_parked {
            self.ring_for_parked(desk, Why::PickUp, targets)
        } else {
            self.ring_some(desk, &mut targets.into())
        };
        self.rewire(desk);
        if rings { Ok(()) } else { Err(Refused::NotRegistered) }
    }

    /// Whether a leg of the call is his already.
    fn takes_part(&self, desk: &Desk, who: &PickUpBy) -> bool {
        let extension = match who.agent {
            Some(agent) => desk.floor.extension_of(agent).or(who.extension.as_ref()),
            None => who.extension.as_ref(),
        };
        let is_his = |leg: &Leg| {
            (leg.agent.is_some() && leg.agent == who.agent)
                || extension.is_some_and(|number| {
                    leg.peer.kind == hooks::fact::PeerKind::Extension && leg.peer.name == number.as_str()
                })
        };
        self.leg_of(is_his).is_some()
    }

    /// Says what he hears.
    pub(super) fn rewire_park(&mut self, desk: &mut Desk) {
        let Some(parked) = self.parked_leg() else { return };
        if let Some(session) = self.legs[parked.at()].session_mut() {
            session.listen(desk, Detect::Off);
        }
        self.hear(desk, parked, vec![Source::Sound(Sound::HoldMusic)]);
    }
}

/// The place among the legs of who parked him, in a call of a killed process: beside the parked one and that of the place.
const PARKER_RESTORED: LegIndex = LegIndex(2);

/// There is no such place, or it is taken.
const TAKEN: Verdict = Verdict { status: StatusCode::BUSY_HERE, cause: EndCause::Busy };

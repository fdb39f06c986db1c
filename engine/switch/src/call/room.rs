//! A call into a conference room: at the door it says the PIN, inside it hears all others. The room itself is on the desk.

use std::sync::Arc;
use std::time::Duration;

use dialplan::collect::{Collector, Entry, Rule};
use dialplan::number::RoomNumber;
use hooks::fact::{CallAnswered, ConferenceEnd, EndCause, EndedBy, Event, LeftReason, MemberRole, MutedBy, PeerKind};
use hooks::id::ConferenceId;
use sip::message::StatusCode;

use super::transfer::Transfer;
use super::{Call, End, Seeking, Stage, Verdict};
use crate::conference::{Keys, Lock, Mute, Newcomer, NoEntry, RoomKey};
use crate::config::{Pin, Room};
use crate::desk::{Desk, LegIndex, LegRef, TimerKey};
use crate::leg::{Leg, LegMedia, LegState, Offered, Peer, Side};
use crate::media::{Detect, Source};
use crate::session;

/// A call whose one party is in a room, or wants to be.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) caller: LegIndex,
    pub(super) answered_ms: u64,
    pub(super) room: Arc<Room>,
    place: Place,
    /// Why it has to go.
    sent_away: Option<LeftReason>,
}

/// Where in the room it is.
#[derive(Debug)]
enum Place {
    /// It is asked for the PIN.
    Door { collector: Collector, tries_left: u8 },
    /// It hears and is heard.
    Inside { conference: ConferenceId, at: LegRef, keys: Keys },
    /// It was not let in.
    Outside,
}

impl Call {
    /// Answers the caller and lets it into a room, or asks for the PIN.
    pub(super) fn visit(&mut self, desk: &mut Desk, caller: LegIndex, number: &RoomNumber, transfer: Option<Transfer>) {
        let found = self.tenant.rooms.get(number).cloned().ok_or(NOWHERE).and_then(|room| {
            // Who has no PIN to enter need not be answered first.
            let may = if room.asks() { Ok(()) } else { desk.conferences.may_enter(&self.tenant.tenant, &room, PLAIN) };
            may.map(|()| room).map_err(NoEntry::verdict)
        });
        let room = match found {
            Ok(room) => room,
            Err(verdict) => {
                let ring_until = desk.now.mono;
                let queue = std::collections::VecDeque::new();
                self.stage = Stage::Seeking(Seeking { caller, queue, verdict: None, ring_until, transfer });
                return self.nobody(desk, verdict);
            }
        };
        let choices = [session::mixed(self.open_offer(caller))];
        if !self.legs[caller.at()].is_up() && !self.answer_with(desk, caller, &choices) {
            return self.end_not_acceptable(desk);
        }
        let answered_ms = self.serve(desk, caller, number.as_str(), transfer);
        let place = Place::Outside;
        self.stage = Stage::Room(Box::new(Visit { caller, answered_ms, room: room.clone(), place, sent_away: None }));
        self.rewire(desk);
        if room.asks() {
            self.ask_pin(desk, TRIES);
        } else {
            self.enter(desk, PLAIN);
        }
    }

    /// The offer of a caller who waits for our answer.
    fn open_offer(&self, caller: LegIndex) -> Option<&sip::sdp::SessionDescription> {
        match &self.leg(caller)?.state {
            LegState::Incoming(incoming) => match &incoming.offer {
                Offered::Open(offer) => Some(offer),
                Offered::Answered | Offered::Exchanged | Offered::Nothing => None,
            },
            LegState::Outgoing(_) | LegState::Up(_) | LegState::Service | LegState::Ended { .. } => None,
        }
    }

    /// The leg of a service that answered the caller, or takes the place of who handed it on; since when they talk.
    pub(super) fn serve(&mut self, desk: &mut Desk, caller: LegIndex, number: &str, transfer: Option<Transfer>) -> u64 {
        let number = number.to_owned();
        let service = Leg {
            id: desk.leg_id(),
            side: Side::Callee,
            peer: Peer { kind: PeerKind::Service, name: number.clone(), number },
            tag: Box::default(),
            state: LegState::Service,
            media: LegMedia::None,
            status: 0,
        };
        let service = self.push_leg(desk, service, "");
        if let Some(transfer) = transfer {
            self.handed_on(desk, transfer, caller, service);
            return transfer.answered_ms;
        }
        let answered = CallAnswered { call: self.id, leg: self.legs[service.at()].id };
        self.fact(desk, Event::CallAnswered(answered));
        desk.metrics.calls_answered += 1;
        desk.now.unix_ms
    }

    fn visit_mut(&mut self) -> Option<&mut Visit> {
        match &mut self.stage {
            Stage::Room(visit) => Some(visit),
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Seeking(_)
            | Stage::Talking { .. }
            | Stage::Echo { .. }
            | Stage::Ending { .. }
            | Stage::Over => None,
        }
    }

    fn ask_pin(&mut self, desk: &mut Desk, tries_left: u8) {
        let key = TimerKey::Digits(self.id);
        let now = desk.now.mono;
        let Some(visit) = self.visit_mut() else { return };
        let pins = [&visit.room.pin, &visit.room.moderator_pin];
        let max = pins.into_iter().flatten().map(|pin| pin.digits().len()).max().unwrap_or(Pin::LEN_MAX);
        let collector = Collector::begin(Rule { max, ..ENTRY }, now);
        desk.timers.start(collector.until(), key);
        visit.place = Place::Door { collector, tries_left };
    }

    /// Whether this is the leg of who is in a room, or at its door.
    pub(super) fn is_visitor(&self, leg: LegIndex) -> bool {
        matches!(&self.stage, Stage::Room(visit) if visit.caller == leg)
    }

    /// The visitor pressed a key.
    pub(super) fn visitor_pressed(&mut self, desk: &mut Desk, leg: LegIndex, digit: char) {
        let id = self.id;
        let Some(visit) = self.visit_mut() else { return };
        match &mut visit.place {
            Place::Door { collector, .. } => {
                let before = collector.until();
                let entry = collector.press(desk.now.mono, digit);
                desk.timers.stop(before, TimerKey::Digits(id));
                match entry {
                    Some(entry) => self.entered(desk, entry),
                    None => desk.timers.start(collector.until(), TimerKey::Digits(id)),
                }
            }
            Place::Inside { conference, keys, .. } => {
                let conference = *conference;
                if let Some(key) = keys.press(desk.now.mono, digit) {
                    self.room_key(desk, conference, leg, key);
                }
            }
            Place::Outside => {}
        }
    }

    /// The next digit did not come in time.
    pub(crate) fn digits_elapsed(&mut self, desk: &mut Desk) {
        let Some(Visit { place: Place::Door { collector, .. }, .. }) = self.visit_mut() else { return };
        if let Some(entry) = collector.elapsed(desk.now.mono) {
            self.entered(desk, entry);
        }
    }

    /// A PIN was entered, or nothing.
    fn entered(&mut self, desk: &mut Desk, entry: Entry) {
        let (Entry::Complete(digits) | Entry::TimedOut(digits)) = entry;
        let Some(visit) = self.visit_mut() else { return };
        let Place::Door { tries_left, .. } = visit.place else { return };
        match visit.room.role_of(&digits) {
            Some(role) => self.enter(desk, role),
            None if tries_left > 1 => self.ask_pin(desk, tries_left - 1),
            None => self.turn_away(desk, EndCause::Rejected, StatusCode::FORBIDDEN),
        }
    }

    fn enter(&mut self, desk: &mut Desk, role: MemberRole) {
        let Stage::Room(visit) = &self.stage else { return };
        let (caller, room) = (visit.caller, visit.room.clone());
        let leg = &self.legs[caller.at()];
        let newcomer = Newcomer {
            at: self.leg_ref(caller),
            leg: leg.id,
            peer: leg.peer.clone(),
            role,
            endpoint: leg.endpoint(),
            hold: leg.hold(),
        };
        let at = newcomer.at;
        match desk.join_room(&self.tenant.tenant, &room, newcomer) {
            Ok(conference) => {
                if let Some(visit) = self.visit_mut() {
                    visit.place = Place::Inside { conference, at, keys: Keys::default() };
                }
                self.changed = true;
                self.rewire(desk);
            }
            Err(refused) => {
                let Verdict { status, cause } = refused.verdict();
                self.turn_away(desk, cause, status);
            }
        }
    }

    /// Somebody who is answered already is not let in.
    fn turn_away(&mut self, desk: &mut Desk, cause: EndCause, status: StatusCode) {
        self.end(desk, &End { cause, by: EndedBy::System, refusal: status.into() });
    }

    fn room_key(&mut self, desk: &mut Desk, conference: ConferenceId, leg: LegIndex, key: RoomKey) {
        let own = self.leg_ref(leg);
        let Some(found) = desk.conferences.find(conference) else { return };
        let moderates = found.role_of(own) == Some(MemberRole::Moderator);
        match key {
            RoomKey::MuteSelf => {
                let mute = found.mute_of(own).map_or(Mute::Off, Mute::other);
                desk.mute_member(conference, own, mute, MutedBy::Member);
            }
            RoomKey::Record | RoomKey::Lock | RoomKey::MuteOthers | RoomKey::KickLast | RoomKey::End if !moderates => {}
            RoomKey::Record if found.is_recorded() => desk.stop_recording_room(conference),
            RoomKey::Record => desk.record_room(conference),
            RoomKey::Lock => {
                let lock = match found.lock() {
                    Lock::On => Lock::Off,
                    Lock::Off => Lock::On,
                };
                desk.conferences.lock(conference, lock);
            }
            RoomKey::MuteOthers => {
                let participants = found.participants();
                let all = participants.iter().all(|at| found.mute_of(*at) == Some(Mute::On));
                for at in participants {
                    desk.mute_member(conference, at, if all { Mute::Off } else { Mute::On }, MutedBy::Moderator);
                }
            }
            RoomKey::KickLast => {
                if let Some(last) = found.last_but(own) {
                    desk.conferences.kick(last.call);
                }
            }
            RoomKey::End => desk.conferences.end(conference, ConferenceEnd::Moderator),
        }
    }

    /// Says whom the visitor hears, and the others how it is.
    pub(super) fn rewire_visit(&mut self, desk: &mut Desk) {
        let id = self.id;
        let Stage::Room(visit) = &mut self.stage else { return };
        let caller = visit.caller;
        if let Some(session) = self.legs[caller.at()].session_mut() {
            session.listen(desk, Detect::On);
        }
        let Place::Inside { conference, at, .. } = &mut visit.place else { return self.hear(desk, caller, Vec::new()) };
        let (conference, own, leg) = (*conference, LegRef { call: id, leg: caller }, &self.legs[caller.at()]);
        // Its browser came back by another leg.
        let before = std::mem::replace(at, own);
        if before != own {
            desk.conferences.reseat(conference, before, own, leg.id);
        }
        desk.conferences.refresh(conference, own, leg.endpoint(), leg.hold());
        self.hear(desk, caller, desk.conferences.heard_by(conference, own));
        let gains = desk.conferences.find(conference).map(|found| found.gains()).unwrap_or_default();
        if let Some(session) = self.legs[caller.at()].session_mut() {
            for (endpoint, gain) in gains {
                session.hear_as_loud(desk, Source::Endpoint(endpoint), gain);
            }
        }
    }

    /// The visitor's call ends for this cause.
    pub(super) fn leave_room(&mut self, desk: &mut Desk, cause: EndCause) {
        let Stage::Room(visit) = &self.stage else { return };
        match &visit.place {
            Place::Door { collector, .. } => desk.timers.stop(collector.until(), TimerKey::Digits(self.id)),
            Place::Inside { conference, at, .. } => {
                let reason = visit.sent_away.unwrap_or(left_by(cause));
                desk.leave_room(*conference, *at, reason);
            }
            Place::Outside => {}
        }
    }

    /// A moderator or a command sends the visitor away.
    pub(crate) fn sent_away(&mut self, desk: &mut Desk, reason: LeftReason) {
        let Some(visit) = self.visit_mut() else { return };
        visit.sent_away = Some(reason);
        let refusal = StatusCode::TEMPORARILY_UNAVAILABLE.into();
        self.end(desk, &End { cause: EndCause::Command, by: EndedBy::System, refusal });
    }
}

impl Room {
    /// Whether who comes in has to say something.
    fn asks(&self) -> bool {
        self.pin.is_some() || self.moderator_pin.is_some()
    }

    /// What they are who enter these digits; `None` if they are nobody. Where only moderators have a PIN, nothing will do.
    fn role_of(&self, digits: &str) -> Option<MemberRole> {
        let is = |pin: &Option<Pin>| pin.as_ref().is_some_and(|pin| pin.digits() == digits);
        if is(&self.moderator_pin) {
            Some(MemberRole::Moderator)
        } else if is(&self.pin) || (self.pin.is_none() && digits.is_empty()) {
            Some(MemberRole::Participant)
        } else {
            None
        }
    }
}

impl NoEntry {
    fn verdict(self) -> Verdict {
        match self {
            Self::Full => Verdict { status: StatusCode::BUSY_HERE, cause: EndCause::Busy },
            Self::Locked => Verdict { status: StatusCode::FORBIDDEN, cause: EndCause::Rejected },
        }
    }
}

fn left_by(cause: EndCause) -> LeftReason {
    match cause {
        EndCause::Normal | EndCause::Cancelled | EndCause::Transferred => LeftReason::HungUp,
        EndCause::MediaTimeout | EndCause::PeerLost | EndCause::Interrupted => LeftReason::Lost,
        EndCause::AnsweredElsewhere
        | EndCause::Reconnected
        | EndCause::Busy
        | EndCause::Rejected
        | EndCause::NoAnswer
        | EndCause::Unreachable
        | EndCause::NotAcceptable
        | EndCause::Refused
        | EndCause::Congestion
        | EndCause::Command
        | EndCause::Stopped
        | EndCause::Failed => LeftReason::CallEnded,
    }
}

const NOWHERE: Verdict = Verdict { status: StatusCode::NOT_FOUND, cause: EndCause::Unreachable };
/// What somebody is who needs no PIN.
const PLAIN: MemberRole = MemberRole::Participant;
/// How often a PIN may be entered.
const TRIES: u8 = 3;
/// `max` is the length of the longest PIN.
const ENTRY: Rule =
    Rule { max: Pin::LEN_MAX, terminator: Some('#'), first: Duration::from_secs(10), between: Duration::from_secs(5) };

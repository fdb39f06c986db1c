//! A call into a conference room: at the door it says the PIN, inside it hears all others. The room itself is on the desk.

use std::sync::Arc;
use std::time::Duration;

use dialplan::collect::{Collector, Entry, Rule};
use dialplan::number::RoomNumber;
use dialplan::say::{Part, PromptName, defaults};
use hooks::fact::{ConferenceEnd, EndCause, EndedBy, LeftReason, MemberRole, MutedBy};
use hooks::id::ConferenceId;
use sip::message::StatusCode;

use super::transfer::Transfer;
use super::{Call, End, Service, Stage, Verdict};
use crate::conference::{Conference, Keys, Lock, Mute, Newcomer, NoEntry, RoomKey};
use crate::config::{Pin, Room};
use crate::desk::{Desk, LegIndex, LegRef, TimerKey};
use crate::leg::Hold;
use crate::media::{Detect, PlayerId, Source};
use crate::players::{Audience, Speaker};

/// A call whose one party is in a room, or wants to be.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) room: Arc<Room>,
    place: Place,
    /// Why it has to go.
    sent_away: Option<LeftReason>,
    /// What is said to it alone.
    speaker: Speaker,
    /// What was said to all while it was told something of its own: it does not hear the rest of it either.
    missed: Option<PlayerId>,
}

/// Where in the room it is.
#[derive(Debug)]
enum Place {
    /// It is asked for the PIN.
    Door { collector: Collector, tries_left: u8 },
    /// It hears and is heard.
    Inside { conference: ConferenceId, at: LegRef, keys: Keys },
    /// It is told why it has to go, until then at the latest.
    Leaving { until: Duration, end: Box<End> },
    /// It was not let in yet.
    Outside,
}

impl Visit {
    /// The visit of a member that goes on in another process.
    pub(super) fn restored(at: LegRef, room: Arc<Room>, conference: ConferenceId) -> Self {
        Self {
            room,
            place: Place::Inside { conference, at, keys: Keys::default() },
            sent_away: None,
            speaker: Speaker::default(),
            missed: None,
        }
    }

    /// The conference that it is in, and its place there.
    pub(super) fn conference(&self) -> Option<(ConferenceId, LegRef)> {
        match self.place {
            Place::Inside { conference, at, .. } => Some((conference, at)),
            Place::Door { .. } | Place::Leaving { .. } | Place::Outside => None,
        }
    }
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
            Err(verdict) => return self.not_served(desk, caller, transfer, verdict),
        };
        let Some(answered_ms) = self.answer_and_serve(desk, caller, number.as_str(), transfer) else { return };
        let visit = Visit {
            room: room.clone(),
            place: Place::Outside,
            sent_away: None,
            speaker: Speaker::default(),
            missed: None,
        };
        self.stage = Stage::Served { caller, answered_ms, by: Service::Room(Box::new(visit)) };
        if room.asks() {
            self.ask_pin(desk, TRIES, defaults::CONFERENCE_PIN);
        } else {
            self.enter(desk, PLAIN);
        }
    }

    fn visit_mut(&mut self) -> Option<&mut Visit> {
        let (_, Service::Room(visit)) = self.served_mut()? else { return None };
        Some(visit)
    }

    fn ask_pin(&mut self, desk: &mut Desk, tries_left: u8, prompt: PromptName) {
        let key = TimerKey::Visit(self.id);
        let now = desk.now.mono;
        let Some(visit) = self.visit_mut() else { return };
        let pins = [&visit.room.pin, &visit.room.moderator_pin];
        let max = pins.into_iter().flatten().map(|pin| pin.digits().len()).max().unwrap_or(Pin::LEN_MAX);
        let collector = Collector::begin(Rule { max, ..ENTRY }, now);
        desk.timers.start(collector.until(), key);
        visit.place = Place::Door { collector, tries_left };
        visit.speaker.say(vec![Part::Prompt(prompt)]);
        self.rewire(desk);
    }

    /// Whether this is the leg of who is in a room, or at its door.
    pub(super) fn is_visitor(&self, leg: LegIndex) -> bool {
        matches!(&self.stage, Stage::Served { caller, by: Service::Room(_), .. } if *caller == leg)
    }

    /// The visitor pressed a key.
    pub(super) fn visitor_pressed(&mut self, desk: &mut Desk, leg: LegIndex, digit: char) {
        let id = self.id;
        let Some(visit) = self.visit_mut() else { return };
        match &mut visit.place {
            Place::Door { collector, .. } => {
                let before = collector.until();
                let entry = collector.press(desk.now.mono, digit);
                desk.timers.stop(before, TimerKey::Visit(id));
                if entry.is_none() {
                    desk.timers.start(collector.until(), TimerKey::Visit(id));
                }
                // Who knows what to press need not hear the rest.
                if let Some(player) = visit.speaker.hush() {
                    desk.stop_playing(player);
                    self.rewire(desk);
                }
                if let Some(entry) = entry {
                    self.entered(desk, entry);
                }
            }
            Place::Inside { conference, keys, .. } => {
                let conference = *conference;
                if let Some(key) = keys.press(desk.now.mono, digit) {
                    self.room_key(desk, conference, leg, key);
                }
            }
            Place::Leaving { .. } | Place::Outside => {}
        }
    }

    /// The next digit did not come in time, or what is said last was not played in time.
    pub(crate) fn visit_elapsed(&mut self, desk: &mut Desk) {
        let now = desk.now.mono;
        match self.visit_mut().map(|visit| &mut visit.place) {
            Some(Place::Door { collector, .. }) => {
                if let Some(entry) = collector.elapsed(now) {
                    self.entered(desk, entry);
                }
            }
            Some(Place::Leaving { end, .. }) => {
                let end = end.clone();
                self.end_visit(desk, &end);
            }
            Some(Place::Inside { .. } | Place::Outside) | None => {}
        }
    }

    /// What is said to the party of a service alone was played to its end.
    pub(crate) fn played(&mut self, desk: &mut Desk, player: PlayerId) {
        if self.played_for_flow(desk, player)
            || self.played_in_queue(desk, player)
            || self.played_for_message(desk, player)
            || self.played_for_survey(desk, player)
            || self.played_message(desk, player)
            || self.played_last(desk, player)
            || self.played_to_confirm(desk, player)
            || self.played_announcement(desk, player)
        {
            return;
        }
        let key = TimerKey::Visit(self.id);
        let Some(visit) = self.visit_mut() else { return };
        if visit.speaker.ended(player) && visit.speaker.is_silent() {
            match &mut visit.place {
                Place::Door { collector, .. } => {
                    desk.timers.stop(collector.until(), key);
                    collector.asked(desk.now.mono);
                    desk.timers.start(collector.until(), key);
                }
                Place::Leaving { end, .. } => {
                    let end = end.clone();
                    return self.end_visit(desk, &end);
                }
                Place::Inside { .. } | Place::Outside => {}
            }
        }
        self.rewire(desk);
    }

    /// Something was done to the visitor: it is told.
    pub(crate) fn told(&mut self, desk: &mut Desk, prompt: PromptName) {
        if let Some(visit) = self.visit_mut()
            && matches!(visit.place, Place::Inside { .. })
        {
            visit.speaker.say(vec![Part::Prompt(prompt)]);
            self.rewire(desk);
        }
    }

    /// A PIN was entered, or nothing.
    fn entered(&mut self, desk: &mut Desk, entry: Entry) {
        let (Entry::Complete(digits) | Entry::TimedOut(digits)) = entry;
        let Some(visit) = self.visit_mut() else { return };
        let Place::Door { tries_left, .. } = visit.place else { return };
        match visit.room.role_of(&digits) {
            Some(role) => self.enter(desk, role),
            None if tries_left > 1 => self.ask_pin(desk, tries_left - 1, defaults::WRONG_PIN),
            None => self.end(desk, &turned_away(Verdict { status: StatusCode::FORBIDDEN, cause: EndCause::Rejected })),
        }
    }

    fn enter(&mut self, desk: &mut Desk, role: MemberRole) {
        let Stage::Served { caller, by: Service::Room(visit), .. } = &self.stage else { return };
        let (caller, room) = (*caller, visit.room.clone());
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
        match desk.join_room(&self.tenant, &room, newcomer) {
            Ok(conference) => {
                let welcome = desk.conferences.find(conference).and_then(Conference::welcome);
                if let Some(visit) = self.visit_mut() {
                    visit.place = Place::Inside { conference, at, keys: Keys::default() };
                    welcome.into_iter().for_each(|parts| visit.speaker.say(parts));
                }
                self.changed = true;
                self.rewire(desk);
            }
            Err(refused) => {
                let end = turned_away(refused.verdict());
                self.say_and_end(desk, refused.prompt(), end);
            }
        }
    }

    /// Tells the visitor why it has to go, and ends its call then; at once where nothing is said aloud, or nobody would hear it.
    fn say_and_end(&mut self, desk: &mut Desk, prompt: PromptName, end: End) {
        let Stage::Served { caller, by: Service::Room(visit), .. } = &self.stage else { return };
        let leg = &self.legs[caller.at()];
        if !visit.room.announce || !leg.is_up() || leg.hold() == Hold::On {
            return self.end_visit(desk, &end);
        }
        self.leave_room(desk, end.cause);
        let until = desk.start_timer(FAREWELL_MAX, TimerKey::Visit(self.id));
        if let Some(visit) = self.visit_mut() {
            visit.place = Place::Leaving { until, end: Box::new(end) };
            visit.speaker.say(vec![Part::Prompt(prompt)]);
        }
        self.rewire(desk);
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
                desk.lock_room(conference, lock);
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
        self.speak(desk);
        let Stage::Served { caller, by: Service::Room(visit), .. } = &mut self.stage else { return };
        let (caller, said) = (*caller, visit.speaker.playing());
        if let Some(session) = self.legs[caller.at()].session_mut() {
            session.listen(desk, Detect::On);
        }
        let Place::Inside { conference, at, .. } = &mut visit.place else {
            return self.hear(desk, caller, said.map(Source::Player).into_iter().collect());
        };
        let (conference, own, leg) = (*conference, LegRef { call: id, leg: caller }, &self.legs[caller.at()]);
        // Its browser came back by another leg.
        let before = std::mem::replace(at, own);
        if before != own {
            desk.conferences.reseat(conference, before, own, leg.id);
        }
        desk.conferences.refresh(conference, own, leg.endpoint(), leg.hold());
        let mut sources = desk.conferences.heard_by(conference, own);
        if leg.hold() == Hold::Off {
            let announced = desk.conferences.announcement(conference);
            if said.is_some() {
                visit.missed = announced;
            }
            let announced = announced.filter(|player| visit.missed != Some(*player));
            if announced.is_some() {
                desk.conferences.announcement_is_heard(conference);
            }
            if let Some(player) = said.or(announced) {
                // Nothing is said into the music of who is alone.
                sources.retain(|source| !matches!(source, Source::Sound(_)));
                sources.push(Source::Player(player));
            }
        }
        self.hear(desk, caller, sources);
        let gains = desk.conferences.find(conference).map(|found| found.gains()).unwrap_or_default();
        if let Some(session) = self.legs[caller.at()].session_mut() {
            for (endpoint, gain) in gains {
                session.hear_as_loud(desk, Source::Endpoint(endpoint), gain);
            }
        }
    }

    /// Begins what is to be said to the visitor next, unless it is on hold.
    fn speak(&mut self, desk: &mut Desk) {
        let Stage::Served { caller, by: Service::Room(visit), .. } = &mut self.stage else { return };
        if self.legs[caller.at()].hold() == Hold::On {
            return;
        }
        if let Some(parts) = visit.speaker.take_next() {
            let (tenant, language) = (&self.tenant.tenant, self.tenant.language);
            visit.speaker.began(desk.play(Audience::Call(self.id), tenant, language, parts));
        }
    }

    /// The visitor's call ends for this cause, or is going to.
    pub(super) fn leave_room(&mut self, desk: &mut Desk, cause: EndCause) {
        let Some(visit) = self.visit_mut() else { return };
        if let Some(player) = visit.speaker.hush() {
            desk.stop_playing(player);
        }
        match &visit.place {
            Place::Door { collector, .. } => desk.timers.stop(collector.until(), TimerKey::Visit(self.id)),
            Place::Leaving { until, .. } => desk.timers.stop(*until, TimerKey::Visit(self.id)),
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
        let end =
            End { cause: EndCause::Command, by: EndedBy::System, refusal: StatusCode::TEMPORARILY_UNAVAILABLE.into() };
        let prompt = match reason {
            LeftReason::Ended => defaults::CONFERENCE_CLOSED,
            LeftReason::Kicked | LeftReason::HungUp | LeftReason::Lost | LeftReason::CallEnded => {
                defaults::CONFERENCE_KICKED
            }
        };
        self.say_and_end(desk, prompt, end);
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

    fn prompt(self) -> PromptName {
        match self {
            Self::Full => defaults::CONFERENCE_FULL,
            Self::Locked => defaults::CONFERENCE_LOCKED,
        }
    }
}

/// Somebody who is answered already is not let in.
fn turned_away(verdict: Verdict) -> End {
    End { cause: verdict.cause, by: EndedBy::System, refusal: verdict.status.into() }
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

pub(super) const NOWHERE: Verdict = Verdict { status: StatusCode::NOT_FOUND, cause: EndCause::Unreachable };
/// What somebody is who needs no PIN.
const PLAIN: MemberRole = MemberRole::Participant;
/// How long it may take to say to somebody why it has to go: what is said takes seconds.
const FAREWELL_MAX: Duration = Duration::from_secs(10);
/// How often a PIN may be entered.
const TRIES: u8 = 3;
/// `max` is the length of the longest PIN.
const ENTRY: Rule =
    Rule { max: Pin::LEN_MAX, terminator: Some('#'), first: Duration::from_secs(10), between: Duration::from_secs(5) };

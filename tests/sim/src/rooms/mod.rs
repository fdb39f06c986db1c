//! Conference rooms, told twice: by the facts of the switch, and by what reached it from phones and commands. Both must agree
//! after each step.

mod door;
mod model;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hooks::fact::{
    ConferenceEnd, ConferenceEnded, Event, Fact, LeftReason, MemberJoined, MemberLeft, MemberMuted, MemberRole,
    PeerKind,
};
use hooks::id::{CallId, ConferenceId, LegId, RecordingId};
use switch::config::Room;
use switch::input::ConferenceOrder;
use switch::view::ConferenceView;

use door::Door;
use model::{Done, Model};

/// What one step brought to the switch that concerns rooms.
#[derive(Debug, Default)]
struct Step {
    /// An INFO with a key, which is only one if it is answered with 200: Call-ID and CSeq.
    info: Option<(String, u32, Option<CallId>, char)>,
    key: Option<(CallId, char)>,
    order: Option<(String, ConferenceOrder)>,
    /// The room of a member that is surely back.
    resumed: Option<String>,
    /// What was done by the facts.
    told: Done,
}

/// A conference as the facts tell it.
#[derive(Debug)]
struct Told {
    id: ConferenceId,
    members: BTreeMap<CallId, Present>,
    most: usize,
    recording: Option<RecordingId>,
}

/// A member by the facts.
#[derive(Clone, Copy, Debug)]
struct Present {
    seat: Seat,
    leg: LegId,
}

/// A member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seat {
    role: MemberRole,
    muted: bool,
}

/// All rooms of a world.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    plans: BTreeMap<String, Room>,
    /// Calls that reached a room, and which.
    visits: BTreeMap<CallId, Visit>,
    told: BTreeMap<String, Told>,
    shown: BTreeMap<String, ConferenceView>,
    model: Model,
    step: Step,
    /// INFOs that were taken: a repeated one is no second key.
    taken: BTreeSet<(String, u32)>,
    /// Calls that found a room full: what is repeated is no news.
    refused: BTreeSet<String>,
    crashed_at: Option<Duration>,
    /// Members that went on after a crash.
    pub(crate) resumed: usize,
    pub(crate) joined: usize,
    pub(crate) sent_away: usize,
    pub(crate) mutes: usize,
    pub(crate) locks: usize,
}

#[derive(Debug)]
struct Visit {
    room: String,
    door: Door,
    /// Everything that was pressed.
    pressed: String,
}

impl Rooms {
    pub(crate) fn new(rooms: impl IntoIterator<Item = Room>) -> Self {
        let plans = rooms.into_iter().map(|room| (room.number.to_string(), room)).collect();
        Self { plans, ..Self::default() }
    }

    /// The rooms in which somebody is, and the calls of those.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, Vec<CallId>)> {
        self.told.iter().map(|(room, told)| (room.as_str(), told.members.keys().copied().collect()))
    }

    /// All there are.
    pub(crate) fn numbers(&self) -> Vec<String> {
        self.plans.keys().cloned().collect()
    }

    /// Whether that call reached a room.
    pub(crate) fn is_visit(&self, call: CallId) -> bool {
        self.visits.contains_key(&call)
    }

    /// The process died. What is written down of the members whose calls do not go on: they have left.
    pub(crate) fn crashed(&mut self, now: Duration, goes_on: impl Fn(CallId) -> bool) -> Vec<Event> {
        self.shown.clear();
        self.taken.clear();
        (self.step, self.crashed_at) = (Step::default(), Some(now));
        self.model.crashed();
        let mut events = Vec::new();
        for (room, told) in &mut self.told {
            told.recording = None;
            let mut left = told.members.len();
            for (call, leg) in
                told.members.iter().filter(|(call, _)| !goes_on(**call)).map(|(call, seat)| (*call, seat.leg))
            {
                left -= 1;
                let members = u32::try_from(left).expect("a count fits");
                let (conference, room, reason) = (told.id, room.clone(), LeftReason::Lost);
                events.push(Event::MemberLeft(MemberLeft { conference, room, call, leg, reason, members }));
            }
            if left == 0 {
                let (conference, room, reason) = (told.id, room.clone(), ConferenceEnd::Empty);
                let most_members = u32::try_from(told.most).expect("a count fits");
                events.push(Event::ConferenceEnded(ConferenceEnded { conference, room, reason, most_members }));
            }
        }
        events
    }

    /// Conferences that are not over, or are still shown.
    pub(crate) fn left_over(&self) -> Vec<&str> {
        self.told.keys().chain(self.shown.keys()).chain(self.model.rooms()).map(String::as_str).collect()
    }

    /// Takes in the next fact.
    ///
    /// # Errors
    /// It cannot stand after the ones before.
    pub(crate) fn apply(&mut self, now: Duration, fact: &Fact) -> Result<(), String> {
        self.take_in(now, &fact.event).map_err(|wrong| format!("{wrong}: {fact:?}"))
    }

    fn take_in(&mut self, now: Duration, event: &Event) -> Result<(), String> {
        match event {
            Event::LegStarted(e) if e.peer == PeerKind::Service => self.reached(now, e.call, &e.peer_name),
            Event::ConferenceStarted(e) => {
                let told = Told { id: e.conference, members: BTreeMap::new(), most: 0, recording: None };
                match self.told.insert(e.room.clone(), told) {
                    None => Ok(()),
                    Some(_) => Err("a room has two conferences".to_owned()),
                }
            }
            Event::MemberJoined(e) => self.member_joined(now, e),
            Event::MemberLeft(e) => self.member_left(e),
            Event::MemberMuted(e) => self.member_muted(e),
            Event::ConferenceEnded(e) => {
                let told = self.told.remove(&e.room).filter(|told| told.id == e.conference);
                let told = told.ok_or("the end of a conference that does not run")?;
                if !told.members.is_empty() || told.most != as_len(e.most_members) {
                    return Err(format!("that is not how it was: {told:?}"));
                }
                self.step.told.ended.insert((e.room.clone(), e.reason));
                Ok(())
            }
            Event::RecordingStarted(e) => {
                let Some(id) = e.conference else { return Ok(()) };
                let told = self.told.values_mut().find(|told| told.id == id).ok_or("records no conference")?;
                told.recording = Some(e.recording);
                self.model.recorded_again(id_of(&self.told, id));
                Ok(())
            }
            Event::CallResumed(e) => {
                let room = self.told.iter().find(|(_, told)| told.members.contains_key(&e.call));
                self.resumed += usize::from(room.is_some());
                self.step.resumed = room.map(|(room, _)| room.clone());
                Ok(())
            }
            Event::RecordingFailed(e) => {
                self.recording_over(e.recording);
                Ok(())
            }
            Event::CallEnded(e) => {
                self.visits.remove(&e.call);
                match self.told.values().find(|told| told.members.contains_key(&e.call)) {
                    None => Ok(()),
                    Some(told) => Err(format!("its member is still in {told:?}")),
                }
            }
            _ => Ok(()),
        }
    }

    /// A call is answered by a room.
    fn reached(&mut self, now: Duration, call: CallId, room: &str) -> Result<(), String> {
        let Some(plan) = self.plans.get(room) else { return Ok(()) };
        let mut door = Door::new(now);
        if plan.pin.is_none() && plan.moderator_pin.is_none() {
            if !self.model.may_enter(plan, MemberRole::Participant) {
                return Err(format!("{room} is full or locked, and answers"));
            }
            self.model.join(plan, call, MemberRole::Participant);
            door.pass();
        }
        self.visits.insert(call, Visit { room: room.to_owned(), door, pressed: String::new() });
        Ok(())
    }

    fn member_joined(&mut self, now: Duration, e: &MemberJoined) -> Result<(), String> {
        let plan = self.plans.get(&e.room).ok_or("no such room")?;
        let visit = self.visits.get_mut(&e.call).filter(|visit| visit.room == e.room).ok_or("it is not there")?;
        // What was pressed too slowly to be sure how it was read must at least have been the PIN.
        if !visit.door.is_sure(now) && visit.door.is_shut() {
            let pressing = self.step.key.map(|(_, key)| key).or(self.step.info.as_ref().map(|(.., key)| *key));
            let pressed: String = visit.pressed.chars().chain(pressing).collect();
            if !door::may_be_known(plan, e.role, &pressed) {
                return Err(format!("came in having pressed {pressed:?}"));
            }
            if !self.model.may_enter(plan, e.role) {
                return Err("the room is full or locked".to_owned());
            }
            visit.door.pass();
            self.model.join(plan, e.call, e.role);
        }
        let told = self.told.get_mut(&e.room).filter(|told| told.id == e.conference).ok_or("no such conference")?;
        if told.members.insert(e.call, Present { seat: Seat { role: e.role, muted: false }, leg: e.leg }).is_some() {
            return Err("it is there already".to_owned());
        }
        told.most = told.most.max(told.members.len());
        self.joined += 1;
        if told.members.len() == as_len(e.members) { Ok(()) } else { Err(format!("they are {}", told.members.len())) }
    }

    fn member_left(&mut self, e: &MemberLeft) -> Result<(), String> {
        let told = self.told.get_mut(&e.room).filter(|told| told.id == e.conference).ok_or("no such conference")?;
        told.members.remove(&e.call).ok_or("it is not there")?;
        if told.members.len() != as_len(e.members) {
            return Err(format!("{} are left", told.members.len()));
        }
        match e.reason {
            LeftReason::Kicked | LeftReason::Ended => {
                self.sent_away += 1;
                self.step.told.away.insert((e.call, e.reason));
            }
            LeftReason::HungUp | LeftReason::Lost | LeftReason::CallEnded => self.model.leave(e.call),
        }
        Ok(())
    }

    fn member_muted(&mut self, e: &MemberMuted) -> Result<(), String> {
        let told = self.told.get_mut(&e.room).filter(|told| told.id == e.conference).ok_or("no such conference")?;
        let seat = &mut told.members.get_mut(&e.call).ok_or("it is not there")?.seat;
        self.mutes += 1;
        if std::mem::replace(&mut seat.muted, e.muted) == e.muted { Err("it is so already".to_owned()) } else { Ok(()) }
    }

    /// One that failed while it ran.
    fn recording_over(&mut self, recording: RecordingId) {
        if let Some((room, told)) = self.told.iter_mut().find(|(_, told)| told.recording == Some(recording)) {
            told.recording = None;
            self.model.not_recorded(room);
        }
    }

    /// Somebody presses a key by INFO; `call` where that is in a room.
    pub(crate) fn info_comes(&mut self, call_id: &str, cseq: u32, call: Option<CallId>, key: char) {
        if !self.taken.contains(&(call_id.to_owned(), cseq)) {
            self.step.info = Some((call_id.to_owned(), cseq, call, key));
        }
    }

    /// The INFO was answered with 200.
    pub(crate) fn info_taken(&mut self, call_id: &str, cseq: u32) {
        let this = |(id, number, ..): &mut (String, u32, _, _)| id == call_id && *number == cseq;
        if let Some((id, number, call, key)) = self.step.info.take_if(this) {
            self.taken.insert((id, number));
            self.step.key = call.map(|call| (call, key));
        }
    }

    /// The media side hears a key of who is in a room.
    pub(crate) fn key_comes(&mut self, call: CallId, key: char) {
        self.step.key = Some((call, key));
    }

    /// A command was obeyed.
    pub(crate) fn ordered(&mut self, room: String, order: ConferenceOrder) {
        self.step.order = Some((room, order));
    }

    /// Whether a command can be obeyed.
    pub(crate) fn can_obey(&self, room: &str, order: ConferenceOrder) -> bool {
        self.model.can_obey(room, order)
    }

    pub(crate) fn show(&mut self, view: ConferenceView) {
        self.shown.insert(view.room.clone(), view);
    }

    /// # Errors
    /// It was not shown.
    pub(crate) fn show_no_more(&mut self, room: &str) -> Result<(), String> {
        self.shown
            .remove(room)
            .map(drop)
            .ok_or_else(|| format!("the conference in {room} is gone, and was never there"))
    }

    /// A phone that dialled a room is told that it is full.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn refused(&mut self, call_id: &str, room: &str) -> Result<(), String> {
        match self.plans.get(room).filter(|_| self.refused.insert(call_id.to_owned())) {
            Some(plan) if !self.model.is_full(plan) => Err(format!("{room} is not full: {:?}", self.model)),
            Some(_) | None => Ok(()),
        }
    }

    /// The step is over: what it must have done is done, and nothing else.
    pub(crate) fn step_over(&mut self, now: Duration) -> Result<(), String> {
        let Step { key, order, told, resumed, info: _ } = std::mem::take(&mut self.step);
        if let Some((call, key)) = key {
            self.pressed(now, call, key);
        }
        if let Some((room, order)) = order {
            self.locks += usize::from(matches!(order, ConferenceOrder::Lock | ConferenceOrder::Unlock));
            self.model.obey(&room, order);
        }
        let wanted = self.model.take_done();
        if wanted != told {
            return Err(format!("to be done was {wanted:?}, and done is {told:?}"));
        }
        if let Some(room) = resumed.filter(|room| self.model.is_to_be_recorded(room)) {
            return Err(format!("a member is back in {room}, and it is not recorded again"));
        }
        // Who goes on is told one by one.
        if self.crashed_at == Some(now) { Ok(()) } else { self.agree() }
    }

    fn pressed(&mut self, now: Duration, call: CallId, key: char) {
        let Some(visit) = self.visits.get_mut(&call) else { return };
        visit.pressed.push(key);
        let plan = &self.plans[&visit.room];
        if !visit.door.is_shut() {
            self.locks += usize::from(self.model.press(now, call, key));
        } else if let Some(role) = visit.door.press(now, plan, key) {
            if self.model.may_enter(plan, role) {
                self.model.join(plan, call, role);
                visit.door.pass();
            } else {
                visit.door.refuse();
            }
        }
    }

    /// Facts, model and what is shown say the same.
    fn agree(&self) -> Result<(), String> {
        let told: BTreeMap<&str, Vec<(CallId, Seat)>> = self
            .told
            .iter()
            .map(|(room, told)| (room.as_str(), told.members.iter().map(|(call, it)| (*call, it.seat)).collect()))
            .collect();
        let model = self.model.seats();
        if told != model {
            return Err(format!("in the rooms are {told:?}, and should be {model:?}"));
        }
        if self.shown.keys().ne(self.told.keys()) {
            return Err(format!("shown are {:?} of {told:?}", self.shown));
        }
        self.shown.values().try_for_each(|view| {
            let mut seats: Vec<(CallId, Seat)> = view
                .members
                .iter()
                .map(|member| (member.call, Seat { role: member.role, muted: member.muted }))
                .collect();
            seats.sort_by_key(|(call, _)| *call);
            let state = (view.locked, view.recording.is_some());
            if seats == told[view.room.as_str()] && state == self.model.state(&view.room) {
                Ok(())
            } else {
                Err(format!("shown is {view:?}, and should be {:?}", self.model))
            }
        })
    }

    /// Nobody stands at a door for ever, nor behind one that was shut.
    pub(crate) fn check_doors(&self, now: Duration, is_open: impl Fn(CallId) -> bool) -> Result<(), String> {
        let waits = |visit: &Visit| now.saturating_sub(visit.door.since()) > visit.door.patience();
        let mut stuck = self.visits.iter().filter(|(_, visit)| visit.door.is_shut() && waits(visit));
        match stuck.find(|(call, _)| is_open(**call)) {
            Some((call, visit)) => Err(format!("{call} was neither let in nor hung up: {visit:?}")),
            None => Ok(()),
        }
    }
}

fn id_of(told: &BTreeMap<String, Told>, id: ConferenceId) -> &str {
    told.iter().find(|(_, told)| told.id == id).map_or("", |(room, _)| room)
}

fn as_len(members: u32) -> usize {
    usize::try_from(members).expect("a count fits")
}

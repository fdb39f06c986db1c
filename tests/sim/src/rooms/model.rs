//! What rooms must be after what phones pressed and commands said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hooks::fact::{ConferenceEnd, LeftReason, MemberRole};
use hooks::id::CallId;
use switch::config::Room;
use switch::input::ConferenceOrder;

use super::Seat;

/// The conferences that run.
#[derive(Debug, Default)]
pub(super) struct Model {
    running: BTreeMap<String, Conference>,
    came: u64,
    done: Done,
}

/// Who was sent away, and what conferences ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) away: BTreeSet<(CallId, LeftReason)>,
    pub(super) ended: BTreeSet<(String, ConferenceEnd)>,
}

#[derive(Debug)]
struct Conference {
    members: BTreeMap<CallId, Member>,
    locked: bool,
    recorded: bool,
    /// It was recorded when the process died.
    to_record: bool,
}

#[derive(Debug)]
struct Member {
    nth: u64,
    role: MemberRole,
    muted: bool,
    star: Option<Duration>,
}

impl Model {
    pub(super) fn rooms(&self) -> impl Iterator<Item = &String> {
        self.running.keys()
    }

    pub(super) fn is_full(&self, room: &Room) -> bool {
        self.running.get(room.number.as_str()).is_some_and(|it| it.members.len() >= room.members_max)
    }

    pub(super) fn may_enter(&self, room: &Room, role: MemberRole) -> bool {
        let locked = self.running.get(room.number.as_str()).map_or(room.locked, |it| it.locked);
        !self.is_full(room) && (!locked || role == MemberRole::Moderator)
    }

    pub(super) fn join(&mut self, room: &Room, call: CallId, role: MemberRole) {
        self.came += 1;
        let member = Member { nth: self.came, role, muted: false, star: None };
        let new =
            || Conference { members: BTreeMap::new(), locked: room.locked, recorded: room.record, to_record: false };
        let conference = self.running.entry(room.number.to_string()).or_insert_with(new);
        conference.members.insert(call, member);
    }

    /// It went by itself.
    pub(super) fn leave(&mut self, call: CallId) {
        let Some(room) = self.room_of(call) else { return };
        self.remove(&room, call);
    }

    /// The process died: nothing is recorded until somebody is surely back, and who pressed a star has to press it again.
    pub(super) fn crashed(&mut self) {
        for conference in self.running.values_mut() {
            conference.to_record |= std::mem::take(&mut conference.recorded);
            conference.members.values_mut().for_each(|member| member.star = None);
        }
    }

    pub(super) fn recorded_again(&mut self, room: &str) {
        if let Some(conference) = self.running.get_mut(room)
            && std::mem::take(&mut conference.to_record)
        {
            conference.recorded = true;
        }
    }

    pub(super) fn is_to_be_recorded(&self, room: &str) -> bool {
        self.running.get(room).is_some_and(|conference| conference.to_record)
    }

    pub(super) fn not_recorded(&mut self, room: &str) {
        if let Some(conference) = self.running.get_mut(room) {
            conference.recorded = false;
        }
    }

    pub(super) fn seats(&self) -> BTreeMap<&str, Vec<(CallId, Seat)>> {
        let seat = |(call, member): (&CallId, &Member)| (*call, Seat { role: member.role, muted: member.muted });
        self.running.iter().map(|(room, it)| (room.as_str(), it.members.iter().map(seat).collect())).collect()
    }

    /// Whether a room is locked, and whether it is recorded.
    pub(super) fn state(&self, room: &str) -> (bool, bool) {
        self.running.get(room).map(|it| (it.locked, it.recorded)).unwrap_or_default()
    }

    pub(super) fn can_obey(&self, room: &str, order: ConferenceOrder) -> bool {
        let Some(conference) = self.running.get(room) else { return false };
        match order {
            ConferenceOrder::Mute(call)
            | ConferenceOrder::Unmute(call)
            | ConferenceOrder::Kick(call)
            | ConferenceOrder::SetGain(call, _) => conference.members.contains_key(&call),
            ConferenceOrder::Lock
            | ConferenceOrder::Unlock
            | ConferenceOrder::Record
            | ConferenceOrder::StopRecording
            | ConferenceOrder::End => true,
        }
    }

    pub(super) fn obey(&mut self, room: &str, order: ConferenceOrder) {
        let Some(conference) = self.running.get_mut(room) else { return };
        match order {
            ConferenceOrder::Mute(call) | ConferenceOrder::Unmute(call) => {
                if let Some(member) = conference.members.get_mut(&call) {
                    member.muted = matches!(order, ConferenceOrder::Mute(_));
                }
            }
            ConferenceOrder::Kick(call) => self.send_away(room, call, LeftReason::Kicked),
            ConferenceOrder::SetGain(..) => {}
            ConferenceOrder::Lock => conference.locked = true,
            ConferenceOrder::Unlock => conference.locked = false,
            ConferenceOrder::Record => conference.recorded = !conference.to_record,
            ConferenceOrder::StopRecording => (conference.recorded, conference.to_record) = (false, false),
            ConferenceOrder::End => self.end(room, ConferenceEnd::Command),
        }
    }

    /// A member presses a key; whether that locks or unlocks the room.
    pub(super) fn press(&mut self, now: Duration, call: CallId, key: char) -> bool {
        let Some(room) = self.room_of(call) else { return false };
        let Some(conference) = self.running.get_mut(&room) else { return false };
        let Some(member) = conference.members.get_mut(&call) else { return false };
        if key == '*' {
            member.star = Some(now);
            return false;
        }
        let together = member.star.take().is_some_and(|star| now.saturating_sub(star) <= PAIR);
        let moderates = member.role == MemberRole::Moderator;
        match key {
            '6' if together => member.muted = !member.muted,
            '1' if together && moderates => {
                let before = conference.recorded || std::mem::take(&mut conference.to_record);
                conference.recorded = !before;
            }
            '2' if together && moderates => {
                conference.locked = !conference.locked;
                return true;
            }
            '5' if together && moderates => {
                let all = conference.members.values_mut();
                let mut participants: Vec<_> = all.filter(|it| it.role == MemberRole::Participant).collect();
                let mute = participants.iter().any(|member| !member.muted);
                participants.iter_mut().for_each(|member| member.muted = mute);
            }
            '8' if together && moderates => {
                let others = conference.members.iter().filter(|(other, _)| **other != call);
                let last = others.max_by_key(|(_, member)| member.nth).map(|(call, _)| *call);
                if let Some(last) = last {
                    self.send_away(&room, last, LeftReason::Kicked);
                }
            }
            '9' if together && moderates => self.end(&room, ConferenceEnd::Moderator),
            _ => {}
        }
        false
    }

    /// What had to be done since this was asked last.
    pub(super) fn take_done(&mut self) -> Done {
        std::mem::take(&mut self.done)
    }

    fn room_of(&self, call: CallId) -> Option<String> {
        self.running.iter().find(|(_, it)| it.members.contains_key(&call)).map(|(room, _)| room.clone())
    }

    fn send_away(&mut self, room: &str, call: CallId, reason: LeftReason) {
        self.done.away.insert((call, reason));
        self.remove(room, call);
    }

    fn remove(&mut self, room: &str, call: CallId) {
        let Some(conference) = self.running.get_mut(room) else { return };
        conference.members.remove(&call);
        if conference.members.is_empty() {
            self.running.remove(room);
            self.done.ended.insert((room.to_owned(), ConferenceEnd::Empty));
        }
    }

    fn end(&mut self, room: &str, why: ConferenceEnd) {
        let Some(conference) = self.running.remove(room) else { return };
        self.done.away.extend(conference.members.into_keys().map(|call| (call, LeftReason::Ended)));
        self.done.ended.insert((room.to_owned(), why));
    }
}

/// How long after the star the digit may come.
const PAIR: Duration = Duration::from_secs(3);

//! A conference outlives its process in its members: each one's checkpoint says what it was there and how the conference stood, and
//! the first one that comes back opens it again. A member whose call cannot go on leaves when it is known who else comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hooks::fact::{ConferenceEnd, ConferenceEnded, Event, LeftReason, MemberLeft, MemberRole};
use hooks::id::{ConferenceId, LegId};
use serde::{Deserialize, Serialize};

use super::{Conference, Conferences, Hearing, Lock, Member, Mute, Newcomer, Voice, count};
use crate::call::close_interrupted;
use crate::checkpoint::CallCheckpoint;
use crate::config::{Room, TenantConfig};
use crate::desk::{Desk, LegRef, TimerKey};
use crate::media::Decibels;
use crate::players::Speaker;

/// What must survive of a member, and of its conference: the latter is the same in all members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberCheckpoint {
    /// The room's number.
    pub(crate) room: String,
    pub(crate) conference: ConferenceId,
    role: MemberRole,
    joined_ms: u64,
    nth: u64,
    muted: bool,
    gain_db: i8,
    started_ms: u64,
    locked: bool,
    recorded: bool,
    joined: u64,
    most_members: usize,
}

/// Members whose calls cannot go on.
#[derive(Debug, Default)]
pub(crate) struct Unresumed(Vec<(CallCheckpoint, u64)>);

impl Conferences {
    /// What must survive of a member; `None` if there is no such one.
    pub(crate) fn checkpoint(&self, id: ConferenceId, at: LegRef) -> Option<MemberCheckpoint> {
        let conference = self.running.get(&id)?;
        let (member, voice) = (conference.members.get(&at)?, conference.hearing.voice(at)?);
        Some(MemberCheckpoint {
            room: conference.room.number.to_string(),
            conference: id,
            role: member.role,
            joined_ms: member.joined_ms,
            nth: member.nth,
            muted: voice.mute == Mute::On,
            gain_db: member.gain.db(),
            started_ms: conference.started_ms,
            locked: conference.lock == Lock::On,
            recorded: conference.is_recorded(),
            joined: conference.joined,
            most_members: conference.most_members,
        })
    }
}

impl MemberCheckpoint {
    pub(crate) fn role(&self) -> MemberRole {
        self.role
    }
}

impl Conference {
    fn restored(config: &TenantConfig, room: &Arc<Room>, kept: &MemberCheckpoint) -> Self {
        Self {
            id: kept.conference,
            tenant: config.tenant.clone(),
            language: config.language,
            room: room.clone(),
            started_ms: kept.started_ms,
            lock: if kept.locked { Lock::On } else { Lock::Off },
            members: BTreeMap::new(),
            hearing: Hearing::default(),
            joined: kept.joined,
            most_members: kept.most_members,
            ending: None,
            recording: None,
            to_record: kept.recorded,
            speaker: Speaker::default(),
            speaker_is_heard: false,
        }
    }
}

impl Desk {
    /// A member is in its conference again, whatever the room says by now of who may come in. No fact says so: it never left.
    pub(crate) fn rejoin_room(
        &mut self,
        config: &TenantConfig,
        room: &Arc<Room>,
        newcomer: Newcomer,
        kept: &MemberCheckpoint,
    ) {
        let Newcomer { at, leg, peer, role, endpoint, hold } = newcomer;
        let id = kept.conference;
        self.conferences.rooms.insert((config.tenant.clone(), room.number.clone()), id);
        let restored = || Conference::restored(config, room, kept);
        let conference = self.conferences.running.entry(id).or_insert_with(restored);
        let MemberCheckpoint { joined_ms, nth, gain_db, muted, .. } = *kept;
        let mute = if muted { Mute::On } else { Mute::Off };
        conference.members.insert(at, Member { leg, peer, role, joined_ms, nth, gain: Decibels::new(gain_db) });
        conference.hearing.set(at, Voice { endpoint, hold, mute });
        self.conferences.stale.insert(id);
    }

    /// A member is surely there again: where the conference was recorded, it is from now on.
    pub(crate) fn record_room_again(&mut self, id: ConferenceId) {
        let waits = self.conferences.running.get_mut(&id).is_some_and(|it| std::mem::take(&mut it.to_record));
        if waits {
            self.begin_recording_room(id);
        }
    }

    /// The call of a member cannot go on. That is written down once the others are back, or are not.
    pub(crate) fn member_unresumed(&mut self, checkpoint: &CallCheckpoint, at_ms: u64) {
        if self.unresumed.0.is_empty() {
            self.start_timer(Duration::ZERO, TimerKey::Unresumed);
        }
        self.unresumed.0.push((checkpoint.clone(), at_ms));
    }

    /// All calls that go on do so: the others have left their conferences.
    pub(crate) fn close_unresumed(&mut self) {
        let mut left = std::mem::take(&mut self.unresumed.0);
        while let Some((checkpoint, at_ms)) = left.pop() {
            if let Some((leg, member)) = checkpoint.member() {
                let id = member.conference;
                let others = |(other, _): &&(CallCheckpoint, u64)| other.conference() == Some(id);
                let still = left.iter().filter(others).count();
                let running = self.conferences.running.get(&id).map_or(0, |conference| conference.members.len());
                self.unresumed_member_left(&checkpoint, leg, member, still + running);
            }
            close_interrupted(self, &checkpoint, at_ms);
        }
    }

    fn unresumed_member_left(&mut self, call: &CallCheckpoint, leg: LegId, member: &MemberCheckpoint, left: usize) {
        let (conference, room) = (member.conference, member.room.clone());
        let gone = MemberLeft {
            conference,
            room: room.clone(),
            call: call.call,
            leg,
            reason: LeftReason::Lost,
            members: count(left),
        };
        self.fact(&call.tenant, Event::MemberLeft(gone));
        if left == 0 {
            let most_members = count(member.most_members);
            let ended = ConferenceEnded { conference, room, reason: ConferenceEnd::Empty, most_members };
            self.fact(&call.tenant, Event::ConferenceEnded(ended));
        }
    }
}

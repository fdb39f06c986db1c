//! Conferences: parties on legs of many calls who hear each other. Each member is a call of its own, whose stage is "in a
//! room"; what they have in common stands here, on the desk, beside the calls.
//!
//! A call that changes something of a conference changes it here. Whom the other members hear from then on, and what else has
//! to be done to their calls, is noted and done once the step of that call is over ([`crate::switch::Switch::settle_rooms`]).

mod aloud;
mod hearing;
mod keys;
mod record;
mod resume;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use dialplan::number::RoomNumber;
use dialplan::say::{Language, PromptName, defaults};
use hooks::fact::{
    ConferenceEnd, ConferenceEnded, ConferenceStarted, Event, LeftReason, MemberJoined, MemberLeft, MemberMuted,
    MemberRole, MutedBy,
};
use hooks::id::{CallId, ConferenceId, LegId, RecordingId, TenantId};

pub(crate) use hearing::{Mute, Voice};
pub(crate) use keys::{Keys, RoomKey};
pub(crate) use resume::{MemberCheckpoint, Unresumed};

use hearing::Hearing;

use crate::config::{Room, TenantConfig};
use crate::desk::{Desk, LegRef};
use crate::leg::{Hold, Peer};
use crate::media::{Decibels, EndpointId, Sound, Source};
use crate::players::Speaker;
use crate::view::{ConferenceView, MemberView, View};

/// All that run.
#[derive(Debug, Default)]
pub(crate) struct Conferences {
    running: BTreeMap<ConferenceId, Conference>,
    rooms: BTreeMap<(TenantId, RoomNumber), ConferenceId>,
    /// Whose members are to hear anew.
    stale: BTreeSet<ConferenceId>,
    /// Members whose calls are to end.
    sent_away: VecDeque<(CallId, LeftReason)>,
    /// Members' calls, and what each is to be told.
    told: VecDeque<(CallId, PromptName)>,
}

/// One that runs.
#[derive(Debug)]
pub(crate) struct Conference {
    id: ConferenceId,
    tenant: TenantId,
    language: Language,
    /// The room as it was set when the first member came.
    room: Arc<Room>,
    started_ms: u64,
    lock: Lock,
    members: BTreeMap<LegRef, Member>,
    hearing: Hearing,
    joined: u64,
    most_members: usize,
    /// Why it will end, once the last member is away.
    ending: Option<ConferenceEnd>,
    recording: Option<record::Recorded>,
    /// It was recorded when its process was killed, and will be again once one of its members is surely back.
    to_record: bool,
    /// What is said to all.
    speaker: Speaker,
    /// Whether at least one member hears what it says now.
    speaker_is_heard: bool,
}

/// Whether participants may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Only moderators.
    On,
    /// All who know the PIN.
    Off,
}

/// A member.
#[derive(Debug)]
struct Member {
    leg: LegId,
    peer: Peer,
    role: MemberRole,
    joined_ms: u64,
    /// Counts from 1 in the order of coming.
    nth: u64,
    /// How loud the others hear it.
    gain: Decibels,
}

/// Who wants to come in.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) at: LegRef,
    pub(crate) leg: LegId,
    pub(crate) peer: Peer,
    pub(crate) role: MemberRole,
    pub(crate) endpoint: Option<EndpointId>,
    pub(crate) hold: Hold,
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// As many are in it as may be.
    Full,
    /// It is locked.
    Locked,
}

impl Lock {
    fn at_start(room: &Room) -> Self {
        if room.locked { Self::On } else { Self::Off }
    }
}

impl Conferences {
    /// That of a room.
    pub(crate) fn in_room(&self, tenant: &TenantId, room: &RoomNumber) -> Option<ConferenceId> {
        self.rooms.get(&(tenant.clone(), room.clone())).copied()
    }

    pub(crate) fn find(&self, id: ConferenceId) -> Option<&Conference> {
        self.running.get(&id)
    }

    /// Entries of conferences and their members; zero when nobody confers.
    pub(crate) fn len(&self) -> usize {
        self.running.len() + self.rooms.len() + self.stale.len() + self.sent_away.len() + self.told.len()
    }

    /// One whose members are to hear anew, with their calls.
    pub(crate) fn take_stale(&mut self) -> Option<(ConferenceId, Vec<CallId>)> {
        let id = self.stale.pop_first()?;
        let members = self.running.get(&id).map(|conference| conference.calls().collect());
        Some((id, members.unwrap_or_default()))
    }

    /// A call that is to end, since its member was sent away.
    pub(crate) fn take_sent_away(&mut self) -> Option<(CallId, LeftReason)> {
        self.sent_away.pop_front()
    }

    /// Whom a member hears.
    pub(crate) fn heard_by(&self, id: ConferenceId, member: LegRef) -> Vec<Source> {
        self.running.get(&id).map(|conference| conference.heard_by(member)).unwrap_or_default()
    }

    /// What a member's endpoint is and whether it holds, if that is news to the others.
    pub(crate) fn refresh(&mut self, id: ConferenceId, at: LegRef, endpoint: Option<EndpointId>, hold: Hold) {
        let Some(conference) = self.running.get_mut(&id) else { return };
        let Some(voice) = conference.hearing.voice(at).copied() else { return };
        if conference.hearing.set(at, Voice { endpoint, hold, ..voice }) {
            self.stale.insert(id);
        }
    }

    /// A recording ended by itself: the conference goes on without.
    pub(crate) fn recording_ended(&mut self, recording: RecordingId) {
        let ended = |conference: &&mut Conference| conference.recording.as_ref().is_some_and(|it| it.id == recording);
        if let Some(conference) = self.running.values_mut().find(ended) {
            conference.recording = None;
            self.stale.insert(conference.id);
        }
    }

    /// A member goes on by another leg of its call.
    pub(crate) fn reseat(&mut self, id: ConferenceId, from: LegRef, to: LegRef, leg: LegId) {
        let Some(conference) = self.running.get_mut(&id) else { return };
        let (Some(member), Some(voice)) = (conference.members.remove(&from), conference.hearing.voice(from).copied())
        else {
            return;
        };
        conference.hearing.remove(from);
        conference.hearing.set(to, voice);
        conference.members.insert(to, Member { leg, ..member });
        self.stale.insert(id);
    }

    /// Whether somebody could come in now.
    ///
    /// # Errors
    /// [`NoEntry`].
    pub(crate) fn may_enter(&self, tenant: &TenantId, room: &Room, role: MemberRole) -> Result<(), NoEntry> {
        let there = self.in_room(tenant, &room.number).and_then(|id| self.running.get(&id));
        let lock = there.map_or(Lock::at_start(room), |conference| conference.lock);
        if there.is_some_and(|conference| conference.members.len() >= room.members_max) {
            return Err(NoEntry::Full);
        }
        match (lock, role) {
            (Lock::On, MemberRole::Participant) => Err(NoEntry::Locked),
            (Lock::Off, _) | (Lock::On, MemberRole::Moderator) => Ok(()),
        }
    }

    /// Sends a member's call away.
    pub(crate) fn kick(&mut self, call: CallId) {
        self.sent_away.push_back((call, LeftReason::Kicked));
    }

    /// Sends all away.
    pub(crate) fn end(&mut self, id: ConferenceId, why: ConferenceEnd) {
        let Some(conference) = self.running.get_mut(&id) else { return };
        conference.ending = Some(why);
        self.sent_away.extend(conference.calls().map(|call| (call, LeftReason::Ended)));
    }

    /// Locks or unlocks.
    fn lock(&mut self, id: ConferenceId, lock: Lock) {
        if let Some(conference) = self.running.get_mut(&id) {
            conference.lock = lock;
            self.stale.insert(id);
        }
    }

    /// How loud the others hear a member.
    pub(crate) fn set_gain(&mut self, id: ConferenceId, at: LegRef, gain: Decibels) {
        if let Some(member) = self.running.get_mut(&id).and_then(|conference| conference.members.get_mut(&at)) {
            member.gain = gain;
            self.stale.insert(id);
        }
    }
}

impl Conference {
    pub(crate) fn is_recorded(&self) -> bool {
        self.recording.is_some() || self.to_record
    }

    pub(crate) fn lock(&self) -> Lock {
        self.lock
    }

    pub(crate) fn role_of(&self, at: LegRef) -> Option<MemberRole> {
        self.members.get(&at).map(|member| member.role)
    }

    pub(crate) fn mute_of(&self, at: LegRef) -> Option<Mute> {
        self.hearing.voice(at).map(|voice| voice.mute)
    }

    /// The place of a call's member.
    pub(crate) fn member(&self, call: CallId) -> Option<LegRef> {
        self.members.keys().copied().find(|at| at.call == call)
    }

    /// The places of those who only take part.
    pub(crate) fn participants(&self) -> Vec<LegRef> {
        let members = self.members.iter().filter(|(_, member)| member.role == MemberRole::Participant);
        members.map(|(at, _)| *at).collect()
    }

    /// Who came last, but for this one.
    pub(crate) fn last_but(&self, at: LegRef) -> Option<LegRef> {
        let others = self.members.iter().filter(|(other, _)| **other != at);
        others.max_by_key(|(_, member)| member.nth).map(|(at, _)| *at)
    }

    /// How loud each source of a member is that is not heard as it comes.
    pub(crate) fn gains(&self) -> BTreeMap<EndpointId, Decibels> {
        let endpoint = |at: &LegRef| self.hearing.voice(*at).and_then(|voice| voice.endpoint);
        self.members.iter().filter_map(|(at, member)| Some((endpoint(at)?, member.gain))).collect()
    }

    fn calls(&self) -> impl Iterator<Item = CallId> {
        self.members.keys().map(|at| at.call)
    }

    /// The others; music for one who is alone.
    fn heard_by(&self, member: LegRef) -> Vec<Source> {
        let alone = self.members.len() == 1 && self.room.music_alone;
        let holds = self.hearing.voice(member).is_none_or(|voice| voice.hold == Hold::On);
        if alone && !holds { vec![Source::Sound(Sound::HoldMusic)] } else { self.hearing.heard_by(member) }
    }

    fn view(&self) -> ConferenceView {
        let mut members: Vec<(&LegRef, &Member)> = self.members.iter().collect();
        members.sort_by_key(|(_, member)| member.nth);
        let member = |(at, member): (&LegRef, &Member)| {
            let voice = self.hearing.voice(*at);
            MemberView {
                call: at.call,
                leg: member.leg,
                peer: member.peer.kind,
                peer_name: member.peer.name.clone(),
                number: member.peer.number.clone(),
                role: member.role,
                muted: voice.is_some_and(|voice| voice.mute == Mute::On),
                held: voice.is_some_and(|voice| voice.hold == Hold::On),
                gain: member.gain,
                joined_ms: member.joined_ms,
            }
        };
        ConferenceView {
            tenant: self.tenant.clone(),
            conference: self.id,
            room: self.room.number.to_string(),
            started_ms: self.started_ms,
            locked: self.lock == Lock::On,
            recording: self.recording.as_ref().map(|recorded| recorded.id),
            members: members.into_iter().map(member).collect(),
        }
    }
}

impl Desk {
    /// Lets somebody in; the conference begins with its first member.
    ///
    /// # Errors
    /// [`NoEntry`].
    pub(crate) fn join_room(
        &mut self,
        config: &TenantConfig,
        room: &Arc<Room>,
        newcomer: Newcomer,
    ) -> Result<ConferenceId, NoEntry> {
        let tenant = &config.tenant;
        self.conferences.may_enter(tenant, room, newcomer.role)?;
        let id = match self.conferences.in_room(tenant, &room.number) {
            Some(id) => id,
            None => self.open_room(config, room),
        };
        let now_ms = self.now.unix_ms;
        let Some(conference) = self.conferences.running.get_mut(&id) else { return Err(NoEntry::Full) };
        let Newcomer { at, leg, peer, role, endpoint, hold } = newcomer;
        conference.joined += 1;
        let nth = conference.joined;
        conference.members.insert(at, Member { leg, peer, role, joined_ms: now_ms, nth, gain: Decibels::default() });
        conference.hearing.set(at, Voice { endpoint, hold, mute: Mute::Off });
        conference.most_members = conference.most_members.max(conference.members.len());
        let members = count(conference.members.len());
        let (room, record) = (room.number.to_string(), conference.room.record);
        self.conferences.stale.insert(id);
        self.fact(
            tenant,
            Event::MemberJoined(MemberJoined { conference: id, room, call: at.call, leg, role, members }),
        );
        if nth > 1 {
            self.tell_room(id, defaults::CONFERENCE_JOINED);
        } else if record {
            // The first member is told when it is welcomed.
            self.begin_recording_room(id);
        }
        Ok(id)
    }

    fn open_room(&mut self, config: &TenantConfig, room: &Arc<Room>) -> ConferenceId {
        let tenant = &config.tenant;
        let id = self.conference_id();
        let conference = Conference {
            id,
            tenant: tenant.clone(),
            language: config.language,
            room: room.clone(),
            started_ms: self.now.unix_ms,
            lock: Lock::at_start(room),
            members: BTreeMap::new(),
            hearing: Hearing::default(),
            joined: 0,
            most_members: 0,
            ending: None,
            recording: None,
            to_record: false,
            speaker: Speaker::default(),
            speaker_is_heard: false,
        };
        self.conferences.running.insert(id, conference);
        self.conferences.rooms.insert((tenant.clone(), room.number.clone()), id);
        let started = ConferenceStarted { conference: id, room: room.number.to_string() };
        self.fact(tenant, Event::ConferenceStarted(started));
        self.metrics.conferences_started += 1;
        id
    }

    /// A member is away; with the last one the conference ends.
    pub(crate) fn leave_room(&mut self, id: ConferenceId, at: LegRef, reason: LeftReason) {
        let Some(conference) = self.conferences.running.get_mut(&id) else { return };
        let Some(member) = conference.members.remove(&at) else { return };
        conference.hearing.remove(at);
        self.conferences.stale.insert(id);
        let (tenant, room) = (conference.tenant.clone(), conference.room.number.clone());
        let left = MemberLeft {
            conference: id,
            room: room.to_string(),
            call: at.call,
            leg: member.leg,
            reason,
            members: count(conference.members.len()),
        };
        let empty = conference.members.is_empty();
        self.fact(&tenant, Event::MemberLeft(left));
        if empty {
            self.close_room(id, &tenant, room);
        } else {
            self.tell_room(id, defaults::CONFERENCE_LEFT);
        }
    }

    fn close_room(&mut self, id: ConferenceId, tenant: &TenantId, room: RoomNumber) {
        self.stop_recording_room(id);
        let Some(mut conference) = self.conferences.running.remove(&id) else { return };
        if let Some(player) = conference.speaker.hush() {
            self.stop_playing(player);
        }
        self.conferences.stale.remove(&id);
        let ended = ConferenceEnded {
            conference: id,
            room: room.to_string(),
            reason: conference.ending.unwrap_or(ConferenceEnd::Empty),
            most_members: count(conference.most_members),
        };
        self.fact(tenant, Event::ConferenceEnded(ended));
        self.publish(View::ConferenceGone(tenant.clone(), room.to_string()));
        self.conferences.rooms.remove(&(tenant.clone(), room));
    }

    /// Mutes a member, or lets it be heard again; nothing where it is so already.
    pub(crate) fn mute_member(&mut self, id: ConferenceId, at: LegRef, mute: Mute, by: MutedBy) {
        let Some(conference) = self.conferences.running.get_mut(&id) else { return };
        let (Some(member), Some(voice)) = (conference.members.get(&at), conference.hearing.voice(at).copied()) else {
            return;
        };
        let leg = member.leg;
        if !conference.hearing.set(at, Voice { mute, ..voice }) {
            return;
        }
        let (tenant, room) = (conference.tenant.clone(), conference.room.number.to_string());
        let announce = conference.room.announce;
        self.conferences.stale.insert(id);
        let muted = mute == Mute::On;
        if announce {
            let prompt = if muted { defaults::CONFERENCE_MUTED } else { defaults::CONFERENCE_UNMUTED };
            self.conferences.told.push_back((at.call, prompt));
        }
        self.fact(&tenant, Event::MemberMuted(MemberMuted { conference: id, room, call: at.call, leg, muted, by }));
    }

    /// Publishes how a conference is now.
    pub(crate) fn publish_room(&mut self, id: ConferenceId) {
        if let Some(conference) = self.conferences.running.get(&id) {
            let view = conference.view();
            self.publish(View::Conference(Box::new(view)));
        }
    }
}

fn count(members: usize) -> u32 {
    u32::try_from(members).expect("bounded by MEMBERS_MAX")
}

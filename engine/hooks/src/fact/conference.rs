//! Facts of conference rooms.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, ConferenceId, LegId};

/// See [`super::Event::ConferenceStarted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConferenceStarted {
    /// The conference.
    pub conference: ConferenceId,
    /// The room's number.
    pub room: String,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Speak, and mute itself.
    Participant,
    /// Besides, what concerns others: mute and send away, lock, record, end.
    Moderator,
}

/// See [`super::Event::MemberJoined`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberJoined {
    /// The conference.
    pub conference: ConferenceId,
    /// The room's number.
    pub room: String,
    /// The member's call.
    pub call: CallId,
    /// The member's leg.
    pub leg: LegId,
    /// What it may do.
    pub role: MemberRole,
    /// How many there are now.
    pub members: u32,
}

/// Why a member is no more in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// It hung up.
    HungUp,
    /// A moderator or a command sent it away.
    Kicked,
    /// The conference was ended for all.
    Ended,
    /// Its phone or network was lost.
    Lost,
    /// Its call was ended by a command, or the process was told to stop.
    CallEnded,
}

/// See [`super::Event::MemberLeft`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLeft {
    /// The conference.
    pub conference: ConferenceId,
    /// The room's number.
    pub room: String,
    /// The member's call.
    pub call: CallId,
    /// The member's leg.
    pub leg: LegId,
    /// Why.
    pub reason: LeftReason,
    /// How many are left.
    pub members: u32,
}

/// Who muted a member, or let it be heard again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MutedBy {
    /// It did, by key.
    Member,
    /// A moderator, by key.
    Moderator,
    /// A command of the API.
    Command,
}

/// See [`super::Event::MemberMuted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberMuted {
    /// The conference.
    pub conference: ConferenceId,
    /// The room's number.
    pub room: String,
    /// The member's call.
    pub call: CallId,
    /// The member's leg.
    pub leg: LegId,
    /// False where it is heard again.
    pub muted: bool,
    /// By whom.
    pub by: MutedBy,
}

/// Why a conference ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceEnd {
    /// The last member left.
    Empty,
    /// A moderator ended it for all.
    Moderator,
    /// A command of the API ended it for all.
    Command,
}

/// See [`super::Event::ConferenceEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConferenceEnded {
    /// The conference.
    pub conference: ConferenceId,
    /// The room's number.
    pub room: String,
    /// Why.
    pub reason: ConferenceEnd,
    /// The most members it had at a time.
    pub most_members: u32,
}

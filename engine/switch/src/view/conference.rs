//! What others may see of a conference.

use hooks::fact::{MemberRole, PeerKind};
use hooks::id::{CallId, ConferenceId, LegId, RecordingId, TenantId};

use crate::media::Decibels;

/// A conference that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConferenceView {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub conference: ConferenceId,
    /// Its room's number.
    pub room: String,
    /// When its first member came, ms since the Unix epoch.
    pub started_ms: u64,
    /// Only moderators come in.
    pub locked: bool,
    /// The recording that runs.
    pub recording: Option<RecordingId>,
    /// Its members, who came first, first.
    pub members: Vec<MemberView>,
}

/// A member of a conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Its call.
    pub call: CallId,
    /// Its leg.
    pub leg: LegId,
    /// What is at the far end.
    pub peer: PeerKind,
    /// The extension's number or the trunk's name.
    pub peer_name: String,
    /// The number of the far end.
    pub number: String,
    /// What it may do.
    pub role: MemberRole,
    /// The others do not hear it.
    pub muted: bool,
    /// Its phone holds: it neither hears nor is heard.
    pub held: bool,
    /// How much louder the others hear it.
    pub gain: Decibels,
    /// When it came, ms since the Unix epoch.
    pub joined_ms: u64,
}

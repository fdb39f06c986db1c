//! What is told of recordings.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, ConferenceId, LegId, RecordingId};

/// See [`super::Event::RecordingStarted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingStarted {
    /// The recording.
    pub recording: RecordingId,
    /// The call.
    pub call: CallId,
    /// The leg on the left channel: the outside party, or the caller of an internal call (REC-09).
    pub left: LegId,
    /// The leg on the right channel: the inner party.
    pub right: LegId,
    /// Which recording of its call it is, from 1: another one begins after the process was killed, and when a party is handed
    /// on. Facts of older versions do not say; it is 1 then.
    #[serde(default = "first_part")]
    pub part: u32,
    /// Where a conference is recorded: outside parties are on the left, inner ones on the right. It is kept with the call of
    /// the member that was there first, whose leg both of the above are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conference: Option<ConferenceId>,
    /// Where it is a message that is left, its box: `extension:1001`, `queue:support`. The caller is on both channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
}

fn first_part() -> u32 {
    1
}

/// See [`super::Event::RecordingReady`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingReady {
    /// The recording.
    pub recording: RecordingId,
    /// The call.
    pub call: CallId,
    /// Below the recordings folder, with `/`.
    pub path: String,
    /// Size of the file.
    pub bytes: u64,
    /// Length of the audio.
    pub duration_ms: u64,
    /// Of the whole file, 64 hexadecimal digits.
    pub sha256: String,
    /// It was cut by a crash or a full disk and ends before the call did.
    pub partial: bool,
}

/// How the audio of a recording is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioFormat {
    /// PCM of 16 bits in WAV.
    #[default]
    Wav,
    /// Opus in Ogg (RFC 7845).
    Opus,
}

/// Where the audio of a recording is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioPlace {
    /// In the recordings folder.
    Directory,
    /// In the bucket of an S3 service.
    S3,
}

/// See [`super::Event::RecordingStored`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingStored {
    /// The recording.
    pub recording: RecordingId,
    /// The call.
    pub call: CallId,
    /// Where.
    pub place: AudioPlace,
    /// Below the recordings folder or in the bucket, with `/`.
    pub path: String,
    /// Its coding now.
    pub format: AudioFormat,
    /// Size of what is heard, not of what encryption makes of it.
    pub bytes: u64,
    /// Of the same, 64 hexadecimal digits.
    pub sha256: String,
    /// The name of the key that encrypts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_by: Option<String>,
}

/// See [`super::Event::RecordingPurged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingPurged {
    /// The recording.
    pub recording: RecordingId,
    /// The call.
    pub call: CallId,
    /// How long recordings were kept when it was deleted; 0 where it was not to be kept at all.
    pub kept_days: u64,
}

/// See [`super::Event::RecordingDiscarded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingDiscarded {
    /// The recording.
    pub recording: RecordingId,
    /// The call.
    pub call: CallId,
}

/// See [`super::Event::RecordingPaused`] and [`super::Event::RecordingResumed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingMark {
    /// The recording.
    pub recording: RecordingId,
    /// The call.
    pub call: CallId,
    /// Where in the audio, exact to 40 ms.
    pub offset_ms: u64,
    /// Who: a login name or `token:NAME`; nobody where a new part begins as the one before it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// See [`super::Event::RecordingFailed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingFailed {
    /// The recording.
    pub recording: RecordingId,
    /// The call.
    pub call: CallId,
    /// What went wrong, for an administrator.
    pub reason: String,
}

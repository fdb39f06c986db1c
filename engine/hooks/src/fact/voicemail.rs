//! What is told of messages that callers leave.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, RecordingId};

/// See [`super::Event::VoicemailLeft`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailLeft {
    /// The message: its recording's id.
    pub voicemail: RecordingId,
    /// The call.
    pub call: CallId,
    /// For whom: `extension:1001`, `queue:support`.
    pub mailbox: String,
    /// Who left it; empty when withheld.
    pub caller: String,
    /// His name, empty when none was given.
    pub caller_name: String,
    /// The number that he dialled.
    pub callee: String,
    /// How long he talked, without the silence at the end.
    pub length_ms: u64,
}

/// See [`super::Event::VoicemailListened`], [`super::Event::VoicemailDownloaded`] and [`super::Event::VoicemailDeleted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailUsed {
    /// The message.
    pub voicemail: RecordingId,
    /// The call.
    pub call: CallId,
    /// Who: a login name, `token:NAME` or, by phone, `extension:1001`.
    pub by: String,
}

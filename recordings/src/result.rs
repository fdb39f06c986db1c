//! How a recording ended.

/// One file that is finished, or a recording that has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The tenant's slug.
    pub tenant: String,
    /// The recording's id.
    pub id: String,
    /// 1, unless the recording is longer than one file can be.
    pub part: u32,
    /// What there is of it.
    pub outcome: Outcome,
    /// The marker that [`crate::Recordings::confirm`] takes away.
    pub(crate) marker: String,
}

/// What there is of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A playable file.
    Ready(RecordingFile),
    /// Nothing was kept; the reason is for an administrator.
    Failed {
        /// What went wrong.
        reason: String,
    },
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingFile {
    /// Below the folder of recordings, with `/`.
    pub path: String,
    /// Size of the file.
    pub bytes: u64,
    /// Frames per second and channel.
    pub rate_hz: u32,
    /// Frames, silence in place of lost ones included.
    pub frames: u64,
    /// Length of the audio.
    pub duration_ms: u64,
    /// Of the whole file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Why something is missing: `None` for a complete recording.
    pub partial: Option<String>,
    /// Where audio was lost and silence stands instead; the first [`Gap::KEPT_MAX`].
    pub gaps: Vec<Gap>,
    /// All audio lost.
    pub lost_ms: u64,
}

/// A stretch of silence where audio was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// From the beginning of the file.
    pub at_ms: u64,
    /// How long.
    pub lost_ms: u64,
}

impl Gap {
    /// More than these are only summed up.
    pub const KEPT_MAX: usize = 100;
}

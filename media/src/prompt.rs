//! What a player plays.

use std::sync::Arc;

/// A sound made here or handed in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prompt {
    /// A call progress tone, for ever.
    Tone {
        /// Whose tones.
        plan: TonePlan,
        /// Which one.
        tone: Tone,
    },
    /// The built-in hold music, for ever.
    HoldMusic,
    /// Recorded sound.
    Clip(Clip),
}

/// A country's tone plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TonePlan {
    /// GB/T 3380: 450 Hz.
    China,
    /// ITU-T E.180 supplement 2, United States: 350/440/480/620 Hz pairs.
    UnitedStates,
}

/// A call progress tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// The called party is being rung.
    Ringback,
    /// The called party is busy.
    Busy,
    /// The network is busy.
    Congestion,
    /// Dial now.
    Dial,
}

/// Recorded sound, mono.
#[derive(Debug, Clone)]
pub struct Clip {
    /// Names the content: two clips of one name are encoded once. The caller's to keep unique.
    pub name: u64,
    /// Linear 16-bit samples at 8 kHz or 16 kHz.
    pub samples: Arc<[i16]>,
    /// Sampling rate of `samples`.
    pub rate: crate::RecordRate,
    /// What happens at its end.
    pub repeat: Repeat,
}

/// What happens at the end of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repeat {
    /// Ends with [`crate::Event::PlayerEnded`].
    Once,
    /// Begins again.
    Forever,
}

impl PartialEq for Clip {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Clip {}

impl PartialOrd for Clip {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Clip {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Clip {
    fn key(&self) -> (u64, Repeat) {
        (self.name, self.repeat)
    }
}

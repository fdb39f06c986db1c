//! What a player plays.

use std::sync::Arc;

use crate::mix::frame_samples;
use crate::{RecordRate, tone};

/// Sounds one after another. Each begins on a frame of 20 ms, so that between two there is less than a frame of silence that was not
/// asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// What, in order.
    pub prompts: Vec<Prompt>,
    /// What happens at its end.
    pub repeat: Repeat,
}

impl Playlist {
    /// One sound for ever: music, ringing.
    #[must_use]
    pub fn forever(prompt: Prompt) -> Self {
        Self { prompts: vec![prompt], repeat: Repeat::Forever }
    }

    /// Sounds played once.
    #[must_use]
    pub fn once(prompts: Vec<Prompt>) -> Self {
        Self { prompts, repeat: Repeat::Once }
    }
}

/// One sound. It is encoded once for each codec, whatever it is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// One period of a call progress tone.
    Tone {
        /// Whose tones.
        plan: TonePlan,
        /// Which one.
        tone: Tone,
    },
    /// Recorded sound that begins and ends quietly: speech.
    Clip(Clip),
    /// Recorded sound that follows on itself without a pause: music.
    Loop(Clip),
    /// Nothing, for a while.
    Silence {
        /// How long, rounded up to whole frames.
        ms: u32,
    },
}

impl Prompt {
    /// Its name in the table of what has been encoded.
    #[must_use]
    pub fn key(&self) -> PromptKey {
        match self {
            Self::Tone { plan, tone } => PromptKey::Tone(*plan, *tone),
            Self::Clip(clip) => PromptKey::Clip(clip.name),
            Self::Loop(clip) => PromptKey::Loop(clip.name),
            Self::Silence { .. } => PromptKey::Silence,
        }
    }

    /// How many frames of 20 ms it fills; the same in every codec.
    #[must_use]
    pub fn frames(&self) -> u64 {
        match self {
            Self::Tone { plan, tone } => u64::from(tone::period_ms(*plan, *tone)).div_ceil(FRAME_MS),
            Self::Clip(clip) | Self::Loop(clip) => clip.samples.len().div_ceil(frame_samples(clip.rate)) as u64,
            Self::Silence { ms } => u64::from(*ms).div_ceil(FRAME_MS),
        }
    }
}

/// Names one sound. All silence is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PromptKey {
    /// A tone.
    Tone(TonePlan, Tone),
    /// A clip, by its name.
    Clip(u64),
    /// A clip that follows on itself.
    Loop(u64),
    /// Nothing to be heard.
    Silence,
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
    /// It has been done.
    Confirm,
    /// Speak now: one short tone.
    Beep,
}

/// Recorded sound, mono.
#[derive(Debug, Clone)]
pub struct Clip {
    /// Names the content: two clips of one name are encoded once. The caller's to keep unique.
    pub name: u64,
    /// Linear 16-bit samples.
    pub samples: Arc<[i16]>,
    /// Sampling rate of `samples`.
    pub rate: RecordRate,
}

impl PartialEq for Clip {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Clip {}

/// What happens at the end of a playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repeat {
    /// Ends with [`crate::Event::PlayerEnded`].
    Once,
    /// Begins again.
    Forever,
}

/// Milliseconds of a frame.
pub const FRAME_MS: u64 = 20;

//! Who hears whom where more than two talk: each hears all others but those who are muted or hold. A party that holds hears
//! nothing, and its hold music is not heard.

use std::collections::BTreeMap;

use crate::desk::LegRef;
use crate::leg::Hold;
use crate::media::{EndpointId, Source};

/// Whether a party is kept from being heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mute {
    /// It is: no edge leads from it to anybody.
    On,
    /// It is not.
    Off,
}

impl Mute {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::On => Self::Off,
            Self::Off => Self::On,
        }
    }
}

/// One party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Voice {
    /// Its endpoint, while it is open.
    pub(crate) endpoint: Option<EndpointId>,
    pub(crate) hold: Hold,
    pub(crate) mute: Mute,
}

/// The parties that hear each other, each on a leg of whatever call.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    voices: BTreeMap<LegRef, Voice>,
}

impl Hearing {
    /// Adds a party or says how it is now; whether that is news.
    pub(crate) fn set(&mut self, leg: LegRef, voice: Voice) -> bool {
        self.voices.insert(leg, voice) != Some(voice)
    }

    pub(crate) fn remove(&mut self, leg: LegRef) {
        self.voices.remove(&leg);
    }

    pub(crate) fn voice(&self, leg: LegRef) -> Option<&Voice> {
        self.voices.get(&leg)
    }

    /// The voices that one party hears, itself never among them; empty for a party that holds.
    pub(crate) fn heard_by(&self, listener: LegRef) -> Vec<Source> {
        if self.voices.get(&listener).is_none_or(|voice| voice.hold == Hold::On) {
            return Vec::new();
        }
        let others = self.voices.iter().filter(|(leg, _)| **leg != listener);
        others.filter_map(|(_, voice)| voice.audible()).map(Source::Endpoint).collect()
    }
}

impl Voice {
    /// Its endpoint, if the others hear it.
    pub(crate) fn audible(&self) -> Option<EndpointId> {
        self.endpoint.filter(|_| self.hold == Hold::Off && self.mute == Mute::Off)
    }
}

//! Whether a party speaks, from its packets as they come. That it is silent is told by the clock: some phones send nothing then.

use crate::codec::{Coder, Decoder};
use crate::voice::VoiceDetector;

/// Listens to one party's packets.
#[derive(Default)]
pub(super) struct Spoken {
    listening: Option<Listening>,
    sound: Vec<i16>,
    speech: Option<Speech>,
}

struct Listening {
    coder: Coder,
    decoder: Box<dyn Decoder>,
    detector: VoiceDetector,
}

/// It speaks, or did a moment ago.
#[derive(Clone, Copy)]
struct Speech {
    last_us: u64,
    /// When it is looked at next; nobody looks yet while this is `None`.
    look_us: Option<u64>,
}

impl Spoken {
    /// Takes the payload of a packet that came in order; true if with it the party begins to speak. Another codec begins anew.
    pub(super) fn receive(&mut self, mono_us: u64, coder: Coder, payload: &[u8]) -> bool {
        if self.listening.as_ref().is_none_or(|listening| listening.coder != coder) {
            let rate = coder.encoder_rate();
            let detector = VoiceDetector::new(rate);
            self.listening = coder.decoder(rate).map(|decoder| Listening { coder, decoder, detector });
        }
        let Some(Listening { decoder, detector, .. }) = &mut self.listening else { return false };
        self.sound.clear();
        decoder.decode(payload, &mut self.sound);
        if !detector.receive(&self.sound) {
            return false;
        }
        match &mut self.speech {
            Some(speech) => {
                speech.last_us = mono_us;
                false
            }
            None => {
                self.speech = Some(Speech { last_us: mono_us, look_us: None });
                true
            }
        }
    }

    /// When to look at it, if that is not arranged yet.
    pub(super) fn take_look(&mut self) -> Option<u64> {
        let speech = self.speech.as_mut().filter(|speech| speech.look_us.is_none())?;
        speech.look_us = Some(speech.last_us.saturating_add(PAUSE_US));
        speech.look_us
    }

    /// When it is looked at.
    pub(super) fn due_us(&self) -> Option<u64> {
        self.speech.and_then(|speech| speech.look_us)
    }

    /// The time for a look has come; true if the party has fallen silent. Else [`Self::take_look`] tells when to look again.
    pub(super) fn look(&mut self, mono_us: u64) -> bool {
        let Some(speech) = &mut self.speech else { return false };
        speech.look_us = None;
        let is_over = speech.last_us.saturating_add(PAUSE_US) <= mono_us;
        if is_over {
            self.speech = None;
        }
        is_over
    }
}

/// Without a sound for so long a party counts as silent: longer than the pause between two words.
pub(super) const PAUSE_US: u64 = 400_000;

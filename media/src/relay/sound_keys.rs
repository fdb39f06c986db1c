//! Keys that a party presses as sounds, since it has no telephone events.

use crate::codec::{Coder, Decoder};
use crate::inband::InbandDetector;

/// Listens to one party's packets as they come.
#[derive(Default)]
pub(super) struct SoundKeys {
    listening: Option<Listening>,
    sound: Vec<i16>,
}

struct Listening {
    coder: Coder,
    decoder: Box<dyn Decoder>,
    detector: InbandDetector,
}

impl SoundKeys {
    /// Takes the payload of a packet that came in order; gives each key once. Another codec begins anew.
    pub(super) fn receive(&mut self, coder: Coder, payload: &[u8], pressed: impl FnMut(char)) {
        if self.listening.as_ref().is_none_or(|listening| listening.coder != coder) {
            let rate = coder.encoder_rate();
            let detector = InbandDetector::new(rate);
            self.listening = coder.decoder(rate).map(|decoder| Listening { coder, decoder, detector });
        }
        let Some(Listening { decoder, detector, .. }) = &mut self.listening else { return };
        self.sound.clear();
        decoder.decode(payload, &mut self.sound);
        detector.receive(&self.sound, pressed);
    }
}

//! Listening to one party for a room: from its packets to frames at the room's rate.

use super::rooms::RoomId;
use crate::RecordRate;
use crate::codec::Coder;
use crate::codec::resample::Resampler;
use crate::jitter::{JitterBuffer, JitterStats};
use crate::rtp::Header;

/// A party being listened to.
pub(super) struct Ear {
    pub(super) room: RoomId,
    buffer: JitterBuffer,
    native: Vec<i16>,
    resampler: Resampler,
}

impl Ear {
    /// Waits at first as long as the jitter that is known of suggests.
    pub(super) fn new(room: RoomId, jitter_ms: f32) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let target_ms = (3.0 * jitter_ms).clamp(20.0, 200.0) as u32;
        let resampler = Resampler::new(RecordRate::Narrow, RecordRate::Narrow);
        Self { room, buffer: JitterBuffer::new(target_ms), native: Vec::new(), resampler }
    }

    pub(super) fn receive(&mut self, mono_us: u64, header: &Header, coder: Option<Coder>, payload: &[u8]) {
        match coder {
            Some(coder) => self.buffer.receive(mono_us, header, coder, payload),
            None => self.buffer.pass(header),
        }
    }

    /// Appends 20 ms at `rate`; false and nothing while the party says nothing.
    pub(super) fn pull(&mut self, mono_us: u64, rate: RecordRate, out: &mut Vec<i16>) -> bool {
        self.native.clear();
        let pulled = self.buffer.pull(mono_us, &mut self.native);
        if pulled.silent {
            return false;
        }
        if (self.resampler.from(), self.resampler.to()) != (pulled.rate, rate) {
            self.resampler = Resampler::new(pulled.rate, rate);
        }
        self.resampler.process(&self.native, out);
        true
    }

    pub(super) fn stats(&self) -> JitterStats {
        self.buffer.stats()
    }
}

//! Packets on their way from the relay thread to the recorders: one buffer that fills while the other is read.

use std::sync::Mutex;

use media::codec::Coder;
use media::relay::Tap;
use media::rtp::Header;
use media::{EndpointId, Spoken};

/// Shared by both threads; locked for a copy of some hundred bytes or a swap.
#[derive(Default)]
pub(crate) struct Taps {
    filling: Mutex<TapBuffer>,
}

/// Packets one behind the other, without an allocation for each.
#[derive(Default)]
pub(crate) struct TapBuffer {
    payloads: Vec<u8>,
    heads: Vec<Head>,
    /// Packets for which there was no room.
    overflowed: u64,
}

struct Head {
    endpoint: EndpointId,
    spoken: Spoken,
    mono_us: u64,
    coder: Option<Coder>,
    header: Header,
    end: usize,
}

impl Taps {
    /// Takes a copy; a full buffer drops it and counts, as the reader is behind by seconds.
    pub(crate) fn push(&self, tap: Tap<'_>) {
        let Ok(mut buffer) = self.filling.lock() else { return };
        if buffer.payloads.len() + tap.payload.len() > BYTES_MAX {
            buffer.overflowed += 1;
            return;
        }
        buffer.payloads.extend_from_slice(tap.payload);
        let end = buffer.payloads.len();
        let Tap { endpoint, spoken, mono_us, coder, header, payload: _ } = tap;
        buffer.heads.push(Head { endpoint, spoken, mono_us, coder, header, end });
    }

    /// Gives what has come, in order, and takes an empty buffer for the next.
    pub(crate) fn swap(&self, emptied: &mut TapBuffer) {
        emptied.payloads.clear();
        emptied.heads.clear();
        emptied.overflowed = 0;
        if let Ok(mut buffer) = self.filling.lock() {
            std::mem::swap(&mut *buffer, emptied);
        }
    }
}

impl TapBuffer {
    /// Packets in the order they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Tap<'_>> {
        let mut start = 0;
        self.heads.iter().map(move |head| {
            let payload = &self.payloads[start..head.end];
            start = head.end;
            let Head { endpoint, spoken, mono_us, coder, header, .. } = *head;
            Tap { endpoint, spoken, mono_us, coder, header, payload }
        })
    }

    /// Packets that were dropped while this filled.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

/// A tenth of a second of 2,000 recorded calls is 4 MB; this is ten times as much.
const BYTES_MAX: usize = 40 << 20;

//! Linear 16-bit samples in network byte order. RFC 3551 §4.5.11.

use super::{Decoder, Encoder};

/// Keeps no state.
#[derive(Debug, Clone, Copy)]
pub struct L16;

impl Encoder for L16 {
    fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) {
        out.extend(frame.iter().flat_map(|sample| sample.to_be_bytes()));
    }

    fn fork(&self) -> Option<Box<dyn Encoder>> {
        Some(Box::new(*self))
    }
}

impl Decoder for L16 {
    /// An odd last byte is dropped.
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        out.extend(payload.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])));
    }
}

//! RTP packets (RFC 3550 §5.1), read in place and written in place.

use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};

/// The header fields that matter here; what else a header may carry is dropped on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// First packet of a talk spurt, or of a telephone event.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Counts packets; wraps.
    pub sequence: u16,
    /// In units of the codec's RTP clock; wraps.
    pub timestamp: u32,
    /// Names the stream.
    pub ssrc: u32,
}

/// A packet in a buffer, its payload moved to right behind a plain header.
#[derive(Debug)]
pub struct Packet<'a> {
    header: Header,
    bytes: &'a mut [u8],
}

impl<'a> Packet<'a> {
    /// `None` for what is no RTP. Contributing sources, header extensions (never echoed unless negotiated) and
    /// padding are cut away.
    #[must_use]
    pub fn parse(buffer: &'a mut [u8]) -> Option<Self> {
        let reader = RtpReader::new(buffer).ok()?;
        let header = Header {
            marker: reader.mark(),
            payload_type: reader.payload_type(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
        };
        let (from, len) = (reader.payload_offset(), reader.payload().len());
        if from != HEADER_BYTES {
            buffer.copy_within(from..from + len, HEADER_BYTES);
        }
        Some(Self { header, bytes: &mut buffer[..HEADER_BYTES + len] })
    }

    /// The header as it came.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload, without padding.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// The same payload under another header, ready to send; may be repeated.
    pub fn readdress(&mut self, header: &Header) -> &[u8] {
        header.write(self.bytes);
        self.bytes
    }
}

impl Header {
    /// Writes the 12 bytes of a plain header at the start of `packet`.
    pub(crate) fn write(&self, packet: &mut [u8]) {
        packet[0] = VERSION_2;
        packet[1] = self.payload_type | if self.marker { MARKER } else { 0 };
        packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }

    /// Builds a packet at the start of `buffer` and gives its bytes; empty if it does not fit.
    pub fn build<'a>(&self, payload: &[u8], buffer: &'a mut [u8]) -> &'a [u8] {
        let built = RtpPacketBuilder::new()
            .payload_type(self.payload_type)
            .marked(self.marker)
            .sequence(Seq::from(self.sequence))
            .timestamp(self.timestamp)
            .ssrc(self.ssrc)
            .payload(payload)
            .build_into(buffer);
        &buffer[..built.unwrap_or(0)]
    }
}

/// Whether a datagram on an RTP port is RTCP. RFC 5761 §4: packet types 192 to 223 in the second byte.
#[must_use]
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.len() >= 8 && (192..=223).contains(&datagram[1])
}

/// Length of a header without contributing sources or extension.
pub const HEADER_BYTES: usize = 12;
/// Longest datagram read: RTP fits into an Ethernet frame.
pub const PACKET_BYTES_MAX: usize = 2_048;
/// Version 2, no padding, no extension, no contributing sources.
const VERSION_2: u8 = 0x80;
/// The marker bit beside the payload type.
const MARKER: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header =
        Header { marker: true, payload_type: 111, sequence: 0xFFFE, timestamp: 0x0102_0304, ssrc: 0xDEAD_BEEF };

    #[test]
    fn extension_padding_and_sources_are_cut_away() {
        let mut datagram = vec![0x80 | 0x20 | 0x10 | 2, 0x80 | 111, 0xFF, 0xFE, 1, 2, 3, 4, 0xDE, 0xAD, 0xBE, 0xEF];
        datagram.extend([9; 8]); // two contributing sources
        datagram.extend([0xBE, 0xDE, 0, 1, 7, 7, 7, 7]); // one word of extension
        datagram.extend(b"voice");
        datagram.extend([0, 0, 3]);
        let mut packet = Packet::parse(&mut datagram).unwrap();
        assert_eq!((*packet.header(), packet.payload()), (HEADER, &b"voice"[..]));
        let sent = packet.readdress(&HEADER).to_vec();
        let mut built = [0; 64];
        assert_eq!(sent, HEADER.build(b"voice", &mut built));
    }

    #[test]
    fn a_packet_that_does_not_fit_is_not_built() {
        assert!(HEADER.build(&[0; 100], &mut [0; 64]).is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_do_not(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), first in 0x80u8..=0xBF) {
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            if let Some(mut packet) = Packet::parse(&mut bytes) {
                let header = *packet.header();
                let mut again = packet.readdress(&header).to_vec();
                prop_assert_eq!(*Packet::parse(&mut again).unwrap().header(), header);
            }
            let _ = is_rtcp(&bytes);
        }
    }
}

//! RTCP (RFC 3550 §6): our own reports for each leg, and what the peer's say. Nothing is relayed.

use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem, SenderReport,
};

use crate::reception::ReceptionReport;

/// Figures of one report of ours.
#[derive(Debug, Clone, Copy)]
pub struct OwnReport<'a> {
    /// Our SSRC.
    pub ssrc: u32,
    /// Canonical name, the same for the whole leg. RFC 7022: random.
    pub cname: &'a str,
    /// What we sent; `None` makes a receiver report.
    pub sender: Option<SenderFigures>,
    /// What we received.
    pub reception: Option<ReceptionReport>,
    /// When the peer's last sender report came.
    pub last_sender_report: Option<LastSenderReport>,
    /// Whether the stream ends with this report.
    pub bye: bool,
}

/// Sender part of a report.
#[derive(Debug, Clone, Copy)]
pub struct SenderFigures {
    /// Now, NTP format.
    pub ntp: u64,
    /// Now, in RTP units of our stream.
    pub rtp_timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Payload bytes sent.
    pub octets: u32,
}

/// The peer's last sender report, for its round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSenderReport {
    /// The middle 32 bits of its NTP time stamp.
    pub ntp_middle: u32,
    /// Time since it came, in 1/65536 s.
    pub delay: u32,
}

/// What a compound packet of the peer says that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerReport {
    /// The middle 32 bits of the NTP time stamp of its sender report.
    pub sender_ntp_middle: Option<u32>,
    /// How our stream arrives there.
    pub of_us: Option<PeerReception>,
}

/// A report block about our stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerReception {
    /// Packets lost since the start, 0 where the peer counts repeats and says less than none.
    pub cumulative_lost: u32,
    /// Highest sequence number seen, with its cycles.
    pub highest_sequence: u32,
    /// In RTP units.
    pub jitter: u32,
    /// What its VoIP metrics say, of a peer that sends any.
    pub voip: Option<VoipMetrics>,
    /// Middle bits of the sender report of ours it has last seen; 0 = none.
    pub last_report: u32,
    /// Time from then to its report, in 1/65536 s.
    pub delay: u32,
}

/// What matters here of a VoIP metrics report block. RFC 3611 §4.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoipMetrics {
    /// Packets that its jitter buffer threw away, of all since the start, in 1/256.
    pub discarded_256ths: u8,
    /// The delay of its jitter buffer.
    pub buffer_ms: u16,
}

impl OwnReport<'_> {
    /// Writes a compound packet (SR or RR, SDES, BYE at the end) into `buffer` and gives its bytes; empty if it does
    /// not fit into [`REPORT_BYTES_MAX`].
    pub fn write<'a>(&self, buffer: &'a mut [u8]) -> &'a [u8] {
        let block = self.reception.map(|reception| {
            let last = self.last_sender_report.unwrap_or(LastSenderReport { ntp_middle: 0, delay: 0 });
            ReportBlock::builder(reception.ssrc)
                .fraction_lost(reception.fraction_lost)
                .cumulative_lost(reception.cumulative_lost)
                .extended_sequence_number(reception.extended_sequence)
                .interarrival_jitter(reception.jitter)
                .last_sender_report_timestamp(last.ntp_middle)
                .delay_since_last_sender_report_timestamp(last.delay)
        });
        let name = SdesChunk::builder(self.ssrc).add_item(SdesItem::builder(SdesItem::CNAME, self.cname));
        let mut compound = Compound::builder();
        compound = match self.sender {
            Some(sender) => {
                let mut report = SenderReport::builder(self.ssrc)
                    .ntp_timestamp(sender.ntp)
                    .rtp_timestamp(sender.rtp_timestamp)
                    .packet_count(sender.packets)
                    .octet_count(sender.octets);
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound.add_packet(report)
            }
            None => {
                let mut report = ReceiverReport::builder(self.ssrc);
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound.add_packet(report)
            }
        };
        compound = compound.add_packet(Sdes::builder().add_chunk(name));
        if self.bye {
            compound = compound.add_packet(Bye::builder().add_source(self.ssrc));
        }
        let written = compound.write_into(buffer).unwrap_or(0);
        &buffer[..written]
    }
}

impl PeerReport {
    /// Reads a compound packet; `our_ssrc` finds the block about us. `None` for what is no RTCP.
    #[must_use]
    pub fn read(datagram: &[u8], our_ssrc: u32) -> Option<Self> {
        let mut report = Self::default();
        for packet in Compound::parse(datagram).ok()? {
            match packet.ok()? {
                Packet::Sr(sender) => {
                    report.sender_ntp_middle = Some(u32::try_from(sender.ntp_timestamp() >> 16 & 0xFFFF_FFFF).ok()?);
                    report.find_us(sender.report_blocks(), our_ssrc);
                }
                Packet::Rr(receiver) => report.find_us(receiver.report_blocks(), our_ssrc),
                // SDES, BYE, feedback and application packets change nothing here.
                _ => {}
            }
        }
        if let Some(us) = &mut report.of_us {
            us.voip = VoipMetrics::read(datagram, our_ssrc);
        }
        Some(report)
    }

    fn find_us<'a>(&mut self, mut blocks: impl Iterator<Item = ReportBlock<'a>>, our_ssrc: u32) {
        if let Some(block) = blocks.find(|block| block.ssrc() == our_ssrc) {
            let lost = block.cumulative_lost();
            self.of_us = Some(PeerReception {
                cumulative_lost: if lost & NEGATIVE_24 == 0 { lost } else { 0 },
                highest_sequence: block.extended_sequence_number(),
                jitter: block.interarrival_jitter(),
                voip: None,
                last_report: block.last_sender_report_timestamp(),
                delay: block.delay_since_last_sender_report_timestamp(),
            });
        }
    }
}

impl VoipMetrics {
    /// Those about `our_ssrc` in a compound packet. `rtcp_types` keeps the blocks of extended reports to itself.
    fn read(datagram: &[u8], our_ssrc: u32) -> Option<Self> {
        let mut packets = Chunks(datagram);
        packets.find_map(|packet| {
            // RFC 3611 §2: the blocks follow the sender's SSRC.
            let blocks = (packet[1] == EXTENDED_REPORT).then(|| packet.get(8..))??;
            Chunks(blocks).find_map(|block| {
                let block: &[u8; VOIP_BLOCK_BYTES] = block.first_chunk().filter(|block| block[0] == VOIP_BLOCK)?;
                let ssrc = u32::from_be_bytes(*block[4..].first_chunk()?);
                let buffer_ms = u16::from_be_bytes(*block[30..].first_chunk()?);
                (ssrc == our_ssrc).then_some(Self { discarded_256ths: block[9], buffer_ms })
            })
        })
    }
}

/// What stands one behind the other, each with its length in words less one in its third and fourth byte.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let &[_, _, high, low, ..] = self.0 else { return None };
        let bytes = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        let (chunk, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(chunk)
    }
}

impl PeerReception {
    /// Round trip in ms of a report that came at `ntp_middle` (RFC 3550 §6.4.1); `None` if the peer has seen no report
    /// of ours or says more time passed there than here.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn round_trip_ms(&self, ntp_middle: u32) -> Option<f32> {
        if self.last_report == 0 {
            return None;
        }
        let elapsed = ntp_middle.wrapping_sub(self.last_report).wrapping_sub(self.delay);
        (elapsed < ROUND_TRIP_MAX).then_some(elapsed as f32 * 1_000.0 / 65_536.0)
    }
}

/// Room a report needs at most.
pub const REPORT_BYTES_MAX: usize = 256;
/// RFC 3611 §2.
const EXTENDED_REPORT: u8 = 207;
/// RFC 3611 §4.7.
const VOIP_BLOCK: u8 = 7;
/// RFC 3611 §4.7: nine words of 32 bits.
const VOIP_BLOCK_BYTES: usize = 36;
/// Sign of the 24-bit count of losses.
const NEGATIVE_24: u32 = 0x80_0000;
/// A longer round trip, in 1/65536 s, is nonsense: one minute.
const ROUND_TRIP_MAX: u32 = 60 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECEPTION: ReceptionReport =
        ReceptionReport { ssrc: 0x22, fraction_lost: 3, cumulative_lost: 77, extended_sequence: 0x1_0005, jitter: 80 };

    fn report(sender: Option<SenderFigures>, bye: bool) -> OwnReport<'static> {
        let last = LastSenderReport { ntp_middle: 0x5000, delay: 0x8000 };
        OwnReport {
            ssrc: 0x11,
            cname: "abcdef",
            sender,
            reception: Some(RECEPTION),
            last_sender_report: Some(last),
            bye,
        }
    }

    #[test]
    fn what_one_end_writes_the_other_reads() {
        let sender = SenderFigures { ntp: 0x1234_5678_9ABC_DEF0, rtp_timestamp: 9, packets: 1, octets: 160 };
        let mut buffer = [0; REPORT_BYTES_MAX];
        let bytes = report(Some(sender), true).write(&mut buffer);
        let read = PeerReport::read(bytes, 0x22).unwrap();
        assert_eq!(read.sender_ntp_middle, Some(0x5678_9ABC));
        let us = read.of_us.unwrap();
        assert_eq!((us.cumulative_lost, us.jitter, us.last_report), (77, 80, 0x5000));
        assert_eq!(us.round_trip_ms(0x5000 + 0x8000 + 0x4000), Some(250.0));
        assert_eq!(us.round_trip_ms(0x5000), None);
        assert!(crate::rtp::is_rtcp(bytes));
    }

    /// The block of RFC 3611 §4.7 written out by hand, about `ssrc`.
    fn voip_metrics(ssrc: u8) -> Vec<u8> {
        let words: [[u8; 4]; 11] = [
            [0x80, 207, 0, 10],
            [0, 0, 0, 0x11],
            [7, 0, 0, 8],
            [0, 0, 0, ssrc],
            // Loss, discard, burst and gap densities.
            [10, 32, 1, 2],
            [0, 3, 0, 4],
            // Round trip, end system delay.
            [0, 50, 0, 90],
            [0xEC, 0xC4, 55, 16],
            [80, 127, 40, 39],
            // Receiver configuration, nominal delay.
            [0xB0, 0, 0, 60],
            [0, 120, 1, 0],
        ];
        words.concat()
    }

    #[test]
    fn voip_metrics_behind_a_report_tell_what_a_jitter_buffer_threw_away() {
        let mut buffer = [0; REPORT_BYTES_MAX];
        let report = report(None, false).write(&mut buffer).to_vec();
        let read = |metrics: &[u8]| PeerReport::read(&[&report, metrics].concat(), 0x22);
        let told = read(&voip_metrics(0x22)).unwrap().of_us.unwrap();
        assert_eq!(told.voip, Some(VoipMetrics { discarded_256ths: 32, buffer_ms: 60 }));
        let (lost, highest) = (told.cumulative_lost, told.highest_sequence);
        assert_eq!((lost, highest), (77, 0x1_0005));
        // About somebody else, cut short, of another kind: no metrics, and no harm.
        assert_eq!(read(&voip_metrics(0x23)).unwrap().of_us.unwrap().voip, None);
        let mut other = voip_metrics(0x22);
        other[8] = 5;
        assert_eq!(read(&other).unwrap().of_us.unwrap().voip, None);
        assert_eq!(read(&voip_metrics(0x22)[..20]), None);
    }

    /// RFC 3550 §6.4.2 and §6.5, by hand.
    #[test]
    fn a_receiver_report_has_these_bytes() {
        let mut buffer = [0; REPORT_BYTES_MAX];
        let bytes = report(None, false).write(&mut buffer);
        let rr = [0x81, 201, 0, 7, 0, 0, 0, 0x11, 0, 0, 0, 0x22, 3, 0, 0, 77, 0, 1, 0, 5, 0, 0, 0, 80, 0, 0, 0x50, 0];
        assert_eq!(bytes[..28], rr);
        assert_eq!(bytes[28..32], [0, 0, 0x80, 0]);
        assert_eq!(bytes[32..], *b"\x81\xca\x00\x04\x00\x00\x00\x11\x01\x06abcdef\x00\x00\x00\x00");
    }

    proptest! {
        #[test]
        fn any_bytes_read_or_do_not(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 200u8..=207) {
            if bytes.len() > 3 {
                (bytes[0], bytes[1], bytes[2]) = (0x80 | bytes[0] & 0x3F, kind, 0);
                bytes[3] %= 30;
            }
            let _ = PeerReport::read(&bytes, 7);
        }
    }
}

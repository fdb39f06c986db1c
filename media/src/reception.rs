//! What arrives of one peer's stream: order, loss and jitter as RFC 3550 counts them.

use crate::rtp::Header;

/// Counters of one peer, over all streams (SSRCs) it has sent.
#[derive(Debug, Clone, Default)]
pub struct Reception {
    stream: Option<Stream>,
    /// Packets expected by streams that have ended.
    expected_before: u64,
    /// Packets received of streams that have ended.
    received_before: u64,
    out_of_order: u64,
    duplicates: u64,
}

/// Where a packet stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The newest so far.
    InOrder,
    /// Older than another that has come.
    Late,
    /// Has come before.
    Duplicate,
}

/// What a report block says (RFC 3550 §6.4.1), of the current stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceptionReport {
    /// Whose stream.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the stream began; duplicates do not make it negative.
    pub cumulative_lost: u32,
    /// Highest sequence number with its cycles.
    pub extended_sequence: u32,
    /// Interarrival jitter in clock units.
    pub jitter: u32,
}

impl Reception {
    /// Counts a packet. `clock_hz` is its codec's clock; `steady` is false for telephone events, whose time stamps
    /// stand still and say nothing of jitter.
    pub fn receive(&mut self, mono_us: u64, header: &Header, clock_hz: u32, steady: bool) -> Arrival {
        match &mut self.stream {
            Some(stream) if stream.ssrc == header.ssrc && !stream.restarted(header.sequence) => {
                let arrival = stream.place(header.sequence);
                match arrival {
                    Arrival::InOrder => {}
                    Arrival::Late => self.out_of_order += 1,
                    Arrival::Duplicate => self.duplicates += 1,
                }
                if steady && arrival == Arrival::InOrder {
                    stream.measure_jitter(mono_us, header.timestamp, clock_hz);
                }
                arrival
            }
            Some(_) | None => {
                if let Some(ended) = self.stream.take() {
                    self.expected_before += ended.expected();
                    self.received_before += ended.received;
                }
                let mut stream = Stream::begin(header);
                if steady {
                    stream.measure_jitter(mono_us, header.timestamp, clock_hz);
                }
                self.stream = Some(stream);
                Arrival::InOrder
            }
        }
    }

    /// The next report block; restarts the interval of `fraction_lost`. `None` before the first packet.
    pub fn report(&mut self) -> Option<ReceptionReport> {
        let stream = self.stream.as_mut()?;
        let (expected, received) = (stream.expected(), stream.received);
        let expected_now = expected - stream.expected_prior;
        let lost_now = expected_now.saturating_sub(received - stream.received_prior);
        (stream.expected_prior, stream.received_prior) = (expected, received);
        let fraction = (lost_now << 8).checked_div(expected_now).unwrap_or(0);
        Some(ReceptionReport {
            ssrc: stream.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: u32::try_from(expected.saturating_sub(received)).unwrap_or(u32::MAX).min(LOST_MAX),
            extended_sequence: stream.cycles << 16 | u32::from(stream.highest),
            jitter: stream.jitter_16ths >> 4,
        })
    }

    /// Packets expected and never received.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let (expected, received) = self.stream.as_ref().map_or((0, 0), |stream| (stream.expected(), stream.received));
        (self.expected_before + expected).saturating_sub(self.received_before + received)
    }

    /// Packets that came after a later one.
    #[must_use]
    pub fn out_of_order(&self) -> u64 {
        self.out_of_order
    }

    /// Packets that came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Interarrival jitter of the current stream in ms.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn jitter_ms(&self) -> f32 {
        self.stream.as_ref().map_or(0.0, |stream| stream.jitter_16ths as f32 / 16.0 * 1_000.0 / stream.clock_hz as f32)
    }
}

/// One SSRC without a restart in it.
#[derive(Debug, Clone)]
struct Stream {
    ssrc: u32,
    first: u16,
    highest: u16,
    cycles: u32,
    /// Different packets received.
    received: u64,
    /// Which of the last 64 sequence numbers have come: bit 0 is `highest`.
    seen: u64,
    expected_prior: u64,
    received_prior: u64,
    clock_hz: u32,
    /// Last relative transit time in clock units.
    transit: Option<u32>,
    jitter_16ths: u32,
}

impl Stream {
    fn begin(header: &Header) -> Self {
        Self {
            ssrc: header.ssrc,
            first: header.sequence,
            highest: header.sequence,
            cycles: 0,
            received: 1,
            seen: 1,
            expected_prior: 0,
            received_prior: 0,
            clock_hz: 8_000,
            transit: None,
            jitter_16ths: 0,
        }
    }

    /// RFC 3550 §A.1: a jump that is neither a gap nor a delay.
    fn restarted(&self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.highest);
        (MAX_DROPOUT..=u16::MAX - MAX_MISORDER).contains(&ahead)
    }

    fn place(&mut self, sequence: u16) -> Arrival {
        let ahead = sequence.wrapping_sub(self.highest);
        if (1..MAX_DROPOUT).contains(&ahead) {
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.cycles += u32::from(sequence < self.highest);
            self.highest = sequence;
            self.received += 1;
            return Arrival::InOrder;
        }
        let behind = u32::from(self.highest.wrapping_sub(sequence));
        match 1u64.checked_shl(behind) {
            Some(bit) if self.seen & bit != 0 => Arrival::Duplicate,
            Some(bit) => {
                self.seen |= bit;
                self.received += 1;
                Arrival::Late
            }
            // Too old to know: counted as lost, so that a flood of repeats cannot hide losses.
            None => Arrival::Late,
        }
    }

    fn expected(&self) -> u64 {
        let highest = u64::from(self.cycles) << 16 | u64::from(self.highest);
        // A late packet may be older than the first: then more was received than expected, and nothing is lost.
        (highest + 1).saturating_sub(u64::from(self.first)).max(1)
    }

    /// RFC 3550 §A.8, in 16ths of a clock unit.
    fn measure_jitter(&mut self, mono_us: u64, timestamp: u32, clock_hz: u32) {
        if self.clock_hz != clock_hz {
            (self.clock_hz, self.transit, self.jitter_16ths) = (clock_hz, None, 0);
        }
        let arrival = low_32(mono_us / 1_000_000 * u64::from(clock_hz))
            .wrapping_add(low_32(mono_us % 1_000_000 * u64::from(clock_hz) / 1_000_000));
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            // A leap of the time stamp is no jitter.
            if difference < clock_hz {
                let decay = (self.jitter_16ths + 8) >> 4;
                self.jitter_16ths = self.jitter_16ths + difference - decay;
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "RTP time is modulo 2^32")]
fn low_32(value: u64) -> u32 {
    value as u32
}

/// A gap of this many packets or more is a restart. RFC 3550 §A.1.
const MAX_DROPOUT: u16 = 3_000;
/// A packet older than this many is a restart. RFC 3550 §A.1.
const MAX_MISORDER: u16 = 100;
/// The field has 24 bits, signed.
const LOST_MAX: u32 = 0x7F_FFFF;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn packet(sequence: u16) -> Header {
        Header { sequence, timestamp: u32::from(sequence) * 160, ssrc: 7, ..Header::default() }
    }

    fn receive(reception: &mut Reception, sequences: &[u16]) -> Vec<Arrival> {
        sequences.iter().map(|sequence| reception.receive(0, &packet(*sequence), 8_000, true)).collect()
    }

    #[test]
    fn loss_order_and_repeats_are_told_apart_over_the_wrap() {
        let mut reception = Reception::default();
        let arrivals = receive(&mut reception, &[65_534, 65_535, 1, 0, 1, 4]);
        use Arrival::{Duplicate, InOrder, Late};
        assert_eq!(arrivals, [InOrder, InOrder, InOrder, Late, Duplicate, InOrder]);
        assert_eq!((reception.lost(), reception.out_of_order(), reception.duplicates()), (2, 1, 1));
        let report = reception.report().unwrap();
        assert_eq!((report.extended_sequence, report.cumulative_lost), (65_540, 2));
        assert_eq!(report.fraction_lost, 73, "2 of 7");
        assert_eq!(reception.report().unwrap().fraction_lost, 0);
    }

    #[test]
    fn a_restart_of_the_stream_is_no_loss() {
        let mut reception = Reception::default();
        receive(&mut reception, &[10, 11, 30_000, 30_001]);
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn jitter_converges_to_the_mean_deviation() {
        let mut reception = Reception::default();
        for sequence in 0..2_000u16 {
            let wobble = if sequence % 2 == 0 { 0 } else { 5_000 };
            reception.receive(u64::from(sequence) * 20_000 + wobble, &packet(sequence), 8_000, true);
        }
        assert!((4.8..=5.2).contains(&reception.jitter_ms()), "{}", reception.jitter_ms());
    }

    proptest! {
        #[test]
        fn losses_equal_what_the_network_dropped(start: u16, kept in proptest::collection::vec(0u8..10, 1..500)) {
            let mut reception = Reception::default();
            let mut sent = BTreeSet::new();
            let mut last = 0;
            for (i, fate) in kept.iter().enumerate() {
                // Seven of ten arrive, one of them twice.
                if *fate < 7 || i == 0 {
                    for _ in 0..if *fate == 0 { 2 } else { 1 } {
                        reception.receive(0, &packet(start.wrapping_add(i as u16)), 8_000, false);
                    }
                    sent.insert(i);
                    last = i;
                }
            }
            prop_assert_eq!(reception.lost(), (last + 1 - sent.len()) as u64);
        }
    }
}

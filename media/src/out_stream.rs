//! The stream we send to one peer: one SSRC, contiguous sequence numbers and time stamps that follow the wall
//! clock, whoever feeds it.

use crate::rtp::Header;

/// Numbers of one outgoing stream.
#[derive(Debug, Clone)]
pub struct OutStream {
    ssrc: u32,
    next_sequence: u16,
    /// The wall clock in RTP units: where it was last anchored.
    anchor: Option<Anchor>,
    /// Highest time stamp sent, and how much time its packet is thought to fill.
    last_timestamp: u32,
    frame: u32,
    feed: Feed,
    /// The next packet opens a talk spurt.
    spurt_begins: bool,
    /// SSRC and time stamp of the last telephone event that came, and our time stamp for it.
    event: Option<((u32, u32), u32)>,
    /// Time stamp of the key that is pressed here.
    key: Option<u32>,
}

/// A pair of times that belong together.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    mono_us: u64,
    timestamp: u32,
    clock_hz: u32,
}

/// Who fed the last packet.
#[derive(Debug, Clone)]
enum Feed {
    Nobody,
    Relay(Mapping),
    Player { first_ms: u64, first_timestamp: u32 },
}

/// From the numbers of one incoming stream to ours.
#[derive(Debug, Clone)]
struct Mapping {
    ssrc: u32,
    /// Of the audio codec it began with.
    clock_hz: u32,
    /// Highest sequence number that came in.
    highest: u16,
    /// How far `highest` is from the first one mapped, up to the wrap of a late packet's reach.
    progress: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// Time stamp that came in with `highest`, and when.
    last_timestamp: u32,
    last_us: u64,
}

/// One packet to be relayed, as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Clock of its codec, the same on both sides.
    pub clock_hz: u32,
    /// False for telephone events, whose time stamps stand still.
    pub steady: bool,
    /// Its number for the receiver.
    pub send_as: u8,
}

/// A packet of a key that is pressed here, with its number for the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPacket {
    /// The first of a key.
    Begins(u8),
    /// Any other.
    Goes(u8),
}

/// One packet that is made here, of what a player or a mix gives.
#[derive(Debug, Clone, Copy)]
pub struct PlayedFrame {
    /// When it begins, in milliseconds of the feed; gaps are frames skipped.
    pub at_ms: u64,
    /// Its length.
    pub ms: u32,
    /// RTP clock.
    pub clock_hz: u32,
    /// Its number for the receiver.
    pub send_as: u8,
}

impl OutStream {
    /// SSRC, first sequence number and first time stamp from a random number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let [ssrc, rest] = [seed >> 32, seed & 0xFFFF_FFFF].map(|half| u32::try_from(half).expect("half of 64 bits"));
        let [a, b, c, d] = rest.to_be_bytes();
        Self {
            // SSRC 0 is legal, but some peers take it for none.
            ssrc: ssrc.max(1),
            // Below 32768: SRTP implementations lose their roll-over counter otherwise when the first packets are lost.
            next_sequence: u16::from_be_bytes([a, b]) & 0x7FFF,
            anchor: None,
            last_timestamp: u32::from_be_bytes([c, d, a, b]),
            frame: 0,
            feed: Feed::Nobody,
            spurt_begins: true,
            event: None,
            key: None,
        }
    }

    /// Our SSRC.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Our RTP time at an instant, for sender reports. RFC 3550 §6.4.1. `None` before the first packet.
    #[must_use]
    pub fn timestamp_at(&self, mono_us: u64) -> Option<u32> {
        self.anchor.map(|anchor| anchor.at(mono_us))
    }

    /// The feed has changed: its next packet begins a talk spurt right behind what was sent.
    pub fn break_feed(&mut self) {
        self.feed = Feed::Nobody;
    }

    /// The header under which a packet is sent on. `None` for one that is older than what this feed began with.
    pub fn relay(&mut self, mono_us: u64, incoming: Incoming<'_>) -> Option<Header> {
        let header = incoming.header;
        let mut mapping = match std::mem::replace(&mut self.feed, Feed::Nobody) {
            Feed::Relay(mapping) if mapping.ssrc == header.ssrc && !mapping.leaps(mono_us, &incoming) => mapping,
            Feed::Relay(_) | Feed::Player { .. } | Feed::Nobody => self.map(mono_us, &incoming),
        };
        let sent = self.send_mapped(mono_us, &incoming, &mut mapping);
        self.feed = Feed::Relay(mapping);
        sent
    }

    fn send_mapped(&mut self, mono_us: u64, incoming: &Incoming<'_>, mapping: &mut Mapping) -> Option<Header> {
        let header = incoming.header;
        let ahead = header.sequence.wrapping_sub(mapping.highest);
        if ahead < HALF {
            mapping.progress = mapping.progress.saturating_add(ahead).min(HALF);
            mapping.highest = header.sequence;
            mapping.last_us = mono_us;
            if incoming.steady {
                let step = header.timestamp.wrapping_sub(mapping.last_timestamp);
                if ahead == 1 && (1..=incoming.clock_hz / 8).contains(&step) {
                    self.frame = step;
                }
                mapping.last_timestamp = header.timestamp;
            }
        } else if mapping.highest.wrapping_sub(header.sequence) > mapping.progress {
            return None;
        }
        let sequence = header.sequence.wrapping_add(mapping.sequence_offset);
        let timestamp = header.timestamp.wrapping_add(mapping.timestamp_offset);
        if sequence.wrapping_sub(self.next_sequence) < HALF {
            self.next_sequence = sequence.wrapping_add(1);
        }
        if timestamp.wrapping_sub(self.last_timestamp) < 1 << 31 {
            self.last_timestamp = timestamp;
        }
        let marker = header.marker | std::mem::take(&mut self.spurt_begins);
        Some(Header { marker, payload_type: incoming.send_as, sequence, timestamp, ssrc: self.ssrc })
    }

    /// The header of a player's frame; frames come in order.
    pub fn play(&mut self, mono_us: u64, frame: PlayedFrame) -> Header {
        let (first_ms, first_timestamp) = match self.feed {
            Feed::Player { first_ms, first_timestamp } if first_ms <= frame.at_ms => (first_ms, first_timestamp),
            Feed::Player { .. } | Feed::Relay(_) | Feed::Nobody => {
                let first_timestamp = self.next_timestamp(mono_us, frame.clock_hz);
                self.feed = Feed::Player { first_ms: frame.at_ms, first_timestamp };
                self.spurt_begins = true;
                (frame.at_ms, first_timestamp)
            }
        };
        // Every clock has a whole number of units in a millisecond.
        let per_ms = frame.clock_hz / 1_000;
        let timestamp = first_timestamp.wrapping_add(low_32(frame.at_ms - first_ms).wrapping_mul(per_ms));
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        (self.last_timestamp, self.frame) = (timestamp, frame.ms * per_ms);
        let marker = std::mem::take(&mut self.spurt_begins);
        Header { marker, payload_type: frame.send_as, sequence, timestamp, ssrc: self.ssrc }
    }

    /// The header of a telephone event sent between the frames of a mix; `header` is the one it came with. All packets of
    /// one event have one time stamp.
    pub fn event(&mut self, header: &Header, send_as: u8) -> Header {
        let came = (header.ssrc, header.timestamp);
        let timestamp = match self.event {
            Some((known, timestamp)) if known == came => timestamp,
            Some(_) | None => self.last_timestamp.wrapping_add(self.frame),
        };
        self.event = Some((came, timestamp));
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        Header { marker: header.marker, payload_type: send_as, sequence, timestamp, ssrc: self.ssrc }
    }

    /// The header under which a telephone event is sent on whose clock the receiver does not have: in the place of its own in
    /// the sequence, with one time stamp for all packets of it. `None` for one that is older than what this feed began with.
    pub fn relay_event(&mut self, mono_us: u64, incoming: Incoming<'_>) -> Option<Header> {
        let (last, frame) = (self.last_timestamp, self.frame);
        let relayed = self.relay(mono_us, Incoming { steady: false, ..incoming });
        // Its time stamps are of another clock than the audio's.
        (self.last_timestamp, self.frame) = (last, frame);
        let header = relayed?;
        let came = (incoming.header.ssrc, incoming.header.timestamp);
        let timestamp = match self.event {
            Some((known, timestamp)) if known == came => timestamp,
            Some(_) | None => last.wrapping_add(frame),
        };
        self.event = Some((came, timestamp));
        Some(Header { timestamp, ..header })
    }

    /// The header of a packet of a key that is pressed here, not passed on. All packets of one key have one time stamp.
    pub fn key(&mut self, mono_us: u64, clock_hz: u32, packet: KeyPacket) -> Header {
        let timestamp = match (packet, self.key) {
            (KeyPacket::Goes(_), Some(timestamp)) => timestamp,
            (KeyPacket::Begins(_) | KeyPacket::Goes(_), _) => match self.anchor {
                // Its clock is not that of the audio, whose time stamps stay as they are.
                Some(anchor) if anchor.clock_hz != clock_hz => self.last_timestamp.wrapping_add(self.frame),
                Some(_) | None => self.next_timestamp(mono_us, clock_hz),
            },
        };
        self.key = Some(timestamp);
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        if let Feed::Relay(mapping) = &mut self.feed {
            // What is relayed goes on behind it. A late packet from before would get a number twice: it is left out.
            mapping.sequence_offset = mapping.sequence_offset.wrapping_add(1);
            mapping.progress = 0;
        }
        let (KeyPacket::Begins(send_as) | KeyPacket::Goes(send_as)) = packet;
        let marker = matches!(packet, KeyPacket::Begins(_));
        Header { marker, payload_type: send_as, sequence, timestamp, ssrc: self.ssrc }
    }

    /// Maps an incoming stream (or what follows a leap in it) right behind what was sent.
    fn map(&mut self, mono_us: u64, incoming: &Incoming<'_>) -> Mapping {
        let header = incoming.header;
        let timestamp = self.next_timestamp(mono_us, incoming.clock_hz);
        self.spurt_begins = true;
        Mapping {
            ssrc: header.ssrc,
            clock_hz: incoming.clock_hz,
            highest: header.sequence,
            progress: 0,
            sequence_offset: self.next_sequence.wrapping_sub(header.sequence),
            timestamp_offset: timestamp.wrapping_sub(header.timestamp),
            last_timestamp: header.timestamp,
            last_us: mono_us,
        }
    }

    /// The time stamp of a packet that begins now: the wall clock's, but behind what was sent.
    fn next_timestamp(&mut self, mono_us: u64, clock_hz: u32) -> u32 {
        let behind_last = self.last_timestamp.wrapping_add(self.frame.max(clock_hz / 50));
        let Some(anchor) = self.anchor.filter(|anchor| anchor.clock_hz == clock_hz) else {
            // The very first packet, or another clock from here on.
            self.anchor = Some(Anchor { mono_us, timestamp: behind_last, clock_hz });
            self.frame = 0;
            return behind_last;
        };
        let wall = anchor.at(mono_us);
        // Far ahead of the clock means the clock of a peer runs fast: follow it.
        let timestamp = if wall.wrapping_sub(behind_last) < 1 << 31 { wall } else { behind_last };
        self.anchor = Some(Anchor { mono_us, timestamp: wall, clock_hz });
        timestamp
    }
}

impl Anchor {
    fn at(self, mono_us: u64) -> u32 {
        let elapsed = u128::from(mono_us.saturating_sub(self.mono_us)) * u128::from(self.clock_hz) / 1_000_000;
        self.timestamp.wrapping_add(low_32(elapsed as u64))
    }
}

impl Mapping {
    /// Whether the stream goes on somewhere else: its numbers leap, or its time stamps do while time does not.
    fn leaps(&self, mono_us: u64, incoming: &Incoming<'_>) -> bool {
        let header = incoming.header;
        let ahead = header.sequence.wrapping_sub(self.highest);
        if (MAX_DROPOUT..=u16::MAX - MAX_MISORDER).contains(&ahead) {
            return true;
        }
        if !incoming.steady || ahead == 0 || ahead >= HALF {
            return false;
        }
        if incoming.clock_hz != self.clock_hz {
            return true;
        }
        let ms = |units: i64| units * 1_000 / i64::from(incoming.clock_hz.max(1));
        let step_ms = ms(i64::from(header.timestamp.wrapping_sub(self.last_timestamp).cast_signed()));
        let wall_ms = i64::try_from(mono_us.saturating_sub(self.last_us) / 1_000).unwrap_or(i64::MAX);
        let early_ms = step_ms - wall_ms;
        // Packets bunch up behind a stall, so time stamps may lag and catch up; a clock that stood still over a pause
        // (marker) or that leaps is not followed.
        early_ms > LEAP_MS || step_ms < -LEAP_MS || (header.marker && early_ms < -PAUSE_MS)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "RTP time is modulo 2^32")]
fn low_32(value: u64) -> u32 {
    value as u32
}

/// Sequence numbers less than this ahead are ahead.
const HALF: u16 = 1 << 15;
/// A gap this long is another stream. RFC 3550 §A.1.
const MAX_DROPOUT: u16 = 3_000;
/// A packet older than this many is of another stream. RFC 3550 §A.1.
const MAX_MISORDER: u16 = 100;
/// Time stamps that run further ahead of the wall clock from one packet to the next have leapt.
const LEAP_MS: i64 = 2_000;
/// A talk spurt whose time stamps lag further had its clock stopped.
const PAUSE_MS: i64 = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A phone or trunk with its own numbers.
    struct Sender {
        header: Header,
    }

    impl Sender {
        fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
            Self { header: Header { ssrc, sequence, timestamp, payload_type: 0, marker: false } }
        }

        fn next(&mut self) -> Header {
            self.header.sequence = self.header.sequence.wrapping_add(1);
            self.header.timestamp = self.header.timestamp.wrapping_add(160);
            self.header
        }
    }

    fn relay(out: &mut OutStream, at_ms: u64, header: &Header) -> Option<Header> {
        out.relay(at_ms * 1_000, Incoming { header, clock_hz: 8_000, steady: true, send_as: 0 })
    }

    fn play(out: &mut OutStream, at_ms: u64, index: u64) -> Header {
        out.play(at_ms * 1_000, PlayedFrame { at_ms: index * 20, ms: 20, clock_hz: 8_000, send_as: 0 })
    }

    #[test]
    fn relay_player_relay_is_one_stream() {
        let mut out = OutStream::new(0xABCD_0000_FFFF_0001);
        let mut phone = Sender::new(9, 65_530, u32::MAX - 700);
        let mut sent = Vec::new();
        for i in 0..10 {
            sent.push(relay(&mut out, i * 20, &phone.next()).unwrap());
        }
        out.break_feed();
        for i in 0..10 {
            sent.push(play(&mut out, 203 + i * 20, 40 + i));
        }
        out.break_feed();
        for i in 0..10 {
            sent.push(relay(&mut out, 420 + i * 20, &phone.next()).unwrap());
        }
        for (i, pair) in sent.windows(2).enumerate() {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
            assert!((160..=320).contains(&step), "after packet {i}: {step}");
            assert_eq!(pair[1].ssrc, 0xABCD_0000);
        }
        let marked: Vec<_> = sent.iter().enumerate().filter(|(_, header)| header.marker).map(|(i, _)| i).collect();
        assert_eq!(marked, [0, 10, 20]);
        let elapsed = sent[29].timestamp.wrapping_sub(sent[0].timestamp);
        assert!((4_800 - 160..=4_800 + 160).contains(&elapsed), "600 ms are {elapsed}");
    }

    #[test]
    fn gaps_and_disorder_of_the_sender_are_passed_on_but_not_from_before_the_switch() {
        let mut out = OutStream::new(1);
        let mut phone = Sender::new(9, 100, 0);
        let before = phone.next();
        let (first, _lost, third) = (phone.next(), phone.next(), phone.next());
        let fourth = phone.next();
        let start = relay(&mut out, 0, &first).unwrap();
        assert_eq!(relay(&mut out, 1, &before), None);
        let ahead = relay(&mut out, 60, &fourth).unwrap();
        let late = relay(&mut out, 61, &third).unwrap();
        assert_eq!(ahead.sequence.wrapping_sub(start.sequence), 3);
        assert_eq!(late.sequence.wrapping_sub(start.sequence), 2);
        assert_eq!(late.timestamp.wrapping_sub(start.timestamp), 320);
    }

    #[test]
    fn a_pause_by_wall_clock_is_a_pause_in_time_stamps_whoever_feeds() {
        let mut out = OutStream::new(1);
        let first = play(&mut out, 0, 0);
        out.break_feed();
        let mut phone = Sender::new(3, 7, 7);
        let second = relay(&mut out, 10_000, &phone.next()).unwrap();
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 80_000);
        // The phone stops its clock while it is silent.
        phone.header.marker = true;
        let third = relay(&mut out, 15_000, &phone.next()).unwrap();
        assert_eq!(third.timestamp.wrapping_sub(second.timestamp), 40_000);
    }

    #[test]
    fn a_stall_of_the_network_does_not_bend_time() {
        let mut out = OutStream::new(1);
        let mut phone = Sender::new(3, 7, 7);
        let first = relay(&mut out, 0, &phone.next()).unwrap();
        let mut last = first;
        for _ in 0..100 {
            last = relay(&mut out, 2_000, &phone.next()).unwrap();
        }
        assert_eq!(last.timestamp.wrapping_sub(first.timestamp), 16_000);
        assert_eq!(last.sequence.wrapping_sub(first.sequence), 100);
    }

    #[test]
    fn a_restarted_sender_goes_on_in_the_same_stream() {
        let mut out = OutStream::new(1);
        let mut last = relay(&mut out, 0, &Sender::new(3, 7, 7).next()).unwrap();
        for (i, mut restarted) in [Sender::new(3, 30_000, 7), Sender::new(4, 30_001, 1 << 30)].into_iter().enumerate() {
            let next = relay(&mut out, 20 + i as u64 * 20, &restarted.next()).unwrap();
            assert_eq!(next.sequence, last.sequence.wrapping_add(1));
            assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 160);
            assert!(next.marker);
            last = next;
        }
    }

    #[test]
    fn the_packets_of_a_key_keep_one_time_stamp() {
        let mut out = OutStream::new(1);
        let mut phone = Sender::new(3, 7, 7);
        let voice = relay(&mut out, 0, &phone.next()).unwrap();
        let mut key = phone.next();
        let mut times = Vec::new();
        for i in 0..8 {
            key.sequence += u16::from(i > 0);
            let incoming = Incoming { header: &key, clock_hz: 8_000, steady: false, send_as: 101 };
            let sent = out.relay(20_000 + i * 20_000, incoming).unwrap();
            assert_eq!((sent.payload_type, sent.sequence.wrapping_sub(voice.sequence)), (101, i as u16 + 1));
            times.push(sent.timestamp.wrapping_sub(voice.timestamp));
        }
        assert_eq!(times, [160; 8]);
        let after = Header { sequence: key.sequence + 1, timestamp: key.timestamp + 8 * 160, ..key };
        assert_eq!(relay(&mut out, 180, &after).unwrap().timestamp.wrapping_sub(voice.timestamp), 9 * 160);
    }

    proptest! {
        /// Any order of feeds, each for a while, with pauses between: the receiver sees one SSRC, each sequence number
        /// once and in order, time stamps that grow and keep within 40 ms of the wall clock.
        #[test]
        fn one_stream_whoever_feeds(
            seed: u64,
            feeds in proptest::collection::vec((0u8..3, 1u64..60, 0u64..3_000, any::<u16>(), any::<u32>()), 1..20),
        ) {
            let mut out = OutStream::new(seed);
            let mut at_ms = 5;
            let mut sent: Vec<(u64, Header)> = Vec::new();
            for (kind, packets, pause_ms, sequence, timestamp) in feeds {
                out.break_feed();
                let mut sender = Sender::new(u32::from(sequence), sequence, timestamp);
                for i in 0..packets {
                    let header = if kind == 0 { play(&mut out, at_ms, i) } else {
                        relay(&mut out, at_ms, &sender.next()).unwrap()
                    };
                    prop_assert_eq!(header.marker, i == 0);
                    sent.push((at_ms, header));
                    at_ms += 20;
                }
                at_ms += pause_ms;
            }
            let (start_ms, first) = sent[0];
            let mut expected_sequence = first.sequence;
            let mut last_elapsed = None;
            for (at_ms, header) in sent {
                prop_assert_eq!(header.ssrc, first.ssrc);
                prop_assert_eq!(header.sequence, expected_sequence);
                expected_sequence = expected_sequence.wrapping_add(1);
                let elapsed = u64::from(header.timestamp.wrapping_sub(first.timestamp)) / 8;
                prop_assert!(last_elapsed.is_none_or(|last| elapsed > last));
                prop_assert!(elapsed.abs_diff(at_ms - start_ms) <= 40, "{} against {}", elapsed, at_ms - start_ms);
                last_elapsed = Some(elapsed);
            }
        }
    }
}

//! Key presses out of telephone events (RFC 4733): many packets, one press.

use crate::rtp::Header;

/// Follows the events of one peer.
#[derive(Debug, Clone, Default)]
pub struct KeyDetector {
    last: Option<KeyEvent>,
}

#[derive(Debug, Clone, Copy)]
struct KeyEvent {
    ssrc: u32,
    /// Time stamp of its first (segment's) packets.
    timestamp: u32,
    code: u8,
    duration: u16,
    ended: bool,
}

impl KeyDetector {
    /// Reads the payload of a telephone event with its RTP clock. The digit is given once, with the first packet of
    /// the event that arrives; events that are no keys (flash, fax tones) give nothing.
    pub fn receive(&mut self, header: &Header, payload: &[u8], clock_hz: u32) -> Option<char> {
        // RFC 4733 §2.3: event, E R volume, duration.
        let &[code, flags, high, low, ..] = payload else { return None };
        let seen = KeyEvent {
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            code,
            duration: u16::from_be_bytes([high, low]),
            ended: flags & END_BIT != 0,
        };
        let digit = *DIGITS.get(usize::from(code))?;
        match &mut self.last {
            Some(last) if last.ssrc == seen.ssrc => {
                let age = seen.timestamp.wrapping_sub(last.timestamp).cast_signed();
                if age < 0 {
                    return None;
                }
                if age == 0 || last.goes_on_in(&seen, age.unsigned_abs(), header.marker, clock_hz) {
                    let ended = last.ended || seen.ended;
                    *last = KeyEvent { ended, duration: seen.duration.max(last.duration), ..seen };
                    if age != 0 {
                        (last.duration, last.ended) = (seen.duration, seen.ended);
                    }
                    return None;
                }
                *last = seen;
            }
            Some(_) | None => self.last = Some(seen),
        }
        Some(char::from(digit))
    }
}

impl KeyEvent {
    /// Whether a later time stamp is still the same key held down.
    fn goes_on_in(&self, next: &KeyEvent, age: u32, marker: bool, clock_hz: u32) -> bool {
        if next.code != self.code || marker || (self.ended && !next.ended) {
            return false;
        }
        // RFC 4733 §2.5.1.3: an event longer than the field goes on as a segment that begins where it ended. Some
        // phones advance the time stamp with each packet of an event instead: the same key, a frame or two later.
        let segment = self.duration == u16::MAX && age == u32::from(u16::MAX);
        segment || age <= u32::from(self.duration).min(clock_hz / 25) + clock_hz / 25
    }
}

/// The event of a key.
#[must_use]
pub fn event_of(key: char) -> Option<u8> {
    let at = DIGITS.iter().position(|digit| char::from(*digit) == key)?;
    u8::try_from(at).ok()
}

/// The payload of a packet of a key that has been down for so long, in units of its clock, at -10 dBm0.
#[must_use]
pub fn payload(event: u8, duration: u16, ended: bool) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [event, if ended { END_BIT } else { 0 } | VOLUME, high, low]
}

/// In -dBm0.
const VOLUME: u8 = 10;
/// The E bit: the event has ended.
const END_BIT: u8 = 0x80;
/// RFC 4733 §3.2, events 0 to 15.
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(timestamp: u32, marker: bool) -> Header {
        Header { timestamp, marker, ssrc: 5, ..Header::default() }
    }

    fn payload(code: u8, end: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [code, if end { 0x8A } else { 0x0A }, high, low]
    }

    /// A key as phones send it: updates each 20 ms, the end three times.
    fn press(code: u8, timestamp: u32) -> Vec<(Header, [u8; 4])> {
        let mut packets: Vec<_> =
            (1..=5u16).map(|i| (event(timestamp, i == 1), payload(code, false, i * 160))).collect();
        packets.extend((0..3).map(|_| (event(timestamp, false), payload(code, true, 960))));
        packets
    }

    #[test]
    fn eight_packets_are_one_key_and_the_same_key_again_is_another() {
        let mut detector = KeyDetector::default();
        let packets = [press(5, u32::MAX - 100), press(5, 2_000), press(11, 4_000)].concat();
        let keys: String =
            packets.iter().filter_map(|(header, bytes)| detector.receive(header, bytes, 8_000)).collect();
        assert_eq!(keys, "55#");
    }

    #[test]
    fn a_key_held_for_long_is_one_key() {
        let mut detector = KeyDetector::default();
        assert_eq!(detector.receive(&event(0, true), &payload(1, false, 160), 8_000), Some('1'));
        assert_eq!(detector.receive(&event(0, false), &payload(1, false, 65_535), 8_000), None);
        assert_eq!(detector.receive(&event(65_535, false), &payload(1, false, 160), 8_000), None);
        assert_eq!(detector.receive(&event(65_535, false), &payload(1, true, 800), 8_000), None);
        assert_eq!(detector.receive(&event(70_000, true), &payload(1, false, 160), 8_000), Some('1'));
    }

    #[test]
    fn a_time_stamp_that_walks_during_the_event_is_one_key() {
        let mut detector = KeyDetector::default();
        let keys: Vec<_> = (0..10u16)
            .filter_map(|i| {
                detector.receive(&event(u32::from(i) * 160, i == 0), &payload(9, i > 7, 160 * (i + 1)), 8_000)
            })
            .collect();
        assert_eq!(keys, ['9']);
    }

    #[test]
    fn a_packet_of_the_last_key_that_comes_late_is_no_key() {
        let mut detector = KeyDetector::default();
        let packets = [press(5, 0), press(6, 1_600)].concat();
        let order = [0, 1, 8, 7, 9, 6, 10];
        let keys: String =
            order.iter().filter_map(|at| detector.receive(&packets[*at].0, &packets[*at].1, 8_000)).collect();
        assert_eq!(keys, "56");
    }

    #[test]
    fn what_is_no_key_gives_nothing() {
        let mut detector = KeyDetector::default();
        assert_eq!(detector.receive(&event(0, true), &payload(16, false, 160), 8_000), None);
        assert_eq!(detector.receive(&event(0, true), &[1, 2, 3], 8_000), None);
    }

    proptest! {
        /// As long as one packet of each event arrives, in whatever order within the event, each is heard once.
        #[test]
        fn each_key_is_heard_once_under_loss_repeats_and_disorder(
            codes in proptest::collection::vec(0u8..16, 1..20),
            fates in proptest::collection::vec((0usize..8, 0u8..3), 20),
        ) {
            let mut detector = KeyDetector::default();
            let mut heard = String::new();
            for (i, code) in codes.iter().enumerate() {
                let mut packets = press(*code, i as u32 * 1_600);
                let (rotate, drop) = fates[i];
                packets.rotate_left(rotate);
                packets.truncate(8 - usize::from(drop) * 2);
                packets.push(packets[0]);
                heard.extend(packets.iter().filter_map(|(header, bytes)| detector.receive(header, bytes, 8_000)));
            }
            let pressed: String = codes.iter().map(|code| char::from(DIGITS[usize::from(*code)])).collect();
            prop_assert_eq!(heard, pressed);
        }
    }
}

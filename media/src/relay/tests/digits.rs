//! Keys toward a party, of each kind of sender to each kind of receiver.

use super::rig::*;
use super::*;
use crate::codec::{Coder, Law};
use crate::inband::{self, InbandDetector};
use crate::telephone_event::KeyDetector;
use crate::{Codec, Detect, RecordRate, Source};

const WIDE_EVENTS: Codec = Codec::TelephoneEvent { clock_hz: 48_000 };

/// How a party presses and hears keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// RFC 4733 at 8 kHz, number 101.
    Events,
    /// The same at 8 kHz, number 96.
    OtherNumber,
    /// At 48 kHz, number 110.
    Wide,
    /// As sounds.
    Sound,
}

impl Keys {
    const ALL: [Self; 4] = [Self::Events, Self::OtherNumber, Self::Wide, Self::Sound];

    fn formats(self) -> Vec<(Codec, u8)> {
        let audio = (Codec::Pcmu, 0);
        match self {
            Self::Events => vec![audio, (EVENTS, 101)],
            Self::OtherNumber => vec![audio, (EVENTS, 96)],
            Self::Wide => vec![audio, (WIDE_EVENTS, 110)],
            Self::Sound => vec![audio],
        }
    }

    fn number_and_clock(self) -> Option<(u8, u16)> {
        match self {
            Self::Events => Some((101, 160)),
            Self::OtherNumber => Some((96, 160)),
            Self::Wide => Some((110, 960)),
            Self::Sound => None,
        }
    }
}

/// What a receiver of that kind makes of what it was sent: its keys, and those that others would take the sound for.
fn pressed(keys: Keys, sent: &[(SocketAddr, Header, Vec<u8>)]) -> (String, String) {
    let (mut events, mut sounds) = (KeyDetector::default(), InbandDetector::new(RecordRate::Narrow));
    let (mut by_event, mut by_sound) = (String::new(), String::new());
    let mut decoder = Coder::G711(Law::Mu).decoder(RecordRate::Narrow).unwrap();
    for (_, header, payload) in sent {
        match keys.number_and_clock() {
            Some((number, frame)) if header.payload_type == number => {
                by_event.extend(events.receive(header, payload, u32::from(frame) * 50));
            }
            _ => {
                let mut sound = Vec::new();
                decoder.decode(payload, &mut sound);
                sounds.receive(&sound, |key| by_sound.push(key));
            }
        }
    }
    (by_event, by_sound)
}

/// Sequence numbers follow one another, each once.
fn check_sequence(sent: &[(SocketAddr, Header, Vec<u8>)]) {
    for pair in sent.windows(2) {
        assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1), "{pair:?}");
    }
}

/// A presses 7, 7 and # while B hears it.
fn press(keys: Keys, rig: &mut Rig, a: &mut Party) {
    const SILENCE: [u8; 160] = [0xFF; 160];
    for (key, code) in [('7', 7), ('7', 7), ('#', 11)] {
        let Some((number, frame)) = keys.number_and_clock() else {
            let sound = inband::render(&key.to_string(), RecordRate::Narrow);
            let mut encoder = Coder::G711(Law::Mu).encoder().unwrap();
            for samples in sound.chunks(160) {
                let mut payload = Vec::new();
                encoder.encode(samples, &mut payload);
                rig.speak(a, &payload);
            }
            continue;
        };
        let begins = a.header.timestamp.wrapping_add(160);
        for n in 1..=8u16 {
            rig.wait(20_000);
            a.header.sequence = a.header.sequence.wrapping_add(1);
            let timestamp = begins;
            let header = Header { payload_type: number, marker: n == 1, timestamp, ..a.header };
            let end = if n >= 6 { 0x8A } else { 0x0A };
            let [high, low] = (n.min(6) * frame).to_be_bytes();
            // The network loses one in the middle, and one of the three ends.
            if n != 3 && n != 7 {
                rig.inject(a.slot, a.address, &header, &[code, end, high, low]);
            }
        }
        a.header.timestamp = begins.wrapping_add(1_280);
        for _ in 0..5 {
            rig.speak(a, &SILENCE);
        }
    }
}

/// What the switch does for a pair that has not both events: each key that is heard is pressed anew.
fn translate(rig: &mut Rig, translated: &mut usize, to: EndpointId) {
    let digits: Vec<char> = rig.world.events[*translated..]
        .iter()
        .filter_map(|event| match event {
            Event::Digit(pressed) if pressed.endpoint == A => Some(pressed.digit),
            _ => None,
        })
        .collect();
    *translated = rig.world.events.len();
    for digit in digits {
        rig.command(Command::SendDigits { endpoint: to, digits: digit.to_string() });
    }
}

#[test]
fn each_kind_of_phone_presses_keys_for_each_kind() {
    for from in Keys::ALL {
        for to in Keys::ALL {
            let mut rig = Rig::default();
            let (mut a, b) = (rig.party(A, &from.formats()), rig.party(B, &to.formats()));
            rig.hear(B, &[Source::Endpoint(A)]);
            rig.command(Command::DetectKeys { endpoint: A, detect: Detect::On });
            press(from, &mut rig, &mut a);
            let both = from != Keys::Sound && to != Keys::Sound;
            // A sound passes as it is, whatever the receiver could hear besides: one press is one key.
            if !both && from != Keys::Sound {
                translate(&mut rig, &mut 0, B);
            }
            rig.wait(2_000_000);
            let sent = rig.heard(b.slot);
            let (by_event, by_sound) = pressed(to, &sent);
            let wanted = if both { ("77#", "") } else { ("", "77#") };
            assert_eq!((by_event.as_str(), by_sound.as_str()), wanted, "{from:?} to {to:?}");
            let heard: String = rig
                .world
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::Digit(pressed) => Some(pressed.digit),
                    _ => None,
                })
                .collect();
            assert_eq!(heard, "77#", "{from:?} is heard here");
        }
    }
}

#[test]
fn keys_pressed_here_are_events_between_the_packets_that_are_relayed() {
    for to in [Keys::Events, Keys::Wide] {
        let mut rig = Rig::default();
        let (mut a, b) = (rig.party(A, &Keys::Events.formats()), rig.party(B, &to.formats()));
        rig.hear(B, &[Source::Endpoint(A)]);
        for _ in 0..3 {
            rig.speak(&mut a, &[0x55; 160]);
        }
        rig.command(Command::SendDigits { endpoint: B, digits: "1x*".into() });
        for _ in 0..40 {
            rig.speak(&mut a, &[0x55; 160]);
        }
        let sent = rig.heard(b.slot);
        check_sequence(&sent);
        assert_eq!(pressed(to, &sent).0, "1*", "{to:?}");
        let (number, frame) = to.number_and_clock().unwrap();
        let events: Vec<_> = sent.iter().filter(|(_, header, _)| header.payload_type == number).collect();
        assert_eq!(events.len(), 16);
        let durations: Vec<u16> = events[..8].iter().map(|(.., p)| u16::from_be_bytes([p[2], p[3]]) / frame).collect();
        assert_eq!(durations, [1, 2, 3, 4, 5, 6, 6, 6]);
        let ends: Vec<bool> = events[..8].iter().map(|(.., payload)| payload[1] & 0x80 != 0).collect();
        assert_eq!(ends, [false, false, false, false, false, true, true, true]);
        let marked: Vec<bool> = events.iter().map(|(_, header, _)| header.marker).collect();
        assert_eq!(marked.iter().filter(|marked| **marked).count(), 2);
        assert!(marked[0] && marked[8]);
        let stamps: BTreeSet<u32> = events.iter().map(|(_, header, _)| header.timestamp).collect();
        assert_eq!(stamps.len(), 2, "one time stamp a key");
        assert_eq!(sent.len() - events.len(), 43, "audio goes on");
    }
}

#[test]
fn after_the_sound_of_a_key_the_other_party_is_heard_again() {
    let mut rig = Rig::default();
    let (mut a, b) = (rig.party(A, &Keys::Sound.formats()), rig.party(B, &Keys::Sound.formats()));
    rig.hear(B, &[Source::Endpoint(A)]);
    rig.speak(&mut a, &[0x55; 160]);
    rig.command(Command::SendDigits { endpoint: B, digits: "90".into() });
    for _ in 0..30 {
        rig.speak(&mut a, &[0x55; 160]);
    }
    let sent = rig.heard(b.slot);
    check_sequence(&sent);
    assert_eq!(pressed(Keys::Sound, &sent).1, "90");
    assert_eq!(sent.last().unwrap().2, [0x55; 160]);
    rig.speak(&mut a, &[0x55; 160]);
    assert_eq!(rig.heard(b.slot).len(), 1);
}

#[test]
fn an_endpoint_that_closes_while_keys_are_pressed_leaves_nothing() {
    for keys in Keys::ALL {
        let mut rig = Rig::default();
        rig.party(B, &keys.formats());
        rig.command(Command::SendDigits { endpoint: B, digits: "12345".into() });
        rig.wait(70_000);
        rig.command(Command::Close(B));
        rig.wait(5_000_000);
        assert_eq!(rig.relay.poll_timeout(), None, "{keys:?}");
        assert!(!rig.world.events.iter().any(|event| matches!(event, Event::PlayerEnded { .. })), "{keys:?}");
    }
}

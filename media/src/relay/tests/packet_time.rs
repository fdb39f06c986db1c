//! Packets as long as each peer wants them, and Opus as each peer wants it.

use super::super::*;
use super::rig::*;
use crate::codec::{Coder, Law};
use crate::testing::{level, sine};
use crate::{Codec, OpusSettings, PacketTime, RecordRate, Session, Source};

const C: EndpointId = EndpointId(3);
const D: EndpointId = EndpointId(4);
const OPUS: (Codec, u8) = (Codec::Opus, 111);

/// Three parties in a mix, of which the third wants its packets so.
fn mixed_for(codec: (Codec, u8), settle: impl Fn(&mut Session)) -> Vec<(Header, Vec<u8>)> {
    let mut rig = Rig::default();
    let mut speakers = [rig.party(A, &[PCMU]), rig.party(B, &[PCMU])];
    let sink = rig.party(C, std::slice::from_ref(&codec));
    let mut wanted = session(3, &[codec]);
    settle(&mut wanted);
    rig.configure(C, wanted);
    rig.hear(C, &[Source::Endpoint(A), Source::Endpoint(B)]);
    let mut encoder = Coder::G711(Law::Mu).encoder().unwrap();
    let tone = sine(8_000, 440.0, 8_000.0, 4.0);
    for frame in tone.chunks(160) {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload);
        rig.speak(&mut speakers[0], &payload);
    }
    rig.heard(sink.slot).into_iter().map(|(_, header, payload)| (header, payload)).collect()
}

fn with_time(ms: u8) -> impl Fn(&mut Session) {
    move |session| session.packet_time = PacketTime::from_ms(ms)
}

/// Whole from the second packet on (the first after a gap may be short), each of so many milliseconds.
fn assert_packets(packets: &[(Header, Vec<u8>)], clock_hz: u32, ms: u32) {
    assert!(packets.len() > 3_000 / ms as usize, "{} packets", packets.len());
    for pair in packets.windows(2) {
        assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
        assert_eq!(pair[1].0.timestamp.wrapping_sub(pair[0].0.timestamp), clock_hz / 1_000 * ms);
    }
}

fn tone_in(coder: Coder, packets: &[(Header, Vec<u8>)]) -> f64 {
    let (mut decoder, mut sound) = (coder.decoder(RecordRate::Wide).unwrap(), Vec::new());
    packets.iter().for_each(|(_, payload)| decoder.decode(payload, &mut sound));
    level(&sound[sound.len() - 16_000..], 16_000, 440.0)
}

#[test]
fn a_mix_comes_in_packets_of_the_length_that_the_peer_asks_for() {
    for ms in [10, 20, 30, 40, 50, 60] {
        for (codec, coder) in [((Codec::Pcma, 8), Coder::G711(Law::A)), ((Codec::G722, 9), Coder::G722)] {
            let packets = mixed_for(codec, with_time(ms));
            assert_packets(&packets, 8_000, u32::from(ms));
            assert!(packets.iter().all(|(_, payload)| payload.len() == 8 * usize::from(ms)));
            let tone = tone_in(coder, &packets);
            assert!((7_000.0..9_000.0).contains(&tone), "{coder:?}, {ms} ms: {tone}");
        }
    }
    for (ms, given) in [(10, 10), (20, 20), (30, 20), (40, 40), (60, 60)] {
        let packets = mixed_for(OPUS, with_time(ms));
        assert_packets(&packets, 48_000, given);
        let tone = tone_in(Coder::OPUS, &packets);
        assert!((7_000.0..9_000.0).contains(&tone), "Opus, {ms} ms: {tone}");
    }
}

#[test]
fn a_player_comes_in_packets_of_that_length_too() {
    for ms in [10, 30, 60] {
        let mut rig = Rig::default();
        let sink = rig.party(A, &[PCMU]);
        rig.configure(A, Session { packet_time: PacketTime::from_ms(ms), ..session(1, &[PCMU]) });
        rig.play(MUSIC, music());
        rig.hear(A, &[Source::Player(MUSIC)]);
        rig.wait(4_000_000);
        let packets: Vec<_> = rig.heard(sink.slot).into_iter().map(|(_, header, payload)| (header, payload)).collect();
        assert_packets(&packets, 8_000, u32::from(ms));
    }
}

/// RFC 8866 §6.4: `maxptime` is a limit. Packets that keep it are relayed as they are.
#[test]
fn a_packet_that_is_too_long_for_the_peer_is_made_anew() {
    for (most, relayed) in [(Some(20), false), (Some(40), true), (None, true)] {
        let mut rig = Rig::default();
        let mut a = rig.party(A, &[PCMU]);
        let b = rig.party(B, &[PCMU]);
        rig.configure(B, Session { packet_ms_max: most, ..session(2, &[PCMU]) });
        rig.talk();
        let payload = [0xFF - 17; 320];
        for _ in 0..50 {
            rig.wait(40_000);
            a.header.sequence += 1;
            a.header.timestamp += 320;
            let header = a.header;
            rig.inject(a.slot, a.address, &header, &payload);
        }
        let heard = rig.heard(b.slot);
        let (long, short): (Vec<_>, Vec<_>) = heard.iter().partition(|(.., payload)| payload.len() == 320);
        if relayed {
            assert_eq!((long.len(), short.len()), (50, 0), "{most:?}");
        } else {
            assert!(long.is_empty(), "{most:?}");
            assert!(short.len() > 90 && short.iter().all(|(.., payload)| payload.len() == 160), "{}", short.len());
        }
    }
}

/// Two who have all of Opus hear 15 kHz of each other in a room with one who has 3.4; he hears what of it he can.
#[test]
fn a_room_is_mixed_at_the_rate_of_its_best_sink() {
    let full = OpusSettings { rate: RecordRate::Full, bits_per_second: 64_000, ..OpusSettings::DEFAULT };
    let mut rig = Rig::default();
    let mut browsers = [A, B].map(|id| {
        let party = rig.party(id, &[OPUS]);
        rig.configure(id, Session { opus: full, ..session(id.0 as u8, &[OPUS]) });
        party
    });
    let phone = rig.party(C, &[PCMU]);
    let wide = rig.party(D, &[OPUS]);
    let all = [A, B, C, D];
    for sink in all {
        let others: Vec<Source> = all.iter().filter(|id| **id != sink).map(|id| Source::Endpoint(*id)).collect();
        rig.hear(sink, &others);
    }
    let mut encoder = Coder::Opus(full).encoder().unwrap();
    let sound: Vec<i16> = sine(48_000, 440.0, 6_000.0, 3.0)
        .into_iter()
        .zip(sine(48_000, 12_000.0, 6_000.0, 3.0))
        .map(|(low, high)| low + high)
        .collect();
    for frame in sound.chunks(960) {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload);
        let speaker = &mut browsers[0];
        rig.wait(20_000);
        speaker.header.sequence += 1;
        speaker.header.timestamp += 960;
        let header = speaker.header;
        rig.inject(speaker.slot, speaker.address, &header, &payload);
    }
    let mut heard = |slot, coder: Coder, rate: RecordRate, hz| {
        let (mut decoder, mut sound) = (coder.decoder(rate).unwrap(), Vec::new());
        rig.heard(slot).iter().for_each(|(.., payload)| decoder.decode(payload, &mut sound));
        let second = &sound[sound.len() - rate.hz() as usize..];
        [440.0, hz].map(|hz| level(second, rate.hz(), hz))
    };
    let [low, high] = heard(browsers[1].slot, Coder::Opus(full), RecordRate::Full, 12_000.0);
    assert!((4_500.0..7_500.0).contains(&low) && (4_500.0..7_500.0).contains(&high), "{low} {high}");
    // Nothing of the high tone folds down for those who can't have it: 12 kHz would be at 4 of 16.
    let [low, image] = heard(wide.slot, Coder::OPUS, RecordRate::Wide, 4_000.0);
    assert!((4_500.0..7_500.0).contains(&low) && image < 6.0, "{low} {image}");
    let [low, image] = heard(phone.slot, Coder::G711(Law::Mu), RecordRate::Narrow, 3_999.0);
    assert!((4_500.0..7_500.0).contains(&low) && image < 60.0, "{low} {image}");
}

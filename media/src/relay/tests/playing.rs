//! Sequences: what is heard of them, when, and what is kept.

use super::super::encodings::IDLE_BYTES_MAX;
use super::*;
use crate::encoded::FRAME_US;
use crate::prompt::Playlist;
use crate::testing::{level, rms, sine};

/// A clip of one pitch, `ms` long, that comes and goes in 20 ms as speech does.
fn pitch(name: u64, hz: f64, ms: u32) -> Prompt {
    let mut samples = sine(16_000, hz, 8_000.0, f64::from(ms) / 1_000.0);
    let last = samples.len() - 1;
    for at in 0..320.min(samples.len() / 2) {
        for end in [at, last - at] {
            samples[end] = (f64::from(samples[end]) * (at as f64 / 320.0).powi(2)) as i16;
        }
    }
    Prompt::Clip(Clip { name, samples: samples.into(), rate: RecordRate::Wide })
}

/// What a party heard, as sound at 8 kHz by its own clock; a packet that did not come is silence.
fn sound(heard: &[(SocketAddr, Header, Vec<u8>)], coder: Coder) -> Vec<i16> {
    let mut decoder = coder.decoder(RecordRate::Narrow).unwrap();
    let first = heard[0].1.timestamp;
    let mut sound = Vec::new();
    for (_, header, payload) in heard {
        let at = header.timestamp.wrapping_sub(first) / (coder.clock_hz() / 8_000);
        sound.resize(at as usize, 0);
        decoder.decode(payload, &mut sound);
    }
    sound
}

#[test]
fn a_sequence_is_heard_in_its_order_with_the_pauses_asked_for_and_no_others() {
    let codecs = [(Codec::Pcma, 8), (Codec::G722, 9), (Codec::Opus, 111)];
    for codec in codecs {
        let coder = codec.0.coder().unwrap();
        let mut rig = Rig::default();
        let bob = rig.party(B, std::slice::from_ref(&codec));
        // 500, 130 and 250 ms: the second is padded by 10 ms, the third too.
        let parts = vec![
            pitch(1, 500.0, 500),
            pitch(2, 900.0, 130),
            Prompt::Silence { ms: 200 },
            pitch(3, 1_400.0, 250),
            pitch(1, 500.0, 500),
        ];
        rig.play_once(MUSIC, parts);
        rig.hear(B, &[Source::Player(MUSIC)]);
        rig.wait(3_000_000);
        let heard = rig.heard(bob.slot);
        assert_eq!(heard.len(), 25 + 7 + 10 + 13 + 25, "{coder:?}");
        assert_eq!(rig.world.events.last(), Some(&Event::PlayerEnded { player: MUSIC }));
        let sound = sound(&heard, coder);
        let ms = |from: usize, to: usize| &sound[from * 8..to * 8];
        let loudest = |part: &[i16]| {
            *[500.0, 900.0, 1_400.0].iter().max_by_key(|hz| level(part, 8_000, **hz) as u64).unwrap() as u32
        };
        // Coders hold back a few milliseconds.
        for (from, to, hz) in [(30, 490, 500), (530, 610, 900), (870, 1_080, 1_400), (1_130, 1_570, 500)] {
            assert_eq!(loudest(ms(from, to)), hz, "{coder:?} at {from} ms");
            for (nth, part) in ms(from, to).chunks_exact(20 * 8).enumerate() {
                assert!(rms(part) > 3_500.0, "{coder:?}: {} in {hz} Hz at {} ms", rms(part), from + nth * 20);
            }
        }
        assert!(rms(ms(670, 830)) < 40.0, "{coder:?}: the pause is {}", rms(ms(670, 830)));
    }
}

#[test]
fn what_plays_for_ever_begins_again_and_ends_with_its_player() {
    let mut rig = Rig::default();
    let bob = rig.party(B, &[PCMU]);
    let playlist = Playlist {
        prompts: vec![pitch(1, 500.0, 100), Prompt::Silence { ms: 100 }],
        repeat: crate::prompt::Repeat::Forever,
    };
    rig.command(Command::StartPlayer { player: MUSIC, playlist });
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.wait(10 * 200_000 - 1);
    let heard = rig.heard(bob.slot);
    assert_eq!(heard.len(), 100);
    let sound = sound(&heard, Coder::G711(crate::codec::Law::Mu));
    for period in sound.chunks(1_600) {
        assert!(level(&period[160..640], 8_000, 500.0) > 7_000.0 && rms(&period[840..]) < 20.0);
    }
    rig.command(Command::StopPlayer(MUSIC));
    rig.wait(1_000_000);
    assert!(rig.heard(bob.slot).is_empty());
    assert!(!rig.world.events.contains(&Event::PlayerEnded { player: MUSIC }), "it was stopped, it did not end");
}

#[test]
fn playing_begins_with_the_first_portion_of_the_first_prompt() {
    let mut rig = Rig::default();
    let bob = rig.party(B, &[(Codec::Opus, 111)]);
    let parts = vec![pitch(1, 500.0, 400), pitch(2, 900.0, 400)];
    rig.play_once(MUSIC, parts.clone());
    rig.hear(B, &[Source::Player(MUSIC)]);
    assert_eq!(rig.world.encode.drain(..).map(|(prompt, _)| prompt).collect::<Vec<_>>(), parts);
    let mut encodings: Vec<_> =
        parts.iter().map(|part| (part.key(), crate::encoded::Encoding::begin(part, Coder::OPUS).unwrap())).collect();
    let mut give = |rig: &mut Rig, nth: usize| {
        let (key, encoding) = &mut encodings[nth];
        let portion = encoding.next_portion(10).unwrap();
        let now = rig.now();
        rig.relay.prompt_encoded(now, *key, Coder::OPUS, &portion);
    };
    // The second is ready first: nothing is heard.
    give(&mut rig, 1);
    rig.wait(40_000);
    assert!(rig.heard(bob.slot).is_empty());
    give(&mut rig, 0);
    rig.wait(0);
    assert_eq!(rig.heard(bob.slot).len(), 1, "at once");
    // The encoder is late: what is missing is left out, what follows is in its place.
    rig.wait(399_999);
    assert_eq!(rig.heard(bob.slot).len(), 9);
    rig.wait(200_000);
    assert_eq!(rig.heard(bob.slot).len(), 10);
}

#[test]
fn what_was_encoded_once_is_heard_at_once_the_next_time_until_there_is_no_room() {
    let mut rig = Rig::default();
    let bob = rig.party(B, &[PCMU]);
    let again = |rig: &mut Rig, name: u64, ms: u32| {
        rig.play_once(MUSIC, vec![pitch(name, 500.0, ms)]);
        rig.hear(B, &[Source::Player(MUSIC)]);
        let asked = rig.world.encode.len();
        rig.wait(u64::from(ms) * 1_000 + FRAME_US);
        rig.heard(bob.slot);
        asked
    };
    assert_eq!([again(&mut rig, 1, 100), again(&mut rig, 1, 100)], [1, 0]);
    // Twenty minutes each.
    for name in 2..5 {
        assert_eq!(again(&mut rig, name, 1_200_000), 1);
        assert!(rig.relay.encodings.idle_bytes() <= IDLE_BYTES_MAX);
    }
    assert_eq!([again(&mut rig, 4, 100), again(&mut rig, 1, 100)], [0, 1], "the oldest went first");
}

#[test]
fn an_empty_playlist_ends_at_once_and_one_nobody_can_hear_in_its_time() {
    let mut rig = Rig::default();
    rig.play_once(MUSIC, Vec::new());
    assert_eq!(rig.world.events.last(), Some(&Event::PlayerEnded { player: MUSIC }));
    let bob = rig.party(B, &[(Codec::Other { name: "g729".into(), clock_hz: 8_000 }, 18)]);
    rig.play_once(MUSIC, vec![pitch(1, 500.0, 500)]);
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.wait(499_999);
    assert!(rig.relay.graph().has_player(MUSIC));
    rig.wait(1);
    assert_eq!(rig.world.events.last(), Some(&Event::PlayerEnded { player: MUSIC }));
    assert!(rig.heard(bob.slot).is_empty());
    assert_eq!(rig.relay.encodings.idle_bytes(), 0);
}

#[test]
fn in_a_mix_a_sequence_is_heard_beside_a_party_and_leaves_the_relay_as_it_was() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    rig.play_once(MUSIC, vec![pitch(1, 500.0, 300), pitch(2, 1_400.0, 300)]);
    rig.hear(B, &[Source::Endpoint(A), Source::Player(MUSIC)]);
    let silence = [0xFF; 160];
    (0..30).for_each(|_| rig.speak(&mut alice, &silence));
    let sound = sound(&rig.heard(bob.slot), Coder::G711(crate::codec::Law::Mu));
    let begin = sound.iter().position(|sample| sample.abs() > 1_000).unwrap();
    assert!(begin < 60 * 8, "{begin}");
    assert!(level(&sound[begin + 400..begin + 2_000], 8_000, 500.0) > 7_000.0);
    assert!(level(&sound[begin + 2_800..begin + 4_200], 8_000, 1_400.0) > 7_000.0);
    // The switch does not know yet that it has ended.
    rig.wait(200_000);
    rig.hear(B, &[Source::Endpoint(A), Source::Player(MUSIC)]);
    rig.heard(bob.slot);
    rig.speak(&mut alice, &[7; 160]);
    assert!(rig.heard(bob.slot).iter().any(|(.., payload)| *payload == [7; 160]), "relayed as it came");
}

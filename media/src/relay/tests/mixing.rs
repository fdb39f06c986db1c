//! Mixed and transcoded calls, by what each party hears.

use std::collections::BTreeMap;

use super::super::*;
use super::rig::*;
use crate::codec::{Coder, Encoder, Law};
use crate::prompt::Clip;
use crate::testing::{level, rms, sine};
use crate::{Codec, EdgeGain, Gain, RecordRate, Source};

const C: EndpointId = EndpointId(3);
const G722: (Codec, u8) = (Codec::G722, 9);
const OPUS: (Codec, u8) = (Codec::Opus, 111);

/// A party that says a tone in its codec.
struct Speaker {
    id: EndpointId,
    party: Party,
    coder: Coder,
    encoder: Box<dyn Encoder>,
    tone: Vec<i16>,
    said: usize,
}

fn speaker(rig: &mut Rig, id: EndpointId, codec: (Codec, u8), hz: f64) -> Speaker {
    let coder = codec.0.coder().unwrap();
    let party = rig.party(id, &[codec, (EVENTS, 101)]);
    let tone = sine(coder.encoder_rate().hz(), hz, 4_000.0, 20.0);
    Speaker { id, party, coder, encoder: coder.encoder().unwrap(), tone, said: 0 }
}

impl Speaker {
    fn say(&mut self, rig: &mut Rig) {
        let length = crate::mix::frame_samples(self.coder.encoder_rate());
        let mut payload = Vec::new();
        self.encoder.encode(&self.tone[self.said..self.said + length], &mut payload);
        self.said += length;
        let header = &mut self.party.header;
        header.sequence = header.sequence.wrapping_add(1);
        header.timestamp = header.timestamp.wrapping_add(self.coder.clock_hz() / 50);
        rig.inject(self.party.slot, self.party.address, &self.party.header.clone(), &payload);
    }

    /// What it has been sent since the last look.
    fn hears(&self, rig: &mut Rig) -> Heard {
        let packets = rig.heard(self.party.slot);
        let audio = packets.iter().filter(|(_, header, _)| header.payload_type != 101);
        let (mut decoder, mut sound) = (self.coder.decoder(RecordRate::Wide).unwrap(), Vec::new());
        audio.clone().for_each(|(.., payload)| decoder.decode(payload, &mut sound));
        Heard { headers: packets.iter().map(|(_, header, _)| *header).collect(), sound }
    }
}

struct Heard {
    headers: Vec<Header>,
    sound: Vec<i16>,
}

impl Heard {
    /// Level of a tone in the last half second.
    fn tone(&self, hz: f64) -> f64 {
        level(&self.sound[self.sound.len() - 8_000..], 16_000, hz)
    }
}

/// All say what they have to for so many frames, a little apart.
fn all_say(rig: &mut Rig, speakers: &mut [Speaker], frames: usize) {
    let apart_us = 20_000 / speakers.len() as u64;
    for _ in 0..frames {
        let end_us = rig.now_us + 20_000;
        for speaker in speakers.iter_mut() {
            speaker.say(rig);
            rig.wait(apart_us);
        }
        rig.wait(end_us - rig.now_us);
    }
}

/// Each hears all others.
fn confer(rig: &mut Rig, speakers: &[Speaker]) {
    for sink in speakers {
        let others: Vec<Source> =
            speakers.iter().filter(|other| other.id != sink.id).map(|other| Source::Endpoint(other.id)).collect();
        rig.hear(sink.id, &others);
    }
}

/// One stream, nothing left out, never more than 40 ms beyond a frame from one packet to the next.
fn assert_whole(headers: &[Header], clock_hz: u32) {
    for pair in headers.windows(2) {
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((clock_hz / 50..=clock_hz * 60 / 1_000).contains(&step), "{step} at {:?}", pair[1]);
    }
}

#[test]
fn three_of_different_codecs_each_hear_exactly_the_two_others() {
    let mut rig = Rig::default();
    let codecs = [(Codec::Pcma, 8), G722, OPUS];
    let tones = [500.0, 900.0, 1_300.0];
    let mut speakers: Vec<Speaker> = codecs
        .iter()
        .zip(tones)
        .enumerate()
        .map(|(nth, (codec, hz))| speaker(&mut rig, EndpointId(nth as u64 + 1), codec.clone(), hz))
        .collect();
    confer(&mut rig, &speakers);
    all_say(&mut rig, &mut speakers, 75);
    for (nth, speaker) in speakers.iter().enumerate() {
        let heard = speaker.hears(&mut rig);
        assert_whole(&heard.headers, speaker.coder.clock_hz());
        for (other, hz) in tones.iter().enumerate() {
            let level = heard.tone(*hz);
            match other == nth {
                true => assert!(level < 60.0, "{nth} hears itself at {level}"),
                false => assert!((3_300.0..4_600.0).contains(&level), "{nth} hears {other} at {level}"),
            }
        }
    }
    for speaker in &speakers {
        let buffered = rig.stats(&speaker.party).buffered;
        assert_eq!((buffered.gaps, buffered.late, buffered.concealed_ms), (0, 0, 0));
        assert!(buffered.played >= 70, "{buffered:?}");
    }
}

#[test]
fn two_without_a_common_codec_hear_each_other_and_each_others_keys() {
    for (one, other) in [(PCMU, G722), ((Codec::Pcma, 8), OPUS), (G722, OPUS)] {
        let mut rig = Rig::default();
        let mut speakers = [speaker(&mut rig, A, one, 600.0), speaker(&mut rig, B, other, 1_000.0)];
        rig.talk();
        all_say(&mut rig, &mut speakers, 50);
        let [alice, bob] = &speakers;
        assert!((3_300.0..4_600.0).contains(&bob.hears(&mut rig).tone(600.0)));
        assert!((3_300.0..4_600.0).contains(&alice.hears(&mut rig).tone(1_000.0)));
        // A key: its packets come through in one event, with the numbers of our stream.
        let Header { sequence, timestamp, .. } = speakers[0].party.header;
        let (slot, address, ssrc) = (speakers[0].party.slot, speakers[0].party.address, speakers[0].party.header.ssrc);
        for nth in 1..=5u16 {
            rig.wait(20_000);
            let sequence = sequence.wrapping_add(nth);
            let header = Header { sequence, timestamp: timestamp + 160, ssrc, payload_type: 101, marker: nth == 1 };
            let end = if nth == 5 { 0x80 } else { 0 };
            let [high, low] = (nth * 160).to_be_bytes();
            rig.inject(slot, address, &header, &[7, end | 10, high, low]);
        }
        let packets = rig.heard(speakers[1].party.slot);
        let events: Vec<_> = packets.iter().filter(|(_, header, _)| header.payload_type == 101).collect();
        assert_eq!(events.len(), 5);
        assert!(events.iter().all(|(_, header, payload)| header.timestamp == events[0].1.timestamp && payload[0] == 7));
        assert_eq!(events[4].2, [7, 0x8A, 3, 32]);
        for pair in packets.windows(2) {
            assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
        }
    }
}

#[test]
fn keys_pressed_as_sounds_are_heard_once_where_they_are_listened_for() {
    for (events, wanted) in [(false, "5*5"), (true, "")] {
        for codec in [PCMU, G722, OPUS] {
            let mut rig = Rig::default();
            let mut alice = speaker(&mut rig, A, codec.clone(), 600.0);
            let formats = [codec, (EVENTS, 101)];
            rig.configure(A, session(1, &formats[..if events { 2 } else { 1 }]));
            alice.tone = crate::inband::render("5*5 1", alice.coder.encoder_rate());
            rig.command(Command::DetectKeys { endpoint: A, detect: crate::Detect::On });
            // Four keys and pauses of 100 ms each; no more are listened for before the last one.
            all_say(&mut rig, std::slice::from_mut(&mut alice), 35);
            rig.command(Command::DetectKeys { endpoint: A, detect: crate::Detect::Off });
            all_say(&mut rig, std::slice::from_mut(&mut alice), 10);
            let digit = |event: &Event| match event {
                Event::Digit(pressed) => Some(pressed.digit),
                _ => None,
            };
            assert_eq!(rig.world.events.iter().filter_map(digit).collect::<String>(), wanted);
        }
    }
}

#[test]
fn a_party_that_changes_to_a_codec_the_other_does_not_have_is_still_heard() {
    let mut rig = Rig::default();
    let bob = speaker(&mut rig, B, (Codec::Pcma, 8), 1_000.0);
    let mut alice = speaker(&mut rig, A, G722, 600.0);
    rig.configure(A, session(1, &[PCMU, G722]));
    rig.talk();
    all_say(&mut rig, std::slice::from_mut(&mut alice), 50);
    assert!((3_300.0..4_600.0).contains(&bob.hears(&mut rig).tone(600.0)));
}

#[test]
fn from_relay_to_mix_and_back_the_stream_goes_on_and_the_break_is_short() {
    let mut rig = Rig::default();
    let mut speakers: Vec<Speaker> =
        [(A, 400.0), (B, 700.0), (C, 1_100.0)].into_iter().map(|(id, hz)| speaker(&mut rig, id, PCMU, hz)).collect();
    rig.talk();
    all_say(&mut rig, &mut speakers, 50);
    assert_eq!(rig.relay.rooms.count(), 0);
    confer(&mut rig, &speakers);
    all_say(&mut rig, &mut speakers, 50);
    assert_eq!(rig.relay.rooms.count(), 1);
    rig.talk();
    rig.hear(C, &[]);
    all_say(&mut rig, &mut speakers, 50);
    assert_eq!(rig.relay.rooms.count(), 0);
    let heard = speakers[1].hears(&mut rig);
    assert_whole(&heard.headers, 8_000);
    let (first, last) = (heard.headers[0], heard.headers[heard.headers.len() - 1]);
    let elapsed_ms = last.timestamp.wrapping_sub(first.timestamp) / 8;
    assert!((2_980 - 40..=2_980 + 40).contains(&elapsed_ms), "{elapsed_ms} ms");
    // Where Bob's phone hears Alice, by the time stamps of what it gets.
    let mut line = vec![0i16; (elapsed_ms as usize + 20) * 16];
    for (header, sound) in heard.headers.iter().zip(heard.sound.chunks_exact(320)) {
        let at = header.timestamp.wrapping_sub(first.timestamp) as usize * 2;
        line[at..at + 320].copy_from_slice(sound);
    }
    let parts: Vec<bool> = line.chunks_exact(160).map(|part| level(part, 16_000, 400.0) > 1_500.0).collect();
    let missing: Vec<usize> = parts.iter().enumerate().filter_map(|(at, there)| (!there).then_some(at)).collect();
    let longest = parts.split(|there| *there).map(<[bool]>::len).max().unwrap_or(0);
    assert!(longest <= 4 && missing.len() <= 6, "10 ms parts without Alice: {missing:?}");
}

#[test]
fn a_gain_or_mute_changes_one_edge_alone() {
    let mut rig = Rig::default();
    let mut speakers: Vec<Speaker> =
        [(A, 400.0), (B, 700.0), (C, 1_100.0)].into_iter().map(|(id, hz)| speaker(&mut rig, id, PCMU, hz)).collect();
    confer(&mut rig, &speakers);
    let edge = |sink, source, gain| Command::SetGain(EdgeGain { sink, source: Source::Endpoint(source), gain });
    rig.command(edge(A, B, Gain::MUTE));
    rig.command(edge(B, A, Gain::from_db(-12.0)));
    all_say(&mut rig, &mut speakers, 50);
    let heard: Vec<Heard> = speakers.iter().map(|speaker| speaker.hears(&mut rig)).collect();
    assert!(heard[0].tone(700.0) < 20.0 && heard[0].tone(1_100.0) > 3_500.0);
    assert!((900.0..1_100.0).contains(&heard[1].tone(400.0)), "{}", heard[1].tone(400.0));
    assert!(heard[2].tone(400.0) > 3_500.0 && heard[2].tone(700.0) > 3_500.0);
    // One party alone, but softer, is no relay.
    rig.talk();
    rig.command(edge(A, B, Gain::from_db(-12.0)));
    all_say(&mut rig, &mut speakers, 50);
    assert!((900.0..1_100.0).contains(&speakers[0].hears(&mut rig).tone(700.0)));
    let refused = rig.world.events.iter().filter(|event| matches!(event, Event::Refused { .. })).count();
    assert_eq!(refused, 0);
    rig.command(edge(A, C, Gain::UNITY));
    assert_eq!(rig.world.events.last(), Some(&Event::Refused { reason: Refusal::NotHeard(A) }));
}

#[test]
fn a_prompt_is_heard_over_a_voice_until_it_ends() {
    let mut rig = Rig::default();
    let mut speakers = [speaker(&mut rig, A, PCMU, 400.0), speaker(&mut rig, B, PCMU, 700.0)];
    rig.talk();
    let samples = sine(8_000, 1_500.0, 4_000.0, 1.0).into();
    rig.play_once(MUSIC, vec![Prompt::Clip(Clip { name: 5, samples, rate: RecordRate::Narrow })]);
    rig.hear(A, &[Source::Endpoint(B), Source::Player(MUSIC)]);
    all_say(&mut rig, &mut speakers, 40);
    let during = speakers[0].hears(&mut rig);
    assert!(during.tone(1_500.0) > 3_500.0 && during.tone(700.0) > 3_500.0);
    all_say(&mut rig, &mut speakers, 50);
    let after = speakers[0].hears(&mut rig);
    assert!(after.tone(1_500.0) < 20.0 && after.tone(700.0) > 3_500.0);
    assert_whole(&after.headers, 8_000);
    assert!(rig.world.events.contains(&Event::PlayerEnded { player: MUSIC }));
    assert_eq!(rig.relay.rooms.count(), 0, "packets are passed on again");
}

#[test]
fn rooms_part_and_join_as_edges_say() {
    let mut rig = Rig::default();
    let mut speakers: Vec<Speaker> =
        (1..=6).map(|id| speaker(&mut rig, EndpointId(id), PCMU, 200.0 + 300.0 * id as f64)).collect();
    confer(&mut rig, &speakers[..3]);
    // The rooms do not tick at one instant.
    rig.wait(7_000);
    confer(&mut rig, &speakers[3..]);
    all_say(&mut rig, &mut speakers, 5);
    assert_eq!(rig.relay.rooms.count(), 2);
    confer(&mut rig, &speakers);
    all_say(&mut rig, &mut speakers, 50);
    assert_eq!(rig.relay.rooms.count(), 1);
    for (nth, speaker) in speakers.iter().enumerate() {
        let heard = speaker.hears(&mut rig);
        assert_whole(&heard.headers, 8_000);
        for other in 0..6 {
            let level = heard.tone(200.0 + 300.0 * (other + 1) as f64);
            assert!(if other == nth { level < 60.0 } else { level > 3_500.0 }, "{nth} hears {other} at {level}");
        }
    }
    confer(&mut rig, &speakers[..3]);
    confer(&mut rig, &speakers[3..]);
    all_say(&mut rig, &mut speakers, 50);
    assert_eq!(rig.relay.rooms.count(), 2);
    for (nth, speaker) in speakers.iter().enumerate() {
        let heard = speaker.hears(&mut rig);
        assert_whole(&heard.headers, 8_000);
        for other in 0..6 {
            let level = heard.tone(200.0 + 300.0 * (other + 1) as f64);
            let near = other != nth && other / 3 == nth / 3;
            assert!(if near { level > 3_500.0 } else { level < 60.0 }, "{nth} hears {other} at {level}");
        }
    }
}

#[test]
fn a_room_of_a_hundred_costs_a_hundred_times_one() {
    let mut rig = Rig::default();
    let mut speakers: Vec<Speaker> =
        (1..=100).map(|id| speaker(&mut rig, EndpointId(id), PCMU, 20.0 * id as f64)).collect();
    for speaker in &mut speakers {
        speaker.tone.iter_mut().for_each(|sample| *sample /= 20);
    }
    confer(&mut rig, &speakers);
    all_say(&mut rig, &mut speakers, 10);
    let (before, sent) = (rig.relay.rooms.work(), rig.world.sent.len());
    all_say(&mut rig, &mut speakers, 10);
    let (after, sent) = (rig.relay.rooms.work(), rig.world.sent.len() - sent);
    assert_eq!(after.encodes - before.encodes, 1_000);
    assert!(after.additions - before.additions <= 3_000, "{:?}", after.additions - before.additions);
    assert!((1_000..1_110).contains(&sent), "{sent} datagrams, reports among them");
    let played: BTreeMap<EndpointId, u64> =
        speakers.iter().map(|speaker| (speaker.id, rig.stats(&speaker.party).buffered.played)).collect();
    assert!(played.values().all(|played| (17..=20).contains(played)), "decoded once each: {played:?}");
    let heard = speakers[0].hears(&mut rig);
    assert!(rms(&heard.sound[heard.sound.len() - 3_200..]) > 1_000.0);
}

#[test]
fn who_hears_a_bad_line_through_a_mix_hears_it_mended() {
    let mut rig = Rig::default();
    let mut speakers: Vec<Speaker> =
        [(A, 400.0), (B, 700.0), (C, 1_100.0)].into_iter().map(|(id, hz)| speaker(&mut rig, id, PCMU, hz)).collect();
    confer(&mut rig, &speakers);
    for nth in 0..200 {
        for speaker in &mut speakers {
            // Every 20th packet of Alice's is lost.
            if speaker.id == A && nth % 20 == 19 {
                speaker.said += 160;
                speaker.party.header.sequence += 1;
                speaker.party.header.timestamp += 160;
            } else {
                speaker.say(&mut rig);
            }
        }
        rig.wait(20_000);
    }
    let buffered = rig.stats(&speakers[0].party).buffered;
    assert!((9..=10).contains(&buffered.gaps), "{buffered:?}");
    let heard = speakers[1].hears(&mut rig);
    let worst = heard.sound[3_200..60_000].chunks_exact(320).map(|part| level(part, 16_000, 400.0)).fold(9e9, f64::min);
    assert!(worst > 2_500.0, "{worst}");
    // Encoded in mu-law all the way.
    assert_eq!(speakers[1].coder, Coder::G711(Law::Mu));
}

/// Monitor, whisper, barge in and takeover are nothing but edges: after each change everybody hears exactly whom the table says,
/// as one stream without a gap.
#[test]
fn supervision_is_edges() {
    let mut rig = Rig::default();
    let hz = [500.0, 900.0, 1_300.0];
    let (customer, agent, supervisor) = (0, 1, 2);
    let mut speakers = [
        speaker(&mut rig, A, (Codec::Pcma, 8), hz[customer]),
        speaker(&mut rig, B, G722, hz[agent]),
        speaker(&mut rig, C, OPUS, hz[supervisor]),
    ];
    // Whom each of the three hears.
    let steps: [(&str, [&[usize]; 3]); 6] = [
        ("talk", [&[agent], &[customer], &[]]),
        ("monitor", [&[agent], &[customer], &[customer, agent]]),
        ("whisper", [&[agent], &[customer, supervisor], &[customer, agent]]),
        ("barge in", [&[agent, supervisor], &[customer, supervisor], &[customer, agent]]),
        ("takeover", [&[supervisor], &[], &[customer]]),
        ("talk again", [&[agent], &[customer], &[]]),
    ];
    let mut streams: [Vec<Header>; 3] = Default::default();
    for (step, hears) in steps {
        for (sink, sources) in hears.iter().enumerate() {
            let sources: Vec<Source> = sources.iter().map(|source| Source::Endpoint(speakers[*source].id)).collect();
            rig.hear(speakers[sink].id, &sources);
        }
        all_say(&mut rig, &mut speakers, 75);
        for sink in [customer, agent, supervisor] {
            let heard = speakers[sink].hears(&mut rig);
            streams[sink].extend(&heard.headers);
            for (source, hz) in hz.iter().enumerate() {
                let level = if heard.sound.len() < 16_000 { 0.0 } else { heard.tone(*hz) };
                match hears[sink].contains(&source) {
                    true => assert!((3_300.0..4_600.0).contains(&level), "{step}: {sink} hears {source} at {level}"),
                    false => assert!(level < 60.0, "{step}: {sink} hears {source} at {level}"),
                }
            }
        }
    }
    // The customer heard somebody all the time: one stream, nothing left out.
    assert_whole(&streams[customer], 8_000);
}

//! Rooms against a model in f64 that knows nothing of sums, plans or encoders.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::PlayerId;
use crate::codec::Law;
use crate::testing::{level, sine};

/// What is heard at one sample, from what was heard and what is wished: straight from the words of the rule.
fn model(frames: &BTreeMap<Source, Vec<i16>>, old: &[(Source, Gain)], new: &[(Source, Gain)], at: usize) -> f64 {
    let ramp = 5.0 / 20.0 * frames.values().next().map_or(160.0, |frame| frame.len() as f64);
    let gain = |edges: &[(Source, Gain)], source| {
        edges.iter().find(|(edge, _)| *edge == source).map_or(0.0, |(_, gain)| gain.factor())
    };
    let sum: f64 = frames
        .iter()
        .map(|(source, frame)| {
            let (before, after) = (gain(old, *source), gain(new, *source));
            let left = (1.0 - at as f64 / ramp).max(0.0);
            (after + (before - after) * left) * f64::from(frame[at])
        })
        .sum();
    sum.clamp(-32_768.0, 32_767.0)
}

fn l16(payload: &[u8]) -> Vec<i16> {
    payload.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn wish(sources: &[Source], coder: Coder) -> Wish {
    Wish { edges: sources.iter().map(|source| (*source, Gain::UNITY)).collect(), coder }
}

fn endpoint(id: u64) -> Source {
    Source::Endpoint(EndpointId(id))
}

/// One tick with these frames: what each sink was sent.
fn tick(room: &mut Room, frames: &BTreeMap<Source, Vec<i16>>) -> BTreeMap<EndpointId, Vec<u8>> {
    let mut heard = BTreeMap::new();
    room.tick(
        |source| frames.get(&source).map(Vec::as_slice),
        |portion| {
            for sink in portion.sinks {
                assert!(heard.insert(*sink, portion.payload.to_vec()).is_none(), "{sink:?} was sent two payloads");
            }
        },
    );
    heard
}

/// One change of a room: a sink, whether it stays, and its gains towards all sources (None = no edge).
type Change = (u64, bool, Vec<Option<Gain>>, u8);

const SOURCES: usize = 9;

fn gain() -> impl Strategy<Value = Option<Gain>> {
    prop_oneof![
        4 => Just(Some(Gain::UNITY)),
        2 => Just(None),
        1 => Just(Some(Gain::MUTE)),
        1 => (-30f32..12.0).prop_map(|db| Some(Gain::from_db(db))),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    (0u64..7, prop::bool::weighted(0.9), prop::collection::vec(gain(), SOURCES), 0u8..4)
}

fn source(at: usize) -> Source {
    // Six of the sinks speak themselves; the rest are players.
    if at < 6 { endpoint(at as u64) } else { Source::Player(PlayerId(at as u64)) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any graph, changed in any way between ticks: each sink hears the sum of its edges, to the rounding of the gains.
    #[test]
    fn each_sink_hears_the_sum_of_its_edges(
        steps in prop::collection::vec((prop::collection::vec(change(), 0..8), any::<u32>(), 1i16..32_767), 1..8),
    ) {
        let mut room = Room::default();
        let mut wishes: BTreeMap<EndpointId, Wish> = BTreeMap::new();
        let mut heard: BTreeMap<EndpointId, Vec<(Source, Gain)>> = BTreeMap::new();
        for (changes, mut noise, loudness) in steps {
            for (id, stays, gains, kind) in changes {
                let sink = EndpointId(id);
                let edges = gains.iter().enumerate().filter_map(|(at, gain)| Some((source(at), (*gain)?))).collect();
                let coder = match kind {
                    0 | 1 => Coder::L16(RecordRate::Narrow),
                    2 => Coder::G711(Law::Mu),
                    _ => Coder::G711(Law::A),
                };
                if stays {
                    room.set(sink, Wish { edges, coder });
                    wishes.insert(sink, Wish { edges: room.sinks[&sink].wish.edges.clone(), coder });
                } else {
                    room.remove(sink);
                    wishes.remove(&sink);
                    heard.remove(&sink);
                }
            }
            let mut frames = BTreeMap::new();
            // The last source is silent.
            for at in 0..SOURCES - 1 {
                let frame = (0..160).map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((noise >> 16) as i16) % loudness
                });
                frames.insert(source(at), frame.collect::<Vec<i16>>());
            }
            let sent = tick(&mut room, &frames);
            prop_assert_eq!(sent.keys().collect::<Vec<_>>(), wishes.keys().collect::<Vec<_>>());
            for (sink, wish) in &wishes {
                let old = heard.insert(*sink, wish.edges.clone()).unwrap_or_default();
                let mut got = Vec::new();
                wish.coder.decoder(RecordRate::Narrow).unwrap().decode(&sent[sink], &mut got);
                prop_assert_eq!(got.len(), 160);
                for (at, got) in got.into_iter().enumerate() {
                    let wanted = model(&frames, &old, &wish.edges, at);
                    // Half a step of rounding for an edge, and steps of 1/4096 in a ramp.
                    let rounding = if at < 40 { 9.0 * SOURCES as f64 } else { 0.5 * SOURCES as f64 };
                    let codec = match wish.coder {
                        Coder::L16(_) => 0.0,
                        // Half of the widest interval around; 644 more at the top, which mu-law cuts off.
                        Coder::G711(_) => 16.0 + wanted.abs() / 31.0 + if wanted.abs() > 31_000.0 { 644.0 } else { 0.0 },
                        Coder::G722 | Coder::Opus(_) => unreachable!("not chosen above"),
                    };
                    prop_assert!((f64::from(got) - wanted).abs() <= 1.0 + rounding + codec, "{:?} sample {}: {} for {}", sink, at, got, wanted);
                }
            }
        }
    }
}

/// A conference of `speakers` who hear each other, and `listeners` who only hear.
fn conference(speakers: u64, listeners: u64, coder: Coder) -> Room {
    let mut room = Room::default();
    for id in 0..speakers + listeners {
        let others: Vec<Source> = (0..speakers).filter(|other| *other != id).map(endpoint).collect();
        room.set(EndpointId(id), wish(&others, coder));
    }
    room
}

fn tones(speakers: u64, amplitude: f64) -> BTreeMap<Source, Vec<i16>> {
    (0..speakers).map(|id| (endpoint(id), sine(8_000, 100.0 * (id + 1) as f64, amplitude, 0.02))).collect()
}

#[test]
fn the_cost_of_a_conference_grows_with_its_participants() {
    for speakers in [3, 10, 30, 100] {
        let mut room = conference(speakers, 0, Coder::L16(RecordRate::Narrow));
        let frames = tones(speakers, 100.0);
        // The first tick fades everybody in.
        tick(&mut room, &frames);
        let before = room.work();
        tick(&mut room, &frames);
        let work = room.work();
        assert_eq!(work.encodes - before.encodes, speakers);
        assert!(work.additions - before.additions <= 3 * speakers, "{speakers}: {work:?} after {before:?}");
        assert_eq!(room.sources().len() as u64, speakers, "each source is read once");
    }
}

#[test]
fn who_hears_the_same_in_the_same_codec_shares_an_encoder() {
    let mut room = conference(3, 50, Coder::G711(Law::Mu));
    for id in 20..40 {
        room.set(EndpointId(id), wish(&[endpoint(0), endpoint(1), endpoint(2)], Coder::G722));
    }
    let mut frames = tones(3, 100.0);
    for frame in frames.values_mut() {
        frame.resize(320, 0);
    }
    tick(&mut room, &frames);
    let before = room.work().encodes;
    let sent = tick(&mut room, &frames);
    assert_eq!(room.work().encodes - before, 3 + 2);
    assert_eq!(sent.len(), 53);
}

#[test]
fn nobody_hears_himself_and_everybody_all_others() {
    let mut room = conference(8, 2, Coder::L16(RecordRate::Narrow));
    let whole: BTreeMap<Source, Vec<i16>> =
        (0..8).map(|id| (endpoint(id), sine(8_000, 250.0 + 350.0 * id as f64, 2_000.0, 1.0))).collect();
    let mut heard: BTreeMap<EndpointId, Vec<i16>> = BTreeMap::new();
    for at in 0..50 {
        let frames = whole.iter().map(|(source, all)| (*source, all[at * 160..(at + 1) * 160].to_vec())).collect();
        for (sink, payload) in tick(&mut room, &frames) {
            heard.entry(sink).or_default().extend(l16(&payload));
        }
    }
    for (sink, samples) in heard {
        for id in 0..8 {
            let level = level(&samples[800..7_200], 8_000, 250.0 + 350.0 * id as f64);
            if sink == EndpointId(id) {
                assert!(level < 3.0, "{sink:?} hears himself at {level}");
            } else {
                assert!((1_990.0..2_010.0).contains(&level), "{sink:?} hears {id} at {level}");
            }
        }
    }
}

#[test]
fn too_loud_is_cut_and_does_not_wrap() {
    let mut room = conference(100, 0, Coder::L16(RecordRate::Narrow));
    let loud: BTreeMap<Source, Vec<i16>> = (0..100).map(|id| (endpoint(id), vec![i16::MAX; 160])).collect();
    tick(&mut room, &loud);
    assert!(tick(&mut room, &loud).values().all(|payload| l16(payload) == [i16::MAX; 160]));
    let low: BTreeMap<Source, Vec<i16>> = (0..100).map(|id| (endpoint(id), vec![i16::MIN; 160])).collect();
    assert!(tick(&mut room, &low).values().all(|payload| l16(payload) == [i16::MIN; 160]));
}

#[test]
fn a_change_of_gain_makes_no_click() {
    let mut room = Room::default();
    let (sink, voice) = (EndpointId(1), endpoint(2));
    let constant: BTreeMap<Source, Vec<i16>> = BTreeMap::from([(voice, vec![8_000; 160])]);
    let mut heard = Vec::new();
    for gain in [Gain::UNITY, Gain::UNITY, Gain::MUTE, Gain::MUTE, Gain::from_db(6.0), Gain::UNITY] {
        room.set(sink, Wish { edges: vec![(voice, gain)], coder: Coder::L16(RecordRate::Narrow) });
        heard.extend(l16(&tick(&mut room, &constant)[&sink]));
    }
    let greatest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max();
    assert!(greatest <= Some(16_000 / 40 + 2), "{greatest:?}");
    assert_eq!((heard[0], heard[300], heard[500], heard[959]), (0, 8_000, 0, 8_000));
}

/// 440 Hz through a room for half a second, with what `change` does halfway; the rest must still be clean.
fn heard_through(coder: Coder, change: impl FnOnce(&mut Room)) -> Vec<i16> {
    let mut room = Room::default();
    for id in [1, 2, 3] {
        room.set(EndpointId(id), wish(&[endpoint(9)], coder));
    }
    let rate = room.rate();
    let tone = sine(rate.hz(), 440.0, 8_000.0, 1.0);
    let (mut heard, mut decoder, mut change) = (Vec::new(), coder.decoder(RecordRate::Wide).unwrap(), Some(change));
    for (at, frame) in tone.chunks(frame_samples(rate)).enumerate() {
        if at == 25 {
            change.take().unwrap()(&mut room);
        }
        let sent = tick(&mut room, &BTreeMap::from([(endpoint(9), frame.to_vec())]));
        decoder.decode(&sent[&EndpointId(3)], &mut heard);
    }
    heard
}

#[test]
fn whoever_leaves_a_shared_encoder_hears_no_break() {
    for coder in [Coder::G711(Law::A), Coder::G722, Coder::OPUS, Coder::L16(RecordRate::Wide)] {
        // The others go elsewhere, or this one does.
        let ways: [fn(&mut Room); 2] = [
            |room| {
                let coder = room.sinks[&EndpointId(1)].wish.coder;
                room.set(EndpointId(1), wish(&[endpoint(8)], coder));
                room.set(EndpointId(2), wish(&[endpoint(8)], coder));
            },
            |room| {
                let coder = room.sinks[&EndpointId(3)].wish.coder;
                room.set(EndpointId(3), wish(&[endpoint(8), endpoint(9)], coder));
            },
        ];
        for way in ways {
            let heard = heard_through(coder, way);
            assert_eq!(heard.len(), 16_000);
            for (nth, part) in heard[3_200..].chunks(800).enumerate() {
                let level = level(part, 16_000, 440.0);
                let residue = crate::testing::rms(part) / (level / 2f64.sqrt());
                assert!((7_000.0..9_000.0).contains(&level), "{coder:?}, part {nth}: {level}");
                assert!(residue < 1.1, "{coder:?}, part {nth}: {residue}");
            }
        }
    }
}

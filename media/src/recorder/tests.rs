//! Recordings of made-up networks.

use proptest::prelude::*;

use super::*;
use crate::EndpointId;
use crate::codec::g711::to_ulaw;
use crate::codec::{Coder, Law};
use crate::rtp::Header;
use crate::testing::{level, sine};

const LEFT: EndpointId = EndpointId(1);
const RIGHT: EndpointId = EndpointId(2);
const MU: Coder = Coder::G711(Law::Mu);

/// A packet on its way.
#[derive(Clone)]
struct Sent {
    arrives_us: u64,
    side: EndpointId,
    spoken: Spoken,
    coder: Coder,
    header: Header,
    payload: Vec<u8>,
}

/// Speaks a signal from `start_us` on in packets of 20 ms; each takes the time `delay_us` says, `None` loses it.
fn speak(side: EndpointId, start_us: u64, signal: &[i16], delay_us: impl Fn(usize) -> Option<u64>) -> Vec<Sent> {
    let ssrc = u32::try_from(side.0).unwrap();
    let packets = signal.chunks(160).enumerate();
    let send = |(i, frame): (usize, &[i16])| {
        let header = Header {
            ssrc,
            sequence: 65_500u16.wrapping_add(i as u16),
            timestamp: (u32::MAX - 5_000).wrapping_add(i as u32 * 160),
            ..Header::default()
        };
        Some(Sent {
            arrives_us: start_us + i as u64 * 20_000 + delay_us(i)?,
            side,
            spoken: Spoken::ByParty,
            coder: MU,
            header,
            payload: frame.iter().map(|sample| to_ulaw(*sample)).collect(),
        })
    };
    packets.filter_map(send).collect()
}

/// Records from 0 to `stop_us` with a tick each 100 ms; gives both sides.
fn record(rate: RecordRate, stop_us: u64, packets: Vec<Sent>) -> [Vec<i16>; 2] {
    record_with(rate, stop_us, packets, |_, _| {})
}

fn two() -> Channels {
    Channels { left: [LEFT].into(), right: [RIGHT].into(), ..Channels::default() }
}

fn at(mono_us: u64) -> Now {
    Now { mono_us, ..Now::default() }
}

/// As [`record`], with orders: `order` is asked each 100 ms, after the packets that came until then.
fn record_with(
    rate: RecordRate,
    stop_us: u64,
    mut packets: Vec<Sent>,
    order: impl Fn(u64, &mut Recorder),
) -> [Vec<i16>; 2] {
    packets.sort_by_key(|packet| packet.arrives_us);
    let mut recorder = Recorder::new(Now::default(), rate, two());
    let mut interleaved = Vec::new();
    let mut next = packets.into_iter().peekable();
    for tick_us in (100_000..=stop_us).step_by(100_000) {
        while let Some(packet) = next.next_if(|packet| packet.arrives_us <= tick_us) {
            let Sent { arrives_us, side, spoken, coder, header, payload } = &packet;
            let (endpoint, mono_us) = (*side, *arrives_us);
            recorder.receive(&Tap {
                endpoint,
                spoken: *spoken,
                mono_us,
                coder: Some(*coder),
                header: *header,
                payload,
            });
        }
        recorder.advance(tick_us, &mut interleaved);
        order(tick_us, &mut recorder);
    }
    recorder.finish(stop_us, &mut interleaved);
    assert_eq!(recorder.frames() * 1_000_000, stop_us * u64::from(rate.hz()), "as long as it took");
    assert_eq!(interleaved.len() as u64, recorder.frames() * 2);
    [0, 1].map(|side| interleaved.iter().copied().skip(side).step_by(2).collect())
}

/// Clicks: one loud sample each 200 ms, else silence.
fn clicks(seconds: usize) -> Vec<i16> {
    (0..seconds * 8_000).map(|i| if i % 1_600 == 0 { 20_000 } else { 0 }).collect()
}

/// Positions of clicks, in ms.
fn click_times(side: &[i16]) -> Vec<f64> {
    side.iter().enumerate().filter(|(_, sample)| **sample > 10_000).map(|(i, _)| i as f64 / 8.0).collect()
}

#[test]
fn what_was_said_stands_where_it_was_heard_bit_by_bit() {
    let left = sine(8_000, 400.0, 8_000.0, 1.0);
    let packets = speak(LEFT, 500_000, &left, |_| Some(30_000));
    let [recorded, silent] = record(RecordRate::Narrow, 2_000_000, packets);
    let at = (500 + 30) * 8;
    assert!(recorded[..at].iter().all(|sample| *sample == 0));
    for (wanted, got) in left.iter().zip(&recorded[at..]) {
        assert!((i32::from(*wanted) - i32::from(*got)).abs() <= 256, "companding only");
    }
    assert!(recorded[at + 8_000..].iter().all(|sample| *sample == 0));
    assert!(silent.iter().all(|sample| *sample == 0));
}

#[test]
fn a_lost_packet_is_silence_of_its_length_and_moves_nothing() {
    let packets = speak(LEFT, 0, &sine(8_000, 400.0, 8_000.0, 1.0), |i| (i != 20).then_some(0));
    let [recorded, _] = record(RecordRate::Narrow, 1_000_000, packets);
    assert!(recorded[20 * 160..21 * 160].iter().all(|sample| *sample == 0));
    assert!(level(&recorded[21 * 160..], 8_000, 400.0) > 7_500.0);
    assert!(level(&recorded[..20 * 160], 8_000, 400.0) > 7_500.0);
}

#[test]
fn wideband_and_narrowband_parties_stand_together_at_16_khz() {
    let mut packets = speak(LEFT, 0, &sine(8_000, 1_000.0, 8_000.0, 1.0), |_| Some(5_000));
    let wide = sine(16_000, 5_000.0, 8_000.0, 1.0);
    for (coder, from) in [(Coder::G722, 0), (Coder::OPUS, 25)] {
        let mut encoder = coder.encoder().unwrap();
        for (i, frame) in wide.chunks(320).enumerate().skip(from).take(25) {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            let timestamp = i as u32 * coder.clock_hz() / 50;
            let header = Header { ssrc: 9, sequence: i as u16, timestamp, ..Header::default() };
            packets.push(Sent {
                arrives_us: i as u64 * 20_000,
                side: RIGHT,
                spoken: Spoken::ByParty,
                coder,
                header,
                payload,
            });
        }
    }
    let [left, right] = record(RecordRate::Wide, 1_000_000, packets);
    assert!(level(&left[1_600..], 16_000, 1_000.0) > 7_500.0);
    assert!(level(&right[1_600..7_600], 16_000, 5_000.0) > 7_000.0, "G.722");
    assert!(level(&right[9_600..15_600], 16_000, 5_000.0) > 6_000.0, "Opus");
}

#[test]
fn a_party_on_hold_that_stops_its_clock_stands_right_afterwards() {
    let click = [&[20_000; 1][..], &[0; 159]].concat();
    let first = speak(LEFT, 0, &click.repeat(50), |_| Some(0));
    let mut second = speak(LEFT, 5_000_000, &click.repeat(100), |_| Some(0)).split_off(50);
    // 50 packets were sent, then nothing for 5 s while its clock stood; packet 50 comes at 6 s.
    second.iter_mut().for_each(|packet| packet.header.marker = true);
    let [recorded, _] = record(RecordRate::Narrow, 8_000_000, [first, second].concat());
    let times = click_times(&recorded);
    assert_eq!((times[49], times[50], times.len()), (980.0, 6_000.0, 100));
}

/// Delays of 0 to 60 ms and one packet in twenty lost, by a seed.
fn bad_network(seed: u64, packets: usize) -> Vec<Option<u64>> {
    let mut random = seed;
    let mut below = move |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % limit
    };
    (0..packets)
        .map(|_| {
            let lost = below(20) == 0;
            let delay_us = below(60_000);
            (!lost).then_some(delay_us)
        })
        .collect()
}

#[test]
fn over_a_bad_network_each_packet_stands_in_its_place_and_what_was_lost_is_silence() {
    // Each frame holds its own number, so that it is found wherever it stands.
    let frame = |i: usize| (0..160).map(move |at| 2_000 + 100 * ((i * 7 + at * 3) % 97) as i16);
    let said: Vec<i16> = (0..3_000).flat_map(frame).collect();
    for seed in 1..=5 {
        let fates = [bad_network(seed, 3_000), bad_network(seed + 50, 3_000)];
        let overtaken = |fates: &[Option<u64>]| {
            fates.windows(2).filter(|pair| matches!(pair, [Some(one), Some(other)] if *one > other + 20_000)).count()
        };
        let mut packets = speak(LEFT, 0, &said, |i| fates[0][i]);
        packets.extend(speak(RIGHT, 0, &said, |i| fates[1][i]));
        let sides = record(RecordRate::Narrow, 61_000_000, packets);
        for (fates, recorded) in fates.iter().zip(&sides) {
            assert!(overtaken(fates) > 500 && fates.iter().filter(|fate| fate.is_none()).count() > 100);
            let companded = |sample: i16| crate::codec::g711::ULAW_TO_LINEAR[usize::from(to_ulaw(sample))];
            let stands_at = |i: usize, offset: usize| {
                let at = i * 160 + offset;
                frame(i).map(companded).eq(recorded[at..at + 160].iter().copied())
            };
            // The first seconds find the fastest packet; from then on nothing moves.
            let offset = (0..=480)
                .find(|offset| {
                    fates[1_000].is_some() && stands_at(1_000, *offset)
                        || fates[1_000].is_none() && stands_at(1_001, *offset)
                })
                .expect("it stands somewhere");
            assert!(offset <= 80, "seed {seed}: {offset} samples after the fastest packet");
            for (i, fate) in fates.iter().enumerate().skip(500).take(2_490) {
                match fate {
                    Some(_) => assert!(stands_at(i, offset), "seed {seed}: packet {i} is not in its place"),
                    None => {
                        let at = i * 160 + offset;
                        assert!(recorded[at..at + 160].iter().all(|sample| *sample == 0), "seed {seed}: packet {i}");
                    }
                }
            }
        }
    }
}

#[test]
fn clocks_that_drift_apart_for_an_hour_stay_together_in_the_recording() {
    // A click each 10 s of either phone's own clock: one is 100 ppm fast, the other as slow; 720 ms apart in the end.
    let clicks: Vec<i16> = (0..3_600 * 8_000).map(|i| if i % 80_000 == 0 { 20_000 } else { 0 }).collect();
    let jitter = bad_network(9, 180_000);
    let delay = |i: usize| jitter[i].unwrap_or(0) / 6;
    let mut packets = speak(LEFT, 0, &clicks, |i| Some(delay(i) + i as u64 * 2));
    packets.extend(speak(RIGHT, 0, &clicks, |i| Some(delay(i) + (180_000 - i as u64) * 2)));
    let [left, right] = record(RecordRate::Narrow, 3_601_000_000, packets);
    let (left, right) = (click_times(&left), click_times(&right));
    assert_eq!((left.len(), right.len()), (360, 360), "none twice, none cut out");
    for n in 0..360 {
        let spoken = n as f64 * 10_000.0;
        let (slow, fast) = (spoken * 1.000_1, spoken * 0.999_9 + 360.0);
        assert!((left[n] - slow).abs() <= 20.0, "click {n} at {}, not {slow}", left[n]);
        assert!((right[n] - fast).abs() <= 20.0, "click {n} at {}, not {fast}", right[n]);
    }
}

#[test]
fn a_stall_costs_what_it_lasted_and_moves_nothing_after() {
    // Packets 100 to 139 come together at the end of a stall of 800 ms.
    let delay = |i: usize| Some(if (100..140).contains(&i) { (140 - i as u64) * 20_000 } else { 0 });
    let [recorded, _] = record(RecordRate::Narrow, 6_000_000, speak(LEFT, 0, &clicks(5), delay));
    let late: Vec<_> = click_times(&recorded).into_iter().filter(|time| *time >= 2_800.0).collect();
    assert_eq!(
        late,
        [2_800.0, 3_000.0, 3_200.0, 3_400.0, 3_600.0, 3_800.0, 4_000.0, 4_200.0, 4_400.0, 4_600.0, 4_800.0]
    );
}

#[test]
fn a_drifting_clock_is_followed() {
    // 500 ppm slow: 30 ms a minute.
    let packets = speak(LEFT, 0, &clicks(60), |i| Some(i as u64 * 10));
    let [recorded, _] = record(RecordRate::Narrow, 61_000_000, packets);
    for (n, time) in click_times(&recorded).into_iter().enumerate() {
        let true_time = n as f64 * 200.0 * 1.0005;
        assert!((time - true_time).abs() <= 20.0, "click {n} at {time}, not {true_time}");
    }
}

#[test]
fn what_cannot_be_decoded_is_counted_and_a_flood_is_bounded() {
    let mut recorder = Recorder::new(Now::default(), RecordRate::Narrow, two());
    let header = Header::default();
    let tap = Tap { endpoint: LEFT, spoken: Spoken::ByParty, mono_us: 5, coder: None, header, payload: &[] };
    recorder.receive(&tap);
    assert_eq!(recorder.lost_packets(), 1);
    for sequence in 0..2_000 {
        let header = Header { sequence, timestamp: u32::from(sequence) * 160, ..header };
        recorder.receive(&Tap { endpoint: RIGHT, coder: Some(MU), header, payload: &[0; 160], ..tap });
    }
    assert!(recorder.lost_packets() > 1_000);
}

/// The largest step from one sample to the next.
fn steepest(samples: &[i16]) -> i32 {
    samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
}

#[test]
fn who_comes_and_goes_while_it_runs_is_faded_and_only_the_named_are_recorded() {
    let third = EndpointId(3);
    let stranger = EndpointId(4);
    // 20 ms after a second each of them is at its peak, where cutting it off would step by 8,000.
    let hz = [112.5, 212.5, 312.5, 412.5];
    let tones = [(LEFT, hz[0]), (RIGHT, hz[1]), (third, hz[2]), (stranger, hz[3])];
    let said = tones.map(|(party, hz)| speak(party, 0, &sine(8_000, hz, 8_000.0, 4.0), |_| Some(0)));
    let packets = said.into_iter().flatten().collect();
    let [left, right] = record_with(RecordRate::Narrow, 4_000_000, packets, |now_us, recorder| match now_us {
        1_000_000 => recorder.record_from(
            at(now_us + 10_000),
            Channels { left: [LEFT].into(), right: [RIGHT, third].into(), ..Channels::default() },
        ),
        2_000_000 => recorder.record_from(
            at(now_us + 10_000),
            Channels { left: [].into(), right: [third].into(), ..Channels::default() },
        ),
        3_000_000 => recorder.record_from(
            at(now_us + 10_000),
            Channels { left: [RIGHT].into(), right: [third].into(), ..Channels::default() },
        ),
        _ => {}
    });
    let has = |side: &[i16], second: usize, hz: f64| {
        level(&side[second * 8_000 + 240..second * 8_000 + 7_920], 8_000, hz) > 7_000.0
    };
    let heard = |side: &[i16], second| hz.map(|hz| has(side, second, hz));
    assert_eq!(
        [0, 1, 2, 3].map(|second| heard(&left, second)),
        [[true, false, false, false], [true, false, false, false], [false; 4], [false, true, false, false],]
    );
    assert_eq!(
        [0, 1, 2, 3].map(|second| heard(&right, second)),
        [
            [false, true, false, false],
            [false, true, true, false],
            [false, false, true, false],
            [false, false, true, false],
        ]
    );
    for (second, side) in [(1, &right), (2, &left), (2, &right), (3, &left)] {
        let change = &side[second * 8_000 + 100..second * 8_000 + 300];
        assert!(steepest(change) <= 4_000, "a click at {second} s: {}", steepest(change));
    }
}

#[test]
fn a_pause_is_silence_of_its_length_and_moves_nothing() {
    let packets = speak(LEFT, 0, &sine(8_000, 400.0, 8_000.0, 3.0), |_| Some(0));
    let [left, _] = record_with(RecordRate::Narrow, 3_000_000, packets, |now_us, recorder| match now_us {
        1_000_000 => recorder.pause(at(now_us + 27_000)),
        2_000_000 => recorder.resume(at(now_us)),
        _ => {}
    });
    assert!(level(&left[..8_000], 8_000, 400.0) > 7_500.0);
    assert!(level(&left[8_000..8_160], 8_000, 400.0) > 7_000.0, "a pause begins with its tick");
    assert!(left[8_200..16_000].iter().all(|sample| *sample == 0), "and lasts until it is taken back");
    assert!(level(&left[16_200..], 8_000, 400.0) > 7_500.0);
}

#[test]
fn one_who_is_named_while_it_is_paused_is_heard_only_afterwards() {
    let third = EndpointId(3);
    let packets = speak(third, 0, &sine(8_000, 400.0, 8_000.0, 3.0), |_| Some(0));
    let [left, right] = record_with(RecordRate::Narrow, 3_000_000, packets, |now_us, recorder| match now_us {
        500_000 => recorder.pause(at(now_us)),
        1_000_000 => recorder
            .record_from(at(now_us), Channels { left: [LEFT].into(), right: [third].into(), ..Channels::default() }),
        2_000_000 => recorder.resume(at(now_us)),
        _ => {}
    });
    assert!(left.iter().all(|sample| *sample == 0));
    assert!(right[..16_000].iter().all(|sample| *sample == 0));
    assert!(level(&right[16_100..], 8_000, 400.0) > 7_500.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Jitter up to 120 ms on top of different ways, loss and disorder on both sides: clicks said at one moment stand
    /// within 20 ms of each other and of the truth, and are in order.
    #[test]
    fn both_sides_stand_within_20_ms_under_jitter_loss_and_disorder(
        ways_us in (0u64..50_000, 0u64..50_000),
        jitter_us in proptest::collection::vec(0u64..120_000, 301),
        lost in proptest::collection::btree_set(0usize..300, 0..30),
    ) {
        let mut packets = Vec::new();
        for (side, way_us) in [(LEFT, ways_us.0), (RIGHT, ways_us.1)] {
            packets.extend(speak(side, 0, &clicks(6), |i| {
                // One packet in the first tenth of a second is a fast one.
                let jitter = if i == 3 { 0 } else { jitter_us[(i * 7 + side.0 as usize * 31) % 301] };
                (i == 3 || !lost.contains(&i)).then_some(way_us + jitter)
            }));
        }
        let sides = record(RecordRate::Narrow, 7_000_000, packets);
        for (side, way_us) in sides.iter().zip([ways_us.0, ways_us.1]) {
            let times = click_times(side);
            prop_assert!(times.len() + lost.len() >= 25 && times.len() <= 30, "{} clicks", times.len());
            for time in times {
                let off = (time - way_us as f64 / 1_000.0).rem_euclid(200.0);
                prop_assert!(!(20.0..=180.0).contains(&off), "{time} is off by {off}");
            }
        }
    }
}

/// Proves REC-08 (an announcement to the outside party is in the recording).
#[test]
fn what_is_said_to_a_party_is_on_the_right_beside_what_the_other_says() {
    let (agent, announcement) = (sine(8_000, 400.0, 6_000.0, 3.0), sine(8_000, 1_000.0, 6_000.0, 3.0));
    let mut packets = speak(RIGHT, 0, &agent, |_| Some(0));
    let told = speak(LEFT, 0, &announcement, |_| Some(0));
    packets.extend(told.into_iter().map(|sent| Sent { spoken: Spoken::ToParty, ..sent }));
    let [left, right] = record_with(RecordRate::Narrow, 3_000_000, packets, |now_us, recorder| match now_us {
        1_000_000 => recorder.record_from(at(now_us), Channels { said_to: Some(LEFT), ..two() }),
        2_000_000 => recorder.record_from(at(now_us), two()),
        _ => {}
    });
    assert!(left.iter().all(|sample| *sample == 0), "the customer says nothing");
    for (from, told) in [(0, false), (1, true), (2, false)] {
        let second = &right[from * 8_000 + 400..(from + 1) * 8_000 - 400];
        assert!(level(second, 8_000, 400.0) > 5_000.0, "the agent, from {from} s");
        let heard = level(second, 8_000, 1_000.0);
        assert!(if told { heard > 5_000.0 } else { heard < 100.0 }, "{heard} from {from} s");
    }
}

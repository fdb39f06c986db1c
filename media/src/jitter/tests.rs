//! Seeded traces of packets, through loss, jitter, disorder, drift and pauses.

use proptest::prelude::*;

use super::*;
use crate::codec::Law;
use crate::testing::{level, rms, sine};

/// A small generator, the same for each run.
struct Dice(u64);

impl Dice {
    /// Evenly from 0 to `below`, which is not reached.
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }
}

/// One packet on its way.
struct Flight {
    arrives_us: u64,
    header: Header,
    payload: Vec<u8>,
}

/// What the network does.
#[derive(Clone, Copy)]
struct Network {
    lost_percent: u64,
    jitter_ms: u64,
    /// How much faster the sender's clock runs, in parts per million.
    drift_ppm: i64,
}

const CLEAN: Network = Network { lost_percent: 0, jitter_ms: 0, drift_ppm: 0 };

/// Packets of 20 ms of `sound`, numbered from near the wraps.
fn flights(sound: &[i16], coder: Coder, network: Network, seed: u64) -> Vec<Flight> {
    let mut encoder = coder.encoder().unwrap();
    let mut dice = Dice(seed);
    let mut flights = Vec::new();
    let units = coder.clock_hz() / 50;
    for (nth, frame) in sound.chunks_exact(frame_samples(coder.encoder_rate())).enumerate() {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload);
        let nth = nth as u32;
        let header = Header {
            sequence: 65_500u16.wrapping_add(nth as u16),
            timestamp: (u32::MAX - 50 * units).wrapping_add(nth * units),
            ssrc: 7,
            ..Header::default()
        };
        let spoken_us = i64::from(nth) * 20_000 * (1_000_000 - network.drift_ppm) / 1_000_000;
        let arrives_us = 1_000_000 + spoken_us.unsigned_abs() + dice.roll(network.jitter_ms * 1_000 + 1);
        if dice.roll(100) >= network.lost_percent {
            flights.push(Flight { arrives_us, header, payload });
        }
    }
    flights.sort_by_key(|flight| flight.arrives_us);
    flights
}

/// Lets packets arrive and pulls each 20 ms until 0.4 s after the last.
fn run(buffer: &mut JitterBuffer, flights: Vec<Flight>, coder: Coder) -> Vec<i16> {
    let mut heard = Vec::new();
    let end = flights.last().map_or(0, |flight| flight.arrives_us) + 400_000;
    let mut flights = flights.into_iter().peekable();
    let mut now = 1_003_000;
    while now < end {
        while let Some(flight) = flights.next_if(|flight| flight.arrives_us <= now) {
            buffer.receive(flight.arrives_us, &flight.header, coder, &flight.payload);
        }
        buffer.pull(now, &mut heard);
        now += 20_000;
    }
    heard
}

const LINEAR: Coder = Coder::L16(RecordRate::Narrow);
const MU: Coder = Coder::G711(Law::Mu);

/// Distinct samples, none of them 0.
fn ramp(seconds: usize) -> Vec<i16> {
    (0..seconds * 8_000).map(|i| (i % 30_000) as i16 + 1).collect()
}

#[test]
fn on_a_clean_line_every_sample_comes_once_in_order_after_20_ms() {
    let sound = ramp(10);
    let mut buffer = JitterBuffer::new(20);
    let heard = run(&mut buffer, flights(&sound, LINEAR, CLEAN, 1), LINEAR);
    let first = heard.iter().position(|sample| *sample != 0).unwrap();
    assert!(first <= 320, "begins after {first} samples");
    assert_eq!(&heard[first..first + sound.len()], &sound[..]);
    let stats = buffer.stats();
    assert_eq!((stats.played, stats.gaps, stats.late, stats.concealed_ms, stats.target_ms), (500, 0, 0, 0, 20));
}

#[test]
fn disorder_and_duplicates_lose_nothing() {
    let sound = ramp(10);
    let mut flights = flights(&sound, LINEAR, CLEAN, 1);
    for at in (0..flights.len() - 2).step_by(3) {
        let later = flights[at + 1].arrives_us + 5_000;
        flights[at].arrives_us = later;
    }
    for at in (0..flights.len()).step_by(5) {
        let Flight { arrives_us, header, ref payload } = flights[at];
        let twice = Flight { arrives_us: arrives_us + 1_000 * (at as u64 % 5), header, payload: payload.clone() };
        flights.push(twice);
    }
    flights.sort_by_key(|flight| flight.arrives_us);
    let mut buffer = JitterBuffer::new(30);
    let heard = run(&mut buffer, flights, LINEAR);
    let stats = buffer.stats();
    assert_eq!((stats.played, stats.gaps, stats.concealed_ms), (500, 0, 0), "{stats:?}");
    let mut spoken = heard.iter().filter(|sample| **sample != 0);
    assert!(sound.iter().all(|sample| spoken.next() == Some(sample)), "in order, without a hole");
}

#[test]
fn five_percent_lost_and_60_ms_of_jitter_are_borne() {
    for seed in 1..=20 {
        let sound = sine(8_000, 400.0, 8_000.0, 60.0);
        let network = Network { lost_percent: 5, jitter_ms: 60, drift_ppm: 0 };
        let flights = flights(&sound, MU, network, seed);
        let (sent, came) = (3_000, flights.len() as u64);
        let mut buffer = JitterBuffer::new(40);
        let heard = run(&mut buffer, flights, MU);
        let stats = buffer.stats();
        let lost = sent - came;
        assert!(stats.late * 100 <= 2 * sent, "seed {seed}: {stats:?}");
        // One lost at the very end is not missed.
        assert!((lost + stats.late).abs_diff(stats.gaps) <= 3, "seed {seed}, {lost} lost: {stats:?}");
        assert!(stats.concealed_ms <= stats.gaps * 20 + 20, "seed {seed}: {stats:?}");
        assert!((40..=80).contains(&stats.target_ms), "seed {seed}: {stats:?}");
        assert!(stats.shortened_ms + stats.lengthened_ms < 1_500, "seed {seed}: {stats:?}");
        // The tone goes on, and nothing clicks: 400 Hz at 8,000 moves by 2,514 at most from sample to sample.
        let middle = &heard[8_000..470_000];
        let level = rms(middle);
        assert!((4_800.0..5_900.0).contains(&level), "seed {seed}: {level}");
        let step = middle.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
        assert!(step < Some(5_000), "seed {seed}: {step:?}");
    }
}

#[test]
fn a_lost_frame_of_a_tone_is_hardly_missed() {
    let sound = sine(8_000, 250.0, 8_000.0, 2.0);
    let mut flights = flights(&sound, MU, CLEAN, 1);
    flights.remove(50);
    let mut buffer = JitterBuffer::new(20);
    let heard = run(&mut buffer, flights, MU);
    assert_eq!((buffer.stats().gaps, buffer.stats().concealed_ms), (1, 20));
    for part in heard[1_600..15_000].chunks_exact(160) {
        let level = level(part, 8_000, 250.0);
        assert!(level > 6_000.0, "{level}");
    }
}

#[test]
fn where_packets_are_lost_the_next_is_waited_for_and_no_longer_than_that() {
    let sound = sine(8_000, 300.0, 8_000.0, 60.0);
    let lossy = Network { lost_percent: 4, jitter_ms: 0, drift_ppm: 0 };
    let mut packets = flights(&sound, MU, lossy, 7);
    // The last half minute is clean.
    let clean = flights(&sound, MU, CLEAN, 7).split_off(1_500);
    packets.retain(|flight| flight.arrives_us < clean[0].arrives_us);
    let mut buffer = JitterBuffer::new(20);
    let end = packets.last().map(|flight| flight.arrives_us + 1_000).unwrap();
    let mut heard = Vec::new();
    let (mut at, mut waiting) = (1_003_000, packets.into_iter().chain(clean).peekable());
    let mut targets = Vec::new();
    while waiting.peek().is_some() {
        while let Some(flight) = waiting.next_if(|flight| flight.arrives_us <= at) {
            buffer.receive(flight.arrives_us, &flight.header, MU, &flight.payload);
        }
        buffer.pull(at, &mut heard);
        if at > end && targets.is_empty() {
            targets.push(buffer.stats().target_ms);
        }
        at += 20_000;
    }
    targets.push(buffer.stats().target_ms);
    assert_eq!(targets, [40, 20]);
}

#[test]
fn a_clock_that_drifts_for_an_hour_is_followed_without_a_gap() {
    for drift_ppm in [-200, 200] {
        let sound = sine(8_000, 400.0, 8_000.0, 3_600.0);
        let flights = flights(&sound, MU, Network { drift_ppm, jitter_ms: 10, lost_percent: 0 }, 3);
        let mut buffer = JitterBuffer::new(20);
        let heard = run(&mut buffer, flights, MU);
        let stats = buffer.stats();
        assert!(stats.gaps + stats.late <= 3, "{drift_ppm}: {stats:?}");
        // 200 ppm of an hour are 720 ms.
        let (wanted, other) = match drift_ppm > 0 {
            true => (stats.shortened_ms, stats.lengthened_ms),
            false => (stats.lengthened_ms, stats.shortened_ms),
        };
        assert!((600..900).contains(&(wanted.saturating_sub(other))), "{drift_ppm}: {stats:?}");
        assert!(other < 150, "{drift_ppm}: {stats:?}");
        let last = heard.iter().rposition(|sample| *sample != 0).unwrap() as f64 / 8_000.0;
        let spoken = 3_600.0 * (1.0 - drift_ppm as f64 / 1e6);
        assert!((last - spoken).abs() < 0.2, "{drift_ppm}: ends after {last} s, not {spoken}");
    }
}

#[test]
fn pauses_of_the_sender_are_silence_and_no_loss() {
    let mut flights = flights(&sine(8_000, 300.0, 8_000.0, 10.0), MU, CLEAN, 1);
    // Half a second of each second is not sent; sequence numbers go on, time stamps keep time.
    flights.retain(|flight| flight.arrives_us % 1_000_000 < 500_000);
    for (nth, flight) in flights.iter_mut().enumerate() {
        flight.header.sequence = 9 + nth as u16;
    }
    let mut buffer = JitterBuffer::new(20);
    let heard = run(&mut buffer, flights, MU);
    let stats = buffer.stats();
    assert_eq!((stats.gaps, stats.concealed_ms, stats.late, stats.played), (0, 0, 0, 250));
    for second in heard[480..].chunks_exact(8_000).take(9) {
        assert!(rms(&second[..3_600]) > 5_000.0);
        assert!(rms(&second[4_900..7_500]) < 1.0);
    }
}

#[test]
fn a_stall_of_the_network_delays_and_drops_nothing() {
    let sound = sine(8_000, 300.0, 8_000.0, 20.0);
    let mut flights = flights(&sound, MU, CLEAN, 1);
    for flight in &mut flights {
        if (5_000_000..5_180_000).contains(&flight.arrives_us) {
            flight.arrives_us = 5_180_000;
        }
    }
    let mut buffer = JitterBuffer::new(20);
    let heard = run(&mut buffer, flights, MU);
    let stats = buffer.stats();
    assert_eq!((stats.gaps, stats.late, stats.played, stats.dropped), (0, 0, 1_000, 0), "{stats:?}");
    // And the delay is taken back: the sound ends when it should.
    let last = heard.iter().rposition(|sample| sample.unsigned_abs() > 500).unwrap();
    assert!(last < 20 * 8_000 + 160 * 8, "ends {} samples late", last - 20 * 8_000);
    assert!((100..200).contains(&stats.shortened_ms), "{stats:?}");
}

#[test]
fn another_stream_or_a_leap_of_its_numbers_goes_on_at_once() {
    let sound = sine(8_000, 300.0, 8_000.0, 6.0);
    let change: [fn(&mut Header); 4] = [
        |header| (header.ssrc, header.sequence) = (99, header.sequence.wrapping_add(0x5555)),
        |header| header.timestamp = header.timestamp.wrapping_add(0x4000_0000),
        |header| header.timestamp = header.timestamp.wrapping_sub(4_000),
        |header| header.timestamp = header.timestamp.wrapping_add(4_000),
    ];
    for (nth, change) in change.into_iter().enumerate() {
        let mut flights = flights(&sound, MU, CLEAN, 1);
        flights
            .iter_mut()
            .filter(|flight| flight.arrives_us >= 4_000_000)
            .for_each(|flight| change(&mut flight.header));
        let mut buffer = JitterBuffer::new(20);
        let heard = run(&mut buffer, flights, MU);
        let quiet = heard[800..46_000].chunks_exact(80).filter(|part| rms(part) < 3_000.0).count();
        assert!(quiet <= 12, "way {nth}: {} ms of silence, {:?}", quiet * 10, buffer.stats());
        assert!(rms(&heard[40_000..46_000]) > 5_000.0, "way {nth}: {:?}", buffer.stats());
    }
}

#[test]
fn key_presses_between_the_audio_are_no_loss() {
    let mut flights = flights(&sine(8_000, 300.0, 8_000.0, 3.0), MU, CLEAN, 1);
    let mut buffer = JitterBuffer::new(20);
    let events = flights.split_off(100);
    let mut heard = run(&mut buffer, flights, MU);
    let (events, rest) = (&events[..8], &events[8..]);
    events.iter().for_each(|event| buffer.pass(&event.header));
    let rest = rest.iter().map(|flight| Flight {
        arrives_us: flight.arrives_us + 400_000,
        header: flight.header,
        payload: flight.payload.clone(),
    });
    for flight in rest {
        buffer.receive(flight.arrives_us, &flight.header, MU, &flight.payload);
        buffer.pull(flight.arrives_us, &mut heard);
    }
    assert_eq!(buffer.stats().gaps, 0, "{:?}", buffer.stats());
}

#[test]
fn a_flood_is_bounded_and_counted() {
    let mut buffer = JitterBuffer::new(200);
    for nth in 0..5_000u16 {
        let header = Header { sequence: nth, timestamp: u32::from(nth) * 160, ssrc: 1, ..Header::default() };
        buffer.receive(1_000_000 + u64::from(nth), &header, MU, &[0xFF; 160]);
        assert!(buffer.queue.len() <= QUEUE_MAX);
    }
    assert!(buffer.stats().dropped > 0);
}

#[test]
fn opus_conceals_by_itself_and_recovers_from_the_next_packet() {
    use audiopus::coder::Encoder as OpusEncoder;
    let opus = OpusEncoder::new(audiopus::SampleRate::Hz16000, audiopus::Channels::Mono, audiopus::Application::Voip);
    let mut opus = opus.unwrap();
    opus.set_bitrate(audiopus::Bitrate::BitsPerSecond(24_000)).unwrap();
    for fec in [false, true] {
        opus.set_inband_fec(fec).unwrap();
        opus.set_packet_loss_perc(if fec { 20 } else { 0 }).unwrap();
        let sound: Vec<i16> = sine(16_000, 250.0, 6_000.0, 6.0)
            .iter()
            .zip(sine(16_000, 3.0, 1.0, 6.0))
            .map(|(tone, slow)| tone / (2 - slow))
            .collect();
        let mut flights = flights(&sound, Coder::OPUS, Network { jitter_ms: 50, lost_percent: 0, drift_ppm: 0 }, 5);
        for (flight, frame) in flights.iter_mut().zip(sound.chunks_exact(320)) {
            let mut packet = [0; 1_275];
            let written = opus.encode(frame, &mut packet).unwrap();
            flight.payload = packet[..written].to_vec();
        }
        flights.retain(|flight| flight.header.sequence % 10 != 0);
        let mut buffer = JitterBuffer::new(60);
        let heard = run(&mut buffer, flights, Coder::OPUS);
        let stats = buffer.stats();
        assert!((28..=32).contains(&stats.gaps), "{stats:?}");
        if fec {
            assert!(stats.recovered * 2 >= stats.gaps, "{stats:?}");
        } else {
            assert_eq!(stats.recovered, 0);
            assert!((540..=640).contains(&stats.concealed_ms), "{stats:?}");
        }
        assert!(rms(&heard[3_200..90_000]) > 1_500.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever comes whenever: each pull gives a frame, and nothing is kept without bound.
    #[test]
    fn any_packets_at_any_time_give_a_frame_each(
        packets in prop::collection::vec((any::<u16>(), any::<u32>(), 0u32..3, 0u8..5, 0u64..100_000, prop::collection::vec(any::<u8>(), 0..60)), 1..200),
        near in any::<bool>(),
    ) {
        let mut buffer = JitterBuffer::new(20);
        let mut now = 0;
        for (nth, (sequence, timestamp, ssrc, kind, wait, payload)) in packets.into_iter().enumerate() {
            // Near numbers keep to one stream and go deeper.
            let (sequence, timestamp) = match near {
                true => ((nth as u16).wrapping_add(sequence % 8), (nth as u32 * 160).wrapping_add(timestamp % 960)),
                false => (sequence, timestamp),
            };
            let header = Header { sequence, timestamp, ssrc, ..Header::default() };
            let coder = [MU, Coder::G722, Coder::OPUS, LINEAR][usize::from(kind) % 4];
            match kind {
                4 => buffer.pass(&header),
                _ => buffer.receive(now, &header, coder, &payload),
            }
            now += wait;
            let mut out = Vec::new();
            let pulled = buffer.pull(now, &mut out);
            prop_assert_eq!(out.len(), frame_samples(pulled.rate));
            prop_assert!(buffer.ready.len() < 10_000 && buffer.queue.len() <= QUEUE_MAX);
        }
    }
}

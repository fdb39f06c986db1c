//! The E-model against figures of another implementation, and what stretches add up to.

use super::*;

/// One-way delay, loss in percent, Bpl; R and the score by the formulas of G.107 (06/2015) §7.1, §7.4, §7.5 and annex B, worked out
/// apart from this crate with 40 decimal digits (Python's `decimal`; sixth roots by logarithms).
const RATED: [(f64, f64, f64, f64, f64); 22] = [
    (0.0, 0.0, 25.1, 93.2000, 4.4093),
    (0.0, 1.0, 25.1, 89.5602, 4.3281),
    (0.0, 5.0, 25.1, 77.4193, 3.9228),
    (0.0, 5.0, 4.3, 42.1247, 2.1693),
    (0.0, 20.0, 25.1, 51.0714, 2.6313),
    (100.0, 0.0, 25.1, 93.2000, 4.4093),
    (101.0, 0.0, 25.1, 93.2000, 4.4093),
    (150.0, 0.0, 25.1, 93.0365, 4.4061),
    (150.0, 1.0, 25.1, 89.3966, 4.3239),
    (150.0, 5.0, 25.1, 77.2557, 3.9162),
    (150.0, 5.0, 4.3, 41.9612, 2.1611),
    (150.0, 20.0, 25.1, 50.9079, 2.6227),
    (177.0, 0.0, 25.1, 92.0464, 4.3859),
    (200.0, 0.0, 25.1, 90.1556, 4.3428),
    (300.0, 0.0, 25.1, 78.4393, 3.9637),
    (400.0, 0.0, 25.1, 69.1299, 3.5559),
    (400.0, 1.0, 25.1, 65.4901, 3.3790),
    (400.0, 5.0, 25.1, 53.3492, 2.7514),
    (400.0, 5.0, 4.3, 18.0546, 1.1975),
    (400.0, 20.0, 25.1, 27.0013, 1.4897),
    (600.0, 0.0, 25.1, 57.9532, 2.9934),
    (1000.0, 0.0, 25.1, 49.4104, 2.5441),
];

#[test]
fn ratings_are_those_of_another_implementation() {
    for (one_way_ms, loss_percent, bpl, r, mos) in RATED {
        let rated = rating(&Conditions { one_way_ms, loss_percent, impairment: Impairment { ie: 0.0, bpl } });
        assert!((rated - r).abs() < 0.000_1, "{one_way_ms} ms, {loss_percent} %: {rated}, not {r}");
        assert!((mos_of(rated) - mos).abs() < 0.000_1, "{one_way_ms} ms, {loss_percent} %: {}", mos_of(rated));
    }
    assert_eq!((Impairment::CONCEALED_G711.bpl, Impairment::PLAIN_G711.bpl), (25.1, 4.3));
}

/// The pairs of G.107 table B.1, and the score of the default rating.
#[test]
fn ratings_become_the_scores_of_the_recommendation() {
    for (r, mos) in [(93.2, 4.41), (90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
        assert!((mos_of(r) - mos).abs() <= 0.01, "{r}: {}", mos_of(r));
    }
    assert_eq!((mos_of(0.0), mos_of(-5.0)), (1.0, 1.0));
    // Between 0 and 6.5 the polynomial dips below 1.
    assert!((mos_of(100.0) - 4.5).abs() < 1e-9 && mos_of(4.0) == 1.0);
    let all_lost = Conditions { one_way_ms: 5_000.0, loss_percent: 100.0, impairment: Impairment::PLAIN_G711 };
    assert_eq!(rating(&all_lost), 0.0);
}

fn at(ms: u64) -> Now {
    Now { mono_us: 7_000_000 + ms * 1_000, unix_us: 1_700_000_000_000_000 + ms * 1_000 }
}

#[test]
fn a_stretch_has_what_came_since_the_last_look() {
    let mut observer = Observer::new(at(0));
    assert_eq!(observer.close_stretch(at(5_000), Totals::default()), None, "it rings");
    let good = Totals { received: 250, sent: 250, jitter_ms: 3.0, ..Totals::default() };
    let told = observer.close_stretch(at(10_000), good).unwrap();
    assert_eq!((told.received.packets, told.received.lost), (250, 0));
    let reported = RemoteTotals {
        reports: 1,
        expected: 480,
        lost: 24,
        late: 24,
        round_trip_ms: Some(40.0),
        ..RemoteTotals::default()
    };
    let lossy = Totals {
        received: 487,
        lost: 13,
        late: 2,
        concealed_ms: 300,
        sent: 500,
        jitter_ms: 9.0,
        buffer_ms: Some(60),
        remote: reported,
    };
    observer.close_stretch(at(15_000), lossy);
    // Nothing came or went.
    let timeline = observer.finish(at(18_000), lossy).unwrap();
    assert_eq!((timeline.from_ms, timeline.length_ms), (1_700_000_005_000, 13_000));
    let [good, bad, silent] = timeline.samples[..] else { panic!("three stretches") };
    assert_eq!((good.from_ms, bad.from_ms, silent.from_ms), (0, 5_000, 10_000));
    assert!(good.received.mos.unwrap() > 4.4);
    assert_eq!((good.sent, good.round_trip_ms), (Sent { packets: 250, reported: None }, None), "nobody has told us");
    let Received { packets, lost, late, concealed_ms, mos, .. } = bad.received;
    assert_eq!((packets, lost, late, concealed_ms), (237, 13, 2, 300));
    // 6 % of 250 and 10 % of 480: R = 93.2 - 95 * 6 / 31.1 and 93.2 - 95 * 10 / 35.1; the delay is under 100 ms.
    assert!((mos.unwrap() - 3.82).abs() < 0.02, "{mos:?}");
    let reported = bad.sent.reported.unwrap();
    assert_eq!((bad.sent.packets, reported.lost, reported.late, bad.round_trip_ms), (250, 24, 24, Some(40.0)));
    assert!((reported.mos.unwrap() - 3.41).abs() < 0.02, "{reported:?}");
    assert_eq!((silent.received.mos, silent.sent.reported, silent.round_trip_ms), (None, None, None));
}

#[test]
fn a_packet_given_up_that_comes_after_all_is_taken_off_the_next_losses() {
    let mut observer = Observer::new(at(0));
    for (ms, lost) in [(5_000, 10), (10_000, 7), (15_000, 9), (20_000, 15)] {
        observer.close_stretch(at(ms), Totals { received: ms / 20, lost, ..Totals::default() });
    }
    let timeline = observer.finish(at(20_000), Totals { received: 1_000, lost: 15, ..Totals::default() }).unwrap();
    assert_eq!(timeline.samples.iter().map(|sample| sample.received.lost).collect::<Vec<_>>(), [10, 0, 0, 5]);
}

#[test]
fn a_long_call_is_told_in_fewer_and_longer_stretches_and_loses_no_count() {
    for looks in [SAMPLES_MAX as u64, 25, 26, 27, 49, 1_000, 5_000] {
        let mut observer = Observer::new(at(0));
        let totals = |look: u64| Totals { received: look * 250, lost: look, ..Totals::default() };
        for look in 1..=looks {
            assert_eq!(observer.due_us(), at(look * 5_000).mono_us);
            observer.close_stretch(at(look * 5_000), totals(look)).unwrap();
        }
        let timeline = observer.finish(at(looks * 5_000), totals(looks)).unwrap();
        let samples = &timeline.samples;
        assert!(samples.len() <= SAMPLES_MAX && samples.len() * 2 >= SAMPLES_MAX, "{} of {looks}", samples.len());
        assert_eq!(samples.iter().map(|sample| sample.received.packets).sum::<u64>(), looks * 250);
        assert_eq!(samples.iter().map(|sample| sample.received.lost).sum::<u64>(), looks);
        let step = samples.get(1).unwrap().from_ms;
        for (nth, sample) in samples.iter().enumerate() {
            assert_eq!(sample.from_ms, step * nth as u64, "all equally long");
        }
        assert_eq!(timeline.length_ms, looks * 5_000);
        assert!(step / 5_000 * 25 > looks / 2, "no coarser than needed: {step} ms of {looks} looks");
    }
}

#[test]
fn a_stalled_process_tells_a_longer_stretch_and_keeps_the_beat() {
    let mut observer = Observer::new(at(0));
    let totals = |received| Totals { received, ..Totals::default() };
    observer.close_stretch(at(5_001), totals(250));
    observer.close_stretch(at(17_000), totals(500));
    assert_eq!(observer.due_us(), at(20_000).mono_us);
    let timeline = observer.finish(at(20_000), totals(501)).unwrap();
    assert_eq!(timeline.samples.iter().map(|sample| sample.from_ms).collect::<Vec<_>>(), [0, 5_001, 17_000]);
}

#[test]
fn where_nothing_flowed_nothing_is_told() {
    let mut observer = Observer::new(at(0));
    assert_eq!(observer.finish(at(3_000), Totals::default()), None);
}

#[test]
fn loudness_is_in_dbov() {
    let mut meter = Meter::default();
    // The loudest codes of both signs: 32,124 of 32,768 is -0.17 dBov.
    (0..8).for_each(|_| meter.hear(Some(Coder::G711(Law::Mu)), &[0x80, 0x00]));
    assert!((meter.clone().level_dbov().unwrap() + 0.17).abs() < 0.01);
    assert_eq!(Meter::default().level_dbov(), None);
    let mut silent = Meter::default();
    (0..8).for_each(|_| silent.hear(Some(Coder::G711(Law::Mu)), &[0xFF; 160]));
    assert!(silent.level_dbov().unwrap() < -85.0);
    let mut decoded = Meter::default();
    decoded.hear(Some(Coder::G722), &[1]);
    (0..8).for_each(|_| decoded.hear_frame(&[16_384, -16_384]));
    assert!((decoded.level_dbov().unwrap() + 6.02).abs() < 0.01);
}

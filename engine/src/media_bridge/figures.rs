//! What the legs are like, of all together, under `/metrics`. Runs on the media threads, for each leg each 5 s.

use media::quality::Sample;
use metrics::{counter, histogram};

/// Steps of the score.
pub const MOS: [f64; 9] = [1.5, 2.0, 2.5, 3.0, 3.5, 3.8, 4.0, 4.2, 4.3];
/// Steps of the loss, of 1.
pub const LOSS: [f64; 9] = [0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/// Steps of the loudness.
pub const LEVEL_DBOV: [f64; 8] = [-70.0, -60.0, -50.0, -40.0, -30.0, -20.0, -10.0, -3.0];

/// Takes in one stretch of one leg.
pub(super) fn show(sample: &Sample) {
    let received = &sample.received;
    counter!("switchboard_media_packets_total", "direction" => "received").increment(received.packets);
    counter!("switchboard_media_packets_total", "direction" => "sent").increment(sample.sent.packets);
    counter!("switchboard_media_packets_late_total", "direction" => "received").increment(received.late);
    counter!("switchboard_media_concealed_milliseconds_total").increment(received.concealed_ms);
    if let Some(mos) = received.mos {
        let expected = received.packets + received.lost;
        counter!("switchboard_media_packets_lost_total", "direction" => "received").increment(received.lost);
        histogram!("switchboard_media_mos", "direction" => "received").record(mos);
        histogram!("switchboard_media_loss_ratio", "direction" => "received").record(ratio(received.lost, expected));
        histogram!("switchboard_media_jitter_seconds", "direction" => "received").record(received.jitter_ms / 1_000.0);
    }
    if let Some(reported) = &sample.sent.reported {
        counter!("switchboard_media_packets_lost_total", "direction" => "sent").increment(reported.lost);
        counter!("switchboard_media_packets_late_total", "direction" => "sent").increment(reported.late);
        histogram!("switchboard_media_loss_ratio", "direction" => "sent")
            .record(ratio(reported.lost, reported.expected));
        histogram!("switchboard_media_jitter_seconds", "direction" => "sent").record(reported.jitter_ms / 1_000.0);
        if let Some(mos) = reported.mos {
            histogram!("switchboard_media_mos", "direction" => "sent").record(mos);
        }
    }
    if let Some(ms) = sample.round_trip_ms {
        histogram!("switchboard_media_round_trip_seconds").record(ms / 1_000.0);
    }
    if let Some(level) = sample.level_dbov {
        histogram!("switchboard_media_level_dbov").record(level);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn ratio(lost: u64, expected: u64) -> f64 {
    if expected == 0 { 0.0 } else { (lost as f64 / expected as f64).min(1.0) }
}

#[cfg(test)]
mod tests {
    use media::quality::{Received, Reported, Sent};

    use super::*;

    #[test]
    fn a_stretch_stands_in_the_histograms_of_both_directions_under_no_name_of_a_call() {
        let handle = crate::http::metric::recorder();
        let received = Received { packets: 190, lost: 10, late: 3, concealed_ms: 220, jitter_ms: 7.0, mos: Some(3.92) };
        let reported = Reported { expected: 1_000, lost: 1, late: 2, jitter_ms: 30.0, mos: Some(4.4) };
        let sent = Sent { packets: 250, reported: Some(reported) };
        let sample = Sample { received, sent, round_trip_ms: Some(40.0), level_dbov: Some(-26.0), ..Sample::default() };
        show(&sample);
        // On hold: nothing comes, nothing is told.
        show(&Sample::default());
        handle.run_upkeep();
        let text = handle.render();
        for line in [
            "switchboard_media_packets_total{direction=\"received\"} 190",
            "switchboard_media_packets_lost_total{direction=\"received\"} 10",
            "switchboard_media_packets_late_total{direction=\"received\"} 3",
            "switchboard_media_concealed_milliseconds_total 220",
            "switchboard_media_mos_bucket{direction=\"received\",le=\"3.8\"} 0",
            "switchboard_media_mos_bucket{direction=\"received\",le=\"4\"} 1",
            "switchboard_media_loss_ratio_bucket{direction=\"received\",le=\"0.02\"} 0",
            "switchboard_media_loss_ratio_bucket{direction=\"received\",le=\"0.05\"} 1",
            "switchboard_media_jitter_seconds_bucket{direction=\"received\",le=\"0.01\"} 1",
            "switchboard_media_mos_count{direction=\"received\"} 1",
            "switchboard_media_packets_lost_total{direction=\"sent\"} 1",
            "switchboard_media_packets_late_total{direction=\"sent\"} 2",
            "switchboard_media_loss_ratio_bucket{direction=\"sent\",le=\"0.001\"} 1",
            "switchboard_media_jitter_seconds_bucket{direction=\"sent\",le=\"0.025\"} 0",
            "switchboard_media_mos_count{direction=\"sent\"} 1",
            "switchboard_media_round_trip_seconds_bucket{le=\"0.05\"} 1",
            "switchboard_media_level_dbov_bucket{le=\"-20\"} 1",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }
}

//! What the media of a leg was like: as a whole, and stretch by stretch.

use serde::{Deserialize, Serialize};

/// What a leg's media was like, as we received it and as the far end reported it by RTCP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaQuality {
    /// RTP packets received.
    pub received: u64,
    /// RTP packets sent.
    pub sent: u64,
    /// Packets missing by sequence number (RFC 3550 A.3).
    pub lost: u64,
    /// Packets that came after a later one.
    pub out_of_order: u64,
    /// Interarrival jitter at the end, µs (RFC 3550 §6.4.1).
    pub jitter_us: u64,
    /// Round trip by RTCP, µs; 0 when never measured.
    pub round_trip_us: u64,
    /// Packets refused for their source.
    pub refused: u64,
    /// Packets the far end reported lost.
    pub reported_lost: u64,
    /// The same stretch by stretch; `None` where nothing flowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<QualityTimeline>,
}

/// What a leg's media was like, from when something first flowed to its end. Of a party that was handed from one call to
/// another it is told with its last leg, and begins before that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityTimeline {
    /// When it begins, ms since the Unix epoch.
    pub from_ms: u64,
    /// How long it is.
    pub length_ms: u64,
    /// In order, without a hole; at most 24. Each is 5 s, or 10, 20, ... where the leg was long; the last may be shorter.
    pub stretches: Vec<QualityStretch>,
}

/// One stretch. Counts are of it alone; what is no count is the worst of it, or the loudest. Written as an array, in the order of
/// the fields: a long call says this 48 times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StretchRow", into = "StretchRow")]
pub struct QualityStretch {
    /// Since the beginning of the timeline. It ends where the next one begins.
    pub from_ms: u64,
    /// What came from the far end.
    pub received: ReceivedQuality,
    /// RTP packets that went to it.
    pub sent: u64,
    /// How they came there, by its own reports (RTCP); `None` where none came.
    pub reported: Option<ReportedQuality>,
    /// Round trip by RTCP, µs; `None` where no report told it.
    pub round_trip_us: Option<u64>,
    /// How loud the far end was, in tenths of dBov; known of G.711, and of what was decoded for a mix.
    pub level_dbov_tenths: Option<i32>,
}

/// What came from the far end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceivedQuality {
    /// RTP packets that came.
    pub packets: u64,
    /// RTP packets that never came.
    pub lost: u64,
    /// RTP packets too late to be heard, where the switch listened (mixed or transcoded).
    pub late: u64,
    /// Sound made up in their place, where the switch listened.
    pub concealed_ms: u64,
    /// Interarrival jitter, µs.
    pub jitter_us: u64,
    /// Estimated mean opinion score (ITU-T G.107) times 100: 100 to 450; `None` where nothing was to be heard.
    pub mos_hundredths: Option<u16>,
}

/// What the far end reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportedQuality {
    /// RTP packets that should have come there since the report before.
    pub expected: u64,
    /// RTP packets that never came there.
    pub lost: u64,
    /// RTP packets that its jitter buffer threw away (RFC 3611 §4.7.1); 0 of those that do not say.
    pub late: u64,
    /// Interarrival jitter there, µs.
    pub jitter_us: u64,
    /// Estimated mean opinion score there, as [`ReceivedQuality::mos_hundredths`].
    pub mos_hundredths: Option<u16>,
}

type StretchRow = (u64, ReceivedRow, u64, Option<ReportedRow>, Option<u64>, Option<i32>);
type ReceivedRow = (u64, u64, u64, u64, u64, Option<u16>);
type ReportedRow = (u64, u64, u64, u64, Option<u16>);

impl From<QualityStretch> for StretchRow {
    fn from(stretch: QualityStretch) -> Self {
        let received =
            |it: ReceivedQuality| (it.packets, it.lost, it.late, it.concealed_ms, it.jitter_us, it.mos_hundredths);
        let reported = |it: ReportedQuality| (it.expected, it.lost, it.late, it.jitter_us, it.mos_hundredths);
        (
            stretch.from_ms,
            received(stretch.received),
            stretch.sent,
            stretch.reported.map(reported),
            stretch.round_trip_us,
            stretch.level_dbov_tenths,
        )
    }
}

impl From<StretchRow> for QualityStretch {
    fn from((from_ms, received, sent, reported, round_trip_us, level_dbov_tenths): StretchRow) -> Self {
        let (packets, lost, late, concealed_ms, jitter_us, mos_hundredths) = received;
        Self {
            from_ms,
            received: ReceivedQuality { packets, lost, late, concealed_ms, jitter_us, mos_hundredths },
            sent,
            reported: reported.map(|(expected, lost, late, jitter_us, mos_hundredths)| ReportedQuality {
                expected,
                lost,
                late,
                jitter_us,
                mos_hundredths,
            }),
            round_trip_us,
            level_dbov_tenths,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_an_array_and_comes_back() {
        let stretch = QualityStretch {
            from_ms: 5_000,
            received: ReceivedQuality {
                packets: 237,
                lost: 13,
                late: 2,
                concealed_ms: 300,
                jitter_us: 9_000,
                mos_hundredths: Some(382),
            },
            sent: 250,
            reported: Some(ReportedQuality {
                expected: 480,
                lost: 24,
                late: 1,
                jitter_us: 10_000,
                mos_hundredths: None,
            }),
            round_trip_us: Some(40_000),
            level_dbov_tenths: Some(-264),
        };
        let text = "[5000,[237,13,2,300,9000,382],250,[480,24,1,10000,null],40000,-264]";
        assert_eq!(serde_json::to_string(&stretch).unwrap(), text);
        assert_eq!(serde_json::from_str::<QualityStretch>(text).unwrap(), stretch);
    }

    #[test]
    fn what_was_written_before_there_was_a_timeline_is_read() {
        let old = r#"{"received":1,"sent":2,"lost":0,"out_of_order":0,"jitter_us":0,"round_trip_us":0,"refused":0,"reported_lost":0}"#;
        let read: MediaQuality = serde_json::from_str(old).unwrap();
        assert_eq!(read, MediaQuality { received: 1, sent: 2, ..MediaQuality::default() });
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
    }
}

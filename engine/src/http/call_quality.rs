//! The quality of a call, leg by leg and stretch by stretch, both ways.

use axum::Json;
use axum::extract::State;
use hooks::fact::{PeerKind, QualityStretch, QualityTimeline, ReceivedQuality, ReportedQuality};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::call::PeerName;
use super::call_record::{find, ms_of_us};
use super::extract::Path;
use super::operation::{Guard, Operations};
use super::permission::CALL_RECORDS_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;
use crate::store::records::{CallDocument, CallLeg};

/// The operations on the quality of calls.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(CALL_RECORDS_READ), routes!(read_call_quality))
}

/// What the media of a call was like.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallQuality {
    /// The call.
    pub call_id: String,
    /// The legs that had any media and are over, in the order they began.
    pub legs: Vec<LegQuality>,
}

/// What the media of a leg was like, between its phone and the switch.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegQuality {
    /// The leg.
    pub leg_id: String,
    /// True for the leg that called, or that the API rang first.
    pub caller_side: bool,
    /// What was at the far end.
    #[schema(value_type = PeerName)]
    pub peer: PeerKind,
    /// The extension's number, the trunk's name, or the service's number.
    pub peer_name: String,
    /// In order, without a hole. At most 24: of 5 s each, or 10, 20, ... where the leg was long; the last may be shorter.
    pub stretches: Vec<Stretch>,
}

/// What a leg's media was like for a while. Counts are of it alone; what is no count is the worst of it, or the loudest.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stretch {
    /// When it begins.
    pub from: Instant,
    /// How long it is.
    pub duration_ms: u64,
    /// What came from the far end.
    pub received: ReceivedShown,
    /// What went to it.
    pub sent: SentShown,
    /// Round trip by RTCP; null where no report told it.
    pub round_trip_ms: Option<f64>,
    /// How loud the far end was, in dBov; known of G.711, and of what was decoded for a mix.
    #[schema(example = -26.4)]
    pub level_dbov: Option<f64>,
}

/// What came from the far end.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedShown {
    /// RTP packets that came.
    pub packets: u64,
    /// RTP packets that never came.
    pub lost: u64,
    /// RTP packets too late to be heard, where the switch listened (mixed or transcoded).
    pub late: u64,
    /// Sound made up in their place, where the switch listened.
    pub concealed_ms: u64,
    /// Interarrival jitter.
    pub jitter_ms: f64,
    /// Estimated mean opinion score (ITU-T G.107), 1 to 4.5; null where nothing was to be heard.
    #[schema(example = 4.41)]
    pub mos: Option<f64>,
}

/// What went to the far end.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentShown {
    /// RTP packets that went.
    pub packets: u64,
    /// What its reports (RTCP) said of them; null where none came.
    pub reported: Option<ReportedShown>,
}

/// What the far end reported, since its report before.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportedShown {
    /// RTP packets that should have come there.
    pub expected: u64,
    /// RTP packets that never came there.
    pub lost: u64,
    /// RTP packets that its jitter buffer threw away; 0 of phones that do not say.
    pub late: u64,
    /// Interarrival jitter there.
    pub jitter_ms: f64,
    /// Estimated mean opinion score there (ITU-T G.107), 1 to 4.5; null where nothing was to be heard.
    pub mos: Option<f64>,
}

/// What the media of a call was like, for each of its legs each 5 s: written when the leg ends.
#[utoipa::path(get, path = "/call-records/{id}/quality", tag = "call-records", params(("id" = String, Path)),
    responses((status = 200, body = CallQuality)))]
async fn read_call_quality(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<CallQuality>, Problem> {
    Ok(Json(find(&api, &principal, &id).await?.into()))
}

impl From<CallDocument> for CallQuality {
    fn from(document: CallDocument) -> Self {
        Self {
            call_id: document.record.call.to_string(),
            legs: document.legs.into_iter().filter_map(leg_quality).collect(),
        }
    }
}

fn leg_quality(leg: CallLeg) -> Option<LegQuality> {
    let timeline = leg.end?.quality?.timeline?;
    Some(LegQuality {
        leg_id: leg.leg.to_string(),
        caller_side: leg.caller_side,
        peer: leg.peer,
        peer_name: leg.peer_name,
        stretches: stretches(&timeline),
    })
}

fn stretches(timeline: &QualityTimeline) -> Vec<Stretch> {
    let ends = timeline.stretches.iter().skip(1).map(|next| next.from_ms).chain([timeline.length_ms]);
    let shown = |(stretch, end): (&QualityStretch, u64)| Stretch {
        from: Instant(timeline.from_ms.saturating_add(stretch.from_ms)),
        duration_ms: end.saturating_sub(stretch.from_ms),
        received: stretch.received.into(),
        sent: SentShown { packets: stretch.sent, reported: stretch.reported.map(ReportedShown::from) },
        round_trip_ms: stretch.round_trip_us.map(ms_of_us),
        level_dbov: stretch.level_dbov_tenths.map(|tenths| f64::from(tenths) / 10.0),
    };
    timeline.stretches.iter().zip(ends).map(shown).collect()
}

impl From<ReceivedQuality> for ReceivedShown {
    fn from(quality: ReceivedQuality) -> Self {
        Self {
            packets: quality.packets,
            lost: quality.lost,
            late: quality.late,
            concealed_ms: quality.concealed_ms,
            jitter_ms: ms_of_us(quality.jitter_us),
            mos: quality.mos_hundredths.map(mos),
        }
    }
}

impl From<ReportedQuality> for ReportedShown {
    fn from(quality: ReportedQuality) -> Self {
        Self {
            expected: quality.expected,
            lost: quality.lost,
            late: quality.late,
            jitter_ms: ms_of_us(quality.jitter_us),
            mos: quality.mos_hundredths.map(mos),
        }
    }
}

fn mos(hundredths: u16) -> f64 {
    f64::from(hundredths) / 100.0
}

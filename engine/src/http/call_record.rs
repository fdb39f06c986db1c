//! `call-records`: what happened, one document a call, newest first. Nobody changes them (CDR-10).

use axum::Json;
use axum::extract::State;
use hooks::fact::{
    CallSource, Direction, EndCause, EndedBy, FlowStep, MediaQuality, PeerKind, SurveyAnswer, SurveyStart,
};
use hooks::id::CallId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::call::{DirectionName, PeerName};
use super::extract::{Path, Query};
use super::operation::{Guard, Operations};
use super::page::{self, Listed, PageQuery};
use super::permission::CALL_RECORDS_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::recording::RecordingShown;
use super::state::Api;
use super::time_text::Instant;
use super::waiting::WhyShown;
use crate::store::records::{
    CallDocument, CallLeg, CallRecord, Interruption, RecordFilter, Satisfaction, Segment, SegmentKind, SurveyResult,
};

/// The operations on call records.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(CALL_RECORDS_READ), routes!(list_call_records))
        .add(Guard::Needs(CALL_RECORDS_READ), routes!(read_call_record))
}

/// A call that happened. Durations are whole seconds, in ms (GEN-04).
#[derive(Debug, Serialize, ToSchema)]
pub struct CallRecordShown {
    /// A ULID; the same as the live call had.
    pub id: String,
    /// Which way it went.
    #[schema(value_type = DirectionName)]
    pub direction: Direction,
    /// `dialled`, or `api` for a call that the API started.
    #[schema(value_type = String, example = "dialled")]
    pub source: CallSource,
    /// The caller's number; empty when withheld.
    #[schema(extensions(("x-field" = json!("call_records.caller"))))]
    pub caller: String,
    /// The caller's display name.
    #[schema(extensions(("x-field" = json!("call_records.caller"))))]
    pub caller_name: String,
    /// The number dialled, or the DID.
    #[schema(extensions(("x-field" = json!("call_records.callee"))))]
    pub callee: String,
    /// The trunk it came in by, or went out by.
    pub trunk: Option<String>,
    /// An emergency call.
    pub emergency: bool,
    /// The extension that called.
    pub caller_extension: Option<String>,
    /// The extension that answered; where none did, the one that rang last.
    pub callee_extension: Option<String>,
    /// When it began.
    pub created_at: Instant,
    /// When a called phone rang first.
    pub ringing_at: Option<Instant>,
    /// When two parties talked first.
    pub answered_at: Option<Instant>,
    /// Stretches in which the switch was not there and nobody heard anybody, though the call went on afterwards.
    pub interruptions: Vec<InterruptionShown>,
    /// The first queue that it was in.
    pub queue: Option<String>,
    /// How long it waited in queues, ringing included.
    pub queue_wait_ms: Option<u64>,
    /// When a person answered first, be it that a menu had before.
    pub connected_at: Option<Instant>,
    /// The employee number of the first agent who talked in it.
    pub agent: Option<String>,
    /// The number outside that answered in place of an agent.
    #[schema(extensions(("x-field" = json!("call_records.number"))))]
    pub overflow_number: Option<String>,
    /// It came in for agents, and no person answered.
    pub lost: bool,
    /// What its customer was asked last, and answered (满意度); null where he was asked nothing.
    pub survey: Option<SurveyResultShown>,
    /// When it ended; null while it runs.
    pub ended_at: Option<Instant>,
    /// How long it rang.
    pub ring_duration_ms: Option<u64>,
    /// How long they talked, hold included; at least 1,000 where it was answered.
    pub talk_duration_ms: Option<u64>,
    /// From the beginning to the end.
    pub total_duration_ms: Option<u64>,
    /// Why it ended.
    #[schema(value_type = Option<String>, example = "normal")]
    pub cause: Option<EndCause>,
    /// Who hung up: `caller`, `callee` or `system`.
    #[schema(value_type = Option<String>, example = "caller")]
    pub ended_by: Option<EndedBy>,
    /// The final SIP status the caller saw; 0 when none.
    pub sip_status: Option<u16>,
}

/// What came of a survey. Labels stand as they were when it was answered (SURVEY-05).
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyResultShown {
    /// Which.
    #[schema(example = "service")]
    pub survey: String,
    /// The employee number of the agent with whom he talked.
    pub agent: Option<String>,
    /// The queue that he came by.
    pub queue: Option<String>,
    /// `agent` (evaluate), `hang_up` or `flow`.
    #[schema(value_type = String, example = "agent")]
    pub start: SurveyStart,
    /// The answer, `{"key": "1", "label": "..."}`; null: not rated.
    #[schema(value_type = Option<Object>)]
    pub answer: Option<SurveyAnswer>,
    /// The answer to the second question.
    #[schema(value_type = Option<Object>)]
    pub second: Option<SurveyAnswer>,
    /// The recording of what he said, one of those of the call.
    pub comment: Option<String>,
}

impl From<SurveyResult> for SurveyResultShown {
    fn from(result: SurveyResult) -> Self {
        let SurveyResult { subject, start, answer, second, comment } = result;
        let (survey, comment) = (subject.survey, comment.map(|id| id.to_string()));
        Self { survey, agent: subject.agent, queue: subject.queue, start, answer, second, comment }
    }
}

/// A stretch of a call in which the switch was not there: its process was killed, and another took its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct InterruptionShown {
    /// When the process is known to have lived last: exact to a second.
    pub from: Instant,
    /// When both parties had said that they are still there.
    pub to: Instant,
}

impl From<Interruption> for InterruptionShown {
    fn from(interruption: Interruption) -> Self {
        Self { from: Instant(interruption.from_ms), to: Instant(interruption.to_ms) }
    }
}

/// A call with its legs and recordings.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallDocumentShown {
    /// The call.
    #[serde(flatten)]
    pub record: CallRecordShown,
    /// In the order they began.
    pub legs: Vec<LegShown>,
    /// In the order they began.
    pub recordings: Vec<RecordingShown>,
    /// Where the messages are that were left in it.
    #[schema(example = json!(["/api/v1/voicemails/01JD9Z4E6N8Q2R5T7V9X1B3D5F"]))]
    pub voicemails: Vec<String>,
    /// What it was made of, in the order in which that began.
    pub segments: Vec<SegmentShown>,
    /// The nodes of flows that its caller went through, in that order.
    pub flow_path: Vec<FlowStepShown>,
    /// Where its SIP messages are seen, as long as they are kept.
    #[schema(example = "/api/v1/call-records/01JD9Z4E6N8Q2R5T7V9X1B3D5F/ladder")]
    pub ladder: String,
    /// Where the quality of its legs is told stretch by stretch.
    #[schema(example = "/api/v1/call-records/01JD9Z4E6N8Q2R5T7V9X1B3D5F/quality")]
    pub quality: String,
}

/// A leg of a call that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegShown {
    /// A ULID.
    pub id: String,
    /// True for the leg that called, or that the API rang first.
    pub caller_side: bool,
    /// What was at the far end.
    #[schema(value_type = PeerName)]
    pub peer: PeerKind,
    /// The extension's number, the trunk's name, or the service's number.
    pub peer_name: String,
    /// The number shown to or dialled at the far end.
    #[schema(extensions(("x-field" = json!("call_records.number"))))]
    pub number: String,
    /// The Call-ID of its dialog; empty on a service.
    pub sip_call_id: String,
    /// When it began.
    pub started_at: Instant,
    /// When it rang.
    pub ringing_at: Option<Instant>,
    /// The far end sent tones or announcements of its own before the answer.
    pub early_media: bool,
    /// When it answered.
    pub answered_at: Option<Instant>,
    /// The codec by its SDP name.
    pub codec: Option<String>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// Why it ended.
    #[schema(value_type = Option<String>, example = "normal")]
    pub cause: Option<EndCause>,
    /// The final SIP status of its INVITE; 0 when none was seen.
    pub sip_status: Option<u16>,
    /// What its media was like; null where none flowed.
    pub quality: Option<Quality>,
}

/// What a leg's media was like.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quality {
    /// RTP packets received.
    pub received: u64,
    /// RTP packets sent.
    pub sent: u64,
    /// Packets missing by sequence number.
    pub lost: u64,
    /// Packets that came after a later one.
    pub out_of_order: u64,
    /// Interarrival jitter at the end.
    pub jitter_ms: f64,
    /// Round trip by RTCP; null when never measured.
    pub round_trip_ms: Option<f64>,
    /// Packets refused for their source.
    pub refused: u64,
    /// Packets the far end reported lost.
    pub reported_lost: u64,
}

/// A piece of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentShown {
    /// What it was.
    pub kind: SegmentKind,
    /// When it began.
    pub started_at: Instant,
    /// When it ended; null while it lasts.
    pub ended_at: Option<Instant>,
    /// The employee number of the agent that it is about.
    pub agent: Option<String>,
    /// The queue that it is about.
    pub queue: Option<String>,
    /// The leg that it is about.
    pub leg: Option<String>,
    /// The number dialled, or that answered.
    #[schema(extensions(("x-field" = json!("call_records.number"))))]
    pub number: Option<String>,
    /// How it ended, in the word of the fact that ended it: `answered`, `abandoned`, `timed_out`, ...; of a supervision what it was.
    pub outcome: Option<String>,
    /// Who did it, where that is another than the one it is about: the supervisor.
    pub done_by: Option<String>,
    /// Why the queue rang this agent, of an offer.
    pub why: Option<WhyShown>,
}

impl From<Segment> for SegmentShown {
    fn from(segment: Segment) -> Self {
        Self {
            kind: segment.kind,
            started_at: Instant(segment.started_at_ms),
            ended_at: segment.ended_at_ms.map(Instant),
            agent: segment.agent,
            queue: segment.queue,
            leg: segment.leg.map(|leg| leg.to_string()),
            number: segment.number,
            outcome: segment.outcome,
            done_by: segment.done_by,
            why: segment.why.map(WhyShown::from),
        }
    }
}

/// A node of a flow that the caller went through.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowStepShown {
    /// The flow.
    #[schema(example = "main")]
    pub flow: String,
    /// Its version.
    pub version: u32,
    /// The node.
    #[schema(example = "menu")]
    pub node: String,
    /// Its kind, as in flows; empty where there is no such node.
    #[schema(example = "menu")]
    pub step: String,
    /// When it was entered.
    pub entered_at: Instant,
    /// The keys pressed at a menu, in their order.
    #[schema(example = "71")]
    pub keys: String,
    /// How many keys were typed where digits are collected; which ones is kept nowhere.
    pub typed: Option<u32>,
    /// By which exit it was left, as flows call it: `1`, `no_choice`, `case 2`; `flow` into another one and `return` out of it. Null where the
    /// caller stood last.
    #[schema(example = "1")]
    pub exit: Option<String>,
    /// Why the flow ended here, where that is a fault of it: `missing`, `endless`, `deep` or `exit`.
    pub fault: Option<String>,
}

impl From<FlowStep> for FlowStepShown {
    fn from(step: FlowStep) -> Self {
        let FlowStep { flow, version, node, step, at_ms, keys, typed, exit, fault } = step;
        Self { flow, version, node, step, entered_at: Instant(at_ms), keys, typed, exit, fault }
    }
}

/// Which records are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// Began at this time or later.
    from: Option<Instant>,
    /// Began before this time.
    to: Option<Instant>,
    /// Which way they went.
    #[param(value_type = Option<DirectionName>)]
    direction: Option<Direction>,
    /// Caller or callee is exactly this number.
    number: Option<String>,
    /// This extension called, answered or rang last.
    extension: Option<String>,
    /// By this trunk.
    trunk: Option<String>,
    /// It was in this queue.
    queue: Option<String>,
    /// The agent of this employee number talked in it.
    agent: Option<String>,
    /// It came in for agents and no person answered, or not (LOST-01).
    lost: Option<bool>,
    /// A number outside answered in place of an agent, or not (LOSTANS-01).
    overflow_answered: Option<bool>,
    /// Answered or not.
    answered: Option<bool>,
    /// Ended so.
    #[param(value_type = Option<String>, example = "busy")]
    cause: Option<EndCause>,
    /// Talked for at least so long.
    talk_min_ms: Option<u64>,
    /// Talked for at most so long.
    talk_max_ms: Option<u64>,
    /// The result of a survey (SURVEY-06): `not_invited`, `not_rated`, or the label of an answer.
    #[param(example = "非常满意")]
    satisfaction: Option<String>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<RecordQuery> for RecordFilter {
    fn from(query: RecordQuery) -> Self {
        Self {
            from_ms: query.from.map(|at| at.0),
            to_ms: query.to.map(|at| at.0),
            direction: query.direction,
            number: query.number,
            extension: query.extension,
            trunk: query.trunk,
            queue: query.queue,
            agent: query.agent,
            lost: query.lost,
            overflow_answered: query.overflow_answered,
            answered: query.answered,
            cause: query.cause,
            talk_min_ms: query.talk_min_ms,
            talk_max_ms: query.talk_max_ms,
            satisfaction: query.satisfaction.map(|result| match result.as_str() {
                "not_invited" => Satisfaction::NotInvited,
                _ => Satisfaction::Result(result),
            }),
        }
    }
}

impl From<CallRecord> for CallRecordShown {
    fn from(record: CallRecord) -> Self {
        let end = record.end.as_ref();
        Self {
            id: record.call.to_string(),
            direction: record.direction,
            source: record.source,
            caller: record.caller,
            caller_name: record.caller_name,
            callee: record.callee,
            trunk: record.trunk,
            emergency: record.emergency,
            caller_extension: record.caller_extension,
            callee_extension: record.callee_extension,
            created_at: Instant(record.created_at_ms),
            ringing_at: record.ringing_at_ms.map(Instant),
            answered_at: record.answered_at_ms.map(Instant),
            interruptions: record.interruptions.into_iter().map(InterruptionShown::from).collect(),
            queue: record.queue,
            queue_wait_ms: record.queue_wait_ms,
            connected_at: record.connected_at_ms.map(Instant),
            agent: record.agent,
            overflow_number: record.overflow_number,
            lost: record.lost,
            survey: record.survey.map(SurveyResultShown::from),
            ended_at: end.map(|end| Instant(end.at_ms)),
            ring_duration_ms: end.map(|end| end.ring_duration_ms),
            talk_duration_ms: end.map(|end| end.talk_duration_ms),
            total_duration_ms: end.map(|end| end.total_duration_ms),
            cause: end.map(|end| end.cause),
            ended_by: end.map(|end| end.by),
            sip_status: end.map(|end| end.sip_status),
        }
    }
}

impl From<CallDocument> for CallDocumentShown {
    fn from(document: CallDocument) -> Self {
        Self {
            ladder: format!("/api/v1/call-records/{}/ladder", document.record.call),
            quality: format!("/api/v1/call-records/{}/quality", document.record.call),
            record: document.record.into(),
            legs: document.legs.into_iter().map(LegShown::from).collect(),
            recordings: document
                .recordings
                .into_iter()
                .filter(|recording| recording.mailbox.is_none())
                .map(RecordingShown::from)
                .collect(),
            voicemails: document
                .voicemails
                .iter()
                .filter(|message| message.deleted.is_none())
                .map(|message| format!("/api/v1/voicemails/{}", message.voicemail))
                .collect(),
            segments: document.segments.into_iter().map(SegmentShown::from).collect(),
            flow_path: document.flow_path.into_iter().map(FlowStepShown::from).collect(),
        }
    }
}

impl From<CallLeg> for LegShown {
    fn from(leg: CallLeg) -> Self {
        let end = leg.end.as_ref();
        Self {
            id: leg.leg.to_string(),
            caller_side: leg.caller_side,
            peer: leg.peer,
            peer_name: leg.peer_name,
            number: leg.number,
            sip_call_id: leg.sip_call_id,
            started_at: Instant(leg.started_at_ms),
            ringing_at: leg.ringing_at_ms.map(Instant),
            early_media: leg.early_media,
            answered_at: leg.answer.as_ref().map(|answer| Instant(answer.at_ms)),
            codec: leg.answer.as_ref().map(|answer| answer.codec.clone()),
            ended_at: end.map(|end| Instant(end.at_ms)),
            cause: end.map(|end| end.cause),
            sip_status: end.map(|end| end.sip_status),
            quality: end.and_then(|end| end.quality.as_ref()).map(Quality::from),
        }
    }
}

impl From<&MediaQuality> for Quality {
    fn from(quality: &MediaQuality) -> Self {
        Self {
            received: quality.received,
            sent: quality.sent,
            lost: quality.lost,
            out_of_order: quality.out_of_order,
            jitter_ms: ms_of_us(quality.jitter_us),
            round_trip_ms: (quality.round_trip_us > 0).then(|| ms_of_us(quality.round_trip_us)),
            refused: quality.refused,
            reported_lost: quality.reported_lost,
        }
    }
}

pub(super) fn ms_of_us(us: u64) -> f64 {
    std::time::Duration::from_micros(us).as_secs_f64() * 1_000.0
}

/// The calls of the tenant that ended, newest first.
#[utoipa::path(get, path = "/call-records", tag = "call-records", params(RecordQuery),
    responses((status = 200, body = Listed<CallRecordShown>)))]
async fn list_call_records(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<RecordQuery>,
) -> Result<Json<Listed<CallRecordShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let filter = RecordFilter::from(query);
    let rows = api.store().call_records(principal.sight(), &filter, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, CallRecordShown::from)))
}

/// One call with its legs and recordings.
#[utoipa::path(get, path = "/call-records/{id}", tag = "call-records", params(("id" = String, Path)),
    responses((status = 200, body = CallDocumentShown)))]
async fn read_call_record(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<CallDocumentShown>, Problem> {
    Ok(Json(find(&api, &principal, &id).await?.into()))
}

/// A call that the principal sees.
pub(super) async fn find(api: &Api, principal: &Principal, id: &str) -> Result<CallDocument, Problem> {
    let none = || Problem::not_found("call record; it is written a moment after the call ended");
    let call = id.parse::<CallId>().map_err(|_| none())?;
    api.store().call_record(principal.sight(), call).await?.ok_or_else(none)
}

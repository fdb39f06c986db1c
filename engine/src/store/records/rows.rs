//! Call records and legs as rows.

use hooks::fact::{FlowStep, MediaQuality};
use hooks::id::{CallId, TenantId};

use super::{CallDocument, CallEnd, CallLeg, CallRecord, DerivedTable, LegAnswer, LegEnd};
use crate::store::StoreError;
use crate::store::sql::{Arg, Row, args, json, word};

pub(super) const RECORDS: DerivedTable = DerivedTable {
    name: "call_records",
    key: &["tenant", "call"],
    rest: &[
        "direction",
        "source",
        "caller",
        "caller_name",
        "callee",
        "trunk",
        "emergency",
        "caller_extension",
        "callee_extension",
        "created_at_ms",
        "ringing_at_ms",
        "answered_at_ms",
        "interruptions",
        "ended_at_ms",
        "ring_duration_ms",
        "talk_duration_ms",
        "total_duration_ms",
        "cause",
        "ended_by",
        "sip_status",
        "queue",
        "queue_wait_ms",
        "connected_at_ms",
        "agent",
        "overflow_number",
        "lost",
        "survey",
        "survey_result",
        "flow_path",
    ],
};

pub(super) fn record_args(tenant: &TenantId, document: &CallDocument) -> Vec<Arg> {
    let record = &document.record;
    let end = record.end.as_ref();
    args![
        tenant.as_str(),
        record.call.to_string(),
        word(&record.direction),
        word(&record.source),
        record.caller.as_str(),
        record.caller_name.as_str(),
        record.callee.as_str(),
        record.trunk.clone(),
        record.emergency,
        record.caller_extension.clone(),
        record.callee_extension.clone(),
        record.created_at_ms,
        record.ringing_at_ms,
        record.answered_at_ms,
        json(&record.interruptions),
        end.map(|end| end.at_ms),
        end.map(|end| end.ring_duration_ms),
        end.map(|end| end.talk_duration_ms),
        end.map(|end| end.total_duration_ms),
        end.map(|end| word(&end.cause)),
        end.map(|end| word(&end.by)),
        end.map(|end| end.sip_status),
        record.queue.clone(),
        record.queue_wait_ms,
        record.connected_at_ms,
        record.agent.clone(),
        record.overflow_number.clone(),
        record.lost,
        record.survey.as_ref().map(json),
        record.survey.as_ref().map(|survey| survey.word().to_owned()),
        Some(&document.flow_path).filter(|path| !path.is_empty()).map(json),
    ]
}

pub(super) fn flow_path(row: &Row) -> Result<Vec<FlowStep>, StoreError> {
    Ok(row.opt_json("flow_path")?.unwrap_or_default())
}

pub(super) fn record(row: &Row) -> Result<CallRecord, StoreError> {
    let end = match row.opt_unsigned("ended_at_ms")? {
        None => None,
        Some(at_ms) => Some(CallEnd {
            at_ms,
            cause: row.word("cause")?,
            by: row.word("ended_by")?,
            sip_status: row.unsigned("sip_status")?,
            ring_duration_ms: row.unsigned("ring_duration_ms")?,
            talk_duration_ms: row.unsigned("talk_duration_ms")?,
            total_duration_ms: row.unsigned("total_duration_ms")?,
        }),
    };
    Ok(CallRecord {
        call: row.parsed("call")?,
        direction: row.word("direction")?,
        source: row.word("source")?,
        caller: row.text("caller")?,
        caller_name: row.text("caller_name")?,
        callee: row.text("callee")?,
        trunk: row.opt_text("trunk")?,
        emergency: row.flag("emergency")?,
        caller_extension: row.opt_text("caller_extension")?,
        callee_extension: row.opt_text("callee_extension")?,
        created_at_ms: row.unsigned("created_at_ms")?,
        ringing_at_ms: row.opt_unsigned("ringing_at_ms")?,
        answered_at_ms: row.opt_unsigned("answered_at_ms")?,
        interruptions: row.json("interruptions")?,
        queue: row.opt_text("queue")?,
        queue_wait_ms: row.opt_unsigned("queue_wait_ms")?,
        connected_at_ms: row.opt_unsigned("connected_at_ms")?,
        agent: row.opt_text("agent")?,
        overflow_number: row.opt_text("overflow_number")?,
        lost: row.flag("lost")?,
        survey: row.opt_text("survey")?.map(|_| row.json("survey")).transpose()?,
        end,
    })
}

pub(super) const LEGS: DerivedTable = DerivedTable {
    name: "call_legs",
    key: &["tenant", "call", "leg"],
    rest: &[
        "caller_side",
        "peer",
        "peer_name",
        "number",
        "sip_call_id",
        "started_at_ms",
        "ringing_at_ms",
        "early_media",
        "answered_at_ms",
        "codec",
        "ended_at_ms",
        "cause",
        "sip_status",
        "quality",
    ],
};

pub(super) fn leg_args(tenant: &TenantId, call: CallId, leg: &CallLeg) -> Vec<Arg> {
    let (answer, end) = (leg.answer.as_ref(), leg.end.as_ref());
    args![
        tenant.as_str(),
        call.to_string(),
        leg.leg.to_string(),
        leg.caller_side,
        word(&leg.peer),
        leg.peer_name.as_str(),
        leg.number.as_str(),
        leg.sip_call_id.as_str(),
        leg.started_at_ms,
        leg.ringing_at_ms,
        leg.early_media,
        answer.map(|answer| answer.at_ms),
        answer.map(|answer| answer.codec.clone()),
        end.map(|end| end.at_ms),
        end.map(|end| word(&end.cause)),
        end.map(|end| end.sip_status),
        end.and_then(|end| end.quality.as_ref()).map(json::<MediaQuality>),
    ]
}

pub(super) fn leg(row: &Row) -> Result<CallLeg, StoreError> {
    let answer = match row.opt_unsigned("answered_at_ms")? {
        None => None,
        Some(at_ms) => Some(LegAnswer { at_ms, codec: row.text("codec")? }),
    };
    let end = match row.opt_unsigned("ended_at_ms")? {
        None => None,
        Some(at_ms) => {
            let quality = if row.opt_text("quality")?.is_some() { Some(row.json("quality")?) } else { None };
            Some(LegEnd { at_ms, cause: row.word("cause")?, sip_status: row.unsigned("sip_status")?, quality })
        }
    };
    Ok(CallLeg {
        leg: row.parsed("leg")?,
        caller_side: row.flag("caller_side")?,
        peer: row.word("peer")?,
        peer_name: row.text("peer_name")?,
        number: row.text("number")?,
        sip_call_id: row.text("sip_call_id")?,
        started_at_ms: row.unsigned("started_at_ms")?,
        ringing_at_ms: row.opt_unsigned("ringing_at_ms")?,
        early_media: row.flag("early_media")?,
        answer,
        end,
    })
}

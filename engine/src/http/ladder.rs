//! The SIP ladder of a call record: what went over the wire, without credentials, for as long as it is kept.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hooks::fact::PeerKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::call_record::find;
use super::extract::{Path, Query};
use super::operation::{Guard, Operations};
use super::permission::CALL_LADDERS_READ;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::state::Api;
use super::time_text::Instant;
use crate::ladder::{Arrow, Ladder, LadderLeg};
use crate::store::records::{CallDocument, CallLeg};
use crate::store::unix_ms;

/// The operations on ladders.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(CALL_LADDERS_READ), routes!(read_ladder))
}

/// How the ladder is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LadderFormat {
    /// Every message with its time, for programs.
    #[default]
    Json,
    /// For a terminal.
    Text,
    /// A drawing.
    Svg,
    /// For Wireshark and its like; every message in a UDP packet, whatever brought it.
    Pcap,
}

/// Which form is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LadderQuery {
    /// `json` where it is left out.
    #[serde(default)]
    #[param(inline)]
    format: LadderFormat,
}

/// The SIP messages of a call, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct LadderShown {
    /// The call.
    pub call_id: String,
    /// The messages.
    pub messages: Vec<LadderMessage>,
    /// There were more than are shown.
    pub truncated: bool,
}

/// A SIP message of a call. Credentials, keys and pressed keys are replaced by `x`, as many as there were.
#[derive(Debug, Serialize, ToSchema)]
pub struct LadderMessage {
    /// When it passed.
    pub at: Instant,
    /// The same with microseconds, since the Unix epoch.
    pub at_us: u64,
    /// Of which leg.
    pub leg_id: String,
    /// `sent` by Switchboard, or `received`.
    #[schema(example = "sent")]
    pub direction: &'static str,
    /// `UDP`, `TCP`, `TLS`, as its Via says.
    pub transport: String,
    /// Address and port it came from.
    pub from: String,
    /// Address and port it went to.
    pub to: String,
    /// What it is, in a few words.
    pub summary: String,
    /// The same message passed before: a retransmission.
    pub retransmission: bool,
    /// All of it.
    pub message: String,
}

impl From<Arrow> for LadderMessage {
    fn from(arrow: Arrow) -> Self {
        Self {
            at: Instant(arrow.at_us / 1_000),
            at_us: arrow.at_us,
            leg_id: arrow.leg.to_string(),
            direction: if arrow.sent { "sent" } else { "received" },
            transport: arrow.transport,
            from: arrow.from.to_string(),
            to: arrow.to.to_string(),
            summary: arrow.label,
            retransmission: arrow.again,
            message: arrow.message,
        }
    }
}

/// The SIP messages of a call, as JSON, text, SVG or pcap; kept for `ladder.keep_days`.
#[utoipa::path(get, path = "/call-records/{id}/ladder", tag = "call-records",
    params(("id" = String, Path), LadderQuery),
    responses((status = 200, body = LadderShown),
        (status = 410, description = "its messages are not kept (any more)")))]
async fn read_ladder(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<LadderQuery>,
) -> Result<Response, Problem> {
    let document = find(&api, &principal, &id).await?;
    principal.sees_numbers()?;
    let ladder = read(&api, &document).await?;
    if ladder.arrows.is_empty() {
        return Err(Problem::new(
            Kind::Gone,
            "no SIP message of this call is kept; ladder.keep_days says for how long they are",
        ));
    }
    Ok(match query.format {
        LadderFormat::Json => Json(LadderShown {
            call_id: id,
            truncated: ladder.truncated,
            messages: ladder.arrows.into_iter().map(LadderMessage::from).collect(),
        })
        .into_response(),
        LadderFormat::Text => shown("text/plain; charset=utf-8", ladder.to_text()),
        LadderFormat::Svg => shown("image/svg+xml", ladder.to_svg()),
        LadderFormat::Pcap => {
            let mut response = shown("application/vnd.tcpdump.pcap", ladder.to_pcap());
            let name = format!("attachment; filename=\"{}.pcap\"", document.record.call);
            let name = HeaderValue::try_from(name).expect("a ULID is a header value");
            response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            response
        }
    })
}

fn shown(kind: &'static str, body: impl IntoResponse) -> Response {
    // The messages come from outside: nothing in them may run in the browser of who looks.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    let headers: [(HeaderName, &'static str); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}

async fn read(api: &Api, document: &CallDocument) -> Result<Ladder, Problem> {
    let from_ms = document.record.created_at_ms;
    let to_ms = document.record.end.as_ref().map_or_else(unix_ms, |end| end.at_ms);
    let legs: Vec<LadderLeg> = document.legs.iter().filter(|leg| !leg.sip_call_id.is_empty()).map(ladder_leg).collect();
    let captures = api.captures().clone();
    let call_ids: Vec<String> = legs.iter().map(|leg| leg.call_id.clone()).collect();
    let captured = tokio::task::spawn_blocking(move || {
        let call_ids: Vec<&str> = call_ids.iter().map(String::as_str).collect();
        captures.of_dialogs(&call_ids, from_ms, to_ms)
    });
    let captured = captured.await.map_err(|error| Problem::internal(&error))?;
    Ok(Ladder::new(legs, captured.map_err(|error| Problem::internal(&error))?))
}

fn ladder_leg(leg: &CallLeg) -> LadderLeg {
    let kind = match leg.peer {
        PeerKind::Extension => "extension",
        PeerKind::Trunk => "trunk",
        PeerKind::Service => "service",
    };
    LadderLeg {
        leg: leg.leg,
        name: format!("{} ({kind})", leg.peer_name),
        caller_side: leg.caller_side,
        call_id: leg.sip_call_id.clone(),
    }
}

//! How a trunk stands, and a test of it.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use switch::input::Command;
use switch::output::{Done, TrunkTest};
use switch::view::{TrunkAnswer, TrunkLaneView, TrunkRegistrationView, TrunkStanding, TrunkTargetView, TrunkView};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{Path, Principal, Problem, TRUNKS_READ, TRUNKS_WRITE, Trunk};
use crate::http::operation::{Guard, Operations};
use crate::http::state::Api;
use crate::http::time_text::Instant;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(TRUNKS_READ), routes!(read_trunk_status))
        .add(Guard::Needs(TRUNKS_WRITE), routes!(test_trunk))
}

/// How a trunk stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrunkState {
    /// Nothing was heard yet, or it is neither registered with nor asked whether it is there.
    Unknown,
    /// It is registered with, and answers, as far as either is asked for.
    Up,
    /// No address answers, or the registration ran out or was never granted.
    Down,
    /// It is switched off.
    Disabled,
}

/// A trunk as it stands now.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkStatus {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: TrunkState,
    /// Since when.
    pub since: Instant,
    /// Why it is down; empty otherwise.
    pub reason: String,
    /// Our registration; null where we do not register.
    pub registration: Option<TrunkRegistration>,
    /// Its addresses, best first; none while its host does not resolve.
    pub targets: Vec<TrunkTarget>,
    /// The last 16 things that went wrong, the oldest first.
    pub errors: Vec<TrunkAnswered>,
    /// Calls from it.
    pub inbound: TrunkCounts,
    /// Calls by it.
    pub outbound: TrunkCounts,
}

/// Our registration with a trunk.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkRegistration {
    /// Whom we register.
    #[schema(example = "sip:02012345678@sip.carrier.example")]
    pub address_of_record: String,
    /// Until when the carrier has us; null while it has not.
    pub registered_until: Option<Instant>,
    /// When we ask next; null while an answer is awaited.
    pub next_at: Option<Instant>,
    /// Failures in a row.
    pub failures: u32,
}

/// One address of a trunk.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkTarget {
    /// The address and port.
    #[schema(example = "192.0.2.10:5060")]
    pub address: String,
    /// Calls leave it out.
    pub left_out: bool,
    /// Unanswered questions in a row.
    pub misses: u32,
    /// What the last OPTIONS came to; null before the first.
    pub last: Option<TrunkAnswered>,
}

/// What a request of ours came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkAnswered {
    /// When.
    pub at: Instant,
    /// The final status; null where no answer came.
    pub status: Option<u16>,
    /// What it means.
    #[schema(example = "403 Forbidden")]
    pub text: String,
    /// From the request to the answer; null where none came.
    pub round_trip_ms: Option<f64>,
}

/// Calls one way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkCounts {
    /// Live legs.
    pub live: u32,
    /// Legs since the trunk was set up or the process began.
    pub total: u64,
    /// Calls turned away by its limits.
    pub refused: u64,
}

/// What a test of a trunk brought.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkTested {
    /// Each of its addresses; none while its host does not resolve.
    pub targets: Vec<TrunkTargetTested>,
    /// What the REGISTER came to; null where we do not register.
    pub registration: Option<TrunkAnswered>,
}

/// What the OPTIONS to an address came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkTargetTested {
    /// The address and port.
    pub address: String,
    /// What came back.
    pub answer: TrunkAnswered,
}

impl From<&TrunkView> for TrunkStatus {
    fn from(view: &TrunkView) -> Self {
        Self {
            name: view.trunk.clone(),
            state: match view.standing {
                TrunkStanding::Unknown => TrunkState::Unknown,
                TrunkStanding::Up => TrunkState::Up,
                TrunkStanding::Down => TrunkState::Down,
                TrunkStanding::Disabled => TrunkState::Disabled,
            },
            since: Instant(view.since_ms),
            reason: view.reason.clone(),
            registration: view.registration.as_ref().map(TrunkRegistration::from),
            targets: view.targets.iter().map(TrunkTarget::from).collect(),
            errors: view.troubles.iter().map(TrunkAnswered::from).collect(),
            inbound: view.inbound.into(),
            outbound: view.outbound.into(),
        }
    }
}

impl From<&TrunkRegistrationView> for TrunkRegistration {
    fn from(view: &TrunkRegistrationView) -> Self {
        Self {
            address_of_record: view.address_of_record.clone(),
            registered_until: view.until_ms.map(Instant),
            next_at: view.next_ms.map(Instant),
            failures: view.failures,
        }
    }
}

impl From<&TrunkTargetView> for TrunkTarget {
    fn from(view: &TrunkTargetView) -> Self {
        Self {
            address: view.address.to_string(),
            left_out: view.is_out,
            misses: view.misses,
            last: view.last.as_ref().map(TrunkAnswered::from),
        }
    }
}

impl From<&TrunkAnswer> for TrunkAnswered {
    fn from(answer: &TrunkAnswer) -> Self {
        Self {
            at: Instant(answer.at_ms),
            status: Some(answer.status).filter(|status| *status != 0),
            text: answer.text.clone(),
            round_trip_ms: answer.round_trip_us.map(|us| std::time::Duration::from_micros(us).as_secs_f64() * 1_000.0),
        }
    }
}

impl From<TrunkLaneView> for TrunkCounts {
    fn from(view: TrunkLaneView) -> Self {
        Self { live: view.live, total: view.total, refused: view.refused }
    }
}

impl From<&TrunkTest> for TrunkTested {
    fn from(test: &TrunkTest) -> Self {
        let target = |(address, answer): &(std::net::SocketAddr, TrunkAnswer)| TrunkTargetTested {
            address: address.to_string(),
            answer: answer.into(),
        };
        Self {
            targets: test.targets.iter().map(target).collect(),
            registration: test.registration.as_ref().map(TrunkAnswered::from),
        }
    }
}

/// How a trunk stands: its registration, its addresses, what went wrong last, its calls.
#[utoipa::path(get, path = "/trunks/{name}/status", tag = "trunks", params(("name" = String, Path)),
    responses((status = 200, body = TrunkStatus)))]
async fn read_trunk_status(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Json<TrunkStatus>, Problem> {
    // A trunk that is set and not shown yet is one that the switch takes over just now.
    let stored = api.store().get::<Trunk>(&principal.tenant, &name).await?;
    let view = api.live().trunk(&principal.tenant, stored.value.name.as_str());
    let starting = || Problem::new(super::Kind::Unavailable, "the switch takes the trunk over just now").retry_after(1);
    view.map(|view| Json(TrunkStatus::from(&*view))).ok_or_else(starting)
}

/// Tests a trunk: sends an OPTIONS to each of its addresses at once and, where we register, a REGISTER, and tells what came back.
/// Takes up to 10 s where nothing does.
#[utoipa::path(post, path = "/trunks/{name}/test", tag = "trunks", params(("name" = String, Path)),
    responses((status = 200, body = TrunkTested)))]
async fn test_trunk(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Json<TrunkTested>, Problem> {
    let trunk = name.parse().map_err(|_| Problem::not_found("trunk"))?;
    match api.switch().command(principal.tenant, Command::TestTrunk(trunk)).await? {
        Done::TrunkTested(test) => Ok(Json(TrunkTested::from(&*test))),
        Done::Ok | Done::Call(_) | Done::Parked(_) => {
            Err(Problem::internal(&"the switch tested a trunk without saying what came back"))
        }
    }
}

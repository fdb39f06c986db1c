//! Whether the process lives and can take calls: `/healthz`, `/readyz`, and `system` for people.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use switch::input::Admission;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::operation::{Guard, Operations};
use super::permission::SYSTEM_READ;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;
use crate::store::unix_ms;

/// The operations at the root: for supervisors and load balancers.
#[must_use]
pub fn root_operations() -> Operations {
    Operations::new().add(Guard::Public, routes!(alive)).add(Guard::Public, routes!(ready))
}

/// The operations below the base.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(SYSTEM_READ), routes!(read_system))
}

/// What the shell says of itself. Set by the parts as they come up and go down.
#[derive(Debug)]
pub struct Health {
    started_ms: u64,
    state: RwLock<Now>,
}

#[derive(Clone, Copy, Debug)]
struct Now {
    sip: SipSockets,
    admission: Admission,
}

/// Whether SIP is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SipSockets {
    /// Not bound yet, or closed.
    Down,
    /// All bound.
    Up,
}

impl Health {
    /// A process that has just started.
    #[must_use]
    pub fn new() -> Self {
        let state = Now { sip: SipSockets::Down, admission: Admission::Open };
        Self { started_ms: unix_ms(), state: RwLock::new(state) }
    }

    /// Whether SIP is heard from now on.
    pub fn set_sip(&self, sip: SipSockets) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).sip = sip;
    }

    /// Whether new calls are accepted from now on.
    pub fn set_admission(&self, admission: Admission) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).admission = admission;
    }

    fn now(&self) -> Now {
        *self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// One thing that must be well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// `sip`, `journal`, `database` or `admission`.
    pub name: &'static str,
    /// It is well.
    pub ok: bool,
    /// What to do where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'static str>,
}

/// Whether calls can be taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// All checks are well.
    pub ready: bool,
    /// Each.
    pub checks: Vec<Check>,
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub struct SystemShown {
    /// Its version.
    pub version: &'static str,
    /// When it started.
    pub started_at: Instant,
    /// Its clock.
    pub now: Instant,
    /// What must be well.
    pub readiness: Readiness,
    /// Live calls of the whole process.
    pub calls: usize,
    /// Registered phones of the whole process.
    pub registrations: usize,
    /// Banned addresses.
    pub bans: usize,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
async fn alive() -> &'static str {
    "ok\n"
}

/// The process can take calls: SIP sockets, journal and database are well, and new calls are accepted.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(api): State<Api>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness(&api).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// How the process is, for people.
#[utoipa::path(get, path = "/system", tag = "system", responses((status = 200, body = SystemShown)))]
async fn read_system(State(api): State<Api>) -> Result<Json<SystemShown>, Problem> {
    let counts = api.live().counts();
    Ok(Json(SystemShown {
        version: env!("CARGO_PKG_VERSION"),
        started_at: Instant(api.health().started_ms),
        now: Instant(unix_ms()),
        readiness: readiness(&api).await,
        calls: counts.calls,
        registrations: counts.registrations,
        bans: counts.bans,
    }))
}

/// A database that takes longer counts as away.
const PING: Duration = Duration::from_secs(2);

async fn readiness(api: &Api) -> Readiness {
    let state = api.health().now();
    let database = matches!(tokio::time::timeout(PING, api.store().ping()).await, Ok(Ok(())));
    let journal = state.admission != Admission::JournalFailed && api.journals().all(|journal| !journal.is_broken());
    let checks = vec![
        check("sip", state.sip == SipSockets::Up, "a SIP socket is not open; see the log"),
        check("journal", journal, "the log of facts cannot be written; mend the disk, then restart"),
        check("database", database, "the database does not answer; calls go on, records come late"),
        admission(state.admission),
    ];
    Readiness { ready: checks.iter().all(|check| check.ok), checks }
}

fn admission(admission: Admission) -> Check {
    let detail = match admission {
        Admission::Open => return check("admission", true, ""),
        Admission::DiskLow => "the disk is below its floor; free some space",
        Admission::JournalFailed => "the log of facts cannot be written; mend the disk, then restart",
        Admission::Draining => "the process is about to stop",
    };
    check("admission", false, detail)
}

fn check(name: &'static str, ok: bool, detail: &'static str) -> Check {
    Check { name, ok, detail: (!ok).then_some(detail) }
}

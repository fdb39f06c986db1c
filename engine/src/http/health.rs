//! Whether the process lives and can take calls: `/healthz` and `/readyz`.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use switch::input::Admission;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::operation::{Guard, Operations};
use super::state::Api;
use crate::acme::Renewals;
use crate::config::Config;
use crate::passed::Passed;
use crate::store::unix_ms;
use crate::tls::{Certificates, Validity};

/// The operations at the root: for supervisors and load balancers.
#[must_use]
pub fn root_operations() -> Operations {
    Operations::new().add(Guard::Public, routes!(alive)).add(Guard::Public, routes!(ready))
}

/// What the shell says of itself. Set by the parts as they come up and go down.
#[derive(Debug)]
pub struct Health {
    started_ms: u64,
    state: RwLock<Now>,
    parts: RwLock<Told>,
}

/// What parts of the shell have told.
#[derive(Clone, Debug, Default)]
struct Told {
    certificates: Option<Arc<Certificates>>,
    folders: Vec<(&'static str, PathBuf)>,
    passed: Passed,
    renewals: Renewals,
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
        Self { started_ms: unix_ms(), state: RwLock::new(state), parts: RwLock::default() }
    }

    /// One that shows the room where these data lie.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let folders = vec![("data", config.data_dir.clone()), ("recordings", config.recording.dir.clone())];
        Self { parts: RwLock::new(Told { folders, ..Told::default() }), ..Self::new() }
    }

    /// Whether SIP is heard from now on.
    pub fn set_sip(&self, sip: SipSockets) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).sip = sip;
    }

    /// Whether new calls are accepted from now on.
    pub fn set_admission(&self, admission: Admission) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).admission = admission;
    }

    /// These certificates are shown.
    pub fn set_certificates(&self, certificates: Arc<Certificates>) {
        self.parts.write().unwrap_or_else(PoisonError::into_inner).certificates = Some(certificates);
    }

    /// When the process started, ms since the Unix epoch.
    #[must_use]
    pub fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// For how long each certificate is valid.
    #[must_use]
    pub fn certificates(&self) -> Vec<Validity> {
        self.told().certificates.map(|certificates| certificates.validity()).unwrap_or_default()
    }

    /// Whether what is shown to who asks for this host by TLS signed itself.
    #[must_use]
    pub fn is_self_signed(&self, host: &str) -> bool {
        self.told().certificates.is_some_and(|certificates| certificates.is_self_signed(host))
    }

    /// Folders whose room is shown.
    #[must_use]
    pub fn folders(&self) -> Vec<(&'static str, PathBuf)> {
        self.told().folders
    }

    /// How far plugins are.
    #[must_use]
    pub fn passed(&self) -> Passed {
        self.told().passed
    }

    /// How it stands with certificates that an authority gives.
    #[must_use]
    pub fn renewals(&self) -> Renewals {
        self.told().renewals
    }

    fn told(&self) -> Told {
        self.parts.read().unwrap_or_else(PoisonError::into_inner).clone()
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

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
async fn alive() -> &'static str {
    "ok\n"
}

/// The process can take calls: SIP sockets, journal and database are well, and new calls are accepted. 503 with the same body where not.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Readiness)))]
async fn ready(State(api): State<Api>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness(&api).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// A database that takes longer counts as away.
const PING: Duration = Duration::from_secs(2);

pub(super) async fn readiness(api: &Api) -> Readiness {
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

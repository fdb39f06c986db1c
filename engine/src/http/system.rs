//! `system`: how the process and what it leans on are, for people.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use recordings::disk_space;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::health::{Readiness, readiness};
use super::operation::{Guard, Operations};
use super::permission::SYSTEM_READ;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;
use crate::acme::Renewal;
use crate::consumers::call_records;
use crate::store::{DatabaseKind, Store, unix_ms};
use crate::tls::Validity;

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(SYSTEM_READ), routes!(read_system))
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
    /// The database.
    pub database: DatabaseShown,
    /// The file systems of the data folder and of the recordings.
    pub disks: Vec<DiskShown>,
    /// The certificates of SIP over TLS and HTTPS.
    pub certificates: Vec<CertificateShown>,
    /// How it stands with those that an authority gives (`[acme]`), one for each name.
    pub renewals: Vec<RenewalShown>,
    /// The log of facts of the own tenant; null where it is not open yet.
    pub journal: Option<JournalShown>,
}

/// The database.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatabaseShown {
    /// Which kind.
    pub kind: DatabaseKind,
    /// It answers.
    pub ok: bool,
    /// The last step of the schema that it has taken; null while it does not answer.
    pub schema: Option<i64>,
    /// The last step that this version knows.
    pub schema_known: i64,
}

/// Room on a file system.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiskShown {
    /// `data` or `recordings`.
    pub name: &'static str,
    /// Where it is.
    pub path: String,
    /// What may still be written.
    pub free_bytes: u64,
    /// All of it.
    pub total_bytes: u64,
}

/// A certificate.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateShown {
    /// The name for which it is shown; null: for all others.
    pub name: Option<String>,
    /// Its file.
    pub path: String,
    /// Who signed it.
    #[schema(example = "C=US, O=Let's Encrypt, CN=E7")]
    pub issuer: String,
    /// It signed itself: browsers warn about it unless they were told to believe it.
    pub self_signed: bool,
    /// From when on it is valid.
    pub not_before: Instant,
    /// Until when.
    pub not_after: Instant,
    /// Days that are left; negative once it has expired.
    pub days_left: i64,
}

impl From<Validity> for CertificateShown {
    fn from(validity: Validity) -> Self {
        let left_ms = i128::from(validity.not_after_ms) - i128::from(unix_ms());
        Self {
            name: validity.name,
            path: validity.path.display().to_string(),
            issuer: validity.issuer,
            self_signed: validity.self_signed,
            not_before: Instant(validity.not_before_ms),
            not_after: Instant(validity.not_after_ms),
            days_left: i64::try_from(left_ms.div_euclid(DAY_MS)).unwrap_or(i64::MAX),
        }
    }
}

/// A certificate that an authority gives, or is to give.
#[derive(Debug, Serialize, ToSchema)]
pub struct RenewalShown {
    /// The name.
    #[schema(example = "pbx.example.com")]
    pub name: String,
    /// When the authority is asked next.
    pub next_at: Instant,
    /// When the last try was, if it failed.
    pub failed_at: Option<Instant>,
    /// Why it failed.
    pub failure: Option<String>,
}

impl From<Renewal> for RenewalShown {
    fn from(renewal: Renewal) -> Self {
        let (failed_at, failure) = renewal.failure.map(|failure| (Instant(failure.at_ms), failure.reason)).unzip();
        Self { name: renewal.name, next_at: Instant(renewal.next_ms), failed_at, failure }
    }
}

/// The log of facts.
#[derive(Debug, Serialize, ToSchema)]
pub struct JournalShown {
    /// The place of the last fact.
    #[schema(example = "default.3.1042")]
    pub head: String,
    /// The last fact that a power cut would spare.
    pub durable: u64,
    /// It can be written.
    pub ok: bool,
    /// Who reads it.
    pub consumers: Vec<ConsumerShown>,
}

/// A reader of the log of facts.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsumerShown {
    /// `call-records`, or the name of a plugin.
    pub name: String,
    /// Facts that it has yet to read; null where nobody knows: the database is away, or the plugin has not asked yet.
    pub lag: Option<u64>,
}

const DAY_MS: i128 = 86_400_000;

/// How the process is, for people.
#[utoipa::path(get, path = "/system", tag = "system", responses((status = 200, body = SystemShown)))]
async fn read_system(
    State(api): State<Api>,
    principal: super::principal::Principal,
) -> Result<Json<SystemShown>, Problem> {
    let counts = api.live().counts();
    let readiness = readiness(&api).await;
    let ok = readiness.checks.iter().any(|check| check.name == "database" && check.ok);
    let journal = match api.journal(&principal.tenant) {
        Ok(journal) => {
            let head = journal.head();
            let records =
                if ok { api.store().cursor(&principal.tenant, call_records::CONSUMER).await.ok() } else { None };
            let lag = |at: u64| head.number.saturating_sub(at);
            let own = ConsumerShown { name: call_records::CONSUMER.to_owned(), lag: records.map(|at| lag(at.number)) };
            let plugins = api.health().passed().of_tenant(&principal.tenant);
            let plugins = plugins.into_iter().map(|(name, at)| ConsumerShown { name, lag: Some(lag(at.number)) });
            let consumers = [own].into_iter().chain(plugins).collect();
            Some(JournalShown {
                head: head.to_string(),
                durable: journal.durable(),
                ok: !journal.is_broken(),
                consumers,
            })
        }
        Err(_) => None,
    };
    let certificates = api.health().certificates();
    Ok(Json(SystemShown {
        version: env!("CARGO_PKG_VERSION"),
        started_at: Instant(api.health().started_ms()),
        now: Instant(unix_ms()),
        readiness,
        calls: counts.calls,
        registrations: counts.registrations,
        bans: counts.bans,
        database: DatabaseShown {
            kind: api.store().kind(),
            ok,
            schema: if ok { api.store().schema_step().await.ok() } else { None },
            schema_known: Store::LAST_STEP,
        },
        disks: disks(api.health().folders()),
        certificates: certificates.into_iter().map(CertificateShown::from).collect(),
        renewals: api.health().renewals().all().into_iter().map(RenewalShown::from).collect(),
        journal,
    }))
}

/// A folder that the system says nothing of is left out.
fn disks(folders: Vec<(&'static str, PathBuf)>) -> Vec<DiskShown> {
    let shown = |(name, path): (&'static str, PathBuf)| {
        let space = disk_space(&path).ok()?;
        let (free_bytes, total_bytes) = (space.free_bytes, space.total_bytes);
        Some(DiskShown { name, path: path.display().to_string(), free_bytes, total_bytes })
    };
    folders.into_iter().filter_map(shown).collect()
}

//! What every operation works on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};

use dialplan::park::Park;
use hooks::id::TenantId;
use metrics_exporter_prometheus::PrometheusHandle;
use recordings::Storage;
use switch::config::TenantConfig;
use tokio::sync::{Mutex, Semaphore};

use super::health::Health;
use super::permission::Registry;
use super::problem::Problem;
use super::recording::Uses;
use super::sip_credential::Browsers;
use super::throttle::Throttle;
use super::wallboard::{Abnormal, Boards};
use crate::events::Parked;
use crate::journal::JournalHandle;
use crate::ladder::Captures;
use crate::live::{Live, SwitchHandle};
use crate::locations::Locations;
use crate::lookups::Hooks;
use crate::names::Names;
use crate::oidc::Oidc;
use crate::plugins::Desks;
use crate::prompts::PromptLibrary;
use crate::secrets::SecretKey;
use crate::sms::Sms;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::tenant_config::{self, Build, BuildError, Built};
use crate::webhooks::Webhooks;

/// What the shell gives the API.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The switch's published snapshots.
    pub live: Arc<Live>,
    /// The way to the writer.
    pub switch: Arc<dyn SwitchHandle>,
    /// The journal of each tenant.
    pub journals: BTreeMap<TenantId, JournalHandle>,
    /// Where recordings are kept.
    pub storage: Storage,
    /// What is played to callers.
    pub prompts: Arc<PromptLibrary>,
    /// The SIP messages that are kept.
    pub captures: Captures,
    /// For secrets that are stored and sent.
    pub secret_key: Arc<SecretKey>,
    /// How the process is.
    pub health: Arc<Health>,
    /// The counters of the process.
    pub metrics: PrometheusHandle,
    /// The digest realm: `sip.domain`.
    pub realm: String,
    /// Calls between extensions are recorded in every tenant.
    pub record_internal: bool,
    /// Where hosts are.
    pub names: Arc<Names>,
    /// `ice.servers`: what browsers are told.
    pub ice_servers: Vec<String>,
    /// `[park]`: where callers are parked.
    pub park: Park,
    /// `[wallboard]`: which talks are abnormal.
    pub abnormal: Abnormal,
    /// Who answers lookups.
    pub hooks: Arc<Hooks>,
    /// Every permission key and field there is.
    pub registry: Arc<Registry>,
    /// Exports and imports.
    pub tasks: Tasks,
    /// The gateway of short messages, where there is one.
    pub sms: Option<Sms>,
    /// Who else says who somebody is, where there is one.
    pub oidc: Option<Oidc>,
    /// Where plugins answer requests.
    pub desks: Desks,
    /// Where numbers are at home.
    pub locations: Arc<Locations>,
    /// What sends events to webhooks.
    pub webhooks: Webhooks,
}

/// [`Parts`] and what the API keeps for itself. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    parts: Parts,
    record_internal: AtomicBool,
    turns: StdMutex<BTreeMap<TenantId, Arc<Mutex<()>>>>,
    throttle: Throttle,
    hashing: Semaphore,
    uses: Uses,
    streams: Arc<Semaphore>,
    parked: Parked,
    browsers: Browsers,
    boards: Boards,
    document: OnceLock<String>,
}

/// Password hashes computed at a time: each takes 19 MiB and a core for some 20 ms.
const HASHES_MAX: usize = 2;
/// WebSockets for events open at a time in the process; beyond: 503.
const STREAMS_MAX: usize = 1_024;

impl Api {
    /// Over the parts of a process.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        parts.tasks.mask_by(Arc::clone(&parts.hooks));
        Self(Arc::new(Inner {
            record_internal: AtomicBool::new(parts.record_internal),
            parts,
            turns: StdMutex::default(),
            throttle: Throttle::default(),
            hashing: Semaphore::new(HASHES_MAX),
            uses: Uses::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            parked: Parked::default(),
            browsers: Browsers::default(),
            boards: Boards::default(),
            document: OnceLock::new(),
        }))
    }

    /// Where plugins answer requests.
    #[must_use]
    pub fn desks(&self) -> &Desks {
        &self.0.parts.desks
    }

    /// Where numbers are at home.
    #[must_use]
    pub fn locations(&self) -> &Locations {
        &self.0.parts.locations
    }

    /// The OpenAPI document as it is served, plugins included.
    #[must_use]
    pub fn document(&self) -> &str {
        self.0.document.get_or_init(|| super::document::text(&super::openapi(&self.desks().plugins())))
    }

    /// What is read once for all who look at boards.
    #[must_use]
    pub fn boards(&self) -> &Boards {
        &self.0.boards
    }

    /// Which talks are abnormal.
    #[must_use]
    pub fn abnormal(&self) -> Abnormal {
        self.0.parts.abnormal
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// The switch's published snapshots.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.0.parts.live
    }

    /// The way to the writer.
    #[must_use]
    pub fn switch(&self) -> &dyn SwitchHandle {
        &*self.0.parts.switch
    }

    /// A tenant's journal.
    ///
    /// # Errors
    /// When it is not open, which only a tenant made a moment ago can see.
    pub fn journal(&self, tenant: &TenantId) -> Result<&JournalHandle, Problem> {
        let journal = self.0.parts.journals.get(tenant);
        journal.ok_or_else(|| Problem::not_found("log of events; it opens with the next start"))
    }

    /// All journals.
    pub fn journals(&self) -> impl Iterator<Item = &JournalHandle> {
        self.0.parts.journals.values()
    }

    /// Where recordings are kept.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.0.parts.storage
    }

    /// What is played to callers.
    #[must_use]
    pub fn prompts(&self) -> &PromptLibrary {
        &self.0.parts.prompts
    }

    /// The SIP messages that are kept.
    #[must_use]
    pub fn captures(&self) -> &Captures {
        &self.0.parts.captures
    }

    /// For secrets that are stored and sent.
    #[must_use]
    pub fn secret_key(&self) -> &SecretKey {
        &self.0.parts.secret_key
    }

    /// How the process is.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.parts.health
    }

    /// The counters of the process.
    #[must_use]
    pub fn metrics(&self) -> &PrometheusHandle {
        &self.0.parts.metrics
    }

    /// The digest realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.0.parts.realm
    }

    /// Whether calls between extensions are recorded in every tenant; for the settings built from now on.
    pub fn set_record_internal(&self, record: bool) {
        self.0.record_internal.store(record, Ordering::Release);
    }

    /// Sign-in tries.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Permits for password hashes.
    #[must_use]
    pub fn hashing(&self) -> &Semaphore {
        &self.0.hashing
    }

    /// Which uses of recordings were logged a moment ago.
    #[must_use]
    pub fn uses(&self) -> &Uses {
        &self.0.uses
    }

    /// Permits for event streams.
    #[must_use]
    pub fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    /// Feeds of pulling clients between their requests.
    #[must_use]
    pub fn parked(&self) -> &Parked {
        &self.0.parked
    }

    /// The sessions with which SIP credentials live.
    #[must_use]
    pub fn browsers(&self) -> &Browsers {
        &self.0.browsers
    }

    /// Who answers lookups.
    #[must_use]
    pub fn hooks(&self) -> &Hooks {
        &self.0.parts.hooks
    }

    /// Every permission key and field there is.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.parts.registry
    }

    /// Exports and imports.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.0.parts.tasks
    }

    /// The gateway of short messages, where there is one.
    #[must_use]
    pub fn sms(&self) -> Option<&Sms> {
        self.0.parts.sms.as_ref()
    }

    /// Who else says who somebody is, where there is one.
    #[must_use]
    pub fn oidc(&self) -> Option<&Oidc> {
        self.0.parts.oidc.as_ref()
    }

    /// What sends events to webhooks.
    #[must_use]
    pub fn webhooks(&self) -> &Webhooks {
        &self.0.parts.webhooks
    }

    /// STUN and TURN servers for browsers.
    #[must_use]
    pub fn ice_servers(&self) -> &[String] {
        &self.0.parts.ice_servers
    }

    /// The lock by which changes of one tenant's settings take turns. There are as many as tenants that changed something.
    #[must_use]
    pub fn turn(&self, tenant: &TenantId) -> Arc<Mutex<()>> {
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(tenant.clone()).or_default())
    }

    /// A tenant's settings as the switch wants them; what an administrator should know goes to the log.
    ///
    /// # Errors
    /// When the database is away or holds something unreadable.
    pub async fn tenant_config(&self, tenant: &TenantId) -> Result<TenantConfig, Problem> {
        let built = self.build_tenant(tenant).await?;
        for warning in built.warnings {
            tracing::warn!(%tenant, "{warning}");
        }
        Ok(built.config)
    }

    /// As [`Self::tenant_config`], without a word in the log.
    ///
    /// # Errors
    /// As [`Self::tenant_config`].
    pub async fn build_tenant(&self, tenant: &TenantId) -> Result<Built, Problem> {
        let with = Build {
            key: self.secret_key(),
            domain: self.realm(),
            record_internal: self.0.record_internal.load(Ordering::Acquire),
            park: &self.0.parts.park,
            names: &self.0.parts.names,
        };
        tenant_config::build(self.store(), tenant, &with).await.map_err(|error| match error {
            BuildError::Store(error) => Problem::from(error),
        })
    }
}

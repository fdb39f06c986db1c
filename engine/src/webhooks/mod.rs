//! Webhooks: the push side of the events. Each endpoint is sent what it wants of its tenant's log, in order and one at a time, as CloudEvents
//! signed by the Standard Webhooks scheme.
//!
//! Every endpoint has a consumer of its own, with a cursor of its own in the database and at most one connection that is in use: one
//! that is slow or away holds no other, and no call. At least once: what was taken and not yet noted when the process is killed is sent again,
//! with the same `webhook-id`.

mod consumer;
pub mod pattern;
pub mod retry;
pub mod secret;
mod send;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hooks::id::TenantId;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::WebhookConfig;
use crate::http::state::Api;
use crate::names::Names;
use crate::store::StoreError;
use crate::store::webhooks::Webhook;
use crate::tls::TlsClient;
use crate::web_client::{Reach, WebClient};
use consumer::Consumer;
pub use send::{Attempt, BODY_MAX, Message, Target, Verdict};

/// How often it is looked whether there is a webhook that nobody told of.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long an attempt that runs may take on when the process stops; one that is cut off is made again.
const STOP_MAX: Duration = Duration::from_secs(3);
/// Tests and dead letters that are sent at a time by request; beyond: 503.
const BY_REQUEST_MAX: usize = 8;
/// Bytes of a URL.
const URL_MAX: usize = 2_000;
/// What lets webhooks go to more servers.
const MEND: &str = "set allow_private of the webhook, which `[webhooks]` of the configuration must allow";

/// What sends, for consumers and for the API.
pub struct Webhooks {
    config: WebhookConfig,
    public: WebClient,
    private: WebClient,
    changes: watch::Sender<u64>,
    by_request: Arc<Semaphore>,
}

impl Webhooks {
    /// Sends as the configuration says.
    #[must_use]
    pub fn new(config: WebhookConfig, names: Arc<Names>, tls: Arc<TlsClient>) -> Self {
        let public = WebClient::new(Reach::Public, MEND, Arc::clone(&names), Arc::clone(&tls));
        let private = WebClient::new(config.reach.clone(), MEND, names, tls);
        let by_request = Arc::new(Semaphore::new(BY_REQUEST_MAX));
        Self { config, public, private, changes: watch::Sender::new(0), by_request }
    }

    /// Whether an endpoint may be allowed to be on this machine or in a private network.
    #[must_use]
    pub fn may_be_private(&self) -> bool {
        self.config.reach != Reach::Public
    }

    /// Permits for what is sent by request.
    #[must_use]
    pub fn by_request(&self) -> &Arc<Semaphore> {
        &self.by_request
    }

    /// Webhooks were made, changed, deleted or set back: their consumers look.
    pub fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Whether a text is the URL of an endpoint. A name is not resolved here, but each time it is connected to.
    ///
    /// # Errors
    /// What to write instead.
    pub fn check_url(&self, text: &str, allow_private: bool) -> Result<(), String> {
        let url = self.client(allow_private).url(text).map_err(|error| error.to_string())?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if text.len() <= URL_MAX && matches!(url.scheme(), "http" | "https") && url.has_host() && plain {
            Ok(())
        } else {
            Err("write an address as https://HOST/PATH, at most 2000 bytes, without user name and #".to_owned())
        }
    }

    fn client(&self, allow_private: bool) -> &WebClient {
        if allow_private { &self.private } else { &self.public }
    }
}

/// Whose: tenant and ID.
type Key = (TenantId, String);

/// Runs a consumer for each webhook there is, until told to stop. Dropped, all of them stop at once.
pub async fn run(api: Api, mut stopping: watch::Receiver<bool>) {
    let mut changes = api.webhooks().changes.subscribe();
    let mut tasks = JoinSet::new();
    let mut running: BTreeMap<Key, AbortHandle> = BTreeMap::new();
    while !*stopping.borrow() && stopping.has_changed().is_ok() {
        changes.borrow_and_update();
        while tasks.try_join_next().is_some() {}
        running.retain(|_, task| !task.is_finished());
        match all(&api).await {
            Ok(keys) => {
                for key in keys.into_iter().filter(|(tenant, _)| api.journal(tenant).is_ok()) {
                    running.entry(key).or_insert_with_key(|(tenant, id)| {
                        let consumer = Consumer::new(api.clone(), tenant.clone(), id.clone(), stopping.clone());
                        tasks.spawn(consumer.run())
                    });
                }
            }
            Err(error) => tracing::warn!(%error, "nobody knows which webhooks there are"),
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(LOOK_EVERY) => {}
            _ = stopping.changed() => {}
        }
    }
    let until = Instant::now() + STOP_MAX;
    while let Ok(Some(_)) = timeout_at(until, tasks.join_next()).await {}
}

async fn all(api: &Api) -> Result<Vec<Key>, StoreError> {
    let mut keys = Vec::new();
    for tenant in api.store().tenants().await? {
        let tenant = tenant.value.slug;
        let webhooks = api.store().all::<Webhook>(&tenant).await?;
        keys.extend(webhooks.into_iter().map(|webhook| (tenant.clone(), webhook.value.id)));
    }
    Ok(keys)
}

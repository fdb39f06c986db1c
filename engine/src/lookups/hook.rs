//! Who answers the lookups of hooks: the plugins first, then a web server that `[lookup]` names. Nobody who knows: the default.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::template::{Template, Variables, url_escaped};
use hooks::id::TenantId;
use hooks::lookup::{Answer, DialResolve, Lookups as Answering, NumberMask, Question};
use hooks::plugin::Plugin;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use switch::config::LookupTimes;
use switch::output::Asked;
use tokio::sync::Semaphore;

use super::{Asker, Failure};
use crate::config::HookConfig;
use crate::names::Names;
use crate::tls::TlsClient;
use crate::web_client::{Reach, WebClient};

/// Plugins that are asked at a time, and servers; a further lookup has no answer, at once. One that hangs keeps its place.
pub const HOOKS_RUNNING_MAX: usize = 64;

/// Asks whoever knows more than the engine.
pub struct Hooks {
    plugins: Vec<Arc<dyn Plugin>>,
    config: HookConfig,
    asker: Asker,
    places: Arc<Semaphore>,
}

/// What a server says to `dial.resolve`.
#[derive(Debug, Deserialize)]
struct Resolved {
    number: String,
}

impl Hooks {
    /// Those plugins that answer lookups, and the servers of the configuration.
    #[must_use]
    pub fn new(plugins: &[Arc<dyn Plugin>], config: HookConfig, names: Arc<Names>, tls: Arc<TlsClient>) -> Self {
        // The configuration names the host, and no caller can change it.
        let asker = Asker(WebClient::new(Reach::Everywhere, "", names, tls));
        let plugins = plugins.iter().filter(|plugin| plugin.lookups().is_some()).cloned().collect();
        Self { plugins, config, asker, places: Arc::new(Semaphore::new(HOOKS_RUNNING_MAX)) }
    }

    /// How long calls wait; for what nobody answers they do not.
    #[must_use]
    pub fn times(&self) -> LookupTimes {
        let if_any =
            |url: &Option<Template>| (url.is_some() || !self.plugins.is_empty()).then_some(self.config.timeout);
        LookupTimes { caller: if_any(&self.config.caller_url), authorize: if_any(&self.config.authorize_url) }
    }

    /// The answer to a question of a call, within its time.
    pub(super) async fn answer(&self, asked: &Asked) -> Option<Answer> {
        let question = asked.question.clone();
        let (url, variables) = match &question {
            Question::Caller(it) => {
                let values =
                    [("caller", it.caller.clone()), ("called", it.called.clone()), ("call", it.call.to_string())];
                (&self.config.caller_url, variables(&it.tenant, values))
            }
            Question::Authorize(it) => {
                let (extension, agent) = (it.extension.clone(), it.agent.clone().unwrap_or_default());
                let values = [
                    ("extension", extension),
                    ("agent", agent),
                    ("number", it.number.clone()),
                    ("call", it.call.to_string()),
                ];
                (&self.config.authorize_url, variables(&it.tenant, values))
            }
        };
        let hook = question.hook();
        let by_plugin = {
            let question = question.clone();
            move |plugin: &dyn Answering| match &question {
                Question::Caller(it) => plugin.caller(it).map(Answer::Caller),
                Question::Authorize(it) => plugin.authorize(it).map(Answer::Authorize),
            }
        };
        let by_server = async {
            let url = url.as_ref()?;
            match &question {
                Question::Caller(_) => self.fetch(hook, url, &variables).await.map(Answer::Caller),
                Question::Authorize(_) => self.fetch(hook, url, &variables).await.map(Answer::Authorize),
            }
        };
        self.ask(hook, asked.timeout, by_plugin, by_server).await
    }

    /// The number that a record stands for (`dial.resolve`).
    pub async fn resolve(&self, asked: DialResolve) -> Option<String> {
        let values = [("by", asked.by.clone()), ("record", asked.record.clone())];
        let variables = variables(&asked.tenant, values);
        let by_server = async {
            let url = self.config.resolve_url.as_ref()?;
            self.fetch::<Resolved>("dial.resolve", url, &variables).await.map(|resolved| resolved.number)
        };
        self.ask("dial.resolve", self.config.timeout, move |plugin| plugin.resolve(&asked), by_server).await
    }

    /// Whether a plugin says who may see a number in full (`number.mask`).
    #[must_use]
    pub fn mask_numbers(&self) -> bool {
        self.plugins.iter().filter_map(|plugin| plugin.lookups()).any(Answering::masks_numbers)
    }

    /// Which of these numbers are masked for who looks (`number.mask`): all are asked together, within one time, of the first plugin that
    /// answers. None where it is late or fails.
    pub async fn masked(&self, tenant: &TenantId, viewer: &str, numbers: BTreeSet<String>) -> BTreeSet<String> {
        let asked = |number| NumberMask { tenant: tenant.clone(), viewer: viewer.to_owned(), number };
        let asked: Vec<NumberMask> = numbers.into_iter().map(asked).collect();
        let by_plugin = move |plugin: &dyn Answering| {
            let masked = asked.iter().filter(|it| plugin.masks(it) == Some(true)).map(|it| it.number.clone());
            plugin.masks_numbers().then(|| masked.collect::<BTreeSet<_>>())
        };
        self.ask("number.mask", self.config.timeout, by_plugin, async { None }).await.unwrap_or_default()
    }

    /// Asks the plugins, on a thread where they may wait, then the server.
    async fn ask<T: Send + 'static>(
        &self,
        hook: &'static str,
        timeout: Duration,
        by_plugin: impl Fn(&dyn Answering) -> Option<T> + Send + 'static,
        by_server: impl Future<Output = Option<T>>,
    ) -> Option<T> {
        let asking = async {
            if self.plugins.is_empty() {
                return by_server.await;
            }
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                tracing::warn!(
                    hook,
                    "{HOOKS_RUNNING_MAX} lookups are running, as many as may be: this one has no answer"
                );
                return None;
            };
            let plugins = self.plugins.clone();
            let asked = tokio::task::spawn_blocking(move || {
                let _held = place;
                plugins.iter().find_map(|plugin| {
                    let answering = plugin.lookups()?;
                    catch_unwind(AssertUnwindSafe(|| by_plugin(answering))).unwrap_or_else(|_panic| {
                        tracing::error!(plugin = plugin.name(), hook, "a plugin panicked when it was asked");
                        None
                    })
                })
            });
            match asked.await.ok().flatten() {
                Some(answer) => Some(answer),
                None => by_server.await,
            }
        };
        let found = tokio::time::timeout(timeout, asking).await;
        let result = match &found {
            Ok(Some(_)) => "answered",
            Ok(None) => "unknown",
            Err(_late) => "late",
        };
        metrics::counter!("switchboard_hook_lookups_total", "hook" => hook, "result" => result).increment(1);
        found.ok().flatten()
    }

    /// Asks a server. The address may tell who calls: it is not written down.
    async fn fetch<T: DeserializeOwned>(&self, hook: &'static str, url: &Template, variables: &Variables) -> Option<T> {
        let found = self.asker.ask(&url.fill_with(variables, url_escaped)).await;
        let read = found.and_then(|json| serde_json::from_value(json).map_err(Failure::NotJson));
        read.inspect_err(|failure| tracing::info!(hook, reason = %failure, "a lookup has no answer")).ok()
    }
}

fn variables<const N: usize>(tenant: &hooks::id::TenantId, values: [(&str, String); N]) -> Variables {
    let own = [("tenant", tenant.to_string())];
    let named = |(name, value): (&str, String)| (name.parse().expect("written well here"), value);
    own.into_iter().map(named).chain(values.into_iter().map(named)).collect()
}

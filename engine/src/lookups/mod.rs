//! What calls ask of others: servers that flows name (the `lookup` step), by GET and JSON, within the time that the flow gives; and the
//! lookups of hooks ([`Hooks`]).
//!
//! A flow may put what a caller typed into the address, so it is bounded what can be asked: no server of this machine or of a private
//! network unless the configuration allows that ([`crate::web_client`]), an answer of at most [`ANSWER_MAX`].

mod hook;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header;
use serde_json::Value;
use switch::input::Input;
use switch::output::{Asked, LookUp};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::config::LookupConfig;
use crate::names::Names;
use crate::tls::TlsClient;
use crate::web_client::{Reach, WebClient, WebError};
use crate::writer::Inbox;
pub use hook::{HOOKS_RUNNING_MAX, Hooks};

/// Questions that run at a time; a further one has no answer, at once.
pub const RUNNING_MAX: usize = 256;
/// The longest answer, bytes; a longer one is none.
pub const ANSWER_MAX: usize = 64 << 10;
/// What lets flows ask more servers.
const MEND: &str = "lookup.allow_private lets flows ask there";

/// Asks for calls.
pub struct Lookups {
    hooks: Arc<Hooks>,
    asker: Asker,
    places: Arc<Semaphore>,
    inbox: Inbox,
    runtime: Handle,
}

/// What asking takes.
#[derive(Clone)]
struct Asker(WebClient);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{RUNNING_MAX} questions are running, as many as may be")]
    Full,
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("the server answered {0}")]
    Status(u16),
    #[error("the answer is longer than {ANSWER_MAX} bytes")]
    Long,
    #[error("the answer is no JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Web(error.into())
    }
}

impl Lookups {
    /// To be called within tokio: what is asked runs there.
    #[must_use]
    pub fn new(config: &LookupConfig, hooks: Arc<Hooks>, names: Arc<Names>, tls: Arc<TlsClient>, inbox: Inbox) -> Self {
        let reach = if config.allow_private { Reach::Everywhere } else { Reach::Public };
        let asker = Asker(WebClient::new(reach, MEND, names, tls));
        Self { hooks, asker, places: Arc::new(Semaphore::new(RUNNING_MAX)), inbox, runtime: Handle::current() }
    }

    /// Asks who answers hooks; the switch is told the answer, or that there is none. Never blocks.
    pub fn ask_hook(&self, asked: Asked) {
        let (hooks, inbox) = (Arc::clone(&self.hooks), self.inbox.clone());
        self.runtime.spawn(async move {
            let answer = hooks.answer(&asked).await;
            inbox.input(Input::Answered { call: asked.question.call(), id: asked.id, answer }).await;
        });
    }

    /// Asks a server for a flow; the switch is told the answer, or that there is none. Never blocks.
    pub fn ask(&self, lookup: LookUp) {
        let (asker, inbox) = (self.asker.clone(), self.inbox.clone());
        let place = Arc::clone(&self.places).try_acquire_owned();
        self.runtime.spawn(async move {
            let found = match &place {
                Ok(_held) => asker.within(lookup.timeout, &lookup.url).await,
                Err(_full) => Err(Failure::Full),
            };
            count(found.as_ref().err());
            if let Err(failure) = &found {
                // The address may tell who calls: it is not written down.
                tracing::info!(tenant = %lookup.tenant, call = %lookup.call, reason = %failure, "a lookup of a flow has no answer");
            }
            let LookUp { call, id, .. } = lookup;
            inbox.input(Input::LookedUp { call, id, answer: found.ok() }).await;
        });
    }
}

impl Asker {
    async fn within(&self, timeout: Duration, url: &str) -> Result<Value, Failure> {
        tokio::time::timeout(timeout, self.ask(url)).await.unwrap_or(Err(Failure::Late(timeout)))
    }

    async fn ask(&self, url: &str) -> Result<Value, Failure> {
        let request = self.0.client()?.get(self.0.url(url)?).header(header::ACCEPT, "application/json");
        let mut response = request.send().await?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(Failure::Long);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

fn count(failure: Option<&Failure>) {
    let result = match failure {
        None => "answered",
        Some(Failure::Full) => "full",
        Some(Failure::Late(_)) => "late",
        Some(Failure::Web(WebError::Private(_))) => "refused",
        Some(Failure::Web(WebError::NoUrl(_) | WebError::Http(_)))
        | Some(Failure::Status(_) | Failure::Long | Failure::NotJson(_)) => "failed",
    };
    metrics::counter!("switchboard_flow_lookups_total", "result" => result).increment(1);
}

#[cfg(test)]
mod tests;

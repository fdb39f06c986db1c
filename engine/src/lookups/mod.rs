//! What calls ask of others: servers that flows name (the `lookup` step), by GET and JSON, within the time that the flow gives; and the
//! lookups of hooks ([`Hooks`]).
//!
//! A flow may put what a caller typed into the address, so it is bounded what can be asked: no server of this machine or of a private
//! network unless the configuration allows that, no redirection, no proxy, an answer of at most [`ANSWER_MAX`].

mod address;
mod hook;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url, header};
use rustls::ClientConfig;
use serde_json::Value;
use switch::input::Input;
use switch::output::{Asked, LookUp};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::config::LookupConfig;
use crate::names::Names;
use crate::tls::TlsClient;
use crate::writer::Inbox;
use address::is_public;
pub use hook::{HOOKS_RUNNING_MAX, Hooks};

/// Questions that run at a time; a further one has no answer, at once.
pub const RUNNING_MAX: usize = 256;
/// The longest answer, bytes; a longer one is none.
pub const ANSWER_MAX: usize = 64 << 10;
/// Connections that are kept for the next question to the same server, and for how long.
const IDLE_CONNECTIONS_MAX: usize = 8;
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

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
struct Asker {
    allow_private: bool,
    names: Arc<Names>,
    tls: Arc<TlsClient>,
    client: Arc<Mutex<Option<Built>>>,
}

/// A client, and the authorities that it believes.
struct Built {
    verifying: Arc<ClientConfig>,
    client: Client,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{RUNNING_MAX} questions are running, as many as may be")]
    Full,
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("`{0}` is no address of a server")]
    NoUrl(String),
    #[error(transparent)]
    Private(#[from] Private),
    #[error("the server answered {0}")]
    Status(u16),
    #[error("the answer is longer than {ANSWER_MAX} bytes")]
    Long,
    #[error("the answer is no JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("{}", chain(.0))]
    Http(reqwest::Error),
}

/// The server is none that flows may ask.
#[derive(Debug, thiserror::Error)]
#[error("{0} is an address of this machine or of a private network; lookup.allow_private lets flows ask there")]
struct Private(IpAddr);

impl Lookups {
    /// To be called within tokio: what is asked runs there.
    #[must_use]
    pub fn new(config: &LookupConfig, hooks: Arc<Hooks>, names: Arc<Names>, tls: Arc<TlsClient>, inbox: Inbox) -> Self {
        let asker = Asker { allow_private: config.allow_private, names, tls, client: Arc::default() };
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
        let url = Url::parse(url).map_err(|error| Failure::NoUrl(error.to_string()))?;
        self.check_literal(&url)?;
        let client = self.client().map_err(http)?;
        let request = client.get(url).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(http)?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(http)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(Failure::Long);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// An address that is written as a number is not resolved, so it is looked at here. However it is written (`0x7f.1`), the URL has
    /// it in its usual form.
    fn check_literal(&self, url: &Url) -> Result<(), Failure> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(ip) if !self.allow_private && !is_public(ip) => Err(Private(ip).into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// One that believes the authorities that are believed now.
    fn client(&self) -> Result<Client, reqwest::Error> {
        let verifying = self.tls.verifying();
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_ref().filter(|built| Arc::ptr_eq(&built.verifying, &verifying)) {
            Some(built) => Ok(built.client.clone()),
            None => {
                let client = self.build(&verifying)?;
                *held = Some(Built { verifying, client: client.clone() });
                Ok(client)
            }
        }
    }

    fn build(&self, verifying: &ClientConfig) -> Result<Client, reqwest::Error> {
        Client::builder()
            .tls_backend_preconfigured(verifying.clone())
            .dns_resolver(Arc::new(Public { names: Arc::clone(&self.names), allow_private: self.allow_private }))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Switchboard/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_CONNECTION)
            .build()
    }
}

/// Resolves names to addresses that may be asked: what it gives is what is connected to, so that no name that is resolved twice leads
/// elsewhere the second time.
struct Public {
    names: Arc<Names>,
    allow_private: bool,
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, allow_private) = (Arc::clone(&self.names), self.allow_private);
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            let usable = allowed(found, allow_private)?;
            let usable: Addrs = Box::new(usable.into_iter().map(|ip| (ip, 0).into()));
            Ok(usable)
        })
    }
}

/// Those that may be asked.
fn allowed(found: Vec<IpAddr>, allow_private: bool) -> Result<Vec<IpAddr>, Private> {
    let first = found.first().copied();
    let usable: Vec<IpAddr> = found.into_iter().filter(|ip| allow_private || is_public(*ip)).collect();
    match first {
        Some(first) if usable.is_empty() => Err(Private(first)),
        Some(_) | None => Ok(usable),
    }
}

/// The client's error: ours, where it was ours; never with the address, which may tell who calls.
fn http(error: reqwest::Error) -> Failure {
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        if let Some(Private(ip)) = cause.downcast_ref() {
            return Private(*ip).into();
        }
        source = cause.source();
    }
    Failure::Http(error.without_url())
}

/// An error with all its causes.
fn chain(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn count(failure: Option<&Failure>) {
    let result = match failure {
        None => "answered",
        Some(Failure::Full) => "full",
        Some(Failure::Late(_)) => "late",
        Some(Failure::Private(_)) => "refused",
        Some(Failure::NoUrl(_) | Failure::Status(_) | Failure::Long | Failure::NotJson(_) | Failure::Http(_)) => {
            "failed"
        }
    };
    metrics::counter!("switchboard_flow_lookups_total", "result" => result).increment(1);
}

#[cfg(test)]
mod tests;

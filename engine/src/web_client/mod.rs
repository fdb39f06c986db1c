//! HTTP to servers of others: one client for what flows and hooks ask and for webhooks. It follows no redirection, uses no proxy of the
//! environment, believes the authorities of `tls.ca`, and reaches only such addresses as [`Reach`] allows.
//!
//! Addresses are looked at where they are connected to: the client resolves through our own resolver, which gives it only those that may
//! be reached, so that no name that is resolved twice leads elsewhere the second time.

mod address;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use rustls::ClientConfig;
use switch::config::Network;

use crate::names::Names;
use crate::tls::TlsClient;
use address::is_public;

/// Connections that are kept for the next request to the same server, and for how long.
const IDLE_CONNECTIONS_MAX: usize = 8;
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// Which addresses may be reached beside those of the public network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// None.
    Public,
    /// Those of these networks.
    Nets(Vec<Network>),
    /// All.
    Everywhere,
}

impl Reach {
    /// Whether an address may be reached.
    #[must_use]
    pub fn allows(&self, ip: IpAddr) -> bool {
        match self {
            Self::Public => is_public(ip),
            Self::Nets(nets) => is_public(ip) || nets.iter().any(|net| net.contains(ip)),
            Self::Everywhere => true,
        }
    }
}

/// Reaches servers. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct WebClient(Arc<Inner>);

struct Inner {
    reach: Reach,
    /// What lets it reach more, for messages.
    mend: &'static str,
    names: Arc<Names>,
    tls: Arc<TlsClient>,
    built: Mutex<Option<Built>>,
}

/// A client, and the authorities that it believes.
struct Built {
    verifying: Arc<ClientConfig>,
    client: Client,
}

/// Why a server is not reached. It never holds the address of the request, which may tell who calls.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// It is no URL.
    #[error("`{0}` is no address of a server")]
    NoUrl(String),
    /// It is none that may be reached.
    #[error(transparent)]
    Private(#[from] Private),
    /// HTTP, TLS or the network.
    #[error("{}", chain(.0))]
    Http(reqwest::Error),
}

/// The server is none that may be reached.
#[derive(Debug, thiserror::Error)]
#[error("{ip} is an address of this machine or of a private network; {mend}")]
pub struct Private {
    ip: IpAddr,
    mend: &'static str,
}

impl WebClient {
    /// One that reaches so far; `mend` says what would let it reach more.
    #[must_use]
    pub fn new(reach: Reach, mend: &'static str, names: Arc<Names>, tls: Arc<TlsClient>) -> Self {
        Self(Arc::new(Inner { reach, mend, names, tls, built: Mutex::new(None) }))
    }

    /// Reads a URL. A host that is written as a number is not resolved, so it is looked at here: however it is written (`0x7f.1`), the
    /// URL has it in its usual form.
    ///
    /// # Errors
    /// [`WebError::NoUrl`], [`WebError::Private`].
    pub fn url(&self, text: &str) -> Result<Url, WebError> {
        let url = Url::parse(text).map_err(|error| WebError::NoUrl(error.to_string()))?;
        let host = url.host_str().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(ip) if !self.0.reach.allows(ip) => Err(Private { ip, mend: self.0.mend }.into()),
            Ok(_) | Err(_) => Ok(url),
        }
    }

    /// The HTTP client, which believes the authorities that are believed now. Only for URLs of [`Self::url`].
    ///
    /// # Errors
    /// [`WebError::Http`] where it cannot be made.
    pub fn client(&self) -> Result<Client, WebError> {
        let verifying = self.0.tls.verifying();
        let mut held = self.0.built.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_ref().filter(|built| Arc::ptr_eq(&built.verifying, &verifying)) {
            Some(built) => Ok(built.client.clone()),
            None => {
                let client = self.build(&verifying).map_err(WebError::from)?;
                *held = Some(Built { verifying, client: client.clone() });
                Ok(client)
            }
        }
    }

    fn build(&self, verifying: &ClientConfig) -> Result<Client, reqwest::Error> {
        Client::builder()
            .tls_backend_preconfigured(verifying.clone())
            .dns_resolver(Arc::new(Within(Arc::clone(&self.0))))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Switchboard/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_CONNECTION)
            .build()
    }
}

/// What a server answered.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body, as far as it was read.
    pub body: Vec<u8>,
}

/// Reads an answer; of its body no more than so many bytes.
///
/// # Errors
/// [`WebError::Http`].
pub async fn read(mut response: Response, bytes_max: usize) -> Result<Answer, WebError> {
    let (status, mut body) = (response.status().as_u16(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(WebError::from)? {
        if body.len() + chunk.len() > bytes_max {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}

/// Resolves names to addresses that may be reached.
struct Within(Arc<Inner>);

impl Resolve for Within {
    fn resolve(&self, name: Name) -> Resolving {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let found = inner.names.addresses(name.as_str()).await?;
            let usable = inner.allowed(found)?;
            let usable: Addrs = Box::new(usable.into_iter().map(|ip| (ip, 0).into()));
            Ok(usable)
        })
    }
}

impl Inner {
    /// Those that may be reached.
    fn allowed(&self, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Private> {
        let first = found.first().copied();
        let usable: Vec<IpAddr> = found.into_iter().filter(|ip| self.reach.allows(*ip)).collect();
        match first {
            Some(ip) if usable.is_empty() => Err(Private { ip, mend: self.mend }),
            Some(_) | None => Ok(usable),
        }
    }
}

/// The client's error: ours, where it was ours.
impl From<reqwest::Error> for WebError {
    fn from(error: reqwest::Error) -> Self {
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            if let Some(Private { ip, mend }) = cause.downcast_ref() {
                return Private { ip: *ip, mend }.into();
            }
            source = cause.source();
        }
        Self::Http(error.without_url())
    }
}

/// An error with all its causes.
fn chain(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::network;
    use crate::tls::{Trust, Trusted};

    fn client(reach: Reach) -> WebClient {
        let trust = Trust { ca: "/nowhere".into(), unverified_hosts: std::collections::BTreeSet::default() };
        let tls = Arc::new(TlsClient::new(Trusted::read(trust).unwrap()).unwrap());
        WebClient::new(reach, "allow it", Arc::new(Names::default()), tls)
    }

    #[test]
    fn of_several_addresses_those_are_reached_that_may_be() {
        let ips = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let public = client(Reach::Public).0;
        assert_eq!(public.allowed(ips(&["10.0.0.1", "8.8.8.8"])).unwrap(), ips(&["8.8.8.8"]));
        let refused = public.allowed(ips(&["10.0.0.1", "::1"])).unwrap_err();
        assert_eq!(refused.to_string(), "10.0.0.1 is an address of this machine or of a private network; allow it");
        assert!(public.allowed(Vec::new()).unwrap().is_empty());
        let everywhere = client(Reach::Everywhere).0;
        assert_eq!(everywhere.allowed(ips(&["10.0.0.1", "8.8.8.8"])).unwrap(), ips(&["10.0.0.1", "8.8.8.8"]));
    }

    #[test]
    fn networks_that_are_allowed_are_reached_and_no_others() {
        let reach = Reach::Nets(vec![network::parse("10.1.0.0/16").unwrap(), network::parse("fd00::/8").unwrap()]);
        for (text, allowed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("fd12::1", true),
            ("8.8.8.8", true),
            ("10.2.0.1", false),
            ("127.0.0.1", false),
            // What leads there by a translator is not what was allowed.
            ("64:ff9b::a01:203", false),
            ("fe80::1", false),
        ] {
            assert_eq!(reach.allows(text.parse().unwrap()), allowed, "{text}");
        }
    }
}

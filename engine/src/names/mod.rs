//! Names of hosts to addresses (RFC 3263). What was resolved once is kept while it cannot be resolved again: a resolver that is away
//! takes no trunk with it.

mod dns;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hooks::id::TenantId;
use sip::flow::Transport;
use tokio::task::JoinSet;

use dns::{Dns, Found};

/// A host that takes longer counts as unresolved; the next refresh tries again.
const RESOLVE: Duration = Duration::from_secs(3);
/// Names resolved at a time.
const RESOLVE_AT_ONCE: usize = 16;
/// Addresses kept of one host.
pub const TARGETS_MAX: usize = 8;
/// A host that does not resolve is asked for again after this time.
const RETRY: Duration = Duration::from_secs(30);
/// A host whose answer is too old by so much is asked for by nobody any more.
const UNUSED: Duration = Duration::from_secs(60);
/// Hosts remembered; beyond it all that was known is forgotten and asked anew.
const KNOWN_MAX: usize = 65_536;

/// What is asked: where SIP goes to for a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    /// A name or an address, an IPv6 one without brackets.
    pub host: String,
    /// The port; where none is written, it is found out.
    pub port: Option<u16>,
    /// How.
    pub transport: Transport,
}

impl Ask {
    /// The port where nothing else names one (RFC 3261 §19.1.2).
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| sip::transaction::via::default_port(self.transport))
    }
}

/// Addresses of each host that resolved, best first.
pub type Addresses = BTreeMap<Ask, Vec<SocketAddr>>;

/// The resolver of the process.
#[derive(Debug, Default)]
pub struct Names {
    /// Without one, the system is asked for addresses alone.
    dns: Option<Arc<Dns>>,
    known: Mutex<BTreeMap<Ask, Found>>,
    /// Whom each tenant reaches by TLS where.
    secured: Mutex<BTreeMap<TenantId, BTreeMap<SocketAddr, String>>>,
}

impl Names {
    /// Asks these servers, or those of the system where none are named.
    #[must_use]
    pub fn new(servers: &[SocketAddr]) -> Self {
        let dns = match Dns::new(servers) {
            Ok(dns) => Some(Arc::new(dns)),
            Err(error) => {
                tracing::warn!(%error, "no DNS server is known: SRV and NAPTR records cannot be asked for; set dns.servers");
                None
            }
        };
        Self { dns, ..Self::default() }
    }

    /// How long until the first of the answers is no longer good, at least [`dns::TTL_MIN`]; `None` where nothing was asked.
    /// Forgets what nobody asked for again.
    #[must_use]
    pub fn due_in(&self) -> Option<Duration> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, found| now.saturating_duration_since(found.until) < UNUSED);
        let first = known.values().map(|found| found.until).min()?;
        Some(first.saturating_duration_since(now).max(dns::TTL_MIN))
    }

    /// Resolves hosts, several at a time. One that does not resolve now keeps the addresses it had; `warnings` gets a line for
    /// each that does not.
    pub async fn resolve(&self, asks: Vec<Ask>, warnings: &mut Vec<String>) -> Addresses {
        let mut running = JoinSet::new();
        let mut asks = asks.into_iter();
        let mut resolved = Addresses::new();
        loop {
            while running.len() < RESOLVE_AT_ONCE
                && let Some(ask) = asks.next()
            {
                let dns = self.dns.clone();
                running.spawn(async move { (ask.clone(), lookup(dns.as_deref(), &ask).await) });
            }
            match running.join_next().await {
                None => return resolved,
                Some(Ok((ask, Ok(found)))) => {
                    self.learn(&ask, &found);
                    resolved.insert(ask, found.targets);
                }
                Some(Ok((ask, Err(reason)))) => {
                    let old = self.keep(&ask);
                    let kept = if old.is_some() { "; its last addresses are kept" } else { "" };
                    warnings.push(format!("host {} does not resolve: {reason}{kept}", ask.host));
                    resolved.extend(old.map(|old| (ask, old)));
                }
                Some(Err(stopped)) => warnings.push(format!("a host was not resolved: {stopped}")),
            }
        }
    }

    /// The addresses of a host as they are now; nothing is remembered.
    ///
    /// # Errors
    /// Why it does not resolve.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        // With a port, addresses alone are asked for.
        let ask = Ask { host: host.to_owned(), port: Some(0), transport: Transport::Tcp };
        let found = lookup(self.dns.as_deref(), &ask).await?;
        Ok(found.targets.into_iter().map(|target| target.ip()).collect())
    }

    /// Notes whom a tenant reaches by TLS at which address, in the place of what was noted before.
    pub fn note_secured(&self, tenant: &TenantId, hosts: BTreeMap<SocketAddr, String>) {
        self.secured.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), hosts);
    }

    /// The name that a certificate at this address must show; `None` where no setting leads there.
    #[must_use]
    pub fn secured_name(&self, peer: SocketAddr) -> Option<String> {
        let secured = self.secured.lock().unwrap_or_else(PoisonError::into_inner);
        secured.values().find_map(|hosts| hosts.get(&peer)).cloned()
    }

    fn learn(&self, ask: &Ask, found: &Found) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(ask.clone(), found.clone());
    }

    /// What was known, which holds on for a while.
    fn keep(&self, ask: &Ask) -> Option<Vec<SocketAddr>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get_mut(ask)?;
        found.until = found.until.max(Instant::now() + RETRY);
        Some(found.targets.clone())
    }
}

async fn lookup(dns: Option<&Dns>, ask: &Ask) -> Result<Found, String> {
    let found = async {
        match dns {
            Some(dns) => dns.find(ask).await,
            None => by_system(ask).await,
        }
    };
    tokio::time::timeout(RESOLVE, found)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", RESOLVE.as_secs())))
}

async fn by_system(ask: &Ask) -> Result<Found, String> {
    let found = tokio::net::lookup_host((ask.host.as_str(), ask.port_or_default())).await;
    let targets = found.map_err(|error| error.to_string())?.take(TARGETS_MAX).collect();
    Ok(Found { targets, until: Instant::now() + dns::TTL_MAX })
}

#[cfg(test)]
pub(crate) mod tests;

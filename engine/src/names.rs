//! Names of hosts to addresses. What was resolved once is kept while it cannot be resolved again: a resolver that is away
//! takes no trunk with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sip::flow::Transport;
use tokio::task::JoinSet;

/// A host that takes longer counts as unresolved; the next refresh tries again.
const RESOLVE: Duration = Duration::from_secs(2);
/// Names resolved at a time.
const RESOLVE_AT_ONCE: usize = 16;
/// Addresses kept of one host.
pub const TARGETS_MAX: usize = 8;
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
    known: Mutex<Addresses>,
}

impl Names {
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
                running.spawn(async move { (ask.clone(), lookup(&ask).await) });
            }
            match running.join_next().await {
                None => return resolved,
                Some(Ok((ask, Ok(addresses)))) => {
                    self.learn(&ask, &addresses);
                    resolved.insert(ask, addresses);
                }
                Some(Ok((ask, Err(reason)))) => {
                    let old = self.known(&ask);
                    let kept = if old.is_some() { "; its last addresses are kept" } else { "" };
                    warnings.push(format!("host {} does not resolve: {reason}{kept}", ask.host));
                    resolved.extend(old.map(|old| (ask, old)));
                }
                Some(Err(stopped)) => warnings.push(format!("a host was not resolved: {stopped}")),
            }
        }
    }

    fn learn(&self, ask: &Ask, addresses: &[SocketAddr]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(ask.clone(), addresses.to_vec());
    }

    fn known(&self, ask: &Ask) -> Option<Vec<SocketAddr>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(ask).cloned()
    }
}

async fn lookup(ask: &Ask) -> Result<Vec<SocketAddr>, String> {
    let asked = tokio::net::lookup_host((ask.host.as_str(), ask.port_or_default()));
    match tokio::time::timeout(RESOLVE, asked).await {
        Err(_) => Err(format!("no answer within {} s", RESOLVE.as_secs())),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(found)) => Ok(found.take(TARGETS_MAX).collect()),
    }
}

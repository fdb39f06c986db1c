//! RFC 3263: where SIP goes for a name. NAPTR names the SRV record of our transport, SRV the hosts and ports in order, A and
//! AAAA their addresses.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::{NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use sip::flow::Transport;
use sip::random::Random;

use super::{Ask, TARGETS_MAX};

/// An answer is believed for at least so long, whatever its TTL says: a server that says 0 shall not be asked all the time.
pub(super) const TTL_MIN: Duration = Duration::from_secs(5);
/// And for so long at most.
pub(super) const TTL_MAX: Duration = Duration::from_secs(3_600);
/// How long "there is no such record" is believed at most.
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(60);
/// A server that does not answer is left after this time.
const TIMEOUT: Duration = Duration::from_millis(600);
/// Answers remembered.
const CACHE_MAX: u64 = 4_096;

/// Where a host is, best first, and until when that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) targets: Vec<SocketAddr>,
    pub(super) until: Instant,
}

/// The resolver.
pub(super) struct Dns {
    resolver: TokioResolver,
    /// One draw for each service for the life of the process: a list drawn anew at each look would look like a move of the
    /// trunk, and take its registration with it.
    draw: RandomState,
}

impl Dns {
    /// With these servers, or with those of the system where none are named.
    pub(super) fn new(servers: &[SocketAddr]) -> Result<Self, NetError> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let config = ResolverConfig::from_name_servers(servers.iter().map(|server| name_server(*server)).collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = TIMEOUT;
        options.cache_size = CACHE_MAX;
        options.positive_min_ttl = Some(TTL_MIN);
        options.positive_max_ttl = Some(TTL_MAX);
        options.negative_max_ttl = Some(NEGATIVE_TTL_MAX);
        Ok(Self { resolver: builder.build()?, draw: RandomState::new() })
    }

    /// RFC 3263 §4.1, §4.2. The transport is settled, so NAPTR is asked for the SRV record of that one only.
    pub(super) async fn find(&self, ask: &Ask) -> Result<Found, String> {
        if let Ok(ip) = ask.host.parse::<IpAddr>() {
            let target = SocketAddr::new(ip, ask.port_or_default());
            return Ok(Found { targets: vec![target], until: Instant::now() + TTL_MAX });
        }
        // §4.2: a port that is written means that addresses alone are asked for.
        if ask.port.is_none()
            && let Some(found) = self.by_service(ask).await?
        {
            return Ok(found);
        }
        self.addresses(&ask.host, ask.port_or_default()).await
    }

    /// By NAPTR and SRV; `None` where there is no SRV record.
    async fn by_service(&self, ask: &Ask) -> Result<Option<Found>, String> {
        let Ok(mut domain) = Name::from_utf8(&ask.host) else { return Ok(None) };
        domain.set_fqdn(true);
        let (pointers, pointers_until) = self.records(&domain, RecordType::NAPTR).await?;
        let service = match naptr(&pointers, ask.transport) {
            Some(replacement) => replacement,
            None => match Name::from_utf8(srv_prefix(ask.transport)).and_then(|prefix| prefix.append_domain(&domain)) {
                Ok(name) => name,
                // Longer than a name may be: it has no SRV record.
                Err(_) => return Ok(None),
            },
        };
        let (services, services_until) = self.records(&service, RecordType::SRV).await?;
        let services = in_order(services, &mut self.random(&service));
        if services.is_empty() {
            return Ok(None);
        }
        // RFC 2782: a target of "." says that the service is decidedly not there.
        if services.iter().all(|service| service.target.is_root()) {
            return Err(format!("{service} says that there is no such service"));
        }
        let mut found = Found { targets: Vec::new(), until: pointers_until.min(services_until) };
        let mut reason = String::new();
        for service in services.iter().filter(|service| !service.target.is_root()).take(TARGETS_MAX) {
            match self.addresses(&service.target.to_utf8(), service.port).await {
                Ok(addresses) => {
                    found.targets.extend(addresses.targets);
                    found.until = found.until.min(addresses.until);
                }
                // The next one may be there.
                Err(error) => reason = error,
            }
        }
        found.targets.truncate(TARGETS_MAX);
        if found.targets.is_empty() { Err(reason) } else { Ok(Some(found)) }
    }

    /// The records of a name; none where there is no such name or record.
    async fn records(&self, name: &Name, kind: RecordType) -> Result<(Vec<RData>, Instant), String> {
        match self.resolver.lookup(name.clone(), kind).await {
            Ok(lookup) => {
                Ok((lookup.answers().iter().map(|record| record.data.clone()).collect(), lookup.valid_until()))
            }
            Err(error) if is_none(&error) => Ok((Vec::new(), Instant::now() + NEGATIVE_TTL_MAX)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The draw for a service.
    fn random(&self, service: &Name) -> Random {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.draw.hash_one(service).to_be_bytes());
        Random::from_seed(seed)
    }

    /// IPv4 before IPv6, each in numerical order: an answer that is shuffled is no other one.
    async fn addresses(&self, host: &str, port: u16) -> Result<Found, String> {
        let lookup = self.resolver.lookup_ip(host).await.map_err(|error| error.to_string())?;
        let mut addresses: Vec<IpAddr> = lookup.iter().collect();
        addresses.sort_unstable();
        addresses.truncate(TARGETS_MAX);
        let targets = addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        Ok(Found { targets, until: lookup.valid_until() })
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dns").finish_non_exhaustive()
    }
}

/// Whether there is no such record, or who was asked does not know its kind at all (small routers and NAPTR).
fn is_none(error: &NetError) -> bool {
    let refused = [ResponseCode::NotImp, ResponseCode::Refused, ResponseCode::FormErr];
    error.is_no_records_found()
        || matches!(error, NetError::Dns(DnsError::ResponseCode(code)) if refused.contains(code))
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = server.port();
    }
    NameServerConfig::new(server.ip(), true, connections)
}

/// RFC 3263 §4.1: the SRV name of the best record for a transport.
fn naptr(records: &[RData], transport: Transport) -> Option<Name> {
    let wanted = match transport {
        Transport::Udp => "SIP+D2U",
        Transport::Tcp => "SIP+D2T",
        Transport::Tls => "SIPS+D2T",
        // RFC 7118 §5.5.
        Transport::Ws => "SIP+D2W",
        Transport::Wss => "SIPS+D2W",
    };
    let fits = |record: &&NAPTR| {
        record.services.eq_ignore_ascii_case(wanted.as_bytes()) && record.flags.eq_ignore_ascii_case(b"s")
    };
    let records = records.iter().filter_map(|data| if let RData::NAPTR(record) = data { Some(record) } else { None });
    let best = records.filter(fits).min_by_key(|record| (record.order, record.preference))?;
    Some(best.replacement.clone())
}

/// RFC 3263 §4.2, RFC 7118 §5.5.
fn srv_prefix(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    }
}

/// RFC 2782: the lowest priority first; among equals a draw, in which each has its weight as its share. Those without a weight
/// come last, in the order of their names.
fn in_order(records: Vec<RData>, random: &mut Random) -> Vec<SRV> {
    let mut services: Vec<SRV> = records
        .into_iter()
        .filter_map(|data| if let RData::SRV(record) = data { Some(record) } else { None })
        .collect();
    // An answer that is shuffled is no other one: the draw starts from one order.
    services.sort_by(|a, b| (a.priority, &a.target, a.port).cmp(&(b.priority, &b.target, b.port)));
    let mut ordered = Vec::with_capacity(services.len());
    for equals in services.chunk_by(|a, b| a.priority == b.priority) {
        let (mut weighted, rest): (Vec<SRV>, Vec<SRV>) = equals.iter().cloned().partition(|service| service.weight > 0);
        while weighted.len() > 1 {
            let total: u64 = weighted.iter().map(|service| u64::from(service.weight)).sum();
            let mut drawn = random.next_u64() % total;
            let place = weighted.iter().position(|service| {
                let weight = u64::from(service.weight);
                let hit = drawn < weight;
                drawn = drawn.saturating_sub(weight);
                hit
            });
            ordered.push(weighted.remove(place.expect("what is drawn lies below the total")));
        }
        ordered.extend(weighted);
        ordered.extend(rest);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_the_share_of_the_processes_that_try_a_target_first() {
        let service = |weight, target: &str| RData::SRV(SRV::new(0, weight, 5060, Name::from_utf8(target).unwrap()));
        let records = vec![service(0, "a."), service(1, "b."), service(3, "c.")];
        let mut random = Random::from_seed([7; 32]);
        let orders: Vec<Vec<SRV>> = (0..4_000).map(|_| in_order(records.clone(), &mut random)).collect();
        let firsts = orders.iter().filter(|order| order[0].weight == 3).count();
        assert!((2_850..3_150).contains(&firsts), "{firsts} of 4000 begin with three quarters of the weight");
        assert!(orders.iter().all(|order| order.len() == 3 && order[2].weight == 0));
    }
}

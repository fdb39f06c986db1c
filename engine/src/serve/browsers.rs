//! Where browsers reach our media, and what they see of us.

use std::net::SocketAddr;

use media_io::{BrowserPorts, DtlsCertificate};
use switch::config::Browsers;

use super::reached;
use crate::config::Config;

/// The sockets of browsers with a certificate for as long as the process lives; `None` where none are set. A socket each for every
/// address that browsers are told: they believe no answer that comes from another one.
pub(super) fn ports(config: &Config) -> anyhow::Result<Option<BrowserPorts>> {
    let listen: Vec<SocketAddr> = config.rtp.browsers.iter().copied().flat_map(reached).collect();
    if listen.is_empty() {
        return Ok(None);
    }
    Ok(Some(BrowserPorts { listen, certificate: DtlsCertificate::generate()? }))
}

/// What browsers are told: our own addresses, and those by which the outside reaches us.
pub(super) fn shown(config: &Config, ports: &BrowserPorts) -> Browsers {
    let mut candidates = ports.listen.clone();
    let first = ports.listen.first().map_or(0, SocketAddr::port);
    let outside = config.rtp.advertise.iter().map(|ip| {
        let same = ports.listen.iter().find(|own| own.is_ipv4() == ip.is_ipv4());
        SocketAddr::new(*ip, same.map_or(first, SocketAddr::port))
    });
    for candidate in outside {
        if !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    Browsers { candidates, fingerprint: sip::sdp::Fingerprint(ports.certificate.fingerprint().0) }
}

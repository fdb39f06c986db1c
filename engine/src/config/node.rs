//! The configuration as the switch wants it.

use sip::flow::Transport;
use switch::config::{Advertised, Browsers, ListeningSocket, LookupTimes, NodeConfig};

use super::Config;

impl Config {
    /// What holds for the whole node; `sockets` as the shell bound them, `browsers` as the media will.
    #[must_use]
    pub fn node(&self, sockets: Vec<ListeningSocket>, browsers: Option<Browsers>) -> NodeConfig {
        NodeConfig {
            domain: self.sip.domain.clone(),
            product: concat!("Switchboard/", env!("CARGO_PKG_VERSION")).to_owned(),
            sockets,
            advertise: self.advertised(),
            rtp_bind: self.rtp.address.clone(),
            rtp_advertise: self.rtp.advertise.clone(),
            local_nets: self.local_nets.clone(),
            rtp_ports: self.rtp.ports,
            tones: self.rtp.tones,
            ring_timeout: self.sip.ring_timeout,
            rtp_timeout: self.rtp.timeout,
            lookups: LookupTimes::default(),
            browsers,
            session_timer: self.sip.session_timer,
            expiry: self.sip.expiry,
            limits: self.limits,
        }
    }

    fn advertised(&self) -> Vec<Advertised> {
        let sockets =
            [(Transport::Udp, &self.sip.udp), (Transport::Tcp, &self.sip.tcp), (Transport::Tls, &self.sip.tls)];
        let mut advertised = Vec::new();
        for (transport, listen) in sockets {
            let Some(socket) = listen.first() else { continue };
            let hosts = self.sip.advertise.iter().filter(|host| host.transport.is_none_or(|only| only == transport));
            advertised.extend(hosts.map(|host| Advertised {
                transport,
                host: host.host.clone(),
                port: host.port.unwrap_or_else(|| socket.port()),
            }));
        }
        advertised
    }
}

//! What phones received from the product, for `tests/calls/dissect.sh`: requests and answers that belong to no call stand in no
//! ladder of the server's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::phone::unique;
use crate::sip_text::Text;

/// A pcap file: byte order and microseconds, version 2.4, snap length, link type 101 (raw IP), as the server's own files.
const HEADER: [u8; 24] = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 4, 0, 101, 0, 0, 0];
/// What the product calls itself in Server and User-Agent: behind a proxy not everything is its own.
const PRODUCT: &str = "Switchboard";
/// Hops left of what the product sent (docs/adr/0014).
const HOPS: u8 = 64;
const UDP: u8 = 17;

/// Messages to be judged; they are written where `SWITCHBOARD_CAPTURES` says, when the phone is done.
#[derive(Debug, Default)]
pub(crate) struct Received {
    packets: Vec<u8>,
}

impl Received {
    /// Keeps a message of the product if somebody wants to judge it.
    pub(crate) fn keep(&mut self, from: SocketAddr, to: SocketAddr, message: &str) {
        if folder().is_some()
            && let Some(packet) = packet(from, to, message.as_bytes())
        {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let word = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
            let length = word(packet.len() as u64);
            for part in [word(at.as_secs()), word(at.subsec_micros().into()), length, length] {
                self.packets.extend(part);
            }
            self.packets.extend(packet);
        }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(folder) = folder().filter(|_| !self.packets.is_empty()) {
            let name = format!("{}-{}.pcap", std::process::id(), unique());
            // What cannot be kept is missed by the count of messages.
            drop(std::fs::write(folder.join(name), [&HEADER[..], &self.packets].concat()));
        }
    }
}

/// Whether the product wrote it.
pub(crate) fn is_of_product(text: &Text) -> bool {
    ["Server", "User-Agent"].iter().any(|name| text.header(name).starts_with(PRODUCT))
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("SWITCHBOARD_CAPTURES").map(PathBuf::from)
}

/// The message as a datagram over IPv4, whatever brought it: what is judged is the message. `None` for one that is too long.
fn packet(from: SocketAddr, to: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    let address = |at: SocketAddr| match at {
        SocketAddr::V4(at) => at.ip().octets(),
        SocketAddr::V6(_) => Ipv4Addr::LOCALHOST.octets(),
    };
    let length = u16::try_from(message.len() + 8).ok()?;
    let total = length.checked_add(20)?.to_be_bytes();
    let mut ip = [0x45, 0, total[0], total[1], 0, 0, 0, 0, HOPS, UDP, 0, 0].to_vec();
    ip.extend(address(from));
    ip.extend(address(to));
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).ok()?;
    ip[10..12].copy_from_slice(&(!folded).to_be_bytes());
    let udp = [from.port().to_be_bytes(), to.port().to_be_bytes(), length.to_be_bytes(), [0, 0]];
    Some([&ip[..], &udp.concat(), message].concat())
}

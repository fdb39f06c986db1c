//! Session descriptions as text: a few that phones really send, and the little that must be read from an answer.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result, ensure};

/// An audio offer or answer of one address.
#[must_use]
pub fn audio(address: SocketAddr, payload_types: &str, attributes: &[&str]) -> String {
    session(address, 1, payload_types, attributes)
}

/// The same with a version of its own: it must grow by one when anything changes (RFC 3264 §8).
#[must_use]
pub fn session(address: SocketAddr, version: u32, payload_types: &str, attributes: &[&str]) -> String {
    let (host, port) = (address.ip(), address.port());
    let family = if host.is_ipv4() { "IP4" } else { "IP6" };
    let lines: String = attributes.iter().map(|line| format!("a={line}\n")).collect();
    format!(
        "v=0\no=- 20 {version} IN {family} {host}\ns=-\nc=IN {family} {host}\nt=0 0\nm=audio {port} RTP/AVP {payload_types}\n{lines}"
    )
}

/// The payload types of the audio line, in order.
#[must_use]
pub fn payload_types(body: &str) -> Vec<u8> {
    let line = body.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap_or_default();
    line.split_whitespace().skip(2).filter_map(|number| number.parse().ok()).collect()
}

/// The payload type under which the other side wants key presses (RFC 4733), with the clock of G.711.
#[must_use]
pub fn events(body: &str) -> Option<u8> {
    let maps = body.lines().filter_map(|line| line.trim().strip_prefix("a=rtpmap:")?.split_once(' '));
    maps.filter(|(_, name)| *name == "telephone-event/8000").find_map(|(number, _)| number.parse().ok())
}

/// Where the other side wants its audio.
///
/// # Errors
/// When there is no audio line, no connection line, or a host name in place of an address.
pub fn audio_address(body: &str) -> Result<SocketAddr> {
    let line = body.lines().find_map(|line| line.strip_prefix("m=audio ")).context("no audio line")?;
    let port = line.split(' ').next().and_then(|port| port.parse().ok()).context("no port in the audio line")?;
    let (family, host) = connection(body).and_then(|line| line.split_once(' ')).context("no connection line")?;
    let host: IpAddr = host.parse().context("the connection line names no address")?;
    ensure!((family == "IP4") == host.is_ipv4(), "{family} names {host}");
    Ok(SocketAddr::new(host, port))
}

/// The family and address of the last connection line.
#[must_use]
pub fn connection(body: &str) -> Option<&str> {
    body.lines().filter_map(|line| line.strip_prefix("c=IN ")).next_back().map(str::trim)
}

/// `sendrecv`, `sendonly`, `recvonly` or `inactive`; the first when none is written.
#[must_use]
pub fn direction(body: &str) -> &str {
    let known = ["sendrecv", "sendonly", "recvonly", "inactive"];
    let attributes = body.lines().filter_map(|line| line.strip_prefix("a="));
    attributes.map(str::trim).rfind(|value| known.contains(value)).unwrap_or("sendrecv")
}

/// Session id and version of the `o=` line.
#[must_use]
pub fn origin(body: &str) -> Option<(String, u64)> {
    let mut parts = body.lines().find_map(|line| line.strip_prefix("o="))?.split(' ').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let body =
            session("127.0.0.1:4000".parse().unwrap(), 3, "0 8 101", &["rtpmap:101 telephone-event/8000", "sendonly"]);
        assert_eq!(audio_address(&body).unwrap().port(), 4_000);
        let body6 = session("[::1]:4000".parse().unwrap(), 1, "0", &[]);
        assert_eq!(audio_address(&body6).unwrap(), "[::1]:4000".parse().unwrap());
        assert_eq!(payload_types(&body), [0, 8, 101]);
        assert_eq!(direction(&body), "sendonly");
        assert_eq!((events(&body), events(&body6)), (Some(101), None));
        assert_eq!(origin(&body), Some(("20".to_owned(), 3)));
    }
}

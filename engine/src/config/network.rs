//! Networks as people write them: `10.0.0.0/8`, `192.0.2.1`, `fc00::/7`.

use std::net::IpAddr;

use switch::config::Network;

/// Reads a network; an address alone is a network of one.
///
/// # Errors
/// What to write instead.
pub fn parse(text: &str) -> Result<Network, String> {
    let wrong = || format!("`{text}` is no network, write it as 192.0.2.0/24 or 192.0.2.1");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => most,
        Some(prefix) => prefix.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
    };
    Ok(Network { address, prefix })
}

/// As [`parse`] reads it.
#[must_use]
pub fn to_text(network: &Network) -> String {
    let most = if network.address.is_ipv4() { 32 } else { 128 };
    if network.prefix == most { network.address.to_string() } else { format!("{}/{}", network.address, network.prefix) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_as_it_is_written() {
        for text in ["10.0.0.0/8", "192.0.2.1", "fc00::/7", "::1", "0.0.0.0/0"] {
            assert_eq!(to_text(&parse(text).unwrap()), text);
        }
        for bad in ["", "10.0.0.0/33", "10.0.0", "fc00::/129", "lan"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

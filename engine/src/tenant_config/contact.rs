//! A SIP URI at which a phone always is, without registering.

use sip::flow::Transport;
use sip::uri::{Host, Scheme, SipUri, Uri};

use crate::names::Ask;

/// A contact as an administrator writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    uri: SipUri,
    /// How it is reached.
    pub transport: Transport,
}

impl Contact {
    /// Reads `sip:USER@HOST[:PORT][;transport=udp|tcp|tls]`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no contact, write it as sip:1000@192.0.2.7:5060 or with ;transport=tcp");
        let Ok(Uri::Sip(uri)) = text.parse::<Uri>() else { return Err(wrong()) };
        let transport = match (uri.scheme(), uri.param("transport").map(str::to_ascii_lowercase).as_deref()) {
            (Scheme::Sips, None | Some("tcp" | "tls")) | (Scheme::Sip, Some("tls")) => Transport::Tls,
            (Scheme::Sip, None | Some("udp")) => Transport::Udp,
            (Scheme::Sip, Some("tcp")) => Transport::Tcp,
            (Scheme::Sip | Scheme::Sips, Some(_)) => return Err(wrong()),
        };
        if uri.user().is_none() || uri.has_headers() {
            return Err(wrong());
        }
        Ok(Self { uri, transport })
    }

    /// The URI as written.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.uri.as_str()
    }

    /// The host as text a resolver takes: IPv6 addresses without brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match self.uri.host().ip() {
            Some(ip) => ip.to_string(),
            None => host_text(self.uri.host()),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn ask(&self) -> Ask {
        Ask { host: self.host(), port: self.uri.port(), transport: self.transport }
    }
}

fn host_text(host: &Host) -> String {
    host.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_says_how_and_where() {
        let contact = Contact::parse("sip:1000@127.0.0.1:7070").unwrap();
        assert_eq!(
            (contact.host().as_str(), contact.ask().port_or_default(), contact.transport),
            ("127.0.0.1", 7070, Transport::Udp)
        );
        let contact = Contact::parse("sip:1000@gate.example.com;transport=tls").unwrap();
        assert_eq!(
            (contact.host().as_str(), contact.ask().port_or_default(), contact.transport),
            ("gate.example.com", 5061, Transport::Tls)
        );
        assert_eq!(Contact::parse("sip:a@[::1]").unwrap().host(), "::1");
        for bad in ["", "1000", "tel:+8613800000000", "sip:127.0.0.1", "sip:a@b;transport=sctp", "sip:a@b?x=y"] {
            assert!(Contact::parse(bad).is_err(), "{bad}");
        }
    }
}

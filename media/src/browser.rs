//! A browser as a party: its packets come by ICE and are encrypted by DTLS-SRTP (RFC 8445, RFC 5763), all browsers through
//! the same sockets.

use std::fmt;

use crate::EndpointId;

/// User fragment and password of one side (RFC 8839 §5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// `a=ice-ufrag`: names the session in the packets of the other side.
    pub ufrag: String,
    /// `a=ice-pwd`: the key under which the other side's requests are authenticated.
    pub pwd: String,
}

/// Passwords do not get into logs.
impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// The SHA-256 of a DER certificate (`a=fingerprint:sha-256`, RFC 8122 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// What the SDP of a browser says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserPeer {
    /// Its fragment and password.
    pub ice: IceCredentials,
    /// Of the certificate that it must show. Another one than before is another browser (a page that was loaded again): keys are
    /// agreed anew. With the same one, new credentials are a restart of ICE, and the keys stay.
    pub fingerprint: Fingerprint,
}

/// First values of an endpoint on the sockets of all browsers.
#[derive(Debug, Clone)]
pub struct OpenBrowser {
    /// A new name.
    pub endpoint: EndpointId,
    /// Ours; the fragment must not be in use.
    pub local: IceCredentials,
    /// Random number: SSRC, first sequence number, first time stamp and RTCP name are derived from it.
    pub seed: u64,
}

/// Why a browser counts as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrowserLoss {
    /// No authenticated Binding request for 30 s.
    #[error("it has not been heard of for 30 s")]
    Silent,
    /// No keys could be agreed with it.
    #[error("the DTLS handshake failed")]
    Handshake,
    /// It showed another certificate than its SDP said.
    #[error("it has another certificate than its SDP says")]
    Certificate,
}

//! DTLS-SRTP (RFC 5764) as this crate sees it: datagrams go in and out, and once a certificate and keys come out.

use rtc_crypto::providers::AwsLcRsCrypto;
use rtc_crypto::{HashAlgorithm, RTCCrypto};

use crate::{BrowserLoss, Fingerprint, Now, SrtpKeys};

/// One association in the server's role (`a=setup:passive`): a browser never hears the first word from us.
pub trait Dtls: Send {
    /// Takes a datagram of the browser.
    fn receive(&mut self, now: Now, datagram: &[u8], out: &mut dyn FnMut(DtlsOutput<'_>));
    /// Does what has become due: lost flights are sent again.
    fn handle_timeout(&mut self, now: Now, out: &mut dyn FnMut(DtlsOutput<'_>));
    /// When [`Dtls::handle_timeout`] wants to be called, on the monotonic clock in µs.
    fn poll_timeout(&self) -> Option<u64>;
}

/// What an association gives.
#[derive(Debug)]
pub enum DtlsOutput<'a> {
    /// To be sent to the browser.
    Datagram(&'a [u8]),
    /// The certificate that the browser has shown, DER; it has its key, but nobody has looked at whose it is.
    Certificate(&'a [u8]),
    /// The keys that were agreed.
    Keys(SrtpKeys),
    /// It is over, without keys or with them.
    Failed,
}

/// How far keys are agreed with one browser.
#[derive(Debug, Default)]
pub(crate) enum Keying {
    /// Something is still missing: the certificate, the keys, or the SDP that says which certificate it must be.
    #[default]
    UnderWay,
    Shown(Fingerprint),
    Agreed(Fingerprint, Box<SrtpKeys>),
    /// The keys are in use.
    InUse,
    Lost,
}

impl Keying {
    /// Takes what an association gives, but datagrams.
    pub(crate) fn take(&mut self, output: DtlsOutput<'_>) -> Result<(), BrowserLoss> {
        *self = match (std::mem::replace(self, Self::Lost), output) {
            (state, DtlsOutput::Datagram(_)) => state,
            (Self::UnderWay | Self::Shown(_), DtlsOutput::Certificate(der)) => {
                Self::Shown(fingerprint(der).ok_or(BrowserLoss::Certificate)?)
            }
            (Self::Shown(shown), DtlsOutput::Keys(keys)) => Self::Agreed(shown, Box::new(keys)),
            // Keys without a certificate would be anybody's.
            (Self::UnderWay, DtlsOutput::Keys(_)) => return Err(BrowserLoss::Certificate),
            (Self::UnderWay | Self::Shown(_), DtlsOutput::Failed) => return Err(BrowserLoss::Handshake),
            (Self::Lost, _) => Self::Lost,
            // What was agreed stays so when the association ends.
            (state @ (Self::Agreed(..) | Self::InUse), _) => state,
        };
        Ok(())
    }

    /// The keys, once they are there and are those of the one whom the SDP names; given once.
    pub(crate) fn compare(&mut self, expected: Fingerprint) -> Result<Option<SrtpKeys>, BrowserLoss> {
        match std::mem::replace(self, Self::Lost) {
            Self::Shown(shown) | Self::Agreed(shown, _) if shown != expected => Err(BrowserLoss::Certificate),
            Self::Agreed(_, keys) => {
                *self = Self::InUse;
                Ok(Some(*keys))
            }
            state @ (Self::UnderWay | Self::Shown(_) | Self::InUse | Self::Lost) => {
                *self = state;
                Ok(None)
            }
        }
    }
}

fn fingerprint(der: &[u8]) -> Option<Fingerprint> {
    let digest = AwsLcRsCrypto.hash(HashAlgorithm::Sha256, der).ok()?;
    Some(Fingerprint(digest.try_into().ok()?))
}

//! The certificate that browsers see of us.

use dimpl::certificate::generate_self_signed_certificate;
use media::Fingerprint;

/// A self-signed certificate (ECDSA P-256) with its key. Nobody checks who signed it: browsers compare it with the fingerprint
/// in the SDP.
#[derive(Clone)]
pub struct DtlsCertificate(pub(crate) dimpl::DtlsCertificate);

/// The crypto library gave no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no certificate for browsers could be made")]
pub struct NoCertificate;

impl DtlsCertificate {
    /// Makes a new one; it is valid for a year from now.
    ///
    /// # Errors
    /// The crypto library gave no key.
    pub fn generate() -> Result<Self, NoCertificate> {
        generate_self_signed_certificate().map(Self).map_err(|_| NoCertificate)
    }

    /// What stands in our SDP.
    ///
    /// # Panics
    /// Never: a SHA-256 is 32 bytes long.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.0.fingerprint().try_into().expect("a SHA-256 is 32 bytes long"))
    }
}

/// The key does not get into logs.
impl std::fmt::Debug for DtlsCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DtlsCertificate").field(&self.fingerprint()).finish_non_exhaustive()
    }
}

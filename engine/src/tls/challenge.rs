//! How an authority is shown at the HTTPS port that a name is ours (TLS-ALPN-01, RFC 8737): by a certificate for this name that holds
//! the digest it expects. It is seen only by who asks for this protocol, and nothing is ever said on such a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use super::{Certificates, TlsError, provider};

/// RFC 8737 §6.2.
pub const ACME_TLS: &[u8] = b"acme-tls/1";
/// SHA-256 of a key authorization (RFC 8555 §8.1).
pub const DIGEST_LEN: usize = 32;

/// What is proved at the moment, by name in lower case. As many as are asked for at a time.
#[derive(Debug, Default)]
pub(super) struct Challenges(RwLock<BTreeMap<String, Arc<CertifiedKey>>>);

impl Challenges {
    /// What is shown for a name; nothing for one that is not to be proved.
    pub(super) fn of_name(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.get(&name?.to_ascii_lowercase()).cloned()
    }
}

/// A name is proved as long as this lives.
#[derive(Debug)]
pub struct Proof {
    certificates: Arc<Certificates>,
    name: String,
}

impl Proof {
    /// Shows that a name, in lower case, is ours.
    ///
    /// # Errors
    /// [`TlsError::Make`] where it is no name of a host.
    pub fn show(certificates: &Arc<Certificates>, name: &str, digest: &[u8; DIGEST_LEN]) -> Result<Self, TlsError> {
        let certified = Arc::new(certified(name, digest)?);
        let mut shown = certificates.challenges.0.write().unwrap_or_else(PoisonError::into_inner);
        shown.insert(name.to_owned(), certified);
        Ok(Self { certificates: Arc::clone(certificates), name: name.to_owned() })
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        self.certificates.challenges.0.write().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// RFC 8737 §3: self-signed, with "a single dNSName" and a critical acmeIdentifier. rustls knows no such extension and would refuse to compare
/// the certificate with its key, which was made beside it.
fn certified(name: &str, digest: &[u8; DIGEST_LEN]) -> Result<CertifiedKey, TlsError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let key = provider().key_provider.load_private_key(PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// RFC 8737 §3: the list of protocols holds "exactly one ProtocolName, acme-tls/1".
pub(super) fn is_asked(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|asked| asked.eq([ACME_TLS]))
}

//! TLS toward trunks and phones: their names are verified against authorities in a file.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{TlsError, chain, provider};

/// Whom we believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Certificates of authorities, PEM. A file that is not there vouches for nobody.
    pub ca: PathBuf,
    /// Hosts whose certificates are not looked at, because somebody asked for that.
    pub unverified_hosts: BTreeSet<String>,
}

/// Makes secured connections.
#[derive(Debug)]
pub struct TlsClient {
    trusted: RwLock<Trusted>,
    believing: Arc<ClientConfig>,
}

/// Whom we believe, and their certificates as they were read.
#[derive(Clone, Debug)]
pub struct Trusted {
    trust: Arc<Trust>,
    verifying: Arc<ClientConfig>,
}

impl Trusted {
    /// Reads the authorities.
    ///
    /// # Errors
    /// [`TlsError::Pem`] where the file is there and cannot be read.
    pub fn read(trust: Trust) -> Result<Self, TlsError> {
        let verifying = Arc::new(verifying(&trust)?);
        Ok(Self { trust: Arc::new(trust), verifying })
    }
}

impl TlsClient {
    /// Believes these.
    ///
    /// # Errors
    /// [`TlsError::Pair`] where the provider can do no version of TLS.
    pub fn new(trusted: Trusted) -> Result<Self, TlsError> {
        let believing = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Believe(provider())))
            .with_no_client_auth();
        Ok(Self { trusted: RwLock::new(trusted), believing: Arc::new(believing) })
    }

    /// Reads the authorities again.
    ///
    /// # Errors
    /// As [`Trusted::read`]: those read last stay.
    pub fn reload(&self) -> Result<(), TlsError> {
        let trusted = Trusted::read(Trust::clone(&self.trusted().trust))?;
        self.replace(trusted);
        Ok(())
    }

    /// Believes others from now on.
    pub fn replace(&self, trusted: Trusted) {
        *self.trusted.write().unwrap_or_else(PoisonError::into_inner) = trusted;
    }

    /// The file that it reads.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.trusted().trust.ca.clone()
    }

    /// What believes the authorities as they were read last; another one after they were read again.
    #[must_use]
    pub fn verifying(&self) -> Arc<ClientConfig> {
        self.trusted().verifying
    }

    fn trusted(&self) -> Trusted {
        self.trusted.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Secures a connection to `host`, which its certificate must name (RFC 5922 §7.2; a name or an address).
    ///
    /// # Errors
    /// When the certificate does not hold, or the connection breaks.
    pub async fn connect(&self, stream: TcpStream, host: &str) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let Trusted { trust, verifying } = self.trusted();
        let is_believed = trust.unverified_hosts.contains(&host.to_ascii_lowercase());
        let config = if is_believed { Arc::clone(&self.believing) } else { verifying };
        TlsConnector::from(config).connect(name, stream).await
    }
}

/// Looks whether a file holds authorities.
///
/// # Errors
/// [`TlsError::Pem`] where it cannot be read or holds none.
pub fn authorities(file: &Path) -> Result<(), TlsError> {
    let none = || TlsError::Pem { path: file.to_owned(), reason: "no certificate stands in it".to_owned() };
    chain(file)?.first().map(|_| ()).ok_or_else(none)
}

fn verifying(trust: &Trust) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    if trust.ca.exists() {
        // An authority that rustls does not understand vouches for nobody; the others do.
        let _ = roots.add_parsable_certificates(chain(&trust.ca)?);
    } else {
        tracing::warn!(file = %trust.ca.display(), "no authorities for TLS: calls to trunks by TLS will fail; set tls.ca");
    }
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Believes every certificate that proves to have its key.
#[derive(Debug)]
struct Believe(Arc<CryptoProvider>);

impl ServerCertVerifier for Believe {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! TLS of the HTTPS listener: the set certificate, or one that signs itself, made at the first start and kept.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::secrets::write_private;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds no certificate or key.
    #[error("{path} holds no usable PEM: {reason}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The certificate and the key do not go together.
    #[error("the certificate and its key do not go together: {0}")]
    Pair(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error("no certificate could be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The certificate, with its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Where the certificate that signs itself lies in the data folder.
    #[must_use]
    pub fn own(data: &Path) -> Self {
        Self { certificate: data.join("tls").join("certificate.pem"), key: data.join("tls").join("key.pem") }
    }
}

/// Makes a certificate for these names (host names and addresses) unless the files are there.
///
/// # Errors
/// [`TlsError::File`], [`TlsError::Make`].
pub fn ensure(files: &CertificateFiles, names: &[String]) -> Result<(), TlsError> {
    if files.certificate.exists() && files.key.exists() {
        return Ok(());
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "Switchboard");
    let certificate = params.self_signed(&key)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { path, source }
    };
    write_private(&files.key, key.serialize_pem().as_bytes()).map_err(failed(&files.key))?;
    write_private(&files.certificate, certificate.pem().as_bytes()).map_err(failed(&files.certificate))
}

/// Reads the files. The provider of cryptography is named here, so no default needs to be installed.
///
/// # Errors
/// [`TlsError::Pem`], [`TlsError::Pair`].
pub fn acceptor(files: &CertificateFiles) -> Result<TlsAcceptor, TlsError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |error: rustls::pki_types::pem::Error| TlsError::Pem { path, reason: error.to_string() }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate).map_err(pem(&files.certificate))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(pem(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(pem(&files.key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_used() {
        let data = tempfile::tempdir().unwrap();
        let files = CertificateFiles::own(data.path());
        ensure(&files, &["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let made = std::fs::read(&files.certificate).unwrap();
        assert!(acceptor(&files).is_ok());
        ensure(&files, &["other".to_owned()]).unwrap();
        assert_eq!(std::fs::read(&files.certificate).unwrap(), made);
        std::fs::write(&files.key, "nonsense").unwrap();
        assert!(matches!(acceptor(&files), Err(TlsError::Pem { .. })));
    }
}

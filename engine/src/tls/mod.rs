//! TLS of the listeners for SIP and HTTPS: the certificates that are set, chosen by the name that is asked for, or one that
//! signs itself, made at the first start and kept. Their files are read again when they change; connections stay.

mod challenge;
mod client;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;

pub use challenge::{ACME_TLS, DIGEST_LEN, Proof};
pub use client::{TlsClient, Trust, Trusted, authorities};

use crate::secrets::write_private;
use challenge::Challenges;

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

/// A TLS handshake is done within this time.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// The certificates of the process. What a handshake began with stays; the next one sees what was read last.
#[derive(Debug)]
pub struct Certificates {
    loaded: RwLock<Loaded>,
    challenges: Challenges,
}

/// Who is shown a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownTo {
    /// Who asks for its name.
    ItsName,
    /// And whoever names no host, or an unknown one.
    All,
}

/// Certificates as they were read, and from which files.
#[derive(Clone, Debug)]
pub struct Loaded {
    default: Named,
    by_name: BTreeMap<String, Named>,
}

#[derive(Clone, Debug)]
struct Named {
    files: CertificateFiles,
    certified: Arc<CertifiedKey>,
}

impl Loaded {
    /// Reads them: one for whoever names no host or an unknown one, and one for each name (`*.example.com` takes every host
    /// directly below).
    ///
    /// # Errors
    /// [`TlsError::Pem`], [`TlsError::Pair`].
    pub fn read(default: CertificateFiles, by_name: BTreeMap<String, CertificateFiles>) -> Result<Self, TlsError> {
        let named = by_name.into_iter().map(|(name, files)| Ok((name.to_ascii_lowercase(), Named::read(files)?)));
        Ok(Self { default: Named::read(default)?, by_name: named.collect::<Result<_, TlsError>>()? })
    }

    fn again(&self) -> Result<Self, TlsError> {
        let by_name = self.by_name.iter().map(|(name, named)| (name.clone(), named.files.clone())).collect();
        Self::read(self.default.files.clone(), by_name)
    }
}

impl Named {
    fn read(files: CertificateFiles) -> Result<Self, TlsError> {
        let chain = chain(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(pem(&files.key))?;
        let certified = Arc::new(CertifiedKey::from_der(chain, key, &provider())?);
        Ok(Self { files, certified })
    }
}

impl Certificates {
    /// These.
    #[must_use]
    pub fn new(loaded: Loaded) -> Self {
        Self { loaded: RwLock::new(loaded), challenges: Challenges::default() }
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// [`TlsError::Pem`], [`TlsError::Pair`]: what was read last stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let loaded = self.loaded().again()?;
        self.replace(loaded);
        Ok(())
    }

    /// Uses others from now on.
    pub fn replace(&self, loaded: Loaded) {
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
    }

    /// Reads one more, or a newer one, and shows it from now on.
    ///
    /// # Errors
    /// [`TlsError::Pem`], [`TlsError::Pair`]: nothing changes.
    pub fn show(&self, name: &str, files: CertificateFiles, to: ShownTo) -> Result<(), TlsError> {
        let named = Named::read(files)?;
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if to == ShownTo::All {
            loaded.default = named.clone();
        }
        loaded.by_name.insert(name.to_ascii_lowercase(), named);
        Ok(())
    }

    fn loaded(&self) -> Loaded {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A listener's configuration. The provider of cryptography is named here, so no default needs to be installed.
    ///
    /// # Errors
    /// [`TlsError::Pair`] where the provider can do no version of TLS.
    pub fn server(self: &Arc<Self>, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// For how long each of them is valid; the one for all names first. One that cannot be read is left out.
    #[must_use]
    pub fn validity(&self) -> Vec<Validity> {
        let loaded = self.loaded();
        let named = loaded.by_name.iter().map(|(name, named)| (Some(name.clone()), named));
        [(None, &loaded.default)].into_iter().chain(named).filter_map(|(name, named)| validity(name, named)).collect()
    }

    /// Whether what is shown to who asks for this name signed itself.
    #[must_use]
    pub fn is_self_signed(&self, name: &str) -> bool {
        let certified = self.of_name(Some(name));
        let parsed = certified.cert.first().and_then(|own| x509_parser::parse_x509_certificate(own).ok());
        parsed.is_some_and(|(_, parsed)| signed_itself(&parsed))
    }

    /// The files that it reads.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let loaded = self.loaded();
        let all = [&loaded.default].into_iter().chain(loaded.by_name.values());
        all.flat_map(|named| [named.files.certificate.clone(), named.files.key.clone()]).collect()
    }

    /// RFC 6066 §3; RFC 6125 §6.4.3 for the wildcard.
    fn of_name(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let named = name.map(str::to_ascii_lowercase).and_then(|name| {
            let below = name.split_once('.').map(|(_, domain)| format!("*.{domain}"));
            loaded.by_name.get(&name).or_else(|| loaded.by_name.get(&below?))
        });
        Arc::clone(&named.unwrap_or(&loaded.default).certified)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if challenge::is_asked(&hello) {
            return self.challenges.of_name(hello.server_name());
        }
        Some(self.of_name(hello.server_name()))
    }
}

/// For how long a certificate is valid (RFC 5280 §4.1.2.5), and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The name for which it is shown; `None`: for all others.
    pub name: Option<String>,
    /// Its file.
    pub path: PathBuf,
    /// Who signed it.
    pub issuer: String,
    /// It signed itself: nobody believes it who was not told to.
    pub self_signed: bool,
    /// From when on, ms since the Unix epoch.
    pub not_before_ms: u64,
    /// Until when.
    pub not_after_ms: u64,
}

/// For how long the certificate of these files is valid; they hold one that can be shown.
///
/// # Errors
/// [`TlsError::Pem`], [`TlsError::Pair`].
pub fn look(files: CertificateFiles) -> Result<Validity, TlsError> {
    let path = files.certificate.clone();
    let wrong = || TlsError::Pem { path, reason: "it is no X.509 certificate".to_owned() };
    validity(None, &Named::read(files)?).ok_or_else(wrong)
}

/// Looks whether a certificate and its key, both in this PEM text, go together and are for a name.
///
/// # Errors
/// [`TlsError::Pem`], [`TlsError::Pair`].
pub fn check(text: &str, name: &str) -> Result<(), TlsError> {
    let came = Path::new("what came");
    let chain = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(pem(came))?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(pem(came))?;
    let certified = CertifiedKey::from_der(chain, key, &provider())?;
    let named = ServerName::try_from(name)
        .map_err(|error| TlsError::Pem { path: came.to_owned(), reason: error.to_string() })?;
    Ok(verify_server_name(&ParsedCertificate::try_from(certified.end_entity_cert()?)?, &named)?)
}

fn validity(name: Option<String>, named: &Named) -> Option<Validity> {
    let own = named.certified.cert.first()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(own).ok()?;
    let ms = |seconds: i64| u64::try_from(seconds).unwrap_or_default().saturating_mul(1_000);
    let validity = parsed.validity();
    Some(Validity {
        name,
        path: named.files.certificate.clone(),
        issuer: parsed.issuer().to_string(),
        self_signed: signed_itself(&parsed),
        not_before_ms: ms(validity.not_before.timestamp()),
        not_after_ms: ms(validity.not_after.timestamp()),
    })
}

fn signed_itself(certificate: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == certificate.subject().as_raw()
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_file_iter(path).map_err(pem(path))?;
    chain.collect::<Result<Vec<_>, _>>().map_err(pem(path))
}

fn pem(path: &Path) -> impl Fn(rustls::pki_types::pem::Error) -> TlsError {
    let path = path.to_owned();
    move |error| TlsError::Pem { path: path.clone(), reason: error.to_string() }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path, name: &str) -> CertificateFiles {
        CertificateFiles::own(&folder.join(name))
    }

    fn load(files: &CertificateFiles) -> Result<Certificates, TlsError> {
        Ok(Certificates::new(Loaded::read(files.clone(), BTreeMap::new())?))
    }

    #[test]
    fn a_certificate_is_made_once_and_used() {
        let data = tempfile::tempdir().unwrap();
        let files = CertificateFiles::own(data.path());
        ensure(&files, &["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let made = std::fs::read(&files.certificate).unwrap();
        assert!(load(&files).is_ok());
        ensure(&files, &["other".to_owned()]).unwrap();
        assert_eq!(std::fs::read(&files.certificate).unwrap(), made);
        std::fs::write(&files.key, "nonsense").unwrap();
        assert!(matches!(load(&files), Err(TlsError::Pem { .. })));
    }

    #[test]
    fn the_certificate_is_that_of_the_name_asked_for() {
        let data = tempfile::tempdir().unwrap();
        let [default, pbx, branch] = ["default", "pbx", "branch"].map(|name| {
            let files = files(data.path(), name);
            ensure(&files, &[name.to_owned()]).unwrap();
            files
        });
        let der = |files: &CertificateFiles| chain(&files.certificate).unwrap();
        let by_name =
            BTreeMap::from([("PBX.example.com".into(), pbx.clone()), ("*.branch.example.com".into(), branch.clone())]);
        let certificates = Certificates::new(Loaded::read(default.clone(), by_name).unwrap());
        for (name, expected) in [
            (None, &default),
            (Some("pbx.example.com"), &pbx),
            (Some("pbx.EXAMPLE.com"), &pbx),
            (Some("x.branch.example.com"), &branch),
            (Some("y.x.branch.example.com"), &default),
            (Some("branch.example.com"), &default),
        ] {
            assert_eq!(certificates.of_name(name).cert, der(expected), "{name:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_again_stays_as_it_was() {
        let data = tempfile::tempdir().unwrap();
        let files = files(data.path(), "own");
        ensure(&files, &["a".to_owned()]).unwrap();
        let certificates = load(&files).unwrap();
        let before = certificates.of_name(None);
        std::fs::write(&files.certificate, "nonsense").unwrap();
        assert!(certificates.reload().is_err());
        assert_eq!(certificates.of_name(None).cert, before.cert);
        std::fs::remove_file(&files.certificate).unwrap();
        ensure(&files, &["a".to_owned()]).unwrap();
        certificates.reload().unwrap();
        assert_ne!(certificates.of_name(None).cert, before.cert);
    }
}

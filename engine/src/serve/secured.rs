//! The certificates of the process and whom it believes, from the configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::SOMEWHERE;
use crate::acme;
use crate::config::{Config, TlsFiles};
use crate::http::health::Health;
use crate::names::Names;
use crate::sip_io::{SipTls, route_source};
use crate::tls::{self, ACME_TLS, CertificateFiles, Certificates, Loaded, TlsClient, TlsError, Trust, Trusted};

/// What secures connections in and out.
#[derive(Clone)]
pub(super) struct Secured {
    certificates: Arc<Certificates>,
    client: Arc<TlsClient>,
}

/// What the files of a configuration hold.
pub(super) struct Material {
    loaded: Loaded,
    trusted: Trusted,
}

impl Material {
    /// Reads the files; the self-signed certificate is made where none is set, and none was given by an authority.
    pub(super) fn read(config: &Config) -> Result<Self, TlsError> {
        let given = acme::kept(config);
        let first = config.acme.as_ref().and_then(|acme| acme.domains.first());
        let default = match (&config.tls.own, given.iter().find(|(name, _)| Some(name) == first)) {
            (Some(own), _) => files(own),
            (None, Some((_, given))) => given.clone(),
            (None, None) => self_signed(config)?,
        };
        let by_name = config.tls.hosts.iter().map(|(name, of_name)| (name.clone(), files(of_name)));
        let by_name = by_name.chain(given).collect();
        let trust = Trust {
            ca: config.tls.ca.clone(),
            unverified_hosts: config.tls.unverified_hosts.iter().cloned().collect(),
        };
        Ok(Self { loaded: Loaded::read(default, by_name)?, trusted: Trusted::read(trust)? })
    }
}

impl Secured {
    /// Reads them; `health` shows for how long the certificates are valid.
    pub(super) fn load(config: &Config, health: &Health) -> Result<Self, TlsError> {
        let Material { loaded, trusted } = Material::read(config)?;
        let certificates = Arc::new(Certificates::new(loaded));
        health.set_certificates(Arc::clone(&certificates));
        Ok(Self { certificates, client: Arc::new(TlsClient::new(trusted)?) })
    }

    /// Uses others from now on.
    pub(super) fn replace(&self, material: Material) {
        self.certificates.replace(material.loaded);
        self.client.replace(material.trusted);
    }

    pub(super) fn sip(&self, names: &Arc<Names>) -> Result<SipTls, TlsError> {
        let server = self.certificates.server(&[])?;
        Ok(SipTls { server, client: Arc::clone(&self.client), names: Arc::clone(names) })
    }

    /// Whom we believe.
    pub(super) fn client(&self) -> Arc<TlsClient> {
        Arc::clone(&self.client)
    }

    pub(super) fn https(&self) -> Result<TlsAcceptor, TlsError> {
        Ok(TlsAcceptor::from(self.certificates.server(&[b"http/1.1", ACME_TLS])?))
    }

    /// Who looks after the certificates of `[acme]`.
    pub(super) fn keeper(&self, config: &Config, names: &Arc<Names>, health: &Health) -> acme::Keeper {
        let tools = acme::Tools {
            certificates: Arc::clone(&self.certificates),
            names: Arc::clone(names),
            client: self.client(),
            renewals: health.renewals(),
        };
        acme::Keeper::new(config, tools)
    }

    /// Reads certificates and authorities again. What cannot be used leaves what was read before.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let authorities = self.client.reload();
        self.certificates.reload()?;
        authorities
    }

    /// Looks each few seconds whether a file has changed, and reads them all again then.
    pub(super) async fn watch(self, mut stopping: watch::Receiver<bool>) {
        let mut seen = self.stamps();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopping.changed() => return,
            }
            let now = self.stamps();
            if now == seen {
                continue;
            }
            seen = now;
            match self.reload() {
                Ok(()) => tracing::info!("changed certificates are in use"),
                // Half of them may be written: the rest changes the stamps again.
                Err(error) => tracing::error!(%error, "changed certificates cannot be used; the old ones stay"),
            }
        }
    }

    fn stamps(&self) -> Stamps {
        let mut files = self.certificates.files();
        files.push(self.client.file());
        let stamp = |path: PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        files.into_iter().map(stamp).collect()
    }
}

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// When each file was changed last, and how long it is.
type Stamps = Vec<Option<(SystemTime, u64)>>;

fn files(own: &TlsFiles) -> CertificateFiles {
    CertificateFiles { certificate: own.certificate.clone(), key: own.private_key.clone() }
}

fn self_signed(config: &Config) -> Result<CertificateFiles, TlsError> {
    let files = CertificateFiles::own(&config.data_dir);
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), config.sip.domain.clone()];
    names.extend(route_source(SOMEWHERE).map(|ip| ip.to_string()));
    names.dedup();
    tls::ensure(&files, &names)?;
    Ok(files)
}

//! Certificates of an authority that gives them by itself (`[acme]`, RFC 8555): asked for, renewed in time and put to use while the
//! process runs. What goes wrong changes nothing: the certificate there was is shown on, and the system page says why.

mod authority;
mod courier;
mod folder;
mod standing;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::counter;
use tokio::sync::watch;

use crate::config::{AcmeConfig, Config};
use crate::names::Names;
use crate::secrets::random_bytes;
use crate::store::unix_ms;
use crate::tls::{self, CertificateFiles, Certificates, ShownTo, TlsClient, TlsError, Trust, Trusted};
use crate::web_client::{Reach, WebClient};
use authority::{AcmeError, Authority};
use courier::Courier;
use folder::Folder;
use standing::{Failed, Standing};

pub use standing::Failure;

/// How tries went.
const TRIES: &str = "switchboard_acme_tries_total";
/// How often it is looked whether a certificate is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The certificates that are kept and can be shown, by name in the order of `acme.domains`. One that cannot is asked for anew.
#[must_use]
pub fn kept(config: &Config) -> Vec<(String, CertificateFiles)> {
    let folder = Folder::below(&config.tls_dir());
    let names = config.acme.iter().flat_map(|acme| acme.domains.clone());
    let kept = names.map(|name| (folder.files(&name), name)).filter(|(files, _)| files.certificate.exists());
    let usable = kept.filter(|(files, name)| match tls::look(files.clone()) {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(name, %error, "a certificate that was kept cannot be used; it is asked for anew");
            false
        }
    });
    usable.map(|(files, name)| (name, files)).collect()
}

/// What certificates are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    config: Option<AcmeConfig>,
    /// To whom the first name's certificate is shown.
    first_to: ShownTo,
}

impl Wanted {
    /// Those that a configuration names.
    #[must_use]
    pub fn by(config: &Config) -> Self {
        Self {
            config: config.acme.clone(),
            first_to: if config.tls.own.is_some() { ShownTo::ItsName } else { ShownTo::All },
        }
    }
}

/// How it stands with a name's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The name.
    pub name: String,
    /// When the authority is asked next, ms since the Unix epoch.
    pub next_ms: u64,
    /// Why the last try failed; none where it did not.
    pub failure: Option<Failure>,
}

/// How it stands with all of them, for who looks on. Cheap to clone; clones share.
#[derive(Clone, Debug, Default)]
pub struct Renewals(Arc<RwLock<Vec<Renewal>>>);

impl Renewals {
    /// In the order of `acme.domains`.
    #[must_use]
    pub fn all(&self) -> Vec<Renewal> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows these.
    pub fn set(&self, renewals: Vec<Renewal>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = renewals;
    }
}

/// With what certificates are asked for and put to use.
pub struct Tools {
    /// Those of the process.
    pub certificates: Arc<Certificates>,
    /// Resolves the authority's host.
    pub names: Arc<Names>,
    /// Believes the authority where `acme.ca` names nobody.
    pub client: Arc<TlsClient>,
    /// Is told how it stands.
    pub renewals: Renewals,
}

/// Looks after the certificates.
pub struct Keeper {
    tools: Tools,
    folder: Folder,
    standings: BTreeMap<String, Standing>,
}

impl Keeper {
    /// Goes on where the last process stopped.
    #[must_use]
    pub fn new(config: &Config, tools: Tools) -> Self {
        let folder = Folder::below(&config.tls_dir());
        let standings = folder.standings();
        Self { tools, folder, standings }
    }

    /// Looks after what is asked for, until told to stop. Whatever is asked for anew is tried at once: somebody has mended something.
    pub async fn run(mut self, mut wanted: watch::Receiver<Wanted>, mut stopping: watch::Receiver<bool>) {
        loop {
            let now = wanted.borrow_and_update().clone();
            tokio::select! {
                () = self.look(&now) => {}
                _ = stopping.changed() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                Ok(()) = wanted.changed() => self.standings.values_mut().for_each(Standing::try_now),
                _ = stopping.changed() => return,
            }
        }
    }

    async fn look(&mut self, wanted: &Wanted) {
        let Some(config) = &wanted.config else { return self.tools.renewals.set(Vec::new()) };
        self.standings.retain(|name, _| config.domains.contains(name));
        for (place, Renewal { name, next_ms, .. }) in self.tell(config).into_iter().enumerate() {
            if next_ms <= unix_ms() {
                let to = if place == 0 { wanted.first_to } else { ShownTo::ItsName };
                self.renew(config, &name, to).await;
            }
        }
    }

    async fn renew(&mut self, config: &AcmeConfig, name: &str, to: ShownTo) {
        tracing::info!(name, directory = config.directory, "a certificate is asked for");
        let (result, asked_to_wait_ms) = match self.courier(config) {
            Ok(courier) => (self.obtain(config, courier.clone(), name, to).await, courier.wait_until_ms()),
            Err(error) => (Err(error.into()), None),
        };
        let word = if result.is_ok() { "issued" } else { "failed" };
        counter!(TRIES, "result" => word).increment(1);
        let standing = self.standings.entry(name.to_owned()).or_default();
        match result {
            Ok(()) => *standing = Standing::default(),
            Err(error) => {
                let failure = Failure { at_ms: unix_ms(), reason: error.to_string() };
                standing.fail(Failed { failure, asked_to_wait_ms, draw: u64::from_be_bytes(random_bytes()) });
            }
        }
        for Renewal { next_ms, failure, .. } in self.tell(config).into_iter().filter(|one| one.name == name) {
            let next_in_s = next_ms.saturating_sub(unix_ms()) / 1_000;
            match failure {
                None => tracing::info!(name, next_in_s, "a certificate came and is in use"),
                Some(Failure { reason, .. }) => {
                    tracing::error!(name, reason, next_in_s, "no certificate came; what was shown is shown on");
                }
            }
        }
        if let Err(error) = self.folder.keep_standings(&self.standings) {
            tracing::error!(%error, "how it stands with certificates cannot be written down");
        }
    }

    async fn obtain(&self, config: &AcmeConfig, courier: Courier, name: &str, to: ShownTo) -> Result<(), AcmeError> {
        let authority = Authority { config, folder: &self.folder, courier };
        let pem = authority.certificate(&self.tools.certificates, name).await?;
        self.folder.keep_certificate(name, &pem)?;
        Ok(self.tools.certificates.show(name, self.folder.files(name), to)?)
    }

    /// The operator names the authority, so it may be in his own network.
    fn courier(&self, config: &AcmeConfig) -> Result<Courier, TlsError> {
        let client = match &config.ca {
            Some(ca) => {
                let trust = Trust { ca: ca.clone(), unverified_hosts: std::collections::BTreeSet::new() };
                Arc::new(TlsClient::new(Trusted::read(trust)?)?)
            }
            None => Arc::clone(&self.tools.client),
        };
        Ok(Courier::new(WebClient::new(Reach::Everywhere, "", Arc::clone(&self.tools.names), client)))
    }

    /// How it stands with each name, in the order of `acme.domains`; whoever looks on is told.
    fn tell(&self, config: &AcmeConfig) -> Vec<Renewal> {
        let shown = self.tools.certificates.validity();
        let of_name = |name: &str| shown.iter().find(|validity| validity.name.as_deref() == Some(name));
        let renewals: Vec<Renewal> = config.domains.iter().map(|name| self.renewal(name, of_name(name))).collect();
        self.tools.renewals.set(renewals.clone());
        renewals
    }

    fn renewal(&self, name: &str, own: Option<&tls::Validity>) -> Renewal {
        // The same for one certificate each time, and another one for each.
        let draw = |own: &tls::Validity| u64::from(crc32c::crc32c(format!("{name} {}", own.not_after_ms).as_bytes()));
        let renewal_ms = own.map(|own| standing::renewal_ms(own, draw(own).saturating_mul(DRAW_STEP)));
        let standing = self.standings.get(name).cloned().unwrap_or_default();
        Renewal { name: name.to_owned(), next_ms: standing.due_ms(renewal_ms), failure: standing.failure }
    }
}

/// 32 bits of chance, spread over more ms than a twentieth of any certificate's life has.
const DRAW_STEP: u64 = 1_009;

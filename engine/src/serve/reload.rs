//! SIGHUP: reads the configuration file again and puts into force what can be while calls run.
//!
//! All of it is checked before any of it is used: a file that is wrong changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hooks::fact::SettingsChanged;
use hooks::id::TenantId;
use tokio::sync::{OwnedMutexGuard, watch};

use super::secured::{Material, Secured};
use crate::acme::Wanted;
use crate::config::{Config, RecordingConfig};
use crate::http::state::Api;
use crate::provision;
use crate::store::Store;

/// Takes a new `log.level`: first looked at, then used.
pub type LogLevel = Box<dyn Fn(&str) -> Result<Box<dyn FnOnce() + Send>, String> + Send + Sync>;

/// What a reload works on.
pub(super) struct Reload {
    file: PathBuf,
    log_level: LogLevel,
    secured: Secured,
    wanted: watch::Sender<Wanted>,
    api: Api,
    store: Store,
    /// What is in force.
    config: Config,
}

impl Reload {
    pub(super) fn new(
        file: PathBuf,
        log_level: LogLevel,
        secured: Secured,
        wanted: watch::Sender<Wanted>,
        api: Api,
        config: Config,
    ) -> Self {
        let store = api.store().clone();
        Self { file, log_level, secured, wanted, api, store, config }
    }

    /// How long calls may go on when the process is to stop.
    pub(super) fn drain(&self) -> Duration {
        self.config.drain
    }

    /// Reads the file and puts it into force, or says in the log why not.
    pub(super) async fn run(&mut self) {
        let file = self.file.clone();
        match self.read_again().await {
            Ok(waiting) => {
                for keys in waiting {
                    tracing::warn!("{keys}: the change is in force after a restart");
                }
                tracing::info!(file = %file.display(), "the configuration was read again and is in force");
            }
            Err(reason) => {
                tracing::error!(file = %file.display(), "the configuration was read again and nothing was changed: {reason}");
            }
        }
    }

    /// Gives the keys whose change needs a restart.
    async fn read_again(&mut self) -> Result<Vec<&'static str>, String> {
        let new = Config::load(&self.file).map_err(|error| error.to_string())?;
        // What needs a restart stays as it is: the realm of the phones' passwords, and where the certificate of the first start lies.
        let mut usable = new.clone();
        usable.sip.domain.clone_from(&self.config.sip.domain);
        usable.data_dir.clone_from(&self.config.data_dir);
        let material = Material::read(&usable).map_err(|error| format!("[tls]: {error}"))?;
        let use_level = (self.log_level)(&new.log.level).map_err(|error| format!("log.level: {error}"))?;
        let turns = self.turns().await?;
        let changed = provision::apply(&self.store, self.api.secret_key(), &usable).await;
        let changed = changed.map_err(|error| error.to_string())?;
        let locations = self.api.locations().replace(new.locations.as_deref());
        locations.map_err(|error| format!("numbers.locations: {error}"))?;
        // Nothing below can be refused.
        use_level();
        self.secured.replace(material);
        self.wanted.send_replace(Wanted::by(&new));
        self.api.set_record_internal(new.recording.internal);
        let internal_changed = new.recording.internal != self.config.recording.internal;
        self.tell(changed, internal_changed, &turns).await;
        let waiting = waiting(&self.config, &new);
        self.config.locations = new.locations;
        (self.config.tls, self.config.acme) = (new.tls, new.acme);
        self.config.log.level = new.log.level;
        self.config.drain = new.drain;
        self.config.recording.internal = new.recording.internal;
        self.config.provision = new.provision;
        Ok(waiting)
    }

    /// The turns of all tenants, in one order: nobody changes settings meanwhile.
    async fn turns(&self) -> Result<BTreeMap<TenantId, OwnedMutexGuard<()>>, String> {
        let tenants = provision::tenants(&self.store).await.map_err(|error| error.to_string())?;
        let mut turns = BTreeMap::new();
        for tenant in tenants.into_iter().map(|tenant| tenant.slug) {
            turns.insert(tenant.clone(), self.api.turn(&tenant).lock_owned().await);
        }
        Ok(turns)
    }

    /// Tells the switch of each tenant that is different now.
    async fn tell(
        &self,
        mut changed: BTreeMap<TenantId, Vec<SettingsChanged>>,
        all: bool,
        turns: &BTreeMap<TenantId, OwnedMutexGuard<()>>,
    ) {
        for tenant in turns.keys() {
            let facts = changed.remove(tenant).unwrap_or_default();
            if facts.is_empty() && !all {
                continue;
            }
            // A database that is away is logged where it is asked; the next change tells the switch of this one, too.
            let Ok(config) = self.api.tenant_config(tenant).await else { continue };
            if let Err(error) = self.api.switch().settings(Arc::new(config), facts).await {
                tracing::error!(%tenant, %error, "the switch did not take the settings");
            }
        }
    }
}

/// What differs between these two and cannot be changed while the process runs.
fn waiting(old: &Config, new: &Config) -> Vec<&'static str> {
    let recording = |config: &RecordingConfig| (config.dir.clone(), config.free_disk_floor_bytes);
    let keeping = |config: &RecordingConfig| {
        let files = (config.encryption_keys.clone(), config.encryption_key_file.clone());
        (config.format, config.keep_days, files, config.s3.clone())
    };
    let differences = [
        ("data_dir", old.data_dir != new.data_dir),
        ("local_nets", old.local_nets != new.local_nets),
        ("[sip]", old.sip != new.sip),
        ("[http]", old.http != new.http),
        ("[https]", old.https != new.https),
        ("[rtp]", old.rtp != new.rtp),
        ("[wallboard]", old.abnormal != new.abnormal),
        ("[park]", old.park != new.park),
        ("[ice]", old.ice_servers != new.ice_servers),
        ("[lookup]", old.lookup != new.lookup),
        ("[webhooks]", old.webhooks != new.webhooks),
        ("[plugins]", old.plugins_off != new.plugins_off),
        ("[oidc]", old.oidc != new.oidc),
        ("[dns]", old.dns != new.dns),
        ("[storage]", old.storage != new.storage),
        ("log.format", old.log.format != new.log.format),
        ("recording.dir, recording.free_disk_floor_mb", recording(&old.recording) != recording(&new.recording)),
        ("how recordings are kept", keeping(&old.recording) != keeping(&new.recording)),
        ("[journal]", old.journal_keep_days != new.journal_keep_days),
        ("[ladder]", old.ladder != new.ladder),
        ("[limits]", old.limits != new.limits),
    ];
    differences.into_iter().filter(|(_, differs)| *differs).map(|(keys, _)| keys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_restart_is_named_and_the_rest_is_not() {
        let read = |text: &str| Config::parse(text, []).unwrap();
        let old = read("");
        for (text, expected) in [
            ("", &[][..]),
            ("drain_s = 5\n[log]\nlevel = \"debug\"\n[recording]\ninternal = true\n[tls]\nca = \"x\"", &[]),
            ("[sip]\nring_timeout_s = 20\n[limits]\ncalls = 5", &["[sip]", "[limits]"]),
            (
                "[dns]\nrefresh_s = 5\n[recording]\nfree_disk_floor_mb = 1",
                &["[dns]", "recording.dir, recording.free_disk_floor_mb"],
            ),
        ] {
            assert_eq!(waiting(&old, &read(text)), expected, "{text}");
        }
    }
}

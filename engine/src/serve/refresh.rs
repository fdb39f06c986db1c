//! Asks again where hosts are, and tells the switch of those that moved.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dialplan::number::{ExtensionNumber, TrunkName};
use hooks::id::TenantId;
use switch::config::TenantConfig;
use tokio::sync::watch;

use crate::http::state::Api;
use crate::names::Names;
use crate::tenant_config::Built;

/// Where a tenant's trunks and static phones are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Whereabouts {
    trunks: BTreeMap<TrunkName, Vec<SocketAddr>>,
    phones: BTreeMap<ExtensionNumber, SocketAddr>,
}

impl Whereabouts {
    fn of(config: &TenantConfig) -> Self {
        let phone = |(number, extension): (&ExtensionNumber, &switch::config::Extension)| {
            Some((number.clone(), extension.static_contact.as_ref()?.target))
        };
        Self {
            trunks: config.trunks.iter().map(|(name, trunk)| (name.clone(), trunk.targets.clone())).collect(),
            phones: config.extensions.iter().filter_map(phone).collect(),
        }
    }
}

/// Every tenant's whereabouts as they were told to the switch.
pub(super) struct Refresh {
    api: Api,
    names: Arc<Names>,
    told: BTreeMap<TenantId, Whereabouts>,
}

impl Refresh {
    /// Over the settings that the switch began with.
    pub(super) fn new<'c>(api: Api, names: Arc<Names>, began: impl Iterator<Item = &'c TenantConfig>) -> Self {
        Self { api, names, told: began.map(|config| (config.tenant.clone(), Whereabouts::of(config))).collect() }
    }

    /// A round as soon as an answer is too old, each `every` at least, until told to stop.
    pub(super) async fn run(mut self, every: Duration, mut stopping: watch::Receiver<bool>) {
        loop {
            let pause = self.names.due_in().map_or(every, |due| due.min(every));
            tokio::select! {
                () = tokio::time::sleep(pause) => self.round().await,
                _ = stopping.changed() => return,
            }
        }
    }

    async fn round(&mut self) {
        for (tenant, told) in &mut self.told {
            // In turn with changes by the API, so that the switch never gets an older state after a newer one.
            let turn = self.api.turn(tenant).lock_owned().await;
            // A database that is away is logged where it is asked; the switch keeps what it has.
            // What does not resolve was said when it was set, and is said where its calls fail.
            let Ok(Built { config, .. }) = self.api.build_tenant(tenant).await else { continue };
            let now = Whereabouts::of(&config);
            if now == *told {
                continue;
            }
            tracing::info!(%tenant, "hosts have other addresses now");
            if self.api.switch().settings(Arc::new(config), Vec::new()).await.is_ok() {
                *told = now;
            }
            drop(turn);
        }
    }
}

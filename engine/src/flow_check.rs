//! What is wrong with a flow in a tenant: before it is published by the API, and before the configuration file's is.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::flow::check::{Known, Problem, check};
use dialplan::say::PromptName;
use hooks::id::TenantId;

use crate::prompts::defaults;
use crate::store::extensions::Extension;
use crate::store::flows::FlowVersion;
use crate::store::hours::StoredHours;
use crate::store::prompts::StoredPrompt;
use crate::store::queues::Queue;
use crate::store::rooms::Room;
use crate::store::setting::{Setting, SettingsTx, Stored};
use crate::store::surveys::StoredSurvey;
use crate::store::{Store, StoreError};

/// Where a tenant's settings are read: as they stand, or as a change that is on its way sees them.
pub trait Settings: Send {
    /// All of a kind.
    fn all<S: Setting>(&mut self) -> impl Future<Output = Result<Vec<Stored<S>>, StoreError>> + Send;

    /// The versions that new calls walk.
    fn published_flows(&mut self) -> impl Future<Output = Result<Vec<FlowVersion>, StoreError>> + Send;
}

/// A tenant's settings as they stand.
#[derive(Debug)]
pub struct Standing<'a> {
    /// Where.
    pub store: &'a Store,
    /// Whose.
    pub tenant: &'a TenantId,
}

impl Settings for Standing<'_> {
    async fn all<S: Setting>(&mut self) -> Result<Vec<Stored<S>>, StoreError> {
        self.store.all(self.tenant).await
    }

    async fn published_flows(&mut self) -> Result<Vec<FlowVersion>, StoreError> {
        self.store.published_flows(self.tenant).await
    }
}

impl Settings for SettingsTx {
    async fn all<S: Setting>(&mut self) -> Result<Vec<Stored<S>>, StoreError> {
        SettingsTx::all(self).await
    }

    async fn published_flows(&mut self) -> Result<Vec<FlowVersion>, StoreError> {
        SettingsTx::published_flows(self).await
    }
}

/// What a tenant's flows may name.
///
/// # Errors
/// [`StoreError`].
pub async fn known(settings: &mut impl Settings) -> Result<Known, StoreError> {
    let rooms = settings.all::<Room>().await?;
    let flows = settings.published_flows().await?;
    Ok(Known {
        prompts: prompts(settings).await?,
        extensions: settings.all::<Extension>().await?.into_iter().map(|it| it.value.number).collect(),
        queues: settings.all::<Queue>().await?.into_iter().map(|it| it.value.name).collect(),
        surveys: settings.all::<StoredSurvey>().await?.into_iter().map(|it| it.value.0.name).collect(),
        hours: settings.all::<StoredHours>().await?.into_iter().map(|it| it.value.name).collect(),
        rooms: rooms.into_iter().filter_map(|room| room.value.number.as_str().parse().ok()).collect(),
        flows: flows.into_iter().map(|version| (version.flow, Arc::new(version.definition))).collect(),
    })
}

/// The names of a tenant's prompts: the default ones, and what it has uploaded.
///
/// # Errors
/// [`StoreError`].
pub async fn prompts(settings: &mut impl Settings) -> Result<BTreeSet<PromptName>, StoreError> {
    let uploaded = settings.all::<StoredPrompt>().await?.into_iter().map(|prompt| prompt.value.name);
    Ok(defaults::names().into_iter().chain(uploaded).collect())
}

/// What is wrong with a flow, by node.
#[must_use]
pub fn problems(flow: &Flow, known: &Known) -> Vec<Problem> {
    let mut problems = check(flow, known);
    problems.sort();
    problems
}

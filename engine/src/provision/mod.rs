//! What an installation has without anybody making it: the first start's tenant, administrator and phones, and what the
//! configuration file provisions, applied again at each start and reload without duplicates.

pub mod first_start;
mod staff;

use std::collections::{BTreeMap, BTreeSet};

use dialplan::flow::Flow;
use dialplan::flow::name::FlowName;
use hooks::fact::SettingsChanged;
use hooks::id::TenantId;
use switch::config::Pin;

use crate::config::Config;
use crate::config::Problem;
use crate::config::flow_file::WrittenFlow;
use crate::config::provision::{
    ProvisionedAgent, ProvisionedBlock, ProvisionedCaller, ProvisionedExtension, ProvisionedFlow, ProvisionedHours,
    ProvisionedQueue, ProvisionedRoom, ProvisionedRoute, ProvisionedTrunk,
};
use crate::flow_check;
use crate::secrets::{SecretKey, new_password, new_ulid};
use crate::store::agents::Agent;
use crate::store::blocks::BlockEntry;
use crate::store::callers::CallerEntry;
use crate::store::extensions::Extension;
use crate::store::flows::{FlowVersion, StoredFlow};
use crate::store::hours::StoredHours;
use crate::store::queues::Queue;
use crate::store::rooms::Room;
use crate::store::routes::Route;
use crate::store::setting::{Change, Expect, Hidden, Origin, Setting, SettingsTx};
use crate::store::surveys::StoredSurvey;
use crate::store::tenants::Tenant;
use crate::store::trunks::{Trunk, TrunkAccount};
use crate::store::{Store, StoreError, unix_ms};
use crate::tenant_config::{room_owner, trunk_owner};

/// Why what the file provisions could not be applied. Nothing of that tenant was.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The file names a tenant that does not exist.
    #[error("[[provision.*]] names tenant {0}, which does not exist: make it first, or name another")]
    NoTenant(TenantId),
    /// A flow names what its tenant has not.
    #[error("[[provision.flow]] {name}: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Flow {
        /// Which.
        name: FlowName,
        /// What, at its lines; never empty.
        problems: Vec<Problem>,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the database hold what `[[provision.*]]` says: missing rows are made, different ones changed (also where somebody
/// had made them by hand: the file wins), and those the file no longer has are deleted. The facts to tell, by tenant.
///
/// # Errors
/// [`ProvisionError`].
pub async fn apply(
    store: &Store,
    key: &SecretKey,
    config: &Config,
) -> Result<BTreeMap<TenantId, Vec<SettingsChanged>>, ProvisionError> {
    let there: BTreeSet<TenantId> = store.tenants().await?.into_iter().map(|tenant| tenant.value.slug).collect();
    let wanted = &config.provision;
    let named = (wanted.extensions.iter().map(|it| &it.tenant))
        .chain(wanted.trunks.iter().map(|it| &it.tenant))
        .chain(wanted.routes.iter().map(|it| &it.tenant))
        .chain(wanted.rooms.iter().map(|it| &it.tenant))
        .chain(wanted.agents.iter().map(|it| &it.tenant))
        .chain(wanted.queues.iter().map(|it| &it.tenant))
        .chain(wanted.hours.iter().map(|it| &it.tenant))
        .chain(wanted.blocks.iter().map(|it| &it.tenant))
        .chain(wanted.surveys.iter().map(|it| &it.tenant))
        .chain(wanted.callers.iter().map(|it| &it.tenant))
        .chain(wanted.flows.iter().map(|it| &it.tenant));
    if let Some(missing) = named.into_iter().find(|tenant| !there.contains(*tenant)) {
        return Err(ProvisionError::NoTenant(missing.clone()));
    }
    let mut changed = BTreeMap::new();
    for tenant in there {
        let mut facts =
            staff::make_employees(store, &tenant, wanted.agents.iter().filter(|it| it.tenant == tenant)).await?;
        let mut tx = store.change(Change::system(tenant.clone(), Origin::Provision)).await?;
        let extensions = wanted.extensions.iter().filter(|it| it.tenant == tenant);
        apply_extensions(&mut tx, &config.sip.domain, extensions).await?;
        apply_trunks(&mut tx, key, wanted.trunks.iter().filter(|it| it.tenant == tenant)).await?;
        apply_routes(&mut tx, wanted.routes.iter().filter(|it| it.tenant == tenant)).await?;
        apply_rooms(&mut tx, key, wanted.rooms.iter().filter(|it| it.tenant == tenant)).await?;
        apply_agents(&mut tx, wanted.agents.iter().filter(|it| it.tenant == tenant)).await?;
        apply_queues(&mut tx, wanted.queues.iter().filter(|it| it.tenant == tenant)).await?;
        apply_hours(&mut tx, wanted.hours.iter().filter(|it| it.tenant == tenant)).await?;
        apply_blocks(&mut tx, wanted.blocks.iter().filter(|it| it.tenant == tenant)).await?;
        let mut keep = BTreeSet::new();
        for it in wanted.surveys.iter().filter(|it| it.tenant == tenant) {
            keep.insert(put(&mut tx, StoredSurvey(it.survey.clone())).await?);
        }
        delete_others::<StoredSurvey>(&mut tx, &keep).await?;
        apply_callers(&mut tx, wanted.callers.iter().filter(|it| it.tenant == tenant)).await?;
        apply_flows(&mut tx, wanted.flows.iter().filter(|it| it.tenant == tenant)).await?;
        facts.extend(tx.commit().await?);
        if !facts.is_empty() {
            changed.insert(tenant, facts);
        }
    }
    Ok(changed)
}

async fn apply_extensions(
    tx: &mut SettingsTx,
    domain: &str,
    wanted: impl Iterator<Item = &ProvisionedExtension>,
) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        let before = tx.find::<Extension>(it.number.as_str()).await?.map(|stored| stored.value);
        let mut extension = match (&it.password, before) {
            (Some(password), _) => Extension::new(it.number.clone(), domain, &password.0),
            (None, Some(before)) => before,
            // Nobody knows this password: the phone is reached by its contact and does not sign in.
            (None, None) => Extension::new(it.number.clone(), domain, &new_password()),
        };
        it.display_name.clone_into(&mut extension.display_name);
        extension.enabled = it.enabled;
        extension.ring_timeout_ms = it.ring_timeout_ms;
        extension.record = it.record;
        extension.caller_number.clone_from(&it.caller_number);
        extension.contact.clone_from(&it.contact);
        extension.handling.clone_from(&it.handling);
        extension.srtp = it.srtp;
        extension.pickup_group.clone_from(&it.pickup_group);
        extension.ways = it.ways;
        keep.insert(put(tx, extension).await?);
    }
    delete_others::<Extension>(tx, &keep).await
}

async fn apply_trunks(
    tx: &mut SettingsTx,
    key: &SecretKey,
    wanted: impl Iterator<Item = &ProvisionedTrunk>,
) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        let before = tx.find::<Trunk>(it.name.as_str()).await?.and_then(|stored| stored.value.account);
        let trunk = Trunk {
            port: it.port,
            transport: it.transport,
            sources: it.sources.clone(),
            account: account(key, it, before),
            trusted: it.trusted,
            emergency: it.emergency,
            caller_number: it.caller_number.clone(),
            record: it.record,
            enabled: it.enabled,
            policy: it.policy.clone(),
            ..Trunk::new(it.name.clone(), it.host.clone())
        };
        keep.insert(put(tx, trunk).await?);
    }
    delete_others::<Trunk>(tx, &keep).await
}

/// Encryption gives another text each time, so the one that stands there is kept where it means the same.
fn account(key: &SecretKey, it: &ProvisionedTrunk, before: Option<TrunkAccount>) -> Option<TrunkAccount> {
    let (username, password) = it.account.as_ref()?;
    let owner = trunk_owner(&it.tenant, &it.name);
    let same = before.filter(|before| {
        before.username == *username && key.unseal(&owner, &before.secret).is_ok_and(|old| old == password.0)
    });
    Some(same.unwrap_or_else(|| TrunkAccount { username: username.clone(), secret: key.seal(&owner, &password.0) }))
}

async fn apply_routes(tx: &mut SettingsTx, wanted: impl Iterator<Item = &ProvisionedRoute>) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        let route = Route { name: it.name.clone(), place: it.place, rule: it.rule.clone() };
        keep.insert(put(tx, route).await?);
    }
    delete_others::<Route>(tx, &keep).await
}

async fn apply_rooms(
    tx: &mut SettingsTx,
    key: &SecretKey,
    wanted: impl Iterator<Item = &ProvisionedRoom>,
) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        let before = tx.find::<Room>(it.number.as_str()).await?.map(|stored| stored.value);
        let (pin, moderator_pin) = before.map(|before| (before.pin, before.moderator_pin)).unwrap_or_default();
        let room = Room {
            name: it.name.clone(),
            pin: it.pin.as_ref().map(|wanted| sealed(key, it, wanted, pin)),
            moderator_pin: it.moderator_pin.as_ref().map(|wanted| sealed(key, it, wanted, moderator_pin)),
            members_max: it.members_max,
            announce: it.announce,
            record: it.record,
            music_alone: it.music_alone,
            locked: it.locked,
            ..Room::new(it.number.clone())
        };
        keep.insert(put(tx, room).await?);
    }
    delete_others::<Room>(tx, &keep).await
}

async fn apply_agents(tx: &mut SettingsTx, wanted: impl Iterator<Item = &ProvisionedAgent>) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        keep.insert(put(tx, Agent { agent: it.number.clone(), rules: it.rules.clone() }).await?);
    }
    delete_others::<Agent>(tx, &keep).await
}

async fn apply_queues(tx: &mut SettingsTx, wanted: impl Iterator<Item = &ProvisionedQueue>) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        keep.insert(put(tx, Queue { name: it.name.clone(), rules: it.rules.clone() }).await?);
    }
    delete_others::<Queue>(tx, &keep).await
}

async fn apply_hours(tx: &mut SettingsTx, wanted: impl Iterator<Item = &ProvisionedHours>) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        keep.insert(put(tx, StoredHours { name: it.name.clone(), hours: it.hours.clone() }).await?);
    }
    delete_others::<StoredHours>(tx, &keep).await
}

/// An entry for the same number keeps its id, whoever made it.
async fn apply_blocks(tx: &mut SettingsTx, wanted: impl Iterator<Item = &ProvisionedBlock>) -> Result<(), StoreError> {
    let there = tx.all::<BlockEntry>().await?;
    let mut keep = BTreeSet::new();
    for it in wanted {
        let same = there.iter().find(|stored| stored.value.pattern() == (it.side, it.kind, &it.number));
        let id = same.map_or_else(|| new_ulid(unix_ms()), |stored| stored.value.id.clone());
        let entry = BlockEntry {
            id,
            side: it.side,
            kind: it.kind,
            number: it.number.clone(),
            treatment: it.treatment,
            expires_at_ms: None,
            note: it.note.clone(),
        };
        keep.insert(put(tx, entry).await?);
    }
    delete_others::<BlockEntry>(tx, &keep).await
}

/// As [`apply_blocks`].
async fn apply_callers(
    tx: &mut SettingsTx,
    wanted: impl Iterator<Item = &ProvisionedCaller>,
) -> Result<(), StoreError> {
    let there = tx.all::<CallerEntry>().await?;
    let mut keep = BTreeSet::new();
    for it in wanted {
        let same = there.iter().find(|stored| stored.value.pattern() == (it.kind, &it.number));
        let id = same.map_or_else(|| new_ulid(unix_ms()), |stored| stored.value.id.clone());
        let owner = it.owner.as_ref().map(ToString::to_string);
        let entry = CallerEntry {
            id,
            kind: it.kind,
            number: it.number.clone(),
            priority: it.priority,
            owner,
            note: it.note.clone(),
        };
        keep.insert(put(tx, entry).await?);
    }
    delete_others::<CallerEntry>(tx, &keep).await
}

/// A flow that is the published version already is not checked again: a restart takes what calls have walked so far.
async fn apply_flows(
    tx: &mut SettingsTx,
    wanted: impl Iterator<Item = &ProvisionedFlow>,
) -> Result<(), ProvisionError> {
    let wanted: Vec<&WrittenFlow> = wanted.map(|it| &it.written).collect();
    let keep: BTreeSet<&FlowName> = wanted.iter().map(|it| &it.flow.name).collect();
    let stored = tx.all::<StoredFlow>().await?;
    for gone in stored.into_iter().filter(|it| it.is_read_only() && !keep.contains(&it.value.name)) {
        tx.delete_flow(&gone.value, Expect::Any).await?;
    }
    let mut known = flow_check::known(tx).await?;
    known.flows.extend(wanted.iter().map(|it| (it.flow.name.clone(), it.flow.clone())));
    for it in wanted {
        let name = &it.flow.name;
        let last = tx.find::<StoredFlow>(name.as_str()).await?.and_then(|stored| stored.value.published);
        let version = match last {
            Some(number) => tx.find::<FlowVersion>(&FlowVersion::id(name.as_str(), number)).await?,
            None => None,
        };
        let number = match (last, version) {
            (Some(number), Some(version)) if version.value.definition == *it.flow => number,
            (last, _) => {
                let problems = flow_check::problems(&it.flow, &known);
                if !problems.is_empty() {
                    let problems = problems.iter().map(|problem| it.told(problem)).collect();
                    return Err(ProvisionError::Flow { name: name.clone(), problems });
                }
                let number = last.map_or(1, |last| last + 1);
                let definition = Flow::clone(&it.flow);
                tx.create(FlowVersion { flow: name.clone(), number, definition }).await?;
                number
            }
        };
        let title = it.flow.title.clone();
        put(tx, StoredFlow { name: name.clone(), title, draft: None, published: Some(number) }).await?;
    }
    Ok(())
}

/// As [`account`]: what stands there is kept where it means the same.
fn sealed(key: &SecretKey, it: &ProvisionedRoom, pin: &Pin, before: Option<Hidden>) -> Hidden {
    let owner = room_owner(&it.tenant, &it.number);
    let same = before.filter(|before| key.unseal(&owner, before).is_ok_and(|old| old == pin.digits()));
    same.unwrap_or_else(|| key.seal(&owner, pin.digits()))
}

async fn put<S: Setting>(tx: &mut SettingsTx, value: S) -> Result<String, StoreError> {
    let key = value.key();
    if tx.find::<S>(&key).await?.is_some() {
        tx.update(value, Expect::Any).await?;
    } else {
        tx.create(value).await?;
    }
    Ok(key)
}

async fn delete_others<S: Setting>(tx: &mut SettingsTx, keep: &BTreeSet<String>) -> Result<(), StoreError> {
    let stored = tx.all::<S>().await?;
    let gone = stored.iter().filter(|stored| stored.is_read_only()).map(|stored| stored.value.key());
    for key in gone.filter(|key| !keep.contains(key)) {
        tx.delete::<S>(&key, Expect::Any).await?;
    }
    Ok(())
}

/// The tenants as the switch names them.
///
/// # Errors
/// [`StoreError`].
pub async fn tenants(store: &Store) -> Result<Vec<Tenant>, StoreError> {
    Ok(store.tenants().await?.into_iter().map(|stored| stored.value).collect())
}

#[cfg(test)]
mod tests;

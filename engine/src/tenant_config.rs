//! From rows of the store to what the switch is told of a tenant: secrets decrypted, hosts resolved, routes in order.

pub mod contact;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dialplan::block::BlockLists;
use dialplan::caller::KnownCallers;
use dialplan::flow::name::QueueName;
use dialplan::hours::Zone;
use dialplan::number::{AgentNumber, ExtensionNumber, RoomNumber, TrunkName};
use dialplan::park::Park;
use dialplan::plan::{InboundRoute, OutboundRoute, Plan, RouteHours};
use hooks::id::TenantId;
use sip::flow::Transport;
use switch::config::{self, Credentials, NumberSight, StaticContact, TenantConfig};

use crate::names::{Addresses, Ask, Names};
use crate::secrets::{SecretError, SecretKey};
use crate::store::agents::Agent;
use crate::store::blocks::BlockEntry;
use crate::store::callers::CallerEntry;
use crate::store::employees::{Employee, Employment};
use crate::store::extensions::Extension;
use crate::store::flows::FlowVersion;
use crate::store::hours::StoredHours;
use crate::store::queues::Queue;
use crate::store::roles::{FieldRight, Role};
use crate::store::rooms::Room;
use crate::store::routes::{ClosedRule, Route, RouteRule};
use crate::store::setting::{Hidden, Stored};
use crate::store::surveys::StoredSurvey;
use crate::store::tenants::Tenant;
use crate::store::trunks::{Trunk, TrunkAccount};
use crate::store::{Store, StoreError};
use contact::Contact;

/// What holds for a tenant's configuration whatever its rows say.
#[derive(Debug)]
pub struct Build<'a> {
    /// The key file.
    pub key: &'a SecretKey,
    /// The digest realm of the node: extensions made for another cannot sign in.
    pub domain: &'a str,
    /// Calls between extensions are recorded in every tenant.
    pub record_internal: bool,
    /// Where callers are parked.
    pub park: &'a Park,
    /// Where hosts are.
    pub names: &'a Names,
}

/// A tenant as the switch wants it, and what an administrator should know.
#[derive(Debug)]
pub struct Built {
    /// For the switch.
    pub config: TenantConfig,
    /// One line each: hosts that do not resolve, passwords of another realm.
    pub warnings: Vec<String>,
}

/// Why a tenant could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The store failed, or has no such tenant.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a tenant and resolves its hosts.
///
/// # Errors
/// [`BuildError::Store`]. A secret that cannot be decrypted and a host that does not resolve are warnings: the rest works.
pub async fn build(store: &Store, tenant: &TenantId, with: &Build<'_>) -> Result<Built, BuildError> {
    let settings = store.get::<Tenant>(tenant, tenant.as_str()).await?.value;
    let extensions: Vec<Extension> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let trunks: Vec<Trunk> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let rooms: Vec<Room> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let mut routes: Vec<Route> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    routes.sort_by_key(|route| route.place);
    let mut warnings = Vec::new();
    let addresses = with.names.resolve(hosts(&extensions, &trunks), &mut warnings).await;
    with.names.note_secured(tenant, secured(&addresses, &mut warnings));
    let mut plan = plan(&settings, &extensions, &trunks, &routes);
    plan.park = Some(with.park.clone());
    plan.rooms = rooms.iter().map(|room| room.number.clone()).collect();
    let mut built_extensions = BTreeMap::new();
    for extension in &extensions {
        if extension.realm != with.domain {
            let (number, realm) = (&extension.number, &extension.realm);
            warnings.push(format!("extension {number} has a password for realm {realm}, set a new one"));
        }
        built_extensions.insert(extension.number.clone(), phone(extension, &addresses)?);
    }
    let mut built_trunks = BTreeMap::new();
    for trunk in &trunks {
        let credentials = match trunk.account.as_ref().map(|account| credentials(tenant, trunk, account, with.key)) {
            None => None,
            Some(Ok(credentials)) => Some(credentials),
            Some(Err(error)) => {
                warnings.push(format!("trunk {}: {error}", trunk.name));
                None
            }
        };
        built_trunks.insert(trunk.name.clone(), line(trunk, credentials, &addresses));
    }
    let version = |it: FlowVersion| (it.flow, config::Version { number: it.number, flow: Arc::new(it.definition) });
    let flows = store.published_flows(tenant).await?.into_iter().map(version).collect();
    let queues: Vec<Queue> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    plan.queues = queues.iter().filter_map(numbered).collect();
    let queues =
        queues.iter().map(|queue| (queue.name.clone(), Arc::new(queue.rules.for_switch(&queue.name)))).collect();
    let agents = agents(store, tenant).await?;
    let hours: Vec<StoredHours> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let mut blocks = BlockLists::default();
    store.all::<BlockEntry>(tenant).await?.into_iter().for_each(|stored| stored.value.put_into(&mut blocks));
    let mut callers = KnownCallers::default();
    store.all::<CallerEntry>(tenant).await?.into_iter().for_each(|stored| stored.value.put_into(&mut callers));
    let zone = zone(&settings, &mut warnings);
    let surveys: Vec<Stored<StoredSurvey>> = store.all(tenant).await?;
    let config = TenantConfig {
        tenant: tenant.clone(),
        domains: settings.domains,
        extensions: built_extensions,
        trunks: built_trunks,
        rooms: built_rooms(tenant, &rooms, with.key, &mut warnings),
        flows,
        agents,
        queues,
        hours: hours.into_iter().map(|it| (it.name, Arc::new(it.hours))).collect(),
        surveys: surveys.into_iter().map(|it| (it.value.name().clone(), Arc::new(it.value.0))).collect(),
        blocks: Arc::new(blocks),
        callers: Arc::new(callers),
        plan,
        zone,
        language: settings.language,
        caller_number: settings.caller_number,
        record_internal: settings.record_internal || with.record_internal,
    };
    Ok(Built { config, warnings })
}

fn built_rooms(
    tenant: &TenantId,
    rooms: &[Room],
    key: &SecretKey,
    warnings: &mut Vec<String>,
) -> BTreeMap<RoomNumber, Arc<config::Room>> {
    let mut built_rooms = BTreeMap::new();
    for stored in rooms {
        match room(tenant, stored, key) {
            Ok(built) => _ = built_rooms.insert(stored.number.clone(), Arc::new(built)),
            // Without its PIN nobody may come in.
            Err(error) => warnings.push(format!("room {}: {error}", stored.number)),
        }
    }
    built_rooms
}

/// By which number phones call a queue.
fn numbered(queue: &Queue) -> Option<(ExtensionNumber, QueueName)> {
    Some((queue.rules.number.as_deref()?.parse().ok()?, queue.name.clone()))
}

/// Whose clocks tell the tenant's days.
fn zone(settings: &Tenant, warnings: &mut Vec<String>) -> Zone {
    settings.time_zone.parse().unwrap_or_else(|error| {
        warnings.push(format!("time zone {}: {error}; UTC is taken", settings.time_zone));
        "UTC".parse().expect("a zone that there is")
    })
}

/// Agents whose employees are in service.
async fn agents(store: &Store, tenant: &TenantId) -> Result<BTreeMap<AgentNumber, config::Agent>, StoreError> {
    let employees: Vec<Employee> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let employees: BTreeMap<&str, &Employee> = employees
        .iter()
        .filter(|employee| employee.employment == Employment::Active)
        .map(|employee| (employee.employee_no.as_str(), employee))
        .collect();
    let roles: Vec<Role> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let sights: BTreeMap<&str, NumberSight> = roles.iter().map(|role| (role.id.as_str(), number_sight(role))).collect();
    let agents: Vec<Agent> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let built = agents.iter().filter_map(|agent| {
        let employee = employees.get(agent.agent.as_str())?;
        let mut built = agent.rules.for_switch(&agent.agent, &employee.name);
        // PHONE-07: the mobile of his settings, where he has no other for his calls.
        built.mobile = built.mobile.or_else(|| employee.mobile.clone());
        built.numbers = sights.get(employee.role.as_str()).copied().unwrap_or_default();
        Some((agent.agent.clone(), built))
    });
    Ok(built.collect())
}

/// How those of a role see the numbers of live calls (ORG-32): that of the caller and that of the called are one where phones show them.
fn number_sight(role: &Role) -> NumberSight {
    let rights = ["calls.caller", "calls.callee"].map(|field| role.fields.get(field).copied());
    match rights.into_iter().flatten().min() {
        Some(FieldRight::Hidden) => NumberSight::Hidden,
        Some(FieldRight::Masked) => NumberSight::Masked,
        Some(FieldRight::Read | FieldRight::Write) | None => NumberSight::Whole,
    }
}

/// Whose a trunk's secret is, for [`SecretKey::seal`].
#[must_use]
pub fn trunk_owner(tenant: &TenantId, trunk: &TrunkName) -> String {
    format!("{tenant}/trunk/{trunk}")
}

/// Whose a room's PINs are, for [`SecretKey::seal`].
#[must_use]
pub fn room_owner(tenant: &TenantId, room: &RoomNumber) -> String {
    format!("{tenant}/room/{room}")
}

fn room(tenant: &TenantId, room: &Room, key: &SecretKey) -> Result<config::Room, SecretError> {
    let owner = room_owner(tenant, &room.number);
    let pin = |sealed: &Option<Hidden>| {
        let pin = sealed.as_ref().map(|sealed| key.unseal(&owner, sealed)).transpose()?;
        Ok(pin.and_then(|digits| digits.parse().ok()))
    };
    Ok(config::Room {
        number: room.number.clone(),
        pin: pin(&room.pin)?,
        moderator_pin: pin(&room.moderator_pin)?,
        members_max: usize::try_from(room.members_max).unwrap_or(config::MEMBERS_MAX).clamp(1, config::MEMBERS_MAX),
        announce: room.announce,
        record: room.record,
        music_alone: room.music_alone,
        locked: room.locked,
    })
}

fn credentials(
    tenant: &TenantId,
    trunk: &Trunk,
    account: &TrunkAccount,
    key: &SecretKey,
) -> Result<Credentials, SecretError> {
    let password = key.unseal(&trunk_owner(tenant, &trunk.name), &account.secret)?;
    Ok(Credentials { username: account.username.clone(), password })
}

fn trunk_host(trunk: &Trunk) -> Ask {
    let bare = trunk.host.trim_start_matches('[').trim_end_matches(']');
    Ask { host: bare.to_owned(), port: trunk.port, transport: trunk.transport.sip() }
}

fn static_contact(extension: &Extension) -> Option<Contact> {
    extension.contact.as_deref().and_then(|text| Contact::parse(text).ok())
}

fn hosts(extensions: &[Extension], trunks: &[Trunk]) -> Vec<Ask> {
    let contacts = extensions.iter().filter_map(static_contact).map(|contact| contact.ask());
    let mut hosts: Vec<Ask> = trunks.iter().map(trunk_host).chain(contacts).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Which name is at which address by TLS. Two names at one address: the first is verified, for both.
fn secured(addresses: &Addresses, warnings: &mut Vec<String>) -> BTreeMap<SocketAddr, String> {
    let mut hosts = BTreeMap::<SocketAddr, String>::new();
    for (ask, targets) in addresses.iter().filter(|(ask, _)| ask.transport == Transport::Tls) {
        for target in targets {
            let first = hosts.entry(*target).or_insert_with(|| ask.host.clone());
            if *first != ask.host {
                warnings.push(format!(
                    "hosts {first} and {} are one address by TLS: its certificate must name {first}",
                    ask.host
                ));
            }
        }
    }
    hosts
}

fn phone(extension: &Extension, addresses: &Addresses) -> Result<config::Extension, StoreError> {
    let (ha1_md5, ha1_sha256) = extension.ha1()?;
    let static_contact = static_contact(extension).and_then(|contact| {
        let target = *addresses.get(&contact.ask())?.first()?;
        Some(StaticContact { uri: contact.uri().to_owned(), transport: contact.transport, target })
    });
    Ok(config::Extension {
        number: extension.number.clone(),
        display_name: extension.display_name.clone(),
        ha1_md5,
        ha1_sha256,
        enabled: extension.enabled,
        ring_timeout: extension.ring_timeout_ms.map(Duration::from_millis),
        record: extension.record,
        caller_number: extension.caller_number.clone(),
        static_contact,
        handling: extension.handling.for_switch(),
        srtp: extension.srtp.for_switch(),
        pickup_group: extension.pickup_group.clone(),
        ways: extension.ways.for_switch(),
    })
}

fn line(trunk: &Trunk, credentials: Option<Credentials>, addresses: &Addresses) -> config::Trunk {
    config::Trunk {
        name: trunk.name.clone(),
        targets: addresses.get(&trunk_host(trunk)).cloned().unwrap_or_default(),
        transport: trunk.transport.sip(),
        host: trunk.host.clone(),
        sources: trunk.sources.clone(),
        credentials,
        trusted: trunk.trusted,
        caller_number: trunk.caller_number.clone(),
        record: trunk.record,
        enabled: trunk.enabled,
        policy: trunk.policy.for_switch(),
    }
}

fn plan(settings: &Tenant, extensions: &[Extension], trunks: &[Trunk], routes: &[Route]) -> Plan {
    let mut plan = Plan {
        emergency: settings.emergency.clone(),
        emergency_trunks: emergency_trunks(trunks),
        extensions: extensions.iter().map(|extension| extension.number.clone()).collect(),
        ..Plan::default()
    };
    for route in routes {
        match &route.rule {
            RouteRule::Inbound { trunk, did, to, hours, closed } => {
                let closed = || closed.clone().unwrap_or_else(ClosedRule::usual).for_plan();
                plan.inbound.push(InboundRoute {
                    trunk: trunk.clone(),
                    did: did.pattern().clone(),
                    to: to.destination().clone(),
                    hours: hours.as_ref().map(|name| RouteHours { name: name.clone(), closed: closed() }),
                });
            }
            RouteRule::Outbound { prefix, strip, prepend, trunks } => plan.outbound.push(OutboundRoute {
                prefix: prefix.clone(),
                strip: usize::try_from(*strip).unwrap_or(usize::MAX),
                prepend: prepend.clone(),
                trunks: trunks.clone(),
            }),
        }
    }
    plan
}

/// The marked trunks first (GEN-18), then all others: an emergency call gets out by whatever line works.
fn emergency_trunks(trunks: &[Trunk]) -> Vec<TrunkName> {
    let mut usable: Vec<&Trunk> = trunks.iter().filter(|trunk| trunk.enabled).collect();
    usable.sort_by_key(|trunk| !trunk.emergency);
    usable.into_iter().map(|trunk| trunk.name.clone()).collect()
}

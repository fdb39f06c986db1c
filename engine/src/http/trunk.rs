//! `trunks`: lines to the outside. A password goes in and never comes out.

pub mod status;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::number::{Dialled, TrunkName};
use serde::{Deserialize, Serialize};
use switch::config::Network;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{TRUNKS_READ, TRUNKS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults, Tagged, list, nullable, read};
use super::state::Api;
use super::time_text::Instant;
use crate::config::network;
use crate::flow_check;
use crate::store::routes::{Route, RouteRule};
use crate::store::setting::{Hidden, Stored};
use crate::store::trunks::{Trunk, TrunkAccount, TrunkTransport};
use crate::tenant_config::trunk_owner;
use crate::trunk_policy::TrunkPolicy;

/// The operations on trunks.
#[must_use]
pub fn operations() -> Operations {
    status::operations()
        .add(Guard::Needs(TRUNKS_READ), routes!(list_trunks))
        .add(Guard::Needs(TRUNKS_READ), routes!(read_trunk))
        .add(Guard::Needs(TRUNKS_WRITE), routes!(create_trunk))
        .add(Guard::Needs(TRUNKS_WRITE), routes!(change_trunk))
        .add(Guard::Needs(TRUNKS_WRITE), routes!(delete_trunk))
}

/// How SIP goes to a trunk.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrunkTransportName {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

/// A trunk.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkShown {
    /// Its name.
    #[schema(example = "carrier-1")]
    pub name: String,
    /// Host name or address its calls go to.
    pub host: String,
    /// The port; null for the transport's own.
    pub port: Option<u16>,
    /// How.
    pub transport: TrunkTransportName,
    /// Networks that may call in by it without signing in.
    #[schema(example = json!(["192.0.2.0/24"]))]
    pub sources: Vec<String>,
    /// What we sign in as when it challenges. The password is never shown.
    pub username: Option<String>,
    /// P-Asserted-Identity from it is believed.
    pub trusted: bool,
    /// Emergency calls go by it.
    pub emergency: bool,
    /// Shown as the caller's number where the extension has none.
    pub caller_number: Option<String>,
    /// Its calls are recorded.
    pub record: bool,
    /// A disabled one neither calls nor is called.
    pub enabled: bool,
    /// How it is kept in touch with, chosen and limited.
    pub policy: TrunkPolicy,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// A new trunk.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTrunk {
    /// 1 to 32 characters of a-z, 0-9, - and _.
    #[schema(example = "carrier-1")]
    name: String,
    /// Host name or address.
    #[schema(example = "sip.carrier.example")]
    host: String,
    port: Option<u16>,
    #[serde(default = "udp")]
    transport: TrunkTransportName,
    #[serde(default)]
    sources: Vec<String>,
    /// Together with `password`.
    username: Option<String>,
    /// Together with `username`.
    password: Option<String>,
    #[serde(default)]
    trusted: bool,
    #[serde(default)]
    emergency: bool,
    caller_number: Option<String>,
    #[serde(default)]
    record: bool,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    policy: TrunkPolicy,
}

/// What shall be different; what is left out stays (RFC 7396). `username: null` takes the account away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrunkChange {
    host: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u16>)]
    port: Option<Option<u16>>,
    transport: Option<TrunkTransportName>,
    sources: Option<Vec<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    username: Option<Option<String>>,
    password: Option<String>,
    trusted: Option<bool>,
    emergency: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    caller_number: Option<Option<String>>,
    record: Option<bool>,
    enabled: Option<bool>,
    /// Replaced as a whole: what is left out in it has its default.
    policy: Option<TrunkPolicy>,
}

fn yes() -> bool {
    true
}

fn udp() -> TrunkTransportName {
    TrunkTransportName::Udp
}

impl From<TrunkTransport> for TrunkTransportName {
    fn from(transport: TrunkTransport) -> Self {
        match transport {
            TrunkTransport::Udp => Self::Udp,
            TrunkTransport::Tcp => Self::Tcp,
            TrunkTransport::Tls => Self::Tls,
        }
    }
}

impl From<TrunkTransportName> for TrunkTransport {
    fn from(name: TrunkTransportName) -> Self {
        match name {
            TrunkTransportName::Udp => Self::Udp,
            TrunkTransportName::Tcp => Self::Tcp,
            TrunkTransportName::Tls => Self::Tls,
        }
    }
}

impl From<Stored<Trunk>> for TrunkShown {
    fn from(stored: Stored<Trunk>) -> Self {
        let read_only = stored.is_read_only();
        let value = stored.value;
        Self {
            name: value.name.to_string(),
            host: value.host,
            port: value.port,
            transport: value.transport.into(),
            sources: value.sources.iter().map(network::to_text).collect(),
            username: value.account.map(|account| account.username),
            trusted: value.trusted,
            emergency: value.emergency,
            caller_number: value.caller_number,
            record: value.record,
            enabled: value.enabled,
            policy: value.policy,
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The trunks of the tenant, by name.
#[utoipa::path(get, path = "/trunks", tag = "trunks", params(PageQuery),
    responses((status = 200, body = Listed<TrunkShown>)))]
async fn list_trunks(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<TrunkShown>>, Problem> {
    list::<Trunk, _>(&api, &principal, &page).await
}

/// One trunk.
#[utoipa::path(get, path = "/trunks/{name}", tag = "trunks", params(("name" = String, Path)),
    responses((status = 200, body = TrunkShown)))]
async fn read_trunk(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Tagged<TrunkShown>, Problem> {
    read::<Trunk, _>(&api, &principal, &name).await
}

/// Makes a trunk.
#[utoipa::path(post, path = "/trunks", tag = "trunks", request_body = NewTrunk,
    responses((status = 201, body = TrunkShown)))]
async fn create_trunk(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewTrunk>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let name = faults.note("name", new.name.parse::<TrunkName>());
    check_host(&mut faults, &new.host);
    check_caller_number(&mut faults, new.caller_number.as_deref());
    let sources = sources(&mut faults, &new.sources);
    let both = new.username.is_some() == new.password.is_some();
    faults.require("password", both, "username and password come together");
    check_account(&mut faults, new.username.as_deref(), new.password.as_deref());
    check_policy(&mut faults, &new.policy, new.username.is_some());
    faults.check()?;
    let mut trunk = Trunk::new(name.expect("a name that is none was noted as a fault"), new.host);
    if let (Some(username), Some(password)) = (new.username, new.password) {
        trunk.account = Some(TrunkAccount { username, secret: seal(&api, &principal, &trunk.name, &password) });
    }
    trunk.port = new.port;
    trunk.transport = new.transport.into();
    trunk.sources = sources;
    trunk.trusted = new.trusted;
    trunk.emergency = new.emergency;
    trunk.caller_number = new.caller_number;
    trunk.record = new.record;
    trunk.enabled = new.enabled;
    trunk.policy = new.policy;
    let mut edit = Edit::begin(&api, &principal).await?;
    check_prompt(&mut edit, &trunk.policy).await?;
    let stored = edit.tx.create(trunk).await?;
    edit.finish(&api).await?;
    let name = stored.value.name.clone();
    Ok(Tagged::<TrunkShown>::from(stored).created("/api/v1/trunks", name.as_str()))
}

/// Changes a trunk; a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/trunks/{name}", tag = "trunks", params(("name" = String, Path)),
    request_body = TrunkChange, responses((status = 200, body = TrunkShown)))]
async fn change_trunk(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
    Body(change): Body<TrunkChange>,
) -> Result<Tagged<TrunkShown>, Problem> {
    let mut faults = Faults::default();
    change.host.as_deref().into_iter().for_each(|host| check_host(&mut faults, host));
    check_caller_number(&mut faults, change.caller_number.clone().flatten().as_deref());
    let sources = change.sources.as_deref().map(|texts| sources(&mut faults, texts));
    check_account(&mut faults, change.username.clone().flatten().as_deref(), change.password.as_deref());
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut trunk, expect) = edit.found::<Trunk>(&name, &if_match).await?;
    trunk.account = account(&api, &principal, &trunk, &change)?;
    trunk.host = change.host.unwrap_or(trunk.host);
    trunk.port = change.port.unwrap_or(trunk.port);
    trunk.transport = change.transport.map_or(trunk.transport, TrunkTransport::from);
    trunk.sources = sources.unwrap_or(trunk.sources);
    trunk.trusted = change.trusted.unwrap_or(trunk.trusted);
    trunk.emergency = change.emergency.unwrap_or(trunk.emergency);
    trunk.caller_number = change.caller_number.unwrap_or(trunk.caller_number);
    trunk.record = change.record.unwrap_or(trunk.record);
    trunk.enabled = change.enabled.unwrap_or(trunk.enabled);
    trunk.policy = change.policy.unwrap_or(trunk.policy);
    let mut faults = Faults::default();
    check_policy(&mut faults, &trunk.policy, trunk.account.is_some());
    faults.check()?;
    check_prompt(&mut edit, &trunk.policy).await?;
    let stored = edit.tx.update(trunk, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes a trunk that no route uses. Running calls go on.
#[utoipa::path(delete, path = "/trunks/{name}", tag = "trunks", params(("name" = String, Path)),
    responses((status = 204)))]
async fn delete_trunk(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (trunk, expect) = edit.found::<Trunk>(&name, &if_match).await?;
    let routes = edit.tx.all::<Route>().await?;
    if let Some(route) = routes.iter().find(|route| uses(&route.value, &trunk.name)) {
        let detail = format!("route {} uses it; change or delete the route first", route.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<Trunk>(&api, &name, expect).await
}

fn uses(route: &Route, name: &TrunkName) -> bool {
    match &route.rule {
        RouteRule::Inbound { trunk, .. } => trunk.as_ref() == Some(name),
        RouteRule::Outbound { trunks, .. } => trunks.contains(name),
    }
}

/// The account after a change: a password alone renews it, a user name needs a password.
fn account(
    api: &Api,
    principal: &Principal,
    trunk: &Trunk,
    change: &TrunkChange,
) -> Result<Option<TrunkAccount>, Problem> {
    let secret = change.password.as_deref().map(|password| seal(api, principal, &trunk.name, password));
    let field = |detail: &str| Problem::invalid(vec![super::problem::FieldError::new("password", detail)]);
    match (&change.username, secret, &trunk.account) {
        (Some(None), None, _) | (None, None, None) => Ok(None),
        (Some(None), Some(_), _) => Err(field("there is no password without a user name")),
        (Some(Some(username)), Some(secret), _) => Ok(Some(TrunkAccount { username: username.clone(), secret })),
        (Some(Some(username)), None, Some(old)) if *username == old.username => Ok(Some(old.clone())),
        (Some(Some(_)), None, _) => Err(field("send the password of the new user name")),
        (None, Some(secret), Some(old)) => Ok(Some(TrunkAccount { secret, ..old.clone() })),
        (None, Some(_), None) => Err(field("send the user name, too")),
        (None, None, Some(old)) => Ok(Some(old.clone())),
    }
}

fn seal(api: &Api, principal: &Principal, name: &TrunkName, password: &str) -> Hidden {
    api.secret_key().seal(&trunk_owner(&principal.tenant, name), password)
}

fn sources(faults: &mut Faults, texts: &[String]) -> Vec<Network> {
    faults.require("sources", texts.len() <= SOURCES_MAX, "a trunk has at most 256 sources; use larger networks");
    let parsed = texts.iter().take(SOURCES_MAX).enumerate();
    parsed.filter_map(|(n, text)| faults.note(&format!("sources.{n}"), network::parse(text))).collect()
}

/// Each call from outside looks at all of them.
const SOURCES_MAX: usize = 256;

fn check_host(faults: &mut Faults, host: &str) {
    let fine = (1..=253).contains(&host.len())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    faults.require("host", fine, "a host is a name or an IP address, without a port");
}

fn check_caller_number(faults: &mut Faults, number: Option<&str>) {
    if let Some(number) = number {
        faults.note("caller_number", number.parse::<Dialled>());
    }
}

fn check_policy(faults: &mut Faults, policy: &TrunkPolicy, has_account: bool) {
    for (field, mend) in policy.faults(has_account) {
        faults.require(&format!("policy.{field}"), false, &mend);
    }
}

async fn check_prompt(edit: &mut Edit, policy: &TrunkPolicy) -> Result<(), Problem> {
    let mut faults = Faults::default();
    if let Some(name) = policy.announcement() {
        let there = flow_check::prompts(&mut edit.tx).await?.contains(&name);
        faults.require("policy.recording_announcement", there, "there is no such prompt; upload it first");
    }
    faults.check()
}

fn check_account(faults: &mut Faults, username: Option<&str>, password: Option<&str>) {
    let fine = |text: &str| (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    faults.require("username", username.is_none_or(fine), "a user name is 1 to 128 characters on one line");
    faults.require("password", password.is_none_or(fine), "a password is 1 to 128 characters on one line");
}

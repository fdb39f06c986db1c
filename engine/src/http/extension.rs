//! `extensions`: accounts for phones. A password is shown once, when it is made or made anew.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::flow::name::Mailbox;
use dialplan::number::{Dialled, ExtensionNumber, PickupGroup};
use dialplan::plan::Destination;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{EXTENSIONS_READ, EXTENSIONS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::queue;
use super::setting::{Edit, Faults, Tagged, list, nullable, read};
use super::state::Api;
use super::time_text::Instant;
use crate::call_handling::CallHandling;
use crate::flow_check;
use crate::secrets::new_password;
use crate::srtp::SrtpPolicy;
use crate::store::agents::Agent;
use crate::store::extensions::Extension;
use crate::store::rooms::Room;
use crate::store::routes::Route;
use crate::store::setting::Stored;
use crate::ways::WaysAllowed;

/// The operations on extensions.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(EXTENSIONS_READ), routes!(list_extensions))
        .add(Guard::Needs(EXTENSIONS_READ), routes!(read_extension))
        .add(Guard::Needs(EXTENSIONS_WRITE), routes!(create_extension))
        .add(Guard::Needs(EXTENSIONS_WRITE), routes!(change_extension))
        .add(Guard::Needs(EXTENSIONS_WRITE), routes!(delete_extension))
        .add(Guard::Needs(EXTENSIONS_WRITE), routes!(renew_extension_password))
}

/// An extension.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExtensionShown {
    /// Its number, which is also its SIP user name.
    #[schema(example = "1001")]
    pub number: String,
    /// Shown to the called party; may be empty.
    pub display_name: String,
    /// A disabled one can neither register nor call nor be called.
    pub enabled: bool,
    /// How long it rings; null for the node's own time.
    pub ring_timeout_ms: Option<u64>,
    /// Its calls with the outside are recorded.
    pub record: bool,
    /// Shown outside as the caller's number.
    pub caller_number: Option<String>,
    /// A SIP URI that is always bound, for phones and gateways that do not register.
    pub contact: Option<String>,
    /// What becomes of its calls where it does not take them.
    pub handling: CallHandling,
    /// Whether its audio is encrypted.
    pub srtp: SrtpPolicy,
    /// Extensions of one group pick up each other's calls by `*8`.
    #[schema(example = "sales")]
    pub pickup_group: Option<String>,
    /// By which kinds of phone it is used; others can neither register nor call, and no agent signs in with them.
    pub ways: WaysAllowed,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// An extension with its password, which is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExtensionWithPassword {
    /// The extension.
    #[serde(flatten)]
    pub extension: ExtensionShown,
    /// Its SIP password. It is not kept: write it down or make a new one.
    pub password: String,
}

/// A new extension.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExtension {
    /// 2 to 10 digits, optionally after a `*`.
    #[schema(example = "1004")]
    number: String,
    /// 8 to 64 printable ASCII characters; left out, a random one is made.
    password: Option<String>,
    #[serde(default)]
    display_name: String,
    #[serde(default = "yes")]
    enabled: bool,
    /// 1,000 to 300,000.
    ring_timeout_ms: Option<u64>,
    #[serde(default)]
    record: bool,
    caller_number: Option<String>,
    contact: Option<String>,
    #[serde(default)]
    handling: CallHandling,
    #[serde(default)]
    srtp: SrtpPolicy,
    /// 1 to 32 characters of a-z, 0-9, - and _.
    pickup_group: Option<String>,
    /// Not `web` where it has a `contact`.
    #[serde(default)]
    ways: WaysAllowed,
}

/// What shall be different; what is left out stays (RFC 7396).
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionChange {
    display_name: Option<String>,
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u64>)]
    ring_timeout_ms: Option<Option<u64>>,
    record: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    caller_number: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    contact: Option<Option<String>>,
    /// Replaced as a whole.
    handling: Option<CallHandling>,
    srtp: Option<SrtpPolicy>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pickup_group: Option<Option<String>>,
    /// Phones of a kind that is not allowed any more lose their registration; running calls go on.
    ways: Option<WaysAllowed>,
}

/// A password of one's own choice.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// 8 to 64 printable ASCII characters; left out, a random one is made.
    password: Option<String>,
}

fn yes() -> bool {
    true
}

impl From<Stored<Extension>> for ExtensionShown {
    fn from(stored: Stored<Extension>) -> Self {
        let read_only = stored.is_read_only();
        let value = stored.value;
        Self {
            number: value.number.to_string(),
            display_name: value.display_name,
            enabled: value.enabled,
            ring_timeout_ms: value.ring_timeout_ms,
            record: value.record,
            caller_number: value.caller_number,
            contact: value.contact,
            handling: value.handling,
            srtp: value.srtp,
            pickup_group: value.pickup_group.map(String::from),
            ways: value.ways,
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The extensions of the tenant, by number.
#[utoipa::path(get, path = "/extensions", tag = "extensions", params(PageQuery),
    responses((status = 200, body = Listed<ExtensionShown>)))]
async fn list_extensions(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<ExtensionShown>>, Problem> {
    list::<Extension, _>(&api, &principal, &page).await
}

/// One extension.
#[utoipa::path(get, path = "/extensions/{number}", tag = "extensions", params(("number" = String, Path)),
    responses((status = 200, body = ExtensionShown)))]
async fn read_extension(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<Tagged<ExtensionShown>, Problem> {
    read::<Extension, _>(&api, &principal, &number).await
}

/// Makes an extension. Its password is in the answer and nowhere else.
#[utoipa::path(post, path = "/extensions", tag = "extensions", request_body = NewExtension,
    responses((status = 201, body = ExtensionWithPassword)))]
async fn create_extension(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewExtension>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let number = faults.note("number", new.number.parse::<ExtensionNumber>());
    check_texts(&mut faults, Some(&new.display_name), new.caller_number.as_deref(), new.contact.as_deref());
    check_ring(&mut faults, new.ring_timeout_ms);
    check_handling(&mut faults, &new.handling, &new.number);
    check_password(&mut faults, new.password.as_deref());
    let pickup_group = pickup_group(&mut faults, new.pickup_group.as_deref());
    check_ways(&mut faults, new.ways, new.contact.as_deref());
    faults.check()?;
    let number = number.expect("a number that is none was noted as a fault");
    let password = new.password.unwrap_or_else(new_password);
    let mut extension = Extension::new(number, api.realm(), &password);
    extension.display_name = new.display_name;
    extension.enabled = new.enabled;
    extension.ring_timeout_ms = new.ring_timeout_ms;
    extension.record = new.record;
    extension.caller_number = new.caller_number;
    extension.contact = new.contact;
    extension.handling = new.handling;
    extension.srtp = new.srtp;
    extension.pickup_group = pickup_group;
    extension.ways = new.ways;
    let mut edit = Edit::begin(&api, &principal).await?;
    let mut faults = Faults::default();
    let taken = edit.tx.find::<Room>(extension.number.as_str()).await?.is_some();
    faults.require("number", !taken, "a conference room has this number; take another");
    let queue = queue::numbered(&mut edit, extension.number.as_str()).await?.is_some();
    faults.require("number", !queue, "a queue has this number; take another");
    check_greeting(&mut edit, &mut faults, &extension.handling).await?;
    faults.check()?;
    let stored = edit.tx.create(extension).await?;
    edit.finish(&api).await?;
    let number = stored.value.number.clone();
    Ok(with_password(stored, password).created("/api/v1/extensions", number.as_str()))
}

/// Changes an extension; a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/extensions/{number}", tag = "extensions", params(("number" = String, Path)),
    request_body = ExtensionChange, responses((status = 200, body = ExtensionShown)))]
async fn change_extension(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    if_match: IfMatch,
    Body(change): Body<ExtensionChange>,
) -> Result<Tagged<ExtensionShown>, Problem> {
    let mut faults = Faults::default();
    let flat = |text: &Option<Option<String>>| text.clone().flatten();
    let (caller_number, contact) = (flat(&change.caller_number), flat(&change.contact));
    check_texts(&mut faults, change.display_name.as_deref(), caller_number.as_deref(), contact.as_deref());
    check_ring(&mut faults, change.ring_timeout_ms.flatten());
    if let Some(handling) = &change.handling {
        check_handling(&mut faults, handling, &number);
    }
    let group = change.pickup_group.as_ref().map(|group| pickup_group(&mut faults, group.as_deref()));
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut extension, expect) = edit.found::<Extension>(&number, &if_match).await?;
    if let Some(display_name) = change.display_name {
        extension.display_name = display_name;
    }
    extension.enabled = change.enabled.unwrap_or(extension.enabled);
    extension.ring_timeout_ms = change.ring_timeout_ms.unwrap_or(extension.ring_timeout_ms);
    extension.record = change.record.unwrap_or(extension.record);
    extension.caller_number = change.caller_number.unwrap_or(extension.caller_number);
    extension.contact = change.contact.unwrap_or(extension.contact);
    extension.handling = change.handling.unwrap_or(extension.handling);
    extension.srtp = change.srtp.unwrap_or(extension.srtp);
    extension.pickup_group = group.unwrap_or(extension.pickup_group);
    extension.ways = change.ways.unwrap_or(extension.ways);
    let mut faults = Faults::default();
    check_ways(&mut faults, extension.ways, extension.contact.as_deref());
    check_greeting(&mut edit, &mut faults, &extension.handling).await?;
    faults.check()?;
    let stored = edit.tx.update(extension, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes an extension that no route leads to. Its phones are unregistered; running calls go on.
#[utoipa::path(delete, path = "/extensions/{number}", tag = "extensions", params(("number" = String, Path)),
    responses((status = 204)))]
async fn delete_extension(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<Extension>(&number, &if_match).await?;
    let routes = edit.tx.all::<Route>().await?;
    if let Some(route) = routes.iter().find(|route| leads_to(&route.value, &number)) {
        let detail = format!("route {} leads to it; change or delete the route first", route.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    let agents = edit.tx.all::<Agent>().await?;
    if let Some(agent) = agents.iter().find(|agent| agent.value.rules.extension.as_ref() == Some(&number)) {
        let detail = format!("agent {} signs in on it; give him another first", agent.value.agent);
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<Extension>(&api, &number, expect).await
}

/// Makes a new password for an extension. The old one ends at once; the new one is in the answer and nowhere else.
#[utoipa::path(post, path = "/extensions/{number}/password", tag = "extensions", params(("number" = String, Path)),
    request_body = NewPassword, responses((status = 200, body = ExtensionWithPassword)))]
async fn renew_extension_password(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    if_match: IfMatch,
    Body(new): Body<NewPassword>,
) -> Result<Tagged<ExtensionWithPassword>, Problem> {
    let mut faults = Faults::default();
    check_password(&mut faults, new.password.as_deref());
    faults.check()?;
    let password = new.password.unwrap_or_else(new_password);
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut extension, expect) = edit.found::<Extension>(&number, &if_match).await?;
    extension.set_password(api.realm(), &password);
    let stored = edit.tx.update(extension, expect).await?;
    edit.finish(&api).await?;
    Ok(with_password(stored, password))
}

fn with_password(stored: Stored<Extension>, password: String) -> Tagged<ExtensionWithPassword> {
    Tagged::from(stored).map(|extension| ExtensionWithPassword { extension, password })
}

fn leads_to(route: &Route, number: &str) -> bool {
    route.targets().any(|to| match to {
        Destination::Extension(own) | Destination::Voicemail(Mailbox::Extension(own)) => own.as_str() == number,
        Destination::Room(_)
        | Destination::Flow(_)
        | Destination::Queue(_)
        | Destination::Voicemail(Mailbox::Queue(_))
        | Destination::Outside(_)
        | Destination::EchoTest => false,
    })
}

fn check_password(faults: &mut Faults, password: Option<&str>) {
    let fine = |p: &str| (8..=64).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_graphic());
    faults.require(
        "password",
        password.is_none_or(fine),
        "a password is 8 to 64 printable ASCII characters without spaces",
    );
}

fn check_ring(faults: &mut Faults, ring_timeout_ms: Option<u64>) {
    let fine = ring_timeout_ms.is_none_or(|ms| (1_000..=300_000).contains(&ms));
    faults.require("ring_timeout_ms", fine, "a ring time is 1,000 to 300,000 ms");
}

fn check_handling(faults: &mut Faults, handling: &CallHandling, own: &str) {
    for (field, wrong) in handling.faults(own) {
        faults.require(&format!("handling.{field}"), false, &wrong);
    }
}

async fn check_greeting(edit: &mut Edit, faults: &mut Faults, handling: &CallHandling) -> Result<(), Problem> {
    if let Some(name) = handling.voicemail_greeting.as_deref().and_then(|name| name.parse().ok()) {
        let there = flow_check::prompts(&mut edit.tx).await?.contains(&name);
        faults.require("handling.voicemail_greeting", there, "there is no such prompt; upload it first");
    }
    Ok(())
}

fn check_ways(faults: &mut Faults, ways: WaysAllowed, contact: Option<&str>) {
    if let Some(wrong) = ways.fault_beside(contact) {
        faults.require("ways", false, wrong);
    }
}

fn pickup_group(faults: &mut Faults, name: Option<&str>) -> Option<PickupGroup> {
    faults.note("pickup_group", name?.parse::<PickupGroup>())
}

fn check_texts(faults: &mut Faults, name: Option<&str>, caller_number: Option<&str>, contact: Option<&str>) {
    let fine = name.is_none_or(|name| name.chars().count() <= 64 && !name.chars().any(char::is_control));
    faults.require("display_name", fine, "a display name is at most 64 characters on one line");
    if let Some(number) = caller_number {
        faults.note("caller_number", number.parse::<Dialled>());
    }
    let uri = |c: &str| {
        (c.starts_with("sip:") || c.starts_with("sips:")) && c.len() <= 255 && c.bytes().all(|b| b.is_ascii_graphic())
    };
    faults.require("contact", contact.is_none_or(uri), "a contact is a SIP URI such as sip:1004@192.0.2.7:5060");
}

//! `[[provision.*]]`: what an installation always has. Applied again at each start and reload (see [`crate::provision`]).

mod block;
mod caller;
mod flow;
mod hours;
mod queue;
mod room;
mod survey;
mod trunk;

use std::collections::BTreeSet;

use dialplan::flow::name::HoursName;
use dialplan::number::{Dialled, ExtensionNumber, PickupGroup, TrunkName};
use dialplan::say::PromptName;
use hooks::id::TenantId;

use super::reader::Reader;
use super::sections::is_host;
use crate::call_handling::CallHandling;
use crate::srtp::SrtpPolicy;
use crate::store::routes::{ClosedRule, Did, RouteName, RouteRule, RouteTarget, check_prefix};
use crate::ways::WaysAllowed;

pub use block::ProvisionedBlock;
pub use caller::ProvisionedCaller;
pub use flow::ProvisionedFlow;
pub use hours::ProvisionedHours;
pub use queue::{ProvisionedAgent, ProvisionedQueue};
pub use room::ProvisionedRoom;
pub use survey::ProvisionedSurvey;
pub use trunk::ProvisionedTrunk;

/// Everything that is provisioned.
#[derive(Clone, Debug, Default)]
pub struct Provision {
    /// `[[provision.extension]]`.
    pub extensions: Vec<ProvisionedExtension>,
    /// `[[provision.trunk]]`.
    pub trunks: Vec<ProvisionedTrunk>,
    /// `[[provision.route]]`.
    pub routes: Vec<ProvisionedRoute>,
    /// `[[provision.room]]`.
    pub rooms: Vec<ProvisionedRoom>,
    /// `[[provision.agent]]`.
    pub agents: Vec<ProvisionedAgent>,
    /// `[[provision.queue]]`.
    pub queues: Vec<ProvisionedQueue>,
    /// `[[provision.hours]]`.
    pub hours: Vec<ProvisionedHours>,
    /// `[[provision.survey]]`.
    pub surveys: Vec<ProvisionedSurvey>,
    /// `[[provision.block]]`.
    pub blocks: Vec<ProvisionedBlock>,
    /// `[[provision.caller]]`.
    pub callers: Vec<ProvisionedCaller>,
    /// `[[provision.flow]]`.
    pub flows: Vec<ProvisionedFlow>,
}

/// A password as the file has it.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainPassword(pub String);

impl std::fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

/// One `[[provision.extension]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedExtension {
    /// Whose.
    pub tenant: TenantId,
    /// Its number.
    pub number: ExtensionNumber,
    /// Its SIP password; without one nobody registers on it.
    pub password: Option<PlainPassword>,
    /// Shown to the called party.
    pub display_name: String,
    /// A disabled one can neither register nor call nor be called.
    pub enabled: bool,
    /// How long it rings.
    pub ring_timeout_ms: Option<u64>,
    /// Its calls with the outside are recorded.
    pub record: bool,
    /// Shown outside as the caller's number.
    pub caller_number: Option<String>,
    /// A SIP URI that is always bound.
    pub contact: Option<String>,
    /// What becomes of its calls where it does not take them.
    pub handling: CallHandling,
    /// Whether its audio is encrypted.
    pub srtp: SrtpPolicy,
    /// Whose calls it picks up by `*8`.
    pub pickup_group: Option<PickupGroup>,
    /// By which kinds of phone it is used.
    pub ways: WaysAllowed,
}

/// One `[[provision.route]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedRoute {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub name: RouteName,
    /// Its place among equals.
    pub place: u32,
    /// What it does.
    pub rule: RouteRule,
}

pub(super) fn read(mut reader: Reader<'_>) -> Provision {
    let provision = Provision {
        extensions: reader.tables("extension").into_iter().filter_map(extension).collect(),
        trunks: reader.tables("trunk").into_iter().filter_map(trunk::read).collect(),
        routes: reader.tables("route").into_iter().filter_map(route).collect(),
        rooms: reader.tables("room").into_iter().filter_map(room::read).collect(),
        agents: reader.tables("agent").into_iter().filter_map(queue::agent).collect(),
        queues: reader.tables("queue").into_iter().filter_map(queue::queue).collect(),
        hours: reader.tables("hours").into_iter().filter_map(hours::read).collect(),
        surveys: reader.tables("survey").into_iter().filter_map(survey::read).collect(),
        blocks: reader.tables("block").into_iter().filter_map(block::read).collect(),
        callers: reader.tables("caller").into_iter().filter_map(caller::read).collect(),
        flows: reader.tables("flow").into_iter().filter_map(flow::read).collect(),
    };
    flow::check(&reader, &provision.flows);
    let place = reader.place().clone();
    let twice = |kind: &str, keys: Vec<String>| {
        let mut seen = BTreeSet::new();
        for key in keys.iter().filter(|key| !seen.insert(key.as_str())) {
            reader.problem(place.clone(), format!("{kind} {key} is provisioned twice, take one out"));
        }
    };
    twice("extension", provision.extensions.iter().map(|it| format!("{}/{}", it.tenant, it.number)).collect());
    twice("trunk", provision.trunks.iter().map(|it| format!("{}/{}", it.tenant, it.name)).collect());
    twice("route", provision.routes.iter().map(|it| format!("{}/{}", it.tenant, it.name)).collect());
    twice("room", provision.rooms.iter().map(|it| format!("{}/{}", it.tenant, it.number)).collect());
    twice("agent", provision.agents.iter().map(|it| format!("{}/{}", it.tenant, it.number)).collect());
    twice("queue", provision.queues.iter().map(|it| format!("{}/{}", it.tenant, it.name)).collect());
    twice("hours", provision.hours.iter().map(|it| format!("{}/{}", it.tenant, it.name)).collect());
    let blocked = provision.blocks.iter().map(|it| format!("{}/{:?}/{:?}/{}", it.tenant, it.side, it.kind, it.number));
    twice("block", blocked.map(|key| key.to_lowercase()).collect());
    twice("survey", provision.surveys.iter().map(|it| format!("{}/{}", it.tenant, it.survey.name)).collect());
    let callers = provision.callers.iter().map(|it| format!("{}/{:?}/{}", it.tenant, it.kind, it.number));
    twice("caller", callers.map(|key| key.to_lowercase()).collect());
    twice("flow", provision.flows.iter().map(|it| format!("{}/{}", it.tenant, it.written.flow.name)).collect());
    reader.finish();
    provision
}

/// A key that must be there.
fn needed<T>(reader: &Reader<'_>, key: &str, value: Option<T>) -> Option<T> {
    if value.is_none() && reader.place_of(key) == *reader.place() {
        reader.problem(reader.place().clone(), format!("`{key}` is missing here, write it"));
    }
    value
}

fn tenant(reader: &mut Reader<'_>) -> TenantId {
    reader.parsed("tenant").unwrap_or_else(TenantId::first)
}

fn caller_number(reader: &mut Reader<'_>) -> Option<String> {
    reader
        .list("caller_number", |text| {
            check_prefix(text)
                .map(|()| text.to_owned())
                .map_err(|_| format!("`{text}` is no number, write it as +861012345678"))
        })?
        .pop()
}

fn extension(mut reader: Reader<'_>) -> Option<ProvisionedExtension> {
    let tenant = tenant(&mut reader);
    let number = reader.parsed("number");
    let number = needed(&reader, "number", number);
    let password = reader.text("password").map(PlainPassword);
    let contact = reader.parsed::<Contact>("contact").map(|contact| contact.0);
    if password.is_none() && contact.is_none() {
        needed(&reader, "password", None::<()>);
    }
    let display_name = reader.text("display_name").unwrap_or_default();
    let enabled = reader.flag("enabled").unwrap_or(true);
    let ring_timeout_ms = reader.whole("ring_timeout_s", 5..=600).map(|s| s * 1_000);
    let record = reader.flag("record").unwrap_or(false);
    let caller_number = caller_number(&mut reader);
    let handling = handling(&mut reader);
    let srtp = reader.word("srtp", &SrtpPolicy::WORDS).unwrap_or_default();
    let pickup_group = reader.parsed("pickup_group");
    let ways = reader.word("ways", &WaysAllowed::WORDS).unwrap_or_default();
    if let Some(wrong) = ways.fault_beside(contact.as_deref()) {
        reader.problem(reader.place_of("ways").clone(), format!("`ways`: {wrong}"));
    }
    for (field, wrong) in number.iter().flat_map(|number: &ExtensionNumber| handling.faults(number.as_str())) {
        reader.problem(reader.place_of(field).clone(), format!("`{field}`: {wrong}"));
    }
    reader.finish();
    Some(ProvisionedExtension {
        tenant,
        number: number?,
        password,
        display_name,
        enabled,
        ring_timeout_ms,
        record,
        caller_number,
        contact,
        handling,
        srtp,
        pickup_group,
        ways,
    })
}

fn handling(reader: &mut Reader<'_>) -> CallHandling {
    let mut number = |key| reader.parsed::<Dialled>(key).map(|number| number.as_str().to_owned());
    let (always, busy, no_answer) = (number("forward_always"), number("forward_busy"), number("forward_no_answer"));
    CallHandling {
        call_waiting: reader.flag("call_waiting").unwrap_or(true),
        do_not_disturb: reader.flag("do_not_disturb").unwrap_or(false),
        forward_always: always,
        forward_busy: busy,
        forward_no_answer: no_answer,
        voicemail: reader.flag("voicemail").unwrap_or(false),
        voicemail_greeting: reader.parsed::<PromptName>("voicemail_greeting").map(|name| name.to_string()),
        voicemail_email: reader.parsed::<lettre::Address>("voicemail_email").map(|address| address.to_string()),
    }
}

/// A SIP URI of a phone.
struct Contact(String);

impl std::str::FromStr for Contact {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        check_contact(text).map(|()| Self(text.to_owned()))
    }
}

/// Whether a text is a SIP URI that calls can be sent to: `sip:1000@192.0.2.7:5060;transport=tcp`.
///
/// # Errors
/// What to write instead.
pub fn check_contact(text: &str) -> Result<(), String> {
    crate::tenant_config::contact::Contact::parse(text).map(|_| ())
}

/// A host name or address.
struct Host(String);

impl std::str::FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        check_host(text).map(|()| Self(text.to_owned()))
    }
}

/// Whether a text is a host name or address.
///
/// # Errors
/// What to write instead.
pub fn check_host(text: &str) -> Result<(), String> {
    if is_host(text) { Ok(()) } else { Err(format!("`{text}` is no host, write it as sip.example.com or 192.0.2.1")) }
}

/// Whether a text is a host name or address: what [`check_host`] takes.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    is_host(text)
}

fn route(mut reader: Reader<'_>) -> Option<ProvisionedRoute> {
    let tenant = tenant(&mut reader);
    let name = reader.parsed("name");
    let name = needed(&reader, "name", name);
    let place = reader.whole("place", 0..=1_000_000).and_then(|place| u32::try_from(place).ok()).unwrap_or(0);
    let direction = reader.word("direction", &[("inbound", Way::Inbound), ("outbound", Way::Outbound)]);
    let rule = match needed(&reader, "direction", direction) {
        Some(Way::Inbound) => inbound(&mut reader),
        Some(Way::Outbound) => outbound(&mut reader),
        None => return None,
    };
    reader.finish();
    Some(ProvisionedRoute { tenant, name: name?, place, rule: rule? })
}

#[derive(Clone, Copy)]
enum Way {
    Inbound,
    Outbound,
}

fn inbound(reader: &mut Reader<'_>) -> Option<RouteRule> {
    let trunk = reader.parsed::<TrunkName>("trunk");
    let did = reader.parsed::<Did>("did");
    let did = needed(reader, "did", did);
    let to = reader.parsed::<RouteTarget>("to");
    let to = needed(reader, "to", to);
    let hours = reader.parsed::<HoursName>("hours");
    let prompt = reader.parsed::<PromptName>("closed_prompt");
    let holiday_prompt = reader.parsed::<PromptName>("holiday_prompt");
    let closed_to = reader.parsed::<RouteTarget>("closed_to");
    let closed = (prompt.is_some() || holiday_prompt.is_some() || closed_to.is_some()).then_some(ClosedRule {
        prompt,
        holiday_prompt,
        to: closed_to,
    });
    if closed.is_some() && hours.is_none() {
        reader
            .problem(reader.place().clone(), "a route without `hours` is never closed, name the hours, too".to_owned());
    }
    Some(RouteRule::Inbound { trunk, did: did?, to: to?, hours, closed })
}

fn outbound(reader: &mut Reader<'_>) -> Option<RouteRule> {
    let prefix = reader.parsed::<Prefix>("prefix").map_or_else(String::new, |prefix| prefix.0);
    let strip = reader.whole("strip", 0..=24).and_then(|strip| u32::try_from(strip).ok()).unwrap_or(0);
    let prepend = reader.parsed::<Prefix>("prepend").map_or_else(String::new, |prefix| prefix.0);
    let trunks = reader.list("trunks", |name| name.parse::<TrunkName>().map_err(|error| error.to_string()));
    let trunks = needed(reader, "trunks", trunks);
    Some(RouteRule::Outbound { prefix, strip, prepend, trunks: trunks? })
}

/// Part of a dialled number.
struct Prefix(String);

impl std::str::FromStr for Prefix {
    type Err = crate::store::routes::RouteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_prefix(text).map(|()| Self(text.to_owned()))
    }
}

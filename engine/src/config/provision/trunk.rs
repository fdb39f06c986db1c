//! One `[[provision.trunk]]`.

use std::ops::RangeInclusive;

use dialplan::header::HeaderTemplate;
use dialplan::number::TrunkName;
use dialplan::rule::NumberRule;
use hooks::id::TenantId;
use switch::config::Network;

use super::{Host, PlainPassword, caller_number, needed, tenant};
use crate::config::network;
use crate::config::problem::Place;
use crate::config::reader::Reader;
use crate::srtp::SrtpPolicy;
use crate::store::trunks::TrunkTransport;
use crate::trunk_policy::{
    CallerPolicy, EXPIRES_MS, FAILURES, HeaderPolicy, HealthPolicy, INTERVAL_MS, LanePolicy, PATIENCE_MS, PER_SECOND,
    RegistrationPolicy, THRESHOLD, TrunkPolicy, WhenFull,
};

/// One `[[provision.trunk]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedTrunk {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub name: TrunkName,
    /// Host name or address.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// How.
    pub transport: TrunkTransport,
    /// Who may call in by it.
    pub sources: Vec<Network>,
    /// What we sign in with.
    pub account: Option<(String, PlainPassword)>,
    /// P-Asserted-Identity is believed.
    pub trusted: bool,
    /// Emergency calls go by it.
    pub emergency: bool,
    /// Shown as the caller's number.
    pub caller_number: Option<String>,
    /// Its calls are recorded.
    pub record: bool,
    /// A disabled one neither calls nor is called.
    pub enabled: bool,
    /// How it is kept in touch with, chosen and limited.
    pub policy: TrunkPolicy,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedTrunk> {
    let tenant = tenant(&mut reader);
    let name = reader.parsed("name");
    let name = needed(&reader, "name", name);
    let host = reader.parsed::<Host>("host").map(|host| host.0);
    let host = needed(&reader, "host", host);
    let transports = [("udp", TrunkTransport::Udp), ("tcp", TrunkTransport::Tcp), ("tls", TrunkTransport::Tls)];
    let account = match (reader.text("username"), reader.text("password")) {
        (Some(username), Some(password)) => Some((username, PlainPassword(password))),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let place: Place = reader.place().clone();
            reader.problem(place, "a trunk has both username and password, or neither".to_owned());
            None
        }
    };
    let port = reader.whole("port", 1..=65_535).and_then(|port| u16::try_from(port).ok());
    let transport = reader.word("transport", &transports).unwrap_or(TrunkTransport::Udp);
    let sources = reader.list("sources", network::parse).unwrap_or_default();
    let trusted = reader.flag("trusted").unwrap_or(false);
    let emergency = reader.flag("emergency").unwrap_or(false);
    let caller_number = caller_number(&mut reader);
    let record = reader.flag("record").unwrap_or(false);
    let enabled = reader.flag("enabled").unwrap_or(true);
    let policy = policy(&mut reader, account.is_some());
    reader.finish();
    Some(ProvisionedTrunk {
        tenant,
        name: name?,
        host: host?,
        port,
        transport,
        sources,
        account,
        trusted,
        emergency,
        caller_number,
        record,
        enabled,
        policy,
    })
}

fn policy(reader: &mut Reader<'_>, has_account: bool) -> TrunkPolicy {
    let default = TrunkPolicy::default();
    let full = [("unavailable", WhenFull::Unavailable), ("busy", WhenFull::Busy)];
    let policy = TrunkPolicy {
        registration: registration(reader),
        health: health(reader),
        priority: small(reader, "priority").unwrap_or(default.priority),
        weight: small(reader, "weight").unwrap_or(default.weight),
        failover_codes: reader
            .wholes("failover_codes", u64::from(*FAILURES.start())..=u64::from(*FAILURES.end()))
            .map(|codes| codes.into_iter().filter_map(|code| u16::try_from(code).ok()).collect()),
        patience_ms: seconds(reader, "patience_s", &PATIENCE_MS).unwrap_or(default.patience_ms),
        inbound: LanePolicy {
            calls: limit(reader, "inbound_calls", CALLS),
            per_second: limit(reader, "inbound_per_second", PER_SECOND),
        },
        outbound: LanePolicy {
            calls: limit(reader, "outbound_calls", CALLS),
            per_second: limit(reader, "outbound_per_second", PER_SECOND),
        },
        when_full: reader.word("when_full", &full).unwrap_or(default.when_full),
        called_out: rules(reader, "called_out"),
        caller_out: rules(reader, "caller_out"),
        called_in: rules(reader, "called_in"),
        caller_in: rules(reader, "caller_in"),
        caller: reader.word("caller", &CALLERS).unwrap_or_default(),
        caller_fixed: reader.text("caller_fixed"),
        headers: headers(reader),
        srtp: reader.word("srtp", &SrtpPolicy::WORDS).unwrap_or_default(),
        recording_announcement: reader.text("recording_announcement"),
    };
    // Ranges were checked key by key; these concern several.
    for (field, mend) in policy.faults(has_account) {
        let key = match field.as_str() {
            "registration.user" => "register_user",
            "registration.domain" => "register_domain",
            "caller_fixed" => "caller_fixed",
            "called_out" => "called_out",
            "caller_out" => "caller_out",
            "called_in" => "called_in",
            "caller_in" => "caller_in",
            "headers" => "headers",
            "recording_announcement" => "recording_announcement",
            _ => continue,
        };
        let place = reader.place_of(key);
        reader.problem(place, format!("`{key}`: {mend}"));
    }
    policy
}

/// Number rules as they are written; each is checked where it stands.
fn rules(reader: &mut Reader<'_>, key: &'static str) -> Vec<String> {
    let rule = |text: &str| text.parse::<NumberRule>().map(|rule| rule.to_string()).map_err(|error| error.to_string());
    reader.texts(key, rule).unwrap_or_default()
}

fn headers(reader: &mut Reader<'_>) -> Vec<HeaderPolicy> {
    let header = |text: &str| {
        let wanted = text.parse::<HeaderTemplate>().map_err(|error| error.to_string())?;
        Ok(HeaderPolicy { header: wanted.name().to_owned(), value: wanted.template().to_owned() })
    };
    reader.texts("headers", header).unwrap_or_default()
}

const CALLERS: [(&str, CallerPolicy); 4] = [
    ("extension", CallerPolicy::Extension),
    ("trunk", CallerPolicy::Trunk),
    ("fixed", CallerPolicy::Fixed),
    ("pass_through", CallerPolicy::PassThrough),
];

fn registration(reader: &mut Reader<'_>) -> Option<RegistrationPolicy> {
    let wanted = reader.flag("register").unwrap_or(false);
    let (user, domain) = (reader.text("register_user"), reader.text("register_domain"));
    let expires_ms = seconds(reader, "register_expires_s", &EXPIRES_MS);
    if !wanted {
        for (key, there) in [
            ("register_user", user.is_some()),
            ("register_domain", domain.is_some()),
            ("register_expires_s", expires_ms.is_some()),
        ] {
            if there {
                reader.problem(reader.place_of(key), format!("`{key}` has no use without `register = true`"));
            }
        }
        return None;
    }
    let default = RegistrationPolicy::default();
    Some(RegistrationPolicy { user, domain, expires_ms: expires_ms.unwrap_or(default.expires_ms) })
}

fn health(reader: &mut Reader<'_>) -> Option<HealthPolicy> {
    let interval_ms = seconds(reader, "options_interval_s", &INTERVAL_MS);
    let threshold = limit(reader, "options_threshold", THRESHOLD);
    if interval_ms.is_none() && threshold.is_some() {
        let place = reader.place_of("options_threshold");
        reader.problem(place, "`options_threshold` has no use without `options_interval_s`".to_owned());
    }
    let default = HealthPolicy::default();
    interval_ms.map(|interval_ms| HealthPolicy { interval_ms, threshold: threshold.unwrap_or(default.threshold) })
}

fn small(reader: &mut Reader<'_>, key: &'static str) -> Option<u16> {
    reader.whole(key, 0..=u64::from(u16::MAX)).and_then(|number| u16::try_from(number).ok())
}

fn limit(reader: &mut Reader<'_>, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
    let range = u64::from(*range.start())..=u64::from(*range.end());
    reader.whole(key, range).and_then(|number| u32::try_from(number).ok())
}

/// Seconds of a range in ms.
fn seconds(reader: &mut Reader<'_>, key: &'static str, range_ms: &RangeInclusive<u64>) -> Option<u64> {
    reader.whole(key, range_ms.start() / 1_000..=range_ms.end() / 1_000).map(|s| s * 1_000)
}

/// Calls at a time; 0 lets none through.
const CALLS: RangeInclusive<u32> = 0..=1_000_000;

//! How a trunk is kept in touch with, chosen and limited: one shape for the database, the API and the configuration file.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use dialplan::header::HeaderTemplate;
use dialplan::number::Dialled;
use dialplan::rule::NumberRule;
use dialplan::say::PromptName;
use serde::{Deserialize, Serialize};
use switch::config;
use utoipa::ToSchema;

use crate::srtp::SrtpPolicy;

/// The policy of a trunk. What is left out has its default: not registered with, not watched, no limits, tried as routes name
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrunkPolicy {
    /// We register with it; null for not.
    pub registration: Option<RegistrationPolicy>,
    /// Its addresses are asked by OPTIONS whether they are there; null for not.
    pub health: Option<HealthPolicy>,
    /// Among the trunks of a route the lower ones are tried first.
    pub priority: u16,
    /// Among equal priorities its share of the calls; 0: after the others, in the order of the route.
    pub weight: u16,
    /// Final responses (300 to 699) after which the next trunk is tried; null for 3xx, 408 and 5xx.
    pub failover_codes: Option<BTreeSet<u16>>,
    /// Without any answer for so long the next trunk is tried: 1000 to 32000.
    pub patience_ms: u64,
    /// Calls from it.
    pub inbound: LanePolicy,
    /// Calls by it; beyond its limits the next trunk is tried.
    pub outbound: LanePolicy,
    /// What a call from it is told beyond its limits.
    pub when_full: WhenFull,
    /// Rules for the number called by it, applied in order, each to what the one before made: `prefix 00 -> +`,
    /// `regex ^0(\d+)$ -> +86$1`, `e164 cn`, `national cn`. At most 16. Emergency numbers are sent as they are.
    #[schema(example = json!(["e164 cn", "prefix + -> 00"]))]
    pub called_out: Vec<String>,
    /// Rules for the caller's number shown by it.
    pub caller_out: Vec<String>,
    /// Rules for the number called from it, before a route is looked for.
    pub called_in: Vec<String>,
    /// Rules for the number of who calls from it.
    pub caller_in: Vec<String>,
    /// Whose number is shown by it.
    pub caller: CallerPolicy,
    /// The number shown where `caller` is `fixed`.
    pub caller_fixed: Option<String>,
    /// Header fields added to INVITEs to it; at most 16.
    pub headers: Vec<HeaderPolicy>,
    /// Whether its audio is encrypted.
    pub srtp: SrtpPolicy,
    /// A prompt that who is called by it hears once he has answered, where the call is recorded, before he is connected; null for none.
    pub recording_announcement: Option<String>,
}

/// Whose number a trunk shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallerPolicy {
    /// The extension's own, else the trunk's, else the tenant's, else the extension.
    #[default]
    Extension,
    /// The trunk's, else the tenant's, else the extension.
    Trunk,
    /// `caller_fixed`.
    Fixed,
    /// That of who calls, as it is.
    PassThrough,
}

/// A header field of INVITEs to a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderPolicy {
    /// Its name; none that the switch writes itself.
    #[schema(example = "X-Account")]
    pub header: String,
    /// Its value; `{caller}`, `{called}`, `{trunk}` and `{tenant}` are filled in.
    #[schema(example = "acme-{caller}")]
    pub value: String,
}

/// How we register with a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationPolicy {
    /// The user in the address of record; null for the trunk's user name.
    pub user: Option<String>,
    /// The domain in the address of record; null for the trunk's host.
    pub domain: Option<String>,
    /// How long a registration is asked for: 60000 to 86400000. The carrier may grant another.
    pub expires_ms: u64,
}

/// How the addresses of a trunk are asked whether they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthPolicy {
    /// From one question to the next: 5000 to 3600000.
    pub interval_ms: u64,
    /// Unanswered questions in a row after which calls leave an address out: 1 to 100.
    pub threshold: u32,
}

/// Limits one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LanePolicy {
    /// Calls at a time; null for no limit.
    pub calls: Option<u32>,
    /// New calls within any second, 1 to 1000; null for no limit.
    pub per_second: Option<u32>,
}

/// What a call from a full trunk is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// 503 with Retry-After: the carrier may take another way.
    #[default]
    Unavailable,
    /// 486.
    Busy,
}

/// The longest wait for a first answer is RFC 3261's own timer B.
pub const PATIENCE_MS: RangeInclusive<u64> = 1_000..=32_000;
/// Shorter registrations are a load to the carrier and longer ones than a day hide a loss.
pub const EXPIRES_MS: RangeInclusive<u64> = 60_000..=86_400_000;
/// Longer than a question waits for its answer.
pub const INTERVAL_MS: RangeInclusive<u64> = 5_000..=3_600_000;
/// See [`HealthPolicy::threshold`].
pub const THRESHOLD: RangeInclusive<u32> = 1..=100;
/// See [`LanePolicy::per_second`].
pub const PER_SECOND: RangeInclusive<u32> = 1..=1_000;
/// Rules of each kind: each call applies them all.
const RULES_MAX: usize = 16;
/// Header fields that are added.
const HEADERS_MAX: usize = 16;
/// Final responses that are no success.
pub const FAILURES: RangeInclusive<u16> = 300..=699;

impl Default for TrunkPolicy {
    fn default() -> Self {
        Self {
            registration: None,
            health: None,
            priority: 0,
            weight: 0,
            failover_codes: None,
            patience_ms: 6_000,
            inbound: LanePolicy::default(),
            outbound: LanePolicy::default(),
            when_full: WhenFull::Unavailable,
            called_out: Vec::new(),
            caller_out: Vec::new(),
            called_in: Vec::new(),
            caller_in: Vec::new(),
            caller: CallerPolicy::Extension,
            caller_fixed: None,
            headers: Vec::new(),
            srtp: SrtpPolicy::Optional,
            recording_announcement: None,
        }
    }
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self { user: None, domain: None, expires_ms: 600_000 }
    }
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self { interval_ms: 60_000, threshold: 3 }
    }
}

impl TrunkPolicy {
    /// What is wrong with it: the field, and what to write instead.
    #[must_use]
    pub fn faults(&self, has_account: bool) -> Vec<(String, String)> {
        let mut faults = Faults(Vec::new());
        if let Some(registration) = &self.registration {
            faults.of_registration(registration, has_account);
        }
        if let Some(health) = &self.health {
            faults.outside("health.interval_ms", &INTERVAL_MS, health.interval_ms);
            faults.outside("health.threshold", &THRESHOLD, health.threshold);
        }
        for code in self.failover_codes.iter().flatten() {
            faults.outside("failover_codes", &FAILURES, *code);
        }
        faults.outside("patience_ms", &PATIENCE_MS, self.patience_ms);
        for (way, lane) in [("inbound", self.inbound), ("outbound", self.outbound)] {
            if let Some(per_second) = lane.per_second {
                faults.outside(&format!("{way}.per_second"), &PER_SECOND, per_second);
            }
        }
        faults.of_numbers(self);
        let prompt = self.recording_announcement.as_deref().and_then(|name| name.parse::<PromptName>().err());
        prompt.into_iter().for_each(|error| faults.note("recording_announcement", error.to_string()));
        faults.0
    }

    /// Its rules by their names.
    fn rules(&self) -> [(&'static str, &[String]); 4] {
        [
            ("called_out", &self.called_out),
            ("caller_out", &self.caller_out),
            ("called_in", &self.called_in),
            ("caller_in", &self.caller_in),
        ]
    }

    /// The prompt of [`Self::recording_announcement`].
    #[must_use]
    pub fn announcement(&self) -> Option<PromptName> {
        self.recording_announcement.as_deref().and_then(|name| name.parse().ok())
    }

    fn numbers(&self) -> config::Numbers {
        // What is stored was checked; a rule that no longer parses is left out rather than the trunk.
        let rules = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect();
        config::Numbers {
            called_out: rules(&self.called_out),
            caller_out: rules(&self.caller_out),
            called_in: rules(&self.called_in),
            caller_in: rules(&self.caller_in),
            caller: match (self.caller, &self.caller_fixed) {
                (CallerPolicy::Extension, _) | (CallerPolicy::Fixed, None) => config::CallerShown::Extension,
                (CallerPolicy::Trunk, _) => config::CallerShown::Trunk,
                (CallerPolicy::Fixed, Some(number)) => config::CallerShown::Fixed(number.clone()),
                (CallerPolicy::PassThrough, _) => config::CallerShown::PassThrough,
            },
        }
    }

    /// For the switch.
    #[must_use]
    pub fn for_switch(&self) -> config::TrunkPolicy {
        let lane = |lane: LanePolicy| config::Lane { calls: lane.calls, per_second: lane.per_second };
        config::TrunkPolicy {
            registration: self.registration.as_ref().map(|registration| config::Registration {
                user: registration.user.clone(),
                domain: registration.domain.clone(),
                expires: Duration::from_millis(registration.expires_ms),
            }),
            health: self.health.map(|health| config::Health {
                interval: Duration::from_millis(health.interval_ms),
                threshold: health.threshold,
            }),
            choice: config::Choice {
                priority: self.priority,
                weight: self.weight,
                failover: self.failover_codes.clone(),
                patience: Duration::from_millis(self.patience_ms),
            },
            limits: config::TrunkLimits {
                inbound: lane(self.inbound),
                outbound: lane(self.outbound),
                when_full: match self.when_full {
                    WhenFull::Unavailable => config::WhenFull::Unavailable,
                    WhenFull::Busy => config::WhenFull::Busy,
                },
            },
            numbers: self.numbers(),
            headers: self.headers.iter().filter_map(|it| HeaderTemplate::new(&it.header, &it.value).ok()).collect(),
            srtp: self.srtp.for_switch(),
            recording_announcement: self.announcement(),
        }
    }
}

/// What is wrong, by field.
struct Faults(Vec<(String, String)>);

impl Faults {
    fn note(&mut self, field: &str, mend: String) {
        self.0.push((field.to_owned(), mend));
    }

    fn outside<T: PartialOrd + std::fmt::Display>(&mut self, field: &str, range: &RangeInclusive<T>, value: T) {
        if !range.contains(&value) {
            self.note(field, format!("{value} is not between {} and {}", range.start(), range.end()));
        }
    }

    fn of_numbers(&mut self, policy: &TrunkPolicy) {
        for (name, rules) in policy.rules() {
            if rules.len() > RULES_MAX {
                self.note(name, format!("at most {RULES_MAX} rules"));
            }
            for (n, rule) in rules.iter().take(RULES_MAX).enumerate() {
                if let Err(error) = rule.parse::<NumberRule>() {
                    self.note(&format!("{name}.{n}"), error.to_string());
                }
            }
        }
        match (policy.caller, policy.caller_fixed.as_deref().map(str::parse::<Dialled>)) {
            (CallerPolicy::Fixed, None) => self.note("caller_fixed", "write the number that is shown".to_owned()),
            (_, Some(Err(error))) => self.note("caller_fixed", error.to_string()),
            (CallerPolicy::Extension | CallerPolicy::Trunk | CallerPolicy::PassThrough, Some(Ok(_))) => {
                self.note("caller_fixed", "it has no use unless `caller` is `fixed`".to_owned());
            }
            (_, Some(Ok(_)) | None) => {}
        }
        if policy.headers.len() > HEADERS_MAX {
            self.note("headers", format!("at most {HEADERS_MAX} headers"));
        }
        for (n, it) in policy.headers.iter().take(HEADERS_MAX).enumerate() {
            if let Err(error) = HeaderTemplate::new(&it.header, &it.value) {
                self.note(&format!("headers.{n}"), error.to_string());
            }
        }
    }

    fn of_registration(&mut self, registration: &RegistrationPolicy, has_account: bool) {
        self.outside("registration.expires_ms", &EXPIRES_MS, registration.expires_ms);
        if registration.user.is_none() && !has_account {
            self.note("registration.user", "write whom to register: the trunk has no user name".to_owned());
        }
        if registration.user.as_deref().is_some_and(|user| !is_user(user)) {
            self.note("registration.user", "a user is 1 to 128 characters of letters, digits and +-._~*#".to_owned());
        }
        if registration.domain.as_deref().is_some_and(|domain| !crate::config::provision::is_domain(domain)) {
            self.note("registration.domain", "a domain is written as sip.example.com or 192.0.2.1".to_owned());
        }
    }
}

fn is_user(user: &str) -> bool {
    (1..=128).contains(&user.len()) && user.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._~*#".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_unknown_keys_are_refused() {
        assert_eq!(serde_json::from_str::<TrunkPolicy>("{}").unwrap(), TrunkPolicy::default());
        let policy: TrunkPolicy = serde_json::from_str(r#"{"registration": {}, "health": {"threshold": 5}}"#).unwrap();
        assert_eq!(policy.registration.unwrap().expires_ms, 600_000);
        assert_eq!(policy.health.unwrap(), HealthPolicy { interval_ms: 60_000, threshold: 5 });
        assert!(serde_json::from_str::<TrunkPolicy>(r#"{"registraton": {}}"#).is_err());
    }

    #[test]
    fn the_default_is_that_of_the_switch() {
        assert_eq!(TrunkPolicy::default().for_switch(), config::TrunkPolicy::default());
    }

    #[test]
    fn each_fault_is_named() {
        let policy = TrunkPolicy {
            registration: Some(RegistrationPolicy { user: None, domain: Some("a b".into()), expires_ms: 1 }),
            health: Some(HealthPolicy { interval_ms: 1, threshold: 0 }),
            failover_codes: Some([200].into()),
            patience_ms: 60_000,
            inbound: LanePolicy { calls: Some(0), per_second: Some(0) },
            called_out: vec!["e164 cn".into(), "e164".into()],
            caller: CallerPolicy::Fixed,
            headers: vec![HeaderPolicy { header: "Via".into(), value: "x".into() }],
            recording_announcement: Some("No Prompt".into()),
            ..TrunkPolicy::default()
        };
        let faults = policy.faults(false);
        let fields: Vec<&str> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "registration.expires_ms",
                "registration.user",
                "registration.domain",
                "health.interval_ms",
                "health.threshold",
                "failover_codes",
                "patience_ms",
                "inbound.per_second",
                "called_out.1",
                "caller_fixed",
                "headers.0",
                "recording_announcement"
            ]
        );
        assert_eq!(TrunkPolicy::default().faults(false), []);
    }
}

//! Routes: where a DID leads, and which trunks a dialled number goes by.

use std::fmt;
use std::str::FromStr;

use dialplan::flow::name::{HoursName, Mailbox};
use dialplan::number::{Dialled, ExtensionNumber, RoomNumber, TrunkName};
use dialplan::plan::{Closed, Destination, DidPattern};
use dialplan::say::{PromptName, defaults};
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::setting::{Setting, SettingsTx, as_text, as_texts};
use super::sql::{Arg, Row, args, json};

/// A route as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// Its name: a slug like a trunk's.
    #[serde(serialize_with = "as_text")]
    pub name: RouteName,
    /// Among routes that match equally well the lowest place wins, then the name.
    pub place: u32,
    /// What it does.
    #[serde(flatten)]
    pub rule: RouteRule,
}

/// What a route does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "direction", rename_all = "snake_case")]
pub enum RouteRule {
    /// From a trunk to us.
    Inbound {
        /// Only from this trunk, or from any.
        #[serde(serialize_with = "opt_as_text")]
        trunk: Option<TrunkName>,
        /// Which numbers.
        #[serde(serialize_with = "as_text")]
        did: Did,
        /// Where to.
        #[serde(serialize_with = "as_text")]
        to: RouteTarget,
        /// Only within these hours (IVR-01).
        hours: Option<HoursName>,
        /// What callers get outside of them; the usual words, and the end, where nothing is set.
        closed: Option<ClosedRule>,
    },
    /// From us to trunks.
    Outbound {
        /// The number dialled begins so; the empty prefix takes all.
        prefix: String,
        /// How many leading characters are cut off before sending.
        strip: u32,
        /// What is put in front after cutting.
        prepend: String,
        /// Tried in order.
        #[serde(serialize_with = "as_texts")]
        trunks: Vec<TrunkName>,
    },
}

/// What callers get while a route is closed (IVR-02): a prompt, then another place or the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedRule {
    /// Said to them first.
    pub prompt: Option<PromptName>,
    /// The same on a holiday; as on other days where there is none.
    pub holiday_prompt: Option<PromptName>,
    /// Where they go then; without it the call ends.
    pub to: Option<RouteTarget>,
}

impl ClosedRule {
    /// Where nothing is set: the usual words, and the end.
    #[must_use]
    pub fn usual() -> Self {
        Self { prompt: Some(defaults::IVR_CLOSED), holiday_prompt: Some(defaults::IVR_HOLIDAY), to: None }
    }

    /// As the dialplan wants it.
    #[must_use]
    pub fn for_plan(&self) -> Closed {
        let to = self.to.as_ref().map(|to| to.destination().clone());
        Closed { prompt: self.prompt.clone(), holiday_prompt: self.holiday_prompt.clone(), to }
    }
}

impl Route {
    /// Where it leads inside, open or closed.
    pub fn targets(&self) -> impl Iterator<Item = &Destination> {
        let (open, closed) = match &self.rule {
            RouteRule::Inbound { to, closed, .. } => (Some(to), closed.as_ref().and_then(|closed| closed.to.as_ref())),
            RouteRule::Outbound { .. } => (None, None),
        };
        open.into_iter().chain(closed).map(RouteTarget::destination)
    }
}

fn opt_as_text<T: fmt::Display, S: serde::Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// Why a text of a route is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Not a route's name.
    #[error("a route's name is 1 to 32 characters of a-z, 0-9, - and _")]
    Name,
    /// Not a DID pattern.
    #[error("a DID is up to 24 digits after an optional +, with a * at the end for a prefix; * alone takes all")]
    Did,
    /// Not a destination.
    #[error(
        "a route leads to an extension's number, to `room:8000`, `queue:support`, `flow:main`, `voicemail:queue:support`, \
         `voicemail:extension:1001`, `number:13800138000` or `echo`"
    )]
    Target,
    /// Not a prefix or a part of a number.
    #[error("a prefix is up to 24 characters of 0-9, * and #, optionally after a +")]
    Prefix,
}

/// A route's name: a slug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteName(String);

impl RouteName {
    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RouteName {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        // The same letters as a trunk's name.
        text.parse::<TrunkName>().map(|name| Self(name.to_string())).map_err(|_| RouteError::Name)
    }
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A DID pattern as people write it: `+861012345678`, `8610*`, `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Did(DidPattern);

impl Did {
    /// As the dialplan wants it.
    #[must_use]
    pub fn pattern(&self) -> &DidPattern {
        &self.0
    }
}

impl FromStr for Did {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        match text.strip_suffix('*') {
            Some(prefix) if prefix.is_empty() || is_digits_after_plus(prefix) => {
                Ok(Self(DidPattern::Prefix(prefix.to_owned())))
            }
            None if is_digits_after_plus(text) => Ok(Self(DidPattern::Exact(text.to_owned()))),
            Some(_) | None => Err(RouteError::Did),
        }
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            DidPattern::Exact(number) => f.write_str(number),
            DidPattern::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

fn is_digits_after_plus(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    text.len() <= NUMBER_LEN_MAX && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// What may begin a dialled number (and so be a prefix, or be put in front).
///
/// # Errors
/// [`RouteError::Prefix`].
pub fn check_prefix(text: &str) -> Result<(), RouteError> {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let valid = text.len() <= NUMBER_LEN_MAX && rest.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#');
    if valid { Ok(()) } else { Err(RouteError::Prefix) }
}

/// As long as a dialled number may be (CALL-07).
const NUMBER_LEN_MAX: usize = 24;

/// Where an inbound route leads, as people write it: `1001`, `room:8000`, `flow:main`, `echo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RouteTarget(Destination);

impl TryFrom<String> for RouteTarget {
    type Error = RouteError;

    fn try_from(text: String) -> Result<Self, RouteError> {
        text.parse()
    }
}

impl From<RouteTarget> for String {
    fn from(target: RouteTarget) -> Self {
        target.to_string()
    }
}

impl RouteTarget {
    /// As the dialplan wants it.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.0
    }
}

impl From<ExtensionNumber> for RouteTarget {
    fn from(extension: ExtensionNumber) -> Self {
        Self(Destination::Extension(extension))
    }
}

impl FromStr for RouteTarget {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        if text == ECHO {
            return Ok(Self(Destination::EchoTest));
        }
        if let Some(mailbox) = text.strip_prefix(VOICEMAIL) {
            let mailbox = mailbox.parse::<Mailbox>().map_err(|_| RouteError::Target)?;
            return Ok(Self(Destination::Voicemail(mailbox)));
        }
        if let Some(room) = text.strip_prefix(ROOM) {
            let room = room.parse::<RoomNumber>().map_err(|_| RouteError::Target)?;
            return Ok(Self(Destination::Room(room)));
        }
        if let Some(flow) = text.strip_prefix(FLOW) {
            return flow.parse().map(|flow| Self(Destination::Flow(flow))).map_err(|_| RouteError::Target);
        }
        if let Some(queue) = text.strip_prefix(QUEUE) {
            return queue.parse().map(|queue| Self(Destination::Queue(queue))).map_err(|_| RouteError::Target);
        }
        if let Some(number) = text.strip_prefix(NUMBER) {
            return Dialled::clean(number)
                .map(|number| Self(Destination::Outside(number)))
                .map_err(|_| RouteError::Target);
        }
        text.parse().map(|extension| Self(Destination::Extension(extension))).map_err(|_| RouteError::Target)
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Destination::Extension(extension) => f.write_str(extension.as_str()),
            Destination::Room(room) => write!(f, "{ROOM}{room}"),
            Destination::Flow(flow) => write!(f, "{FLOW}{flow}"),
            Destination::Queue(queue) => write!(f, "{QUEUE}{queue}"),
            Destination::Voicemail(mailbox) => write!(f, "{VOICEMAIL}{mailbox}"),
            Destination::Outside(number) => write!(f, "{NUMBER}{}", number.as_str()),
            Destination::EchoTest => f.write_str(ECHO),
        }
    }
}

const VOICEMAIL: &str = "voicemail:";
const ECHO: &str = "echo";
const ROOM: &str = "room:";
const FLOW: &str = "flow:";
const QUEUE: &str = "queue:";
const NUMBER: &str = "number:";

impl Setting for Route {
    const RESOURCE: &'static str = "route";
    const TABLE: &'static str = "routes";
    const KEY: &'static str = "name";
    const COLUMNS: &'static [&'static str] = &[
        "place",
        "direction",
        "did",
        "trunk",
        "destination",
        "prefix",
        "strip",
        "prepend",
        "trunks",
        "hours",
        "closed",
    ];
    /// Each call looks at all of them.
    const MAX: u64 = 5_000;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        let none = || None::<String>;
        match &self.rule {
            RouteRule::Inbound { trunk, did, to, hours, closed } => args![
                self.place,
                "inbound",
                did.to_string(),
                trunk.as_ref().map(ToString::to_string),
                to.to_string(),
                none(),
                None::<u64>,
                none(),
                none(),
                hours.as_ref().map(ToString::to_string),
                closed.as_ref().map(json),
            ],
            RouteRule::Outbound { prefix, strip, prepend, trunks } => {
                let trunks: Vec<&str> = trunks.iter().map(TrunkName::as_str).collect();
                args![
                    self.place,
                    "outbound",
                    none(),
                    none(),
                    none(),
                    prefix.as_str(),
                    *strip,
                    prepend.as_str(),
                    json(&trunks),
                    none(),
                    none(),
                ]
            }
        }
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let direction = row.text("direction")?;
        let rule = match direction.as_str() {
            "inbound" => {
                let trunk = row.opt_text("trunk")?.map(|name| name.parse());
                RouteRule::Inbound {
                    trunk: trunk.transpose().map_err(|error| StoreError::corrupt("trunk", error))?,
                    did: row.parsed("did")?,
                    to: row.parsed("destination")?,
                    hours: row.opt_parsed("hours")?,
                    closed: row.opt_text("closed")?.map(|_| row.json("closed")).transpose()?,
                }
            }
            "outbound" => {
                let trunks: Vec<String> = row.json("trunks")?;
                let trunks = trunks.iter().map(|name| name.parse()).collect::<Result<_, _>>();
                RouteRule::Outbound {
                    prefix: row.text("prefix")?,
                    strip: row.unsigned("strip")?,
                    prepend: row.text("prepend")?,
                    trunks: trunks.map_err(|error| StoreError::corrupt("trunks", error))?,
                }
            }
            other => {
                return Err(StoreError::corrupt("direction", format!("`{other}` is neither inbound nor outbound")));
            }
        };
        Ok(Self { name: row.parsed("name")?, place: row.unsigned("place")?, rule })
    }
}

impl SettingsTx {
    /// Whether another tenant has a route for just this number: each is one tenant's in an installation (decision 8). Prefixes may
    /// be several tenants', since the more specific one has the call.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_anothers(&mut self, did: &Did) -> Result<bool, StoreError> {
        let DidPattern::Exact(number) = did.pattern() else { return Ok(false) };
        let bare = number.trim_start_matches('+');
        let (conn, change) = self.parts();
        let sql = "SELECT tenant FROM routes WHERE did IN ($2, $3) AND tenant <> $1 LIMIT 1";
        let found = conn.first(sql, args![change.tenant.as_str(), bare, format!("+{bare}")]).await?;
        Ok(found.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_did_is_read_as_it_is_written() {
        for text in ["+861012345678", "8610*", "*", "+86*", "4001"] {
            assert_eq!(text.parse::<Did>().unwrap().to_string(), text);
        }
        for bad in ["", "+", "86-10", "1*2", "alice"] {
            assert_eq!(bad.parse::<Did>(), Err(RouteError::Did), "{bad}");
        }
    }

    #[test]
    fn a_target_is_an_extension_a_room_or_the_echo_test() {
        assert_eq!("flow:main".parse::<RouteTarget>().unwrap().to_string(), "flow:main");
        for text in ["number:13800138000", "room:8000", "voicemail:queue:support", "voicemail:extension:1001"] {
            assert_eq!(text.parse::<RouteTarget>().unwrap().to_string(), text);
        }
        assert_eq!("voicemail:1001".parse::<RouteTarget>(), Err(RouteError::Target));
        assert_eq!("room:all".parse::<RouteTarget>(), Err(RouteError::Target));
        assert_eq!("echo".parse::<RouteTarget>().unwrap().destination(), &Destination::EchoTest);
        assert_eq!("1001".parse::<RouteTarget>().unwrap().to_string(), "1001");
        assert_eq!("alice".parse::<RouteTarget>(), Err(RouteError::Target));
    }

    #[test]
    fn a_prefix_is_part_of_a_number() {
        assert_eq!(check_prefix("+86"), Ok(()));
        assert_eq!(check_prefix(""), Ok(()));
        assert_eq!(check_prefix("abc"), Err(RouteError::Prefix));
    }
}

//! What the switch is told about a trunk.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use dialplan::header::HeaderTemplate;
use dialplan::number::TrunkName;
use dialplan::rule::NumberRule;
use dialplan::say::PromptName;
use sip::flow::Transport;

use super::{Network, Srtp};

/// A trunk: a line to the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Its name.
    pub name: TrunkName,
    /// Where its calls go, resolved by the shell, best first; empty when it does not resolve (then it cannot be called).
    pub targets: Vec<SocketAddr>,
    /// How.
    pub transport: Transport,
    /// The host in the Request-URI and To of what we send.
    pub host: String,
    /// Who may call in by it without signing in.
    pub sources: Vec<Network>,
    /// What we sign in with when it challenges.
    pub credentials: Option<Credentials>,
    /// P-Asserted-Identity from it is believed (CALL-32).
    pub trusted: bool,
    /// Shown as the caller's number where the extension has none.
    pub caller_number: Option<String>,
    /// Its calls are recorded (REC-04).
    pub record: bool,
    /// A disabled one neither calls nor is called.
    pub enabled: bool,
    /// How it is kept in touch with, chosen and limited.
    pub policy: TrunkPolicy,
}

/// A user name and password we sign in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// In the clear in memory only; encrypted where it is stored.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// How a trunk is kept in touch with, chosen and limited. The default: it is not registered with and not watched, has no
/// limits, and takes its turn as routes name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrunkPolicy {
    /// We register with it (RFC 3261 §10).
    pub registration: Option<Registration>,
    /// It is asked whether it is there.
    pub health: Option<Health>,
    /// When it is taken among others, and left for them.
    pub choice: Choice,
    /// How many calls it takes.
    pub limits: Limits,
    /// How numbers are written on it.
    pub numbers: Numbers,
    /// Header fields added to INVITEs to it.
    pub headers: Vec<HeaderTemplate>,
    /// Whether its audio is encrypted.
    pub srtp: Srtp,
    /// Said to who is called by it once he has answered, where the call is recorded, before he hears who calls (REC-08).
    pub recording_announcement: Option<PromptName>,
}

/// How numbers are written on a trunk: rules are applied in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The number called by it; emergency numbers are sent as they are (GEN-18).
    pub called_out: Vec<NumberRule>,
    /// The caller's number shown by it.
    pub caller_out: Vec<NumberRule>,
    /// The number called from it, before a route is looked for.
    pub called_in: Vec<NumberRule>,
    /// The number of who calls from it.
    pub caller_in: Vec<NumberRule>,
    /// Whose number is shown by it.
    pub caller: CallerShown,
}

/// Whose number a call by a trunk shows (CALL-08). A withheld one stays withheld.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallerShown {
    /// The extension's own number, else the trunk's, else the tenant's; else the extension.
    #[default]
    Extension,
    /// The trunk's, else the tenant's, whoever calls; else the extension.
    Trunk,
    /// Always this one.
    Fixed(String),
    /// That of who calls, as it is.
    PassThrough,
}

/// How we register with a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The user in the address of record; the user name of the credentials where none is set.
    pub user: Option<String>,
    /// The domain in the address of record and the Request-URI; the trunk's host where none is set.
    pub domain: Option<String>,
    /// How long a registration we ask for.
    pub expires: Duration,
}

/// How a trunk's addresses are asked whether they are there: by OPTIONS (RFC 3261 §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// From one question to the next.
    pub interval: Duration,
    /// Unanswered questions in a row after which an address is left out.
    pub threshold: u32,
}

/// When a trunk is taken among those of a route, and when it is left for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Lower ones are tried first, as in RFC 2782.
    pub priority: u16,
    /// Among equal priorities: its share of the calls. 0 is not drawn: such trunks come after the drawn ones, in the order of
    /// the route.
    pub weight: u16,
    /// Final responses after which the next trunk is tried; where none is set: 3xx, 408 and 5xx.
    pub failover: Option<BTreeSet<u16>>,
    /// Without any answer for so long, the next is tried.
    pub patience: Duration,
}

impl Default for Choice {
    /// RFC 3261's own 32 s are more than a caller waits.
    fn default() -> Self {
        Self { priority: 0, weight: 0, failover: None, patience: Duration::from_secs(6) }
    }
}

/// How many calls a trunk takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls from it.
    pub inbound: Lane,
    /// Calls by it.
    pub outbound: Lane,
    /// What a call from it is told beyond its limits.
    pub when_full: WhenFull,
}

/// Limits one way; `None` is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Calls at a time.
    pub calls: Option<u32>,
    /// New calls within any second.
    pub per_second: Option<u32>,
}

/// What a call from a full trunk is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// 503 with Retry-After: the carrier may take another way.
    #[default]
    Unavailable,
    /// 486: the caller hears that we are busy.
    Busy,
}

//! Trunks: lines to the outside. A password that must be sent is stored encrypted (see [`crate::secrets::SecretKey`]).

use dialplan::number::TrunkName;
use serde::{Deserialize, Serialize};
use sip::flow::Transport;
use switch::config::Network;

use super::StoreError;
use super::setting::{Hidden, Setting, as_text, as_texts};
use super::sql::{Arg, Row, args, json, word};
use crate::config::network;
use crate::trunk_policy::TrunkPolicy;

/// How SIP goes to a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl TrunkTransport {
    /// As SIP names it.
    #[must_use]
    pub fn sip(self) -> Transport {
        match self {
            Self::Udp => Transport::Udp,
            Self::Tcp => Transport::Tcp,
            Self::Tls => Transport::Tls,
        }
    }
}

/// A user name and password for a trunk, as stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrunkAccount {
    /// The user name.
    pub username: String,
    /// The password, encrypted with the key file for this tenant and trunk.
    pub secret: Hidden,
}

/// A trunk as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trunk {
    /// Its name.
    #[serde(serialize_with = "as_text")]
    pub name: TrunkName,
    /// Host name or address its calls go to; it stands in the Request-URI and To.
    pub host: String,
    /// The port; the transport's own where none is set.
    pub port: Option<u16>,
    /// How.
    pub transport: TrunkTransport,
    /// Who may call in by it without signing in. Empty: nobody calls in by it.
    #[serde(serialize_with = "networks_as_texts")]
    pub sources: Vec<Network>,
    /// What we sign in with when it challenges.
    pub account: Option<TrunkAccount>,
    /// P-Asserted-Identity from it is believed (CALL-32).
    pub trusted: bool,
    /// Emergency calls go by it (GEN-18); where no trunk is marked, by any.
    pub emergency: bool,
    /// Shown as the caller's number where the extension has none.
    pub caller_number: Option<String>,
    /// Its calls are recorded (REC-04).
    pub record: bool,
    /// A disabled one neither calls nor is called.
    pub enabled: bool,
    /// How it is kept in touch with, chosen and limited.
    pub policy: TrunkPolicy,
}

fn networks_as_texts<S: serde::Serializer>(networks: &[Network], serializer: S) -> Result<S::Ok, S::Error> {
    let texts: Vec<String> = networks.iter().map(network::to_text).collect();
    as_texts(&texts, serializer)
}

impl Trunk {
    /// A trunk to a host with everything else at its default: UDP, enabled, no sources, no account.
    #[must_use]
    pub fn new(name: TrunkName, host: String) -> Self {
        Self {
            name,
            host,
            port: None,
            transport: TrunkTransport::Udp,
            sources: Vec::new(),
            account: None,
            trusted: false,
            emergency: false,
            caller_number: None,
            record: false,
            enabled: true,
            policy: TrunkPolicy::default(),
        }
    }
}

impl Setting for Trunk {
    const RESOURCE: &'static str = "trunk";
    const TABLE: &'static str = "trunks";
    const KEY: &'static str = "name";
    const COLUMNS: &'static [&'static str] = &[
        "host",
        "port",
        "transport",
        "sources",
        "username",
        "secret",
        "trusted",
        "emergency",
        "caller_number",
        "record",
        "enabled",
        "policy",
    ];
    /// Each is resolved anew from time to time.
    const MAX: u64 = 1_000;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        let sources: Vec<String> = self.sources.iter().map(network::to_text).collect();
        args![
            self.host.as_str(),
            self.port,
            word(&self.transport),
            json(&sources),
            self.account.as_ref().map(|account| account.username.clone()),
            self.account.as_ref().map(|account| account.secret.expose().to_owned()),
            self.trusted,
            self.emergency,
            self.caller_number.clone(),
            self.record,
            self.enabled,
            json(&self.policy),
        ]
    }

    fn secrets(&self) -> Vec<&Hidden> {
        self.account.iter().map(|account| &account.secret).collect()
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let sources: Vec<String> = row.json("sources")?;
        let sources = sources.iter().map(|text| network::parse(text)).collect::<Result<_, _>>();
        let account = match (row.opt_text("username")?, row.opt_text("secret")?) {
            (Some(username), Some(secret)) => Some(TrunkAccount { username, secret: Hidden::new(secret) }),
            (None, _) | (_, None) => None,
        };
        Ok(Self {
            name: row.parsed("name")?,
            host: row.text("host")?,
            port: row.opt_unsigned::<u16>("port")?,
            transport: row.word("transport")?,
            sources: sources.map_err(|error| StoreError::corrupt("sources", error))?,
            account,
            trusted: row.flag("trusted")?,
            emergency: row.flag("emergency")?,
            caller_number: row.opt_text("caller_number")?,
            record: row.flag("record")?,
            enabled: row.flag("enabled")?,
            policy: row.json("policy")?,
        })
    }
}

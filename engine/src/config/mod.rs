//! The configuration file: `conf/switchboard.toml`, with the environment over it. Every key is documented in that file; unknown
//! keys are refused with the nearest known name; what is returned is parsed and needs no further checks.

mod acme;
mod credential;
pub mod flow_file;
pub mod network;
mod node;
mod oidc;
pub mod problem;
pub mod provision;
mod reader;
mod sections;
mod sms;
mod tree;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use dialplan::flow::template::Template;
use dialplan::park::Park;
use hooks::fact::AudioFormat;
use media::OpusSettings;
use recordings::{S3Options, SealKeys};
use sip::session_timer::Policy;
use switch::config::{ExpiryBounds, Limits, Network, TonePlan};

use crate::http::wallboard::Abnormal;
use crate::ladder::CaptureOptions;
use crate::store::setting::Hidden;
use crate::web_client::Reach;
use crate::webhooks::retry::RetryRules;

pub use acme::{AcmeConfig, ExternalAccount};
pub use credential::{Credential, CredentialUnreadable};
pub use oidc::{OidcConfig, OidcMatch};
pub use problem::{ConfigError, Place, Problem};
use provision::Provision;
use reader::{Findings, Reader};
use sections::AdvertisedHost;
pub(crate) use sections::is_host;
pub use sms::{AliyunSms, HttpSms, SmppLong, SmppSms, SmsBody, SmsConfig, SmsDriver, Success};

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Signalling.
    pub sip: SipConfig,
    /// Plain HTTP.
    pub http: Listen,
    /// HTTP over TLS.
    pub https: Listen,
    /// Certificates, and whose are believed.
    pub tls: TlsConfig,
    /// `[acme]`; none: no certificates are asked for.
    pub acme: Option<AcmeConfig>,
    /// Media.
    pub rtp: RtpConfig,
    /// Who is not behind NAT.
    pub local_nets: Vec<Network>,
    /// STUN and TURN servers for browsers, as URIs.
    pub ice_servers: Vec<String>,
    /// How names of hosts are resolved.
    pub dns: DnsConfig,
    /// Which servers flows may ask.
    pub lookup: LookupConfig,
    /// `numbers.locations`: the table of where numbers are at home; none: the one that is shipped.
    pub locations: Option<PathBuf>,
    /// `plugins.off`: the names of those that do not run.
    pub plugins_off: Vec<String>,
    /// `[webhooks]`.
    pub webhooks: WebhookConfig,
    /// `[smtp]`; none: no mails are sent.
    pub smtp: Option<SmtpConfig>,
    /// `[sms]`; none: no short messages are sent, and nobody signs in by one.
    pub sms: Option<SmsConfig>,
    /// `[oidc]`; none: nobody signs in by a provider.
    pub oidc: Option<OidcConfig>,
    /// The database.
    pub storage: StorageUrl,
    /// Where everything else lies: journal, recordings, keys.
    pub data_dir: PathBuf,
    /// How long running calls may go on after SIGTERM.
    pub drain: Duration,
    /// The log.
    pub log: LogConfig,
    /// Recordings.
    pub recording: RecordingConfig,
    /// How many days the journal keeps segments that every consumer has read.
    pub journal_keep_days: u64,
    /// `[retention]`.
    pub retention: RetentionConfig,
    /// `tasks.keep_days`: for how many days the files of exports are kept.
    pub tasks_keep_days: u64,
    /// How long SIP messages are kept, and how many of them.
    pub ladder: CaptureOptions,
    /// Which talks are abnormal (MON-07).
    pub abnormal: Abnormal,
    /// Where callers are parked.
    pub park: Park,
    /// The table sizes.
    pub limits: Limits,
    /// Applied again at each start.
    pub provision: Provision,
}

/// `[sip]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipConfig {
    /// Where UDP listens; empty: nowhere.
    pub udp: Vec<SocketAddr>,
    /// Where TCP listens.
    pub tcp: Vec<SocketAddr>,
    /// Where TLS listens.
    pub tls: Vec<SocketAddr>,
    /// The digest realm, and the host in the From of what we send.
    pub domain: String,
    /// Our addresses as others see them.
    pub advertise: Vec<AdvertisedHost>,
    /// How long a call may ring.
    pub ring_timeout: Duration,
    /// How long a session may go without a refresh.
    pub session_timer: Policy,
    /// What a REGISTER may ask for.
    pub expiry: ExpiryBounds,
}

/// Where something listens; empty: nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The addresses.
    pub listen: Vec<SocketAddr>,
}

/// `[tls]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate for SIP over TLS and HTTPS; self-signed in the data folder where none is set.
    pub own: Option<TlsFiles>,
    /// Others, for those who ask for these names.
    pub hosts: Vec<(String, TlsFiles)>,
    /// The authorities who vouch for trunks.
    pub ca: PathBuf,
    /// Hosts whose certificates are not verified.
    pub unverified_hosts: Vec<String>,
}

/// A certificate and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, ours first.
    pub certificate: PathBuf,
    /// The private key.
    pub private_key: PathBuf,
}

/// `[rtp]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpConfig {
    /// Where media binds.
    pub address: Vec<IpAddr>,
    /// First and last port.
    pub ports: (u16, u16),
    /// What SDP shows to peers outside `local_nets`.
    pub advertise: Vec<IpAddr>,
    /// UDP addresses that the media of all browsers shares; empty: no phone is a browser.
    pub browsers: Vec<SocketAddr>,
    /// How long an answered leg that should send may be silent.
    pub timeout: Duration,
    /// The ringing plan of the country.
    pub tones: TonePlan,
    /// How Opus is encoded and heard where it is decoded at all.
    pub opus: OpusSettings,
}

/// `[dns]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsConfig {
    /// Who is asked; the system's servers where none is named.
    pub servers: Vec<SocketAddr>,
    /// How often hosts of trunks and of static contacts are resolved again.
    pub refresh: Duration,
}

/// `[lookup]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupConfig {
    /// Also servers of this machine and of networks that are not public.
    pub allow_private: bool,
    /// Who answers the lookups of hooks.
    pub hooks: HookConfig,
}

/// Who answers the lookups of hooks beside the plugins: servers, asked by GET for JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookConfig {
    /// `caller.lookup`.
    pub caller_url: Option<Template>,
    /// `dial.authorize`.
    pub authorize_url: Option<Template>,
    /// `dial.resolve`.
    pub resolve_url: Option<Template>,
    /// The time of all of them, plugins too.
    pub timeout: Duration,
}

impl Default for HookConfig {
    fn default() -> Self {
        Self { caller_url: None, authorize_url: None, resolve_url: None, timeout: HOOK_TIMEOUT }
    }
}

/// How long a call waits for who answers a lookup, unless the configuration says otherwise.
const HOOK_TIMEOUT: Duration = Duration::from_millis(500);

/// `[webhooks]`: how events are sent to the endpoints that want them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Where endpoints may be that are allowed to be private.
    pub reach: Reach,
    /// How long one request may take.
    pub timeout: Duration,
    /// When an event that was not taken is tried again.
    pub retry: RetryRules,
    /// So many days the journal keeps events for an endpoint that has not got them yet.
    pub hold_days: u64,
}

/// `[smtp]`: the server that takes mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpConfig {
    /// Its name; its certificate must be for it.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way there is encrypted.
    pub tls: SmtpTls,
    /// Who signs in there; nobody where there is none.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Hidden>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Who the mails are from.
    pub from: lettre::message::Mailbox,
    /// Messages are sent along.
    pub attach: bool,
}

/// How the way to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// After STARTTLS (RFC 3207), which it must offer.
    StartTls,
    /// From the beginning (RFC 8314).
    Implicit,
    /// Not at all.
    Off,
}

/// `[recording]`.
#[derive(Clone, Debug)]
pub struct RecordingConfig {
    /// Where recordings lie.
    pub dir: PathBuf,
    /// Below so much free disk no new call is accepted.
    pub free_disk_floor_bytes: u64,
    /// Calls between two extensions are recorded in every tenant.
    pub internal: bool,
    /// How finished recordings are kept where their tenant has no setting of its own.
    pub format: AudioFormat,
    /// For how many days, where their tenant has no setting of its own; 0 for ever.
    pub keep_days: u64,
    /// The keys that encrypt them.
    pub encryption_keys: Option<SealKeys>,
    /// Where those keys stand instead.
    pub encryption_key_file: Option<PathBuf>,
    /// The bucket they are moved to.
    pub s3: Option<S3Config>,
}

/// `[retention]`: for how many days entries of logs are kept; 0 for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// The login log.
    pub logins_days: u64,
    /// The audit log, and who heard which recording.
    pub audit_days: u64,
    /// The agent state log.
    pub agent_states_days: u64,
}

/// `[recording.s3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Config {
    /// All but a secret that stands in a file.
    bucket: S3Options,
    secret_file: Option<PathBuf>,
}

impl S3Config {
    /// With the secret, which is read here.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn options(&self) -> anyhow::Result<S3Options> {
        let mut options = self.bucket.clone();
        if let Some(file) = &self.secret_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read recording.s3.secret_access_key_file {}", file.display()))?;
            text.trim().clone_into(&mut options.secret_access_key);
        }
        Ok(options)
    }
}

/// `[log]`.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// `info`, or per module: `info,engine::store=debug`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `storage.url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server; the whole URL.
    Postgres(String),
}

impl Config {
    /// Reads a configuration file and the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem found.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        // A variable that is no Unicode cannot be one of ours.
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::parse(&text, env).map_err(|problems| ConfigError::Invalid { path: path.to_owned(), problems })
    }

    /// Reads a configuration from text and environment.
    ///
    /// # Errors
    /// Every problem found, in the order of the text.
    pub fn parse(text: &str, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Problem>> {
        Self::parse_known(text, env).0
    }

    /// As [`Config::parse`], with the full names of all keys there are.
    fn parse_known(
        text: &str,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> (Result<Self, Vec<Problem>>, Vec<String>) {
        let mut problems = Vec::new();
        let tree = tree::read(text, env, &mut problems);
        let findings = Findings::default();
        let config = Self::read(Reader::root(&tree, &findings));
        let (mut found, known) = findings.into_parts();
        problems.append(&mut found);
        problems.sort();
        (if problems.is_empty() { Ok(config) } else { Err(problems) }, known)
    }

    fn read(mut root: Reader<'_>) -> Self {
        let data_dir = PathBuf::from(root.text("data_dir").unwrap_or_else(|| DATA_DIR.to_owned()));
        let drain = Duration::from_secs(root.whole("drain_s", 0..=DRAIN_MAX_S).unwrap_or(DRAIN_DEFAULT_S));
        let https = sections::listen(root.section("https"), HTTPS_PORT);
        let tls = sections::tls(root.section("tls"));
        let config = Self {
            drain,
            acme: acme::read(root.section("acme"), &https, &tls),
            sip: sections::sip(root.section("sip")),
            http: sections::listen(root.section("http"), HTTP_PORT),
            https,
            tls,
            rtp: sections::rtp(root.section("rtp")),
            local_nets: root.list("local_nets", network::parse).unwrap_or_else(sections::private_networks),
            ice_servers: sections::ice(root.section("ice")),
            dns: sections::dns(root.section("dns")),
            lookup: sections::lookup(root.section("lookup")),
            locations: sections::numbers(root.section("numbers")),
            plugins_off: sections::plugins(root.section("plugins")),
            webhooks: sections::webhooks(root.section("webhooks")),
            smtp: sections::smtp(root.section("smtp")),
            sms: sms::read(root.section("sms")),
            oidc: oidc::read(root.section("oidc")),
            storage: sections::storage(root.section("storage"), &data_dir),
            log: sections::log(root.section("log")),
            recording: sections::recording(root.section("recording"), &data_dir),
            journal_keep_days: sections::journal(root.section("journal")),
            retention: sections::retention(root.section("retention")),
            tasks_keep_days: sections::tasks(root.section("tasks")),
            ladder: sections::ladder(root.section("ladder")),
            abnormal: sections::wallboard(root.section("wallboard")),
            park: sections::park(root.section("park")),
            limits: sections::limits(root.section("limits")),
            provision: provision::read(root.section("provision")),
            data_dir,
        };
        root.finish();
        config
    }

    /// Where the journal lies.
    #[must_use]
    pub fn journal_dir(&self) -> PathBuf {
        self.data_dir.join("journal")
    }

    /// Where each plugin has a folder of its own.
    #[must_use]
    pub fn plugins_dir(&self) -> PathBuf {
        self.data_dir.join("plugins")
    }

    /// Where uploaded prompts are kept.
    #[must_use]
    pub fn prompts_dir(&self) -> PathBuf {
        self.data_dir.join("prompts")
    }

    /// Where SIP messages are kept.
    #[must_use]
    pub fn ladder_dir(&self) -> PathBuf {
        self.data_dir.join("ladders")
    }

    /// Where the checkpoints of running calls lie.
    #[must_use]
    pub fn checkpoint_dir(&self) -> PathBuf {
        self.data_dir.join("checkpoints")
    }

    /// Where certificates, ours and those that an authority gave us, lie with their keys.
    #[must_use]
    pub fn tls_dir(&self) -> PathBuf {
        self.data_dir.join("tls")
    }

    /// The key file for secrets that must be sent.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.data_dir.join("secret.key")
    }

    /// What the first start wrote down: the administrator's and the phones' passwords.
    #[must_use]
    pub fn first_login_file(&self) -> PathBuf {
        self.data_dir.join("first-login.txt")
    }
}

const DRAIN_DEFAULT_S: u64 = 30;
const DRAIN_MAX_S: u64 = 86_400;
const DATA_DIR: &str = "data";
const HTTP_PORT: u16 = 8080;
const HTTPS_PORT: u16 = 8443;

#[cfg(test)]
mod tests;

//! The sections of the file, each read into its type with its defaults.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use dialplan::flow::template::{Template, TemplateError};
use dialplan::park::{Park, TIMEOUT_DEFAULT};
use hooks::fact::AudioFormat;
use media::{OpusSettings, RecordRate};
use recordings::{S3Options, SealKeys};
use sip::flow::Transport;
use sip::session_timer::{INTERVAL_MAX_S, MIN_SE_S, Policy};
use switch::config::{ExpiryBounds, Limits, Network, TonePlan};

use super::reader::Reader;
use super::tree::{Node, Value};
use super::{
    DnsConfig, HookConfig, Listen, LogConfig, LogFormat, LookupConfig, RecordingConfig, RetentionConfig, RtpConfig,
    S3Config, SipConfig, SmtpConfig, SmtpTls, StorageUrl, TlsConfig, TlsFiles, WebhookConfig, network,
};
use crate::http::wallboard::Abnormal;
use crate::ladder::CaptureOptions;
use crate::store::setting::Hidden;
use crate::web_client::Reach;
use crate::webhooks::retry::RetryRules;

/// One of `sip.advertise`: `[TRANSPORT:]HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedHost {
    /// For this transport only; for all where none is named.
    pub transport: Option<Transport>,
    /// Host name or address, an IPv6 one in brackets.
    pub host: String,
    /// The port; that of the listening socket where none is named.
    pub port: Option<u16>,
}

impl FromStr for AdvertisedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no address to advertise, write it as 203.0.113.5 or tcp:pbx.example.com:5080");
        let named = [("udp:", Transport::Udp), ("tcp:", Transport::Tcp), ("tls:", Transport::Tls)];
        let transport = named.into_iter().find_map(|(prefix, transport)| Some((text.strip_prefix(prefix)?, transport)));
        let (transport, rest) = transport.map_or((None, text), |(rest, transport)| (Some(transport), rest));
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| wrong())?))
            }
            Some(_) | None => (rest, None),
        };
        if !is_host(host) {
            return Err(wrong());
        }
        Ok(Self { transport, host: bracketed(host), port })
    }
}

/// A host name, an IPv4 address, or an IPv6 address with or without brackets.
pub(crate) fn is_host(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let is_name = || {
        let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
        (1..=255).contains(&text.len()) && text.bytes().all(letters)
    };
    bare.parse::<IpAddr>().is_ok() || is_name()
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is no address with port, write it as 0.0.0.0:5060 or [::]:5060"))
}

fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is no IP address"))
}

fn everywhere(port: u16) -> Vec<SocketAddr> {
    vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))]
}

fn seconds(reader: &mut Reader<'_>, key: &'static str, range: std::ops::RangeInclusive<u64>, default: u64) -> Duration {
    Duration::from_secs(reader.whole(key, range).unwrap_or(default))
}

fn count(reader: &mut Reader<'_>, key: &'static str, most: u64, default: usize) -> usize {
    reader.whole(key, 1..=most).map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

pub(super) fn sip(mut reader: Reader<'_>) -> SipConfig {
    let domain = |text: &str| {
        if is_host(text) {
            Ok(text.to_owned())
        } else {
            Err(format!("`{text}` is no domain, write it as pbx.example.com"))
        }
    };
    let expiry = ExpiryBounds {
        min: seconds(&mut reader, "expires_min_s", 1..=DAY_S, 60),
        max: seconds(&mut reader, "expires_max_s", 1..=DAY_S, 3_600),
        default: seconds(&mut reader, "expires_default_s", 1..=DAY_S, 3_600),
    };
    if !(expiry.min..=expiry.max).contains(&expiry.default) {
        let place = reader.place_of("expires_default_s");
        reader.problem(place, "`sip.expires_default_s` must lie between expires_min_s and expires_max_s".to_owned());
    }
    let config = SipConfig {
        udp: reader.list("udp", address).unwrap_or_else(|| everywhere(5060)),
        tcp: reader.list("tcp", address).unwrap_or_else(|| everywhere(5060)),
        tls: reader.list("tls", address).unwrap_or_else(|| everywhere(5061)),
        domain: reader
            .get("domain", |node| match &node.value {
                Value::Text(text) => domain(text),
                other => Err(format!("write a text in quotes, not {}", other.kind())),
            })
            .unwrap_or_else(|| DOMAIN.to_owned()),
        advertise: reader.list("advertise", str::parse).unwrap_or_default(),
        ring_timeout: seconds(&mut reader, "ring_timeout_s", 5..=RING_MAX_S, RING_MAX_S),
        session_timer: Policy::new(
            reader
                .whole("session_expires_s", SESSION_EXPIRES_S)
                .and_then(|seconds| u32::try_from(seconds).ok())
                .unwrap_or(SESSION_EXPIRES_DEFAULT_S),
        ),
        expiry,
    };
    reader.finish();
    config
}

/// RFC 4028 §5 and §4 for the least and the default.
const SESSION_EXPIRES_S: std::ops::RangeInclusive<u64> = MIN_SE_S as u64..=INTERVAL_MAX_S as u64;
const SESSION_EXPIRES_DEFAULT_S: u32 = 1_800;
const DAY_S: u64 = 86_400;
/// How long somebody may be parked, seconds.
const PARKED_S: std::ops::RangeInclusive<u64> = 10..=3_600;
/// CALL-10.
const RING_MAX_S: u64 = 60;
/// A realm that means the same wherever the server stands, so that passwords stay valid when it moves.
const DOMAIN: &str = "switchboard.local";

pub(super) fn listen(mut reader: Reader<'_>, port: u16) -> Listen {
    let listen = reader.list("listen", address).unwrap_or_else(|| everywhere(port));
    reader.finish();
    Listen { listen }
}

pub(super) fn tls(mut reader: Reader<'_>) -> TlsConfig {
    let own = tls_files(&mut reader, "tls");
    let host =
        |text: &str| if is_host(text) { Ok(text.to_ascii_lowercase()) } else { Err(format!("`{text}` is no host")) };
    let config = TlsConfig {
        own,
        hosts: reader.tables("host").into_iter().filter_map(tls_host).collect(),
        ca: reader.text("ca").map_or_else(|| PathBuf::from(TLS_CA), PathBuf::from),
        unverified_hosts: reader.list("unverified_hosts", host).unwrap_or_default(),
    };
    reader.finish();
    config
}

/// Where Debian keeps the authorities that are commonly believed.
const TLS_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// One of `[[tls.host]]`.
fn tls_host(mut reader: Reader<'_>) -> Option<(String, TlsFiles)> {
    let name = reader.text("name").filter(|name| is_host(name.strip_prefix("*.").unwrap_or(name)));
    let files = tls_files(&mut reader, "tls.host");
    if name.is_none() || files.is_none() {
        let place = reader.place().clone();
        let mend = "a `[[tls.host]]` needs name (pbx.example.com or *.example.com), certificate and private_key";
        reader.problem(place, mend.to_owned());
    }
    reader.finish();
    name.zip(files)
}

fn tls_files(reader: &mut Reader<'_>, section: &str) -> Option<TlsFiles> {
    match (reader.text("certificate"), reader.text("private_key")) {
        (Some(certificate), Some(private_key)) => {
            Some(TlsFiles { certificate: certificate.into(), private_key: private_key.into() })
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let place = reader.place().clone();
            reader.problem(place, format!("`{section}` needs both certificate and private_key, or neither"));
            None
        }
    }
}

pub(super) fn rtp(mut reader: Reader<'_>) -> RtpConfig {
    let config = RtpConfig {
        address: reader.list("address", ip).unwrap_or_else(|| vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)]),
        ports: reader.get("ports", ports).unwrap_or(RTP_PORTS),
        advertise: reader.list("advertise", ip).unwrap_or_default(),
        browsers: reader.list("browsers", address).unwrap_or_else(|| everywhere(10_000)),
        timeout: seconds(&mut reader, "timeout_s", 5..=3_600, 60),
        tones: reader.word("tones", &[("cn", TonePlan::Cn), ("us", TonePlan::Us)]).unwrap_or_default(),
        opus: opus(&mut reader),
    };
    reader.finish();
    config
}

fn opus(reader: &mut Reader<'_>) -> OpusSettings {
    let default = OpusSettings::DEFAULT;
    let bands = [("narrow", RecordRate::Narrow), ("wide", RecordRate::Wide), ("full", RecordRate::Full)];
    let complexity = reader.whole("opus_complexity", 0..=10).and_then(|n| u8::try_from(n).ok());
    let bits = reader.whole("opus_bitrate", 6_000..=510_000).and_then(|n| u32::try_from(n).ok());
    OpusSettings {
        rate: reader.word("opus_band", &bands).unwrap_or(default.rate),
        bits_per_second: bits.unwrap_or(default.bits_per_second),
        complexity: complexity.unwrap_or(default.complexity),
        short_frames: false,
    }
}

const RTP_PORTS: (u16, u16) = (20_000, 29_999);

fn ports(node: &Node) -> Result<(u16, u16), String> {
    let wrong = "write a range like \"20000-29999\", from 1024 up, with room for at least one call (8 ports)";
    let Value::Text(text) = &node.value else { return Err(wrong.to_owned()) };
    let (low, high) = text.split_once('-').ok_or(wrong)?;
    let (low, high): (u16, u16) = (low.trim().parse().map_err(|_| wrong)?, high.trim().parse().map_err(|_| wrong)?);
    if low >= 1024 && u32::from(high) >= u32::from(low) + 7 { Ok((low, high)) } else { Err(wrong.to_owned()) }
}

/// RFC 1918, RFC 4193, loopback and link-local.
pub(super) fn private_networks() -> Vec<Network> {
    let texts = [
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1",
        "fc00::/7",
        "fe80::/10",
    ];
    texts.iter().map(|text| network::parse(text).expect("written well above")).collect()
}

pub(super) fn ice(mut reader: Reader<'_>) -> Vec<String> {
    let uri = |text: &str| {
        let known = ["stun:", "stuns:", "turn:", "turns:"].iter().any(|scheme| text.starts_with(scheme));
        if known {
            Ok(text.to_owned())
        } else {
            Err(format!("`{text}` is no STUN or TURN URI, write it as stun:HOST:PORT"))
        }
    };
    let servers = reader.list("servers", uri).unwrap_or_default();
    reader.finish();
    servers
}

pub(super) fn dns(mut reader: Reader<'_>) -> DnsConfig {
    let server = |text: &str| {
        let with_port = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
        with_port.map_err(|_| format!("`{text}` is no DNS server, write it as 192.0.2.53 or 192.0.2.53:53"))
    };
    let config = DnsConfig {
        servers: reader.list("servers", server).unwrap_or_default(),
        refresh: seconds(&mut reader, "refresh_s", 1..=DAY_S, 60),
    };
    reader.finish();
    config
}

pub(super) fn lookup(mut reader: Reader<'_>) -> LookupConfig {
    let url = |known: &'static [&'static str]| {
        move |node: &Node| match &node.value {
            Value::Text(text) => hook_url(text, known),
            other => Err(format!("write a text in quotes, not {}", other.kind())),
        }
    };
    let config = LookupConfig {
        allow_private: reader.flag("allow_private").unwrap_or(false),
        hooks: HookConfig {
            caller_url: reader.get("caller_url", url(&["tenant", "call", "caller", "called"])),
            authorize_url: reader.get("authorize_url", url(&["tenant", "call", "extension", "agent", "number"])),
            resolve_url: reader.get("resolve_url", url(&["tenant", "by", "record"])),
            timeout: reader
                .whole("timeout_ms", 50..=3_000)
                .map_or(HookConfig::default().timeout, Duration::from_millis),
        },
    };
    reader.finish();
    config
}

pub(super) fn numbers(mut reader: Reader<'_>) -> Option<PathBuf> {
    let locations = reader.text("locations").filter(|file| !file.is_empty()).map(PathBuf::from);
    reader.finish();
    locations
}

pub(super) fn webhooks(mut reader: Reader<'_>) -> WebhookConfig {
    let nets = reader.list("allowed_nets", network::parse).unwrap_or_default();
    let reach = match (reader.flag("allow_private"), nets.is_empty()) {
        (Some(true), _) => Reach::Everywhere,
        (Some(false) | None, false) => Reach::Nets(nets),
        (Some(false) | None, true) => Reach::Public,
    };
    let config = WebhookConfig {
        reach,
        // Below the time in which the API answers a test.
        timeout: seconds(&mut reader, "timeout_s", 1..=25, 15),
        retry: RetryRules {
            first: seconds(&mut reader, "retry_first_s", 1..=3_600, 5),
            longest: seconds(&mut reader, "retry_longest_s", 1..=DAY_S, 3_600),
            span: seconds(&mut reader, "retry_span_s", 0..=30 * DAY_S, DAY_S),
            attempts: u32::try_from(reader.whole("attempts", 1..=1_000).unwrap_or(60)).unwrap_or(u32::MAX),
        },
        hold_days: reader.whole("hold_days", 0..=KEEP_DAYS_MAX).unwrap_or(30),
    };
    reader.finish();
    config
}

pub(super) fn smtp(mut reader: Reader<'_>) -> Option<SmtpConfig> {
    let ways = [("starttls", SmtpTls::StartTls), ("implicit", SmtpTls::Implicit), ("none", SmtpTls::Off)];
    let tls = reader.word("tls", &ways).unwrap_or(SmtpTls::StartTls);
    let usual = match tls {
        SmtpTls::StartTls => 587,
        SmtpTls::Implicit => 465,
        SmtpTls::Off => 25,
    };
    let port = reader.whole("port", 1..=65_535).and_then(|port| u16::try_from(port).ok()).unwrap_or(usual);
    let mut text = |key| reader.text(key).filter(|text| !text.is_empty());
    let (server, user, password) = (text("server"), text("user"), text("password"));
    let (password_file, from) = (text("password_file"), text("from"));
    let attach = reader.flag("attach").unwrap_or(false);
    let place = reader.place().clone();
    let has_secret = password.is_some() != password_file.is_some();
    let wrong = |message: &str| reader.problem(place.clone(), message.to_owned());
    if server.is_none() && (user.is_some() || from.is_some()) {
        wrong("`smtp` needs a server");
    }
    if server.is_some() && from.is_none() {
        wrong("`smtp` needs `from`, write it as from = \"Switchboard <pbx@example.com>\"");
    }
    if user.is_some() != has_secret {
        wrong("`smtp` needs a user and either password or password_file, or none of them");
    }
    if user.is_some() && tls == SmtpTls::Off {
        wrong(
            "`smtp`: a password is never sent in clear; set tls = \"starttls\" or \"implicit\", or take out the user",
        );
    }
    let from = from.map(|text| crate::mail::sender(&text)).transpose();
    let from = from.map_err(|error| reader.problem(reader.place_of("from"), format!("`smtp.from`: {error}")));
    reader.finish();
    Some(SmtpConfig {
        server: server?,
        port,
        tls,
        user,
        password: password.map(Hidden::new),
        password_file: password_file.map(PathBuf::from),
        from: from.ok()??,
        attach,
    })
}

/// An address with variables in it, none of them in the name of the server: what somebody dials never says who is asked.
fn hook_url(text: &str, known: &[&str]) -> Result<Template, String> {
    let template: Template = text.parse().map_err(|error: TemplateError| error.to_string())?;
    let unknown = template.variables().find(|name| !known.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(format!("there is no {{{name}}} here, only {{{}}}", known.join("}, {")));
    }
    let fixed = text.split('{').next().unwrap_or_default();
    let server = ["https://", "http://"].into_iter().find_map(|scheme| fixed.strip_prefix(scheme));
    match server.and_then(|rest| rest.split_once(['/', '?'])) {
        Some((host, _)) if !host.is_empty() => Ok(template),
        _ => Err(format!(
            "`{text}` is no address of a server, write it as https://crm.example/caller?number={{{}}}",
            known[2]
        )),
    }
}

pub(super) fn storage(mut reader: Reader<'_>, data_dir: &Path) -> StorageUrl {
    let url = reader.get("url", |node| match &node.value {
        Value::Text(text) => text.parse(),
        other => Err(format!("write a text in quotes, not {}", other.kind())),
    });
    reader.finish();
    url.unwrap_or_else(|| StorageUrl::Sqlite(data_dir.join("switchboard.db")))
}

impl FromStr for StorageUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => Ok(Self::Postgres(text.to_owned())),
            Some(_) | None => Err("write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()),
        }
    }
}

pub(super) fn log(mut reader: Reader<'_>) -> LogConfig {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let config = LogConfig {
        level: reader.text("level").unwrap_or_else(|| "info".to_owned()),
        format: reader.word("format", &formats).unwrap_or(LogFormat::Text),
    };
    reader.finish();
    config
}

pub(super) fn recording(mut reader: Reader<'_>, data_dir: &Path) -> RecordingConfig {
    let config = RecordingConfig {
        dir: reader.text("dir").map_or_else(|| data_dir.join("recordings"), PathBuf::from),
        free_disk_floor_bytes: reader.whole("free_disk_floor_mb", 0..=1 << 40).unwrap_or(512) << 20,
        internal: reader.flag("internal").unwrap_or(false),
        format: reader.word("format", &[("wav", AudioFormat::Wav), ("opus", AudioFormat::Opus)]).unwrap_or_default(),
        keep_days: reader.whole("keep_days", 0..=KEEP_DAYS_MAX).unwrap_or(180),
        encryption_keys: encryption_keys(&mut reader),
        encryption_key_file: reader.text("encryption_key_file").filter(|file| !file.is_empty()).map(PathBuf::from),
        s3: s3(reader.section("s3")),
    };
    reader.finish();
    config
}

/// A hundred years.
const KEEP_DAYS_MAX: u64 = 36_500;

fn encryption_keys(reader: &mut Reader<'_>) -> Option<SealKeys> {
    let keys = reader.list("encryption_keys", |text| Ok(text.to_owned())).filter(|keys| !keys.is_empty())?;
    let place = reader.place_of("encryption_keys");
    SealKeys::parse(&keys.join("\n"))
        .map_err(|error| reader.problem(place, format!("`recording.encryption_keys`: {error}")))
        .ok()
}

fn s3(mut reader: Reader<'_>) -> Option<S3Config> {
    let mut text = |key| reader.text(key).filter(|text| !text.is_empty());
    let (bucket, endpoint, region, prefix) = (text("bucket"), text("endpoint"), text("region"), text("prefix"));
    let (access_key_id, secret) = (text("access_key_id"), text("secret_access_key"));
    let secret_file = text("secret_access_key_file").map(PathBuf::from);
    let place = reader.place().clone();
    if let Some(endpoint) = &endpoint
        && !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme))
    {
        reader.problem(place.clone(), format!("`{endpoint}` is no address of an S3 service, write it as https://HOST"));
    }
    let has_secret = secret.is_some() != secret_file.is_some();
    let whole = bucket.is_some() && access_key_id.is_some() && has_secret;
    if !whole && (bucket.is_some() || access_key_id.is_some() || secret.is_some() || secret_file.is_some()) {
        let mend = "`recording.s3` needs bucket, access_key_id, and either secret_access_key or secret_access_key_file";
        reader.problem(place, mend.to_owned());
    }
    reader.finish();
    let bucket = S3Options {
        endpoint,
        bucket: bucket?,
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        prefix: prefix.unwrap_or_default(),
        access_key_id: access_key_id?,
        secret_access_key: secret.unwrap_or_default(),
    };
    Some(S3Config { bucket, secret_file })
}

pub(super) fn plugins(mut reader: Reader<'_>) -> Vec<String> {
    let off = reader.list("off", |name| Ok(name.to_owned())).unwrap_or_default();
    reader.finish();
    off
}

pub(super) fn journal(mut reader: Reader<'_>) -> u64 {
    let days = reader.whole("keep_days", 1..=36_500).unwrap_or(30);
    reader.finish();
    days
}

pub(super) fn retention(mut reader: Reader<'_>) -> RetentionConfig {
    let retention = RetentionConfig {
        logins_days: reader.whole("logins_days", 0..=KEEP_DAYS_MAX).unwrap_or(365),
        audit_days: reader.whole("audit_days", 0..=KEEP_DAYS_MAX).unwrap_or(0),
        agent_states_days: reader.whole("agent_states_days", 0..=KEEP_DAYS_MAX).unwrap_or(0),
    };
    reader.finish();
    retention
}

pub(super) fn tasks(mut reader: Reader<'_>) -> u64 {
    let days = reader.whole("keep_days", 1..=3_650).unwrap_or(7);
    reader.finish();
    days
}

pub(super) fn ladder(mut reader: Reader<'_>) -> CaptureOptions {
    let options = CaptureOptions {
        keep_days: reader.whole("keep_days", 0..=3_650).unwrap_or(7),
        bytes_max: reader.whole("max_mb", 1..=1 << 30).unwrap_or(2_048) << 20,
    };
    reader.finish();
    options
}

pub(super) fn wallboard(mut reader: Reader<'_>) -> Abnormal {
    let abnormal = Abnormal {
        max: seconds(&mut reader, "abnormal_max_s", 1..=DAY_S, 3_600),
        min: seconds(&mut reader, "abnormal_min_s", 0..=DAY_S, 0),
    };
    reader.finish();
    abnormal
}

pub(super) fn park(mut reader: Reader<'_>) -> Park {
    let usual = Park::default();
    let park = Park {
        number: reader.parsed("number").unwrap_or(usual.number),
        slots: reader.parsed("slots").unwrap_or(usual.slots),
        timeout: seconds(&mut reader, "timeout_s", PARKED_S, TIMEOUT_DEFAULT.as_secs()),
    };
    reader.finish();
    park
}

pub(super) fn limits(mut reader: Reader<'_>) -> Limits {
    let limits = Limits {
        calls: count(&mut reader, "calls", 100_000, 2_000),
        pending_transactions: count(&mut reader, "pending_transactions", 10_000_000, 16_384),
        finished_transactions: count(&mut reader, "finished_transactions", 10_000_000, 131_072),
        contacts_per_extension: count(&mut reader, "contacts_per_extension", 100, 10),
        auth_failures: u32::try_from(reader.whole("auth_failures", 1..=1_000_000).unwrap_or(20)).unwrap_or(u32::MAX),
        ban_window: seconds(&mut reader, "ban_window_s", 1..=DAY_S, 300),
        ban: seconds(&mut reader, "ban_s", 1..=30 * DAY_S, 600),
        watched_sources: count(&mut reader, "watched_sources", 10_000_000, 16_384),
    };
    reader.finish();
    limits
}

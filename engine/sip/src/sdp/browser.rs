//! What a browser's description says of its transport: ICE (RFC 8839), DTLS (RFC 8122, RFC 8842), and one port for everything
//! (RFC 5761, RFC 9143). We are ICE lite, so its candidates are passed over: it finds us.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{Attribute, Fingerprint, MediaDescription, Protocol, SessionDescription};

/// The names by which two ICE agents know each other's checks (RFC 8839 §5.4).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceCredentials {
    /// The user name fragment: 4 to 256 characters.
    pub ufrag: String,
    /// The password: 22 to 256 characters.
    pub pwd: String,
}

/// Passwords do not get into logs.
impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

impl IceCredentials {
    /// Credentials of these lengths and of `ice-char` alone; `None` for others.
    #[must_use]
    pub fn new(ufrag: &str, pwd: &str) -> Option<Self> {
        let is_ice = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        let fits = (4..=ICE_MAX).contains(&ufrag.len()) && (22..=ICE_MAX).contains(&pwd.len());
        (fits && is_ice(ufrag) && is_ice(pwd)).then(|| Self { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() })
    }
}

/// What was agreed with a browser about its transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserPeer {
    /// Its ICE credentials; others, with the same certificate, are an ICE restart.
    pub ice: IceCredentials,
    /// Its certificate; another one is a new DTLS association.
    pub fingerprint: Fingerprint,
}

/// Our end of a browser's audio.
#[derive(Clone, Copy, Debug)]
pub struct LocalBrowser<'a> {
    /// Our ICE credentials in this session.
    pub ice: &'a IceCredentials,
    /// Our certificate.
    pub fingerprint: Fingerprint,
    /// Where we are reached: host candidates, the default one first.
    pub candidates: &'a [SocketAddr],
    /// What an offer says of who begins the DTLS handshake; an answer of ours is always passive.
    pub setup: OfferedSetup,
}

/// Who may begin the DTLS handshake, as an offer of ours says it (RFC 4145 §4). We never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferedSetup {
    /// Either. RFC 5763 §5: the first offer says so; who answers chooses, and browsers choose to begin.
    ActPass,
    /// The far end, as it was agreed.
    Passive,
}

impl OfferedSetup {
    fn as_str(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Passive => PASSIVE,
        }
    }
}

/// What a description with audio over DTLS lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrowserFault {
    /// No ICE credentials, or malformed ones.
    #[error("audio over dtls needs ice-ufrag and ice-pwd")]
    Ice,
    /// No certificate named by SHA-256.
    #[error("audio over dtls needs a fingerprint by sha-256")]
    Fingerprint,
    /// RTP and RTCP on two ports.
    #[error("audio over dtls needs rtcp-mux")]
    NotMultiplexed,
    /// The far end waits for us to begin.
    #[error("audio over dtls is begun by the peer: it has to be setup:active or actpass")]
    NotActive,
}

/// Whether an m-line's keys are agreed by DTLS.
pub(super) fn is_dtls(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::UdpTlsRtpSavp | Protocol::UdpTlsRtpSavpf)
}

/// What the far end says of its transport. Attributes of the session hold for its m-lines (RFC 8839 §5.4, RFC 8122 §5).
pub(super) fn peer(remote: &SessionDescription, media: &MediaDescription) -> Result<BrowserPeer, BrowserFault> {
    let value = |name: &str| media.attribute(name).or_else(|| remote.attribute(name));
    let ice = value("ice-ufrag").zip(value("ice-pwd")).and_then(|(ufrag, pwd)| IceCredentials::new(ufrag, pwd));
    let ice = ice.ok_or(BrowserFault::Ice)?;
    let fingerprint = fingerprint(&media.attributes).or_else(|| fingerprint(&remote.attributes));
    let fingerprint = fingerprint.ok_or(BrowserFault::Fingerprint)?;
    if !media.rtcp_mux {
        return Err(BrowserFault::NotMultiplexed);
    }
    match value("setup") {
        Some(PASSIVE | "holdconn") => Err(BrowserFault::NotActive),
        Some(_) | None => Ok(BrowserPeer { ice, fingerprint }),
    }
}

fn fingerprint(attributes: &[Attribute]) -> Option<Fingerprint> {
    let mut lines = attributes.iter().filter(|line| line.name == FINGERPRINT).take(FINGERPRINTS_MAX);
    lines.find_map(|line| parse_fingerprint(line.value.as_deref()?))
}

/// The value of `a=fingerprint`; `None` for another hash, and where it is malformed.
fn parse_fingerprint(value: &str) -> Option<Fingerprint> {
    let (hash, hex) = value.trim().split_once(' ')?;
    let mut bytes = [0; 32];
    let mut pairs = hex.trim().split(':');
    for byte in &mut bytes {
        let pair =
            pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    (hash.eq_ignore_ascii_case(SHA_256) && pairs.next().is_none()).then_some(Fingerprint(bytes))
}

/// Makes a session description of ours that of a browser's peer: of its m-lines the one at `at` is the audio. `like` is what its
/// m-lines are like: the offer that it answers, or our description before; `None` for the first offer.
pub(super) fn complete(
    description: &mut SessionDescription,
    at: usize,
    local: &LocalBrowser<'_>,
    setup: OfferedSetup,
    like: Option<&SessionDescription>,
) {
    let mid = |at: usize| like.map_or(Some(FIRST_MID), |like| like.media.get(at)?.attribute(MID));
    for (index, media) in description.media.iter_mut().enumerate() {
        // RFC 5888 §9.1: an m-line keeps its name, refused or not.
        let named = mid(index).map(|mid| attribute(MID, mid));
        if index == at {
            media.rtcp_mux = true;
            media.rtcp = None;
            media.attributes = transport(local, setup);
        }
        media.attributes.splice(0..0, named);
    }
    description.attributes.push(Attribute { name: "ice-lite".to_owned(), value: None });
    description.attributes.push(attribute("ice-options", "ice2"));
    // RFC 9143 §7.3: who answers keeps what is refused out of the group.
    if let Some(mid) = mid(at).filter(|mid| like.is_none_or(|like| is_bundled(like, mid))) {
        description.attributes.push(attribute(GROUP, &format!("{BUNDLE} {mid}")));
    }
}

fn is_bundled(description: &SessionDescription, mid: &str) -> bool {
    let groups = description.attributes.iter().filter(|line| line.name == GROUP);
    groups.filter_map(|line| line.value.as_deref()).any(|value| {
        let mut words = value.split_ascii_whitespace();
        words.next() == Some(BUNDLE) && words.any(|word| word == mid)
    })
}

fn transport(local: &LocalBrowser<'_>, setup: OfferedSetup) -> Vec<Attribute> {
    let mut lines = vec![
        attribute("ice-ufrag", &local.ice.ufrag),
        attribute("ice-pwd", &local.ice.pwd),
        attribute(FINGERPRINT, &format!("{SHA_256} {}", local.fingerprint)),
        attribute("setup", setup.as_str()),
    ];
    let numbered = (1..).zip((0..=LOCAL_PREFERENCE_MAX).rev()).zip(local.candidates);
    lines.extend(numbered.map(|((foundation, preference), address)| {
        // RFC 8445 §5.1.2.1, with the type preference of a host candidate and component 1.
        let priority = (126 << 24) + (preference << 8) + 255;
        let (ip, port) = (address.ip().to_canonical(), address.port());
        attribute("candidate", &format!("{foundation} 1 udp {priority} {ip} {port} typ host"))
    }));
    lines.push(Attribute { name: "end-of-candidates".to_owned(), value: None });
    lines
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: name.to_owned(), value: Some(value.to_owned()) }
}

/// RFC 8839 §5.4: the most characters of a fragment or password.
const ICE_MAX: usize = 256;
/// The most certificates of one far end that are looked at.
const FINGERPRINTS_MAX: usize = 16;
const LOCAL_PREFERENCE_MAX: u32 = 65_535;
const SHA_256: &str = "sha-256";
const FINGERPRINT: &str = "fingerprint";
const PASSIVE: &str = "passive";
const MID: &str = "mid";
const GROUP: &str = "group";
const BUNDLE: &str = "BUNDLE";
/// The name of the one m-line of our first offer.
const FIRST_MID: &str = "0";

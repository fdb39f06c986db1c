//! Offer and answer for one audio stream (RFC 3264).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::browser::{self, BrowserFault, BrowserPeer, LocalBrowser, OfferedSetup};
use super::reoffer::numbered;
use super::sdes::CRYPTO;
use super::{
    Attribute, Codec, ConnectionAddress, Crypto, Direction, Encoding, MediaDescription, MediaKind, OpusLimits, Origin,
    PayloadType, Protocol, Rtcp, SessionDescription,
};
use crate::headers::Warning;

/// What our side of an audio stream looks like: what an offer or an answer says of it.
#[derive(Clone, Debug)]
pub struct LocalMedia<'a> {
    /// The session's number; the same for the life of a dialog.
    pub session_id: u64,
    /// The version of this description; see [`SessionDescription::follow`] for the next.
    pub version: u64,
    /// The address that we advertise.
    pub address: IpAddr,
    /// The RTP port.
    pub port: u16,
    /// The RTCP port; written as `a=rtcp` if it is not the one after `port`.
    pub rtcp_port: u16,
    /// Our codecs under our payload types, preferred first, key presses too. An answer takes those that were agreed.
    pub codecs: &'a [Codec],
    /// What we want. An answer takes away what the offer does not allow.
    pub direction: Direction,
    /// The packets that we ask for. An answer that asks for none says what the offer says.
    pub packets: PacketTimes,
    /// True if an offer asks for RTP and RTCP on one port (RFC 5761); an answer does what was agreed.
    pub rtcp_mux: bool,
    /// The keys that an offer names: with any, it is of `RTP/SAVP`. An answer names the one that was agreed.
    pub crypto: &'a [Crypto],
    /// Our end of a browser's audio: with it, an offer is of `UDP/TLS/RTP/SAVPF`.
    pub browser: Option<LocalBrowser<'a>>,
}

/// How long packets are to be, in milliseconds (RFC 8866 §6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketTimes {
    /// `a=ptime`: what is best.
    pub best_ms: Option<u16>,
    /// `a=maxptime`: what is the most.
    pub most_ms: Option<u16>,
}

/// Whose preference decides among the common codecs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecOrder {
    /// The offer's, as RFC 3264 §6.1 recommends.
    Theirs,
    /// Ours: the order of the policy's list.
    Ours,
}

/// What we would agree to.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The codecs allowed, preferred first, key presses too. Only their format counts, not their payload types.
    pub codecs: &'a [Codec],
    /// Whose order decides.
    pub order: CodecOrder,
    /// True if we take RTP and RTCP on one port where an offer asks for it (RFC 5761).
    pub rtcp_mux: bool,
    /// True if we take audio that is not encrypted.
    pub plain: bool,
    /// Our keys for audio that is (RFC 4568), one for each suite that we take; the tags are the offer's.
    pub crypto: &'a [Crypto],
    /// True if we take audio whose keys are agreed by DTLS, from a browser.
    pub dtls: bool,
}

/// SRTP keys that were agreed by offer and answer. Both have the same tag and suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegotiatedCrypto {
    /// What we encrypt with.
    pub local: Crypto,
    /// What the peer encrypts with.
    pub remote: Crypto,
}

/// A codec that both sides take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegotiatedCodec {
    /// The format, with the parameters (`fmtp`) that the peer gave and the payload type that we send with.
    pub remote: Codec,
    /// The payload type that the peer sends with: what our own description says.
    pub receive: PayloadType,
}

impl NegotiatedCodec {
    /// The payload type that we send with: what the peer's description says.
    #[must_use]
    pub fn send(&self) -> PayloadType {
        self.remote.payload_type
    }
}

/// What offer and answer agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    /// Which m-line it is, from 0.
    pub media_index: usize,
    /// The common codecs without key presses, preferred first; never empty.
    pub codecs: Vec<NegotiatedCodec>,
    /// Key presses, at most one for each clock.
    pub telephone_events: Vec<NegotiatedCodec>,
    /// What the peer allows, seen from us: a peer that says `sendonly` gives `RecvOnly`.
    pub direction: Direction,
    /// Where our RTP goes; `None` while the peer holds by the unspecified address or names a host.
    pub remote_rtp: Option<SocketAddr>,
    /// Where our RTCP goes.
    pub remote_rtcp: Option<SocketAddr>,
    /// True if RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// The packet time that the peer asks for in milliseconds.
    pub ptime_ms: Option<u16>,
    /// The longest packet that the peer takes, in milliseconds.
    pub max_ptime_ms: Option<u16>,
    /// The keys, where the audio is encrypted.
    #[serde(default)]
    pub crypto: Option<NegotiatedCrypto>,
    /// The far end's transport, where that is a browser: then no address of it is known, for it finds us.
    #[serde(default)]
    pub browser: Option<BrowserPeer>,
}

impl Negotiated {
    /// The codec that both prefer.
    #[must_use]
    pub fn codec(&self) -> &NegotiatedCodec {
        &self.codecs[0]
    }

    /// The packets that the peer asks for.
    #[must_use]
    pub fn packets(&self) -> PacketTimes {
        PacketTimes { best_ms: self.ptime_ms, most_ms: self.max_ptime_ms }
    }

    /// What the peer says of the Opus that it receives.
    #[must_use]
    pub fn opus(&self) -> OpusLimits {
        let mut opus = self.codecs.iter().map(|codec| &codec.remote).filter(|codec| codec.encoding == Encoding::Opus);
        opus.next().map(OpusLimits::of).unwrap_or_default()
    }

    /// Key presses at the clock of that codec (RFC 4733 §2.1), else at 8000, else any.
    #[must_use]
    pub fn telephone_event_for(&self, codec: &Codec) -> Option<&NegotiatedCodec> {
        let with_clock = |clock_hz| self.telephone_events.iter().find(move |event| event.remote.clock_hz == clock_hz);
        with_clock(codec.clock_hz).or_else(|| with_clock(8_000)).or_else(|| self.telephone_events.first())
    }
}

/// Why there is no session. An offer that fails is answered with 488 and this warning (RFC 3261 §13.3.1.3, §21.4.26); an
/// answer that fails ends the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NegotiationError {
    /// No m-line of audio over RTP that is not refused.
    #[error("the session description has no audio that we can take")]
    NoAudio,
    /// Audio, but no codec in common.
    #[error("no codec in common")]
    NoCommonCodec,
    /// Audio, but encrypted where we take only plain, plain where we take only encrypted, or with no key in common.
    #[error("no way to encrypt the audio in common")]
    NoCommonCrypto,
    /// Audio over DTLS that lacks something.
    #[error(transparent)]
    Browser(#[from] BrowserFault),
    /// The answer has not the m-lines of the offer (RFC 3264 §6).
    #[error("the answer does not have the m-lines of the offer")]
    AnswerDoesNotFit,
}

impl NegotiationError {
    /// The Warning that tells the peer (RFC 3261 §20.43): 304 media type, 305 media format, 399 anything else.
    #[must_use]
    pub fn warning(self, agent: &str) -> Warning {
        let (code, text) = match self {
            Self::NoAudio | Self::NoCommonCrypto | Self::AnswerDoesNotFit => {
                (304, "Media type not available".to_owned())
            }
            Self::NoCommonCodec => (305, "Incompatible media format".to_owned()),
            Self::Browser(fault) => (399, fault.to_string()),
        };
        Warning { code, agent: agent.to_owned(), text }
    }
}

/// An offer of one audio stream.
#[must_use]
pub fn offer(local: &LocalMedia<'_>) -> SessionDescription {
    let protocol = match (local.browser, local.crypto) {
        (Some(_), _) => Protocol::UdpTlsRtpSavpf,
        (None, []) => Protocol::RtpAvp,
        (None, _) => Protocol::RtpSavp,
    };
    let media = audio(local, protocol, numbered(&[], local.codecs), local.direction);
    let mut offer = session(local, vec![media]);
    if let Some(browser) = &local.browser {
        browser::complete(&mut offer, 0, browser, browser.setup, None);
    }
    offer
}

/// What we and an offer have in common.
///
/// # Errors
/// [`NegotiationError`] if there is no audio or no common codec: answer 488.
pub fn negotiate(offer: &SessionDescription, policy: &Policy<'_>) -> Result<Negotiated, NegotiationError> {
    let mut error = NegotiationError::NoAudio;
    for (index, media) in offer.media.iter().enumerate().filter(|(_, media)| is_audio(media)) {
        let security = match chosen(offer, media, policy) {
            Ok(security) => security,
            Err(refused) => {
                error = refused;
                continue;
            }
        };
        let common = |codec: &&Codec| policy.codecs.iter().any(|ours| ours.is_same_format(codec));
        // RFC 3264 §6.1: the answer uses the offer's payload types, so both directions have the same.
        let mut agreed: Vec<NegotiatedCodec> = media.codecs.iter().filter(common).map(same_number).collect();
        if policy.order == CodecOrder::Ours {
            agreed.sort_by_key(|codec| policy.codecs.iter().position(|ours| ours.is_same_format(&codec.remote)));
        }
        match agreed_media(offer, index, agreed, media.rtcp_mux && policy.rtcp_mux) {
            Some(negotiated) => return Ok(security.of(negotiated)),
            None => error = NegotiationError::NoCommonCodec,
        }
    }
    Err(error)
}

/// A codec of an offer as its answer has it.
fn same_number(codec: &Codec) -> NegotiatedCodec {
    NegotiatedCodec { remote: codec.clone(), receive: codec.payload_type }
}

/// The codecs of an offer's first audio that anybody could take, key presses last, whatever we want ourselves.
///
/// # Errors
/// [`NegotiationError`] if there is no audio, none but key presses, or none that can be decrypted: answer 488.
pub fn offered(offer: &SessionDescription) -> Result<Vec<Codec>, NegotiationError> {
    let mut error = NegotiationError::NoAudio;
    for (index, media) in offer.media.iter().enumerate().filter(|(_, media)| is_audio(media)) {
        if is_secured(&media.protocol) && media.crypto().next().is_none() {
            error = NegotiationError::NoCommonCrypto;
            continue;
        }
        if let (true, Err(fault)) = (browser::is_dtls(&media.protocol), browser::peer(offer, media)) {
            error = fault.into();
            continue;
        }
        let all = media.codecs.iter().map(same_number).collect();
        if let Some(agreed) = agreed_media(offer, index, all, false) {
            let both = agreed.codecs.into_iter().chain(agreed.telephone_events);
            return Ok(both.map(|codec| codec.remote).collect());
        }
        error = NegotiationError::NoCommonCodec;
    }
    Err(error)
}

/// The packets that a description's first audio asks for.
#[must_use]
pub fn offered_times(offer: &SessionDescription) -> PacketTimes {
    let audio = offer.media.iter().find(|media| is_audio(media));
    audio
        .map_or_else(PacketTimes::default, |media| PacketTimes { best_ms: media.ptime_ms, most_ms: media.max_ptime_ms })
}

/// Whether an offer has audio that is encrypted by keys in it.
#[must_use]
pub fn offers_crypto(offer: &SessionDescription) -> bool {
    let mut audio = offer.media.iter().filter(|media| is_audio(media) && is_secured(&media.protocol));
    audio.any(|media| media.crypto().next().is_some())
}

/// Whether an offer has audio as browsers offer it, whose keys are agreed by DTLS.
#[must_use]
pub fn offers_dtls(offer: &SessionDescription) -> bool {
    offer.media.iter().any(|media| is_audio(media) && browser::is_dtls(&media.protocol))
}

/// The answer to an offer: as many m-lines in the same order, all but the agreed one refused with port 0 (RFC 3264 §6).
#[must_use]
pub fn answer(offer: &SessionDescription, agreed: &Negotiated, local: &LocalMedia<'_>) -> SessionDescription {
    let ours = |codec: &NegotiatedCodec| {
        let own = local.codecs.iter().find(|own| own.is_same_format(&codec.remote));
        Codec { payload_type: codec.receive, fmtp: own.and_then(|own| own.fmtp.clone()), ..codec.remote.clone() }
    };
    let media = offer.media.iter().enumerate().map(|(index, offered)| {
        if index != agreed.media_index {
            return refused(offered);
        }
        let codecs = agreed.codecs.iter().chain(&agreed.telephone_events).map(ours).collect();
        let mut media = audio(local, offered.protocol.clone(), codecs, local.direction.and(agreed.direction));
        media.attributes = agreed.crypto.iter().map(|crypto| line(&crypto.local)).collect();
        media.ptime_ms = local.packets.best_ms.or(agreed.ptime_ms);
        media.rtcp_mux = agreed.rtcp_mux;
        media
    });
    let media = media.collect();
    let mut answer = session(local, media);
    if let (Some(browser), Some(_)) = (&local.browser, &agreed.browser) {
        browser::complete(&mut answer, agreed.media_index, browser, OfferedSetup::Passive, Some(offer));
    }
    answer
}

/// What our offer and its answer agree on.
///
/// # Errors
/// [`NegotiationError`] if the answer refuses the audio, has nothing in common with the offer, or does not fit it.
pub fn accept_answer(offer: &SessionDescription, answer: &SessionDescription) -> Result<Negotiated, NegotiationError> {
    if offer.media.len() != answer.media.len() {
        return Err(NegotiationError::AnswerDoesNotFit);
    }
    let mut error = NegotiationError::NoAudio;
    for (index, (offered, answered)) in offer.media.iter().zip(&answer.media).enumerate() {
        if offered.kind != answered.kind {
            return Err(NegotiationError::AnswerDoesNotFit);
        }
        if !is_audio(offered) || !is_audio(answered) {
            continue;
        }
        let security = match taken(offered, answered, answer) {
            Ok(security) => security,
            Err(refused) => {
                error = refused;
                continue;
            }
        };
        let with_ours = answered.codecs.iter().filter_map(|codec| {
            let ours = offered.codecs.iter().find(|ours| ours.is_same_format(codec))?;
            Some(NegotiatedCodec { remote: codec.clone(), receive: ours.payload_type })
        });
        match agreed_media(answer, index, with_ours.collect(), offered.rtcp_mux && answered.rtcp_mux) {
            Some(negotiated) => {
                let mut negotiated = security.of(negotiated);
                negotiated.direction = negotiated.direction.and(offer.direction_of(offered));
                return Ok(negotiated);
            }
            None => error = NegotiationError::NoCommonCodec,
        }
    }
    Err(error)
}

fn is_audio(media: &MediaDescription) -> bool {
    media.kind == MediaKind::Audio && media.port != 0 && media.protocol.is_rtp()
}

/// How the audio of an m-line is kept from others.
enum Security {
    /// It is not.
    Plain,
    /// By keys in the descriptions.
    Keys(NegotiatedCrypto),
    /// By keys agreed over DTLS.
    Dtls(BrowserPeer),
}

impl Security {
    fn of(self, agreed: Negotiated) -> Negotiated {
        match self {
            Self::Plain => agreed,
            Self::Keys(crypto) => Negotiated { crypto: Some(crypto), ..agreed },
            Self::Dtls(peer) => {
                Negotiated { browser: Some(peer), rtcp_mux: true, remote_rtp: None, remote_rtcp: None, ..agreed }
            }
        }
    }
}

/// Whether keys stand in the description.
fn is_secured(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::RtpSavp | Protocol::RtpSavpf)
}

/// How the audio of an offered m-line is to be encrypted, if at all: by DTLS, or by the first of its keys that is for a suite of
/// ours.
fn chosen(
    offer: &SessionDescription,
    media: &MediaDescription,
    policy: &Policy<'_>,
) -> Result<Security, NegotiationError> {
    if browser::is_dtls(&media.protocol) {
        return if policy.dtls { dtls(offer, media) } else { Err(NegotiationError::NoCommonCrypto) };
    }
    if !is_secured(&media.protocol) {
        return if policy.plain { Ok(Security::Plain) } else { Err(NegotiationError::NoCommonCrypto) };
    }
    let both = media.crypto().find_map(|remote| {
        let ours = policy.crypto.iter().find(|ours| ours.suite == remote.suite)?;
        Some(NegotiatedCrypto { local: Crypto { tag: remote.tag, ..ours.clone() }, remote })
    });
    both.map(Security::Keys).ok_or(NegotiationError::NoCommonCrypto)
}

/// How the audio of an m-line that we offered is encrypted, if at all. RFC 3264 §6.1: an answer has the transport of the offer.
fn taken(
    offered: &MediaDescription,
    answered: &MediaDescription,
    answer: &SessionDescription,
) -> Result<Security, NegotiationError> {
    match (browser::is_dtls(&offered.protocol), browser::is_dtls(&answered.protocol)) {
        (true, true) => return dtls(answer, answered),
        (true, false) | (false, true) => return Err(NegotiationError::NoCommonCrypto),
        (false, false) => {}
    }
    match (is_secured(&offered.protocol), is_secured(&answered.protocol)) {
        (false, false) => Ok(Security::Plain),
        (true, true) => {
            let both = offered.crypto().find_map(|local| {
                let remote = answered.crypto().find(|line| (line.tag, line.suite) == (local.tag, local.suite))?;
                Some(NegotiatedCrypto { local, remote })
            });
            both.map(Security::Keys).ok_or(NegotiationError::NoCommonCrypto)
        }
        (true, false) | (false, true) => Err(NegotiationError::NoCommonCrypto),
    }
}

fn dtls(remote: &SessionDescription, media: &MediaDescription) -> Result<Security, NegotiationError> {
    Ok(Security::Dtls(browser::peer(remote, media)?))
}

fn line(crypto: &Crypto) -> Attribute {
    Attribute { name: CRYPTO.to_owned(), value: Some(crypto.value()) }
}

/// The agreement on one m-line; `None` without a codec other than key presses and comfort noise.
fn agreed_media(
    remote: &SessionDescription,
    index: usize,
    agreed: Vec<NegotiatedCodec>,
    rtcp_mux: bool,
) -> Option<Negotiated> {
    let media = &remote.media[index];
    let (events, codecs): (Vec<_>, Vec<_>) = agreed
        .into_iter()
        .filter(|codec| !codec.remote.is_auxiliary())
        .partition(|codec| codec.remote.is_telephone_event());
    if codecs.is_empty() {
        return None;
    }
    let telephone_events = matching_events(events, &codecs);
    Some(Negotiated {
        media_index: index,
        codecs,
        telephone_events,
        direction: remote.direction_of(media).reversed(),
        remote_rtp: remote.rtp_address(media),
        remote_rtcp: if rtcp_mux { remote.rtp_address(media) } else { remote.own_rtcp_address(media) },
        rtcp_mux,
        ptime_ms: media.ptime_ms,
        max_ptime_ms: media.max_ptime_ms,
        crypto: None,
        browser: None,
    })
}

/// RFC 4733 §2.1: key presses go at the clock of the audio they go with, one payload type for each clock. Phones that offer
/// none at the clock of their audio mean the one that they do offer.
fn matching_events(events: Vec<NegotiatedCodec>, codecs: &[NegotiatedCodec]) -> Vec<NegotiatedCodec> {
    let fallback = events.first().cloned();
    let mut matching: Vec<NegotiatedCodec> = Vec::new();
    for event in events {
        let clock_hz = event.remote.clock_hz;
        let wanted = codecs.iter().any(|codec| codec.remote.clock_hz == clock_hz);
        let doubled = matching.iter().any(|earlier| earlier.remote.clock_hz == clock_hz);
        if wanted && !doubled {
            matching.push(event);
        }
    }
    if matching.is_empty() {
        matching.extend(fallback);
    }
    matching
}

pub(super) fn session(local: &LocalMedia<'_>, media: Vec<MediaDescription>) -> SessionDescription {
    let address = ConnectionAddress::Ip(local.address);
    SessionDescription {
        origin: Origin {
            username: "-".to_owned(),
            session_id: local.session_id.to_string(),
            version: local.version,
            address: address.clone(),
        },
        name: "-".to_owned(),
        connection: Some(address),
        direction: None,
        attributes: Vec::new(),
        media,
    }
}

pub(super) fn audio(
    local: &LocalMedia<'_>,
    protocol: Protocol,
    codecs: Vec<Codec>,
    direction: Direction,
) -> MediaDescription {
    let next_port = local.port.checked_add(1);
    MediaDescription {
        kind: MediaKind::Audio,
        port: local.port,
        protocol,
        formats: codecs.iter().map(|codec| codec.payload_type.to_string()).collect(),
        codecs,
        connection: None,
        ptime_ms: local.packets.best_ms,
        max_ptime_ms: local.packets.most_ms,
        direction: Some(direction),
        rtcp: (next_port != Some(local.rtcp_port)).then_some(Rtcp { port: local.rtcp_port, address: None }),
        rtcp_mux: local.rtcp_mux,
        attributes: local.crypto.iter().map(line).collect(),
    }
}

/// RFC 3264 §6: port 0, and the formats as offered, since an m-line must have one.
pub(super) fn refused(offered: &MediaDescription) -> MediaDescription {
    MediaDescription {
        kind: offered.kind.clone(),
        port: 0,
        protocol: offered.protocol.clone(),
        formats: offered.formats.clone(),
        codecs: Vec::new(),
        connection: None,
        ptime_ms: None,
        max_ptime_ms: None,
        direction: None,
        rtcp: None,
        rtcp_mux: false,
        attributes: Vec::new(),
    }
}

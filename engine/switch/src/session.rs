//! The media session of a leg: its endpoint, what we described to the far end, and what was agreed (RFC 3264).

mod place;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hooks::id::TenantId;
use sip::flow::Flow;
use sip::headers::{HeaderName, Headers};
use sip::sdp::{
    self, Codec, CodecOrder, Crypto, Direction, Encoding, LocalMedia, Negotiated, NegotiatedCodec, NegotiatedCrypto,
    NegotiationError, OfferedSetup, PacketTimes, PayloadType, Policy, SessionDescription,
};

use crate::checkpoint::SessionCheckpoint;
use crate::config::Srtp;
use crate::desk::{Desk, LegRef};
use crate::media::{
    AgreedCodec, Agreement, Decibels, Detect, EndpointId, Flows, MediaCommand, Source, SourceRule, SrtpKeys,
};
use crate::nat;
use crate::ports::Lease;

pub(crate) use place::Carriage;
use place::{Place, Shared};

/// A leg's endpoint and what is agreed about it.
#[derive(Debug)]
pub(crate) struct Session {
    tenant: TenantId,
    endpoint: EndpointId,
    place: Place,
    session_id: u64,
    srtp: Srtp,
    /// Our keys, one for each suite; the same for the life of the session.
    keys: Vec<Crypto>,
    /// What we described last; the next description follows it.
    described: Option<Box<SessionDescription>>,
    /// An offer in a session that is there: it takes the place of `described` when it is answered.
    offered: Option<Box<SessionDescription>>,
    /// The version of the last description that was sent, one that was refused included.
    version: u64,
    agreed: Option<Box<Negotiated>>,
    /// The packets that the other side of the call asks for: what this one is to send.
    asked: PacketTimes,
    hears: Vec<Source>,
    /// How loud it was told to hear those of them that it does not hear as they come.
    gains: BTreeMap<Source, Decibels>,
    listened: Detect,
    /// The far end presses keys by INFO, or says that it takes them so.
    keys_by_info: bool,
    /// The last key that came as media, and when.
    last_key: Option<(char, Duration)>,
}

/// How a far end presses keys, and hears them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// By telephone events (RFC 4733).
    Events,
    /// By INFO.
    Info,
    /// As sounds.
    Sound,
}

impl Session {
    /// A new endpoint for a leg of a tenant on this flow, whose audio travels so. `None` when every port is in use.
    pub(crate) fn open(
        desk: &mut Desk,
        tenant: &TenantId,
        leg: LegRef,
        flow: &Flow,
        carriage: Carriage,
    ) -> Option<Self> {
        let (endpoint, place, srtp) = match (carriage, desk.node.browsers.clone()) {
            (Carriage::Browser, Some(browsers)) => {
                let endpoint = desk.ports.share(leg);
                let shared = Shared::open(desk, endpoint, browsers);
                (endpoint, Place::Shared(Box::new(shared)), Srtp::Optional)
            }
            (Carriage::Browser, None) => return None,
            (Carriage::Rtp(srtp), _) => {
                let Some(lease) = desk.ports.lease(leg) else {
                    desk.metrics.refused_ports_exhausted += 1;
                    return None;
                };
                (lease.endpoint, ports(desk, flow, lease), srtp)
            }
        };
        Some(Self {
            tenant: tenant.clone(),
            endpoint,
            place,
            // RFC 8866 §5.2: a number that is unique with the address; 62 bits are read by every peer.
            session_id: desk.random.next_u64() >> 2,
            srtp,
            // Drawn when they are needed: few calls do.
            keys: if srtp == Srtp::Required { Crypto::offered(&mut desk.random) } else { Vec::new() },
            described: None,
            offered: None,
            version: FIRST_VERSION,
            agreed: None,
            asked: PacketTimes::default(),
            hears: Vec::new(),
            gains: BTreeMap::new(),
            listened: Detect::Off,
            keys_by_info: false,
            last_key: None,
        })
    }

    pub(crate) fn endpoint(&self) -> EndpointId {
        self.endpoint
    }

    /// Whether something was agreed, so that media may flow.
    pub(crate) fn is_agreed(&self) -> bool {
        self.agreed.is_some()
    }

    /// Whether our address and port are known to the far end.
    pub(crate) fn is_described(&self) -> bool {
        self.described.is_some()
    }

    /// The far end takes no media: it put us on hold (RFC 3264 §8.4).
    pub(crate) fn is_held_by_peer(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| !agreed.direction.sends())
    }

    /// The codec agreed on, by its SDP name.
    pub(crate) fn codec_name(&self) -> Option<&str> {
        self.agreed.as_ref().map(|agreed| agreed.codec().remote.encoding.as_str())
    }

    /// Takes another port in place of one that could not be bound, while the far end does not know it yet.
    pub(crate) fn move_to_other_port(&mut self, desk: &mut Desk, leg: LegRef) -> bool {
        let Place::Ports { port, bind, .. } = &mut self.place else { return false };
        let Some(lease) = desk.ports.lease(leg) else { return false };
        (self.endpoint, *port) = (lease.endpoint, lease.port);
        desk.media(MediaCommand::Open { endpoint: lease.endpoint, bind: *bind, port: lease.port });
        true
    }

    /// What the other side of the call asks for is asked of this one, in the descriptions that follow.
    pub(crate) fn ask_for(&mut self, packets: PacketTimes) {
        self.asked = packets;
    }

    /// The packets that the far end asks for; nothing while nothing is agreed.
    pub(crate) fn packets(&self) -> PacketTimes {
        self.agreed.as_ref().map(|agreed| agreed.packets()).unwrap_or_default()
    }

    /// An offer of these codecs.
    pub(crate) fn offer(&mut self, codecs: &[Codec]) -> Bytes {
        let offer = self.build_offer(codecs);
        self.describe(offer)
    }

    /// An offer of these codecs in a session that is there. What was described before holds until it is answered.
    pub(crate) fn reoffer(&mut self, desk: &mut Desk, codecs: &[Codec]) -> Bytes {
        if let Some(shared) = self.place.shared_mut() {
            shared.offering(desk);
        }
        let mut offer = self.build_offer(codecs);
        self.number(&mut offer);
        let bytes = offer.to_bytes().into();
        self.offered = Some(Box::new(offer));
        bytes
    }

    /// The next offer in the session restarts ICE, if the far end is a browser.
    pub(crate) fn want_restart(&mut self) {
        if let Some(shared) = self.place.shared_mut() {
            shared.want_restart();
        }
    }

    /// Whether the far end is a browser.
    pub(crate) fn is_browser(&self) -> bool {
        self.place.shared().is_some()
    }

    /// The offer that changes nothing, its version included (RFC 4028 §7.4); `None` where nothing was described yet.
    pub(crate) fn offer_unchanged(&mut self) -> Option<Bytes> {
        self.offered.clone_from(&self.described);
        self.description()
    }

    /// The offer in a session that is there was refused, or could not be sent: what was described before holds.
    pub(crate) fn withdraw(&mut self, desk: &mut Desk) {
        self.offered = None;
        if let Some(shared) = self.place.shared_mut() {
            shared.withdrawn(desk);
        }
    }

    fn build_offer(&self, codecs: &[Codec]) -> SessionDescription {
        let widened = self.is_browser().then(|| for_browser(codecs));
        let local = self.local(widened.as_deref().unwrap_or(codecs));
        match &self.described {
            Some(previous) => sdp::reoffer(previous, &local),
            None => sdp::offer(&local),
        }
    }

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// [`NegotiationError`]; what was agreed before still holds.
    pub(crate) fn take_answer(&mut self, desk: &mut Desk, answer: &SessionDescription) -> Result<(), NegotiationError> {
        let offered = self.offered.take();
        let offer = offered.as_ref().or(self.described.as_ref()).ok_or(NegotiationError::AnswerDoesNotFit)?;
        let agreed = sdp::accept_answer(offer, answer)?;
        self.described = offered.or_else(|| self.described.take());
        if let Some(shared) = self.place.shared_mut() {
            shared.answered();
        }
        self.agree(desk, agreed);
        Ok(())
    }

    /// Answers an offer with the first list of codecs that has one in common with it.
    ///
    /// # Errors
    /// [`NegotiationError`]; what was agreed before still holds.
    pub(crate) fn answer(
        &mut self,
        desk: &mut Desk,
        offer: &SessionDescription,
        choices: &[Vec<Codec>],
    ) -> Result<Bytes, NegotiationError> {
        if self.keys.is_empty() && sdp::offers_crypto(offer) {
            self.keys = Crypto::offered(&mut desk.random);
        }
        // A leg keeps to the transport that it began with (RFC 3264 §8.3.1 would let it change; the endpoint cannot).
        let dtls = self.is_browser();
        let plain = self.srtp == Srtp::Optional && !dtls;
        let mut error = NegotiationError::NoCommonCodec;
        for codecs in choices {
            let policy = Policy { codecs, order: CodecOrder::Ours, rtcp_mux: false, plain, crypto: &self.keys, dtls };
            match sdp::negotiate(offer, &policy) {
                Ok(agreed) => {
                    let before = self.agreed.as_ref().and_then(|before| before.browser.as_ref());
                    if let Some(shared) = self.place.shared_mut() {
                        shared.offered(desk, before, agreed.browser.as_ref());
                    }
                    let answer = sdp::answer(offer, &agreed, &self.local(codecs));
                    self.agree(desk, agreed);
                    return Ok(self.describe(answer));
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// What we described last, once more.
    pub(crate) fn description(&self) -> Option<Bytes> {
        self.described.as_ref().map(|described| described.to_bytes().into())
    }

    /// Says whom the endpoint hears from now on, if that is news.
    pub(crate) fn hear(&mut self, desk: &mut Desk, sources: Vec<Source>) {
        if self.hears != sources {
            self.gains.retain(|source, _| sources.contains(source));
            self.hears.clone_from(&sources);
            desk.media(MediaCommand::Hear { endpoint: self.endpoint, tenant: self.tenant.clone(), sources });
        }
    }

    /// Says how loud it hears one of its sources, if that is news.
    pub(crate) fn hear_as_loud(&mut self, desk: &mut Desk, source: Source, gain: Decibels) {
        let before = self.gains.get(&source).copied().unwrap_or_default();
        if before != gain && self.hears.contains(&source) {
            self.gains.insert(source, gain);
            desk.media(MediaCommand::SetGain { endpoint: self.endpoint, source, gain });
        }
    }

    /// How the far end presses keys, and hears them.
    pub(crate) fn keys(&self) -> Keys {
        let events = self.agreed.as_ref().is_some_and(|agreed| !agreed.telephone_events.is_empty());
        match (events, self.keys_by_info) {
            (true, _) => Keys::Events,
            (false, true) => Keys::Info,
            (false, false) => Keys::Sound,
        }
    }

    /// The far end takes keys by INFO; whether that is news.
    pub(crate) fn takes_info(&mut self) -> bool {
        !std::mem::replace(&mut self.keys_by_info, true)
    }

    /// The same, if its INVITE or its answer says so.
    pub(crate) fn learn_accepted(&mut self, headers: &Headers) {
        self.keys_by_info |=
            headers.get_text(&HeaderName::Accept).is_some_and(|accepted| accepted.contains("application/dtmf"));
    }

    /// Notes a key that came as media.
    pub(crate) fn heard_key(&mut self, key: char, now: Duration) {
        self.last_key = Some((key, now));
    }

    /// Whether the same key came as media just now: some phones say each twice.
    pub(crate) fn has_just_heard(&self, key: char, now: Duration) -> bool {
        self.last_key.is_some_and(|(last, at)| last == key && now.saturating_sub(at) < SAID_TWICE)
    }

    /// Whether keys are listened for in its sound, should it have none but those.
    pub(crate) fn listen(&mut self, desk: &mut Desk, detect: Detect) {
        if std::mem::replace(&mut self.listened, detect) != detect {
            desk.media(MediaCommand::DetectKeys { endpoint: self.endpoint, detect });
        }
    }

    /// The codecs to offer to the other side of the call: those agreed here, and G.711, which we can make of them.
    pub(crate) fn agreed_codecs(&self) -> Option<Vec<Codec>> {
        let agreed = self.agreed.as_ref()?;
        Some(with_g711(agreed.codecs.iter().chain(&agreed.telephone_events).map(|codec| codec.remote.clone())))
    }

    /// What may be agreed on the other side of the call, best first: the codecs agreed here, so that packets pass as they
    /// are; else one that is made of them, the cheapest first.
    pub(crate) fn choices(&self) -> Vec<Vec<Codec>> {
        let Some(agreed) = self.agreed.as_ref() else { return vec![g711()] };
        let events: Vec<Codec> = agreed
            .telephone_events
            .first()
            .map(|_| [8_000, 48_000].map(|clock_hz| Codec::telephone_event(EVENTS, clock_hz)).to_vec())
            .unwrap_or_default();
        let direct: Vec<Codec> = agreed.codecs.iter().map(|codec| codec.remote.clone()).collect();
        let mut choices = vec![[direct.clone(), events.clone()].concat()];
        if direct.iter().any(is_transcoded) {
            choices.push([transcoded(), events].concat());
        }
        choices
    }

    /// Whether what two far ends send can be heard by the other: a codec in common, or on both sides one that is transcoded.
    pub(crate) fn fit(one: &Self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (&one.agreed, &other.agreed) else { return true };
        let same = |a: &Codec, b: &Codec| a.encoding == b.encoding && a.clock_hz == b.clock_hz;
        let can = |agreed: &Negotiated| agreed.codecs.iter().any(|codec| is_transcoded(&codec.remote));
        one.codecs.iter().any(|a| other.codecs.iter().any(|b| same(&a.remote, &b.remote))) || can(one) && can(other)
    }

    /// The session of a leg of a killed process: on the same port where that is free, with what was agreed in force. `None`
    /// when every port is in use, or what was described cannot be read.
    pub(crate) fn restored(
        desk: &mut Desk,
        tenant: &TenantId,
        leg: LegRef,
        flow: &Flow,
        kept: &SessionCheckpoint,
    ) -> Option<Self> {
        let described = SessionDescription::parse(kept.described.as_bytes()).ok()?;
        let lease = desk.ports.lease_again(kept.port, leg)?;
        // Its keys, too: the endpoint is a new stream with an SSRC of its own, so no key stream is used twice (RFC 3711 §9.1),
        // and phones that take no new key in a session go on (seen: baresip 1.0).
        let agreed = kept.agreed.clone();
        let mut session = Self {
            tenant: tenant.clone(),
            endpoint: lease.endpoint,
            place: ports(desk, flow, lease),
            session_id: kept.session_id,
            version: described.origin.version.max(kept.version),
            srtp: if agreed.crypto.is_some() { Srtp::Required } else { Srtp::Optional },
            keys: agreed.crypto.iter().map(|crypto| crypto.local.clone()).collect(),
            asked: sdp::offered_times(&described),
            described: Some(Box::new(described)),
            offered: None,
            agreed: None,
            hears: Vec::new(),
            gains: BTreeMap::new(),
            listened: Detect::Off,
            keys_by_info: false,
            last_key: None,
        };
        session.agree(desk, agreed);
        Some(session)
    }

    /// Closes the endpoint of a session that no leg got.
    pub(crate) fn abandon(self, desk: &mut Desk) {
        desk.media(MediaCommand::Close(self.endpoint));
    }

    /// What must survive of it; `None` while nothing is agreed, and with a browser: its keys are in the media's memory alone.
    pub(crate) fn checkpoint(&self) -> Option<SessionCheckpoint> {
        let (described, agreed) = (self.described.as_ref()?, self.agreed.as_ref()?);
        let Place::Ports { port, .. } = &self.place else { return None };
        Some(SessionCheckpoint {
            port: *port,
            session_id: self.session_id,
            version: self.version,
            described: String::from_utf8_lossy(&described.to_bytes()).into_owned(),
            agreed: Negotiated::clone(agreed),
        })
    }

    fn local<'a>(&'a self, codecs: &'a [Codec]) -> LocalMedia<'a> {
        // RFC 5763 §5: the first offer lets the answer choose who begins; later it is as it was.
        let setup = if self.is_agreed() { OfferedSetup::Passive } else { OfferedSetup::ActPass };
        let (address, port, rtcp_port, browser) = match &self.place {
            Place::Ports { port, shown, .. } => (*shown, *port, *port + 1, None),
            Place::Shared(shared) => {
                let at = shared.default_candidate();
                (at.ip(), at.port(), at.port(), Some(shared.local(setup)))
            }
        };
        LocalMedia {
            session_id: self.session_id,
            version: FIRST_VERSION,
            address,
            port,
            rtcp_port,
            codecs,
            direction: Direction::SendRecv,
            packets: self.asked,
            rtcp_mux: browser.is_some(),
            crypto: self.offered_keys(),
            browser,
        }
    }

    /// The keys that an offer of ours names: all while nothing is agreed, then the one that is.
    fn offered_keys(&self) -> &[Crypto] {
        match &self.agreed {
            Some(agreed) => agreed.crypto.as_ref().map_or(&[], |crypto| std::slice::from_ref(&crypto.local)),
            None if self.srtp == Srtp::Required => &self.keys,
            None => &[],
        }
    }

    /// RFC 3264 §8: the same version if nothing changed, else one more than the last that was sent.
    fn number(&mut self, description: &mut SessionDescription) {
        if let Some(previous) = &self.described {
            description.follow(previous);
            if description.origin.version != previous.origin.version {
                self.version += 1;
                description.origin.version = self.version;
            }
        }
    }

    fn describe(&mut self, mut description: SessionDescription) -> Bytes {
        self.number(&mut description);
        let bytes = description.to_bytes().into();
        self.described = Some(Box::new(description));
        bytes
    }

    fn agree(&mut self, desk: &mut Desk, agreed: Negotiated) {
        if self.agreed.as_deref() == Some(&agreed) {
            return;
        }
        let agreement = Agreement {
            remote_rtp: agreed.remote_rtp,
            remote_rtcp: agreed.remote_rtcp,
            source: match &self.place {
                Place::Ports { source, .. } => *source,
                Place::Shared(_) => SourceRule::AsAgreed,
            },
            codecs: agreed.codecs.iter().map(agreed_codec).collect(),
            telephone_events: agreed.telephone_events.iter().map(agreed_codec).collect(),
            ptime_ms: packet_ms(agreed.packets()),
            ptime_ms_max: agreed.max_ptime_ms,
            opus: agreed.opus(),
            flows: Flows { send: agreed.direction.sends(), receive: agreed.direction.receives() },
            srtp: agreed.crypto.as_ref().map(srtp_keys),
            browser: agreed.browser.clone().map(Box::new),
        };
        desk.media(MediaCommand::Agree { endpoint: self.endpoint, agreement });
        self.agreed = Some(Box::new(agreed));
    }
}

/// The codecs of an offer, to be offered on to the other side: in its order, and G.711 where that can be made of one of them.
///
/// # Errors
/// [`NegotiationError`] if there is no audio, or none but key presses.
pub(crate) fn offered_codecs(offer: &SessionDescription) -> Result<Vec<Codec>, NegotiationError> {
    Ok(with_g711(sdp::offered(offer)?.into_iter()))
}

/// What a party may agree to that is mixed with others: all that can be decoded and encoded, in the order of its offer.
pub(crate) fn mixed(offer: Option<&SessionDescription>) -> Vec<Codec> {
    let offered = offer.and_then(|offer| sdp::offered(offer).ok());
    let Some(offered) = offered else {
        let events = [8_000, 48_000].map(|clock_hz| Codec::telephone_event(EVENTS, clock_hz));
        return [transcoded(), events.to_vec()].concat();
    };
    offered.into_iter().filter(|codec| codec.is_telephone_event() || is_transcoded(codec)).collect()
}

/// What we offer where the caller has not said what it can: what every phone has, and what we can make of each other.
pub(crate) fn g711() -> Vec<Codec> {
    vec![Codec::pcma(), Codec::pcmu(), Codec::telephone_event(EVENTS, 8_000)]
}

/// What a browser is offered: what the other party has, so that packets pass as they are, then what else there is, the best
/// first; key presses at both clocks.
fn for_browser(codecs: &[Codec]) -> Vec<Codec> {
    let (mut audio, mut events): (Vec<Codec>, Vec<Codec>) =
        codecs.iter().cloned().partition(|codec| !codec.is_telephone_event());
    for other in [Codec::opus(OPUS), Codec::g722(), Codec::pcma(), Codec::pcmu()] {
        if !audio.iter().any(|codec| codec.encoding == other.encoding) {
            audio.push(other);
        }
    }
    for clock_hz in [8_000, 48_000] {
        if !events.iter().any(|codec| codec.clock_hz == clock_hz) {
            events.push(Codec::telephone_event(EVENTS, clock_hz));
        }
    }
    audio.extend(events);
    audio
}

/// Ports of its own, which are opened.
fn ports(desk: &mut Desk, flow: &Flow, lease: Lease) -> Place {
    let address = nat::media_address(&desk.node, flow);
    desk.media(MediaCommand::Open { endpoint: lease.endpoint, bind: address.bind, port: lease.port });
    Place::Ports { port: lease.port, bind: address.bind, shown: address.shown, source: source_rule(desk, flow) }
}

fn source_rule(desk: &Desk, flow: &Flow) -> SourceRule {
    if nat::is_local(&desk.node, flow.peer.ip()) {
        SourceRule::AsAgreed
    } else {
        SourceRule::Learn { signalling: flow.peer.ip().to_canonical() }
    }
}

fn with_g711(codecs: impl Iterator<Item = Codec>) -> Vec<Codec> {
    let (mut audio, events): (Vec<Codec>, Vec<Codec>) = codecs.partition(|codec| !codec.is_telephone_event());
    if audio.iter().any(is_transcoded) {
        for other in [Codec::pcma(), Codec::pcmu()] {
            if !audio.iter().any(|codec| codec.encoding == other.encoding) {
                audio.push(other);
            }
        }
    }
    audio.extend(events);
    audio
}

/// Whether the media side decodes and encodes it; all others pass as they are, or not at all.
fn is_transcoded(codec: &Codec) -> bool {
    matches!(codec.encoding, Encoding::Pcma | Encoding::Pcmu | Encoding::G722 | Encoding::Opus)
}

/// What is transcoded, the cheapest first.
fn transcoded() -> Vec<Codec> {
    vec![Codec::pcma(), Codec::pcmu(), Codec::g722(), Codec::opus(OPUS)]
}

/// How long the packets to a far end are.
fn packet_ms(packets: PacketTimes) -> u8 {
    let best = packets.best_ms.filter(|ms| *ms > 0).unwrap_or(u16::from(PTIME_MS));
    let most = packets.most_ms.filter(|ms| *ms > 0).unwrap_or(u16::MAX);
    u8::try_from(best.min(most)).unwrap_or(u8::MAX)
}

fn agreed_codec(codec: &NegotiatedCodec) -> AgreedCodec {
    AgreedCodec {
        name: codec.remote.encoding.as_str().to_ascii_uppercase(),
        clock: codec.remote.clock_hz,
        send_pt: codec.send().number(),
        receive_pt: codec.receive.number(),
    }
}

fn srtp_keys(crypto: &NegotiatedCrypto) -> SrtpKeys {
    SrtpKeys { suite: crypto.local.suite, send: crypto.local.key.clone(), receive: crypto.remote.key.clone() }
}

/// A key that comes by INFO so soon after the same one as media is that one: INFO is sent when the key is up.
const SAID_TWICE: Duration = Duration::from_millis(1_000);
const FIRST_VERSION: u64 = 1;
/// The payload type for key presses that most phones use.
const EVENTS: PayloadType = PayloadType::new(101).expect("101 is a payload type");
/// That of Opus, where the far end leaves it to us.
const OPUS: PayloadType = PayloadType::new(111).expect("111 is a payload type");
/// RFC 3551 §4.2.
const PTIME_MS: u8 = 20;

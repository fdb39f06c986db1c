//! From the switch's words to the media's and back. Pure: the simulator uses it, too.

use std::net::SocketAddr;
use std::time::Duration;

use hooks::fact::{MediaQuality, QualityStretch, QualityTimeline, ReceivedQuality, ReportedQuality};
use media::quality::{Sample, Timeline};
use media::{
    Activity, BrowserLoss, BrowserPeer, Channels, Codec, Detect, Direction, EndpointId, EndpointStats, Fingerprint,
    Format, Gain, IceCredentials, OpusSettings, PacketTime, PayloadType, PlayerId, Prompt, Remote, Session, SourceRule,
    SrtpKey, SrtpKeys, SrtpSuite, Tone, TonePlan,
};
use sip::sdp::{CryptoSuite, MasterKey};
use switch::media::{AgreedCodec, Agreement, Flows, Sound};

/// The same endpoint under the media's name.
#[must_use]
pub fn endpoint(id: switch::media::EndpointId) -> EndpointId {
    EndpointId(id.0)
}

/// The same endpoint under the switch's name.
#[must_use]
pub fn endpoint_back(id: EndpointId) -> switch::media::EndpointId {
    switch::media::EndpointId(id.0)
}

/// Who is recorded where.
#[must_use]
pub fn channels(left: &[switch::media::EndpointId], right: &[switch::media::EndpointId]) -> Channels {
    let named = |ids: &[switch::media::EndpointId]| ids.iter().copied().map(endpoint).collect();
    Channels { left: named(left), right: named(right), ..Channels::default() }
}

/// What holds for every session of the node.
#[derive(Clone, Copy, Debug)]
pub struct SessionDefaults {
    /// How long a side that should send may be silent.
    pub rtp_timeout: Duration,
    /// How Opus is encoded and heard, as far as the far end allows.
    pub opus: OpusSettings,
}

/// What was agreed, as a session of the media.
#[must_use]
pub fn session(agreement: &Agreement, defaults: &SessionDefaults) -> Session {
    let remote = agreement.remote_rtp.map(|rtp| Remote { rtp, rtcp: agreement.remote_rtcp.unwrap_or(next_port(rtp)) });
    let formats = agreement.codecs.iter().chain(&agreement.telephone_events).filter_map(format).collect();
    let mut session = Session::new(remote, formats);
    session.direction = direction(agreement.flows);
    session.source_rule = match agreement.source {
        switch::media::SourceRule::AsAgreed => SourceRule::Sdp,
        switch::media::SourceRule::Learn { signalling } => SourceRule::Learn { signalling: Some(signalling) },
    };
    session.rtp_timeout = Some(defaults.rtp_timeout);
    session.packet_time = PacketTime::from_ms(agreement.ptime_ms);
    session.packet_ms_max = agreement.ptime_ms_max.map(u32::from);
    let limits = agreement.opus;
    session.opus = defaults.opus.within(limits.bits_per_second_max, limits.playback_hz_max);
    session.srtp = agreement.srtp.as_ref().map(srtp);
    session.browser = agreement.browser.as_deref().map(|peer| Box::new(browser(peer)));
    session
}

fn browser(peer: &switch::media::BrowserPeer) -> BrowserPeer {
    BrowserPeer { ice: credentials(&peer.ice), fingerprint: Fingerprint(peer.fingerprint.0) }
}

/// ICE credentials, ours or a browser's.
#[must_use]
pub fn credentials(credentials: &switch::media::IceCredentials) -> IceCredentials {
    IceCredentials { ufrag: credentials.ufrag.clone(), pwd: credentials.pwd.clone() }
}

/// Why a browser has gone, in the switch's words.
#[must_use]
pub fn loss(reason: BrowserLoss) -> switch::media::BrowserLoss {
    match reason {
        BrowserLoss::Silent => switch::media::BrowserLoss::Silent,
        BrowserLoss::Handshake => switch::media::BrowserLoss::Handshake,
        BrowserLoss::Certificate => switch::media::BrowserLoss::Certificate,
    }
}

fn srtp(keys: &switch::media::SrtpKeys) -> SrtpKeys {
    let suite = match keys.suite {
        CryptoSuite::AesCm128HmacSha1_80 => SrtpSuite::AesCm128HmacSha1_80,
        CryptoSuite::AesCm128HmacSha1_32 => SrtpSuite::AesCm128HmacSha1_32,
        CryptoSuite::AesCm256HmacSha1_80 => SrtpSuite::AesCm256HmacSha1_80,
        CryptoSuite::AeadAes128Gcm => SrtpSuite::AeadAes128Gcm,
        CryptoSuite::AeadAes256Gcm => SrtpSuite::AeadAes256Gcm,
    };
    let key = |key: &MasterKey| SrtpKey(key.as_bytes().to_vec());
    SrtpKeys { suite, send: key(&keys.send), receive: key(&keys.receive) }
}

/// The tone behind a sound; music on hold is none.
#[must_use]
pub fn tone(sound: Sound) -> Option<Prompt> {
    match sound {
        Sound::RingbackCn => Some(Prompt::Tone { plan: TonePlan::China, tone: Tone::Ringback }),
        Sound::RingbackUs => Some(Prompt::Tone { plan: TonePlan::UnitedStates, tone: Tone::Ringback }),
        Sound::HoldMusic => None,
    }
}

/// The player of a sound, and of which piece where there are several of it. Names with this bit are ours, those without it the switch's.
#[must_use]
pub fn sound_player(sound: Sound, piece: u64) -> PlayerId {
    let nth = match sound {
        Sound::RingbackCn => 1,
        Sound::RingbackUs => 2,
        Sound::HoldMusic => 3,
    };
    PlayerId(1 << 63 | piece << 2 | nth)
}

/// The same player under the media's name.
#[must_use]
pub fn player(id: switch::media::PlayerId) -> PlayerId {
    PlayerId(id.0)
}

/// The same player under the switch's name.
#[must_use]
pub fn player_back(id: PlayerId) -> switch::media::PlayerId {
    switch::media::PlayerId(id.0)
}

/// The factor of so many decibels.
#[must_use]
pub fn gain(gain: switch::media::Decibels) -> Gain {
    Gain::from_db(f32::from(gain.db()))
}

/// The same in the media's word.
#[must_use]
pub fn detect(detect: switch::media::Detect) -> Detect {
    match detect {
        switch::media::Detect::On => Detect::On,
        switch::media::Detect::Off => Detect::Off,
    }
}

/// What a party does, in the switch's words.
#[must_use]
pub fn activity(activity: Activity) -> switch::media::Activity {
    match activity {
        Activity::Speech => switch::media::Activity::Speech,
        Activity::Silence => switch::media::Activity::Silence,
    }
}

/// The figures of a closed endpoint as they stand in a fact.
#[must_use]
pub fn quality(stats: &EndpointStats, timeline: Option<&Timeline>) -> MediaQuality {
    MediaQuality {
        received: stats.received_packets,
        sent: stats.sent_packets,
        lost: stats.lost_packets,
        out_of_order: stats.out_of_order_packets,
        jitter_us: micros(stats.jitter_ms),
        round_trip_us: stats.round_trip_ms.map_or(0, micros),
        refused: stats.rejected_packets,
        reported_lost: u64::from(stats.remote_lost_packets),
        timeline: timeline.map(|timeline| QualityTimeline {
            from_ms: timeline.from_ms,
            length_ms: timeline.length_ms,
            stretches: timeline.samples.iter().map(stretch).collect(),
        }),
    }
}

fn stretch(sample: &Sample) -> QualityStretch {
    let (received, reported) = (sample.received, sample.sent.reported);
    QualityStretch {
        from_ms: sample.from_ms,
        received: ReceivedQuality {
            packets: received.packets,
            lost: received.lost,
            late: received.late,
            concealed_ms: received.concealed_ms,
            jitter_us: micros(received.jitter_ms),
            mos_hundredths: received.mos.map(hundredths),
        },
        sent: sample.sent.packets,
        reported: reported.map(|reported| ReportedQuality {
            expected: reported.expected,
            lost: reported.lost,
            late: reported.late,
            jitter_us: micros(reported.jitter_ms),
            mos_hundredths: reported.mos.map(hundredths),
        }),
        round_trip_us: sample.round_trip_ms.map(micros),
        #[expect(clippy::cast_possible_truncation, reason = "-100 to 0")]
        level_dbov_tenths: sample.level_dbov.map(|level| (level * 10.0).round() as i32),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 4.5")]
fn hundredths(mos: f32) -> u16 {
    (mos * 100.0).round() as u16
}

/// RFC 3550 §11: RTCP on the next port where nothing else was said.
fn next_port(rtp: SocketAddr) -> SocketAddr {
    SocketAddr::new(rtp.ip(), rtp.port().wrapping_add(1))
}

fn format(codec: &AgreedCodec) -> Option<Format> {
    Some(Format {
        codec: Codec::from_rtpmap(&codec.name, codec.clock),
        receive: PayloadType::new(codec.receive_pt)?,
        send: PayloadType::new(codec.send_pt)?,
    })
}

fn direction(flows: Flows) -> Direction {
    match (flows.send, flows.receive) {
        (true, true) => Direction::SendReceive,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::ReceiveOnly,
        (false, false) => Direction::Inactive,
    }
}

/// Negative and absurd values (a peer's RTCP is only its word) become 0 and the largest there is.
fn micros(ms: f32) -> u64 {
    Duration::try_from_secs_f32(ms.max(0.0) / 1_000.0)
        .map_or(0, |duration| u64::try_from(duration.as_micros()).unwrap_or(0))
}

//! Encrypted RTP and RTCP (SRTP, RFC 3711): the keys of an endpoint, and packets into and out of their protection.

use std::fmt;

use rtc_crypto::providers::AwsLcRsCrypto;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// How packets are encrypted and authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtpSuite {
    /// AES-128 in counter mode, 80 bits of HMAC-SHA1 (RFC 3711).
    AesCm128HmacSha1_80,
    /// The same with 32 bits on RTP.
    AesCm128HmacSha1_32,
    /// AES-256 in counter mode (RFC 6188).
    AesCm256HmacSha1_80,
    /// AES-128 in Galois/counter mode (RFC 7714).
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode.
    AeadAes256Gcm,
}

impl SrtpSuite {
    fn profile(self) -> ProtectionProfile {
        match self {
            Self::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Self::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
            Self::AesCm256HmacSha1_80 => ProtectionProfile::Aes256CmHmacSha1_80,
            Self::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Self::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        }
    }
}

/// A master key and then its salt.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey(pub Vec<u8>);

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SrtpKey(hidden)")
    }
}

/// What was agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    /// How, in both directions.
    pub suite: SrtpSuite,
    /// Of what we send.
    pub send: SrtpKey,
    /// Of what we receive.
    pub receive: SrtpKey,
}

/// What a datagram holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rtp,
    Rtcp,
}

/// A packet in a buffer of its own.
pub(crate) type Opened = bytes::BytesMut;

/// The protection of one endpoint's packets.
pub(crate) struct Guard {
    keys: SrtpKeys,
    seal: Option<Context>,
    open: Opening,
}

/// Packets are only believed by their own key; what a stranger sends costs no memory.
struct Opening {
    key: SrtpKey,
    suite: SrtpSuite,
    /// Knows the streams below, and no other.
    context: Option<Context>,
    streams: Vec<u32>,
    /// On which streams that are not known yet are tried: it remembers each that was, so it is made anew from time to time.
    trial: Option<Context>,
    tried: u32,
}

impl Guard {
    /// For what was agreed; packets of keys of a wrong length never pass.
    pub(crate) fn new(keys: SrtpKeys) -> Self {
        let (seal, open) = (context(keys.suite, &keys.send), Opening::new(keys.suite, keys.receive.clone()));
        Self { keys, seal, open }
    }

    /// Takes what was agreed anew. A direction whose key stays counts on (RFC 3711 §9.1: a key is never used from the
    /// beginning again).
    pub(crate) fn renew(&mut self, keys: SrtpKeys) {
        let same_suite = keys.suite == self.keys.suite;
        if !same_suite || keys.send != self.keys.send {
            self.seal = context(keys.suite, &keys.send);
        }
        if !same_suite || keys.receive != self.keys.receive {
            self.open = Opening::new(keys.suite, keys.receive.clone());
        }
        self.keys = keys;
    }

    /// A packet as it goes out; `None` if it cannot be protected.
    pub(crate) fn seal(&mut self, kind: Kind, packet: &[u8]) -> Option<Opened> {
        let context = self.seal.as_mut()?;
        match kind {
            Kind::Rtp => context.encrypt_rtp(packet).ok(),
            Kind::Rtcp => context.encrypt_rtcp(packet).ok(),
        }
    }

    /// A packet as it was before it was protected; `None` if it was not by the other side, or comes a second time.
    pub(crate) fn open(&mut self, kind: Kind, packet: &[u8]) -> Option<Opened> {
        self.open.open(kind, packet)
    }
}

impl Opening {
    fn new(suite: SrtpSuite, key: SrtpKey) -> Self {
        Self { context: context(suite, &key), key, suite, streams: Vec::new(), trial: None, tried: 0 }
    }

    fn open(&mut self, kind: Kind, packet: &[u8]) -> Option<Opened> {
        let at = match kind {
            Kind::Rtp => 8,
            Kind::Rtcp => 4,
        };
        let stream = u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?);
        if !self.streams.contains(&stream) {
            self.meet(kind, packet, stream)?;
        }
        decrypt(self.context.as_mut()?, kind, packet)
    }

    /// Learns a stream by its first packet, if the other side sent that.
    fn meet(&mut self, kind: Kind, packet: &[u8], stream: u32) -> Option<()> {
        if self.tried >= TRIALS_MAX {
            (self.trial, self.tried) = (None, 0);
        }
        self.tried += 1;
        let trial = match &mut self.trial {
            Some(trial) => trial,
            none => none.insert(context(self.suite, &self.key)?),
        };
        decrypt(trial, kind, packet)?;
        if self.streams.len() >= STREAMS_MAX {
            (self.context, self.streams) = (context(self.suite, &self.key), Vec::new());
        }
        self.streams.push(stream);
        Some(())
    }
}

fn decrypt(context: &mut Context, kind: Kind, packet: &[u8]) -> Option<Opened> {
    match kind {
        Kind::Rtp => context.decrypt_rtp(packet).ok(),
        Kind::Rtcp => context.decrypt_rtcp(packet).ok(),
    }
}

fn context(suite: SrtpSuite, key: &SrtpKey) -> Option<Context> {
    let profile = suite.profile();
    let (key, salt) = key.0.split_at_checked(profile.key_len())?;
    let (rtp, rtcp) = (srtp_replay_protection(REPLAY_WINDOW), srtcp_replay_protection(REPLAY_WINDOW));
    Context::new(key, salt, profile, Some(rtp), Some(rtcp), &AwsLcRsCrypto).ok()
}

/// RFC 3711 §3.3.2 wants at least 64 packets.
const REPLAY_WINDOW: usize = 128;
/// Streams of one far end; it has one, and another after a restart of its own.
const STREAMS_MAX: usize = 16;
/// Packets of unknown streams that are tried on one context.
const TRIALS_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const SUITES: [(SrtpSuite, usize, usize); 5] = [
        (SrtpSuite::AesCm128HmacSha1_80, 30, 10),
        (SrtpSuite::AesCm128HmacSha1_32, 30, 4),
        (SrtpSuite::AesCm256HmacSha1_80, 46, 10),
        (SrtpSuite::AeadAes128Gcm, 28, 16),
        (SrtpSuite::AeadAes256Gcm, 44, 16),
    ];

    fn keys(suite: SrtpSuite, bytes: usize, send: u8, receive: u8) -> SrtpKeys {
        SrtpKeys { suite, send: SrtpKey(vec![send; bytes]), receive: SrtpKey(vec![receive; bytes]) }
    }

    fn pair(suite: SrtpSuite, bytes: usize) -> (Guard, Guard) {
        (Guard::new(keys(suite, bytes, 1, 2)), Guard::new(keys(suite, bytes, 2, 1)))
    }

    fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
        let header = crate::rtp::Header { marker: false, payload_type: 8, sequence, timestamp: 160, ssrc };
        let mut room = [0; 64];
        header.build(b"twenty milliseconds", &mut room).to_vec()
    }

    /// RFC 3711 appendix B.3 gives the session keys of a master key; libsrtp's test driver has the packet that comes of them.
    #[test]
    fn a_packet_of_libsrtp_is_what_we_make_too() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key = hex("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6");
        let plain = hex("800f1234decafbadcafebabeabababababababababababababababab");
        let sealed = hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
        let (send, receive) = (SrtpKey(key.clone()), SrtpKey(key));
        let mut guard = Guard::new(SrtpKeys { suite: SrtpSuite::AesCm128HmacSha1_80, send, receive });
        assert_eq!(guard.seal(Kind::Rtp, &plain).unwrap().as_ref(), sealed);
        assert_eq!(guard.open(Kind::Rtp, &sealed).unwrap().as_ref(), plain);
    }

    #[test]
    fn what_one_seals_the_other_opens_once_and_nobody_changes() {
        for (suite, bytes, tag) in SUITES {
            let (mut one, mut other) = pair(suite, bytes);
            let plain = packet(7, 0xABCD);
            let sealed = one.seal(Kind::Rtp, &plain).unwrap().as_ref().to_vec();
            assert_eq!(sealed.len(), plain.len() + tag, "{suite:?}");
            assert_ne!(&sealed[12..plain.len()], &plain[12..]);
            let mut forged = sealed.clone();
            forged[13] ^= 1;
            assert!(other.open(Kind::Rtp, &forged).is_none(), "{suite:?}: changed on the way");
            assert_eq!(other.open(Kind::Rtp, &sealed).unwrap().as_ref(), plain, "{suite:?}");
            assert!(other.open(Kind::Rtp, &sealed).is_none(), "{suite:?}: a replay");
            assert!(one.open(Kind::Rtp, &sealed).is_none(), "{suite:?}: not with the key of the other direction");
            let report = [0x80, 200, 0, 1, 0, 0, 0xAB, 0xCD];
            let sealed = one.seal(Kind::Rtcp, &report).unwrap().as_ref().to_vec();
            assert_eq!(other.open(Kind::Rtcp, &sealed).unwrap().as_ref(), report, "{suite:?}");
        }
    }

    #[test]
    fn sequence_numbers_wrap_and_packets_may_overtake_each_other_there() {
        let (mut one, mut other) = pair(SrtpSuite::AeadAes128Gcm, 28);
        let mut sealed: Vec<(u16, Vec<u8>)> = (0..200u16)
            .map(|n| {
                let sequence = 65_436u16.wrapping_add(n);
                (sequence, one.seal(Kind::Rtp, &packet(sequence, 1)).unwrap().as_ref().to_vec())
            })
            .collect();
        sealed.swap(99, 100);
        sealed.swap(98, 101);
        for (sequence, sealed) in sealed {
            assert_eq!(
                other.open(Kind::Rtp, &sealed).map(|opened| opened.as_ref().to_vec()),
                Some(packet(sequence, 1))
            );
        }
    }

    #[test]
    fn strangers_are_not_remembered_and_do_not_keep_the_other_side_out() {
        let (mut one, mut other) = pair(SrtpSuite::AesCm128HmacSha1_80, 30);
        let first = one.seal(Kind::Rtp, &packet(1, 5)).unwrap().as_ref().to_vec();
        assert!(other.open(Kind::Rtp, &first).is_some());
        for ssrc in 100..10_000 {
            let mut noise = packet(1, ssrc);
            noise.extend([9; 10]);
            assert!(other.open(Kind::Rtp, &noise).is_none());
        }
        assert_eq!(other.open.streams, [5]);
        assert!(other.open.tried <= TRIALS_MAX);
        // A restart of the far end: another stream, and many of them.
        for ssrc in 20_000..20_000 + 3 * u32::try_from(STREAMS_MAX).unwrap() {
            let sealed = one.seal(Kind::Rtp, &packet(1, ssrc)).unwrap().as_ref().to_vec();
            assert!(other.open(Kind::Rtp, &sealed).is_some(), "{ssrc}");
            assert!(other.open.streams.len() <= STREAMS_MAX);
        }
        for garbage in [&[][..], &[0x80], &[0x80; 12], &[0x80; 25]] {
            assert!(other.open(Kind::Rtp, garbage).is_none());
            assert!(other.open(Kind::Rtcp, garbage).is_none());
        }
    }

    #[test]
    fn a_key_that_stays_counts_on_and_a_new_one_begins() {
        let (mut one, mut other) = pair(SrtpSuite::AesCm128HmacSha1_80, 30);
        let first = one.seal(Kind::Rtp, &packet(1, 5)).unwrap().as_ref().to_vec();
        assert!(other.open(Kind::Rtp, &first).is_some());
        other.renew(keys(SrtpSuite::AesCm128HmacSha1_80, 30, 3, 1));
        assert!(other.open(Kind::Rtp, &first).is_none(), "still a replay");
        one.renew(keys(SrtpSuite::AesCm128HmacSha1_80, 30, 1, 3));
        let answer = other.seal(Kind::Rtp, &packet(9, 6)).unwrap().as_ref().to_vec();
        assert!(one.open(Kind::Rtp, &answer).is_some(), "the new key");
        let wrong = Guard::new(keys(SrtpSuite::AesCm128HmacSha1_80, 5, 1, 2)).seal(Kind::Rtp, &first).is_none();
        assert!(wrong, "a key that is too short");
    }
}

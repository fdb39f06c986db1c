//! What phones need to encrypt: keys out of the SDP, or a browser's connectivity check and handshake.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile};
use media::IceCredentials;
use rtc_crypto::providers::AwsLcRsCrypto;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use rtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, Message, Setter};

/// Into and out of one phone's protection.
pub(crate) struct Keys {
    pub(crate) seal: Context,
    pub(crate) open: Context,
}

/// Bytes of a master key and salt of AES-128-GCM.
const GCM_BYTES: usize = 28;

/// The keys that both processes know without asking: what the phone sends with, and what the switch does.
pub(crate) fn sdes(at: usize) -> [Vec<u8>; 2] {
    let [high, low] = [at >> 8, at].map(|at| u8::try_from(at & 0xFF).unwrap_or(0));
    [1, 2].map(|way| [&[way, high, low][..], &[7; GCM_BYTES - 3]].concat())
}

/// Fragment and password that both processes know without asking.
pub(crate) fn credentials(side: &str, at: usize) -> IceCredentials {
    IceCredentials { ufrag: format!("{side}{at}"), pwd: format!("password of {side}{at}, long enough") }
}

impl Keys {
    pub(crate) fn sdes(at: usize) -> Result<Self> {
        let [send, receive] = sdes(at);
        let context = |key: &[u8]| context(&key[..16], &key[16..], ProtectionProfile::AeadAes128Gcm);
        Ok(Self { seal: context(&send)?, open: context(&receive)? })
    }

    /// As a browser: a check that nominates, then a handshake.
    pub(crate) fn agree(
        socket: &UdpSocket,
        switch: SocketAddr,
        at: usize,
        certificate: &DtlsCertificate,
    ) -> Result<Self> {
        let check = check(at)?;
        let (mut buffer, end) = ([0; 2_048], Instant::now() + Duration::from_secs(20));
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        loop {
            ensure!(Instant::now() < end, "browser {at} was never answered");
            socket.send_to(&check, switch)?;
            if socket.recv(&mut buffer).is_ok() && buffer[..2] == [1, 1] {
                break;
            }
        }
        let mut engine = Dtls::new_auto(Arc::new(Config::default()), certificate.clone(), Instant::now());
        engine.set_active(true);
        let mut datagram: Option<usize> = None;
        loop {
            ensure!(Instant::now() < end, "browser {at} got no keys");
            engine.handle_timeout(Instant::now())?;
            if let Some(len) = datagram.take() {
                engine.handle_packet(&buffer[..len])?;
            }
            let mut room = [0; 2_048];
            let mut keys = None;
            loop {
                match engine.poll_output(&mut room) {
                    Output::Packet(packet) => drop(socket.send_to(packet, switch)?),
                    Output::KeyingMaterial(material, profile) => keys = Some((material.to_vec(), profile)),
                    Output::Timeout(_) => break,
                    _ => {}
                }
            }
            if let Some((material, profile)) = keys {
                return Self::exported(&material, profile);
            }
            datagram = socket.recv(&mut buffer).ok().filter(|_| (20..64).contains(&buffer[0]));
        }
    }

    fn exported(material: &[u8], profile: SrtpProfile) -> Result<Self> {
        let (suite, key) = match profile {
            SrtpProfile::AEAD_AES_256_GCM => (ProtectionProfile::AeadAes256Gcm, 32),
            _ => (ProtectionProfile::AeadAes128Gcm, 16),
        };
        let salts = &material[2 * key..];
        let nth = |nth: usize| context(&material[nth * key..][..key], &salts[nth * 12..][..12], suite);
        Ok(Self { seal: nth(0)?, open: nth(1)? })
    }
}

fn context(key: &[u8], salt: &[u8], suite: ProtectionProfile) -> Result<Context> {
    Context::new(key, salt, suite, None, None, &AwsLcRsCrypto).context("a key")
}

fn check(at: usize) -> Result<Vec<u8>> {
    let mut message = Message::new();
    message.set_type(BINDING_REQUEST);
    message.transaction_id.0 = [9; 12];
    message.write_header();
    let (ours, theirs) = (credentials("switch", at), credentials("phone", at));
    message.add(ATTR_USERNAME, format!("{}:{}", ours.ufrag, theirs.ufrag).as_bytes());
    message.add(ATTR_PRIORITY, &[0x6E, 0, 1, 0xFF]);
    message.add(ATTR_ICE_CONTROLLING, &[1; 8]);
    message.add(ATTR_USE_CANDIDATE, &[]);
    MessageIntegrity::new_raw_integrity_with_provider(ours.pwd.into_bytes(), &AwsLcRsCrypto).add_to(&mut message)?;
    FINGERPRINT.add_to(&mut message)?;
    Ok(message.raw)
}

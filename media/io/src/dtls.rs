//! DTLS 1.2 and 1.3 by dimpl, as the relay wants it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls as Engine, KeyingMaterial, Output, SrtpProfile};
use media::dtls::{Dtls, DtlsOutput};
use media::rtp::PACKET_BYTES_MAX;
use media::{Now, SrtpKey, SrtpKeys, SrtpSuite};

use crate::certificate::DtlsCertificate;
use crate::clock::Clock;

/// Begins associations.
pub(crate) struct Associations {
    clock: Clock,
    config: Arc<Config>,
    certificate: DtlsCertificate,
}

/// One association.
struct Association {
    clock: Clock,
    engine: Engine,
    /// When the engine was last let do something.
    at: Instant,
    timeout: Option<Instant>,
    ended: bool,
}

impl Associations {
    pub(crate) fn new(clock: Clock, certificate: DtlsCertificate) -> Self {
        let config = Config::builder()
            // Who sends is known by ICE: a cookie would cost a round trip for nothing.
            .use_server_cookie(false)
            .flight_start_rto(FIRST_FLIGHT)
            .flight_retries(FLIGHTS_MAX)
            .handshake_timeout(HANDSHAKE)
            .mtu(MTU_BYTES)
            .build()
            .expect("constants that are valid");
        Self { clock, config: Arc::new(config), certificate }
    }

    pub(crate) fn begin(&self, now: Now) -> Box<dyn Dtls> {
        let at = self.clock.instant(now.mono_us);
        let engine = Engine::new_auto(Arc::clone(&self.config), self.certificate.0.clone(), at);
        Box::new(Association { clock: self.clock, engine, at, timeout: None, ended: false })
    }
}

impl Association {
    /// Lets the engine do something at a time, and gives what comes of it.
    fn step(
        &mut self,
        now: Now,
        out: &mut dyn FnMut(DtlsOutput<'_>),
        act: impl FnOnce(&mut Engine) -> Result<(), dimpl::Error>,
    ) {
        if self.ended {
            return;
        }
        self.at = self.clock.instant(now.mono_us);
        let done = self.engine.handle_timeout(self.at).and_then(|()| act(&mut self.engine));
        self.drain(out);
        if done.is_err() {
            (self.ended, self.timeout) = (true, None);
            out(DtlsOutput::Failed);
        }
    }

    fn drain(&mut self, out: &mut dyn FnMut(DtlsOutput<'_>)) {
        let mut buffer = [0; PACKET_BYTES_MAX];
        // The engine ends each round with the time of the next one; the bound is for a bug of its own.
        for _ in 0..OUTPUTS_MAX {
            match self.engine.poll_output(&mut buffer) {
                Output::Packet(datagram) => out(DtlsOutput::Datagram(datagram)),
                Output::PeerCert(der) => out(DtlsOutput::Certificate(der)),
                Output::KeyingMaterial(material, profile) => {
                    out(keys(&material, profile).map_or(DtlsOutput::Failed, DtlsOutput::Keys));
                }
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    return;
                }
                // A certificate that does not fit is none we would know by its fingerprint.
                Output::BufferTooSmall { .. } => {
                    self.ended = true;
                    return out(DtlsOutput::Failed);
                }
                // Data channels were not offered; a browser that ends its association is missed by ICE.
                _ => {}
            }
        }
    }
}

impl Dtls for Association {
    fn receive(&mut self, now: Now, datagram: &[u8], out: &mut dyn FnMut(DtlsOutput<'_>)) {
        self.step(now, out, |engine| engine.handle_packet(datagram));
    }

    fn handle_timeout(&mut self, now: Now, out: &mut dyn FnMut(DtlsOutput<'_>)) {
        self.step(now, out, |_| Ok(()));
    }

    fn poll_timeout(&self) -> Option<u64> {
        // The engine has no word for never.
        let at = self.timeout.filter(|at| at.saturating_duration_since(self.at) < NEVER)?;
        Some(self.clock.micros(at))
    }
}

/// RFC 5764 §4.2: the client's key, the server's, the client's salt, the server's. We are the server.
fn keys(material: &KeyingMaterial, profile: SrtpProfile) -> Option<SrtpKeys> {
    let (suite, key, salt) = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => (SrtpSuite::AesCm128HmacSha1_80, 16, 14),
        SrtpProfile::AEAD_AES_128_GCM => (SrtpSuite::AeadAes128Gcm, 16, 12),
        SrtpProfile::AEAD_AES_256_GCM => (SrtpSuite::AeadAes256Gcm, 32, 12),
        _ => return None,
    };
    let (keys, salts) = material.split_at_checked(2 * key)?;
    let (receive, send) = keys.split_at(key);
    let (receive_salt, send_salt) = salts.split_at_checked(salt)?;
    let joined = |key: &[u8], salt: &[u8]| SrtpKey([key, salt].concat());
    Some(SrtpKeys { suite, send: joined(send, send_salt), receive: joined(receive, receive_salt) })
}

/// A flight that is not answered is sent again after this, then after twice as long, and so on. RFC 9147 §5.8.2 has one second
/// and allows less where a short handshake matters.
const FIRST_FLIGHT: Duration = Duration::from_millis(200);
/// 200 ms seven times doubled is 25 s.
const FLIGHTS_MAX: usize = 7;
/// A handshake that takes longer has failed.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Longest datagram of ours: fits into whatever tunnel a browser sits in.
const MTU_BYTES: usize = 1_150;
/// Outputs of one step: some flights of some datagrams.
const OUTPUTS_MAX: usize = 256;
/// A time-out further away is not waited for.
const NEVER: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests;

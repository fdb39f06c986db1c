//! A browser as the network sees it: connectivity checks written here byte by byte, DTLS by another program or by dimpl, packets
//! sealed by rtc-srtp.
#![expect(clippy::unwrap_used, reason = "a test that cannot begin should say where")]

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use aws_lc_rs::{digest, hmac};
use dimpl::certificate::generate_self_signed_certificate;
use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile};
use media::rtp::{Header, Packet};
use media::{BrowserPeer, EndpointId, Fingerprint, IceCredentials};
use rtc_crypto::providers::AwsLcRsCrypto;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

/// How long a condition is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Browser {
    pub(crate) endpoint: EndpointId,
    pub(crate) socket: UdpSocket,
    pub(crate) switch_at: SocketAddr,
    pub(crate) ours: IceCredentials,
    pub(crate) ice: IceCredentials,
    pub(crate) certificate: DtlsCertificate,
    seal: Option<Context>,
    open: Option<Context>,
    header: Header,
}

pub(crate) fn credentials(ufrag: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.into(), pwd: format!("a password of {ufrag} that is long enough") }
}

impl Browser {
    /// At `ours` of an open endpoint.
    pub(crate) fn new(endpoint: EndpointId, switch_at: SocketAddr, ours: IceCredentials) -> Self {
        let ice = credentials(&format!("browser{}", endpoint.0));
        let header = Header { payload_type: 0, sequence: 9, timestamp: 160, ssrc: 7, marker: false };
        let (socket, certificate) =
            (UdpSocket::bind("127.0.0.1:0").unwrap(), generate_self_signed_certificate().unwrap());
        Self { endpoint, socket, switch_at, ours, ice, certificate, seal: None, open: None, header }
    }

    /// What its SDP says.
    pub(crate) fn peer(&self) -> Box<BrowserPeer> {
        Box::new(BrowserPeer { ice: self.ice.clone(), fingerprint: sha256(&self.certificate.certificate) })
    }

    /// Another interface.
    pub(crate) fn move_away(&mut self) {
        self.socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    }

    /// Sends one check and waits for its answer: the code, 0 for success.
    pub(crate) fn check(&self, nominate: bool) -> u16 {
        let transaction = [0x42; 12];
        let request = self.binding_request(transaction, nominate);
        self.socket.send_to(&request, self.switch_at).unwrap();
        let answer =
            self.wait_for(|datagram| (datagram[0] < 4 && datagram[8..20] == transaction).then(|| datagram.to_vec()));
        if answer[..2] == [1, 1] {
            let integrity = answer.len() - 32;
            assert_eq!(answer[integrity..integrity + 4], [0, 8, 0, 20]);
            let expected = sign(&self.ours.pwd, &answer[..integrity]);
            assert_eq!(answer[integrity + 4..integrity + 24], expected, "the answer is signed with our password");
            let port = u16::from_be_bytes([answer[26], answer[27]]) ^ 0x2112;
            assert_eq!(port, self.socket.local_addr().unwrap().port(), "the answer says where it was asked from");
            return 0;
        }
        assert_eq!(answer[..2], [1, 0x11]);
        u16::from(answer[26]) * 100 + u16::from(answer[27])
    }

    /// Asks until it is believed: what the switch was told may still be on its way.
    pub(crate) fn joins(&self, nominate: bool) {
        let end = Instant::now() + PATIENCE;
        while self.check(nominate) != 0 {
            assert!(Instant::now() < end, "never believed");
        }
    }

    fn binding_request(&self, transaction: [u8; 12], nominate: bool) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        message.extend(transaction);
        let username = format!("{}:{}", self.ours.ufrag, self.ice.ufrag);
        attribute(&mut message, 0x0006, username.as_bytes());
        attribute(&mut message, 0xC057, &[0, 1, 0, 10]);
        attribute(&mut message, 0x802A, &[1, 2, 3, 4, 5, 6, 7, 8]);
        if nominate {
            attribute(&mut message, 0x0025, &[]);
        }
        attribute(&mut message, 0x0024, &[0x6E, 0x7F, 0x1E, 0xFF]);
        let integrity = sign(&self.ours.pwd, &message);
        attribute(&mut message, 0x0008, &integrity);
        let length = (message.len() - 20 + 8) as u16;
        message[2..4].copy_from_slice(&length.to_be_bytes());
        let sum = (crc32(&message) ^ 0x5354_554E).to_be_bytes();
        attribute(&mut message, 0x8028, &sum);
        message
    }

    /// Reads datagrams until one fits.
    pub(crate) fn wait_for<T>(&self, fits: impl Fn(&[u8]) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut buffer = [0; 2_048];
        while Instant::now() < end {
            self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let len = self.socket.recv(&mut buffer).expect("a datagram in time");
            if let Some(found) = fits(&buffer[..len]) {
                return found;
            }
        }
        panic!("never");
    }

    /// A handshake by dimpl, as client.
    pub(crate) fn handshake(&mut self) {
        let config = std::sync::Arc::new(Config::default());
        let mut engine = Dtls::new_auto(config, self.certificate.clone(), Instant::now());
        engine.set_active(true);
        let (end, mut buffer) = (Instant::now() + PATIENCE, [0; 2_048]);
        let mut datagram: Option<Vec<u8>> = None;
        while Instant::now() < end {
            engine.handle_timeout(Instant::now()).unwrap();
            if let Some(datagram) = datagram.take() {
                engine.handle_packet(&datagram).unwrap();
            }
            let mut keys = None;
            let wait = loop {
                match engine.poll_output(&mut buffer) {
                    Output::Packet(packet) => drop(self.socket.send_to(packet, self.switch_at).unwrap()),
                    Output::KeyingMaterial(material, profile) => keys = Some((material.to_vec(), profile)),
                    Output::Timeout(at) => {
                        break at.saturating_duration_since(Instant::now());
                    }
                    _ => {}
                }
            };
            if let Some((material, profile)) = keys {
                return self.take_keys(&material, profile);
            }
            self.socket.set_read_timeout(Some(wait.clamp(Duration::from_millis(1), PATIENCE))).unwrap();
            if let Ok(len) = self.socket.recv(&mut buffer) {
                datagram = Some(buffer[..len].to_vec()).filter(|bytes| (20..64).contains(&bytes[0]));
            }
        }
        panic!("no keys in time");
    }

    /// What RFC 5764 §4.2 makes of exported keying material, for the client.
    pub(crate) fn take_keys(&mut self, material: &[u8], profile: SrtpProfile) {
        let (suite, key, salt) = match profile {
            SrtpProfile::AES128_CM_SHA1_80 => (ProtectionProfile::Aes128CmHmacSha1_80, 16, 14),
            SrtpProfile::AEAD_AES_128_GCM => (ProtectionProfile::AeadAes128Gcm, 16, 12),
            _ => (ProtectionProfile::AeadAes256Gcm, 32, 12),
        };
        let context = |nth: usize| {
            let salts = &material[2 * key..];
            let (key, salt) = (&material[nth * key..][..key], &salts[nth * salt..][..salt]);
            Some(Context::new(key, salt, suite, None, None, &AwsLcRsCrypto).unwrap())
        };
        (self.seal, self.open) = (context(0), context(1));
    }

    /// Sends the next packet of its stream, with a header extension as browsers have one.
    pub(crate) fn send(&mut self, payload: &[u8]) {
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        let mut buffer = [0; 400];
        let mut plain = self.header.build(payload, &mut buffer).to_vec();
        plain[0] |= 0x10;
        plain.splice(12..12, [0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0]);
        let sealed = self.seal.as_mut().expect("keys").encrypt_rtp(&plain).unwrap();
        self.socket.send_to(&sealed, self.switch_at).unwrap();
    }

    /// The next packet that comes within some frames and opens with the keys.
    pub(crate) fn receive(&mut self, patience: Duration) -> Option<(Header, Vec<u8>)> {
        let mut buffer = [0; 2_048];
        let end = Instant::now() + patience;
        while Instant::now() < end {
            self.socket.set_read_timeout(Some(patience)).unwrap();
            let len = self.socket.recv(&mut buffer).ok()?;
            let bytes = &buffer[..len];
            if !(128..192).contains(&bytes[0]) || (192..224).contains(&bytes[1]) {
                continue;
            }
            assert_eq!(bytes[0] & 0x10, 0, "a header extension that nobody agreed to");
            let mut plain = self.open.as_mut().expect("keys").decrypt_rtp(bytes).expect("sealed for it");
            let packet = Packet::parse(&mut plain).unwrap();
            return Some((*packet.header(), packet.payload().to_vec()));
        }
        None
    }

    /// Speaks until it hears itself.
    pub(crate) fn hears_itself(&mut self, words: &[u8]) -> Header {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            self.send(words);
            while let Some((header, heard)) = self.receive(Duration::from_millis(60)) {
                if heard == words {
                    return header;
                }
            }
        }
        panic!("{:?} hears nothing", self.endpoint);
    }
}

fn attribute(message: &mut Vec<u8>, typ: u16, value: &[u8]) {
    message.extend(typ.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    let length = (message.len() - 20) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

/// RFC 8489 §14.5: the length in the header counts the attribute that follows.
fn sign(pwd: &str, message: &[u8]) -> [u8; 20] {
    let mut covered = message.to_vec();
    let length = (message.len() - 20 + 24) as u16;
    covered[2..4].copy_from_slice(&length.to_be_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes());
    hmac::sign(&key, &covered).as_ref().try_into().unwrap()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

pub(crate) fn sha256(der: &[u8]) -> Fingerprint {
    Fingerprint(digest::digest(&digest::SHA256, der).as_ref().try_into().unwrap())
}

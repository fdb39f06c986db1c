//! Handshakes in virtual time over a wire that loses, doubles and disorders datagrams.

use std::collections::VecDeque;

use super::*;

/// 10 ms each way.
const WIRE_US: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Dtls12,
    Dtls13,
    /// As browsers do: both are offered.
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    Lost,
    Doubled,
    Late,
}

/// What both ends have in the end.
#[derive(Debug, Default)]
struct Result {
    certificate: Option<Vec<u8>>,
    server: Option<SrtpKeys>,
    client: Option<(Vec<u8>, SrtpProfile)>,
    failed: bool,
    us: u64,
    datagrams: [usize; 2],
}

struct World<F> {
    clock: Clock,
    now_us: u64,
    wire: VecDeque<(u64, Way, Vec<u8>)>,
    fate: F,
    result: Result,
}

impl<F: FnMut(Way, usize) -> Fate> World<F> {
    fn send(&mut self, way: Way, datagram: &[u8]) {
        let nth = self.result.datagrams[way as usize];
        self.result.datagrams[way as usize] += 1;
        let at = self.now_us + WIRE_US;
        match (self.fate)(way, nth) {
            Fate::Arrives => self.wire.push_back((at, way, datagram.to_vec())),
            Fate::Lost => {}
            Fate::Doubled => self.wire.extend([(at, way, datagram.to_vec()), (at + 1, way, datagram.to_vec())]),
            Fate::Late => self.wire.push_back((at + 35_000, way, datagram.to_vec())),
        }
    }

    fn now(&self) -> Now {
        Now { mono_us: self.now_us, unix_us: 0 }
    }

    fn let_server(&mut self, act: impl FnOnce(Now, &mut dyn FnMut(DtlsOutput<'_>))) {
        let mut datagrams = Vec::new();
        let (now, result) = (self.now(), &mut self.result);
        act(now, &mut |output| match output {
            DtlsOutput::Datagram(datagram) => datagrams.push(datagram.to_vec()),
            DtlsOutput::Certificate(der) => result.certificate = Some(der.to_vec()),
            DtlsOutput::Keys(keys) => result.server = Some(keys),
            DtlsOutput::Failed => result.failed = true,
        });
        for datagram in datagrams {
            self.send(Way::ToClient, &datagram);
        }
    }

    fn let_client(&mut self, client: &mut Engine, datagram: Option<&[u8]>) -> u64 {
        let mut buffer = [0; PACKET_BYTES_MAX];
        let done = client.handle_timeout(self.clock.instant(self.now_us));
        let done = done.and_then(|()| datagram.map_or(Ok(()), |datagram| client.handle_packet(datagram)));
        self.result.failed |= done.is_err();
        loop {
            match client.poll_output(&mut buffer) {
                Output::Packet(datagram) => {
                    let datagram = datagram.to_vec();
                    self.send(Way::ToServer, &datagram);
                }
                Output::KeyingMaterial(material, profile) => self.result.client = Some((material.to_vec(), profile)),
                Output::Timeout(at) => return self.clock.micros(at),
                _ => {}
            }
        }
    }
}

/// A handshake until both have keys, one has failed, or 40 s are over.
fn handshake(version: Version, certificate: &DtlsCertificate, fate: impl FnMut(Way, usize) -> Fate) -> Result {
    let clock = Clock::start();
    let mut world = World { clock, now_us: 1, wire: VecDeque::new(), fate, result: Result::default() };
    let associations = Associations::new(clock, DtlsCertificate::generate().unwrap());
    let mut server = associations.begin(world.now());
    let config = Config::builder().flight_start_rto(Duration::from_millis(50)).flight_retries(9).build().unwrap();
    let (config, at) = (Arc::new(config), clock.instant(0));
    let mut client = match version {
        Version::Dtls12 => Engine::new_12(config, certificate.0.clone(), at),
        Version::Dtls13 => Engine::new_13(config, certificate.0.clone(), at),
        Version::Both => Engine::new_auto(config, certificate.0.clone(), at),
    };
    client.set_active(true);
    let mut client_due = world.let_client(&mut client, None);
    while world.now_us < 40_000_000 && !world.result.failed {
        if world.result.server.is_some() && world.result.client.is_some() {
            break;
        }
        let arrives = world.wire.iter().map(|(at, ..)| *at).min();
        let due = [arrives, Some(client_due), server.poll_timeout()].into_iter().flatten().min().unwrap();
        world.now_us = world.now_us.max(due);
        if let Some(at) = world.wire.iter().position(|(at, ..)| *at <= world.now_us) {
            let (_, way, datagram) = world.wire.remove(at).unwrap();
            match way {
                Way::ToServer => world.let_server(|now, out| server.receive(now, &datagram, out)),
                Way::ToClient => client_due = world.let_client(&mut client, Some(&datagram)),
            }
        } else if client_due <= world.now_us {
            client_due = world.let_client(&mut client, None);
        } else {
            world.let_server(|now, out| server.handle_timeout(now, out));
        }
    }
    world.result.us = world.now_us;
    world.result
}

/// Both have the same keys, and the server has seen the client's certificate.
fn check(result: &Result, certificate: &DtlsCertificate, case: &str) {
    assert!(!result.failed, "{case}: {result:?}");
    assert_eq!(result.certificate.as_ref(), Some(&certificate.0.certificate), "{case}");
    let (material, profile) = result.client.as_ref().unwrap_or_else(|| panic!("{case}: no keys: {result:?}"));
    let SrtpKeys { suite, send, receive } = result.server.as_ref().unwrap_or_else(|| panic!("{case}: no keys"));
    let (key, salt) = match profile {
        SrtpProfile::AEAD_AES_256_GCM => (32, 12),
        _ => (16, 12),
    };
    assert_ne!(*suite, SrtpSuite::AesCm128HmacSha1_80, "{case}: the best that both have");
    // The client seals with the first key and the first salt.
    assert_eq!(receive.0, [&material[..key], &material[2 * key..2 * key + salt]].concat(), "{case}");
    assert_eq!(send.0, [&material[key..2 * key], &material[2 * key + salt..]].concat(), "{case}");
}

#[test]
fn a_handshake_ends_with_the_same_keys_on_both_sides() {
    let certificate = DtlsCertificate::generate().unwrap();
    for version in [Version::Dtls12, Version::Dtls13, Version::Both] {
        let result = handshake(version, &certificate, |_, _| Fate::Arrives);
        check(&result, &certificate, &format!("{version:?}"));
        assert!(result.us < 60_000, "{version:?}: no flight was waited for: {result:?}");
    }
}

#[test]
fn any_one_datagram_may_be_lost_doubled_or_late() {
    let certificate = DtlsCertificate::generate().unwrap();
    for version in [Version::Dtls12, Version::Dtls13, Version::Both] {
        let clean = handshake(version, &certificate, |_, _| Fate::Arrives);
        for way in [Way::ToServer, Way::ToClient] {
            for nth in 0..clean.datagrams[way as usize] {
                for fate in [Fate::Lost, Fate::Doubled, Fate::Late] {
                    let hit = |w, n| if (w, n) == (way, nth) { fate } else { Fate::Arrives };
                    let result = handshake(version, &certificate, hit);
                    let case = format!("{version:?}: {nth} {way:?} {fate:?}");
                    check(&result, &certificate, &case);
                    assert!(result.us < 1_000_000, "{case}: {} us", result.us);
                }
            }
        }
    }
}

#[test]
fn a_bad_wire_only_takes_longer() {
    let certificate = DtlsCertificate::generate().unwrap();
    for seed in 1..=30u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let version = [Version::Dtls12, Version::Dtls13, Version::Both][seed as usize % 3];
        let result = handshake(version, &certificate, |_, _| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            match random % 10 {
                0 | 1 => Fate::Lost,
                2 => Fate::Doubled,
                3 => Fate::Late,
                _ => Fate::Arrives,
            }
        });
        check(&result, &certificate, &format!("seed {seed}, {version:?}"));
    }
}

#[test]
fn a_client_that_falls_silent_is_given_up() {
    let certificate = DtlsCertificate::generate().unwrap();
    for version in [Version::Dtls12, Version::Dtls13] {
        let result = handshake(version, &certificate, |way, nth| match way {
            Way::ToServer if nth >= 1 => Fate::Lost,
            _ => Fate::Arrives,
        });
        assert!(result.failed && result.server.is_none(), "{version:?}: {result:?}");
        assert!(result.us <= 31_000_000, "{version:?}: {} us", result.us);
    }
}

#[test]
fn garbage_ends_nothing() {
    let now = Now { mono_us: 5, unix_us: 0 };
    let associations = Associations::new(Clock::start(), DtlsCertificate::generate().unwrap());
    let mut server = associations.begin(now);
    let mut random = 7u64;
    for len in 0..600usize {
        let mut datagram: Vec<u8> = (0..len)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 56) as u8
            })
            .collect();
        if let Some(first) = datagram.first_mut() {
            *first = 20 + *first % 44;
        }
        server
            .receive(now, &datagram, &mut |output| assert!(!matches!(output, DtlsOutput::Keys(_)), "keys of garbage"));
    }
    assert_eq!(server.poll_timeout(), None, "nothing is sent again");
}

//! Browsers with a handshake that is played: its datagrams say what comes of them.

use super::*;
use crate::dtls::DtlsOutput;
use crate::ice::SILENCE_US;
use crate::ice::tests::{Check, check, credentials};
use crate::{BrowserLoss, BrowserPeer, Fingerprint, OpenBrowser};
use proptest::prelude::*;

const SOCKET: SharedSocket = SharedSocket(0);
const HELLO: u8 = 1;
const CERTIFICATE: u8 = 2;
const KEYS: u8 = 3;
const FAILURE: u8 = 4;
const LOST_FLIGHT: u8 = 5;

/// Reads `[22, what, of whom]`; answers each datagram with `[22, what]`.
#[derive(Default)]
pub(super) struct PlayedDtls {
    due_us: Option<u64>,
}

impl Dtls for PlayedDtls {
    fn receive(&mut self, now: Now, datagram: &[u8], out: &mut dyn FnMut(DtlsOutput<'_>)) {
        let &[_, what, whose] = datagram else { return };
        match what {
            CERTIFICATE => out(DtlsOutput::Certificate(&[whose])),
            KEYS => out(DtlsOutput::Keys(keys(whose))),
            FAILURE => out(DtlsOutput::Failed),
            LOST_FLIGHT => self.due_us = Some(now.mono_us + 200_000),
            _ => {}
        }
        out(DtlsOutput::Datagram(&[22, what]));
    }

    fn handle_timeout(&mut self, now: Now, out: &mut dyn FnMut(DtlsOutput<'_>)) {
        if self.due_us.take_if(|due| *due <= now.mono_us).is_some() {
            out(DtlsOutput::Datagram(&[22, LOST_FLIGHT]));
        }
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.due_us
    }
}

fn keys(whose: u8) -> SrtpKeys {
    let key = |byte: u8| SrtpKey(vec![byte; 28]);
    SrtpKeys { suite: SrtpSuite::AeadAes128Gcm, send: key(whose), receive: key(whose ^ 0xFF) }
}

/// SHA-256 of the one byte that a played certificate is.
fn fingerprint(whose: u8) -> Fingerprint {
    use rtc_crypto::{HashAlgorithm, RTCCrypto};
    let digest = rtc_crypto::providers::AwsLcRsCrypto.hash(HashAlgorithm::Sha256, &[whose]).unwrap();
    Fingerprint(digest.try_into().unwrap())
}

/// A browser with its own numbers.
struct Browser {
    id: EndpointId,
    ours: String,
    theirs: String,
    address: SocketAddr,
    whose: u8,
    guard: Guard,
    header: Header,
}

impl Rig {
    /// Opens an endpoint for a browser; nothing has come of it or been agreed with it.
    fn ring(&mut self, id: EndpointId) -> Browser {
        let (ours, theirs) = (format!("ours{}", id.0), format!("theirs{}", id.0));
        let local = credentials(&ours);
        self.command(Command::OpenBrowser(OpenBrowser { endpoint: id, local, seed: 0x5EED << 32 | id.0 }));
        let whose = id.0 as u8;
        Browser { id, ours, theirs, address: address(whose), whose, guard: theirs_of(whose), header: Header::default() }
    }

    fn agree(&mut self, browser: &Browser) {
        let mut session = session(9, &[PCMU]);
        session.remote = None;
        let ice = credentials(&browser.theirs);
        session.browser = Some(Box::new(BrowserPeer { ice, fingerprint: fingerprint(browser.whose) }));
        self.configure(browser.id, session);
    }

    /// A browser that talks.
    fn browser(&mut self, id: EndpointId) -> Browser {
        let browser = self.ring(id);
        self.agree(&browser);
        self.check(&browser, Check::nominating);
        self.handshake(&browser);
        browser
    }

    fn check(&mut self, browser: &Browser, change: impl FnOnce(Check) -> Check) {
        let mut bytes = change(check(&browser.ours, &browser.theirs)).bytes();
        self.from(browser.address, &mut bytes);
    }

    fn handshake(&mut self, browser: &Browser) {
        for what in [HELLO, CERTIFICATE, KEYS] {
            self.from(browser.address, &mut [22, what, browser.whose]);
        }
    }

    fn from(&mut self, from: SocketAddr, datagram: &mut [u8]) -> Burden {
        let now = self.now();
        self.relay.receive_shared(now, SOCKET, from, datagram, &mut self.world)
    }

    fn says(&mut self, browser: &mut Browser, payload: &[u8]) {
        self.wait(20_000);
        browser.header.sequence += 1;
        browser.header.timestamp += 160;
        browser.header.ssrc = 0xBB00 + browser.id.0 as u32;
        let mut room = [0; 400];
        let plain = browser.header.build(payload, &mut room).to_vec();
        let mut sealed = browser.guard.seal(Kind::Rtp, &plain).unwrap();
        self.from(browser.address, sealed.as_mut());
    }

    /// What a browser has heard since the last look, wherever it was sent.
    fn hears(&mut self, browser: &mut Browser) -> Vec<(SocketAddr, Vec<u8>)> {
        let sent = std::mem::take(&mut self.world.shared);
        let audible = sent.into_iter().filter(|(_, _, bytes)| (128..192).contains(&bytes[0]) && !is_rtcp(bytes));
        audible.filter_map(|(_, to, bytes)| Some((to, browser.guard.open(Kind::Rtp, &bytes)?[12..].to_vec()))).collect()
    }

    fn lost(&self) -> Vec<(EndpointId, BrowserLoss)> {
        let events = self.world.events.iter();
        events
            .filter_map(|event| match event {
                Event::BrowserGone { endpoint, reason } => Some((*endpoint, *reason)),
                _ => None,
            })
            .collect()
    }
}

fn theirs_of(whose: u8) -> Guard {
    let SrtpKeys { suite, send, receive } = keys(whose);
    Guard::new(SrtpKeys { suite, send: receive, receive: send })
}

fn echo(rig: &mut Rig, browser: &Browser) {
    rig.hear(browser.id, &[Source::Endpoint(browser.id)]);
}

#[test]
fn a_browser_is_heard_and_hears_once_its_keys_are_those_of_its_certificate() {
    let mut rig = Rig::default();
    let mut browser = rig.ring(A);
    echo(&mut rig, &browser);
    // All of it before the SDP is known, as when an answer is slow on its way.
    rig.check(&browser, |check| check);
    assert_eq!(rig.from(browser.address, &mut [22, HELLO, 1]), Burden::Heavy);
    assert_eq!(rig.world.shared.last().unwrap().2, [22, HELLO], "answered before it nominates");
    rig.handshake(&browser);
    rig.says(&mut browser, b"early");
    rig.agree(&browser);
    rig.world.shared.clear();
    rig.says(&mut browser, b"heard");
    assert_eq!(rig.hears(&mut browser), [(browser.address, b"heard".to_vec())]);
    assert_eq!(rig.lost(), []);
    let locked = Event::SourceLocked { endpoint: A, source: browser.address };
    assert_eq!(rig.world.events.iter().filter(|event| **event == locked).count(), 1);
}

#[test]
fn a_browser_and_a_phone_talk_and_its_reports_are_read() {
    let mut rig = Rig::default();
    let mut browser = rig.browser(A);
    let mut phone = rig.party(B, &[PCMU]);
    rig.talk();
    rig.says(&mut browser, b"from the browser");
    assert_eq!(rig.heard(phone.slot)[0].2, b"from the browser");
    rig.speak(&mut phone, b"from the phone");
    assert_eq!(rig.hears(&mut browser), [(browser.address, b"from the phone".to_vec())]);
    rig.wait(10_000_000);
    let reports: Vec<_> = rig.world.shared.drain(..).filter(|(_, _, bytes)| is_rtcp(bytes)).collect();
    assert!(!reports.is_empty(), "on the same path as the sound");
    assert!(
        reports.iter().all(|(_, to, bytes)| *to == browser.address && browser.guard.open(Kind::Rtcp, bytes).is_some())
    );
    assert_eq!(rig.lost(), []);
}

#[test]
fn plain_packets_of_a_browser_are_nobodys() {
    let mut rig = Rig::default();
    let browser = rig.ring(A);
    echo(&mut rig, &browser);
    rig.agree(&browser);
    rig.check(&browser, Check::nominating);
    for _ in 0..2 {
        let mut room = [0; 64];
        let mut plain = browser.header.build(b"plain", &mut room).to_vec();
        rig.world.shared.clear();
        rig.from(browser.address, &mut plain);
        assert_eq!(rig.world.shared, []);
        rig.handshake(&browser);
    }
}

#[test]
fn a_browser_with_another_certificate_gets_no_keys_until_it_is_agreed_upon_anew() {
    let mut rig = Rig::default();
    let mut browser = rig.ring(A);
    echo(&mut rig, &browser);
    rig.agree(&browser);
    rig.check(&browser, Check::nominating);
    browser.whose = 66;
    browser.guard = theirs_of(66);
    rig.handshake(&browser);
    assert_eq!(rig.lost(), [(A, BrowserLoss::Certificate)]);
    rig.says(&mut browser, b"not who it said");
    assert_eq!(rig.hears(&mut browser), []);
    rig.handshake(&browser);
    assert_eq!(rig.lost().len(), 1, "told once");
    rig.agree(&browser);
    rig.handshake(&browser);
    rig.says(&mut browser, b"who it says now");
    assert_eq!(rig.hears(&mut browser), [(browser.address, b"who it says now".to_vec())]);
}

#[test]
fn a_handshake_that_fails_is_told_and_lost_flights_are_sent_again_in_time() {
    let mut rig = Rig::default();
    let browser = rig.ring(A);
    rig.agree(&browser);
    rig.check(&browser, Check::nominating);
    rig.from(browser.address, &mut [22, LOST_FLIGHT, 0]);
    rig.world.shared.clear();
    rig.wait(199_000);
    assert_eq!(rig.world.shared, []);
    rig.wait(1_000);
    assert_eq!(rig.world.shared, [(SOCKET, browser.address, vec![22, LOST_FLIGHT])]);
    rig.from(browser.address, &mut [22, FAILURE, 0]);
    assert_eq!(rig.lost(), [(A, BrowserLoss::Handshake)]);
}

#[test]
fn a_browser_that_asks_nothing_for_30_s_is_gone_once_and_may_come_back() {
    let mut rig = Rig::default();
    let browser = rig.ring(A);
    rig.wait(120_000_000);
    assert_eq!(rig.lost(), [], "it may ring as long as it likes");
    rig.agree(&browser);
    for _ in 0..20 {
        rig.wait(SILENCE_US - 1_000);
        rig.check(&browser, |check| check);
    }
    assert_eq!(rig.lost(), []);
    // Neither a stranger's requests nor handshakes keep it alive.
    rig.check(&browser, |mut check| {
        check.pwd = "wrong".into();
        check
    });
    rig.wait(SILENCE_US - 1);
    rig.from(browser.address, &mut [22, HELLO, 1]);
    assert_eq!(rig.lost(), []);
    rig.wait(1);
    assert_eq!(rig.lost(), [(A, BrowserLoss::Silent)]);
    rig.wait(100_000_000);
    assert_eq!(rig.lost().len(), 1);
    rig.check(&browser, |check| check);
    rig.wait(SILENCE_US);
    assert_eq!(rig.lost().len(), 2, "back, and gone again");
}

#[test]
fn a_restart_of_ice_keeps_the_keys_and_moves_the_path_when_the_browser_says_so() {
    let mut rig = Rig::default();
    let mut browser = rig.browser(A);
    echo(&mut rig, &browser);
    let associations = rig.world.associations;
    rig.command(Command::RestartIce { endpoint: A, local: credentials("again") });
    rig.says(&mut browser, b"under way");
    assert_eq!(rig.hears(&mut browser).len(), 1);
    let old = browser.address;
    (browser.address, browser.ours, browser.theirs) = (address(77), "again".into(), "elsewhere".into());
    rig.agree(&browser);
    rig.check(&browser, |check| check);
    rig.says(&mut browser, b"from the new place");
    assert_eq!(rig.hears(&mut browser), [(old, b"from the new place".to_vec())]);
    rig.check(&browser, Check::nominating);
    rig.says(&mut browser, b"there");
    assert_eq!(rig.hears(&mut browser), [(address(77), b"there".to_vec())]);
    assert_eq!(rig.world.associations, associations, "no new handshake");
    rig.command(Command::RestartIce { endpoint: A, local: credentials("again") });
    let refused = Event::Refused { reason: Refusal::FragmentInUse(A) };
    assert_eq!(rig.world.events.last(), Some(&refused));
}

#[test]
fn a_page_that_was_loaded_again_agrees_new_keys_from_its_new_address() {
    let mut rig = Rig::default();
    let mut browser = rig.browser(A);
    echo(&mut rig, &browser);
    rig.says(&mut browser, b"before");
    assert_eq!(rig.hears(&mut browser).len(), 1);
    rig.command(Command::RestartIce { endpoint: A, local: credentials("again") });
    let mut old = rig_of(&browser);
    (browser.address, browser.ours, browser.theirs) = (address(77), "again".into(), "reloaded".into());
    (browser.whose, browser.guard) = (99, theirs_of(99));
    rig.agree(&browser);
    rig.says(&mut old, b"a ghost");
    assert_eq!(rig.hears(&mut old), [], "the old keys are gone");
    rig.check(&browser, |check| check);
    rig.from(browser.address, &mut [22, HELLO, 99]);
    assert_eq!(rig.world.shared.last(), Some(&(SOCKET, address(77), vec![22, HELLO])), "before it nominates");
    rig.handshake(&browser);
    browser.header.ssrc = 5;
    rig.says(&mut browser, b"after");
    assert_eq!(rig.hears(&mut browser), [(address(77), b"after".to_vec())]);
    assert_eq!(rig.lost(), []);
}

fn rig_of(browser: &Browser) -> Browser {
    let Browser { id, address, whose, header, .. } = *browser;
    let mut header = header;
    header.sequence += 1;
    Browser {
        id,
        ours: browser.ours.clone(),
        theirs: browser.theirs.clone(),
        address,
        whose,
        guard: theirs_of(whose),
        header,
    }
}

#[test]
fn twenty_browsers_share_a_socket_and_each_hears_itself() {
    let mut rig = Rig::default();
    let mut browsers: Vec<Browser> = (1..=20).map(|id| rig.browser(EndpointId(id))).collect();
    for browser in &browsers {
        echo(&mut rig, browser);
    }
    for round in 0..3u8 {
        for browser in &mut browsers {
            let words = [browser.whose, round];
            rig.world.shared.clear();
            rig.says(browser, &words);
            assert_eq!(rig.hears(browser), [(browser.address, words.to_vec())]);
        }
    }
    let full = Sizes { endpoints: 20, browsers: 20, browser_fragments: 20, browser_addresses: 20, ..Sizes::default() };
    assert_eq!(rig.relay.sizes(), full);
    for browser in &browsers {
        rig.command(Command::Close(browser.id));
    }
    assert_eq!(rig.relay.sizes(), Sizes::default());
    assert_eq!(rig.relay.poll_timeout(), None);
}

#[test]
fn an_address_belongs_to_whoever_authenticated_it_last() {
    let mut rig = Rig::default();
    let (mut one, mut two) = (rig.browser(A), rig.ring(B));
    two.address = one.address;
    rig.agree(&two);
    rig.check(&two, Check::nominating);
    rig.handshake(&two);
    echo(&mut rig, &two);
    rig.says(&mut two, b"mine now");
    assert_eq!(rig.hears(&mut two).len(), 1);
    rig.command(Command::Close(A));
    rig.says(&mut two, b"still");
    assert_eq!(rig.hears(&mut two).len(), 1);
    one.header.sequence = 1;
    rig.says(&mut one, b"too late");
    assert_eq!(rig.hears(&mut one), []);
}

#[test]
fn what_cannot_be_opened_is_told() {
    let mut rig = Rig::default();
    rig.world.no_browsers = true;
    rig.ring(A);
    let failed = |rig: &Rig| matches!(rig.world.events.last(), Some(Event::OpenFailed { .. }));
    assert!(failed(&rig));
    rig.world.no_browsers = false;
    rig.ring(A);
    assert!(matches!(rig.world.events.last(), Some(Event::Opened { endpoint: A, .. })));
    let local = credentials("ours1");
    rig.command(Command::OpenBrowser(OpenBrowser { endpoint: B, local: local.clone(), seed: 1 }));
    assert!(failed(&rig), "the fragment is in use");
    rig.open(B);
    rig.command(Command::RestartIce { endpoint: B, local });
    assert_eq!(rig.world.events.last(), Some(&Event::Refused { reason: Refusal::NoBrowser(B) }));
}

proptest! {
    /// Whatever strangers send: nothing is remembered of it, and the browsers talk on.
    #[test]
    fn garbage_is_not_remembered(
        garbage in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..120)), 1..60),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
    ) {
        let mut rig = Rig::default();
        let mut browser = rig.browser(A);
        echo(&mut rig, &browser);
        let fragments = rig.relay.browsers.fragments.clone();
        for (host, mut bytes) in garbage {
            rig.from(address(host | 0x80), &mut bytes);
        }
        for (at, flip) in damage {
            let mut bytes = check(&browser.ours, &browser.theirs).nominating().bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= flip.max(1);
            rig.from(address(0xFE), &mut bytes);
        }
        prop_assert_eq!(&rig.relay.browsers.fragments, &fragments);
        prop_assert_eq!(rig.relay.browsers.addresses.len(), 1);
        rig.world.shared.clear();
        rig.says(&mut browser, b"undisturbed");
        prop_assert_eq!(rig.hears(&mut browser), [(browser.address, b"undisturbed".to_vec())]);
    }
}

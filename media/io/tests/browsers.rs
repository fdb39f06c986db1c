//! Browsers over real sockets: many on one, and one whose DTLS is OpenSSL's.
#![expect(clippy::unwrap_used, reason = "a test whose browser cannot begin should say where")]

mod browser;

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use browser::{Browser, PATIENCE, credentials, sha256};
use dimpl::SrtpProfile;
use media::relay::Sizes;
use media::{
    BrowserLoss, BrowserPeer, Codec, Command, EndpointId, Event, Format, Hear, OpenBrowser, PayloadType, Session,
    Source,
};
use media_io::{BrowserPorts, DtlsCertificate, MediaHandle};

struct Switch {
    handle: MediaHandle,
    events: Receiver<Event>,
}

impl Switch {
    fn start() -> Self {
        let (sender, events) = channel();
        let ports = BrowserPorts {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            certificate: DtlsCertificate::generate().unwrap(),
        };
        let handle = media_io::start(Arc::new(move |event| drop(sender.send(event))), Some(ports)).unwrap();
        Self { handle, events }
    }

    fn wait_for<T>(&self, fits: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = fits(&self.events.recv_timeout(PATIENCE).expect("the event in time")) {
                return found;
            }
        }
    }

    /// An endpoint that hears itself, and a browser at it that knows its SDP.
    fn browser(&self, id: u64) -> Browser {
        let (endpoint, local) = (EndpointId(id), credentials(&format!("switch{id}")));
        let open = OpenBrowser { endpoint, local: local.clone(), seed: 0x1234_5678_9ABC_DEF0 ^ id };
        self.handle.send(Command::OpenBrowser(open)).unwrap();
        let at = self.wait_for(|event| match event {
            Event::Opened { endpoint: opened, rtp, .. } if *opened == endpoint => Some(*rtp),
            _ => None,
        });
        self.handle.send(Command::Hear(Hear { sink: endpoint, sources: vec![Source::Endpoint(endpoint)] })).unwrap();
        Browser::new(endpoint, at, local)
    }

    fn agree(&self, endpoint: EndpointId, peer: Box<BrowserPeer>) {
        let mut session = Session::new(None, vec![Format::new(Codec::Pcmu, PayloadType::new(0).unwrap())]);
        session.browser = Some(peer);
        self.handle.send(Command::Configure { endpoint, session }).unwrap();
    }
}

#[test]
fn twenty_browsers_on_one_socket_hear_themselves() {
    let switch = Switch::start();
    let mut browsers: Vec<Browser> = (1..=20).map(|id| switch.browser(id)).collect();
    for browser in &mut browsers {
        switch.agree(browser.endpoint, browser.peer());
        browser.joins(false);
        browser.handshake();
        browser.joins(true);
    }
    for browser in &mut browsers {
        let words = [browser.endpoint.0 as u8; 160];
        let header = browser.hears_itself(&words);
        assert!(header.sequence < 32_768 + 1_000, "the first sequence number lies below 32768");
    }
    switch.handle.send(Command::Close(EndpointId(7))).unwrap();
    let stats = switch.wait_for(|event| match event {
        Event::Closed { stats, .. } => Some(*stats),
        _ => None,
    });
    assert!(stats.received_packets > 0 && stats.sent_packets > 0 && stats.malformed_packets == 0, "{stats:?}");
    // The event is told within the turn after which the sizes are.
    let until = Instant::now() + PATIENCE;
    let full = |sizes: Sizes| [sizes.endpoints, sizes.browsers, sizes.browser_fragments, sizes.browser_addresses];
    while full(switch.handle.sizes()) != [19; 4] {
        assert!(Instant::now() < until, "{:?}", switch.handle.sizes());
        std::thread::yield_now();
    }
}

#[test]
fn a_browser_that_changes_its_network_keeps_its_keys() {
    let switch = Switch::start();
    let mut browser = switch.browser(1);
    switch.agree(browser.endpoint, browser.peer());
    browser.joins(true);
    browser.handshake();
    browser.hears_itself(&[1; 160]);
    let local = credentials("anew");
    switch.handle.send(Command::RestartIce { endpoint: browser.endpoint, local: local.clone() }).unwrap();
    browser.move_away();
    (browser.ours, browser.ice) = (local, credentials("elsewhere"));
    switch.agree(browser.endpoint, browser.peer());
    browser.joins(true);
    browser.hears_itself(&[2; 160]);
    browser.ours = credentials("switch1");
    assert_eq!(browser.check(true), 401, "the old fragment is over");
    browser.ours = credentials("anew");
    browser.ours.pwd.push('!');
    assert_eq!(browser.check(true), 401, "a wrong password");
}

#[test]
fn a_page_that_is_loaded_again_shakes_hands_anew() {
    let switch = Switch::start();
    let mut before = switch.browser(1);
    switch.agree(before.endpoint, before.peer());
    before.joins(true);
    before.handshake();
    before.hears_itself(&[1; 160]);
    let local = credentials("anew");
    switch.handle.send(Command::RestartIce { endpoint: before.endpoint, local: local.clone() }).unwrap();
    let mut after = Browser::new(before.endpoint, before.switch_at, local);
    after.ice = credentials("reloaded");
    switch.agree(after.endpoint, after.peer());
    after.joins(false);
    after.handshake();
    after.hears_itself(&[2; 160]);
}

/// OpenSSL as the DTLS of a browser: its datagrams go through the browser's socket.
struct OpenSsl {
    process: std::process::Child,
    stop: Arc<AtomicBool>,
    pumps: Vec<std::thread::JoinHandle<()>>,
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.process.kill();
        let _ = self.process.wait();
        for pump in self.pumps.drain(..) {
            let _ = pump.join();
        }
    }
}

fn openssl(arguments: &[&str], folder: &Path) -> Vec<u8> {
    let output = Process::new("openssl").args(arguments).current_dir(folder).output().expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl OpenSsl {
    fn connect(browser: &Browser, folder: &Path, profiles: &str) -> Self {
        let tunnel = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = tunnel.local_addr().unwrap().to_string();
        let process = Process::new("openssl")
            .args(["s_client", "-dtls1_2", "-connect", &at, "-cert", "cert.pem", "-key", "key.pem"])
            .args(["-use_srtp", profiles, "-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (client, first) = first_from(&tunnel);
        browser.socket.send_to(&first, browser.switch_at).unwrap();
        let pump = |from: &UdpSocket, to: &UdpSocket, peer: SocketAddr| {
            let (from, to, stop) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(&stop));
            from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 2_048];
                while !stop.load(Ordering::Acquire) {
                    if let Ok(len) = from.recv(&mut buffer) {
                        let _ = to.send_to(&buffer[..len], peer);
                    }
                }
            })
        };
        let pumps = vec![pump(&tunnel, &browser.socket, browser.switch_at), pump(&browser.socket, &tunnel, client)];
        Self { process, stop, pumps }
    }

    /// What it exports when the handshake is over.
    fn material(&mut self) -> (String, Vec<u8>) {
        let mut profile = String::new();
        for line in BufReader::new(self.process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, name)) = line.split_once("profile=") {
                name.clone_into(&mut profile);
            }
            if let Some((_, hex)) = line.split_once("Keying material: ") {
                let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
                return (profile, (0..hex.len()).step_by(2).map(byte).collect());
            }
        }
        panic!("no keys were agreed");
    }
}

fn first_from(tunnel: &UdpSocket) -> (SocketAddr, Vec<u8>) {
    let mut buffer = [0; 2_048];
    tunnel.set_read_timeout(Some(PATIENCE)).unwrap();
    let (len, from) = tunnel.recv_from(&mut buffer).expect("a ClientHello");
    (from, buffer[..len].to_vec())
}

#[test]
fn openssl_agrees_on_the_same_keys_by_either_kind_of_profile() {
    let folder = tempfile::tempdir().unwrap();
    let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=b -days 2";
    openssl(&make.split(' ').collect::<Vec<_>>(), folder.path());
    let der = openssl(&["x509", "-in", "cert.pem", "-outform", "DER"], folder.path());
    let switch = Switch::start();
    let profiles = [
        ("SRTP_AES128_CM_SHA1_80", SrtpProfile::AES128_CM_SHA1_80),
        ("SRTP_AEAD_AES_128_GCM", SrtpProfile::AEAD_AES_128_GCM),
    ];
    for (id, (name, profile)) in (1..).zip(profiles) {
        let mut browser = switch.browser(id);
        let fingerprint = sha256(&der);
        switch.agree(browser.endpoint, Box::new(BrowserPeer { ice: browser.ice.clone(), fingerprint }));
        browser.joins(true);
        let mut openssl = OpenSsl::connect(&browser, folder.path(), name);
        let (agreed, material) = openssl.material();
        assert_eq!(agreed, name);
        drop(openssl);
        browser.take_keys(&material, profile);
        browser.hears_itself(&[id as u8; 160]);
    }
    let mut browser = switch.browser(9);
    // Its SDP speaks of another certificate than OpenSSL has.
    switch.agree(browser.endpoint, browser.peer());
    browser.joins(true);
    let openssl = OpenSsl::connect(&browser, folder.path(), "SRTP_AES128_CM_SHA1_80");
    let reason = switch.wait_for(|event| match event {
        Event::BrowserGone { endpoint: EndpointId(9), reason } => Some(*reason),
        _ => None,
    });
    assert_eq!(reason, BrowserLoss::Certificate);
    drop(openssl);
    browser.take_keys(&[0; 60], SrtpProfile::AES128_CM_SHA1_80);
    browser.send(&[1; 160]);
    assert_eq!(browser.receive(Duration::from_millis(100)), None, "nothing without keys");
}

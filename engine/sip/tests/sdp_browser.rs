//! The descriptions of browsers: ICE, DTLS and one port for everything. Those of Chromium 156 are as it gave them.

use std::net::SocketAddr;

use sip::sdp::{
    BrowserFault, BrowserPeer, Codec, CodecOrder, Direction, Fingerprint, IceCredentials, LocalBrowser, LocalMedia,
    Negotiated, NegotiationError, OfferedSetup, PayloadType, Policy, SessionDescription, accept_answer, answer,
    negotiate, offer, offered, offers_dtls, reoffer,
};

const CHROMIUM: &str = "v=0
o=- 6565797437778033503 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 46fac858-7272-4b31-aa26-4e3966ce5333
m=audio 59282 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 127.0.0.1
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3423213731 1 udp 2122260223 127.0.0.1 59282 typ host generation 0 network-id 1 network-cost 50
a=candidate:849398839 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active generation 0 network-id 1 network-cost 50
a=ice-ufrag:3gpI
a=ice-pwd:EDYIS87olqUTL+Ybelkfc8hs
a=ice-options:trickle
a=fingerprint:sha-256 BB:20:91:FA:EB:27:7B:91:99:C4:ED:F2:43:07:6D:0F:25:65:97:B7:2D:A5:62:1B:90:BB:87:75:DB:55:1C:9D
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:46fac858-7272-4b31-aa26-4e3966ce5333 84487e09-215f-4c9d-b1ca-75200fa308d5
a=rtcp-mux
a=rtcp-rsize
a=rtcp-xr:rcvr-rtt=all
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:2072190873 cname:/hrRbmNCrQ1UyXa0
";

/// What it answers to the offer of [`first_offer`].
const ANSWER: &str = "v=0
o=- 1305736695060852821 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic: WMS 46fac858-7272-4b31-aa26-4e3966ce5333
m=audio 39514 UDP/TLS/RTP/SAVPF 111 9 8 0 101 96
c=IN IP4 127.0.0.1
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1704781273 1 udp 2122260223 127.0.0.1 39514 typ host generation 0 network-id 1 network-cost 50
a=ice-ufrag:ksR3
a=ice-pwd:P/dEX+pKFGrtHRjtlOGElXU+
a=ice-options:trickle
a=fingerprint:sha-256 F3:2B:79:90:DA:C3:BA:1A:A9:A9:B1:7D:5F:ED:40:6A:2C:85:E6:D8:AF:6E:0F:97:A5:DF:50:8C:8F:26:ED:31
a=setup:active
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=rtpmap:96 telephone-event/48000
";

fn payload(number: u8) -> PayloadType {
    PayloadType::new(number).expect("a payload type")
}

fn parse(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).expect("a session description")
}

/// Our codecs as they come to us: both kinds of key presses under one number.
fn codecs() -> Vec<Codec> {
    vec![
        Codec::opus(payload(111)),
        Codec::g722(),
        Codec::pcma(),
        Codec::pcmu(),
        Codec::telephone_event(payload(101), 8_000),
        Codec::telephone_event(payload(101), 48_000),
    ]
}

struct Ours {
    ice: IceCredentials,
    candidates: Vec<SocketAddr>,
    codecs: Vec<Codec>,
}

impl Ours {
    fn new() -> Self {
        Self {
            ice: IceCredentials::new("abcdefgh", "abcdefghijklmnopqrstuvwx").expect("credentials"),
            candidates: vec![
                "203.0.113.1:5004".parse().expect("an address"),
                "[2001:db8::1]:5004".parse().expect("an address"),
            ],
            codecs: codecs(),
        }
    }

    fn local(&self, setup: OfferedSetup) -> LocalMedia<'_> {
        LocalMedia {
            session_id: 7,
            version: 1,
            address: self.candidates[0].ip(),
            port: self.candidates[0].port(),
            rtcp_port: self.candidates[0].port(),
            codecs: &self.codecs,
            direction: Direction::SendRecv,
            packets: sip::sdp::PacketTimes::default(),
            rtcp_mux: true,
            crypto: &[],
            browser: Some(LocalBrowser {
                ice: &self.ice,
                fingerprint: Fingerprint([0xab; 32]),
                candidates: &self.candidates,
                setup,
            }),
        }
    }
}

fn agree(text: &str) -> Result<Negotiated, NegotiationError> {
    let codecs = codecs();
    let policy =
        Policy { codecs: &codecs, order: CodecOrder::Ours, rtcp_mux: false, plain: false, crypto: &[], dtls: true };
    negotiate(&parse(text), &policy)
}

fn answered(text: &str) -> String {
    let (ours, agreed) = (Ours::new(), agree(text).expect("an agreement"));
    answer(&parse(text), &agreed, &ours.local(OfferedSetup::ActPass)).to_string().replace("\r\n", "\n")
}

fn peer(ufrag: &str, pwd: &str, first: u8) -> impl Fn(&BrowserPeer) -> bool {
    let ice = IceCredentials::new(ufrag, pwd).expect("credentials");
    move |peer| peer.ice == ice && peer.fingerprint.0[0] == first
}

#[test]
fn an_offer_of_chromium_is_answered_as_it_wants_it() {
    let agreed = agree(CHROMIUM).expect("an agreement");
    assert!(agreed.browser.as_ref().is_some_and(peer("3gpI", "EDYIS87olqUTL+Ybelkfc8hs", 0xbb)), "{agreed:?}");
    // It finds us: no address of it is believed.
    assert_eq!((agreed.remote_rtp, agreed.remote_rtcp, agreed.rtcp_mux), (None, None, true));
    let clocks: Vec<_> =
        agreed.telephone_events.iter().map(|event| (event.send().number(), event.remote.clock_hz)).collect();
    assert_eq!(clocks, [(126, 8_000), (110, 48_000)]);
    let fingerprint = "AB:".repeat(31) + "AB";
    let expected = format!(
        "v=0
o=- 7 1 IN IP4 203.0.113.1
s=-
c=IN IP4 203.0.113.1
t=0 0
a=ice-lite
a=ice-options:ice2
a=group:BUNDLE 0
m=audio 5004 UDP/TLS/RTP/SAVPF 111 9 8 0 126 110
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:126 telephone-event/8000
a=fmtp:126 0-16
a=rtpmap:110 telephone-event/48000
a=fmtp:110 0-16
a=rtcp-mux
a=mid:0
a=ice-ufrag:abcdefgh
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:passive
a=candidate:1 1 udp 2130706431 203.0.113.1 5004 typ host
a=candidate:2 1 udp 2130706175 2001:db8::1 5004 typ host
a=end-of-candidates
a=sendrecv
"
    );
    assert_eq!(answered(CHROMIUM), expected);
}

#[test]
fn video_in_the_bundle_is_refused_and_audio_is_not() {
    let text = CHROMIUM.replace("BUNDLE 0", "BUNDLE 0 1")
        + "m=video 9 UDP/TLS/RTP/SAVPF 96 97\nc=IN IP4 0.0.0.0\na=mid:1\na=bundle-only\na=rtpmap:96 VP8/90000\n";
    let answer = answered(&text);
    assert!(answer.contains("\na=group:BUNDLE 0\n"), "{answer}");
    assert!(answer.ends_with("m=video 0 UDP/TLS/RTP/SAVPF 96 97\na=mid:1\n"), "{answer}");
    // And where it comes first.
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=mid:1\na=rtpmap:96 VP8/90000\nm=audio";
    let answer = answered(&CHROMIUM.replace("BUNDLE 0", "BUNDLE 1 0").replace("m=audio", video));
    assert!(answer.contains("\na=group:BUNDLE 0\nm=video 0 ") && answer.contains("\nm=audio 5004 "), "{answer}");
}

#[test]
fn without_a_bundle_or_names_the_answer_has_none() {
    let answer = answered(&CHROMIUM.replace("a=group:BUNDLE 0\n", "").replace("a=mid:0\n", ""));
    assert!(!answer.contains("BUNDLE") && !answer.contains("a=mid"), "{answer}");
}

#[test]
fn nothing_that_was_not_asked_for_is_echoed() {
    let answer = answered(CHROMIUM);
    for line in ["extmap", "rtcp-fb", "rtcp-rsize", "rtcp-xr", "a=ssrc", "red/48000", "typ srflx", "59282", "trickle"] {
        assert!(!answer.contains(line), "{line}: {answer}");
    }
}

#[test]
fn what_holds_for_the_session_holds_for_its_audio() {
    let moved = ["a=ice-ufrag:3gpI\n", "a=ice-pwd:EDYIS87olqUTL+Ybelkfc8hs\n", "a=setup:actpass\n"];
    let mut text = moved.iter().fold(CHROMIUM.to_owned(), |text, line| text.replace(line, ""));
    text = text.replace("t=0 0\n", &format!("t=0 0\n{}", moved.concat()));
    let line = CHROMIUM.lines().find(|line| line.starts_with("a=fingerprint")).expect("a fingerprint");
    text = text.replace(&format!("{line}\n"), "").replace("t=0 0\n", &format!("t=0 0\n{line}\n"));
    // As Firefox has it.
    assert_eq!(agree(&text).expect("an agreement").browser, agree(CHROMIUM).expect("an agreement").browser);
}

#[test]
fn what_is_missing_is_named() {
    let line = |name: &str| CHROMIUM.lines().find(|line| line.starts_with(name)).expect("a line").to_owned() + "\n";
    for (without, instead, fault) in [
        (line("a=ice-ufrag"), "", BrowserFault::Ice),
        (line("a=ice-ufrag"), "a=ice-ufrag:abc\n", BrowserFault::Ice),
        (line("a=ice-pwd"), "a=ice-pwd:tooshort\n", BrowserFault::Ice),
        (line("a=ice-pwd"), "a=ice-pwd:EDYIS87olqUTL:Ybelkfc8hs\n", BrowserFault::Ice),
        (line("a=fingerprint"), "", BrowserFault::Fingerprint),
        (line("a=fingerprint"), "a=fingerprint:sha-1 AB:CD\n", BrowserFault::Fingerprint),
        (line("a=fingerprint"), "a=fingerprint:sha-256 AB:CD\n", BrowserFault::Fingerprint),
        (line("a=rtcp-mux"), "", BrowserFault::NotMultiplexed),
        (line("a=setup"), "a=setup:passive\n", BrowserFault::NotActive),
    ] {
        let text = CHROMIUM.replace(&without, instead);
        assert_eq!(agree(&text), Err(NegotiationError::Browser(fault)), "{instead}");
        assert_eq!(offered(&parse(&text)), Err(NegotiationError::Browser(fault)), "{instead}");
    }
    let warning = NegotiationError::from(BrowserFault::Fingerprint).warning("pbx");
    assert_eq!((warning.code, warning.text.as_str()), (399, "audio over dtls needs a fingerprint by sha-256"));
    // A second fingerprint by another hash does no harm.
    let two = CHROMIUM.replace("a=fingerprint", "a=fingerprint:sha-512 AB:CD\na=fingerprint");
    assert_eq!(agree(&two), agree(CHROMIUM));
}

#[test]
fn it_is_taken_only_where_that_is_allowed() {
    let codecs = codecs();
    let policy =
        Policy { codecs: &codecs, order: CodecOrder::Ours, rtcp_mux: true, plain: true, crypto: &[], dtls: false };
    assert_eq!(negotiate(&parse(CHROMIUM), &policy), Err(NegotiationError::NoCommonCrypto));
    assert!(offers_dtls(&parse(CHROMIUM)));
    assert!(!offers_dtls(&parse(&CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"))));
}

#[test]
fn an_address_that_is_not_known_yet_is_no_hold() {
    let trickling = CHROMIUM.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0").replace("m=audio 59282", "m=audio 9");
    assert_eq!(agree(&trickling).expect("an agreement").direction, Direction::SendRecv);
    let held = trickling.replace("a=sendrecv", "a=sendonly");
    assert_eq!(agree(&held).expect("an agreement").direction, Direction::RecvOnly);
}

fn first_offer(ours: &Ours) -> SessionDescription {
    offer(&ours.local(OfferedSetup::ActPass))
}

#[test]
fn our_offer_is_one_that_chromium_answers() {
    let ours = Ours::new();
    let offer = first_offer(&ours);
    let text = offer.to_string();
    for line in [
        "a=ice-lite\r\n",
        "a=group:BUNDLE 0\r\n",
        "m=audio 5004 UDP/TLS/RTP/SAVPF 111 9 8 0 101 96\r\n",
        "a=rtpmap:101 telephone-event/8000\r\n",
        "a=rtpmap:96 telephone-event/48000\r\n",
        "a=mid:0\r\n",
        "a=setup:actpass\r\n",
        "a=rtcp-mux\r\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert_eq!(parse(&text), offer);
    let agreed = accept_answer(&offer, &parse(ANSWER)).expect("an agreement");
    assert!(agreed.browser.as_ref().is_some_and(peer("ksR3", "P/dEX+pKFGrtHRjtlOGElXU+", 0xf3)), "{agreed:?}");
    assert_eq!((agreed.remote_rtp, agreed.codec().receive.number()), (None, 111));
    let passive = ANSWER.replace("setup:active", "setup:passive");
    assert_eq!(accept_answer(&offer, &parse(&passive)), Err(NegotiationError::Browser(BrowserFault::NotActive)));
    let plain = ANSWER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
    assert_eq!(accept_answer(&offer, &parse(&plain)), Err(NegotiationError::NoCommonCrypto));
}

#[test]
fn an_offer_later_keeps_names_and_roles() {
    let ours = Ours::new();
    let first = first_offer(&ours);
    let mut later = reoffer(&first, &ours.local(OfferedSetup::Passive));
    later.follow(&first);
    let expected = first.to_string().replace("o=- 7 1", "o=- 7 2").replace("setup:actpass", "setup:passive");
    assert_eq!(later.to_string(), expected);
    // After their offer: their names and numbers, and what was refused stays so.
    let text = CHROMIUM.replace("BUNDLE 0", "BUNDLE a v").replace("a=mid:0", "a=mid:a")
        + "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:v\na=rtpmap:96 VP8/90000\n";
    let agreed = agree(&text).expect("an agreement");
    let before = answer(&parse(&text), &agreed, &ours.local(OfferedSetup::ActPass));
    let later = reoffer(&before, &ours.local(OfferedSetup::Passive)).to_string();
    for line in [
        "a=group:BUNDLE a\r\n",
        "m=audio 5004 UDP/TLS/RTP/SAVPF 111 9 8 0 126 110\r\n",
        "a=mid:a\r\n",
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n",
    ] {
        assert!(later.contains(line), "{line}{later}");
    }
}

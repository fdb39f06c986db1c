//! Mutated messages: whatever the bytes, nothing panics, and what is accepted is written so that it is accepted again.
//!
//! `FUZZ_ITERATIONS` sets how many; `make fuzz` asks for a million and more.

mod torture;

use bytes::Bytes;
use sip::headers::Headers;
use sip::message::Message;
use sip::multipart;
use sip::parse::{ParseError, StreamEvent, StreamFramer, parse_datagram};
use sip::sdp::{
    Codec, CodecOrder, Crypto, Direction, LocalMedia, PayloadType, Policy, SessionDescription, accept_answer, answer,
    negotiate,
};

/// What `cargo test` does; the rest is for `make fuzz`.
const ITERATIONS_IN_TESTS: u64 = 100_000;

const OTHERS: [&str; 2] = [
    "REGISTER sips:pbx.example.com;lr?a=b SIP/2.0\r\nv: SIP/2.0/WSS x.invalid;branch=z9hG4bK1;rport;received=[2001:db8::1]\r\n\
     f: \"\\\"A\" <sip:a:b@h>;tag=1\r\nt: <tel:+86-138;phone-context=x>\r\ni: 1@a\r\nCSeq: 1 REGISTER\r\nm: *\r\n\
     Authorization: Digest username=\"a\\\"b\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"0\", qop=auth, nc=00000001\r\n\
     Expires: 60\r\nSession-Expires: 90;refresher=uac\r\nRetry-After: 5 (x);duration=3\r\nReplaces: a@b;to-tag=1;from-tag=2\r\n\
     Reason: Q.850;cause=16;text=\"x\", SIP;cause=200\r\nWarning: 304 h \"x\"\r\nEvent: refer;id=1\r\nRAck: 1 1 INVITE\r\n\
     Path: <sip:p;lr>,<sip:q;lr>\r\nPrivacy: id;user\r\nRefer-To: <sip:a@b?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>\r\nl: 0\r\n\r\n",
    "INVITE sip:a@b SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK2\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>\nCall-ID: 2\nCSeq: 1 INVITE\n\
     Content-Type: multipart/mixed;boundary=\"x\"\n\n--x\nContent-Type: application/sdp\n\nv=0\no=- 1 2 IN IP6 ::1\ns=-\nc=IN IP4 0.0.0.0\n\
     t=0 0\nm=audio 5 RTP/AVP 0 8 96 97\na=rtpmap:96 opus/48000/2\na=fmtp:96 a=b\na=rtpmap:97 telephone-event/8000\na=ptime:20\n\
     a=rtcp:6 IN IP4 192.0.2.1\na=sendonly\nm=video 0 RTP/AVP 31\nm=image 7 udptl t38\n--x--\n",
];

const PIECES: [&[u8]; 21] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n ",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b":",
    b"%",
    b"%00",
    b"=",
    b"@",
    b"[",
    b"]",
    b"\0",
    b"\xd6\xd0",
    b"99999999999999999999",
    b"Content-Length: 3\r\n",
    b"--x\n",
];

/// SplitMix64: small, and the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("below a usize")
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let files = [include_str!("torture/rfc4475.txt"), include_str!("torture/rfc5118.txt")];
    let torture = files.iter().flat_map(|file| torture::messages(file)).map(|message| message.bytes.to_vec());
    torture.chain(OTHERS.iter().map(|text| text.as_bytes().to_vec())).collect()
}

fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut message = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(message.len());
        match random.below(7) {
            0 if at < message.len() => message[at] = random.next().to_le_bytes()[0],
            1 if at < message.len() => message[at] ^= 1 << random.below(8),
            2 => message.truncate(at),
            3 => {
                let end = (at + random.below(40)).min(message.len());
                message.drain(at..end);
            }
            4 => {
                let end = (at + random.below(80)).min(message.len());
                let copy = message[at..end].to_vec();
                let to = random.below(message.len());
                message.splice(to..to, copy);
            }
            5 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len());
                message.truncate(at);
                message.extend_from_slice(&other[from..]);
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                message.splice(at..at, piece.iter().copied());
            }
        }
    }
    message
}

/// Asks for everything that can be asked for.
fn read_everything(headers: &Headers) {
    headers.vias().flatten().for_each(|via| {
        let _ = (via.branch(), via.received(), via.rport(), via.ttl(), via.known_transport(), via.to_bytes());
    });
    for address in [headers.from(), headers.to()].into_iter().flatten() {
        let _ = (
            address.display(),
            address.tag(),
            address.to_bytes(),
            address.uri.user(),
            address.uri.matches(&address.uri),
        );
    }
    let lists = [headers.routes(), headers.record_routes(), headers.paths(), headers.p_asserted_identity()];
    lists.into_iter().flatten().flatten().for_each(|address| {
        let _ = (
            address.q(),
            address.expires(),
            address.instance(),
            address.reg_id(),
            address.uri.as_sip().map(|uri| {
                (uri.is_loose_router(), uri.headers().count(), uri.without_param("lr"), uri.with_param("a", "b c"))
            }),
        );
    });
    let _ = (headers.call_id(), headers.cseq(), headers.max_forwards(), headers.contacts(), headers.expires());
    let _ = (headers.min_expires(), headers.min_se(), headers.session_expires(), headers.content_length());
    let _ = (headers.content_type(), headers.retry_after(), headers.rack(), headers.rseq(), headers.replaces());
    let _ = (headers.event(), headers.refer_to(), headers.referred_by(), headers.authentication_info());
    let _ =
        (headers.subscription_state(), headers.refer_sub(), headers.diversions().count(), headers.history().count());
    let _ = (headers.reasons().count(), headers.warnings().count(), headers.privacy().count(), headers.allow().count());
    let credentials = headers.authorizations().chain(headers.www_authenticates()).flatten();
    credentials.for_each(|credentials| {
        let _ = (credentials.iter().count(), credentials.get("username"), credentials.get("nc"));
    });
}

fn read_description(bytes: &[u8]) {
    let Ok(offer) = SessionDescription::parse(bytes) else { return };
    let ours = [
        Codec::pcma(),
        Codec::opus(PayloadType::new(111).expect("a payload type")),
        Codec::telephone_event(PayloadType::new(101).expect("a payload type"), 8_000),
    ];
    let again = SessionDescription::parse(&offer.to_bytes()).expect("what is written reads again");
    assert_eq!(again.media.len(), offer.media.len());
    let keys = Crypto::offered(&mut sip::random::Random::from_seed([1; 32]));
    let policy =
        Policy { codecs: &ours, order: CodecOrder::Ours, rtcp_mux: true, plain: true, crypto: &keys, dtls: true };
    let Ok(agreed) = negotiate(&offer, &policy) else { return };
    let local = LocalMedia {
        session_id: 1,
        version: 1,
        address: "192.0.2.1".parse().expect("an address"),
        port: 20_000,
        rtcp_port: 20_001,
        codecs: &ours,
        direction: Direction::SendRecv,
        packets: sip::sdp::PacketTimes::default(),
        rtcp_mux: true,
        crypto: &[],
        browser: None,
    };
    let answered = answer(&offer, &agreed, &local);
    assert_eq!(answered.media.len(), offer.media.len());
    let _ = accept_answer(&offer, &answered);
}

fn check(bytes: Vec<u8>, random: &mut Random) {
    let bytes = Bytes::from(bytes);
    match parse_datagram(bytes.clone()) {
        Ok(message) => {
            read_everything(message.headers());
            if let Ok(Some(part)) = multipart::find(message.headers(), message.body(), "application", "sdp") {
                read_description(&part.body);
            }
            let again = parse_datagram(message.to_bytes()).expect("what is written is accepted");
            assert_eq!(again.body(), message.body());
            assert!(matches!(
                (&again, &message),
                (Message::Request(_), Message::Request(_)) | (Message::Response(_), Message::Response(_))
            ));
        }
        Err(ParseError::BadRequest(bad)) => {
            let answer = bad.response("tag").map(|answer| answer.to_bytes());
            assert!(answer.is_none_or(|answer| answer.starts_with(b"SIP/2.0 ")));
        }
        Err(ParseError::BadResponse(_) | ParseError::NotSip(_) | ParseError::KeepAlive(_)) => {}
    }
    read_description(&bytes);
    let mut framer = StreamFramer::new();
    let chunk = 1 + random.below(200);
    for piece in bytes.chunks(chunk) {
        framer.push(piece);
        while let Some(event) = framer.next_event() {
            if matches!(event, StreamEvent::Close(_)) {
                return;
            }
        }
    }
}

#[test]
fn mutated_messages_never_panic() {
    let wanted = std::env::var("FUZZ_ITERATIONS").ok().and_then(|text| text.parse().ok());
    let corpus = corpus();
    for seed in 0..wanted.unwrap_or(ITERATIONS_IN_TESTS) {
        let mut random = Random(seed);
        let bytes = mutate(&mut random, &corpus);
        let kept = bytes.clone();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(bytes, &mut random)));
        assert!(outcome.is_ok(), "seed {seed}: {:?}", String::from_utf8_lossy(&kept));
    }
}

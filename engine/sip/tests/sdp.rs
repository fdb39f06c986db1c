//! Session descriptions and what offer and answer agree on.

use sip::random::Random;
use sip::sdp::{
    Codec, CodecOrder, Crypto, CryptoSuite, Direction, LocalMedia, Negotiated, NegotiationError, PacketTimes,
    PayloadType, Policy, SessionDescription, accept_answer, answer, negotiate, offer, offered, offers_crypto, reoffer,
};

const PHONE: &str = "v=0\r\no=- 3747 3747 IN IP4 192.0.2.4\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 96 9 8 0 18 3 101 102 13\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=10\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=rtpmap:102 telephone-event/48000\r\na=ptime:20\r\n\
    m=video 4002 RTP/AVP 31\r\nm=image 4004 udptl t38\r\na=T38FaxVersion:0\r\n";

fn payload(number: u8) -> PayloadType {
    PayloadType::new(number).expect("a payload type")
}

fn parse(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).expect("a session description")
}

fn our_codecs() -> Vec<Codec> {
    vec![
        Codec::opus(payload(111)),
        Codec::pcma(),
        Codec::pcmu(),
        Codec::telephone_event(payload(97), 8_000),
        Codec::telephone_event(payload(98), 48_000),
    ]
}

fn local(codecs: &[Codec]) -> LocalMedia<'_> {
    LocalMedia {
        session_id: 7,
        version: 1,
        address: "203.0.113.1".parse().expect("an address"),
        port: 20_000,
        rtcp_port: 20_001,
        codecs,
        direction: Direction::SendRecv,
        packets: PacketTimes { best_ms: Some(20), most_ms: None },
        rtcp_mux: false,
        crypto: &[],
        browser: None,
    }
}

fn agree(text: &str, order: CodecOrder) -> Result<Negotiated, NegotiationError> {
    negotiate(
        &parse(text),
        &Policy { codecs: &our_codecs(), order, rtcp_mux: false, plain: true, crypto: &[], dtls: false },
    )
}

fn names(agreed: &Negotiated) -> Vec<String> {
    agreed.codecs.iter().map(|codec| format!("{} {}", codec.send(), codec.remote.encoding.as_str())).collect()
}

#[test]
fn offer_is_read_with_static_and_dynamic_payload_types() {
    let phone = parse(PHONE);
    let codecs: Vec<_> = phone.media[0].codecs.iter().map(|codec| codec.encoding.as_str().to_owned()).collect();
    let expected =
        ["opus", "G722", "PCMA", "PCMU", "G729", "GSM", "telephone-event", "telephone-event", "CN"].map(str::to_owned);
    assert_eq!(codecs, expected);
    assert_eq!(phone.media[0].codecs[0].fmtp.as_deref(), Some("minptime=10"));
    assert_eq!(phone.media[2].attribute("T38FaxVersion"), Some("0"));
}

#[test]
fn answer_keeps_the_lines_and_refuses_video_and_fax() {
    let agreed = agree(PHONE, CodecOrder::Theirs).unwrap();
    assert_eq!(names(&agreed), ["96 opus", "8 PCMA", "0 PCMU"]);
    assert_eq!(agreed.remote_rtp, Some("192.0.2.4:4000".parse().unwrap()));
    assert_eq!(agreed.remote_rtcp, Some("192.0.2.4:4001".parse().unwrap()));
    let text = answer(&parse(PHONE), &agreed, &local(&our_codecs())).to_string();
    let expected = "v=0\r\no=- 7 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n\
        m=audio 20000 RTP/AVP 96 8 0 101 102\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=10;useinbandfec=1\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
        a=rtpmap:102 telephone-event/48000\r\na=fmtp:102 0-16\r\na=ptime:20\r\na=sendrecv\r\n\
        m=video 0 RTP/AVP 31\r\nm=image 0 udptl t38\r\n";
    assert_eq!(text, expected);
}

#[test]
fn our_order_decides_where_it_shall() {
    let offer = PHONE.replace("96 9 8 0 18", "0 8 96");
    assert_eq!(names(&agree(&offer, CodecOrder::Ours).unwrap()), ["96 opus", "8 PCMA", "0 PCMU"]);
    assert_eq!(names(&agree(&offer, CodecOrder::Theirs).unwrap()), ["0 PCMU", "8 PCMA", "96 opus"]);
}

#[test]
fn each_clock_has_its_own_key_presses() {
    let agreed = agree(PHONE, CodecOrder::Theirs).unwrap();
    let event_for = |codec: &Codec| agreed.telephone_event_for(codec).unwrap().send().number();
    assert_eq!(event_for(&Codec::pcmu()), 101);
    assert_eq!(event_for(&Codec::opus(payload(96))), 102);
}

#[test]
fn no_common_codec_and_no_audio_are_told_apart() {
    let g729 = "v=0\no=- 1 1 IN IP4 192.0.2.4\ns=-\nc=IN IP4 192.0.2.4\nt=0 0\nm=audio 4000 RTP/AVP 18 101\n\
        a=rtpmap:101 telephone-event/8000\n";
    let error = agree(g729, CodecOrder::Theirs).unwrap_err();
    assert_eq!((error, error.warning("pbx").code), (NegotiationError::NoCommonCodec, 305));
    let error = agree(&g729.replace("audio 4000", "video 4000"), CodecOrder::Theirs).unwrap_err();
    assert_eq!((error, error.warning("pbx").code), (NegotiationError::NoAudio, 304));
    assert_eq!(agree(&g729.replace("4000", "0"), CodecOrder::Theirs), Err(NegotiationError::NoAudio));
}

#[test]
fn direction_is_mirrored() {
    let direction = |said: &str| {
        let offer = PHONE.replace("a=ptime:20\r\n", &format!("{said}\r\n"));
        let agreed = agree(&offer, CodecOrder::Theirs).unwrap();
        let answered = answer(&parse(&offer), &agreed, &local(&our_codecs())).media[0].direction.unwrap();
        (agreed.direction, answered, agreed.remote_rtp.is_some())
    };
    assert_eq!(direction("a=sendonly"), (Direction::RecvOnly, Direction::RecvOnly, true));
    assert_eq!(direction("a=recvonly"), (Direction::SendOnly, Direction::SendOnly, true));
    assert_eq!(direction("a=inactive"), (Direction::Inactive, Direction::Inactive, true));
    // RFC 3264 §8.4: hold as RFC 2543 had it.
    assert_eq!(direction("c=IN IP4 0.0.0.0"), (Direction::RecvOnly, Direction::RecvOnly, false));
    let session_level = PHONE.replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
    assert_eq!(agree(&session_level, CodecOrder::Theirs).unwrap().direction, Direction::RecvOnly);
}

#[test]
fn each_side_keeps_its_own_payload_types() {
    let codecs = our_codecs();
    let ours = offer(&local(&codecs));
    let reply = parse(
        "v=0\r\no=- 5 5 IN IP6 2001:db8::5\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 120 121\r\n\
         c=IN IP6 2001:db8::5\r\na=rtpmap:120 OPUS/48000/2\r\na=rtpmap:121 telephone-event/48000\r\na=rtcp:7000\r\n",
    );
    let agreed = accept_answer(&ours, &reply).unwrap();
    assert_eq!((agreed.codec().send().number(), agreed.codec().receive.number()), (120, 111));
    assert_eq!((agreed.telephone_events[0].send().number(), agreed.telephone_events[0].receive.number()), (121, 98));
    assert_eq!(agreed.remote_rtcp, Some("[2001:db8::5]:7000".parse().unwrap()));
}

#[test]
fn answer_that_does_not_fit_is_refused() {
    let codecs = our_codecs();
    let ours = offer(&local(&codecs));
    assert_eq!(accept_answer(&ours, &parse(PHONE)), Err(NegotiationError::AnswerDoesNotFit));
    let mut refused = ours.clone();
    refused.media[0].port = 0;
    assert_eq!(accept_answer(&ours, &refused), Err(NegotiationError::NoAudio));
}

#[test]
fn version_counts_changes_only() {
    let codecs = our_codecs();
    let first = offer(&local(&codecs));
    let mut same = offer(&local(&codecs));
    same.follow(&first);
    assert_eq!(same.origin.version, 1);
    let mut held = offer(&LocalMedia { direction: Direction::SendOnly, ..local(&codecs) });
    held.follow(&first);
    assert_eq!(held.origin.version, 2);
}

#[test]
fn malformed_descriptions_say_what_is_wrong() {
    let reason = |text: &str| SessionDescription::parse(text.as_bytes()).unwrap_err().reason();
    assert_eq!(reason("hello"), "it does not begin with v=0");
    assert_eq!(reason("v=0\r\ns=-\r\n"), "it has no o=");
    assert_eq!(reason(&PHONE.replace("m=audio 4000", "m=audio 70000")), "an m-line is malformed");
    assert_eq!(reason(&PHONE.replace("c=IN IP4 192.0.2.4", "c=IN IP4")), "a c= is malformed");
    assert_eq!(
        reason(&format!("{PHONE}{}", "m=audio 1 RTP/AVP 0\r\n".repeat(40))),
        "it has more m-lines than are accepted"
    );
    assert_eq!(reason(&format!("{PHONE}{}", "a=x\r\n".repeat(3_000))), "it has more lines than are accepted");
}

#[test]
fn what_is_written_reads_the_same() {
    let phone = parse(PHONE);
    assert_eq!(parse(&phone.to_string()), phone);
}

#[test]
fn multiplexed_rtcp_is_agreed_only_if_both_want_it() {
    let offer = PHONE.replace("a=ptime:20\r\n", "a=rtcp-mux\r\n");
    assert_eq!(agree(&offer, CodecOrder::Theirs).unwrap().remote_rtcp, Some("192.0.2.4:4001".parse().unwrap()));
    let policy = Policy {
        codecs: &our_codecs(),
        order: CodecOrder::Theirs,
        rtcp_mux: true,
        plain: true,
        crypto: &[],
        dtls: false,
    };
    let agreed = negotiate(&parse(&offer), &policy).unwrap();
    assert_eq!((agreed.rtcp_mux, agreed.remote_rtcp), (true, Some("192.0.2.4:4000".parse().unwrap())));
}

#[test]
fn a_later_offer_keeps_places_and_payload_types_and_counts_its_version_up() {
    let phone = parse(PHONE);
    let agreed = agree(PHONE, CodecOrder::Ours).unwrap();
    let before = answer(&phone, &agreed, &local(&our_codecs()));
    // The phone's 96 is Opus, and its 101 key presses: the new codecs come with numbers that mean something else.
    let codecs = [Codec::telephone_event(payload(96), 8_000), Codec::opus(payload(101)), Codec::pcmu()];
    let mut later = reoffer(&before, &local(&codecs));
    later.follow(&before);
    let media: Vec<String> = later
        .media
        .iter()
        .map(|media| format!("{:?} {} {}", media.kind, media.port, media.formats.join(" ")))
        .collect();
    assert_eq!(media, ["Audio 20000 101 96 0", "Video 0 31", "Image 0 t38"]);
    assert_eq!((later.origin.version, later.origin.session_id.as_str()), (2, "7"));

    // A format that was not there before takes a number that no other has.
    let mut speex = Codec::opus(payload(96));
    speex.encoding = sip::sdp::Encoding::Other("speex".into());
    let later = reoffer(&before, &local(&[speex, Codec::pcma()]));
    assert_eq!(later.media[0].formats, ["97", "8"]);

    // Where the session before had no audio, there is nothing to keep.
    let nothing = parse("v=0\r\no=- 1 1 IN IP4 192.0.2.4\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n");
    assert_eq!(reoffer(&nothing, &local(&our_codecs())), offer(&local(&our_codecs())));
}

const KEY: &str = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

/// An offer of SRTP with these values of `a=crypto`.
fn secured(lines: &[&str]) -> SessionDescription {
    let lines: String = lines.iter().map(|line| format!("a=crypto:{line}\r\n")).collect();
    parse(&PHONE.replace("RTP/AVP 96", "RTP/SAVP 96").replace("a=ptime:20\r\n", &format!("a=ptime:20\r\n{lines}")))
}

fn our_keys() -> Vec<Crypto> {
    Crypto::offered(&mut Random::from_seed([3; 32]))
}

fn agree_secured(offer: &SessionDescription, plain: bool) -> Result<Negotiated, NegotiationError> {
    let (codecs, keys) = (our_codecs(), our_keys());
    negotiate(
        offer,
        &Policy { codecs: &codecs, order: CodecOrder::Ours, rtcp_mux: false, plain, crypto: &keys, dtls: false },
    )
}

#[test]
fn an_answer_takes_the_first_key_that_we_can_use_under_its_tag() {
    let offer = secured(&[
        "1 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm",
        &format!("7 AES_CM_128_HMAC_SHA1_32 {KEY}|2^31"),
        &format!("8 AES_CM_128_HMAC_SHA1_80 {KEY}"),
    ]);
    assert!(offers_crypto(&offer) && offered(&offer).is_ok());
    let agreed = agree_secured(&offer, true).unwrap();
    let crypto = agreed.crypto.clone().unwrap();
    assert_eq!((crypto.remote.tag, crypto.remote.suite), (7, CryptoSuite::AesCm128HmacSha1_32));
    assert_ne!(crypto.local.key, crypto.remote.key);
    let text = answer(&offer, &agreed, &local(&our_codecs())).to_string();
    assert!(text.contains("m=audio 20000 RTP/SAVP "), "{text}");
    assert_eq!(text.matches("a=crypto:").count(), 1, "{text}");
    assert!(text.contains(&format!("a=crypto:{}\r\n", crypto.local.value())), "{text}");
    // The peer reads the same of it.
    let theirs = accept_answer(&offer, &parse(&text)).unwrap().crypto.unwrap();
    assert_eq!((theirs.local, theirs.remote), (crypto.remote, crypto.local));
}

#[test]
fn what_is_not_as_secret_as_wanted_is_not_taken() {
    let good = format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    assert!(agree_secured(&secured(&[&good]), false).is_ok());
    assert_eq!(agree_secured(&parse(PHONE), false), Err(NegotiationError::NoCommonCrypto));
    assert!(agree_secured(&parse(PHONE), true).unwrap().crypto.is_none());
    for lines in [&[][..], &["1 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm"]] {
        assert_eq!(agree_secured(&secured(lines), true), Err(NegotiationError::NoCommonCrypto));
        assert_eq!(offered(&secured(lines)), Err(NegotiationError::NoCommonCrypto));
        assert!(!offers_crypto(&secured(lines)));
    }
    // Keys beside plain audio mean nothing (RFC 4568 §3.1 binds them to a transport that is secured).
    let plain = parse(&PHONE.replace("a=ptime:20\r\n", &format!("a=ptime:20\r\na=crypto:{good}\r\n")));
    assert!(!offers_crypto(&plain) && agree_secured(&plain, true).unwrap().crypto.is_none());
}

#[test]
fn an_offer_of_ours_that_is_encrypted_is_answered_so_or_not_at_all() {
    let (codecs, keys) = (our_codecs(), our_keys());
    let ours = offer(&LocalMedia { crypto: &keys, ..local(&codecs) });
    let text = ours.to_string();
    assert!(text.contains("m=audio 20000 RTP/SAVP "), "{text}");
    assert_eq!(text.matches("a=crypto:").count(), 4, "{text}");
    let peer = |protocol: &str, line: &str| {
        parse(&format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.4\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\nm=audio 4000 {protocol} 8\r\n{line}"
        ))
    };
    let second = format!("a=crypto:2 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n");
    let agreed = accept_answer(&ours, &peer("RTP/SAVP", &second)).unwrap().crypto.unwrap();
    assert_eq!(agreed.local, keys[1]);
    for (protocol, line) in [
        ("RTP/AVP", ""),
        ("RTP/AVP", second.as_str()),
        ("RTP/SAVP", ""),
        // A tag that was not offered, and a suite under the tag of another.
        ("RTP/SAVP", &second.replace("crypto:2", "crypto:9")),
        ("RTP/SAVP", &second.replace("crypto:2", "crypto:1")),
    ] {
        let refused = accept_answer(&ours, &peer(protocol, line));
        assert_eq!(refused, Err(NegotiationError::NoCommonCrypto), "{protocol} {line}");
    }
    // An answer of SRTP to a plain offer is none.
    let plain = offer(&local(&codecs));
    assert_eq!(accept_answer(&plain, &peer("RTP/SAVP", &second)), Err(NegotiationError::NoCommonCrypto));
    // What follows in the session keeps its key.
    let again = reoffer(&ours, &LocalMedia { crypto: std::slice::from_ref(&keys[1]), ..local(&codecs) }).to_string();
    assert!(again.contains("RTP/SAVP") && again.matches("a=crypto:").count() == 1, "{again}");
}

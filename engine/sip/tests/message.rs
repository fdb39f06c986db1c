//! Parsing and writing of ordinary messages.

use bytes::Bytes;
use sip::headers::{Contacts, HeaderName};
use sip::message::{Message, Method, Request, Response, StatusCode};
use sip::parse::{KeepAlive, ParseError, parse_datagram};

const INVITE: &str = "INVITE sip:bob@biloxi.example.com;transport=tcp SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.4:5062;rport;branch=z9hG4bK776asdhds, SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK2\r\n\
    v: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK3\r\n\
    Max-Forwards: 70\r\n\
    t: Bob <sip:bob@biloxi.example.com>\r\n\
    f: \"Alice, \\\"A\\\"\" <sip:alice@atlanta.example.com;user=phone>;tag=1928301774\r\n\
    i: a84b4c76e66710@pc33.atlanta.example.com\r\n\
    CSeq: 314159 INVITE\r\n\
    m: <sip:alice@192.0.2.4:5062;ob>;q=0.7;expires=60;+sip.instance=\"<urn:uuid:f81d4fae>\";reg-id=1,\r\n  <tel:+1-201-555-0123>\r\n\
    c: application/sdp\r\n\
    l: 4\r\n\
    \r\n\
    v=0\n";

fn request(text: &str) -> Request {
    match parse_datagram(Bytes::copy_from_slice(text.as_bytes())).expect("a good message") {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

#[test]
fn invite_is_read_with_all_its_parts() {
    let invite = request(INVITE);
    assert_eq!(invite.method, Method::Invite);
    assert_eq!(invite.uri.as_sip().unwrap().param("transport"), Some("tcp"));
    let vias: Vec<_> = invite.headers.vias().map(Result::unwrap).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(vias[0].port, Some(5062));
    assert_eq!(vias[1].host.to_string(), "[2001:db8::1]");
    assert_eq!(vias[2].branch(), Some("z9hG4bK3"));
    let from = invite.headers.from().unwrap();
    assert_eq!(&*from.display(), b"Alice, \"A\"");
    assert_eq!(from.tag(), Some("1928301774"));
    assert_eq!(invite.headers.call_id().unwrap(), "a84b4c76e66710@pc33.atlanta.example.com");
    let Contacts::List(contacts) = invite.headers.contacts().unwrap() else { panic!("wildcard") };
    assert_eq!((contacts[0].q(), contacts[0].expires(), contacts[0].reg_id()), (Some(700), Some(60), Some(1)));
    assert_eq!(contacts[0].instance().as_deref(), Some("urn:uuid:f81d4fae"));
    assert_eq!(contacts[1].uri.user().as_deref(), Some("+1-201-555-0123"));
    assert_eq!(&invite.body[..], b"v=0\n");
}

#[test]
fn what_is_written_reads_the_same() {
    let mut invite = request(INVITE);
    assert!(invite.headers.pop_via());
    invite.headers.push(HeaderName::Subject, "one\r\nInjected: yes");
    let again = parse_datagram(invite.to_bytes()).unwrap();
    assert_eq!(again.headers().vias().count(), 2);
    assert_eq!(again.headers().get(&HeaderName::Subject), Some(&b"one  Injected: yes"[..]));
    assert_eq!(again.body(), &invite.body);
}

#[test]
fn response_copies_what_identifies_the_request() {
    let response = Response::to_request(&request(INVITE), StatusCode::RINGING, Some("abc"));
    let text = String::from_utf8(response.to_bytes().to_vec()).unwrap();
    assert!(text.starts_with("SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.4:5062;rport;branch=z9hG4bK776asdhds, "));
    assert!(text.contains("To: Bob <sip:bob@biloxi.example.com>;tag=abc\r\n"), "{text}");
    assert!(text.ends_with("CSeq: 314159 INVITE\r\nContent-Length: 0\r\n\r\n"), "{text}");
}

#[test]
fn nul_at_the_end_of_a_value_hides_nothing() {
    let text = INVITE.replace("t: Bob <sip:bob", "t:\0 \"Bob <sip:bob");
    let Err(ParseError::BadRequest(bad)) = parse_datagram(text.into()) else { panic!("accepted") };
    assert_eq!(bad.reason, "the To header field is malformed: a quoted string does not end");
}

#[test]
fn line_ends_alone_are_keep_alives() {
    let parsed = |text: &'static str| parse_datagram(Bytes::from_static(text.as_bytes()));
    assert!(matches!(parsed("\r\n\r\n"), Err(ParseError::KeepAlive(KeepAlive::Ping))));
    assert!(matches!(parsed("\r\n"), Err(ParseError::KeepAlive(KeepAlive::Pong))));
}

#[test]
fn bad_request_can_be_answered() {
    let text = INVITE.replace("CSeq: 314159 INVITE", "CSeq: 314159 BYE");
    let Err(ParseError::BadRequest(bad)) = parse_datagram(text.into()) else { panic!("accepted") };
    let answer = bad.response("xyz").unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers.vias().count(), 3);
}

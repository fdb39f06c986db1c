//! What is built, written and read again is the same, whatever text was put in.

use bytes::Bytes;
use proptest::prelude::*;
use sip::headers::{HeaderName, NameAddr};
use sip::message::{Message, Method, Request, Response, StatusCode};
use sip::parse::parse_datagram;
use sip::uri::{Host, SipUri, Uri};

fn clean(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], " ").trim_matches([' ', '\t']).to_owned()
}

fn request(user: &str, display: &str, tag: &str) -> Request {
    let host: Host = "pbx.example.com".parse().expect("a host");
    let target = Uri::Sip(SipUri::new(Some(user), &host, None));
    Request::new(Method::Invite, target.clone())
        .with(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
        .with(HeaderName::From, NameAddr::new(target.clone()).with_display(display).with_tag(tag))
        .with(HeaderName::To, NameAddr::new(target))
        .with(HeaderName::CallId, "1@192.0.2.1")
        .with(HeaderName::CSeq, "1 INVITE")
}

proptest! {
    #[test]
    fn any_text_survives_and_none_injects(
        user in "\\PC{1,20}", display in "[^\\x00-\\x1f\\x7f]{0,30}", subject in ".{0,40}",
        tag in "[a-zA-Z0-9.~-]{1,20}", body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut sent = request(&user, &display, &tag).with(HeaderName::Subject, subject.as_str());
        sent.set_body("application/octet-stream", body.clone());
        let Ok(Message::Request(read)) = parse_datagram(sent.to_bytes()) else {
            return Err(TestCaseError::fail(format!("{:?}", sent.to_bytes())));
        };
        prop_assert_eq!(read.headers.len(), sent.headers.len() + 1);
        prop_assert_eq!(read.uri.user().expect("a user").into_owned(), user);
        let from = read.headers.from().expect("from");
        prop_assert_eq!(from.display().into_owned(), display.into_bytes());
        prop_assert_eq!(from.tag(), Some(tag.as_str()));
        prop_assert_eq!(read.headers.get_text(&HeaderName::Subject).expect("subject").into_owned(), clean(&subject));
        prop_assert_eq!(&read.body[..], &body[..]);
    }

    #[test]
    fn display_names_are_bytes_of_any_encoding(display in proptest::collection::vec(128u8..=255, 1..30)) {
        let mut sent = request("1001", "", "t");
        let quoted = [b"\"", &display[..], b"\" <sip:1001@pbx.example.com>;tag=t"].concat();
        sent.headers.replace(HeaderName::From, Bytes::from(quoted));
        let read = parse_datagram(sent.to_bytes()).expect("a good message");
        let from = read.headers().from().expect("from");
        prop_assert_eq!(from.display().into_owned(), display.clone());
        let Message::Request(read) = read else { return Err(TestCaseError::fail("a response")) };
        let answer = Response::to_request(&read, StatusCode::OK, Some("u"));
        let answered = parse_datagram(answer.to_bytes()).expect("a good response");
        prop_assert_eq!(answered.headers().from().expect("from").display().into_owned(), display);
    }
}

#[test]
fn gbk_display_name_without_quotes_is_kept() {
    let mut sent = request("1001", "", "t");
    sent.headers.replace(HeaderName::From, Bytes::from_static(b"\xd6\xd0\xb9\xfa <sip:1001@pbx.example.com>;tag=t"));
    let read = parse_datagram(sent.to_bytes()).unwrap();
    let from = read.headers().from().unwrap();
    assert_eq!(&*from.display(), b"\xd6\xd0\xb9\xfa");
    // RFC 3261 §25.1: a display name that is no token must be quoted.
    assert_eq!(from.to_bytes(), b"\"\xd6\xd0\xb9\xfa\" <sip:1001@pbx.example.com>;tag=t");
}

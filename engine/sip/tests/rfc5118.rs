//! Every message of RFC 5118 with the verdict that the RFC demands.

mod torture;

use sip::headers::HeaderName;
use sip::message::{Message, Request};
use sip::parse::{ParseError, parse_datagram};
use sip::sdp::SessionDescription;

const MESSAGES: &str = include_str!("torture/rfc5118.txt");

fn request(name: &str) -> Request {
    match parse_datagram(torture::message(MESSAGES, name)) {
        Ok(Message::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn all_but_the_address_without_brackets_are_accepted() {
    for message in torture::messages(MESSAGES) {
        let parsed = parse_datagram(message.bytes);
        if message.name == "ipv6-bad" {
            // §4.2: "should respond with a 400 Bad Request error".
            assert!(matches!(parsed, Err(ParseError::BadRequest(bad)) if bad.status.code() == 400));
        } else {
            let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", message.name));
            assert!(parsed.headers().vias().all(|via| via.is_ok()), "{}", message.name);
            assert!(parsed.headers().contacts().is_ok(), "{}", message.name);
        }
    }
}

#[test]
fn a_port_in_brackets_is_part_of_the_address() {
    let ambiguous = request("port-ambiguous");
    let uri = ambiguous.uri.as_sip().unwrap();
    assert_eq!((uri.host().to_string().as_str(), uri.port()), ("[2001:db8::10:5070]", None));
    let unambiguous = request("port-unambiguous");
    let uri = unambiguous.uri.as_sip().unwrap();
    assert_eq!((uri.host().to_string().as_str(), uri.port()), ("[2001:db8::10]", Some(5070)));
}

#[test]
fn received_may_have_brackets_or_none() {
    let expected = Some("2001:db8::9:255".parse().unwrap());
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        assert_eq!(request(name).headers.top_via().unwrap().received(), expected, "{name}");
    }
}

#[test]
fn written_received_has_no_brackets() {
    let mut via = request("ipv6-good").headers.top_via().unwrap();
    via.set_received("2001:db8::9:255".parse().unwrap());
    // §4.5: the grammar of RFC 3261 has no brackets here.
    assert_eq!(
        String::from_utf8(via.to_bytes()).unwrap(),
        "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111;received=2001:db8::9:255"
    );
}

#[test]
fn addresses_of_both_families_stand_side_by_side() {
    let headers = request("mult-ip-in-header").headers;
    let hosts: Vec<_> = headers.vias().map(|via| via.unwrap().host.to_string()).collect();
    assert_eq!(hosts, ["[2001:db8::9:1]", "192.0.2.1", "[2001:db8::9:255]"]);
    let sdp = SessionDescription::parse(&request("mult-ip-in-sdp").body).unwrap();
    assert_eq!(sdp.rtp_address(&sdp.media[0]), Some("192.0.2.1:22334".parse().unwrap()));
    assert_eq!(sdp.rtp_address(&sdp.media[1]), Some("[2001:db8::1]:6024".parse().unwrap()));
}

#[test]
fn session_descriptions_carry_addresses_without_brackets() {
    let sdp = SessionDescription::parse(&request("ipv6-in-sdp").body).unwrap();
    assert_eq!(sdp.rtp_address(&sdp.media[0]), Some("[2001:db8::20]:6000".parse().unwrap()));
    let mapped = SessionDescription::parse(&request("ipv4-mapped-ipv6").body).unwrap();
    assert_eq!(mapped.rtp_address(&mapped.media[0]), Some("[::ffff:192.0.2.2]:6000".parse().unwrap()));
}

#[test]
fn three_colons_before_an_embedded_address_are_two() {
    let bug = request("ipv6-bug-abnf-3-colons");
    let correct = request("ipv6-correct-abnf-2-colons");
    assert_eq!(bug.uri.as_sip().unwrap().host(), correct.uri.as_sip().unwrap().host());
    assert!(bug.uri.matches(&correct.uri));
}

#[test]
fn bodies_are_as_long_as_they_say() {
    for message in torture::messages(MESSAGES) {
        let Ok(parsed) = parse_datagram(message.bytes.clone()) else { continue };
        let said = parsed.headers().get_text(&HeaderName::ContentLength).unwrap().parse::<usize>().unwrap();
        assert_eq!(parsed.body().len(), said, "{}", message.name);
    }
}

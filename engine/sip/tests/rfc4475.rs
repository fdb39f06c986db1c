//! Every message of RFC 4475 with the verdict that the RFC demands. Where it allows two, ours is the tolerant one if the
//! message can be understood without guessing.

mod torture;

use std::collections::BTreeMap;

use bytes::Bytes;
use sip::headers::{AuthScheme, Contacts, HeaderName, Headers, Rport};
use sip::message::{Message, Method, Request, Response, StatusCode};
use sip::parse::{ParseError, StreamEvent, StreamFramer, parse_datagram};
use sip::sdp::SessionDescription;
use sip::uri::Uri;

const MESSAGES: &str = include_str!("torture/rfc4475.txt");

#[derive(Debug, PartialEq)]
enum Verdict {
    /// Well-formed.
    Accepted,
    /// Answered with this status by who reads the datagram.
    Refused(u16),
    /// Well-formed until this header field is read; then it is 400.
    RefusedWhenRead(HeaderName),
    /// A response that is not handled.
    Dropped,
}

use Verdict::{Accepted, Dropped, Refused, RefusedWhenRead};

fn demanded() -> BTreeMap<&'static str, Verdict> {
    BTreeMap::from([
        // §3.1.1: valid.
        ("wsinv", Accepted),
        ("intmeth", Accepted),
        ("esc01", Accepted),
        ("escnull", Accepted),
        ("esc02", Accepted),
        ("lwsdisp", Accepted),
        ("longreq", Accepted),
        ("dblreq", Accepted),
        ("semiuri", Accepted),
        ("transports", Accepted),
        ("mpart01", Accepted),
        ("unreason", Accepted),
        ("noreason", Accepted),
        // §3.1.2: invalid.
        ("badinv01", Refused(400)),
        ("clerr", Refused(400)),
        ("ncl", Refused(400)),
        ("scalar02", Refused(400)),
        ("scalarlg", Dropped),
        ("quotbal", Refused(400)),
        ("ltgtruri", Refused(400)),
        ("lwsruri", Refused(400)),
        // "An element that is liberal in what it accepts may ignore these extra SP characters."
        ("lwsstart", Accepted),
        ("trws", Accepted),
        ("escruri", Refused(400)),
        // "An element shouldn't [reject it] unless the contents of the Date header field were actually important."
        ("baddate", Accepted),
        ("regbadct", RefusedWhenRead(HeaderName::Contact)),
        // "Elements attempting to be liberal may ignore the spaces."
        ("badaspec", Accepted),
        // "An element may attempt to be liberal in what it receives and infer the missing quotes."
        ("baddn", Accepted),
        ("badvers", Refused(505)),
        ("mismatch01", Refused(400)),
        ("mismatch02", Refused(501)),
        ("bigcode", Dropped),
        // §3.2: "or it could fall back to the RFC 2543-style transaction identifier."
        ("badbranch", Accepted),
        // §3.3: what the application makes of them is tested below and in the switch.
        ("insuf", Refused(400)),
        ("unkscm", Accepted),
        ("novelsc", Accepted),
        ("unksm2", Accepted),
        ("bext01", Accepted),
        ("invut", Accepted),
        ("regaut01", Accepted),
        ("multi01", Refused(400)),
        ("mcl01", Refused(400)),
        ("bcast", Accepted),
        ("zeromf", Accepted),
        ("cparam01", Accepted),
        ("cparam02", Accepted),
        ("regescrt", Accepted),
        ("sdp01", Accepted),
        // §3.4
        ("inv2543", Accepted),
    ])
}

/// Reads every typed header field and names the first that cannot be read.
fn first_unreadable(headers: &Headers) -> Option<HeaderName> {
    let outcomes = [
        headers.vias().try_for_each(|via| via.map(|_| ())),
        headers.from().map(|_| ()),
        headers.to().map(|_| ()),
        headers.call_id().map(|_| ()),
        headers.cseq().map(|_| ()),
        headers.max_forwards().map(|_| ()),
        headers.contacts().map(|_| ()),
        headers.routes().map(|_| ()),
        headers.record_routes().map(|_| ()),
        headers.content_type().map(|_| ()),
        headers.authorizations().try_for_each(|credentials| credentials.map(|_| ())),
    ];
    outcomes.into_iter().find_map(|outcome| outcome.err().map(|error| error.name().clone()))
}

fn verdict(datagram: Bytes) -> Verdict {
    match parse_datagram(datagram) {
        Ok(message) => first_unreadable(message.headers()).map_or(Accepted, RefusedWhenRead),
        Err(ParseError::BadRequest(bad)) => {
            let answer = bad.response("ourtag").expect("an answer is due");
            assert_eq!(answer.status, bad.status);
            Refused(bad.status.code())
        }
        Err(ParseError::BadResponse(_)) => Dropped,
        Err(error @ (ParseError::KeepAlive(_) | ParseError::NotSip(_))) => panic!("{error}"),
    }
}

fn request(name: &str) -> Request {
    match parse_datagram(torture::message(MESSAGES, name)) {
        Ok(Message::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    }
}

fn response(name: &str) -> Response {
    match parse_datagram(torture::message(MESSAGES, name)) {
        Ok(Message::Response(response)) => response,
        other => panic!("{name}: {other:?}"),
    }
}

fn first_contact(request: &Request) -> sip::headers::NameAddr {
    request.headers.contacts().expect("contacts").first().expect("a contact").clone()
}

#[test]
fn every_message_gets_the_verdict_the_rfc_demands() {
    let mut demanded = demanded();
    for message in torture::messages(MESSAGES) {
        let expected = demanded.remove(message.name.as_str()).unwrap();
        assert_eq!(verdict(message.bytes), expected, "{}", message.name);
    }
    assert!(demanded.is_empty(), "not in the file: {demanded:?}");
}

#[test]
fn every_accepted_message_is_written_so_that_it_reads_the_same() {
    for message in torture::messages(MESSAGES) {
        let Ok(first) = parse_datagram(message.bytes) else { continue };
        let again = parse_datagram(first.to_bytes()).unwrap_or_else(|error| panic!("{}: {error}", message.name));
        let without_length = |message: &Message| {
            let fields = message.headers().iter().filter(|(name, _)| **name != HeaderName::ContentLength);
            fields.map(|(name, value)| (name.clone(), value.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(without_length(&again), without_length(&first), "{}", message.name);
        assert_eq!(again.body(), first.body(), "{}", message.name);
    }
}

#[test]
fn repeated_fields_are_refused_for_being_repeated() {
    let multi01 = String::from_utf8(torture::message(MESSAGES, "multi01").to_vec()).unwrap();
    let Err(ParseError::BadRequest(bad)) = parse_datagram(multi01.replace("l: 154", "l: 152").into()) else {
        panic!("accepted")
    };
    assert_eq!(bad.reason, "the From header field came more than once");
}

#[test]
fn on_a_stream_a_lost_frame_closes_and_any_other_fault_does_not() {
    for message in torture::messages(MESSAGES) {
        let mut framer = StreamFramer::new();
        message.bytes.chunks(7).for_each(|chunk| framer.push(chunk));
        let first = framer.next_event();
        match message.name.as_str() {
            // "Wait for more data on the stream and close the connection if none is forthcoming."
            // The Content-Length of multi01 is two more than its body, which the RFC does not mention.
            "clerr" | "multi01" => assert!(first.is_none(), "{first:?}"),
            // "The framing error is not recoverable, and the connection should be closed."
            "ncl" | "mcl01" => {
                assert!(matches!(first, Some(StreamEvent::Close(ParseError::BadRequest(_)))), "{first:?}")
            }
            name => {
                assert!(matches!(first, Some(StreamEvent::Message(_) | StreamEvent::Refused(_))), "{name} {first:?}")
            }
        }
    }
}

#[test]
fn wsinv_is_understood_through_all_its_folds() {
    let wsinv = request("wsinv");
    let headers = &wsinv.headers;
    assert_eq!(wsinv.uri.as_sip().unwrap().param("unknownparam"), Some(""));
    assert_eq!(headers.to().unwrap().tag(), Some("1918181833n"));
    let from = headers.from().unwrap();
    assert_eq!((&*from.display(), from.tag()), (&b"J Rosenberg \\\""[..], Some("98asjd8")));
    assert_eq!(headers.max_forwards().unwrap(), Some(68));
    let cseq = headers.cseq().unwrap();
    assert_eq!((cseq.seq, cseq.method), (9, Method::Invite));
    assert_eq!(headers.get(&HeaderName::Subject), Some(&b""[..]));
    let unknown = HeaderName::from_bytes(b"newfangledHEADER").unwrap();
    assert_eq!(headers.get(&unknown), Some(&b"newfangled value continued newfangled value"[..]));
    let unusual = HeaderName::from_bytes(b"UnknownHeaderWithUnusualValue").unwrap();
    assert_eq!(headers.get(&unusual), Some(&b";;,,;;,;"[..]));
    let vias: Vec<_> = headers.vias().map(|via| via.unwrap()).collect();
    let seen: Vec<_> = vias.iter().map(|via| (&*via.transport, via.host.to_string(), via.branch().unwrap())).collect();
    assert_eq!(
        seen,
        [
            ("UDP", "192.0.2.2".to_owned(), "390skdjuw"),
            ("TCP", "spindle.example.com".to_owned(), "z9hG4bK9ikj8"),
            ("UDP", "192.168.255.111".to_owned(), "z9hG4bK30239"),
        ]
    );
    let contact = first_contact(&wsinv);
    assert_eq!((&*contact.display(), contact.q()), (&b"Quoted string \"\""[..], Some(330)));
    assert_eq!(contact.params().get("secondparam"), Some(""));
    assert!(headers.routes().unwrap()[0].uri.as_sip().unwrap().is_loose_router());
    assert_eq!(SessionDescription::parse(&wsinv.body).unwrap().media.len(), 2);
}

#[test]
fn intmeth_has_a_method_of_its_own_and_odd_characters_everywhere() {
    let intmeth = request("intmeth");
    assert_eq!(intmeth.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    let uri = intmeth.uri.as_sip().unwrap();
    assert_eq!(uri.user(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(uri.password(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(uri.host().to_string(), "example.com");
    assert_eq!(intmeth.headers.top_via().unwrap().rfc3261_branch(), Some("z9hG4bK-.!%66*_+`'~"));
    // A NUL would end the text for many a reader: it becomes a space.
    assert_eq!(&*intmeth.headers.to().unwrap().display(), b"BEL:\x07 NUL:  DEL:\x7f");
    let from = intmeth.headers.from().unwrap();
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(from.params().get("fromParam''~+*_!.-%"), Some("\"работающий\""));
    assert_eq!(intmeth.headers.call_id().unwrap(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    assert_eq!(intmeth.headers.max_forwards().unwrap(), Some(255));
}

#[test]
fn percent_escapes_are_undone_once_and_only_where_they_are_escapes() {
    let esc01 = request("esc01");
    assert_eq!(esc01.uri.user().as_deref(), Some("sips:user@example.com"));
    assert!(esc01.headers.to().unwrap().uri.matches(&"sip:user@example.com".parse().unwrap()));
    assert_eq!(esc01.headers.from().unwrap().uri.user().as_deref(), Some("I have spaces"));
    let contact = first_contact(&esc01);
    let uri = contact.uri.as_sip().unwrap();
    assert!(uri.is_loose_router());
    assert_eq!(sip::uri::decode(uri.param("name").unwrap()), "value%41");

    let esc02 = request("esc02");
    assert_eq!(esc02.method.as_str(), "RE%47IST%45R");
    assert_eq!(&*esc02.headers.to().unwrap().display(), b"%Z%45");
    let Contacts::List(contacts) = esc02.headers.contacts().unwrap() else { panic!("wildcard") };
    assert_eq!(contacts.len(), 2);
}

#[test]
fn escaped_nulls_do_not_shorten_a_user() {
    let escnull = request("escnull");
    assert_eq!(escnull.headers.to().unwrap().uri.user().as_deref(), Some("null-\0-null"));
    let Contacts::List(contacts) = escnull.headers.contacts().unwrap() else { panic!("wildcard") };
    assert_eq!(contacts.len(), 2);
    assert!(!contacts[0].uri.matches(&contacts[1].uri));
}

#[test]
fn long_values_stay_whole() {
    let longreq = request("longreq");
    assert_eq!(longreq.headers.vias().count(), 34);
    assert_eq!(longreq.headers.from().unwrap().tag().unwrap().len(), 2 + 150 + 3);
    let top = longreq.headers.top_via().unwrap();
    assert_eq!((top.host.to_string().as_str(), top.branch()), ("sip33.example.com", None));
    assert_eq!(longreq.body.len(), 150);
}

#[test]
fn octets_after_the_body_are_noise() {
    let dblreq = request("dblreq");
    assert_eq!((dblreq.method, dblreq.body.len()), (Method::Register, 0));
}

#[test]
fn semicolons_may_stand_in_a_user() {
    let semiuri = request("semiuri");
    assert_eq!(semiuri.uri.user().as_deref(), Some("user;par=u@example.net"));
    assert_eq!(semiuri.headers.elements(&HeaderName::Accept).count(), 6);
}

#[test]
fn unknown_transports_are_kept() {
    let headers = request("transports").headers;
    let transports: Vec<_> = headers.vias().map(|via| via.unwrap().transport.to_string()).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn binary_body_is_kept_byte_for_byte() {
    let mpart01 = request("mpart01");
    assert_eq!(mpart01.body.len(), 553);
    assert_eq!(mpart01.headers.top_via().unwrap().rport(), Rport::Asked);
}

#[test]
fn reason_phrases_may_be_odd_or_missing() {
    assert_eq!(&response("unreason").reason[..], "= 2**3 * 5**2 но сто девяносто девять - простое".as_bytes());
    let noreason = response("noreason");
    assert_eq!((noreason.status, noreason.reason.len()), (StatusCode::TRYING, 0));
}

#[test]
fn what_was_tolerated_is_not_passed_on() {
    let text = |name| String::from_utf8(request(name).to_bytes().to_vec()).unwrap();
    assert!(text("lwsstart").starts_with("INVITE sip:user@example.com SIP/2.0\r\n"));
    assert!(text("trws").starts_with("OPTIONS sip:remote-target@example.com SIP/2.0\r\n"));
    let from = request("baddn").headers.from().unwrap();
    assert_eq!(from.to_bytes(), b"\"Bell, Alexander\" <sip:a.g.bell@example.com>;tag=43");
    let to = request("badaspec").headers.to().unwrap();
    assert_eq!(to.to_bytes(), b"\"Watson, Thomas\" <sip:t.watson@example.org>");
}

#[test]
fn application_can_tell_what_it_must_refuse() {
    assert_eq!(request("badbranch").headers.top_via().unwrap().rfc3261_branch(), None);
    assert!(matches!(request("unkscm").uri, Uri::Other(_)));
    assert!(matches!(request("novelsc").uri, Uri::Other(_)));
    assert!(matches!(request("unksm2").headers.to().unwrap().uri, Uri::Other(_)));
    let bext01 = request("bext01").headers;
    assert_eq!(bext01.require().collect::<Vec<_>>(), ["nothingSupportsThis", "nothingSupportsThisEither"]);
    assert_eq!(bext01.proxy_require().count(), 2);
    assert!(!request("invut").headers.content_type().unwrap().unwrap().is("application", "sdp"));
    let credentials = request("regaut01").headers.authorizations().next().unwrap().unwrap();
    assert_eq!((credentials.scheme(), &*credentials.scheme_text()), (AuthScheme::Other, "NoOneKnowsThisScheme"));
    // RFC 3261 §8.1.3.3: a response with more than one Via is not for an endpoint.
    assert_eq!(response("bcast").headers.vias().count(), 2);
    assert_eq!(request("zeromf").headers.max_forwards().unwrap(), Some(0));
    assert_eq!(request("sdp01").headers.get(&HeaderName::Accept), Some(&b"text/nobodyKnowsThis"[..]));
}

#[test]
fn parameters_belong_to_the_contact_or_to_its_uri() {
    let cparam01 = first_contact(&request("cparam01"));
    assert!(cparam01.params().contains("unknownparam"));
    assert_eq!(cparam01.uri.as_sip().unwrap().param("unknownparam"), None);
    let cparam02 = first_contact(&request("cparam02"));
    assert!(!cparam02.params().contains("unknownparam"));
    assert_eq!(cparam02.uri.as_sip().unwrap().param("unknownparam"), Some(""));
    let regescrt = first_contact(&request("regescrt"));
    assert!(regescrt.uri.as_sip().unwrap().headers().eq([("Route", "%3Csip:sip.example.com%3E")]));
}

#[test]
fn rfc_2543_request_is_understood() {
    let inv2543 = request("inv2543");
    assert_eq!(inv2543.headers.from().unwrap().tag(), None);
    assert_eq!(inv2543.headers.top_via().unwrap().branch(), None);
    assert_eq!(inv2543.headers.max_forwards().unwrap(), None);
    assert_eq!(SessionDescription::parse(&inv2543.body).unwrap().media.len(), 1);
}

//! `rsip` 0.4 as the independent oracle: for ordinary messages both must read the same.

use bytes::Bytes;
use rsip::headers::UntypedHeader;
use rsip::headers::untyped::ToTypedHeader;
use rsip::message::{HasHeaders, HeadersExt};
use sip::headers::{HeaderName, Params};
use sip::message::{Message, Request};
use sip::parse::parse_datagram;

/// Ordinary messages: what `rsip` can hold (no compact names, IPv6, tel, folding, quoted instances, unknown methods).
fn ordinary() -> Vec<String> {
    let methods = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "UPDATE"];
    let uris = ["sip:1002@pbx.example.com", "sip:pbx.example.com:5080;transport=tcp", "sips:+8613800000000@192.0.2.7"];
    let froms = ["<sip:1001@pbx.example.com>;tag=abc", "Alice <sip:1001@192.0.2.4:5062>;tag=1928301774"];
    let bodies = ["", "v=0\r\no=- 1 1 IN IP4 192.0.2.4\r\ns=-\r\nt=0 0\r\n"];
    let mut messages = Vec::new();
    for method in methods {
        for uri in uris {
            for from in froms {
                for body in bodies {
                    messages.push(format!(
                        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bK776asdhds\r\n\
                         Max-Forwards: 70\r\nFrom: {from}\r\nTo: <sip:1002@pbx.example.com>\r\n\
                         Call-ID: a84b4c76e66710@192.0.2.4\r\nCSeq: 314159 {method}\r\n\
                         Contact: <sip:1001@192.0.2.4:5062>\r\nUser-Agent: Example 1.0\r\nX-Own: a, b;c\r\n\
                         Content-Length: {}\r\n\r\n{body}",
                        body.len()
                    ));
                }
            }
        }
    }
    messages
}

fn ours(text: &str) -> Request {
    match parse_datagram(Bytes::copy_from_slice(text.as_bytes())).expect("a good message") {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn own_params(params: &Params) -> Vec<(String, String)> {
    params
        .iter()
        .map(|param| (param.name.to_owned(), String::from_utf8_lossy(param.value.unwrap_or_default()).into()))
        .collect()
}

/// `;name=value` as `rsip` writes its parameters.
fn their_params(params: &[rsip::Param]) -> Vec<(String, String)> {
    let texts = params.iter().map(|param| param.to_string().trim_start_matches(';').to_owned());
    texts
        .map(|text| text.split_once('=').map_or((text.clone(), String::new()), |(n, v)| (n.to_owned(), v.to_owned())))
        .collect()
}

#[test]
fn ordinary_requests_read_the_same_in_rsip() {
    for text in ordinary() {
        let mine = ours(&text);
        let theirs = rsip::Request::try_from(text.as_bytes()).unwrap();
        assert_eq!(mine.method.as_str(), theirs.method.to_string());
        // rsip writes a transport in capitals, whatever came.
        assert_eq!(mine.uri.to_string(), theirs.uri.to_string().replace("TCP", "tcp"));
        assert_eq!(&mine.body[..], &theirs.body[..]);
        assert_eq!(mine.headers.len(), theirs.headers().iter().count());
        assert_eq!(mine.headers.call_id().unwrap(), theirs.call_id_header().unwrap().value());
        let (my_cseq, their_cseq) = (mine.headers.cseq().unwrap(), theirs.cseq_header().unwrap().typed().unwrap());
        assert_eq!((my_cseq.seq, my_cseq.method.as_str()), (their_cseq.seq, their_cseq.method.to_string().as_str()));
        let (my_from, their_from) = (mine.headers.from().unwrap(), theirs.from_header().unwrap().typed().unwrap());
        assert_eq!(my_from.uri.to_string(), their_from.uri.to_string());
        assert_eq!(own_params(my_from.params()), their_params(&their_from.params));
        assert_eq!(String::from_utf8_lossy(&my_from.display()), their_from.display_name.unwrap_or_default());
        let (my_via, their_via) = (mine.headers.top_via().unwrap(), theirs.via_header().unwrap().typed().unwrap());
        assert_eq!(my_via.branch(), their_via.branch().map(rsip::param::Branch::value));
        assert_eq!(my_via.host.to_string(), their_via.uri.host().to_string());
        assert_eq!(my_via.port, their_via.uri.port().map(|port| *port.value()));
        assert_eq!(
            mine.headers.max_forwards().unwrap().map(u32::from),
            theirs.max_forwards_header().unwrap().num().ok()
        );
    }
}

#[test]
fn what_we_write_is_read_by_rsip() {
    for text in ordinary() {
        let mut mine = ours(&text);
        mine.headers.push(HeaderName::Subject, "a\r\nVia: SIP/2.0/UDP evil");
        let written = mine.to_bytes();
        let theirs = rsip::Request::try_from(written.as_ref()).unwrap();
        assert_eq!(theirs.headers().iter().count(), mine.headers.len());
        assert_eq!(&theirs.body[..], &mine.body[..]);
    }
}

#[cfg(feature = "rsip")]
mod conversion {
    use super::*;

    #[test]
    fn ordinary_requests_survive_the_way_there_and_back() {
        for text in ordinary() {
            let mine = ours(&text);
            let theirs = rsip::Request::try_from(&mine).unwrap();
            let again = Message::try_from(rsip::SipMessage::from(theirs)).unwrap();
            let text = String::from_utf8(again.to_bytes().to_vec()).unwrap();
            assert_eq!(text.replace("=TCP", "=tcp").as_bytes(), mine.to_bytes());
        }
    }

    #[test]
    fn binary_body_survives() {
        let mut mine = ours(&ordinary()[0]);
        mine.set_body("application/octet-stream", vec![0u8, 255, 10, 13, 128]);
        let theirs = rsip::Request::try_from(&mine).unwrap();
        assert_eq!(theirs.body, [0u8, 255, 10, 13, 128]);
        assert_eq!(Message::try_from(rsip::SipMessage::from(theirs)).unwrap().body(), &mine.body);
    }

    #[test]
    fn what_rsip_cannot_hold_is_said() {
        let unknown = ours(&ordinary()[0].replace("INVITE", "NEWMETHOD"));
        assert!(rsip::Request::try_from(&unknown).is_err());
    }
}

//! Session timers: what is answered to what a peer asks, and what its answer to us means.

#![allow(clippy::unwrap_used, reason = "test helpers")]

use std::fmt::Write;

use bytes::Bytes;
use sip::headers::{HeaderName, Headers};
use sip::message::{Message, Method, Request, Response, StatusCode};
use sip::parse::parse_datagram;
use sip::session_timer::{Duty, INTERVAL_MAX_S, Policy, Refused};

/// Header fields as text, `|` between them.
fn headers(lines: &str) -> Headers {
    let lines: String = lines.split('|').filter(|line| !line.is_empty()).map(|line| format!("{line}\r\n")).collect();
    let text = format!(
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{lines}\r\n"
    );
    match parse_datagram(Bytes::from(text)).unwrap() {
        Message::Request(request) => request.headers,
        Message::Response(_) => panic!("a response"),
    }
}

/// What of the timer stands in a head.
fn said(headers: &Headers) -> String {
    let field = |name: HeaderName| headers.get_text(&name).map(|value| format!("{}: {value}", name.as_str()));
    let fields = [HeaderName::SessionExpires, HeaderName::MinSe, HeaderName::Require].map(field);
    fields.into_iter().flatten().collect::<Vec<_>>().join(" | ")
}

#[test]
fn every_request_against_our_1800_seconds() {
    let mut table = String::new();
    for supported in ["", "Supported: timer", "Require: timer"] {
        for expires in ["", "30", "90", "600", "1800;refresher=uac", "600;refresher=uas", "7200", "junk"] {
            for min_se in ["", "3600"] {
                let expires_line =
                    if expires.is_empty() { String::new() } else { format!("Session-Expires: {expires}") };
                let min_line = if min_se.is_empty() { String::new() } else { format!("Min-SE: {min_se}") };
                let request = headers(&format!("{supported}|{expires_line}|{min_line}"));
                let outcome = match Policy::new(1_800).answer(&request) {
                    Ok(answer) => {
                        let mut response = Response::to_request(
                            &Request::new(Method::Invite, "sip:a@b".parse().unwrap()),
                            StatusCode::OK,
                            None,
                        );
                        answer.write(&mut response);
                        let terms = answer.terms();
                        let said = said(&response.headers);
                        format!("200 [{said}] {:?} due after {:?}", terms.duty(), terms.due_after())
                    }
                    Err(refused) => {
                        format!("{} Min-SE {:?}", refused.status().code(), refused.min_se())
                    }
                };
                writeln!(table, "{supported:<17}{expires:<20}{min_se:<5} -> {outcome}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_answer_to_our_1800_seconds() {
    let proposal = Policy::new(1_800).propose();
    let mut asked = Headers::new();
    proposal.write(&mut asked);
    assert_eq!(said(&asked), "Session-Expires: 1800;refresher=uac | Min-SE: 90");
    let mut table = String::new();
    for answer in ["", "600", "600;refresher=uac", "600;refresher=uas", "91;refresher=uas", "1;refresher=uac", "junk"] {
        let line = if answer.is_empty() { String::new() } else { format!("Session-Expires: {answer}") };
        let terms = proposal.accepted(&headers(&line));
        let mut next = Headers::new();
        proposal.policy().keep(terms).write(&mut next);
        writeln!(table, "{answer:<18} -> {:?} due after {:?}, then [{}]", terms.duty(), terms.due_after(), said(&next))
            .unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_422_raises_both_numbers_once() {
    let proposal = Policy::new(600).propose();
    let raised = proposal.raised(&headers("Min-SE: 900")).unwrap();
    let mut asked = Headers::new();
    raised.write(&mut asked);
    assert_eq!(said(&asked), "Session-Expires: 900;refresher=uac | Min-SE: 900");
    assert_eq!(raised.raised(&headers("Min-SE: 900")), None, "the peer wants no more than it was given");
    assert_eq!(proposal.raised(&headers("")), None, "it does not say what it wants");
    assert_eq!(proposal.raised(&headers(&format!("Min-SE: {}", INTERVAL_MAX_S + 1))), None, "it wants too much");
    // RFC 4028 §7.4: what was learned holds for the requests that follow.
    let mut later = Headers::new();
    raised.policy().keep(raised.accepted(&headers("Session-Expires: 100;refresher=uas"))).write(&mut later);
    assert_eq!(said(&later), "Session-Expires: 900;refresher=uas | Min-SE: 900");
}

#[test]
fn intervals_have_bounds() {
    let longest = Policy::new(u32::MAX).propose().accepted(&headers(""));
    assert_eq!(longest.due_after().as_secs(), u64::from(INTERVAL_MAX_S / 2));
    let shortest = Policy::new(0).propose().accepted(&headers(""));
    assert_eq!((shortest.due_after().as_secs(), shortest.duty()), (45, Duty::Ours));
    let theirs =
        Policy::new(1_800).answer(&headers("Supported: timer|Session-Expires: 4294967295;refresher=uac")).unwrap();
    assert_eq!(theirs.terms().due_after().as_secs(), 1_768);
    let unread = Policy::new(1_800).answer(&headers("Session-Expires: junk")).unwrap_err();
    assert!(matches!(unread, Refused::Malformed(_)));
}

//! The session description in a body of several parts.

use bytes::Bytes;
use sip::headers::{HeaderName, Headers};
use sip::multipart::{PARTS_MAX, find, split};

fn headers(content_type: &str) -> Headers {
    let mut headers = Headers::new();
    headers.push(HeaderName::ContentType, content_type);
    headers
}

#[test]
fn session_description_is_found_among_the_parts() {
    let body = Bytes::from_static(
        b"preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1-longer\r\n--b1\r\n\
          C: application/SDP\r\nContent-Disposition: session\r\n\r\nv=0\r\n\r\n--b1--\r\nepilogue",
    );
    let part = find(&headers("multipart/mixed; boundary=\"b1\""), &body, "application", "sdp").unwrap().unwrap();
    assert_eq!(&part.body[..], b"v=0\r\n");
    assert_eq!(part.headers.get(&HeaderName::ContentDisposition), Some(&b"session"[..]));
    let parts = split(&body, b"b1");
    assert_eq!(&parts[0].body[..], b"hello\r\n--b1-longer");
}

#[test]
fn body_without_parts_is_its_own_part() {
    let body = Bytes::from_static(b"v=0\r\n");
    let part = find(&headers("application/sdp"), &body, "application", "sdp").unwrap().unwrap();
    assert_eq!(part.body, body);
    assert!(find(&headers("text/plain"), &body, "application", "sdp").unwrap().is_none());
    assert!(find(&Headers::new(), &body, "application", "sdp").unwrap().is_none());
}

#[test]
fn parts_may_hold_parts_but_not_without_end() {
    let inner = "--c\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--c--";
    let nested = format!("--b\r\nContent-Type: multipart/alternative;boundary=c\r\n\r\n{inner}\r\n--b--\r\n");
    let part = find(&headers("multipart/mixed;boundary=b"), &nested.into(), "application", "sdp").unwrap().unwrap();
    assert_eq!(&part.body[..], b"v=0");
    let itself = Bytes::from("--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n".repeat(5_000));
    assert!(find(&headers("multipart/mixed;boundary=b"), &itself, "application", "sdp").unwrap().is_none());
    assert!(split(&itself, b"b").len() <= PARTS_MAX);
}

/// Found by the mutations of `make fuzz`: two boundaries in a row.
#[test]
fn an_empty_part_is_one() {
    for line_end in ["\n", "\r\n"] {
        for body in ["--b~--b~--b~Content-Type: application/sdp~~v=0~--b--", "--b~--b--", "--b~--b", "--b~~--b--"] {
            let body = Bytes::from(body.replace('~', line_end));
            let parts = split(&body, b"b");
            assert!(!parts.is_empty() && parts[0].body.is_empty(), "{body:?}: {parts:?}");
            let found = find(&headers("multipart/mixed;boundary=b"), &body, "application", "sdp").unwrap();
            assert_eq!(found.is_some(), parts.len() == 3, "{body:?}");
        }
    }
}

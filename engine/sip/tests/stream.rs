//! Messages out of a stream, however it is cut.

use sip::headers::HEADERS_MAX;
use sip::message::{MESSAGE_BYTES_MAX, StatusCode};
use sip::parse::{KeepAlive, ParseError, StreamEvent, StreamFramer};

const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
    To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 5\r\n\r\nhello";

/// What comes out, a word each: a message's body, or what else happened.
fn events(stream: &[u8], chunk: usize) -> Vec<String> {
    let mut framer = StreamFramer::new();
    let mut seen = Vec::new();
    for piece in stream.chunks(chunk) {
        framer.push(piece);
        while let Some(event) = framer.next_event() {
            seen.push(match event {
                StreamEvent::Message(message) => String::from_utf8_lossy(message.body()).into_owned(),
                StreamEvent::KeepAlive(KeepAlive::Ping) => "ping".to_owned(),
                StreamEvent::KeepAlive(KeepAlive::Pong) => "pong".to_owned(),
                StreamEvent::Refused(error) => format!("refused {}", status(&error)),
                StreamEvent::Close(error) => format!("close {}", status(&error)),
            });
        }
    }
    seen
}

fn status(error: &ParseError) -> String {
    match error {
        ParseError::BadRequest(bad) => bad.status.to_string(),
        ParseError::KeepAlive(_) | ParseError::BadResponse(_) | ParseError::NotSip(_) => "unanswered".to_owned(),
    }
}

#[test]
fn messages_come_out_whole_however_the_stream_is_cut() {
    let stream = OPTIONS.repeat(3);
    for chunk in 1..stream.len() {
        assert_eq!(events(stream.as_bytes(), chunk), ["hello", "hello", "hello"], "chunks of {chunk}");
    }
}

#[test]
fn keep_alives_stand_between_messages() {
    let stream = format!("\r\n\r\n{OPTIONS}\r\n\r\n{OPTIONS}\r\n");
    assert_eq!(events(stream.as_bytes(), 4_096), ["ping", "hello", "ping", "hello", "pong"]);
    // A ping that is cut in two must still be answered.
    assert_eq!(events(b"\r\n\r\n", 2), ["pong", "ping"]);
    assert_eq!(events(b"\r\n\r\n", 1), ["pong", "ping"]);
}

#[test]
fn bad_message_in_a_whole_frame_does_not_end_the_stream() {
    let bad = OPTIONS.replace("CSeq: 1 OPTIONS", "CSeq: 1 BYE");
    assert_eq!(events(format!("{bad}{OPTIONS}").as_bytes(), 100), ["refused 400", "hello"]);
}

#[test]
fn lost_frame_is_answered_and_then_the_stream_is_over() {
    let bad = OPTIONS.replace("Content-Length: 5", "Content-Length: five");
    assert_eq!(events(format!("{bad}{OPTIONS}").as_bytes(), 100), ["close 400"]);
    assert_eq!(events(format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{OPTIONS}").as_bytes(), 100), ["close unanswered"]);
}

#[test]
fn message_longer_than_allowed_is_refused_with_513() {
    let bad = OPTIONS.replace("Content-Length: 5", "Content-Length: 70000");
    assert_eq!(events(bad.as_bytes(), 100), [format!("close {}", StatusCode::MESSAGE_TOO_LARGE)]);
}

#[test]
fn head_without_an_end_is_cut_off() {
    let endless = format!("OPTIONS sip:a@b SIP/2.0\r\n{}", "X: y\r\n".repeat(MESSAGE_BYTES_MAX));
    assert_eq!(events(endless.as_bytes(), 8_192), ["close unanswered"]);
}

#[test]
fn too_many_header_fields_get_400() {
    let many = OPTIONS.replace("CSeq", &format!("{}CSeq", "X: y\r\n".repeat(HEADERS_MAX)));
    assert_eq!(events(many.as_bytes(), 100_000), ["refused 400"]);
}

#[test]
fn message_without_content_length_has_no_body_on_a_stream() {
    let bare = OPTIONS.replace("Content-Length: 5\r\n\r\nhello", "\r\n");
    assert_eq!(events(format!("{bare}{OPTIONS}").as_bytes(), 100), ["", "hello"]);
}

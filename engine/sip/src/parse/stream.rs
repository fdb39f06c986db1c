//! Messages out of a byte stream: framed by Content-Length (RFC 3261 §18.3), with keep-alives between (RFC 5626 §3.5.1).

use bytes::{Buf, Bytes, BytesMut};

use super::{KeepAlive, ParseError, finish, head};
use crate::message::{MESSAGE_BYTES_MAX, Message};

/// What a stream gave.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "made and taken apart at once, and nearly always a message")]
pub enum StreamEvent {
    /// A message.
    Message(Message),
    /// A keep-alive; a ping is answered with one CRLF. A ping cut in two is told as a pong and then the ping.
    KeepAlive(KeepAlive),
    /// A bad message in whole frame: answer it if an answer is due; the stream goes on.
    Refused(ParseError),
    /// Where the next message begins is lost: answer if an answer is due, then close. Nothing more comes out.
    Close(ParseError),
}

/// Cuts a stream into messages. Holds at most one message and what came with it.
#[derive(Debug, Default)]
pub struct StreamFramer {
    buffer: BytesMut,
    state: State,
    last: Bytes,
}

#[derive(Debug, Default)]
enum State {
    /// Before a start line; true if the last thing read was one line end.
    #[default]
    Between,
    AfterLineEnd,
    /// In a head; so many bytes were searched for its end.
    Head {
        searched: usize,
    },
    /// Head read; the whole message has this many bytes.
    Body {
        message_len: usize,
    },
    Lost,
}

impl StreamFramer {
    /// A framer at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was read. Call [`StreamFramer::next_event`] until it gives nothing before adding more; then the buffer
    /// never holds more than [`MESSAGE_BYTES_MAX`] and one chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        if !matches!(self.state, State::Lost) {
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// How many bytes wait for the rest of their message.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The bytes of the message given last, or refused last as a whole frame.
    #[must_use]
    pub fn last_message(&self) -> &Bytes {
        &self.last
    }

    /// The next event, or `None` until more is pushed.
    pub fn next_event(&mut self) -> Option<StreamEvent> {
        loop {
            match self.state {
                State::Lost => return None,
                State::Between | State::AfterLineEnd => {
                    if let Some(event) = self.skip_line_end()? {
                        return Some(StreamEvent::KeepAlive(event));
                    }
                }
                State::Head { searched } => {
                    if let Err(event) = self.read_head(searched)? {
                        return Some(event);
                    }
                }
                State::Body { message_len } => return self.read_body(message_len),
            }
        }
    }

    /// Reads one line end or finds a start line; outer `None` if more bytes are needed.
    fn skip_line_end(&mut self) -> Option<Option<KeepAlive>> {
        let len = match self.buffer.as_ref() {
            [] | [b'\r'] => return None,
            [b'\r', b'\n', ..] => 2,
            [b'\n' | b'\r', ..] => 1,
            _ => {
                self.state = State::Head { searched: 0 };
                return Some(None);
            }
        };
        let doubled = self.buffer.get(len..).is_some_and(|rest| rest.starts_with(b"\r\n"));
        if doubled {
            self.buffer.advance(len + 2);
            self.state = State::Between;
            return Some(Some(KeepAlive::Ping));
        }
        self.buffer.advance(len);
        let after_one = matches!(self.state, State::AfterLineEnd);
        self.state = if after_one { State::Between } else { State::AfterLineEnd };
        Some(Some(if after_one { KeepAlive::Ping } else { KeepAlive::Pong }))
    }

    /// Looks for the end of the head; `None` if more bytes are needed.
    fn read_head(&mut self, searched: usize) -> Option<Result<(), StreamEvent>> {
        let Some(head_len) = head_len(&self.buffer, searched) else {
            if self.buffer.len() > MESSAGE_BYTES_MAX {
                return Some(Err(self.lose(ParseError::NotSip("its head is longer than a message may be"))));
            }
            // The end may straddle two chunks.
            self.state = State::Head { searched: self.buffer.len().saturating_sub(3) };
            return None;
        };
        let head_bytes = Bytes::copy_from_slice(&self.buffer[..head_len]);
        let head = head::parse(&head_bytes);
        let body_len = match head.headers.content_length() {
            // RFC 3261 §20.14 demands one on a stream; without it no body is the only reading that lets the stream go on.
            Ok(length) => length.map_or(0, |length| length as usize),
            Err(_) => usize::MAX,
        };
        let message_len = head_len.saturating_add(body_len);
        if message_len > MESSAGE_BYTES_MAX || matches!(head.start_line, head::StartLine::NotSip(_)) {
            let error = match finish(head, &head_bytes) {
                Err(ParseError::BadRequest(mut bad)) if body_len != usize::MAX => {
                    bad.status = crate::message::StatusCode::MESSAGE_TOO_LARGE;
                    "it is longer than a message may be".clone_into(&mut bad.reason);
                    ParseError::BadRequest(bad)
                }
                Err(error) => error,
                Ok(_) => ParseError::NotSip("longer than a message may be"),
            };
            return Some(Err(self.lose(error)));
        }
        self.state = State::Body { message_len };
        Some(Ok(()))
    }

    fn read_body(&mut self, message_len: usize) -> Option<StreamEvent> {
        if self.buffer.len() < message_len {
            return None;
        }
        let message = self.buffer.split_to(message_len).freeze();
        self.state = State::Between;
        self.last = message.clone();
        Some(match finish(head::parse(&message), &message) {
            Ok(message) => StreamEvent::Message(message),
            Err(error) => StreamEvent::Refused(error),
        })
    }

    fn lose(&mut self, error: ParseError) -> StreamEvent {
        self.state = State::Lost;
        self.buffer = BytesMut::new();
        StreamEvent::Close(error)
    }
}

/// The length of a head with the empty line that ends it: CRLF CRLF, or bare line feeds.
fn head_len(buffer: &[u8], searched: usize) -> Option<usize> {
    let rest = buffer.get(searched..)?;
    memchr::memchr_iter(b'\n', rest).find_map(|at| match rest.get(at + 1..)? {
        [b'\n', ..] => Some(searched + at + 2),
        [b'\r', b'\n', ..] => Some(searched + at + 3),
        _ => None,
    })
}

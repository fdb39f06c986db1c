//! Start line and header lines, with folding, bare line feeds, and whatever else may stand there.

use bytes::Bytes;

use crate::headers::{HEADERS_MAX, HeaderName, HeaderValue, Headers, trim};
use crate::message::{Method, StatusCode};
use crate::uri::Uri;

/// All of a message but its body.
pub(super) struct Head {
    pub(super) start_line: StartLine,
    pub(super) headers: Headers,
    /// Where the body begins; the end if the head has no end.
    pub(super) body_start: usize,
    /// The first thing that is wrong with the header lines.
    pub(super) fault: Option<&'static str>,
}

pub(super) enum StartLine {
    Request { method: Method, uri: Uri },
    Response { status: StatusCode, reason: Bytes },
    BadRequest { method: Option<Method>, status: StatusCode, reason: &'static str },
    BadResponse(&'static str),
    NotSip(&'static str),
}

/// Parses the head of a message that does not begin with a line end.
pub(super) fn parse(message: &Bytes) -> Head {
    let mut lines = Lines::new(message);
    let start = lines.next_line().unwrap_or(Line { start: 0, end: 0, finished: false, folded: false });
    let start_line = parse_start_line(&message.slice(start.start..start.end));
    let mut headers = Headers::from_source(message.clone());
    if matches!(start_line, StartLine::NotSip(_)) {
        return Head { start_line, headers, body_start: message.len(), fault: None };
    }
    let folded = lines.at_fold().then_some("white space begins its first header line");
    let fault = read_fields(&mut headers, &mut lines);
    Head { start_line, headers, body_start: lines.at, fault: folded.or(fault) }
}

/// Parses header lines that no start line precedes; gives where what follows them begins.
pub(super) fn parse_fields(part: &Bytes) -> (Headers, usize) {
    let mut lines = Lines::new(part);
    let mut headers = Headers::from_source(part.clone());
    // What is wrong with a part is not the message's fault: the part is just not understood.
    let _ = read_fields(&mut headers, &mut lines);
    (headers, lines.at)
}

/// Reads header lines up to the empty one and says what is the first thing wrong with them.
///
/// A value must hold no CR and no NUL. Hardly any head has one outside its line ends, so the head is searched once as a
/// whole, and only if there is one are its lines read again with care.
fn read_fields(headers: &mut Headers, lines: &mut Lines<'_>) -> Option<&'static str> {
    let before = lines.clone();
    let fault = read_lines(headers, lines, Care::Folds);
    let head = &lines.message[..lines.at];
    if memchr::memchr(0, head).is_none() && memchr::memchr_iter(b'\r', head).count() == lines.crlfs {
        return fault;
    }
    headers.clear();
    *lines = before;
    read_lines(headers, lines, Care::Everything)
}

/// Which values are looked through for what they may not hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Those of more than one line.
    Folds,
    Everything,
}

fn read_lines(headers: &mut Headers, lines: &mut Lines<'_>, care: Care) -> Option<&'static str> {
    let mut fault = None;
    while let Some(line) = lines.next_logical_line() {
        if line.start == line.end {
            break;
        }
        if headers.len() >= HEADERS_MAX {
            fault = fault.or(Some("it has more header fields than are accepted"));
            continue;
        }
        let wrong = push_field(headers, lines.message, &line, care);
        let cut = if line.finished { None } else { Some("its last header line has no end") };
        fault = fault.or(wrong).or(cut);
    }
    fault
}

/// A line without its line end.
struct Line {
    start: usize,
    end: usize,
    /// False if the message ended before a line end.
    finished: bool,
    /// True if it is several lines of the message.
    folded: bool,
}

#[derive(Clone)]
struct Lines<'a> {
    message: &'a [u8],
    at: usize,
    /// Where the line feeds from `at` on stand.
    line_feeds: memchr::Memchr<'a>,
    /// How many lines ended in CRLF so far.
    crlfs: usize,
}

impl<'a> Lines<'a> {
    fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0, line_feeds: memchr::memchr_iter(b'\n', message), crlfs: 0 }
    }

    /// The next line up to CRLF or a bare LF.
    fn next_line(&mut self) -> Option<Line> {
        let start = self.at;
        if start == self.message.len() {
            return None;
        }
        let Some(line_feed) = self.line_feeds.next() else {
            self.at = self.message.len();
            return Some(Line { start, end: self.at, finished: false, folded: false });
        };
        self.at = line_feed + 1;
        let crlf = usize::from(line_feed > start && self.message[line_feed - 1] == b'\r');
        self.crlfs += crlf;
        Some(Line { start, end: line_feed - crlf, finished: true, folded: false })
    }

    /// The next line with the folded ones that belong to it (RFC 3261 §7.3.1).
    fn next_logical_line(&mut self) -> Option<Line> {
        let mut line = self.next_line()?;
        while line.start < line.end && self.at_fold() {
            let folded = self.next_line()?;
            line.end = folded.end;
            line.finished = folded.finished;
            line.folded = true;
        }
        Some(line)
    }

    fn at_fold(&self) -> bool {
        matches!(self.message.get(self.at), Some(b' ' | b'\t'))
    }
}

/// Adds the field of this line and says what is wrong with it if it cannot be added.
fn push_field(headers: &mut Headers, message: &[u8], line: &Line, care: Care) -> Option<&'static str> {
    let text = &message[line.start..line.end];
    let Some(colon) = text.iter().position(|&byte| byte == b':') else {
        return Some("a header line has no colon");
    };
    // RFC 3261 §7.3.1: white space may stand before the colon.
    let Some(name) = HeaderName::from_bytes(trim(&text[..colon])) else {
        return Some("a header field's name is no token");
    };
    let value = trim(&text[colon + 1..]);
    if (line.folded || care == Care::Everything) && memchr::memchr3(b'\r', b'\n', 0, value).is_some() {
        // Trimmed again: what has become a space at an end is no more part of the value than one that came as a space.
        let plain = Bytes::from(unfold(value));
        headers.push(name, HeaderValue::from(plain.slice_ref(trim(&plain))));
        return None;
    }
    let start = value.as_ptr().addr() - message.as_ptr().addr();
    headers.push_range(name, start..start + value.len());
    None
}

/// RFC 3261 §7.3.1: a fold and the white space around it are one space. A stray CR or NUL becomes a space too.
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut plain: Vec<u8> = Vec::with_capacity(value.len());
    for line in value.split(|&byte| byte == b'\n') {
        let line = if plain.is_empty() { line } else { crate::headers::trim_start(line) };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !plain.is_empty() {
            while matches!(plain.last(), Some(b' ' | b'\t')) {
                plain.pop();
            }
            plain.push(b' ');
        }
        plain.extend(line.iter().map(|&byte| if matches!(byte, b'\r' | 0) { b' ' } else { byte }));
    }
    plain
}

fn parse_start_line(line: &Bytes) -> StartLine {
    if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
        return parse_status_line(line);
    }
    let mut words = line.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let (first, second, version) = (words.next(), words.next(), words.next());
    let Some(version) = version else {
        return StartLine::NotSip("its first line is no request line and no status line");
    };
    let method = first.and_then(Method::from_bytes);
    let bad = |method, reason| StartLine::BadRequest { method, status: StatusCode::BAD_REQUEST, reason };
    if words.next().is_some() || !is_sip_version(version) {
        let says_sip = line.rsplit(|&byte| byte == b' ').find(|word| !word.is_empty()).is_some_and(is_sip_version);
        if says_sip {
            return bad(method, "its request line has too many parts");
        }
        return StartLine::NotSip("its first line is no request line and no status line");
    }
    let Some(method) = method else {
        return bad(None, "its method is no token");
    };
    // RFC 3261 §21.5.6; §7.1: the version compares without regard to case.
    if !version[4..].eq_ignore_ascii_case(b"2.0") {
        let status = StatusCode::VERSION_NOT_SUPPORTED;
        return StartLine::BadRequest { method: Some(method), status, reason: "its version is not 2.0" };
    }
    let uri = second.map(|text| line.slice_ref(text)).map(Uri::parse_owned);
    match uri {
        // RFC 3261 §19.1.1, table 1: headers are not allowed in a Request-URI.
        Some(Ok(Uri::Sip(uri))) if uri.has_headers() => bad(Some(method), "its request-uri has headers"),
        Some(Ok(uri)) => StartLine::Request { method, uri },
        Some(Err(_)) | None => bad(Some(method), "its request-uri is malformed"),
    }
}

fn is_sip_version(word: &[u8]) -> bool {
    word.len() > 4 && word[..4].eq_ignore_ascii_case(b"SIP/")
}

fn parse_status_line(line: &Bytes) -> StartLine {
    let mut parts = line[4..].splitn(3, |&byte| byte == b' ');
    let version = parts.next().unwrap_or_default();
    if version != b"2.0" {
        return StartLine::BadResponse("its version is not 2.0");
    }
    let code = parts.next().filter(|code| code.len() == 3);
    let code = code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| code.parse().ok());
    let Some(status) = code.and_then(StatusCode::new) else {
        return StartLine::BadResponse("its status code is not in 100 to 699");
    };
    let reason = parts.next().unwrap_or_default();
    StartLine::Response { status, reason: line.slice_ref(trim(reason)) }
}

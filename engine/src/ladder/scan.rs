//! The little of a message that the capture must know, read without parsing it: most are never looked at.

/// The parts of a message's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// Without its line end.
    pub(super) start_line: &'a [u8],
    /// The value of Call-ID.
    pub(super) call_id: &'a [u8],
    /// The method of CSeq.
    pub(super) method: &'a [u8],
    /// The transport of the topmost Via.
    pub(super) transport: &'a [u8],
}

/// A line of the head, folded lines with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) from: usize,
    /// Before the line end.
    pub(super) to: usize,
}

/// The lines of the head, the start line first, and where the body begins.
pub(super) fn lines(message: &[u8]) -> (Vec<Line>, usize) {
    let mut lines: Vec<Line> = Vec::with_capacity(24);
    let mut from = 0;
    while let Some(length) = memchr::memchr(b'\n', &message[from..]) {
        let next = from + length + 1;
        let to = if message[..next - 1].ends_with(b"\r") && next - 1 > from { next - 2 } else { next - 1 };
        if to <= from {
            return (lines, next);
        }
        match lines.last_mut() {
            Some(last) if matches!(message[from], b' ' | b'\t') && last.from > 0 => last.to = to,
            Some(_) | None => lines.push(Line { from, to }),
        }
        from = next;
    }
    (lines, message.len())
}

/// Name and value of a header's line.
pub(super) fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
}

/// Whether a header has this name or its compact form.
pub(super) fn is_named(name: &[u8], long: &str, compact: &str) -> bool {
    name.eq_ignore_ascii_case(long.as_bytes()) || name.eq_ignore_ascii_case(compact.as_bytes())
}

/// The head of a message; `None` for what is none.
pub(super) fn head(message: &[u8]) -> Option<Head<'_>> {
    let (lines, _body) = lines(message);
    let (start, headers) = lines.split_first()?;
    let mut head = Head { start_line: &message[start.from..start.to], call_id: b"", method: b"", transport: b"" };
    for line in headers {
        let Some((name, value)) = header(&message[line.from..line.to]) else { continue };
        if head.call_id.is_empty() && is_named(name, "Call-ID", "i") {
            head.call_id = value;
        } else if head.method.is_empty() && name.eq_ignore_ascii_case(b"CSeq") {
            head.method = value.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        } else if head.transport.is_empty() && is_named(name, "Via", "v") {
            let protocol = value.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            head.transport = protocol.rsplit(|b| *b == b'/').next().unwrap_or_default();
        }
    }
    (!head.call_id.is_empty() && !head.method.is_empty()).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_found_with_compact_names_and_folds() {
        let message = b"SIP/2.0 200 OK\r\nv: SIP/2.0/TLS 10.0.0.1\r\nVia: SIP/2.0/UDP x\r\nI :\r\n a@b\r\nCSeq: 1\r\n INVITE\r\n\r\nbody";
        let head = head(message).unwrap();
        assert_eq!(head.start_line, b"SIP/2.0 200 OK");
        assert_eq!(head.call_id, b"a@b");
        assert_eq!(head.method, b"INVITE");
        assert_eq!(head.transport, b"TLS");
        assert_eq!(&message[lines(message).1..], b"body");
    }

    #[test]
    fn what_is_no_message_has_no_head() {
        for bad in [
            &b""[..],
            b"\r\n\r\n",
            b"\r\n",
            b"\n",
            b"INVITE",
            b"INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n",
            b" \r\n x: y",
        ] {
            assert_eq!(head(bad), None, "{bad:?}");
        }
    }
}

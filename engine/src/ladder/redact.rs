//! Takes credentials out of a message before it is kept, byte for byte: lengths stay, so that the message still reads as one.

use super::scan::{header, is_named, lines};

/// What stands in their place.
const MASK: u8 = b'x';

/// Masks what must not be kept: the proofs of digest, every other kind of credentials, passwords in URIs, keys of SRTP and
/// ICE, and keys that somebody pressed (they may be a PIN).
pub(super) fn redact(message: &mut [u8]) {
    let (lines, body) = lines(message);
    let mut kind = Kind::Other;
    for (index, line) in lines.iter().enumerate() {
        let text = &message[line.from..line.to];
        let named = header(text).filter(|_| index > 0);
        kind = named.and_then(Kind::of).unwrap_or(kind);
        let credentials = named.filter(|(name, _)| has_credentials(name)).map(|(_, value)| line.to - value.len());
        if let Some(at) = credentials {
            mask_credentials(&mut message[at..line.to]);
        }
        mask_uri_passwords(&mut message[line.from..line.to]);
    }
    mask_body(&mut message[body..], &kind);
}

/// What a body is, as far as there may be something to mask.
enum Kind {
    /// Keys that were pressed.
    Keys,
    /// Parts, each begun by this line (RFC 2046 §5.1.1).
    Parts(Vec<u8>),
    Other,
}

impl Kind {
    /// What a Content-Type says; `None` for another header field.
    fn of((name, value): (&[u8], &[u8])) -> Option<Self> {
        if !is_named(name, "Content-Type", "c") {
            return None;
        }
        let is_multipart = value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"));
        match (has_keys(value), is_multipart) {
            (true, _) => Some(Self::Keys),
            (false, true) => Some(Self::Parts([b"--", boundary(value)].concat())),
            (false, false) => Some(Self::Other),
        }
    }
}

/// The boundary parameter of a Content-Type; empty where there is none, so that any line which could be one counts.
fn boundary(value: &[u8]) -> &[u8] {
    let mut parameters = value.split(|b| *b == b';').skip(1).map(<[u8]>::trim_ascii);
    let found = parameters.find_map(|parameter| {
        let at = memchr::memchr(b'=', parameter)?;
        parameter[..at].trim_ascii().eq_ignore_ascii_case(b"boundary").then(|| parameter[at + 1..].trim_ascii())
    });
    match found.map(|text| (text.strip_prefix(b"\""), text)) {
        Some((Some(quoted), _)) => quoted.strip_suffix(b"\"").unwrap_or_default(),
        Some((None, text)) => text,
        None => b"",
    }
}

fn mask_body(body: &mut [u8], kind: &Kind) {
    match kind {
        Kind::Keys => mask_keys(body),
        Kind::Parts(begin) => mask_parts(body, begin),
        Kind::Other => mask_session_keys(body),
    }
}

/// Each part by its own kind. A multipart within a multipart is taken for what has session descriptions.
fn mask_parts(body: &mut [u8], begin: &[u8]) {
    let mut starts: Vec<usize> = std::iter::once(0)
        .chain(memchr::memchr_iter(b'\n', body).map(|at| at + 1))
        .filter(|at| *at == 0 || body[*at..].starts_with(begin))
        .collect();
    starts.push(body.len());
    for part in starts.windows(2) {
        let part = &mut body[part[0]..part[1]];
        let (lines, content) = lines(part);
        let mut kinds = lines.iter().filter_map(|line| header(&part[line.from..line.to])).filter_map(Kind::of);
        let kind = kinds.next();
        match kind {
            Some(Kind::Keys) => mask_keys(&mut part[content..]),
            Some(Kind::Parts(_) | Kind::Other) | None => mask_session_keys(&mut part[content..]),
        }
    }
}

fn has_credentials(name: &[u8]) -> bool {
    ["Authorization", "Proxy-Authorization", "Authentication-Info", "Proxy-Authentication-Info"]
        .into_iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

fn has_keys(content_type: &[u8]) -> bool {
    let kind = content_type.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    [&b"application/dtmf-relay"[..], b"application/dtmf", b"application/vnd.nortelnetworks.digits"]
        .into_iter()
        .any(|known| kind.eq_ignore_ascii_case(known))
}

/// Digest keeps what helps to find a mistake (user, realm, nonce, URI) and loses the proof; of all else nothing stays.
fn mask_credentials(value: &mut [u8]) {
    let digest = value.len() > 7 && value[..7].eq_ignore_ascii_case(b"Digest ");
    let names: &[&[u8]] = if digest { &[b"response"] } else { &[b"rspauth", b"nextnonce"] };
    let mut masked = false;
    for name in names {
        while let Some((from, to)) = parameter(value, name) {
            mask(&mut value[from..to]);
            masked = true;
        }
    }
    if !masked {
        let scheme = memchr::memchr(b' ', value).map_or(0, |at| at + 1);
        mask(&mut value[scheme..]);
    }
}

/// The value of a parameter that is not masked yet.
fn parameter(value: &[u8], name: &[u8]) -> Option<(usize, usize)> {
    let starts = (0..value.len().saturating_sub(name.len())).filter(|at| {
        let before = at.checked_sub(1).map(|before| value[before]);
        value[*at..*at + name.len()].eq_ignore_ascii_case(name)
            && before.is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b','))
    });
    for start in starts {
        let mut from = start + name.len();
        let skip_space = |mut at: usize| {
            while value.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            at
        };
        from = skip_space(from);
        if value.get(from) != Some(&b'=') {
            continue;
        }
        from = skip_space(from + 1);
        let (from, ends): (usize, &[u8]) =
            if value.get(from) == Some(&b'"') { (from + 1, b"\"") } else { (from, b", \t\r\n") };
        let to = value[from..].iter().position(|b| ends.contains(b)).map_or(value.len(), |length| from + length);
        if value[from..to].iter().any(|b| *b != MASK) {
            return Some((from, to));
        }
    }
    None
}

/// `sip:user:password@host`: RFC 3261 §19.1.1 advises against it, and some do it.
fn mask_uri_passwords(line: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&line[at..], b"sip") {
        at += found + 3;
        let after = at + usize::from(line.get(at) == Some(&b's'));
        if line.get(after) != Some(&b':') {
            continue;
        }
        let user = after + 1;
        let end =
            line[user..].iter().position(|b| matches!(b, b'@' | b'<' | b'>' | b'"' | b' ' | b'\t' | b'\r' | b'\n'));
        let Some(end) = end.map(|length| user + length).filter(|end| line[*end] == b'@') else { continue };
        if let Some(colon) = memchr::memchr(b':', &line[user..end]) {
            mask(&mut line[user + colon + 1..end]);
        }
        at = end;
    }
}

/// Keys in a session description, wherever in the body it stands: RFC 4568 `inline:`, `k=` of RFC 4566, ICE passwords.
fn mask_session_keys(body: &mut [u8]) {
    let mut from = 0;
    while from < body.len() {
        let to = memchr::memchr(b'\n', &body[from..]).map_or(body.len(), |length| from + length);
        let line = &mut body[from..to];
        if line.starts_with(b"a=crypto:") {
            let mut at = 0;
            while let Some(found) = memchr::memmem::find(&line[at..], b"inline:") {
                let key = at + found + 7;
                at = line[key..]
                    .iter()
                    .position(|b| matches!(b, b'|' | b' ' | b';' | b'\r'))
                    .map_or(line.len(), |n| key + n);
                mask(&mut line[key..at]);
            }
        } else if line.starts_with(b"k=") {
            mask_line(line, 2);
        } else if line.starts_with(b"a=ice-pwd:") {
            mask_line(line, 10);
        }
        from = to + 1;
    }
}

/// `Signal=5`, or nothing but the key.
fn mask_keys(body: &mut [u8]) {
    for line in body.split_mut(|b| *b == b'\n') {
        let value = match memchr::memchr(b'=', line) {
            None => 0,
            Some(at) => {
                let name = line[..at].trim_ascii();
                if !name.eq_ignore_ascii_case(b"signal") && !name.eq_ignore_ascii_case(b"d") {
                    continue;
                }
                at + 1
            }
        };
        mask_line(line, value);
    }
}

fn mask_line(line: &mut [u8], from: usize) {
    let to = line.len() - usize::from(line.ends_with(b"\r"));
    if from < to {
        mask(&mut line[from..to]);
    }
}

fn mask(part: &mut [u8]) {
    part.iter_mut().filter(|b| !matches!(b, b'\r' | b'\n')).for_each(|b| *b = MASK);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, want: &str) {
        let message = message.replace('\n', "\r\n");
        let mut bytes = message.clone().into_bytes();
        redact(&mut bytes);
        assert_eq!(bytes.len(), message.len(), "lengths stay");
        assert_eq!(String::from_utf8(bytes).unwrap().replace("\r\n", "\n"), want);
    }

    #[test]
    fn digest_loses_its_proof_and_keeps_what_helps() {
        check(
            "INVITE sip:2@h SIP/2.0\nAuthorization: Digest username=\"response=1\", realm=\"r\",\n response=\"0123abcd\", uri=\"sip:2@h\"\n\n",
            "INVITE sip:2@h SIP/2.0\nAuthorization: Digest username=\"response=1\", realm=\"r\",\n response=\"xxxxxxxx\", uri=\"sip:2@h\"\n\n",
        );
        check(
            "A sip:h SIP/2.0\nproxy-authorization: Digest Response = abc\n\n",
            "A sip:h SIP/2.0\nproxy-authorization: Digest Response = xxx\n\n",
        );
        check(
            "SIP/2.0 200 OK\nAuthentication-Info: qop=auth, rspauth=\"ab\"\n\n",
            "SIP/2.0 200 OK\nAuthentication-Info: qop=auth, rspauth=\"xx\"\n\n",
        );
    }

    #[test]
    fn a_password_in_the_uri_of_credentials_goes_too() {
        check(
            "A sip:h SIP/2.0\nAuthorization: Digest uri=\"sip:2:pw@h\", response=\"ab\"\n\n",
            "A sip:h SIP/2.0\nAuthorization: Digest uri=\"sip:2:xx@h\", response=\"xx\"\n\n",
        );
    }

    #[test]
    fn of_other_credentials_nothing_stays() {
        check("A sip:h SIP/2.0\nAuthorization: Bearer ab.cd\n\n", "A sip:h SIP/2.0\nAuthorization: Bearer xxxxx\n\n");
        check("A sip:h SIP/2.0\nAuthorization: Digest odd\n\n", "A sip:h SIP/2.0\nAuthorization: Digest xxx\n\n");
        check("A sip:h SIP/2.0\nAuthorization: secret\n\n", "A sip:h SIP/2.0\nAuthorization: xxxxxx\n\n");
    }

    #[test]
    fn passwords_in_uris_are_masked() {
        check(
            "INVITE sip:2:pw@h SIP/2.0\nFrom: \"sip: a\" <sips:1:geheim@h:5061>;tag=1\nTo: <sip:h:5060>\n\n",
            "INVITE sip:2:xx@h SIP/2.0\nFrom: \"sip: a\" <sips:1:xxxxxx@h:5061>;tag=1\nTo: <sip:h:5060>\n\n",
        );
    }

    #[test]
    fn keys_of_the_media_are_masked() {
        check(
            "INVITE sip:h SIP/2.0\nc: application/sdp\n\nv=0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc|2^20 inline:d\nk=clear:k\na=ice-pwd:pw\na=x\n",
            "INVITE sip:h SIP/2.0\nc: application/sdp\n\nv=0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxx|2^20 inline:x\nk=xxxxxxx\na=ice-pwd:xx\na=x\n",
        );
    }

    #[test]
    fn keys_that_were_pressed_are_masked() {
        check(
            "INFO sip:h SIP/2.0\nContent-Type: application/dtmf-relay\n\nSignal=5\nDuration=160\n",
            "INFO sip:h SIP/2.0\nContent-Type: application/dtmf-relay\n\nSignal=x\nDuration=160\n",
        );
        check("INFO sip:h SIP/2.0\nc: application/dtmf\n\n7", "INFO sip:h SIP/2.0\nc: application/dtmf\n\nx");
    }

    #[test]
    fn keys_in_one_of_several_parts_are_masked() {
        let message = |signal: &str, key: &str, boundary: &str| {
            format!(
                "INFO sip:h SIP/2.0\nContent-Type: multipart/mixed;\n {boundary}\n\npreamble=1\n--a b\nContent-Type: text/plain\n\nd=1\n--a b\nContent-Type:\n application/dtmf-relay\n\nSignal={signal}\n--2\nDuration=160\n--a b\nc: application/sdp\n\nk={key}\n--a b--\nd=1\n"
            )
        };
        let boundary = "x=y; Boundary=\"a b\"";
        check(&message("5", "clear:k", boundary), &message("x", "xxxxxxx", boundary).replace("--2", "xxx"));
        check(
            "INFO sip:h SIP/2.0\nc: multipart/mixed\n\n--b\nc: application/dtmf\n\n7\n--b--\n",
            "INFO sip:h SIP/2.0\nc: multipart/mixed\n\n--b\nc: application/dtmf\n\nx\n--b--\n",
        );
    }

    #[test]
    fn nothing_panics_and_lengths_stay() {
        for whole in [
            &b"A sip:1:2@ SIP/2.0\r\nAuthorization: Digest response\r\nc: application/dtmf\r\n\r\na=crypto:inline:\r\nk=\n="[..],
            b"A sip:1:2@ SIP/2.0\r\nc: multipart/mixed;boundary=\"b\"\r\n\r\n\n--b\r\nc: application/dtmf\r\n\r\n1\n--b--",
        ] {
            for length in 0..=whole.len() {
                let mut cut = whole[..length].to_vec();
                redact(&mut cut);
                assert_eq!(cut.len(), length);
            }
        }
    }
}

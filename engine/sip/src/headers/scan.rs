//! The lexical ground of header field values: tokens, white space, quoted strings, lists (RFC 3261 §25.1).

/// True for the characters of a token (RFC 3261 §25.1).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

/// True for one or more token characters.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without the white space at both ends.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text))
}

/// Without the white space at its beginning.
pub(crate) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    text
}

fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

/// The length of the quoted string that `text` begins with, both quotes counted; `None` if it does not end.
pub(crate) fn quoted_len(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Splits at commas outside quoted strings and angle brackets; elements are trimmed, empty ones kept.
pub(crate) fn split_commas(text: &[u8]) -> SplitCommas<'_> {
    SplitCommas { rest: Some(text) }
}

/// See [`split_commas`].
pub(crate) struct SplitCommas<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for SplitCommas<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest?;
        match find_comma(text) {
            Some(end) => {
                self.rest = Some(&text[end + 1..]);
                Some(trim(&text[..end]))
            }
            None => {
                self.rest = None;
                Some(trim(text))
            }
        }
    }
}

/// Where a comma first stands outside quoted strings and angle brackets. An unclosed quote or bracket hides the rest.
fn find_comma(text: &[u8]) -> Option<usize> {
    // Most lines have none.
    memchr::memchr(b',', text)?;
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|byte| matches!(byte, b',' | b'"' | b'<'))?;
        at += match text[at] {
            b'"' => quoted_len(&text[at..])?,
            b'<' => memchr::memchr(b'>', &text[at..])? + 1,
            _ => return Some(at),
        };
    }
}

/// The number in these digits; too large a one becomes `u32::MAX`. `None` if there is none or another character.
pub(crate) fn parse_clamped(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |value, &byte| {
        byte.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
    })
}

/// The number in these digits; `None` if there is none, another character, or it does not fit.
pub(crate) fn parse_exact(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |value, &byte| {
        if !byte.is_ascii_digit() {
            return None;
        }
        value.checked_mul(10)?.checked_add(u32::from(byte - b'0'))
    })
}

/// The next word and what follows it: words are separated by white space.
pub(crate) fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = trim_start(text);
    let end = text.iter().position(|&byte| is_blank(byte)).unwrap_or(text.len());
    (&text[..end], trim_start(&text[end..]))
}

/// The content of a quoted string without quotes and backslashes; a text that is not quoted stays as it is.
pub(crate) fn unquote(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = text else {
        return text.into();
    };
    if memchr::memchr(b'\\', inner).is_none() {
        return inner.into();
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            plain.push(byte);
        } else if let Some(&escaped) = bytes.next() {
            plain.push(escaped);
        }
    }
    plain.into()
}

/// Appends `text` as a quoted string; control characters that may not stand in one become spaces.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=31 | 127 => out.push(b' '),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

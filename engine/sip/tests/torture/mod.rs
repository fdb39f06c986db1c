//! Reads the torture messages, which are kept in the markup of RFC 4475 section 2.

use bytes::Bytes;

/// One message of the file: its name and its bytes as they go on the wire.
pub(crate) struct Torture {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// Every message of a file.
pub(crate) fn messages(text: &str) -> Vec<Torture> {
    let text = text.strip_suffix('\n').expect("a last line");
    let blocks = text.split("\n@@ ").skip(1);
    blocks
        .map(|block| {
            let (title, lines) = block.split_once('\n').expect("a title line");
            let name = title.split(' ').next().expect("a name").to_owned();
            Torture { name, bytes: expand(&lay_out(lines)).into() }
        })
        .collect()
}

/// The message of that name.
#[allow(dead_code, reason = "not every test file asks for one by name")]
pub(crate) fn message(text: &str, name: &str) -> Bytes {
    messages(text).into_iter().find(|message| message.name == name).expect("a message of that name").bytes
}

/// Lines end in CRLF, but for those between the marks of one long line.
fn lay_out(lines: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut one_line = false;
    for line in lines.split('\n') {
        match line {
            "<allOneLine>" => one_line = true,
            "</allOneLine>" => {
                one_line = false;
                out.extend_from_slice(b"\r\n");
            }
            _ => {
                out.extend_from_slice(line.as_bytes());
                if !one_line {
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }
    out
}

/// Replaces `<hex>` and `<repeat count=N>`, which do not nest.
fn expand(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        if let Some(after) = rest.strip_prefix(b"<hex>") {
            let (inner, after) = split_at_mark(after, b"</hex>");
            let digits: Vec<u8> = inner.iter().copied().filter(u8::is_ascii_hexdigit).collect();
            let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex digits"));
            out.extend(pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")));
            rest = after;
        } else if let Some(after) = rest.strip_prefix(b"<repeat count=") {
            let (count, after) = split_at_mark(after, b">");
            let (inner, after) = split_at_mark(after, b"</repeat>");
            let count = std::str::from_utf8(count).ok().and_then(|count| count.parse().ok()).expect("a count");
            out.extend(inner.repeat(count));
            rest = after;
        } else {
            out.push(byte);
            rest = &rest[1..];
        }
    }
    out
}

fn split_at_mark<'a>(text: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = text.windows(mark.len()).position(|window| window == mark).expect("a closing mark");
    (&text[..at], &text[at + mark.len()..])
}

//! Digest as a phone does it (RFC 2617 form with qop=auth, MD5): written from the RFC's text.

use md5::{Digest, Md5};

use crate::text::Text;

/// The challenge of a 401 or 407 that asks for MD5.
pub(super) fn challenge(response: &Text) -> Option<(&'static str, String)> {
    response.headers.iter().find_map(|(name, value)| {
        let answer = match name.to_ascii_lowercase().as_str() {
            "www-authenticate" => "Authorization",
            "proxy-authenticate" => "Proxy-Authorization",
            _ => return None,
        };
        let md5 = quoted(value, "algorithm").is_none_or(|algorithm| algorithm.eq_ignore_ascii_case("md5"));
        md5.then(|| (answer, value.clone()))
    })
}

/// The value of the Authorization header field.
pub(super) fn answer(challenge: &str, user: &str, password: &str, method: &str, uri: &str, cnonce: &str) -> String {
    let realm = quoted(challenge, "realm").unwrap_or_default();
    let nonce = quoted(challenge, "nonce").unwrap_or_default();
    let ha1 = md5(&format!("{user}:{realm}:{password}"));
    let ha2 = md5(&format!("{method}:{uri}"));
    let response = md5(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"));
    let opaque = quoted(challenge, "opaque").map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm=MD5, cnonce=\"{cnonce}\", qop=auth, nc=00000001{opaque}"
    )
}

/// A challenge of a carrier's.
pub(super) fn ask(nonce: &str) -> String {
    format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"")
}

/// Whether the answer to [`ask`] is right.
pub(super) fn is_right(answer: &str, user: &str, password: &str, method: &str, uri: &str) -> bool {
    let [nonce, cnonce, nc, said] =
        ["nonce", "cnonce", "nc", "response"].map(|name| parameter(answer, name).unwrap_or_default());
    let ha1 = md5(&format!("{user}:{REALM}:{password}"));
    let ha2 = md5(&format!("{method}:{uri}"));
    let right = md5(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"));
    parameter(answer, "username") == Some(user) && parameter(answer, "uri") == Some(uri) && said == right
}

/// A parameter by its whole name: `nonce` is not `cnonce`.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let rest = value.strip_prefix("Digest ")?;
    rest.split(',').find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        (key == name).then(|| value.trim_matches('"'))
    })
}

const REALM: &str = "carrier";

fn quoted<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let at = value.find(&format!("{name}="))? + name.len() + 1;
    let rest = &value[at..];
    match rest.strip_prefix('"') {
        Some(inside) => inside.split('"').next(),
        None => rest.split([',', ' ']).next(),
    }
}

fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 §3.5, with MD5.
    #[test]
    fn the_rfcs_example_comes_out() {
        let challenge = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
                         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let header = answer(challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b");
        assert!(header.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{header}");
    }
}

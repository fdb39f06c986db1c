//! Whether a browser's request comes from our own pages. A cookie travels with every request of a browser, whoever made it;
//! a bearer token does not, so requests with one are not looked at.

use axum::http::{HeaderMap, Method, header};

use super::problem::{Kind, Problem};

/// Lets reading through, and writing only from our own pages.
///
/// # Errors
/// [`Kind::CrossSite`] when another site's page asks.
pub fn same_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    // RFC 9110 §9.2.1: safe methods change nothing.
    if method.is_safe() {
        return Ok(());
    }
    match headers.get("sec-fetch-site").map(axum::http::HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(cross_site()),
        None => own_origin(headers),
    }
}

/// Whether `Origin` is this host. A request without `Origin` is no browser's (they all send it with writes and WebSockets).
///
/// # Errors
/// [`Kind::CrossSite`] when it is another.
pub fn own_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    match (origin, host) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(cross_site()),
    }
}

fn cross_site() -> Problem {
    Problem::new(
        Kind::CrossSite,
        "another site's page asked with this browser's session; open the console itself, or use a bearer token",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)));
        same_site(method, &headers.collect()).is_ok()
    }

    #[test]
    fn only_our_own_pages_write() {
        let host = ("host", "pbx.example:8080");
        assert!(check(&Method::GET, &[host, ("sec-fetch-site", "cross-site")]));
        assert!(check(&Method::POST, &[host, ("sec-fetch-site", "same-origin")]));
        assert!(!check(&Method::POST, &[host, ("sec-fetch-site", "same-site")]));
        assert!(!check(
            &Method::POST,
            &[host, ("sec-fetch-site", "cross-site"), ("origin", "http://pbx.example:8080")]
        ));
        assert!(check(&Method::POST, &[host, ("origin", "http://pbx.example:8080")]));
        assert!(!check(&Method::POST, &[host, ("origin", "http://evil.example")]));
        assert!(!check(&Method::POST, &[host, ("origin", "null")]));
        assert!(check(&Method::POST, &[host]));
    }
}

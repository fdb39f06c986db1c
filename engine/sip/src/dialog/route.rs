//! Where a request inside a dialog goes: Request-URI and Route from the remote target and the route set (RFC 3261 §12.2.1.1).

use crate::headers::{HeaderName, NameAddr};
use crate::message::{Method, Request};
use crate::uri::Uri;

/// A request with Request-URI and Route set, and nothing else.
pub(super) fn routed(method: Method, target: &Uri, route_set: &[NameAddr]) -> Request {
    match route_set.split_first() {
        None => Request::new(method, target.clone()),
        Some((first, rest)) if is_strict(&first.uri) => {
            // RFC 3261 §12.2.1.1: a strict router gets itself as Request-URI, and the target as the last Route.
            let mut request = Request::new(method, as_request_uri(&first.uri));
            for route in rest {
                request.headers.push(HeaderName::Route, route);
            }
            request.headers.push(HeaderName::Route, NameAddr::new(target.clone()));
            request
        }
        Some(_) => {
            let mut request = Request::new(method, target.clone());
            for route in route_set {
                request.headers.push(HeaderName::Route, route);
            }
            request
        }
    }
}

/// RFC 3261 §12.2.1.1: a router without `lr` is a strict one.
fn is_strict(uri: &Uri) -> bool {
    match uri {
        Uri::Sip(uri) => !uri.is_loose_router(),
        Uri::Tel(_) | Uri::Other(_) => false,
    }
}

/// RFC 3261 §12.2.1.1: without what may not stand in a Request-URI (§19.1.1: headers, and the `method` parameter).
fn as_request_uri(uri: &Uri) -> Uri {
    match uri {
        Uri::Sip(uri) => Uri::Sip(uri.without_headers().without_param("method")),
        Uri::Tel(_) | Uri::Other(_) => uri.clone(),
    }
}

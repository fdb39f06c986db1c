//! The console's files, out of the binary: at `/` and wherever no other part of the server is. They are public; what they show is asked of
//! the API, by who is signed in.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use super::harden_headers;

/// A file of the console, as it was built.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// From the root of the server, `/assets/index-1f2e.js`.
    pub path: &'static str,
    /// Another one for each content.
    pub tag: &'static str,
    /// As it is.
    pub plain: &'static [u8],
    /// Compressed by gzip, where that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// Compressed by Brotli, where that is smaller.
    pub brotli: Option<&'static [u8]>,
}

/// All of them; none where the binary was built without the console.
pub type Files = &'static [File];

/// The page that every path of the console begins with; it finds the right one itself.
const INDEX: &str = "/index.html";
/// Where files are whose names tell their content.
const HASHED: &str = "/assets/";
/// What belongs to the rest of the server, by the first part of the path.
const TAKEN: [&str; 5] = ["api", "sip", "metrics", "healthz", "readyz"];
/// Scripts, data and sockets from this server alone. Styles are written by the components as they are drawn.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    font-src 'self' data:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";
/// Of what browsers ask the user for, the microphone alone.
const FEATURES: &str = "microphone=(self), speaker-selection=(self), camera=(), geolocation=(), payment=(), usb=()";
/// Shown where there is no console in the binary.
const MISSING: &str = include_str!("console_missing.html");

/// Puts the console before a router: it answers what is its own and leaves the rest alone.
pub fn before(router: Router, files: Files) -> Router {
    router.layer(from_fn_with_state(files, answer))
}

async fn answer(State(files): State<Files>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let found = if is_read { look_up(files, request.uri().path(), request.headers()) } else { Found::Elsewhere };
    match found {
        Found::Elsewhere => next.run(request).await,
        Found::Missing => html(Body::from(MISSING).into_response()),
        Found::File(file) => sent(file, request.headers()),
    }
}

/// What a path leads to.
#[derive(Debug)]
enum Found {
    /// Not to the console.
    Elsewhere,
    /// To the console, which is not there.
    Missing,
    /// To this file.
    File(File),
}

fn look_up(files: Files, path: &str, headers: &HeaderMap) -> Found {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if TAKEN.contains(&first) {
        return Found::Elsewhere;
    }
    if let Some(file) = files.iter().find(|file| file.path == path) {
        return Found::File(*file);
    }
    let is_page = path == "/" || (!path.starts_with(HASHED) && !path.contains('.') && wants_html(headers));
    if !is_page {
        return Found::Elsewhere;
    }
    files.iter().find(|file| file.path == INDEX).map_or(Found::Missing, |index| Found::File(*index))
}

/// Whether a browser opens a page. A program that mistakes a path gets the API's own answer.
fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|text| text.contains("text/html"))
}

fn sent(file: File, headers: &HeaderMap) -> Response {
    let is_hashed = file.path.starts_with(HASHED);
    let caching = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = format!("W/\"{}\"", file.tag);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (bytes, coding) = coded(&file, headers);
        let mut response = Body::from(Bytes::from_static(bytes)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(file.path)));
        if let Some(coding) = coding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    };
    let kept = response.headers_mut();
    kept.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    kept.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    kept.insert(header::ETAG, HeaderValue::from_str(&tag).expect("a tag is hexadecimal"));
    if file.path == INDEX {
        return html(response);
    }
    harden_headers(kept);
    response
}

/// With what a browser may do on a page.
fn html(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert("permissions-policy", HeaderValue::from_static(FEATURES));
    harden_headers(headers);
    response
}

/// The smallest form that is accepted, and its name.
fn coded(file: &File, headers: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| accepted.split(',').any(|one| takes_coding(one, name));
    match (file.brotli.filter(|_| takes("br")), file.gzip.filter(|_| takes("gzip"))) {
        (Some(brotli), _) => (brotli, Some("br")),
        (None, Some(gzip)) => (gzip, Some("gzip")),
        (None, None) => (file.plain, None),
    }
}

/// RFC 9110 §12.5.3: `gzip`, `gzip;q=0.5`, but not `gzip;q=0`.
fn takes_coding(one: &str, name: &str) -> bool {
    let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
    let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
    coding.trim().eq_ignore_ascii_case(name) && !refused
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "webmanifest" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use axum::routing::get;
    use tower::ServiceExt as _;

    static FILES: [File; 2] = [
        File { path: "/index.html", tag: "1", plain: b"page", gzip: None, brotli: Some(b"p") },
        File { path: "/assets/a-1.js", tag: "2", plain: b"script", gzip: Some(b"gz"), brotli: Some(b"b") },
    ];

    async fn ask(files: Files, path: &str, headers: &[(&str, &str)]) -> (Response, String) {
        let rest = Router::new()
            .route("/api/v1/calls", get(|| async { "calls" }))
            .fallback(|| async { (StatusCode::NOT_FOUND, "nothing") });
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = before(rest, files).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, 4_096).await.unwrap().to_vec()).unwrap();
        (Response::from_parts(head, Body::empty()), text)
    }

    const BROWSER: (&str, &str) = ("accept", "text/html,*/*");

    #[tokio::test]
    async fn every_path_of_the_console_begins_with_its_page() {
        for path in ["/", "/agents/board"] {
            let (response, text) = ask(&FILES, path, &[BROWSER]).await;
            assert_eq!((response.status(), text.as_str()), (StatusCode::OK, "page"), "{path}");
            assert_eq!(response.headers()["cache-control"], "no-cache");
            assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
            assert_eq!(response.headers()["x-frame-options"], "DENY");
        }
        assert_eq!(ask(&FILES, "/", &[]).await.1, "page");
    }

    #[tokio::test]
    async fn nothing_of_the_rest_is_shadowed() {
        assert_eq!(ask(&FILES, "/api/v1/calls", &[BROWSER]).await.1, "calls");
        for path in ["/api/v1/nothing", "/api", "/sip", "/metrics", "/healthz", "/readyz", "/assets/old.js", "/x.png"] {
            assert_eq!(ask(&FILES, path, &[BROWSER]).await.1, "nothing", "{path}");
        }
        assert_eq!(ask(&FILES, "/agents/board", &[("accept", "application/json")]).await.1, "nothing");
        let post = Request::post("/").body(Body::empty()).unwrap();
        let rest = Router::new().fallback(|| async { "nothing" });
        let response = before(rest, &FILES).oneshot(post).await.unwrap();
        assert_eq!(to_bytes(response.into_body(), 4_096).await.unwrap(), "nothing");
    }

    #[tokio::test]
    async fn files_come_as_small_as_the_browser_takes_them() {
        for (accepted, coding, text) in [
            ("gzip, deflate, br", "br", "b"),
            ("gzip", "gzip", "gz"),
            ("gzip;q=0.5, br;q=0", "gzip", "gz"),
            ("identity", "", "script"),
        ] {
            let (response, body) = ask(&FILES, "/assets/a-1.js", &[("accept-encoding", accepted)]).await;
            let named = response.headers().get("content-encoding").map_or("", |value| value.to_str().unwrap());
            assert_eq!((named, body.as_str()), (coding, text), "{accepted}");
            assert_eq!(response.headers()["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
        }
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let (response, text) = ask(&FILES, "/", &[BROWSER, ("if-none-match", "W/\"0\", W/\"1\"")]).await;
        assert_eq!((response.status(), text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(ask(&FILES, "/", &[BROWSER, ("if-none-match", "W/\"2\"")]).await.1, "page");
    }

    #[tokio::test]
    async fn a_binary_without_the_console_says_how_to_build_it() {
        let (response, text) = ask(&[], "/", &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(text.contains("make run") && text.contains("/api/docs"), "{text}");
    }
}

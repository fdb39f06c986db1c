//! Requests and responses as values. Bytes came from a datagram or a builder; nothing here knows a socket or a state.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

use crate::headers::{HeaderName, HeaderValue, Headers};
use crate::uri::Uri;

/// The most bytes a message may have, start line to the end of the body: what one UDP datagram can carry.
pub const MESSAGE_BYTES_MAX: usize = 65_535;

/// A SIP message.
#[derive(Clone, Debug)]
pub enum Message {
    /// A request (RFC 3261 §7.1).
    Request(Request),
    /// A response (RFC 3261 §7.2).
    Response(Response),
}

impl Message {
    /// The header fields, whichever kind it is.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The header fields to be changed, whichever kind it is.
    pub fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Self::Request(request) => &mut request.headers,
            Self::Response(response) => &mut response.headers,
        }
    }

    /// The body, byte for byte.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// A request (RFC 3261 §7.1).
#[derive(Clone, Debug)]
pub struct Request {
    /// The method; compared case-sensitively (RFC 3261 §7.1).
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The header fields in order. `Content-Length` in here is ignored by the writer, which counts the body itself.
    pub headers: Headers,
    /// The body, byte for byte. Set it by [`Request::set_body`] so that `Content-Type` goes with it.
    pub body: Bytes,
}

impl Request {
    /// A request with no header fields and no body.
    #[must_use]
    pub fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::new(), body: Bytes::new() }
    }

    /// The same request with one more header field at the end.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Replaces the body and its `Content-Type`.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.headers.replace(HeaderName::ContentType, content_type);
        self.body = body.into();
    }

    /// Removes the body and the header fields that describe it.
    pub fn clear_body(&mut self) {
        self.headers.remove_body_description();
        self.body = Bytes::new();
    }
}

/// A response (RFC 3261 §7.2).
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase as it came: usually UTF-8, never trusted.
    pub reason: Bytes,
    /// The header fields in order. `Content-Length` in here is ignored by the writer, which counts the body itself.
    pub headers: Headers,
    /// The body, byte for byte. Set it by [`Response::set_body`] so that `Content-Type` goes with it.
    pub body: Bytes,
}

impl Response {
    /// A response with the usual reason phrase, no header fields and no body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            reason: Bytes::from_static(status.default_reason().as_bytes()),
            headers: Headers::new(),
            body: Bytes::new(),
        }
    }

    /// The response to `request` by RFC 3261 §8.2.6.2: every Via in order, From, To, Call-ID and CSeq are the request's, and
    /// for 100 its Timestamp too. `to_tag` is added to a To that has none, but for 100 (§8.2.6.2 allows either; §12.1
    /// makes no dialog of it).
    #[must_use]
    pub fn to_request(request: &Request, status: StatusCode, to_tag: Option<&str>) -> Self {
        Self::to_headers(&request.headers, status, to_tag)
    }

    /// As [`Response::to_request`], from the header fields alone: what a transaction that dropped its request still has.
    #[must_use]
    pub fn to_headers(request: &Headers, status: StatusCode, to_tag: Option<&str>) -> Self {
        let mut response = Self::new(status);
        response.headers =
            request.copied(&[HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq]);
        if status == StatusCode::TRYING {
            response.headers.append_copies(request, &HeaderName::Timestamp);
        } else if let Some(tag) = to_tag {
            response.headers.add_to_tag(tag);
        }
        response
    }

    /// The same response with another reason phrase; CR, LF and NUL become spaces.
    #[must_use]
    pub fn with_reason(mut self, reason: &str) -> Self {
        self.reason = HeaderValue::from(reason).into_bytes();
        self
    }

    /// The same response with one more header field at the end.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Replaces the body and its `Content-Type`.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.headers.replace(HeaderName::ContentType, content_type);
        self.body = body.into();
    }
}

/// A method (RFC 3261 §7.1). Names are case-sensitive: `invite` is [`Method::Other`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the method of that name")]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Register,
    Options,
    Prack,
    Subscribe,
    Notify,
    Publish,
    Info,
    Refer,
    Message,
    Update,
    /// Any other token.
    Other(ByteString),
}

impl Method {
    /// Every method that has a variant of its own, in the order in which an Allow shows them.
    pub const KNOWN: [Self; 14] = [
        Self::Invite,
        Self::Ack,
        Self::Bye,
        Self::Cancel,
        Self::Register,
        Self::Options,
        Self::Prack,
        Self::Subscribe,
        Self::Notify,
        Self::Publish,
        Self::Info,
        Self::Refer,
        Self::Message,
        Self::Update,
    ];

    /// The method of that name; `None` if it is no token (RFC 3261 §25.1).
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            b"PRACK" => Self::Prack,
            b"SUBSCRIBE" => Self::Subscribe,
            b"NOTIFY" => Self::Notify,
            b"PUBLISH" => Self::Publish,
            b"INFO" => Self::Info,
            b"REFER" => Self::Refer,
            b"MESSAGE" => Self::Message,
            b"UPDATE" => Self::Update,
            other => {
                if !crate::headers::is_token(other) {
                    return None;
                }
                Self::Other(ByteString::from(std::str::from_utf8(other).ok()?))
            }
        })
    }

    /// The name as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Register => "REGISTER",
            Self::Options => "OPTIONS",
            Self::Prack => "PRACK",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Publish => "PUBLISH",
            Self::Info => "INFO",
            Self::Refer => "REFER",
            Self::Message => "MESSAGE",
            Self::Update => "UPDATE",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status code, 100 to 699.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(u16);

macro_rules! status_codes {
    ($($name:ident = $code:literal $reason:literal;)*) => {
        #[expect(missing_docs, reason = "each constant is the code of that reason phrase")]
        impl StatusCode {
            $(pub const $name: Self = Self($code);)*
        }

        impl StatusCode {
            /// The phrase RFC 3261 §21 and the RFCs after it use; a generic one for an unknown code.
            #[must_use]
            pub fn default_reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    100..=199 => "Provisional",
                    200..=299 => "Success",
                    300..=399 => "Redirection",
                    400..=499 => "Request Failure",
                    500..=599 => "Server Failure",
                    _ => "Global Failure",
                }
            }
        }
    };
}

status_codes! {
    TRYING = 100 "Trying";
    RINGING = 180 "Ringing";
    CALL_IS_BEING_FORWARDED = 181 "Call Is Being Forwarded";
    QUEUED = 182 "Queued";
    SESSION_PROGRESS = 183 "Session Progress";
    EARLY_DIALOG_TERMINATED = 199 "Early Dialog Terminated";
    OK = 200 "OK";
    ACCEPTED = 202 "Accepted";
    NO_NOTIFICATION = 204 "No Notification";
    MULTIPLE_CHOICES = 300 "Multiple Choices";
    MOVED_PERMANENTLY = 301 "Moved Permanently";
    MOVED_TEMPORARILY = 302 "Moved Temporarily";
    USE_PROXY = 305 "Use Proxy";
    ALTERNATIVE_SERVICE = 380 "Alternative Service";
    BAD_REQUEST = 400 "Bad Request";
    UNAUTHORIZED = 401 "Unauthorized";
    PAYMENT_REQUIRED = 402 "Payment Required";
    FORBIDDEN = 403 "Forbidden";
    NOT_FOUND = 404 "Not Found";
    METHOD_NOT_ALLOWED = 405 "Method Not Allowed";
    NOT_ACCEPTABLE = 406 "Not Acceptable";
    PROXY_AUTHENTICATION_REQUIRED = 407 "Proxy Authentication Required";
    REQUEST_TIMEOUT = 408 "Request Timeout";
    GONE = 410 "Gone";
    CONDITIONAL_REQUEST_FAILED = 412 "Conditional Request Failed";
    REQUEST_ENTITY_TOO_LARGE = 413 "Request Entity Too Large";
    REQUEST_URI_TOO_LONG = 414 "Request-URI Too Long";
    UNSUPPORTED_MEDIA_TYPE = 415 "Unsupported Media Type";
    UNSUPPORTED_URI_SCHEME = 416 "Unsupported URI Scheme";
    BAD_EXTENSION = 420 "Bad Extension";
    EXTENSION_REQUIRED = 421 "Extension Required";
    SESSION_INTERVAL_TOO_SMALL = 422 "Session Interval Too Small";
    INTERVAL_TOO_BRIEF = 423 "Interval Too Brief";
    FLOW_FAILED = 430 "Flow Failed";
    FIRST_HOP_LACKS_OUTBOUND_SUPPORT = 439 "First Hop Lacks Outbound Support";
    BAD_INFO_PACKAGE = 469 "Bad Info Package";
    TEMPORARILY_UNAVAILABLE = 480 "Temporarily Unavailable";
    CALL_DOES_NOT_EXIST = 481 "Call/Transaction Does Not Exist";
    LOOP_DETECTED = 482 "Loop Detected";
    TOO_MANY_HOPS = 483 "Too Many Hops";
    ADDRESS_INCOMPLETE = 484 "Address Incomplete";
    AMBIGUOUS = 485 "Ambiguous";
    BUSY_HERE = 486 "Busy Here";
    REQUEST_TERMINATED = 487 "Request Terminated";
    NOT_ACCEPTABLE_HERE = 488 "Not Acceptable Here";
    BAD_EVENT = 489 "Bad Event";
    REQUEST_PENDING = 491 "Request Pending";
    UNDECIPHERABLE = 493 "Undecipherable";
    SERVER_INTERNAL_ERROR = 500 "Server Internal Error";
    NOT_IMPLEMENTED = 501 "Not Implemented";
    BAD_GATEWAY = 502 "Bad Gateway";
    SERVICE_UNAVAILABLE = 503 "Service Unavailable";
    SERVER_TIME_OUT = 504 "Server Time-out";
    VERSION_NOT_SUPPORTED = 505 "Version Not Supported";
    MESSAGE_TOO_LARGE = 513 "Message Too Large";
    PRECONDITION_FAILURE = 580 "Precondition Failure";
    BUSY_EVERYWHERE = 600 "Busy Everywhere";
    DECLINE = 603 "Decline";
    DOES_NOT_EXIST_ANYWHERE = 604 "Does Not Exist Anywhere";
    GLOBAL_NOT_ACCEPTABLE = 606 "Not Acceptable";
}

impl StatusCode {
    /// The code, if it lies in 100 to 699.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code <= 699 { Some(Self(code)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 1xx.
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// 2xx to 6xx.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.0 >= 200
    }

    /// 2xx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 / 100 == 2
    }

    /// The class: 1 to 6.
    #[must_use]
    pub const fn class(self) -> u16 {
        self.0 / 100
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

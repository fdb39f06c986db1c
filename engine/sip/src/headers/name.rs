//! Names of header fields: known ones as variants, compact forms folded into the long ones, all others kept as they came.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytestring::ByteString;

/// A header field name as it came, compared without regard to case (RFC 3261 §7.3.1).
#[derive(Clone, Debug)]
pub struct OtherName(ByteString);

impl OtherName {
    /// The name as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for OtherName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for OtherName {}

impl PartialOrd for OtherName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OtherName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for OtherName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|byte| state.write_u8(byte));
    }
}

macro_rules! header_names {
    ($($variant:ident $text:literal $lower:literal $(or $compact:literal)?;)*) => {
        /// The name of a header field. Compared without regard to case; a compact form is its long name (RFC 3261 §7.3.3).
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is the header field of that name")]
        pub enum HeaderName {
            $($variant,)*
            /// A name without a variant.
            Other(OtherName),
        }

        impl HeaderName {
            /// The canonical long name; another name as it came.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(name) => name.as_str(),
                }
            }

            fn known(lower: &[u8]) -> Option<Self> {
                match lower {
                    $($lower $(| $compact)? => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

header_names! {
    Accept "Accept" b"accept";
    AcceptContact "Accept-Contact" b"accept-contact" or b"a";
    AcceptEncoding "Accept-Encoding" b"accept-encoding";
    AcceptLanguage "Accept-Language" b"accept-language";
    AlertInfo "Alert-Info" b"alert-info";
    Allow "Allow" b"allow";
    AllowEvents "Allow-Events" b"allow-events" or b"u";
    AuthenticationInfo "Authentication-Info" b"authentication-info";
    Authorization "Authorization" b"authorization";
    CallId "Call-ID" b"call-id" or b"i";
    CallInfo "Call-Info" b"call-info";
    Contact "Contact" b"contact" or b"m";
    ContentDisposition "Content-Disposition" b"content-disposition";
    ContentEncoding "Content-Encoding" b"content-encoding" or b"e";
    ContentLanguage "Content-Language" b"content-language";
    ContentLength "Content-Length" b"content-length" or b"l";
    ContentType "Content-Type" b"content-type" or b"c";
    CSeq "CSeq" b"cseq";
    Date "Date" b"date";
    Diversion "Diversion" b"diversion";
    ErrorInfo "Error-Info" b"error-info";
    Event "Event" b"event" or b"o";
    Expires "Expires" b"expires";
    FlowTimer "Flow-Timer" b"flow-timer";
    From "From" b"from" or b"f";
    HistoryInfo "History-Info" b"history-info";
    Identity "Identity" b"identity" or b"y";
    InReplyTo "In-Reply-To" b"in-reply-to";
    Join "Join" b"join";
    MaxForwards "Max-Forwards" b"max-forwards";
    MimeVersion "MIME-Version" b"mime-version";
    MinExpires "Min-Expires" b"min-expires";
    MinSe "Min-SE" b"min-se";
    Organization "Organization" b"organization";
    PAssertedIdentity "P-Asserted-Identity" b"p-asserted-identity";
    PPreferredIdentity "P-Preferred-Identity" b"p-preferred-identity";
    Path "Path" b"path";
    Priority "Priority" b"priority";
    Privacy "Privacy" b"privacy";
    ProxyAuthenticate "Proxy-Authenticate" b"proxy-authenticate";
    ProxyAuthenticationInfo "Proxy-Authentication-Info" b"proxy-authentication-info";
    ProxyAuthorization "Proxy-Authorization" b"proxy-authorization";
    ProxyRequire "Proxy-Require" b"proxy-require";
    RAck "RAck" b"rack";
    Reason "Reason" b"reason";
    RecordRoute "Record-Route" b"record-route";
    ReferSub "Refer-Sub" b"refer-sub";
    ReferTo "Refer-To" b"refer-to" or b"r";
    ReferredBy "Referred-By" b"referred-by" or b"b";
    RejectContact "Reject-Contact" b"reject-contact" or b"j";
    RemotePartyId "Remote-Party-ID" b"remote-party-id";
    Replaces "Replaces" b"replaces";
    ReplyTo "Reply-To" b"reply-to";
    RequestDisposition "Request-Disposition" b"request-disposition" or b"d";
    Require "Require" b"require";
    RetryAfter "Retry-After" b"retry-after";
    Route "Route" b"route";
    RSeq "RSeq" b"rseq";
    Server "Server" b"server";
    ServiceRoute "Service-Route" b"service-route";
    SessionExpires "Session-Expires" b"session-expires" or b"x";
    Subject "Subject" b"subject" or b"s";
    SubscriptionState "Subscription-State" b"subscription-state";
    Supported "Supported" b"supported" or b"k";
    Timestamp "Timestamp" b"timestamp";
    To "To" b"to" or b"t";
    Unsupported "Unsupported" b"unsupported";
    UserAgent "User-Agent" b"user-agent";
    Via "Via" b"via" or b"v";
    Warning "Warning" b"warning";
    WwwAuthenticate "WWW-Authenticate" b"www-authenticate";
}

/// Longer than every known name.
const KNOWN_NAME_BYTES_MAX: usize = 32;

impl HeaderName {
    /// The name in these bytes; `None` if they are no token (RFC 3261 §25.1).
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Option<Self> {
        let mut lower = [0; KNOWN_NAME_BYTES_MAX];
        if let Some(lower) = lower.get_mut(..name.len()) {
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            if let Some(known) = Self::known(lower) {
                return Some(known);
            }
        }
        if !super::is_token(name) {
            return None;
        }
        let text = std::str::from_utf8(name).ok()?;
        Some(Self::Other(OtherName(ByteString::from(text))))
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

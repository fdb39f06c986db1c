//! Names of header fields: known ones as variants, compact forms folded into the long ones, all others kept as they came.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A header field name as it came, compared without regard to case (RFC 3261 §7.3.1).
#[derive(Clone, Debug)]
pub struct OtherName(Box<str>);

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
    ($($variant:ident $text:literal $(or $compact:literal)?;)*) => {
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
        }

        /// Every name that has a variant, long and compact, with the variant.
        const KNOWN: &[(&str, HeaderName)] = &[
            $(($text, HeaderName::$variant), $(($compact, HeaderName::$variant),)?)*
        ];
    };
}

header_names! {
    Accept "Accept";
    AcceptContact "Accept-Contact" or "a";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AlertInfo "Alert-Info";
    Allow "Allow";
    AllowEvents "Allow-Events" or "u";
    AuthenticationInfo "Authentication-Info";
    Authorization "Authorization";
    CallId "Call-ID" or "i";
    CallInfo "Call-Info";
    Contact "Contact" or "m";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" or "e";
    ContentLanguage "Content-Language";
    ContentLength "Content-Length" or "l";
    ContentType "Content-Type" or "c";
    CSeq "CSeq";
    Date "Date";
    Diversion "Diversion";
    ErrorInfo "Error-Info";
    Event "Event" or "o";
    Expires "Expires";
    FlowTimer "Flow-Timer";
    From "From" or "f";
    HistoryInfo "History-Info";
    Identity "Identity" or "y";
    InReplyTo "In-Reply-To";
    InfoPackage "Info-Package";
    Join "Join";
    MaxForwards "Max-Forwards";
    MimeVersion "MIME-Version";
    MinExpires "Min-Expires";
    MinSe "Min-SE";
    Organization "Organization";
    PAssertedIdentity "P-Asserted-Identity";
    PPreferredIdentity "P-Preferred-Identity";
    Path "Path";
    Priority "Priority";
    Privacy "Privacy";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthenticationInfo "Proxy-Authentication-Info";
    ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require";
    RAck "RAck";
    Reason "Reason";
    RecordRoute "Record-Route";
    RecvInfo "Recv-Info";
    ReferSub "Refer-Sub";
    ReferTo "Refer-To" or "r";
    ReferredBy "Referred-By" or "b";
    RejectContact "Reject-Contact" or "j";
    RemotePartyId "Remote-Party-ID";
    Replaces "Replaces";
    ReplyTo "Reply-To";
    RequestDisposition "Request-Disposition" or "d";
    Require "Require";
    RetryAfter "Retry-After";
    Route "Route";
    RSeq "RSeq";
    Server "Server";
    ServiceRoute "Service-Route";
    SessionExpires "Session-Expires" or "x";
    Subject "Subject" or "s";
    SubscriptionState "Subscription-State";
    Supported "Supported" or "k";
    Timestamp "Timestamp";
    To "To" or "t";
    Unsupported "Unsupported";
    UserAgent "User-Agent";
    Via "Via" or "v";
    Warning "Warning";
    WwwAuthenticate "WWW-Authenticate";
}

/// Slots of the table that finds a known name: a power of two, three times as many as there are names.
const SLOTS: usize = 256;

/// For each hash the place in `KNOWN`, or `EMPTY`; a taken slot is followed by the next.
const TABLE: [u8; SLOTS] = fill_table();
const EMPTY: u8 = u8::MAX;

const fn fill_table() -> [u8; SLOTS] {
    assert!(KNOWN.len() < EMPTY as usize);
    let mut table = [EMPTY; SLOTS];
    let mut place = 0;
    while place < KNOWN.len() {
        let mut slot = hash(KNOWN[place].0.as_bytes());
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = place as u8;
        place += 1;
    }
    table
}

/// Length, first, middle and last letter tell nearly all known names apart. The name is not empty.
const fn hash(name: &[u8]) -> usize {
    let (first, middle, last) = (name[0] | 0x20, name[name.len() / 2] | 0x20, name[name.len() - 1] | 0x20);
    (name.len() * 5 + first as usize * 7 + middle as usize * 31 + last as usize * 3) % SLOTS
}

impl HeaderName {
    /// The name in these bytes; `None` if they are no token (RFC 3261 §25.1).
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        let mut slot = hash(name);
        while let Some((text, known)) = KNOWN.get(usize::from(TABLE[slot])) {
            // Nearly all are spelt as the RFCs spell them.
            if text.as_bytes() == name || text.as_bytes().eq_ignore_ascii_case(name) {
                return Some(known.clone());
            }
            slot = (slot + 1) % SLOTS;
        }
        if !super::is_token(name) {
            return None;
        }
        Some(Self::Other(OtherName(std::str::from_utf8(name).ok()?.into())))
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Typed access to the known header fields. Parsed when asked for; nothing is kept.

use bytes::Bytes;

use super::auth::AuthParams;
use super::diverted::{Diversion, HistoryEntry};
use super::event::{EventPackage, SubscriptionState};
use super::name_addr::{Contacts, NameAddr};
use super::refer::{ReferTo, Replaces};
use super::scan::{parse_clamped, parse_exact, split_commas, trim};
use super::simple::{CSeq, MediaType, RAck, Reason, RetryAfter, SessionExpires, Warning};
use super::via::Via;
use super::{HeaderError, HeaderName, Headers};

impl Headers {
    /// The Via elements from the top.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via, HeaderError>> {
        self.fields.iter().filter(|field| matches!(field.name, HeaderName::Via)).flat_map(|field| {
            let backing = self.backing(field);
            split_commas(self.slice(field)).map(|element| {
                Via::parse_in(backing, element).map_err(|reason| HeaderError::Malformed(HeaderName::Via, reason))
            })
        })
    }

    /// The topmost Via.
    ///
    /// # Errors
    /// [`HeaderError`] if there is none or it is malformed.
    pub fn top_via(&self) -> Result<Via, HeaderError> {
        self.vias().next().unwrap_or(Err(HeaderError::Missing(HeaderName::Via)))
    }

    /// From.
    ///
    /// # Errors
    /// [`HeaderError`] if it is missing, repeated or malformed.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.address(HeaderName::From)?.ok_or(HeaderError::Missing(HeaderName::From))
    }

    /// To.
    ///
    /// # Errors
    /// [`HeaderError`] if it is missing, repeated or malformed.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.address(HeaderName::To)?.ok_or(HeaderError::Missing(HeaderName::To))
    }

    /// Call-ID.
    ///
    /// # Errors
    /// [`HeaderError`] if it is missing, repeated, empty, has white space, or is no UTF-8.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let value = self.only(&HeaderName::CallId)?.ok_or(HeaderError::Missing(HeaderName::CallId))?;
        let malformed = || HeaderError::Malformed(HeaderName::CallId, "it is no word of text");
        let text = std::str::from_utf8(self.slice(value)).map_err(|_| malformed())?;
        if text.is_empty() || text.bytes().fold(false, |bad, byte| bad | (byte <= b' ') | (byte == 127)) {
            return Err(malformed());
        }
        Ok(text)
    }

    /// CSeq.
    ///
    /// # Errors
    /// [`HeaderError`] if it is missing, repeated or malformed.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        let field = self.only(&HeaderName::CSeq)?.ok_or(HeaderError::Missing(HeaderName::CSeq))?;
        CSeq::parse(self.slice(field)).map_err(|reason| HeaderError::Malformed(HeaderName::CSeq, reason))
    }

    /// Max-Forwards, 0 to 255 (RFC 3261 §20.22).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or no number in range.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let Some(field) = self.only(&HeaderName::MaxForwards)? else { return Ok(None) };
        let hops = parse_exact(self.slice(field)).and_then(|hops| u8::try_from(hops).ok());
        hops.map(Some).ok_or(HeaderError::Malformed(HeaderName::MaxForwards, "it is not in 0 to 255"))
    }

    /// All Contact fields.
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed, or `*` stands beside another (RFC 3261 §10.2.2).
    pub fn contacts(&self) -> Result<Contacts, HeaderError> {
        let mut elements = self.elements(&HeaderName::Contact);
        let first = elements.next();
        if first == Some(b"*") {
            return match elements.next() {
                None => Ok(Contacts::Wildcard),
                Some(_) => Err(HeaderError::Malformed(HeaderName::Contact, "* must stand alone")),
            };
        }
        self.address_list(HeaderName::Contact).map(Contacts::List)
    }

    /// The Route addresses from the top.
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.address_list(HeaderName::Route)
    }

    /// The Record-Route addresses from the top.
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.address_list(HeaderName::RecordRoute)
    }

    /// The Path addresses from the top (RFC 3327).
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed.
    pub fn paths(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.address_list(HeaderName::Path)
    }

    /// The Service-Route addresses from the top (RFC 3608).
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed.
    pub fn service_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.address_list(HeaderName::ServiceRoute)
    }

    /// The P-Asserted-Identity addresses: at most one SIP and one tel (RFC 3325 §9.1).
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed.
    pub fn p_asserted_identity(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.address_list(HeaderName::PAssertedIdentity)
    }

    /// The P-Preferred-Identity addresses (RFC 3325 §9.2).
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed.
    pub fn p_preferred_identity(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.address_list(HeaderName::PPreferredIdentity)
    }

    /// Refer-To (RFC 3515 §2.1: exactly one in a REFER).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn refer_to(&self) -> Result<Option<ReferTo>, HeaderError> {
        self.optional(HeaderName::ReferTo, ReferTo::parse)
    }

    /// Refer-Sub (RFC 4488 §4): false if the referrer wants no subscription. `None` if absent or neither word.
    #[must_use]
    pub fn refer_sub(&self) -> Option<bool> {
        let value = self.get(&HeaderName::ReferSub)?;
        match trim(&value[..memchr::memchr(b';', value).unwrap_or(value.len())]) {
            word if word.eq_ignore_ascii_case(b"true") => Some(true),
            word if word.eq_ignore_ascii_case(b"false") => Some(false),
            _ => None,
        }
    }

    /// Referred-By (RFC 3892).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn referred_by(&self) -> Result<Option<NameAddr>, HeaderError> {
        self.address(HeaderName::ReferredBy)
    }

    /// Expires in seconds, clamped to 32 bits. `None` if absent or malformed: RFC 3261 §10.2.1.1 takes the default then.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.get(&HeaderName::Expires).and_then(parse_clamped)
    }

    /// Min-Expires in seconds, clamped to 32 bits. `None` if absent or malformed.
    #[must_use]
    pub fn min_expires(&self) -> Option<u32> {
        self.get(&HeaderName::MinExpires).and_then(parse_clamped)
    }

    /// Min-SE in seconds (RFC 4028 §5), clamped to 32 bits. `None` if absent or malformed.
    #[must_use]
    pub fn min_se(&self) -> Option<u32> {
        let value = self.get(&HeaderName::MinSe)?;
        parse_clamped(trim(&value[..memchr::memchr(b';', value).unwrap_or(value.len())]))
    }

    /// Session-Expires (RFC 4028 §4).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, HeaderError> {
        self.optional(HeaderName::SessionExpires, SessionExpires::parse)
    }

    /// Content-Length as it came. Several that agree are one.
    ///
    /// # Errors
    /// [`HeaderError`] if it is no number, or several differ.
    pub fn content_length(&self) -> Result<Option<u32>, HeaderError> {
        let mut found = None;
        for value in self.get_all(&HeaderName::ContentLength) {
            let length = parse_exact(value)
                .ok_or(HeaderError::Malformed(HeaderName::ContentLength, "it is no number of bytes"))?;
            if found.is_some_and(|earlier| earlier != length) {
                return Err(HeaderError::Repeated(HeaderName::ContentLength));
            }
            found = Some(length);
        }
        Ok(found)
    }

    /// Content-Type.
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn content_type(&self) -> Result<Option<MediaType>, HeaderError> {
        self.optional(HeaderName::ContentType, MediaType::parse)
    }

    /// The credentials for a user agent server.
    pub fn authorizations(&self) -> impl Iterator<Item = Result<AuthParams, HeaderError>> {
        self.parsed_lines(HeaderName::Authorization, AuthParams::parse)
    }

    /// The credentials for a proxy.
    pub fn proxy_authorizations(&self) -> impl Iterator<Item = Result<AuthParams, HeaderError>> {
        self.parsed_lines(HeaderName::ProxyAuthorization, AuthParams::parse)
    }

    /// The challenges of a 401.
    pub fn www_authenticates(&self) -> impl Iterator<Item = Result<AuthParams, HeaderError>> {
        self.parsed_lines(HeaderName::WwwAuthenticate, AuthParams::parse)
    }

    /// The challenges of a 407.
    pub fn proxy_authenticates(&self) -> impl Iterator<Item = Result<AuthParams, HeaderError>> {
        self.parsed_lines(HeaderName::ProxyAuthenticate, AuthParams::parse)
    }

    /// Authentication-Info's parameters (RFC 7616 §3.5), as if a `Digest` stood before them.
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn authentication_info(&self) -> Result<Option<AuthParams>, HeaderError> {
        self.optional(HeaderName::AuthenticationInfo, |value| {
            let mut text = b"Digest ".to_vec();
            text.extend_from_slice(value);
            AuthParams::parse(&text.into())
        })
    }

    /// The option tags in Require, in order.
    pub fn require(&self) -> impl Iterator<Item = &str> {
        self.tokens(&HeaderName::Require)
    }

    /// The option tags in Proxy-Require, in order.
    pub fn proxy_require(&self) -> impl Iterator<Item = &str> {
        self.tokens(&HeaderName::ProxyRequire)
    }

    /// The option tags in Supported, in order.
    pub fn supported(&self) -> impl Iterator<Item = &str> {
        self.tokens(&HeaderName::Supported)
    }

    /// The option tags in Unsupported, in order.
    pub fn unsupported(&self) -> impl Iterator<Item = &str> {
        self.tokens(&HeaderName::Unsupported)
    }

    /// True if that option tag is in Supported or Require.
    #[must_use]
    pub fn has_option(&self, tag: &str) -> bool {
        self.supported().chain(self.require()).any(|found| found.eq_ignore_ascii_case(tag))
    }

    /// The methods in Allow, in order.
    pub fn allow(&self) -> impl Iterator<Item = &str> {
        self.tokens(&HeaderName::Allow)
    }

    /// The values in Privacy (RFC 3323 §4.2), which are separated by semicolons.
    pub fn privacy(&self) -> impl Iterator<Item = &str> {
        self.get_all(&HeaderName::Privacy)
            .flat_map(|value| value.split(|&byte| matches!(byte, b';' | b',')))
            .filter_map(|value| std::str::from_utf8(trim(value)).ok())
            .filter(|value| !value.is_empty())
    }

    /// The Reason values (RFC 3326).
    pub fn reasons(&self) -> impl Iterator<Item = Result<Reason, HeaderError>> {
        self.parsed_elements(HeaderName::Reason, Reason::parse)
    }

    /// Retry-After.
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn retry_after(&self) -> Result<Option<RetryAfter>, HeaderError> {
        self.optional(HeaderName::RetryAfter, RetryAfter::parse)
    }

    /// User-Agent, or Server in a response, as text.
    #[must_use]
    pub fn user_agent(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.get_text(&HeaderName::UserAgent).or_else(|| self.get_text(&HeaderName::Server))
    }

    /// RAck (RFC 3262 §7.2).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn rack(&self) -> Result<Option<RAck>, HeaderError> {
        self.optional(HeaderName::RAck, |value| RAck::parse(value))
    }

    /// RSeq (RFC 3262 §7.1), 1 to 2^32 - 1.
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::RSeq, |value| parse_exact(value).filter(|&rseq| rseq > 0).ok_or("it is no number"))
    }

    /// Replaces (RFC 3891 §6.1: at most one).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn replaces(&self) -> Result<Option<Replaces>, HeaderError> {
        self.optional(HeaderName::Replaces, Replaces::parse)
    }

    /// The Warning values.
    pub fn warnings(&self) -> impl Iterator<Item = Result<Warning, HeaderError>> {
        self.parsed_elements(HeaderName::Warning, |value| Warning::parse(value))
    }

    /// Date as text (RFC 3261 §20.17).
    #[must_use]
    pub fn date(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.get_text(&HeaderName::Date)
    }

    /// Event (RFC 6665 §8.2.1).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn event(&self) -> Result<Option<EventPackage>, HeaderError> {
        self.optional(HeaderName::Event, EventPackage::parse)
    }

    /// Subscription-State (RFC 6665 §8.2.3).
    ///
    /// # Errors
    /// [`HeaderError`] if it is repeated or malformed.
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState>, HeaderError> {
        self.optional(HeaderName::SubscriptionState, SubscriptionState::parse)
    }

    /// The diversions of the call, the latest first (RFC 5806 §4).
    pub fn diversions(&self) -> impl Iterator<Item = Result<Diversion, HeaderError>> {
        self.parsed_elements(HeaderName::Diversion, Diversion::parse)
    }

    /// Whom the request was meant for in turn, the first first (RFC 7044 §5).
    pub fn history(&self) -> impl Iterator<Item = Result<HistoryEntry, HeaderError>> {
        self.parsed_elements(HeaderName::HistoryInfo, HistoryEntry::parse)
    }

    /// The text elements of all fields of that name; empty ones and those that are no UTF-8 are left out.
    pub fn tokens<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
        self.elements(name).filter_map(|value| std::str::from_utf8(value).ok()).filter(|value| !value.is_empty())
    }

    /// The addresses in all fields of that name, in order.
    ///
    /// # Errors
    /// [`HeaderError`] if one is malformed.
    pub fn address_list(&self, name: HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
        let mut list = Vec::new();
        for field in self.fields.iter().filter(|field| field.name == name) {
            let backing = self.backing(field);
            for element in split_commas(self.slice(field)) {
                match NameAddr::parse_in(backing, element) {
                    Ok(address) => list.push(address),
                    Err(reason) => return Err(HeaderError::Malformed(name, reason)),
                }
            }
        }
        Ok(list)
    }

    fn address(&self, name: HeaderName) -> Result<Option<NameAddr>, HeaderError> {
        let Some(field) = self.only(&name)? else { return Ok(None) };
        let address = NameAddr::parse_in(self.backing(field), self.slice(field));
        address.map(Some).map_err(|reason| HeaderError::Malformed(name, reason))
    }

    fn parsed_elements<T>(
        &self,
        name: HeaderName,
        parse: fn(&Bytes) -> Result<T, &'static str>,
    ) -> impl Iterator<Item = Result<T, HeaderError>> {
        let wanted = name.clone();
        self.fields.iter().filter(move |field| field.name == wanted).flat_map(move |field| {
            let line = self.shared(field);
            let name = name.clone();
            split_commas(self.slice(field)).map(move |element| {
                parse(&line.slice_ref(element)).map_err(|reason| HeaderError::Malformed(name.clone(), reason))
            })
        })
    }

    fn parsed_lines<T>(
        &self,
        name: HeaderName,
        parse: fn(&Bytes) -> Result<T, &'static str>,
    ) -> impl Iterator<Item = Result<T, HeaderError>> {
        let wanted = name.clone();
        self.fields
            .iter()
            .filter(move |field| field.name == wanted)
            .map(move |field| parse(&self.shared(field)).map_err(|reason| HeaderError::Malformed(name.clone(), reason)))
    }

    /// RFC 3261 §8.1.1: what every message must have for a transaction to be found and an answer to be made; gives the
    /// CSeq. Nothing is kept: who wants the values asks for them.
    pub(crate) fn check_essentials(&self) -> Result<CSeq, HeaderError> {
        let via = self.find(&HeaderName::Via).map(|field| self.slice(field));
        let via = via.and_then(|line| split_commas(line).next()).ok_or(HeaderError::Missing(HeaderName::Via))?;
        Via::check(via).map_err(|reason| HeaderError::Malformed(HeaderName::Via, reason))?;
        for name in [HeaderName::From, HeaderName::To] {
            let Some(field) = self.only(&name)? else { return Err(HeaderError::Missing(name)) };
            NameAddr::check(self.slice(field)).map_err(|reason| HeaderError::Malformed(name, reason))?;
        }
        self.call_id()?;
        self.cseq()
    }

    fn only(&self, name: &HeaderName) -> Result<Option<&super::Field>, HeaderError> {
        let mut fields = self.fields.iter().filter(|field| field.name == *name);
        match (fields.next(), fields.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(HeaderError::Repeated(name.clone())),
        }
    }

    fn optional<T>(
        &self,
        name: HeaderName,
        parse: impl Fn(&Bytes) -> Result<T, &'static str>,
    ) -> Result<Option<T>, HeaderError> {
        match self.only(&name)? {
            None => Ok(None),
            Some(field) => parse(&self.shared(field)).map(Some).map_err(|reason| HeaderError::Malformed(name, reason)),
        }
    }
}

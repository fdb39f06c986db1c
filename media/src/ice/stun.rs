//! Binding requests and their answers (RFC 8489), as ICE has them (RFC 8445 §7).

use std::net::SocketAddr;

use rtc_crypto::providers::AwsLcRsCrypto;
use rtc_stun::attributes::{
    ATTR_ERROR_CODE, ATTR_FINGERPRINT, ATTR_ICE_CONTROLLED, ATTR_MAPPED_ADDRESS, ATTR_MESSAGE_INTEGRITY, ATTR_NONCE,
    ATTR_PRIORITY, ATTR_REALM, ATTR_UNKNOWN_ATTRIBUTES, ATTR_USE_CANDIDATE, ATTR_USERNAME, ATTR_XORMAPPED_ADDRESS,
    AttrType,
};
use rtc_stun::error_code::{
    CODE_BAD_REQUEST, CODE_ROLE_CONFLICT, CODE_UNAUTHORIZED, CODE_UNKNOWN_ATTRIBUTE, ErrorCode, ErrorCodeAttribute,
};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, MESSAGE_HEADER_SIZE, Message, Setter, TransactionId,
    is_stun_message,
};
use rtc_stun::uattrs::UnknownAttributes;
use rtc_stun::xoraddr::XorMappedAddress;

/// A Binding request whose FINGERPRINT is right: what it says may still be anybody's.
pub(crate) struct Request {
    message: Message,
    username: Option<(String, String)>,
    integrity: bool,
    nominates: bool,
    controlled: bool,
    unknown: Vec<AttrType>,
}

/// What a request is refused with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 400: it is not authenticated at all.
    Unsigned,
    /// 401: a name or a key that is none of ours.
    Unknown,
    /// 420: it must not be obeyed without knowing these.
    Attributes(Vec<AttrType>),
    /// 487: it thinks that we control.
    RoleConflict,
}

impl Request {
    /// `None` for what is no Binding request, or is damaged.
    pub(crate) fn parse(datagram: &[u8]) -> Option<Self> {
        let length = u16::from_be_bytes(datagram.get(2..4)?.try_into().ok()?);
        if !is_stun_message(datagram) || datagram.len() != MESSAGE_HEADER_SIZE + usize::from(length) {
            return None;
        }
        let mut message = Message::new();
        message.unmarshal_binary(datagram).ok()?;
        // RFC 8489 §14.7: the fingerprint is the last attribute.
        let sealed = message.attributes.0.last().is_some_and(|last| last.typ == ATTR_FINGERPRINT);
        if message.typ != BINDING_REQUEST || !sealed || FINGERPRINT.check(&message).is_err() {
            return None;
        }
        // RFC 8489 §14.5: what follows MESSAGE-INTEGRITY is not covered by it, so it says nothing.
        let covered = || message.attributes.0.iter().take_while(|attribute| attribute.typ != ATTR_MESSAGE_INTEGRITY);
        let has = |wanted: AttrType| covered().any(|attribute| attribute.typ == wanted);
        let username = covered().find(|attribute| attribute.typ == ATTR_USERNAME).and_then(|attribute| {
            let (ours, theirs) = std::str::from_utf8(&attribute.value).ok()?.split_once(':')?;
            Some((ours.to_owned(), theirs.to_owned()))
        });
        let unknown = covered().map(|attribute| attribute.typ).filter(|typ| typ.required() && !KNOWN.contains(typ));
        let (unknown, nominates, controlled) = (unknown.collect(), has(ATTR_USE_CANDIDATE), has(ATTR_ICE_CONTROLLED));
        let integrity = message.contains(ATTR_MESSAGE_INTEGRITY);
        Some(Self { message, username, integrity, nominates, controlled, unknown })
    }

    /// Our fragment, as the request names it: to whom it is addressed.
    pub(crate) fn ours(&self) -> Option<&str> {
        self.username.as_ref().filter(|_| self.integrity).map(|(ours, _)| ours.as_str())
    }

    /// The sender's fragment.
    pub(crate) fn theirs(&self) -> Option<&str> {
        self.username.as_ref().map(|(_, theirs)| theirs.as_str())
    }

    /// Whether its sender has the key.
    pub(crate) fn is_signed_with(&mut self, key: &str) -> bool {
        self.integrity && MessageIntegrity::check(&mut self.message, key.as_bytes(), &AwsLcRsCrypto).is_ok()
    }

    /// Whether its sender wants to be sent to here: USE-CANDIDATE.
    pub(crate) fn nominates(&self) -> bool {
        self.nominates
    }

    /// What keeps an authenticated request from being obeyed.
    pub(crate) fn fault(&self) -> Option<Fault> {
        if !self.unknown.is_empty() {
            return Some(Fault::Attributes(self.unknown.clone()));
        }
        // RFC 8445 §6.1.1: a full agent controls a lite one. With ICE-CONTROLLED both would be controlled; §7.3.1.1 lets the
        // agent that stays as it is answer 487, so that the other changes.
        self.controlled.then_some(Fault::RoleConflict)
    }

    /// The answer to an authenticated request.
    pub(crate) fn accept(&self, from: SocketAddr, key: &str) -> Option<Vec<u8>> {
        let mapped = XorMappedAddress { ip: from.ip(), port: from.port() };
        self.answer(vec![Box::new(BINDING_SUCCESS), self.transaction(), Box::new(mapped)], Some(key))
    }

    /// The answer to one that is not obeyed; signed if the sender has been authenticated.
    pub(crate) fn refuse(&self, fault: &Fault, key: Option<&str>) -> Option<Vec<u8>> {
        let (code, reason) = fault.code();
        let code = ErrorCodeAttribute { code, reason: reason.as_bytes().to_vec() };
        let mut setters: Vec<Box<dyn Setter>> = vec![Box::new(BINDING_ERROR), self.transaction(), Box::new(code)];
        if let Fault::Attributes(unknown) = fault {
            setters.push(Box::new(UnknownAttributes(unknown.iter().take(UNKNOWN_MAX).copied().collect())));
        }
        self.answer(setters, key)
    }

    fn transaction(&self) -> Box<TransactionId> {
        Box::new(TransactionId(self.message.transaction_id.0))
    }

    fn answer<'a>(&self, mut setters: Vec<Box<dyn Setter + 'a>>, key: Option<&str>) -> Option<Vec<u8>> {
        if let Some(key) = key {
            let key = key.as_bytes().to_vec();
            setters.push(Box::new(MessageIntegrity::new_raw_integrity_with_provider(key, &AwsLcRsCrypto)));
        }
        setters.push(Box::new(FINGERPRINT));
        let mut message = Message::new();
        message.build(&setters).ok()?;
        Some(message.raw)
    }
}

impl Fault {
    fn code(&self) -> (ErrorCode, &'static str) {
        match self {
            Self::Unsigned => (CODE_BAD_REQUEST, "Bad Request"),
            Self::Unknown => (CODE_UNAUTHORIZED, "Unauthenticated"),
            Self::Attributes(_) => (CODE_UNKNOWN_ATTRIBUTE, "Unknown Attribute"),
            Self::RoleConflict => (CODE_ROLE_CONFLICT, "Role Conflict"),
        }
    }
}

/// Attributes that must be understood and are.
const KNOWN: [AttrType; 10] = [
    ATTR_MAPPED_ADDRESS,
    ATTR_USERNAME,
    ATTR_MESSAGE_INTEGRITY,
    ATTR_ERROR_CODE,
    ATTR_UNKNOWN_ATTRIBUTES,
    ATTR_REALM,
    ATTR_NONCE,
    ATTR_XORMAPPED_ADDRESS,
    ATTR_PRIORITY,
    ATTR_USE_CANDIDATE,
];
/// Attributes named in an answer: an answer is not to be longer than its request.
const UNKNOWN_MAX: usize = 8;

//! Events: which package (Event) and how far the subscription is (Subscription-State), RFC 6665 §8.2.

use bytes::Bytes;

use super::params::Params;
use super::scan::{is_token, parse_clamped};
use super::simple::token_and_params;
use super::value::HeaderValue;

/// Event (RFC 6665 §8.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPackage {
    /// The package: `refer`, `dialog`, `message-summary`, ...
    pub package: String,
    /// The `id` parameter. RFC 3515 §2.4.6: of the second REFER in a dialog and later ones, the CSeq number of the REFER.
    pub id: Option<String>,
}

impl EventPackage {
    /// The implicit subscription that a REFER makes (RFC 3515 §2.4.4), with the CSeq number of that REFER as its id.
    #[must_use]
    pub fn refer(cseq: u32) -> Self {
        Self { package: "refer".to_owned(), id: Some(cseq.to_string()) }
    }

    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let (package, params) = token_and_params(value)?;
        Ok(Self { package, id: params.get("id").map(str::to_owned) })
    }
}

impl From<&EventPackage> for HeaderValue {
    fn from(event: &EventPackage) -> Self {
        let mut params = Params::default();
        if let Some(id) = event.id.as_deref().filter(|id| is_token(id.as_bytes())) {
            params.set("id", id);
        }
        with_params(&event.package, &params)
    }
}

impl From<EventPackage> for HeaderValue {
    fn from(event: EventPackage) -> Self {
        Self::from(&event)
    }
}

/// How far a subscription is (RFC 6665 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Substate {
    /// It was accepted.
    Active,
    /// Nobody has decided yet.
    Pending,
    /// It is over: no NOTIFY follows.
    Terminated,
    /// Another token, to be taken for active (RFC 6665 §4.1.3).
    Other(String),
}

impl Substate {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Terminated => "terminated",
            Self::Other(word) => word,
        }
    }
}

/// Subscription-State (RFC 6665 §8.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// How far it is.
    pub state: Substate,
    /// How many seconds it lasts; of no meaning once terminated.
    pub expires: Option<u32>,
    /// Why it was terminated: `noresource` after a REFER has run its course (RFC 3515 §2.4.7), `timeout`, `rejected`, ...
    pub reason: Option<String>,
    /// Seconds to wait before another try.
    pub retry_after: Option<u32>,
}

impl SubscriptionState {
    /// Active for so many seconds.
    #[must_use]
    pub fn active(seconds: u32) -> Self {
        Self { state: Substate::Active, expires: Some(seconds), reason: None, retry_after: None }
    }

    /// Over, for that reason (a token).
    #[must_use]
    pub fn terminated(reason: &str) -> Self {
        Self { state: Substate::Terminated, expires: None, reason: Some(reason.to_owned()), retry_after: None }
    }

    /// True if no NOTIFY follows.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == Substate::Terminated
    }

    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let (word, params) = token_and_params(value)?;
        let state = match word.to_ascii_lowercase().as_str() {
            "active" => Substate::Active,
            "pending" => Substate::Pending,
            "terminated" => Substate::Terminated,
            _ => Substate::Other(word),
        };
        let seconds = |name| params.get(name).and_then(|text| parse_clamped(text.as_bytes()));
        Ok(Self {
            state,
            expires: seconds("expires"),
            reason: params.get("reason").filter(|reason| !reason.is_empty()).map(str::to_owned),
            retry_after: seconds("retry-after"),
        })
    }
}

impl From<&SubscriptionState> for HeaderValue {
    fn from(value: &SubscriptionState) -> Self {
        let mut params = Params::default();
        if let Some(reason) = value.reason.as_deref().filter(|reason| is_token(reason.as_bytes())) {
            params.set("reason", reason);
        }
        for (name, seconds) in [("expires", value.expires), ("retry-after", value.retry_after)] {
            if let Some(seconds) = seconds {
                params.set(name, &seconds.to_string());
            }
        }
        with_params(value.state.as_str(), &params)
    }
}

impl From<SubscriptionState> for HeaderValue {
    fn from(value: SubscriptionState) -> Self {
        Self::from(&value)
    }
}

fn with_params(word: &str, params: &Params) -> HeaderValue {
    let mut out = word.as_bytes().to_vec();
    params.write(&mut out);
    HeaderValue::from(Bytes::from(out))
}

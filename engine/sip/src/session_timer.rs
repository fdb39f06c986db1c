//! Session timers (RFC 4028): who refreshes a session, how often, and when it has died. Rules over values: no clock, no dialog.
//!
//! A peer that knows nothing of them is refreshed by us all the same, for our own sake (RFC 4028 §7.2): one that is gone must
//! not keep its call for ever.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::headers::{HeaderError, HeaderName, Headers, Refresher, SessionExpires};
use crate::message::{Response, StatusCode};

/// What we want of the timer of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long it may go without a refresh, in seconds; the least that either side insists on counts more.
    interval_s: u32,
    /// The least interval that is agreed to, in seconds: ours, or the peer's if that is more.
    min_s: u32,
}

impl Policy {
    /// Wants this interval, taken into [`MIN_SE_S`] to [`INTERVAL_MAX_S`].
    #[must_use]
    pub fn new(interval_s: u32) -> Self {
        Self { interval_s: interval_s.clamp(MIN_SE_S, INTERVAL_MAX_S), min_s: MIN_SE_S }
    }

    /// The same for a peer whose message has these header fields: its Min-SE counts from here on (RFC 4028 §7.4).
    #[must_use]
    pub fn minding(self, headers: &Headers) -> Self {
        let min_s = headers.min_se().map_or(self.min_s, |theirs| theirs.min(INTERVAL_MAX_S).max(self.min_s));
        Self { interval_s: self.interval_s.max(min_s), min_s }
    }

    /// What a first INVITE proposes: we refresh, since we are the ones who know that we can.
    #[must_use]
    pub fn propose(self) -> Proposal {
        Proposal { policy: self, refresher: Refresher::Uac }
    }

    /// What a request in a dialog with these terms proposes: that they stay (RFC 4028 §7.4).
    #[must_use]
    pub fn keep(self, terms: Terms) -> Proposal {
        let refresher = match terms.duty {
            Duty::Ours => Refresher::Uac,
            Duty::Theirs => Refresher::Uas,
        };
        let policy = Self { interval_s: terms.interval_s.max(self.min_s), ..self };
        Proposal { policy, refresher }
    }

    /// How a request with these header fields, an INVITE or UPDATE, is answered as far as the timer goes (RFC 4028 §9).
    ///
    /// # Errors
    /// [`Refused`] if the request must be.
    pub fn answer(self, headers: &Headers) -> Result<Answer, Refused> {
        let asked = headers.session_expires().map_err(Refused::Malformed)?;
        let supports = names_timer(headers.supported()) || names_timer(headers.require());
        let min_s = headers.min_se().unwrap_or(MIN_SE_S).min(INTERVAL_MAX_S);
        let wanted_s = self.interval_s.max(min_s);
        let Some(asked) = asked else {
            let terms = Terms { interval_s: wanted_s, duty: Duty::Ours };
            return Ok(Answer { terms, says: if supports { Says::Interval } else { Says::Nothing } });
        };
        // A client without the extension, for which a proxy asks, would not know what a 422 is.
        if asked.seconds < self.min_s && supports {
            return Err(Refused::TooSmall { min_s: self.min_s });
        }
        // RFC 4028 §9: it may be made shorter, not longer, and not shorter than Min-SE.
        let interval_s = asked.seconds.min(wanted_s).max(min_s.min(asked.seconds));
        let (duty, says) = match asked.refresher {
            Some(Refresher::Uac) if supports => (Duty::Theirs, Says::IntervalRequired),
            Some(Refresher::Uac | Refresher::Uas) | None => (Duty::Ours, Says::Interval),
        };
        Ok(Answer { terms: Terms { interval_s: bounded(interval_s), duty }, says })
    }
}

/// Who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duty {
    /// We do; a peer that is gone does not answer.
    Ours,
    /// The peer does; one that is gone does not.
    Theirs,
}

/// What holds for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// In seconds, [`MIN_SE_S`] to [`INTERVAL_MAX_S`].
    interval_s: u32,
    duty: Duty,
}

impl Terms {
    /// Who refreshes.
    #[must_use]
    pub fn duty(self) -> Duty {
        self.duty
    }

    /// How long after a refresh something is due: the next one of ours, or, where none of the peer's came until then, the BYE.
    #[must_use]
    pub fn due_after(self) -> Duration {
        let interval = Duration::from_secs(self.interval_s.into());
        match self.duty {
            // RFC 4028 §10: "it is RECOMMENDED that this refresh be sent once half the session interval has elapsed".
            Duty::Ours => interval / 2,
            // RFC 4028 §10: "the minimum of 32 seconds and one third of the session interval" before it expires.
            Duty::Theirs => interval - (interval / 3).min(BYE_AHEAD),
        }
    }
}

/// What a request of ours says of the timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    policy: Policy,
    refresher: Refresher,
}

impl Proposal {
    /// Writes it into the request, in place of what it said before.
    pub fn write(self, headers: &mut Headers) {
        let expires = SessionExpires { seconds: self.policy.interval_s, refresher: Some(self.refresher) };
        headers.replace(HeaderName::SessionExpires, &expires);
        headers.replace(HeaderName::MinSe, self.policy.min_s);
    }

    /// What is wanted of the peer.
    #[must_use]
    pub fn policy(self) -> Policy {
        self.policy
    }

    /// The proposal to repeat the request with after a 422 (RFC 4028 §7.3): the interval is what the peer wants at least. `None`
    /// if it wants nothing more, or more than [`INTERVAL_MAX_S`]: the 422 is a failure then.
    #[must_use]
    pub fn raised(self, too_small: &Headers) -> Option<Self> {
        let wanted_s = too_small.min_se()?;
        let useful = wanted_s > self.policy.min_s && wanted_s <= INTERVAL_MAX_S;
        useful.then(|| Self { policy: self.policy.minding(too_small), ..self })
    }

    /// What holds after a 2xx (RFC 4028 §7.2).
    #[must_use]
    pub fn accepted(self, headers: &Headers) -> Terms {
        let Ok(Some(agreed)) = headers.session_expires() else {
            // The peer does not do it: we do it alone.
            return Terms { interval_s: self.policy.interval_s, duty: Duty::Ours };
        };
        let duty = match agreed.refresher.unwrap_or(self.refresher) {
            Refresher::Uac => Duty::Ours,
            Refresher::Uas => Duty::Theirs,
        };
        Terms { interval_s: bounded(agreed.seconds), duty }
    }
}

/// How a request is answered as far as the timer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    terms: Terms,
    says: Says,
}

/// What the 2xx says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// Nothing: the peer does not know the extension, and nobody on the way asked.
    Nothing,
    /// The interval and who refreshes.
    Interval,
    /// The same, and that the peer has to know the extension, for it is to refresh.
    IntervalRequired,
}

impl Answer {
    /// What holds once the request is answered 2xx.
    #[must_use]
    pub fn terms(self) -> Terms {
        self.terms
    }

    /// Writes it into the 2xx.
    pub fn write(self, response: &mut Response) {
        let refresher = match self.terms.duty {
            Duty::Ours => Refresher::Uas,
            Duty::Theirs => Refresher::Uac,
        };
        let expires = SessionExpires { seconds: self.terms.interval_s, refresher: Some(refresher) };
        match self.says {
            Says::Nothing => {}
            Says::Interval => response.headers.replace(HeaderName::SessionExpires, &expires),
            Says::IntervalRequired => {
                response.headers.replace(HeaderName::SessionExpires, &expires);
                // RFC 4028 §9: "If the refresher parameter is set to 'uac', the UAS MUST place a Require".
                response.headers.push(HeaderName::Require, OPTION);
            }
        }
    }
}

/// Why a request is refused. The client is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It wants its session refreshed too often.
    #[error("the session interval is below {min_s} s")]
    TooSmall {
        /// What is agreed to at least, in seconds.
        min_s: u32,
    },
    /// Its Session-Expires cannot be read.
    #[error(transparent)]
    Malformed(HeaderError),
}

impl Refused {
    /// What the request is answered with; a 422 takes [`Self::min_se`] as its Min-SE (RFC 4028 §6).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooSmall { .. } => StatusCode::SESSION_INTERVAL_TOO_SMALL,
            Self::Malformed(error) => error.status(),
        }
    }

    /// The Min-SE of a 422.
    #[must_use]
    pub fn min_se(&self) -> Option<u32> {
        match self {
            Self::TooSmall { min_s } => Some(*min_s),
            Self::Malformed(_) => None,
        }
    }
}

fn names_timer<'a>(mut tags: impl Iterator<Item = &'a str>) -> bool {
    tags.any(|tag| tag.eq_ignore_ascii_case(OPTION))
}

/// What a peer agreed to, whatever it said.
fn bounded(seconds: u32) -> u32 {
    seconds.clamp(MIN_SE_S, INTERVAL_MAX_S)
}

/// The option tag (RFC 4028 §13.2).
pub const OPTION: &str = "timer";
/// RFC 4028 §5: the absolute minimum.
pub const MIN_SE_S: u32 = 90;
/// The longest interval that we agree to: nobody learns later than in a day that a peer is gone.
pub const INTERVAL_MAX_S: u32 = 86_400;
/// RFC 4028 §10.
const BYE_AHEAD: Duration = Duration::from_secs(32);

//! What we ask of the far end of an answered leg in its dialog: a new offer, or a refresh of the session. There is one such
//! request at a time (RFC 3261 §14.1); what is wanted meanwhile waits. Which request it is and what is done with the answer
//! stands in `call/ask.rs`; here is only how far it is, and what a response means.

use std::time::Duration;

use sip::message::{Method, Request, StatusCode};
use sip::sdp::Codec;
use sip::transaction::ClientKey;

/// Something to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The session goes on as it is (RFC 4028 §7.4).
    Refresh,
    /// The session shall go on with these codecs.
    Offer(Vec<Codec>),
}

impl Ask {
    /// What is asked where both are wanted: an offer refreshes, too, and a later one takes the place of an earlier.
    fn or_later(self, later: Self) -> Self {
        match (&self, &later) {
            (_, Self::Offer(_)) | (Self::Refresh, Self::Refresh) => later,
            (Self::Offer(_), Self::Refresh) => self,
        }
    }
}

/// An ask, and how often it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) ask: Ask,
    pub(crate) tries: u8,
}

impl Attempt {
    fn first(ask: Ask) -> Self {
        Self { ask, tries: 0 }
    }

    fn with(self, later: Ask) -> Self {
        Self { ask: self.ask.or_later(later), tries: self.tries }
    }

    /// It was sent once more, or at least tried.
    pub(crate) fn tried(self) -> Self {
        Self { tries: self.tries.saturating_add(1), ..self }
    }

    /// It is not sent again.
    pub(crate) fn is_last(&self) -> bool {
        self.tries >= TRIES_MAX
    }
}

/// The request that asks.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) client: ClientKey,
    /// As it was sent, for the ACK.
    pub(crate) request: Box<Request>,
}

/// How far it is.
#[derive(Debug, Default)]
pub(crate) enum Asking {
    /// Nothing is asked.
    #[default]
    Idle,
    /// It is to be sent as soon as the dialog lets it: an INVITE or an offer is under way.
    Waiting(Attempt),
    /// It is sent, and has no final response.
    Sent {
        /// What.
        attempt: Attempt,
        /// As what.
        sent: Sent,
        /// Asked when this is answered.
        next: Option<Ask>,
    },
    /// It is sent again then: a timer runs.
    BackingOff {
        /// What.
        attempt: Attempt,
        /// On the monotonic clock.
        until: Duration,
    },
}

impl Asking {
    /// Wants something asked. While a collision is waited out, this waits with it (RFC 3261 §14.1).
    pub(crate) fn want(&mut self, ask: Ask) {
        *self = match std::mem::take(self) {
            Self::Idle => Self::Waiting(Attempt::first(ask)),
            Self::Waiting(attempt) => Self::Waiting(attempt.with(ask)),
            Self::Sent { attempt, sent, next: None } => Self::Sent { attempt, sent, next: Some(ask) },
            Self::Sent { attempt, sent, next: Some(next) } => {
                Self::Sent { attempt, sent, next: Some(next.or_later(ask)) }
            }
            Self::BackingOff { attempt, until } => Self::BackingOff { attempt: attempt.with(ask), until },
        };
    }

    /// Takes out what waits to be sent, if anything does.
    pub(crate) fn take_waiting(&mut self) -> Option<Attempt> {
        match std::mem::take(self) {
            Self::Waiting(attempt) => Some(attempt),
            other @ (Self::Idle | Self::Sent { .. } | Self::BackingOff { .. }) => {
                *self = other;
                None
            }
        }
    }

    /// What was taken out is sent.
    pub(crate) fn sent(&mut self, attempt: Attempt, sent: Sent) {
        let next = self.take_waiting().map(|waiting| waiting.ask);
        *self = Self::Sent { attempt: attempt.tried(), sent, next };
    }

    /// Whether this is the request that is sent.
    pub(crate) fn is_sent_as(&self, client: ClientKey) -> bool {
        match self {
            Self::Sent { sent, .. } => sent.client == client,
            Self::Idle | Self::Waiting(_) | Self::BackingOff { .. } => false,
        }
    }

    /// What was sent is answered finally: it is taken out, and what was wanted meanwhile waits.
    pub(crate) fn finish(&mut self) -> Option<(Attempt, Sent)> {
        match std::mem::take(self) {
            Self::Sent { attempt, sent, next } => {
                *self = next.map_or(Self::Idle, |ask| Self::Waiting(Attempt::first(ask)));
                Some((attempt, sent))
            }
            other @ (Self::Idle | Self::Waiting(_) | Self::BackingOff { .. }) => {
                *self = other;
                None
            }
        }
    }

    /// What was taken out is asked again when `until` has come, together with what is wanted since.
    pub(crate) fn again(&mut self, attempt: Attempt, until: Duration) {
        let attempt = match self.take_waiting() {
            Some(waiting) => attempt.with(waiting.ask),
            None => attempt,
        };
        *self = Self::BackingOff { attempt, until };
    }

    /// The time to back off is over.
    pub(crate) fn backed_off(&mut self) {
        *self = match std::mem::take(self) {
            Self::BackingOff { attempt, .. } => Self::Waiting(attempt),
            other @ (Self::Idle | Self::Waiting(_) | Self::Sent { .. }) => other,
        };
    }

    /// The end of the timer that runs.
    pub(crate) fn until(&self) -> Option<Duration> {
        match self {
            Self::BackingOff { until, .. } => Some(*until),
            Self::Idle | Self::Waiting(_) | Self::Sent { .. } => None,
        }
    }
}

/// What a final response to what we asked means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is as we asked.
    Done,
    /// Not with this peer; the session goes on as it was.
    Refused,
    /// It crossed a request of the peer: once more, after the time that RFC 3261 §14.1 gives our side.
    Collided,
    /// Once more after this time.
    Later(Duration),
    /// Once more with credentials.
    SignIn,
    /// Once more with a longer interval (RFC 4028 §7.3).
    TooShort,
    /// The peer does not take UPDATE: once more as a re-INVITE.
    NotByUpdate,
    /// The peer knows no such dialog, or is gone.
    Gone,
}

impl Meaning {
    /// The meaning of `status` to a request of this method that was sent `tries` times, with `retry_after` in seconds.
    pub(crate) fn of(status: StatusCode, method: &Method, tries: u8, retry_after: Option<u32>) -> Self {
        let meaning = match status.code() {
            200..=299 => return Self::Done,
            // RFC 3261 §12.2.1.2; RFC 5057 §5.1 for the others that end the dialog.
            404 | 408 | 410 | 416 | 480..=482 | 484 | 485 | 502 | 604 => return Self::Gone,
            401 | 407 => Self::SignIn,
            405 | 501 if *method == Method::Update => Self::NotByUpdate,
            422 => Self::TooShort,
            491 => Self::Collided,
            // RFC 3261 §14.2, RFC 3311 §5.2: an offer is not answered yet. §21.5.4 for 503.
            500 | 503 => match retry_after {
                Some(seconds) if seconds <= RETRY_AFTER_MAX_S => Self::Later(Duration::from_secs(seconds.into())),
                Some(_) | None => Self::Refused,
            },
            _ => Self::Refused,
        };
        if tries >= TRIES_MAX { Self::Refused } else { meaning }
    }
}

/// How often one thing is asked before it counts as refused.
const TRIES_MAX: u8 = 6;
/// A Retry-After beyond this is as good as a refusal.
const RETRY_AFTER_MAX_S: u32 = 30;

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn what_a_response_to_what_we_asked_means() {
        let mut table = String::new();
        for tries in [1, TRIES_MAX] {
            for code in
                [200, 401, 404, 405, 407, 408, 410, 422, 480, 481, 486, 487, 488, 491, 500, 501, 502, 503, 603, 604]
            {
                for retry_after in [None, Some(3), Some(31)] {
                    if retry_after.is_some() && !matches!(code, 500 | 503) {
                        continue;
                    }
                    let [invite, update] = [Method::Invite, Method::Update]
                        .map(|method| Meaning::of(StatusCode::new(code).unwrap(), &method, tries, retry_after));
                    let update = if update == invite { String::new() } else { format!(", to UPDATE {update:?}") };
                    writeln!(table, "try {tries}  {code} {retry_after:?} -> {invite:?}{update}").unwrap();
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    fn states() -> Vec<Asking> {
        let attempt = || Attempt { ask: Ask::Refresh, tries: 1 };
        let sent = || Sent {
            client: ClientKey::default(),
            request: Box::new(Request::new(Method::Invite, "sip:a@b".parse().unwrap())),
        };
        vec![
            Asking::Idle,
            Asking::Waiting(attempt()),
            Asking::Sent { attempt: attempt(), sent: sent(), next: None },
            Asking::Sent { attempt: attempt(), sent: sent(), next: Some(Ask::Offer(vec![])) },
            Asking::BackingOff { attempt: attempt(), until: Duration::from_secs(1) },
        ]
    }

    fn short(asking: &Asking) -> String {
        match asking {
            Asking::Idle => "idle".into(),
            Asking::Waiting(attempt) => format!("waiting {:?} try {}", attempt.ask, attempt.tries),
            Asking::Sent { attempt, next, .. } => {
                format!("sent {:?} try {}, next {next:?}", attempt.ask, attempt.tries)
            }
            Asking::BackingOff { attempt, until } => {
                format!("backing off {:?} try {} until {until:?}", attempt.ask, attempt.tries)
            }
        }
    }

    #[test]
    fn every_state_against_every_event() {
        type Event = (&'static str, fn(&mut Asking));
        let events: [Event; 7] = [
            ("want refresh", |asking| asking.want(Ask::Refresh)),
            ("want offer", |asking| asking.want(Ask::Offer(vec![]))),
            ("take waiting", |asking| drop(asking.take_waiting())),
            ("sent offer", |asking| {
                let client = ClientKey::default();
                let request = Box::new(Request::new(Method::Invite, "sip:a@b".parse().unwrap()));
                asking.sent(Attempt::first(Ask::Offer(vec![])), Sent { client, request });
            }),
            ("finish", |asking| drop(asking.finish())),
            ("again offer", |asking| {
                let attempt = Attempt { ask: Ask::Offer(vec![]), tries: 2 };
                asking.again(attempt, Duration::from_secs(5));
            }),
            ("backed off", Asking::backed_off),
        ];
        let mut table = String::new();
        for at in 0..states().len() {
            writeln!(table, "{}", short(&states()[at])).unwrap();
            for (name, event) in events {
                let mut asking = states().swap_remove(at);
                event(&mut asking);
                writeln!(table, "  {name:<13} -> {}", short(&asking)).unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }
}

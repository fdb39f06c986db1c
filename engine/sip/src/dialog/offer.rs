//! Who has an offer outstanding (RFC 3264 §4, RFC 3261 §13.2.1, RFC 3311 §5), as a pure table. What is offered, it does not
//! know.

/// Where offer and answer of a dialog stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negotiation {
    /// Nothing was ever agreed, nothing is offered.
    Empty,
    /// A session is agreed, nothing new is offered.
    Agreed,
    /// We offered; the peer owes the answer.
    LocalOffer {
        /// What holds if the offer is refused.
        before: Before,
    },
    /// The peer offered; we owe the answer.
    RemoteOffer {
        /// What holds if we refuse.
        before: Before,
    },
}

/// What an offer would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// There was no session.
    Nothing,
    /// The session agreed before goes on.
    Session,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// We send an offer.
    OfferSent,
    /// The peer's offer comes.
    OfferReceived,
    /// We send the answer.
    AnswerSent,
    /// The peer's answer comes.
    AnswerReceived,
    /// The request with the offer failed, or its ACK never came.
    Refused,
}

/// Why an event is not possible now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// Our own offer is outstanding: glare (RFC 3261 §14.2: 491).
    OursOutstanding,
    /// The peer's offer is outstanding (RFC 3261 §14.2, RFC 3311 §5.2: 500 with Retry-After).
    TheirsOutstanding,
    /// There is no offer that this would answer.
    NothingOffered,
}

/// The table.
pub(crate) fn next(state: Negotiation, event: Event) -> Result<Negotiation, Conflict> {
    match state {
        Negotiation::Empty => idle(Before::Nothing, event),
        Negotiation::Agreed => idle(Before::Session, event),
        Negotiation::LocalOffer { before } => match event {
            Event::OfferSent | Event::OfferReceived => Err(Conflict::OursOutstanding),
            Event::AnswerReceived => Ok(Negotiation::Agreed),
            Event::AnswerSent => Err(Conflict::NothingOffered),
            Event::Refused => Ok(rolled_back(before)),
        },
        Negotiation::RemoteOffer { before } => match event {
            Event::OfferSent | Event::OfferReceived => Err(Conflict::TheirsOutstanding),
            Event::AnswerSent => Ok(Negotiation::Agreed),
            Event::AnswerReceived => Err(Conflict::NothingOffered),
            Event::Refused => Ok(rolled_back(before)),
        },
    }
}

fn idle(before: Before, event: Event) -> Result<Negotiation, Conflict> {
    match event {
        Event::OfferSent => Ok(Negotiation::LocalOffer { before }),
        Event::OfferReceived => Ok(Negotiation::RemoteOffer { before }),
        Event::AnswerSent | Event::AnswerReceived => Err(Conflict::NothingOffered),
        Event::Refused => Ok(rolled_back(before)),
    }
}

/// RFC 3261 §14.1: when a re-INVITE fails, the session goes on as if it had not been sent.
fn rolled_back(before: Before) -> Negotiation {
    match before {
        Before::Nothing => Negotiation::Empty,
        Before::Session => Negotiation::Agreed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_table() {
        use std::fmt::Write;
        let states = [
            Negotiation::Empty,
            Negotiation::Agreed,
            Negotiation::LocalOffer { before: Before::Nothing },
            Negotiation::LocalOffer { before: Before::Session },
            Negotiation::RemoteOffer { before: Before::Nothing },
            Negotiation::RemoteOffer { before: Before::Session },
        ];
        let events = [Event::OfferSent, Event::OfferReceived, Event::AnswerSent, Event::AnswerReceived, Event::Refused];
        let mut table = String::new();
        for state in states {
            writeln!(table, "{state:?}").unwrap();
            for event in events {
                writeln!(table, "  {:<15} -> {:?}", format!("{event:?}"), next(state, event)).unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }
}

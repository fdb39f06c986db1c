//! Server transaction of every request but INVITE and ACK: RFC 3261 §17.2.2.

use crate::transaction::timer::Timer;

/// Where a request that we received stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Handed to the TU; nothing answered yet.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// The final response was sent and answers retransmissions.
    Completed,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The request came again.
    Request,
    /// The TU answers 1xx.
    Provisional,
    /// The TU answers 2xx to 6xx.
    Final,
    /// End of the wait for retransmitted requests.
    TimerJ,
    /// The TU did not answer within 64*T1: the client has given up (its timer F).
    TimerAbandoned,
    /// The transport failed.
    TransportError,
}

/// What the driver shall do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the TU's response and keep its bytes.
    Send,
    /// Send the last response again.
    Resend,
    /// Tell the TU that the transport failed.
    TransportFailed,
    /// Start a timer.
    Start(Timer),
}

/// The table.
pub(crate) fn next(state: State, event: Event) -> (State, &'static [Action]) {
    match state {
        State::Trying => match event {
            Event::Provisional => (State::Proceeding, &[Action::Send]),
            Event::Final => (State::Completed, &[Action::Send, Action::Start(Timer::J)]),
            // RFC 4320 §4.2: no 408 is sent to a request that is not INVITE; it just ends.
            Event::TimerAbandoned => (State::Terminated, &[]),
            Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
            // RFC 3261 §17.2.2: in Trying, retransmissions are discarded.
            Event::Request | Event::TimerJ => (State::Trying, &[]),
        },
        State::Proceeding => match event {
            Event::Request => (State::Proceeding, &[Action::Resend]),
            Event::Provisional => (State::Proceeding, &[Action::Send]),
            Event::Final => (State::Completed, &[Action::Send, Action::Start(Timer::J)]),
            Event::TimerAbandoned => (State::Terminated, &[]),
            Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
            Event::TimerJ => (State::Proceeding, &[]),
        },
        State::Completed => match event {
            Event::Request => (State::Completed, &[Action::Resend]),
            Event::TimerJ => (State::Terminated, &[]),
            // RFC 3261 §17.2.2 would tell the TU; we don't: it has answered and can do nothing.
            Event::TransportError => (State::Terminated, &[]),
            Event::Provisional | Event::Final | Event::TimerAbandoned => (State::Completed, &[]),
        },
        State::Terminated => (State::Terminated, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_table() {
        use Event::*;
        let states = [State::Trying, State::Proceeding, State::Completed, State::Terminated];
        let events = [Request, Provisional, Final, TimerJ, TimerAbandoned, TransportError];
        insta::assert_snapshot!(super::super::print_table(&states, &events, next));
    }
}

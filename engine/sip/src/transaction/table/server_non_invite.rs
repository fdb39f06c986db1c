//! Server transaction of every request but INVITE and ACK: RFC 3261 §17.2.2 with RFC 4320: the only provisional response is
//! the late 100, and there is no 408.

use crate::transaction::timer::Timer;

/// Where a request that we received stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Handed to the TU; nothing answered yet.
    Trying,
    /// The late 100 was sent.
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
    /// The TU has not answered by the time from which a 100 is allowed, and due (RFC 4320 §4.1).
    TimerLate,
    /// The TU answers 2xx to 6xx.
    Final,
    /// End of the wait for retransmitted requests.
    TimerJ,
    /// The TU did not answer within 64*T1: the client has given up (its timer F). Or the TU gave up by itself: a 408.
    Abandoned,
    /// The transport failed.
    TransportError,
}

/// What the driver shall do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the 100 made when the request came, and keep it as the last response.
    SendTrying,
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
            // RFC 4320 §4.1: 100 is due, on every transport, when the client's timer E reaches T2.
            Event::TimerLate => (State::Proceeding, &[Action::SendTrying, Action::Start(Timer::Abandoned)]),
            Event::Final => (State::Completed, &[Action::Send, Action::Start(Timer::J)]),
            // RFC 4320 §4.2: no 408 is sent to a request that is not INVITE; it just ends.
            Event::Abandoned => (State::Terminated, &[]),
            Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
            // RFC 3261 §17.2.2: in Trying, retransmissions are discarded.
            Event::Request | Event::TimerJ => (State::Trying, &[]),
        },
        State::Proceeding => match event {
            Event::Request => (State::Proceeding, &[Action::Resend]),
            Event::Final => (State::Completed, &[Action::Send, Action::Start(Timer::J)]),
            Event::Abandoned => (State::Terminated, &[]),
            Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
            Event::TimerLate | Event::TimerJ => (State::Proceeding, &[]),
        },
        State::Completed => match event {
            Event::Request => (State::Completed, &[Action::Resend]),
            Event::TimerJ => (State::Terminated, &[]),
            // RFC 3261 §17.2.2 would tell the TU; we don't: it has answered and can do nothing.
            Event::TransportError => (State::Terminated, &[]),
            Event::TimerLate | Event::Final | Event::Abandoned => (State::Completed, &[]),
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
        let events = [Request, TimerLate, Final, TimerJ, Abandoned, TransportError];
        insta::assert_snapshot!(super::super::print_table(&states, &events, next));
    }
}

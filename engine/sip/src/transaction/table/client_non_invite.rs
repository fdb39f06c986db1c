//! Client transaction of every request but INVITE and ACK: RFC 3261 §17.1.2.

use crate::transaction::timer::Timer;

/// Where a request that we sent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Sent; nothing heard.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// A final response came; its retransmissions are absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// 1xx received.
    Provisional,
    /// 2xx to 6xx received.
    Final,
    /// Retransmission timer.
    TimerE,
    /// No final response for 64*T1.
    TimerF,
    /// End of the wait for retransmitted responses.
    TimerK,
    /// The transport failed.
    TransportError,
}

/// What the driver shall do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the request again.
    Retransmit,
    /// Hand the response to the TU.
    PassUp,
    /// Tell the TU that no final response came.
    TimedOut,
    /// Tell the TU that the transport failed.
    TransportFailed,
    /// Start a timer.
    Start(Timer),
    /// Start timer E with T2 and no longer doubling.
    StartEAtT2,
    /// Stop a timer.
    Stop(Timer),
}

/// The table.
pub(crate) fn next(state: State, event: Event) -> (State, &'static [Action]) {
    match state {
        State::Trying => match event {
            Event::Provisional => (State::Proceeding, &[Action::PassUp]),
            Event::Final => completed(),
            // RFC 3261 §17.1.2.2: E doubles from T1 and stops growing at T2.
            Event::TimerE => (State::Trying, &[Action::Retransmit, Action::Start(Timer::E)]),
            Event::TimerF => (State::Terminated, &[Action::TimedOut]),
            Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
            Event::TimerK => (State::Trying, &[]),
        },
        State::Proceeding => match event {
            Event::Provisional => (State::Proceeding, &[Action::PassUp]),
            Event::Final => completed(),
            // RFC 3261 §17.1.2.2: in Proceeding, E is reset to T2.
            Event::TimerE => (State::Proceeding, &[Action::Retransmit, Action::StartEAtT2]),
            Event::TimerF => (State::Terminated, &[Action::TimedOut]),
            Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
            Event::TimerK => (State::Proceeding, &[]),
        },
        State::Completed => match event {
            Event::TimerK => (State::Terminated, &[]),
            Event::Provisional | Event::Final | Event::TimerE | Event::TimerF | Event::TransportError => {
                (State::Completed, &[])
            }
        },
        State::Terminated => (State::Terminated, &[]),
    }
}

fn completed() -> (State, &'static [Action]) {
    (State::Completed, &[Action::Stop(Timer::E), Action::PassUp, Action::Start(Timer::K)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_table() {
        use Event::*;
        let states = [State::Trying, State::Proceeding, State::Completed, State::Terminated];
        let events = [Provisional, Final, TimerE, TimerF, TimerK, TransportError];
        insta::assert_snapshot!(super::super::print_table(&states, &events, next));
    }
}

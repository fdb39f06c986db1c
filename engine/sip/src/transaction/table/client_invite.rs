//! INVITE client transaction: RFC 3261 §17.1.1 with RFC 6026 §7.2 (Accepted, timer M), CANCEL (§9.1) and timer C (§16.6).

use crate::transaction::timer::Timer;

/// Where an INVITE that we sent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Sent; nothing heard.
    Calling,
    /// Sent, nothing heard, and the TU wants it cancelled as soon as something is heard.
    CancelWanted,
    /// A provisional response came.
    Proceeding,
    /// CANCEL was sent; the final response is awaited for 64*T1.
    Cancelling,
    /// A final response other than 2xx came; its retransmissions are acknowledged here.
    Completed,
    /// A 2xx came; more of them (of other forks) may follow.
    Accepted,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// 1xx received.
    Provisional,
    /// 2xx received.
    Success,
    /// 3xx to 6xx received.
    Failure,
    /// The TU wants it cancelled.
    Cancel,
    /// Retransmission timer.
    TimerA,
    /// Nothing was heard for 64*T1.
    TimerB,
    /// No final response for minutes.
    TimerC,
    /// End of the wait for retransmitted failures.
    TimerD,
    /// End of the wait for more 2xx.
    TimerM,
    /// No final response within 64*T1 of the CANCEL.
    TimerCancelled,
    /// The transport failed.
    TransportError,
}

/// What the driver shall do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the INVITE again.
    Retransmit,
    /// Acknowledge the failure (RFC 3261 §17.1.1.3).
    Ack,
    /// Hand the response to the TU.
    PassUp,
    /// Send a CANCEL as a transaction of its own (RFC 3261 §9.1).
    SendCancel,
    /// Tell the TU that no response came.
    TimedOut,
    /// Tell the TU that the transport failed.
    TransportFailed,
    /// (Re)start a timer.
    Start(Timer),
    /// Stop a timer.
    Stop(Timer),
}

/// The table.
pub(crate) fn next(state: State, event: Event) -> (State, &'static [Action]) {
    match state {
        State::Calling => calling(event),
        State::CancelWanted => cancel_wanted(event),
        State::Proceeding => proceeding(event),
        State::Cancelling => cancelling(event),
        State::Completed => completed(event),
        State::Accepted => accepted(event),
        State::Terminated => (State::Terminated, &[]),
    }
}

fn calling(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::Provisional => (State::Proceeding, &[Action::Stop(Timer::A), Action::Start(Timer::C), Action::PassUp]),
        Event::Success => success(),
        Event::Failure => failure(),
        // RFC 3261 §9.1: without a provisional response the CANCEL MUST NOT be sent; it waits for one.
        Event::Cancel => (State::CancelWanted, &[]),
        // RFC 3261 §17.1.1.2: timer A doubles, on unreliable transports only.
        Event::TimerA => (State::Calling, &[Action::Retransmit, Action::Start(Timer::A)]),
        Event::TimerB => (State::Terminated, &[Action::TimedOut]),
        Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
        Event::TimerC | Event::TimerD | Event::TimerM | Event::TimerCancelled => (State::Calling, &[]),
    }
}

fn cancel_wanted(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::Provisional => (
            State::Cancelling,
            &[Action::Stop(Timer::A), Action::Start(Timer::Cancelled), Action::SendCancel, Action::PassUp],
        ),
        Event::Success => success(),
        Event::Failure => failure(),
        Event::TimerA => (State::CancelWanted, &[Action::Retransmit, Action::Start(Timer::A)]),
        Event::TimerB => (State::Terminated, &[Action::TimedOut]),
        Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
        Event::Cancel | Event::TimerC | Event::TimerD | Event::TimerM | Event::TimerCancelled => {
            (State::CancelWanted, &[])
        }
    }
}

fn proceeding(event: Event) -> (State, &'static [Action]) {
    match event {
        // RFC 3261 §16.7 step 2: each further provisional gives timer C a new start.
        Event::Provisional => (State::Proceeding, &[Action::Start(Timer::C), Action::PassUp]),
        Event::Success => success(),
        Event::Failure => failure(),
        // RFC 3261 §16.8: timer C after a provisional response means CANCEL.
        Event::Cancel | Event::TimerC => (State::Cancelling, &[Action::Start(Timer::Cancelled), Action::SendCancel]),
        Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
        Event::TimerA | Event::TimerB | Event::TimerD | Event::TimerM | Event::TimerCancelled => {
            (State::Proceeding, &[])
        }
    }
}

fn cancelling(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::Provisional => (State::Cancelling, &[Action::PassUp]),
        Event::Success => success(),
        Event::Failure => failure(),
        // RFC 3261 §9.1: no final response in 64*T1 seconds: consider the transaction cancelled and destroy it.
        Event::TimerCancelled => (State::Terminated, &[Action::TimedOut]),
        Event::TransportError => (State::Terminated, &[Action::TransportFailed]),
        Event::Cancel | Event::TimerA | Event::TimerB | Event::TimerC | Event::TimerD | Event::TimerM => {
            (State::Cancelling, &[])
        }
    }
}

fn completed(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::Failure => (State::Completed, &[Action::Ack]),
        Event::TimerD => (State::Terminated, &[]),
        // RFC 3261 §17.1.1.2 would tell the TU; we don't: it has had its final response and can do nothing.
        Event::TransportError => (State::Terminated, &[]),
        Event::Provisional
        | Event::Success
        | Event::Cancel
        | Event::TimerA
        | Event::TimerB
        | Event::TimerC
        | Event::TimerM
        | Event::TimerCancelled => (State::Completed, &[]),
    }
}

fn accepted(event: Event) -> (State, &'static [Action]) {
    match event {
        // RFC 6026 §7.2: 2xx (retransmitted, or of another fork) are passed to the TU; the driver filters the former.
        Event::Success => (State::Accepted, &[Action::PassUp]),
        Event::TimerM => (State::Terminated, &[]),
        Event::Provisional
        | Event::Failure
        | Event::Cancel
        | Event::TimerA
        | Event::TimerB
        | Event::TimerC
        | Event::TimerD
        | Event::TimerCancelled
        | Event::TransportError => (State::Accepted, &[]),
    }
}

fn success() -> (State, &'static [Action]) {
    (State::Accepted, &[Action::Stop(Timer::A), Action::Start(Timer::M), Action::PassUp])
}

fn failure() -> (State, &'static [Action]) {
    (State::Completed, &[Action::Stop(Timer::A), Action::Ack, Action::PassUp, Action::Start(Timer::D)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_table() {
        use Event::*;
        let states = [
            State::Calling,
            State::CancelWanted,
            State::Proceeding,
            State::Cancelling,
            State::Completed,
            State::Accepted,
            State::Terminated,
        ];
        let events = [
            Provisional,
            Success,
            Failure,
            Cancel,
            TimerA,
            TimerB,
            TimerC,
            TimerD,
            TimerM,
            TimerCancelled,
            TransportError,
        ];
        insta::assert_snapshot!(super::super::print_table(&states, &events, next));
    }
}

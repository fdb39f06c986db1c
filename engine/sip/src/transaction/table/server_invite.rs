//! INVITE server transaction: RFC 3261 §17.2.1 with RFC 6026 §7.1 (Accepted, timer L), the automatic 100 after 200 ms, and the
//! retransmission of the 2xx until its ACK (§13.3.1.4), which the RFC gives to the TU and we keep here.

use crate::transaction::timer::Timer;

/// Where an INVITE that we received stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Handed to the TU; nothing answered yet.
    Fresh,
    /// A provisional response was sent.
    Proceeding,
    /// A final response other than 2xx was sent; its ACK is awaited.
    Completed,
    /// That ACK came; further ones are absorbed.
    Confirmed,
    /// A 2xx was sent and is retransmitted until its ACK comes.
    Accepted,
    /// The ACK of the 2xx came; retransmitted INVITEs are absorbed.
    Acknowledged,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The INVITE came again.
    Invite,
    /// Its ACK came (matched by branch, or for a 2xx by dialog and CSeq, or the TU says so).
    Ack,
    /// The TU answers 1xx.
    Provisional,
    /// The TU answers 2xx.
    Success,
    /// The TU answers 3xx to 6xx.
    Failure,
    /// 200 ms went by without an answer.
    TimerTrying,
    /// Retransmission of a failure.
    TimerG,
    /// No ACK for the failure.
    TimerH,
    /// End of the wait for more ACKs.
    TimerI,
    /// 64*T1 after the 2xx.
    TimerL,
    /// Retransmission of the 2xx.
    TimerResend,
    /// The transport failed.
    TransportError,
}

/// What the driver shall do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the 100 made when the INVITE came, and keep it as the last response.
    SendTrying,
    /// Send the TU's response and keep its bytes.
    Send,
    /// Send the last response again.
    Resend,
    /// Forget the last response: nothing will ask for it again.
    Forget,
    /// Hand the ACK to the TU.
    PassAck,
    /// Tell the TU that the ACK did not come.
    AckMissing,
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
        State::Fresh => fresh(event),
        State::Proceeding => proceeding(event),
        State::Completed => completed(event),
        State::Confirmed => confirmed(event),
        State::Accepted => accepted(event),
        State::Acknowledged => acknowledged(event),
        State::Terminated => (State::Terminated, &[]),
    }
}

fn fresh(event: Event) -> (State, &'static [Action]) {
    match event {
        // RFC 3261 §17.2.1: 100 unless the TU answers within 200 ms. A retransmission says that the client waits.
        Event::Invite | Event::TimerTrying => (State::Proceeding, &[Action::Stop(Timer::Trying), Action::SendTrying]),
        Event::Provisional => (State::Proceeding, &[Action::Stop(Timer::Trying), Action::Send]),
        Event::Success => success(),
        Event::Failure => failure(),
        Event::TransportError => (State::Fresh, &[Action::TransportFailed]),
        Event::Ack | Event::TimerG | Event::TimerH | Event::TimerI | Event::TimerL | Event::TimerResend => {
            (State::Fresh, &[])
        }
    }
}

fn proceeding(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::Invite => (State::Proceeding, &[Action::Resend]),
        Event::Provisional => (State::Proceeding, &[Action::Send]),
        Event::Success => success(),
        Event::Failure => failure(),
        // RFC 6026 §7.1: on a transport error the TU is told and the state stays.
        Event::TransportError => (State::Proceeding, &[Action::TransportFailed]),
        Event::Ack
        | Event::TimerTrying
        | Event::TimerG
        | Event::TimerH
        | Event::TimerI
        | Event::TimerL
        | Event::TimerResend => (State::Proceeding, &[]),
    }
}

fn completed(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::Invite => (State::Completed, &[Action::Resend]),
        Event::Ack => (State::Confirmed, &[Action::Stop(Timer::G), Action::Forget, Action::Start(Timer::I)]),
        Event::TimerG => (State::Completed, &[Action::Resend, Action::Start(Timer::G)]),
        Event::TimerH => (State::Terminated, &[Action::AckMissing]),
        // RFC 6026 §7.1 would tell the TU; we don't: its call is over. Timer H ends the state.
        Event::TransportError
        | Event::Provisional
        | Event::Success
        | Event::Failure
        | Event::TimerTrying
        | Event::TimerI
        | Event::TimerL
        | Event::TimerResend => (State::Completed, &[]),
    }
}

fn confirmed(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::TimerI => (State::Terminated, &[]),
        Event::Invite
        | Event::Ack
        | Event::Provisional
        | Event::Success
        | Event::Failure
        | Event::TimerTrying
        | Event::TimerG
        | Event::TimerH
        | Event::TimerL
        | Event::TimerResend
        | Event::TransportError => (State::Confirmed, &[]),
    }
}

fn accepted(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::Ack => (State::Acknowledged, &[Action::Stop(Timer::Resend), Action::Forget, Action::PassAck]),
        Event::TimerResend => (State::Accepted, &[Action::Resend, Action::Start(Timer::Resend)]),
        // RFC 3261 §13.3.1.4: 64*T1 without an ACK: the dialog is confirmed, but the session should be ended by BYE.
        Event::TimerL => (State::Terminated, &[Action::AckMissing]),
        Event::TransportError => (State::Accepted, &[Action::TransportFailed]),
        // RFC 6026 §7.1: retransmissions of the INVITE are absorbed.
        Event::Invite
        | Event::Provisional
        | Event::Success
        | Event::Failure
        | Event::TimerTrying
        | Event::TimerG
        | Event::TimerH
        | Event::TimerI => (State::Accepted, &[]),
    }
}

fn acknowledged(event: Event) -> (State, &'static [Action]) {
    match event {
        Event::TimerL => (State::Terminated, &[]),
        Event::Invite
        | Event::Ack
        | Event::Provisional
        | Event::Success
        | Event::Failure
        | Event::TimerTrying
        | Event::TimerG
        | Event::TimerH
        | Event::TimerI
        | Event::TimerResend
        | Event::TransportError => (State::Acknowledged, &[]),
    }
}

fn success() -> (State, &'static [Action]) {
    (
        State::Accepted,
        &[Action::Stop(Timer::Trying), Action::Send, Action::Start(Timer::Resend), Action::Start(Timer::L)],
    )
}

fn failure() -> (State, &'static [Action]) {
    (State::Completed, &[Action::Stop(Timer::Trying), Action::Send, Action::Start(Timer::G), Action::Start(Timer::H)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_table() {
        use Event::*;
        let states = [
            State::Fresh,
            State::Proceeding,
            State::Completed,
            State::Confirmed,
            State::Accepted,
            State::Acknowledged,
            State::Terminated,
        ];
        let events = [
            Invite,
            Ack,
            Provisional,
            Success,
            Failure,
            TimerTrying,
            TimerG,
            TimerH,
            TimerI,
            TimerL,
            TimerResend,
            TransportError,
        ];
        insta::assert_snapshot!(super::super::print_table(&states, &events, next));
    }
}

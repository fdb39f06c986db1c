//! The table of AGT-17 as people wrote it (`agt17.md`, a copy of the requirement), read by hand: which changes of an agent it knows.
//! It shares nothing with the machine that it judges.

use hooks::fact::{AgentState, AgentStateChanged, CallStatus, Console, Sign, Talk, Way};

/// How an agent stands, by what is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) sign: Sign,
    pub(super) state: AgentState,
    pub(super) call: CallStatus,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) from: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "what happened is known by its reason where facts are judged"))]
    pub(super) event: String,
    pub(super) to: String,
    /// What is logged, one after the other.
    pub(super) reasons: Vec<String>,
}

/// All rows.
#[derive(Debug)]
pub(super) struct Table(pub(super) Vec<Row>);

impl Table {
    pub(super) fn read() -> Self {
        let rows = include_str!("agt17.md").lines().filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let [number, from, event, to, logged] = cells[..] else { return None };
            let number = number.parse().ok()?;
            // Without who did it.
            let logged = logged.split(", then ").filter_map(|word| word.split(',').next());
            let reasons = logged.map(str::to_owned).collect();
            Some(Row { number, from: from.to_owned(), event: event.to_owned(), to: to.to_owned(), reasons })
        });
        let table = Self(rows.collect());
        assert_eq!(table.0.len(), 32, "the copy of AGT-17 is whole");
        table
    }

    /// The row by which an agent may come to stand so.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn row(&self, before: Stand, change: &AgentStateChanged) -> Result<u32, String> {
        let after = Stand { sign: change.sign, state: change.to, call: change.call_status };
        let reason = snake(&format!("{:?}", change.reason));
        let logs = |row: &Row| row.reasons.contains(&reason);
        let fits = |row: &&Row| logs(row) && starts(row, before) && leads(row, before, after);
        let waited = |row: &&Row| {
            // PHONE-11, PHONE-17, row 30: what is due during a call waits for its end.
            matches!(row.number, 26 | 30 | 31)
                && logs(row)
                && before.call != CallStatus::None
                && leads(row, before, after)
        };
        let found = self.0.iter().find(fits).or_else(|| self.0.iter().find(waited));
        found.map(|row| row.number).ok_or_else(|| format!("AGT-17 has no row from {before:?} for {change:?}"))
    }
}

/// Whether who stands so is meant by the cell "From".
pub(super) fn starts(row: &Row, before: Stand) -> bool {
    let (signed_in, idle) = (before.sign != Sign::Out, before.call == CallStatus::None);
    let by_mobile = matches!(before.sign, Sign::Mobile(_));
    match row.from.as_str() {
        "not signed in" => !signed_in,
        "ringing" | "rows 10, 11, the `rna_limit`-th time in a row" => before.call == CallStatus::Ringing,
        "dialling" => before.call == CallStatus::Dialling,
        "connected" | "as 18, after-call = Ready" => is_connected(before.call),
        // A call that nobody answered ends, too (AGT-10).
        "as 18, with a kept choice (AGT-10)" => is_connected(before.call) || before.call == CallStatus::Dialling,
        "any" => true,
        // A mobile goes on with its call without a console (PHONE-14), and needs no other sign-in before (PHONE-07).
        "any without a call" => (signed_in || row.number == 28) && (idle || row.number == 27 && by_mobile),
        "any without a call, not by mobile" => signed_in && idle && !by_mobile,
        "endpoint mobile, no call" => by_mobile && idle,
        "Online by mobile, console logged out" => by_mobile,
        // He may have dialled from it, and its time was over meanwhile.
        "Wrap-up" => signed_in && before.state == AgentState::WrapUp,
        states => signed_in && idle && states.split(", ").any(|word| state(word) == Some(before.state)),
    }
}

/// Whether the cell "To" leads there.
pub(super) fn leads(row: &Row, before: Stand, after: Stand) -> bool {
    let same = after.state == before.state;
    let none = after.call == CallStatus::None;
    let (is, by_mobile) = (|state| after.state == state && none, matches!(after.sign, Sign::Mobile(_)));
    // Rows that do not say so leave the sign-in as it is.
    let same_sign = after.sign == before.sign;
    match row.to.as_str() {
        "Online" if row.number == 1 => is(AgentState::Ready) && after.sign == Sign::Phone(Way::Web),
        "Offline" if row.number == 2 => is(AgentState::Offline) && after.sign == Sign::Phone(Way::Desk),
        "Online, endpoint mobile" => is(AgentState::Ready) && by_mobile,
        "Online if web or external phone is registered, else Offline" => {
            (is(AgentState::Ready) || is(AgentState::Offline)) && !by_mobile
        }
        // The web phone may have to come first (row 1).
        "Online, endpoint web, mobile signed out" => {
            (is(AgentState::Ready) || is(AgentState::Offline)) && after.sign == Sign::Phone(Way::Web)
        }
        "stays Online by mobile; picking Online moves the endpoint to the phone (mobile signed out)" => {
            let stays = before.sign == Sign::Mobile(Console::Closed)
                && (after.sign, after.state, after.call)
                    == (Sign::Mobile(Console::Returned(Way::Desk)), before.state, after.call)
                && is_connected(before.call) == is_connected(after.call);
            let moves = before.sign == Sign::Mobile(Console::Returned(Way::Desk))
                && after.sign == Sign::Phone(Way::Desk)
                && is(AgentState::Ready);
            stays || moves
        }
        "Offline (stays Online if by mobile)" => match before.sign {
            // What he does in his call is nothing that is written down here.
            Sign::Mobile(_) => {
                let goes_on = is_connected(before.call) && is_connected(after.call) || after.call == before.call;
                after.sign == Sign::Mobile(Console::Closed) && same && goes_on
            }
            Sign::Phone(_) => is(AgentState::Offline) && after.sign == Sign::Out,
            Sign::Out => false,
        },
        "Offline, mobile also signed out; console stays logged in" => {
            // Who has no console is signed out altogether.
            let sign = match before.sign {
                Sign::Out | Sign::Mobile(Console::Closed) => Sign::Out,
                Sign::Phone(way) | Sign::Mobile(Console::Open(way) | Console::Returned(way)) => Sign::Phone(way),
            };
            is(AgentState::Offline) && after.sign == sign
        }
        "Offline (after the running call)" => is(AgentState::Offline) && after.sign == Sign::Out,
        to => same_sign && leads_within(to, before, after),
    }
}

/// What leaves the sign-in as it is.
fn leads_within(to: &str, before: Stand, after: Stand) -> bool {
    let same = after.state == before.state;
    let none = after.call == CallStatus::None;
    match to.split([';', '(']).next().unwrap_or_default().trim() {
        "Online" | "Online idle" => after.state == AgentState::Ready && none,
        "Offline" => after.state == AgentState::Offline && none,
        "Busy" => after.state == AgentState::NotReady && none,
        "Wrap-up" => after.state == AgentState::WrapUp && none,
        "Online, or Busy" => matches!(after.state, AgentState::Ready | AgentState::NotReady) && none,
        "that state" => !same && none,
        "the chosen state" => none,
        "Online, ringing" => after.state == AgentState::Ready && after.call == CallStatus::Ringing,
        "Online, connected" => after.state == AgentState::Ready && is_connected(after.call),
        "same state, dialling" => same && after.call == CallStatus::Dialling,
        "same state, connected" => same && is_connected(after.call),
        "connected" => same && is_connected(after.call),
        "state before the dial" | "state before the call" => same && none,
        // What is refused changes nothing.
        "refused" | "refused with message" => same && after.call == before.call,
        _ => false,
    }
}

pub(super) fn is_connected(call: CallStatus) -> bool {
    match call {
        CallStatus::Connected(Talk::Talking | Talk::Held | Talk::Consulting | Talk::ThreeWay) => true,
        CallStatus::None | CallStatus::Dialling | CallStatus::Ringing => false,
    }
}

/// The state that the requirement calls so.
pub(super) fn state(word: &str) -> Option<AgentState> {
    Some(match word {
        "Online" | "Online idle" => AgentState::Ready,
        "Busy" => AgentState::NotReady,
        "Break" => AgentState::OnBreak,
        "Wrap-up" => AgentState::WrapUp,
        "Offline" => AgentState::Offline,
        _ => return None,
    })
}

/// `RingEnd` as it is written in the table: `ring_end`.
pub(super) fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use hooks::fact::ChangeReason;

    use super::*;

    fn change(to: AgentState, call_status: CallStatus, reason: ChangeReason) -> AgentStateChanged {
        let sign = Sign::Phone(Way::Desk);
        let from = AgentState::Ready;
        AgentStateChanged {
            agent: String::new(),
            extension: None,
            mobile: None,
            from,
            to,
            call_status,
            call: None,
            sign,
            reason,
            by: None,
        }
    }

    #[test]
    fn the_table_knows_what_the_requirement_says_and_nothing_else() {
        let table = Table::read();
        let idle = Stand { sign: Sign::Phone(Way::Desk), state: AgentState::Ready, call: CallStatus::None };
        let on_break = Stand { state: AgentState::OnBreak, ..idle };
        let ringing = Stand { call: CallStatus::Ringing, ..idle };
        let talking = Stand { call: CallStatus::Connected(Talk::Talking), ..idle };
        let rung = change(AgentState::Ready, CallStatus::Ringing, ChangeReason::Ring);
        assert_eq!(table.row(idle, &rung), Ok(7));
        assert!(table.row(on_break, &rung).is_err());
        assert!(table.row(ringing, &rung).is_err());
        let wrap_up = change(AgentState::WrapUp, CallStatus::None, ChangeReason::CallEnd);
        assert_eq!(table.row(talking, &wrap_up), Ok(18));
        assert!(table.row(ringing, &wrap_up).is_err());
        let missed = change(AgentState::NotReady, CallStatus::None, ChangeReason::MissedCalls);
        assert_eq!(table.row(ringing, &missed), Ok(12));
        let dials = change(AgentState::OnBreak, CallStatus::Dialling, ChangeReason::Dial);
        assert!(table.row(on_break, &dials).is_err());
    }
}

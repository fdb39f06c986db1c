//! The machine of production against every row of AGT-17: each state that it can come to, each event, in both directions. What the table
//! says of it must be so, and what it does the table must say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use hooks::fact::{AgentState, AgentStateChanged, CallStatus, Console, Sign, Talk, Way};
use switch::agent::{AfterCall, Agent, AgentEvent, AgentRules, Change, Force, Missed, Refused};

use super::table::{Row, Stand, Table, is_connected, leads, snake, starts, state};

/// What the machine does not show and the rows speak of, kept here by what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ghost {
    phone: Phone,
    missed: u8,
    closed: bool,
    /// Wrap-up has a limit.
    wraps_until: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phone {
    There,
    Losing,
    Gone,
}

/// A state that was reached.
#[derive(Clone, Debug)]
struct Here {
    agent: Agent,
    ghost: Ghost,
    rules: AgentRules,
}

impl Here {
    fn stand(&self) -> Stand {
        Stand { sign: self.agent.sign(), state: self.agent.state(), call: self.agent.call() }
    }

    /// Somewhere to ring him.
    fn can_be_rung(&self) -> bool {
        matches!(self.agent.sign(), Sign::Mobile(_)) || self.ghost.phone == Phone::There
    }

    fn is_free(&self) -> bool {
        self.agent.call() == CallStatus::None && !self.agent.supervises()
    }

    /// What the next state is: what happened, and what came of it.
    fn next(&self, event: AgentEvent) -> (Self, Result<Option<Change>, Refused>) {
        let mut next = self.clone();
        let at = if event == AgentEvent::Elapsed { LATER } else { NOW };
        let came = next.agent.handle(at, event);
        next.ghost.take(event, self, &next.agent, &came);
        (next, came)
    }
}

impl Ghost {
    fn take(&mut self, event: AgentEvent, before: &Here, agent: &Agent, came: &Result<Option<Change>, Refused>) {
        use AgentEvent as E;
        match event {
            E::PhoneRegistered => self.phone = Phone::There,
            E::PhoneLost if self.phone == Phone::There => self.phone = Phone::Losing,
            E::Elapsed if self.phone == Phone::Losing => self.phone = Phone::Gone,
            E::AccountClosed => self.closed = true,
            E::Missed(Missed::TimedOut | Missed::Rejected | Missed::Failed) if came.is_ok() => self.missed += 1,
            E::CallEnded { wrap_up_max } if came.is_ok() => {
                let alone = agent.sign() == Sign::Mobile(Console::Closed);
                let kept = before.agent.kept() == Some(AgentState::WrapUp);
                let begins = before.rules.after_call == AfterCall::WrapUp || kept;
                self.wraps_until = if begins { wrap_up_max.is_some() || alone } else { self.wraps_until };
            }
            E::DialEnded if before.agent.kept().is_some() => self.wraps_until = false,
            E::Pick(_) if came.is_ok() && before.agent.call() == CallStatus::None => self.wraps_until = false,
            _ => {}
        }
        // AGT-13: in a row.
        let Ok(Some(change)) = came else { return };
        let logged = snake(&format!("{:?}", change.reason));
        let answered = logged == "answer" && before.agent.call() == CallStatus::Ringing;
        let broken =
            ["missed_calls", "forced", "mobile_sign_in", "mobile_sign_out", "connection_lost", "account_closed"];
        let by_himself = logged == "manual" && before.agent.call() == CallStatus::None;
        // A console that comes or goes beside a mobile is nothing to it.
        let by_mobile = matches!(agent.sign(), Sign::Mobile(_));
        let signs = matches!(logged.as_str(), "login" | "logout") && !by_mobile;
        if answered || by_himself || signs || broken.contains(&logged.as_str()) {
            self.missed = 0;
        }
        if change.to != AgentState::WrapUp {
            self.wraps_until = false;
        }
    }
}

/// Whether that happens which the cell "Event" names, in the way that it means.
fn happens(row: &Row, here: &Here, event: AgentEvent) -> bool {
    use AgentEvent as E;
    let (sign, registered) = (here.agent.sign(), here.ghost.phone == Phone::There);
    let picks = |state: AgentState| event == E::Pick(state);
    match row.event.as_str() {
        "web-phone login, extension valid, registered" => event == E::Login(Way::Web) && registered,
        "external-phone login, extension valid" => event == E::Login(Way::Desk),
        "login with wrong/empty extension" => false,
        "agent picks Online, phone registered" => picks(AgentState::Ready) && here.can_be_rung(),
        "agent picks any other state or dials" => {
            matches!(event, E::Pick(state) if state != AgentState::Ready) || event == E::Dial
        }
        "agent picks another state" => {
            matches!(event, E::Pick(state) if state != here.agent.state() && (state != AgentState::Ready || here.can_be_rung()))
        }
        "call offered" => event == E::Offered && here.is_free() && here.can_be_rung() && !here.ghost.closed,
        "agent answers" => event == E::Answered,
        "caller hangs up" => event == E::Missed(Missed::CallerHungUp),
        "ring time-out" => event == E::Missed(Missed::TimedOut),
        "agent rejects" => event == E::Missed(Missed::Rejected),
        "agent dials" => event == E::Dial && (row.to.starts_with("refused") || here.is_free() && here.can_be_rung()),
        "other side answers" => event == E::DialAnswered,
        "no answer, busy, failure, cancel" => event == E::DialEnded,
        "hold / retrieve / consult / cancel consult / three-way" => matches!(event, E::Talk(_)),
        "agent picks Online" => picks(AgentState::Ready) && here.can_be_rung() && here.is_idle(),
        "`wrap_up_max_s` over" => event == E::Elapsed && here.ghost.wraps_until && here.is_idle(),
        "supervisor: force busy (强置忙)" => event == E::Force(Force::Busy),
        "supervisor: force idle (强置闲)" => event == E::Force(Force::Ready) && here.can_be_rung(),
        "supervisor: force sign-out (强签出)" => event == E::Force(Force::SignOut),
        "connection/registration lost 30 s" => {
            let gone = here.ghost.phone != Phone::There && here.agent.state() != AgentState::Offline;
            event == E::Elapsed && gone && here.ghost.phone == Phone::Losing
        }
        "logout" => event == E::Logout && sign != Sign::Mobile(Console::Closed) && !here.agent.supervises(),
        "mobile sign-in" => {
            event == E::MobileSignIn && !matches!(sign, Sign::Mobile(_)) && here.is_free() && !here.ghost.closed
        }
        "mobile sign-out" => event == E::MobileSignOut && here.is_free(),
        "employee set to left" => event == E::AccountClosed && sign != Sign::Out && here.is_idle(),
        "web-phone login" => event == E::Login(Way::Web) && sign == Sign::Mobile(Console::Closed) && here.is_idle(),
        "external-phone login" => event == E::Login(Way::Desk) && sign == Sign::Mobile(Console::Closed),
        "" => match row.number {
            12 => {
                let missed = matches!(event, E::Missed(Missed::TimedOut | Missed::Rejected));
                missed && here.ghost.missed + 1 >= here.rules.missed_limit
            }
            19 => ends(event) && here.rules.after_call == AfterCall::Ready,
            20 => ends(event) && is_connected(here.agent.call()) && here.agent.kept().is_some(),
            other => panic!("row {other} says nothing of what happens"),
        },
        text if text.starts_with("agent's part ends: hang-up by either side") => {
            ends(event) && here.rules.after_call == AfterCall::WrapUp
        }
        other => panic!("row {}: nobody knows what {other:?} is", row.number),
    }
}

impl Here {
    fn is_idle(&self) -> bool {
        self.agent.call() == CallStatus::None
    }
}

fn ends(event: AgentEvent) -> bool {
    matches!(event, AgentEvent::CallEnded { .. })
}

/// What the row says came of it.
fn says(row: &Row, here: &Here, event: AgentEvent, next: &Here, came: &Result<Option<Change>, Refused>) -> bool {
    let (before, after) = (here.stand(), next.stand());
    let refused = row.to.starts_with("refused");
    if refused != came.is_err() || !leads(row, before, after) {
        return false;
    }
    let logged = match came {
        Ok(Some(change)) => Some(snake(&format!("{:?}", change.reason))),
        Ok(None) | Err(_) => None,
    };
    let wanted = row.reasons.first().filter(|reason| *reason != "none").cloned();
    let chosen = match (row.to.as_str(), event) {
        ("that state", AgentEvent::Pick(state)) => after.state == state,
        ("the chosen state", _) => Some(after.state) == here.agent.kept(),
        ("connected (sub-status)", AgentEvent::Talk(talk)) => after.call == CallStatus::Connected(talk),
        ("Online if web or external phone is registered, else Offline", _) => {
            let there = here.ghost.phone == Phone::There && after.sign != Sign::Out;
            after.state == if there { AgentState::Ready } else { AgentState::Offline }
        }
        _ => true,
    };
    chosen && logged == wanted
}

/// What waits for the end of a call comes first: the account is closed, the web phone of a new login, the phone is gone.
fn departs(here: &Here, event: AgentEvent) -> bool {
    let ended = matches!(event, AgentEvent::CallEnded { .. } | AgentEvent::DialEnded | AgentEvent::Missed(_));
    let by_phone = matches!(here.agent.sign(), Sign::Phone(_));
    let gone = by_phone && here.ghost.phone == Phone::Gone && here.agent.state() != AgentState::Offline;
    let replaced = here.agent.sign() == Sign::Mobile(Console::Returned(Way::Web));
    ended && (here.ghost.closed || gone || replaced)
}

/// The first row in this order whose "From" and "Event" are met: exceptions before what they are exceptions of.
fn row_of<'a>(table: &'a Table, here: &Here, event: AgentEvent) -> Option<&'a Row> {
    let waits = here.agent.kept().is_some() && event == AgentEvent::DialEnded;
    // A desk phone takes over (row 32), and nobody is signed in who has left.
    let returned = here.agent.sign() == Sign::Mobile(Console::Returned(Way::Desk));
    let past = returned && event == AgentEvent::Pick(AgentState::Ready)
        || here.ghost.closed && matches!(event, AgentEvent::Login(_));
    if departs(here, event) || waits || past {
        return None;
    }
    let order = EXCEPTIONS.into_iter().chain((1..=32).filter(|row| !EXCEPTIONS.contains(row)));
    let mut rows = order.filter_map(|number| table.0.iter().find(|row| row.number == number));
    rows.find(|row| starts(row, here.stand()) && happens(row, here, event))
}

fn fact(before: Stand, change: &Change) -> AgentStateChanged {
    AgentStateChanged {
        agent: String::new(),
        extension: None,
        mobile: None,
        from: before.state,
        to: change.to,
        call_status: change.call,
        call: None,
        sign: change.sign,
        reason: change.reason,
        by: None,
    }
}

/// Changes of which no row speaks: a web phone that has yet to register (PHONE-05), and one that takes the mobile's place after the call.
fn is_beyond(here: &Here, event: AgentEvent) -> bool {
    match event {
        AgentEvent::Login(Way::Web) => {
            here.ghost.phone != Phone::There || is_connected(here.agent.call()) || !here.is_idle()
        }
        AgentEvent::PhoneRegistered => here.agent.sign() == Sign::Phone(Way::Web),
        _ => false,
    }
}

fn events() -> Vec<AgentEvent> {
    use AgentEvent as E;
    let states =
        [AgentState::Ready, AgentState::NotReady, AgentState::OnBreak, AgentState::WrapUp, AgentState::Offline];
    let talks = [Talk::Talking, Talk::Held, Talk::Consulting, Talk::ThreeWay];
    let missed = [Missed::CallerHungUp, Missed::TimedOut, Missed::Rejected, Missed::Failed, Missed::Taken];
    let limits = [None, Some(Duration::from_secs(10))];
    let mut all = vec![E::Login(Way::Web), E::Login(Way::Desk), E::Logout, E::Offered, E::Answered, E::Dial];
    all.extend([E::DialAnswered, E::DialEnded, E::PhoneRegistered, E::PhoneLost, E::MobileSignIn, E::MobileSignOut]);
    all.extend([E::Supervises, E::SupervisedEnough, E::AccountClosed, E::Elapsed]);
    all.extend(states.map(E::Pick));
    all.extend(talks.map(E::Talk));
    all.extend(missed.map(E::Missed));
    all.extend([Force::Busy, Force::Ready, Force::SignOut].map(E::Force));
    all.extend(limits.map(|wrap_up_max| E::CallEnded { wrap_up_max }));
    all
}

/// All states that such an agent can come to, each against each event; the rows that were met, from where. What is wrong, a line each.
fn explore(table: &Table, rules: AgentRules, met: &mut BTreeMap<u32, BTreeSet<String>>) -> (usize, Vec<String>) {
    let ghost = Ghost { phone: Phone::Gone, missed: 0, closed: false, wraps_until: false };
    let first = Here { agent: Agent::new(rules), ghost, rules };
    let (mut known, mut wrong) = (BTreeSet::from([format!("{first:?}")]), Vec::new());
    let mut frontier = VecDeque::from([first]);
    while let Some(here) = frontier.pop_front() {
        for event in events() {
            let (next, came) = here.next(event);
            let row = row_of(table, &here, event);
            if let Some(row) = row {
                met.entry(row.number).or_default().insert(format!("{:?}", here.agent.state()));
                if !says(row, &here, event, &next, &came) {
                    wrong.push(format!(
                        "row {}: {event:?} in {here:?} leads to {:?}, {came:?}",
                        row.number,
                        next.stand()
                    ));
                }
            }
            match &came {
                Ok(Some(change)) if !is_beyond(&here, event) => {
                    let known = table.row(here.stand(), &fact(here.stand(), change));
                    wrong.extend(known.err().map(|what| format!("{event:?} in {here:?}: {what}")));
                }
                Err(_) if next.agent != here.agent => wrong.push(format!("{event:?} was refused and changed {here:?}")),
                Ok(_) | Err(_) => {}
            }
            if wrong.len() < WRONG_MAX && known.insert(format!("{next:?}")) {
                frontier.push_back(next);
            }
        }
    }
    (known.len(), wrong)
}

/// Proves AGT-17.
#[test]
fn every_row_of_the_table_holds_in_every_state_that_the_machine_can_come_to() {
    let (table, mut met, mut states) = (Table::read(), BTreeMap::new(), 0);
    for after_call in [AfterCall::WrapUp, AfterCall::Ready] {
        for missed_limit in [2, 3] {
            let rules = AgentRules { after_call, missed_limit };
            let (count, wrong) = explore(&table, rules, &mut met);
            assert!(wrong.is_empty(), "{} of {count} states:\n{}", wrong.len(), wrong.join("\n"));
            states += count;
        }
    }
    assert!(states > 1_000, "{states} states are too few to be all");
    for row in &table.0 {
        let from = met.remove(&row.number).unwrap_or_default();
        // Row 3 is a login without an extension: no agent comes of it.
        assert!(row.number == 3 || !from.is_empty(), "row {} was never met", row.number);
        for state in row.from.split(", ").filter_map(state) {
            assert!(from.contains(&format!("{state:?}")), "row {} was never met from {state:?}", row.number);
        }
    }
}

/// Rows that are exceptions of others, which they come before.
const EXCEPTIONS: [u32; 8] = [12, 14, 20, 21, 32, 31, 30, 26];
const NOW: Duration = Duration::from_secs(1_000);
/// Every time limit is over by then.
const LATER: Duration = Duration::from_secs(2_000);
/// After so many things wrong it is enough.
const WRONG_MAX: usize = 20;

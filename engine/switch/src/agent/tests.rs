//! The table against a committed copy of AGT-17 (`agt17.md`), and what no row says alone.

use std::time::Duration;

use super::*;

const NOW: Duration = Duration::from_secs(1_000);

fn at(seconds: u64) -> Duration {
    NOW + Duration::from_secs(seconds)
}

/// An agent after these events, all of which were possible.
fn after(rules: AgentRules, events: &[AgentEvent]) -> Agent {
    let mut agent = Agent::new(rules);
    for event in events {
        agent.handle(NOW, *event).unwrap_or_else(|refused| panic!("{event:?}: {refused}"));
    }
    agent
}

const DESK: [AgentEvent; 3] =
    [AgentEvent::PhoneRegistered, AgentEvent::Login(Way::Desk), AgentEvent::Pick(State::Ready)];
const ENDED: AgentEvent = AgentEvent::CallEnded { wrap_up_max: None };

fn desk(more: &[AgentEvent]) -> Vec<AgentEvent> {
    [&DESK, more].concat()
}

fn in_state(state: State) -> Vec<AgentEvent> {
    match state {
        State::Ready => desk(&[]),
        state => desk(&[AgentEvent::Pick(state)]),
    }
}

/// A row of the table as it was tried: where it began, what happened.
struct Tried {
    row: usize,
    rules: AgentRules,
    before: Vec<AgentEvent>,
    event: AgentEvent,
}

fn tried(row: usize, before: Vec<AgentEvent>, event: AgentEvent) -> Tried {
    Tried { row, rules: AgentRules::default(), before, event }
}

/// Every row, several times where it names several states.
fn trials() -> Vec<Tried> {
    use AgentEvent as E;
    let ready_after = AgentRules { after_call: AfterCall::Ready, ..AgentRules::default() };
    let ringing = desk(&[E::Offered]);
    let talking = desk(&[E::Offered, E::Answered]);
    let by_mobile = desk(&[E::MobileSignIn, E::Logout]);
    let mut all = vec![
        tried(1, vec![E::PhoneRegistered], E::Login(Way::Web)),
        tried(2, vec![E::PhoneRegistered], E::Login(Way::Desk)),
        tried(4, vec![E::PhoneRegistered, E::Login(Way::Desk)], E::Pick(State::Ready)),
        tried(7, desk(&[]), E::Offered),
        tried(8, ringing.clone(), E::Answered),
        tried(9, ringing.clone(), E::Missed(Missed::CallerHungUp)),
        tried(10, ringing.clone(), E::Missed(Missed::TimedOut)),
        tried(11, ringing.clone(), E::Missed(Missed::Rejected)),
        tried(14, in_state(State::OnBreak), E::Dial),
        tried(14, in_state(State::Offline), E::Dial),
        tried(20, [talking.clone(), vec![E::Pick(State::OnBreak)]].concat(), ENDED),
        tried(21, in_state(State::WrapUp), E::Pick(State::Ready)),
        tried(26, desk(&[E::PhoneLost]), E::Elapsed),
        tried(27, desk(&[]), E::Logout),
        tried(29, desk(&[E::MobileSignIn]), E::MobileSignOut),
        tried(30, desk(&[]), E::AccountClosed),
        tried(31, by_mobile.clone(), E::Login(Way::Web)),
        tried(32, by_mobile.clone(), E::Login(Way::Desk)),
    ];
    for state in [State::NotReady, State::OnBreak, State::WrapUp, State::Offline] {
        all.push(tried(5, in_state(State::Offline), E::Pick(state)));
        all.push(tried(6, desk(&[]), E::Pick(state)));
        all.push(tried(28, in_state(state), E::MobileSignIn));
    }
    for missed in [Missed::TimedOut, Missed::Rejected] {
        let twice = [E::Offered, E::Missed(missed), E::Offered, E::Missed(missed), E::Offered];
        all.push(tried(12, desk(&twice), E::Missed(missed)));
    }
    for state in [State::Ready, State::NotReady, State::WrapUp] {
        let dialling = [in_state(state), vec![E::Dial]].concat();
        all.push(tried(13, in_state(state), E::Dial));
        all.push(tried(15, dialling.clone(), E::DialAnswered));
        all.push(tried(16, dialling.clone(), E::DialEnded));
        all.push(tried(18, [dialling.clone(), vec![E::DialAnswered]].concat(), ENDED));
        let before = [dialling, vec![E::DialAnswered]].concat();
        all.push(Tried { row: 19, rules: ready_after, before, event: ENDED });
    }
    for talk in [Talk::Held, Talk::Consulting, Talk::ThreeWay, Talk::Talking] {
        let elsewhere = if talk == Talk::Talking { vec![E::Talk(Talk::Held)] } else { vec![] };
        all.push(tried(17, [talking.clone(), elsewhere].concat(), E::Talk(talk)));
    }
    for state in [State::Ready, State::WrapUp, State::OnBreak] {
        all.push(tried(23, in_state(state), E::Force(Force::Busy)));
    }
    for state in [State::NotReady, State::WrapUp, State::OnBreak] {
        all.push(tried(24, in_state(state), E::Force(Force::Ready)));
    }
    for state in [State::Ready, State::NotReady, State::WrapUp, State::OnBreak] {
        all.push(tried(25, in_state(state), E::Force(Force::SignOut)));
    }
    let ends = desk(&[E::Offered, E::Answered, E::CallEnded { wrap_up_max: Some(Duration::from_secs(10)) }]);
    all.push(tried(22, ends, E::Elapsed));
    all
}

fn cells(table: &str, row: usize) -> Vec<String> {
    let wanted = format!("| {row} |");
    let line = table.lines().find(|line| line.starts_with(&wanted)).unwrap_or_else(|| panic!("no row {row}"));
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What the cell "To" of the table says.
fn destination(cell: &str, before: &Agent, event: AgentEvent) -> (State, CallStatus) {
    let talking = CallStatus::Connected(Talk::Talking);
    match cell.split([';', '(']).next().unwrap().trim() {
        "Online"
        | "Online, endpoint mobile"
        | "Online, endpoint web, mobile signed out"
        | "Online idle"
        | "Online if web or external phone is registered, else Offline"
        | "stays Online by mobile"
        | "Online, or Busy" => (State::Ready, CallStatus::None),
        "Offline" | "Offline, mobile also signed out" => (State::Offline, CallStatus::None),
        "Online, ringing" => (State::Ready, CallStatus::Ringing),
        "Online, connected" => (State::Ready, talking),
        "Busy" => (State::NotReady, CallStatus::None),
        "Wrap-up" => (State::WrapUp, CallStatus::None),
        "same state, dialling" => (before.state(), CallStatus::Dialling),
        "same state, connected" => (before.state(), talking),
        "state before the dial" | "state before the call" => (before.state(), CallStatus::None),
        "that state" => match event {
            AgentEvent::Pick(state) => (state, CallStatus::None),
            other => panic!("{other:?} names no state"),
        },
        "the chosen state" => (before.kept().unwrap(), CallStatus::None),
        "connected" => match event {
            AgentEvent::Talk(talk) => (before.state(), CallStatus::Connected(talk)),
            other => panic!("{other:?} is not in a call"),
        },
        "refused" | "refused with message" => (before.state(), before.call()),
        other => panic!("the table says {other:?}"),
    }
}

fn reason(cell: &str) -> Option<Reason> {
    let text = cell.split([',', ' ']).next().unwrap();
    (text != "none").then(|| serde_json::from_value(text.into()).unwrap_or_else(|_| panic!("no reason {text}")))
}

/// The decision behind AGT-01, AGT-02, AGT-03, AGT-04, AGT-05, AGT-06, AGT-08, AGT-17.
#[test]
fn every_row_of_the_table_is_what_the_agent_does() {
    let table = include_str!("agt17.md");
    let mut rows: Vec<usize> = Vec::new();
    for Tried { row, rules, before, event } in trials() {
        rows.push(row);
        let before = after(rules, &before);
        let mut agent = before.clone();
        let later = if event == AgentEvent::Elapsed { at(30) } else { NOW };
        let came = agent.handle(later, event);
        let cells = cells(table, row);
        let (to, call) = destination(&cells[3], &before, event);
        let what = format!("row {row}: {event:?} in {before:?}");
        assert_eq!((agent.state(), agent.call()), (to, call), "{what}");
        match came {
            Ok(change) => {
                let logged = change.map(|change| change.reason);
                assert_eq!(logged, reason(&cells[4]), "{what}");
                assert!(!cells[3].starts_with("refused"), "{what}");
                if let Some(change) = change {
                    assert_eq!((change.from, change.to, change.call), (before.state(), to, call), "{what}");
                }
            }
            Err(_) => assert!(cells[3].starts_with("refused"), "{what}: {came:?}"),
        }
    }
    rows.sort_unstable();
    rows.dedup();
    // Row 3 is a login without an extension: no agent comes of it.
    assert_eq!(rows, (1..=32).filter(|row| *row != 3).collect::<Vec<_>>());
    assert_eq!(table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #")).count(), 32);
}

/// The decision behind AGT-10.
#[test]
fn a_choice_during_a_call_is_kept_and_none_is_made_while_it_rings() {
    let mut agent = after(AgentRules::default(), &desk(&[AgentEvent::Offered]));
    assert_eq!(agent.handle(NOW, AgentEvent::Pick(State::OnBreak)), Err(Refused::Ringing));
    agent.handle(NOW, AgentEvent::Answered).unwrap();
    for choice in [State::NotReady, State::Offline, State::OnBreak] {
        assert_eq!(agent.handle(NOW, AgentEvent::Pick(choice)), Ok(None));
        assert_eq!((agent.state(), agent.kept()), (State::Ready, Some(choice)));
    }
    let change = agent.handle(NOW, ENDED).unwrap().unwrap();
    assert_eq!((change.to, change.reason, agent.kept()), (State::OnBreak, Reason::Manual, None));
    // From offline only online can be picked.
    agent.handle(NOW, AgentEvent::Pick(State::Offline)).unwrap();
    for choice in [State::NotReady, State::OnBreak, State::WrapUp, State::Offline] {
        assert_eq!(agent.handle(NOW, AgentEvent::Pick(choice)), Err(Refused::Offline));
    }
    assert!(agent.handle(NOW, AgentEvent::Pick(State::Ready)).is_ok());
}

/// The decision behind AGT-07.
#[test]
fn what_follows_a_call_changes_at_the_next_sign_in() {
    let mut agent = after(AgentRules::default(), &desk(&[]));
    let call = [AgentEvent::Offered, AgentEvent::Answered, ENDED];
    agent.configure(AgentRules { after_call: AfterCall::Ready, ..AgentRules::default() });
    for event in call {
        agent.handle(NOW, event).unwrap();
    }
    assert_eq!(agent.state(), State::WrapUp, "still as it was at the sign-in");
    agent.handle(NOW, AgentEvent::Pick(State::Offline)).unwrap();
    agent.handle(NOW, AgentEvent::Pick(State::Ready)).unwrap();
    for event in call {
        agent.handle(NOW, event).unwrap();
    }
    assert_eq!(agent.state(), State::Ready, "signed in anew");
}

/// The decision behind AGT-09.
#[test]
fn wrap_up_ends_by_its_limit_where_one_is_set() {
    for (state, then) in [(State::Ready, State::Ready), (State::NotReady, State::NotReady)] {
        let dialled = [in_state(state), vec![AgentEvent::Dial, AgentEvent::DialAnswered]].concat();
        let mut agent = after(AgentRules::default(), &dialled);
        agent.handle(NOW, AgentEvent::CallEnded { wrap_up_max: Some(Duration::from_secs(15)) }).unwrap();
        assert_eq!((agent.state(), agent.poll_timeout()), (State::WrapUp, Some(at(15))));
        assert_eq!(agent.handle(at(14), AgentEvent::Elapsed), Ok(None));
        // He dials from it, and the limit passes meanwhile.
        agent.handle(at(14), AgentEvent::Dial).unwrap();
        assert_eq!(agent.poll_timeout(), None);
        let change = agent.handle(at(20), AgentEvent::DialEnded).unwrap().unwrap();
        assert_eq!((change.to, change.reason), (then, Reason::WrapUpTimeout));
    }
    let mut agent = after(AgentRules::default(), &desk(&[AgentEvent::Offered, AgentEvent::Answered, ENDED]));
    assert_eq!(agent.poll_timeout(), None, "without a limit it lasts");
    assert_eq!(agent.handle(at(100_000), AgentEvent::Elapsed), Ok(None));
}

/// The decision behind AGT-12.
#[test]
fn one_call_an_agent() {
    use AgentEvent as E;
    let busy: [&[E]; 6] = [
        &[E::Offered],
        &[E::Offered, E::Answered],
        &[E::Offered, E::Answered, E::Talk(Talk::Consulting)],
        &[E::Dial],
        &[E::Dial, E::DialAnswered],
        &[E::Supervises],
    ];
    for events in busy {
        let mut agent = after(AgentRules::default(), &desk(events));
        assert!(!agent.is_offerable(), "{events:?}");
        let before = agent.clone();
        assert_eq!(agent.handle(NOW, E::Offered), Err(Refused::NotAvailable));
        assert!(agent.handle(NOW, E::Dial).is_err());
        assert!(agent.handle(NOW, E::Supervises).is_err());
        assert!(agent.handle(NOW, E::MobileSignIn).is_err());
        assert!(agent.handle(NOW, E::Logout).is_err(), "LOGIN-08");
        assert_eq!(agent, before, "what is refused changes nothing");
    }
    for state in [State::NotReady, State::OnBreak, State::WrapUp, State::Offline] {
        assert!(!after(AgentRules::default(), &in_state(state)).is_offerable());
    }
}

/// The decision behind AGT-13 but for the ring time-out, which is the queue's.
#[test]
fn missed_offers_count_in_a_row() {
    use AgentEvent as E;
    let miss = |agent: &mut Agent, how: Missed| {
        agent.handle(NOW, E::Offered).unwrap();
        agent.handle(NOW, E::Missed(how)).unwrap().unwrap().reason
    };
    let mut agent = after(AgentRules::default(), &desk(&[]));
    assert_eq!(miss(&mut agent, Missed::TimedOut), Reason::RingEnd);
    assert_eq!(miss(&mut agent, Missed::Failed), Reason::RingEnd);
    assert_eq!(miss(&mut agent, Missed::CallerHungUp), Reason::RingEnd, "not his doing");
    assert_eq!(miss(&mut agent, Missed::Taken), Reason::RingEnd);
    for event in [E::Offered, E::Answered, ENDED, E::Pick(State::Ready)] {
        agent.handle(NOW, event).unwrap();
    }
    assert_eq!(miss(&mut agent, Missed::TimedOut), Reason::RingEnd, "an answer breaks the row");
    assert_eq!(miss(&mut agent, Missed::TimedOut), Reason::RingEnd);
    assert_eq!(miss(&mut agent, Missed::Rejected), Reason::MissedCalls);
    assert_eq!(agent.state(), State::NotReady);
    let mut never = after(AgentRules { missed_limit: 0, ..AgentRules::default() }, &desk(&[]));
    for _ in 0..20 {
        assert_eq!(miss(&mut never, Missed::TimedOut), Reason::RingEnd);
    }
}

/// The decision behind PHONE-17, AGT-15 in what they say of states.
#[test]
fn a_lost_phone_makes_offline_after_its_grace_and_never_during_a_call() {
    use AgentEvent as E;
    let mut agent = after(AgentRules::default(), &desk(&[E::PhoneLost]));
    assert!(!agent.is_offerable(), "nowhere to ring");
    agent.handle(at(29), E::PhoneRegistered).unwrap();
    assert!(agent.is_offerable() && agent.poll_timeout().is_none());

    let mut agent = after(AgentRules::default(), &desk(&[E::Offered, E::Answered, E::PhoneLost]));
    assert_eq!(agent.handle(at(30), E::Elapsed), Ok(None));
    let change = agent.handle(at(90), ENDED).unwrap().unwrap();
    assert_eq!((change.to, change.reason), (State::Offline, Reason::ConnectionLost));
    agent.handle(at(95), E::PhoneRegistered).unwrap();
    assert_eq!(agent.state(), State::Offline, "only he himself comes back");

    let rules = AgentRules::default();
    let mut agent = Agent::restored(rules, Sign::Phone(Way::Desk), State::NotReady, NOW);
    assert_eq!(agent.poll_timeout(), Some(at(60)));
    agent.handle(at(59), E::PhoneRegistered).unwrap();
    assert_eq!((agent.state(), agent.poll_timeout()), (State::NotReady, None));
    let mut agent = Agent::restored(rules, Sign::Phone(Way::Web), State::Ready, NOW);
    assert_eq!(agent.handle(at(60), E::Elapsed).unwrap().unwrap().reason, Reason::ConnectionLost);
    let mut agent = Agent::restored(rules, Sign::Mobile(Console::Closed), State::Ready, NOW);
    assert_eq!(agent.handle(at(60), E::Elapsed), Ok(None), "a mobile needs no registration");
    assert!(agent.is_offerable());
}

/// The decision behind PHONE-10, PHONE-11, PHONE-12 in what they say of states.
#[test]
fn a_mobile_goes_on_without_a_console_until_a_phone_takes_its_place() {
    use AgentEvent as E;
    let away = desk(&[E::MobileSignIn, E::Logout]);
    let mut agent = after(AgentRules::default(), &away);
    assert_eq!((agent.state(), agent.sign()), (State::Ready, Sign::Mobile(Console::Closed)));
    agent.handle(NOW, E::PhoneLost).unwrap();
    agent.handle(at(60), E::Elapsed).unwrap();
    assert!(agent.is_offerable());

    // A desk phone takes over when its agent chooses to be ready, and is there.
    agent.handle(NOW, E::Login(Way::Desk)).unwrap();
    assert_eq!(agent.handle(NOW, E::Pick(State::Ready)), Err(Refused::PhoneNotRegistered));
    assert_eq!(agent.sign(), Sign::Mobile(Console::Returned(Way::Desk)));
    agent.handle(NOW, E::PhoneRegistered).unwrap();
    let change = agent.handle(NOW, E::Pick(State::Ready)).unwrap().unwrap();
    assert_eq!((change.reason, change.sign), (Reason::MobileSignOut, Sign::Phone(Way::Desk)));

    // A web phone by itself; where a call runs, after it.
    let mut agent = after(AgentRules::default(), &away);
    agent.handle(NOW, E::Offered).unwrap();
    agent.handle(NOW, E::Answered).unwrap();
    assert_eq!(agent.handle(NOW, E::Login(Way::Web)).unwrap().unwrap().reason, Reason::Login);
    assert_eq!(agent.sign(), Sign::Mobile(Console::Returned(Way::Web)));
    let change = agent.handle(NOW, ENDED).unwrap().unwrap();
    assert_eq!((change.reason, change.sign, change.to), (Reason::MobileSignOut, Sign::Phone(Way::Web), State::Ready));
}

/// The decision behind PHONE-14 in what it says of wrap-up.
#[test]
fn a_mobile_without_a_console_is_not_stuck_in_wrap_up() {
    let away = desk(&[AgentEvent::MobileSignIn, AgentEvent::Logout, AgentEvent::Offered, AgentEvent::Answered]);
    let mut agent = after(AgentRules::default(), &away);
    agent.handle(NOW, ENDED).unwrap();
    assert_eq!(agent.poll_timeout(), Some(at(30)));
    assert_eq!(agent.handle(at(30), AgentEvent::Elapsed).unwrap().unwrap().to, State::Ready);
    let mut agent = after(AgentRules::default(), &away);
    agent.handle(NOW, AgentEvent::CallEnded { wrap_up_max: Some(Duration::from_secs(90)) }).unwrap();
    assert_eq!(agent.poll_timeout(), Some(at(90)));
}

/// The decision behind LOGIN-09 in what it says of states.
#[test]
fn who_left_finishes_his_call_and_comes_no_more() {
    let mut agent = after(AgentRules::default(), &desk(&[AgentEvent::Offered, AgentEvent::Answered]));
    assert_eq!(agent.handle(NOW, AgentEvent::AccountClosed), Ok(None));
    let change = agent.handle(NOW, ENDED).unwrap().unwrap();
    assert_eq!((change.to, change.sign, change.reason), (State::Offline, Sign::Out, Reason::AccountClosed));
    assert_eq!(agent.handle(NOW, AgentEvent::Login(Way::Desk)), Err(Refused::Closed));
    assert_eq!(agent.handle(NOW, AgentEvent::MobileSignIn), Err(Refused::Closed));
}

/// The decision behind AGT-16 in its last column, MON-21, MON-22.
#[test]
fn what_a_supervisor_may_force_is_the_table() {
    let table = "
        Ready none: sign_out busy
        Ready ringing:
        Ready dialling:
        Ready connected:
        NotReady none: ready sign_out
        WrapUp none: ready busy sign_out
        OnBreak none: ready busy sign_out
        Offline none:";
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (who, may) = line.split_once(':').unwrap();
        let (state, call) = who.split_once(' ').unwrap();
        let state = [State::Ready, State::NotReady, State::OnBreak, State::WrapUp, State::Offline]
            .into_iter()
            .find(|known| format!("{known:?}") == state)
            .unwrap();
        let call = match call {
            "none" => CallStatus::None,
            "ringing" => CallStatus::Ringing,
            "dialling" => CallStatus::Dialling,
            _ => CallStatus::Connected(Talk::Talking),
        };
        for (force, word) in [(Force::Busy, "busy"), (Force::Ready, "ready"), (Force::SignOut, "sign_out")] {
            let listed = may.split_whitespace().any(|listed| listed == word);
            assert_eq!(supervisor_may(force, state, call), listed, "{line}: {word}");
        }
    }
}

/// A committed copy of section 5: D dial, M mobile, K keys, U hang up, H hold, R retrieve, T transfer, C consult,
/// - cancel consult, + confirm it, 3 three-way, X cancel it, E evaluate, P park. The decision behind CALL-01, in what the server decides.
///
/// Proves CALL-01 (the table) and CALL-13.
#[test]
fn controls_work_in_their_phases() {
    let table = [
        (Phase::None, "DMm"),
        (Phase::Ringing, "U"),
        (Phase::Dialling, "U"),
        (Phase::Talking, "KUHTC3EP"),
        (Phase::Held, "URTCEP"),
        (Phase::ConsultRinging, "U-"),
        (Phase::Consulting, "KU-+3"),
        (Phase::ThreeWay, "KUX"),
    ];
    let letters = "DKMmUHRTC-+3XEP";
    for (phase, works) in table {
        for (control, letter) in Control::ALL.into_iter().zip(letters.chars()) {
            assert_eq!(control.works_in(phase), works.contains(letter), "{control:?} in {phase:?}");
        }
    }
}

/// Every state against every event: what comes of it, for a reader. `!` = refused.
#[test]
fn the_whole_table() {
    use AgentEvent as E;
    let mut befores: Vec<(&str, Vec<E>)> = vec![
        ("signed out", vec![E::PhoneRegistered]),
        ("ready", in_state(State::Ready)),
        ("not_ready", in_state(State::NotReady)),
        ("on_break", in_state(State::OnBreak)),
        ("wrap_up", in_state(State::WrapUp)),
        ("offline", in_state(State::Offline)),
        ("ringing", desk(&[E::Offered])),
        ("dialling", desk(&[E::Dial])),
        ("connected", desk(&[E::Offered, E::Answered])),
        ("supervising", desk(&[E::Supervises])),
        ("mobile", desk(&[E::MobileSignIn])),
        ("mobile alone", desk(&[E::MobileSignIn, E::Logout])),
    ];
    let events = [
        E::Login(Way::Web),
        E::Login(Way::Desk),
        E::Logout,
        E::Pick(State::Ready),
        E::Pick(State::NotReady),
        E::Pick(State::OnBreak),
        E::Pick(State::WrapUp),
        E::Pick(State::Offline),
        E::Offered,
        E::Answered,
        E::Missed(Missed::TimedOut),
        E::Dial,
        E::DialAnswered,
        E::DialEnded,
        E::Talk(Talk::Held),
        ENDED,
        E::Force(Force::Busy),
        E::Force(Force::Ready),
        E::Force(Force::SignOut),
        E::Supervises,
        E::MobileSignIn,
        E::MobileSignOut,
        E::AccountClosed,
    ];
    let mut text = String::new();
    for (name, before) in &mut befores {
        text += &format!("{name}\n");
        for event in events {
            let mut agent = after(AgentRules::default(), before);
            let came = match agent.handle(NOW, event) {
                Ok(Some(change)) => format!("{:?} {:?} ({:?})", change.to, change.call, change.reason),
                Ok(None) => format!("{:?} {:?}", agent.state(), agent.call()),
                Err(refused) => format!("! {refused}"),
            };
            text += &format!("  {event:?} -> {came}\n");
        }
    }
    insta::assert_snapshot!(text);
}

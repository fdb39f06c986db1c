//! What an agent may do in each of his states, with real dialogs: the table AGT-16 and what it follows from.

use std::sync::Arc;
use std::time::Duration;

use hooks::fact::{AgentState, Way};
use switch::agent::{AfterCall, Force};
use switch::input::{AgentOrder, CallOrder, Command, Input, Party, SignIn};
use switch::output::Refused;
use switch::view::View;

use crate::ladder::World;
use crate::queues::{centre, close, order, staffed, with};

/// Alice is agent 10001 and signed in, in that state.
fn alice_in(state: AgentState) -> World {
    let mut world = staffed(centre(), &["10001"]);
    if state != AgentState::Ready {
        order(&mut world, "10001", AgentOrder::Pick(state)).unwrap();
    }
    world.facts.clear();
    world
}

fn shown(world: &World) -> (AgentState, String) {
    let view = world.views.iter().rev().find_map(|view| match view {
        View::Agent(view) if view.agent == "10001" => Some((view.state, format!("{:?}", view.call_status))),
        _ => None,
    });
    view.expect("the agent was shown")
}

/// Whether a call of hers goes out, and whether one comes in: by a queue, and by a colleague.
fn may(state: AgentState) -> (bool, bool, bool) {
    let mut world = alice_in(state);
    let dials = state != AgentState::OnBreak && state != AgentState::Offline;
    if dials {
        world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 486\n0ms bob < ACK\n0ms alice < 486");
    } else {
        world.play("0ms alice > INVITE 1002\n0ms alice < 403");
    }
    assert_eq!(shown(&world).0, state, "a dial that fails changes nothing");
    let is_offered = state == AgentState::Ready;
    world.play("1s carol > INVITE 7000\n1s carol < 200");
    if is_offered {
        world.play("0ms alice < INVITE\n0ms alice > 180\n1s carol > BYE\n1s alice < CANCEL\n1s alice < ACK");
    } else if state == AgentState::Offline {
        // Nobody is signed in, and that is told.
        world.play("0ms carol hears queue_closed");
        world.played("carol");
        world.play("1s carol < BYE");
    } else {
        world.play("5s carol hears HoldMusic\n5s carol > BYE");
    }
    if is_offered {
        world.play("1s bob > INVITE 1001\n1s alice < INVITE\n1s alice > 180\n1s bob < 180\n2s bob > CANCEL\n2s bob < 487\n2s alice < CANCEL\n2s alice < ACK");
    } else {
        world.play("1s bob > INVITE 1001\n1s bob < 486 `Agent Not Available`");
    }
    close(world, &["10001"]);
    (dials, is_offered, is_offered)
}

/// Proves AGT-01, AGT-02, AGT-03, AGT-04, AGT-05, AGT-06.
#[test]
fn each_state_allows_what_the_table_says() {
    // Of the table AGT-16: dial; be offered calls, by a queue and by a colleague.
    for (state, allowed) in [
        (AgentState::Ready, (true, true, true)),
        (AgentState::NotReady, (true, false, false)),
        (AgentState::WrapUp, (true, false, false)),
        (AgentState::OnBreak, (false, false, false)),
        (AgentState::Offline, (false, false, false)),
    ] {
        assert_eq!(may(state), allowed, "{state:?}");
    }
}

/// Proves AGT-16, MON-21, MON-22 and MON-28, with the table of what a state allows above and what a supervisor may do in a call in `supervision`.
#[test]
fn a_supervisor_forces_what_the_state_allows() {
    let forces = [Force::SignOut, Force::Busy, Force::Ready];
    for (state, allowed) in [
        (AgentState::Ready, [true, true, false]),
        (AgentState::NotReady, [true, false, true]),
        (AgentState::WrapUp, [true, true, true]),
        (AgentState::OnBreak, [true, true, true]),
        (AgentState::Offline, [false, false, false]),
    ] {
        for (force, may) in forces.into_iter().zip(allowed) {
            let mut world = alice_in(state);
            let done = order(&mut world, "10001", AgentOrder::Force(force));
            assert_eq!(done.is_ok(), may, "{force:?} in {state:?}: {done:?}");
            close(world, &["10001"]);
        }
    }
    // While a call rings or is dialled, nothing; nor while she is connected.
    for (play, end) in [
        (
            "0ms carol > INVITE 7000\n0ms carol < 200\n0ms alice < INVITE\n0ms alice > 180",
            "1s carol > BYE\n1s alice < CANCEL\n1s alice < ACK",
        ),
        (
            "0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 180\n0ms alice < 180",
            "1s alice > CANCEL\n1s alice < 487\n1s bob < CANCEL\n1s bob < ACK",
        ),
        (
            "0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 200\n0ms bob < ACK\n0ms alice < 200",
            "1s alice > BYE\n1s bob < BYE",
        ),
    ] {
        let mut world = alice_in(AgentState::Ready);
        world.play(play);
        for force in forces {
            assert!(order(&mut world, "10001", AgentOrder::Force(force)).is_err(), "{force:?}: {play}");
        }
        world.play(end);
        close(world, &["10001"]);
    }
}

/// Proves AGT-07, AGT-08.
#[test]
fn wrap_up_or_ready_follows_an_answered_call_as_set_at_the_sign_in() {
    let mut world = alice_in(AgentState::Ready);
    let call = "0ms carol > INVITE 1001\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s carol < 200\n2s carol > BYE\n2s alice < BYE";
    world.play(call);
    assert_eq!(shown(&world).0, AgentState::WrapUp);
    let mut settings = centre();
    settings.agents.get_mut(&"10001".parse().unwrap()).unwrap().rules.after_call = AfterCall::Ready;
    world.input(Input::Tenant(Arc::new(settings)));
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play(call);
    assert_eq!(shown(&world).0, AgentState::WrapUp, "still as it was when she signed in");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Offline)).unwrap();
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play(call);
    assert_eq!(shown(&world).0, AgentState::Ready);
    // One that nobody answered is followed by nothing.
    world.play("0ms carol > INVITE 1001\n0ms alice < INVITE\n0ms alice > 180\n0ms carol < 180\n1s carol > CANCEL\n1s carol < 487\n1s alice < CANCEL\n1s alice < ACK");
    assert_eq!(shown(&world).0, AgentState::Ready);
    close(world, &["10001"]);
}

/// Proves AGT-09.
#[test]
fn wrap_up_ends_by_the_limit_of_the_queue_and_goes_back_where_she_dialled_from() {
    // The queue of the centre sets ten seconds.
    let mut world = alice_in(AgentState::Ready);
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s carol > BYE\n2s alice < BYE");
    let later = world.now() + Duration::from_secs(9);
    world.run_until(later);
    assert_eq!(shown(&world).0, AgentState::WrapUp);
    let later = world.now() + Duration::from_secs(2);
    world.run_until(later);
    assert_eq!(shown(&world).0, AgentState::Ready);
    // A call that no queue brought sets none.
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 200\n0ms bob < ACK\n0ms alice < 200\n1s alice > BYE\n1s bob < BYE");
    let later = world.now() + Duration::from_secs(600);
    world.run_until(later);
    world.register(&["alice", "bob", "carol"]);
    assert_eq!(shown(&world).0, AgentState::WrapUp);
    // Busy, she dials a queue's number; the call ends, and so does wrap-up: she is busy.
    order(&mut world, "10001", AgentOrder::Pick(AgentState::NotReady)).unwrap();
    world.play("0ms alice > INVITE 7000\n0ms alice < 200\n1s alice > BYE");
    let later = world.now() + Duration::from_secs(11);
    world.run_until(later);
    assert_eq!(shown(&world).0, AgentState::NotReady);
    close(world, &["10001"]);
}

/// Proves AGT-10, AGT-11.
#[test]
fn a_state_picked_in_a_call_is_kept_and_the_call_has_a_status_of_its_own() {
    let mut world = alice_in(AgentState::Ready);
    let status = |world: &World| shown(world).1;
    assert_eq!(status(&world), "None");
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms alice < INVITE\n0ms alice > 180");
    assert_eq!(status(&world), "Ringing");
    let refused = order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak));
    assert_eq!(refused, Err(Refused::Agent(switch::agent::Refused::Ringing)));
    world.play("1s alice > 200\n1s alice < ACK");
    assert_eq!(status(&world), "Connected(Talking)");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    assert_eq!(shown(&world).0, AgentState::Ready, "kept for after the call");
    let call = world.last_call.unwrap();
    for (ordered, is) in [(CallOrder::Hold, "Held"), (CallOrder::Retrieve, "Talking")] {
        let party = Some(Party::Agent("10001".parse().unwrap()));
        world.command(Command::Call { call, party, order: ordered }).unwrap();
        assert_eq!(status(&world), format!("Connected({is})"));
    }
    world.play("2s carol > BYE\n2s alice < BYE");
    assert_eq!(shown(&world), (AgentState::OnBreak, "None".to_owned()), "in place of wrap-up");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Offline)).unwrap();
    for state in [AgentState::NotReady, AgentState::OnBreak, AgentState::WrapUp] {
        let refused = order(&mut world, "10001", AgentOrder::Pick(state));
        assert_eq!(refused, Err(Refused::Agent(switch::agent::Refused::Offline)), "from offline only online");
    }
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 180\n0ms alice < 180");
    assert_eq!(status(&world), "Dialling");
    world.play("0ms alice > CANCEL\n0ms alice < 487\n0ms bob < CANCEL\n0ms bob < ACK");
    close(world, &["10001"]);
}

/// Proves AGT-12, with what is refused of supervisors in `supervision`.
#[test]
fn she_has_one_call_by_whatever_way_it_came() {
    let mut world = staffed(centre(), &["10001", "10002"]);
    order(&mut world, "10002", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    // One that she dialled herself: neither the queue nor a colleague reaches her.
    world.play("0ms alice > INVITE 1003\n0ms carol < INVITE\n0ms carol > 200\n0ms carol < ACK\n0ms alice < 200");
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n5s lines hears HoldMusic\n5s spare > INVITE 01012340000\n5s spare < 200\n6s spare > BYE");
    // A consult of somebody who is not idle is refused, too.
    let call = world.first_call();
    let party = Some(Party::Agent("10001".parse().unwrap()));
    let consult = CallOrder::Consult("1002".parse().unwrap());
    assert_eq!(world.command(Command::Call { call, party, order: consult }), Err(Refused::NotAvailable));
    world.play("1s carol > BYE\n1s alice < BYE");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
    close(world, &["10001", "10002"]);
}

/// Proves PHONE-01 but for the web page, PHONE-03 and PHONE-06. Of PHONE-05 all but the ways (see `ways`).
#[test]
fn a_phone_on_the_desk_signs_in_offline_and_goes_online_by_hand() {
    let mut world = with(centre());
    let desk = |extension: Option<&str>| {
        let extension = extension.map(|number| number.parse().unwrap());
        AgentOrder::SignIn(SignIn { way: hooks::fact::Way::Desk, extension })
    };
    assert_eq!(order(&mut world, "10001", desk(Some("1999"))), Err(Refused::NoSuchExtension));
    order(&mut world, "10001", desk(None)).unwrap();
    assert_eq!(shown(&world).0, AgentState::Offline);
    assert_eq!(order(&mut world, "10002", desk(Some("1001"))), Err(Refused::ExtensionTaken));
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    assert_eq!(shown(&world).0, AgentState::Ready);
    close(world, &["10001"]);
    // Whose phone is not there cannot go online.
    let mut world = World::new(crate::ladder::node(), centre());
    order(&mut world, "10001", desk(None)).unwrap();
    let refused = order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready));
    assert_eq!(refused, Err(Refused::Agent(switch::agent::Refused::PhoneNotRegistered)));
    close(world, &["10001"]);
}

/// Each sign-in is an event of its own beside the change (section 36): on the desk, in the browser, by mobile; nothing else is one.
#[test]
fn a_sign_in_is_told_apart_whatever_its_way() {
    let mut settings = centre();
    settings.agents.get_mut(&"10001".parse().unwrap()).unwrap().mobile = Some("13900000009".parse().unwrap());
    let told = |world: &World| {
        let own = world.facts.iter().filter(|fact| fact.starts_with("signed_in"));
        own.cloned().collect::<Vec<_>>()
    };
    let phone = |way| AgentOrder::SignIn(SignIn { way, extension: None });
    for (order_of, sign) in [
        (phone(Way::Desk), "Phone(Desk)"),
        (phone(Way::Web), "Phone(Web)"),
        (AgentOrder::MobileSignIn(None), "Mobile(Open(Web))"),
    ] {
        let mut world = with(settings.clone());
        world.facts.clear();
        order(&mut world, "10001", order_of).unwrap();
        assert_eq!(world.facts[1..], [format!("signed_in 10001 {sign}")], "beside the change");
        assert!(world.facts[0].starts_with("agent 10001 Offline->"), "{:?}", world.facts);
        // What he does then is none, nor what is refused.
        let _ = order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready));
        let _ = order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak));
        let _ = order(&mut world, "10001", AgentOrder::Force(Force::Busy));
        order(&mut world, "10002", AgentOrder::MobileSignIn(None)).unwrap_err();
        let _ = order(&mut world, "10001", AgentOrder::SignOut);
        let _ = order(&mut world, "10001", AgentOrder::MobileSignOut);
        assert_eq!(told(&world).len(), 1, "{:?}", world.facts);
        // He comes again: that is another one.
        order(&mut world, "10001", phone(Way::Desk)).unwrap();
        assert_eq!(told(&world)[1..], ["signed_in 10001 Phone(Desk)"]);
        close(world, &["10001"]);
    }
}

/// Proves CALL-06: in each state of AGT-06, with a call, and without an extension or a phone, by order and by the phone itself.
#[test]
fn who_may_not_dial_is_told_why() {
    let dial = |from: &str| Command::Originate { from: from.parse().unwrap(), to: "1003".parse().unwrap() };
    let said = |world: &mut World, from: &str| world.command(dial(from)).unwrap_err().to_string();
    for (state, reason) in [(AgentState::OnBreak, "you are on a break"), (AgentState::Offline, "you are offline")] {
        let mut world = alice_in(state);
        let told = said(&mut world, "1001");
        assert!(told.contains(reason), "{told}");
        world.play(&format!("0ms alice > INVITE 1003\n0ms alice < 403 `{reason}`"));
        close(world, &["10001"]);
    }
    for state in [AgentState::Ready, AgentState::NotReady, AgentState::WrapUp] {
        let mut world = alice_in(state);
        assert!(world.command(dial("1001")).is_ok(), "{state:?}");
        world.play("0ms alice < INVITE\n0ms alice > 603\n0ms alice < ACK");
        close(world, &["10001"]);
    }
    let mut world = alice_in(AgentState::Ready);
    world.play("0ms carol > INVITE 1001\n0ms alice < INVITE\n0ms alice > 200\n0ms alice < ACK\n0ms carol < 200");
    let told = said(&mut world, "1001");
    assert!(told.contains("a call is running"), "{told}");
    world.play("1s carol > BYE\n1s alice < BYE");
    let told = said(&mut world, "1999");
    assert!(told.contains("there is no such extension"), "{told}");
    world.play("0ms alice > REGISTER expires=0\n0ms alice < 200");
    let told = said(&mut world, "1001");
    assert!(told.contains("no phone is registered"), "{told}");
    close(world, &["10001"]);
}

/// Proves AGT-12: a consult is a call, too, for who asks and for who is asked.
#[test]
fn who_asks_and_who_is_asked_are_offered_nothing() {
    let mut world = staffed(centre(), &["10001", "10002"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK");
    let call = world.first_call();
    let party = Some(Party::Agent("10001".parse().unwrap()));
    let consult = CallOrder::Consult("1002".parse().unwrap());
    world.command(Command::Call { call, party, order: consult }).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s bob hears alice");
    world.play("1s spare > INVITE 01012340000\n1s spare < 200\n9s spare hears HoldMusic\n9s spare > BYE");
    world.play("1s carol > INVITE 1001\n1s carol < 486 `Agent Not Available`\n2s carol > INVITE 1002\n2s carol < 486 `Agent Not Available`");
    world.play("1s lines > BYE\n2s alice > BYE\n2s bob < BYE");
    close(world, &["10001", "10002"]);
}

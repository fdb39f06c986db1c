//! Supervisors in the calls of agents: who hears whom, what is refused, and what is left when somebody goes.

use hooks::fact::{AgentState, Supervision};
use switch::agent;
use switch::config::Overflow;
use switch::input::{AgentOrder, CallOrder, Command, Party, Supervise};
use switch::media::MediaCommand;
use switch::output::{Done, Refused};
use switch::view::{SupervisorView, View};

use crate::ladder::World;
use crate::queues::{centre, close, order, staffed};

fn supervise(world: &mut World, how: Supervision, supervisor: &str) -> Result<Done, Refused> {
    let call = world.first_call();
    let supervisor = (!supervisor.is_empty()).then(|| supervisor.parse().unwrap());
    let order = Supervise { call, agent: Some("10001".parse().unwrap()), supervisor, how, by: "chief".to_owned() };
    world.command(Command::Supervise(Box::new(order)))
}

fn ordered(world: &mut World, agent: &str, order: CallOrder) -> Result<Done, Refused> {
    let call = world.first_call();
    world.command(Command::Call { call, party: Some(Party::Agent(agent.parse().unwrap())), order })
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// A customer on the line talks with agent 10001 on Alice's phone; Bob (10002) and Carol (10003) are idle.
fn talking() -> World {
    let mut settings = centre();
    let name = "support".parse().unwrap();
    let mut queue = switch::config::Queue::clone(&settings.queues[&name]);
    queue.record = true;
    queue.overflow = vec![Overflow::Say(dialplan::say::defaults::QUEUE_BUSY)];
    settings.queues.insert(name, std::sync::Arc::new(queue));
    let mut world = staffed(settings, &["10001", "10002", "10003"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines hears alice");
    world
}

const GO_HOME: [&str; 3] = ["10001", "10002", "10003"];

/// Proves MON-24.
#[test]
fn who_monitors_hears_both_and_is_heard_by_nobody() {
    let mut world = talking();
    supervise(&mut world, Supervision::Monitor, "10002").unwrap();
    world.play(
        "0ms bob < INVITE `From: \"Alice\" <sip:1001@`\n1s bob > 200\n1s bob < ACK\n1s bob hears lines+alice\n\
         1s lines hears alice\n1s alice hears lines",
    );
    // No barge-in afterwards, while that lasts (MON-26).
    assert_eq!(supervise(&mut world, Supervision::Barge, "10002"), Err(Refused::Supervises));
    // Holding is a matter of the two: he hears on.
    ordered(&mut world, "10001", CallOrder::Hold).unwrap();
    world.play("1s lines hears HoldMusic\n1s alice hears nothing\n1s bob hears lines+alice");
    ordered(&mut world, "10001", CallOrder::Retrieve).unwrap();
    world.play("2s bob > BYE\n2s lines hears alice\n2s alice hears lines");
    supervise(&mut world, Supervision::Barge, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s lines > BYE\n2s alice < BYE\n2s bob < BYE");
    let world = close(world, &GO_HOME);
    assert_eq!(
        of(&world, "supervis"),
        [
            "supervised 10001 Monitor by 10002",
            "supervision_ended 10001 Monitor by 10002",
            "supervised 10001 Barge by 10002",
            "supervision_ended 10001 Barge by 10002",
        ]
    );
    assert!(of(&world, "agent 10002").iter().all(|row| row.ends_with("Logout")), "who supervises has no call");
}

/// Proves MON-25, MON-26.
#[test]
fn who_barges_in_talks_with_both_and_leaves_the_two_talking() {
    let mut world = talking();
    supervise(&mut world, Supervision::Barge, "10002").unwrap();
    world.play(
        "0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s bob hears lines+alice\n1s lines hears alice+bob\n1s alice hears lines+bob",
    );
    assert_eq!(supervise(&mut world, Supervision::Monitor, "10002"), Err(Refused::Supervises));
    // One may, and three are the most.
    assert_eq!(supervise(&mut world, Supervision::Barge, "10003"), Err(Refused::OneTalksAlready));
    assert_eq!(supervise(&mut world, Supervision::Whisper, "10003"), Err(Refused::OneTalksAlready));
    assert_eq!(supervise(&mut world, Supervision::Takeover, "10003"), Err(Refused::OneTalksAlready));
    let consult = CallOrder::Consult("1003".parse().unwrap());
    assert_eq!(ordered(&mut world, "10001", consult), Err(Refused::BargedIn));
    // Several may listen.
    supervise(&mut world, Supervision::Monitor, "10003").unwrap();
    world.play("0ms carol < INVITE\n1s carol > 200\n1s carol < ACK\n1s carol hears lines+alice");
    world.play(
        "2s bob > BYE\n2s lines hears alice\n2s alice hears lines\n3s alice > BYE\n3s lines < BYE\n3s carol < BYE",
    );
    close(world, &GO_HOME);
}

/// Proves MON-30, together with the takeovers below.
#[test]
fn whispers_reach_the_agent_alone() {
    let mut world = talking();
    supervise(&mut world, Supervision::Whisper, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s bob hears lines+alice\n1s lines hears alice\n1s alice hears lines+bob");
    // Also while somebody is asked.
    ordered(&mut world, "10001", CallOrder::Consult("1003".parse().unwrap())).unwrap();
    world.play("0ms carol < INVITE\n1s carol > 200\n1s carol < ACK\n1s alice hears carol+bob\n1s carol hears alice\n1s bob hears alice+carol\n1s lines hears HoldMusic");
    assert_eq!(supervise(&mut world, Supervision::Takeover, "10002"), Err(Refused::ThreeAlready));
    ordered(&mut world, "10001", CallOrder::CancelConsult).unwrap();
    // By order of his own he leaves, too; nothing else is his to order.
    assert_eq!(ordered(&mut world, "10002", CallOrder::Hold), Err(Refused::Supervises));
    ordered(&mut world, "10002", CallOrder::HangUp).unwrap();
    world.play("0ms carol < BYE\n0ms bob < BYE\n1s alice hears lines\n1s lines > BYE\n1s alice < BYE");
    let world = close(world, &GO_HOME);
    let recorded =
        |command: &&MediaCommand| matches!(command, MediaCommand::RecordFrom { right, .. } if right.len() > 1);
    assert!(!world.media.iter().any(|command| recorded(&command)), "a whisper is in no recording");
}

#[test]
fn who_barges_in_is_recorded_beside_the_agent() {
    let mut world = talking();
    supervise(&mut world, Supervision::Barge, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s bob > BYE\n3s lines > BYE\n3s alice < BYE");
    let world = close(world, &GO_HOME);
    let from: Vec<(usize, usize)> = world
        .media
        .iter()
        .filter_map(|command| match command {
            MediaCommand::RecordFrom { left, right, .. } => Some((left.len(), right.len())),
            _ => None,
        })
        .collect();
    assert_eq!(from, [(1, 2), (1, 1)]);
}

#[test]
fn who_takes_over_talks_in_the_agents_place() {
    let mut world = talking();
    supervise(&mut world, Supervision::Takeover, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s lines hears alice\n1s bob > 200\n1s bob < ACK\n1s alice < BYE\n1s lines hears bob\n1s bob hears lines");
    // It is his call now, and Alice is supervised no more.
    assert_eq!(supervise(&mut world, Supervision::Monitor, "10003"), Err(Refused::NotOnCall));
    world.play("5s lines > BYE\n5s bob < BYE");
    let world = close(world, &GO_HOME);
    assert_eq!(of(&world, "supervis"), ["supervised 10001 Takeover by 10002"]);
    assert_eq!(of(&world, "10001 Ready->WrapUp"), ["agent 10001 Ready->WrapUp None CallEnd"]);
    assert_eq!(of(&world, "10002 Ready->WrapUp"), ["agent 10002 Ready->WrapUp None CallEnd"]);
    assert_eq!(of(&world, "recording_started").len(), 2, "a part for each agent");
}

#[test]
fn who_listens_may_take_over_by_the_same_phone() {
    let mut world = talking();
    supervise(&mut world, Supervision::Monitor, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
    supervise(&mut world, Supervision::Monitor, "10003").unwrap();
    world.play("0ms carol < INVITE\n1s carol > 200\n1s carol < ACK");
    supervise(&mut world, Supervision::Takeover, "10002").unwrap();
    // Who still listens, listened to Alice.
    world
        .play("0ms alice < BYE\n0ms carol < BYE\n1s lines hears bob\n1s bob hears lines\n2s bob > BYE\n2s lines < BYE");
    let world = close(world, &GO_HOME);
    assert_eq!(
        of(&world, "supervis"),
        [
            "supervised 10001 Monitor by 10002",
            "supervised 10001 Monitor by 10003",
            "supervision_ended 10001 Monitor by 10002",
            "supervised 10001 Takeover by 10002",
            "supervision_ended 10001 Monitor by 10003",
        ]
    );
}

/// Proves MON-27.
#[test]
fn a_forced_hang_up_ends_the_call_for_all_and_names_who_did_it() {
    let mut world = talking();
    supervise(&mut world, Supervision::HangUp, "").unwrap();
    world.play("0ms lines < BYE\n0ms alice < BYE");
    let world = close(world, &GO_HOME);
    assert_eq!(of(&world, "supervised"), ["supervised 10001 HangUp"]);
    assert_eq!(of(&world, "ended Command"), ["ended Command by System 200"]);
    assert_eq!(of(&world, "10001 Ready->WrapUp"), ["agent 10001 Ready->WrapUp None CallEnd"]);
}

/// Proves MON-21, MON-22, MON-23 and, with the refusals above, MON-29 as far as one tenant goes.
#[test]
fn only_a_connected_agent_is_supervised_by_one_who_is_free() {
    let mut settings = centre();
    settings.record_internal = false;
    let mut world = staffed(settings, &GO_HOME);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE");
    for how in [Supervision::Monitor, Supervision::Barge, Supervision::HangUp] {
        assert_eq!(supervise(&mut world, how, "10002"), Err(Refused::NotOnCall), "{how:?} while it rings");
    }
    world.play("1s alice > 200\n1s alice < ACK");
    assert_eq!(supervise(&mut world, Supervision::Monitor, "10001"), Err(Refused::Oneself));
    assert_eq!(supervise(&mut world, Supervision::Monitor, ""), Err(Refused::WhichSupervisor));
    // With a call he may not, and without a phone he cannot.
    world.play("2s bob > INVITE 1003\n2s carol < INVITE\n3s carol > 200\n3s carol < ACK\n3s bob < 200");
    let refused = supervise(&mut world, Supervision::Monitor, "10002");
    assert_eq!(refused, Err(Refused::Agent(agent::Refused::OnCall)));
    world.play("4s bob > BYE\n4s carol < BYE");
    order(&mut world, "10002", AgentOrder::SignOut).unwrap();
    let refused = supervise(&mut world, Supervision::Monitor, "10002");
    assert_eq!(refused, Err(Refused::Agent(agent::Refused::SignedOut)));
    // While he listens he is offered nothing, is busy for others, and cannot dial.
    order(&mut world, "10003", AgentOrder::Pick(AgentState::Ready)).unwrap();
    supervise(&mut world, Supervision::Monitor, "10003").unwrap();
    world.play("0ms carol < INVITE\n1s carol > 200\n1s carol < ACK\n2s bob > INVITE 7000\n2s bob < 200\n2s bob hears HoldMusic\n3s bob > BYE");
    world.play("4s bob > INVITE 1003\n4s bob < 486\n5s carol > INVITE 1002\n5s carol < 403 `end it first`");
    world.play("6s lines > BYE\n6s alice < BYE\n6s carol < BYE");
    close(world, &["10001", "10003"]);
}

/// Proves MON-29: on a three-way call a supervisor listens, and does nothing else.
#[test]
fn nobody_barges_in_on_three() {
    let mut world = talking();
    ordered(&mut world, "10001", CallOrder::ThreeWay(Some("1003".parse().unwrap()))).unwrap();
    world.play("0ms carol < INVITE\n1s carol > 200\n1s carol < ACK\n1s lines hears alice+carol");
    for how in [Supervision::Barge, Supervision::Whisper, Supervision::Takeover] {
        let refused = supervise(&mut world, how, "10002");
        assert_eq!(refused, Err(Refused::ThreeAlready), "{how:?}");
    }
    world.play("1s lines hears alice+carol\n1s alice hears lines+carol\n1s carol hears lines+alice");
    supervise(&mut world, Supervision::Monitor, "10002").unwrap();
    world.play(
        "0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s bob hears lines+alice+carol\n1s lines hears alice+carol",
    );
    world.play("1s lines > BYE\n1s alice < BYE\n1s carol < BYE\n1s bob < BYE");
    let world = close(world, &GO_HOME);
    assert_eq!(of(&world, "supervised"), ["supervised 10001 Monitor by 10002"]);
}

#[test]
fn a_supervisor_who_is_not_there_changes_nothing() {
    let mut world = talking();
    supervise(&mut world, Supervision::Barge, "10002").unwrap();
    world.play("0ms bob < INVITE\n0ms bob > 180\n20s bob < CANCEL\n20s bob < ACK\n20s lines hears alice");
    supervise(&mut world, Supervision::Whisper, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s bob > 486\n1s bob < ACK\n1s alice hears lines");
    // The call is over while he is rung.
    supervise(&mut world, Supervision::Takeover, "10002").unwrap();
    world.play("0ms bob < INVITE\n0ms bob > 180\n1s lines > BYE\n1s alice < BYE\n1s bob < CANCEL\n1s bob < ACK");
    let world = close(world, &GO_HOME);
    assert!(of(&world, "supervis").is_empty());
}

#[test]
fn the_view_of_a_call_keeps_its_supervisors_from_its_parties() {
    let mut world = talking();
    supervise(&mut world, Supervision::Monitor, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
    let views: Vec<_> = world
        .views
        .iter()
        .filter_map(|view| match view {
            View::Call(view) => Some((view.legs.len(), view.supervisors.clone())),
            _ => None,
        })
        .collect();
    let bob = SupervisorView { supervisor: "10002".to_owned(), how: Supervision::Monitor };
    assert_eq!(views.last(), Some(&(2, vec![bob])));
    world.play("2s lines > BYE\n2s alice < BYE\n2s bob < BYE");
    close(world, &GO_HOME);
}

/// The agent hands the customer on: there is nobody to be listened to.
#[test]
fn supervision_ends_with_the_agents_part() {
    let mut world = talking();
    supervise(&mut world, Supervision::Barge, "10002").unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
    ordered(&mut world, "10001", CallOrder::Transfer("1003".parse().unwrap())).unwrap();
    world.play("0ms alice < BYE\n0ms carol < INVITE\n0ms bob < BYE\n1s lines hears HoldMusic\n2s carol > 200\n2s carol < ACK\n2s lines hears carol\n3s lines > BYE\n3s carol < BYE");
    close(world, &GO_HOME);
}

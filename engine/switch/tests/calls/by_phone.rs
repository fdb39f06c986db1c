//! What an agent does with a call by his own phone: REFER, hold and Replaces end in the facts that the same order ends in.

use std::time::Duration;

use hooks::fact::AgentState;
use switch::config::TenantConfig;
use switch::input::{AgentOrder, CallOrder, Command, Party};
use switch::view::View;

use crate::ladder::World;
use crate::queues::{centre, change, close, order, staffed};

/// Who does it.
#[derive(Clone, Copy, Debug)]
enum By {
    Phone,
    Order,
}

/// Wrap-up lasts as long as the agent wants.
fn patient() -> TenantConfig {
    let mut settings = centre();
    settings.record_internal = true;
    change(&mut settings, |queue| (queue.wrap_up_max, queue.record) = (None, true));
    settings
}

/// A customer on the line talks with agent 10001 on Alice's phone.
fn talking(agents: &[&str]) -> World {
    let mut world = staffed(patient(), agents);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines hears alice");
    world
}

fn ordered(world: &mut World, order: CallOrder) {
    let call = world.first_call();
    let party = Some(Party::Extension("1001".parse().unwrap()));
    world.command(Command::Call { call, party, order }).unwrap();
}

/// Alice hands the customer on to 1002: her connection ends at that moment.
fn hand_on(world: &mut World, by: By) {
    match by {
        By::Phone => world.play("0ms alice > REFER 1002\n0ms alice < 202\n0ms alice < NOTIFY `SIP/2.0 100 Trying`"),
        By::Order => ordered(world, CallOrder::Transfer("1002".parse().unwrap())),
    }
    world.play("0ms alice < BYE\n0ms lines hears HoldMusic\n0ms bob < INVITE `From: <sip:13800000000@`");
}

fn shown(world: &World, agent: &str) -> (AgentState, String) {
    let view = world.views.iter().rev().find_map(|view| match view {
        View::Agent(view) if view.agent == agent => Some((view.state, format!("{:?}", view.call_status))),
        _ => None,
    });
    view.expect("the agent was shown")
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// Both ways end in the same facts.
fn same(live: impl Fn(By) -> World) -> World {
    let [by_phone, by_order] = [By::Phone, By::Order].map(live);
    assert_eq!(by_phone.facts, by_order.facts, "\n{}", by_phone.ladder());
    by_phone
}

/// Proves CALL-09 (a REFER is treated as a transfer) and CALL-14.
#[test]
fn an_agents_refer_hands_the_customer_on_as_an_order_does() {
    let world = same(|by| {
        let mut world = talking(&["10001", "10002"]);
        hand_on(&mut world, by);
        assert_eq!(shown(&world, "10001"), (AgentState::WrapUp, "None".to_owned()), "{by:?}");
        world.play(
            "1s bob > 180\n1s lines hears RingbackCn\n2s bob > 200\n2s bob < ACK\n2s lines hears bob\n2s bob hears lines\n\
             3s bob > BYE\n3s lines < BYE",
        );
        close(world, &["10001", "10002"])
    });
    assert_eq!(of(&world, "10001 Ready->WrapUp"), ["agent 10001 Ready->WrapUp None CallEnd"]);
    assert_eq!(of(&world, "transferred"), ["transferred 1001#1 -> 1002#1 Blind"]);
    assert_eq!(of(&world, "offer_ended 10002"), ["offer_ended 10002 Answered 2000"]);
}

/// Proves CALL-16 where the agent's phone hands on, and stays to hear what becomes of it.
#[test]
fn an_agents_refer_to_nobody_leads_to_the_front_of_the_queue() {
    let world = same(|by| {
        let mut world = talking(&["10001"]);
        // Somebody has waited since before the transfer.
        world.play("1s carol > INVITE 7000\n1s carol < 200\n2s carol hears HoldMusic");
        hand_on(&mut world, by);
        world.play("1s bob > 180\n20s bob < CANCEL\n20s bob < ACK\n20s lines hears HoldMusic");
        order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
        world.play(
            "0ms alice < INVITE `From: <sip:13800000000@`\n1s alice > 200\n1s alice < ACK\n1s lines hears alice\n\
             2s lines > BYE\n2s alice < BYE\n3s carol > BYE",
        );
        close(world, &["10001"])
    });
    assert_eq!(of(&world, "transfer_failed"), ["transfer_failed 1001#1 NoAnswer 480"]);
}

/// Proves AGT-12: who is on a call is not handed anybody, and the customer stays where he is.
#[test]
fn an_agents_refer_to_a_busy_colleague_is_refused_with_the_reason() {
    let mut world = talking(&["10001", "10002"]);
    order(&mut world, "10002", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms alice > REFER 1002\n0ms alice < 486 `agent not available`\n1s lines hears alice\n2s lines > BYE\n2s alice < BYE");
    let world = close(world, &["10001", "10002"]);
    assert!(of(&world, "transfer").is_empty(), "{:?}", world.facts);
}

/// Proves AGT-11 and CALL-12 by the phone's own hold button.
#[test]
fn an_agents_hold_button_holds_as_an_order_does() {
    let world = same(|by| {
        let mut world = talking(&["10001"]);
        match by {
            By::Phone => world.play("1s alice > REINVITE dir=sendonly\n1s alice < 200 `a=recvonly`"),
            By::Order => {
                world.run_until(world.now() + Duration::from_secs(1));
                ordered(&mut world, CallOrder::Hold);
            }
        }
        assert_eq!(shown(&world, "10001").1, "Connected(Held)", "{by:?}");
        world.play("1s lines hears HoldMusic");
        match by {
            By::Phone => world.play("2s alice > REINVITE\n2s alice < 200 `a=sendrecv`"),
            By::Order => {
                world.run_until(world.now() + Duration::from_secs(2));
                ordered(&mut world, CallOrder::Retrieve);
            }
        }
        assert_eq!(shown(&world, "10001").1, "Connected(Talking)", "{by:?}");
        world.play("0ms lines hears alice\n0ms alice hears lines\n1s lines > BYE\n1s alice < BYE");
        close(world, &["10001"])
    });
    assert_eq!(of(&world, "held "), ["held 1001#1"]);
    assert_eq!(of(&world, "retrieved "), ["retrieved 1001#1"]);
}

/// Alice holds the customer and has called Bob, who rings.
fn asking() -> World {
    let mut world = talking(&["10001", "10002"]);
    world.play("1s alice > REINVITE dir=sendonly\n1s alice < 200\n1s alice > swap\n1s alice > INVITE 1002\n1s bob < INVITE `From: \"Alice\" <sip:1001@`");
    assert_eq!(shown(&world, "10001").1, "Connected(Consulting)");
    assert_eq!(shown(&world, "10002").1, "Ringing");
    world.play("1s bob > 180\n1s alice < 180");
    world
}

/// Proves CALL-09 and AGT-11: a second call of the phone is a consult, and a REFER with Replaces the end of it.
#[test]
fn an_agents_second_call_is_a_consult_and_becomes_an_attended_transfer() {
    let mut world = asking();
    world.play("1s bob > 200\n1s bob < ACK\n1s alice < 200\n1s bob hears alice\n1s lines hears HoldMusic");
    assert_eq!(shown(&world, "10001").1, "Connected(Consulting)");
    assert_eq!(shown(&world, "10002").1, "Connected(Talking)");
    // Neither is offered anything meanwhile.
    world.play("1s carol > INVITE 7000\n1s carol < 200\n2s carol hears HoldMusic\n2s carol > BYE");
    world.play(
        "1s alice > swap\n1s alice > REFER 1002 attended\n1s alice < 202\n1s alice < NOTIFY `SIP/2.0 100 Trying`\n\
         1s alice < NOTIFY `SIP/2.0 200 OK`\n1s alice < BYE\n1s alice < BYE\n1s lines hears bob\n1s bob hears lines",
    );
    assert_eq!(shown(&world, "10001"), (AgentState::WrapUp, "None".to_owned()));
    assert_eq!(shown(&world, "10002"), (AgentState::Ready, "Connected(Talking)".to_owned()));
    world.play("2s lines > BYE\n2s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "transferred"), ["transferred 1001#1 -> 1002#2 Attended"]);
    let rows = |agent: &str| {
        let own = of(&world, &format!("agent {agent} "));
        own.into_iter().filter(|row| !row.ends_with("Logout")).collect::<Vec<_>>()
    };
    // In the log of each agent there is what he did, and nothing that the two calls made up.
    assert_eq!(rows("10001")[2..], ["agent 10001 Ready->WrapUp None CallEnd"]);
    assert_eq!(
        rows("10002"),
        [
            "agent 10002 Ready->Ready Ringing Ring",
            "agent 10002 Ready->Ready Connected(Talking) Answer",
            "agent 10002 Ready->WrapUp None CallEnd",
        ]
    );
}

/// He goes back to the customer: his second call is over, and he retrieves the first.
#[test]
fn an_agent_goes_back_to_the_customer_by_his_phone() {
    let mut world = asking();
    world.play("1s bob > 486\n1s bob < ACK\n1s alice < 486\n1s lines hears HoldMusic");
    assert_eq!(shown(&world, "10001").1, "Connected(Held)");
    world.play("1s alice > swap\n1s alice > REINVITE\n1s alice < 200\n1s lines hears alice");
    assert_eq!(shown(&world, "10001").1, "Connected(Talking)");
    world.play("2s alice > BYE\n2s lines < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "10001 Ready->WrapUp"), ["agent 10001 Ready->WrapUp None CallEnd"]);
}

/// Proves CALL-16 where the phone connects the two while the colleague still rings, and nobody answers.
#[test]
fn an_agents_transfer_to_a_colleague_who_rings_in_vain_leads_to_the_queue() {
    let mut world = asking();
    world.play("1s alice > swap\n1s alice > REFER 1002 attended\n1s alice < 202\n1s alice < NOTIFY\n1s alice < BYE\n1s alice < 487\n1s lines hears RingbackCn");
    assert_eq!(shown(&world, "10001").0, AgentState::WrapUp);
    world.play("2s bob > 486\n2s bob < ACK\n2s lines hears HoldMusic");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms bob < INVITE `From: <sip:13800000000@`\n1s bob > 200\n1s bob < ACK\n1s lines hears bob\n2s lines > BYE\n2s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "transfer_failed"), ["transfer_failed 1001#1 Busy 486"]);
}

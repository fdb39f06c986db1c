//! Phones with several flows (RFC 5626): they are called by one at a time.

use std::time::Duration;

use sip::flow::{ConnectionId, Flow, Transport};

use crate::ladder::World;
use crate::under_test::input::Input;

/// Bob's phone is registered by two flows: the ladder calls the second one `bob2`.
fn world(second: Option<Flow>) -> World {
    let mut world = World::with(&["alice"]);
    if let Some(flow) = second {
        world.flow_of("bob2", flow);
    }
    for (name, reg_id) in [("bob", 1), ("bob2", 2)] {
        // Behind NAT, where both have the same one.
        let address = "10.0.0.12:5060";
        let instance = "urn:uuid:00000000-0000-1000-8000-000A95A0E128";
        world.play(&format!(
            r#"
            0ms {name} > REGISTER contact=<sip:1002@{address}>;+sip.instance="<{instance}>";reg-id={reg_id} extra=Supported:~outbound
            0ms {name} < 200 `Require: outbound`
            "#
        ));
    }
    assert_eq!(world.switch.sizes().bindings, 3);
    world
}

/// Bob answered by his first flow.
fn hang_up(mut world: World) {
    world.play("1s alice hears bob\n1s alice > BYE\n1s bob < BYE");
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Caller 200");
}

#[test]
fn a_flow_that_an_edge_reports_dead_is_replaced_by_another() {
    let mut world = world(None);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob2  < INVITE
        100ms  bob2  > 430
        100ms  bob2  < ACK
        100ms  bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    assert!(world.facts.contains(&"leg_ended 1002#1 Failed 430".to_owned()), "{:?}", world.facts);
    hang_up(world);
}

#[test]
fn a_flow_that_says_nothing_is_given_up_for_another() {
    let mut world = world(None);
    world.play("0ms alice > INVITE 1002\n0ms bob2 < INVITE");
    let just_before = world.now() + Duration::from_millis(3_999);
    world.run_until(just_before);
    assert!(world.phone("bob").inbox.is_empty(), "by one flow at a time");
    world.play(
        r#"
        1ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        2s     bob2  > 180
        2s     bob2  < CANCEL
        2s     bob2  < ACK
        "#,
    );
    hang_up(world);
}

#[test]
fn a_connection_that_breaks_before_the_phone_rang_is_replaced_by_another_flow() {
    let flow = Flow {
        transport: Transport::Tcp,
        local: "192.0.2.1:5060".parse().unwrap(),
        peer: "192.0.2.13:5060".parse().unwrap(),
        connection: Some(ConnectionId(7)),
    };
    let mut world = world(Some(flow));
    world.play("0ms alice > INVITE 1002\n0ms bob2 < INVITE");
    assert!(world.phone("bob").inbox.is_empty(), "by one flow at a time");
    world.input(Input::ConnectionClosed(ConnectionId(7)));
    world.play(
        r#"
        0ms  bob   < INVITE
        1s   bob   > 200
        1s   bob   < ACK
        1s   alice < 200
        "#,
    );
    hang_up(world);
}

#[test]
fn what_the_phone_answers_by_one_flow_it_is_not_asked_by_another() {
    for (said, told) in [("486", "486"), ("480", "480"), ("503", "500")] {
        let mut world = world(None);
        world.play(&format!(
            r#"
            0ms    alice > INVITE 1002
            0ms    bob2  < INVITE
            100ms  bob2  > {said}
            100ms  bob2  < ACK
            100ms  alice < {told}
            "#
        ));
        world.finish();
    }
}

#[test]
fn a_phone_all_of_whose_flows_are_dead_is_not_there() {
    let mut world = world(None);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob2  < INVITE
        100ms  bob2  > 430
        100ms  bob2  < ACK
        100ms  bob   < INVITE
        200ms  bob   > 430
        200ms  bob   < ACK
        200ms  alice < 480
        "#,
    );
    world.finish();
}

#[test]
fn a_text_goes_by_another_flow_where_one_is_dead() {
    let mut world = world(None);
    world.play("0ms alice > MESSAGE 1002 text=hello\n0ms bob2 < MESSAGE `hello`");
    assert!(world.phone("bob").inbox.is_empty(), "by one flow at a time");
    world.play(
        r#"
        100ms  bob2  > reply 430
        100ms  bob   < MESSAGE `hello`
        200ms  bob   > reply 200
        200ms  alice < 200
        "#,
    );
}

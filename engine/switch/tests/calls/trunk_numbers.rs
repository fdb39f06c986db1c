//! How numbers are written on a trunk, whose number it shows, and the headers it wants.

use switch::config::{CallerShown, TenantConfig, TrunkPolicy};

use crate::ladder::{World, node, tenant};
use crate::queues::{centre, change, close, staffed};

fn world(change: impl Fn(&mut TrunkPolicy)) -> World {
    let mut tenant: TenantConfig = tenant();
    change(&mut tenant.trunks.get_mut(&"lines".parse().unwrap()).unwrap().policy);
    let mut world = World::new(node(), tenant);
    world.register(&["alice", "bob"]);
    world
}

fn rules(texts: &[&str]) -> Vec<dialplan::rule::NumberRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Calls out as alice, and gives the INVITE that `lines` got.
fn invite(world: &mut World, who: &str, dialled: &str) -> String {
    world.play(&format!("0ms {who} > INVITE {dialled}"));
    let invite = world.phone("lines").invite_in.clone().unwrap();
    world.play(&format!("0ms lines < INVITE\n0ms lines > 486\n0ms lines < ACK\n0ms {who} < 486"));
    invite
}

#[test]
fn the_number_called_and_the_number_shown_are_written_as_the_trunk_wants() {
    // The route of the tests puts a 9 in front.
    let mut world = world(|policy| {
        policy.numbers.called_out = rules(&["prefix 9 ->", "e164 cn", "prefix + -> 00"]);
        policy.numbers.caller_out = rules(&["e164 cn"]);
    });
    let sent = invite(&mut world, "alice", "13800000000");
    assert!(sent.starts_with("INVITE sip:008613800000000@lines.example SIP/2.0\r\n"), "{sent}");
    assert!(sent.contains("From: <sip:+861012345678@pbx.example>"), "{sent}");
    world.finish();
}

/// Proves GEN-18.
#[test]
fn no_rule_rewrites_an_emergency_number() {
    let mut world = world(|policy| policy.numbers.called_out = rules(&["prefix 1 -> 009"]));
    assert!(invite(&mut world, "alice", "110").starts_with("INVITE sip:110@"));
    world.finish();
}

#[test]
fn numbers_from_a_trunk_are_written_alike_before_a_route_is_looked_for() {
    let mut world = world(|policy| {
        policy.numbers.called_in = rules(&["e164 cn", "national cn"]);
        policy.numbers.caller_in = rules(&["prefix + -> 00"]);
    });
    world.phone("lines").user = "+4930123456";
    world.play(
        "0ms lines > INVITE +861012345678\n0ms alice < INVITE\n0ms alice > 486\n0ms alice < ACK\n0ms lines < 486",
    );
    world.finish();
    assert_eq!(world.facts[0], "created Inbound 004930123456 -> 01012345678");
}

#[test]
fn whose_number_is_shown_is_the_trunks_policy() {
    // Bob has a number of his own, alice has none; the trunk has one.
    for (caller, of_alice, of_bob) in [
        (CallerShown::Extension, "01012345678", "01066668888"),
        (CallerShown::Trunk, "01012345678", "01012345678"),
        (CallerShown::Fixed("4008001234".into()), "4008001234", "4008001234"),
        (CallerShown::PassThrough, "1001", "1002"),
    ] {
        let mut world = world(|policy| policy.numbers.caller = caller.clone());
        for (who, shown) in [("alice", of_alice), ("bob", of_bob)] {
            let sent = invite(&mut world, who, "13800000000");
            assert!(sent.contains(&format!("From: <sip:{shown}@pbx.example>")), "{caller:?}: {sent}");
        }
        world.finish();
    }
}

#[test]
fn a_trunk_gets_the_headers_it_wants_and_a_phone_does_not() {
    let mut world = world(|policy| {
        policy.headers =
            vec!["X-Line: {tenant}/{trunk}".parse().unwrap(), "X-Numbers: {caller}>{called}".parse().unwrap()];
    });
    let sent = invite(&mut world, "bob", "13800000000");
    assert!(sent.contains("\r\nX-Line: default/lines\r\n"), "{sent}");
    assert!(sent.contains("\r\nX-Numbers: 01066668888>913800000000\r\n"), "{sent}");
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE `!X-Line`\n0ms bob > 486\n0ms bob < ACK\n0ms alice < 486");
    world.finish();
}

/// Proves CALL-08: the agent's own number, else that of his group, else the default line; an extension without an agent has no group.
#[test]
fn an_agent_shows_his_own_number_else_that_of_his_queue_else_the_default_line() {
    for (own, of_queue, of_trunk, shown) in [
        (Some("01066668888"), Some("4008001234"), Some("01012345678"), "01066668888"),
        (None, Some("4008001234"), Some("01012345678"), "4008001234"),
        (None, None, Some("01012345678"), "01012345678"),
        (None, None, None, "01000000000"),
    ] {
        let mut settings = centre();
        change(&mut settings, |queue| queue.caller_number = of_queue.map(str::to_owned));
        let number = |text: Option<&str>| text.map(str::to_owned);
        settings.extensions.get_mut(&"1001".parse().unwrap()).unwrap().caller_number = number(own);
        settings.trunks.get_mut(&"lines".parse().unwrap()).unwrap().caller_number = number(of_trunk);
        settings.caller_number = Some("01000000000".to_owned());
        let mut world = staffed(settings, &["10001"]);
        let sent = invite(&mut world, "alice", "13800000000");
        assert!(sent.contains(&format!("From: <sip:{shown}@pbx.example>")), "{shown}: {sent}");
        let nobodys = invite(&mut world, "carol", "13800000000");
        assert!(!nobodys.contains("4008001234"), "{nobodys}");
        close(world, &["10001"]);
    }
}

//! Which trunk a call takes, when it is left for the next, and how many calls one takes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use switch::config::{Lane, TenantConfig, TrunkPolicy, WhenFull};
use switch::input::Input;
use switch::view::{TrunkLaneView, View};

use crate::ladder::{World, node, tenant};

fn with(change: impl Fn(&str, &mut TrunkPolicy)) -> TenantConfig {
    let mut tenant = tenant();
    for trunk in tenant.trunks.values_mut() {
        change(trunk.name.as_str(), &mut trunk.policy);
    }
    tenant
}

fn world(tenant: TenantConfig) -> World {
    let mut world = World::new(node(), tenant);
    world.register(&["alice", "bob"]);
    world
}

fn lanes(world: &World, trunk: &str) -> (TrunkLaneView, TrunkLaneView) {
    let shown = world.views.iter().rev().find_map(|view| match view {
        View::Trunk(view) if view.trunk == trunk => Some((view.inbound, view.outbound)),
        _ => None,
    });
    shown.unwrap()
}

#[test]
fn the_trunk_of_the_lower_priority_is_tried_first() {
    let mut world = world(with(|name, policy| policy.choice.priority = u16::from(name == "lines")));
    world.play(
        r#"
        0ms    alice > INVITE 13800000000
        0ms    spare < INVITE
        0ms    spare > 503
        0ms    spare < ACK
        0ms    lines < INVITE
        0ms    lines > 486
        0ms    lines < ACK
        0ms    alice < 486
        "#,
    );
    world.finish();
}

#[test]
fn equal_trunks_share_the_calls_by_weight() {
    let mut world = world(with(|name, policy| policy.choice.weight = if name == "lines" { 1 } else { 4 }));
    let mut taken = BTreeMap::from([("lines", 0), ("spare", 0)]);
    for _ in 0..100 {
        world.play("0ms alice > INVITE 13800000000");
        let by = if world.phone("lines").inbox.is_empty() { "spare" } else { "lines" };
        *taken.get_mut(by).unwrap() += 1;
        world.play(&format!("0ms {by} < INVITE\n0ms {by} > 486\n0ms {by} < ACK\n0ms alice < 486\n40s alice > polite"));
    }
    assert!((10..=30).contains(&taken["lines"]), "a fifth of 100 goes by lines: {taken:?}");
    world.finish();
}

#[test]
fn a_trunk_is_left_for_the_next_on_its_own_codes_and_on_no_others() {
    let codes = with(|_, policy| policy.choice.failover = Some([404, 486].into()));
    for (code, next) in [("404", true), ("486", true), ("503", false), ("302", false)] {
        let mut world = world(codes.clone());
        world.play(&format!("0ms alice > INVITE 13800000000\n0ms lines < INVITE\n0ms lines > {code}\n0ms lines < ACK"));
        if next {
            world.play("0ms spare < INVITE\n0ms spare > 486\n0ms spare < ACK\n0ms alice < 486");
        } else {
            let told = if code == "503" { 500 } else { 480 };
            world.play(&format!("0ms alice < {told}"));
        }
        world.finish();
    }
}

#[test]
fn a_trunks_own_patience_counts_and_silence_fails_over_whatever_its_codes() {
    let mut world = world(with(|_, policy| {
        policy.choice.patience = Duration::from_secs(2);
        policy.choice.failover = Some([404].into());
    }));
    world.play(
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        1.9s   alice > polite
        2s     spare < INVITE
        3s     spare > 486
        3s     spare < ACK
        3s     alice < 486
        "#,
    );
    world.finish();
}

#[test]
fn a_full_trunk_gives_way_to_the_next_and_the_last_one_refuses() {
    let mut world = world(with(|_, policy| policy.limits.outbound.calls = Some(1)));
    world.play(
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        0ms    lines > 180
        0ms    alice < 180
        0ms    bob > INVITE 13800000001
        0ms    spare < INVITE
        0ms    spare > 180
        0ms    bob < 180
        "#,
    );
    world.phone("carol").user = "1001";
    world.play("0ms carol > INVITE 13800000002\n0ms carol < 503 `Retry-After`");
    assert_eq!(world.switch.metrics().refused_trunk_outbound, 3);
    assert_eq!(lanes(&world, "lines").1, TrunkLaneView { live: 1, total: 1, refused: 2 });
    // An emergency call is past limits.
    let first = world.phone("lines").invite_in.clone();
    world.play("0ms carol > INVITE 110\n0ms lines < INVITE\n0ms lines > 486\n0ms lines < ACK\n0ms carol < 486");
    world.phone("lines").invite_in = first;
    world.play(
        "0ms alice > CANCEL\n0ms alice < 487\n0ms lines < CANCEL\n0ms lines < ACK\n\
         0ms bob > CANCEL\n0ms bob < 487\n0ms spare < CANCEL\n0ms spare < ACK",
    );
    assert_eq!(lanes(&world, "lines").1, TrunkLaneView { live: 0, total: 2, refused: 2 });
    world.finish();
}

#[test]
fn calls_within_a_second_are_limited_and_a_second_later_there_is_room() {
    let mut world = world(with(|_, policy| policy.limits.outbound.per_second = Some(1)));
    let refused = "INVITE 13800000000\n0ms lines < INVITE\n0ms lines > 486\n0ms lines < ACK\n0ms alice < 486";
    world.play(&format!("0ms alice > {refused}"));
    world.play("0ms alice > INVITE 13800000000\n0ms spare < INVITE\n0ms spare > 486\n0ms spare < ACK\n0ms alice < 486");
    world.play("0ms alice > INVITE 13800000000\n0ms alice < 503");
    world.play("1s alice > polite");
    world.play(&format!("0ms alice > {refused}"));
    world.finish();
}

#[test]
fn a_call_from_a_full_trunk_is_refused_as_it_is_set() {
    for (when_full, told) in [(WhenFull::Unavailable, "503 `Retry-After: 5`"), (WhenFull::Busy, "486 `!Retry-After`")] {
        let mut world = world(with(|_, policy| {
            policy.limits.inbound = Lane { calls: Some(1), per_second: None };
            policy.limits.when_full = when_full;
        }));
        world.play("0ms lines > INVITE 01012345678\n0ms alice < INVITE\n0ms alice > 180\n0ms lines < 180");
        let first = world.phone("lines").invite_out.clone();
        world.play(&format!("0ms lines > INVITE 01012345678\n0ms lines < {told}"));
        assert_eq!(world.switch.metrics().refused_trunk_inbound, 1);
        assert_eq!(lanes(&world, "lines").0, TrunkLaneView { live: 1, total: 1, refused: 1 });
        world.phone("lines").invite_out = first;
        world.play("0ms lines > CANCEL\n0ms lines < 487\n0ms alice < CANCEL\n0ms alice < ACK");
        world.play(
            "0ms lines > INVITE 01012345678\n0ms alice < INVITE\n0ms alice > 486\n0ms alice < ACK\n0ms lines < 486",
        );
        world.finish();
    }
}

#[test]
fn limits_that_change_count_the_calls_there_are() {
    let mut world = world(tenant());
    world.play("0ms alice > INVITE 13800000000\n0ms lines < INVITE\n0ms lines > 180\n0ms alice < 180");
    let mut limited = tenant();
    limited.trunks.get_mut(&"lines".parse().unwrap()).unwrap().policy.limits.outbound.calls = Some(1);
    world.input(Input::Tenant(Arc::new(limited)));
    world.play("0ms bob > INVITE 13800000001\n0ms spare < INVITE\n0ms spare > 486\n0ms spare < ACK\n0ms bob < 486");
    world.play("0ms alice > CANCEL\n0ms alice < 487\n0ms lines < CANCEL\n0ms lines < ACK");
    world.finish();
}

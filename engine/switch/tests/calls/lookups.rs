//! Calls whose flow asks a server: what is asked, where the answer leads, and what becomes of one that nobody waits for any more.

use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::Flow;
use dialplan::plan::{Destination, DidPattern, InboundRoute};
use serde_json::{Value, json};
use switch::config::Version;
use switch::input::Input;

use crate::ladder::{World, node, tenant};

/// Callers of 01012340000 are looked up, again where that fails, and led to whom the server names.
fn world() -> World {
    let flow = Flow::read(json!({
        "name": "main", "start": "ask",
        "nodes": {
            "ask": {
                "step": "lookup", "url": "https://crm.example/of?caller={caller}", "timeout_ms": 2000,
                "fields": {"to": {"pointer": "/agents/0", "default": "1003"}}, "next": "ring", "failed": "again",
            },
            "again": {
                "step": "lookup", "url": "https://spare.example/", "timeout_ms": 500,
                "fields": {"to": {"pointer": "/to", "default": "1003"}}, "next": "ring", "failed": "sorry",
            },
            "sorry": {"step": "menu", "prompt": ["ivr_closed"], "timeout_s": 5, "no_choice": "bye", "keys": {"2": "bob"}},
            "ring": {"step": "extension", "number": "{to}", "failed": "bye"},
            "bob": {"step": "extension", "number": "1002", "failed": "bye"},
            "bye": {"step": "hang_up"},
        },
    }))
    .unwrap();
    let mut settings = tenant();
    settings.plan.inbound.push(InboundRoute {
        trunk: None,
        did: DidPattern::Exact("01012340000".into()),
        to: Destination::Flow(flow.name.clone()),
        hours: None,
    });
    settings.flows.insert(flow.name.clone(), Version { number: 1, flow: Arc::new(flow) });
    let mut world = World::new(node(), settings);
    world.clips_last = true;
    world.register(&["alice", "bob", "carol"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears nothing");
    world
}

/// A server's answer to the question that was put so many questions ago.
fn answered(world: &mut World, at: usize, answer: Option<Value>) {
    let asked = &world.lookups[at];
    let input = Input::LookedUp { call: asked.call, id: asked.id, answer };
    world.input(input);
}

#[test]
fn a_server_says_whom_a_flow_rings() {
    let mut world = world();
    let asked = &world.lookups[0];
    assert_eq!(asked.url, "https://crm.example/of?caller=13800000000");
    assert_eq!(asked.timeout, Duration::from_secs(2));
    world.play("1s lines hears nothing");
    answered(&mut world, 0, Some(json!({"agents": ["1002", "1003"]})));
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s lines hears bob\n3s bob > BYE\n3s lines < BYE");
    world.finish();
    assert_eq!(world.lookups.len(), 1);
}

#[test]
fn an_answer_without_the_field_leads_to_the_default() {
    let mut world = world();
    answered(&mut world, 0, Some(json!({"agents": [{"not": "a text"}]})));
    world.play("0ms carol < INVITE\n0ms carol > 486\n0ms carol < ACK\n0ms lines < BYE");
    world.finish();
}

#[test]
fn a_question_that_failed_leads_to_the_next_and_its_keys_are_not_lost() {
    let mut world = world();
    answered(&mut world, 0, None);
    assert_eq!(world.lookups.len(), 2);
    world.play("100ms lines > press 2");
    answered(&mut world, 1, None);
    world.play("0ms bob < INVITE\n0ms bob > 180\n1s lines > BYE\n1s bob < CANCEL\n1s bob < ACK");
    world.finish();
}

#[test]
fn who_never_answers_is_given_up_and_his_late_answer_is_dropped() {
    let mut world = world();
    // The shell gives up after 2 s. Where it says nothing at all, the flow goes on a second later.
    world.play("2900ms lines hears nothing");
    assert_eq!(world.lookups.len(), 1);
    world.play("200ms lines hears nothing");
    assert_eq!(world.lookups.len(), 2);
    answered(&mut world, 0, Some(json!({"agents": ["1001"]})));
    assert!(world.phone("alice").inbox.is_empty(), "the first question is no longer open");
    answered(&mut world, 1, Some(json!({"to": 1002})));
    answered(&mut world, 1, Some(json!({"to": 1001})));
    world.play("0ms bob < INVITE\n0ms bob > 200\n0ms bob < ACK\n1s lines > BYE\n1s bob < BYE");
    world.finish();
}

#[test]
fn a_caller_who_hangs_up_meanwhile_ends_the_flow() {
    let mut world = world();
    world.play("1s lines > BYE");
    answered(&mut world, 0, Some(json!({"agents": ["1002"]})));
    world.finish();
    answered(&mut world, 0, Some(json!({"agents": ["1002"]})));
    assert_eq!(world.lookups.len(), 1);
    assert!(world.facts.contains(&"ended Normal by Caller 200".to_owned()), "{:?}", world.facts);
}

#[test]
fn each_call_has_its_own_questions() {
    let mut world = world();
    world.play("0ms spare > INVITE 01012340000\n0ms spare < 200");
    let (first, second) = (world.lookups[0].clone(), world.lookups[1].clone());
    assert_ne!((first.call, first.id), (second.call, second.id));
    let crossed = Input::LookedUp { call: first.call, id: second.id, answer: Some(json!({"agents": ["1002"]})) };
    world.input(crossed);
    answered(&mut world, 1, Some(json!({"agents": ["1003"]})));
    world.play("0ms carol < INVITE\n0ms carol > 486\n0ms carol < ACK\n0ms spare < BYE\n1s lines > BYE");
    world.finish();
}

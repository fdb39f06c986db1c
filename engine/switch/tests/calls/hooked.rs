//! What hooks are asked in the middle of a call: who calls, and whether a number may be called; and that nobody who is slow, wrong or away
//! keeps a call from going on.

use std::time::Duration;

use hooks::fact::AgentState;
use hooks::lookup::{Answer, CallerFound, CallerLookup, DialAuthorize, DialVerdict, Question};
use switch::config::{LookupTimes, NodeConfig, OwnAgentRule, TenantConfig};
use switch::input::{AgentOrder, Input};

use crate::ladder::{World, node, tenant};
use crate::queues::{centre, change, close, come, on, order};

const TIME: Duration = Duration::from_millis(500);

/// Hooks are asked who calls.
fn asking(settings: TenantConfig, agents: &[&str]) -> World {
    let lookups = LookupTimes { caller: Some(TIME), authorize: None };
    let mut world = on(NodeConfig { lookups, ..node() }, settings);
    come(&mut world, agents);
    world
}

fn owners(settings: &mut TenantConfig) {
    change(settings, |queue| queue.own_agent.who = OwnAgentRule::Owner);
}

/// What is said to the question that was put so many questions ago.
fn answer(world: &mut World, at: usize, answer: Option<Answer>) {
    let asked = &world.asked[at];
    let input = Input::Answered { call: asked.question.call(), id: asked.id, answer };
    world.input(input);
}

fn found(name: &str, owner: &str, priority: u8) -> Option<Answer> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Some(Answer::Caller(CallerFound { name: text(name), owner: text(owner), priority }))
}

fn queued(world: &World) -> usize {
    world.facts.iter().filter(|fact| fact.contains("queued")).count()
}

/// Proves IVR-05 (by a hook): the owner is rung first though another has been idle for longer, and sees the name.
#[test]
fn a_hook_names_the_caller_and_his_own_agent() {
    let mut settings = centre();
    owners(&mut settings);
    let mut world = asking(settings, &["10001", "10002"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200");
    let asked = &world.asked[0];
    assert_eq!(asked.timeout, TIME);
    let Question::Caller(CallerLookup { caller, called, .. }) = &asked.question else { panic!("{asked:?}") };
    assert_eq!((caller.as_str(), called.as_str()), ("13800000000", "01012340000"));
    world.play("100ms lines hears HoldMusic");
    assert_eq!(queued(&world), 0, "nobody is rung before it is known who calls");
    answer(&mut world, 0, found("李雷\r\nVia: x", "10002", 0));
    world.play(
        "0ms bob < INVITE `From: \"李雷Via: x\" <sip:13800000000@`\n1s bob > 200\n1s bob < ACK\n2s lines > BYE\n2s bob < BYE",
    );
    close(world, &["10001", "10002"]);
}

/// Proves IVR-05 (by a hook).
#[test]
fn a_hook_lets_a_caller_go_before_others() {
    let mut world = asking(centre(), &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms bob > INVITE 7000\n0ms bob < 200\n1s lines > INVITE 01012340000\n1s lines < 200");
    assert_eq!(world.asked.len(), 1, "who calls from inside is known");
    answer(&mut world, 0, found("", "", 200));
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play(
        "0ms alice < INVITE `From: <sip:13800000000@`\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE\n3s bob > BYE",
    );
    close(world, &["10001"]);
}

/// What the hook says is of no use, or it says that it knows nothing: the caller is served as anybody.
#[test]
fn a_hook_that_knows_nothing_or_nonsense_changes_nothing() {
    for said in [None, found("\u{7}  ", "nobody", 0), found("", "99999", 0)] {
        let mut settings = centre();
        owners(&mut settings);
        let mut world = asking(settings, &["10001"]);
        world.play("0ms lines > INVITE 01012340000\n0ms lines < 200");
        answer(&mut world, 0, said);
        world.play("0ms alice < INVITE `From: <sip:13800000000@`\n1s alice > 486\n1s alice < ACK\n2s lines > BYE");
        close(world, &["10001"]);
    }
}

/// Proves POP-08 (a hook that is slow or away touches no call).
#[test]
fn nobody_waits_for_a_hook_longer_than_its_time() {
    let mut world = asking(centre(), &["10001"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n499ms lines hears HoldMusic");
    assert_eq!(queued(&world), 0);
    world.play("1ms alice < INVITE");
    assert_eq!(queued(&world), 1);
    answer(&mut world, 0, found("Too late", "10002", 9));
    assert_eq!(queued(&world), 1);
    world.play("1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
    answer(&mut world, 0, found("Gone", "10002", 9));
    close(world, &["10001"]);
}

/// He stood in no line, so he is no lost call (IVR-06).
#[test]
fn who_hangs_up_before_it_is_known_who_he_is_was_in_no_queue() {
    let mut world = asking(centre(), &["10001"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n200ms lines > BYE");
    answer(&mut world, 0, found("", "10001", 0));
    assert!(!world.facts.iter().any(|fact| fact.contains("queue")), "{:#?}", world.facts);
    close(world, &["10001"]);
}

#[test]
fn who_withholds_his_number_is_not_looked_up() {
    let mut world = asking(centre(), &["10001"]);
    world.play(
        "0ms lines > INVITE 01012340000 extra=Privacy:~id\n0ms lines < 200\n0ms alice < INVITE\n0ms alice > 180\n1s lines > BYE\n1s alice < CANCEL\n1s alice < ACK",
    );
    assert!(world.asked.is_empty(), "{:?}", world.asked);
    close(world, &["10001"]);
}

/// Hooks are asked before a number outside is called.
fn authorizing() -> World {
    let lookups = LookupTimes { caller: None, authorize: Some(TIME) };
    let mut world = World::new(NodeConfig { lookups, ..node() }, tenant());
    world.register(&["alice", "bob"]);
    world
}

fn verdict(allowed: bool, reason: &str) -> Option<Answer> {
    Some(Answer::Authorize(DialVerdict { allowed, reason: reason.to_owned() }))
}

#[test]
fn a_hook_allows_a_call_to_the_outside() {
    let mut world = authorizing();
    world.play("0ms alice > INVITE 13900000000");
    let Question::Authorize(DialAuthorize { extension, agent, number, .. }) = &world.asked[0].question else {
        panic!()
    };
    assert_eq!((extension.as_str(), agent, number.as_str()), ("1001", &None, "913900000000"));
    assert!(world.phone("lines").inbox.is_empty(), "nothing is sent before");
    answer(&mut world, 0, verdict(true, ""));
    world.play("0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s alice < 200\n2s alice > BYE\n2s lines < BYE");
    world.finish();
}

#[test]
fn a_hook_refuses_a_call_to_the_outside_and_says_why() {
    let mut world = authorizing();
    world.play("0ms alice > INVITE 13900000000");
    answer(&mut world, 0, verdict(false, "on the \"no\" list\r\nX: y"));
    world.play("0ms alice < 403 `Warning: 399 switchboard \"on the no listX: y\"`");
    assert!(world.phone("lines").inbox.is_empty());
    world.finish();
}

#[test]
fn a_hook_that_does_not_answer_leaves_it_to_our_own_rules() {
    let mut world = authorizing();
    world.play("0ms alice > INVITE 13900000000");
    let begun = world.now();
    world.run_until(begun + TIME - Duration::from_millis(1));
    assert!(world.phone("lines").inbox.is_empty());
    world.play("1ms lines < INVITE\n1s lines > 486\n1s lines < ACK\n1s alice < 486");
    answer(&mut world, 0, verdict(false, "too late"));
    world.finish();
}

/// Proves GEN-18 (nobody has a say in an emergency call).
#[test]
fn no_hook_is_asked_about_an_emergency_call() {
    let mut world = authorizing();
    world.play("0ms alice > INVITE 110\n0ms lines < INVITE\n0ms lines > 486\n0ms lines < ACK\n0ms alice < 486");
    assert!(world.asked.is_empty());
    world.finish();
}

#[test]
fn who_gives_up_meanwhile_calls_nobody() {
    let mut world = authorizing();
    world.play("0ms alice > INVITE 13900000000\n100ms alice > CANCEL\n100ms alice < 487");
    answer(&mut world, 0, verdict(true, ""));
    assert!(world.phone("lines").inbox.is_empty());
    world.finish();
}

#[test]
fn a_hook_refuses_to_have_somebody_handed_on_outside() {
    let mut world = authorizing();
    world.play("0ms bob > INVITE 1001\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s bob < 200");
    world.play("1s alice > REFER 13900000000\n1s alice < 202\n1s alice < NOTIFY `SIP/2.0 100 Trying`");
    answer(&mut world, 0, verdict(false, "no"));
    assert!(world.phone("lines").inbox.is_empty());
    world.play("0ms alice < NOTIFY `SIP/2.0 403 Forbidden`\n1s bob > BYE\n1s alice < BYE");
    world.finish();
}

//! Callers who wait in queues, and the agents who are rung for them.

use std::sync::Arc;
use std::time::Duration;

use dialplan::plan::{Destination, DidPattern, InboundRoute};
use dialplan::say::defaults;
use hooks::fact::{AgentState, AgentStateChanged, CallStatus, ChangeReason, ChoiceRule, Talk, Way};
use hooks::id::CallId;
use switch::agent::{AfterCall, AgentRules, Force};
use switch::config::{Agent, NodeConfig, NumberSight, Overflow, OwnAgent, Queue, TenantConfig};
use switch::input::{AgentOrder, Command, SignIn};
use switch::output::{Done, Refused};
use switch::queue::{Announcements, Level, Member, QueueSettings, Strategy};
use switch::view::View;

use crate::ladder::{World, node, tenant};

/// A tenant with agents 10001 (Alice), 10002 (Bob) and 10003 (Carol) in the queue `support`: number 7000, and 01012340000 from
/// outside.
pub(crate) fn centre() -> TenantConfig {
    let mut settings = tenant();
    for (number, extension) in [("10001", "1001"), ("10002", "1002"), ("10003", "1003")] {
        let number: dialplan::number::AgentNumber = number.parse().unwrap();
        let agent = Agent {
            number: number.clone(),
            name: format!("Agent {number}"),
            extension: Some(extension.parse().unwrap()),
            mobile: None,
            mobile_confirm_key: true,
            auto_answer: false,
            numbers: NumberSight::Whole,
            rules: AgentRules::default(),
        };
        settings.agents.insert(number, agent);
    }
    let members = settings
        .agents
        .keys()
        .zip(1..)
        .map(|(number, order)| (number.clone(), Member { level: Level::new(1).unwrap(), order }));
    let support = Queue {
        name: "support".parse().unwrap(),
        settings: QueueSettings::default(),
        members: members.collect(),
        wrap_up_max: Some(Duration::from_secs(10)),
        record: false,
        caller_number: None,
        recording_announcement: None,
        welcome: None,
        music: None,
        survey: None,
        survey_after_hang_up: false,
        voicemail_greeting: None,
        own_agent: OwnAgent::default(),
        callback_key: None,
        agent_announcement: None,
        overflow: Vec::new(),
    };
    add(&mut settings, support, "7000");
    let to = Destination::Queue("support".parse().unwrap());
    settings.plan.inbound.push(InboundRoute {
        trunk: None,
        did: DidPattern::Exact("01012340000".into()),
        to,
        hours: None,
    });
    settings
}

fn add(settings: &mut TenantConfig, queue: Queue, number: &str) {
    settings.plan.queues.insert(number.parse().unwrap(), queue.name.clone());
    settings.queues.insert(queue.name.clone(), Arc::new(queue));
}

pub(crate) fn change(settings: &mut TenantConfig, change: impl FnOnce(&mut Queue)) {
    let name = "support".parse().unwrap();
    let mut queue = Queue::clone(&settings.queues[&name]);
    change(&mut queue);
    settings.queues.insert(name, Arc::new(queue));
}

pub(crate) fn with(settings: TenantConfig) -> World {
    on(node(), settings)
}

pub(crate) fn on(node: NodeConfig, settings: TenantConfig) -> World {
    let mut world = World::new(node, settings);
    world.clips_last = true;
    world.register(&["alice", "bob", "carol"]);
    world
}

pub(crate) fn order(world: &mut World, agent: &str, order: AgentOrder) -> Result<Done, Refused> {
    world.command(Command::Agent { agent: agent.parse().unwrap(), order, by: None })
}

fn ready(world: &mut World, agent: &str) {
    let desk = SignIn { way: Way::Desk, extension: None };
    order(world, agent, AgentOrder::SignIn(desk)).unwrap();
    order(world, agent, AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.facts.clear();
}

/// These agents are signed in and idle, the first one longest.
pub(crate) fn staffed(settings: TenantConfig, agents: &[&str]) -> World {
    let mut world = with(settings);
    come(&mut world, agents);
    world
}

/// They sign in, a second after each other.
pub(crate) fn come(world: &mut World, agents: &[&str]) {
    for agent in agents {
        ready(world, agent);
        let later = world.now() + Duration::from_secs(1);
        world.run_until(later);
    }
}

/// They go home, and nothing is left.
pub(crate) fn close(mut world: World, agents: &[&str]) -> World {
    for agent in agents {
        let _ = order(&mut world, agent, AgentOrder::SignOut);
    }
    world.finish();
    world
}

#[test]
fn a_caller_hears_music_until_an_agent_answers_and_wrap_up_follows() {
    let mut world = staffed(centre(), &["10001"]);
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        0ms   alice < INVITE `From: <sip:13800000000@`
        0ms   lines hears HoldMusic
        1s    alice > 180
        1s    lines hears HoldMusic
        3s    alice > 200
        3s    alice < ACK
        3s    lines hears alice
        3s    alice hears lines
        8s    lines > BYE
        8s    alice < BYE
        "#,
    );
    let mut world = close(world, &[]);
    // Ten seconds after the end wrap-up is over.
    world.expect_facts(
        r#"
        created Inbound 13800000000 -> 01012340000
        leg_started lines#1
        leg_answered lines#1 PCMU
        leg_started support#1
        answered support#1
        queued support 0
        leg_started 1001#1
        offered 10001 by support LongestIdle
        agent 10001 Ready->Ready Ringing Ring
        leg_ringing 1001#1
        leg_answered 1001#1 PCMU
        left_queue support Answered 10001 3000 in time
        leg_ended support#1 Transferred 0
        offer_ended 10001 Answered 3000
        agent 10001 Ready->Ready Connected(Talking) Answer
        agent 10001 Ready->WrapUp None CallEnd
        leg_ended lines#1 Normal 200
        leg_ended 1001#1 Normal 200
        ended Normal by Caller 200
        agent 10001 WrapUp->Ready None WrapUpTimeout
        "#,
    );
    world = close(world, &["10001"]);
    assert_eq!(world.fact_times("WrapUpTimeout"), [19_000]);
}

/// Proves GEN-07 (what his phone is told): who may not see numbers does not see them in the INVITE either, which his browser reads. Colleagues
/// are no secret.
#[test]
fn an_agents_phone_is_told_no_more_of_a_number_than_he_may_see() {
    for (numbers, from) in [
        (NumberSight::Whole, "`sip:13800000000@`"),
        (NumberSight::Masked, "`sip:138****0000@` `!13800000000`"),
        (NumberSight::Hidden, "`<sip:anonymous@anonymous.invalid>` `!13800000000`"),
    ] {
        let mut settings = centre();
        settings.agents.get_mut(&"10001".parse().unwrap()).unwrap().numbers = numbers;
        let mut world = staffed(settings, &["10001"]);
        world.play(&format!(
            "0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE {from}\n1s alice > 486\n1s alice < ACK\n2s lines > BYE"
        ));
        world.play(
            "0ms bob > INVITE 1001\n0ms alice < INVITE `sip:1002@`\n1s alice > 486\n1s alice < ACK\n1s bob < 486",
        );
        close(world, &["10001"]);
    }
}

/// Proves QUEUE-02 (an unanswered ring does not leave the queue, and the wait includes it) and QUEUE-07.
#[test]
fn an_agent_who_does_not_answer_is_passed_over_and_the_caller_keeps_his_place() {
    let mut world = staffed(centre(), &["10001", "10002"]);
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        0ms   alice < INVITE
        1s    alice > 180
        20s   alice < CANCEL
        20s   alice < ACK
        "#,
    );
    world.play("0ms bob < INVITE\n1s bob > 486\n1s bob < ACK\n1s alice < INVITE\n2s alice > 200\n2s alice < ACK\n2s lines hears alice\n3s lines > BYE\n3s alice < BYE");
    let world = close(world, &["10001", "10002"]);
    let of = |word: &str| world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect::<Vec<_>>();
    assert_eq!(
        of("offer"),
        [
            "offered 10001 by support LongestIdle",
            "offer_ended 10001 TimedOut 20000",
            "offered 10002 by support LongestIdle",
            "offer_ended 10002 Rejected 1000",
            "offered 10001 by support LongestIdle",
            "offer_ended 10001 Answered 1000",
        ],
        "{}",
        world.ladder()
    );
    assert_eq!(of("left_queue"), ["left_queue support Answered 10001 22000"]);
}

#[test]
fn an_agent_who_dials_is_not_offered_a_call() {
    let mut world = staffed(centre(), &["10001"]);
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears HoldMusic");
    world.play("1s bob > 200\n1s bob < ACK\n1s alice < 200\n5s bob > BYE\n5s alice < BYE");
    // Wrap-up follows, for as long as she likes: no queue had sent that call.
    world.play("60s lines hears HoldMusic");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("0s alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s alice > BYE\n2s lines < BYE");
    close(world, &["10001"]);
}

#[test]
fn nobody_signed_in_is_told_to_the_caller() {
    let mut world = with(centre());
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears queue_closed");
    world.played("lines");
    world.play("1s lines < BYE");
    let world = close(world, &[]);
    assert!(world.facts.contains(&"left_queue support NobodySignedIn 0".to_owned()), "{:?}", world.facts);
}

#[test]
fn who_waits_too_long_goes_to_a_mobile_then_is_told_so() {
    let mut settings = centre();
    change(&mut settings, |queue| {
        queue.settings.max_wait = Some(Duration::from_secs(30));
        queue.overflow = vec![
            Overflow::Number("13900000001".parse().unwrap()),
            Overflow::Number("13900000002".parse().unwrap()),
            Overflow::Say(defaults::QUEUE_BUSY),
        ];
    });
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play(
        r#"
        0ms   carol > INVITE 7000
        0ms   carol < 200
        30s   lines < INVITE `sip:913900000001@`
        31s   lines > 486
        31s   lines < ACK
        31s   lines < INVITE `sip:913900000002@`
        32s   lines > 180
        35s   lines > 200
        35s   lines < ACK
        35s   carol hears lines
        40s   carol > BYE
        40s   lines < BYE
        "#,
    );
    let world = close(world, &["10001"]);
    let of = |word: &str| world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect::<Vec<_>>();
    assert_eq!(of("overflow"), ["overflow_answered support 913900000002"]);
    assert_eq!(of("left_queue"), ["left_queue support MaxWait 30000"]);
}

/// Who may not dial is told why (CALL-06).
#[test]
fn an_agent_on_a_break_cannot_dial_but_for_help() {
    let mut world = staffed(centre(), &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms alice > INVITE 1002\n0ms alice < 403 `you are on a break`");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::NotReady)).unwrap();
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 486\n0ms bob < ACK\n0ms alice < 486");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms alice > INVITE 110\n0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s alice < 200");
    // Whatever he picks meanwhile, he has a call.
    let _ = order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready));
    world.play(
        "2s bob > INVITE 7000\n2s bob < 200\n2s bob hears HoldMusic\n3s bob > BYE\n4s alice > BYE\n4s lines < BYE",
    );
    close(world, &["10001"]);
}

/// AGT-12.
#[test]
fn a_colleague_reaches_an_agent_only_while_he_is_idle() {
    let mut world = staffed(centre(), &["10002"]);
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n1s bob > 603\n1s bob < ACK\n1s alice < 603");
    order(&mut world, "10002", AgentOrder::Pick(AgentState::NotReady)).unwrap();
    world.play("2s alice > INVITE 1002\n2s alice < 486");
    order(&mut world, "10002", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("3s alice > INVITE 1002\n3s bob < INVITE\n4s bob > 200\n4s bob < ACK\n4s alice < 200");
    world.play("5s carol > INVITE 1002\n5s carol < 486\n6s alice > BYE\n6s bob < BYE");
    let world = close(world, &["10002"]);
    let of = |word: &str| world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect::<Vec<_>>();
    assert_eq!(
        of("offer"),
        ["offered 10002", "offer_ended 10002 Rejected 1000", "offered 10002", "offer_ended 10002 Answered 1000"]
    );
}

/// Proves AGT-13.
/// Proves QUEUE-07 (each time).
#[test]
fn three_missed_offers_in_a_row_make_an_agent_busy() {
    let mut settings = centre();
    change(&mut settings, |queue| queue.settings.ring_timeout = Duration::from_secs(5));
    let mut world = staffed(settings, &["10001", "10002"]);
    order(&mut world, "10002", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.facts.clear();
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200");
    world.play("0ms alice < INVITE\n0ms alice > 180");
    for _ in 0..2 {
        world.play("5s alice < CANCEL\n5s alice < INVITE\n5s alice < ACK\n5s alice > 180");
    }
    world.play("5s alice < CANCEL\n5s alice < ACK");
    world.play("10s lines hears HoldMusic\n10s lines > BYE");
    let world = close(world, &["10001", "10002"]);
    let of = |word: &str| world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect::<Vec<_>>();
    assert_eq!(of("MissedCalls"), ["agent 10001 Ready->NotReady None MissedCalls"]);
    assert_eq!(of("left_queue"), ["left_queue support Abandoned 25000"]);
}

#[test]
fn all_are_rung_at_once_and_the_first_to_answer_has_the_call() {
    let mut settings = centre();
    change(&mut settings, |queue| queue.settings.strategy = Strategy::RingAll);
    let mut world = staffed(settings, &["10001", "10002", "10003"]);
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        0ms   alice < INVITE
        0ms   bob   < INVITE
        0ms   carol < INVITE
        0ms   carol > 180
        # A 603 of one ends the ringing of that one.
        1s    alice > 603
        1s    alice < ACK
        2s    bob   > 200
        2s    carol < CANCEL
        2s    bob   < ACK
        2s    carol < ACK
        2s    lines hears bob
        3s    lines > BYE
        3s    bob   < BYE
        "#,
    );
    let world = close(world, &["10001", "10002", "10003"]);
    let of = |word: &str| world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect::<Vec<_>>();
    assert_eq!(
        of("offer_ended"),
        ["offer_ended 10001 Rejected 1000", "offer_ended 10003 Taken 2000", "offer_ended 10002 Answered 2000"]
    );
    assert_eq!(of("->NotReady"), Vec::<String>::new());
}

/// Proves AGT-19.
#[test]
fn a_phone_that_does_not_want_an_offer_has_rejected_it_and_it_goes_nowhere_else() {
    for status in ["302 extra=Contact:~<sip:1003@pbx.example>", "480", "486", "603"] {
        rejected_by(status);
    }
}

fn rejected_by(status: &str) {
    let mut world = staffed(centre(), &["10001"]);
    world.play(&format!(
        "0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > {status}\n1s alice < ACK\n\
         1s lines hears HoldMusic\n4s alice < INVITE\n4s alice > 180\n5s lines > BYE\n5s alice < CANCEL\n5s alice < ACK",
    ));
    let world = close(world, &["10001"]);
    assert!(world.facts.contains(&"offer_ended 10001 Rejected 1000".to_owned()), "{}", world.ladder());
    let reason = &status[..3];
    let left = |fact: &String| fact.starts_with("leg_ended 1001#1 ") && fact.ends_with(reason);
    assert!(world.facts.iter().any(left), "{reason}: {:?}", world.facts);
    assert!(world.facts.contains(&"offer_ended 10001 CallerHungUp 1000".to_owned()), "{}", world.ladder());
}

/// Proves QUEUE-04 (music, and the place in line).
#[test]
fn callers_are_told_where_they_stand_between_music() {
    let mut settings = centre();
    change(&mut settings, |queue| {
        queue.welcome = Some(defaults::QUEUE_WELCOME);
        let every = Duration::from_secs(30);
        queue.settings.announcements = Some(Announcements { first: Duration::from_secs(10), every });
    });
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::NotReady)).unwrap();
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears queue_welcome");
    world.played("lines");
    world.play("0s lines hears HoldMusic\n1s bob > INVITE 7000\n1s bob < 200\n10s lines hears you_are_next");
    world.played("lines");
    world.play("0s lines hears HoldMusic");
    world.played("bob");
    world.play("1s bob hears you_are Number(2) in_line\n5s lines > BYE\n6s bob > BYE");
    close(world, &["10001"]);
}

/// Proves QUEUE-04 (the expected wait): what the agents had to do with a call lately, wrap-up included, for each place in line.
#[test]
fn callers_are_told_how_long_they_will_wait_by_what_calls_took_lately() {
    let mut settings = centre();
    change(&mut settings, |queue| {
        queue.wrap_up_max = None;
        let every = Duration::from_secs(3_600);
        queue.settings.announcements = Some(Announcements { first: Duration::from_secs(10), every });
    });
    let mut world = staffed(settings, &["10001"]);
    for _ in 0..3 {
        world.play("0s lines > INVITE 01012340000\n0s lines < 200\n0s alice < INVITE\n1s alice > 200\n1s alice < ACK\n61s lines > BYE\n61s alice < BYE");
        // A minute of talk, and half a one of wrap-up.
        world.run_until(world.now() + Duration::from_secs(30));
        order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    }
    order(&mut world, "10001", AgentOrder::Pick(AgentState::NotReady)).unwrap();
    world.register(&["bob", "carol"]);
    world.play("0s lines > INVITE 01012340000\n0s lines < 200\n0s bob > INVITE 7000\n0s bob < 200\n0s carol > INVITE 7000\n0s carol < 200");
    world.play("10s lines hears you_are_next expected_wait Number(1) minutes\n10s bob hears you_are Number(2) in_line expected_wait Number(3) minutes");
    world.play("0s carol hears you_are Number(3) in_line expected_wait Number(4) minutes");
    world.play("0s bob > BYE\n0s carol > BYE\n0s lines > BYE");
    close(world, &["10001"]);
}

/// PHONE-05.
#[test]
fn one_agent_an_extension_and_none_where_it_talks() {
    let mut world = with(centre());
    let on = |extension: &str| SignIn { way: Way::Desk, extension: Some(extension.parse().unwrap()) };
    assert_eq!(order(&mut world, "10001", AgentOrder::SignIn(on("1001"))), Ok(Done::Ok));
    assert_eq!(order(&mut world, "10002", AgentOrder::SignIn(on("1001"))), Err(Refused::ExtensionTaken));
    assert_eq!(order(&mut world, "10002", AgentOrder::SignIn(on("4444"))), Err(Refused::NoSuchExtension));
    assert_eq!(order(&mut world, "77777", AgentOrder::SignOut), Err(Refused::NoSuchAgent));
    world.play("0ms bob > INVITE *43\n0ms bob < 200");
    assert_eq!(order(&mut world, "10002", AgentOrder::SignIn(on("1002"))), Err(Refused::ExtensionOnCall));
    world.play("0ms bob > BYE");
    assert_eq!(order(&mut world, "10002", AgentOrder::SignIn(on("1002"))), Ok(Done::Ok));
    close(world, &["10001", "10002"]);
}

/// Proves PHONE-06, PHONE-17.
/// Proves QUEUE-03 (only agents with a live phone).
#[test]
fn an_agent_needs_a_phone_and_is_offline_when_it_is_gone_for_long() {
    let mut world = World::new(node(), centre());
    let desk = SignIn { way: Way::Desk, extension: None };
    order(&mut world, "10001", AgentOrder::SignIn(desk)).unwrap();
    let refused = order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready));
    assert_eq!(refused, Err(Refused::Agent(switch::agent::Refused::PhoneNotRegistered)));
    world.register(&["alice"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("0ms alice > REGISTER expires=0\n0ms alice < 200");
    world.play("20s alice > REGISTER\n20s alice < 200");
    world.play("60s alice > REGISTER expires=0\n60s alice < 200");
    world.facts.clear();
    let later = world.now() + Duration::from_secs(31);
    world.run_until(later);
    assert_eq!(world.facts, ["agent 10001 Ready->Offline None ConnectionLost"]);
    // During a call it waits for its end.
    world = staffed(centre(), &["10001"]);
    world.play("0ms bob > INVITE 1001\n0ms alice < INVITE\n0ms alice > 200\n0ms alice < ACK\n0ms bob < 200");
    world.play("1s alice > REGISTER expires=0\n1s alice < 200\n60s bob hears alice");
    assert!(!world.facts.iter().any(|fact| fact.contains("ConnectionLost")), "{:?}", world.facts);
    world.play("0s bob > BYE\n0s alice < BYE");
    assert!(world.facts.contains(&"agent 10001 Ready->Offline None ConnectionLost".to_owned()), "{:?}", world.facts);
    close(world, &["10001"]);
}

#[test]
fn an_agent_with_a_call_is_not_called_to_dial_another() {
    let mut world = staffed(centre(), &["10001"]);
    world.play("0ms bob > INVITE 1001\n0ms alice < INVITE\n0ms alice > 200\n0ms alice < ACK\n0ms bob < 200");
    let originate = Command::Originate { from: "1001".parse().unwrap(), to: "1003".parse().unwrap() };
    let refused = Err(Refused::Agent(switch::agent::Refused::OnCall));
    assert_eq!(world.command(originate.clone()), refused);
    world.play("0s bob > BYE\n0s alice < BYE");
    assert!(matches!(world.command(originate), Ok(Done::Call(_))));
    world.play("0s alice < INVITE\n0s alice > 603\n0s alice < ACK");
    close(world, &["10001"]);
}

#[test]
fn a_supervisor_forces_states_and_is_named() {
    let mut world = staffed(centre(), &["10001"]);
    let by = |order| Command::Agent { agent: "10001".parse().unwrap(), order, by: Some("boss".into()) };
    world.command(by(AgentOrder::Force(Force::Busy))).unwrap();
    world.command(by(AgentOrder::Force(Force::Ready))).unwrap();
    world.command(by(AgentOrder::Force(Force::SignOut))).unwrap();
    assert_eq!(
        world.facts,
        [
            "agent 10001 Ready->NotReady None Forced by boss",
            "agent 10001 NotReady->Ready None Forced by boss",
            "agent 10001 Ready->Offline None Forced by boss",
        ]
    );
    close(world, &["10001"]);
}

#[test]
fn an_agent_whose_wrap_up_is_over_gets_who_has_waited_longest() {
    let mut world = staffed(centre(), &["10001"]);
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        0ms   alice < INVITE
        0ms   alice > 200
        0ms   alice < ACK
        1s    bob   > INVITE 7000
        1s    bob   < 200
        2s    carol > INVITE 7000
        2s    carol < 200
        5s    alice > BYE
        5s    lines < BYE
        14s   bob   hears HoldMusic
        15s   alice < INVITE `From: "Bob" <sip:1002@`
        16s   alice > 200
        16s   alice < ACK
        16s   bob   hears alice
        17s   bob   > BYE
        17s   alice < BYE
        27s   alice < INVITE `From: "Carol" <sip:1003@`
        27s   alice > 180
        28s   carol > BYE
        28s   alice < CANCEL
        28s   alice < ACK
        "#,
    );
    close(world, &["10001"]);
}

/// The live call tells whom its queue has rung, and why him, as long as he is rung.
#[test]
fn a_waiting_call_tells_whom_the_queue_has_rung_and_why() {
    let mut world = staffed(centre(), &["10001", "10002"]);
    let offers = |world: &World| {
        let seen = world.views.iter().rev().find_map(|view| match view {
            View::Call(call) => Some(call.offers.clone()),
            _ => None,
        });
        let told = seen.unwrap().into_iter().map(|offer| (offer.agent, offer.why.rule, offer.why.candidates.len()));
        told.collect::<Vec<_>>()
    };
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 180");
    assert_eq!(offers(&world), [("10001".to_owned(), ChoiceRule::LongestIdle, 2)]);
    world.play("1s alice > 486\n1s alice < ACK\n1s bob < INVITE");
    assert_eq!(offers(&world), [("10002".to_owned(), ChoiceRule::LongestIdle, 1)], "Alice, who has rejected it, rests");
    world.play("1s bob > 200\n1s bob < ACK");
    assert_eq!(offers(&world), []);
    world.play("1s lines > BYE\n1s bob < BYE");
    close(world, &["10001", "10002"]);
}

/// Proves AGT-15.
#[test]
fn after_a_restart_agents_stand_as_before_and_those_whose_phone_stays_away_go_offline() {
    let mut world = staffed(centre(), &["10001", "10002"]);
    order(&mut world, "10003", AgentOrder::SignIn(SignIn { way: Way::Desk, extension: None })).unwrap();
    order(&mut world, "10003", AgentOrder::Pick(AgentState::Ready)).unwrap();
    order(&mut world, "10003", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    order(&mut world, "10002", AgentOrder::Pick(AgentState::NotReady)).unwrap();
    let since = world.agents["10002"].1;
    world.facts.clear();
    world.crash(Duration::from_secs(2));
    world.expect_facts("");
    let stands = |world: &World, agent: &str| {
        let seen = world.views.iter().rev().find_map(|view| match view {
            View::Agent(view) if view.agent == agent => Some(view.clone()),
            _ => None,
        });
        seen.unwrap()
    };
    let busy = stands(&world, "10002");
    assert_eq!((busy.state, busy.since_ms, busy.extension.as_deref()), (AgentState::NotReady, since, Some("1002")));
    assert_eq!(stands(&world, "10003").state, AgentState::OnBreak);
    assert_eq!(stands(&world, "10001").state, AgentState::Ready);
    // Two phones come back; the third agent's does not.
    world.register(&["alice", "bob"]);
    let later = world.now() + Duration::from_secs(59);
    world.run_until(later);
    world.expect_facts("");
    let later = world.now() + Duration::from_secs(2);
    world.run_until(later);
    world.expect_facts("agent 10003 OnBreak->Offline None ConnectionLost");
    // The extension is taken, and the queue knows who is idle.
    let taken = SignIn { way: Way::Desk, extension: Some("1001".parse().unwrap()) };
    assert_eq!(order(&mut world, "10003", AgentOrder::SignIn(taken)), Err(Refused::ExtensionTaken));
    close(world, &["10001", "10002", "10003"]);
}

#[test]
fn a_call_that_a_restart_cut_off_has_ended_for_its_agent() {
    for (after_call, fact) in [
        (AfterCall::WrapUp, "agent 10001 Ready->WrapUp None CallEnd"),
        (AfterCall::Ready, "agent 10001 Ready->Ready None CallEnd"),
    ] {
        let mut settings = centre();
        let number = "10001".parse().unwrap();
        settings.agents.get_mut(&number).unwrap().rules.after_call = after_call;
        let mut world = staffed(settings, &["10001"]);
        let (known, since_ms) = world.agents["10001"].clone();
        let talking = CallStatus::Connected(Talk::Talking);
        let call = Some(CallId::new(1, 1));
        let cut = AgentStateChanged { call_status: talking, call, reason: ChangeReason::Answer, ..known };
        world.agents.insert("10001".to_owned(), (cut, since_ms));
        world.crash(Duration::from_secs(2));
        world.expect_facts(fact);
        close(world, &["10001"]);
    }
}

/// At midnight of the tenant's zone nobody has answered anything today, and no queue has had a caller.
#[test]
fn a_new_day_begins_at_midnight_of_the_tenants_zone() {
    let mut settings = centre();
    change(&mut settings, |queue| queue.settings.strategy = Strategy::FewestToday);
    // The tests begin at 08:00 UTC: 22:00 there.
    settings.zone = "Pacific/Kiritimati".parse().unwrap();
    let midnight = Duration::from_secs(2 * 3_600);
    let mut world = staffed(settings, &["10001", "10002"]);
    // Alice answers one; then Bob is first, though she has been idle for longer.
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
    let entered = |world: &World| {
        let queue = world.views.iter().rev().find_map(|view| match view {
            View::Queue(queue) => Some(queue.today.entered),
            _ => None,
        });
        queue.unwrap()
    };
    assert_eq!(entered(&world), 1);
    let later = world.now() + Duration::from_secs(60);
    world.run_until(later);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms bob < INVITE\n0ms bob > 180\n1s lines > BYE\n1s bob < CANCEL\n1s bob < ACK");
    assert_eq!(entered(&world), 2);
    world.run_until(midnight + Duration::from_secs(1));
    world.register(&["alice", "bob", "carol"]);
    for agent in ["10001", "10002"] {
        let _ = order(&mut world, agent, AgentOrder::Pick(AgentState::OnBreak));
        order(&mut world, agent, AgentOrder::Pick(AgentState::Ready)).unwrap();
    }
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n0ms alice > 180\n1s lines > BYE\n1s alice < CANCEL\n1s alice < ACK");
    assert_eq!(entered(&world), 1, "only the last one came today");
    close(world, &["10001", "10002"]);
}

fn of<'a>(world: &'a World, word: &str) -> Vec<&'a str> {
    world.facts.iter().map(String::as_str).filter(|fact| fact.contains(word)).collect()
}

/// The decision behind AGT-12 where two wait.
#[test]
fn an_agent_who_missed_an_offer_has_one_again_though_two_wait() {
    let mut world = staffed(centre(), &["10001"]);
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        0ms   alice < INVITE
        1s    alice > 180
        2s    bob   > INVITE 7000
        2s    bob   < 200
        20s   alice < CANCEL
        20s   alice < INVITE `From: <sip:13800000000@`
        20s   alice < ACK
        21s   alice > 200
        21s   alice < ACK
        22s   alice hears lines
        23s   lines > BYE
        23s   alice < BYE
        24s   bob   > BYE
        "#,
    );
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "offered"), ["offered 10001 by support LongestIdle", "offered 10001 by support FirstInLine"]);
}

#[test]
fn an_agent_who_calls_his_own_queue_is_not_rung_for_himself() {
    let mut world = staffed(centre(), &["10001", "10002"]);
    // She has been idle longest.
    world.play("0ms alice > INVITE 7000\n0ms bob < INVITE\n0ms alice < 200\n1s bob > 200\n1s bob < ACK\n2s alice > BYE\n2s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "offered"), ["offered 10002 by support LongestIdle"]);
}

/// GEN-18 beside AGT-17 row 10.
#[test]
fn an_emergency_call_is_no_answer_to_the_call_that_rings() {
    let mut world = staffed(centre(), &["10002"]);
    world.play(
        r#"
        0ms   carol > INVITE 7000
        0ms   carol < 200
        0ms   bob   < INVITE
        1s    bob   > 180
        5s    bob2  > INVITE 110
        5s    lines < INVITE
        6s    lines > 200
        6s    lines < ACK
        6s    bob2  < 200
        20s   bob   < CANCEL
        20s   bob   < ACK
        30s   bob2  > BYE
        30s   lines < BYE
        31s   carol > BYE
        "#,
    );
    let world = close(world, &["10002"]);
    assert_eq!(
        of(&world, "agent")[..4],
        [
            "agent 10002 Ready->Ready Ringing Ring",
            "agent 10002 Ready->Ready None RingEnd",
            "agent 10002 Ready->Ready Dialling Dial",
            "agent 10002 Ready->Ready Connected(Talking) Answer",
        ]
    );
}

/// AGT-17 row 11.
#[test]
fn who_rejected_is_rung_again_once_nobody_else_is_there() {
    let mut world = staffed(centre(), &["10001", "10002"]);
    order(&mut world, "10002", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 486\n1s alice < ACK");
    world.play("10s lines hears HoldMusic");
    order(&mut world, "10002", AgentOrder::SignOut).unwrap();
    world.play("0s alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
    close(world, &["10001"]);
}

/// Callers who wait outlive the process: their place and their waiting time stay, who is gone has left.
#[test]
fn those_who_wait_keep_their_places_when_the_process_is_killed() {
    let mut settings = centre();
    change(&mut settings, |queue| queue.settings.max_wait = Some(Duration::from_secs(60)));
    let mut world = staffed(settings, &["10001"]);
    // Alice is rung for the first one, and nothing of that outlives the process.
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms alice < INVITE\n0ms alice > 180");
    world.play("10s lines > INVITE 01012340000\n10s lines < 200\n10s lines hears HoldMusic");
    world.play("1s spare > INVITE 01012340000\n1s spare < 200");
    world.crash(Duration::from_secs(2));
    world.play("0ms carol hears HoldMusic\n0ms lines hears HoldMusic\n0ms carol < INVITE\n0ms lines < INVITE\n0ms spare < INVITE");
    assert_eq!(of(&world, "offer_ended"), ["offer_ended 10001 Taken 11000"], "not her doing");
    let before = world.facts.clone();
    world.register(&["alice"]);
    world.facts = before;
    // Nobody is rung for who has not said that he is still there.
    world.play(
        "1s lines > 200\n1s lines < ACK\n1s alice < INVITE `From: <sip:13800000000@`\n1s alice > 486\n1s alice < ACK",
    );
    world.play("1s carol > 200\n1s carol < ACK\n1s alice < INVITE `From: \"Carol\" <sip:1003@`\n1s alice > 180");
    // The third one is gone: five seconds, and he has left.
    world.play("5s spare < BYE");
    world.play("1s alice > 200\n1s alice < ACK\n1s carol hears alice\n2s carol > BYE\n2s alice < BYE");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    assert_eq!(of(&world, "left_queue support Closed").len(), 1);
    // Carol waited since the beginning; the other one is given up after his minute, counted from his beginning.
    assert_eq!(of(&world, "left_queue support Answered").len(), 1);
    world.run_until(world.now() + Duration::from_secs(60));
    assert_eq!(of(&world, "left_queue support MaxWait"), ["left_queue support MaxWait 60000"], "{}", world.ladder());
    world.play("0ms lines hears queue_closed");
    world.played("lines");
    world.play("1s lines < BYE");
    close(world, &["10001"]);
}

//! Satisfaction surveys: what a customer is asked once the agent is out of the call, and what is written down of it.

use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::Flow;
use dialplan::flow::template::Spoken;
use dialplan::plan::Destination;
use dialplan::survey::{Question, Survey};
use hooks::fact::AgentState;
use serde_json::json;
use switch::agent::Phase;
use switch::config::{TenantConfig, Version};
use switch::input::{AgentOrder, CallOrder, Command, Input, Party};
use switch::media::{MediaCommand, MediaEvent, RecordingOutcome};
use switch::output::{Done, Refused};
use switch::view::View;

use crate::ladder::World;
use crate::queues::{centre, change, close, order, staffed};

fn prompt(name: &str) -> Vec<Spoken> {
    vec![Spoken::Prompt(name.parse().unwrap())]
}

fn question(name: &str) -> Question {
    Question { prompt: prompt(name), options: Survey::default_options() }
}

fn service() -> Survey {
    Survey {
        name: "service".parse().unwrap(),
        question: question("survey_invite"),
        second: None,
        comment: None,
        thanks: prompt("survey_thanks"),
    }
}

/// The callers of `support` are asked.
fn asking(survey: Survey) -> TenantConfig {
    let mut settings = centre();
    settings.record_internal = true;
    change(&mut settings, |queue| queue.survey = Some("service".parse().unwrap()));
    settings.surveys.insert(survey.name.clone(), Arc::new(survey));
    settings
}

/// A customer on the line talks with agent 10001 on Alice's phone.
fn talking(settings: TenantConfig) -> World {
    let mut world = staffed(settings, &["10001"]);
    world.play(
        "0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n\
         1s alice > 200\n1s alice < ACK\n1s lines hears alice",
    );
    world
}

fn evaluate(world: &mut World, extension: &str) -> Result<Done, Refused> {
    let call = world.last_call.unwrap();
    let party = Some(Party::Extension(extension.parse().unwrap()));
    world.command(Command::Call { call, party, order: CallOrder::Evaluate })
}

/// The agent has asked for it, and the customer hears the question.
fn asked(settings: TenantConfig) -> World {
    let mut world = talking(settings);
    evaluate(&mut world, "1001").unwrap();
    world.play("0ms alice < BYE\n0ms lines hears survey_invite");
    world
}

fn of<'a>(world: &'a World, word: &str) -> Vec<&'a str> {
    world.facts.iter().map(String::as_str).filter(|fact| fact.contains(word)).collect()
}

/// Proves CALL-25, SURVEY-01, SURVEY-02.
#[test]
fn evaluate_ends_the_agents_side_at_once_and_the_customer_rates_by_a_key() {
    let mut world = talking(asking(service()));
    let call = world.last_call.unwrap();
    let party = Some(Party::Extension("1001".parse().unwrap()));
    // From a hold, too (section 5).
    world.command(Command::Call { call, party, order: CallOrder::Hold }).unwrap();
    evaluate(&mut world, "1001").unwrap();
    world.play("0ms alice < BYE\n0ms lines hears survey_invite");
    assert_eq!(of(&world, "agent 10001 Ready->WrapUp"), ["agent 10001 Ready->WrapUp None CallEnd"]);
    world.play("2s lines > press 2\n2s lines hears survey_thanks");
    world.played("lines");
    world.play("1s lines < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "survey"), ["survey service of 10001 by Agent", "survey_completed 2 一般 | -"]);
    assert_eq!(of(&world, "ended Normal by"), ["ended Normal by System 200"]);
}

/// Proves SURVEY-03, SURVEY-04.
#[test]
fn who_presses_nothing_or_a_wrong_key_is_asked_three_times_and_has_not_rated() {
    let mut world = asked(asking(service()));
    world.played("lines");
    world.play(
        "0ms lines hears nothing\n5s lines hears survey_invite\n6s lines > press 9\n6s lines hears survey_invite",
    );
    world.played("lines");
    world.play("4999ms lines hears nothing\n5s lines hears survey_thanks");
    world.played("lines");
    world.play("0ms lines < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "survey "), ["survey service of 10001 by Agent"]);
    assert_eq!(of(&world, "survey_completed"), ["survey_completed - | -"]);
}

/// Proves SURVEY-05: a hang-up is a result, too, and an answer that was given before it stands.
#[test]
fn who_hangs_up_has_not_rated_unless_he_has() {
    let mut world = asked(asking(service()));
    world.play("1s lines > BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "survey_completed"), ["survey_completed - | -"]);
    assert_eq!(of(&world, "ended Normal by"), ["ended Normal by Caller 200"]);

    let mut both = service();
    both.second = Some(question("ivr_welcome"));
    let mut world = asked(asking(both));
    world.play("1s lines > press 1\n1s lines hears ivr_welcome\n2s lines > BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "survey_completed"), ["survey_completed 1 非常满意 | -"]);
}

#[test]
fn a_second_question_follows_the_first_answer() {
    let mut both = service();
    both.second = Some(question("ivr_welcome"));
    let mut world = asked(asking(both));
    world.play("1s lines > press 3\n1s lines hears ivr_welcome\n2s lines > press 5\n2s lines hears survey_thanks");
    world.played("lines");
    world.play("1s lines < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "survey_completed"), ["survey_completed 3 不满意 | 5 对处理不满意"]);
}

fn commented() -> Survey {
    Survey { comment: Some(prompt("ivr_welcome")), ..service() }
}

/// He is asked to speak and has heard the tone.
fn after_the_tone() -> World {
    let mut world = asked(asking(commented()));
    world.play("1s lines > press 1\n1s lines hears ivr_welcome Tone(Beep)");
    world.played("lines");
    world.play("0ms lines hears nothing");
    world
}

/// What became of the recording that runs, as the media side tells.
fn recorded(world: &mut World) {
    let is_start = |command: &MediaCommand| match command {
        MediaCommand::Record { recording, .. } => Some(*recording),
        _ => None,
    };
    let recording = world.media.iter().rev().find_map(is_start).unwrap();
    let outcome = RecordingOutcome::Failed { reason: "the disk is full".into() };
    world.input(Input::Media(MediaEvent::Recorded { recording, outcome }));
}

/// The last recording ends before the endpoint that it takes in is closed.
fn stops_before_it_closes(world: &World) -> bool {
    let last = world.media.iter().rposition(|command| matches!(command, MediaCommand::Record { .. })).unwrap();
    let MediaCommand::Record { recording, left, .. } = &world.media[last] else { return false };
    let at = |is: &dyn Fn(&MediaCommand) -> bool| world.media.iter().position(is).unwrap();
    let stops = at(&|command| matches!(command, MediaCommand::StopRecording(stopped) if stopped == recording));
    stops < at(&|command| matches!(command, MediaCommand::Close(closed) if left.contains(closed)))
}

#[test]
fn a_comment_is_recorded_until_the_customer_is_silent_presses_a_key_or_hangs_up() {
    let ends = [
        ("1s lines > speaks\n3s lines > pauses\n8s lines hears survey_thanks", true, true),
        ("1s lines > speaks\n3s lines > press #\n3s lines hears survey_thanks", true, true),
        ("1s lines > speaks\n60s lines hears survey_thanks", true, true),
        ("1s lines > speaks\n3s lines > BYE", true, false),
        ("5s lines hears survey_thanks", false, true),
        ("1s lines > BYE", false, false),
    ];
    for (script, is_kept, is_thanked) in ends {
        let mut world = after_the_tone();
        world.play(script);
        if is_thanked {
            world.played("lines");
            world.play("0ms lines < BYE");
        }
        let world = close(world, &["10001"]);
        let comment = if is_kept { " with a comment" } else { "" };
        assert_eq!(of(&world, "survey_completed"), [format!("survey_completed 1 非常满意 | -{comment}")], "{script}");
        assert_eq!(of(&world, "recording_started lines#1 | service#1").len(), 1, "{script}");
        assert_eq!(of(&world, "recording_discarded").len(), usize::from(!is_kept), "{script}");
        assert!(stops_before_it_closes(&world), "{script}");
    }
}

#[test]
fn a_comment_that_cannot_be_recorded_is_none_and_the_answer_stands() {
    let mut world = after_the_tone();
    world.play("1s lines > speaks");
    recorded(&mut world);
    world.play("1s lines > press #\n1s lines hears survey_thanks");
    world.played("lines");
    world.play("0ms lines < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "survey_completed"), ["survey_completed 1 非常满意 | -"]);
}

/// GEN-18.
#[test]
fn who_was_called_for_help_is_asked_nothing() {
    let mut world = staffed(asking(service()), &["10001"]);
    world.play("0ms alice > INVITE 110\n0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s alice < 200");
    assert_eq!(evaluate(&mut world, "1001"), Err(Refused::NoSurvey));
    world.play("1s alice > BYE\n1s lines < BYE");
    close(world, &["10001"]);
}

/// A colleague called the queue, and hangs up: the agent who took the call on his mobile is no customer.
#[test]
fn an_agent_on_his_mobile_is_asked_nothing() {
    let mut settings = asking(service());
    change(&mut settings, |queue| queue.survey_after_hang_up = true);
    let agent = settings.agents.get_mut(&"10002".parse().unwrap()).unwrap();
    (agent.mobile, agent.mobile_confirm_key) = (Some("13900000009".parse().unwrap()), false);
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10002", AgentOrder::MobileSignIn(None)).unwrap();
    order(&mut world, "10001", AgentOrder::Pick(AgentState::NotReady)).unwrap();
    world.play(
        "0ms alice > INVITE 7000\n0ms alice < 200\n0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n\
         1s lines hears alice\n2s alice > BYE\n2s lines < BYE",
    );
    order(&mut world, "10002", AgentOrder::MobileSignOut).unwrap();
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "survey_"), [""; 0]);
}

/// SURVEY-01: the queue asks by itself when the agent hangs up first.
#[test]
fn the_queue_asks_when_the_agent_hangs_up_first_if_it_is_set_to() {
    for is_set in [true, false] {
        let mut settings = asking(service());
        change(&mut settings, |queue| queue.survey_after_hang_up = is_set);
        let mut world = talking(settings.clone());
        world.play("1s alice > BYE");
        if is_set {
            world.play("0ms lines hears survey_invite\n1s lines > press 4\n1s lines hears survey_thanks");
            world.played("lines");
            world.play("0ms lines < BYE");
        } else {
            world.play("0ms lines < BYE");
        }
        let world = close(world, &["10001"]);
        let expected: &[&str] = if is_set {
            &["survey service of 10001 by HangUp", "survey_completed 4 对服务不满意 | -"]
        } else {
            &[]
        };
        assert_eq!(world.facts.iter().filter(|fact| fact.starts_with("survey")).collect::<Vec<_>>(), expected);

        // Where the customer hangs up first, nobody is there to be asked.
        let mut world = talking(settings);
        world.play("1s lines > BYE\n1s alice < BYE");
        let world = close(world, &["10001"]);
        assert!(of(&world, "survey").is_empty());
    }
}

/// Whether the last call is shown as one whose customer may be asked.
fn may_be_rated(world: &World) -> bool {
    let shown = world.views.iter().rev().find_map(|view| match view {
        View::Call(call) if Some(call.call) == world.last_call => Some(call.survey),
        _ => None,
    });
    shown.expect("the call is shown")
}

/// Proves CALL-25: an outside customer only, a talk only, and not where it is off.
#[test]
fn evaluate_is_refused_with_its_reason() {
    let off = centre();
    let mut world = talking(off);
    assert!(!may_be_rated(&world), "and the bar knows before");
    assert_eq!(evaluate(&mut world, "1001"), Err(Refused::NoSurvey));
    world.play("1s lines > BYE\n1s alice < BYE");
    close(world, &["10001"]);

    let mut world = talking(asking(service()));
    assert!(may_be_rated(&world));
    let call = world.last_call.unwrap();
    let party = Some(Party::Extension("1001".parse().unwrap()));
    world.command(Command::Call { call, party, order: CallOrder::Consult("1003".parse().unwrap()) }).unwrap();
    world.play("0ms carol < INVITE\n1s carol > 180");
    assert!(matches!(evaluate(&mut world, "1001"), Err(Refused::OutOfPhase { phase: Phase::ConsultRinging, .. })));
    world.play("1s carol > 486\n1s carol < ACK\n1s lines > BYE\n1s alice < BYE");
    close(world, &["10001"]);

    // Two of the house.
    let mut world = staffed(asking(service()), &["10001"]);
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK");
    assert!(!may_be_rated(&world));
    assert_eq!(evaluate(&mut world, "1001"), Err(Refused::NoSurvey));
    world.play("1s carol > BYE\n1s alice < BYE");
    close(world, &["10001"]);
}

/// Proves CALL-25 (outbound calls, too): the survey is that of the agent's own queue.
#[test]
fn the_called_customer_is_asked_the_survey_of_the_agents_queue() {
    let mut world = staffed(asking(service()), &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).ok();
    world.play(
        "0ms alice > INVITE 13800138000\n0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s alice < 200\n2s alice hears lines",
    );
    evaluate(&mut world, "1001").unwrap();
    world.play("0ms alice < BYE\n0ms lines hears survey_invite\n2s lines > press 1\n2s lines hears survey_thanks");
    world.played("lines");
    world.play("0ms lines < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "survey_completed"), ["survey_completed 1 非常满意 | -"]);
}

/// SURVEY-01 by a flow: after the talk with an agent it goes on with the survey, and after that with its next step.
#[test]
fn a_flow_asks_and_goes_on() {
    let mut settings = asking(service());
    let flow = Flow::read(json!({
        "name": "main", "start": "wait",
        "nodes": {
            "wait": {"step": "queue", "queue": "support", "answered": "ask"},
            "ask": {"step": "survey", "survey": "service", "next": "bye"},
            "bye": {"step": "hang_up", "parts": ["ivr_goodbye"]},
        },
    }))
    .unwrap();
    settings.flows.insert(flow.name.clone(), Version { number: 1, flow: Arc::new(flow) });
    settings.plan.inbound.last_mut().unwrap().to = Destination::Flow("main".parse().unwrap());
    let mut world = talking(settings);
    world.play("1s alice > BYE\n1s lines hears survey_invite\n2s lines > press 1\n2s lines hears survey_thanks");
    world.played("lines");
    world.play("0ms lines hears ivr_goodbye");
    world.played("lines");
    world.play("0ms lines < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(
        world.facts.iter().filter(|fact| fact.starts_with("survey")).collect::<Vec<_>>(),
        ["survey service of 10001 by Flow", "survey_completed 1 非常满意 | -"]
    );
}

/// Proves REC-04 (surveys): the talk is recorded, what is asked is not.
#[test]
fn the_recording_of_the_talk_ends_where_the_survey_begins() {
    let mut settings = asking(service());
    change(&mut settings, |queue| queue.record = true);
    let mut world = talking(settings);
    let running = |world: &World| {
        let begun = world.media.iter().filter(|command| matches!(command, MediaCommand::Record { .. })).count();
        let over = world.media.iter().filter(|command| matches!(command, MediaCommand::StopRecording(_))).count();
        begun - over
    };
    assert_eq!(running(&world), 1);
    evaluate(&mut world, "1001").unwrap();
    assert_eq!(running(&world), 0);
    let later = world.now() + Duration::from_secs(1);
    world.run_until(later);
    world.play("0ms alice < BYE\n0ms lines > BYE");
    close(world, &["10001"]);
}

//! Recording by hand: started, stopped, paused and resumed (REC-08).

use std::time::Duration;

use switch::config::TenantConfig;
use switch::input::{Command, RecordAction};
use switch::media::MediaCommand;
use switch::output::{Done, Refused};

use crate::ladder::{World, node, tenant};

const TALK: &str = "
    0ms  alice > INVITE 1002
    0ms  bob   < INVITE
    1s   bob   > 200
    1s   bob   < ACK
    1s   alice < 200";

fn talking(record_internal: bool) -> World {
    let mut world = World::new(node(), TenantConfig { record_internal, ..tenant() });
    world.register(&["alice", "bob"]);
    world.play(TALK);
    world
}

impl World {
    fn wait_ms(&mut self, ms: u64) {
        let until = self.now() + Duration::from_millis(ms);
        self.run_until(until);
    }

    fn record(&mut self, action: RecordAction) -> Result<Done, Refused> {
        let call = self.last_call.unwrap();
        self.command(Command::Record { call, action, by: "admin".to_owned() })
    }

    /// What was ordered of recordings, without their names.
    fn recorded(&self) -> Vec<&'static str> {
        let word = |command: &MediaCommand| match command {
            MediaCommand::Record { left, right, .. } if left.len() == 1 && right.len() == 1 => Some("record"),
            MediaCommand::PauseRecording(_) => Some("pause"),
            MediaCommand::ResumeRecording(_) => Some("resume"),
            MediaCommand::StopRecording(_) => Some("stop"),
            _ => None,
        };
        self.media.iter().filter_map(word).collect()
    }

    fn recording_facts(&self) -> Vec<&str> {
        self.facts.iter().map(String::as_str).filter(|fact| fact.starts_with("recording_")).collect()
    }
}

#[test]
fn a_recording_is_paused_and_resumed_with_marks_of_who_and_when() {
    let mut world = talking(true);
    world.wait_ms(2_000);
    assert_eq!(world.record(RecordAction::Resume), Err(Refused::NotPaused));
    assert_eq!(world.record(RecordAction::Pause), Ok(Done::Ok));
    assert_eq!(world.record(RecordAction::Pause), Err(Refused::AlreadyPaused));
    assert_eq!(world.record(RecordAction::Start), Err(Refused::AlreadyRecorded));
    world.wait_ms(3_000);
    assert_eq!(world.record(RecordAction::Resume), Ok(Done::Ok));
    world.play("0ms alice > BYE\n0ms bob < BYE");
    world.finish();
    assert_eq!(world.recorded(), ["record", "pause", "resume", "stop"]);
    assert_eq!(
        world.recording_facts(),
        [
            "recording_started 1001#1 | 1002#1",
            "recording_paused 2000 admin",
            "recording_resumed 5000 admin",
            "recording_ready"
        ]
    );
}

#[test]
fn a_call_that_no_rule_records_is_recorded_by_hand_and_stopped() {
    let mut world = talking(false);
    for action in [RecordAction::Stop, RecordAction::Pause, RecordAction::Resume] {
        assert_eq!(world.record(action), Err(Refused::NotRecorded));
    }
    assert_eq!(world.record(RecordAction::Start), Ok(Done::Ok));
    assert_eq!(world.record(RecordAction::Pause), Ok(Done::Ok));
    assert_eq!(world.record(RecordAction::Stop), Ok(Done::Ok));
    assert_eq!(world.record(RecordAction::Start), Ok(Done::Ok));
    world.play("0ms alice > BYE\n0ms bob < BYE");
    world.finish();
    assert_eq!(world.recorded(), ["record", "pause", "stop", "record", "stop"], "a pause ends with its recording");
    let call = world.last_call.unwrap();
    let late = world.command(Command::Record { call, action: RecordAction::Start, by: "admin".to_owned() });
    assert_eq!(late, Err(Refused::NoSuchCall));
}

#[test]
fn a_call_that_rings_is_not_recorded() {
    let mut world = World::with(&["alice", "bob"]);
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n1s bob > 180\n1s alice < 180");
    assert_eq!(world.record(RecordAction::Start), Err(Refused::NotTalking));
    assert_eq!(world.recorded(), [""; 0]);
}

#[test]
fn one_who_takes_the_call_over_is_recorded_as_ordered() {
    let mut world = talking(true);
    world.record(RecordAction::Pause).unwrap();
    world.wait_ms(1_000);
    world.play("0ms bob2 > INVITE 1001 replacing=bob\n0ms bob2 < 200\n0ms bob < BYE");
    assert_eq!(world.recorded(), ["record", "pause", "stop", "record", "pause"], "paused by whomever");
    assert!(world.facts.contains(&"recording_paused 0 -".to_owned()), "{:?}", world.facts);
    let mut world = talking(true);
    world.record(RecordAction::Stop).unwrap();
    world.play("0ms bob2 > INVITE 1001 replacing=bob\n0ms bob2 < 200\n0ms bob < BYE");
    assert_eq!(world.recorded(), ["record", "stop"], "not recorded stays so");
}

#[test]
fn what_is_paused_stays_so_when_the_process_is_killed() {
    let mut world = World::with(&["alice", "carol"]);
    world.play(
        "
        0ms    carol > INVITE 13800000000
        0ms    lines < INVITE
        1s     lines > 200
        1s     lines < ACK
        1s     carol < 200
        ",
    );
    world.record(RecordAction::Pause).unwrap();
    world.media.clear();
    world.facts.clear();
    world.crash(Duration::from_secs(2));
    world.play(
        "
        0ms    carol < INVITE
        0ms    lines < INVITE
        100ms  carol > 200
        100ms  carol < ACK
        100ms  lines > 200
        100ms  lines < ACK
        ",
    );
    assert_eq!(world.recorded(), ["record", "pause"]);
    assert_eq!(world.recording_facts(), ["recording_started lines#1 | 1003#1 part 2", "recording_paused 0 -"]);
    assert_eq!(world.record(RecordAction::Resume), Ok(Done::Ok));
    world.play("2s carol > BYE\n2s lines < BYE");
    assert_eq!(world.recorded(), ["record", "pause", "resume", "stop"]);
}

/// Who is called by the trunk `lines` is told that he is recorded; what is said takes until the test says that it is over.
fn announcing(record: bool) -> World {
    let mut settings = tenant();
    let lines = settings.trunks.get_mut(&"lines".parse().unwrap()).unwrap();
    lines.record = record;
    lines.policy.recording_announcement = Some("call_recorded".parse().unwrap());
    let mut world = World::new(node(), settings);
    world.clips_last = true;
    world.register(&["alice", "bob"]);
    world
}

/// Alice calls outside, and somebody answers after a second.
fn announced(record: bool) -> World {
    let mut world = announcing(record);
    world.play(
        r#"
        0ms  alice > INVITE 13800000000
        0ms  lines < INVITE
        1s   lines > 200
        1s   lines < ACK
        1s   alice < 200
        "#,
    );
    world
}

/// To whom what is said is recorded, from time to time.
fn said_to(world: &World) -> Vec<bool> {
    let lines = world.endpoint("lines");
    let from = |command: &MediaCommand| match command {
        MediaCommand::RecordFrom { said_to, .. } => {
            assert!(said_to.is_none_or(|told| told == lines));
            Some(said_to.is_some())
        }
        _ => None,
    };
    world.media.iter().filter_map(from).collect()
}

/// Proves REC-08 (the called party is told after the answer, and that is in the recording).
#[test]
fn who_is_called_outside_hears_that_he_is_recorded_before_he_is_connected() {
    let mut world = announced(true);
    world.play("1s lines hears call_recorded\n1s alice hears call_recorded\n9s lines hears call_recorded");
    assert_eq!((world.recorded(), said_to(&world)), (vec!["record"], vec![true]));
    world.played("lines");
    world.play("9s lines hears alice\n9s alice hears lines");
    assert_eq!(said_to(&world), [true, false]);
    world.play("20s lines > BYE\n20s alice < BYE");
    world.finish();
    assert_eq!(world.recording_facts(), ["recording_started lines#1 | 1001#1", "recording_ready"]);
}

#[test]
fn whatever_happens_while_he_is_told_nothing_is_left_over() {
    for (ends, other) in [("alice", "lines"), ("lines", "alice")] {
        let mut world = announced(true);
        world.play(&format!("2s {ends} > BYE\n2s {other} < BYE"));
        world.finish();
        let ended: Vec<&String> = world.facts.iter().filter(|fact| fact.starts_with("ended")).collect();
        assert_eq!(ended.len(), 1, "{:?}", world.facts);
        assert_eq!(world.recorded(), ["record", "stop"]);
    }
    // What is not said in time is not waited for.
    let mut world = announced(true);
    world.play("29s lines hears call_recorded\n31s lines hears alice\n31s alice hears lines");
    // Who holds meanwhile is connected afterwards.
    let mut world = announced(true);
    world.play("2s alice > REINVITE dir=sendonly\n2s alice < 200\n2s lines hears call_recorded");
    world.played("lines");
    world.play("3s lines hears HoldMusic\n4s alice > REINVITE\n4s alice < 200\n4s lines hears alice\n4s alice hears lines\n5s alice > BYE\n5s lines < BYE");
    world.finish();
    // A recording that begins anew meanwhile holds the rest of it.
    let mut world = announced(true);
    world.record(RecordAction::Stop).unwrap();
    world.record(RecordAction::Start).unwrap();
    assert_eq!(said_to(&world), [true, true]);
    world.play("2s alice > BYE\n2s lines < BYE");
    world.finish();
}

#[test]
fn who_is_handed_on_while_he_is_told_is_connected_with_the_new_party() {
    let mut world = announced(true);
    world.play(
        r#"
        2s  alice > REFER 1002
        2s  alice < 202
        2s  bob   < INVITE
        3s  bob   > 200
        3s  bob   < ACK
        "#,
    );
    world.play("40s lines hears bob\n40s bob hears lines\n41s lines > BYE\n41s bob < BYE");
}

#[test]
fn only_customers_of_recorded_calls_are_told() {
    let mut world = announced(false);
    world.play("1s lines hears alice\n1s alice hears lines\n2s alice > BYE\n2s lines < BYE");
    world.finish();
    // Help is not kept waiting.
    let mut world = announcing(true);
    world.play("0ms alice > INVITE 110\n0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s alice < 200\n1s lines hears alice\n2s alice > BYE\n2s lines < BYE");
    world.finish();
    // Who calls in is told by his queue.
    let mut world = announcing(true);
    world.play("0ms lines > INVITE 01012345678\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines < 200\n1s lines hears alice\n2s alice > BYE\n2s lines < BYE");
    world.finish();
}

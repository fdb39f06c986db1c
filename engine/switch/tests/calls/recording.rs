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

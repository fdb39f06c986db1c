//! Whether a party speaks.

use super::rig::*;
use super::*;
use crate::Detect;
use crate::codec::g711;
use crate::testing::sine;

const FRAME_US: u64 = 20_000;

/// What was told of the party, and when, ms.
#[derive(Default)]
struct Told {
    seen: usize,
    lines: Vec<(u64, Activity)>,
}

impl Told {
    fn look(&mut self, rig: &Rig) {
        for event in &rig.world.events[self.seen..] {
            if let Event::Voice { endpoint: A, activity } = event {
                self.lines.push((rig.now().mono_us / 1_000, *activity));
            }
        }
        self.seen = rig.world.events.len();
    }
}

#[test]
fn speech_begins_with_a_sound_and_ends_with_silence_or_with_no_packets_at_all() {
    let mut rig = Rig::default();
    let mut party = rig.party(A, &[PCMU]);
    rig.command(Command::DetectVoice { endpoint: A, detect: Detect::On });
    let loud: Vec<u8> = sine(8_000, 500.0, 2_000.0, 0.02).iter().map(|sample| g711::to_ulaw(*sample)).collect();
    let quiet = [0xFF; 160];
    let mut told = Told::default();
    let began = rig.now().mono_us / 1_000;
    let mut say = |rig: &mut Rig, payload: &[u8], frames: u32| {
        for _ in 0..frames {
            rig.speak(&mut party, payload);
            told.look(rig);
        }
    };
    say(&mut rig, &quiet, 50);
    say(&mut rig, &loud, 50);
    say(&mut rig, &quiet, 50);
    say(&mut rig, &loud, 5);
    for _ in 0..50 {
        rig.wait(FRAME_US);
        told.look(&rig);
    }
    let told: Vec<(u64, Activity)> = told.lines.iter().map(|(at, what)| (at - began, *what)).collect();
    let (speech, silence) = (Activity::Speech, Activity::Silence);
    assert_eq!(told, [(1_060, speech), (2_400, silence), (3_060, speech), (3_500, silence)]);
}

#[test]
fn nothing_is_told_unless_somebody_listens() {
    let mut rig = Rig::default();
    let mut party = rig.party(A, &[PCMU]);
    let loud = [0x80; 80].into_iter().chain([0x00; 80]).collect::<Vec<u8>>();
    let mut talk = |rig: &mut Rig| (0..20).for_each(|_| rig.speak(&mut party, &loud));
    talk(&mut rig);
    rig.command(Command::DetectVoice { endpoint: A, detect: Detect::On });
    rig.command(Command::DetectVoice { endpoint: A, detect: Detect::Off });
    talk(&mut rig);
    assert!(!rig.world.events.iter().any(|event| matches!(event, Event::Voice { .. })));
    rig.command(Command::DetectVoice { endpoint: A, detect: Detect::On });
    talk(&mut rig);
    rig.command(Command::DetectVoice { endpoint: A, detect: Detect::Off });
    assert!(!rig.relay.deadlines.iter().any(|(_, due)| matches!(due, Deadline::Pause(_))), "nothing is looked for");
    rig.command(Command::DetectVoice { endpoint: A, detect: Detect::On });
    talk(&mut rig);
    rig.command(Command::Close(A));
    assert!(!rig.relay.deadlines.iter().any(|(_, due)| matches!(due, Deadline::Pause(_))), "nor after the end");
}

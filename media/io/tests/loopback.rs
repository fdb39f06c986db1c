//! Real sockets on loopback, on ports the kernel chooses; waits for conditions, never for a time.
#![expect(clippy::unwrap_used, reason = "a test whose phone cannot begin should say where")]

mod phones;

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::codec::g711::{ALAW_TO_LINEAR, ULAW_TO_ALAW};
use media::prompt::Clip;
use media::{
    Channels, Codec, Command, EndpointId, Event, Hear, OpenEndpoint, PlayerId, Playlist, Prompt, RecordRate,
    RecordSink, RecorderId, Source, StartRecorder, Tone, TonePlan,
};
use phones::Switch;

const A: EndpointId = EndpointId(1);
const B: EndpointId = EndpointId(2);

fn talk(switch: &Switch) {
    switch.hear(A, &[Source::Endpoint(B)]);
    switch.hear(B, &[Source::Endpoint(A)]);
}

#[test]
fn two_phones_hear_each_other_as_one_stream_each() {
    let switch = Switch::start();
    let (mut alice, mut bob) = (switch.phone(A, &[Codec::Pcmu]), switch.phone(B, &[Codec::Pcmu]));
    talk(&switch);
    alice.send_until_heard(&mut bob);
    bob.send_until_heard(&mut alice);
    bob.drain();
    let mut numbers = Vec::new();
    for i in 0..50u8 {
        alice.send(&[i; 160]);
        let (header, payload) = bob.receive().expect("forwarded");
        assert_eq!(payload, [i; 160]);
        numbers.push((header.sequence, header.timestamp, header.ssrc));
    }
    for pair in numbers.windows(2) {
        let (one, next) = (pair[0], pair[1]);
        assert_eq!((next.0.wrapping_sub(one.0), next.1.wrapping_sub(one.1), next.2), (1, 160, one.2));
    }
    assert_ne!(numbers[0].2, alice.header.ssrc, "our own SSRC");
    switch.handle.send(Command::Close(B)).unwrap();
    let stats = switch.wait_for(|event| match event {
        Event::Closed { endpoint: B, stats, .. } => Some(*stats),
        _ => None,
    });
    assert!(stats.sent_packets >= 51 && stats.received_packets >= 1 && stats.lost_packets == 0, "{stats:?}");
}

#[test]
fn different_laws_are_translated() {
    let switch = Switch::start();
    let (mut alice, mut bob) = (switch.phone(A, &[Codec::Pcmu]), switch.phone(B, &[Codec::Pcma]));
    talk(&switch);
    alice.send_until_heard(&mut bob);
    bob.drain();
    let payload: Vec<u8> = (0..160).collect();
    alice.send(&payload);
    let (header, heard) = bob.receive().expect("translated");
    assert_eq!(header.payload_type, 8);
    assert_eq!(heard, payload.iter().map(|code| ULAW_TO_ALAW[usize::from(*code)]).collect::<Vec<_>>());
}

#[test]
fn echo_is_hearing_oneself() {
    let switch = Switch::start();
    let mut alice = switch.phone(A, &[Codec::Opus]);
    switch.hear(A, &[Source::Endpoint(A)]);
    alice.send_until(|phone| phone.receive_now().is_some());
}

#[test]
fn a_tone_is_paced_and_a_clip_ends() {
    let switch = Switch::start();
    let alice = switch.phone(A, &[Codec::Pcma]);
    let tone = Prompt::Tone { plan: TonePlan::China, tone: Tone::Dial };
    switch.handle.send(Command::StartPlayer { player: PlayerId(1), playlist: Playlist::forever(tone) }).unwrap();
    switch.hear(A, &[Source::Player(PlayerId(1))]);
    let first = alice.receive().expect("a tone");
    let began = Instant::now();
    let mut last = first.0;
    let mut loudest = 0;
    for _ in 0..25 {
        let (header, payload) = alice.receive().expect("a tone");
        let step = header.timestamp.wrapping_sub(last.timestamp);
        assert!(header.sequence == last.sequence.wrapping_add(1) && step % 160 == 0);
        loudest = payload.iter().map(|code| ALAW_TO_LINEAR[usize::from(*code)]).fold(loudest, i16::max);
        last = header;
    }
    assert!(began.elapsed() >= Duration::from_millis(450), "paced: {:?}", began.elapsed());
    assert!((6_000..9_000).contains(&loudest), "{loudest}");

    let clip = Clip { name: 7, samples: vec![1_000; 1_600].into(), rate: RecordRate::Narrow };
    switch
        .handle
        .send(Command::StartPlayer { player: PlayerId(2), playlist: Playlist::once(vec![Prompt::Clip(clip)]) })
        .unwrap();
    switch.hear(A, &[Source::Player(PlayerId(2))]);
    switch.wait_for(|event| (*event == Event::PlayerEnded { player: PlayerId(2) }).then_some(()));
}

/// A sink that can be looked into.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<i16>>>);

impl RecordSink for Tape {
    fn frames(&mut self, interleaved: &[i16]) {
        self.0.lock().unwrap().extend_from_slice(interleaved);
    }
}

struct Broken;

impl RecordSink for Broken {
    fn frames(&mut self, _: &[i16]) {
        panic!("disk on fire");
    }
}

#[test]
fn both_voices_are_recorded_on_their_sides_whatever_another_sink_does() {
    let switch = Switch::start();
    let (mut alice, mut bob) = (switch.phone(A, &[Codec::Pcmu]), switch.phone(B, &[Codec::Pcmu]));
    talk(&switch);
    alice.send_until_heard(&mut bob);
    bob.send_until_heard(&mut alice);
    let tape = Tape::default();
    let sinks: [(u64, Box<dyn RecordSink>); 2] = [(1, Box::new(Broken)), (2, Box::new(tape.clone()))];
    for (id, sink) in sinks {
        let recorder = RecorderId(id);
        let start = StartRecorder {
            recorder,
            channels: Channels { left: [A].into(), right: [B].into(), ..Channels::default() },
            rate: RecordRate::Narrow,
            sink,
        };
        switch.handle.send(Command::StartRecorder(start)).unwrap();
    }
    let began = Instant::now();
    while tape.0.lock().unwrap().len() < 2 * 8_000 / 2 {
        alice.send(&[0x10; 160]);
        bob.send(&[0x90; 160]);
        alice.pace();
        assert!(began.elapsed() < phones::PATIENCE, "no frames");
    }
    switch.handle.send(Command::StopRecorder(RecorderId(1))).unwrap();
    switch.handle.send(Command::StopRecorder(RecorderId(2))).unwrap();
    let frames = switch.wait_for(|event| match event {
        Event::RecordingStopped { recorder: RecorderId(2), frames, lost_packets: 0 } => Some(*frames),
        _ => None,
    });
    let tape = tape.0.lock().unwrap();
    assert_eq!(tape.len() as u64, frames * 2);
    let loud = |side: usize, negative: bool| {
        tape.iter()
            .skip(side)
            .step_by(2)
            .filter(|sample| if negative { **sample < -9_000 } else { **sample > 9_000 })
            .count()
    };
    assert!(loud(0, true) > 2_000 && loud(0, false) == 0, "alice is left");
    assert!(loud(1, false) > 2_000 && loud(1, true) == 0, "bob is right");
}

/// Blocks until it is let go.
struct Stuck(Arc<Mutex<()>>);

impl RecordSink for Stuck {
    fn frames(&mut self, _: &[i16]) {
        drop(self.0.lock());
    }
}

#[test]
fn a_sink_that_blocks_holds_up_neither_packets_nor_music() {
    let switch = Switch::start();
    let (mut alice, mut bob) = (switch.phone(A, &[Codec::Pcmu]), switch.phone(B, &[Codec::Pcmu]));
    talk(&switch);
    let gate = Arc::new(Mutex::new(()));
    let held = gate.lock().unwrap();
    let sink = Box::new(Stuck(Arc::clone(&gate)));
    let start = StartRecorder {
        recorder: RecorderId(1),
        channels: Channels { left: [A].into(), right: [B].into(), ..Channels::default() },
        rate: RecordRate::Narrow,
        sink,
    };
    switch.handle.send(Command::StartRecorder(start)).unwrap();
    alice.send_until_heard(&mut bob);
    for _ in 0..25 {
        alice.pace();
    }
    bob.drain();
    alice.send(&[1; 160]);
    assert!(bob.receive().is_some());
    let music = Prompt::Loop(Clip { name: 1, samples: vec![500; 1_600].into(), rate: RecordRate::Wide });
    switch.handle.send(Command::StartPlayer { player: PlayerId(1), playlist: Playlist::forever(music) }).unwrap();
    switch.hear(B, &[Source::Player(PlayerId(1))]);
    assert!(bob.receive().is_some());
    drop(held);
    switch.handle.send(Command::StopRecorder(RecorderId(1))).unwrap();
    switch.wait_for(|event| matches!(event, Event::RecordingStopped { .. }).then_some(()));
}

#[test]
fn a_port_that_is_taken_is_told_and_a_closed_one_can_be_had_again() {
    let switch = Switch::start();
    let mut alice = switch.phone(A, &[Codec::Pcmu]);
    let (rtp, rtcp) = alice.switch_at;
    let open = |endpoint| Command::Open(OpenEndpoint { endpoint, rtp, rtcp, seed: 1 });
    switch.handle.send(open(B)).unwrap();
    let reason = switch.wait_for(|event| match event {
        Event::OpenFailed { endpoint: B, reason } => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.contains("in use"), "{reason}");
    for _ in 0..20 {
        switch.handle.send(Command::Close(A)).unwrap();
        switch.handle.send(open(A)).unwrap();
        switch.wait_for(|event| matches!(event, Event::Opened { endpoint: A, .. }).then_some(()));
    }
    switch.configure(&alice);
    switch.hear(A, &[Source::Endpoint(A)]);
    alice.send_until(|phone| phone.receive_now().is_some());
}

#[test]
fn a_digit_is_told_once_and_passed_on() {
    let switch = Switch::start();
    let codecs = [Codec::Pcmu, Codec::TelephoneEvent { clock_hz: 8_000 }];
    let (mut alice, mut bob) = (switch.phone(A, &codecs), switch.phone(B, &codecs));
    talk(&switch);
    alice.send_until_heard(&mut bob);
    bob.drain();
    alice.press(5);
    let digit = switch.wait_for(|event| match event {
        Event::Digit(pressed) => Some(*pressed),
        _ => None,
    });
    assert_eq!((digit.endpoint, digit.digit), (A, '5'));
    let (header, payload) = bob.receive().expect("passed on");
    assert_eq!((header.payload_type, payload[0]), (101, 5));
    // All packets of the key have been read by the time this is told.
    switch.handle.send(Command::Close(A)).unwrap();
    let more = switch
        .until(|event| matches!(event, Event::Closed { endpoint: A, .. }), |event| matches!(event, Event::Digit(_)));
    assert_eq!(more, 0);
}

#[test]
fn ipv6_phones_are_served() {
    let switch = Switch::start();
    let mut alice = switch.phone_at("[::1]:0", A, &[Codec::Pcmu]);
    switch.hear(A, &[Source::Endpoint(A)]);
    alice.send_until(|phone| phone.receive_now().is_some());
}

#[test]
fn silence_is_told_and_shutdown_closes_everything() {
    let switch = Switch::start();
    let alice = switch.phone(A, &[Codec::Pcmu]);
    let mut session = Switch::session(&alice);
    session.rtp_timeout = Some(Duration::from_millis(50));
    switch.handle.send(Command::Configure { endpoint: A, session }).unwrap();
    switch.wait_for(|event| (*event == Event::TimedOut { endpoint: A }).then_some(()));
    let tape = Tape::default();
    let start = StartRecorder {
        recorder: RecorderId(1),
        channels: Channels { left: [A].into(), right: [A].into(), ..Channels::default() },
        rate: RecordRate::Wide,
        sink: Box::new(tape.clone()),
    };
    switch.handle.send(Command::StartRecorder(start)).unwrap();
    let Switch { handle, events } = switch;
    handle.send(Command::Hear(Hear { sink: A, sources: vec![] })).unwrap();
    handle.shutdown();
    let left: Vec<Event> = events.try_iter().collect();
    assert!(left.iter().any(|event| matches!(event, Event::RecordingStopped { .. })), "{left:?}");
    assert!(left.iter().any(|event| matches!(event, Event::Closed { endpoint: A, .. })), "{left:?}");
    assert_eq!(Arc::strong_count(&tape.0), 1, "the sink has been dropped");
}

#[test]
fn the_last_handle_ends_the_threads() {
    let (sender, events) = channel();
    let handle = media_io::start(Arc::new(move |event| drop(sender.send(event))), None).unwrap();
    drop(handle);
    // The callback is dropped with the threads.
    let gone = events.recv_timeout(phones::PATIENCE);
    assert!(matches!(gone, Err(std::sync::mpsc::RecvTimeoutError::Disconnected)));
}

//! The relay as a whole, with made-up packets and a made-up clock.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::codec::g711::ULAW_TO_ALAW;
use crate::prompt::{Clip, Repeat, Tone, TonePlan};
use crate::rtcp::PeerReport;
use crate::rtp::{Packet, is_rtcp};
use crate::{Codec, Direction, Format, PayloadType, RecordRate, RecordSink, Remote, Session, SourceRule};

const A: EndpointId = EndpointId(1);
const B: EndpointId = EndpointId(2);
const MUSIC: PlayerId = PlayerId(1);
const EVENTS: Codec = Codec::TelephoneEvent { clock_hz: 8_000 };

/// Everything the relay did.
#[derive(Default)]
struct World {
    sent: Vec<Datagram>,
    events: Vec<Event>,
    encode: Vec<(Prompt, Coder)>,
    taps: Vec<(EndpointId, Vec<u8>)>,
    recorders: Vec<String>,
    taken: bool,
}

#[derive(Debug, Clone)]
struct Datagram {
    slot: Slot,
    port: Port,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Output for World {
    fn bind(&mut self, _: Slot, open: &OpenEndpoint) -> Result<Bound, String> {
        if self.taken { Err("taken".into()) } else { Ok(Bound { rtp: open.rtp, rtcp: open.rtcp }) }
    }

    fn unbind(&mut self, _: Slot) {}

    fn send(&mut self, slot: Slot, port: Port, to: SocketAddr, datagram: &[u8]) -> bool {
        self.sent.push(Datagram { slot, port, to, bytes: datagram.to_vec() });
        true
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    fn encode(&mut self, prompt: &Prompt, coder: Coder) {
        self.encode.push((prompt.clone(), coder));
    }

    fn start_recorder(&mut self, _: Now, start: StartRecorder) {
        self.recorders.push(format!("start {}", start.recorder.0));
    }

    fn stop_recorder(&mut self, _: Now, recorder: RecorderId) {
        self.recorders.push(format!("stop {}", recorder.0));
    }

    fn tap(&mut self, tap: Tap<'_>) {
        self.taps.push((tap.endpoint, tap.payload.to_vec()));
    }
}

/// A relay in its world, and the time there.
#[derive(Default)]
struct Rig {
    relay: Relay,
    world: World,
    now_us: u64,
}

/// A party with its own numbers.
struct Party {
    slot: Slot,
    address: SocketAddr,
    header: Header,
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 4_000))
}

fn format(codec: Codec, number: u8) -> Format {
    Format::new(codec, PayloadType::new(number).unwrap())
}

fn session(host: u8, formats: &[(Codec, u8)]) -> Session {
    let formats = formats.iter().map(|(codec, number)| format(codec.clone(), *number)).collect();
    Session::new(Some(Remote::new(address(host))), formats)
}

impl Rig {
    fn command(&mut self, command: Command) {
        let now = self.now();
        self.relay.handle(now, command, &mut self.world);
    }

    fn now(&self) -> Now {
        Now { mono_us: self.now_us, unix_us: 1_700_000_000_000_000 + self.now_us }
    }

    fn open(&mut self, id: EndpointId) -> Slot {
        let rtp = SocketAddr::from(([10, 0, 0, 1], 20_000 + id.0 as u16 * 2));
        let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
        self.command(Command::Open(OpenEndpoint { endpoint: id, rtp, rtcp, seed: 0x5EED << 32 | id.0 }));
        self.relay.slot(id).unwrap()
    }

    /// An endpoint with a party at `192.0.2.id`.
    fn party(&mut self, id: EndpointId, formats: &[(Codec, u8)]) -> Party {
        let slot = self.open(id);
        let host = id.0 as u8;
        self.configure(id, session(host, formats));
        let header =
            Header { payload_type: formats[0].1, ssrc: 0xAA00 + id.0 as u32, sequence: 7, ..Header::default() };
        Party { slot, address: address(host), header }
    }

    fn configure(&mut self, endpoint: EndpointId, session: Session) {
        self.command(Command::Configure { endpoint, session });
    }

    fn hear(&mut self, sink: EndpointId, sources: &[Source]) {
        self.command(Command::Hear(Hear { sink, sources: sources.to_vec() }));
    }

    fn play(&mut self, player: PlayerId, prompt: Prompt) {
        self.command(Command::StartPlayer { player, prompt });
    }

    /// A party's next packet, 20 ms after the last.
    fn speak(&mut self, party: &mut Party, payload: &[u8]) {
        self.wait(20_000);
        party.header.sequence = party.header.sequence.wrapping_add(1);
        party.header.timestamp = party.header.timestamp.wrapping_add(160);
        let header = party.header;
        self.inject(party.slot, party.address, &header, payload);
    }

    fn inject(&mut self, slot: Slot, from: SocketAddr, header: &Header, payload: &[u8]) {
        let mut buffer = [0; 400];
        let len = header.build(payload, &mut buffer).len();
        let now = self.now();
        self.relay.receive(now, slot, Port::Rtp, from, &mut buffer[..len], &mut self.world);
    }

    /// Lets time pass, with everything that is due in it and every prompt encoded at once.
    fn wait(&mut self, us: u64) {
        let end = self.now_us + us;
        self.encode();
        while let Some(due) = self.relay.poll_timeout().filter(|due| *due <= end) {
            self.now_us = self.now_us.max(due);
            let now = self.now();
            self.relay.handle_timeout(now, &mut self.world);
            self.encode();
        }
        self.now_us = end;
    }

    fn encode(&mut self) {
        for (prompt, coder) in std::mem::take(&mut self.world.encode) {
            let encoded = EncodedPrompt::encode(&prompt, coder);
            let now = self.now();
            self.relay.prompt_encoded(now, &prompt, coder, encoded);
        }
    }

    /// RTP sent from an endpoint since the last look, with its destination.
    fn heard(&mut self, slot: Slot) -> Vec<(SocketAddr, Header, Vec<u8>)> {
        let (mine, others) = std::mem::take(&mut self.world.sent)
            .into_iter()
            .partition(|datagram: &Datagram| datagram.slot == slot && !is_rtcp(&datagram.bytes));
        self.world.sent = others;
        mine.into_iter()
            .map(|mut datagram: Datagram| {
                let packet = Packet::parse(&mut datagram.bytes).unwrap();
                (datagram.to, *packet.header(), packet.payload().to_vec())
            })
            .collect()
    }

    fn stats(&self, party: &Party) -> crate::EndpointStats {
        self.relay.endpoint(party.slot).unwrap().stats()
    }

    fn talk(&mut self) {
        self.hear(A, &[Source::Endpoint(B)]);
        self.hear(B, &[Source::Endpoint(A)]);
    }
}

const PCMU: (Codec, u8) = (Codec::Pcmu, 0);

#[test]
fn any_codec_passes_with_each_sides_numbers() {
    let other = |name: &str| Codec::Other { name: name.into(), clock_hz: 8_000 };
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus, other("g729")] {
        let mut rig = Rig::default();
        let mut alice = rig.party(A, &[(codec.clone(), 96), (EVENTS, 101)]);
        let bob = rig.party(B, &[(other("ilbc"), 97), (EVENTS, 110), (codec.clone(), 111)]);
        rig.talk();
        rig.speak(&mut alice, b"voice");
        alice.header.payload_type = 101;
        rig.speak(&mut alice, &[5, 0x0A, 0, 160]);
        let heard = rig.heard(bob.slot);
        assert_eq!(
            heard.iter().map(|(to, header, _)| (*to, header.payload_type)).collect::<Vec<_>>(),
            [(address(2), 111), (address(2), 110)]
        );
        assert_eq!(heard[0].2, b"voice");
    }
}

#[test]
fn laws_are_translated_and_nothing_else_is() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU, (Codec::G722, 9)]);
    let bob = rig.party(B, &[(Codec::Pcma, 8)]);
    rig.talk();
    rig.speak(&mut alice, &[0, 0x7F, 0xFF]);
    let heard = rig.heard(bob.slot);
    assert_eq!(
        (heard[0].1.payload_type, &heard[0].2[..]),
        (8, &[ULAW_TO_ALAW[0], ULAW_TO_ALAW[0x7F], ULAW_TO_ALAW[0xFF]][..])
    );
    alice.header.payload_type = 9;
    rig.speak(&mut alice, &[1; 160]);
    assert!(rig.heard(bob.slot).is_empty());
    assert_eq!(rig.stats(&bob).unsent_packets, 1);
}

#[test]
fn a_re_invite_that_changes_the_codec_is_followed_in_the_same_stream() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    rig.talk();
    rig.speak(&mut alice, &[1; 160]);
    rig.configure(B, session(2, &[(Codec::Pcma, 8)]));
    rig.speak(&mut alice, &[1; 160]);
    let heard = rig.heard(bob.slot);
    assert_eq!((heard[0].1.payload_type, heard[1].1.payload_type), (0, 8));
    assert_eq!(heard[1].1.sequence.wrapping_sub(heard[0].1.sequence), 1);
    assert_eq!(heard[1].1.timestamp.wrapping_sub(heard[0].1.timestamp), 160);
    assert_eq!(heard[1].1.ssrc, heard[0].1.ssrc);
}

#[test]
fn hold_plays_music_and_resume_goes_on_in_the_same_stream() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    rig.talk();
    (0..10).for_each(|_| rig.speak(&mut alice, &[1; 160]));
    rig.play(MUSIC, Prompt::HoldMusic);
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.wait(10_000);
    (0..50).for_each(|_| rig.speak(&mut alice, &[2; 160]));
    rig.talk();
    (0..10).for_each(|_| rig.speak(&mut alice, &[3; 160]));
    let heard = rig.heard(bob.slot);
    assert!((69..=71).contains(&heard.len()), "{}", heard.len());
    assert!(heard.iter().all(|(_, _, payload)| *payload != [2; 160]), "not heard while on hold");
    for pair in heard.windows(2) {
        assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
        // A break of at most 40 ms beyond the frame itself.
        assert!((160..=480).contains(&pair[1].1.timestamp.wrapping_sub(pair[0].1.timestamp)));
        assert_eq!(pair[1].1.ssrc, pair[0].1.ssrc);
    }
    assert_eq!(heard.iter().filter(|(_, header, _)| header.marker).count(), 3);
    let elapsed = heard.last().unwrap().1.timestamp.wrapping_sub(heard[0].1.timestamp) / 8;
    assert!((1_390 - 40..=1_390 + 40).contains(&elapsed), "{elapsed} ms of 1390");
    // The music stops with its player.
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.command(Command::StopPlayer(MUSIC));
    rig.heard(bob.slot);
    rig.wait(1_000_000);
    assert!(rig.heard(bob.slot).is_empty());
}

#[test]
fn one_music_is_heard_by_many_in_their_codecs_and_encoded_once_each() {
    let mut rig = Rig::default();
    let codecs = [(Codec::Pcmu, 0), (Codec::Pcma, 8), (Codec::G722, 9), (Codec::Opus, 111)];
    let parties: Vec<Party> =
        (0..8u64).map(|i| rig.party(EndpointId(i + 1), &[codecs[i as usize % 4].clone()])).collect();
    rig.play(MUSIC, Prompt::HoldMusic);
    for id in 1..=8 {
        rig.hear(EndpointId(id), &[Source::Player(MUSIC)]);
    }
    assert_eq!(rig.world.encode.len(), 4);
    rig.wait(1_000_000);
    for (party, (codec, number)) in parties.iter().zip(codecs.iter().cycle()) {
        let heard = rig.heard(party.slot);
        assert!((50..=51).contains(&heard.len()), "{codec:?}: {}", heard.len());
        let step = codec.clock_hz() / 50;
        assert!(heard.windows(2).all(|pair| pair[1].1.timestamp.wrapping_sub(pair[0].1.timestamp) == step));
        assert!(heard.iter().all(|(_, header, _)| header.payload_type == *number));
    }
}

#[test]
fn a_clip_begins_at_its_beginning_once_it_is_ready_and_tells_its_end() {
    let mut rig = Rig::default();
    let bob = rig.party(B, &[PCMU]);
    let samples: Vec<i16> = (0..1_600).map(|i| i / 160 * 1_000).collect();
    let clip = Clip { name: 1, samples: samples.into(), rate: RecordRate::Narrow, repeat: Repeat::Once };
    rig.play(MUSIC, Prompt::Clip(clip.clone()));
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.now_us += 300_000; // encoding takes its time
    rig.wait(500_000);
    let heard = rig.heard(bob.slot);
    assert_eq!(heard.len(), 10);
    assert_eq!(heard[0].2, [0xFF; 160]);
    assert_eq!(rig.world.events.iter().filter(|event| **event == Event::PlayerEnded { player: MUSIC }).count(), 1);
    assert!(rig.relay.prompts.is_empty(), "a clip is forgotten with its last player");
    assert!(!rig.relay.graph().has_player(MUSIC));
}

#[test]
fn after_a_stall_a_player_skips_and_does_not_bunch() {
    let mut rig = Rig::default();
    let bob = rig.party(B, &[PCMU]);
    rig.play(MUSIC, Prompt::Tone { plan: TonePlan::China, tone: Tone::Dial });
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.wait(100_000);
    let before = rig.heard(bob.slot);
    rig.now_us += 500_000;
    rig.wait(0);
    let after = rig.heard(bob.slot);
    assert_eq!(after.len(), 1);
    let (last, next) = (before.last().unwrap().1, after[0].1);
    assert_eq!(next.sequence.wrapping_sub(last.sequence), 1);
    assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 25 * 160, "time stamps follow the clock");
}

#[test]
fn a_flood_from_elsewhere_is_dropped_and_counted() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    rig.talk();
    rig.speak(&mut alice, &[1; 160]);
    let forged = Header { payload_type: 0, ssrc: alice.header.ssrc, sequence: 9, ..Header::default() };
    for i in 0..1_000 {
        rig.inject(alice.slot, address(66), &Header { sequence: 9 + i, ..forged }, &[9; 160]);
    }
    rig.speak(&mut alice, &[1; 160]);
    let heard = rig.heard(bob.slot);
    assert_eq!(heard.iter().map(|(.., payload)| payload[0]).collect::<Vec<_>>(), [1, 1]);
    assert_eq!((rig.stats(&alice).rejected_packets, rig.stats(&alice).received_packets), (1_000, 2));
    let locks = rig.world.events.iter().filter(|event| matches!(event, Event::SourceLocked { .. })).count();
    assert_eq!(locks, 1);
}

#[test]
fn we_send_to_where_the_party_really_is() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let mut bob = rig.party(B, &[PCMU]);
    rig.talk();
    rig.speak(&mut bob, &[1; 160]);
    assert_eq!(rig.heard(alice.slot)[0].0, address(1), "by its SDP at first");
    alice.address = SocketAddr::from(([203, 0, 113, 9], 61_000));
    (0..6).for_each(|_| rig.speak(&mut alice, &[2; 160]));
    rig.speak(&mut bob, &[1; 160]);
    assert_eq!(rig.heard(alice.slot)[0].0, alice.address);
    // A new address in a re-INVITE counts again.
    rig.configure(A, session(77, &[PCMU]));
    rig.speak(&mut bob, &[1; 160]);
    assert_eq!(rig.heard(alice.slot)[0].0, address(77));
}

#[test]
fn nothing_is_sent_to_a_party_that_will_not_hear_or_whose_address_is_unknown() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    rig.talk();
    for direction in [Direction::ReceiveOnly, Direction::Inactive] {
        rig.configure(B, Session { direction, ..session(2, &[PCMU]) });
        rig.speak(&mut alice, &[1; 160]);
        assert!(rig.heard(bob.slot).is_empty(), "{direction:?}");
    }
    rig.configure(B, Session { remote: None, ..session(2, &[PCMU]) });
    rig.speak(&mut alice, &[1; 160]);
    assert!(rig.heard(bob.slot).is_empty());
    rig.configure(B, Session { direction: Direction::SendOnly, ..session(2, &[PCMU]) });
    rig.speak(&mut alice, &[1; 160]);
    assert_eq!(rig.heard(bob.slot).len(), 1);
}

#[test]
fn a_key_is_told_once() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU, (EVENTS, 101)]);
    rig.speak(&mut alice, &[1; 160]);
    let mut key = Header { payload_type: 101, marker: true, ..alice.header };
    key.timestamp += 160;
    for i in 0..8 {
        key.sequence += 1;
        rig.inject(alice.slot, alice.address, &key, &[11, if i > 4 { 0x8A } else { 0x0A }, 0, 160]);
        rig.inject(alice.slot, alice.address, &key, &[11, 0x0A, 0, 160]); // duplicated by the network
        key.marker = false;
    }
    let digits: Vec<_> = rig.world.events.iter().filter(|event| matches!(event, Event::Digit(_))).collect();
    assert_eq!(digits, [&Event::Digit(crate::DigitPressed { endpoint: A, digit: '#' })]);
    assert_eq!(rig.stats(&alice).duplicate_packets, 8);
}

#[test]
fn silence_is_told_once_until_rtp_comes_again_and_not_on_hold() {
    let timed_out = |rig: &Rig| rig.world.events.iter().filter(|event| matches!(event, Event::TimedOut { .. })).count();
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    rig.wait(29_000_000);
    rig.speak(&mut alice, &[1; 160]);
    rig.wait(29_900_000);
    assert_eq!(timed_out(&rig), 0);
    rig.wait(200_000);
    assert_eq!(timed_out(&rig), 1);
    rig.wait(300_000_000);
    assert_eq!(timed_out(&rig), 1);
    rig.speak(&mut alice, &[1; 160]);
    rig.wait(31_000_000);
    assert_eq!(timed_out(&rig), 2);
    rig.configure(A, Session { direction: Direction::SendOnly, ..session(1, &[PCMU]) });
    rig.wait(300_000_000);
    rig.configure(A, Session { rtp_timeout: None, ..session(1, &[PCMU]) });
    rig.wait(300_000_000);
    assert_eq!(timed_out(&rig), 2);
    rig.configure(A, Session { rtp_timeout: Some(Duration::from_secs(5)), ..session(1, &[PCMU]) });
    rig.wait(5_000_000);
    assert_eq!(timed_out(&rig), 3);
}

#[test]
fn reports_are_ours_and_measure_the_round_trip() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let mut bob = rig.party(B, &[PCMU]);
    rig.talk();
    for _ in 0..600 {
        rig.speak(&mut alice, &[1; 160]);
        rig.speak(&mut bob, &[2; 160]);
    }
    let reports: Vec<Datagram> = rig.world.sent.iter().filter(|datagram| is_rtcp(&datagram.bytes)).cloned().collect();
    assert!((4..=20).contains(&reports.len()), "{} in 24 s for two legs", reports.len());
    let to_alice = reports.iter().rfind(|report| report.slot == alice.slot).unwrap();
    assert_eq!((to_alice.port, to_alice.to.port()), (Port::Rtcp, 4_001));
    let about = PeerReport::read(&to_alice.bytes, alice.header.ssrc).unwrap();
    assert_eq!(about.of_us.unwrap().cumulative_lost, 0);
    assert!(about.sender_ntp_middle.is_some(), "a sender report");
    // Alice answers 250 ms after she got it; the way back takes none here.
    let now = rig.now();
    let ours = rig.relay.endpoint(alice.slot).unwrap().out.ssrc();
    let answer = crate::rtcp::OwnReport {
        ssrc: alice.header.ssrc,
        cname: "alice",
        sender: None,
        reception: Some(crate::reception::ReceptionReport {
            ssrc: ours,
            fraction_lost: 0,
            cumulative_lost: 12,
            extended_sequence: 0,
            jitter: 80,
        }),
        last_sender_report: Some(crate::rtcp::LastSenderReport {
            ntp_middle: now.ntp_middle().wrapping_sub((1 << 16) / 2),
            delay: (1 << 16) / 4,
        }),
        bye: false,
    };
    let mut buffer = [0; 256];
    let len = answer.write(&mut buffer).len();
    let from = SocketAddr::new(address(1).ip(), 4_001);
    rig.relay.receive(now, alice.slot, Port::Rtcp, from, &mut buffer[..len], &mut rig.world);
    let stats = rig.stats(&alice);
    assert_eq!((stats.remote_lost_packets, stats.remote_jitter_ms), (12, 10.0));
    assert!((249.0..=251.0).contains(&stats.round_trip_ms.unwrap()), "{:?}", stats.round_trip_ms);
    // A stranger's report is dropped.
    rig.relay.receive(now, alice.slot, Port::Rtcp, address(66), &mut buffer[..len], &mut rig.world);
    assert_eq!(rig.stats(&alice).rejected_packets, 1);
}

#[test]
fn a_party_that_has_been_sent_to_gets_a_good_bye() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    rig.talk();
    rig.speak(&mut alice, &[1; 160]);
    rig.world.sent.clear();
    rig.command(Command::Close(B));
    rig.command(Command::Close(A));
    let byes: Vec<_> = rig.world.sent.iter().map(|datagram| datagram.slot).collect();
    assert_eq!(byes, [bob.slot], "nothing was ever sent to alice");
    let closed = rig.world.events.iter().find_map(|event| match event {
        Event::Closed { endpoint: A, stats } => Some(*stats),
        _ => None,
    });
    assert_eq!(closed.unwrap().received_packets, 1);
}

struct NoSink;

impl RecordSink for NoSink {
    fn frames(&mut self, _: &[i16]) {}
}

fn start_recorder(id: u64) -> Command {
    let (recorder, rate) = (RecorderId(id), RecordRate::Narrow);
    Command::StartRecorder(StartRecorder { recorder, left: A, right: B, rate, sink: Box::new(NoSink) })
}

#[test]
fn a_recorder_taps_what_each_party_says_on_hold_too() {
    let mut rig = Rig::default();
    let (mut alice, mut bob) = (rig.party(A, &[PCMU, (EVENTS, 101)]), rig.party(B, &[PCMU]));
    rig.speak(&mut alice, &[1; 160]);
    rig.command(start_recorder(1));
    rig.command(start_recorder(1));
    assert!(matches!(rig.world.events.last(), Some(Event::Refused { reason: Refusal::RecorderExists(_) })));
    rig.speak(&mut alice, &[2; 160]);
    rig.speak(&mut bob, &[3; 160]);
    alice.header.payload_type = 101;
    rig.speak(&mut alice, &[1, 0x8A, 0, 160]);
    alice.header.payload_type = 0;
    assert_eq!(rig.world.taps.iter().map(|(id, payload)| (*id, payload[0])).collect::<Vec<_>>(), [(A, 2), (B, 3)]);
    rig.command(Command::Close(B));
    rig.command(Command::StopRecorder(RecorderId(1)));
    rig.speak(&mut alice, &[4; 160]);
    assert_eq!(rig.world.taps.len(), 2);
    assert_eq!(rig.world.recorders, ["start 1", "stop 1"]);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut rig = Rig::default();
    rig.party(A, &[PCMU]);
    let before = rig.relay.graph().clone();
    rig.hear(B, &[Source::Endpoint(A)]);
    rig.hear(A, &[Source::Endpoint(A), Source::Player(MUSIC)]);
    rig.hear(A, &[Source::Player(MUSIC)]);
    rig.command(Command::Close(B));
    rig.command(Command::StopPlayer(MUSIC));
    rig.command(Command::StopRecorder(RecorderId(1)));
    rig.command(start_recorder(1));
    rig.configure(B, session(2, &[PCMU]));
    rig.open(A);
    let reasons: Vec<Refusal> = rig
        .world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Refused { reason } => Some(*reason),
            _ => None,
        })
        .collect();
    use Refusal::{EndpointExists, NeedsMixer, NoSuchEndpoint, NoSuchPlayer, NoSuchRecorder};
    assert_eq!(
        reasons,
        [
            NoSuchEndpoint(B),
            NeedsMixer(A),
            NoSuchPlayer(MUSIC),
            NoSuchEndpoint(B),
            NoSuchPlayer(MUSIC),
            NoSuchRecorder(RecorderId(1)),
            NoSuchEndpoint(B),
            NoSuchEndpoint(B),
            EndpointExists(A),
        ]
    );
    assert_eq!(*rig.relay.graph(), before);
    rig.world.taken = true;
    rig.command(Command::Open(OpenEndpoint { endpoint: B, rtp: address(1), rtcp: address(1), seed: 1 }));
    assert_eq!(rig.world.events.last(), Some(&Event::OpenFailed { endpoint: B, reason: "taken".into() }));
}

#[test]
fn a_strict_trunk_is_sent_to_and_heard_from_its_sdp_address_only() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    rig.configure(A, Session { source_rule: SourceRule::Sdp, ..session(1, &[PCMU]) });
    rig.hear(A, &[Source::Endpoint(A)]);
    let real = std::mem::replace(&mut alice.address, address(9));
    (0..10).for_each(|_| rig.speak(&mut alice, &[1; 160]));
    assert!(rig.heard(alice.slot).is_empty());
    alice.address = real;
    rig.speak(&mut alice, &[1; 160]);
    assert_eq!(rig.heard(alice.slot)[0].0, real);
}

/// What may be ordered in the test below.
#[derive(Debug, Clone)]
enum Order {
    Open(u64),
    Close(u64),
    Hear(u64, Option<u64>),
    Music(u64, u64),
    StartPlayer(u64),
    StopPlayer(u64),
    Record(u64, u64, u64),
    StopRecord(u64),
    Direction(u64, bool),
    Speak(u64),
    Wait(u64),
}

fn order() -> impl Strategy<Value = Order> {
    let id = 1u64..5;
    prop_oneof![
        id.clone().prop_map(Order::Open),
        id.clone().prop_map(Order::Close),
        (id.clone(), proptest::option::of(id.clone())).prop_map(|(sink, source)| Order::Hear(sink, source)),
        (id.clone(), id.clone()).prop_map(|(sink, player)| Order::Music(sink, player)),
        id.clone().prop_map(Order::StartPlayer),
        id.clone().prop_map(Order::StopPlayer),
        (id.clone(), id.clone(), id.clone()).prop_map(|(recorder, left, right)| Order::Record(recorder, left, right)),
        id.clone().prop_map(Order::StopRecord),
        (id.clone(), any::<bool>()).prop_map(|(id, sends)| Order::Direction(id, sends)),
        id.prop_map(Order::Speak),
        (0u64..300_000).prop_map(Order::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any orders in any order: table and graph agree, each party gets one stream without gaps from us for each
    /// endpoint's life, and when everything has been closed nothing is left and nothing is due.
    #[test]
    fn any_orders_leave_a_relay_that_is_whole(orders in proptest::collection::vec(order(), 1..80)) {
        let mut rig = Rig::default();
        let mut parties: BTreeMap<u64, Party> = BTreeMap::new();
        for order in orders {
            match order {
                Order::Open(id) if !parties.contains_key(&id) => {
                    parties.insert(id, rig.party(EndpointId(id), &[PCMU]));
                }
                Order::Open(id) => { rig.open(EndpointId(id)); }
                Order::Close(id) => {
                    rig.command(Command::Close(EndpointId(id)));
                    if let Some(party) = parties.remove(&id) {
                        check_stream(rig.heard(party.slot))?;
                    }
                }
                Order::Hear(sink, source) => {
                    let sources: Vec<_> = source.map(|id| Source::Endpoint(EndpointId(id))).into_iter().collect();
                    rig.hear(EndpointId(sink), &sources);
                }
                Order::Music(sink, player) => rig.hear(EndpointId(sink), &[Source::Player(PlayerId(player))]),
                Order::StartPlayer(id) => {
                    rig.play(PlayerId(id), Prompt::Tone { plan: TonePlan::China, tone: Tone::Busy });
                }
                Order::StopPlayer(id) => rig.command(Command::StopPlayer(PlayerId(id))),
                Order::Record(id, left, right) => rig.command(Command::StartRecorder(StartRecorder {
                    recorder: RecorderId(id),
                    left: EndpointId(left),
                    right: EndpointId(right),
                    rate: RecordRate::Wide,
                    sink: Box::new(NoSink),
                })),
                Order::StopRecord(id) => rig.command(Command::StopRecorder(RecorderId(id))),
                Order::Direction(id, sends) => {
                    let direction = if sends { Direction::SendReceive } else { Direction::Inactive };
                    rig.configure(EndpointId(id), Session { direction, ..session(id as u8, &[PCMU]) });
                }
                Order::Speak(id) => {
                    if let Some(party) = parties.get_mut(&id) {
                        rig.speak(party, &[1; 160]);
                    }
                }
                Order::Wait(us) => rig.wait(us),
            }
            let open: Vec<EndpointId> = rig.relay.graph().endpoints().collect();
            prop_assert_eq!(open, rig.relay.by_id.keys().copied().collect::<Vec<_>>());
        }
        let now = rig.now();
        rig.relay.close_all(now, &mut rig.world);
        for party in parties.into_values() {
            check_stream(rig.heard(party.slot))?;
        }
        for id in 1..5 {
            rig.command(Command::StopPlayer(PlayerId(id)));
        }
        prop_assert!(rig.relay.graph().is_empty());
        prop_assert_eq!(rig.relay.poll_timeout(), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever comes on either port, from wherever: no panic, and nothing goes to anybody who is not in the call.
    #[test]
    fn any_datagrams_on_any_port_do_no_harm(
        datagrams in proptest::collection::vec(
            (any::<bool>(), 1u8..4, 0u8..3, proptest::collection::vec(any::<u8>(), 0..60)),
            1..40,
        ),
    ) {
        let mut rig = Rig::default();
        let alice = rig.party(A, &[(Codec::Pcmu, 0), (EVENTS, 101)]);
        rig.party(B, &[(Codec::Pcma, 8), (EVENTS, 101)]);
        rig.talk();
        rig.command(start_recorder(1));
        for (rtcp, host, kind, mut bytes) in datagrams {
            if bytes.len() > 1 {
                bytes[0] = 0x80 | bytes[0] & 0x3F;
                bytes[1] = [bytes[1], 0, 101][usize::from(kind)];
            }
            rig.now_us += 1_000;
            let (now, port) = (rig.now(), if rtcp { Port::Rtcp } else { Port::Rtp });
            rig.relay.receive(now, alice.slot, port, address(host), &mut bytes, &mut rig.world);
        }
        prop_assert!(rig.world.sent.iter().all(|datagram| datagram.to.ip() == address(2).ip()));
    }
}

fn check_stream(heard: Vec<(SocketAddr, Header, Vec<u8>)>) -> Result<(), TestCaseError> {
    for pair in heard.windows(2) {
        let ((_, one, _), (_, next, _)) = (&pair[0], &pair[1]);
        prop_assert_eq!(next.ssrc, one.ssrc);
        prop_assert_eq!(next.sequence, one.sequence.wrapping_add(1));
        prop_assert!(next.timestamp.wrapping_sub(one.timestamp) < 1 << 31);
        prop_assert!(next.timestamp != one.timestamp);
    }
    Ok(())
}

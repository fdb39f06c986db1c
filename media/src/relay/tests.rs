//! The relay as a whole, with made-up packets and a made-up clock.

mod browsers;
mod digits;
mod mixing;
mod orders;
mod packet_time;
mod playing;
mod quality;
mod rig;
mod voice;

use std::time::Duration;

use super::*;
use crate::codec::g711::ULAW_TO_ALAW;
use crate::prompt::{Clip, Tone, TonePlan};
use crate::rtcp::PeerReport;
use crate::rtp::is_rtcp;
use crate::srtp::{Guard, Kind};
use crate::{Codec, Direction, RecordRate, Session, Source, SourceRule, SrtpKey, SrtpKeys, SrtpSuite};
use rig::*;

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
fn laws_are_translated_and_nothing_is_decoded_for_that() {
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
    assert_eq!(rig.stats(&alice).buffered, crate::jitter::JitterStats::default());
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
    rig.play(MUSIC, music());
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
    rig.play(MUSIC, music());
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
    let clip = Clip { name: 1, samples: samples.into(), rate: RecordRate::Narrow };
    rig.play_once(MUSIC, vec![Prompt::Clip(clip)]);
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.now_us += 300_000; // encoding takes its time
    rig.wait(500_000);
    let heard = rig.heard(bob.slot);
    assert_eq!(heard.len(), 10);
    assert_eq!(heard[0].2, [0xFF; 160]);
    assert_eq!(rig.world.events.iter().filter(|event| **event == Event::PlayerEnded { player: MUSIC }).count(), 1);
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
        Event::Closed { endpoint: A, stats, .. } => Some(*stats),
        _ => None,
    });
    assert_eq!(closed.unwrap().received_packets, 1);
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
fn a_recorder_taps_those_who_are_named_now_and_nobody_who_whispers_to_them() {
    let mut rig = Rig::default();
    let (mut alice, mut bob) = (rig.party(A, &[PCMU]), rig.party(B, &[PCMU]));
    let supervisor = EndpointId(3);
    let mut supervisor = (rig.party(supervisor, &[PCMU]), supervisor);
    rig.command(start_recorder(1));
    rig.hear(B, &[Source::Endpoint(A), Source::Endpoint(supervisor.1)]);
    let mut say = |rig: &mut Rig| {
        rig.world.taps.clear();
        rig.speak(&mut alice, &[1; 160]);
        rig.speak(&mut bob, &[2; 160]);
        rig.speak(&mut supervisor.0, &[3; 160]);
        rig.world.taps.iter().map(|(id, _)| *id).collect::<Vec<_>>()
    };
    assert_eq!(say(&mut rig), [A, B], "a whisper is in no channel");
    let channels = Channels { left: [B].into(), right: [supervisor.1].into(), ..Channels::default() };
    rig.command(Command::RecordFrom { recorder: RecorderId(1), channels });
    assert_eq!(say(&mut rig), [B, supervisor.1]);
    rig.command(Command::PauseRecorder(RecorderId(1)));
    rig.command(Command::ResumeRecorder(RecorderId(1)));
    let channels = Channels { left: [EndpointId(9)].into(), right: [A].into(), ..Channels::default() };
    rig.command(Command::RecordFrom { recorder: RecorderId(1), channels });
    assert_eq!(rig.world.events.last(), Some(&Event::Refused { reason: Refusal::NoSuchEndpoint(EndpointId(9)) }));
    assert_eq!(say(&mut rig), [B, supervisor.1], "what is refused changes nothing");
    assert_eq!(rig.world.recorders, ["start 1", "from 1 [2, 3]", "pause 1 Begins", "pause 1 Ends"]);
    rig.command(Command::PauseRecorder(RecorderId(2)));
    assert_eq!(rig.world.events.last(), Some(&Event::Refused { reason: Refusal::NoSuchRecorder(RecorderId(2)) }));
}

#[test]
fn what_a_player_says_to_a_party_is_tapped_where_it_is_named() {
    let mut rig = Rig::default();
    let bob = (rig.party(A, &[PCMU]), rig.party(B, &[PCMU])).1;
    rig.command(start_recorder(1));
    let told = |said_to| Command::RecordFrom {
        recorder: RecorderId(1),
        channels: Channels { left: [A].into(), right: [B].into(), said_to },
    };
    rig.play(MUSIC, Prompt::Tone { plan: TonePlan::China, tone: Tone::Busy });
    rig.hear(B, &[Source::Player(MUSIC)]);
    rig.wait(100_000);
    assert!(rig.world.told.is_empty(), "nobody is named");
    rig.heard(bob.slot);
    rig.command(told(Some(B)));
    rig.wait(100_000);
    let heard: Vec<Vec<u8>> = rig.heard(bob.slot).into_iter().map(|(.., payload)| payload).collect();
    let tapped = std::mem::take(&mut rig.world.told);
    assert_eq!(tapped.iter().map(|(.., payload)| payload.clone()).collect::<Vec<_>>(), heard);
    assert!(heard.len() >= 5 && tapped.iter().all(|(told, ..)| *told == B));
    for pair in tapped.windows(2) {
        let ((_, at, one, _), (_, then, next, _)) = (&pair[0], &pair[1]);
        assert_eq!((then - at, next.timestamp - one.timestamp, next.sequence - one.sequence), (20_000, 160, 1));
    }
    rig.command(told(None));
    rig.wait(100_000);
    rig.command(told(Some(EndpointId(9))));
    assert_eq!(rig.world.events.last(), Some(&Event::Refused { reason: Refusal::NoSuchEndpoint(EndpointId(9)) }));
    rig.command(told(Some(B)));
    rig.command(Command::StopRecorder(RecorderId(1)));
    rig.wait(100_000);
    assert!(rig.world.told.is_empty());
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut rig = Rig::default();
    rig.party(A, &[PCMU]);
    let before = rig.relay.graph().clone();
    rig.hear(B, &[Source::Endpoint(A)]);
    rig.hear(A, &vec![Source::Endpoint(A); crate::command::SOURCES_MAX + 1]);
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
    use Refusal::{EndpointExists, NoSuchEndpoint, NoSuchPlayer, NoSuchRecorder, TooManySources};
    assert_eq!(
        reasons,
        [
            NoSuchEndpoint(B),
            TooManySources(A),
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

#[test]
fn encrypted_parties_talk_each_with_its_own_keys_and_are_recorded_in_the_clear() {
    let mut rig = Rig::default();
    let alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    let key = |byte: u8| SrtpKey(vec![byte; 30]);
    let keys =
        |send, receive| SrtpKeys { suite: SrtpSuite::AesCm128HmacSha1_80, send: key(send), receive: key(receive) };
    rig.configure(A, Session { srtp: Some(keys(1, 2)), ..session(1, &[PCMU]) });
    rig.configure(B, Session { srtp: Some(keys(3, 4)), ..session(2, &[PCMU]) });
    rig.talk();
    rig.command(start_recorder(1));
    let (mut of_alice, mut of_bob) = (Guard::new(keys(2, 1)), Guard::new(keys(4, 3)));
    let mut header = alice.header;
    for n in 0..3u8 {
        header.sequence += 1;
        header.timestamp += 160;
        rig.wait(20_000);
        // In the clear, and with somebody else's key: not believed.
        rig.inject(alice.slot, alice.address, &header, b"in the clear");
        let mut plain = [0; 64];
        let plain = header.build(&[n; 20], &mut plain).to_vec();
        for (guard, port) in [(&mut of_bob, alice.slot), (&mut of_alice, alice.slot)] {
            let mut sealed = guard.seal(Kind::Rtp, &plain).unwrap();
            let now = rig.now();
            rig.relay.receive(now, port, Port::Rtp, alice.address, &mut sealed, &mut rig.world);
        }
    }
    let sent: Vec<Datagram> = std::mem::take(&mut rig.world.sent);
    let heard: Vec<Vec<u8>> = sent
        .iter()
        .filter(|datagram| datagram.slot == bob.slot && !is_rtcp(&datagram.bytes))
        .map(|datagram| of_bob.open(Kind::Rtp, &datagram.bytes).expect("under Bob's keys")[12..].to_vec())
        .collect();
    assert_eq!(heard, [vec![0; 20], vec![1; 20], vec![2; 20]]);
    assert_eq!(rig.world.taps.iter().map(|(_, said)| said.clone()).collect::<Vec<_>>(), heard);
    assert_eq!(rig.stats(&alice).rejected_packets, 6);
    // Reports are encrypted, too.
    rig.wait(10_000_000);
    let reports: Vec<Datagram> = std::mem::take(&mut rig.world.sent);
    let reports: Vec<&Datagram> =
        reports.iter().filter(|datagram| datagram.slot == bob.slot && is_rtcp(&datagram.bytes)).collect();
    assert!(!reports.is_empty());
    for report in reports {
        assert!(PeerReport::read(&of_bob.open(Kind::Rtcp, &report.bytes).unwrap(), 0).is_some());
    }
}

#[test]
fn what_is_transcoded_for_an_encrypted_party_is_encrypted() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[(Codec::G722, 9)]);
    let key = |byte: u8| SrtpKey(vec![byte; 28]);
    let keys = |send, receive| SrtpKeys { suite: SrtpSuite::AeadAes128Gcm, send: key(send), receive: key(receive) };
    rig.configure(B, Session { srtp: Some(keys(3, 4)), ..session(2, &[(Codec::G722, 9)]) });
    rig.talk();
    (0..50).for_each(|_| rig.speak(&mut alice, &[0x55; 160]));
    let mut of_bob = Guard::new(keys(4, 3));
    let sent = std::mem::take(&mut rig.world.sent);
    let heard: Vec<usize> = sent
        .iter()
        .filter(|datagram| datagram.slot == bob.slot && !is_rtcp(&datagram.bytes))
        .map(|datagram| of_bob.open(Kind::Rtp, &datagram.bytes).expect("under Bob's keys").len())
        .collect();
    assert!(heard.len() > 30 && heard.iter().all(|bytes| *bytes == 172), "{heard:?}");
}

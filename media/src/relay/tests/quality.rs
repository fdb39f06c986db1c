//! What a leg's timeline says against what a made-up network did.

use super::super::*;
use super::rig::*;
use crate::codec::g711::to_ulaw;
use crate::quality::{Sample, Sent, Timeline};
use crate::testing::sine;
use crate::{Codec, Source};

/// What the network did.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    arrived: u64,
    lost: u64,
    overtaken: u64,
}

/// A minute of a tone through a network that loses one packet in twenty and holds each back by up to 60 ms, so that they
/// overtake each other. Gives what the network did by its own count, and the timeline of the leg.
fn a_bad_minute(listener: (Codec, u8)) -> (Done, Timeline, crate::EndpointStats) {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    rig.party(B, &[listener]);
    rig.hear(B, &[Source::Endpoint(A)]);
    let tone: Vec<u8> = sine(8_000, 400.0, 8_000.0, 0.1).iter().map(|sample| to_ulaw(*sample)).collect();
    let mut random = 0x5EED_u64;
    let mut draw = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let (mut done, mut under_way, mut newest) = (Done::default(), Vec::new(), None);
    for number in 0..3_000_u64 {
        alice.header.sequence = alice.header.sequence.wrapping_add(1);
        alice.header.timestamp = alice.header.timestamp.wrapping_add(160);
        // The first and the last come: what is lost at either end, nobody knows of.
        let (is_lost, delay_us) = (draw(20) == 0, draw(60_000));
        match is_lost && number != 0 && number < 2_990 {
            true => done.lost += 1,
            false => under_way.push((number * 20_000 + delay_us, number, alice.header)),
        }
    }
    under_way.sort_by_key(|(arrives_us, ..)| *arrives_us);
    for (arrives_us, number, header) in under_way {
        rig.wait(arrives_us - rig.now_us);
        rig.inject(alice.slot, alice.address, &header, &tone[..160]);
        done.arrived += 1;
        done.overtaken += u64::from(newest > Some(number));
        newest = newest.max(Some(number));
    }
    rig.wait(700_000);
    rig.command(Command::Close(A));
    let mut measured = Vec::new();
    for event in &rig.world.events {
        match event {
            Event::Measured { endpoint: A, sample } => measured.push(*sample),
            Event::Closed { endpoint: A, stats, timeline: Some(timeline) } => {
                assert_eq!(measured[..], timeline.samples[..measured.len()], "told at once, too");
                return (done, timeline.clone(), *stats);
            }
            _ => {}
        }
    }
    panic!("{:?}", rig.world.events);
}

#[test]
fn the_timeline_of_a_relayed_leg_agrees_with_what_the_network_did() {
    let (done, timeline, stats) = a_bad_minute(PCMU);
    assert!(done.lost > 100 && done.overtaken > 300, "{done:?}");
    let sum = |of: fn(&Sample) -> u64| timeline.samples.iter().map(of).sum::<u64>();
    assert_eq!(sum(|sample| sample.received.packets), done.arrived);
    assert_eq!((sum(|sample| sample.received.lost), stats.out_of_order_packets), (done.lost, done.overtaken));
    assert_eq!(sum(|sample| sample.received.concealed_ms), 0, "nobody listened");
    let begins: Vec<u64> = timeline.samples.iter().map(|sample| sample.from_ms).collect();
    assert_eq!(begins, (0..13).map(|nth| nth * 5_000).collect::<Vec<_>>());
    assert!((60_600..60_800).contains(&timeline.length_ms), "{}", timeline.length_ms);
    for sample in timeline.samples.iter().filter(|sample| sample.received.packets > 200) {
        let jitter_ms = sample.received.jitter_ms;
        assert!((8.0..=30.0).contains(&jitter_ms), "delays of 0 to 60 ms differ by 20 on average: {jitter_ms}");
        let level = sample.level_dbov.unwrap();
        assert!((level + 15.25).abs() < 0.3, "a sine of 8,000 is at -15.25 dBov: {level}");
        let mos = sample.received.mos.unwrap();
        assert!((3.4..4.4).contains(&mos), "3.92 at exactly 5 %: {mos}");
        assert_eq!(sample.sent, Sent::default());
    }
}

#[test]
fn where_the_switch_listens_it_says_what_it_heard_too_late_and_made_up() {
    let (done, timeline, stats) = a_bad_minute((Codec::G722, 9));
    let sum = |of: fn(&Sample) -> u64| timeline.samples.iter().map(of).sum::<u64>();
    assert_eq!((sum(|sample| sample.received.packets), sum(|sample| sample.received.lost)), (done.arrived, done.lost));
    let late = sum(|sample| sample.received.late);
    assert_eq!(late, stats.buffered.late + stats.buffered.dropped);
    assert!(late * 20 < done.arrived, "{late} of {} were too late", done.arrived);
    let concealed_ms = sum(|sample| sample.received.concealed_ms);
    // Each that never came is 20 ms made up; some more were made up for those that were late.
    assert!(
        (done.lost * 18..=(done.lost + late) * 24).contains(&concealed_ms),
        "{concealed_ms} ms for {done:?}, {late}"
    );
}

/// A report of B about what it was sent: a block written out by hand, behind it VoIP metrics.
fn report_of(b: &Party, our_ssrc: u32, highest: u32, lost: u8, voip_discarded: Option<u8>) -> Vec<u8> {
    let mut words: Vec<[u8; 4]> = vec![[0x81, 201, 0, 7], b.header.ssrc.to_be_bytes(), our_ssrc.to_be_bytes()];
    // Lost; highest; jitter of 10 ms; no report of ours seen.
    words.extend([[0, 0, 0, lost], highest.to_be_bytes(), 80u32.to_be_bytes(), [0; 4], [0; 4]]);
    if let Some(discarded) = voip_discarded {
        words.extend([[0x80, 207, 0, 10], b.header.ssrc.to_be_bytes(), [7, 0, 0, 8], our_ssrc.to_be_bytes()]);
        words.extend([[0, discarded, 0, 0], [0; 4], [0; 4], [0; 4], [127; 4], [0, 0, 0, 40], [0, 80, 0, 80]]);
    }
    words.concat()
}

#[test]
fn what_goes_to_a_peer_is_known_by_its_own_reports_also_where_packets_are_only_relayed() {
    let mut rig = Rig::default();
    let mut alice = rig.party(A, &[PCMU]);
    let bob = rig.party(B, &[PCMU]);
    rig.talk();
    let rtcp = SocketAddr::new(bob.address.ip(), bob.address.port() + 1);
    // Bob is silent, and says of what he hears: nothing; 10 lost of 498; then 5 more of 249, and 16 of 256 thrown away.
    let told = [None, Some((498, 10, None)), Some((747, 15, Some(16)))];
    let mut first = None;
    for said in told {
        for _ in 0..249 {
            rig.speak(&mut alice, &[0xD5; 160]);
        }
        let heard = rig.heard(bob.slot);
        let (_, header, _) = heard[0];
        let first = *first.get_or_insert(header.sequence);
        if let Some((seen, lost, discarded)) = said {
            let mut report = report_of(&bob, header.ssrc, u32::from(first) + seen - 1, lost, discarded);
            let now = rig.now();
            rig.relay.receive(now, bob.slot, Port::Rtcp, rtcp, &mut report, &mut rig.world);
        }
        rig.wait(20_000);
    }
    rig.command(Command::Close(B));
    let timeline = rig.world.events.iter().find_map(|event| match event {
        Event::Closed { endpoint: B, timeline, .. } => timeline.clone(),
        _ => None,
    });
    let sent: Vec<Sent> = timeline.unwrap().samples.iter().map(|sample| sample.sent).collect();
    assert_eq!(sent[0], Sent { packets: 249, reported: None });
    let [first, second] = [sent[1], sent[2]].map(|sent| sent.reported.unwrap());
    assert_eq!((first.lost, first.late, first.jitter_ms), (10, 0, 10.0));
    assert_eq!((second.lost, second.late, second.jitter_ms), (5, 46, 10.0));
    // 2 % of the first 498; 5 and 46 of the other 249 are 20.5 %.
    let rated = [first, second].map(|reported| reported.mos.unwrap());
    assert!((rated[0] - 4.24).abs() < 0.02 && (rated[1] - 2.60).abs() < 0.02, "{rated:?}");
}

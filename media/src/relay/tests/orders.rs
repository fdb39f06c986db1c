//! Any orders and any datagrams: the relay stays whole.

use proptest::prelude::*;

use super::super::*;
use super::rig::{A, B, EVENTS, NoSink, PCMU, Party, Rig, address, session, start_recorder};
use crate::prompt::{Tone, TonePlan};
use crate::{Codec, Direction, EdgeGain, Gain, RecordRate, Session, Source};

/// What may be ordered in the test below.
#[derive(Debug, Clone)]
enum Order {
    Open(u64),
    Close(u64),
    Hear(u64, Option<u64>),
    HearMany(u64, Vec<u64>, Option<u64>),
    Gain(u64, u64, u8),
    Music(u64, u64),
    StartPlayer(u64),
    StopPlayer(u64),
    Record(u64, u64, u64),
    RecordFrom(u64, Vec<u64>, Vec<u64>),
    Pause(u64, bool),
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
        (id.clone(), proptest::collection::vec(id.clone(), 0..4), proptest::option::of(id.clone()))
            .prop_map(|(sink, sources, player)| Order::HearMany(sink, sources, player)),
        (id.clone(), id.clone(), 0u8..3).prop_map(|(sink, source, gain)| Order::Gain(sink, source, gain)),
        (id.clone(), id.clone()).prop_map(|(sink, player)| Order::Music(sink, player)),
        id.clone().prop_map(Order::StartPlayer),
        id.clone().prop_map(Order::StopPlayer),
        (id.clone(), id.clone(), id.clone()).prop_map(|(recorder, left, right)| Order::Record(recorder, left, right)),
        (id.clone(), proptest::collection::vec(id.clone(), 0..3), proptest::collection::vec(id.clone(), 0..3))
            .prop_map(|(recorder, left, right)| Order::RecordFrom(recorder, left, right)),
        (id.clone(), any::<bool>()).prop_map(|(recorder, pause)| Order::Pause(recorder, pause)),
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
                    // One of the four has another codec.
                    let codec = if id == 3 { (Codec::G722, 9) } else { PCMU };
                    parties.insert(id, rig.party(EndpointId(id), &[codec]));
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
                Order::HearMany(sink, sources, player) => {
                    let parties = sources.into_iter().map(|id| Source::Endpoint(EndpointId(id)));
                    let players = player.into_iter().map(|id| Source::Player(PlayerId(id)));
                    rig.hear(EndpointId(sink), &parties.chain(players).collect::<Vec<_>>());
                }
                Order::Gain(sink, source, gain) => rig.command(Command::SetGain(EdgeGain {
                    sink: EndpointId(sink),
                    source: Source::Endpoint(EndpointId(source)),
                    gain: [Gain::MUTE, Gain::UNITY, Gain::from_db(-6.0)][usize::from(gain)],
                })),
                Order::Music(sink, player) => rig.hear(EndpointId(sink), &[Source::Player(PlayerId(player))]),
                Order::StartPlayer(id) => {
                    rig.play(PlayerId(id), Prompt::Tone { plan: TonePlan::China, tone: Tone::Busy });
                }
                Order::StopPlayer(id) => rig.command(Command::StopPlayer(PlayerId(id))),
                Order::Record(id, left, right) => rig.command(Command::StartRecorder(StartRecorder {
                    recorder: RecorderId(id),
                    channels: Channels { left: [EndpointId(left)].into(), right: [EndpointId(right)].into(), ..Channels::default() },
                    rate: RecordRate::Wide,
                    sink: Box::new(NoSink),
                })),
                Order::RecordFrom(id, left, right) => {
                    let named = |ids: Vec<u64>| ids.into_iter().map(EndpointId).collect();
                    let channels = Channels { left: named(left), right: named(right), ..Channels::default() };
                    rig.command(Command::RecordFrom { recorder: RecorderId(id), channels });
                }
                Order::Pause(id, true) => rig.command(Command::PauseRecorder(RecorderId(id))),
                Order::Pause(id, false) => rig.command(Command::ResumeRecorder(RecorderId(id))),
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
            prop_assert_eq!(&open, &rig.relay.by_id.keys().copied().collect::<Vec<_>>());
            for id in open {
                let recorded = rig.relay.graph().recorders().filter(|(_, recorded)| recorded.channels.names(id)).count();
                let taps = rig.relay.slot(id).ok().and_then(|slot| rig.relay.endpoint(slot)).unwrap().taps;
                prop_assert_eq!(taps as usize, recorded);
            }
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
        prop_assert!(rig.relay.rooms.is_empty());
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

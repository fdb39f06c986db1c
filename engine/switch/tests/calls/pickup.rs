//! Calls picked up by `*8`: what rings at an extension, or anywhere in the phone's pickup group.

use std::sync::Arc;

use hooks::fact::AgentState;
use switch::config::TenantConfig;
use switch::input::{AgentOrder, Command, Input};

use crate::ladder::{World, node, tenant};
use crate::phone::header;
use crate::presence_xml::dialog_info;
use crate::queues::{centre, close, order, staffed};

/// Extensions and their pickup groups.
fn grouped(groups: &[(&str, &str)]) -> TenantConfig {
    let mut settings = tenant();
    for (number, group) in groups {
        let extension = settings.extensions.get_mut(&number.parse().unwrap()).unwrap();
        extension.pickup_group = Some(group.parse().unwrap());
    }
    settings
}

fn world(groups: &[(&str, &str)]) -> World {
    let mut world = World::new(node(), grouped(groups));
    world.register(&["alice", "bob", "carol"]);
    world
}

/// A carrier calls Alice's phone, which rings.
const RINGS_AT_ALICE: &str = r#"
    0ms    lines > INVITE 01012345678 extra=P-Asserted-Identity:~<sip:13800000000@lines.example>
    0ms    alice < INVITE
    100ms  alice > 180
    100ms  lines < 180
"#;

#[test]
fn a_phone_picks_up_what_rings_at_an_extension() {
    let mut world = world(&[]);
    world.play(RINGS_AT_ALICE);
    world.play(
        r#"
        1s  carol > INVITE *81001
        1s  carol < 200 `m=audio` `Supported: timer, 100rel, replaces`
        1s  alice < CANCEL `Reason: SIP;cause=200`
        1s  alice < ACK
        1s  lines < 200
        1s  lines hears carol
        1s  carol hears lines
        9s  carol > BYE
        9s  lines < BYE
        "#,
    );
    world.finish();
    // Who picked up stands where who answered does.
    world.expect_facts(
        r#"
        created Inbound 13800000000 -> 01012345678
        leg_started lines#1
        leg_started 1001#1
        leg_ringing 1001#1
        leg_started 1003#1
        leg_answered 1003#1 PCMU
        leg_answered lines#1 PCMU
        answered 1003#1
        recording_started lines#1 | 1003#1
        leg_ended 1001#1 AnsweredElsewhere 0
        recording_ready
        leg_ended 1003#1 Normal 200
        leg_ended lines#1 Normal 200
        ended Normal by Callee 200
        "#,
    );
}

#[test]
fn a_phone_picks_up_for_its_group_what_has_rung_longest() {
    let mut world = world(&[("1001", "office"), ("1002", "office"), ("1003", "office")]);
    world.play(
        r#"
        0ms    spare > INVITE 01012345679
        0ms    carol < INVITE
        0ms    carol > 180
        0ms    spare < 180
        500ms  lines > INVITE 01012345678
        500ms  alice < INVITE
        500ms  alice > 180
        500ms  lines < 180
        700ms  bob   > INVITE *8
        700ms  bob   < 200
        700ms  carol < CANCEL
        700ms  carol < ACK
        700ms  spare < 200
        700ms  spare hears bob
        800ms  carol > INVITE *8
        800ms  carol < 200
        800ms  alice < CANCEL
        800ms  alice < ACK
        800ms  lines < 200
        800ms  lines hears carol
        900ms  bob2  > INVITE *8
        900ms  bob2  < 480 `SIP/2.0 480 Nobody Calls Your Group`
        4s     spare > BYE
        4s     bob   < BYE
        4s     lines > BYE
        4s     carol < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_call_to_another_group_and_ones_own_call_are_not_picked_up() {
    let mut world = world(&[("1001", "office"), ("1002", "stores"), ("1003", "office")]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        1s     carol > INVITE *8
        1s     carol < 480 `Nobody Calls Your Group`
        2s     bob   > 486
        2s     bob   < ACK
        2s     alice < 486
        3s     carol > INVITE 1001
        3s     alice < INVITE
        3s     alice > 180
        3s     carol < 180
        4s     carol > INVITE *8
        4s     carol < 480 `Nobody Calls Your Group`
        5s     alice > 486
        5s     alice < ACK
        5s     carol < 486
        "#,
    );
}

#[test]
fn who_picks_up_nothing_is_told_why() {
    let mut world = world(&[("1002", "office")]);
    for (code, told) in [
        ("*8", "403 `SIP/2.0 403 You Are in No Pickup Group`"),
        ("*81002", "480 `SIP/2.0 480 Nobody Calls There`"),
        ("*89999", "404 `SIP/2.0 404 No Such Extension`"),
        ("*81002 extra=Require:~teleport", "420"),
        ("*81002 more=fax sdp=PCMU", "480"),
    ] {
        world.play(&format!("0ms carol > INVITE {code}\n0ms carol < {told}"));
    }
    // Not by whom nobody knows, and not by a carrier.
    world.play("0ms eve > INVITE *81002\n0ms eve < 401\n0ms lines > INVITE *81002\n0ms lines < 404");
    world.play("1s alice > INVITE 1002\n1s bob < INVITE\n1s bob > 180\n1s alice < 180");
    world.play(
        "0ms lines > INVITE *81002\n0ms lines < 404
         1s carol > INVITE *81002 sdp=G729\n1s carol < 488
         2s bob > 200\n2s bob < ACK\n2s alice < 200
         3s carol > INVITE *81002\n3s carol < 480 `Nobody Calls There`
         4s alice hears bob\n4s alice > BYE\n4s bob < BYE",
    );
}

#[test]
fn another_house_picks_up_nothing_here() {
    let mut world = world(&[("1002", "office"), ("1003", "office")]);
    let mut other = grouped(&[("1002", "office"), ("1003", "office")]);
    (other.tenant, other.domains) = ("other".parse().unwrap(), vec!["other.example".into()]);
    other.trunks.clear();
    world.input(Input::Tenant(Arc::new(other)));
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 180\n0ms alice < 180");
    for code in ["*81002", "*8"] {
        let invite = world.phone("carol").invite(&format!("sip:{code}@other.example"), "", "");
        let invite = invite.replace("pbx.example", "other.example");
        world.phone("carol").resend_as(&invite);
        world.send("carol", &invite);
        world.play("0ms carol < 480");
    }
    world.play("1s bob > 486\n1s bob < ACK\n1s alice < 486");
    world.finish();
}

#[test]
fn a_party_that_is_handed_on_can_be_picked_up() {
    let mut world = world(&[]);
    world.play(
        r#"
        0ms  lines > INVITE 01012345678
        0ms  alice < INVITE
        1s   alice > 200
        1s   alice < ACK
        1s   lines < 200
        2s   alice > REFER 1002
        2s   alice < 202
        2s   alice < NOTIFY
        2s   bob   < INVITE
        2s   bob   > 180
        2s   alice < NOTIFY
        3s   carol > INVITE *81002
        3s   carol < 200
        3s   bob   < CANCEL
        3s   bob   < ACK
        3s   alice < NOTIFY `200 OK`
        3s   alice < BYE
        3s   lines hears carol
        4s   lines > BYE
        4s   carol < BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"transferred 1001#1 -> 1003#1 Blind".to_owned()), "{:?}", world.facts);
}

#[test]
fn nobody_is_handed_on_to_a_pickup_code() {
    let mut world = world(&[("1001", "office"), ("1002", "office")]);
    world.play(
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        1s   bob   > 200
        1s   bob   < ACK
        1s   alice < 200
        2s   alice > REFER *8
        2s   alice < 404
        3s   alice > BYE
        3s   bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_lamp_key_picks_up_by_what_its_lamp_was_told() {
    let mut world = world(&[]);
    world.play("0ms carol > SUBSCRIBE 1001 extra=Event:~dialog\n0ms carol < 200\n0ms carol < NOTIFY");
    world.play(RINGS_AT_ALICE);
    world.play("0ms carol < NOTIFY `trying`\n0ms carol < NOTIFY `early`");
    let told = world.phone("carol").request_in.clone().unwrap();
    let lamp = dialog_info(told.split_once("\r\n\r\n").unwrap().1);
    let of = |name: &str| lamp.children[0].attribute(name).unwrap().to_owned();
    // RFC 3891 §3: the to-tag is that of who receives the INVITE, which is the far end of the watched phone.
    let replaces = format!("{};to-tag={};from-tag={};early-only", of("call-id"), of("remote-tag"), of("local-tag"));
    world.play(&format!(
        r#"
        1s  carol > INVITE 1001 extra=Replaces:~{replaces}|Require:~replaces
        1s  carol < 200
        1s  alice < CANCEL
        1s  alice < ACK
        1s  lines < 200
        1s  carol < NOTIFY `terminated` `!early`
        1s  lines hears carol
        2s  lines > BYE
        2s  carol < BYE
        "#
    ));
    assert_eq!(header(&told, "Event"), "dialog");
    world.finish();
}

#[test]
fn a_phone_that_the_api_rings_for_its_owner_is_not_picked_up() {
    let mut world = world(&[]);
    let to = dialplan::number::Dialled::clean("1002").unwrap();
    world.command(Command::Originate { from: "1001".parse().unwrap(), to }).unwrap();
    world.play(
        r#"
        0ms  alice < INVITE
        0ms  alice > 180
        1s   carol > INVITE *81001
        1s   carol < 480 `Nobody Calls There`
        2s   alice > 486
        2s   alice < ACK
        "#,
    );
    world.finish();
}

/// A centre in which Alice has been idle longest and Bob next, and a caller for whom Alice's phone rings.
fn ringing_at_alice(groups: &[(&str, &str)], agents: &[&str]) -> World {
    let mut settings = centre();
    for (number, group) in groups {
        let extension = settings.extensions.get_mut(&number.parse().unwrap()).unwrap();
        extension.pickup_group = Some(group.parse().unwrap());
    }
    let mut world = staffed(settings, agents);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 180");
    world
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// Proves QUEUE-02 (he leaves the queue by an agent's answer) and QUEUE-07 (no missed call of who did not let it ring out).
#[test]
fn an_agent_takes_what_a_queue_offers_to_a_colleague() {
    // By the extension, as a member of the queue; by the group.
    for (groups, code) in [(&[][..], "*81001"), (&[("1001", "office"), ("1002", "office")][..], "*8")] {
        let mut world = ringing_at_alice(groups, &["10001", "10002"]);
        world.play(&format!(
            r#"
            0ms   bob   > INVITE {code}
            0ms   bob   < 200
            0ms   alice < CANCEL `Reason: SIP;cause=200`
            0ms   alice < ACK
            0ms   lines hears bob
            0ms   bob   hears lines
            5s    lines > BYE
            5s    bob   < BYE
            "#
        ));
        // Alice, who was not rung out, is idle as long as before, and is rung for the next one.
        world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
        let world = close(world, &["10001", "10002"]);
        assert_eq!(
            of(&world, "offer"),
            [
                "offered 10001 by support LongestIdle",
                "offer_ended 10001 Taken 1000",
                "offered 10001 by support LongestIdle",
                "offer_ended 10001 Answered 1000",
            ],
            "{}",
            world.ladder()
        );
        assert_eq!(of(&world, "left_queue")[0], "left_queue support Answered 10002 1000 in time");
        assert_eq!(of(&world, "agent 10002")[0], "agent 10002 Ready->Ready Dialling Dial");
    }
}

#[test]
fn a_phone_of_the_group_without_an_agent_takes_what_a_queue_offers_too() {
    let mut world = ringing_at_alice(&[("1001", "office"), ("1003", "office")], &["10001"]);
    world.play("0ms carol > INVITE *8\n0ms carol < 200\n0ms alice < CANCEL\n0ms alice < ACK\n0ms lines hears carol\n1s lines > BYE\n1s carol < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "left_queue"), ["left_queue support Led 1000"]);
    assert_eq!(of(&world, "offer_ended"), ["offer_ended 10001 CallerHungUp 1000"]);
}

#[test]
fn who_is_not_of_the_queue_or_not_ready_does_not_take_its_calls() {
    // Carol's phone is in no group with Alice's, and nobody is signed in on it.
    let mut world = ringing_at_alice(&[], &["10001", "10002"]);
    world.play("0ms carol > INVITE *81001\n0ms carol < 403 `neither in that queue`");
    order(&mut world, "10002", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms bob > INVITE *81001\n0ms bob < 403 `while you are ready`");
    world.play("0ms alice > 200\n0ms alice < ACK\n1s lines > BYE\n1s alice < BYE");
    close(world, &["10001", "10002"]);
}

/// Two callers ring at two agents: none of them can take the other's, so no agent ever has two offers.
#[test]
fn an_agent_who_is_rung_himself_does_not_take_another_offer() {
    let mut world = ringing_at_alice(&[], &["10001", "10002"]);
    world.play("0ms spare > INVITE 01012340000\n0ms spare < 200\n0ms bob < INVITE\n0ms bob2 > INVITE *81001\n0ms bob2 < 403 `while you are ready`");
    world.play(
        "0ms bob > 200\n0ms bob < ACK\n1s spare > BYE\n1s bob < BYE\n1s lines > BYE\n1s alice < CANCEL\n1s alice < ACK",
    );
    close(world, &["10001", "10002"]);
}

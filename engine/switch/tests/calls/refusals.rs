//! Requests that begin nothing, and calls that may not be.

use std::time::Duration;

use dialplan::number::Dialled;
use switch::input::{Admission, Command, Input};
use switch::output::{Done, Refused};

use crate::ladder::{World, check, node, tenant};
use crate::phone::header;

#[test]
fn options_tell_what_we_take() {
    check(
        &[],
        "0ms eve > OPTIONS\n0ms eve < 200 `Allow: INVITE, ACK, CANCEL, BYE` `Accept: application/sdp` `Supported: timer, 100rel, replaces, path, outbound`",
        "",
    );
}

#[test]
fn requests_that_we_do_not_take_are_refused_as_the_rfc_says() {
    for (method, status) in [("PUBLISH", "405 `Allow:`"), ("SUBSCRIBE", "401"), ("NOTIFY", "481"), ("FOO", "501")] {
        check(&[], &format!("0ms eve > {method}\n0ms eve < {status}"), "");
    }
}

#[test]
fn requests_of_dialogs_that_nobody_knows_get_481() {
    let mut world = World::with(&[]);
    for method in ["BYE", "INFO", "UPDATE", "INVITE", "OPTIONS"] {
        let text = world.phone("eve").request(method, "sip:1001@pbx.example", "");
        world.send("eve", &text.replace("To: <sip:1001@pbx.example>", "To: <sip:1001@pbx.example>;tag=unknown"));
        world.phone("eve").invite_out = Some(text.clone());
        world.play("0ms eve < 481");
    }
    for method in ["BYE", "INFO"] {
        world.play("0ms eve > silent");
        let text = world.phone("eve").request(method, "sip:1001@pbx.example", "");
        world.send("eve", &text);
        world.play("0ms eve < 481");
    }
}

#[test]
fn requests_inside_a_call_are_answered() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        2s     alice > INFO
        2s     alice < 200
        2s     bob   > UPDATE
        2s     bob   < 200
        2s     bob   > REFER
        2s     bob   < 400
        3s     alice > BYE
        3s     bob   < BYE
        "#,
        "",
    );
}

#[test]
fn a_peer_with_another_call_id_or_tag_has_no_part_in_the_call() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    let bye = world.phone("alice").within("BYE", "", "");
    let call_id = header(&bye, "Call-ID");
    world.send("alice", &bye.replace(&call_id, "another").replace("z9hG4bK", "z9hG4bKx"));
    world.play("0ms alice < 481");
    world.send("alice", &bye.replace(";tag=alice", ";tag=mallory").replace("z9hG4bK", "z9hG4bKy"));
    world.play("0ms alice < 481\n1s alice > BYE\n1s bob < BYE");
    world.finish();
}

#[test]
fn what_cannot_be_read_is_told_so() {
    let mut world = World::with(&[]);
    world.play("0ms eve > silent");
    let request = world.phone("eve").request("OPTIONS", "sip:pbx.example", "");
    for (from, to, status) in [
        ("SIP/2.0\r\nVia", "SIP/7.0\r\nVia", "505"),
        ("Content-Length: 0", "Content-Length: 9999", "400"),
        ("CSeq: 1 OPTIONS", "CSeq: 1 INVITE", "400"),
    ] {
        world.send("eve", &request.replacen(from, to, 1).replace("z9hG4bK", &format!("z9hG4bK{status}{}", to.len())));
        world.play(&format!("0ms eve < {status}"));
    }
    world.send("eve", "complete nonsense");
    assert_eq!(world.switch.metrics().refused_malformed, 3);
    assert_eq!(world.switch.metrics().dropped_malformed, 1);
}

#[test]
fn an_invite_that_we_cannot_serve_is_refused() {
    for (what, status) in [
        ("INVITE mailto:1002@pbx.example", "416"),
        ("INVITE sip:pbx.example", "404"),
        ("INVITE sip:bob@pbx.example", "404"),
        ("INVITE 1002 extra=Require:~100rel,timer,gruu", "420 `Unsupported: gruu`"),
        ("INVITE 1002 extra=Content-Type:~text/plain", "415 `Accept: application/sdp`"),
        ("INVITE 1002 extra=Content-Type:~application/sdp|Content-Encoding:~gzip", "415 `Accept-Encoding: identity`"),
    ] {
        check(&["alice", "bob"], &format!("0ms alice > {what}\n0ms alice < {status}"), "");
    }
}

#[test]
fn an_extension_cannot_call_as_another() {
    let mut world = World::with(&["alice", "bob"]);
    let body = world.phone("alice").sdp("PCMU", "");
    let invite = world.phone("alice").invite("sip:1002@pbx.example", &body, "");
    let forged = invite.replace("From: <sip:1001@", "From: <sip:1003@");
    world.phone("alice").resend_as(&forged);
    world.send("alice", &forged);
    world.play("0ms alice < 403");
    world.finish();
}

#[test]
fn a_merged_invite_is_a_loop() {
    let mut world = World::with(&["alice", "bob"]);
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE");
    let again = world.phone("alice").invite_out.clone().unwrap().replace("z9hG4bK", "z9hG4bKother");
    world.play("0ms alice > silent");
    world.send("alice", &again);
    world.play("0ms alice < 482\n0ms alice > polite\n1s alice > CANCEL\n1s alice < 487");
}

#[test]
fn hops_run_out() {
    let mut world = World::with(&["alice", "bob"]);
    let text = world.phone("alice").invite("sip:1002@pbx.example", "", "");
    world.send("alice", &text.replace("Max-Forwards: 70", "Max-Forwards: 0"));
    world.play("0ms alice < 483");
}

#[test]
fn beyond_a_limit_calls_are_refused_and_running_ones_go_on() {
    let mut node = node();
    node.limits.calls = 1;
    let mut world = World::new(node, tenant());
    world.register(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        2s     carol > INVITE 1001
        2s     carol < 503 `Retry-After: 5`
        3s     alice > BYE
        3s     bob   < BYE
        "#,
    );
    world.finish();
    assert_eq!(world.switch.metrics().refused_calls_full, 1);
}

#[test]
fn without_a_port_a_call_is_refused() {
    let mut node = node();
    node.rtp_ports = (20_000, 20_001);
    let mut world = World::new(node, tenant());
    world.register(&["alice", "bob"]);
    world.play("0ms alice > INVITE 1002\n0ms alice < 503 `Retry-After: 5`");
    assert_eq!(world.facts.last().unwrap(), "ended Congestion by System 503");
    assert!(world.switch.metrics().refused_ports_exhausted > 0);
}

#[test]
fn new_calls_wait_until_they_are_admitted_again() {
    for admission in [Admission::DiskLow, Admission::JournalFailed, Admission::Draining] {
        let mut world = World::with(&["alice", "bob"]);
        world.input(Input::Admission(admission));
        world.play("0ms alice > INVITE 1002\n0ms alice < 503 `Retry-After: 5`");
        let to = Dialled::clean("1002").unwrap();
        let command = Command::Originate { from: "1001".parse().unwrap(), to };
        assert_eq!(world.command(command), Err(Refused::NotAdmitted));
        world.input(Input::Admission(Admission::Open));
        world.play("1s alice > INVITE 1002\n1s bob < INVITE\n2s bob > 486\n2s bob < ACK\n2s alice < 486");
        world.finish();
    }
}

#[test]
fn the_echo_test_gives_back_what_it_hears() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE *43
        0ms    alice < 200 `m=audio`
        0ms    alice hears alice
        5s     alice > BYE
        "#,
        "created Internal 1001 -> *43
        leg_started 1001#1
        leg_answered 1001#1 PCMA
        leg_started *43#1
        answered *43#1
        leg_ended *43#1 Normal 0
        leg_ended 1001#1 Normal 200
        ended Normal by Caller 200",
    );
}

fn originate(world: &mut World, to: &str) -> Result<Done, Refused> {
    let to = Dialled::clean(to).unwrap();
    world.command(Command::Originate { from: "1001".parse().unwrap(), to })
}

/// Proves CALL-09.
#[test]
fn an_originated_call_rings_its_own_phone_first_then_the_other() {
    let mut world = World::with(&["alice", "bob"]);
    let done = originate(&mut world, "1002");
    assert_eq!(done, Ok(Done::Call(world.last_call.unwrap())));
    world.play(
        r#"
        0ms    alice < INVITE `Call-Info: <sip:switchboard.invalid>;answer-after=0` `Alert-Info` `From: <sip:1002@pbx.example>`
        1s     alice > 200 sdp=PCMA
        1s     alice < ACK
        1s     bob   < INVITE `From: "Alice" <sip:1001@pbx.example>` `RTP/AVP 8 0` `!answer-after`
        1s     alice hears nothing
        2s     bob   > 180
        2s     alice hears RingbackCn
        3s     bob   > 200 sdp=PCMU
        3s     bob   < ACK
        3s     alice hears bob
        3s     bob   hears alice
        5s     bob   > BYE
        5s     alice < BYE
        "#,
    );
    world.finish();
    world.expect_facts(
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_answered 1001#1 PCMA
        leg_started 1002#1
        leg_ringing 1002#1
        leg_answered 1002#1 PCMU
        answered 1002#1
        leg_ended 1002#1 Normal 200
        leg_ended 1001#1 Normal 200
        ended Normal by Callee 200",
    );
}

/// Proves CALL-31.
#[test]
fn the_carriers_announcements_are_heard_in_two_step_dialling() {
    let mut world = World::with(&["alice"]);
    originate(&mut world, "13800000000").unwrap();
    world.play(
        r#"
        0ms    alice < INVITE
        1s     alice > 200
        1s     alice < ACK
        1s     lines < INVITE
        2s     lines > 180
        2s     alice hears RingbackCn
        3s     lines > 183 sdp=PCMA
        3s     alice hears lines
        4s     lines > 486
        4s     lines < ACK
        4s     alice < BYE
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Busy by Callee 200");
}

#[test]
fn an_originated_call_may_fail_at_every_step() {
    let mut world = World::with(&["alice"]);
    assert_eq!(originate(&mut world, "7777"), Err(Refused::NoRoute));
    let from = "1002".parse().unwrap();
    let to = Dialled::clean("1001").unwrap();
    assert_eq!(world.command(Command::Originate { from, to: to.clone() }), Err(Refused::NotRegistered));
    let from = "1999".parse().unwrap();
    assert_eq!(world.command(Command::Originate { from, to }), Err(Refused::NoSuchExtension));

    originate(&mut world, "1002").unwrap();
    world.play("0ms alice < INVITE\n1s alice > 486\n1s alice < ACK");
    assert_eq!(world.facts.last().unwrap(), "ended Busy by Caller 486");
    originate(&mut world, "1002").unwrap();
    world.play("0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s alice < BYE");
    assert_eq!(world.facts.last().unwrap(), "ended Unreachable by System 200");
    originate(&mut world, "13800000000").unwrap();
    world.play("0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines < INVITE");
    world.play("1s alice > BYE\n1s lines > 180\n1s lines < CANCEL\n1s lines < ACK");
    assert_eq!(world.facts.last().unwrap(), "ended Cancelled by Caller 200");
    originate(&mut world, "1002").unwrap();
    world.play("0ms alice < INVITE\n1s alice > 180\n30s alice < CANCEL\n30s alice < ACK");
    assert_eq!(world.facts.last().unwrap(), "ended NoAnswer by System 0");
    world.finish();
}

#[test]
fn a_command_ends_a_call_at_every_moment() {
    for (before, after) in [
        ("", "0ms alice < 480\n1s bob > 180\n1s bob < CANCEL\n1s bob < ACK"),
        ("1s bob > 180\n1s alice < 180", "0ms alice < 480\n0ms bob < CANCEL\n0ms bob < ACK"),
        ("1s bob > 200\n1s bob < ACK\n1s alice < 200", "0ms alice < BYE\n0ms bob < BYE"),
    ] {
        let mut world = World::with(&["alice", "bob"]);
        world.play(&format!("0ms alice > INVITE 1002\n0ms bob < INVITE\n{before}"));
        let call = world.last_call.unwrap();
        assert_eq!(world.command(Command::Hangup(call)), Ok(Done::Ok));
        assert_eq!(world.command(Command::Hangup(call)), Err(Refused::NoSuchCall));
        world.play(after);
        world.finish();
        assert!(world.facts.last().unwrap().starts_with("ended Command by System"));
    }
}

#[test]
fn stopping_ends_every_call_and_refuses_new_ones() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        1s     lines > INVITE 01012345679
        1s     carol < INVITE
        2s     carol > 180
        2s     lines < 180
        "#,
    );
    world.input(Input::Stop);
    world.play(
        r#"
        0ms    alice < BYE `Reason: SIP;cause=503;text="Service stopped"`
        0ms    bob   < BYE `Reason: SIP;cause=503;text="Service stopped"`
        0ms    carol < CANCEL
        0ms    carol < ACK
        0ms    lines < 503
        1s     alice > INVITE 1002
        1s     alice < 503
        "#,
    );
    world.finish();
    let ended: Vec<_> = world.facts.iter().filter(|fact| fact.starts_with("ended")).collect();
    assert_eq!(ended, ["ended Stopped by System 200", "ended Stopped by System 503"]);
}

#[test]
fn a_phone_that_never_registers_is_reached_where_it_is_said_to_be() {
    let mut config = tenant();
    config.extensions.get_mut(&"1003".parse().unwrap()).unwrap().static_contact = Some(switch::config::StaticContact {
        uri: "sip:1003@203.0.113.5:5060".into(),
        transport: sip::flow::Transport::Udp,
        target: "203.0.113.5:5060".parse().unwrap(),
    });
    let mut world = World::new(node(), config);
    world.play(
        r#"
        0ms    lines > INVITE 01012345679
        0ms    carol < INVITE `INVITE sip:1003@203.0.113.5:5060`
        1s     carol > 486
        1s     carol < ACK
        1s     lines < 486
        "#,
    );
    world.finish();
}

#[test]
fn the_last_timer_is_told() {
    let mut world = World::with(&[]);
    assert_eq!(world.switch.poll_timeout().filter(|due| *due < Duration::from_secs(1)), None);
    world.finish();
}

#[test]
fn an_offer_among_other_parts_is_found() {
    let mut world = World::with(&["alice", "bob"]);
    let sdp = world.phone("alice").sdp("PCMU", "");
    let body = format!(
        "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--x--\r\n"
    );
    let kind = "Content-Type: multipart/mixed;boundary=x";
    let invite = world.phone("alice").invite("sip:1002@pbx.example", &body, kind);
    world.send("alice", &invite);
    world.play("0ms bob < INVITE `RTP/AVP 0 8`\n1s bob > 486\n1s bob < ACK\n1s alice < 486");
    world.finish();
}

//! Phones that send a call on: to another extension, outside by the tenant's plan, and never anywhere else.

use crate::ladder::{World, check};

#[test]
fn a_phone_sends_the_call_to_another_extension() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 302 extra=Contact:~<sip:1003@pbx.example>
        1s     bob   < ACK
        1s     carol < INVITE `From: "Alice" <sip:1001@pbx.example>` `!Diversion`
        2s     carol > 180
        2s     alice < 180
        3s     carol > 200
        3s     carol < ACK
        3s     alice < 200
        3s     alice hears carol
        9s     alice > BYE
        9s     carol < BYE
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_started 1003#1
        leg_ended 1002#1 Failed 302
        leg_ringing 1003#1
        leg_answered 1003#1 PCMU
        leg_answered 1001#1 PCMU
        answered 1003#1
        leg_ended 1001#1 Normal 200
        leg_ended 1003#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn a_phone_sends_the_call_outside_and_the_trunk_is_told_who_did() {
    for (said, told) in [
        ("", "unconditional"),
        ("|Diversion:~<sip:x@y>;reason=time-of-day", "time-of-day"),
        ("|Diversion:~<sip:x@y>;reason=\"way~too~long~to~be~a~reason~of~rfc~5806\"", "unconditional"),
    ] {
        check(
            &["alice", "bob"],
            &format!(
                r#"
                0ms    alice > INVITE 1002
                0ms    bob   < INVITE
                0ms    bob   > 302 extra=Contact:~<sip:13800000000@192.0.2.1;user=phone>{said}
                0ms    bob   < ACK
                0ms    lines < INVITE `INVITE sip:913800000000@lines.example` `Diversion: <sip:01066668888@pbx.example>;reason={told}`
                1s     lines > 200
                1s     lines < ACK
                1s     alice < 200
                2s     lines > BYE
                2s     alice < BYE
                "#
            ),
            "",
        );
    }
}

#[test]
fn a_call_from_outside_is_sent_outside_by_the_phone_it_rang() {
    check(
        &["alice"],
        r#"
        0ms    spare > INVITE 01012345678
        0ms    alice < INVITE
        1s     alice > 180
        1s     spare < 180
        2s     alice > 301 extra=Contact:~<tel:13800000000>
        2s     alice < ACK
        2s     lines < INVITE `Diversion: <sip:01012345678@pbx.example>;reason=deflection`
        3s     lines > 486
        3s     lines < ACK
        3s     spare < 486
        "#,
        "created Inbound 13900000000 -> 01012345678
        leg_started spare#1
        leg_started 1001#1
        leg_ringing 1001#1
        leg_started lines#1
        leg_ended 1001#1 Failed 301
        leg_ended lines#1 Busy 486
        leg_ended spare#1 Busy 486
        ended Busy by Callee 486",
    );
}

/// A contact is a number to dial, by the plan: toll fraud has no other host to call, and no emergency service to keep busy.
#[test]
fn a_contact_elsewhere_is_never_called() {
    for contacts in [
        "Contact:~<sip:13800000000@203.0.113.66>",
        "Contact:~<sip:1003@eve.example>",
        "Contact:~<sip:eve@pbx.example>",
        "Contact:~<sip:00123456@pbx.example>",
        "Contact:~<sip:120@pbx.example>",
        "Contact:~<sip:*43@pbx.example>",
        "Contact:~<sip:1002@pbx.example>",
        "Contact:~<mailto:bob@pbx.example>",
        "Contact:~<sip:pbx.example>",
        "Contact:~*",
        "Contact:~<<>",
        "Expires:~5",
    ] {
        check(
            &["alice", "bob", "carol"],
            &format!(
                r#"
                0ms    alice > INVITE 1002
                0ms    bob   < INVITE
                0ms    bob   > 302 extra={contacts}
                0ms    bob   < ACK
                0ms    alice < 480
                "#
            ),
            "created Internal 1001 -> 1002
            leg_started 1001#1
            leg_started 1002#1
            leg_ended 1002#1 Failed 302
            leg_ended 1001#1 Failed 480
            ended Failed by System 480",
        );
    }
}

#[test]
fn a_redirection_of_a_trunk_and_a_305_are_not_followed() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        0ms    lines > 302 extra=Contact:~<sip:1003@pbx.example>
        0ms    lines < ACK
        0ms    spare < INVITE
        0ms    spare > 486
        0ms    spare < ACK
        0ms    alice < 486
        1s     alice > INVITE 1002
        1s     bob   < INVITE
        1s     bob   > 305 extra=Contact:~<sip:1003@pbx.example>
        1s     bob   < ACK
        1s     alice < 480
        "#,
        "",
    );
}

#[test]
fn the_contacts_are_tried_in_the_order_of_q() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 302 extra=Contact:~<sip:13800000000@pbx.example>;q=0.3,~<sip:1003@pbx.example>;q=0.7,~<sip:5550@pbx.example>
        0ms    bob   < ACK
        0ms    carol < INVITE
        1s     carol > 480
        1s     carol < ACK
        1s     lines < INVITE `Diversion: <sip:01066668888@pbx.example>`
        1s     lines > 503
        1s     lines < ACK
        1s     spare < INVITE
        2s     spare > 200
        2s     spare < ACK
        2s     alice < 200
        3s     alice > BYE
        3s     spare < BYE
        "#,
        "",
    );
}

#[test]
fn a_6xx_of_the_second_phone_ends_the_search() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 300 extra=Contact:~<sip:1003@pbx.example>,<sip:13800000000@pbx.example>
        0ms    bob   < ACK
        0ms    carol < INVITE
        1s     carol > 603
        1s     carol < ACK
        1s     alice < 603
        "#,
        "",
    );
}

#[test]
fn phones_that_send_a_call_back_to_each_other_end_it() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 302 extra=Contact:~<sip:1003@pbx.example>
        0ms    bob   < ACK
        0ms    carol < INVITE
        0ms    carol > 302 extra=Contact:~<sip:1002@pbx.example>
        0ms    carol < ACK
        0ms    alice < 480
        "#,
        "",
    );
}

#[test]
fn a_call_is_sent_on_five_times_at_most() {
    let mut tenant = crate::ladder::tenant();
    for number in 2_000..2_010 {
        let mut extension = tenant.extensions[&"1002".parse().unwrap()].clone();
        extension.number = number.to_string().parse().unwrap();
        extension.static_contact = Some(switch::config::StaticContact {
            uri: format!("sip:{number}@192.0.2.12"),
            transport: sip::flow::Transport::Udp,
            target: "192.0.2.12:5060".parse().unwrap(),
        });
        tenant.plan.extensions.insert(extension.number.clone());
        tenant.extensions.insert(extension.number.clone(), extension);
    }
    let mut world = World::new(crate::ladder::node(), tenant);
    world.register(&["alice"]);
    world.play("0ms alice > INVITE 2000");
    for next in 2_001..=2_005 {
        let hop = format!("0ms bob < INVITE\n0ms bob > 302 extra=Contact:~<sip:{next}@pbx.example>\n0ms bob < ACK");
        // The new INVITE comes before the ACK of the old one's 302 is looked for.
        world.play(&hop);
    }
    world.play("0ms bob < INVITE\n0ms bob > 302 extra=Contact:~<sip:2006@pbx.example>\n0ms bob < ACK\n0ms alice < 480");
    world.finish();
}

#[test]
fn the_second_phone_rings_as_long_as_any() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 180
        0ms    alice < 180
        25s    bob   > 302 extra=Contact:~<sip:1003@pbx.example>
        25s    bob   < ACK
        25s    carol < INVITE
        25s    carol > 180
        54s    carol > 200
        54s    carol < ACK
        54s    alice < 200
        60s    alice > BYE
        60s    carol < BYE
        "#,
        "",
    );
}

#[test]
fn a_phone_that_rings_beside_the_one_that_sends_on_may_answer() {
    check(
        &["alice", "bob", "bob2", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob2  < INVITE
        1s     bob   > 302 extra=Contact:~<sip:1003@pbx.example>
        1s     bob   < ACK
        1s     carol < INVITE
        1s     carol > 180
        1s     alice < 180
        2s     bob2  > 200
        2s     bob2  < ACK
        2s     carol < CANCEL
        2s     carol < ACK
        2s     alice < 200
        3s     alice > BYE
        3s     bob2  < BYE
        "#,
        "",
    );
}

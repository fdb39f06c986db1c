//! Session timers (RFC 4028) in both roles, and what they end.

use crate::ladder::{World, check};

/// Alice calls Bob; what their messages say of timers besides.
fn talking(alice: &str, bob: &str) -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.play(&format!(
        r#"
        0ms    alice > INVITE 1002 extra={alice}
        0ms    bob   < INVITE `Supported: timer` `Session-Expires: 1800;refresher=uac` `Min-SE: 90`
        1s     bob   > 200 extra={bob}
        1s     bob   < ACK
        1s     alice < 200
        "#
    ));
    world
}

fn end(mut world: World) {
    world.play("0ms alice > BYE\n0ms bob < BYE");
    world.finish();
}

const NO_TIMER: &str = "Allow:~INVITE,~ACK,~BYE";
const REFRESHED_BY_PHONE: &str = "Supported:~timer|Session-Expires:~1800;refresher=uac";

#[test]
fn a_called_phone_without_timers_is_refreshed_with_what_there_is() {
    // Alice refreshes her own leg by UPDATE, so that only Bob's is due.
    let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
    world.play(
        r#"
        900s  bob < INVITE `CSeq: 2 INVITE` ` 1 IN IP4 192.0.2.1` `Session-Expires: 1800;refresher=uac` `m=audio 20002 RTP/AVP 0 8 101`
        900s  bob > 200
        900s  bob < ACK
        900s  bob hears alice
        "#,
    );
    assert!(!world.facts.iter().any(|fact| fact.starts_with("held") || fact.starts_with("retrieved")));
    end(world);
}

#[test]
fn a_phone_that_takes_update_is_refreshed_by_it() {
    let mut world =
        talking(REFRESHED_BY_PHONE, "Allow:~INVITE,~UPDATE|Supported:~timer|Session-Expires:~600;refresher=uac");
    world.play(
        r#"
        300s  bob < UPDATE `!m=audio` `Session-Expires: 600;refresher=uac` `Contact: <sip:1001@192.0.2.1:5060>`
        300s  bob > answer 200 extra=Session-Expires:~600;refresher=uac
        600s  bob < UPDATE
        600s  bob > answer 200 extra=Session-Expires:~200;refresher=uac
        700s  bob < UPDATE `Session-Expires: 200;refresher=uac`
        700s  bob > answer 200
        "#,
    );
    end(world);
}

#[test]
fn a_phone_that_refuses_update_is_refreshed_by_reinvite() {
    let mut world = talking(REFRESHED_BY_PHONE, "Allow:~INVITE,~UPDATE");
    world.play(
        r#"
        900s  bob < UPDATE
        900s  bob > answer 405
        900s  bob < INVITE ` 1 IN IP4 192.0.2.1`
        900s  bob > 200
        900s  bob < ACK
        "#,
    );
    end(world);
}

#[test]
fn the_caller_says_who_refreshes() {
    for (asked, told, due) in [
        (
            "Supported:~timer|Session-Expires:~600;refresher=uac",
            "`Session-Expires: 600;refresher=uac` `Require: timer`",
            0,
        ),
        ("Supported:~timer|Session-Expires:~600;refresher=uas", "`Session-Expires: 600;refresher=uas` `!Require`", 300),
        ("Supported:~timer|Session-Expires:~600", "`Session-Expires: 600;refresher=uas`", 300),
        ("Supported:~timer", "`Session-Expires: 1800;refresher=uas`", 900),
        ("Require:~timer", "`Session-Expires: 1800;refresher=uas`", 900),
        ("Min-SE:~90", "`!Session-Expires`", 900),
    ] {
        let mut world = World::with(&["alice"]);
        world.play(&format!("0ms alice > INVITE *43 extra={asked}\n0ms alice < 200 `Supported: timer` {told}"));
        if due > 0 {
            world.play(&format!("{due}s alice < INVITE `refresher=uac`\n{due}s alice > 200\n{due}s alice < ACK"));
        }
        world.play("0ms alice > BYE");
        world.finish();
    }
}

#[test]
fn a_called_phone_that_should_refresh_and_vanishes_is_hung_up() {
    let mut world = talking(REFRESHED_BY_PHONE, "Supported:~timer|Session-Expires:~600;refresher=uas");
    // 600 s, less 32 s.
    world.play("567s alice hears bob\n568s bob < BYE\n568s alice < BYE");
    world.finish();
    assert!(world.facts.contains(&"ended PeerLost by System 200".to_owned()), "{:?}", world.facts);
}

#[test]
fn a_caller_that_holds_with_inactive_and_vanishes_is_hung_up() {
    let mut world = talking("Supported:~timer|Session-Expires:~90;refresher=uac", NO_TIMER);
    world.play(
        r#"
        2s   alice > REINVITE dir=inactive extra=Supported:~timer|Session-Expires:~90;refresher=uac
        2s   alice < 200 `a=inactive` `Session-Expires: 90;refresher=uac` `Require: timer`
        61s  bob hears HoldMusic
        62s  alice < BYE
        62s  bob < BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"ended PeerLost by System 200".to_owned()), "{:?}", world.facts);
}

#[test]
fn refreshes_of_the_peer_keep_the_call() {
    let mut world = talking("Supported:~timer|Session-Expires:~90;refresher=uac", NO_TIMER);
    world.play(
        r#"
        45s   alice > REINVITE extra=Supported:~timer|Session-Expires:~90;refresher=uac
        45s   alice < 200
        90s   alice > REINVITE extra=Supported:~timer|Session-Expires:~90;refresher=uac
        90s   alice < 200
        149s  bob hears alice
        150s  alice < BYE
        150s  bob < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_phone_that_is_gone_does_not_answer_its_refresh() {
    for (say, at) in [("", 932), ("900s bob > 481\n900s bob < ACK", 900), ("900s bob > 408\n900s bob < ACK", 900)] {
        let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
        world.play(&format!("900s bob < INVITE\n{say}\n{at}s bob < BYE\n{at}s alice < BYE"));
        world.finish();
        assert!(world.facts.contains(&"ended PeerLost by System 200".to_owned()), "{:?}", world.facts);
    }
}

#[test]
fn a_phone_that_refuses_its_refresh_is_there_and_is_asked_again_later() {
    let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
    world.play(
        r#"
        900s  bob < INVITE
        900s  bob > 488
        900s  bob < ACK
        900s  bob hears alice
        901s  alice > REINVITE extra=Supported:~timer|Session-Expires:~1800;refresher=uac
        901s  alice < 200
        1800s bob < INVITE
        1800s bob > 200
        1800s bob < ACK
        "#,
    );
    end(world);
}

#[test]
fn a_refresh_that_crosses_a_hold_gives_way_and_the_hold_stays() {
    let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
    world.play(
        r#"
        900s  bob > silent
        900s  bob < INVITE
        900s  bob > REINVITE dir=sendonly
        900s  bob < 491
        900s  bob > polite
        900s  bob > answer 491
        900s  bob < ACK
        901s  bob > REINVITE dir=sendonly
        901s  bob < 200 `a=recvonly`
        901s  alice hears HoldMusic
        "#,
    );
    // RFC 3261 §14.1: we own the Call-ID, so it is 2.1 to 4 s. The refresh repeats what was answered to the hold.
    world.play("3200ms bob < INVITE `a=recvonly` ` 2 IN IP4`\n3200ms bob > 200 dir=sendonly\n3200ms bob < ACK");
    world.play("0ms alice hears HoldMusic");
    let held = world.facts.iter().filter(|fact| fact.starts_with("held") || fact.starts_with("retrieved")).count();
    assert_eq!(held, 1, "{:?}", world.facts);
    end(world);
}

#[test]
fn a_hold_that_resets_the_timer_puts_the_refresh_off() {
    let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
    world.play(
        r#"
        500s   bob > REINVITE dir=sendonly
        500s   bob < 200
        1399s  alice hears HoldMusic
        1400s  bob < INVITE `a=recvonly`
        1400s  bob > 200 dir=sendonly
        1400s  bob < ACK
        "#,
    );
    end(world);
}

#[test]
fn an_invite_that_is_refused_for_its_interval_is_repeated_with_a_longer_one() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `CSeq: 1 INVITE` `Session-Expires: 1800;refresher=uac`
        10ms   bob   > 422 extra=Min-SE:~3600
        10ms   bob   < ACK
        10ms   bob   < INVITE `CSeq: 2 INVITE` `Session-Expires: 3600;refresher=uac` `Min-SE: 3600`
        1s     bob   > 200 extra=Supported:~timer|Session-Expires:~3600;refresher=uac
        1s     bob   < ACK
        1s     alice < 200
        3s     alice > BYE
        3s     bob   < BYE
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_answered 1002#1 PCMU
        leg_answered 1001#1 PCMU
        answered 1002#1
        leg_ended 1001#1 Normal 200
        leg_ended 1002#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn a_phone_whose_least_interval_only_grows_is_not_called_for_ever() {
    let mut world = World::with(&["alice", "bob"]);
    world.play("0ms alice > INVITE 1002");
    for min_se in [2_000, 2_001, 2_002] {
        world.play(&format!("0ms bob < INVITE\n0ms bob > 422 extra=Min-SE:~{min_se}\n0ms bob < ACK"));
    }
    world.play("0ms bob < INVITE `Min-SE: 2002`\n0ms bob > 422 extra=Min-SE:~2003\n0ms bob < ACK\n0ms alice < 422");
    world.finish();
}

#[test]
fn a_refresh_that_is_refused_for_its_interval_is_repeated_with_a_longer_one() {
    let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
    world.play(
        r#"
        900s  bob < INVITE
        900s  bob > 422 extra=Min-SE:~2000
        900s  bob < ACK
        900s  bob < INVITE `Session-Expires: 2000;refresher=uac` `Min-SE: 2000` ` 1 IN IP4`
        900s  bob > 200
        900s  bob < ACK
        "#,
    );
    end(world);
}

#[test]
fn an_interval_that_is_too_short_is_refused_before_and_in_the_call() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002 extra=Supported:~timer|Session-Expires:~60
        0ms    alice < 422 `Min-SE: 90`
        1s     alice > INVITE 1002 extra=Supported:~timer|Session-Expires:~junk
        1s     alice < 400
        "#,
        "",
    );
    let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
    world.play(
        r#"
        2s  alice > REINVITE dir=sendonly extra=Supported:~timer|Session-Expires:~60
        2s  alice < 422 `Min-SE: 90`
        2s  bob   hears alice
        "#,
    );
    end(world);
}

#[test]
fn a_collision_on_a_call_of_one_leg_is_waited_out() {
    let mut world = World::with(&["alice"]);
    world.play(
        r#"
        0ms   alice > INVITE *43
        0ms   alice < 200
        900s  alice > silent
        900s  alice < INVITE
        900s  alice > REINVITE dir=sendonly
        900s  alice < 491
        900s  alice > answer 491
        900s  alice < ACK
        900s  alice > polite
        902s  alice < INVITE ` 1 IN IP4`
        902s  alice > 200
        902s  alice < ACK
        902s  alice hears alice
        903s  alice > BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_bye_that_crosses_a_refresh_ends_the_call() {
    for answer in ["487", "200"] {
        let mut world = talking(REFRESHED_BY_PHONE, NO_TIMER);
        world.play(&format!(
            r#"
            900s  bob < INVITE
            900s  bob > BYE
            900s  alice < BYE
            900s  bob > {answer}
            900s  bob < ACK
            "#
        ));
        world.finish();
        assert!(world.facts.contains(&"ended Normal by Callee 200".to_owned()), "{:?}", world.facts);
    }
}

#[test]
fn a_leg_that_is_handed_on_keeps_its_timer() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms   alice > INVITE 1002
        0ms   bob   < INVITE
        1s    bob   > 200 extra=Supported:~timer|Session-Expires:~1800;refresher=uas
        1s    bob   < ACK
        1s    alice < 200
        2s    alice > swap
        2s    alice > INVITE 1003
        2s    carol < INVITE
        3s    carol > 200
        3s    carol < ACK
        3s    alice < 200
        4s    alice > swap
        5s    alice > REFER 1003 attended
        5s    alice < 202
        5s    alice < NOTIFY
        5s    alice < NOTIFY
        5s    alice < BYE
        5s    alice < BYE
        5s    bob   hears carol
        903s  carol < INVITE `Session-Expires: 1800;refresher=uac`
        903s  carol > 200
        903s  carol < ACK
        904s  carol > BYE
        904s  bob   < BYE
        "#,
    );
    world.finish();
}

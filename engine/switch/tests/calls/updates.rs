//! UPDATE (RFC 3311): in a call, before its answer, and across what we ask ourselves.

use crate::ladder::{World, check};

fn talking() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, PRACK, UPDATE`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    world
}

fn end(mut world: World) {
    world.play("0ms alice > BYE\n0ms bob < BYE");
    world.finish();
}

#[test]
fn an_update_holds_and_retrieves() {
    let mut world = talking();
    world.play(
        r#"
        2s  alice > UPDATE dir=sendonly
        2s  alice < 200 `a=recvonly` ` 2 IN IP4 192.0.2.1` `Contact: <sip:1002@192.0.2.1:5060>`
        2s  bob   hears HoldMusic
        4s  alice > UPDATE sdp=PCMU,PCMA,event
        4s  alice < 200 `a=sendrecv` ` 3 IN IP4 192.0.2.1`
        4s  bob   hears alice
        "#,
    );
    assert!(world.facts.contains(&"held 1001#1".to_owned()), "{:?}", world.facts);
    assert!(world.facts.contains(&"retrieved 1001#1".to_owned()), "{:?}", world.facts);
    end(world);
}

#[test]
fn an_update_without_an_offer_refreshes_and_changes_nothing() {
    let mut world = talking();
    world.play(
        r#"
        2s    alice > UPDATE extra=Supported:~timer|Session-Expires:~600;refresher=uac
        2s    alice < 200 `!m=audio` `Session-Expires: 600;refresher=uac` `Require: timer`
        2s    bob   hears alice
        3s    alice > UPDATE extra=Supported:~timer|Session-Expires:~10
        3s    alice < 422 `Min-SE: 90`
        570s  alice < BYE
        570s  bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn an_update_that_we_cannot_take_leaves_the_session_as_it_was() {
    let mut world = talking();
    world.play(
        r#"
        2s  alice > UPDATE sdp=G729
        2s  alice < 488 `Warning: 305`
        2s  bob   hears alice
        3s  alice > UPDATE sdp=PCMU extra=Require:~gruu
        3s  alice < 420 `Unsupported: gruu`
        4s  alice > REINVITE extra=Require:~gruu
        4s  alice < 420 `Unsupported: gruu`
        5s  alice > UPDATE sdp=PCMU extra=Content-Type:~text/plain
        5s  alice < 415
        6s  alice > UPDATE sdp=PCMU,PCMA,event
        6s  alice < 200 ` 1 IN IP4`
        "#,
    );
    end(world);
}

#[test]
fn before_the_answer_an_offer_has_to_wait_and_anything_else_has_not() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        1s     alice > UPDATE
        1s     alice < 200 `!m=audio` `!Session-Expires`
        2s     alice > UPDATE sdp=PCMU
        2s     alice < 500 `Retry-After:`
        3s     bob   > UPDATE
        3s     bob   < 200 `!m=audio`
        4s     bob   > UPDATE sdp=PCMU
        4s     bob   < 491
        5s     bob   > BYE
        5s     bob   < 481
        6s     bob   > 200
        6s     bob   < ACK
        6s     alice < 200
        7s     alice > BYE
        7s     bob   < BYE
        "#,
        "",
    );
}

#[test]
fn an_offer_that_crosses_ours_is_refused_and_a_sign_of_life_is_not() {
    let mut world = talking();
    world.play(
        r#"
        100s   alice > UPDATE extra=Supported:~timer
        100s   alice < 200
        900s   bob   < INVITE
        900s   bob   > UPDATE dir=sendonly
        900s   bob   < 491
        900s   bob   > UPDATE
        900s   bob   < 200
        900s   alice hears bob
        "#,
    );
    world.play("0ms bob > 200\n0ms bob < ACK");
    end(world);
}

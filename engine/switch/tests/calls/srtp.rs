//! Encrypted audio: keys in the session description (RFC 4568), each leg with its own.

use sip::sdp::CryptoSuite;

use crate::ladder::{World, node, tenant};
use crate::under_test::config::Srtp;
use crate::under_test::media::{MediaCommand, SrtpKeys};

/// Alice and Bob, of whom those at these numbers must be encrypted.
fn world(required: &[&str]) -> World {
    let mut tenant = tenant();
    for number in required {
        tenant.extensions.get_mut(&number.parse().unwrap()).unwrap().srtp = Srtp::Required;
    }
    let mut world = World::new(node(), tenant);
    world.register(&["alice", "bob"]);
    world
}

/// The keys that were agreed for a party, one for each time.
fn agreed(world: &World, who: &str) -> Vec<Option<SrtpKeys>> {
    let wanted = world.endpoint(who);
    let of = |command: &MediaCommand| match command {
        MediaCommand::Agree { endpoint, agreement } if *endpoint == wanted => Some(agreement.srtp.clone()),
        _ => None,
    };
    world.media.iter().filter_map(of).collect()
}

#[test]
fn a_phone_that_offers_keys_gets_one_and_the_other_leg_stays_as_it_is() {
    let mut world = world(&[]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 more=srtpA
        0ms    bob   < INVITE `RTP/AVP` `!a=crypto`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 `RTP/SAVP` `a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:` `!a=crypto:1`
        2s     alice hears bob
        "#,
    );
    let keys = agreed(&world, "alice").pop().unwrap().unwrap();
    assert_eq!((keys.suite, keys.receive.as_bytes()), (CryptoSuite::AesCm128HmacSha1_80, &[b'A'; 30][..]));
    assert_ne!(keys.send, keys.receive);
    assert_eq!(agreed(&world, "bob"), [None]);
    // Hold keeps our key; a new one of hers is taken.
    world.play(
        r#"
        3s     alice > REINVITE more=srtpA dir=sendonly
        3s     alice < 200 `RTP/SAVP` `a=recvonly`
        4s     alice > REINVITE more=srtpB
        4s     alice < 200 `RTP/SAVP`
        "#,
    );
    let of_alice: Vec<SrtpKeys> = agreed(&world, "alice").into_iter().flatten().collect();
    assert!(of_alice.iter().all(|later| later.send == keys.send), "a key of ours is not changed without need");
    assert_eq!(of_alice.last().unwrap().receive.as_bytes(), [b'B'; 30]);
    world.play("5s alice > BYE\n5s bob < BYE");
    world.finish();
}

#[test]
fn who_must_be_encrypted_is_offered_keys_and_takes_no_plain_audio() {
    let mut world = world(&["1002"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `RTP/SAVP` `a=crypto:1 AEAD_AES_128_GCM inline:` `a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:` `a=crypto:4`
        1s     bob   > 200 more=srtpC
        1s     bob   < ACK
        1s     alice < 200 `RTP/AVP` `!a=crypto`
        1s     bob hears alice
        2s     bob   > BYE
        2s     alice < BYE
        3s     bob   > INVITE 1001
        3s     bob   < 488 `Warning: 304`
        4s     alice > INVITE 1002
        4s     bob   < INVITE `RTP/SAVP`
        5s     bob   > 200
        5s     bob   < ACK
        5s     bob   < BYE
        5s     alice < 488
        "#,
    );
    world.finish();
}

#[test]
fn an_offer_whose_keys_nobody_can_use_is_refused_at_once() {
    let mut world = world(&[]);
    world.play("0ms alice > INVITE 1002 sdp=PCMU more=srtpless\n0ms alice < 488 `Warning: 304`");
    world.finish();
}

#[test]
fn a_delayed_offer_of_ours_is_as_the_phone_must_have_it() {
    let mut world = world(&["1001"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 sdp=none
        0ms    alice > silent
        0ms    bob   < INVITE `RTP/AVP`
        1s     bob   > 200 sdp=PCMA
        1s     bob   < ACK
        1s     alice < 200 `RTP/SAVP` `a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:`
        1s     alice > ACK sdp=PCMA more=srtpA
        2s     alice hears bob
        "#,
    );
    assert!(agreed(&world, "alice").pop().unwrap().is_some());
    world.play("1s alice > BYE\n1s bob < BYE");
    world.finish();
}

#[test]
fn what_was_encrypted_stays_so() {
    let mut world = world(&["1002"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `RTP/SAVP`
        1s     bob   > 200 more=srtpC
        1s     bob   < ACK
        1s     alice < 200
        2s     bob   > REINVITE
        2s     bob   < 488 `Warning: 304`
        3s     bob   > silent
        3s     bob   > REINVITE sdp=none
        3s     bob   < 200 `RTP/SAVP` `a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:` `!a=crypto:1`
        3s     bob   > ACK sdp=PCMA more=srtpC
        3s     bob   > polite
        4s     bob   hears alice
        4s     alice hears bob
        "#,
    );
    let of_bob = agreed(&world, "bob");
    assert!(of_bob.iter().all(Option::is_some), "{of_bob:?}");
    let keys: Vec<&[u8]> = of_bob.iter().flatten().map(|keys| keys.send.as_bytes()).collect();
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "our key stays");
    world.play("1s bob > BYE\n1s alice < BYE");
    world.finish();
}

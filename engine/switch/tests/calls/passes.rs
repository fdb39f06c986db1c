//! Passes: credentials of browsers that end with their session.

use sip::digest::ha1;

use crate::ladder::{World, node, tenant};
use crate::under_test::input::Command;
use crate::under_test::output::{Done, Refused};
use crate::under_test::passes::Pass;

fn pass(username: &str, session: &str, extension: &str) -> Box<Pass> {
    let (username, session) = (username.to_owned(), session.to_owned());
    let ha1 = ha1(&username, "pbx.example", "secret");
    Box::new(Pass { username, session, extension: extension.parse().unwrap(), ha1 })
}

fn world() -> World {
    let mut world = World::new(node(), tenant());
    for (name, login) in [("alice", "1001-a"), ("bob", "1002-b")] {
        world.phone(name).login = Some(login);
    }
    world
}

#[test]
fn a_phone_registers_and_calls_with_a_pass_until_it_ends() {
    let mut world = world();
    assert_eq!(world.command(Command::Admit(pass("1001-a", "one", "1001"))), Ok(Done::Ok));
    assert_eq!(world.command(Command::Admit(pass("1002-b", "two", "1002"))), Ok(Done::Ok));
    world.register(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `From: "Alice" <sip:1001@pbx.example>`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    world.facts.clear();
    assert_eq!(world.command(Command::Revoke("one".into())), Ok(Done::Ok));
    assert_eq!(world.facts, ["unbound 1001 SignedOut"], "Bob's stays");
    assert_eq!((world.switch.sizes().passes, world.switch.sizes().bindings), (1, 1));
    // The call goes on; another one is not to be had.
    world.play("1s alice hears bob\n1s alice > BYE\n1s bob < BYE");
    world.play("0ms alice > INVITE 1002\n3s alice < 401");
    world.play("0ms alice > REGISTER\n3s alice < 401");
    world.command(Command::Revoke("nobody".into())).unwrap();
    world.phone("alice").login = None;
    world.play("3s alice > REGISTER\n9s alice < 200");
}

/// Proves LOGIN-09 (the phone of whoever left is registered no more, and his call may finish), as far as the switch goes.
#[test]
fn the_phones_of_an_extension_are_let_go_and_its_call_goes_on() {
    let mut world = World::new(node(), tenant());
    world.register(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `From: "Alice" <sip:1001@pbx.example>`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    world.facts.clear();
    assert_eq!(world.command(Command::Unbind("1001".parse().unwrap())), Ok(Done::Ok));
    assert_eq!(world.facts, ["unbound 1001 SignedOut"], "Bob's stays");
    world.play("1s alice hears bob\n1s alice > BYE\n1s bob < BYE");
    world.play("0ms bob > INVITE 1001\n0ms bob < 480");
    assert_eq!(world.command(Command::Unbind("1999".parse().unwrap())), Ok(Done::Ok), "who has none");
}

#[test]
fn a_pass_is_for_an_extension_of_its_tenant() {
    let mut world = world();
    assert_eq!(world.command(Command::Admit(pass("x", "one", "1999"))), Err(Refused::NoSuchExtension));
    // Who has one for 1001 is nobody else.
    world.command(Command::Admit(pass("1002-b", "one", "1001"))).unwrap();
    world.play("0ms bob > REGISTER\n1s bob < 403");
    world.play("0ms bob > INVITE 1003\n1s bob < 403");
}

#[test]
fn each_page_of_a_session_has_a_pass_and_the_oldest_of_nine_ends() {
    let mut world = world();
    world.command(Command::Admit(pass("1001-a", "one", "1001"))).unwrap();
    world.register(&["alice"]);
    for page in 2..=8 {
        world.command(Command::Admit(pass(&format!("page{page}"), "one", "1001"))).unwrap();
    }
    assert!(world.facts.is_empty());
    world.command(Command::Admit(pass("page9", "one", "1001"))).unwrap();
    assert_eq!(world.facts, ["unbound 1001 SignedOut"]);
    assert_eq!(world.switch.sizes().passes, 8);
}

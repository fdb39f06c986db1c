//! Keys between phones that press and hear them in different ways, and keys pressed by command.

use switch::input::Command;
use switch::media::{Detect, MediaCommand};
use switch::output::Refused;

use crate::ladder::World;

/// What a phone of each kind offers and says it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Events,
    Info,
    Sound,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Events, Self::Info, Self::Sound];

    fn words(self) -> &'static str {
        match self {
            Self::Events => "sdp=PCMU,PCMA,event",
            Self::Info => "sdp=PCMU,PCMA extra=Accept:~application/sdp,~application/dtmf-relay",
            Self::Sound => "sdp=PCMU,PCMA",
        }
    }
}

/// Alice, of one kind, called Bob, of another. She keeps her events where he gives his up: agreed with him they never were.
fn talking(alice: Kind, bob: Kind) -> World {
    if alice == Kind::Events && bob != Kind::Events {
        let mut world = talking(Kind::Events, Kind::Events);
        world.play("2s bob > REINVITE sdp=PCMU\n2s bob < 200 `!telephone-event`");
        if bob == Kind::Info {
            world.play("1s bob > INFO extra=Content-Type:~application/dtmf text=0\n1s bob < 200");
            assert_eq!(sent(&world, "alice"), "0");
        }
        return world;
    }
    let mut world = World::with(&["alice", "bob"]);
    world.play(&format!(
        r#"
        0ms    alice > INVITE 1002 {}
        0ms    bob   < INVITE
        1s     bob   > 200 {}
        1s     bob   < ACK
        1s     alice < 200
        "#,
        alice.words(),
        bob.words()
    ));
    world
}

fn sent(world: &World, to: &str) -> String {
    let endpoint = world.endpoint(to);
    let digits = world.media.iter().filter_map(|command| match command {
        MediaCommand::SendDigits { endpoint: at, digits } if *at == endpoint => Some(digits.as_str()),
        _ => None,
    });
    digits.collect()
}

fn listened(world: &World, to: &str) -> bool {
    let endpoint = world.endpoint(to);
    let last = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::DetectKeys { endpoint: at, detect } if *at == endpoint => Some(*detect),
        _ => None,
    });
    last == Some(Detect::On)
}

fn hang_up(mut world: World) {
    world.play("5s alice > BYE\n5s bob < BYE");
    world.finish();
}

#[test]
fn each_kind_of_phone_presses_a_key_for_each_kind() {
    for from in Kind::ALL {
        for to in Kind::ALL {
            let mut world = talking(from, to);
            // A sound is heard by the media only where that was asked for.
            match from {
                Kind::Events => world.play("1s alice > press 5"),
                Kind::Info => world.play(
                    "1s alice > INFO extra=Content-Type:~application/dtmf-relay text=Signal=5|Duration=160\n1s alice < 200",
                ),
                Kind::Sound if listened(&world, "alice") => world.play("1s alice > press 5"),
                Kind::Sound => {}
            }
            match to {
                Kind::Info => {
                    world.play("1s bob < INFO `Content-Type: application/dtmf-relay` `Signal=5`\n1s bob > reply 200")
                }
                Kind::Events | Kind::Sound => {}
            }
            // What media passes by itself is not pressed again: events between two that have them, and sounds.
            let anew = match (from, to) {
                (Kind::Events, Kind::Sound) | (Kind::Info, Kind::Events | Kind::Sound) => "5",
                (Kind::Events, Kind::Events | Kind::Info) | (Kind::Info, Kind::Info) | (Kind::Sound, _) => "",
            };
            assert_eq!(sent(&world, "bob"), anew, "{from:?} to {to:?}");
            hang_up(world);
        }
    }
}

#[test]
fn a_phone_that_presses_by_info_hears_so_from_then_on() {
    let mut world = talking(Kind::Sound, Kind::Sound);
    assert!(!listened(&world, "bob"));
    world.play("1s alice > INFO extra=Content-Type:~application/dtmf text=9\n1s alice < 200");
    assert_eq!(sent(&world, "bob"), "9");
    assert!(listened(&world, "bob") && !listened(&world, "alice"));
    world.play("2s bob > press 3\n2s alice < INFO `Signal=3` `Duration=160`\n2s alice > reply 200");
    hang_up(world);
}

#[test]
fn a_phone_that_says_a_key_twice_pressed_it_once() {
    let mut world = talking(Kind::Events, Kind::Sound);
    let info = "INFO extra=Content-Type:~application/dtmf text=4";
    world.play(&format!("1s alice > press 4\n1.2s alice > {info}\n1.2s alice < 200"));
    assert_eq!(sent(&world, "bob"), "4");
    world.play(&format!("5s alice > {info}\n5s alice < 200"));
    assert_eq!(sent(&world, "bob"), "44", "later it is another");
    hang_up(world);
}

#[test]
fn the_star_the_pound_sign_and_a_flash_by_info() {
    let mut world = talking(Kind::Info, Kind::Events);
    for (text, so_far) in [("Signal=10", "*"), ("Signal=11", "*#"), ("Signal=#", "*##"), ("Signal=d", "*##D")] {
        world.play(&format!("1s alice > INFO extra=Content-Type:~application/dtmf-relay text={text}\n1s alice < 200"));
        assert_eq!(sent(&world, "bob"), so_far);
    }
    // What is no key goes on as it came.
    world.play("1s alice > INFO extra=Content-Type:~application/dtmf-relay text=Signal=hf\n1s bob < INFO `Signal=hf`\n1s alice < 200\n1s bob > reply 200");
    hang_up(world);
}

#[test]
fn keys_are_pressed_by_command_toward_whom_it_names() {
    let mut world = talking(Kind::Sound, Kind::Info);
    let call = world.last_call.unwrap();
    let digits = "1#".to_owned();
    world.command(Command::SendDigits { call, leg: None, digits: digits.clone() }).unwrap();
    world.play("0s bob < INFO `Signal=1`\n0s bob > reply 200\n0s bob < INFO `Signal=#`\n0s bob > reply 200");
    let legs: Vec<_> = world
        .views
        .iter()
        .rev()
        .find_map(|view| match view {
            switch::view::View::Call(view) => Some(view.legs.iter().map(|leg| leg.leg).collect()),
            _ => None,
        })
        .unwrap();
    world.command(Command::SendDigits { call, leg: Some(legs[0]), digits: digits.clone() }).unwrap();
    assert_eq!(sent(&world, "alice"), "1#");
    let nobody = hooks::id::LegId::new(1, 1);
    let refused = world.command(Command::SendDigits { call, leg: Some(nobody), digits: digits.clone() });
    assert_eq!(refused, Err(Refused::NotConnected));
    hang_up(world);
    let mut world = World::with(&["alice"]);
    let refused = world.command(Command::SendDigits { call, leg: None, digits });
    assert_eq!(refused, Err(Refused::NoSuchCall));
}

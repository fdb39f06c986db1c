//! Every stage of a call against everything that can end it: what each party is sent, and what is written down.

use std::fmt::Write;
use std::time::Duration;

use dialplan::number::Dialled;
use switch::input::{Command, Input};
use switch::media::MediaEvent;

use crate::ladder::World;
use crate::phone::{first_word, status};

/// How a call gets where the event meets it.
const STAGES: [(&str, &str); 8] = [
    ("called, nothing heard", "0ms alice > INVITE 1002\n0ms bob < INVITE"),
    ("ringing", "0ms alice > INVITE 1002\n0ms bob < INVITE\n100ms bob > 180\n100ms alice < 180"),
    ("early media", "0ms alice > INVITE 1002\n0ms bob < INVITE\n100ms bob > 183 sdp=PCMU\n100ms alice < 183"),
    ("talking", TALKING),
    ("held by the caller", "held"),
    ("echo test", "0ms alice > INVITE *43\n0ms alice < 200"),
    ("originated, own phone rings", "originate"),
    ("originated, other phone rings", "originate and answer"),
];

const TALKING: &str = "0ms alice > INVITE 1002\n0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s alice < 200";

const EVENTS: [&str; 9] = [
    "caller CANCEL",
    "caller BYE",
    "callee BYE",
    "callee 486",
    "callee 200",
    "callee silent for 31 s",
    "no RTP from the caller",
    "command",
    "stop",
];

#[test]
fn every_stage_against_every_end() {
    let mut table = String::new();
    for (stage, script) in STAGES {
        writeln!(table, "{stage}").unwrap();
        for event in EVENTS {
            let mut world = at(script);
            let told = strike(&mut world, event).map_or_else(|| "-".to_owned(), |()| outcome(&mut world));
            writeln!(table, "  {event:<24} {told}").unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

fn at(script: &str) -> World {
    let mut world = World::with(&["alice", "bob"]);
    let originate = || Command::Originate { from: "1001".parse().unwrap(), to: Dialled::clean("1002").unwrap() };
    match script {
        "held" => {
            world.play(TALKING);
            world.play("1s alice > REINVITE dir=sendonly\n1s alice < 200");
        }
        "originate" => {
            world.command(originate()).unwrap();
            world.play("0ms alice < INVITE\n1s alice > 180");
        }
        "originate and answer" => {
            world.command(originate()).unwrap();
            world.play("0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s bob < INVITE\n1s bob > 180");
        }
        ladder => world.play(ladder),
    }
    world
}

/// Lets the event happen; `None` where it cannot.
fn strike(world: &mut World, event: &str) -> Option<()> {
    match event {
        "caller CANCEL" => {
            world.phone("alice").invite_out.as_ref()?;
            world.act("alice", "CANCEL");
        }
        "caller BYE" if world.phone("alice").has_dialog() => world.act("alice", "BYE"),
        "callee BYE" if world.phone("bob").has_dialog() => world.act("bob", "BYE"),
        "callee 486" | "callee 200" => {
            world.phone("bob").invite_in.as_ref()?;
            world.act("bob", event.strip_prefix("callee ")?);
        }
        "callee silent for 31 s" => {
            let later = world.now() + Duration::from_secs(31);
            world.run_until(later);
        }
        "no RTP from the caller" => {
            let endpoint = world.endpoint_of("alice")?;
            world.input(Input::Media(MediaEvent::Silent(endpoint)));
        }
        "command" => {
            let call = world.last_call?;
            world.command(Command::Hangup(call)).unwrap();
        }
        "stop" => world.input(Input::Stop),
        _ => return None,
    }
    Some(())
}

/// What each phone got, and the end as written down.
fn outcome(world: &mut World) -> String {
    let mut told = String::new();
    for name in ["alice", "bob"] {
        let mut got: Vec<String> = Vec::new();
        for message in world.phone(name).inbox.drain(..) {
            let code = status(&message);
            got.push(if message.starts_with("SIP/2.0") { code.to_string() } else { first_word(&message).to_owned() });
        }
        write!(told, "{name}: {:<16} ", got.join(" ")).unwrap();
    }
    let end = world.facts.iter().find(|fact| fact.starts_with("ended")).cloned();
    // Whatever goes on is ended, so that nothing is left.
    world.input(Input::Stop);
    for phone in world.phones.values_mut() {
        phone.inbox.clear();
    }
    world.finish();
    told + end.as_deref().unwrap_or("goes on")
}

//! Random people in a room: they come, leave, mute themselves and are muted, hold, crash and are sent away. After each act every one
//! hears exactly the others who are neither muted nor on hold, and nothing is owned at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooks::id::CallId;
use sip::random::Random;
use switch::input::{Command, ConferenceOrder, Input};
use switch::media::MediaEvent;
use switch::view::{ConferenceView, View};

use crate::ladder::{World, node, room, tenant};

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "lines"];
const SEEDS: u64 = 60;
const ACTS: usize = 60;

/// How somebody in the room is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    muted: bool,
    held: bool,
}

#[test]
fn each_hears_exactly_the_others_who_are_heard_whatever_happens() {
    let mut crowded = 0;
    for seed in 0..SEEDS {
        let most = std::panic::catch_unwind(|| run(seed));
        crowded += u64::from(most.unwrap_or_else(|_| panic!("seed {seed} fails, as told above")) == PEOPLE.len());
    }
    assert!(crowded > SEEDS / 2, "the room was full in {crowded} of {SEEDS} runs alone");
}

/// Gives the most people that were in the room at a time.
fn run(seed: u64) -> usize {
    let mut random = Random::from_seed([u8::try_from(seed).unwrap(); 32]);
    let mut settings = tenant();
    let mut large = room("8000", None);
    large.members_max = PEOPLE.len();
    // What is said takes no time here, but all its ways are gone.
    large.announce = seed.is_multiple_of(2);
    settings.rooms.insert(large.number.clone(), Arc::new(large));
    let mut world = World::new(node(), settings);
    world.register(&PEOPLE[..3]);
    let mut inside: BTreeMap<&'static str, State> = BTreeMap::new();
    let mut most = 0;
    for _ in 0..ACTS {
        let name = PEOPLE[usize::try_from(random.next_u64() % 4).unwrap()];
        act(&mut world, name, random.next_u64() % 9, &mut inside);
        most = most.max(inside.len());
        check(&world, &inside);
    }
    for name in std::mem::take(&mut inside).into_keys() {
        world.play(&format!("100ms {name} > BYE"));
    }
    world.finish();
    most
}

fn act(world: &mut World, name: &'static str, what: u64, inside: &mut BTreeMap<&'static str, State>) {
    let Some(state) = inside.get_mut(name) else {
        let number = if name == "lines" { "01012348000" } else { "8000" };
        world.play(&format!("100ms {name} > INVITE {number}\n100ms {name} < 200"));
        inside.insert(name, State::default());
        return;
    };
    match what {
        0 => {
            world.play(&format!("100ms {name} > BYE"));
            inside.remove(name);
        }
        1 => {
            let endpoint = world.endpoint(name);
            world.input(Input::Media(MediaEvent::Silent(endpoint)));
            world.play(&format!("100ms {name} < BYE"));
            inside.remove(name);
        }
        2 => {
            order(world, ConferenceOrder::Kick(call_of(world, name)));
            world.play(&format!("100ms {name} < BYE"));
            inside.remove(name);
        }
        3 | 4 => {
            world.play(&format!("100ms {name} > press *6"));
            state.muted = !state.muted;
        }
        5 | 6 => {
            state.held = !state.held;
            let direction = if state.held { "dir=sendonly" } else { "" };
            world.play(&format!("100ms {name} > REINVITE {direction}\n100ms {name} < 200"));
        }
        _ => {
            state.muted = what == 7;
            let call = call_of(world, name);
            let muted = if what == 7 { ConferenceOrder::Mute(call) } else { ConferenceOrder::Unmute(call) };
            order(world, muted);
        }
    }
}

fn check(world: &World, inside: &BTreeMap<&'static str, State>) {
    for (name, own) in inside {
        let others = inside.iter().filter(|(other, state)| *other != name && !state.muted && !state.held);
        let mut wanted: BTreeSet<&str> = others.map(|(other, _)| *other).collect();
        if inside.len() == 1 {
            wanted.insert("HoldMusic");
        }
        if own.held {
            wanted.clear();
        }
        if wanted.is_empty() {
            wanted.insert("nothing");
        }
        let heard = world.heard_by(name);
        assert_eq!(heard.split('+').collect::<BTreeSet<_>>(), wanted, "{name} of {inside:?}\n{}", world.ladder());
    }
    let shown: BTreeMap<String, State> = view(world).map_or_else(BTreeMap::new, |view| {
        let members = view.members.iter();
        members.map(|member| (member.number.clone(), State { muted: member.muted, held: member.held })).collect()
    });
    let known = inside.iter().map(|(name, state)| (world.phones[name].user.to_owned(), *state)).collect();
    assert_eq!(shown, known, "{}", world.ladder());
}

fn view(world: &World) -> Option<&ConferenceView> {
    let last = world.views.iter().rev().find(|view| matches!(view, View::Conference(_) | View::ConferenceGone(..)))?;
    match last {
        View::Conference(view) => Some(view),
        _ => None,
    }
}

fn call_of(world: &World, name: &str) -> CallId {
    let user = world.phones[name].user;
    view(world).unwrap().members.iter().find(|member| member.number == user).unwrap().call
}

fn order(world: &mut World, order: ConferenceOrder) {
    world.command(Command::Conference("8000".parse().unwrap(), order)).unwrap();
}

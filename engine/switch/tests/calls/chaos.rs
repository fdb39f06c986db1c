//! Random acts in random order, with messages repeated and delayed: whatever happens, every call ends once, nothing leaks, and
//! nothing is said of a call after its end.

use std::time::Duration;

use dialplan::number::Dialled;
use hooks::fact::EndCause;
use sip::random::Random;
use switch::input::{Command, CommandId, Input};
use switch::media::MediaEvent;

use crate::ladder::{World, node, tenant};

/// A failing seed is run alone by `CHAOS_SEED=n`; `CHAOS_SEEDS=n` runs more of them.
#[test]
fn whatever_happens_every_call_ends_once_and_nothing_leaks() {
    let number = |name: &str| std::env::var(name).ok().and_then(|seed| seed.parse::<u64>().ok());
    let only = number("CHAOS_SEED");
    let seeds = only.map_or(0..number("CHAOS_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1);
    let mut seen = Seen::default();
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| run(seed));
        match outcome {
            Ok(run) => seen.add(&run),
            Err(_) => panic!("CHAOS_SEED={seed} fails, as told above"),
        }
    }
    if only.is_none() {
        // A test that never gets to a cause proves nothing about it.
        assert!(seen.calls > SEEDS, "{seen:?}");
        assert!(seen.answered > SEEDS / 4, "{seen:?}");
        for cause in [
            EndCause::Normal,
            EndCause::Cancelled,
            EndCause::Busy,
            EndCause::NoAnswer,
            EndCause::MediaTimeout,
            EndCause::Command,
            EndCause::NotAcceptable,
        ] {
            assert!(seen.causes.iter().any(|seen| *seen == format!("{cause:?}")), "never {cause:?}: {seen:?}");
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    calls: u64,
    answered: u64,
    causes: std::collections::BTreeSet<String>,
}

impl Seen {
    fn add(&mut self, facts: &[String]) {
        self.calls += facts.iter().filter(|fact| fact.starts_with("created")).count() as u64;
        self.answered += facts.iter().filter(|fact| fact.starts_with("answered")).count() as u64;
        let ended = facts.iter().filter_map(|fact| fact.strip_prefix("ended "));
        self.causes.extend(ended.filter_map(|fact| fact.split(' ').next()).map(str::to_owned));
    }
}

fn run(seed: u64) -> Vec<String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = Random::from_seed(bytes);
    let mut config = tenant();
    config.record_internal = true;
    let mut world = World::new(node(), config);
    world.register(&["alice", "bob", "bob2", "carol"]);
    let acts = 10 + pick(&mut random, 50);
    for _ in 0..acts {
        act(&mut world, &mut random);
    }
    world.input(Input::Stop);
    for phone in world.phones.values_mut() {
        phone.inbox.clear();
    }
    world.finish();
    std::mem::take(&mut world.facts)
}

fn act(world: &mut World, random: &mut Random) {
    let name = choose(random, &NAMES);
    match pick(random, 24) {
        0..=3 => {
            let whom = choose(random, &["1001", "1002", "1003", "*43", "8000", "8001", "13800000000", "110", "7777"]);
            let sdp = choose(random, &["PCMU,PCMA,event", "PCMU", "PCMA", "G729", "opus,PCMA", "none"]);
            world.act(name, &format!("INVITE {whom} sdp={sdp}"));
        }
        4 => {
            let did = choose(random, &["01012345678", "01012345679", "5"]);
            world.act(choose(random, &["lines", "spare"]), &format!("INVITE {did}"));
        }
        5..=10 if world.phone(name).invite_in.is_some() => {
            let code = choose(random, &["180", "183", "200", "200", "200", "486", "603", "302", "503", "488"]);
            let sdp = choose(random, &["", " sdp=PCMA", " sdp=PCMU,PCMA", " sdp=none"]);
            let sdp = if code == "183" && sdp.is_empty() { " sdp=PCMU" } else { sdp };
            world.act(name, &format!("{code}{sdp}"));
        }
        11 if world.phone(name).invite_out.is_some() => world.act(name, "CANCEL"),
        12..=13 if world.phone(name).has_dialog() => world.act(name, "BYE"),
        14..=15 if world.phone(name).has_dialog() => {
            let how = choose(random, &["dir=sendonly", "dir=inactive", "dir=zero", "", "sdp=none", "sdp=G729"]);
            world.act(name, &format!("REINVITE {how}"));
        }
        16 if world.phone(name).has_dialog() => world.act(name, choose(random, &["INFO", "UPDATE", "ACK sdp=PCMU"])),
        17 => world.act(name, choose(random, &["silent", "polite", "polite"])),
        18 => repeat(world, random),
        19 => {
            if let Some(endpoint) = world.any_endpoint(pick(random, 16)) {
                let event = match pick(random, 3) {
                    0 => MediaEvent::BindFailed(endpoint),
                    1 => MediaEvent::Silent(endpoint),
                    _ => MediaEvent::Digit { endpoint, digit: '5' },
                };
                world.input(Input::Media(event));
            }
        }
        20 => {
            let from = choose(random, &["1001", "1002"]);
            let to = choose(random, &["1003", "13800000000", "*43"]);
            let (from, to) = (from.parse().unwrap(), Dialled::clean(to).unwrap());
            let _ = world.command(Command::Originate { from, to });
        }
        21 => {
            if let Some(call) = world.last_call {
                let tenant = hooks::id::TenantId::first();
                world.input(Input::Command { id: CommandId(2), tenant, command: Command::Hangup(call) });
            }
        }
        _ => {
            let ms = choose(random, &[1, 20, 200, 600, 2_000, 7_000, 31_000]);
            let later = world.now() + Duration::from_millis(ms);
            world.run_until(later);
        }
    }
}

/// Something that a phone said before comes again, late and perhaps out of order.
fn repeat(world: &mut World, random: &mut Random) {
    if let Some((name, text)) = world.said(pick(random, 1_000)) {
        world.send(name, &text);
    }
}

fn choose<T: Copy>(random: &mut Random, of: &[T]) -> T {
    of[pick(random, of.len())]
}

fn pick(random: &mut Random, below: usize) -> usize {
    usize::try_from(random.next_u64() % below as u64).unwrap()
}

const SEEDS: u64 = 300;
const NAMES: [&str; 6] = ["alice", "bob", "bob2", "carol", "lines", "spare"];

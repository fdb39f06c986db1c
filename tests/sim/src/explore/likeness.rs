//! What two states of a small world have in common that are explored once.
//!
//! Names that are drawn by chance (tags, branches, Call-IDs, ids), their order, and the wall clock are left out. What is in: each
//! phone's calls, what it waits for and for how long; each message on its way; the calls as the switch publishes them; who hears whom;
//! how much the switch holds, when its next timer ends; and of everything inside it how often each sequence of three names (types,
//! variants, fields) stands in its `Debug` form, without the values.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use media::Source;

use crate::net::To;
use crate::phone::{Dialog, Phone};
use crate::text::Text;
use crate::world::World;

/// The fingerprint of a state.
pub(super) fn of(world: &World, left: &impl Hash) -> u128 {
    let mut hasher = DefaultHasher::new();
    left.hash(&mut hasher);
    for phone in &world.phones {
        phone_likeness(world, phone, world.now).hash(&mut hasher);
    }
    for to in world.net.ways() {
        (format!("{to:?}"), world.net.on_the_way(to).map(|bytes| message(world, to, bytes)).collect::<Vec<_>>())
            .hash(&mut hasher);
    }
    for view in world.shown.values() {
        let legs: Vec<_> = view.legs.iter().map(|leg| (&leg.peer_name, leg.phase, &leg.codec)).collect();
        format!("{:?} {} {legs:?}", view.phase, view.recording).hash(&mut hasher);
    }
    let switch = &world.switch;
    format!("{:?}", switch.sizes()).hash(&mut hasher);
    switch.poll_timeout().map(|at| at.saturating_sub(world.now)).hash(&mut hasher);
    let mut inside = Inside::default();
    write!(inside, "{switch:?}").expect("it takes everything");
    (u128::from(hasher.finish()) << 64) | u128::from(inside.sum)
}

fn phone_likeness(world: &World, phone: &Phone, now: Duration) -> String {
    let likeness = |dialog: &Dialog| format!("{} {}", dialog.likeness(), phone.is_asking(dialog));
    let dialogs: Vec<String> = phone.calls().map(likeness).collect();
    format!("{dialogs:?} {:?} {:?}", phone.awaits(now), hears(world, phone))
}

/// What is heard in each call of the phone: which sound, or whom.
fn hears(world: &World, phone: &Phone) -> Vec<String> {
    let ears = &world.ears;
    let speaker = |source: Source| match source {
        Source::Endpoint(id) => {
            let agreement = ears.endpoint(id.0).and_then(|endpoint| endpoint.agreement.as_ref());
            format!("{:?}", agreement.and_then(|agreement| agreement.remote_rtp).map(|address| address.ip()))
        }
        Source::Player(id) => format!("{id:?}"),
    };
    let endpoint = |dialog: &Dialog| ears.speaks_to(format!("{}:{}", phone.host(), dialog.port).parse().ok()?);
    let heard = |id| ears.heard_by(id).into_iter().map(speaker).collect::<Vec<_>>().join("+");
    phone.calls().map(|dialog| endpoint(dialog).map_or_else(|| "-".to_owned(), heard)).collect()
}

/// A message without its names: what, in which call of the phone, and what it says of the session.
fn message(world: &World, to: To, bytes: &[u8]) -> String {
    let Ok(text) = Text::parse(bytes) else { return String::new() };
    let (To::Switch(phone) | To::Phone(phone)) = to;
    let nth = world.phones[phone].calls().position(|dialog| dialog.call_id == text.call_id());
    let direction = text.audio().map(|audio| audio.direction);
    let state = text.get("Subscription-State").map(|state| state.split(';').next().unwrap_or_default().to_owned());
    let tagged = text.tag("To").is_some();
    format!("{} {} {nth:?} {} {direction:?} {state:?} {tagged}", text.method(), text.status(), text.cseq())
}

/// Counts the names in a `Debug` form: a sum of hashes, so that the order of what stands in maps does not matter.
#[derive(Debug, Default)]
struct Inside {
    sum: u64,
    last: [u64; 2],
    quoted: bool,
    escaped: bool,
}

impl Write for Inside {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        // A string begins and ends with a piece of its own.
        let escaped = self.escaped;
        self.escaped = self.quoted && piece == "\\" && !escaped;
        if !escaped && (piece == "\"" || piece == "b\"") {
            self.quoted = !self.quoted;
        } else if !self.quoted && piece.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            let name = piece.bytes().fold(FNV_BASIS, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
            let [first, second] = self.last;
            let three = first.rotate_left(42) ^ second.rotate_left(21) ^ name;
            self.sum = self.sum.wrapping_add((three ^ (three >> 29)).wrapping_mul(FNV_BASIS));
            self.last = [self.last[1], name];
        }
        Ok(())
    }
}

/// FNV-1a, 64 bits: nobody chooses these names to collide.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

//! The network between the phones and the switch: it loses, delays, reorders and repeats.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::rng::Rng;

/// How bad the network is.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Datagrams lost, per mille.
    pub loss: u64,
    /// Datagrams that come twice, per mille.
    pub duplicates: u64,
    /// The least time on the way.
    pub delay: Duration,
    /// What is added by chance: more than the time between two datagrams reorders them.
    pub jitter: Duration,
    /// How often a datagram that is repeated comes at most.
    pub copies: u64,
}

impl Weather {
    /// Nothing is lost, and everything arrives at once.
    #[must_use]
    pub fn fair() -> Self {
        Self { loss: 0, duplicates: 0, delay: Duration::ZERO, jitter: Duration::ZERO, copies: 0 }
    }

    /// Nothing is lost, repeated or overtaken; all of it takes its time.
    #[must_use]
    pub fn calm(rng: &mut Rng) -> Self {
        Self { delay: Duration::from_micros(rng.between(100, 20_000)), ..Self::fair() }
    }

    /// From fair to foul.
    #[must_use]
    pub fn by_chance(rng: &mut Rng) -> Self {
        let foul = rng.below(4);
        Self {
            loss: if foul == 0 { 0 } else { rng.below(80) },
            duplicates: match foul {
                0 => 0,
                1 => rng.below(700),
                _ => rng.below(60),
            },
            delay: Duration::from_micros(rng.between(100, 40_000)),
            jitter: Duration::from_micros(if foul == 0 { 0 } else { rng.below(60_000) }),
            copies: rng.between(1, 3),
        }
    }
}

/// Who a datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum To {
    /// The switch, from the phone of this index.
    Switch(usize),
    /// The phone of this index.
    Phone(usize),
}

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// For whom.
    pub to: To,
    /// By which connection; none is UDP.
    pub connection: Option<u64>,
    /// What.
    pub bytes: Vec<u8>,
}

/// Everything on its way.
#[derive(Debug)]
pub struct Net {
    weather: Weather,
    rng: Rng,
    on_the_way: BTreeMap<(Duration, u64), Datagram>,
    /// When the last bytes of a connection arrive: to the switch, to the phone.
    last: BTreeMap<(u64, bool), Duration>,
    /// Phones that nothing comes from or goes to, and until when.
    parted: BTreeMap<usize, Duration>,
    /// When something was lost last on the way to or from a phone.
    lost: BTreeMap<usize, Duration>,
    count: u64,
}

impl Net {
    /// An empty network.
    #[must_use]
    pub fn new(weather: Weather, rng: Rng) -> Self {
        Self {
            weather,
            rng,
            on_the_way: BTreeMap::new(),
            last: BTreeMap::new(),
            lost: BTreeMap::new(),
            parted: BTreeMap::new(),
            count: 0,
        }
    }

    /// How long something is on its way at the most.
    #[must_use]
    pub fn longest_way(&self) -> Duration {
        self.weather.delay + self.weather.jitter
    }

    /// Whether something may be lost on its way.
    #[must_use]
    pub fn loses(&self) -> bool {
        self.weather.loss > 0 || !self.parted.is_empty()
    }

    /// Sends: it arrives once, twice or not at all.
    pub fn send(&mut self, now: Duration, to: To, bytes: &[u8]) {
        if self.parted_until(to) > now || self.rng.chance(self.weather.loss) {
            let (To::Switch(phone) | To::Phone(phone)) = to;
            self.lost.insert(phone, now);
            return;
        }
        self.put(now, to, bytes);
        if self.rng.chance(self.weather.duplicates) {
            for _ in 0..self.weather.copies {
                self.put(now, to, bytes);
            }
        }
    }

    /// When something was lost last on the way to or from a phone.
    #[must_use]
    pub fn lost_at(&self, phone: usize) -> Option<Duration> {
        self.lost.get(&phone).copied()
    }

    /// Nothing passes between a phone and the switch until then.
    pub fn part(&mut self, phone: usize, until: Duration) {
        self.parted.insert(phone, until);
    }

    /// When a phone can be reached, and can reach the switch, again; in the past, if it can.
    #[must_use]
    pub fn parted_until(&self, to: To) -> Duration {
        let (To::Switch(phone) | To::Phone(phone)) = to;
        self.parted.get(&phone).copied().unwrap_or_default()
    }

    /// Sends on a connection: it arrives whole, after what was sent before. TCP repeats what is lost, so while phone and switch
    /// are parted it waits.
    pub fn send_in_order(&mut self, now: Duration, to: To, connection: u64, bytes: &[u8]) {
        let key = (connection, matches!(to, To::Switch(_)));
        let at = self.arrival(now.max(self.parted_until(to))).max(self.last.get(&key).copied().unwrap_or_default());
        self.last.insert(key, at);
        self.count += 1;
        let datagram = Datagram { to, connection: Some(connection), bytes: bytes.to_vec() };
        self.on_the_way.insert((at, self.count), datagram);
    }

    /// A connection broke: what is on its way on it is lost.
    pub fn drop_connection(&mut self, connection: u64) {
        self.on_the_way.retain(|_, datagram| datagram.connection != Some(connection));
    }

    /// The ways on which something is, in a fixed order.
    #[must_use]
    pub fn ways(&self) -> Vec<To> {
        let ways: BTreeSet<To> = self.on_the_way.values().map(|datagram| datagram.to).collect();
        ways.into_iter().collect()
    }

    /// How much is on a way.
    #[must_use]
    pub fn waiting(&self, to: To) -> usize {
        self.on_the_way(to).count()
    }

    /// What is on a way, the first sent first.
    pub fn on_the_way(&self, to: To) -> impl Iterator<Item = &[u8]> {
        self.on_the_way.values().filter(move |datagram| datagram.to == to).map(|datagram| datagram.bytes.as_slice())
    }

    /// Takes the nth that is on a way.
    pub fn take(&mut self, to: To, nth: usize) -> Option<Datagram> {
        let key = *self.on_the_way.iter().filter(|(_, datagram)| datagram.to == to).nth(nth)?.0;
        self.on_the_way.remove(&key)
    }

    /// The first that is on a way is there twice, the copy last.
    pub fn repeat(&mut self, to: To) {
        let first = self.on_the_way.iter().find(|(_, datagram)| datagram.to == to);
        if let Some((at, datagram)) = first.map(|((at, _), datagram)| (*at, datagram.clone())) {
            self.count += 1;
            self.on_the_way.insert((at, self.count), datagram);
        }
    }

    /// When the next datagram arrives.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.on_the_way.keys().next().map(|(at, _)| *at)
    }

    /// The next datagram that has arrived by `now`.
    pub fn arrived(&mut self, now: Duration) -> Option<Datagram> {
        let key = *self.on_the_way.keys().next().filter(|(at, _)| *at <= now)?;
        self.on_the_way.remove(&key)
    }

    /// What was on its way to the switch is lost: its process died.
    pub fn drop_for_switch(&mut self) {
        self.on_the_way.retain(|_, datagram| !matches!(datagram.to, To::Switch(_)));
    }

    /// What was on its way to a phone is lost: it has another address now.
    pub fn drop_for_phone(&mut self, phone: usize) {
        self.on_the_way.retain(|_, datagram| datagram.to != To::Phone(phone));
    }

    fn put(&mut self, now: Duration, to: To, bytes: &[u8]) {
        let at = self.arrival(now);
        self.count += 1;
        self.on_the_way.insert((at, self.count), Datagram { to, connection: None, bytes: bytes.to_vec() });
    }

    fn arrival(&mut self, now: Duration) -> Duration {
        let jitter = u64::try_from(self.weather.jitter.as_micros()).unwrap_or(u64::MAX);
        now + self.weather.delay + Duration::from_micros(self.rng.below(jitter + 1))
    }
}

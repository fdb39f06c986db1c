//! A bad network: loses, delays and disorders the RTP between a phone and the server, both ways, by a seed, and keeps its own log
//! of what it did. RTCP is left to the test.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::ports::Ports;
use crate::rtp::Packet;

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub struct Impairment {
    /// The same seed, the same fates.
    pub seed: u64,
    /// Packets lost, at random, of 1,000.
    pub lost_per_mille: u64,
    /// Each packet is delayed by 0 to so many ms, evenly: beyond the packet time they overtake each other.
    pub jitter_ms: u64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never comes.
    Lost,
    /// It comes.
    Comes {
        /// How much later than on a good network.
        after_us: u64,
    },
}

/// The fates of packets, one after the other, without end.
#[derive(Debug)]
pub struct Fates {
    impairment: Impairment,
    random: u64,
}

impl Impairment {
    /// From the first packet on.
    #[must_use]
    pub fn fates(self) -> Fates {
        // Seeds that lie close give fates that do not.
        Fates { impairment: self, random: (self.seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }
}

impl Fates {
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 16) % limit.max(1)
    }
}

impl Iterator for Fates {
    type Item = Fate;

    fn next(&mut self) -> Option<Fate> {
        let Impairment { lost_per_mille, jitter_ms, .. } = self.impairment;
        let (lost, after_us) = (self.below(1_000) < lost_per_mille, self.below(jitter_ms * 1_000 + 1));
        Some(if lost { Fate::Lost } else { Fate::Comes { after_us } })
    }
}

/// What a direction of the network did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Packets that came on.
    pub passed: u64,
    /// Packets that never did, with one that did behind them.
    pub lost: u64,
    /// Packets that a later one overtook.
    pub overtaken: u64,
    lost_lately: u64,
    newest: Option<u16>,
}

impl Done {
    fn lose(&mut self) {
        self.lost_lately += 1;
    }

    fn pass(&mut self, sequence: u16) {
        self.passed += 1;
        self.lost += std::mem::take(&mut self.lost_lately);
        let is_behind = self.newest.is_some_and(|newest| sequence.wrapping_sub(newest).cast_signed() < 0);
        self.overtaken += u64::from(is_behind);
        if !is_behind {
            self.newest = Some(sequence);
        }
    }
}

/// A network between one phone and the server.
#[derive(Debug)]
pub struct Network {
    /// Where the phone must send its RTP.
    pub phone_side: SocketAddr,
    /// What the server must take for the phone; RTCP on the next port.
    pub server_side: SocketAddr,
    /// The port next to it: the phone's RTCP, which the test speaks itself.
    pub rtcp: UdpSocket,
    server: Arc<Mutex<Option<SocketAddr>>>,
    stop: Arc<AtomicBool>,
    /// Toward the server, toward the phone.
    done: [Arc<Mutex<Done>>; 2],
    threads: Vec<JoinHandle<()>>,
}

impl Network {
    /// Between `phone` and a server that is named later.
    ///
    /// # Errors
    /// When no port is left.
    pub fn start(ports: &Ports, phone: SocketAddr, impairment: Impairment) -> Result<Self> {
        let open = |port: u16| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).context("a port is taken");
        let (near, far) = (open(ports.many(2)?)?, open(ports.many(2)?)?);
        let (phone_side, server_side) = (near.local_addr()?, far.local_addr()?);
        let rtcp = open(server_side.port() + 1)?;
        let server = Arc::new(Mutex::new(None));
        let (stop, done) = (Arc::new(AtomicBool::new(false)), [Arc::default(), Arc::default()]);
        let phone = Arc::new(Mutex::new(Some(phone)));
        let way =
            |from: &UdpSocket, by: &UdpSocket, to: &Arc<Mutex<Option<SocketAddr>>>, done: &Arc<Mutex<Done>>, seed| {
                let (from, by) = (from.try_clone()?, by.try_clone()?);
                let (to, done, stop) = (Arc::clone(to), Arc::clone(done), Arc::clone(&stop));
                let fates = Impairment { seed, ..impairment }.fates();
                anyhow::Ok(std::thread::spawn(move || carry(&from, &by, &to, &done, &stop, fates)))
            };
        let threads = vec![
            way(&near, &far, &server, &done[0], impairment.seed)?,
            way(&far, &near, &phone, &done[1], impairment.seed.wrapping_add(1_000_003))?,
        ];
        Ok(Self { phone_side, server_side, rtcp, server, stop, done, threads })
    }

    /// Where the server receives the phone's RTP.
    pub fn aim(&self, server: SocketAddr) {
        *lock(&self.server) = Some(server);
    }

    /// What it did on the way to the server, and on the way to the phone.
    #[must_use]
    pub fn done(&self) -> [Done; 2] {
        [0, 1].map(|way| *lock(&self.done[way]))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One way, until it is stopped: each packet goes on when it is due.
fn carry(
    from: &UdpSocket,
    by: &UdpSocket,
    to: &Mutex<Option<SocketAddr>>,
    done: &Mutex<Done>,
    stop: &AtomicBool,
    mut fates: Fates,
) {
    let (mut bytes, mut under_way, mut nth) = ([0; 2_048], BTreeMap::new(), 0_u64);
    while !stop.load(Ordering::Relaxed) {
        let wait = under_way.first_key_value().map_or(LOOK_EVERY, |((due, _), _): (&(Instant, u64), &Vec<u8>)| {
            due.saturating_duration_since(Instant::now()).clamp(Duration::from_micros(200), LOOK_EVERY)
        });
        if from.set_read_timeout(Some(wait)).is_err() {
            return;
        }
        if let Ok((length, _)) = from.recv_from(&mut bytes) {
            nth += 1;
            match fates.next() {
                Some(Fate::Comes { after_us }) => {
                    let due = Instant::now() + Duration::from_micros(after_us);
                    under_way.insert((due, nth), bytes[..length].to_vec());
                }
                Some(Fate::Lost) | None => lock(done).lose(),
            }
        }
        while let Some(entry) = under_way.first_entry().filter(|entry| entry.key().0 <= Instant::now()) {
            let packet = entry.remove();
            let Some(to) = *lock(to) else { continue };
            if by.send_to(&packet, to).is_ok()
                && let Some(packet) = Packet::read(0.0, &packet)
            {
                lock(done).pass(packet.sequence);
            }
        }
    }
}

/// How long it waits for a packet before it looks whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Impairment = Impairment { seed: 3, lost_per_mille: 50, jitter_ms: 60 };

    #[test]
    fn fates_are_those_of_the_seed_and_as_bad_as_was_asked_for() {
        let fates: Vec<Fate> = BAD.fates().take(20_000).collect();
        assert_eq!(fates, BAD.fates().take(20_000).collect::<Vec<_>>());
        assert_ne!(fates, Impairment { seed: 4, ..BAD }.fates().take(20_000).collect::<Vec<_>>());
        let lost = fates.iter().filter(|fate| **fate == Fate::Lost).count();
        assert!((900..1_100).contains(&lost), "{lost} of 20,000");
        let delays: Vec<u64> = fates
            .iter()
            .filter_map(|fate| match fate {
                Fate::Comes { after_us } => Some(*after_us),
                Fate::Lost => None,
            })
            .collect();
        let mean = delays.iter().sum::<u64>() / delays.len() as u64;
        assert!((29_000..31_000).contains(&mean) && delays.iter().all(|delay| *delay <= 60_000), "{mean}");
    }

    #[test]
    fn what_was_overtaken_or_lost_is_counted() {
        let mut done = Done::default();
        [65_534, 65_535, 1].into_iter().for_each(|sequence| done.pass(sequence));
        done.lose();
        done.pass(0);
        done.lose();
        assert_eq!((done.passed, done.lost, done.overtaken), (4, 1, 1), "the last is not known to be lost");
    }
}

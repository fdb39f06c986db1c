//! Where a peer's RTP really comes from: learnt in a short window, then locked.
//!
//! Symmetric RTP (RFC 4961) without RTP bleed: a stranger who floods ports can take over a stream only within the
//! window, and there only while the party itself sends nothing.

use std::net::{IpAddr, SocketAddr};

use crate::command::SourceRule;
use crate::rtp::Header;

/// What is believed of one peer.
#[derive(Debug, Clone)]
pub struct SourceLock {
    state: State,
    /// Until when strangers are listened to, on the monotonic clock.
    window_ends_us: u64,
}

/// What the SDP and the rule say of a peer.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// RTP address of the SDP, if it has one.
    pub sdp: Option<SocketAddr>,
    /// How far to trust other addresses.
    pub rule: SourceRule,
}

/// What is to be done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// From the party: use it.
    Accept,
    /// From the party, and the source has just been locked to: use it, send there.
    AcceptAndLock,
    /// From somebody else, or not yet believed: drop it.
    Reject,
}

#[derive(Debug, Clone)]
enum State {
    Learning { candidate: Option<Candidate> },
    Locked { source: Known, heard_us: u64, challenger: Option<Candidate> },
}

#[derive(Debug, Clone, Copy)]
struct Known {
    address: SocketAddr,
    ssrc: u32,
    rank: Rank,
}

/// A source with the length of its run of consecutive packets.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    source: Known,
    next_sequence: u16,
    run: u8,
    heard_us: u64,
}

/// How likely a source is the party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Stranger,
    /// The host of the SDP or of the signalling.
    Host,
    /// Address and port of the SDP.
    Exact,
}

impl SourceLock {
    /// Listens from now on.
    #[must_use]
    pub fn new(mono_us: u64) -> Self {
        Self { state: State::Learning { candidate: None }, window_ends_us: mono_us + WINDOW_US }
    }

    /// A new configuration with the same address: the party may move to another port of its NAT for the time of the
    /// window, if it stops sending from the old one.
    pub fn reopen(&mut self, mono_us: u64) {
        self.window_ends_us = mono_us + WINDOW_US;
    }

    /// Where the party sends from, once locked.
    #[must_use]
    pub fn source(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Learning { .. } => None,
            State::Locked { source, .. } => Some(source.address),
        }
    }

    /// Whether a packet is the party's.
    pub fn judge(&mut self, mono_us: u64, from: SocketAddr, header: &Header, expected: Expected) -> Verdict {
        let open = mono_us < self.window_ends_us;
        match &mut self.state {
            State::Locked { source, heard_us, .. } if source.address == from && source.ssrc == header.ssrc => {
                *heard_us = mono_us;
                Verdict::Accept
            }
            State::Locked { source, heard_us, challenger } => {
                let Some(rank) = expected.rank(from) else { return Verdict::Reject };
                let silent = mono_us.saturating_sub(*heard_us) >= INCUMBENT_SILENCE_US;
                // A new SSRC from the same place needs RFC 3550's probation; a new place needs more.
                let needed = match source.address == from {
                    true => MIN_SEQUENTIAL,
                    false if open && (rank > source.rank || silent && rank == source.rank) => run_needed(rank),
                    false => return Verdict::Reject,
                };
                let known = Known { address: from, ssrc: header.ssrc, rank };
                let run = Candidate::follow(challenger, mono_us, known, header.sequence);
                if run < needed {
                    return Verdict::Reject;
                }
                let moved = source.address != from;
                self.state = State::Locked { source: known, heard_us: mono_us, challenger: None };
                if moved { Verdict::AcceptAndLock } else { Verdict::Accept }
            }
            State::Learning { candidate } => {
                let Some(rank) = expected.rank(from) else { return Verdict::Reject };
                if !open && rank == Rank::Stranger {
                    return Verdict::Reject;
                }
                // The first to come is heard until a likelier one comes.
                let better = candidate.is_none_or(|held| {
                    held.source.address == from
                        || rank > held.source.rank
                        || mono_us.saturating_sub(held.heard_us) >= INCUMBENT_SILENCE_US
                });
                if !better {
                    return Verdict::Reject;
                }
                let known = Known { address: from, ssrc: header.ssrc, rank };
                if Candidate::follow(candidate, mono_us, known, header.sequence) < run_needed(rank) {
                    return Verdict::Accept;
                }
                self.state = State::Locked { source: known, heard_us: mono_us, challenger: None };
                Verdict::AcceptAndLock
            }
        }
    }
}

impl Candidate {
    /// Length of the run of consecutive packets of `source`, this one included; another source begins anew.
    fn follow(held: &mut Option<Self>, mono_us: u64, source: Known, sequence: u16) -> u8 {
        let run = match held {
            Some(candidate)
                if candidate.source.address == source.address
                    && candidate.source.ssrc == source.ssrc
                    && candidate.next_sequence == sequence =>
            {
                candidate.run.saturating_add(1)
            }
            Some(_) | None => 1,
        };
        *held = Some(Self { source, next_sequence: sequence.wrapping_add(1), run, heard_us: mono_us });
        run
    }
}

impl Expected {
    /// `None` for a source the rule does not allow at all.
    fn rank(self, from: SocketAddr) -> Option<Rank> {
        if self.sdp == Some(from) {
            return Some(Rank::Exact);
        }
        match self.rule {
            SourceRule::Sdp => None,
            SourceRule::Learn { signalling } => {
                let hosts: [Option<IpAddr>; 2] = [self.sdp.map(|address| address.ip()), signalling];
                Some(if hosts.contains(&Some(from.ip())) { Rank::Host } else { Rank::Stranger })
            }
        }
    }
}

/// Consecutive packets before a source is locked to.
fn run_needed(rank: Rank) -> u8 {
    match rank {
        Rank::Exact => 1,
        Rank::Host => MIN_SEQUENTIAL,
        Rank::Stranger => STRANGER_RUN,
    }
}

/// How long after a configuration an unknown source may be learnt.
pub const WINDOW_US: u64 = 5_000_000;
/// Consecutive packets of a new stream before it is believed. RFC 3550 §A.1.
const MIN_SEQUENTIAL: u8 = 2;
/// Consecutive packets of a stranger before it is locked to: 100 ms.
const STRANGER_RUN: u8 = 5;
/// A source that has sent nothing for this long may be replaced by an equal one.
const INCUMBENT_SILENCE_US: u64 = 500_000;

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Accept, AcceptAndLock, Reject};
    use proptest::prelude::*;

    const SDP: &str = "192.0.2.1:4000";
    const NAT: &str = "203.0.113.5:61000";
    const ATTACKER: &str = "198.51.100.66:5";

    /// Packets of one source with consecutive sequence numbers.
    struct Phone {
        from: SocketAddr,
        header: Header,
    }

    fn phone(from: &str, ssrc: u32) -> Phone {
        Phone { from: from.parse().unwrap(), header: Header { ssrc, sequence: 65_533, ..Header::default() } }
    }

    fn learn() -> Expected {
        Expected { sdp: SDP.parse().ok(), rule: SourceRule::Learn { signalling: Some("203.0.113.5".parse().unwrap()) } }
    }

    impl Phone {
        fn send(&mut self, lock: &mut SourceLock, at_ms: u64, expected: Expected) -> Verdict {
            self.header.sequence = self.header.sequence.wrapping_add(1);
            lock.judge(at_ms * 1_000, self.from, &self.header, expected)
        }
    }

    #[test]
    fn the_address_of_the_sdp_is_locked_to_at_once_and_nobody_else_gets_in() {
        let (mut lock, mut party, mut attacker) = (SourceLock::new(0), phone(SDP, 1), phone(ATTACKER, 2));
        assert_eq!(party.send(&mut lock, 100, learn()), AcceptAndLock);
        for at in (120..60_000).step_by(20) {
            assert_eq!(attacker.send(&mut lock, at, learn()), Reject);
            assert_eq!(party.send(&mut lock, at, learn()), Accept);
        }
        // Not even while the party is silent, as the window has closed.
        for at in (60_000..70_000).step_by(20) {
            assert_eq!(attacker.send(&mut lock, at, learn()), Reject);
        }
        assert_eq!(lock.source(), SDP.parse().ok());
    }

    #[test]
    fn a_phone_behind_nat_is_heard_at_once_and_locked_to_soon() {
        let (mut lock, mut party) = (SourceLock::new(0), phone("203.0.113.77:9", 1));
        for at in [0, 20, 40, 60] {
            assert_eq!(party.send(&mut lock, at, learn()), Accept);
            assert_eq!(lock.source(), None);
        }
        assert_eq!(party.send(&mut lock, 80, learn()), AcceptAndLock);
        assert_eq!(lock.source(), Some(party.from));
    }

    #[test]
    fn an_attacker_who_came_first_loses_to_the_party_within_the_window() {
        let (mut lock, mut party, mut attacker) = (SourceLock::new(0), phone(NAT, 1), phone(ATTACKER, 2));
        for at in (0..1_000).step_by(20) {
            attacker.send(&mut lock, at, learn());
        }
        assert_eq!(lock.source(), Some(attacker.from));
        assert_eq!(party.send(&mut lock, 1_000, learn()), Reject);
        assert_eq!(party.send(&mut lock, 1_020, learn()), AcceptAndLock);
        assert_eq!(attacker.send(&mut lock, 1_030, learn()), Reject);
        assert_eq!(lock.source(), Some(party.from));
    }

    #[test]
    fn after_the_window_only_the_signalling_host_is_learnt() {
        let (mut lock, mut party, mut attacker) = (SourceLock::new(0), phone(NAT, 1), phone(ATTACKER, 2));
        for at in (5_000..9_000).step_by(20) {
            assert_eq!(attacker.send(&mut lock, at, learn()), Reject);
        }
        assert_eq!(party.send(&mut lock, 9_000, learn()), Accept);
        assert_eq!(party.send(&mut lock, 9_020, learn()), AcceptAndLock);
    }

    #[test]
    fn a_trunk_must_send_from_its_sdp_address() {
        let strict = Expected { sdp: SDP.parse().ok(), rule: SourceRule::Sdp };
        let (mut lock, mut party, mut other) = (SourceLock::new(0), phone(SDP, 1), phone("192.0.2.1:4001", 1));
        assert_eq!(other.send(&mut lock, 0, strict), Reject);
        assert_eq!(party.send(&mut lock, 10, strict), AcceptAndLock);
        assert_eq!(other.send(&mut lock, 20, strict), Reject);
    }

    #[test]
    fn a_new_stream_from_the_same_port_needs_two_packets() {
        let (mut lock, mut party) = (SourceLock::new(0), phone(SDP, 1));
        party.send(&mut lock, 0, learn());
        party.header.ssrc = 99;
        assert_eq!(party.send(&mut lock, 20_000, learn()), Reject);
        assert_eq!(party.send(&mut lock, 20_020, learn()), Accept);
    }

    #[test]
    fn after_a_re_invite_a_silent_party_may_come_from_another_port() {
        let (mut lock, mut old, mut new) = (SourceLock::new(0), phone(NAT, 1), phone("203.0.113.5:61999", 1));
        old.send(&mut lock, 0, learn());
        assert_eq!(old.send(&mut lock, 20, learn()), AcceptAndLock);
        assert_eq!(new.send(&mut lock, 10_000, learn()), Reject, "no window");
        lock.reopen(10_000_000);
        assert_eq!(new.send(&mut lock, 10_020, learn()), Reject);
        assert_eq!(new.send(&mut lock, 10_040, learn()), AcceptAndLock);
    }

    proptest! {
        /// Whatever strangers send: once the party at its SDP address is locked to, every packet of it is accepted
        /// and none of theirs.
        #[test]
        fn no_flood_moves_a_locked_source(
            flood in proptest::collection::vec((0u64..10_000, any::<u8>(), any::<u16>(), 1u32..4), 0..300),
        ) {
            let (mut lock, mut party) = (SourceLock::new(0), phone(SDP, 1));
            party.send(&mut lock, 0, learn());
            let mut flood = flood;
            flood.sort_unstable();
            for (at_ms, host, sequence, ssrc) in flood {
                let from = SocketAddr::from(([198, 51, 100, host], 4_000));
                let header = Header { sequence, ssrc, ..Header::default() };
                prop_assert_eq!(lock.judge(at_ms * 1_000, from, &header, learn()), Reject);
                prop_assert_eq!(party.send(&mut lock, at_ms, learn()), Accept);
            }
        }
    }
}

//! ICE-lite for one browser (RFC 8445): answers its connectivity checks and knows from them where to send. It never sends a
//! check of its own.

pub(crate) mod stun;
#[cfg(test)]
pub(crate) mod tests;

use std::net::SocketAddr;

use crate::{BrowserPeer, IceCredentials};
use stun::{Fault, Request};

/// One of the sockets that all browsers share, in the order in which they were bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedSocket(pub u8);

/// Through which socket of ours a browser is reached, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// Ours.
    pub socket: SharedSocket,
    /// The browser's.
    pub address: SocketAddr,
}

/// The agent of one browser.
pub(crate) struct Agent {
    /// Newest credentials.
    current: Generation,
    /// Those before, until the browser nominates with the newest.
    previous: Option<Generation>,
    /// Where authenticated requests came from, at most [`PAIRS_MAX`], in the order in which they first came.
    pairs: Vec<Pair>,
    nominated: Option<Path>,
    heard_us: u64,
}

/// Credentials that belong together.
struct Generation {
    local: IceCredentials,
    /// The browser's fragment, once its SDP is known: a check may come before that (RFC 8445 §7.3).
    peer: Option<String>,
}

struct Pair {
    path: Path,
    /// The browser's fragment in the request that came last.
    peer: String,
    heard_us: u64,
}

/// What came of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Goes back where the request came from.
    pub(crate) answer: Option<Vec<u8>>,
    /// The request was the browser's, so the address is.
    pub(crate) authentic: bool,
    /// An address that had to make room.
    pub(crate) forgotten: Option<SocketAddr>,
    /// A fragment of ours that is no longer good.
    pub(crate) retired: Option<String>,
}

impl Agent {
    pub(crate) fn new(now_us: u64, local: IceCredentials) -> Self {
        let current = Generation { local, peer: None };
        Self { current, previous: None, pairs: Vec::new(), nominated: None, heard_us: now_us }
    }

    /// Our fragments that are good.
    pub(crate) fn fragments(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current).chain(&self.previous).map(|generation| generation.local.ufrag.as_str())
    }

    /// Addresses that are the browser's.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.pairs.iter().map(|pair| pair.path.address)
    }

    /// When the last authenticated request came, or the last agreement with another.
    pub(crate) fn heard_us(&self) -> u64 {
        self.heard_us
    }

    /// Where to send: where the browser has said, else where it first came from (it begins DTLS before it nominates).
    pub(crate) fn path(&self) -> Option<Path> {
        self.nominated.or_else(|| self.pairs.first().map(|pair| pair.path))
    }

    /// Takes new credentials of ours; gives a fragment that is no longer good.
    pub(crate) fn restart(&mut self, local: IceCredentials) -> Option<String> {
        let old = std::mem::replace(&mut self.current, Generation { local, peer: None });
        self.previous.replace(old).map(|older| older.local.ufrag)
    }

    /// Takes what the browser's SDP says; gives addresses that were somebody else's (another browser that took the same offer).
    pub(crate) fn agree(&mut self, now_us: u64, peer: &BrowserPeer) -> Vec<SocketAddr> {
        let known = self.current.peer.as_deref() == Some(&peer.ice.ufrag);
        if known {
            return Vec::new();
        }
        self.heard_us = now_us;
        self.current.peer = Some(peer.ice.ufrag.clone());
        let before = self.previous.as_ref().and_then(|previous| previous.peer.clone());
        self.drop_pairs(|pair| pair.peer == peer.ice.ufrag || Some(&pair.peer) == before.as_ref())
    }

    /// The page has been loaded again: only what was authenticated by its new fragment is its own. Gives the other addresses.
    pub(crate) fn forget_others(&mut self, now_us: u64, peer: &BrowserPeer) -> Vec<SocketAddr> {
        self.heard_us = now_us;
        self.drop_pairs(|pair| pair.peer == peer.ice.ufrag)
    }

    fn drop_pairs(&mut self, stays: impl Fn(&Pair) -> bool) -> Vec<SocketAddr> {
        let gone: Vec<SocketAddr> =
            self.pairs.extract_if(.., |pair| !stays(pair)).map(|pair| pair.path.address).collect();
        self.nominated = self.nominated.filter(|path| self.pairs.iter().any(|pair| pair.path == *path));
        gone
    }

    /// Takes a request that names one of our fragments.
    pub(crate) fn receive(&mut self, now_us: u64, path: Path, request: &mut Request) -> Outcome {
        let (ours, theirs) = (request.ours(), request.theirs());
        let knows = |generation: &&Generation| {
            ours == Some(&generation.local.ufrag) && generation.peer.as_deref().is_none_or(|peer| theirs == Some(peer))
        };
        let newest = knows(&&self.current);
        let generation = std::iter::once(&self.current).chain(&self.previous).find(knows);
        let pwd = generation.map(|generation| generation.local.pwd.clone());
        let Some(pwd) = pwd.filter(|pwd| request.is_signed_with(pwd)) else {
            return Outcome { answer: request.refuse(&Fault::Unknown, None), ..Outcome::default() };
        };
        if let Some(fault) = request.fault() {
            return Outcome { answer: request.refuse(&fault, Some(&pwd)), ..Outcome::default() };
        }
        self.heard_us = now_us;
        let forgotten = self.learn(now_us, path, request.theirs().unwrap_or_default());
        let mut retired = None;
        if request.nominates() {
            self.nominated = Some(path);
            if newest {
                retired = self.previous.take().map(|previous| previous.local.ufrag);
            }
        }
        Outcome { answer: request.accept(path.address, &pwd), authentic: true, forgotten, retired }
    }

    /// Believes an address; gives one that made room.
    fn learn(&mut self, now_us: u64, path: Path, peer: &str) -> Option<SocketAddr> {
        if let Some(pair) = self.pairs.iter_mut().find(|pair| pair.path == path) {
            pair.heard_us = now_us;
            if pair.peer != peer {
                peer.clone_into(&mut pair.peer);
            }
            return None;
        }
        let full = self.pairs.len() >= PAIRS_MAX;
        let forgotten = full.then(|| {
            let sent_to = self.path();
            let idle = self.pairs.iter().enumerate().filter(|(_, pair)| Some(pair.path) != sent_to);
            let at = idle.min_by_key(|(_, pair)| pair.heard_us).map_or(0, |(at, _)| at);
            self.pairs.remove(at).path.address
        });
        self.pairs.push(Pair { path, peer: peer.to_owned(), heard_us: now_us });
        // The same address may have come through another socket of ours.
        forgotten.filter(|gone| self.addresses().all(|address| address != *gone))
    }
}

/// The answer to a request that names nobody.
pub(crate) fn refuse(request: &Request) -> Option<Vec<u8>> {
    let fault = if request.ours().is_some() { Fault::Unknown } else { Fault::Unsigned };
    request.refuse(&fault, None)
}

/// Addresses believed of one browser at once: its interfaces, before and after a change of network.
pub(crate) const PAIRS_MAX: usize = 8;
/// A browser that sends no authenticated request for so long is gone: it sends one each 2 to 5 s.
pub const SILENCE_US: u64 = 30_000_000;

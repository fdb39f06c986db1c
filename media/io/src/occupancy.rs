//! How full the relay's tables are, for who looks from another thread.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use media::relay::Sizes;

/// What was true after the relay's last turn.
#[derive(Debug, Default)]
pub(crate) struct Occupancy {
    endpoints: AtomicUsize,
    browsers: AtomicUsize,
    browser_fragments: AtomicUsize,
    browser_addresses: AtomicUsize,
    players: AtomicUsize,
    recorders: AtomicUsize,
}

impl Occupancy {
    /// The relay has had a turn.
    pub(crate) fn note(&self, sizes: Sizes) {
        self.endpoints.store(sizes.endpoints, Relaxed);
        self.browsers.store(sizes.browsers, Relaxed);
        self.browser_fragments.store(sizes.browser_fragments, Relaxed);
        self.browser_addresses.store(sizes.browser_addresses, Relaxed);
        self.players.store(sizes.players, Relaxed);
        self.recorders.store(sizes.recorders, Relaxed);
    }

    /// Numbers of one turn or of two that follow each other.
    pub(crate) fn read(&self) -> Sizes {
        Sizes {
            endpoints: self.endpoints.load(Relaxed),
            browsers: self.browsers.load(Relaxed),
            browser_fragments: self.browser_fragments.load(Relaxed),
            browser_addresses: self.browser_addresses.load(Relaxed),
            players: self.players.load(Relaxed),
            recorders: self.recorders.load(Relaxed),
        }
    }
}

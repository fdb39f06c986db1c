//! How full the tables of a relay are.

use super::Relay;

/// Entries of each table; each has a limit with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// Open endpoints, at most [`super::ENDPOINTS_MAX`].
    pub endpoints: usize,
    /// Those of them that are browsers': a transport of ICE and DTLS each.
    pub browsers: usize,
    /// Our ICE fragments that are good: one of each browser, two while it restarts.
    pub browser_fragments: usize,
    /// Addresses that browsers have authenticated, at most [`crate::ice::PAIRS_MAX`] of each.
    pub browser_addresses: usize,
    /// Players, at most [`super::PLAYERS_MAX`].
    pub players: usize,
    /// Recordings, at most [`super::RECORDERS_MAX`].
    pub recorders: usize,
}

impl Relay {
    /// How full its tables are; costs nothing.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        Sizes {
            endpoints: self.by_id.len(),
            browsers: self.browsers.open,
            browser_fragments: self.browsers.fragments.len(),
            browser_addresses: self.browsers.addresses.len(),
            players: self.players.len(),
            recorders: self.graph.recorders().len(),
        }
    }
}

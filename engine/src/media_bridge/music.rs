//! Who hears which music on hold: one player for each piece, for all who hear it.

use std::collections::BTreeMap;

use media::PlayerId;
use switch::media::{EndpointId, Sound};

use super::translate::sound_player;

/// The pieces that are being played, and who hears them. Pieces go by their clips' names.
#[derive(Debug, Default)]
pub(super) struct MusicOnHold {
    players: BTreeMap<u64, PlayerId>,
    heard: BTreeMap<EndpointId, u64>,
    begun: u64,
}

impl MusicOnHold {
    /// From now on `endpoint` hears this piece; gives its player if that is to be started.
    pub(super) fn hear(&mut self, endpoint: EndpointId, clip: u64) -> Option<PlayerId> {
        self.heard.insert(endpoint, clip);
        if self.players.contains_key(&clip) {
            return None;
        }
        self.begun += 1;
        let player = sound_player(Sound::HoldMusic, self.begun);
        self.players.insert(clip, player);
        Some(player)
    }

    /// `endpoint` hears no music any more.
    pub(super) fn leave(&mut self, endpoint: EndpointId) {
        self.heard.remove(&endpoint);
    }

    /// The player of the piece that `endpoint` hears.
    pub(super) fn heard_by(&self, endpoint: EndpointId) -> Option<PlayerId> {
        self.players.get(self.heard.get(&endpoint)?).copied()
    }

    /// Forgets the pieces that nobody hears and that are nobody's music any more; gives their players, to be stopped. A piece that
    /// was replaced goes on for those who hear it.
    pub(super) fn take_ended(&mut self, is_current: impl Fn(u64) -> bool) -> Vec<PlayerId> {
        let heard = &self.heard;
        let ended = self.players.extract_if(.., |clip, _| !is_current(*clip) && !heard.values().any(|h| h == clip));
        ended.map(|(_, player)| player).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_has_one_player_which_ends_when_it_is_replaced_and_nobody_hears_it() {
        let (alice, bob, carol) = (EndpointId(1), EndpointId(2), EndpointId(3));
        let mut music = MusicOnHold::default();
        let first = music.hear(alice, 10).unwrap();
        assert_eq!(music.hear(bob, 10), None, "it plays already");
        let second = music.hear(carol, 20).unwrap();
        assert_eq!([alice, bob, carol].map(|who| music.heard_by(who)), [Some(first), Some(first), Some(second)]);
        assert_eq!(music.take_ended(|_| true), []);
        // Piece 10 is replaced by 11.
        let third = music.hear(bob, 11).unwrap();
        assert!(third != first && third != second);
        assert_eq!(music.take_ended(|clip| clip != 10), [], "alice hears it yet");
        music.leave(alice);
        assert_eq!(music.take_ended(|clip| clip != 10), [first]);
        assert_eq!((music.heard_by(alice), music.heard_by(bob)), (None, Some(third)));
        music.leave(bob);
        assert_eq!(music.take_ended(|clip| clip != 10), [], "what is current plays on unheard");
    }
}

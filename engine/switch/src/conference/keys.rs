//! Keys of those in a conference: a star and a digit.

use std::time::Duration;

/// What a pair of keys asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomKey {
    /// `*6`: mutes the one who presses it, or lets it be heard again.
    MuteSelf,
    /// `*1`, a moderator's: begins or ends recording.
    Record,
    /// `*2`, a moderator's: locks or unlocks the room.
    Lock,
    /// `*5`, a moderator's: mutes all participants, or lets all be heard again.
    MuteOthers,
    /// `*8`, a moderator's: sends away who came last.
    KickLast,
    /// `*9`, a moderator's: ends the conference for all.
    End,
}

/// Reads the keys of one member.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Until when the digit after the star may come.
    star_until: Option<Duration>,
}

impl Keys {
    /// Takes one key; what the pair asks for that it completes.
    pub(crate) fn press(&mut self, now: Duration, key: char) -> Option<RoomKey> {
        if key == '*' {
            self.star_until = Some(now + PAIR_MAX);
            return None;
        }
        self.star_until.take().filter(|until| now <= *until)?;
        match key {
            '1' => Some(RoomKey::Record),
            '2' => Some(RoomKey::Lock),
            '5' => Some(RoomKey::MuteOthers),
            '6' => Some(RoomKey::MuteSelf),
            '8' => Some(RoomKey::KickLast),
            '9' => Some(RoomKey::End),
            _ => None,
        }
    }
}

/// How long after the star the digit may come.
const PAIR_MAX: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_and_a_digit_soon_after_it_are_one_order() {
        let pressed = |keys: &[(u64, char)]| -> Vec<RoomKey> {
            let mut reader = Keys::default();
            keys.iter().filter_map(|(s, key)| reader.press(Duration::from_secs(*s), *key)).collect()
        };
        assert_eq!(pressed(&[(0, '*'), (1, '6')]), [RoomKey::MuteSelf]);
        assert_eq!(pressed(&[(0, '*'), (0, '*'), (3, '9')]), [RoomKey::End]);
        assert_eq!(pressed(&[(0, '*'), (4, '6')]), [], "too late");
        assert_eq!(pressed(&[(0, '*'), (0, '7'), (1, '6')]), [], "another pair came between");
        assert_eq!(pressed(&[(0, '6')]), []);
    }
}

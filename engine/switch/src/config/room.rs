//! Conference rooms.

use std::fmt;
use std::str::FromStr;

use dialplan::number::RoomNumber;

/// A conference room: whoever dials its number hears all who did before.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its number.
    pub number: RoomNumber,
    /// Asked of everybody who wants to come in.
    pub pin: Option<Pin>,
    /// Who enters this one instead is a moderator.
    pub moderator_pin: Option<Pin>,
    /// At most so many at a time, 1 to [`MEMBERS_MAX`]; who comes then finds it busy.
    pub members_max: usize,
    /// What happens is said aloud: who comes in is welcomed, all are told who comes and goes, and who is muted or sent away is told so.
    /// A PIN is asked for aloud in any case.
    pub announce: bool,
    /// It is recorded from its first member to its last.
    pub record: bool,
    /// Who is alone in it hears music.
    pub music_alone: bool,
    /// It begins locked: only moderators come in until one unlocks it.
    pub locked: bool,
}

/// No room takes more: each hears all others, and each newcomer is news to all.
pub const MEMBERS_MAX: usize = 100;

/// The digits that let somebody in; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

/// Not a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN is 3 to 12 digits")]
pub struct PinError;

impl Pin {
    /// The longest there is.
    pub const LEN_MAX: usize = 12;

    /// Its digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let valid = (3..=Self::LEN_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if valid { Ok(Self(text.to_owned())) } else { Err(PinError) }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_digits_and_shown_to_nobody() {
        let pin: Pin = "0123".parse().unwrap();
        assert_eq!((pin.digits(), format!("{pin:?}").as_str()), ("0123", "(hidden)"));
        for bad in ["", "12", "12a4", "1234567890123", "12#4"] {
            assert_eq!(bad.parse::<Pin>(), Err(PinError), "{bad}");
        }
    }
}

//! Numbers for callers who are parked: one that parks at the first free place, and the places themselves, which any phone may dial to
//! take who waits there.

use std::str::FromStr;
use std::time::Duration;

use crate::number::ExtensionNumber;

/// Places that there may be.
pub const SLOTS_MAX: usize = 100;
/// How long somebody waits at a place before who parked him is rung, where nothing else is set.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(120);

/// How callers are parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Park {
    /// Whoever is handed on to it is parked at the first place that is free.
    pub number: ExtensionNumber,
    /// The places.
    pub slots: Slots,
    /// Who parked somebody is rung again after this.
    pub timeout: Duration,
}

/// A row of places, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots(Vec<ExtensionNumber>);

/// Where somebody is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParkPlace {
    /// Wherever a place is free.
    Any,
    /// There.
    Slot(ExtensionNumber),
}

/// Why a text is no row of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotsError {
    /// Not two numbers.
    #[error("write the places as the first and the last one, 701-720; both with as many digits, 2 to 10")]
    Malformed,
    /// Too many, or none.
    #[error("from the first place to the last there have to be 1 to {SLOTS_MAX}")]
    HowMany,
}

impl Slots {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &ExtensionNumber> {
        self.0.iter()
    }

    /// Whether that is one.
    #[must_use]
    pub fn contains(&self, number: &str) -> bool {
        self.0.iter().any(|slot| slot.as_str() == number)
    }
}

impl FromStr for Slots {
    type Err = SlotsError;

    fn from_str(text: &str) -> Result<Self, SlotsError> {
        let (first, last) = text.split_once('-').ok_or(SlotsError::Malformed)?;
        let (first, last) = (first.trim(), last.trim());
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()) && (2..=10).contains(&text.len());
        if first.len() != last.len() || !digits(first) || !digits(last) {
            return Err(SlotsError::Malformed);
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| SlotsError::Malformed);
        let (from, to, width) = (number(first)?, number(last)?, first.len());
        if from > to || to - from >= SLOTS_MAX as u64 {
            return Err(SlotsError::HowMany);
        }
        let slots = (from..=to).map(|slot| format!("{slot:0width$}").parse());
        slots.collect::<Result<_, _>>().map(Self).map_err(|_| SlotsError::Malformed)
    }
}

impl Default for Park {
    /// 700 parks at 701 to 720, for two minutes.
    fn default() -> Self {
        Self {
            number: "700".parse().expect("a number"),
            slots: "701-720".parse().expect("a row of places"),
            timeout: TIMEOUT_DEFAULT,
        }
    }
}

impl Park {
    /// What a number means here, if anything.
    #[must_use]
    pub fn place(&self, number: &str) -> Option<ParkPlace> {
        if self.number.as_str() == number {
            return Some(ParkPlace::Any);
        }
        self.slots.iter().find(|slot| slot.as_str() == number).cloned().map(ParkPlace::Slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_the_first_and_the_last() {
        let slots: Slots = "701-720".parse().unwrap();
        assert_eq!((slots.iter().count(), slots.contains("701"), slots.contains("720")), (20, true, true));
        assert!(!slots.contains("700") && !slots.contains("721") && !slots.contains("0701"));
        let padded: Slots = "008 - 011".parse().unwrap();
        assert_eq!(padded.iter().map(ExtensionNumber::as_str).collect::<Vec<_>>(), ["008", "009", "010", "011"]);
    }

    #[test]
    fn what_is_no_row_of_places_is_refused_with_the_mend() {
        for text in ["", "701", "701-", "-720", "7-9", "701-7020", "70a-720", "+71-720", "12345678901-12345678902"] {
            assert_eq!(text.parse::<Slots>(), Err(SlotsError::Malformed), "{text}");
        }
        for text in ["720-701", "100-200"] {
            assert_eq!(text.parse::<Slots>(), Err(SlotsError::HowMany), "{text}");
        }
        assert_eq!("100-199".parse::<Slots>().unwrap().iter().count(), SLOTS_MAX);
    }
}

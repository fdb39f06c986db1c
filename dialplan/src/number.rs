//! Numbers and names as people type them, parsed once.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not such a number or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not an extension.
    #[error("an extension is 2 to 10 digits, optionally after a *")]
    Extension,
    /// Not a conference room.
    #[error("a room's number is 2 to 10 digits, optionally after a *")]
    Room,
    /// Not a trunk's name.
    #[error("a trunk's name is 1 to 32 characters of a-z, 0-9, - and _")]
    Trunk,
    /// Not an agent's number.
    #[error("an employee number is 1 to 32 characters of a-z, A-Z, 0-9, -, _ and .")]
    Agent,
    /// Not a pickup group's name.
    #[error("a pickup group's name is 1 to 32 characters of a-z, 0-9, - and _")]
    PickupGroup,
    /// Not a number that can be dialled.
    #[error("a dialled number is 1 to 24 characters of 0-9, * and #, optionally after a +")]
    Dialled,
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $error:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// As typed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NumberError;

            fn from_str(text: &str) -> Result<Self, NumberError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.into())) } else { Err($error) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NumberError;

            fn try_from(text: String) -> Result<Self, NumberError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// An extension's number (分机号): 2 to 10 digits, optionally after a `*`.
    ExtensionNumber,
    NumberError::Extension,
    |text| {
        let digits = text.strip_prefix('*').unwrap_or(text);
        (2..=10).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    }
);

text_type!(
    /// A conference room's number (会议室): like an extension's, which it must not be at the same time.
    RoomNumber,
    NumberError::Room,
    |text| text.parse::<ExtensionNumber>().is_ok()
);

text_type!(
    /// A trunk's name (中继): it is part of paths and logs, so it is a slug.
    TrunkName,
    NumberError::Trunk,
    |text| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    }
);

text_type!(
    /// An agent's employee number (坐席号).
    AgentNumber,
    NumberError::Agent,
    |text| {
        (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    }
);

text_type!(
    /// The name of extensions that may pick up each other's calls by `*8`.
    PickupGroup,
    NumberError::PickupGroup,
    |text| text.parse::<TrunkName>().is_ok()
);

text_type!(
    /// A number as dialled after clean-up (CALL-07): 0-9, `*`, `#` and a leading `+`, 1 to 24 characters.
    Dialled,
    NumberError::Dialled,
    |text| {
        let rest = text.strip_prefix('+').unwrap_or(text);
        (1..=24).contains(&text.len())
            && !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#')
    }
);

impl Dialled {
    /// Takes out what people put between digits (space, `-`, `.`, parentheses), then parses.
    ///
    /// # Errors
    /// [`NumberError::Dialled`] when what is left is no number.
    pub fn clean(text: &str) -> Result<Self, NumberError> {
        let cleaned: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
        cleaned.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves CALL-07.
    #[test]
    fn a_dialled_number_is_cleaned_then_checked() {
        assert_eq!(Dialled::clean("+86 138-0000-0000").unwrap().as_str(), "+8613800000000");
        assert_eq!(Dialled::clean("*43").unwrap().as_str(), "*43");
        for bad in ["", "+", "12a", "1+2", "1".repeat(25).as_str()] {
            assert_eq!(Dialled::clean(bad), Err(NumberError::Dialled), "{bad}");
        }
        assert!(Dialled::clean(&"1".repeat(24)).is_ok());
    }

    #[test]
    fn extensions_and_trunks_are_slugs() {
        assert!("1001".parse::<ExtensionNumber>().is_ok());
        assert!("*98".parse::<ExtensionNumber>().is_ok());
        assert!("1".parse::<ExtensionNumber>().is_err());
        assert!("alice".parse::<ExtensionNumber>().is_err());
        assert!("carrier-1".parse::<TrunkName>().is_ok());
        assert!("Carrier/1".parse::<TrunkName>().is_err());
    }
}

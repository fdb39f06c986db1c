//! By which kinds of phone an extension is used (PHONE-05): one word for the database, the API and the configuration file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use switch::config;
use utoipa::ToSchema;

/// By which kinds of phone an extension is used (PHONE-05). Others can neither register nor call, and no agent signs in with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaysAllowed {
    /// By the web phone and by SIP phones.
    #[default]
    Both,
    /// By the web phone alone (WebRTC).
    Web,
    /// By SIP phones alone.
    Desk,
}

impl WaysAllowed {
    /// Its words in a configuration file.
    pub const WORDS: [(&'static str, Self); 3] = [("both", Self::Both), ("web", Self::Web), ("desk", Self::Desk)];

    /// For the switch.
    #[must_use]
    pub fn for_switch(self) -> config::Ways {
        match self {
            Self::Both => config::Ways::Both,
            Self::Web => config::Ways::Web,
            Self::Desk => config::Ways::Desk,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Web => "web",
            Self::Desk => "desk",
        }
    }

    /// What is wrong with it beside a fixed contact, which is that of a SIP phone.
    #[must_use]
    pub fn fault_beside(self, contact: Option<&str>) -> Option<&'static str> {
        (self == Self::Web && contact.is_some())
            .then_some("a `contact` is that of a SIP phone: write both or desk, or take the contact out")
    }
}

impl fmt::Display for WaysAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not one of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write both, web or desk")]
pub struct NoWays;

impl FromStr for WaysAllowed {
    type Err = NoWays;

    fn from_str(text: &str) -> Result<Self, NoWays> {
        Self::WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, ways)| ways).ok_or(NoWays)
    }
}

//! Whether audio is encrypted: one word for the database, the API and the configuration file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use switch::config;
use utoipa::ToSchema;

/// Whether audio is encrypted by keys in the session description (SRTP, RFC 4568). Whoever reads the SIP messages has the
/// keys, so it is worth something over TLS only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SrtpPolicy {
    /// Where the other side offers it; we offer it without.
    #[default]
    Optional,
    /// Always: calls without are refused (488).
    Required,
}

impl SrtpPolicy {
    /// Its words in a configuration file.
    pub const WORDS: [(&'static str, Self); 2] = [("optional", Self::Optional), ("required", Self::Required)];

    /// For the switch.
    #[must_use]
    pub fn for_switch(self) -> config::Srtp {
        match self {
            Self::Optional => config::Srtp::Optional,
            Self::Required => config::Srtp::Required,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

impl fmt::Display for SrtpPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Neither `optional` nor `required`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write optional or required")]
pub struct NoSrtpPolicy;

impl FromStr for SrtpPolicy {
    type Err = NoSrtpPolicy;

    fn from_str(text: &str) -> Result<Self, NoSrtpPolicy> {
        Self::WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, policy)| policy).ok_or(NoSrtpPolicy)
    }
}

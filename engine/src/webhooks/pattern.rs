//! Which events a webhook wants: `call.ended`, or all below a prefix: `call.*`.

use std::fmt;
use std::str::FromStr;

/// Patterns that a webhook may have.
pub const PATTERNS_MAX: usize = 64;
/// Bytes of a pattern.
const LENGTH_MAX: usize = 64;

/// A type of events, or all of some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventPattern {
    /// Events of this type.
    Exactly(String),
    /// Those whose type begins so; it ends with a dot.
    Below(String),
}

/// The text is no pattern.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` names no events: write a type as call.ended, or call.* for all that begin so")]
pub struct NoPattern(String);

impl EventPattern {
    /// Whether events of this type are meant.
    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        match self {
            Self::Exactly(own) => own == kind,
            Self::Below(prefix) => kind.starts_with(prefix.as_str()),
        }
    }
}

impl FromStr for EventPattern {
    type Err = NoPattern;

    fn from_str(text: &str) -> Result<Self, NoPattern> {
        let wrong = || NoPattern(text.to_owned());
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let (words, below) = text.strip_suffix(".*").map_or((text, false), |words| (words, true));
        if text.len() > LENGTH_MAX || !words.split('.').all(is_word) {
            return Err(wrong());
        }
        Ok(if below { Self::Below(format!("{words}.")) } else { Self::Exactly(text.to_owned()) })
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(kind) => f.write_str(kind),
            Self::Below(prefix) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_one_type_or_all_below_a_prefix() {
        for (text, meant, other) in [
            ("call.ended", "call.ended", "call.ended_early"),
            ("call.*", "call.left_queue", "callback.started"),
            ("settings.*", "settings.changed", "settings"),
        ] {
            let pattern: EventPattern = text.parse().unwrap();
            assert!(pattern.matches(meant) && !pattern.matches(other), "{text}");
            assert_eq!(pattern.to_string(), text);
        }
    }

    #[test]
    fn what_names_no_events_is_refused() {
        for text in ["", "*", ".*", "call.", "call*", "call.*.ended", "Call.ended", "call ended", "call..*"] {
            assert!(text.parse::<EventPattern>().is_err(), "{text}");
        }
        assert!("a".repeat(65).parse::<EventPattern>().is_err());
    }
}

//! From where on a figure of the wallboard asks for attention, as an enterprise sets it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The limits of the wallboard's figures; null where a figure is never marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BoardLimits {
    /// Callers who wait, rising.
    pub waiting: Option<Limit>,
    /// How long the first of them has waited, s, rising.
    pub longest_wait_s: Option<Limit>,
    /// Of those who entered a queue, who hung up, %, rising.
    pub abandoned_percent: Option<Limit>,
    /// Of those who entered a queue, who were answered within its target, %, falling.
    pub service_level_percent: Option<Limit>,
}

/// The two marks of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// From here on it is a warning.
    pub warn: u32,
    /// From here on it is an alarm.
    pub alarm: u32,
}

impl Default for BoardLimits {
    fn default() -> Self {
        let limit = |warn, alarm| Some(Limit { warn, alarm });
        Self {
            waiting: limit(1, 5),
            longest_wait_s: limit(20, 60),
            abandoned_percent: limit(5, 10),
            service_level_percent: limit(90, 80),
        }
    }
}

impl BoardLimits {
    /// What is wrong with them, by field.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let rising = |limit: Limit, most| limit.warn <= limit.alarm && limit.alarm <= most;
        let falling = |limit: Limit, most| limit.alarm <= limit.warn && limit.warn <= most;
        let checks = [
            ("waiting", self.waiting.is_none_or(|limit| rising(limit, WAITING_MAX)), WAITING_MAX),
            ("longest_wait_s", self.longest_wait_s.is_none_or(|limit| rising(limit, WAIT_S_MAX)), WAIT_S_MAX),
            ("abandoned_percent", self.abandoned_percent.is_none_or(|limit| rising(limit, 100)), 100),
            ("service_level_percent", self.service_level_percent.is_none_or(|limit| falling(limit, 100)), 100),
        ];
        let wrong = checks.into_iter().filter(|(_, fine, _)| !fine);
        wrong
            .map(|(field, _, most)| (field, format!("a figure reaches its warning first, and neither is over {most}")))
            .collect()
    }
}

/// Callers who can wait in all queues.
const WAITING_MAX: u32 = 500_000;
/// A day, s.
const WAIT_S_MAX: u32 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_reaches_its_warning_before_its_alarm() {
        let limit = |warn, alarm| Some(Limit { warn, alarm });
        let faults = |limits: BoardLimits| limits.faults().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(faults(BoardLimits::default()), [""; 0]);
        let off =
            BoardLimits { waiting: None, longest_wait_s: None, abandoned_percent: None, service_level_percent: None };
        assert_eq!(faults(off), [""; 0], "each can be off");
        let wrong = BoardLimits {
            waiting: limit(5, 4),
            longest_wait_s: limit(1, 86_401),
            abandoned_percent: limit(10, 101),
            service_level_percent: limit(80, 90),
        };
        assert_eq!(faults(wrong), ["waiting", "longest_wait_s", "abandoned_percent", "service_level_percent"]);
        let read: BoardLimits = serde_json::from_str(r#"{"waiting": null}"#).unwrap();
        assert_eq!(read, BoardLimits { waiting: None, ..BoardLimits::default() }, "what is left out has its default");
    }
}

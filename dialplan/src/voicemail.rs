//! Leaving a message (VM-05): greeting, tone, recording; it ends by hang-up, `#`, silence or length, and what is too short is
//! dropped. Data and a machine: the recording itself is the media's.

use serde::{Deserialize, Serialize};

use crate::flow::name::Key;
use crate::say::{Part, ToneKind};

/// The rules of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The longest message, 10,000 to 600,000.
    pub max_ms: u32,
    /// Silence that ends it, 2,000 to 30,000.
    pub silence_ms: u32,
    /// What is shorter is dropped, 0 to 10,000.
    pub min_ms: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_ms: 180_000, silence_ms: 5_000, min_ms: 2_000 }
    }
}

/// A rule out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {value}, write {low} to {high}")]
pub struct RuleError {
    key: &'static str,
    value: u32,
    low: u32,
    high: u32,
}

impl Rules {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The first rule out of its range.
    pub fn check(&self) -> Result<(), RuleError> {
        let rules = [
            ("max_ms", self.max_ms, 10_000, 600_000),
            ("silence_ms", self.silence_ms, 2_000, 30_000),
            ("min_ms", self.min_ms, 0, 10_000),
        ];
        let wrong = rules.into_iter().find(|(_, value, low, high)| !(low..=high).contains(&value));
        wrong.map_or(Ok(()), |(key, value, low, high)| Err(RuleError { key, value, low, high }))
    }
}

/// What a run wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Play this once.
    Play(Vec<Part>),
    /// Stop what is played.
    StopPlaying,
    /// Record the caller, and tell of silence.
    Record,
    /// The recording is over.
    StopRecording,
    /// Keep what was recorded: this is a message.
    Keep {
        /// How long it is.
        length_ms: i64,
    },
    /// Drop what was recorded, if anything was.
    Drop,
    /// End the call, or go on with what comes after. Nothing follows.
    End,
}

/// What a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// What was played has ended.
    Played,
    /// A key.
    Digit(Key),
    /// The caller says something.
    Speech,
    /// The caller says nothing.
    Silence,
    /// The time of [`Run::poll_timeout`] has come.
    TimedOut,
    /// The caller hung up.
    CallerGone,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    rules: Rules,
    doing: Doing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Doing {
    Greeting,
    /// Silent since then, if so; it begins silent.
    Recording {
        since_ms: i64,
        silent_ms: Option<i64>,
    },
    Over,
}

impl Run {
    /// Greets the caller; the tone comes after the greeting, and the recording after the tone.
    #[must_use]
    pub fn start(rules: Rules, mut greeting: Vec<Part>) -> (Self, Vec<Action>) {
        greeting.push(Part::Tone(ToneKind::Beep));
        (Self { rules, doing: Doing::Greeting }, vec![Action::Play(greeting)])
    }

    /// Something happened. What does not fit is dropped.
    pub fn handle(&mut self, now_ms: i64, event: Event) -> Vec<Action> {
        match (self.doing, event) {
            (Doing::Over, _) => Vec::new(),
            (Doing::Greeting, Event::Played) => {
                self.doing = Doing::Recording { since_ms: now_ms, silent_ms: Some(now_ms) };
                vec![Action::Record]
            }
            // A key skips the greeting: the tone alone is left of it.
            (Doing::Greeting, Event::Digit(_)) => {
                vec![Action::StopPlaying, Action::Play(vec![Part::Tone(ToneKind::Beep)])]
            }
            (Doing::Greeting, Event::CallerGone) => {
                self.doing = Doing::Over;
                vec![Action::Drop]
            }
            (Doing::Recording { since_ms, .. }, Event::Speech) => {
                self.doing = Doing::Recording { since_ms, silent_ms: None };
                Vec::new()
            }
            (Doing::Recording { since_ms, silent_ms }, Event::Silence) => {
                self.doing = Doing::Recording { since_ms, silent_ms: Some(silent_ms.unwrap_or(now_ms)) };
                Vec::new()
            }
            (Doing::Recording { since_ms, .. }, Event::Digit(key)) if key.as_char() == '#' => {
                let mut out = self.finish(now_ms - since_ms);
                out.push(Action::End);
                out
            }
            (Doing::Recording { since_ms, silent_ms }, Event::TimedOut) if self.is_due(now_ms) => {
                // The silence at the end is no part of what was said.
                let until =
                    silent_ms.filter(|silent| now_ms - silent >= i64::from(self.rules.silence_ms)).unwrap_or(now_ms);
                let mut out = self.finish(until - since_ms);
                out.push(Action::End);
                out
            }
            (Doing::Recording { since_ms, .. }, Event::CallerGone) => self.finish(now_ms - since_ms),
            (Doing::Greeting, Event::Speech | Event::Silence | Event::TimedOut)
            | (Doing::Recording { .. }, Event::Played | Event::Digit(_) | Event::TimedOut) => Vec::new(),
        }
    }

    /// When [`Event::TimedOut`] is due, milliseconds since 1970.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<i64> {
        let Doing::Recording { since_ms, silent_ms } = self.doing else { return None };
        let longest = since_ms.saturating_add(i64::from(self.rules.max_ms));
        let silence = silent_ms.map(|silent| silent.saturating_add(i64::from(self.rules.silence_ms)));
        Some(silence.map_or(longest, |silence| silence.min(longest)))
    }

    fn is_due(&self, now_ms: i64) -> bool {
        self.poll_timeout().is_some_and(|due| now_ms >= due)
    }

    fn finish(&mut self, length_ms: i64) -> Vec<Action> {
        self.doing = Doing::Over;
        let kept = length_ms >= i64::from(self.rules.min_ms);
        vec![Action::StopRecording, if kept { Action::Keep { length_ms } } else { Action::Drop }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(action: &Action) -> String {
        match action {
            Action::Play(parts) => format!("play {}", crate::flow::action::said(parts)),
            Action::StopPlaying => "stop playing".into(),
            Action::Record => "record".into(),
            Action::StopRecording => "stop recording".into(),
            Action::Keep { length_ms } => format!("keep {length_ms}"),
            Action::Drop => "drop".into(),
            Action::End => "end".into(),
        }
    }

    fn check(script: &str) {
        let (mut run, actions) = Run::start(Rules::default(), vec![Part::Prompt("leave_message".parse().unwrap())]);
        let told = |actions: &[Action]| actions.iter().map(shown).collect::<Vec<_>>().join("; ");
        let mut seen = vec![format!("0 start: {}", told(&actions))];
        let lines: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        for line in &lines[1..] {
            let (head, _) = line.split_once(':').unwrap();
            let (at, word) = head.split_once(' ').unwrap();
            let now: i64 = at.parse().unwrap();
            let event = match word {
                "played" => Event::Played,
                "speech" => Event::Speech,
                "silence" => Event::Silence,
                "gone" => Event::CallerGone,
                "timeout" => {
                    assert_eq!(run.poll_timeout(), Some(now), "{line}");
                    assert_eq!(run.clone().handle(now - 1, Event::TimedOut), []);
                    Event::TimedOut
                }
                key => Event::Digit(key.parse().unwrap()),
            };
            run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
            seen.push(format!("{head}: {}", told(&run.handle(now, event))).trim_end().to_owned());
        }
        assert_eq!(seen, lines);
    }

    #[test]
    fn it_begins_after_the_tone_and_ends_by_hash_or_hang_up() {
        check(
            "
            0 start: play [leave_message tone:beep]
            4000 played: record
            4500 speech:
            8000 1:
            9000 #: stop recording; keep 5000; end
            9100 gone:
        ",
        );
        check(
            "
            0 start: play [leave_message tone:beep]
            1000 1: stop playing; play [tone:beep]
            1400 played: record
            1500 speech:
            3400 gone: stop recording; keep 2000
        ",
        );
    }

    #[test]
    fn five_seconds_of_silence_and_three_minutes_end_it() {
        check(
            "
            0 start: play [leave_message tone:beep]
            1000 played: record
            2000 speech:
            7000 silence:
            7100 silence:
            8000 speech:
            10000 silence:
            15000 timeout: stop recording; keep 9000; end
        ",
        );
        check(
            "
            0 start: play [leave_message tone:beep]
            1000 played: record
            2000 speech:
            181000 timeout: stop recording; keep 180000; end
        ",
        );
    }

    #[test]
    fn under_two_seconds_is_dropped() {
        check(
            "
            0 start: play [leave_message tone:beep]
            1000 played: record
            6000 timeout: stop recording; drop; end
        ",
        );
        check(
            "
            0 start: play [leave_message tone:beep]
            1000 played: record
            1100 speech:
            2999 #: stop recording; drop; end
        ",
        );
        check(
            "
            0 start: play [leave_message tone:beep]
            500 gone: drop
        ",
        );
    }

    #[test]
    fn rules_out_of_range_are_named() {
        assert_eq!(Rules::default().check(), Ok(()));
        let wrong = Rules { silence_ms: 1, ..Rules::default() }.check().unwrap_err();
        assert_eq!(wrong.to_string(), "`silence_ms` is 1, write 2000 to 30000");
    }
}

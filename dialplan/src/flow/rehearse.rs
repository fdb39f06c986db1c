//! Walks a flow without a phone: a caller by script, and what the flow does, in text.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::action::{Action, DialEnd, Event, QueueLeft};
use super::name::{FlowName, Key, NodeName};
use super::run::{Caller, Run, World};
use crate::say::Part;

/// What the caller and everybody else do.
#[derive(Clone, Debug)]
pub struct Script {
    /// Who calls.
    pub caller: Caller,
    /// Keys: one group each time the flow waits for keys. When there is none left, nothing is pressed.
    pub keys: VecDeque<VecDeque<Key>>,
    /// How each queue is left.
    pub queue: QueueLeft,
    /// How each ringing ends.
    pub dial: DialEnd,
    /// What servers answer, one after the other; then nothing.
    pub answers: VecDeque<serde_json::Value>,
}

/// A line of what went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the call began. How long prompts take is guessed.
    pub at: Duration,
    /// Where the run stood.
    pub node: Option<NodeName>,
    /// What.
    pub what: What,
}

/// What went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The flow does something.
    Does(String),
    /// Something happens to it.
    Happens(String),
}

/// All of a rehearsal, at most [`LINES_MAX`] lines; then the caller hangs up.
#[must_use]
pub fn rehearse(world: &dyn World, flow: &FlowName, script: Script, now_ms: i64) -> Vec<Line> {
    let (run, actions) = Run::start(flow, &script.caller, world, now_ms);
    let mut stage = Stage { now_ms, begun_ms: now_ms, run, script, pending: None, playing: None, lines: Vec::new() };
    stage.show(actions);
    while !stage.run.is_over() {
        let (event, says) = match stage.lines.len() < LINES_MAX {
            true => stage.next_event(),
            false => (Event::CallerGone, "it goes on and on: the caller hangs up".to_owned()),
        };
        stage.push(What::Happens(says));
        let actions = stage.run.handle(world, stage.now_ms, &event);
        stage.show(actions);
    }
    stage.lines
}

/// Lines of a rehearsal.
pub const LINES_MAX: usize = 400;
/// How long a prompt is taken to be, and a number.
const PROMPT_MS: i64 = 2_500;
/// A key after another.
const KEY_MS: i64 = 500;

struct Stage {
    now_ms: i64,
    begun_ms: i64,
    run: Run,
    script: Script,
    /// What was begun and has not ended, other than a prompt.
    pending: Option<Action>,
    /// How long the prompt takes that is being played.
    playing: Option<i64>,
    lines: Vec<Line>,
}

impl Stage {
    fn push(&mut self, what: What) {
        let at = Duration::from_millis(u64::try_from(self.now_ms - self.begun_ms).unwrap_or(0));
        self.lines.push(Line { at, node: self.run.place().map(|(_, _, node)| node.clone()), what });
    }

    fn show(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.push(What::Does(action.to_string()));
            match action {
                Action::Play { parts, .. } => self.playing = Some(parts.iter().map(length_ms).sum()),
                Action::StopPlaying => self.playing = None,
                Action::LeaveQueue | Action::HangUp(_) => self.pending = None,
                Action::Collect { .. } | Action::SetVariable { .. } | Action::Fault { .. } => {}
                Action::Lookup { .. } | Action::Queue { .. } | Action::Dial { .. } => self.pending = Some(action),
                Action::Voicemail { .. } | Action::Survey(_) | Action::Conference(_) => self.pending = Some(action),
            }
        }
    }

    /// What comes next, and how it is told.
    fn next_event(&mut self) -> (Event, String) {
        if let Some(ms) = self.playing.take() {
            self.now_ms += ms;
            return (Event::Played, "the prompt ends".to_owned());
        }
        match self.pending.take() {
            Some(Action::Lookup { timeout_ms, .. }) => match self.script.answers.pop_front() {
                Some(answer) => {
                    let says = format!("the server answers {answer}");
                    (Event::LookupDone(Some(answer)), says)
                }
                None => {
                    self.now_ms += i64::from(timeout_ms);
                    (Event::LookupDone(None), "the server does not answer".to_owned())
                }
            },
            Some(Action::Queue { keys, .. }) if self.presses_one_of(&keys) => self.press(),
            Some(Action::Queue { .. }) => {
                let says = format!("the queue is left: {}", self.script.queue.word());
                (Event::QueueLeft(self.script.queue), says)
            }
            Some(Action::Dial { .. }) => {
                (Event::DialEnded(self.script.dial), format!("the ringing ends: {}", self.script.dial.word()))
            }
            Some(_away) => (Event::Done, "it is done".to_owned()),
            None => self.press(),
        }
    }

    fn presses_one_of(&self, keys: &[Key]) -> bool {
        self.script.keys.front().and_then(|group| group.front()).is_some_and(|key| keys.contains(key))
    }

    /// The next key, of the group that stands first; no key where none is left.
    fn press(&mut self) -> (Event, String) {
        let Some(key) = self.script.keys.front_mut().and_then(VecDeque::pop_front) else {
            self.now_ms = self.run.poll_timeout().unwrap_or(self.now_ms).max(self.now_ms);
            return (Event::TimedOut, "no key is pressed".to_owned());
        };
        self.script.keys.retain(|group| !group.is_empty());
        self.now_ms += KEY_MS;
        (Event::Digit(key), format!("the caller presses {key}"))
    }
}

fn length_ms(part: &Part) -> i64 {
    match part {
        Part::Prompt(_) | Part::Number(_) => PROMPT_MS,
        Part::Digits(text) => KEY_MS * i64::try_from(text.chars().count()).unwrap_or(0),
        Part::Tone(_) => KEY_MS,
        Part::Silence(pause) => i64::try_from(pause.as_millis()).unwrap_or(0),
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node.as_ref().map_or("", |node| node.as_str());
        let at = self.at.as_secs_f64();
        match &self.what {
            What::Does(what) => write!(f, "{at:>7.1} s  {node:<16} {what}"),
            What::Happens(what) => write!(f, "{at:>7.1} s  {node:<16}     ({what})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MAIN, MONDAY, caller, centre};
    use super::*;

    fn script(keys: &str) -> Script {
        let group = |text: &str| text.chars().filter_map(Key::new).collect();
        Script {
            caller: caller("13800000000"),
            keys: keys.split(',').filter(|text| !text.is_empty()).map(group).collect(),
            queue: QueueLeft::MaxWait,
            dial: DialEnd::Answered,
            answers: VecDeque::new(),
        }
    }

    fn told(flows: &str, script: Script) -> String {
        let lines = rehearse(&centre(flows), &"main".parse().unwrap(), script, MONDAY);
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_caller_by_script_is_told_line_by_line() {
        insta::assert_snapshot!(told(MAIN, script("7,1")));
    }

    #[test]
    fn digits_go_where_they_are_typed_and_who_says_nothing_is_led_on() {
        insta::assert_snapshot!(told(MAIN, script("2,138#")));
        let silent = told(MAIN, script(""));
        assert!(silent.ends_with("hang up normal\n"), "{silent}");
    }

    #[test]
    fn a_key_takes_the_caller_out_of_the_queue() {
        let left = told(MAIN, script("1,9"));
        assert!(left.contains("leave the queue") && left.contains("voicemail queue:sales"), "{left}");
    }

    #[test]
    fn what_goes_on_for_ever_ends() {
        let round = "name = \"main\"\nstart = \"a\"\n[nodes.a]\nstep = \"menu\"\nprompt = [\"x\"]\nkeys = { 1 = \"a\" }\nno_choice = \"a\"";
        let lines = rehearse(&centre(round), &"main".parse().unwrap(), script(""), MONDAY);
        assert!((LINES_MAX..LINES_MAX + 10).contains(&lines.len()), "{}", lines.len());
        assert_eq!(rehearse(&centre(round), &"other".parse().unwrap(), script(""), MONDAY).len(), 1, "no such flow");
    }
}

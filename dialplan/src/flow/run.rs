//! Walks a flow: events and time in, actions out. No I/O and no clock.
//!
//! A run can be written down between two events and go on in another process ([`Run::resume`]). It is bounded: steps without the
//! caller ([`IDLE_STEPS_MAX`]), steps in all ([`STEPS_MAX`]), flows within flows ([`DEPTH_MAX`]), variables, keys typed ahead.

use serde::{Deserialize, Serialize};

use super::VARIABLES_MAX;
use super::action::{Action, DialEnd, DialTarget, Event, Fault, QueueLeft};
use super::name::{FlowName, Key, NodeName, VariableName};
use super::node::{Cause, Collect, Menu, Node, OUTSIDE_RING_S, Queue, RING_S, Ring, Test};
use super::step::{Step, dialled, go, left, next_or_end};
use super::template::{Spoken, VALUE_MAX, Variables, url_escaped};
use super::trail::{self, Trail, Visit};
pub use super::world::{Caller, World};
use crate::say::{Language, Part};

/// One call in a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Where it is; the flow it began with first, at most [`DEPTH_MAX`], never empty.
    frames: Vec<Frame>,
    /// The caller's number.
    caller: String,
    variables: Variables,
    doing: Doing,
    /// Keys pressed before they were asked for.
    typed: Vec<Key>,
    /// Steps since the caller, or another person, was last waited for.
    idle_steps: u32,
    steps: u32,
    #[serde(default)]
    trail: Trail,
}

/// A node of a version of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Frame {
    flow: FlowName,
    version: u32,
    node: NodeName,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Doing {
    Playing {
        barge_in: bool,
    },
    /// What is said before the end.
    Farewell {
        cause: Cause,
    },
    Menu {
        tries: u8,
        wait: Wait,
    },
    Collect {
        tries: u8,
        wait: Wait,
        digits: String,
    },
    Lookup {
        until_ms: i64,
    },
    Queue,
    Dial,
    /// In a message, a survey or a conference.
    Away,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wait {
    /// The prompt is being played.
    Prompt,
    /// For a key, until then.
    Key { until_ms: i64 },
}

/// Steps without waiting for anybody; then the call ends with a fault.
pub const IDLE_STEPS_MAX: u32 = 200;
/// Steps in all.
pub const STEPS_MAX: u32 = 10_000;
/// Flows within one another.
pub const DEPTH_MAX: usize = 8;
/// Keys typed ahead; more are dropped.
pub const TYPED_MAX: usize = 32;
/// What a lookup may take beyond its own limit before the run goes on without it.
const LOOKUP_GRACE_MS: i64 = 1_000;

impl Run {
    /// A call enters a flow.
    pub fn start(flow: &FlowName, caller: &Caller, world: &dyn World, now_ms: i64) -> (Self, Vec<Action>) {
        let given = [
            ("caller", caller.number.as_str()),
            ("caller_name", &caller.name),
            ("called", &caller.called),
            ("trunk", &caller.trunk),
            ("language", caller.language.as_str()),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, clipped(value))));
        let start = world.current(flow).and_then(|version| Some((version, world.flow(flow, version)?)));
        let frame = start.map(|(version, found)| Frame { flow: flow.clone(), version, node: found.start.clone() });
        let mut run = Self {
            frames: frame.into_iter().collect(),
            caller: caller.number.clone(),
            variables: given.collect(),
            doing: Doing::Ended,
            typed: Vec::new(),
            idle_steps: 0,
            steps: 0,
            trail: Trail::default(),
        };
        let mut out = Vec::new();
        if run.frames.is_empty() {
            out.push(Action::HangUp(Cause::Failure));
        } else {
            run.walk(world, now_ms, &mut out);
        }
        (run, out)
    }

    /// Goes on in a new process: the node in which the run stood begins again.
    pub fn resume(&mut self, world: &dyn World, now_ms: i64) -> Vec<Action> {
        let mut out = Vec::new();
        if self.doing != Doing::Ended {
            self.typed.clear();
            self.trail.leave(trail::AGAIN);
            self.walk(world, now_ms, &mut out);
        }
        out
    }

    /// Something happened. What does not fit to what the run does is dropped.
    pub fn handle(&mut self, world: &dyn World, now_ms: i64, event: &Event) -> Vec<Action> {
        let mut out = Vec::new();
        if *event == Event::CallerGone {
            self.doing = Doing::Ended;
            return out;
        }
        let Some(node) = self.node(world) else {
            if self.doing != Doing::Ended {
                self.fault(Fault::Missing, &mut out);
            }
            return out;
        };
        let step = match self.doing.clone() {
            Doing::Playing { barge_in } => self.playing(&node, barge_in, event, &mut out),
            Doing::Farewell { cause } => (*event == Event::Played).then_some(Step::End(cause)),
            Doing::Menu { tries, wait } => match &node {
                Node::Menu(menu) => self.menu(menu, (tries, wait), now_ms, event, &mut out),
                _moved => Some(Step::Fault(Fault::Missing)),
            },
            Doing::Collect { tries, wait, digits } => match &node {
                Node::Collect(collect) => {
                    self.collect(collect, Doing::Collect { tries, wait, digits }, now_ms, event, &mut out)
                }
                _moved => Some(Step::Fault(Fault::Missing)),
            },
            Doing::Lookup { until_ms } => self.lookup_done(&node, until_ms, now_ms, event, &mut out),
            Doing::Queue => self.queue_left(&node, event, &mut out),
            Doing::Dial => match event {
                Event::DialEnded(how) => Some(dialled(&node, *how)),
                _other => None,
            },
            Doing::Away => (*event == Event::Done).then(|| next_or_end(&node)),
            Doing::Ended => None,
        };
        if let Some(step) = step {
            // Whatever else ended was a wait for somebody.
            let is_wait = match event {
                Event::Played | Event::LookupDone(_) => false,
                // It may have failed at once.
                Event::DialEnded(DialEnd::Failed | DialEnd::Busy) => false,
                Event::QueueLeft(QueueLeft::Full | QueueLeft::Nobody) => false,
                Event::DialEnded(DialEnd::Answered | DialEnd::NoAnswer) => true,
                Event::QueueLeft(QueueLeft::Answered | QueueLeft::MaxWait) => true,
                Event::Digit(_) | Event::TimedOut | Event::Done | Event::CallerGone => true,
            };
            if is_wait && !matches!(self.doing, Doing::Lookup { .. }) {
                self.idle_steps = 0;
            }
            if self.take(step, world, &mut out) {
                self.walk(world, now_ms, &mut out);
            }
        }
        out
    }

    /// When [`Event::TimedOut`] is due, milliseconds since 1970.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<i64> {
        match self.doing {
            Doing::Menu { wait: Wait::Key { until_ms }, .. }
            | Doing::Collect { wait: Wait::Key { until_ms }, .. }
            | Doing::Lookup { until_ms } => Some(until_ms),
            Doing::Menu { wait: Wait::Prompt, .. } | Doing::Collect { wait: Wait::Prompt, .. } => None,
            Doing::Playing { .. } | Doing::Farewell { .. } | Doing::Queue | Doing::Dial | Doing::Away => None,
            Doing::Ended => None,
        }
    }

    /// Whether it goes on when those have talked whom it connects now, or the conference is over.
    #[must_use]
    pub fn comes_back(&self, world: &dyn World) -> bool {
        let label = match self.doing {
            Doing::Dial | Doing::Queue => DialEnd::Answered.word(),
            Doing::Away => "next",
            Doing::Playing { .. } | Doing::Farewell { .. } | Doing::Menu { .. } | Doing::Collect { .. } => {
                return false;
            }
            Doing::Lookup { .. } | Doing::Ended => return false,
        };
        self.node(world).is_some_and(|node| node.exits().iter().any(|exit| exit.label == label))
    }

    /// Whether the caller waits in a queue, or talks with whom that gave him.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.doing == Doing::Queue
    }

    /// True when nothing follows any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.doing == Doing::Ended
    }

    /// The flow, its version and the node in which it stands.
    #[must_use]
    pub fn place(&self) -> Option<(&FlowName, u32, &NodeName)> {
        self.frames.last().map(|frame| (&frame.flow, frame.version, &frame.node))
    }

    /// The way that it went, as far as it was not told yet.
    pub fn trail(&mut self) -> &mut Trail {
        &mut self.trail
    }

    /// The variables as they are.
    #[must_use]
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    fn node(&self, world: &dyn World) -> Option<Node> {
        let frame = self.frames.last()?;
        world.flow(&frame.flow, frame.version)?.nodes.get(&frame.node).cloned()
    }

    /// Goes from node to node until one waits.
    fn walk(&mut self, world: &dyn World, now_ms: i64, out: &mut Vec<Action>) {
        loop {
            self.steps += 1;
            self.idle_steps += 1;
            let node = self.node(world);
            self.note_visit(node.as_ref().map_or("", Node::kind), now_ms);
            if self.idle_steps > IDLE_STEPS_MAX || self.steps > STEPS_MAX {
                return self.fault(Fault::Endless, out);
            }
            let Some(node) = node else { return self.fault(Fault::Missing, out) };
            let step = self.enter(&node, world, now_ms, out);
            if !self.take(step, world, out) {
                return;
            }
        }
    }

    fn note_visit(&mut self, step: &str, at_ms: i64) {
        let Some(Frame { flow, version, node }) = self.frames.last().cloned() else { return };
        let (step, keys) = (step.to_owned(), String::new());
        self.trail.enter(Visit { flow, version, node, step, at_ms, keys, typed: 0, exit: None, fault: None });
    }

    /// Takes a step; true when there is a node to enter.
    fn take(&mut self, step: Step, world: &dyn World, out: &mut Vec<Action>) -> bool {
        match step {
            Step::Go { by, to } => {
                self.trail.leave(&by);
                self.frames.last_mut().map(|frame| frame.node = to).is_some()
            }
            Step::Wait(doing) => {
                self.doing = doing;
                false
            }
            Step::End(cause) => {
                self.doing = Doing::Ended;
                out.push(Action::HangUp(cause));
                false
            }
            Step::Into { flow, comes_back } => {
                let found = world.current(&flow).and_then(|version| Some((version, world.flow(&flow, version)?)));
                let Some((version, found)) = found else {
                    self.fault(Fault::Missing, out);
                    return false;
                };
                if !comes_back {
                    self.frames.pop();
                } else if self.frames.len() >= DEPTH_MAX {
                    self.fault(Fault::Deep, out);
                    return false;
                }
                self.trail.leave(trail::INTO);
                self.frames.push(Frame { flow, version, node: found.start.clone() });
                true
            }
            Step::Back => {
                self.frames.truncate(self.frames.len().max(1) - usize::from(self.frames.len() > 1));
                self.take_back(world, out)
            }
            Step::Fault(fault) => {
                self.fault(fault, out);
                false
            }
        }
    }

    /// The flow that called another goes on behind its subflow.
    fn take_back(&mut self, world: &dyn World, out: &mut Vec<Action>) -> bool {
        let next = match self.node(world) {
            Some(Node::Subflow(subflow)) => subflow.next,
            // Nobody called this flow.
            Some(_) => None,
            None => {
                self.fault(Fault::Missing, out);
                return false;
            }
        };
        match next {
            Some(to) => self.take(Step::Go { by: trail::BACK.to_owned(), to }, world, out),
            None => self.take(Step::End(Cause::Normal), world, out),
        }
    }

    fn fault(&mut self, fault: Fault, out: &mut Vec<Action>) {
        self.doing = Doing::Ended;
        self.trail.fault(fault);
        if let Some(frame) = self.frames.last() {
            out.push(Action::Fault { node: frame.node.clone(), fault });
        }
        out.push(Action::HangUp(Cause::Failure));
    }

    fn enter(&mut self, node: &Node, world: &dyn World, now_ms: i64, out: &mut Vec<Action>) -> Step {
        match node {
            Node::Play(play) => {
                let parts = play.prompts.iter().cloned().map(Part::Prompt).collect();
                self.begin_playing(parts, play.barge_in, &play.next, out)
            }
            Node::Say(say) => self.begin_playing(self.parts(&say.parts), say.barge_in, &say.next, out),
            Node::Menu(menu) => self.begin_menu(menu, now_ms, out),
            Node::Collect(collect) => self.begin_collect(collect, now_ms, out),
            Node::Set(set) => {
                let values: Variables =
                    set.values.iter().map(|(name, value)| (name.clone(), value.fill(&self.variables))).collect();
                values.into_iter().for_each(|(name, value)| self.set(name, &value, out));
                go("next", &set.next)
            }
            Node::Condition(condition) => {
                let holds = |test: &Test| self.holds(test, world, now_ms);
                let at = condition.cases.iter().position(|case| case.when.iter().all(holds));
                let at = at.unwrap_or(condition.cases.len());
                node.exits().get(at).map_or(Step::Fault(Fault::Missing), |exit| go(&exit.label, exit.to))
            }
            Node::Lookup(lookup) => {
                let url = lookup.url.fill_with(&self.variables, url_escaped);
                let (timeout_ms, fields) = (lookup.timeout_ms, lookup.fields.clone());
                out.push(Action::Lookup { url, timeout_ms, fields });
                let until_ms = now_ms.saturating_add(i64::from(timeout_ms) + LOOKUP_GRACE_MS);
                Step::Wait(Doing::Lookup { until_ms })
            }
            Node::Queue(queue) => {
                out.push(queued(queue));
                self.typed.clear();
                Step::Wait(Doing::Queue)
            }
            Node::Extension(ring) => self.begin_dial(ring, DialTarget::Extension, RING_S, out),
            Node::Agent(ring) => self.begin_dial(ring, DialTarget::Agent, RING_S, out),
            Node::Outside(ring) => self.begin_dial(ring, DialTarget::Outside, OUTSIDE_RING_S, out),
            Node::Voicemail(voicemail) => {
                let (mailbox, greeting) = (voicemail.mailbox.clone(), self.parts(&voicemail.greeting));
                self.begin_away(Action::Voicemail { mailbox, greeting }, out)
            }
            Node::Survey(survey) => self.begin_away(Action::Survey(survey.survey.clone()), out),
            Node::Conference(conference) => self.begin_away(Action::Conference(conference.room.clone()), out),
            Node::Subflow(into) => Step::Into { flow: into.flow.clone(), comes_back: into.next.is_some() },
            Node::Return(_) => Step::Back,
            Node::HangUp(end) if end.parts.is_empty() => Step::End(end.cause),
            Node::HangUp(end) => {
                out.push(self.play(self.parts(&end.parts)));
                Step::Wait(Doing::Farewell { cause: end.cause })
            }
        }
    }

    fn begin_playing(&mut self, parts: Vec<Part>, barge_in: bool, next: &NodeName, out: &mut Vec<Action>) -> Step {
        // Who has typed ahead has heard it before.
        if barge_in && !self.typed.is_empty() {
            return go("next", next);
        }
        out.push(self.play(parts));
        Step::Wait(Doing::Playing { barge_in })
    }

    fn begin_dial(&mut self, ring: &Ring, to: fn(String) -> DialTarget, ring_s: u32, out: &mut Vec<Action>) -> Step {
        self.typed.clear();
        let to = to(ring.number.fill(&self.variables));
        out.push(Action::Dial { to, ring_s: ring.ring_s.unwrap_or(ring_s) });
        Step::Wait(Doing::Dial)
    }

    fn begin_away(&mut self, away: Action, out: &mut Vec<Action>) -> Step {
        self.typed.clear();
        out.push(away);
        Step::Wait(Doing::Away)
    }

    fn playing(&mut self, node: &Node, barge_in: bool, event: &Event, out: &mut Vec<Action>) -> Option<Step> {
        match event {
            Event::Played => Some(next_or_end(node)),
            Event::Digit(key) if barge_in => {
                out.push(Action::StopPlaying);
                self.type_ahead(*key);
                Some(next_or_end(node))
            }
            _other => None,
        }
    }

    fn type_ahead(&mut self, key: Key) {
        if self.typed.len() < TYPED_MAX {
            self.typed.push(key);
        }
    }

    fn begin_menu(&mut self, menu: &Menu, now_ms: i64, out: &mut Vec<Action>) -> Step {
        if !self.typed.is_empty() {
            let key = self.typed.remove(0);
            self.trail.pressed(key);
            if let Some(to) = menu.keys.get(&key) {
                return go(&key.to_string(), to);
            }
            self.typed.clear();
        }
        self.ask_menu(menu, 1, &[], now_ms, out)
    }

    fn ask_menu(&mut self, menu: &Menu, tries: u8, before: &[Spoken], now_ms: i64, out: &mut Vec<Action>) -> Step {
        let keys = menu.keys.keys().copied().collect();
        let wait = self.ask((before, &menu.prompt), keys, deadline(now_ms, menu.timeout_s), out);
        Step::Wait(Doing::Menu { tries, wait })
    }

    /// Says what to press, or waits at once where there is nothing to say.
    fn ask(&self, said: (&[Spoken], &[Spoken]), keys: Vec<Key>, until_ms: i64, out: &mut Vec<Action>) -> Wait {
        let mut parts = self.parts(said.0);
        parts.extend(self.parts(said.1));
        let silent = parts.is_empty();
        if !silent {
            out.push(self.play(parts));
        }
        out.push(Action::Collect { keys });
        if silent { Wait::Key { until_ms } } else { Wait::Prompt }
    }

    fn menu(&mut self, menu: &Menu, at: (u8, Wait), now_ms: i64, event: &Event, out: &mut Vec<Action>) -> Option<Step> {
        let (tries, wait) = at;
        let before = match (event, wait) {
            (Event::Digit(key), _) => {
                if wait == Wait::Prompt {
                    out.push(Action::StopPlaying);
                }
                self.trail.pressed(*key);
                if let Some(to) = menu.keys.get(key) {
                    return Some(go(&key.to_string(), to));
                }
                &menu.wrong
            }
            (Event::Played, Wait::Prompt) => {
                let until_ms = deadline(now_ms, menu.timeout_s);
                return Some(Step::Wait(Doing::Menu { tries, wait: Wait::Key { until_ms } }));
            }
            (Event::TimedOut, Wait::Key { until_ms }) if now_ms >= until_ms => &menu.silent,
            _other => return None,
        };
        if tries >= menu.tries {
            return Some(go("no_choice", &menu.no_choice));
        }
        Some(self.ask_menu(menu, tries + 1, before, now_ms, out))
    }

    fn begin_collect(&mut self, collect: &Collect, now_ms: i64, out: &mut Vec<Action>) -> Step {
        let mut digits = String::new();
        for key in std::mem::take(&mut self.typed) {
            self.trail.typed();
            match typed(collect, &mut digits, key) {
                Typed::More => {}
                Typed::Enough => {
                    self.set(collect.into.clone(), &digits, out);
                    return go("next", &collect.next);
                }
                Typed::TooFew => return self.ask_collect(collect, 1, &collect.wrong, now_ms, out),
            }
        }
        if digits.is_empty() {
            return self.ask_collect(collect, 1, &[], now_ms, out);
        }
        out.push(Action::Collect { keys: collect_keys() });
        let until_ms = deadline(now_ms, collect.timeout_s);
        Step::Wait(Doing::Collect { tries: 1, wait: Wait::Key { until_ms }, digits })
    }

    fn ask_collect(&self, collect: &Collect, tries: u8, before: &[Spoken], now_ms: i64, out: &mut Vec<Action>) -> Step {
        let wait = self.ask((before, &collect.prompt), collect_keys(), deadline(now_ms, collect.timeout_s), out);
        Step::Wait(Doing::Collect { tries, wait, digits: String::new() })
    }

    fn collect(
        &mut self,
        collect: &Collect,
        at: Doing,
        now_ms: i64,
        event: &Event,
        out: &mut Vec<Action>,
    ) -> Option<Step> {
        let Doing::Collect { tries, wait, mut digits } = at else { return None };
        let until_ms = deadline(now_ms, collect.timeout_s);
        let result = match (event, wait) {
            (Event::Digit(key), _) => {
                if wait == Wait::Prompt {
                    out.push(Action::StopPlaying);
                }
                self.trail.typed();
                typed(collect, &mut digits, *key)
            }
            (Event::Played, Wait::Prompt) => Typed::More,
            (Event::TimedOut, Wait::Key { until_ms }) if now_ms >= until_ms => {
                if digits.len() >= usize::from(collect.min) { Typed::Enough } else { Typed::TooFew }
            }
            _other => return None,
        };
        Some(match result {
            Typed::More => Step::Wait(Doing::Collect { tries, wait: Wait::Key { until_ms }, digits }),
            Typed::Enough => {
                self.set(collect.into.clone(), &digits, out);
                go("next", &collect.next)
            }
            Typed::TooFew if tries >= collect.tries => go("failed", &collect.failed),
            Typed::TooFew => self.ask_collect(collect, tries + 1, &collect.wrong, now_ms, out),
        })
    }

    fn lookup_done(
        &mut self,
        node: &Node,
        until_ms: i64,
        now_ms: i64,
        event: &Event,
        out: &mut Vec<Action>,
    ) -> Option<Step> {
        let Node::Lookup(lookup) = node else { return Some(Step::Fault(Fault::Missing)) };
        let answer = match event {
            Event::LookupDone(answer) => answer.as_ref(),
            Event::TimedOut if now_ms >= until_ms => None,
            Event::Digit(key) => {
                self.type_ahead(*key);
                return None;
            }
            _other => return None,
        };
        for (name, value) in lookup.values(answer) {
            self.set(name, &value, out);
        }
        let failed = lookup.failed.as_ref().filter(|_| answer.is_none());
        Some(failed.map_or_else(|| go("next", &lookup.next), |to| go("failed", to)))
    }

    fn queue_left(&mut self, node: &Node, event: &Event, out: &mut Vec<Action>) -> Option<Step> {
        let Node::Queue(queue) = node else { return Some(Step::Fault(Fault::Missing)) };
        match event {
            Event::QueueLeft(how) => Some(left(node, *how)),
            Event::Digit(key) => {
                let to = queue.keys.get(key)?;
                out.push(Action::LeaveQueue);
                Some(go(&key.to_string(), to))
            }
            _other => None,
        }
    }

    fn set(&mut self, name: VariableName, value: &str, out: &mut Vec<Action>) {
        if self.variables.len() >= VARIABLES_MAX && !self.variables.contains_key(&name) {
            if let Some(frame) = self.frames.last() {
                out.push(Action::Fault { node: frame.node.clone(), fault: Fault::Variables });
            }
            return;
        }
        let value = clipped(value);
        out.push(Action::SetVariable { name: name.clone(), value: value.clone() });
        self.variables.insert(name, value);
    }

    fn parts(&self, spoken: &[Spoken]) -> Vec<Part> {
        spoken.iter().map(|part| part.part(&self.variables)).collect()
    }

    fn play(&self, parts: Vec<Part>) -> Action {
        let named = self.variables.iter().find(|(name, _)| name.as_str() == "language");
        let language = named.and_then(|(_, value)| value.parse().ok()).unwrap_or(Language::ZhCn);
        Action::Play { language, parts }
    }

    fn holds(&self, test: &Test, world: &dyn World, now_ms: i64) -> bool {
        match test {
            Test::Hours { name, is } => world.opening(name, now_ms) == Some(*is),
            Test::Time { zone, days, between } => crate::hours::is_within(zone, days, *between, now_ms),
            Test::Caller { prefix } => !self.caller.is_empty() && self.caller.starts_with(prefix),
            Test::Variable { name, is, value } => {
                let left = self.variables.get(name).map_or("", String::as_str);
                is.of_texts(left, &value.fill(&self.variables))
            }
            Test::Queue { name, figure, is, value } => {
                world.queue(name, *figure).is_some_and(|now| is.of(now.cmp(value)))
            }
        }
    }
}

/// What a key did to the digits typed.
enum Typed {
    More,
    Enough,
    TooFew,
}

fn typed(collect: &Collect, digits: &mut String, key: Key) -> Typed {
    match key.as_char() {
        '*' => {
            digits.clear();
            Typed::More
        }
        '#' if digits.len() >= usize::from(collect.min) => Typed::Enough,
        '#' => Typed::TooFew,
        digit => {
            digits.push(digit);
            if digits.len() >= usize::from(collect.max) { Typed::Enough } else { Typed::More }
        }
    }
}

fn collect_keys() -> Vec<Key> {
    "0123456789*#".chars().filter_map(Key::new).collect()
}

fn deadline(now_ms: i64, timeout_s: u32) -> i64 {
    now_ms.saturating_add(i64::from(timeout_s) * 1_000)
}

/// A value as it is kept: no control characters, no longer than [`VALUE_MAX`].
fn clipped(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(VALUE_MAX).collect()
}

fn queued(queue: &Queue) -> Action {
    let ways =
        [(QueueLeft::MaxWait, &queue.max_wait), (QueueLeft::Full, &queue.full), (QueueLeft::Nobody, &queue.nobody)];
    let leaves = ways.into_iter().filter(|(_, to)| to.is_some()).map(|(way, _)| way).collect();
    let keys = queue.keys.keys().copied().collect();
    Action::Queue { queue: queue.queue.clone(), priority: queue.priority, leaves, keys }
}

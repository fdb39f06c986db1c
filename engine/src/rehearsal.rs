//! A flow tried without a phone: what `switchboard simulate` and the API have in common.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::flow::action::{DialEnd, QueueLeft};
use dialplan::flow::name::{FlowName, HoursName, Key, QueueName};
use dialplan::flow::node::QueueFigure;
use dialplan::flow::rehearse::{Line, Script, rehearse};
use dialplan::flow::run::{Caller, World};
use dialplan::hours::{Hours, Opening};
use serde::de::DeserializeOwned;

/// What the caller and everybody else do, as people write it.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// Keys, a group each time the flow waits for keys: `1,2#`.
    pub keys: String,
    /// The caller's number.
    pub caller: String,
    /// The number called.
    pub called: String,
    /// The language that it begins with: `zh-CN` or `en`.
    pub language: String,
    /// How queues are left: `answered`, `max_wait`, `full`, `nobody`.
    pub queue: String,
    /// How ringing somebody ends: `answered`, `busy`, `no_answer`, `failed`.
    pub dial: String,
    /// What servers answer, one after the other.
    pub answers: Vec<serde_json::Value>,
    /// The state of opening hours: `office=closed`.
    pub hours: Vec<String>,
    /// Figures of queues: `sales.waiting=12`.
    pub figures: Vec<String>,
}

/// Something that is not written as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Of which field.
    pub field: &'static str,
    /// What, and how to mend it.
    pub what: String,
}

/// What the flow sees.
struct Stage<'a> {
    flows: &'a BTreeMap<FlowName, Arc<Flow>>,
    said: BTreeMap<HoursName, Opening>,
    hours: &'a BTreeMap<HoursName, Hours>,
    figures: Vec<(QueueName, QueueFigure, u32)>,
}

impl World for Stage<'_> {
    fn current(&self, flow: &FlowName) -> Option<u32> {
        self.flows.contains_key(flow).then_some(1)
    }

    fn flow(&self, flow: &FlowName, version: u32) -> Option<Arc<Flow>> {
        self.flows.get(flow).filter(|_| version == 1).cloned()
    }

    fn opening(&self, hours: &HoursName, now_ms: i64) -> Option<Opening> {
        let known = || self.hours.get(hours).map_or(Opening::Open, |hours| hours.at(now_ms));
        Some(self.said.get(hours).copied().unwrap_or_else(known))
    }

    fn queue(&self, queue: &QueueName, figure: QueueFigure) -> Option<u32> {
        let said = self.figures.iter().find(|(name, of, _)| name == queue && *of == figure);
        Some(said.map_or(
            match figure {
                QueueFigure::Waiting | QueueFigure::LongestWaitS => 0,
                QueueFigure::SignedIn | QueueFigure::Idle => 1,
            },
            |(.., value)| *value,
        ))
    }
}

impl Rehearsal {
    /// Walks a flow. Hours whose state is not said are those that are given, or open.
    ///
    /// # Errors
    /// The first field that is not written as it should be.
    pub fn walk(
        &self,
        flow: &FlowName,
        flows: &BTreeMap<FlowName, Arc<Flow>>,
        hours: &BTreeMap<HoursName, Hours>,
        now_ms: i64,
    ) -> Result<Vec<Line>, Wrong> {
        let stage = Stage {
            flows,
            said: self.hours.iter().map(|text| opening(text)).collect::<Result<_, _>>()?,
            hours,
            figures: self.figures.iter().map(|text| figure(text)).collect::<Result<_, _>>()?,
        };
        Ok(rehearse(&stage, flow, self.script()?, now_ms))
    }

    fn script(&self) -> Result<Script, Wrong> {
        let language = self.language.parse();
        Ok(Script {
            caller: Caller {
                number: self.caller.clone(),
                name: String::new(),
                called: self.called.clone(),
                trunk: String::new(),
                language: language
                    .map_err(|error: dialplan::say::SayError| Wrong { field: "language", what: error.to_string() })?,
            },
            keys: keys(&self.keys)?,
            queue: word("queue", &self.queue, QueueLeft::ALL, QueueLeft::word)?,
            dial: word("dial", &self.dial, DialEnd::ALL, DialEnd::word)?,
            answers: self.answers.iter().cloned().collect(),
        })
    }
}

fn word<T: Copy, const N: usize>(
    field: &'static str,
    text: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, Wrong> {
    let names = || all.map(name).join(", ");
    let found = all.into_iter().find(|known| name(*known) == text);
    found.ok_or_else(|| Wrong { field, what: format!("`{text}` is none of {}", names()) })
}

fn keys(text: &str) -> Result<VecDeque<VecDeque<Key>>, Wrong> {
    let group = |group: &str| {
        let what = |c| format!("`{c}` is no key, write 0 to 9, * and #, groups with commas");
        group.chars().map(|c| Key::new(c).ok_or_else(|| Wrong { field: "keys", what: what(c) })).collect()
    };
    text.split(',').filter(|text| !text.is_empty()).map(group).collect()
}

fn opening(text: &str) -> Result<(HoursName, Opening), Wrong> {
    let parsed = text.split_once('=').and_then(|(name, state)| Some((name.parse().ok()?, written(state)?)));
    let what = || format!("`{text}`: write NAME=open, NAME=closed or NAME=holiday");
    parsed.ok_or_else(|| Wrong { field: "hours", what: what() })
}

fn figure(text: &str) -> Result<(QueueName, QueueFigure, u32), Wrong> {
    let parsed = text.split_once('=').and_then(|(what, value)| {
        let (queue, figure) = what.rsplit_once('.')?;
        Some((queue.parse().ok()?, written(figure)?, value.parse().ok()?))
    });
    let what = || format!("`{text}`: write QUEUE.FIGURE=N with waiting, longest_wait_s, signed_in or idle");
    parsed.ok_or_else(|| Wrong { field: "figure", what: what() })
}

/// A word as flows have it.
fn written<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

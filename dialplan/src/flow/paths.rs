//! What a node leads to, says, reads and sets.

use super::name::{HoursName, NodeName, VariableName};
use super::node::{Node, Test};
use super::template::{Spoken, Template};
use crate::say::PromptName;

/// A way out of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit<'n> {
    /// When it is taken, as people read it: `1`, `failed`, `case 2`.
    pub label: String,
    /// Where it leads.
    pub to: &'n NodeName,
}

/// The exits that are written.
fn maybe<'n>(ways: [(&str, &'n Option<NodeName>); 3]) -> Vec<Exit<'n>> {
    let there = ways.into_iter().filter_map(|(label, to)| to.as_ref().map(|to| (label, to)));
    there.map(|(label, to)| Exit { label: label.to_owned(), to }).collect()
}

impl Node {
    /// Its ways out, in the order in which they are written.
    #[must_use]
    pub fn exits(&self) -> Vec<Exit<'_>> {
        let one = |label: &str, to| Exit { label: label.to_owned(), to };
        match self {
            Self::Play(play) => vec![one("next", &play.next)],
            Self::Say(say) => vec![one("next", &say.next)],
            Self::Menu(menu) => {
                let keys = menu.keys.iter().map(|(key, to)| Exit { label: key.to_string(), to });
                keys.chain([one("no_choice", &menu.no_choice)]).collect()
            }
            Self::Collect(collect) => vec![one("next", &collect.next), one("failed", &collect.failed)],
            Self::Set(set) => vec![one("next", &set.next)],
            Self::Condition(condition) => {
                let cases = condition.cases.iter().enumerate();
                let cases = cases.map(|(at, case)| Exit { label: format!("case {}", at + 1), to: &case.go });
                cases.chain([one("otherwise", &condition.otherwise)]).collect()
            }
            Self::Lookup(lookup) => {
                let failed = lookup.failed.iter().map(|to| one("failed", to));
                [one("next", &lookup.next)].into_iter().chain(failed).collect()
            }
            Self::Queue(queue) => {
                let answered = queue.answered.iter().map(|to| one("answered", to));
                let overflow = [("max_wait", &queue.max_wait), ("full", &queue.full), ("nobody", &queue.nobody)];
                let keys = queue.keys.iter().map(|(key, to)| Exit { label: key.to_string(), to });
                answered.chain(maybe(overflow)).chain(keys).collect()
            }
            Self::Extension(ring) | Self::Agent(ring) | Self::Outside(ring) => {
                let ways = maybe([("answered", &ring.answered), ("busy", &ring.busy), ("no_answer", &ring.no_answer)]);
                ways.into_iter().chain([one("failed", &ring.failed)]).collect()
            }
            Self::Voicemail(voicemail) => voicemail.next.iter().map(|to| one("next", to)).collect(),
            Self::Survey(survey) => survey.next.iter().map(|to| one("next", to)).collect(),
            Self::Conference(conference) => conference.next.iter().map(|to| one("next", to)).collect(),
            Self::Subflow(subflow) => subflow.next.iter().map(|to| one("next", to)).collect(),
            Self::Return(_) | Self::HangUp(_) => Vec::new(),
        }
    }

    /// True when it waits for the caller or for another person, so that a loop through it is none of ours.
    pub(super) fn waits(&self) -> bool {
        match self {
            Self::Menu(_) | Self::Collect(_) | Self::Queue(_) | Self::Extension(_) | Self::Agent(_) => true,
            Self::Outside(_) | Self::Voicemail(_) | Self::Survey(_) | Self::Conference(_) => true,
            Self::Play(_) | Self::Say(_) | Self::Set(_) | Self::Condition(_) | Self::Lookup(_) => false,
            Self::Subflow(_) | Self::Return(_) | Self::HangUp(_) => false,
        }
    }

    /// All that it may say.
    fn spoken(&self) -> Vec<&Spoken> {
        match self {
            Self::Say(say) => say.parts.iter().collect(),
            Self::Menu(menu) => menu.prompt.iter().chain(&menu.wrong).chain(&menu.silent).collect(),
            Self::Collect(collect) => collect.prompt.iter().chain(&collect.wrong).collect(),
            Self::Voicemail(voicemail) => voicemail.greeting.iter().collect(),
            Self::HangUp(end) => end.parts.iter().collect(),
            Self::Play(_) | Self::Set(_) | Self::Condition(_) | Self::Lookup(_) | Self::Queue(_) => Vec::new(),
            Self::Extension(_) | Self::Agent(_) | Self::Outside(_) | Self::Survey(_) => Vec::new(),
            Self::Conference(_) | Self::Subflow(_) | Self::Return(_) => Vec::new(),
        }
    }

    /// The prompts that it may play.
    #[must_use]
    pub fn prompts(&self) -> Vec<&PromptName> {
        let spoken = self.spoken().into_iter().filter_map(|part| match part {
            Spoken::Prompt(name) => Some(name),
            Spoken::Number(_) | Spoken::Digits(_) | Spoken::Tone(_) | Spoken::Silence(_) => None,
        });
        match self {
            Self::Play(play) => play.prompts.iter().collect(),
            _other => spoken.collect(),
        }
    }

    /// The opening hours that it asks for.
    #[must_use]
    pub fn hours(&self) -> Vec<&HoursName> {
        let Self::Condition(condition) = self else { return Vec::new() };
        let tests = condition.cases.iter().flat_map(|case| &case.when);
        let named = tests.filter_map(|test| match test {
            Test::Hours { name, .. } => Some(name),
            Test::Queue { .. } | Test::Time { .. } | Test::Caller { .. } | Test::Variable { .. } => None,
        });
        named.collect()
    }

    /// The variables that it may read.
    #[must_use]
    pub fn reads(&self) -> Vec<&VariableName> {
        let mut read: Vec<&VariableName> = self.spoken().into_iter().flat_map(Spoken::variables).collect();
        match self {
            Self::Set(set) => read.extend(set.values.values().flat_map(Template::variables)),
            Self::Lookup(lookup) => read.extend(lookup.url.variables()),
            Self::Extension(ring) | Self::Agent(ring) | Self::Outside(ring) => read.extend(ring.number.variables()),
            Self::Condition(condition) => {
                for test in condition.cases.iter().flat_map(|case| &case.when) {
                    if let Test::Variable { name, value, .. } = test {
                        read.push(name);
                        read.extend(value.variables());
                    }
                }
            }
            Self::Play(_) | Self::Say(_) | Self::Menu(_) | Self::Collect(_) | Self::Queue(_) => {}
            Self::Voicemail(_) | Self::Survey(_) | Self::Conference(_) | Self::Subflow(_) => {}
            Self::Return(_) | Self::HangUp(_) => {}
        }
        read
    }

    /// The variables that it may set.
    #[must_use]
    pub fn sets(&self) -> Vec<&VariableName> {
        match self {
            Self::Collect(collect) => vec![&collect.into],
            Self::Set(set) => set.values.keys().collect(),
            Self::Lookup(lookup) => lookup.fields.keys().collect(),
            Self::Play(_) | Self::Say(_) | Self::Menu(_) | Self::Condition(_) | Self::Queue(_) => Vec::new(),
            Self::Extension(_) | Self::Agent(_) | Self::Outside(_) | Self::Voicemail(_) => Vec::new(),
            Self::Survey(_) | Self::Conference(_) | Self::Subflow(_) => Vec::new(),
            Self::Return(_) | Self::HangUp(_) => Vec::new(),
        }
    }

    /// The variables that are surely set on the way out by `label`: a collect that failed has set none.
    pub(super) fn sets_by(&self, label: &str) -> Vec<&VariableName> {
        match self {
            Self::Collect(_) if label == "failed" => Vec::new(),
            _any => self.sets(),
        }
    }
}

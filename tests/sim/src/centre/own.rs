//! Callers' own agents (IVR-05): whose customer each is, and who talked with whom, by what is set and written down.

use std::collections::{BTreeMap, BTreeSet};

use hooks::fact::{CallCreated, CallSource, Direction};
use hooks::id::CallId;
use switch::config::TenantConfig;

/// What is known of callers.
#[derive(Debug, Default)]
pub(super) struct OwnAgents {
    /// The owner of each number that has one.
    owners: BTreeMap<String, String>,
    /// The number of who is outside in each call.
    numbers: BTreeMap<CallId, String>,
    /// Everybody who has talked with each number since the process began.
    talked: BTreeMap<String, BTreeSet<String>>,
    /// And in each call that is open: an attended transfer makes one of two.
    talk: BTreeMap<CallId, BTreeSet<String>>,
}

impl OwnAgents {
    pub(super) fn new(tenant: &TenantConfig, callers: impl Iterator<Item = String>) -> Self {
        let owner = |number: String| Some((tenant.callers.find(&number)?.owner.as_ref()?.to_string(), number));
        let owners = callers.filter_map(owner).map(|(owner, number)| (number, owner)).collect();
        Self { owners, ..Self::default() }
    }

    pub(super) fn created(&mut self, e: &CallCreated) {
        let number = match (e.direction, e.source) {
            (Direction::Inbound, _) => &e.caller,
            (_, CallSource::Callback) => &e.callee,
            (Direction::Outbound | Direction::Internal, _) => return,
        };
        self.numbers.insert(e.call, number.clone());
    }

    /// The number of who is outside.
    pub(super) fn number_of(&self, call: CallId) -> Option<&str> {
        self.numbers.get(&call).map(String::as_str)
    }

    pub(super) fn talks(&mut self, call: CallId, agent: &str) {
        self.talk.entry(call).or_default().insert(agent.to_owned());
        if let Some(number) = self.numbers.get(&call) {
            self.talked.entry(number.clone()).or_default().insert(agent.to_owned());
        }
    }

    /// Who talked in the one call goes on in the other: no change of his tells that he talks with its caller now.
    pub(super) fn joins(&mut self, call: CallId, joined: CallId) {
        for (of, into) in [(joined, call), (call, joined)] {
            for agent in self.talk.get(&of).cloned().unwrap_or_default() {
                self.talks(into, &agent);
            }
        }
    }

    /// Whose customer the caller is.
    pub(super) fn owner(&self, call: CallId) -> Option<&str> {
        self.owners.get(self.number_of(call)?).map(String::as_str)
    }

    /// Whether the agent has talked with the caller: in consultations and with three, who did so last is not told.
    pub(super) fn has_talked(&self, call: CallId, agent: &str) -> bool {
        self.number_of(call).and_then(|number| self.talked.get(number)).is_some_and(|all| all.contains(agent))
    }

    pub(super) fn call_ended(&mut self, call: CallId) {
        self.numbers.remove(&call);
        self.talk.remove(&call);
    }

    /// The process was killed, and nothing is recalled to the new one.
    pub(super) fn crashed(&mut self) {
        self.talked.clear();
        self.talk.clear();
    }
}

//! After a crash: calls in which two parties talked are handed to the switch to go on with; the rest of what the last process
//! left open is closed, what it left on disk is repaired, before anything new begins.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use hooks::fact::{Event, Fact, RegistrationBound};
use hooks::id::{CallId, LegId, TenantId};
use recordings::Finished;
use switch::checkpoint::CallCheckpoint;

use crate::config::Config;
use crate::journal::checkpoints::{CheckpointJournal, Left};
use crate::journal::facts::FactJournal;
use crate::journal::open_state::{OpenAgent, OpenCallback, OpenState};
use crate::journal::{JournalHandle, JournalOptions};
use crate::recorder;
use crate::writer::{CheckpointLog, FactLog, Inbox, InboxError, Logs, Orphan};

/// A process that was away for longer than this finds nobody: phones and trunks give up a silent call after half a minute.
const ABSENCE_MAX_MS: u64 = 30_000;

/// What is there to begin with.
pub(super) struct Recovered {
    /// The open journals, with every call of the last process ended that cannot go on.
    pub(super) journals: Vec<FactJournal>,
    /// The open checkpoints.
    pub(super) checkpoints: BTreeMap<TenantId, CheckpointJournal>,
    /// The calls that may go on.
    pub(super) orphans: Vec<Orphan>,
    /// The registrations that may still hold.
    pub(super) bindings: Vec<(TenantId, RegistrationBound)>,
    /// Who is to be called back.
    pub(super) callbacks: Vec<(TenantId, OpenCallback)>,
    /// The agents who were signed in.
    pub(super) agents: Vec<(TenantId, OpenAgent)>,
    /// The recordings that were repaired and are written down.
    pub(super) repaired: Vec<Finished>,
}

impl Recovered {
    /// Puts what goes on into the writer's queue, after the settings.
    pub(super) fn give_back(&mut self, inbox: &Inbox) -> Result<(), InboxError> {
        inbox.restore(std::mem::take(&mut self.bindings))?;
        inbox.restore_agents(std::mem::take(&mut self.agents))?;
        inbox.resume(std::mem::take(&mut self.orphans))?;
        // An agent whose call goes on is not idle: he would be rung for a callback beside it.
        inbox.restore_callbacks(std::mem::take(&mut self.callbacks))
    }

    /// The journals, for who reads them.
    pub(super) fn handles(&self) -> BTreeMap<TenantId, JournalHandle> {
        let handles = self.journals.iter().map(FactJournal::handle);
        handles.map(|handle| (handle.tenant().clone(), handle)).collect()
    }

    /// What the writer writes.
    pub(super) fn into_logs(self) -> Logs {
        Logs { facts: FactLog::new(self.journals), checkpoints: CheckpointLog::new(self.checkpoints) }
    }
}

pub(super) fn recover(config: &Config, tenants: &[TenantId], now_ms: u64) -> anyhow::Result<Recovered> {
    let folder = &config.recording.dir;
    std::fs::create_dir_all(folder)
        .and_then(|()| recordings::repair(folder))
        .with_context(|| format!("cannot read the recordings in {}", folder.display()))
        .and_then(|repaired| with_repaired(config, tenants, repaired, now_ms))
}

fn with_repaired(
    config: &Config,
    tenants: &[TenantId],
    repaired: Vec<Finished>,
    now_ms: u64,
) -> anyhow::Result<Recovered> {
    let mut recovered = Recovered {
        journals: Vec::new(),
        checkpoints: BTreeMap::new(),
        orphans: Vec::new(),
        bindings: Vec::new(),
        callbacks: Vec::new(),
        agents: Vec::new(),
        repaired,
    };
    for tenant in tenants {
        let mut journal = FactJournal::open(&JournalOptions::new(&config.journal_dir(), tenant.clone()))?;
        let options = CheckpointJournal::options(&config.checkpoint_dir(), tenant.clone());
        let (checkpoints, left) = CheckpointJournal::open(&options)?;
        let open = journal.open_state();
        let bound = open.registrations.values().flat_map(|contacts| contacts.values());
        recovered.bindings.extend(bound.map(|binding| (tenant.clone(), binding.clone())));
        recovered.agents.extend(open.agents.values().map(|agent| (tenant.clone(), agent.clone())));
        recovered.callbacks.extend(open.callbacks.values().map(|it| (tenant.clone(), it.clone())));
        let alive_until_ms =
            recorder::heard_until_ms(tenant, &recovered.repaired).max(open.last_at_ms).max(left.alive_at_ms);
        let going_on = going_on(left, open, now_ms.saturating_sub(alive_until_ms));
        let calls = going_on.iter().map(|checkpoint| checkpoint.call).collect();
        let mut facts = open.left_rooms(tenant, alive_until_ms, &calls);
        facts.extend(closing(open.interrupted(tenant, alive_until_ms), &going_on));
        facts.extend(recorder::interrupted(tenant, open, &recovered.repaired, alive_until_ms));
        if !open.calls.is_empty() {
            let (calls, going_on) = (open.calls.len(), going_on.len());
            tracing::warn!(%tenant, calls, going_on, "the last process was killed: its calls go on or are closed");
        }
        if !facts.is_empty() {
            journal.append(&facts)?;
        }
        recovered.journals.push(journal);
        recovered.checkpoints.insert(tenant.clone(), checkpoints);
        let orphan = |checkpoint| Orphan { checkpoint: Box::new(checkpoint), interrupted_at_ms: alive_until_ms };
        recovered.orphans.extend(going_on.into_iter().map(orphan));
    }
    Ok(recovered)
}

/// The calls that may go on: those that were not over, nor had left their conference, if the process was not away for too long.
fn going_on(left: Left, open: &OpenState, absence_ms: u64) -> Vec<CallCheckpoint> {
    if absence_ms > ABSENCE_MAX_MS {
        return Vec::new();
    }
    let lives = |checkpoint: &CallCheckpoint| {
        let call = open.calls.get(&checkpoint.call);
        let is_member = checkpoint.conference().is_none_or(|conference| {
            open.conferences.get(&conference).is_some_and(|it| it.members.contains_key(&checkpoint.call))
        });
        is_member && call.is_some_and(|call| checkpoint.legs().iter().all(|leg| call.legs.contains_key(leg)))
    };
    left.calls.into_iter().filter(lives).collect()
}

/// Of the facts that close everything, those that do not concern the calls that go on, nor their two legs.
fn closing(mut facts: Vec<Fact>, going_on: &[CallCheckpoint]) -> Vec<Fact> {
    let calls: BTreeSet<CallId> = going_on.iter().map(|checkpoint| checkpoint.call).collect();
    let legs: BTreeSet<LegId> = going_on.iter().flat_map(CallCheckpoint::legs).collect();
    facts.retain(|fact| match &fact.event {
        Event::LegEnded(ended) => !legs.contains(&ended.leg),
        event => event.call().is_none_or(|call| !calls.contains(&call)),
    });
    facts
}

#[cfg(test)]
mod tests {
    use hooks::fact::{
        CallCreated, CallSource, ConferenceEnd, ConferenceEnded, ConferenceStarted, Direction, EndCause, LeftReason,
        LegStarted, MemberJoined, MemberLeft, MemberRole, PeerKind,
    };
    use hooks::id::ConferenceId;

    use super::*;

    const CALL: &str = include_str!("../../tests/data/checkpoint.json");

    fn left() -> Left {
        Left { calls: vec![serde_json::from_str(CALL).unwrap()], alive_at_ms: 0 }
    }

    /// The call of the checkpoint with its two legs and one more, as the journal knows it.
    fn open() -> OpenState {
        let checkpoint = left().calls.remove(0);
        let call = checkpoint.call;
        let created = CallCreated {
            call,
            direction: Direction::Internal,
            source: CallSource::Dialled,
            caller: "1001".into(),
            caller_name: String::new(),
            callee: "1002".into(),
            trunk: None,
            emergency: false,
            diverted_from: None,
        };
        let mut events = vec![Event::CallCreated(created)];
        for leg in checkpoint.legs().into_iter().chain([LegId::new(1, 1)]) {
            events.push(Event::LegStarted(LegStarted {
                call,
                leg,
                caller_side: true,
                peer: PeerKind::Extension,
                peer_name: "1001".into(),
                number: "1001".into(),
                sip_call_id: String::new(),
            }));
        }
        let mut open = OpenState::default();
        events.into_iter().for_each(|event| open.take(&Fact { tenant: TenantId::first(), at_ms: 5, event }));
        open
    }

    #[test]
    fn a_call_goes_on_if_it_was_not_over_and_the_process_not_away_for_long() {
        assert_eq!(going_on(left(), &open(), ABSENCE_MAX_MS).len(), 1);
        assert_eq!(going_on(left(), &open(), ABSENCE_MAX_MS + 1), []);
        assert_eq!(going_on(left(), &OpenState::default(), 0), [], "its end is written down");
        let mut one_leg = open();
        one_leg.calls.values_mut().for_each(|call| _ = call.legs.remove(&left().calls[0].legs()[0]));
        assert_eq!(going_on(left(), &one_leg, 0), [], "a leg had ended");
    }

    #[test]
    fn a_conference_goes_on_with_those_whose_calls_do() {
        let (conference, room) = (ConferenceId::new(1, 1), "8000".to_owned());
        let mut open = OpenState::default();
        let mut take = |event| open.take(&Fact { tenant: TenantId::first(), at_ms: 5, event });
        let calls = [1, 2, 3].map(|n| (CallId::new(n, 1), LegId::new(n, 1)));
        take(Event::ConferenceStarted(ConferenceStarted { conference, room: room.clone() }));
        for ((call, leg), members) in calls.into_iter().zip(1..) {
            let role = MemberRole::Participant;
            take(Event::MemberJoined(MemberJoined { conference, room: room.clone(), call, leg, role, members }));
        }
        let left = |(call, leg), reason, members| {
            Event::MemberLeft(MemberLeft { conference, room: room.clone(), call, leg, reason, members })
        };
        take(left(calls[1], LeftReason::HungUp, 2));
        let closed = |going_on: &[CallId]| -> Vec<Event> {
            let facts = open.left_rooms(&TenantId::first(), 0, &going_on.iter().copied().collect());
            facts.into_iter().map(|fact| fact.event).collect()
        };
        assert_eq!(closed(&[calls[0].0, calls[2].0]), []);
        assert_eq!(closed(&[calls[2].0]), [left(calls[0], LeftReason::Lost, 1)]);
        let (reason, most_members) = (ConferenceEnd::Empty, 3);
        let ended = Event::ConferenceEnded(ConferenceEnded { conference, room: room.clone(), reason, most_members });
        assert_eq!(closed(&[]), [left(calls[0], LeftReason::Lost, 1), left(calls[2], LeftReason::Lost, 0), ended]);
    }

    #[test]
    fn what_does_not_go_on_is_closed() {
        let facts = open().interrupted(&TenantId::first(), 0);
        assert_eq!(facts.len(), 4, "three legs and the call");
        assert_eq!(closing(facts.clone(), &[]), facts);
        let closed = closing(facts, &left().calls);
        let [Fact { event: Event::LegEnded(ended), .. }] = closed.as_slice() else { panic!("{closed:?}") };
        assert_eq!((ended.leg, ended.cause), (LegId::new(1, 1), EndCause::Interrupted));
    }
}

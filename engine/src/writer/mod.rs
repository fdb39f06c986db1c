//! The writer: the one thread on which the switch lives. It takes inputs, writes the facts of a step to the journal, and only
//! then lets the step's effects out (decision 4).
//!
//! It never waits for anything but its queue and the journal's `write()`. While the journal cannot be written, facts wait
//! in memory, running calls go on, and no new call is taken.

mod api;
mod checkpoints;
mod counters;
mod effects;
mod facts;
mod inbox;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use hooks::fact::{Event, Fact};
use hooks::id::RecordingId;
use switch::input::{Admission, CommandId, Input};
use switch::output::{Done, Output, Refused};
use switch::switch::Switch;
use tokio::sync::oneshot;

pub use checkpoints::CheckpointLog;
pub use effects::Effects;
pub use facts::{FactLog, PENDING_FACTS_MAX};
pub use inbox::{Inbox, InboxError, Orphan, Outbox, inbox};

use crate::clock::Clock;
use crate::journal::open_state::{OpenAgent, OpenCallback};
use inbox::Work;

/// Inputs worked off before the facts are written and the effects let out: one `write()` serves them all.
const BATCH_MAX: usize = 64;

/// How long the writer sleeps at most: it retries a failed journal and publishes counters.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// How long a stopping writer waits for the last answers (a BYE's 200, a closing recording).
const STOP_MAX: Duration = Duration::from_secs(3);

/// The thread's state.
pub struct Writer {
    switch: Switch,
    clock: Clock,
    outbox: Outbox,
    effects: Effects,
    facts: FactLog,
    checkpoints: CheckpointLog,
    /// What the shell says of new calls, and what the switch was told last.
    outside: Admission,
    admission: Admission,
    replies: BTreeMap<CommandId, oneshot::Sender<Result<Done, Refused>>>,
    next_command: u64,
    step: Vec<Output>,
    done: Vec<oneshot::Sender<()>>,
}

/// What is written before the effects of a step leave.
pub struct Logs {
    /// What happened.
    pub facts: FactLog,
    /// What a process needs that takes the place of this one.
    pub checkpoints: CheckpointLog,
}

impl Writer {
    /// All parts; [`Self::run`] starts the work.
    #[must_use]
    pub fn new(switch: Switch, clock: Clock, outbox: Outbox, effects: Effects, logs: Logs) -> Self {
        let Logs { facts, checkpoints } = logs;
        Self {
            switch,
            clock,
            outbox,
            effects,
            facts,
            checkpoints,
            outside: Admission::Open,
            admission: Admission::Open,
            replies: BTreeMap::new(),
            next_command: 1,
            step: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Works until told to stop. To be called on a thread of its own.
    pub fn run(mut self) {
        let stopped = loop {
            match self.take_batch() {
                Batch::Done => self.finish_step(),
                Batch::Stop(stopped) => break Some(stopped),
                Batch::Abandoned => break None,
            }
        };
        self.stop();
        self.outbox.closed.store(true, Ordering::Release);
        if let Some(stopped) = stopped {
            // Nobody waits any more: fine.
            let _ = stopped.send(());
        }
    }

    fn take_batch(&mut self) -> Batch {
        let mut next = match self.outbox.queue.recv_timeout(self.until_timeout()) {
            Ok(work) => Some(work),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Batch::Abandoned,
        };
        self.fire_timers();
        for _ in 0..BATCH_MAX {
            let Some(work) = next.take() else { break };
            if let Some(stopped) = self.take(work) {
                return Batch::Stop(stopped);
            }
            next = self.outbox.queue.try_recv().ok();
        }
        if let Some(work) = next
            && let Some(stopped) = self.take(work)
        {
            return Batch::Stop(stopped);
        }
        Batch::Done
    }

    /// Passes one work to the switch; gives the sender back that asked to stop.
    fn take(&mut self, work: Work) -> Option<oneshot::Sender<()>> {
        match work {
            Work::Input(input) => self.handle(input),
            Work::Command { tenant, command, reply } => {
                let id = CommandId(self.next_command);
                self.next_command += 1;
                self.replies.insert(id, reply);
                self.handle(Input::Command { id, tenant, command });
            }
            Work::Tenant { config, changed, taken } => {
                let (tenant, at_ms) = (config.tenant.clone(), self.clock.now().unix_ms);
                self.handle(Input::Tenant(config));
                self.step.extend(
                    changed
                        .into_iter()
                        .flat_map(Event::of_settings)
                        .map(|event| Output::Fact(Fact { tenant: tenant.clone(), at_ms, event })),
                );
                self.done.push(taken);
            }
            Work::Restore(bindings) => {
                for (tenant, binding) in bindings {
                    self.handle(Input::Restore { tenant, binding });
                }
            }
            Work::RestoreAgents(agents) => {
                for (tenant, OpenAgent { changed, since_ms }) in agents {
                    self.handle(Input::RestoreAgent { tenant, fact: Box::new(changed), since_ms });
                }
            }
            Work::RestoreCallbacks(callbacks) => {
                for (tenant, OpenCallback { requested, requested_at_ms: asked_ms, attempts }) in callbacks {
                    let asked = Box::new(requested);
                    self.handle(Input::RestoreCallback { tenant, asked, asked_ms, attempts });
                }
            }
            Work::Resume(orphans) => {
                for Orphan { checkpoint, interrupted_at_ms } in orphans {
                    self.handle(Input::Resume { checkpoint, interrupted_at_ms });
                }
            }
            Work::Admission(admission) => self.outside = told(self.outside, admission),
            Work::Facts { facts, written } => {
                self.step.extend(facts.into_iter().map(Output::Fact));
                self.done.push(written);
            }
            Work::Stop { stopped } => return Some(stopped),
        }
        None
    }

    fn handle(&mut self, input: Input) {
        self.switch.handle(self.clock.now(), input);
        self.collect();
    }

    fn fire_timers(&mut self) {
        let now = self.clock.now();
        if self.switch.poll_timeout().is_some_and(|due| due <= now.mono) {
            self.switch.handle_timeout(now);
            self.collect();
        }
    }

    fn collect(&mut self) {
        while let Some(output) = self.switch.poll_output() {
            self.step.push(output);
        }
    }

    /// Facts first, then everything else in the order the switch gave it.
    fn finish_step(&mut self) {
        let mut step = std::mem::take(&mut self.step);
        let mut recorded = Vec::new();
        step.retain(|output| match output {
            Output::Fact(fact) => {
                recorded.extend(recording_ended(&fact.event));
                self.facts.push(fact.clone());
                false
            }
            Output::Checkpoint(said) => {
                self.checkpoints.push(said.clone());
                false
            }
            Output::Send { .. }
            | Output::CloseConnection(_)
            | Output::Media(_)
            | Output::LookUp(_)
            | Output::Ask(_)
            | Output::Box(_)
            | Output::Publish(_)
            | Output::Reply { .. } => true,
        });
        self.facts.write();
        // After the facts: a call that is over there is not picked up again, whatever is kept of it.
        self.checkpoints.write(self.clock.now());
        if !self.facts.is_failing() {
            // The next start need not look at these files.
            recorded.into_iter().for_each(|recording| self.effects.recording_written_down(recording));
        }
        for output in step.drain(..) {
            self.let_out(output);
        }
        self.step = step;
        for done in self.done.drain(..) {
            // Whoever asked has gone: nothing to tell.
            let _ = done.send(());
        }
        self.admit();
        self.effects.counters(self.clock.now().mono, &self.switch);
    }

    /// Opens or closes the switch for new calls where that has changed.
    fn admit(&mut self) {
        let admission = match self.outside {
            Admission::Open | Admission::DiskLow if self.facts.is_failing() => Admission::JournalFailed,
            Admission::Open | Admission::DiskLow | Admission::JournalFailed | Admission::Draining => self.outside,
        };
        if admission != self.admission {
            self.admission = admission;
            self.effects.admission(admission);
            self.handle(Input::Admission(admission));
        }
    }

    fn let_out(&mut self, output: Output) {
        match output {
            Output::Fact(_) | Output::Checkpoint(_) => {}
            Output::Send { flow, bytes } => self.effects.send(flow, bytes),
            Output::CloseConnection(connection) => self.effects.close_connection(connection),
            Output::Media(command) => self.effects.media(command),
            Output::LookUp(lookup) => self.effects.look_up(*lookup),
            Output::Ask(asked) => self.effects.ask(*asked),
            Output::Box(asked) => self.effects.read_box(*asked),
            Output::Publish(view) => self.effects.publish(view),
            Output::Reply { id, result } => {
                if let Some(reply) = self.replies.remove(&id) {
                    // The asker has gone: nothing to tell.
                    let _ = reply.send(result);
                }
            }
        }
    }

    fn until_timeout(&self) -> Duration {
        if !self.step.is_empty() {
            return Duration::ZERO;
        }
        let now = self.clock.now().mono;
        self.switch.poll_timeout().map_or(IDLE_MAX, |due| due.saturating_sub(now).min(IDLE_MAX))
    }

    fn busy(&self) -> bool {
        let sizes = self.switch.sizes();
        sizes.calls + sizes.recordings + sizes.endpoints + sizes.departing > 0
    }

    /// Ends the calls and lets their last messages out.
    fn stop(&mut self) {
        self.handle(Input::Stop);
        self.finish_step();
        let until = self.clock.now().mono + STOP_MAX;
        while self.busy() && self.clock.now().mono < until {
            match self.take_batch() {
                Batch::Done => self.finish_step(),
                // A second stop asks for nothing new.
                Batch::Stop(_) => {}
                Batch::Abandoned => break,
            }
        }
    }
}

/// What holds once `admission` was said. Who stops stays so: the disk's watch has no say in that.
fn told(before: Admission, admission: Admission) -> Admission {
    if before == Admission::Draining { before } else { admission }
}

fn recording_ended(event: &Event) -> Option<RecordingId> {
    match event {
        Event::RecordingReady(ready) => Some(ready.recording),
        Event::RecordingFailed(failed) => Some(failed.recording),
        _ => None,
    }
}

/// What a batch came to.
enum Batch {
    Done,
    Stop(oneshot::Sender<()>),
    /// Every inbox is gone.
    Abandoned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stops_is_not_opened_again() {
        let said = [Admission::DiskLow, Admission::Open, Admission::Draining, Admission::DiskLow, Admission::Open];
        let held: Vec<Admission> = said
            .into_iter()
            .scan(Admission::Open, |now, said| {
                *now = told(*now, said);
                Some(*now)
            })
            .collect();
        assert_eq!(held[..2], said[..2]);
        assert_eq!(held[2..], [Admission::Draining; 3]);
    }
}

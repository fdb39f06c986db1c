//! The way in: everybody's handle to the writer's queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use crate::journal::open_state::{OpenAgent, OpenCallback};

use bytes::Bytes;
use hooks::fact::{Fact, RegistrationBound, SettingsChanged};
use hooks::id::TenantId;
use sip::flow::{ConnectionId, Flow};
use sip::message::Message;
use sip::parse::ParseError;
use switch::checkpoint::CallCheckpoint;
use switch::config::TenantConfig;
use switch::input::{Admission, Command, Input, Recalled};
use switch::media::MediaEvent;
use switch::output::{Done, Refused};
use tokio::sync::oneshot;

/// Inputs waiting for the writer. At a few microseconds each, a full queue is some 50 ms of work: past that, a lost datagram
/// (which is retransmitted) serves everybody better than a longer queue.
pub(super) const QUEUE_MAX: usize = 8_192;

/// How long a stream waits before it looks again whether the queue has room.
const RETRY: Duration = Duration::from_millis(2);

/// One thing for the writer to do.
#[expect(clippy::large_enum_variant, reason = "nearly all are inputs; a box would cost each of them an allocation")]
pub(super) enum Work {
    /// Pass this to the switch.
    Input(Input),
    /// Pass this to the switch and send its answer back.
    Command { tenant: TenantId, command: Command, reply: oneshot::Sender<Result<Done, Refused>> },
    /// Pass this to the switch, write down what was changed, and say when it was taken.
    Tenant { config: Arc<TenantConfig>, changed: Vec<SettingsChanged>, taken: oneshot::Sender<()> },
    /// Pass these to the switch.
    Restore(Vec<(TenantId, RegistrationBound)>),
    /// Pass these to the switch.
    RestoreAgents(Vec<(TenantId, OpenAgent)>),
    /// Pass these to the switch.
    RestoreCallbacks(Vec<(TenantId, OpenCallback)>),
    /// Pass these to the switch.
    Resume(Vec<Orphan>),
    /// Open or close the switch for new calls, as far as everything but the journal is concerned.
    Admission(Admission),
    /// Write facts that others found out (a repaired recording, a changed setting).
    Facts { facts: Vec<Fact>, written: oneshot::Sender<()> },
    /// End all calls, then return.
    Stop { stopped: oneshot::Sender<()> },
}

/// A call of a killed process.
pub struct Orphan {
    /// What was kept of it.
    pub checkpoint: Box<CallCheckpoint>,
    /// When the process is known to have lived last, ms since the Unix epoch.
    pub interrupted_at_ms: u64,
}

/// Why the writer did not take something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// More than it can work off.
    #[error("the switch is overloaded; try again in a second")]
    Full,
    /// The process is stopping.
    #[error("the switch has stopped")]
    Stopped,
}

/// A handle to the writer's queue.
#[derive(Clone)]
pub struct Inbox {
    queue: SyncSender<Work>,
    closed: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
}

/// The writer's end of the queue.
pub struct Outbox {
    pub(super) queue: Receiver<Work>,
    pub(super) closed: Arc<AtomicBool>,
}

#[cfg(test)]
impl Outbox {
    /// The next input of the switch, if one waits.
    pub(crate) fn take_input(&self) -> Option<Input> {
        match self.queue.try_recv() {
            Ok(Work::Input(input)) => Some(input),
            Ok(_) | Err(_) => None,
        }
    }

    /// The next input of the switch; blocks until there is one.
    pub(crate) fn wait_input(&self) -> Input {
        match self.queue.recv_timeout(Duration::from_secs(30)) {
            Ok(Work::Input(input)) => input,
            Ok(_) | Err(_) => panic!("no input came"),
        }
    }
}

/// Makes the queue.
#[must_use]
pub fn inbox() -> (Inbox, Outbox) {
    let (sender, receiver) = sync_channel(QUEUE_MAX);
    let closed = Arc::new(AtomicBool::new(false));
    let inbox = Inbox { queue: sender, closed: Arc::clone(&closed), refused: Arc::default() };
    (inbox, Outbox { queue: receiver, closed })
}

impl Inbox {
    /// True once the writer has stopped.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// How many inputs were dropped because the queue was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// A datagram's message; dropped and counted when the queue is full.
    pub fn offer_datagram(&self, flow: Flow, message: Result<Message, ParseError>) {
        self.offer(Input::Sip { flow, message });
    }

    /// A stream's message: waits for room, so that the peer is slowed by TCP itself.
    pub async fn sip(&self, flow: Flow, message: Result<Message, ParseError>) {
        self.push(Work::Input(Input::Sip { flow, message })).await;
    }

    /// A connection is gone.
    pub async fn connection_closed(&self, connection: ConnectionId) {
        self.push(Work::Input(Input::ConnectionClosed(connection))).await;
    }

    /// Bytes that could not be sent. Dropped when the queue is full: the transaction's timer says the same later.
    pub fn send_failed(&self, flow: Flow, bytes: Bytes) {
        self.offer(Input::SendFailed { flow, bytes });
    }

    /// What media reports. Dropped and counted when the queue is full: the switch waits for none of them for ever.
    pub fn media(&self, event: MediaEvent) {
        self.offer(Input::Media(event));
    }

    /// Opens or closes the switch for new calls; while the journal fails it stays closed whatever is said here, and
    /// [`Admission::Draining`] is for ever.
    pub async fn admission(&self, admission: Admission) {
        self.push(Work::Admission(admission)).await;
    }

    /// Passes one input and waits for room.
    pub async fn input(&self, input: Input) {
        self.push(Work::Input(input)).await;
    }

    /// Gives a command and waits for its answer, which comes after the views it changed are published.
    ///
    /// # Errors
    /// [`InboxError`]; the inner result is the switch's own answer.
    pub async fn command(&self, tenant: TenantId, command: Command) -> Result<Result<Done, Refused>, InboxError> {
        let (reply, answer) = oneshot::channel();
        self.try_push(Work::Command { tenant, command, reply })?;
        answer.await.map_err(|_closed| InboxError::Stopped)
    }

    /// Replaces a tenant's settings and writes down what was changed; returns once the switch has them.
    ///
    /// # Errors
    /// [`InboxError::Stopped`].
    pub async fn tenant(&self, config: Arc<TenantConfig>, changed: Vec<SettingsChanged>) -> Result<(), InboxError> {
        let (taken, answer) = oneshot::channel();
        self.push(Work::Tenant { config, changed, taken }).await;
        answer.await.map_err(|_closed| InboxError::Stopped)
    }

    /// As [`Self::tenant`] before the writer runs: stands in the queue before every message. The receiver tells when it was taken.
    ///
    /// # Errors
    /// [`InboxError`].
    pub fn start_tenant(
        &self,
        config: Arc<TenantConfig>,
        changed: Vec<SettingsChanged>,
    ) -> Result<oneshot::Receiver<()>, InboxError> {
        let (taken, answer) = oneshot::channel();
        self.try_push(Work::Tenant { config, changed, taken })?;
        Ok(answer)
    }

    /// The bindings that the journal remembers, before the writer runs.
    ///
    /// # Errors
    /// [`InboxError`].
    pub fn restore(&self, bindings: Vec<(TenantId, RegistrationBound)>) -> Result<(), InboxError> {
        self.try_push(Work::Restore(bindings))
    }

    /// The agents who were signed in (AGT-15), before the writer runs: after the settings and bindings.
    ///
    /// # Errors
    /// [`InboxError`].
    pub fn restore_agents(&self, agents: Vec<(TenantId, OpenAgent)>) -> Result<(), InboxError> {
        self.try_push(Work::RestoreAgents(agents))
    }

    /// What the records tell of the time before, before the writer runs: after the settings.
    ///
    /// # Errors
    /// [`InboxError`].
    pub fn recall(&self, tenant: TenantId, recalled: Recalled) -> Result<(), InboxError> {
        self.try_push(Work::Input(Input::Recall { tenant, recalled: Box::new(recalled) }))
    }

    /// Who is to be called back, before the writer runs: after the settings and agents.
    ///
    /// # Errors
    /// [`InboxError`].
    pub fn restore_callbacks(&self, callbacks: Vec<(TenantId, OpenCallback)>) -> Result<(), InboxError> {
        self.try_push(Work::RestoreCallbacks(callbacks))
    }

    /// The calls that a killed process left, before the writer runs: after the settings and bindings.
    ///
    /// # Errors
    /// [`InboxError`].
    pub fn resume(&self, orphans: Vec<Orphan>) -> Result<(), InboxError> {
        self.try_push(Work::Resume(orphans))
    }

    /// Writes facts; returns once they are in the journal.
    ///
    /// # Errors
    /// [`InboxError::Stopped`].
    pub async fn facts(&self, facts: Vec<Fact>) -> Result<(), InboxError> {
        let (written, answer) = oneshot::channel();
        self.push(Work::Facts { facts, written }).await;
        answer.await.map_err(|_closed| InboxError::Stopped)
    }

    /// Ends every call and the writer; returns when its last message has left.
    pub async fn stop(&self) {
        let (stopped, done) = oneshot::channel();
        self.push(Work::Stop { stopped }).await;
        // An error means that the writer is gone already.
        let _ = done.await;
    }

    fn offer(&self, input: Input) {
        if self.try_push(Work::Input(input)).is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn try_push(&self, work: Work) -> Result<(), InboxError> {
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => InboxError::Full,
            TrySendError::Disconnected(_) => InboxError::Stopped,
        })
    }

    async fn push(&self, mut work: Work) {
        loop {
            work = match self.queue.try_send(work) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(work)) => work,
            };
            tokio::time::sleep(RETRY).await;
        }
    }
}

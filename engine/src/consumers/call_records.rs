//! The consumer that keeps call records, the index of recordings, the registrations, the agent state log and what supervisors did in the
//! database.

use std::time::Duration;

use hooks::plugin::Recorded;
use hooks::position::Position;
use recordings::failpoint::fail_point;

use super::agents::AgentFold;
use super::fold::CallFold;
use super::supervision;
use super::voicemail::MessageLamps;
use crate::journal::JournalHandle;
use crate::journal::facts::FactReader;
use crate::store::records::Derived;
use crate::store::{Store, StoreError};
use crate::writer::Inbox;

/// Its cursor's name.
pub const CONSUMER: &str = "call-records";

/// Facts stored in one transaction at most.
const BATCH_MAX: usize = 4_096;
/// After the first new fact, so long for more: a short call is then one write, and a busy switch commits twice a second.
const GATHER: Duration = Duration::from_millis(500);
/// After a failure, so long before the first try; doubled each time up to [`RETRY_MAX`].
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Running calls kept in memory; beyond it all are let go, and read from the database when a fact speaks of them.
const HELD_MAX: usize = 50_000;

/// Runs until the future is dropped or `stop` says so: what was read by then is stored first.
pub async fn run(store: Store, journal: JournalHandle, inbox: Inbox, stop: tokio::sync::watch::Receiver<bool>) {
    let mut consumer = CallRecords::new(store, journal).telling(inbox);
    let mut retry = RETRY;
    while !is_stopped(&stop) || consumer.is_behind() {
        match consumer.step().await {
            Ok(BATCH_MAX..) => retry = RETRY,
            Ok(_) => {
                retry = RETRY;
                if !is_stopped(&stop) {
                    consumer.wait(stop.clone()).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, retry_ms = retry.as_millis(), "call records are late");
                if is_stopped(&stop) {
                    return;
                }
                tokio::time::sleep(retry).await;
                retry = (retry * 2).min(RETRY_MAX);
            }
        }
    }
}

fn is_stopped(stop: &tokio::sync::watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// Why a step could not be taken. Nothing is lost: the next one begins where the last good one ended.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal.
    #[error("cannot read the journal: {0}")]
    Journal(#[from] crate::journal::ReadError),
}

/// The consumer, a step at a time.
pub struct CallRecords {
    store: Store,
    journal: JournalHandle,
    /// Unknown at first and after an error: then the cursor is read from the database.
    place: Option<Place>,
    lamps: Option<MessageLamps>,
}

/// Where it stands.
struct Place {
    /// Everything up to here is stored.
    at: Position,
    reader: FactReader,
    fold: CallFold,
    agents: AgentFold,
}

impl CallRecords {
    /// A consumer that begins at its cursor.
    #[must_use]
    pub fn new(store: Store, journal: JournalHandle) -> Self {
        Self { store, journal, place: None, lamps: None }
    }

    /// It tells the switch how many messages wait for whom.
    #[must_use]
    pub fn telling(self, inbox: Inbox) -> Self {
        Self { lamps: Some(MessageLamps::new(inbox)), ..self }
    }

    /// Whether facts are written that it has not stored.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.lag() != Some(0)
    }

    /// How many facts it is behind, for the metrics; `None` while it does not know where it stands.
    #[must_use]
    pub fn lag(&self) -> Option<u64> {
        let place = self.place.as_ref()?;
        Some(self.journal.head().number.saturating_sub(place.at.number))
    }

    /// Stores the next facts; how many. After an error the place is read from the database again.
    ///
    /// # Errors
    /// [`ConsumeError`]; nothing of the batch was stored.
    pub async fn step(&mut self) -> Result<usize, ConsumeError> {
        let mut place = match self.place.take() {
            Some(place) => place,
            None => self.begin().await?,
        };
        self.tell_lamps().await?;
        let facts = place.reader.next_facts(BATCH_MAX)?;
        let to = place.reader.position();
        if to == place.at {
            self.place = Some(place);
            return Ok(0);
        }
        self.store_facts(&mut place, &facts, &to).await?;
        self.place = Some(Place { at: to, ..place });
        self.tell_lamps().await?;
        // At least one: a batch of nothing but unknown facts is progress, too.
        Ok(facts.len().max(1))
    }

    async fn tell_lamps(&mut self) -> Result<(), StoreError> {
        match &mut self.lamps {
            Some(lamps) => lamps.tell(&self.store, self.journal.tenant()).await,
            None => Ok(()),
        }
    }

    async fn begin(&self) -> Result<Place, ConsumeError> {
        let at = self.store.cursor(self.journal.tenant(), CONSUMER).await?;
        let agents = AgentFold::of(self.store.open_stays(self.journal.tenant()).await?);
        Ok(Place { reader: self.reader_after(&at)?, at, fold: CallFold::default(), agents })
    }

    async fn store_facts(&mut self, place: &mut Place, facts: &[Recorded], to: &Position) -> Result<(), StoreError> {
        let Place { at, fold, agents, .. } = place;
        let missing = fold.missing(facts);
        if !missing.is_empty() {
            fold.hold(self.store.call_documents(&to.tenant, &missing).await?);
        }
        for recorded in facts {
            fold.apply(&recorded.fact);
            agents.apply(recorded);
        }
        fail_point("consumer.call_records.before_commit");
        let audit = facts.iter().filter_map(supervision::entry).collect();
        let derived = Derived { stays: agents.derived(), audit, ..fold.derived() };
        self.store.save_derived(CONSUMER, at, to, &derived).await?;
        if let Some(lamps) = &mut self.lamps {
            lamps.note(&derived.calls);
        }
        fail_point("consumer.call_records.after_commit");
        fold.saved();
        agents.saved();
        if fold.held() > HELD_MAX {
            *fold = CallFold::default();
        }
        Ok(())
    }

    /// Where facts were deleted before they were read (retention while this consumer stood still for weeks), the oldest kept
    /// is the next best place.
    fn reader_after(&self, at: &Position) -> Result<FactReader, crate::journal::ReadError> {
        match self.journal.reader_after(at) {
            Ok(reader) => Ok(reader.into()),
            Err(gone @ crate::journal::ReadError::Gone { .. }) => {
                tracing::error!(error = %gone, "call records miss facts that were deleted before they were read");
                self.journal.reader_of_all().map(FactReader::from)
            }
            Err(other) => Err(other),
        }
    }

    /// Waits for new facts and gathers some more, or for the end.
    async fn wait(&self, mut stop: tokio::sync::watch::Receiver<bool>) {
        let Some(place) = &self.place else { return };
        tokio::select! {
            _ = self.journal.written_past(place.at.number) => {}
            _ = stop.changed() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(GATHER) => {}
            _ = stop.changed() => {}
        }
    }
}

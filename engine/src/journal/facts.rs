//! The journal of facts: typed on both ends, JSON within.
//!
//! JSON, because facts are kept for years and gain fields: an old fact is read by a new version, and by people.

use hooks::fact::Fact;
use hooks::plugin::Recorded;
use hooks::position::Position;

use super::fold::{Fold, FoldError};
use super::open_state::OpenState;
use super::{AppendError, Journal, JournalHandle, JournalOptions, OpenError, ReadError, Reader};

/// The one writer of a tenant's facts.
#[derive(Debug)]
pub struct FactJournal {
    journal: Journal,
    open: OpenState,
    payloads: Vec<Vec<u8>>,
}

/// Why a fact cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FactReadError {
    /// The journal cannot be read here; the reader stays.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The record is no fact this version knows; the reader is past it.
    #[error("the record at {position} is no fact known to this version: {source}")]
    Unknown {
        /// Where it stands.
        position: Position,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl FactJournal {
    /// Opens a tenant's journal. What was open when the last process ended is in [`Self::open_state`] until more is appended:
    /// append [`OpenState::interrupted`] first.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &JournalOptions) -> Result<Self, OpenError> {
        let mut open = OpenState::default();
        let journal = Journal::open(options, &mut open)?;
        Ok(Self { journal, open, payloads: Vec::new() })
    }

    /// Appends the facts of one step with one `write()`; their effects may leave afterwards. Gives the place of the last.
    ///
    /// # Errors
    /// See [`AppendError`]: none of the facts is in the journal then, and the step must not take effect.
    ///
    /// # Panics
    /// Never: every fact serialises.
    pub fn append(&mut self, facts: &[Fact]) -> Result<Position, AppendError> {
        self.payloads.resize_with(facts.len(), Vec::new);
        for (payload, fact) in self.payloads.iter_mut().zip(facts) {
            payload.clear();
            serde_json::to_writer(payload, fact).expect("a fact has only strings for keys");
        }
        let open = &self.open;
        let position = self.journal.append(&self.payloads, |out| open.save(out))?;
        for fact in facts {
            self.open.take(fact);
        }
        Ok(position)
    }

    /// What is open after the last fact.
    #[must_use]
    pub fn open_state(&self) -> &OpenState {
        &self.open
    }

    /// True after a failed flush: nothing is accepted until a restart.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.journal.is_broken()
    }

    /// For everybody but the writer.
    #[must_use]
    pub fn handle(&self) -> JournalHandle {
        self.journal.handle()
    }
}

/// Reads facts in order.
pub struct FactReader(Reader);

impl From<Reader> for FactReader {
    fn from(reader: Reader) -> Self {
        Self(reader)
    }
}

impl FactReader {
    /// The place of the last record given, or where reading was begun.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.position()
    }

    /// The next fact; `None` where the last one written was given.
    ///
    /// # Errors
    /// See [`FactReadError`].
    pub fn next_fact(&mut self) -> Result<Option<Recorded>, FactReadError> {
        let Some(entry) = self.0.next_entry()? else {
            return Ok(None);
        };
        match serde_json::from_slice(&entry.payload) {
            Ok(fact) => Ok(Some(Recorded { position: entry.position, fact })),
            Err(source) => Err(FactReadError::Unknown { position: entry.position, source }),
        }
    }

    /// Up to `limit` facts, as many as there are. One that this version does not know is passed over, with a line in the log:
    /// a newer version wrote it, and no older one can have a use for it.
    ///
    /// # Errors
    /// See [`ReadError`]; facts read before it are given first, the error with the next call.
    pub fn next_facts(&mut self, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let mut facts = Vec::new();
        while facts.len() < limit {
            match self.next_fact() {
                Ok(Some(recorded)) => facts.push(recorded),
                Ok(None) => break,
                Err(FactReadError::Unknown { position, source }) => {
                    tracing::warn!(%position, %source, "passed over a fact that this version does not know");
                }
                Err(FactReadError::Read(error)) if facts.is_empty() => return Err(error),
                Err(FactReadError::Read(_)) => break,
            }
        }
        Ok(facts)
    }
}

impl Fold for OpenState {
    fn load(&mut self, carry: &[u8]) -> Result<(), FoldError> {
        if carry.is_empty() {
            return Ok(());
        }
        *self = serde_json::from_slice(carry).map_err(|error| FoldError(format!("what is open: {error}")))?;
        Ok(())
    }

    fn apply(&mut self, position: &Position, payload: &[u8]) -> Result<(), FoldError> {
        match serde_json::from_slice(payload) {
            Ok(fact) => self.take(&fact),
            Err(error) => tracing::warn!(%position, %error, "passed over a fact that this version does not know"),
        }
        Ok(())
    }

    fn save(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, &self.without_expired()).expect("what is open has only strings for keys");
    }
}

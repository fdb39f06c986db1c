//! The log of facts as others read it: CloudEvents by position, page by page or as they happen. It only reads the journal.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hooks::fact::CloudEvent;
use hooks::position::Position;

use crate::http::time_text::Instant;
use crate::journal::facts::FactReader;
use crate::journal::{JournalHandle, ReadError};

/// Events of one tenant in order, from a position on.
pub struct Feed {
    journal: JournalHandle,
    reader: FactReader,
}

impl Feed {
    /// What follows `after`.
    ///
    /// # Errors
    /// [`ReadError`] when the position is not one of this journal, or is not kept any more.
    pub fn after(journal: &JournalHandle, after: &Position) -> Result<Self, ReadError> {
        Ok(Self { reader: journal.reader_after(after)?.into(), journal: journal.clone() })
    }

    /// Everything that is kept.
    ///
    /// # Errors
    /// [`ReadError`] when the journal cannot be read.
    pub fn of_all(journal: &JournalHandle) -> Result<Self, ReadError> {
        Ok(Self { reader: journal.reader_of_all()?.into(), journal: journal.clone() })
    }

    /// The place of the last event given, or where reading was begun.
    #[must_use]
    pub fn position(&self) -> Position {
        self.reader.position()
    }

    /// Up to `limit` events that are there now. Reads files: call it where that blocks nobody.
    ///
    /// # Errors
    /// See [`ReadError`]; the feed stays where it is.
    ///
    /// # Panics
    /// Never: what was read from JSON can be written as JSON.
    pub fn read(&mut self, limit: usize) -> Result<Vec<CloudEvent>, ReadError> {
        let facts = self.reader.next_facts(limit)?;
        let events = facts.into_iter().map(|recorded| {
            let time = Instant(recorded.fact.at_ms).to_string();
            recorded.fact.to_cloud_event(&recorded.position, time).expect("a fact that was read can be written")
        });
        Ok(events.collect())
    }

    /// Waits until there may be more to read. Loses nothing when dropped.
    pub async fn changed(&self) {
        self.journal.written_past(self.reader.position().number).await;
    }
}

/// Feeds of pulling clients between their requests: finding a position anew reads the segment from its beginning.
#[derive(Default)]
pub struct Parked(Mutex<VecDeque<Feed>>);

/// Feeds kept; beyond, the one parked longest ago is closed, and its client's next pull is slower.
const PARKED_MAX: usize = 64;

impl Parked {
    /// The feed that stands at `position`, if there is one.
    #[must_use]
    pub fn take(&self, position: &Position) -> Option<Feed> {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = feeds.iter().position(|feed| feed.position() == *position)?;
        feeds.remove(at)
    }

    /// Keeps a feed for the next pull.
    pub fn park(&self, feed: Feed) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if feeds.len() >= PARKED_MAX {
            feeds.pop_front();
        }
        feeds.push_back(feed);
    }
}

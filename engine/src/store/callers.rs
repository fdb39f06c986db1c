//! Known callers (IVR-05): who goes first in queues, and whose customer he is.

use dialplan::caller::{KnownCaller, KnownCallers};
use dialplan::number::{AgentNumber, Dialled};
use serde::Serialize;

use super::StoreError;
use super::blocks::BlockKind;
use super::setting::{Setting, as_text};
use super::sql::{Arg, Row, args, word};

/// A caller as he is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallerEntry {
    /// A ULID.
    pub id: String,
    /// Whether it is a whole number.
    pub kind: BlockKind,
    /// In the normal form where it is a whole one.
    #[serde(serialize_with = "as_text")]
    pub number: Dialled,
    /// In queues, higher goes first, 0 to 9.
    pub priority: u8,
    /// The employee number of the agent whose customer he is.
    pub owner: Option<String>,
    /// Who he is, for people.
    pub note: String,
}

impl CallerEntry {
    /// What names it beside its id: there is one for each number.
    #[must_use]
    pub fn pattern(&self) -> (BlockKind, &Dialled) {
        (self.kind, &self.number)
    }

    /// Puts it into the list of the switch. What has no room is left out: there are fewer entries than room.
    pub fn put_into(self, callers: &mut KnownCallers) {
        let owner = self.owner.and_then(|owner| owner.parse::<AgentNumber>().ok());
        let _ = callers.insert(self.kind.pattern(self.number), KnownCaller { priority: self.priority, owner });
    }
}

impl Setting for CallerEntry {
    const RESOURCE: &'static str = "caller";
    const TABLE: &'static str = "known_callers";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &["kind", "number", "priority", "owner", "note"];
    /// All are read with each change of the tenant's settings.
    const MAX: u64 = 20_000;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn args(&self) -> Vec<Arg> {
        args![word(&self.kind), self.number.as_str(), u64::from(self.priority), self.owner.clone(), self.note.as_str(),]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            kind: row.word("kind")?,
            number: row.parsed("number")?,
            priority: row.unsigned("priority")?,
            owner: row.opt_text("owner")?,
            note: row.text("note")?,
        })
    }
}

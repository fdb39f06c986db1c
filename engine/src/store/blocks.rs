//! Block lists (GEN-19): callers who are not let in, and numbers that are not called.

use dialplan::block::{Block, BlockLists, Treatment};
use dialplan::number::Dialled;
use dialplan::number_map::{NumberPattern, normal};
use hooks::fact::BlockedSide;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::setting::{Setting, as_text};
use super::sql::{Arg, Row, args, word};

/// An entry as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BlockEntry {
    /// A ULID.
    pub id: String,
    /// Whose number.
    pub side: BlockedSide,
    /// Whether it is a whole number.
    pub kind: BlockKind,
    /// In the normal form where it is a whole one.
    #[serde(serialize_with = "as_text")]
    pub number: Dialled,
    /// What its calls get.
    pub treatment: Treatment,
    /// When it ends, ms since the Unix epoch.
    pub expires_at_ms: Option<u64>,
    /// Why, for people.
    pub note: String,
}

/// Which numbers an entry is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// This one.
    #[default]
    Exact,
    /// All that begin so.
    Prefix,
}

impl BlockKind {
    /// As the configuration file has them.
    pub const WORDS: [(&'static str, Self); 2] = [("exact", Self::Exact), ("prefix", Self::Prefix)];

    /// Which numbers it makes of one.
    #[must_use]
    pub fn pattern(self, number: Dialled) -> NumberPattern {
        match self {
            Self::Exact => NumberPattern::Exact(number),
            Self::Prefix => NumberPattern::Prefix(number),
        }
    }
}

impl BlockEntry {
    /// What names it beside its id: there is one for each number.
    #[must_use]
    pub fn pattern(&self) -> (BlockedSide, BlockKind, &Dialled) {
        (self.side, self.kind, &self.number)
    }

    /// Puts it into the lists of the switch. What has no room is left out: there are fewer entries than room.
    pub fn put_into(self, lists: &mut BlockLists) {
        let pattern = self.kind.pattern(self.number);
        let expires_ms = self.expires_at_ms.map(|at_ms| i64::try_from(at_ms).unwrap_or(i64::MAX));
        let list = match self.side {
            BlockedSide::Caller => &mut lists.callers,
            BlockedSide::Callee => &mut lists.callees,
        };
        let _ = list.insert(pattern, Block { treatment: self.treatment, expires_ms });
    }
}

/// The number of an entry as it is kept.
#[must_use]
pub fn kept(kind: BlockKind, number: &Dialled) -> Dialled {
    match kind {
        BlockKind::Exact => normal(number),
        BlockKind::Prefix => number.clone(),
    }
}

/// Characters of a note.
pub const NOTE_MAX: usize = 200;

impl Setting for BlockEntry {
    const RESOURCE: &'static str = "block";
    const TABLE: &'static str = "blocks";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &["side", "kind", "number", "treatment", "expires_at_ms", "note"];
    /// All are read with each change of the tenant's settings.
    const MAX: u64 = 20_000;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            word(&self.side),
            word(&self.kind),
            self.number.as_str(),
            word(&self.treatment),
            self.expires_at_ms,
            self.note.as_str(),
        ]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            side: row.word("side")?,
            kind: row.word("kind")?,
            number: row.parsed("number")?,
            treatment: row.word("treatment")?,
            expires_at_ms: row.opt_unsigned("expires_at_ms")?,
            note: row.text("note")?,
        })
    }
}

//! Takes numbers into the block lists from a file (GEN-19): one row a number.

use std::collections::BTreeSet;

use dialplan::block::Treatment;
use dialplan::number::Dialled;
use hooks::fact::BlockedSide;
use hooks::id::TenantId;
use hooks::plugin::PermissionKey;
use hooks::task::{Import, ImportColumn, Intake, TaskAsk, TaskError};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::permission::BLOCKS_WRITE;
use super::problem::Problem;
use super::setting::Edit;
use super::state::Api;
use super::time_text::Instant;
use crate::secrets::new_ulid;
use crate::store::blocks::{BlockEntry, BlockKind, NOTE_MAX, kept};
use crate::store::setting::{Change, Setting as _};
use crate::store::unix_ms;

/// The kind of import.
pub struct BlockImport {
    api: Api,
}

impl BlockImport {
    /// It changes settings as the API does.
    #[must_use]
    pub fn new(api: Api) -> Self {
        Self { api }
    }
}

const COLUMNS: [ImportColumn; 6] = [
    ImportColumn { name: "number", required: true },
    ImportColumn { name: "side", required: false },
    ImportColumn { name: "kind", required: false },
    ImportColumn { name: "treatment", required: false },
    ImportColumn { name: "expires_at", required: false },
    ImportColumn { name: "note", required: false },
];

impl Import for BlockImport {
    fn module(&self) -> &'static str {
        "blocks"
    }

    fn permission(&self) -> PermissionKey {
        BLOCKS_WRITE
    }

    fn columns(&self) -> &'static [ImportColumn] {
        &COLUMNS
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Intake>, TaskError> {
        Ok(Box::new(Blocks { api: self.api.clone(), tenant: ask.tenant.clone(), by: ask.by.clone() }))
    }
}

/// Taken in on a thread that has entered the runtime.
struct Blocks {
    api: Api,
    tenant: TenantId,
    by: String,
}

impl Intake for Blocks {
    fn take(&mut self, rows: &[Vec<String>]) -> Result<Vec<(usize, String)>, TaskError> {
        Handle::current().block_on(self.save(rows)).map_err(|problem| TaskError::Failed(problem.detail))
    }
}

impl Blocks {
    /// All good rows in one transaction; what would be refused by the database is seen before.
    async fn save(&self, rows: &[Vec<String>]) -> Result<Vec<(usize, String)>, Problem> {
        let mut edit = Edit::begin_as(&self.api, Change::by(self.tenant.clone(), self.by.clone())).await?;
        let there = edit.tx.all::<BlockEntry>().await?;
        let mut patterns: BTreeSet<_> = there.iter().map(|stored| key(&stored.value)).collect();
        let mut failed = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let checked = entry(row).and_then(|entry| {
                if patterns.len() as u64 >= BlockEntry::MAX {
                    return Err(format!("a tenant has at most {} of them, delete some", BlockEntry::MAX));
                }
                if !patterns.insert(key(&entry)) {
                    return Err("number: it is blocked already".to_owned());
                }
                Ok(entry)
            });
            match checked {
                Ok(entry) => drop(edit.tx.create(entry).await?),
                Err(reason) => failed.push((at, reason)),
            }
        }
        edit.finish(&self.api).await?;
        Ok(failed)
    }
}

fn key(entry: &BlockEntry) -> (bool, bool, String) {
    let (side, kind, number) = entry.pattern();
    (side == BlockedSide::Caller, kind == BlockKind::Exact, number.to_string())
}

fn entry(row: &[String]) -> Result<BlockEntry, String> {
    let [number, side, kind, treatment, expires_at, note] = row else { return Err("the row is too short".to_owned()) };
    let number = Dialled::clean(number).map_err(|error| format!("number: {error}"))?;
    let side = one_of("side", side, "caller", "caller or callee")?;
    let kind: BlockKind = one_of("kind", kind, "exact", "exact or prefix")?;
    let treatment: Treatment = one_of("treatment", treatment, "busy", "busy, prompt or hang_up")?;
    let expires = (!expires_at.is_empty()).then(|| expires_at.parse::<Instant>());
    let expires = expires.transpose().map_err(|error| format!("expires_at: {error}"))?;
    if note.chars().count() > NOTE_MAX {
        return Err(format!("note: it has at most {NOTE_MAX} characters"));
    }
    let (id, number) = (new_ulid(unix_ms()), kept(kind, &number));
    Ok(BlockEntry { id, side, kind, number, treatment, expires_at_ms: expires.map(|at| at.0), note: note.clone() })
}

/// A word of one of our enums; `default` where nothing is written.
fn one_of<T: DeserializeOwned>(field: &str, text: &str, default: &str, known: &str) -> Result<T, String> {
    let word = if text.is_empty() { default } else { text };
    let word = serde_json::Value::String(word.to_lowercase());
    serde_json::from_value(word).map_err(|_| format!("{field}: `{text}` is none of {known}"))
}

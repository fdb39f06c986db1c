//! One `[[provision.caller]]`.

use dialplan::caller::PRIORITY_MAX;
use dialplan::number::{AgentNumber, Dialled};
use hooks::id::TenantId;

use super::{needed, tenant};
use crate::config::reader::Reader;
use crate::store::blocks::{BlockKind, NOTE_MAX, kept};

/// One `[[provision.caller]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedCaller {
    /// Whose.
    pub tenant: TenantId,
    /// Whether it is a whole number.
    pub kind: BlockKind,
    /// The number as it is kept.
    pub number: Dialled,
    /// In queues, higher goes first.
    pub priority: u8,
    /// The agent whose customer he is.
    pub owner: Option<AgentNumber>,
    /// Who he is, for people.
    pub note: String,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedCaller> {
    let tenant = tenant(&mut reader);
    let kind = reader.word("kind", &BlockKind::WORDS).unwrap_or_default();
    let number = reader.parsed::<Dialled>("number");
    let number = needed(&reader, "number", number);
    let priority = reader.whole("priority", 0..=u64::from(PRIORITY_MAX));
    let priority = priority.and_then(|priority| u8::try_from(priority).ok()).unwrap_or_default();
    let owner = reader.parsed::<AgentNumber>("owner");
    let note = reader.text("note").unwrap_or_default();
    if note.chars().count() > NOTE_MAX {
        reader.problem(reader.place_of("note").clone(), "`note`: a note has at most 200 characters".to_owned());
    }
    reader.finish();
    Some(ProvisionedCaller { tenant, kind, number: kept(kind, &number?), priority, owner, note })
}

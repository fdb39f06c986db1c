//! One `[[provision.block]]`.

use dialplan::block::Treatment;
use dialplan::number::Dialled;
use hooks::fact::BlockedSide;
use hooks::id::TenantId;

use super::{needed, tenant};
use crate::config::reader::Reader;
use crate::store::blocks::{BlockKind, NOTE_MAX, kept};

/// One `[[provision.block]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedBlock {
    /// Whose.
    pub tenant: TenantId,
    /// Whose number.
    pub side: BlockedSide,
    /// Whether it is a whole number.
    pub kind: BlockKind,
    /// The number as it is kept.
    pub number: Dialled,
    /// What its calls get.
    pub treatment: Treatment,
    /// Why, for people.
    pub note: String,
}

const SIDES: [(&str, BlockedSide); 2] = [("caller", BlockedSide::Caller), ("callee", BlockedSide::Callee)];
const TREATMENTS: [(&str, Treatment); 3] =
    [("busy", Treatment::Busy), ("prompt", Treatment::Prompt), ("hang_up", Treatment::HangUp)];

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedBlock> {
    let tenant = tenant(&mut reader);
    let side = reader.word("side", &SIDES);
    let side = needed(&reader, "side", side);
    let kind = reader.word("kind", &BlockKind::WORDS).unwrap_or_default();
    let number = reader.parsed::<Dialled>("number");
    let number = needed(&reader, "number", number);
    let treatment = reader.word("treatment", &TREATMENTS).unwrap_or_default();
    let note = reader.text("note").unwrap_or_default();
    if note.chars().count() > NOTE_MAX {
        reader.problem(reader.place_of("note").clone(), "`note`: a note has at most 200 characters".to_owned());
    }
    reader.finish();
    Some(ProvisionedBlock { tenant, side: side?, kind, number: kept(kind, &number?), treatment, note })
}

//! One `[[provision.room]]`.

use dialplan::number::RoomNumber;
use hooks::id::TenantId;
use switch::config::Pin;

use super::{needed, tenant};
use crate::config::reader::Reader;
use crate::store::rooms::MEMBERS_MAX;

/// One `[[provision.room]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedRoom {
    /// Whose.
    pub tenant: TenantId,
    /// Its number.
    pub number: RoomNumber,
    /// What people call it.
    pub name: String,
    /// Asked of everybody.
    pub pin: Option<Pin>,
    /// That of moderators.
    pub moderator_pin: Option<Pin>,
    /// At most so many at a time.
    pub members_max: u32,
    /// What happens in it is said aloud.
    pub announce: bool,
    /// It is recorded.
    pub record: bool,
    /// Who is alone hears music.
    pub music_alone: bool,
    /// It begins locked.
    pub locked: bool,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedRoom> {
    let tenant = tenant(&mut reader);
    let number = reader.parsed("number");
    let number = needed(&reader, "number", number);
    let name = reader.text("name").unwrap_or_default();
    let pin = reader.parsed("pin");
    let moderator_pin = reader.parsed("moderator_pin");
    let members_max = reader.whole("members_max", 1..=u64::from(MEMBERS_MAX));
    let announce = reader.flag("announce").unwrap_or(true);
    let record = reader.flag("record").unwrap_or(false);
    let music_alone = reader.flag("music_alone").unwrap_or(true);
    let locked = reader.flag("locked").unwrap_or(false);
    if locked && moderator_pin.is_none() {
        let place = reader.place_of("locked").clone();
        reader.problem(place, "`locked`: nobody could unlock it, write a `moderator_pin`, too".to_owned());
    }
    reader.finish();
    Some(ProvisionedRoom {
        tenant,
        number: number?,
        name,
        pin,
        moderator_pin,
        members_max: members_max.and_then(|most| u32::try_from(most).ok()).unwrap_or(MEMBERS_MAX),
        announce,
        record,
        music_alone,
        locked,
    })
}

//! Conference rooms. PINs are stored encrypted (see [`crate::secrets::SecretKey`]): they are short, so a hash would hide nothing.

use dialplan::number::RoomNumber;
use serde::Serialize;

use super::StoreError;
use super::setting::{Hidden, Setting, as_text};
use super::sql::{Arg, Row, args};

/// A conference room as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Room {
    /// Its number.
    #[serde(serialize_with = "as_text")]
    pub number: RoomNumber,
    /// What people call it; may be empty.
    pub name: String,
    /// Asked of everybody who wants to come in; encrypted for this tenant and room.
    pub pin: Option<Hidden>,
    /// Who enters this one is a moderator; encrypted likewise.
    pub moderator_pin: Option<Hidden>,
    /// At most so many at a time.
    pub members_max: u32,
    /// What happens in it is said aloud.
    pub announce: bool,
    /// It is recorded.
    pub record: bool,
    /// Who is alone in it hears music.
    pub music_alone: bool,
    /// It begins locked.
    pub locked: bool,
}

impl Room {
    /// A room with everything else at its default: for as many as there may be, without a PIN, music while alone.
    #[must_use]
    pub fn new(number: RoomNumber) -> Self {
        Self {
            number,
            name: String::new(),
            pin: None,
            moderator_pin: None,
            members_max: MEMBERS_MAX,
            announce: true,
            record: false,
            music_alone: true,
            locked: false,
        }
    }
}

/// No room takes more.
pub const MEMBERS_MAX: u32 = 100;
const _: () = assert!(MEMBERS_MAX as usize == switch::config::MEMBERS_MAX);

impl Setting for Room {
    const RESOURCE: &'static str = "room";
    const TABLE: &'static str = "rooms";
    const KEY: &'static str = "number";
    const COLUMNS: &'static [&'static str] =
        &["name", "pin", "moderator_pin", "members_max", "announce", "record", "music_alone", "locked"];
    /// Each is one entry of the dialplan.
    const MAX: u64 = 1_000;

    fn key(&self) -> String {
        self.number.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        let sealed = |pin: &Option<Hidden>| pin.as_ref().map(|pin| pin.expose().to_owned());
        args![
            self.name.as_str(),
            sealed(&self.pin),
            sealed(&self.moderator_pin),
            self.members_max,
            self.announce,
            self.record,
            self.music_alone,
            self.locked,
        ]
    }

    fn secrets(&self) -> Vec<&Hidden> {
        self.pin.iter().chain(&self.moderator_pin).collect()
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.parsed("number")?,
            name: row.text("name")?,
            pin: row.opt_text("pin")?.map(Hidden::new),
            moderator_pin: row.opt_text("moderator_pin")?.map(Hidden::new),
            members_max: row.unsigned("members_max")?,
            announce: row.flag("announce")?,
            record: row.flag("record")?,
            music_alone: row.flag("music_alone")?,
            locked: row.flag("locked")?,
        })
    }
}

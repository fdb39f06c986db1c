//! `rooms`: conference rooms as they are set. Who is in them is under `conferences`. PINs are taken and never shown.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::number::RoomNumber;
use dialplan::plan::Destination;
use serde::{Deserialize, Serialize};
use switch::config::Pin;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{ROOMS_READ, ROOMS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::queue;
use super::setting::{Edit, Faults, Tagged, list, nullable, read};
use super::state::Api;
use super::time_text::Instant;
use crate::store::extensions::Extension;
use crate::store::rooms::{MEMBERS_MAX, Room};
use crate::store::routes::Route;
use crate::store::setting::{Hidden, Stored};
use crate::tenant_config::room_owner;

/// The operations on rooms.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(ROOMS_READ), routes!(list_rooms))
        .add(Guard::Needs(ROOMS_READ), routes!(read_room))
        .add(Guard::Needs(ROOMS_WRITE), routes!(create_room))
        .add(Guard::Needs(ROOMS_WRITE), routes!(change_room))
        .add(Guard::Needs(ROOMS_WRITE), routes!(delete_room))
}

/// A conference room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomShown {
    /// Its number, which is dialled.
    #[schema(example = "8000")]
    pub number: String,
    /// What people call it; may be empty.
    pub name: String,
    /// A PIN is asked for.
    pub has_pin: bool,
    /// Another PIN makes a moderator.
    pub has_moderator_pin: bool,
    /// At most so many at a time; who comes then finds it busy.
    pub members_max: u32,
    /// What happens is said aloud, in the tenant's language: who comes in is welcomed, all are told who comes and goes, and who is
    /// muted or sent away is told so. A PIN is asked for aloud in any case.
    pub announce: bool,
    /// It is recorded from its first member to its last.
    pub record: bool,
    /// Who is alone in it hears music.
    pub music_alone: bool,
    /// It begins locked: only moderators come in until one unlocks it.
    pub locked: bool,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// A new room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// 2 to 10 digits, optionally after a `*`; no extension has it.
    #[schema(example = "8001")]
    number: String,
    #[serde(default)]
    name: String,
    /// 3 to 12 digits.
    pin: Option<String>,
    /// 3 to 12 digits, others than those of `pin`.
    moderator_pin: Option<String>,
    /// 1 to 100.
    #[serde(default = "most")]
    members_max: u32,
    #[serde(default = "yes")]
    announce: bool,
    #[serde(default)]
    record: bool,
    #[serde(default = "yes")]
    music_alone: bool,
    /// Wants a `moderator_pin`.
    #[serde(default)]
    locked: bool,
}

/// What shall be different; what is left out stays (RFC 7396). Conferences that run go on as they began.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomChange {
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pin: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    moderator_pin: Option<Option<String>>,
    members_max: Option<u32>,
    announce: Option<bool>,
    record: Option<bool>,
    music_alone: Option<bool>,
    locked: Option<bool>,
}

fn yes() -> bool {
    true
}

fn most() -> u32 {
    MEMBERS_MAX
}

impl From<Stored<Room>> for RoomShown {
    fn from(stored: Stored<Room>) -> Self {
        let read_only = stored.is_read_only();
        let value = stored.value;
        Self {
            number: value.number.to_string(),
            name: value.name,
            has_pin: value.pin.is_some(),
            has_moderator_pin: value.moderator_pin.is_some(),
            members_max: value.members_max,
            announce: value.announce,
            record: value.record,
            music_alone: value.music_alone,
            locked: value.locked,
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The conference rooms of the tenant, by number.
#[utoipa::path(get, path = "/rooms", tag = "rooms", params(PageQuery),
    responses((status = 200, body = Listed<RoomShown>)))]
async fn list_rooms(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<RoomShown>>, Problem> {
    list::<Room, _>(&api, &principal, &page).await
}

/// One conference room.
#[utoipa::path(get, path = "/rooms/{number}", tag = "rooms", params(("number" = String, Path)),
    responses((status = 200, body = RoomShown)))]
async fn read_room(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<Tagged<RoomShown>, Problem> {
    read::<Room, _>(&api, &principal, &number).await
}

/// Makes a conference room.
#[utoipa::path(post, path = "/rooms", tag = "rooms", request_body = NewRoom,
    responses((status = 201, body = RoomShown)))]
async fn create_room(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewRoom>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let number = faults.note("number", new.number.parse::<RoomNumber>());
    check_name(&mut faults, &new.name);
    check_most(&mut faults, new.members_max);
    let pins = Pins { plain: new.pin, moderator: new.moderator_pin };
    pins.check(&mut faults);
    faults.check()?;
    let number = number.expect("a number that is none was noted as a fault");
    let seal = |pin: Option<String>| pin.map(|pin| seal(&api, &principal, &number, &pin));
    let room = Room {
        name: new.name,
        pin: seal(pins.plain),
        moderator_pin: seal(pins.moderator),
        members_max: new.members_max,
        announce: new.announce,
        record: new.record,
        music_alone: new.music_alone,
        locked: new.locked,
        ..Room::new(number.clone())
    };
    check_lock(&room)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let mut faults = Faults::default();
    let taken = edit.tx.find::<Extension>(number.as_str()).await?.is_some();
    faults.require("number", !taken, "an extension has this number; take another");
    let queue = queue::numbered(&mut edit, number.as_str()).await?.is_some();
    faults.require("number", !queue, "a queue has this number; take another");
    faults.check()?;
    let stored = edit.tx.create(room).await?;
    edit.finish(&api).await?;
    Ok(Tagged::<RoomShown>::from(stored).created("/api/v1/rooms", number.as_str()))
}

/// Changes a conference room; a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/rooms/{number}", tag = "rooms", params(("number" = String, Path)),
    request_body = RoomChange, responses((status = 200, body = RoomShown)))]
async fn change_room(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    if_match: IfMatch,
    Body(change): Body<RoomChange>,
) -> Result<Tagged<RoomShown>, Problem> {
    let mut faults = Faults::default();
    check_name(&mut faults, change.name.as_deref().unwrap_or_default());
    check_most(&mut faults, change.members_max.unwrap_or(MEMBERS_MAX));
    let pins = Pins { plain: change.pin.clone().flatten(), moderator: change.moderator_pin.clone().flatten() };
    pins.check(&mut faults);
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut room, expect) = edit.found::<Room>(&number, &if_match).await?;
    if change.pin.is_some() {
        room.pin = pins.plain.map(|pin| seal(&api, &principal, &room.number, &pin));
    }
    if change.moderator_pin.is_some() {
        room.moderator_pin = pins.moderator.map(|pin| seal(&api, &principal, &room.number, &pin));
    }
    room.name = change.name.unwrap_or(room.name);
    room.members_max = change.members_max.unwrap_or(room.members_max);
    room.announce = change.announce.unwrap_or(room.announce);
    room.record = change.record.unwrap_or(room.record);
    room.music_alone = change.music_alone.unwrap_or(room.music_alone);
    room.locked = change.locked.unwrap_or(room.locked);
    check_lock(&room)?;
    let stored = edit.tx.update(room, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes a conference room that no route leads to. Who is in it stays until all have left.
#[utoipa::path(delete, path = "/rooms/{number}", tag = "rooms", params(("number" = String, Path)),
    responses((status = 204)))]
async fn delete_room(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<Room>(&number, &if_match).await?;
    let routes = edit.tx.all::<Route>().await?;
    if let Some(route) = routes.iter().find(|route| leads_to(&route.value, &number)) {
        let detail = format!("route {} leads to it; change or delete the route first", route.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<Room>(&api, &number, expect).await
}

fn leads_to(route: &Route, number: &str) -> bool {
    route.targets().any(|to| matches!(to, Destination::Room(room) if room.as_str() == number))
}

/// PINs as somebody sent them.
struct Pins {
    plain: Option<String>,
    moderator: Option<String>,
}

impl Pins {
    fn check(&self, faults: &mut Faults) {
        for (field, pin) in [("pin", &self.plain), ("moderator_pin", &self.moderator)] {
            if let Some(pin) = pin {
                faults.note(field, pin.parse::<Pin>());
            }
        }
        let differ = self.plain.is_none() || self.plain != self.moderator;
        faults.require("moderator_pin", differ, "moderators need another PIN than the others");
    }
}

fn seal(api: &Api, principal: &Principal, room: &RoomNumber, pin: &str) -> Hidden {
    api.secret_key().seal(&room_owner(&principal.tenant, room), pin)
}

fn check_name(faults: &mut Faults, name: &str) {
    let fine = name.chars().count() <= 64 && !name.chars().any(char::is_control);
    faults.require("name", fine, "a name is at most 64 characters on one line");
}

fn check_most(faults: &mut Faults, members_max: u32) {
    faults.require("members_max", (1..=MEMBERS_MAX).contains(&members_max), "a room takes 1 to 100 members");
}

fn check_lock(room: &Room) -> Result<(), Problem> {
    let mut faults = Faults::default();
    let fine = !room.locked || room.moderator_pin.is_some();
    faults.require("locked", fine, "nobody could unlock it; set a moderator_pin, too");
    faults.check()
}

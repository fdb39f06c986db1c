//! One `[[provision.hours]]`.

use dialplan::flow::name::HoursName;
use dialplan::hours::{Hours, Zone};
use hooks::id::TenantId;

use super::{needed, tenant};
use crate::config::reader::Reader;

/// One `[[provision.hours]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedHours {
    /// Whose.
    pub tenant: TenantId,
    /// Their name.
    pub name: HoursName,
    /// When it is open.
    pub hours: Hours,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedHours> {
    let tenant = tenant(&mut reader);
    let name = reader.parsed("name");
    let name = needed(&reader, "name", name);
    let zone = reader.parsed::<Zone>("zone");
    let zone = needed(&reader, "zone", zone);
    let weekly = reader.value("weekly").unwrap_or_default();
    let holidays = reader.value("holidays").unwrap_or_default();
    let make_up = reader.value("make_up").unwrap_or_default();
    let hours = zone.map(|zone| Hours { zone, weekly, holidays, make_up });
    if let Some(Err(error)) = hours.as_ref().map(Hours::check) {
        reader.problem(reader.place().clone(), error.to_string());
    }
    reader.finish();
    Some(ProvisionedHours { tenant, name: name?, hours: hours? })
}

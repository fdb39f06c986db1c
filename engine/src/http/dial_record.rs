//! A number that is dialled by the ID of a record that shows it (GEN-07): who dials need not see it, the server fills it in. He must see
//! the record.

use hooks::fact::Direction;
use hooks::id::CallId;

use super::permission::{CALL_RECORDS_READ, EMPLOYEES_READ, MISSED_OFFERS_READ, VOICEMAILS_READ};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::state::Api;
use super::voicemail;
use crate::store::scope::Sight;

/// What a record says that is to be dialled.
pub(super) enum Named {
    /// The record is of no list of the engine: whoever answers `dial.resolve` may know it.
    Elsewhere,
    /// The number of a record of ours, if there is such a record among those that he sees, and a number in it.
    Here(Option<String>),
}

/// The number of `call-records/ID`, `missed-offers/CALL`, `voicemails/ID` or `employees/NUMBER`: that of the other side.
///
/// # Errors
/// When the database is away.
pub(super) async fn number(api: &Api, principal: &Principal, record: &str) -> Result<Named, Problem> {
    let Some((list, id)) = record.split_once('/') else { return Ok(Named::Elsewhere) };
    let key = match list {
        "call-records" => CALL_RECORDS_READ,
        "missed-offers" => MISSED_OFFERS_READ,
        "voicemails" => VOICEMAILS_READ,
        "employees" => EMPLOYEES_READ,
        _ => return Ok(Named::Elsewhere),
    };
    let own = principal.own_scope();
    // One's own rows are seen without the key, as on one's desk.
    let scope = if principal.permissions.allow(key) { &principal.scope } else { &own };
    let sight = Sight { tenant: &principal.tenant, scope };
    let found = match list {
        "voicemails" => match voicemail::find(api, principal, id, key).await {
            Ok(message) => Some(message.caller),
            Err(problem) if matches!(problem.kind, Kind::NotFound | Kind::Forbidden) => None,
            Err(problem) => return Err(problem),
        },
        "employees" => {
            let found = api.store().employee(sight, id).await?;
            found.and_then(|found| Some(found.employee.value.mobile?.as_str().to_owned()))
        }
        _ => match id.parse::<CallId>() {
            Ok(call) => api.store().call_record(sight, call).await?.map(|found| match found.record.direction {
                Direction::Outbound => found.record.callee,
                Direction::Inbound | Direction::Internal => found.record.caller,
            }),
            Err(_) => None,
        },
    };
    Ok(Named::Here(found.filter(|number| !number.is_empty())))
}

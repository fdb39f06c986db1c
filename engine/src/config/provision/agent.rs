//! One `[[provision.agent]]`.

use hooks::id::TenantId;
use switch::agent::AfterCall;

use super::{PlainPassword, needed, tenant};
use crate::config::reader::Reader;
use crate::store::agents::{Agent, MISSED_LIMIT_MAX};

/// One `[[provision.agent]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedAgent {
    /// Whose.
    pub tenant: TenantId,
    /// What is set.
    pub agent: Agent,
    /// The name of an account that is made where there is none of that employee number.
    pub name: String,
    /// Its password; without one nobody signs in to it.
    pub password: Option<PlainPassword>,
}

const AFTER_CALL: [(&str, AfterCall); 2] = [("wrap_up", AfterCall::WrapUp), ("ready", AfterCall::Ready)];

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedAgent> {
    let tenant = tenant(&mut reader);
    let employee_no = reader.parsed("employee_no");
    let employee_no = needed(&reader, "employee_no", employee_no);
    let name = reader.text("name").unwrap_or_default();
    let password = reader.text("password").map(PlainPassword);
    let extension = reader.parsed("extension");
    let mobile = reader.parsed("mobile");
    let after_call = reader.word("after_call", &AFTER_CALL).unwrap_or_default();
    let missed_limit = reader.whole("missed_limit", 0..=u64::from(MISSED_LIMIT_MAX));
    reader.finish();
    let agent = Agent::new(employee_no?);
    let missed_limit = missed_limit.and_then(|limit| u8::try_from(limit).ok()).unwrap_or(agent.missed_limit);
    Some(ProvisionedAgent {
        tenant,
        agent: Agent { extension, mobile, after_call, missed_limit, ..agent },
        name,
        password,
    })
}

//! Orders of supervisors: to whose phone, in whose call, and whether that may be (section 30 of the requirements).

use dialplan::number::AgentNumber;
use hooks::fact::Supervision;
use hooks::id::TenantId;

use crate::call::Supervising;
use crate::input::Supervise;
use crate::output::Refused;
use crate::queue::AgentId;
use crate::switch::Switch;

impl Switch {
    /// Does what a supervisor orders for the call of an agent.
    pub(crate) fn supervise(&mut self, tenant: &TenantId, order: &Supervise) -> Result<(), Refused> {
        let found = self.calls.get(&order.call).filter(|found| found.tenant.tenant == *tenant && found.is_live());
        let found = found.ok_or(Refused::NoSuchCall)?;
        let agent = match &order.agent {
            Some(number) => self.known_agent(tenant, number)?,
            None => match found.talking_agents().as_slice() {
                [agent] => *agent,
                [] => return Err(Refused::NotOnCall),
                [_, _, ..] => return Err(Refused::WhichParty),
            },
        };
        let (call, by) = (order.call, order.by.clone());
        if order.how == Supervision::HangUp {
            if !found.is_agents_talk(agent) {
                return Err(Refused::NotOnCall);
            }
            self.with_call(call, |call, desk| call.hang_up_supervised(desk, agent, by));
            return Ok(());
        }
        let supervisor = order.supervisor.as_ref().ok_or(Refused::WhichSupervisor)?;
        let supervisor = self.known_agent(tenant, supervisor)?;
        if supervisor == agent {
            return Err(Refused::Oneself);
        }
        let ask = Supervising { supervisor, agent, how: order.how, by };
        let mut done = Ok(());
        self.with_call(call, |call, desk| done = call.supervise(desk, ask));
        done
    }

    fn known_agent(&self, tenant: &TenantId, number: &AgentNumber) -> Result<AgentId, Refused> {
        self.desk.floor.agent(tenant, number).ok_or(Refused::NoSuchAgent)
    }
}

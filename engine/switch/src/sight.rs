//! How phones show numbers from outside (GEN-07, ORG-32): to who is signed in at one as his role says. What stands in a SIP message, a browser reads.

use dialplan::number::ExtensionNumber;
use hooks::number::{masked, masked_text};

use crate::config::{NumberSight, TenantConfig};
use crate::desk::Desk;

impl Desk {
    /// How the phones of an extension show that number.
    pub(crate) fn sight(&self, tenant: &TenantConfig, at: &ExtensionNumber, number: &str) -> NumberSight {
        // Colleagues are nobody's secret.
        if number.parse().is_ok_and(|number| tenant.extensions.contains_key(&number)) {
            return NumberSight::Whole;
        }
        let agent = self.floor.on_extension(&tenant.tenant, at);
        let agent = agent.and_then(|agent| tenant.agents.get(self.floor.number_of(agent)?));
        agent.map_or(NumberSight::Whole, |agent| agent.numbers)
    }
}

impl NumberSight {
    /// A number and the name of who has it as they are shown; `None` where neither is.
    pub(crate) fn shown(self, number: &str, name: &str) -> Option<(String, String)> {
        match self {
            Self::Whole => Some((number.to_owned(), name.to_owned())),
            // A name may be the number once more.
            Self::Masked => Some((masked(number), masked_text(name))),
            Self::Hidden => None,
        }
    }
}

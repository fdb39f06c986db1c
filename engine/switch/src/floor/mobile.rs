//! Agents who are signed in by their mobiles (手机签入): a number outside is rung for them in the place of a phone.

use std::collections::VecDeque;

use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use hooks::fact::Sign;

use super::Regarding;
use crate::agent::{Agent, AgentEvent};
use crate::call::{About, Route};
use crate::config::TenantConfig;
use crate::desk::Desk;
use crate::incoming::routed;
use crate::output::Refused;
use crate::queue::AgentId;
use crate::registrar::Aor;
use crate::target::Target;
use crate::trunk;

/// How an agent is rung.
#[derive(Debug)]
pub(crate) enum Reach {
    /// All of these at once.
    Phones(Vec<Target>),
    /// His mobile, by these trunks one after another.
    Mobile(VecDeque<Target>),
}

impl Desk {
    /// PHONE-07: calls go to that number from now on, or to the one that is set.
    pub(super) fn sign_in_by_mobile(
        &mut self,
        tenant: &TenantConfig,
        number: &AgentNumber,
        id: AgentId,
        mobile: Option<&Dialled>,
        regarding: &Regarding,
    ) -> Result<(), Refused> {
        let set = tenant.agents.get(number).ok_or(Refused::NoSuchAgent)?;
        let mobile = mobile.or(set.mobile.as_ref()).ok_or(Refused::NoMobile)?.clone();
        if !matches!(routed(tenant, &mobile, self.now.unix_ms), (Route::Lines(_), _, false)) {
            return Err(Refused::MobileUnreachable);
        }
        let own = set.extension.clone().filter(|extension| self.is_vacant(tenant, extension));
        let Some(post) = self.floor.posts.get_mut(&id) else { return Err(Refused::NoSuchAgent) };
        let before = (post.agent.clone(), post.extension.clone(), post.mobile.clone());
        if post.agent.sign() == Sign::Out {
            post.agent = Agent::new(set.rules);
        }
        // Who calls his extension reaches him (PHONE-12).
        let extension = post.extension.clone().or(own);
        (post.extension, post.mobile) = (extension.clone(), Some(mobile));
        if let Err(refused) = self.agent_happens(id, AgentEvent::MobileSignIn, regarding) {
            if let Some(post) = self.floor.posts.get_mut(&id) {
                (post.agent, post.extension, post.mobile) = before;
            }
            return Err(refused.into());
        }
        if let Some(extension) = extension {
            self.floor.by_extension.insert((tenant.tenant.clone(), extension.clone()), id);
            self.phones_changed(tenant, &Aor { tenant: tenant.tenant.clone(), extension });
        }
        Ok(())
    }

    /// Whether an extension is there, nobody is signed in on it, and it has no call.
    fn is_vacant(&self, tenant: &TenantConfig, extension: &ExtensionNumber) -> bool {
        tenant.extensions.get(extension).is_some_and(|found| found.enabled)
            && self.floor.on_extension(&tenant.tenant, extension).is_none()
            && !self.engaged.is(&tenant.tenant, extension.as_str())
    }

    /// How an agent is rung for a call of whom `about` shows.
    pub(crate) fn reach(&mut self, tenant: &TenantConfig, agent: AgentId, about: &About) -> Reach {
        if let Some(lines) = self.mobile_lines(tenant, agent, about) {
            return Reach::Mobile(lines.into());
        }
        let extension = self.floor.extension_of(agent).cloned();
        Reach::Phones(extension.map(|extension| self.rung_phones(tenant, &extension)).unwrap_or_default())
    }

    /// The ways to an agent's mobile, the best first; `None` where he is not signed in by it.
    pub(crate) fn mobile_lines(&mut self, tenant: &TenantConfig, agent: AgentId, about: &About) -> Option<Vec<Target>> {
        let mobile = self.floor.mobile_of(agent)?.clone();
        let (Route::Lines(attempts), _, false) = routed(tenant, &mobile, self.now.unix_ms) else {
            return Some(Vec::new());
        };
        let mut lines = trunk::lines(self, tenant, about, &attempts);
        for line in &mut lines {
            if let Target::Trunk(line) = line {
                line.agent = Some(agent);
            }
        }
        Some(lines)
    }
}

impl super::Floor {
    /// The mobile that an agent is signed in by.
    pub(crate) fn mobile_of(&self, agent: AgentId) -> Option<&Dialled> {
        let post = self.posts.get(&agent)?;
        match post.agent.sign() {
            Sign::Mobile(_) => post.mobile.as_ref(),
            Sign::Out | Sign::Phone(_) => None,
        }
    }
}

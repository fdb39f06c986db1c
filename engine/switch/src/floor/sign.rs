//! Signing in and out, and the phones of who is signed in.

use dialplan::caller::remembered;
use dialplan::number::{AgentNumber, ExtensionNumber};
use hooks::fact::{AgentStateChanged, CallStatus, Console, Sign, Way};
use hooks::id::TenantId;

use super::Regarding;
use crate::agent::{Agent, AgentEvent, Missed};
use crate::config::{TenantConfig, way_of};
use crate::desk::Desk;
use crate::input::{AgentOrder, Recalled, SignIn};
use crate::output::Refused;
use crate::queue::AgentId;
use crate::registrar::Aor;
use crate::target::{self, Target};

impl Desk {
    /// Does what was asked of an agent.
    ///
    /// # Errors
    /// Why it may not be.
    pub(crate) fn order_agent(
        &mut self,
        tenant: &TenantConfig,
        number: &AgentNumber,
        order: &AgentOrder,
        by: Option<String>,
    ) -> Result<(), Refused> {
        let id = self.floor.agent(&tenant.tenant, number).ok_or(Refused::NoSuchAgent)?;
        let regarding = Regarding { call: None, by };
        let event = match order {
            AgentOrder::SignIn(how) => return self.sign_in(tenant, number, id, how),
            AgentOrder::SignOut => AgentEvent::Logout,
            AgentOrder::Pick(state) => AgentEvent::Pick(*state),
            AgentOrder::MobileSignIn(mobile) => {
                return self.sign_in_by_mobile(tenant, number, id, mobile.as_ref(), &regarding);
            }
            AgentOrder::MobileSignOut => AgentEvent::MobileSignOut,
            AgentOrder::Force(force) => AgentEvent::Force(*force),
        };
        Ok(self.agent_happens(id, event, &regarding)?)
    }

    /// PHONE-05: on an extension that exists, is enabled, takes such a phone, and that nobody else is signed in on.
    fn sign_in(
        &mut self,
        tenant: &TenantConfig,
        number: &AgentNumber,
        id: AgentId,
        how: &SignIn,
    ) -> Result<(), Refused> {
        let own = tenant.agents.get(number).and_then(|agent| agent.extension.as_ref());
        let extension = how.extension.as_ref().or(own).ok_or(Refused::NoExtension)?.clone();
        let found = tenant.extensions.get(&extension).filter(|found| found.enabled).ok_or(Refused::NoSuchExtension)?;
        if !found.ways.allow(how.way) {
            return Err(Refused::WayNotAllowed(how.way));
        }
        match self.floor.on_extension(&tenant.tenant, &extension) {
            Some(other) if other != id => return Err(Refused::ExtensionTaken),
            // What runs there began without an agent.
            None if self.engaged.is(&tenant.tenant, extension.as_str()) => return Err(Refused::ExtensionOnCall),
            Some(_) | None => {}
        }
        let now = self.now.mono;
        let is_there = self.has_phone(tenant, &extension, how.way);
        let Some(post) = self.floor.posts.get_mut(&id) else { return Err(Refused::NoSuchAgent) };
        if let Sign::Phone(_) = post.agent.sign() {
            return Err(crate::agent::Refused::Already.into());
        }
        let before = (post.agent.clone(), post.extension.clone());
        if post.agent.sign() == Sign::Out {
            let rules = tenant.agents.get(number).map(|agent| agent.rules).unwrap_or_default();
            post.agent = Agent::new(rules);
        }
        // It is told what is so, not asked. While only his mobile was signed in, nobody told him of his phone.
        let phone = if is_there { AgentEvent::PhoneRegistered } else { AgentEvent::PhoneLost };
        let _ = post.agent.handle(now, phone);
        post.extension = Some(extension.clone());
        if let Err(refused) = self.agent_happens(id, AgentEvent::Login(how.way), &Regarding::default()) {
            if let Some(post) = self.floor.posts.get_mut(&id) {
                (post.agent, post.extension) = before;
            }
            return Err(refused.into());
        }
        if let Some(other) = before.1.filter(|other| *other != extension) {
            self.floor.by_extension.remove(&(tenant.tenant.clone(), other));
        }
        self.floor.by_extension.insert((tenant.tenant.clone(), extension), id);
        Ok(())
    }

    /// What the records tell of the time before a restart.
    pub(crate) fn recall(&mut self, tenant: &TenantId, recalled: Recalled) {
        for talk in recalled.talks {
            if let Some(caller) = remembered(&talk.caller) {
                self.floor.regulars.remember(tenant, caller, talk.agent, talk.at_ms);
            }
        }
        for (agent, answered) in recalled.answered_today {
            if let Some(id) = self.floor.agent(tenant, &agent) {
                self.floor.distribution.answered_before(id, answered);
            }
        }
    }

    /// An agent as the log remembers him (AGT-15). The call that he had then is over for him: its end is written down, nothing else.
    pub(crate) fn restore_agent(&mut self, tenant: &TenantConfig, fact: &AgentStateChanged, since_ms: u64) {
        let Some(found) = fact.agent.parse().ok().and_then(|number: AgentNumber| tenant.agents.get(&number)) else {
            return;
        };
        let Some(id) = self.floor.agent(&tenant.tenant, &found.number).filter(|_| fact.sign != Sign::Out) else {
            return;
        };
        let is_known = |number: &ExtensionNumber| {
            tenant.extensions.contains_key(number) && self.floor.on_extension(&tenant.tenant, number).is_none()
        };
        let extension = fact.extension.as_ref().and_then(|number| number.parse().ok()).filter(is_known);
        let now = self.now.mono;
        let Some(post) = self.floor.posts.get_mut(&id) else { return };
        post.agent = Agent::restored(found.rules, fact.sign, fact.to, now).on_call(fact.call_status);
        post.since_ms = since_ms;
        post.extension.clone_from(&extension);
        post.mobile = fact.mobile.as_deref().and_then(|number| number.parse().ok()).or_else(|| found.mobile.clone());
        if let Some(extension) = &extension {
            self.floor.by_extension.insert((tenant.tenant.clone(), extension.clone()), id);
        }
        let end = match fact.call_status {
            CallStatus::None => None,
            CallStatus::Dialling => Some(AgentEvent::DialEnded),
            // Not his doing: it is no missed call.
            CallStatus::Ringing => Some(AgentEvent::Missed(Missed::Taken)),
            CallStatus::Connected(_) => Some(AgentEvent::CallEnded { wrap_up_max: None }),
        };
        match end {
            // It is told what is so, not asked.
            Some(end) => _ = self.agent_happens(id, end, &Regarding { call: fact.call, by: None }),
            None => self.agent_stands(id),
        }
        if let Some(extension) = extension {
            self.phones_changed(tenant, &Aor { tenant: tenant.tenant.clone(), extension });
        }
    }

    /// Whether a phone of that kind is there.
    fn has_phone(&self, tenant: &TenantConfig, extension: &ExtensionNumber, way: Way) -> bool {
        let Some(extension) = tenant.extensions.get(extension) else { return false };
        target::phones(self, tenant, extension).iter().any(|phone| is_of(phone, way))
    }

    /// The phones of an extension that are rung: of who is signed in those that he signed in with.
    pub(crate) fn rung_phones(&self, tenant: &TenantConfig, extension: &ExtensionNumber) -> Vec<Target> {
        let Some(found) = tenant.extensions.get(extension).filter(|extension| extension.enabled) else {
            return Vec::new();
        };
        let phones = target::phones(self, tenant, found);
        let agent = self.floor.on_extension(&tenant.tenant, extension);
        match agent.and_then(|agent| self.floor.sign_of(agent)) {
            Some(Sign::Phone(way)) => phones.into_iter().filter(|phone| is_of(phone, way)).collect(),
            // PHONE-12: only his mobile is.
            Some(Sign::Mobile(_)) => Vec::new(),
            Some(Sign::Out) | None => phones,
        }
    }

    /// The phones of an extension may be others now: its agent is told whether he has one.
    pub(crate) fn phones_changed(&mut self, tenant: &TenantConfig, aor: &Aor) {
        let Some(id) = self.floor.on_extension(&tenant.tenant, &aor.extension) else { return };
        let way = match self.floor.sign_of(id) {
            Some(Sign::Phone(way)) => way,
            Some(Sign::Mobile(Console::Open(way) | Console::Returned(way))) => way,
            Some(Sign::Mobile(Console::Closed) | Sign::Out) | None => return,
        };
        let event = match self.has_phone(tenant, &aor.extension, way) {
            true => AgentEvent::PhoneRegistered,
            false => AgentEvent::PhoneLost,
        };
        // It is told what is so, not asked.
        let _ = self.agent_happens(id, event, &Regarding::default());
    }

    /// The tenant's agents whose phones may have changed.
    pub(crate) fn all_phones_changed(&mut self, tenant: &TenantConfig) {
        let signed_in: Vec<ExtensionNumber> = self.floor.extensions_of(&tenant.tenant).cloned().collect();
        for extension in signed_in {
            self.phones_changed(tenant, &Aor { tenant: tenant.tenant.clone(), extension });
        }
    }
}

impl super::Floor {
    /// The extensions that agents of a tenant are signed in on.
    fn extensions_of<'a>(&'a self, tenant: &'a TenantId) -> impl Iterator<Item = &'a ExtensionNumber> + 'a {
        self.by_extension.keys().filter(move |(of, _)| of == tenant).map(|(_, extension)| extension)
    }
}

fn is_of(phone: &Target, way: Way) -> bool {
    way_of(phone.flow().transport) == way
}

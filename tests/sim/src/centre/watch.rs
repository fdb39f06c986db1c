//! What the phones of a call centre themselves see and hear.

use std::time::Duration;

use hooks::fact::Supervision;
use hooks::id::LegId;

use super::Centre;
use super::supervisors::Session;
use crate::ears::Ears;
use crate::phone::{Hold, Lived, Phone, Role, Stage};
use crate::world::World;

impl World {
    /// AGT-12, by the phones: an agent has one call that was offered to him, at the most, and none beside one that he made. What is
    /// over by what the switch has said is not counted: the news is on its way.
    pub(crate) fn check_phones(&self) -> Result<(), String> {
        let Some(centre) = &self.centre else { return Ok(()) };
        for (agent, told) in centre.agents.told.iter().filter(|(_, told)| told.offer.is_some() && told.has_extension())
        {
            let legs = || centre.open.values().filter(|open| !open.emergency).flat_map(|open| open.legs.values());
            let own = legs().filter(|leg| leg.extension.as_ref() == Some(&told.extension));
            let talking = own.filter(|leg| leg.answered && self.dialogs.goes_on(&leg.call_id));
            if let Some(leg) = talking.into_iter().next() {
                return Err(format!("agent {agent} is rung ({told:?}), and talks: {leg:?}"));
            }
        }
        for (at, phone) in self.phones.iter().enumerate().take(centre.site.extensions.len()) {
            let is_live = |call_id: &str| {
                let mut legs = centre.open.values().flat_map(|open| open.legs.values());
                legs.any(|leg| leg.call_id == call_id && leg.offered && !self.dialogs.is_ended(call_id))
            };
            let called = phone.dialogs.values().filter(|dialog| {
                let rings_or_talks = matches!(dialog.stage, Stage::Ringing(_) | Stage::Answering { .. } | Stage::Up);
                dialog.role == Role::Callee && rings_or_talks
            });
            if called.clone().count() < 2 {
                continue;
            }
            let live = called.filter(|dialog| is_live(&dialog.call_id));
            let live: Vec<&str> = live.map(|dialog| dialog.call_id.as_str()).collect();
            if live.len() > 1 && !phone.gone && self.may_be_engaged(centre, at, &live) {
                return Err(format!("the phone {} has several calls that were offered: {live:?}", phone.user));
            }
        }
        Ok(())
    }

    /// Whether the switch itself holds both, and not only the phone.
    fn may_be_engaged(&self, centre: &Centre, at: usize, live: &[&str]) -> bool {
        let extension = &self.phones[at].user;
        let told = centre.agents.of_extension(extension);
        let rung = told.is_some_and(|(_, told)| told.offer.is_some());
        let talking = live.iter().filter(|call_id| self.dialogs.goes_on(call_id)).count();
        talking + usize::from(rung) > 1
    }

    /// By the phones' logs alone, where the network loses nothing: no offer comes while another one rings or is talked in, but for the
    /// time that news takes.
    pub(crate) fn compare_offers(&self) -> Result<(), String> {
        let Some(centre) = &self.centre else { return Ok(()) };
        let worst = self.net.longest_way();
        if self.net.loses() || self.story.crashes > 0 {
            return Ok(());
        }
        for phone in self.phones.iter().take(centre.site.extensions.len()) {
            let mut stays: Vec<(Duration, Duration, &str)> = Vec::new();
            for call_id in offered(phone).filter(|call_id| centre.offered.contains(*call_id) && !phone.forgot(call_id))
            {
                let notes = || phone.log.iter().filter(|note| note.call_id == call_id);
                let from = notes().next().map_or(Duration::ZERO, |note| note.at);
                let until = notes().filter(|note| is_end(&note.lived)).map(|note| note.at).next();
                stays.push((from, until.unwrap_or(Duration::MAX), call_id));
            }
            stays.sort_unstable();
            let both = stays.windows(2).find(|two| two[1].0 + 2 * worst + NEWS < two[0].1);
            if let Some(both) = both.filter(|_| !phone.was_cut_off) {
                return Err(format!("the phone {} rang during another call: {both:?}", phone.user));
            }
        }
        Ok(())
    }

    /// Who waits hears music, or what is said to him.
    pub(crate) fn listen_in_queues(&mut self) -> Result<(), String> {
        let Some(centre) = &self.centre else { return Ok(()) };
        let mut listened = 0;
        for (_, open) in centre.open.iter().filter(|(call, _)| centre.is_waiting(**call)) {
            let talking = open.legs.values().filter(|leg| leg.answered && !leg.call_id.is_empty());
            for leg in talking {
                let Some(party) = self.party(&leg.call_id)? else { continue };
                let heard = self.ears.heard_by(party.endpoint);
                let music = heard == [Ears::hold_music()];
                let said = matches!(heard[..], [one] if Ears::is_said(one));
                if !music && !said {
                    return Err(format!("{} waits, and hears {heard:?}", party.user));
                }
                listened += 1;
            }
        }
        for (call, open) in &centre.open {
            let plain = !open.third && open.held_by.is_empty() && !centre.is_waiting(*call);
            let record = self.records.calls.get(call).filter(|record| record.answered && record.handing_on.is_none());
            let Some(record) = record.filter(|_| plain) else { continue };
            let talking: Vec<&str> = record.talking().map(|(_, leg)| leg.sip_call_id.as_str()).collect();
            let [one, other] = talking[..] else { continue };
            if one.is_empty() || other.is_empty() || open.legs.len() > 2 {
                continue;
            }
            if let (Some(one), Some(other)) = (self.party(one)?, self.party(other)?) {
                self.hear_each_other(one, other)?;
                listened += 1;
            }
        }
        for session in centre.supervisors.alone() {
            listened += u64::from(self.listen_supervised(centre, session)?);
        }
        self.story.listened += listened;
        Ok(())
    }

    /// MON-24, 25, 30: who supervises hears both; the agent hears one who whispers, both hear one who talks, and nobody else is heard.
    fn listen_supervised(&self, centre: &Centre, session: &Session) -> Result<bool, String> {
        let Some(open) = centre.open.get(&session.call).filter(|open| !open.third && open.held_by.is_empty()) else {
            return Ok(false);
        };
        let record = self.records.calls.get(&session.call).filter(|record| record.handing_on.is_none());
        let talking: Vec<_> = record.map(|record| record.talking().collect()).unwrap_or_default();
        let [(one_id, one), (other_id, other)] = talking[..] else { return Ok(false) };
        let extension = &centre.agents.get(&session.agent)?.extension;
        let is_agents = |leg: &LegId| open.legs.get(leg).is_some_and(|leg| leg.extension.as_ref() == Some(extension));
        let (agent, customer) = match (is_agents(one_id), is_agents(other_id)) {
            (true, false) => (one, other),
            (false, true) => (other, one),
            (true, true) | (false, false) => return Ok(false),
        };
        let Some(boss) = open.legs.get(&session.leg) else { return Ok(false) };
        let (agent, customer) = (self.party(&agent.sip_call_id)?, self.party(&customer.sip_call_id)?);
        let (Some(agent), Some(customer), Some(boss)) = (agent, customer, self.party(&boss.call_id)?) else {
            return Ok(false);
        };
        if [agent, customer, boss].iter().any(|party| party.dialog.hold != Hold::None) {
            return Ok(false);
        }
        let (to_agent, to_customer) = match session.how {
            Supervision::Monitor => (vec![customer], vec![agent]),
            Supervision::Whisper => (vec![customer, boss], vec![agent]),
            Supervision::Barge => (vec![customer, boss], vec![agent, boss]),
            Supervision::Takeover | Supervision::HangUp => return Err(format!("that is over at once: {session:?}")),
        };
        for (who, whom) in [(agent, to_agent), (customer, to_customer), (boss, vec![agent, customer])] {
            let heard = self.ears.heard_by(who.endpoint);
            if heard.len() != whom.len() || !whom.iter().all(|party| heard.contains(&party.voice())) {
                let whom: Vec<_> = whom.iter().map(|party| party.voice()).collect();
                return Err(format!("{} should hear {whom:?} and hears {heard:?}: {session:?}", who.user));
            }
        }
        Ok(true)
    }
}

/// The calls that came in, by the phone's own log.
fn offered(phone: &Phone) -> impl Iterator<Item = &str> {
    phone.log.iter().filter(|note| note.lived == Lived::Rang).map(|note| note.call_id.as_str())
}

fn is_end(lived: &Lived) -> bool {
    match lived {
        Lived::Failed(_) | Lived::HungUp | Lived::WasHungUp | Lived::Cancelled | Lived::TimedOut => true,
        Lived::Dialled(_) | Lived::TookOver(_) | Lived::Rang | Lived::Talked => false,
    }
}

/// What may pass between the end of one call and the beginning of the next, as the phone sees both.
const NEWS: Duration = Duration::from_millis(20);

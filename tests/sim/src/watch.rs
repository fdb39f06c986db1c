//! What must hold at each moment, after a crash, and at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use hooks::fact::{
    AgentStateChanged, CallEnded, CallbackRequested, EndCause, EndedBy, Event, Fact, LegEnded, RegistrationBound,
};
use hooks::id::LegId;
use media::{EndpointId, Source};
use switch::checkpoint::{CallCheckpoint, Checkpointed};
use switch::input::Input;

use crate::ears::Ears;
use crate::phone::{Dialog, Hold, Phone, Stage};
use crate::records::{Leg, Record};
use crate::world::{World, boot, tenant_id};

impl World {
    /// Two phones that have talked for a while hear each other and nobody else, or music where the other holds.
    pub(crate) fn listen(&mut self) -> Result<(), String> {
        match self.centre {
            None => self.hear()?,
            Some(_) => self.listen_in_queues()?,
        }
        // Legs that a killed process left open are nobody's any more, and their ports another call's.
        let open = || self.records.calls.values().filter(|record| record.ended.is_none());
        open().try_for_each(|record| self.check_gone(record))?;
        open().try_for_each(|record| self.check_notified(record))?;
        self.check_parted()?;
        self.check_told()
    }

    /// Who hears whom, where all that it depends on has been settled for a while.
    pub(crate) fn hear(&mut self) -> Result<(), String> {
        let mut listened = 0;
        for (call, record) in self.records.calls.iter().filter(|(_, it)| it.ended.is_none() && it.answered) {
            if record.handing_on.is_some() {
                listened += u64::from(self.listen_waiting(record)?);
                continue;
            }
            if self.rooms.is_visit(*call) {
                continue;
            }
            let talking: Vec<&str> = record.talking().map(|(_, leg)| leg.sip_call_id.as_str()).collect();
            let served = talking.contains(&"");
            let mut parties = Vec::new();
            for call_id in talking {
                parties.extend(self.party(call_id)?);
            }
            match parties[..] {
                [one] if served && record.takes_message() => self.expect_nobody(one)?,
                [one] if served => self.expect(one, &[one.voice()])?,
                [one, other] => self.hear_each_other(one, other)?,
                // Not both are settled; one may be gone.
                [] | [_] => continue,
                [..] => return Err(format!("more than two parties talk in one call: {record:?}")),
            }
            listened += 1;
        }
        for record in self.records.calls.values().filter(|record| record.ended.is_none() && !record.answered) {
            listened += u64::from(self.listen_early(record)?);
        }
        let in_rooms = self.listen_rooms()?;
        self.story.listened += listened + in_rooms;
        self.story.listened_in_rooms += in_rooms;
        Ok(())
    }

    /// Each hears the other, or music where that one holds.
    pub(crate) fn hear_each_other(&self, one: Party<'_>, other: Party<'_>) -> Result<(), String> {
        self.expect(one, &other.heard())?;
        self.expect(other, &one.heard())
    }

    /// Who has handed the other party on is hung up.
    fn check_gone(&self, record: &Record) -> Result<(), String> {
        for (leg, since) in &record.leaving {
            let Some(leg) = record.legs.get(leg).filter(|leg| leg.ended.is_none()) else { continue };
            if self.now.saturating_sub(*since) < self.stable {
                continue;
            }
            if let Some(party) = self.party(&leg.sip_call_id)?.filter(|party| !party.was_cut_off) {
                return Err(format!("{} handed on at {since:?}, and was not hung up: {record:?}", party.user));
            }
        }
        Ok(())
    }

    /// RFC 3515 §2.4.4: who asked for a transfer that failed was told so, and talks again.
    fn check_notified(&self, record: &Record) -> Result<(), String> {
        let Some((at, by)) = record.failed.filter(|(at, _)| self.now.saturating_sub(*at) >= self.stable) else {
            return Ok(());
        };
        let Some(by) = record.legs.get(&by).filter(|leg| leg.ended.is_none()) else { return Ok(()) };
        match self.party(&by.sip_call_id)? {
            Some(by) if by.dialog.waits_for_news() && !by.was_cut_off => {
                Err(format!("{} was not told that its transfer failed at {at:?}: {record:?}", by.user))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// While somebody is sought for a party, it hears music, ringback, or what the new party has to say; who hands it on hears
    /// nothing.
    fn listen_waiting(&self, record: &Record) -> Result<bool, String> {
        let by = record.handing_on.and_then(|by| record.legs.get(&by)).filter(|leg| leg.ended.is_none());
        if let Some(by) = by.map(|leg| self.party(&leg.sip_call_id)).transpose()?.flatten() {
            self.expect(by, &[])?;
        }
        let mut waiting = record.talking();
        let stays = match (waiting.next(), waiting.next()) {
            (Some((_, stays)), None) => stays,
            // It has hung up.
            (None, _) => return Ok(false),
            (Some(_), Some(_)) => return Err(format!("more than one party waits in {record:?}")),
        };
        let Some(stays) = self.party(&stays.sip_call_id)? else { return Ok(false) };
        let called = record.legs.values().filter(|leg| !leg.answered && leg.ended.is_none());
        // Who rang too long is called off, and the next one called: which of both it is, the records do not say yet.
        let newest = called.clone().map(|leg| leg.started_at).max();
        if called.clone().any(|leg| leg.ringing && Some(leg.started_at) < newest) {
            return Ok(false);
        }
        // Nor what is left of one that has refused, while the media side makes up its figures.
        let refused = |leg: &Leg| {
            let mut dialogs = self.phones.iter().filter_map(|phone| phone.dialogs.get(&leg.sip_call_id));
            dialogs.any(Dialog::is_over)
        };
        if called.clone().any(|leg| leg.ringing && refused(leg)) {
            return Ok(false);
        }
        let mut early = called.clone().filter(|leg| leg.early_media && leg.ringing);
        match (early.next(), early.next()) {
            (None, _) if called.clone().any(|leg| leg.ringing) => self.expect(stays, &[Ears::ringback()])?,
            (None, _) => self.expect(stays, &[Ears::hold_music()])?,
            (Some(new), None) => {
                let Some(new) = self.early_party(&new.sip_call_id) else { return Ok(false) };
                self.expect(stays, &[new.voice()])?;
                self.expect(new, &stays.heard())?;
            }
            (Some(_), Some(_)) => return Ok(false),
        }
        Ok(true)
    }

    /// The phone on an answered leg and its endpoint, once everything about it has stood still for a while.
    pub(crate) fn party(&self, call_id: &str) -> Result<Option<Party<'_>>, String> {
        let found = self.phones.iter().find_map(|phone| Some((phone, phone.dialogs.get(call_id)?)));
        let Some((phone, dialog)) = found else { return Ok(None) };
        let settled = self.now.saturating_sub(dialog.since.max(phone.reachable_at)) >= self.stable;
        let asks = match dialog.hold {
            Hold::None | Hold::Holding => false,
            Hold::Asked | Hold::Retrieving => true,
        };
        if phone.gone || !dialog.is_up() || !settled || asks {
            return Ok(None);
        }
        let told = dialog.remote.as_ref().ok_or_else(|| format!("{} was never told where to speak", phone.user))?;
        // The switch has just hung up: its BYE is on its way.
        let Some(endpoint) = self.ears.endpoint_at(told.port) else { return Ok(None) };
        let agreed = self.ears.endpoint(endpoint).and_then(|open| open.agreement.as_ref()?.remote_rtp);
        let own = format!("{}:{}", phone.host(), dialog.port);
        if agreed.map(|address| address.to_string()).as_deref() != Some(own.as_str()) {
            return Err(format!("{} listens at {own}, but its voice is sent to {agreed:?}", phone.user));
        }
        Ok(Some(Party { user: &phone.user, dialog, endpoint, was_cut_off: phone.was_cut_off }))
    }

    /// CALL-31: before the answer the caller hears the one phone that has something to hear, and is heard by it.
    fn listen_early(&self, record: &Record) -> Result<bool, String> {
        let mut early = record.legs.values().filter(|leg| !leg.caller_side && leg.early_media && leg.ended.is_none());
        let (Some(called), None) = (early.next(), early.next()) else { return Ok(false) };
        let caller = record.legs.values().find(|leg| leg.caller_side && leg.ended.is_none());
        let Some(caller) = caller.and_then(|leg| self.early_party(&leg.sip_call_id)) else { return Ok(false) };
        let Some(called) = self.early_party(&called.sip_call_id) else { return Ok(false) };
        self.expect(caller, &[called.voice()])?;
        self.expect(called, &[caller.voice()])?;
        Ok(true)
    }

    /// A phone that hears something before the answer, and its endpoint.
    fn early_party(&self, call_id: &str) -> Option<Party<'_>> {
        let (phone, dialog) = self.phones.iter().find_map(|phone| Some((phone, phone.dialogs.get(call_id)?)))?;
        let waits = matches!(dialog.stage, Stage::Calling { giving_up: false, .. } | Stage::Ringing(_));
        let settled = self.now.saturating_sub(dialog.since.max(phone.reachable_at)) >= self.stable;
        let own = format!("{}:{}", phone.host(), dialog.port).parse().ok()?;
        let endpoint = self.ears.speaks_to(own)?;
        (waits && settled && dialog.early && !phone.gone).then_some(Party {
            user: &phone.user,
            dialog,
            endpoint,
            was_cut_off: phone.was_cut_off,
        })
    }

    /// A leg that is over was ended by BYE: its far end does not have to find out by silence.
    fn check_parted(&self) -> Result<(), String> {
        for call_id in self.dialogs.going_on() {
            // After a crash a repeated INVITE begins a second record.
            let mut legs = self.records.legs_of(call_id).peekable();
            if legs.peek().is_some() && legs.all(|leg| leg.ended.is_some()) {
                return Err(format!("the leg of {call_id} is over, and neither side said BYE"));
            }
        }
        Ok(())
    }

    /// A phone does not go on ringing for nobody or talking to nobody: the end of its leg reached it.
    fn check_told(&self) -> Result<(), String> {
        for phone in self.phones.iter().filter(|phone| !phone.gone) {
            for dialog in
                phone.dialogs.values().filter(|dialog| dialog.is_up() || matches!(dialog.stage, Stage::Ringing(_)))
            {
                // Who was asked before a transfer moves from one call to another.
                let mut legs = self.records.legs_of(&dialog.call_id);
                let last = legs.clone().max_by_key(|leg| leg.ended_at);
                let Some(leg) = last.filter(|_| legs.all(|leg| leg.ended.is_some())) else { continue };
                // Nobody can say anything to a phone that rings on a broken connection, nor cancel an INVITE whose 180 is lost.
                if phone.was_cut_off && !dialog.is_up() {
                    continue;
                }
                // Nobody can say anything to a phone that cannot be reached.
                // If that took long, every repetition of the news is spent, and it finds out when it hangs up (481).
                if phone.parted_at <= leg.ended_at + TOLD && leg.ended_at <= phone.reachable_at {
                    continue;
                }
                // A BYE that was on its way when its connection broke is lost, and is not repeated.
                if phone.cuts.iter().any(|cut| *cut + CUT >= leg.ended_at && *cut <= leg.ended_at + CUT) {
                    continue;
                }
                // What it answers too late is ended once it has done so.
                let known = leg.ended_at.max(dialog.since);
                if self.now.saturating_sub(known) > TOLD && leg.ended_at > self.booted {
                    return Err(format!("{} talks or rings on {}, which is over: {leg:?}", phone.user, dialog.call_id));
                }
            }
        }
        Ok(())
    }

    fn expect(&self, party: Party<'_>, wanted: &[Source]) -> Result<(), String> {
        let heard = self.ears.heard_by(party.endpoint);
        if heard == wanted {
            return Ok(());
        }
        Err(format!("{} ({}) should hear {wanted:?} and hears {heard:?}", party.user, party.dialog.call_id))
    }

    /// Who leaves a message hears what is said to him, and no person.
    fn expect_nobody(&self, party: Party<'_>) -> Result<(), String> {
        let heard = self.ears.heard_by(party.endpoint);
        match heard.iter().all(|source| matches!(source, Source::Player(_))) {
            true => Ok(()),
            false => Err(format!("{} leaves a message and hears {heard:?}", party.user)),
        }
    }

    /// `kill -9` and a new start: what the journal holds is all there is.
    pub(crate) fn crash(&mut self) -> Result<(), String> {
        self.story.crashes += 1;
        self.crashed_at.push(self.now);
        self.ladder.push(format!("{:>10.3} ---- killed and started again ----", self.now.as_secs_f64()));
        self.net.drop_for_switch();
        self.reset_all();
        self.silent.clear();
        self.wire.forget();
        self.reports.clear();
        self.keys.clear();
        self.ears = Ears::new();
        let now = self.time();
        self.switch = boot(&self.node, &mut self.rng, now);
        self.booted = self.now;
        self.admission = switch::input::Admission::Open;
        self.shown.clear();
        self.seen_bindings.clear();
        let at_ms = self.time().unix_ms;
        let agents = self.centre.as_mut().map_or_else(Vec::new, |centre| centre.crashed(self.now, at_ms));
        let callbacks = self.centre.as_mut().map_or_else(Vec::new, |centre| centre.callbacks());
        let kept = std::mem::take(&mut self.checkpoints);
        // Now and then nobody could read them: all calls are closed.
        let kept = if self.rng.chance(200) { BTreeMap::new() } else { kept };
        let going_on = self.records.sip_call_ids(kept.values().flat_map(CallCheckpoint::legs));
        self.dialogs.taken_over(|call_id| going_on.contains(call_id));
        for event in self.rooms.crashed(self.now, |call| kept.contains_key(&call)) {
            self.write(Fact { tenant: tenant_id(), at_ms, event })?;
        }
        self.healthy.clear();
        kept.values().for_each(|checkpoint| self.expect_to_go_on(checkpoint));
        for call in self.records.open_calls() {
            if let Some(checkpoint) = kept.get(&call) {
                self.close_other_legs(checkpoint, at_ms)?;
                continue;
            }
            let ended = CallEnded { call, cause: EndCause::Interrupted, by: EndedBy::System, sip_status: 0 };
            self.write(Fact { tenant: tenant_id(), at_ms, event: Event::CallEnded(ended) })?;
        }
        self.records.close_recordings();
        self.tell(Input::Tenant(std::sync::Arc::clone(&self.tenant)))?;
        for binding in self.bindings() {
            self.tell(Input::Restore { tenant: tenant_id(), binding })?;
        }
        self.restore_agents(agents)?;
        for (call, checkpoint) in kept {
            if self.records.calls.get(&call).is_none_or(|record| record.ended.is_some()) {
                return Err(format!("{call} is over, and still kept"));
            }
            self.tell(Input::Resume { checkpoint: Box::new(checkpoint), interrupted_at_ms: at_ms })?;
        }
        self.restore_callbacks(callbacks)
    }

    /// AGT-15: the agents are as the journal has them.
    fn restore_agents(&mut self, agents: Vec<(AgentStateChanged, u64)>) -> Result<(), String> {
        for (fact, since_ms) in agents {
            self.tell(Input::RestoreAgent { tenant: tenant_id(), fact: Box::new(fact), since_ms })?;
        }
        if let Some(centre) = &mut self.centre {
            centre.restored(self.now);
        }
        Ok(())
    }

    /// Those who are to be called back stand in line again, once it is known which calls may go on: whoever has one is not idle.
    fn restore_callbacks(&mut self, callbacks: Vec<(CallbackRequested, u64, u8)>) -> Result<(), String> {
        let (now, now_ms) = (self.now, self.time().unix_ms);
        for (asked, asked_ms, attempts) in callbacks {
            if let Some(centre) = &mut self.centre {
                centre.callback_restored(now, now_ms, asked.call);
            }
            let (tenant, asked) = (tenant_id(), Box::new(asked));
            self.tell(Input::RestoreCallback { tenant, asked, asked_ms, attempts })?;
        }
        Ok(())
    }

    /// Of a call that may go on, its two parties alone do.
    fn close_other_legs(&mut self, checkpoint: &CallCheckpoint, at_ms: u64) -> Result<(), String> {
        let call = checkpoint.call;
        let legs = &self.records.calls[&call].legs;
        let open: Vec<LegId> = legs.iter().filter(|(_, leg)| leg.ended.is_none()).map(|(id, _)| *id).collect();
        for leg in open.into_iter().filter(|leg| !checkpoint.legs().contains(leg)) {
            let ended =
                LegEnded { call, leg, cause: EndCause::Interrupted, sip_status: 0, reason: None, quality: None };
            self.write(Fact { tenant: tenant_id(), at_ms, event: Event::LegEnded(ended) })?;
        }
        Ok(())
    }

    /// A checkpoint is of a call that is open, and gone when it is not.
    pub(crate) fn keep(&mut self, said: Checkpointed) -> Result<(), String> {
        match said {
            Checkpointed::Kept(checkpoint) => {
                let call = checkpoint.call;
                if self.records.calls.get(&call).is_none_or(|record| record.ended.is_some() || !record.answered) {
                    return Err(format!("{call} is kept, and nobody talks in it"));
                }
                self.checkpoints.insert(call, CallCheckpoint::clone(&checkpoint));
            }
            Checkpointed::Gone(_, call) => {
                self.checkpoints.remove(&call).ok_or_else(|| format!("{call} was not kept, and is no more"))?;
            }
        }
        Ok(())
    }

    /// The bindings that the facts leave.
    fn bindings(&self) -> Vec<RegistrationBound> {
        let mut bound: Vec<RegistrationBound> = Vec::new();
        for fact in &self.journal {
            match &fact.event {
                Event::RegistrationBound(new) => {
                    bound.retain(|old| (&old.extension, &old.contact) != (&new.extension, &new.contact));
                    bound.push(new.clone());
                }
                Event::RegistrationUnbound(gone) => {
                    bound.retain(|old| (&old.extension, &old.contact) != (&gone.extension, &gone.contact));
                }
                _ => {}
            }
        }
        bound
    }

    /// All calls are over: nothing may be left, and the records must agree with what the phones lived through.
    pub(crate) fn at_rest(&mut self) -> Result<(), String> {
        let calls = self.records.calls.values();
        self.story.calls = calls.len();
        self.story.answered = calls.filter(|record| record.answered).count();
        let calls = self.records.calls.values();
        self.story.resumed = calls.clone().filter(|record| record.resumed > 0).count();
        self.story.transferred = calls.map(|record| record.leaving.len()).sum();
        self.story.joined = self.rooms.joined;
        self.story.rejoined = self.rooms.resumed;
        self.story.sent_away = self.rooms.sent_away;
        self.story.mutes = self.rooms.mutes;
        self.story.locks = self.rooms.locks;
        let conferences = self.rooms.left_over();
        if !conferences.is_empty() {
            return Err(format!("conferences go on or are shown: {conferences:?}"));
        }
        self.story.taken_over = self.phones.iter().map(Phone::places_taken).sum();
        if !self.checkpoints.is_empty() {
            return Err(format!("still kept, and everything is over: {:?}", self.checkpoints.keys()));
        }
        if let Some(call_id) = self.wire.unanswered() {
            return Err(format!("no final response to {call_id}"));
        }
        if let Some(call_id) = self.dialogs.unended() {
            return Err(format!("no BYE ended {call_id}"));
        }
        let unfinished = self.records.unfinished();
        if !unfinished.is_empty() {
            return Err(format!("unfinished in the journal: {}", unfinished.join(", ")));
        }
        let lasting = self.story.crashes > 0 && self.story.clock_jumps > 0;
        if !self.shown.is_empty() || !(self.seen_bindings.is_empty() || lasting) {
            return Err(format!("still shown: calls {:?}, bindings {:?}", self.shown, self.seen_bindings));
        }
        // A binding over a connection ends with its process, and nobody is left to write that down.
        let mut bound = self.bindings();
        bound.retain(|binding| self.story.crashes == 0 || !binding.contact.contains("transport=tcp"));
        // A new process knows of a binding's end by the wall clock alone: what is left when that was set back lasts longer, and
        // what has ended when it was set forward is dropped without a word.
        bound.retain(|_| self.story.crashes == 0 || self.story.clock_jumps == 0);
        if !bound.is_empty() {
            return Err(format!("still bound by what is written down: {bound:?}"));
        }
        if self.ears.left_over() > 0 {
            return Err(format!("{} endpoints or recordings left open", self.ears.left_over()));
        }
        if !self.switch.is_quiescent() {
            return Err(format!("the switch still holds something: {:?}", self.switch.sizes()));
        }
        if let Some(centre) = &self.centre {
            centre.left_over()?;
        }
        self.compare_offers()?;
        self.compare_logs()
    }
}

/// A phone that talks, and its endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Party<'a> {
    pub(crate) user: &'a str,
    pub(crate) dialog: &'a Dialog,
    pub(crate) endpoint: u64,
    was_cut_off: bool,
}

impl Party<'_> {
    pub(crate) fn voice(self) -> Source {
        Source::Endpoint(EndpointId(self.endpoint))
    }

    /// What the other party hears.
    fn heard(self) -> [Source; 1] {
        if self.dialog.hold == Hold::Holding { [Ears::hold_music()] } else { [self.voice()] }
    }
}

/// How long the news of the end may take: every repetition of a BYE.
const TOLD: Duration = Duration::from_secs(34);
/// How far the moment in which a BYE was lost may be from the one in which its leg was written down as ended.
const CUT: Duration = Duration::from_secs(7);

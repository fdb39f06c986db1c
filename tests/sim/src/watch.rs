//! What must hold at each moment, after a crash, and at the end.

use std::time::Duration;

use hooks::fact::{CallEnded, EndCause, EndedBy, Event, Fact, RegistrationBound};
use media::{EndpointId, Source};
use switch::input::Input;

use crate::ears::Ears;
use crate::phone::{Dialog, Hold, Lived, Role};
use crate::world::{World, boot, tenant_id};

/// How long a state must have stood still before it is judged: every message of its change has had time to be repeated.
const STABLE: Duration = Duration::from_secs(9);

impl World {
    /// Two phones that have talked for a while hear each other and nobody else, or music where the other holds.
    pub(crate) fn listen(&mut self) -> Result<(), String> {
        let mut listened = 0;
        for record in self.records.calls.values().filter(|record| record.ended.is_none() && record.answered) {
            let talking: Vec<&str> = record
                .legs
                .values()
                .filter(|leg| leg.answered && leg.ended.is_none())
                .map(|leg| leg.sip_call_id.as_str())
                .collect();
            let mut parties = Vec::new();
            for call_id in talking {
                parties.extend(self.party(call_id)?);
            }
            match parties[..] {
                [one] if one.dialog.dialled == ECHO => self.expect(one, &[one.voice()])?,
                [one, other] => {
                    self.expect(one, &other.heard())?;
                    self.expect(other, &one.heard())?;
                }
                // Not both are settled; one may be gone.
                [] | [_] => continue,
                [..] => return Err(format!("more than two parties talk in one call: {record:?}")),
            }
            listened += 1;
        }
        self.story.listened += listened;
        Ok(())
    }

    /// The phone on an answered leg and its endpoint, once everything about it has stood still for a while.
    fn party(&self, call_id: &str) -> Result<Option<Party<'_>>, String> {
        let found = self.phones.iter().find_map(|phone| Some((phone, phone.dialogs.get(call_id)?)));
        let Some((phone, dialog)) = found else { return Ok(None) };
        let settled = self.now.saturating_sub(dialog.since) >= STABLE;
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
        Ok(Some(Party { user: &phone.user, dialog, endpoint }))
    }

    fn expect(&self, party: Party<'_>, wanted: &[Source]) -> Result<(), String> {
        let heard = self.ears.heard_by(party.endpoint);
        if heard == wanted {
            return Ok(());
        }
        Err(format!("{} ({}) should hear {wanted:?} and hears {heard:?}", party.user, party.dialog.call_id))
    }

    /// `kill -9` and a new start: what the journal holds is all there is.
    pub(crate) fn crash(&mut self) -> Result<(), String> {
        self.story.crashes += 1;
        self.ladder.push(format!("{:>10.3} ---- killed and started again ----", self.now.as_secs_f64()));
        self.net.drop_for_switch();
        self.wire.forget_unanswered();
        self.reports.clear();
        self.ears = Ears::new();
        self.switch = boot(&mut self.rng, self.now);
        self.booted = self.now;
        let at_ms = self.time().unix_ms;
        for call in self.records.open_calls() {
            let ended = CallEnded { call, cause: EndCause::Interrupted, by: EndedBy::System, sip_status: 0 };
            self.write(Fact { tenant: tenant_id(), at_ms, event: Event::CallEnded(ended) })?;
        }
        self.records.close_recordings();
        self.tell(Input::Tenant(std::sync::Arc::clone(&self.tenant)))?;
        for binding in self.bindings() {
            self.tell(Input::Restore { tenant: tenant_id(), binding })?;
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
        if let Some(unanswered) = self.wire.unanswered().first() {
            return Err(format!("no final response to {unanswered}"));
        }
        let unfinished = self.records.unfinished();
        if !unfinished.is_empty() {
            return Err(format!("unfinished in the journal: {}", unfinished.join(", ")));
        }
        if self.ears.left_over() > 0 {
            return Err(format!("{} endpoints or recordings left open", self.ears.left_over()));
        }
        if !self.switch.is_quiescent() {
            return Err(format!("the switch still holds something: {:?}", self.switch.sizes()));
        }
        self.compare_logs()
    }

    /// Each call a phone talked on has one record that says so, and only one.
    fn compare_logs(&self) -> Result<(), String> {
        for phone in &self.phones {
            for note in phone.log.iter().filter(|note| note.lived == Lived::Talked) {
                let records: Vec<_> =
                    self.records.calls.values().filter(|record| record.leg_of(&note.call_id).is_some()).collect();
                let [record] = records[..] else {
                    return Err(format!("{} talked on {}: {} records", phone.user, note.call_id, records.len()));
                };
                let caller = phone.dialogs.get(&note.call_id).is_some_and(|dialog| dialog.role == Role::Caller);
                if caller && !record.answered {
                    return Err(format!("{} talked on {}, its record says unanswered", phone.user, note.call_id));
                }
            }
        }
        Ok(())
    }
}

/// A phone that talks, and its endpoint.
#[derive(Clone, Copy)]
struct Party<'a> {
    user: &'a str,
    dialog: &'a Dialog,
    endpoint: u64,
}

impl Party<'_> {
    fn voice(self) -> Source {
        Source::Endpoint(EndpointId(self.endpoint))
    }

    /// What the other party hears.
    fn heard(self) -> [Source; 1] {
        if self.dialog.hold == Hold::Holding { [Ears::hold_music()] } else { [self.voice()] }
    }
}

/// The number of the echo test.
const ECHO: &str = "*43";

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
    /// Two phones that have talked for a while and hold nobody hear each other and nobody else.
    pub(crate) fn listen(&mut self) -> Result<(), String> {
        let mut listened = 0;
        for phone in &self.phones {
            for dialog in phone.dialogs.values().filter(|dialog| !phone.gone && dialog.is_up()) {
                if self.now.saturating_sub(dialog.since) < STABLE || self.now.saturating_sub(self.booted) < STABLE {
                    continue;
                }
                listened += 1;
                self.judge(&phone.user, dialog)?;
            }
        }
        self.story.listened += listened;
        Ok(())
    }

    fn judge(&self, user: &str, dialog: &Dialog) -> Result<(), String> {
        let Some(audio) = &dialog.remote else { return Ok(()) };
        let Some(endpoint) = self.ears.endpoint_at(audio.port) else {
            // The switch may have hung up and its BYE may be on its way, or lost for good with the phone's answer.
            return Ok(());
        };
        let heard = self.ears.heard_by(endpoint);
        if dialog.dialled == "*43" {
            return expect(user, "itself", &heard, &[Source::Endpoint(EndpointId(endpoint))]);
        }
        if dialog.hold == Hold::Holding {
            return if heard.is_empty() || heard.len() == 1 { Ok(()) } else { Err(format!("{user} hears {heard:?}")) };
        }
        let [Source::Endpoint(other)] = heard[..] else {
            // Held by the other: music, and nothing else.
            return expect(user, "hold music", &heard, &[Ears::hold_music()]);
        };
        let hears_back = self.ears.heard_by(other.0);
        let mutual = hears_back == [Source::Endpoint(EndpointId(endpoint))];
        let other_holds = hears_back == [Ears::hold_music()] || hears_back.is_empty();
        if other.0 == endpoint || !(mutual || other_holds) {
            return Err(format!("{user} (endpoint {endpoint}) hears {other:?}, which hears {hears_back:?}"));
        }
        Ok(())
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
                let service = phone.dialogs.get(&note.call_id).is_some_and(|dialog| dialog.dialled == "*43");
                let records: Vec<_> = self
                    .records
                    .calls
                    .values()
                    .filter(|record| record.sip_call_ids.iter().any(|id| *id == note.call_id))
                    .collect();
                let [record] = records[..] else {
                    return Err(format!("{} talked on {}: {} records", phone.user, note.call_id, records.len()));
                };
                let caller = phone.dialogs.get(&note.call_id).is_some_and(|dialog| dialog.role == Role::Caller);
                if caller && !service && !record.answered {
                    return Err(format!("{} talked on {}, its record says unanswered", phone.user, note.call_id));
                }
            }
        }
        Ok(())
    }
}

fn expect(user: &str, what: &str, heard: &[Source], wanted: &[Source]) -> Result<(), String> {
    if heard == wanted { Ok(()) } else { Err(format!("{user} should hear {what} and hears {heard:?}")) }
}

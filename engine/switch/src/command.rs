//! What the shell tells the switch: settings, commands, media, the end.

use std::sync::Arc;

use dialplan::number::{Dialled, ExtensionNumber};
use hooks::fact::{
    CallSource, EndCause, EndedBy, Event, PeerKind, RecordingFailed, RecordingReady, VoicemailUsed, Way,
};
use hooks::id::{CallId, LegId, RecordingId, TenantId};
use sip::flow::Flow;
use sip::message::StatusCode;

use crate::call::{About, Call, End, PickUpBy, Recording, Route, close_interrupted};
use crate::checkpoint::CallCheckpoint;
use crate::config::{Extension, TenantConfig};
use crate::desk::{LegRef, Refusal, TimerKey};
use crate::identity::Identity;
use crate::incoming::{HOPS, routed};
use crate::input::{Admission, CallOrder, Command, CommandId, Party, Picker, RecordAction, VoicemailUse};
use crate::media::{MediaEvent, RecordingOutcome};
use crate::output::{Done, Output, Refused};
use crate::passes::{Full, Pass};
use crate::players::Audience;
use crate::presence::Reason;
use crate::registrar::Aor;
use crate::switch::Switch;
use crate::target;
use crate::trunk;
use crate::view::View;

impl Switch {
    /// New or changed settings of a tenant. Phones of extensions that are gone, disabled, or have another password lose their
    /// bindings.
    pub(crate) fn configure(&mut self, config: Arc<TenantConfig>) {
        let old = self.tenants.set(config.clone());
        trunk::table::configure(&mut self.desk, &config);
        self.desk.set_floor(&config);
        let Some(old) = old else { return };
        let is_there = |extension: &ExtensionNumber| config.extensions.get(extension).is_some_and(|own| own.enabled);
        let stays = |extension: &ExtensionNumber| {
            let (before, after) = (old.extensions.get(extension), config.extensions.get(extension));
            is_there(extension) && matches!((before, after), (Some(before), Some(after)) if same_secret(before, after))
        };
        let is_place = |number: &ExtensionNumber| config.plan.is_slot(number);
        let is_queue = |number: &ExtensionNumber| config.plan.queue_at(number).is_some();
        let floor = &self.desk.floor;
        let may_watch = |by: &ExtensionNumber, watched: &ExtensionNumber| {
            stays(by) && config.plan.queue_at(watched).is_none_or(|queue| floor.is_members(&config, by, queue))
        };
        self.desk.presence.revise(
            &config.tenant,
            |number| is_there(number) || is_place(number) || is_queue(number),
            may_watch,
            |mailbox| config.has_box(mailbox),
        );
        for aor in self.desk.registrar.extensions_of(&config.tenant) {
            let ways = config.extensions.get(&aor.extension).filter(|_| stays(&aor.extension)).map(|own| own.ways);
            let may_stay = |flow: &Flow| ways.is_some_and(|ways| ways.allow_by(flow.transport));
            for change in self.desk.registrar.drop_changed(&aor, may_stay) {
                self.registration_changed(change);
            }
        }
    }

    /// Does what somebody asked for, and answers.
    pub(crate) fn command(&mut self, id: CommandId, tenant: &TenantId, command: Command) {
        let result = match command {
            Command::Originate { from, to } => self.originate(tenant, &from, &to).map(Done::Call),
            Command::Hangup(call) => self.hang_up(tenant, call).map(|()| Done::Ok),
            Command::SendDigits { call, leg, digits } => {
                self.send_digits(tenant, call, leg, &digits).map(|()| Done::Ok)
            }
            Command::Conference(room, order) => self.confer(tenant, &room, order).map(|()| Done::Ok),
            Command::Record { call, action, by } => self.record(tenant, call, action, &by).map(|()| Done::Ok),
            Command::Call { call, party, order } => self.order_call(tenant, call, party.as_ref(), &order),
            Command::PickUp { call, by } => self.order_pick_up(tenant, call, &by).map(|()| Done::Ok),
            Command::Agent { agent, order, by } => self.order_agent(tenant, &agent, &order, by).map(|()| Done::Ok),
            Command::Supervise(order) => self.supervise(tenant, &order).map(|()| Done::Ok),
            Command::Voicemail { voicemail, call, what, by } => {
                let used = VoicemailUsed { voicemail, call, by };
                self.desk.fact(tenant, used_so(what, used));
                Ok(Done::Ok)
            }
            Command::CancelCallback { queue, callback, by } => {
                self.cancel_callback(tenant, &queue, callback, by).map(|()| Done::Ok)
            }
            Command::LiftBan(source) => {
                if self.doorman.bans.lift(source, self.desk.now) {
                    self.desk.publish(View::BanGone(source.to_canonical()));
                    Ok(Done::Ok)
                } else {
                    Err(Refused::NotBanned)
                }
            }
            Command::Admit(pass) => self.admit(tenant, *pass).map(|()| Done::Ok),
            Command::Revoke(session) => {
                for (tenant, pass) in self.doorman.passes.revoke(&session) {
                    self.pass_ended(tenant, &pass);
                }
                Ok(Done::Ok)
            }
            Command::Unbind(extension) => {
                let aor = Aor { tenant: tenant.clone(), extension };
                for change in self.desk.registrar.drop_all(&aor) {
                    self.registration_changed(change);
                }
                Ok(Done::Ok)
            }
            Command::TestTrunk(name) => match trunk::table::test(&mut self.desk, id, tenant, &name) {
                // It is answered when the trunk has answered.
                Ok(()) => return,
                Err(refused) => Err(refused),
            },
        };
        self.desk.outputs.push_back(Output::Reply { id, result });
    }

    fn admit(&mut self, tenant: &TenantId, pass: Pass) -> Result<(), Refused> {
        let ways = self
            .tenant(tenant)
            .and_then(|tenant| tenant.extensions.get(&pass.extension).filter(|own| own.enabled).map(|own| own.ways));
        if !ways.ok_or(Refused::NoSuchExtension)?.allow(Way::Web) {
            return Err(Refused::WayNotAllowed(Way::Web));
        }
        let replaced = self.doorman.passes.admit(tenant, pass).map_err(|Full| Refused::Full)?;
        if let Some((tenant, pass)) = replaced {
            self.pass_ended(tenant, &pass);
        }
        Ok(())
    }

    fn pass_ended(&mut self, tenant: TenantId, pass: &Pass) {
        let aor = Aor { tenant, extension: pass.extension.clone() };
        for change in self.desk.registrar.drop_pass(&aor, &pass.username) {
            self.registration_changed(change);
        }
    }

    fn originate(&mut self, tenant: &TenantId, from: &ExtensionNumber, to: &Dialled) -> Result<CallId, Refused> {
        let tenant = self.tenant(tenant).ok_or(Refused::NoSuchExtension)?;
        let extension = tenant.extensions.get(from).filter(|extension| extension.enabled);
        let extension = extension.ok_or(Refused::NoSuchExtension)?;
        let (route, direction, emergency) = routed(&tenant, to, self.desk.now.unix_ms);
        // A parked call is taken by its phone, or by `PickUp`.
        if matches!(route, Route::Nowhere | Route::Park(_)) {
            return Err(Refused::NoRoute);
        }
        if matches!(route, Route::Blocked(_)) {
            return Err(Refused::Blocked);
        }
        let by_mobile = self
            .desk
            .floor
            .on_extension(&tenant.tenant, from)
            .is_some_and(|agent| self.desk.floor.mobile_of(agent).is_some());
        if !by_mobile && target::phones(&self.desk, &tenant, extension).is_empty() {
            return Err(Refused::NotRegistered);
        }
        if !emergency {
            self.check_originated()?;
            if let Some(agent) = self.desk.floor.on_extension(&tenant.tenant, from) {
                self.desk.floor.may_begin(agent)?;
            }
        }
        let about = About {
            direction,
            source: CallSource::Api,
            caller: from.to_string(),
            caller_name: extension.display_name.clone(),
            callee: to.as_str().to_owned(),
            trunk: None,
            emergency,
            identity: Identity::default(),
            hops: HOPS,
        };
        let call = Call::originated(&mut self.desk, &tenant, about, extension, route);
        let id = call.id;
        self.keep(call);
        Ok(id)
    }

    fn check_originated(&mut self) -> Result<(), Refused> {
        let admitted = self.check_admission().is_ok();
        match (admitted, self.admission) {
            (true, _) => Ok(()),
            (false, Admission::Open) => Err(Refused::Full),
            (false, Admission::DiskLow | Admission::JournalFailed | Admission::Draining) => Err(Refused::NotAdmitted),
        }
    }

    fn hang_up(&mut self, tenant: &TenantId, call: CallId) -> Result<(), Refused> {
        let found = self.calls.get(&call).filter(|found| found.tenant.tenant == *tenant && found.is_live());
        found.ok_or(Refused::NoSuchCall)?;
        self.with_call(call, |call, desk| call.end(desk, &commanded(StatusCode::TEMPORARILY_UNAVAILABLE.into())));
        Ok(())
    }

    /// Does what is ordered for a party of a call.
    fn order_call(
        &mut self,
        tenant: &TenantId,
        call: CallId,
        party: Option<&Party>,
        order: &CallOrder,
    ) -> Result<Done, Refused> {
        let found = self.calls.get(&call).filter(|found| found.tenant.tenant == *tenant && found.is_live());
        let found = found.ok_or(Refused::NoSuchCall)?;
        let leg = match party {
            Some(Party::Leg(id)) => found.leg_of(|leg| leg.id == *id),
            Some(Party::Extension(number)) => {
                found.leg_of(|leg| leg.peer.kind == PeerKind::Extension && leg.peer.name == number.as_str())
            }
            Some(Party::Agent(number)) => {
                let agent = self.desk.floor.agent(tenant, number).ok_or(Refused::NoSuchAgent)?;
                found.leg_of(|leg| leg.agent == Some(agent))
            }
            None => found.only_extension(),
        };
        let leg = leg.ok_or(Refused::WhichParty)?;
        let mut done = Ok(());
        let mut slot = None;
        self.with_call(call, |call, desk| {
            done = call.ordered(desk, leg, order);
            slot = call.parking_slot();
        });
        done?;
        Ok(slot.filter(|_| *order == CallOrder::Park).map_or(Done::Ok, Done::Parked))
    }

    /// Rings somebody for a call that rings elsewhere, or is parked.
    fn order_pick_up(&mut self, tenant: &TenantId, call: CallId, by: &Picker) -> Result<(), Refused> {
        let found = self.calls.get(&call).filter(|found| found.tenant.tenant == *tenant && found.is_live());
        found.ok_or(Refused::NoSuchCall)?;
        let who = match by {
            Picker::Agent(number) => {
                let agent = self.desk.floor.agent(tenant, number).ok_or(Refused::NoSuchAgent)?;
                PickUpBy { agent: Some(agent), extension: None }
            }
            Picker::Extension(number) => PickUpBy { agent: None, extension: Some(number.clone()) },
        };
        let mut done = Ok(());
        self.with_call(call, |call, desk| done = call.pick_up_by(desk, &who));
        done
    }

    fn record(&mut self, tenant: &TenantId, call: CallId, action: RecordAction, by: &str) -> Result<(), Refused> {
        let found = self.calls.get(&call).filter(|found| found.tenant.tenant == *tenant && found.is_live());
        found.ok_or(Refused::NoSuchCall)?;
        let mut result = Err(Refused::NoSuchCall);
        self.with_call(call, |call, desk| result = call.record_as_ordered(desk, action, by));
        result
    }

    fn send_digits(
        &mut self,
        tenant: &TenantId,
        call: CallId,
        leg: Option<LegId>,
        digits: &str,
    ) -> Result<(), Refused> {
        let found = self.calls.get(&call).filter(|found| found.tenant.tenant == *tenant && found.is_live());
        found.ok_or(Refused::NoSuchCall)?;
        let mut done = Ok(());
        self.with_call(call, |call, desk| done = call.send_digits(desk, leg, digits));
        done
    }

    /// Picks up a call of a process that was killed, or writes down that it is over.
    pub(crate) fn resume(&mut self, checkpoint: &CallCheckpoint, interrupted_at_ms: u64) {
        let at_ms = interrupted_at_ms.min(self.desk.now.unix_ms);
        let tenant = self.tenant(&checkpoint.tenant).filter(|_| !self.calls.contains_key(&checkpoint.call));
        match tenant.and_then(|tenant| Call::resumed(&mut self.desk, tenant, checkpoint, at_ms)) {
            Some(call) => self.keep(call),
            None if checkpoint.conference().is_some() => self.desk.member_unresumed(checkpoint, at_ms),
            None => close_interrupted(&mut self.desk, checkpoint, at_ms),
        }
    }

    /// The process stops: every call ends, new ones are refused, carriers no longer send any.
    pub(crate) fn stop(&mut self) {
        self.admission = Admission::Draining;
        trunk::table::leave_all(&mut self.desk);
        self.desk.presence.end_all(Reason::Deactivated);
        self.desk.drop_callbacks();
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for call in calls {
            let stopped = End { cause: EndCause::Stopped, ..commanded(Refusal::busy_node()) };
            self.with_call(call, |call, desk| call.end(desk, &stopped));
        }
    }

    /// What the media side reports.
    pub(crate) fn media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::BindFailed(endpoint) => {
                self.desk.metrics.bind_failures += 1;
                if let Some(LegRef { call, leg }) = self.desk.ports.release(endpoint) {
                    self.with_call(call, |call, desk| call.bind_failed(desk, leg, endpoint));
                }
            }
            MediaEvent::Silent(endpoint) => {
                if let Some(LegRef { call, leg }) = self.desk.ports.owner(endpoint) {
                    self.with_call(call, |call, desk| call.silent(desk, leg));
                }
            }
            MediaEvent::BrowserGone { endpoint, reason } => {
                if let Some(LegRef { call, leg }) = self.desk.ports.owner(endpoint) {
                    self.with_call(call, |call, desk| call.browser_gone(desk, leg, reason));
                }
            }
            MediaEvent::Digit { endpoint, digit } => {
                if let Some(LegRef { call, leg }) = self.desk.ports.owner(endpoint) {
                    self.with_call(call, |call, desk| call.digit(desk, leg, digit));
                }
            }
            MediaEvent::Voice { endpoint, activity } => {
                if let Some(LegRef { call, leg }) = self.desk.ports.owner(endpoint) {
                    self.with_call(call, |call, desk| call.voice(desk, leg, activity));
                }
            }
            MediaEvent::Played(player) => match self.desk.players.remove(player) {
                Some(Audience::Call(call)) => self.with_call(call, |call, desk| call.played(desk, player)),
                Some(Audience::Conference(conference)) => self.desk.conferences.played(conference, player),
                None => {}
            },
            MediaEvent::Closed { endpoint, quality } => {
                if let Some(LegRef { call, leg }) = self.desk.ports.release(endpoint) {
                    self.with_call(call, |call, desk| call.endpoint_closed(desk, leg, endpoint, quality));
                }
            }
            MediaEvent::Recorded { recording, outcome } => self.recorded(recording, outcome),
        }
    }

    /// The media side did not say in time what became of a recording.
    pub(crate) fn recording_unreported(&mut self, id: RecordingId) {
        let reason = "the media side did not report the end of the recording".to_owned();
        self.recorded(id, RecordingOutcome::Failed { reason });
    }

    fn recorded(&mut self, id: RecordingId, outcome: RecordingOutcome) {
        let Some(recording) = self.desk.recordings.remove(&id) else { return };
        let Recording { tenant, call, path, report_until, .. } = recording;
        if let Some(until) = report_until {
            self.desk.timers.stop(until, TimerKey::Recording(id));
        }
        let is_ready = matches!(outcome, RecordingOutcome::Ready { .. });
        let event = match outcome {
            RecordingOutcome::Ready { bytes, duration_ms, sha256, partial } => {
                Event::RecordingReady(RecordingReady { recording: id, call, path, bytes, duration_ms, sha256, partial })
            }
            RecordingOutcome::Failed { reason } => {
                Event::RecordingFailed(RecordingFailed { recording: id, call, reason })
            }
        };
        self.desk.fact(&tenant, event);
        self.with_call(call, |call, desk| call.recording_ended(desk, id, is_ready));
        self.desk.conferences.recording_ended(id);
    }
}

fn used_so(what: VoicemailUse, used: VoicemailUsed) -> Event {
    match what {
        VoicemailUse::Listen => Event::VoicemailListened(used),
        VoicemailUse::Download => Event::VoicemailDownloaded(used),
        VoicemailUse::Delete => Event::VoicemailDeleted(used),
    }
}

fn commanded(refusal: Refusal) -> End {
    End { cause: EndCause::Command, by: EndedBy::System, refusal }
}

fn same_secret(before: &Extension, after: &Extension) -> bool {
    before.ha1_md5 == after.ha1_md5 && before.ha1_sha256 == after.ha1_sha256
}

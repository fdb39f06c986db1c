//! What a legal sequence of facts is: one record a call, each leg begun and ended once, nothing after the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hooks::fact::{
    CallEnded, CallSupervised, EndCause, EndedBy, Event, Fact, FlowStep, LegEnded, LegRinging, LegStarted, PeerKind,
    Supervision,
};
use hooks::id::{CallId, LegId, RecordingId};

/// How long after its end a leg's fact may be written: one that was interrupted waits for its far end, and then for its figures.
const LATE_MS: u64 = PROBATION_MS + 6_000;

/// How long the far ends of a call have to say that they are still there, after a crash.
const PROBATION_MS: u64 = 5_000;

/// A leg as its facts tell it.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The Call-ID of its dialog; empty on a service.
    pub sip_call_id: String,
    /// What it leads to: the extension's number, the trunk's name.
    pub peer_name: String,
    /// Its INVITE came to us, or the API rings it first.
    pub caller_side: bool,
    /// It answered.
    pub answered: bool,
    /// The far end has said that it rings, and is not called off.
    pub ringing: bool,
    /// The far end has sent media before the answer.
    pub early_media: bool,
    /// A supervisor listens, whispers or talks by it: it is no party.
    pub supervises: bool,
    /// Why it ended, and with what final status.
    pub ended: Option<(EndCause, u16)>,
    /// When it began, by the monotonic clock.
    pub started_at: Duration,
    /// When its end was written down, by the monotonic clock.
    pub ended_at: Duration,
}

impl Leg {
    /// It stands for the service that takes messages.
    #[must_use]
    pub fn is_box(&self) -> bool {
        self.peer_name.starts_with("extension:")
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Why.
    pub cause: EndCause,
    /// By whom.
    pub by: EndedBy,
    /// The final status the caller saw.
    pub status: u16,
}

/// A call as its facts tell it.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// An emergency number was dialled.
    pub emergency: bool,
    /// Its legs, those that ended too.
    pub legs: BTreeMap<LegId, Leg>,
    /// Two parties talked, or one and a service.
    pub answered: bool,
    /// How often it went on after its process was killed.
    pub resumed: usize,
    /// How often one of its parties was handed on, or was to be.
    pub transfers: usize,
    /// Who hands the other party on at the moment, or is called back because nobody takes it.
    pub handing_on: Option<LegId>,
    /// Its phones are rung because they hung up, and nobody takes the other party.
    called_back: bool,
    /// When a transfer failed last, and whose.
    pub failed: Option<(Duration, LegId)>,
    /// Who has handed the other party on, and goes; and since when.
    pub leaving: BTreeMap<LegId, Duration>,
    /// How it ended.
    pub ended: Option<End>,
}

impl Record {
    /// The leg of that dialog.
    #[must_use]
    pub fn leg_of(&self, call_id: &str) -> Option<&Leg> {
        self.legs.values().find(|leg| leg.sip_call_id == call_id)
    }

    /// The process died during the call.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.ended.is_some_and(|end| end.cause == EndCause::Interrupted)
    }

    /// Who of the party waits while somebody else is sought for it.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.handing_on.is_some()
    }

    /// The switch takes a message from its caller.
    #[must_use]
    pub fn takes_message(&self) -> bool {
        self.legs.values().any(|leg| leg.ended.is_none() && leg.is_box())
    }

    /// The legs on which somebody talks, or waits for somebody to talk with.
    pub fn talking(&self) -> impl Iterator<Item = (&LegId, &Leg)> {
        let goes = |leg: &LegId| self.leaving.contains_key(leg) || self.handing_on == Some(*leg);
        self.legs.iter().filter(move |(id, leg)| leg.answered && leg.ended.is_none() && !leg.supervises && !goes(id))
    }

    /// A leg that begins in the moment in which a transfer fails calls back who hung up during it.
    fn leg_started(&mut self, now: Duration) {
        if let Some((_, by)) = self.failed.filter(|(at, _)| *at == now) {
            (self.handing_on, self.called_back) = (Some(by), true);
        }
    }

    fn ended(&mut self, e: &CallEnded) -> Result<(), &'static str> {
        let open = self.legs.values().any(|leg| leg.ended.is_none());
        if open && e.cause != EndCause::Interrupted {
            return Err("a call ended before its legs");
        }
        self.ended = Some(End { cause: e.cause, by: e.by, status: e.sip_status });
        Ok(())
    }

    fn answered_by(&mut self, leg: LegId) -> Result<(), &'static str> {
        self.open(leg)?;
        if std::mem::replace(&mut self.answered, true) {
            return Err("a call answered twice");
        }
        Ok(())
    }

    fn leg_answered(&mut self, leg: LegId) -> Result<(), &'static str> {
        self.open(leg)?.answered = true;
        if std::mem::take(&mut self.called_back)
            && let Some(by) = self.handing_on.take()
        {
            self.open(leg)?.caller_side = self.legs[&by].caller_side;
        }
        Ok(())
    }

    fn hands_on(&mut self, by: LegId) -> Result<(), &'static str> {
        self.open(by)?;
        if !self.answered || self.handing_on.replace(by).is_some() {
            return Err("a transfer where nobody talks, or within another one");
        }
        self.transfers += 1;
        Ok(())
    }

    fn handed_on(&mut self, now: Duration, by: LegId, to: LegId) -> Result<(), &'static str> {
        if self.handing_on.take_if(|leg| *leg == by).is_none() || !self.open(to)?.answered {
            return Err("a transfer that never began, or to nobody");
        }
        self.leaving.insert(by, now);
        // The new party takes the seat.
        let seat = self.legs[&by].caller_side;
        self.open(to)?.caller_side = seat;
        Ok(())
    }

    /// Who answered last takes the seat of the service that had the party until then.
    fn served_no_more(&mut self, caller_side: bool) {
        let last = self.legs.values_mut().filter(|leg| leg.answered && leg.ended.is_none());
        if let Some(last) = last.max_by_key(|leg| leg.started_at).filter(|_| caller_side) {
            last.caller_side = true;
        }
    }

    fn not_handed_on(&mut self, now: Duration, by: LegId) -> Result<(), &'static str> {
        self.handing_on.take_if(|leg| *leg == by).ok_or("the end of a transfer that never began")?;
        self.failed = Some((now, by));
        // Who rang is cancelled, and will say so.
        self.legs.values_mut().for_each(|leg| leg.ringing &= leg.answered);
        Ok(())
    }

    fn leg_rings(&mut self, e: &LegRinging) -> Result<(), &'static str> {
        let leg = self.open(e.leg)?;
        (leg.ringing, leg.early_media) = (true, e.early_media);
        Ok(())
    }

    fn open(&mut self, leg: LegId) -> Result<&mut Leg, &'static str> {
        self.legs.get_mut(&leg).filter(|leg| leg.ended.is_none()).ok_or("a leg that is not open")
    }
}

/// All calls of a world.
#[derive(Debug, Default)]
pub struct Records {
    /// By call.
    pub calls: BTreeMap<CallId, Record>,
    /// The calls that each dialog was a leg of, by its Call-ID.
    of_dialogs: BTreeMap<String, Vec<CallId>>,
    recordings: BTreeMap<RecordingId, bool>,
    /// Messages of which it is said whether they are kept.
    decided: BTreeSet<RecordingId>,
    flows: BTreeMap<RecordingId, Flow>,
    last_ms: u64,
    now: Duration,
    /// By how much more a late fact may be late, because the wall clock jumped since.
    leapt_ms: u64,
}

/// Whether a recording takes in what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Running,
    Paused,
}

impl Records {
    /// The Call-IDs of the dialogs of these legs.
    #[must_use]
    pub fn sip_call_ids(&self, legs: impl Iterator<Item = LegId>) -> BTreeSet<String> {
        let wanted: BTreeSet<LegId> = legs.collect();
        let legs = self.calls.values().flat_map(|record| &record.legs);
        legs.filter(|(leg, _)| wanted.contains(*leg)).map(|(_, leg)| leg.sip_call_id.clone()).collect()
    }

    /// Takes in the next fact.
    ///
    /// # Errors
    /// It cannot stand after the ones before.
    pub fn apply(&mut self, now: Duration, fact: &Fact) -> Result<(), String> {
        self.now = now;
        // A leg's end waits for its media's figures, and is dated when it was.
        let waits = matches!(fact.event, Event::LegEnded(_) | Event::CallEnded(_));
        let late = if waits { LATE_MS + self.leapt_ms } else { 0 };
        if fact.at_ms + late < self.last_ms {
            return Err(format!("a fact before the one before it: {fact:?}"));
        }
        // One that is dated before the clock was set back says nothing of what comes after.
        if !waits || self.leapt_ms == 0 {
            self.last_ms = self.last_ms.max(fact.at_ms);
        }
        self.step(fact).map_err(|wrong| format!("{wrong}: {fact:?}"))
    }

    /// The wall clock jumped, forward or back: facts are dated by it, so their dates jump, too.
    pub fn clock_jumped(&mut self, by_ms: i64) {
        self.leapt_ms += by_ms.unsigned_abs();
        self.last_ms = self.last_ms.saturating_add_signed(by_ms.min(0));
    }

    /// The legs that a dialog was, one after the other.
    pub fn legs_of<'a>(&'a self, call_id: &'a str) -> impl Iterator<Item = &'a Leg> + Clone {
        let calls = self.of_dialogs.get(call_id).into_iter().flatten();
        calls.filter_map(|call| self.calls.get(call)).filter_map(move |record| record.leg_of(call_id))
    }

    /// The call that a dialog is a leg of.
    #[must_use]
    pub fn record_of(&self, call_id: &str) -> Option<&Record> {
        self.calls.get(self.of_dialogs.get(call_id)?.last()?)
    }

    /// What is over is not known any more.
    pub fn forget_ended(&mut self) {
        self.calls.retain(|_, record| record.ended.is_none());
        let calls = &self.calls;
        self.of_dialogs.retain(|_, of| of.iter().any(|call| calls.contains_key(call)));
    }

    /// What is unfinished at the end of the world.
    #[must_use]
    pub fn unfinished(&self) -> Vec<String> {
        let calls = self.calls.iter().filter(|(_, record)| record.ended.is_none()).map(|(id, _)| format!("call {id}"));
        let recordings = self.recordings.iter().filter(|(_, done)| !**done).map(|(id, _)| format!("recording {id}"));
        calls.chain(recordings).collect()
    }

    /// Calls that have not ended.
    #[must_use]
    pub fn open_calls(&self) -> Vec<CallId> {
        self.calls.iter().filter(|(_, record)| record.ended.is_none()).map(|(id, _)| *id).collect()
    }

    /// The process died: the repair at its start finishes every recording.
    pub fn close_recordings(&mut self) {
        self.recordings.values_mut().for_each(|done| *done = true);
    }

    fn step(&mut self, fact: &Fact) -> Result<(), &'static str> {
        let now = self.now;
        match &fact.event {
            Event::CallCreated(e) => {
                let record = Record { emergency: e.emergency, ..Record::default() };
                if self.calls.insert(e.call, record).is_some() {
                    return Err("a call created twice");
                }
            }
            Event::LegStarted(e) => self.leg_started(e)?,
            Event::LegRinging(e) => self.live(e.call)?.leg_rings(e)?,
            Event::LegAnswered(e) => self.live(e.call)?.leg_answered(e.leg)?,
            Event::CallHeld(e) | Event::CallRetrieved(e) => self.live(e.call)?.open(e.leg).map(|_| ())?,
            Event::CallAnswered(e) => self.live(e.call)?.answered_by(e.leg)?,
            Event::TransferStarted(e) => self.live(e.call)?.hands_on(e.leg)?,
            Event::Transferred(e) => self.live(e.call)?.handed_on(now, e.leg, e.to)?,
            Event::TransferFailed(e) => self.live(e.call)?.not_handed_on(now, e.leg)?,
            Event::LegEnded(e) => self.leg_ended(e)?,
            Event::CallSupervised(e) => self.supervised(e)?,
            Event::CallResumed(e) => self.resumed(e.call, e.gap_ms)?,
            Event::CallEnded(e) => self.live(e.call)?.ended(e)?,
            Event::RecordingStarted(e) => self.records(e.call, e.recording)?,
            Event::RecordingReady(e) => self.recorded(e.recording)?,
            Event::RecordingFailed(e) => self.recorded(e.recording)?,
            Event::FlowWalked(e) => {
                self.live(e.call)?;
                walked(&e.steps)?;
            }
            // The shell's.
            Event::RecordingStored(_)
            | Event::RecordingPurged(_)
            | Event::VoicemailListened(_)
            | Event::VoicemailDownloaded(_)
            | Event::VoicemailDeleted(_) => {}
            Event::VoicemailLeft(e) => self.decided(e.call, e.voicemail)?,
            Event::RecordingDiscarded(e) => self.decided(e.call, e.recording)?,
            Event::RecordingPaused(e) => self.marked(e.recording, Flow::Paused)?,
            Event::RecordingResumed(e) => self.marked(e.recording, Flow::Running)?,
            Event::CallParked(_)
            | Event::CallUnparked(_)
            | Event::ConsultStarted(_)
            | Event::ConsultEnded(_)
            | Event::ThreeWayStarted(_)
            | Event::ThreeWayEnded(_)
            | Event::CallSupervisionEnded(_)
            | Event::CallQueued(_)
            | Event::CallBlocked(_)
            | Event::SurveyInvited(_)
            | Event::SurveyCompleted(_)
            | Event::CallLeftQueue(_)
            | Event::CallOffered(_)
            | Event::CallOfferEnded(_)
            | Event::OverflowAnswered(_)
            | Event::MemberJoined(_)
            | Event::MemberLeft(_)
            | Event::MemberMuted(_) => _ = self.live(fact.event.call().ok_or("a fact of no call")?)?,
            Event::AgentStateChanged(_)
            | Event::AgentSignedIn(_)
            | Event::CallbackRequested(_)
            | Event::CallbackStarted(_)
            | Event::CallbackEnded(_)
            | Event::ConferenceStarted(_)
            | Event::ConferenceEnded(_)
            | Event::RegistrationBound(_)
            | Event::RegistrationUnbound(_)
            | Event::SourceBanned(_)
            | Event::SettingsChanged(_)
            | Event::DirectoryChanged(_)
            | Event::TrunkUp(_)
            | Event::TrunkDown(_) => {}
        }
        Ok(())
    }

    fn supervised(&mut self, e: &CallSupervised) -> Result<(), &'static str> {
        let record = self.live(e.call)?;
        if let Some(leg) = e.leg {
            // Who takes over takes the agent's seat, whose leg ends next.
            record.open(leg)?.supervises = e.how != Supervision::Takeover;
        }
        Ok(())
    }

    fn leg_ended(&mut self, e: &LegEnded) -> Result<(), &'static str> {
        let now = self.now;
        let leg = self.live(e.call)?.open(e.leg)?;
        (leg.ended, leg.ended_at) = (Some((e.cause, e.sip_status)), now);
        let seat = (leg.sip_call_id.is_empty() && e.cause == EndCause::Transferred).then_some(leg.caller_side);
        if let Some(caller_side) = seat {
            self.live(e.call)?.served_no_more(caller_side);
        }
        Ok(())
    }

    fn records(&mut self, call: CallId, recording: RecordingId) -> Result<(), &'static str> {
        self.live(call)?;
        let twice = self.recordings.insert(recording, false).is_some();
        if twice { Err("a recording started twice") } else { Ok(()) }
    }

    /// It is said once of a message whether it is kept, while its call lives.
    fn decided(&mut self, call: CallId, recording: RecordingId) -> Result<(), &'static str> {
        self.live(call)?;
        if !self.recordings.contains_key(&recording) {
            return Err("a message that was never recorded");
        }
        if self.decided.insert(recording) { Ok(()) } else { Err("a message of which two things are said") }
    }

    fn leg_started(&mut self, e: &LegStarted) -> Result<(), &'static str> {
        let now = self.now;
        // A queue to which the party falls back has the seat of who handed it on.
        let failed = self.live(e.call)?.failed.filter(|(at, _)| *at == now && e.peer == PeerKind::Service);
        let seat = match failed {
            Some((_, by)) => self.live(e.call)?.legs.get(&by).map(|leg| leg.caller_side),
            None => None,
        };
        let leg = Leg {
            sip_call_id: e.sip_call_id.clone(),
            peer_name: e.peer_name.clone(),
            caller_side: seat.unwrap_or(e.caller_side),
            // A service is there at once.
            answered: e.sip_call_id.is_empty(),
            ringing: false,
            early_media: false,
            supervises: false,
            ended: None,
            started_at: self.now,
            ended_at: Duration::ZERO,
        };
        self.of_dialogs.entry(e.sip_call_id.clone()).or_default().push(e.call);
        let record = self.live(e.call)?;
        // A queue to which the party falls back is nobody who calls back.
        if e.peer != PeerKind::Service {
            record.leg_started(now);
        }
        if record.legs.insert(e.leg, leg).is_some() { Err("a leg started twice") } else { Ok(()) }
    }

    fn resumed(&mut self, call: CallId, gap_ms: u64) -> Result<(), &'static str> {
        let longest = PROBATION_MS + self.leapt_ms;
        let record = self.live(call)?;
        if !record.answered || gap_ms > longest {
            return Err("a call went on that could not");
        }
        record.resumed += 1;
        Ok(())
    }

    fn live(&mut self, call: CallId) -> Result<&mut Record, &'static str> {
        let record = self.calls.get_mut(&call).ok_or("a call that was never created")?;
        if record.ended.is_some() { Err("something after the end of its call") } else { Ok(record) }
    }

    /// A recording that has ended is not paused, nor is one twice.
    fn marked(&mut self, recording: RecordingId, flow: Flow) -> Result<(), &'static str> {
        if self.recordings.get(&recording) != Some(&false) {
            return Err("a mark in a recording that does not run");
        }
        let before = self.flows.insert(recording, flow).unwrap_or(Flow::Running);
        if before == flow { Err("a recording was paused or resumed twice") } else { Ok(()) }
    }

    fn recorded(&mut self, recording: RecordingId) -> Result<(), &'static str> {
        match self.recordings.insert(recording, true) {
            Some(false) => Ok(()),
            Some(true) => Err("a recording ended twice"),
            None => Err("a recording that never started"),
        }
    }
}

/// Each node of a flow was left by an exit before the next one was entered.
fn walked(steps: &[FlowStep]) -> Result<(), &'static str> {
    let (_, left) = steps.split_last().ok_or("a way through no node")?;
    if left.iter().any(|step| step.exit.is_none() || step.fault.is_some()) {
        return Err("a node that was left by no exit");
    }
    if steps.windows(2).any(|pair| pair[0].at_ms > pair[1].at_ms) {
        return Err("a node that was entered before the one that led to it");
    }
    Ok(())
}

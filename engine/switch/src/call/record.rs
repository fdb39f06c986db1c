//! Recording of a call, from the answer to its end (REC-04, REC-09), or as long as somebody wants (REC-08).

use std::time::Duration;

use hooks::fact::{Direction, Event, PeerKind, RecordingMark, RecordingStarted};
use hooks::id::{CallId, RecordingId, TenantId};
use serde::{Deserialize, Serialize};

use super::third::Standing;
use super::{Call, Stage};
use crate::calendar::Civil;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::input::RecordAction;
use crate::leg::Leg;
use crate::media::{Detect, EndpointId, MediaCommand};
use crate::output::Refused;

/// A recording whose end is not written down yet; it outlives its call.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) tenant: TenantId,
    pub(crate) call: CallId,
    pub(crate) path: String,
    pub(crate) started_ms: u64,
    /// When it is given up, once it was stopped.
    pub(crate) report_until: Option<Duration>,
}

/// What of a call is recorded.
#[derive(Debug, Default)]
pub(super) struct Tape {
    running: Option<RecordingId>,
    reel: Reel,
}

/// What is kept of the recordings of a call, whoever records it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reel {
    /// How many recordings of it began: another does each time the process was killed, and with another party.
    #[serde(rename = "recorded_parts")]
    parts: u32,
    #[serde(rename = "record_ordered")]
    ordered: Ordered,
    /// Silence is recorded. Whoever hands a party on or is killed does not end that.
    #[serde(rename = "record_paused")]
    paused: bool,
}

/// What somebody ordered: it goes before the rule, until the call is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ordered {
    #[default]
    Nothing,
    Recorded,
    NotRecorded,
}

impl Tape {
    /// That of a call of another process.
    pub(super) fn resumed(reel: &Reel) -> Self {
        Self { running: None, reel: reel.clone() }
    }

    pub(super) fn reel(&self) -> Reel {
        self.reel.clone()
    }

    /// Another recording of the call begins: which one it is.
    pub(super) fn next_part(&mut self) -> u32 {
        self.reel.parts += 1;
        self.reel.parts
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// It runs, and records silence.
    pub(super) fn is_paused(&self) -> bool {
        self.running.is_some() && self.reel.paused
    }
}

impl Call {
    /// Does what somebody ordered.
    pub(crate) fn record_as_ordered(&mut self, desk: &mut Desk, action: RecordAction, by: &str) -> Result<(), Refused> {
        match (action, self.tape.running) {
            (RecordAction::Start, Some(_)) => Err(Refused::AlreadyRecorded),
            // It is not known whether anybody is still there.
            (RecordAction::Start, None) if self.is_on_probation() => Err(Refused::NotTalking),
            (RecordAction::Start, None) => {
                self.record_on(desk);
                if !self.tape.is_running() {
                    return Err(Refused::NotTalking);
                }
                self.tape.reel.ordered = Ordered::Recorded;
                Ok(())
            }
            (RecordAction::Stop | RecordAction::Pause | RecordAction::Resume, None) => Err(Refused::NotRecorded),
            (RecordAction::Stop, Some(_)) => {
                self.stop_recording(desk);
                self.tape.reel.ordered = Ordered::NotRecorded;
                self.tape.reel.paused = false;
                self.changed = true;
                Ok(())
            }
            (RecordAction::Pause, Some(_)) if self.tape.reel.paused => Err(Refused::AlreadyPaused),
            (RecordAction::Resume, Some(_)) if !self.tape.reel.paused => Err(Refused::NotPaused),
            (RecordAction::Pause, Some(id)) => {
                self.tape.reel.paused = true;
                self.mark(desk, id, Some(by));
                Ok(())
            }
            (RecordAction::Resume, Some(id)) => {
                self.tape.reel.paused = false;
                self.mark(desk, id, Some(by));
                Ok(())
            }
        }
    }

    /// Lets the recording take in silence or what is said, and writes down from when on.
    fn mark(&mut self, desk: &mut Desk, id: RecordingId, by: Option<&str>) {
        let started_ms = desk.recordings.get(&id).map_or(desk.now.unix_ms, |recording| recording.started_ms);
        let mark = RecordingMark {
            recording: id,
            call: self.id,
            offset_ms: desk.now.unix_ms.saturating_sub(started_ms),
            by: by.map(str::to_owned),
        };
        let (event, command) = match self.tape.reel.paused {
            true => (Event::RecordingPaused(mark), MediaCommand::PauseRecording(id)),
            false => (Event::RecordingResumed(mark), MediaCommand::ResumeRecording(id)),
        };
        desk.fact(&self.tenant.tenant, event);
        desk.media(command);
        self.changed = true;
    }

    /// Begins to record, if the call is one that is recorded.
    pub(super) fn start_recording(&mut self, desk: &mut Desk) {
        let recorded = match self.tape.reel.ordered {
            Ordered::Recorded => true,
            Ordered::NotRecorded => false,
            Ordered::Nothing => self.is_recorded_by_rule(),
        };
        if recorded {
            self.record_on(desk);
        }
    }

    /// Records the two parties, in a new part where there is one already.
    pub(super) fn record_on(&mut self, desk: &mut Desk) {
        let Some((left, right)) = self.channels() else { return };
        let (left_endpoints, right_endpoints) = (self.endpoints(&left), self.endpoints(&right));
        let (Some(left), Some(right)) = (left.first(), right.first()) else { return };
        let (left, right) = (&self.legs[left.at()], &self.legs[right.at()]);
        if left_endpoints.is_empty() || right_endpoints.is_empty() {
            return;
        }
        let id = desk.recording_id();
        let tenant = self.tenant.tenant.clone();
        let path = path(&tenant, id);
        let part = self.tape.next_part();
        let started = RecordingStarted {
            recording: id,
            call: self.id,
            left: left.id,
            right: right.id,
            part,
            conference: None,
            mailbox: None,
        };
        desk.fact(&tenant, Event::RecordingStarted(started));
        desk.media(MediaCommand::Record {
            recording: id,
            path: path.clone(),
            left: left_endpoints,
            right: right_endpoints,
        });
        let started_ms = desk.now.unix_ms;
        desk.recordings.insert(id, Recording { tenant, call: self.id, path, started_ms, report_until: None });
        self.tape.running = Some(id);
        self.changed = true;
        if self.told_aloud(None).is_some() {
            self.record_from(desk);
        }
        if self.tape.reel.paused {
            // It goes on being paused, whoever paused it.
            self.mark(desk, id, None);
        }
    }

    /// Who is on the left and who on the right channel. REC-09: left is the outside party, whatever the direction; the caller of
    /// an internal call.
    fn channels(&self) -> Option<(Vec<LegIndex>, Vec<LegIndex>)> {
        let Stage::Talking { caller, callee, .. } = &self.stage else { return None };
        let (caller, callee) = (*caller, *callee);
        let (one, other, third) = match self.standing() {
            // Nobody talks while somebody is rung to be asked.
            Some(Standing::Calling { .. }) => return None,
            Some(Standing::Asking { by, third }) => (by, third, None),
            Some(Standing::Together { third }) => (caller, callee, Some(third)),
            Some(Standing::Inviting) | None => (caller, callee, None),
        };
        // An agent is no outside party, be it that he talks by his mobile.
        let is_outside = |leg: &LegIndex| {
            let leg = &self.legs[leg.at()];
            leg.peer.kind == PeerKind::Trunk && leg.agent.is_none()
        };
        let outside = [one, other].into_iter().find(is_outside);
        let left = outside.unwrap_or(one);
        let right = if left == one { other } else { one };
        // Who barges in speaks beside the agent, who is the inner party.
        Some((vec![left], [right].into_iter().chain(third).chain(self.barging()).collect()))
    }

    fn endpoints(&self, legs: &[LegIndex]) -> Vec<EndpointId> {
        legs.iter().filter_map(|leg| self.leg(*leg).and_then(Leg::endpoint)).collect()
    }

    /// A recording that runs goes on with the parties as they are now.
    pub(super) fn record_from(&self, desk: &mut Desk) {
        let (Some(recording), Some((left, right))) = (self.tape.running, self.channels()) else { return };
        let (left, right) = (self.endpoints(&left), self.endpoints(&right));
        desk.media(MediaCommand::RecordFrom { recording, left, right, said_to: self.told_aloud(None) });
    }

    /// A party is about to go while the call goes on: its recording goes on without it, or ends where it was alone on its side.
    pub(super) fn record_without(&mut self, desk: &mut Desk, gone: LegIndex) {
        let (Some(recording), Some((mut left, mut right))) = (self.tape.running, self.channels()) else { return };
        if !left.contains(&gone) && !right.contains(&gone) {
            return;
        }
        left.retain(|leg| *leg != gone);
        right.retain(|leg| *leg != gone);
        let (left, right) = (self.endpoints(&left), self.endpoints(&right));
        if left.is_empty() || right.is_empty() {
            return self.stop_recording(desk);
        }
        desk.media(MediaCommand::RecordFrom { recording, left, right, said_to: self.told_aloud(Some(gone)) });
    }

    /// Ends the recording; what became of it is reported later.
    pub(super) fn stop_recording(&mut self, desk: &mut Desk) {
        if let Some(id) = self.tape.running.take() {
            desk.stop_recording(id);
        }
    }

    /// The recording ended by itself: the call goes on without.
    pub(crate) fn recording_ended(&mut self, desk: &mut Desk, id: RecordingId, is_ready: bool) {
        if self.tape.running == Some(id) {
            self.tape.running = None;
            self.changed = true;
        }
        self.comment_lost(id);
        self.message_lost(desk, id, is_ready);
    }

    /// Records one who is alone with a service, on both channels: it is heard in both ears. Told when he speaks and falls silent.
    pub(super) fn record_alone(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        mailbox: Option<String>,
    ) -> Option<RecordingId> {
        let (service, endpoint) = (self.service()?, self.leg(caller).and_then(Leg::endpoint)?);
        let id = desk.recording_id();
        let tenant = self.tenant.tenant.clone();
        let started = RecordingStarted {
            recording: id,
            call: self.id,
            left: self.legs[caller.at()].id,
            right: self.legs[service.at()].id,
            part: self.tape.next_part(),
            conference: None,
            mailbox,
        };
        desk.fact(&tenant, Event::RecordingStarted(started));
        let path = path(&tenant, id);
        let (left, right) = (vec![endpoint], vec![endpoint]);
        desk.media(MediaCommand::Record { recording: id, path: path.clone(), left, right });
        desk.media(MediaCommand::DetectVoice { endpoint, detect: Detect::On });
        let started_ms = desk.now.unix_ms;
        desk.recordings.insert(id, Recording { tenant, call: self.id, path, started_ms, report_until: None });
        Some(id)
    }

    /// Ends what [`Self::record_alone`] began.
    pub(super) fn stop_alone(&self, desk: &mut Desk, caller: LegIndex, id: RecordingId) {
        desk.stop_recording(id);
        if let Some(endpoint) = self.leg(caller).and_then(Leg::endpoint) {
            desk.media(MediaCommand::DetectVoice { endpoint, detect: Detect::Off });
        }
    }

    fn is_recorded_by_rule(&self) -> bool {
        let Stage::Talking { caller, callee, .. } = &self.stage else { return false };
        self.is_recorded(*caller, *callee)
    }

    fn is_recorded(&self, caller: LegIndex, callee: LegIndex) -> bool {
        if let Some(queue) = &self.queueing.last {
            return queue.record;
        }
        if self.about.direction == Direction::Internal {
            return self.tenant.record_internal;
        }
        [caller, callee].into_iter().any(|leg| {
            let peer = &self.legs[leg.at()].peer;
            match peer.kind {
                PeerKind::Extension => {
                    let number = peer.name.parse().ok();
                    number.and_then(|number| self.tenant.extensions.get(&number)).is_some_and(|own| own.record)
                }
                PeerKind::Trunk => {
                    let name = peer.name.parse().ok();
                    name.and_then(|name| self.tenant.trunks.get(&name)).is_some_and(|trunk| trunk.record)
                }
                PeerKind::Service => false,
            }
        })
    }
}

impl Desk {
    /// Ends a recording; what became of it is reported later.
    pub(crate) fn stop_recording(&mut self, id: RecordingId) {
        self.media(MediaCommand::StopRecording(id));
        let until = self.start_timer(REPORT_MAX, TimerKey::Recording(id));
        if let Some(recording) = self.recordings.get_mut(&id) {
            recording.report_until = Some(until);
        }
    }
}

/// `{tenant}/yyyy/mm/dd/{recording}.wav`.
pub(crate) fn path(tenant: &TenantId, id: RecordingId) -> String {
    format!("{tenant}/{}/{id}.wav", Civil::of(id.unix_ms()).path())
}

/// How long the media side may take to finish a file.
const REPORT_MAX: Duration = Duration::from_secs(60);

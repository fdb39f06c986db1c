//! Recording of a call, from the answer to its end (REC-04, REC-09).

use std::time::Duration;

use hooks::fact::{Direction, Event, PeerKind, RecordingStarted};
use hooks::id::{CallId, RecordingId, TenantId};

use super::{Call, Stage};
use crate::calendar::Civil;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::leg::Leg;
use crate::media::MediaCommand;

/// A recording whose end is not written down yet; it outlives its call.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) tenant: TenantId,
    pub(crate) call: CallId,
    pub(crate) path: String,
    /// When it is given up, once it was stopped.
    pub(crate) report_until: Option<Duration>,
}

impl Call {
    /// Begins to record, if the call is one that is recorded.
    pub(super) fn start_recording(&mut self, desk: &mut Desk) {
        if let Stage::Talking { caller, callee, .. } = &self.stage
            && self.is_recorded(*caller, *callee)
        {
            self.record_on(desk);
        }
    }

    /// Records the two parties, in a new part where there is one already.
    pub(super) fn record_on(&mut self, desk: &mut Desk) {
        let Some((left, right)) = self.channels() else { return };
        let (left, right) = (&self.legs[left.at()], &self.legs[right.at()]);
        let (Some(left_endpoint), Some(right_endpoint)) = (left.endpoint(), right.endpoint()) else { return };
        let id = desk.recording_id();
        let tenant = self.tenant.tenant.clone();
        let path = path(&tenant, id);
        let started = RecordingStarted {
            recording: id,
            call: self.id,
            left: left.id,
            right: right.id,
            part: self.recorded_parts + 1,
        };
        desk.fact(&tenant, Event::RecordingStarted(started));
        desk.media(MediaCommand::Record {
            recording: id,
            path: path.clone(),
            left: vec![left_endpoint],
            right: vec![right_endpoint],
        });
        desk.recordings.insert(id, Recording { tenant, call: self.id, path, report_until: None });
        self.recording = Some(id);
        self.recorded_parts += 1;
        self.changed = true;
    }

    /// Who is on the left and who on the right channel. REC-09: left is the outside party, whatever the direction; the caller of
    /// an internal call.
    fn channels(&self) -> Option<(LegIndex, LegIndex)> {
        let Stage::Talking { caller, callee, .. } = &self.stage else { return None };
        let (caller, callee) = (*caller, *callee);
        let outside = [caller, callee].into_iter().find(|leg| self.legs[leg.at()].peer.kind == PeerKind::Trunk);
        let left = outside.unwrap_or(caller);
        Some((left, if left == caller { callee } else { caller }))
    }

    /// A recording that runs goes on with the parties as they are now.
    pub(super) fn record_from(&self, desk: &mut Desk) {
        let (Some(recording), Some((left, right))) = (self.recording, self.channels()) else { return };
        let endpoint = |leg: LegIndex| self.leg(leg).and_then(Leg::endpoint).into_iter().collect();
        desk.media(MediaCommand::RecordFrom { recording, left: endpoint(left), right: endpoint(right) });
    }

    /// Ends the recording; what became of it is reported later.
    pub(super) fn stop_recording(&mut self, desk: &mut Desk) {
        let Some(id) = self.recording.take() else { return };
        desk.media(MediaCommand::StopRecording(id));
        let until = desk.start_timer(REPORT_MAX, TimerKey::Recording(id));
        if let Some(recording) = desk.recordings.get_mut(&id) {
            recording.report_until = Some(until);
        }
    }

    /// The recording ended by itself: the call goes on without.
    pub(crate) fn recording_ended(&mut self, id: RecordingId) {
        if self.recording == Some(id) {
            self.recording = None;
            self.changed = true;
        }
    }

    fn is_recorded(&self, caller: LegIndex, callee: LegIndex) -> bool {
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

/// `{tenant}/yyyy/mm/dd/{recording}.wav`.
fn path(tenant: &TenantId, id: RecordingId) -> String {
    format!("{tenant}/{}/{id}.wav", Civil::of(id.unix_ms()).path())
}

/// How long the media side may take to finish a file.
const REPORT_MAX: Duration = Duration::from_secs(60);

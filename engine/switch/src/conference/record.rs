//! Recording of a conference, in stereo: outside parties on the left, inner ones on the right. Who is not heard by the others is not
//! recorded either.

use dialplan::say::defaults;
use hooks::fact::{Event, PeerKind, RecordingStarted};
use hooks::id::{ConferenceId, RecordingId};

use super::{Conference, Voice};
use crate::call::{Recording, recording_path};
use crate::desk::Desk;
use crate::media::{EndpointId, MediaCommand};

/// A recording that runs, and whom it takes in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) id: RecordingId,
    channels: Channels,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Channels {
    left: Vec<EndpointId>,
    right: Vec<EndpointId>,
}

impl Conference {
    fn channels(&self) -> Channels {
        let mut channels = Channels::default();
        for (at, member) in &self.members {
            let Some(endpoint) = self.hearing.voice(*at).and_then(Voice::audible) else { continue };
            match member.peer.kind {
                PeerKind::Trunk => channels.left.push(endpoint),
                PeerKind::Extension | PeerKind::Service => channels.right.push(endpoint),
            }
        }
        channels
    }
}

impl Desk {
    /// Begins to record a conference and says so, unless it is recorded already.
    pub(crate) fn record_room(&mut self, id: ConferenceId) {
        if self.conferences.find(id).is_some_and(|conference| !conference.is_recorded()) {
            self.begin_recording_room(id);
            self.tell_room(id, defaults::CONFERENCE_RECORDING);
        }
    }

    /// Begins to record a conference that is not recorded.
    pub(super) fn begin_recording_room(&mut self, id: ConferenceId) {
        let recording = self.recording_id();
        let Some(conference) = self.conferences.running.get_mut(&id) else { return };
        let first = conference.members.iter().min_by_key(|(_, member)| member.nth);
        let Some((at, leg)) = first.map(|(at, member)| (*at, member.leg)) else { return };
        let channels = conference.channels();
        let tenant = conference.tenant.clone();
        conference.recording = Some(Recorded { id: recording, channels: channels.clone() });
        self.conferences.stale.insert(id);
        let path = recording_path(&tenant, recording);
        let started = RecordingStarted {
            recording,
            call: at.call,
            left: leg,
            right: leg,
            part: 1,
            conference: Some(id),
            mailbox: None,
        };
        self.fact(&tenant, Event::RecordingStarted(started));
        let Channels { left, right } = channels;
        self.media(MediaCommand::Record { recording, path: path.clone(), left, right });
        self.recordings.insert(
            recording,
            Recording { tenant, call: at.call, path, started_ms: self.now.unix_ms, report_until: None },
        );
    }

    /// Ends it, and says so.
    pub(crate) fn stop_recording_room(&mut self, id: ConferenceId) {
        let Some(conference) = self.conferences.running.get_mut(&id) else { return };
        conference.to_record = false;
        let Some(recorded) = conference.recording.take() else { return };
        self.conferences.stale.insert(id);
        self.stop_recording(recorded.id);
        self.tell_room(id, defaults::CONFERENCE_NOT_RECORDING);
    }

    /// A recording that runs takes in those who are heard now.
    pub(crate) fn record_room_from(&mut self, id: ConferenceId) {
        let Some(conference) = self.conferences.running.get_mut(&id) else { return };
        let channels = conference.channels();
        let Some(recorded) = conference.recording.as_mut().filter(|recorded| recorded.channels != channels) else {
            return;
        };
        recorded.channels = channels.clone();
        let (recording, Channels { left, right }) = (recorded.id, channels);
        self.media(MediaCommand::RecordFrom { recording, left, right, said_to: None });
    }
}

//! Where the effects of a step go: sockets, media threads, published views.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hooks::id::RecordingId;
use sip::flow::{ConnectionId, Flow};
use switch::input::Admission;
use switch::media::MediaCommand;
use switch::output::{Asked, BoxAsked, LookUp};
use switch::switch::Switch;
use switch::view::View;

use crate::http::health::Health;
use crate::live::Live;
use crate::lookups::Lookups;
use crate::mailboxes::Mailboxes;
use crate::media_bridge::MediaBridge;
use crate::sip_io::SipIo;

/// The ways out of the process.
pub struct Effects {
    sip: Arc<SipIo>,
    media: MediaBridge,
    live: Arc<Live>,
    health: Arc<Health>,
    lookups: Lookups,
    mailboxes: Mailboxes,
    counters_due: Duration,
}

/// How often the counters are shown.
const COUNTERS_EVERY: Duration = Duration::from_secs(1);

impl Effects {
    /// Over running parts.
    #[must_use]
    pub fn new(
        sip: Arc<SipIo>,
        media: MediaBridge,
        live: Arc<Live>,
        health: Arc<Health>,
        lookups: Lookups,
        mailboxes: Mailboxes,
    ) -> Self {
        Self { sip, media, live, health, lookups, mailboxes, counters_due: Duration::ZERO }
    }

    pub(super) fn send(&self, flow: Flow, bytes: Bytes) {
        self.sip.send(flow, bytes);
    }

    pub(super) fn close_connection(&self, connection: ConnectionId) {
        self.sip.close(connection);
    }

    pub(super) fn media(&mut self, command: MediaCommand) {
        self.media.send(command);
    }

    pub(super) fn ask(&self, asked: Asked) {
        self.lookups.ask_hook(asked);
    }

    pub(super) fn read_box(&self, asked: BoxAsked) {
        self.mailboxes.ask(asked);
    }

    pub(super) fn look_up(&self, lookup: LookUp) {
        self.lookups.ask(lookup);
    }

    pub(super) fn recording_written_down(&self, recording: RecordingId) {
        self.media.confirm(recording);
    }

    pub(super) fn publish(&self, view: View) {
        self.live.apply(view);
    }

    pub(super) fn admission(&self, admission: Admission) {
        tracing::info!(?admission, "admission of new calls changed");
        self.health.set_admission(admission);
    }

    /// Shows the switch's counters under `/metrics`, at most once a second.
    pub(super) fn counters(&mut self, now: Duration, switch: &Switch) {
        if now >= self.counters_due {
            self.counters_due = now + COUNTERS_EVERY;
            super::counters::show(switch);
            self.media.show_lateness();
            self.media.show_sizes();
        }
    }
}

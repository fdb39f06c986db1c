//! What the switch itself does for a party: it answers, and a leg stands for the service.

use dialplan::say::Part;
use hooks::fact::{CallAnswered, EndCause, Event};

use super::transfer::Transfer;
use super::{Call, Route, Seeking, Service, Stage, Verdict};
use crate::desk::{Desk, LegIndex};
use crate::leg::{Leg, LegState, Offered, Side};
use crate::media::PlayerId;
use crate::players::Audience;
use crate::session;

impl Call {
    /// Who is served, and by what.
    pub(super) fn served(&self) -> Option<(LegIndex, &Service)> {
        let Stage::Served { caller, by, .. } = &self.stage else { return None };
        Some((*caller, by))
    }

    /// The same, to be changed.
    pub(super) fn served_mut(&mut self) -> Option<(LegIndex, &mut Service)> {
        let Stage::Served { caller, by, .. } = &mut self.stage else { return None };
        Some((*caller, by))
    }

    /// Has something said, in the tenant's language, to whom this call lets hear it.
    pub(super) fn say(&self, desk: &mut Desk, parts: Vec<Part>) -> PlayerId {
        desk.play(Audience::Call(self.id), &self.tenant.tenant, self.tenant.language, parts)
    }

    /// There is no such service, or it does not take the caller, who waits for an answer or is handed on.
    pub(super) fn not_served(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        transfer: Option<Transfer>,
        verdict: Verdict,
    ) {
        let ring_until = desk.now.mono;
        let queue = std::collections::VecDeque::new();
        self.stage = Stage::Seeking(Seeking { caller, queue, verdict: None, ring_until, transfer });
        self.nobody(desk, verdict);
    }

    /// The offer of a caller who waits for our answer.
    fn open_offer(&self, caller: LegIndex) -> Option<&sip::sdp::SessionDescription> {
        match &self.leg(caller)?.state {
            LegState::Incoming(incoming) => match &incoming.offer {
                Offered::Open(offer) => Some(offer),
                Offered::Answered | Offered::Exchanged | Offered::Nothing => None,
            },
            LegState::Outgoing(_) | LegState::Up(_) | LegState::Service | LegState::Ended { .. } => None,
        }
    }

    /// Answers a caller who waits, with any codec there is, and serves it. `None` where it takes none of them: the call has ended.
    pub(super) fn answer_and_serve(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        number: &str,
        transfer: Option<Transfer>,
    ) -> Option<u64> {
        let choices = [session::mixed(self.open_offer(caller))];
        if !self.legs[caller.at()].is_up() && !self.answer_with(desk, caller, &choices) {
            self.end_not_acceptable(desk);
            return None;
        }
        Some(self.serve(desk, caller, number, transfer))
    }

    /// The leg of a service that answered the caller, or takes the place of who handed it on; since when they talk.
    pub(super) fn serve(&mut self, desk: &mut Desk, caller: LegIndex, number: &str, transfer: Option<Transfer>) -> u64 {
        let service = self.push_service(desk, number);
        if let Some(transfer) = transfer {
            self.handed_on(desk, transfer, caller, service);
            return transfer.answered_ms;
        }
        let answered = CallAnswered { call: self.id, leg: self.legs[service.at()].id };
        self.fact(desk, Event::CallAnswered(answered));
        desk.metrics.calls_answered += 1;
        desk.now.unix_ms
    }

    /// A leg that stands for a service.
    pub(super) fn push_service(&mut self, desk: &mut Desk, name: &str) -> LegIndex {
        let service = Leg::service(desk.leg_id(), Side::Callee, name);
        self.push_leg(desk, service, "")
    }

    /// The leg of the service that the caller is with.
    pub(super) fn service(&self) -> Option<LegIndex> {
        self.live().into_iter().find(|leg| matches!(self.legs[leg.at()].state, LegState::Service))
    }

    /// Where somebody is led who is to be served as this call's party is.
    pub(super) fn served_route(&self) -> Route {
        let Stage::Served { by, .. } = &self.stage else { return Route::Nowhere };
        match by {
            Service::Echo => Route::EchoTest,
            Service::Room(visit) => Route::Room(visit.room.number.clone()),
            Service::Flow => self.flow_name().map_or(Route::Nowhere, Route::Flow),
            // A flow may have led there, by what it knows of the caller.
            Service::Queue(_) => match (self.flow_name(), &self.queueing.last) {
                (Some(flow), _) => Route::Flow(flow),
                (None, queue) => queue.as_ref().map_or(Route::Nowhere, |queue| Route::Queue(queue.name.clone())),
            },
            Service::Voicemail(message) => {
                self.flow_name().map_or_else(|| Route::Voicemail(message.mailbox.clone()), Route::Flow)
            }
            Service::Survey(_) | Service::Messages(_) | Service::LastWords(_) | Service::Park(_) => Route::Nowhere,
        }
    }

    /// The call ends for this cause: nothing is done for its party any more.
    pub(super) fn leave_service(&mut self, desk: &mut Desk, cause: EndCause) {
        let Stage::Served { by, .. } = &self.stage else { return };
        match by {
            Service::Room(_) => self.leave_room(desk, cause),
            Service::Queue(_) => self.abandon_queue(desk, cause),
            Service::Park(_) => self.leave_park(desk),
            Service::Voicemail(_) => self.leave_message(desk),
            Service::Survey(_) => self.leave_survey(desk),
            Service::Messages(_) => self.hush_messages(desk),
            Service::LastWords(_) => self.hush_last_words(desk),
            Service::Echo | Service::Flow => {}
        }
    }
}

//! Ringing: what the called phones say before they answer, and what the caller sees and hears of it.

use hooks::fact::{Event, LegRinging};
use sip::dialog::ForkEvent;
use sip::headers::{HeaderName, NameAddr};
use sip::message::{Response, StatusCode};

use super::provisional::Sureness;
use super::{Call, Stage};
use crate::body;
use crate::desk::{Desk, LegIndex};
use crate::invite::ALLOW;
use crate::leg::{Leg, LegState, Offered, Progress};
use crate::nat;

impl Call {
    /// A provisional response to the INVITE of a called leg.
    pub(super) fn progressed(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) {
        let code = response.status.code();
        let this = &mut self.legs[leg.at()];
        let (LegState::Outgoing(outgoing), crate::leg::LegMedia::Open(session)) = (&mut this.state, &mut this.media)
        else {
            return;
        };
        // A response that makes no dialog still says that it rings.
        let (dialog, fork) = match outgoing.forks.heard(response) {
            Ok(ForkEvent::Stale) => return,
            Ok(ForkEvent::New(dialog) | ForkEvent::Known(dialog)) => {
                let fork = dialog.id().remote_tag.clone();
                (Some((dialog.prack(response), dialog.next_hop().clone())), fork)
            }
            Ok(ForkEvent::NoDialog | ForkEvent::Failed) | Err(_) => (None, String::new()),
        };
        if let Some((Some(mut prack), next_hop)) = dialog {
            if let Some(login) = &mut outgoing.login {
                login.authorize(&mut prack, &mut desk.random);
            }
            let flow = nat::next_flow(&desk.node, &outgoing.flow, &next_hop);
            // Where the table is full, the far end gives up the INVITE in time.
            let _ = desk.send(prack, flow);
        }
        let description = body::session(&response.headers, &response.body).ok().flatten();
        // An answer in a provisional response that cannot be used is no reason to give up: the 2xx decides.
        let early = description.is_some_and(|description| {
            let taken = session.take_answer(desk, &description).is_ok();
            if taken && !fork.is_empty() {
                outgoing.early.answers.insert(fork.clone(), description);
                outgoing.early.current = Some(fork);
            }
            taken
        });
        let progress = match (early, code) {
            (true, _) => Progress::EarlyMedia,
            (false, 180..=183) => Progress::Ringing,
            (false, _) => return,
        };
        let before = outgoing.progress;
        outgoing.progress = before.max(progress);
        if progress <= before {
            return;
        }
        let id = this.id;
        self.changed = true;
        if before == Progress::Silent {
            let ringing = LegRinging { call: self.id, leg: id, early_media: early };
            self.fact(desk, Event::LegRinging(ringing));
        }
        if let Some((transfer, _)) = self.transfer() {
            self.report(desk, transfer.by, StatusCode::RINGING);
        }
        self.tell_caller(desk, leg, progress);
        self.rewire(desk);
    }

    /// Tells a caller that waits how far its call is: 180, or 183 with the answer when there is something to hear (CALL-31).
    pub(super) fn tell_caller(&mut self, desk: &mut Desk, called: LegIndex, progress: Progress) {
        let Stage::Seeking(seeking) = &self.stage else { return };
        let caller = seeking.caller;
        let leg_ref = self.leg_ref(caller);
        let choices = self.legs[called.at()].session().map(crate::session::Session::choices).unwrap_or_default();
        let packets = self.legs[called.at()].session().map(crate::session::Session::packets).unwrap_or_default();
        let user = self.about.callee.clone();
        let this = &mut self.legs[caller.at()];
        let tag = this.tag.clone();
        let (LegState::Incoming(incoming), crate::leg::LegMedia::Open(session)) = (&mut this.state, &mut this.media)
        else {
            return;
        };
        // One at a time; what is new is told when the PRACK comes (RFC 3262 §3).
        if incoming.repeated.is_some() || progress <= incoming.progress {
            return;
        }
        let sure = Sureness::wanted(&incoming.invite.headers);
        session.ask_for(packets);
        let answer = match (&incoming.offer, progress, sure) {
            (Offered::Open(offer), Progress::EarlyMedia, _) => session.answer(desk, offer, &choices).ok(),
            // RFC 3261 §13.2.1: where the caller offers nothing, we do in the first response that surely arrives.
            (Offered::Nothing, Progress::EarlyMedia, Sureness::Possible)
            | (Offered::Nothing, _, Sureness::Required) => choices.last().map(|codecs| session.offer(codecs)),
            (Offered::Open(_) | Offered::Answered | Offered::Exchanged | Offered::Nothing, _, _) => None,
        };
        let told = if answer.is_some() { progress } else { Progress::Ringing };
        if told <= incoming.progress {
            return;
        }
        incoming.progress = told;
        let status = if told == Progress::EarlyMedia { StatusCode::SESSION_PROGRESS } else { StatusCode::RINGING };
        let contact = nat::contact(&desk.node, &incoming.flow, &user, &incoming.invite.uri);
        let mut response = Response::to_request(&incoming.invite, status, Some(&tag))
            .with(HeaderName::Contact, NameAddr::new(contact.into()))
            .with(HeaderName::Allow, ALLOW);
        // RFC 3261 §12.1.1: in every response that makes the dialog.
        response.headers.append_copies(&incoming.invite.headers, &HeaderName::RecordRoute);
        let described = answer.is_some();
        if let Some(answer) = answer {
            response.set_body("application/sdp", answer);
        }
        let repeated = match (sure, described) {
            (Sureness::Required, _) | (Sureness::Possible, true) => true,
            (Sureness::Possible, false) | (Sureness::Impossible, _) => false,
        };
        if described {
            incoming.offer = if repeated { Offered::Exchanged } else { Offered::Answered };
        }
        if repeated {
            return incoming.send_surely(desk, leg_ref, response);
        }
        desk.respond(incoming.server, response);
    }

    /// The called leg whose early media the caller hears: the first that has any.
    pub(super) fn early_media(&self) -> Option<LegIndex> {
        self.answered_by()
            .or_else(|| self.called().into_iter().find(|leg| self.progress_of(*leg) == Progress::EarlyMedia))
    }

    /// Whether a called phone rings.
    pub(super) fn is_ringing(&self) -> bool {
        self.called().into_iter().any(|leg| self.progress_of(leg) != Progress::Silent)
    }

    fn progress_of(&self, leg: LegIndex) -> Progress {
        if self.is_unconfirmed(leg) {
            return Progress::Ringing;
        }
        self.leg(leg).and_then(Leg::outgoing).map_or(Progress::Silent, |outgoing| outgoing.progress)
    }
}

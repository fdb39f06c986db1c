//! The answer: of a called phone, and ours to the caller.

use bytes::Bytes;
use hooks::fact::{CallAnswered, EndCause, EndedBy, Event, LegAnswered};
use sip::dialog::Incoming as Heard;
use sip::headers::{HeaderName, NameAddr};
use sip::message::{Request, Response, StatusCode};
use sip::sdp::Codec;

use super::{Call, End, Stage, Verdict};
use crate::asking::Asking;
use crate::body;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::invite::ALLOW;
use crate::leg::{Leg, LegMedia, LegState, Offered, RefreshBy, Up};
use crate::lifetime::Lifetime;
use crate::nat;
use crate::requests::SUPPORTED;
use crate::session::{self, Session};

impl Call {
    /// A 2xx to the INVITE of a called leg.
    pub(super) fn answered(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) {
        self.legs[leg.at()].status = response.status.code();
        let description = body::session(&response.headers, &response.body).ok().flatten();
        let Some(up) = self.acknowledge(desk, leg, response) else {
            // A 2xx without what a dialog needs: nothing can be sent in it.
            return self.failed(desk, leg, Verdict { status: StatusCode::BAD_GATEWAY, cause: EndCause::Failed });
        };
        let this = &mut self.legs[leg.at()];
        this.state = LegState::Up(Box::new(up));
        let agreed = match (&mut this.media, description) {
            (LegMedia::Open(session), Some(description)) => session.take_answer(desk, &description).is_ok(),
            // Some give the answer in a 183 alone.
            (LegMedia::Open(session), None) => session.is_agreed(),
            (LegMedia::None | LegMedia::Closing { .. }, _) => false,
        };
        if !agreed {
            return self.drop_answered(desk, leg);
        }
        self.note_answered(desk, leg);
        match &self.stage {
            Stage::Summoning { .. } => self.summoned(desk, leg),
            Stage::Seeking(seeking) => {
                let caller = seeking.caller;
                self.connect(desk, caller, leg);
            }
            Stage::Begun | Stage::Talking { .. } | Stage::Echo { .. } | Stage::Ending { .. } | Stage::Over => {}
        }
    }

    /// Sends the ACK. `None` if the 2xx makes no dialog.
    fn acknowledge(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) -> Option<Up> {
        let leg_ref = self.leg_ref(leg);
        let outgoing = self.legs[leg.at()].outgoing_mut()?;
        outgoing.forks.heard(response).ok()?;
        let tag = response.headers.to().ok()?.tag()?.to_owned();
        let mut dialog = outgoing.forks.take(&tag)?;
        let flow = nat::next_flow(&desk.node, &outgoing.flow, dialog.next_hop());
        let ack = dialog.ack(outgoing.forks.invite(), None);
        let hop = desk.hop(flow);
        desk.transactions.send_ack(outgoing.client, ack, &hop);
        let (policy, terms) = (outgoing.timer.policy(), outgoing.timer.accepted(&response.headers));
        Some(Up {
            dialog,
            flow: outgoing.flow,
            login: outgoing.login.take(),
            unacknowledged: None,
            referring: None,
            asking: Asking::Idle,
            refresh_by: RefreshBy::of(&response.headers),
            lifetime: Lifetime::begin(desk, leg_ref, policy, terms),
        })
    }

    /// A phone answered with nothing that we can take: it is hung up, and the others go on ringing.
    fn drop_answered(&mut self, desk: &mut Desk, leg: LegIndex) {
        let status = StatusCode::NOT_ACCEPTABLE_HERE;
        self.hang_up_leg(desk, leg, EndCause::NotAcceptable);
        self.note(Verdict { status, cause: EndCause::NotAcceptable });
        self.end_if_all_failed(desk);
    }

    /// Caller and called party are connected: the caller is answered, the other phones stop ringing.
    fn connect(&mut self, desk: &mut Desk, caller: LegIndex, callee: LegIndex) {
        if !self.legs[caller.at()].is_up() && !self.answer_caller(desk, caller, Some(callee)) {
            let refusal = StatusCode::NOT_ACCEPTABLE_HERE.into();
            return self.end(desk, &End { cause: EndCause::NotAcceptable, by: EndedBy::System, refusal });
        }
        self.stop_ringing(desk);
        for other in self.called() {
            self.cancel_leg(desk, other, EndCause::AnsweredElsewhere);
        }
        if let Some((transfer, _)) = self.transfer() {
            self.handed_on(desk, transfer, caller, callee);
        } else {
            self.stage = Stage::Talking { caller, callee, answered_ms: desk.now.unix_ms };
            self.changed = true;
            desk.metrics.calls_answered += 1;
            let answered = CallAnswered { call: self.id, leg: self.legs[callee.at()].id };
            self.fact(desk, Event::CallAnswered(answered));
        }
        self.rewire(desk);
        self.start_recording(desk);
    }

    /// Answers the caller with 200, with what was agreed with `callee`, or what a service takes. False if the caller and the
    /// called party have no codec in common.
    pub(super) fn answer_caller(&mut self, desk: &mut Desk, caller: LegIndex, callee: Option<LegIndex>) -> bool {
        let choices = match callee.and_then(|callee| self.leg(callee)).and_then(Leg::session) {
            Some(session) => session.choices(),
            None => vec![session::g711()],
        };
        let Some(description) = self.describe_to_caller(desk, caller, &choices) else { return false };
        let user = self.about.callee.clone();
        let leg_ref = self.leg_ref(caller);
        let this = &mut self.legs[caller.at()];
        let tag = this.tag.clone();
        let LegState::Incoming(incoming) = &mut this.state else { return false };
        let contact = nat::contact(&desk.node, &incoming.flow, &user, &incoming.invite.uri);
        let mut response = Response::to_request(&incoming.invite, StatusCode::OK, Some(&tag))
            .with(HeaderName::Contact, NameAddr::new(contact.into()))
            .with(HeaderName::Allow, ALLOW)
            .with(HeaderName::Supported, SUPPORTED);
        incoming.timer.write(&mut response);
        response.headers.append_copies(&incoming.invite.headers, &HeaderName::RecordRoute);
        response.set_body("application/sdp", description);
        incoming.dialog.responded(&incoming.invite, &response);
        let server = incoming.server;
        let policy = desk.node.session_timer.minding(&incoming.invite.headers);
        let up = Up {
            dialog: incoming.dialog.clone(),
            flow: incoming.flow,
            login: None,
            unacknowledged: Some(server),
            referring: None,
            asking: Asking::Idle,
            refresh_by: RefreshBy::of(&incoming.invite.headers),
            lifetime: Lifetime::begin(desk, leg_ref, policy, incoming.timer.terms()),
        };
        this.state = LegState::Up(Box::new(up));
        this.status = StatusCode::OK.code();
        desk.respond(server, response);
        self.note_answered(desk, caller);
        true
    }

    /// Our answer to the caller's offer, or our offer where it made none.
    fn describe_to_caller(&mut self, desk: &mut Desk, caller: LegIndex, choices: &[Vec<Codec>]) -> Option<Bytes> {
        let this = &mut self.legs[caller.at()];
        let (LegState::Incoming(incoming), LegMedia::Open(session)) = (&this.state, &mut this.media) else {
            return None;
        };
        match &incoming.offer {
            Offered::Open(offer) => session.answer(desk, offer, choices).ok(),
            Offered::Answered => session.description(),
            Offered::Nothing => Some(session.offer(choices.last()?)),
        }
    }

    /// The ACK of a 2xx of ours came.
    pub(crate) fn acknowledged(&mut self, desk: &mut Desk, leg: LegIndex, ack: &Request) {
        let this = &mut self.legs[leg.at()];
        let before = this.hold();
        let (LegState::Up(up), LegMedia::Open(session)) = (&mut this.state, &mut this.media) else { return };
        up.unacknowledged = None;
        match up.dialog.receive(ack) {
            Ok(Heard::Ack { answer: true, .. }) => {
                let answer = body::session(&ack.headers, &ack.body).ok().flatten();
                let agreed = answer.is_some_and(|answer| session.take_answer(desk, &answer).is_ok());
                self.changed = true;
                if agreed {
                    self.hold_changed(desk, leg, before);
                } else if self.legs[leg.at()].session().is_some_and(|session| !session.is_agreed()) {
                    self.end_not_acceptable(desk);
                }
            }
            Ok(Heard::Ack { answer_missing: true, .. }) => {
                if !session.is_agreed() {
                    self.end_not_acceptable(desk);
                }
            }
            Ok(
                Heard::Ack { .. }
                | Heard::StrayAck
                | Heard::Invite { .. }
                | Heard::Update { .. }
                | Heard::Bye
                | Heard::Other,
            )
            | Err(_) => {}
        }
        self.ask_next(desk, leg);
    }

    /// No ACK came for a 2xx of ours (RFC 3261 §13.3.1.4: the session is ended by BYE).
    pub(crate) fn ack_missing(&mut self, desk: &mut Desk, leg: LegIndex) {
        let Some(up) = self.legs.get_mut(leg.at()).and_then(Leg::up_mut) else { return };
        up.dialog.ack_missing();
        up.unacknowledged = None;
        let refusal = StatusCode::REQUEST_TIMEOUT.into();
        self.end(desk, &End { cause: EndCause::PeerLost, by: EndedBy::System, refusal });
    }

    /// The offer of ours was not answered with anything that we can take, and nothing was agreed before.
    pub(super) fn end_not_acceptable(&mut self, desk: &mut Desk) {
        let refusal = StatusCode::NOT_ACCEPTABLE_HERE.into();
        self.end(desk, &End { cause: EndCause::NotAcceptable, by: EndedBy::System, refusal });
    }

    fn note_answered(&mut self, desk: &mut Desk, leg: LegIndex) {
        let this = &self.legs[leg.at()];
        let codec = this.session().and_then(Session::codec_name).unwrap_or_default().to_owned();
        let answered = LegAnswered { call: self.id, leg: this.id, codec };
        self.fact(desk, Event::LegAnswered(answered));
        self.changed = true;
    }

    /// The time to answer is over, because somebody did.
    pub(super) fn stop_ringing(&mut self, desk: &mut Desk) {
        let until = match &self.stage {
            Stage::Summoning { ring_until, .. } => *ring_until,
            Stage::Seeking(seeking) => seeking.ring_until,
            Stage::Begun | Stage::Talking { .. } | Stage::Echo { .. } | Stage::Ending { .. } | Stage::Over => return,
        };
        desk.timers.stop(until, TimerKey::Ring(self.id));
    }
}

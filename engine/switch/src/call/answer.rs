//! The answer: of a called phone, and ours to the caller.

use bytes::Bytes;
use hooks::fact::{CallAnswered, EndCause, EndedBy, Event, LegAnswered};
use sip::dialog::Incoming as Heard;
use sip::headers::{HeaderName, NameAddr};
use sip::message::{Request, Response, StatusCode};
use sip::sdp::{Codec, SessionDescription};

use super::{Call, End, Service, Stage, Verdict};
use crate::asking::Asking;
use crate::body;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::invite::ALLOW;
use crate::leg::{Leg, LegMedia, LegState, Offered, RefreshBy, Up};
use crate::lifetime::Lifetime;
use crate::nat;
use crate::requests::SUPPORTED;
use crate::session::{self, Session};

/// Where the answer to our offer is.
enum Described {
    /// Here.
    Answer(Box<SessionDescription>),
    /// It came before the 2xx, if at all.
    Before,
}

/// The caller and the called party have no codec in common.
struct NotDescribed;

impl Call {
    /// A 2xx to the INVITE of a called leg.
    pub(super) fn answered(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) {
        self.legs[leg.at()].status = response.status.code();
        let described = self.described(leg, response);
        let Some(up) = self.acknowledge(desk, leg, response) else {
            // A 2xx without what a dialog needs: nothing can be sent in it.
            return self.failed(desk, leg, Verdict { status: StatusCode::BAD_GATEWAY, cause: EndCause::Failed });
        };
        let this = &mut self.legs[leg.at()];
        this.state = LegState::Up(Box::new(up));
        let agreed = match (&mut this.media, described) {
            (LegMedia::Open(session), Described::Answer(answer)) => session.take_answer(desk, &answer).is_ok(),
            (LegMedia::Open(session), Described::Before) => session.is_agreed(),
            (LegMedia::None | LegMedia::Closing { .. }, _) => false,
        };
        if !agreed {
            return self.drop_answered(desk, leg);
        }
        self.note_answered(desk, leg);
        if self.came_back(desk, leg) {
            return;
        }
        if !self.asks_to_confirm(desk, leg) {
            self.taken_by(desk, leg);
        }
    }

    /// Whoever is at that leg takes the call.
    pub(super) fn taken_by(&mut self, desk: &mut Desk, leg: LegIndex) {
        match &self.stage {
            Stage::Summoning { .. } => self.summoned(desk, leg),
            Stage::Seeking(seeking) => {
                let caller = seeking.caller;
                self.connect(desk, caller, leg);
            }
            Stage::Served { by: Service::Queue(_), .. } => self.agent_took(desk, leg),
            Stage::Served { by: Service::Park(_), .. } => self.park_answered(desk, leg),
            Stage::Talking { .. } => _ = self.third_answered(desk, leg) || self.supervisor_answered(desk, leg),
            Stage::Begun
            | Stage::Served {
                by:
                    Service::Echo
                    | Service::Room(_)
                    | Service::Flow
                    | Service::Voicemail(_)
                    | Service::Survey(_)
                    | Service::Messages(_)
                    | Service::LastWords(_),
                ..
            }
            | Stage::Ending { .. }
            | Stage::Over => {}
        }
    }

    /// Where the answer to our INVITE is that a 2xx confirms.
    fn described(&mut self, leg: LegIndex, response: &Response) -> Described {
        let before = Described::Before;
        let Some(outgoing) = self.legs[leg.at()].outgoing_mut() else { return before };
        let to = response.headers.to().ok();
        let tag = to.as_ref().and_then(|to| to.tag()).unwrap_or_default();
        let is_current = outgoing.early.current.as_deref() == Some(tag);
        let settled = outgoing.forks.dialog_mut(tag).is_some_and(|dialog| dialog.is_settled());
        // RFC 3261 §13.2.1: what was answered reliably is not answered again, and an UPDATE may have changed it since.
        if settled && is_current {
            return before;
        }
        let early = outgoing.early.answers.remove(tag);
        let description = body::session(&response.headers, &response.body).ok().flatten().filter(|_| !settled);
        match description.or_else(|| early.filter(|_| !is_current)) {
            Some(description) => Described::Answer(Box::new(description)),
            // Some give the answer in a 183 alone.
            None => before,
        }
    }

    /// Sends the ACK. `None` if the 2xx makes no dialog.
    fn acknowledge(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) -> Option<Up> {
        let leg_ref = self.leg_ref(leg);
        if let Some(session) = self.legs[leg.at()].session_mut() {
            session.learn_accepted(&response.headers);
        }
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
            away: None,
        })
    }

    /// A phone answered with nothing that we can take: it is hung up, and the others go on ringing.
    fn drop_answered(&mut self, desk: &mut Desk, leg: LegIndex) {
        let status = StatusCode::NOT_ACCEPTABLE_HERE;
        self.hang_up_leg(desk, leg, EndCause::NotAcceptable);
        let verdict = Verdict { status, cause: EndCause::NotAcceptable };
        if self.third_failed(desk, leg, verdict) || self.supervisor_failed(desk, leg, verdict) {
            return;
        }
        self.note(verdict);
        self.end_if_all_failed(desk);
    }

    /// Caller and called party are connected: the caller is answered, the other phones stop ringing.
    pub(super) fn connect(&mut self, desk: &mut Desk, caller: LegIndex, callee: LegIndex) {
        if self.awaits_prack(caller) {
            return self.keep_answer(desk, caller, callee);
        }
        if !self.legs[caller.at()].is_up() && !self.answer_caller(desk, caller, Some(callee)) {
            let refusal = StatusCode::NOT_ACCEPTABLE_HERE.into();
            return self.end(desk, &End { cause: EndCause::NotAcceptable, by: EndedBy::System, refusal });
        }
        self.stop_ringing(desk);
        for other in self.called() {
            self.cancel_leg(desk, other, EndCause::AnsweredElsewhere);
        }
        let transfer = self.transfer();
        if let Some((transfer, _)) = transfer {
            self.handed_on(desk, transfer, caller, callee);
        } else {
            self.stage = Stage::Talking { caller, callee, answered_ms: desk.now.unix_ms };
            self.changed = true;
            desk.metrics.calls_answered += 1;
            let answered = CallAnswered { call: self.id, leg: self.legs[callee.at()].id };
            self.fact(desk, Event::CallAnswered(answered));
            self.called_back(desk);
        }
        self.rewire(desk);
        self.start_recording(desk);
        if transfer.is_none() {
            self.tell_recorded(desk, callee);
        }
    }

    /// Answers the caller with 200, with what was agreed with `callee`, or what a service takes. False if the caller and the
    /// called party have no codec in common.
    pub(super) fn answer_caller(&mut self, desk: &mut Desk, caller: LegIndex, callee: Option<LegIndex>) -> bool {
        let choices = match callee.and_then(|callee| self.leg(callee)).and_then(Leg::session) {
            Some(session) => {
                let (choices, packets) = (session.choices(), session.packets());
                if let Some(caller) = self.legs[caller.at()].session_mut() {
                    caller.ask_for(packets);
                }
                choices
            }
            None => vec![session::g711()],
        };
        self.answer_with(desk, caller, &choices)
    }

    /// Answers a leg that waits with 200, with the first of these lists of codecs that has one in common with it.
    pub(super) fn answer_with(&mut self, desk: &mut Desk, caller: LegIndex, choices: &[Vec<Codec>]) -> bool {
        let Ok(description) = self.describe_to_caller(desk, caller, choices) else { return false };
        let user = self.own_user(caller);
        let leg_ref = self.leg_ref(caller);
        let this = &mut self.legs[caller.at()];
        let tag = this.tag.clone();
        let LegState::Incoming(incoming) = &mut this.state else { return false };
        incoming.acknowledged(desk, leg_ref);
        let contact = nat::contact(&desk.node, &incoming.flow, &user, &incoming.invite.uri);
        let mut response = Response::to_request(&incoming.invite, StatusCode::OK, Some(&tag))
            .with(HeaderName::Contact, NameAddr::new(contact.into()))
            .with(HeaderName::Allow, ALLOW)
            .with(HeaderName::Supported, SUPPORTED);
        incoming.timer.write(&mut response);
        response.headers.append_copies(&incoming.invite.headers, &HeaderName::RecordRoute);
        if let Some(description) = description {
            response.set_body("application/sdp", description);
        }
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
            away: None,
        };
        this.state = LegState::Up(Box::new(up));
        this.status = StatusCode::OK.code();
        desk.respond(server, response);
        self.note_answered(desk, caller);
        true
    }

    /// Our answer to the caller's offer, or our offer where it made none; nothing where both were exchanged before.
    fn describe_to_caller(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        choices: &[Vec<Codec>],
    ) -> Result<Option<Bytes>, NotDescribed> {
        let this = &mut self.legs[caller.at()];
        let (LegState::Incoming(incoming), LegMedia::Open(session)) = (&this.state, &mut this.media) else {
            return Err(NotDescribed);
        };
        match &incoming.offer {
            Offered::Open(offer) => session.answer(desk, offer, choices).map(Some).map_err(|_| NotDescribed),
            Offered::Answered => session.description().map(Some).ok_or(NotDescribed),
            Offered::Exchanged => Ok(None),
            Offered::Nothing => choices.last().map(|codecs| Some(session.offer(codecs))).ok_or(NotDescribed),
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
                | Heard::Prack { .. }
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
            Stage::Begun | Stage::Talking { .. } | Stage::Served { .. } | Stage::Ending { .. } | Stage::Over => return,
        };
        desk.timers.stop(until, TimerKey::Ring(self.id));
    }
}

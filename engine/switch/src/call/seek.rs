//! The called party is sought: all phones of an extension at once, or one trunk after the other. What each answers is handled
//! here, up to the first 2xx.

use std::collections::VecDeque;
use std::time::Duration;

use dialplan::flow::name::{FlowName, Mailbox, QueueName};
use dialplan::number::{ExtensionNumber, RoomNumber};
use dialplan::park::ParkPlace;
use dialplan::plan::Attempt;
use hooks::fact::{EndCause, EndedBy, PeerKind};
use sip::dialog::Forks;
use sip::message::{Response, StatusCode};
use sip::transaction::ClientKey;

use super::callback::CALLBACK_RING;
use super::closed::{Blocked, Shut};
use super::forward::ENGAGED;
use super::queue::Queued;
use super::transfer::{Errand, Purpose, TRANSFER_RING_MAX, Transfer};
use super::{Call, End, LEGS_MAX, Seeking, Service, Stage, Verdict};
use crate::config::OVERFLOW_RING;
use crate::desk::{ClientUse, Desk, LegIndex, LegRef, Refusal, TimerKey};
use crate::invite::{self, Invitation, Summons};
use crate::leg::{Early, Hold, Leg, LegMedia, LegState, Outgoing, Patience, Peer, Progress, Side};
use crate::media::MediaCommand;
use crate::session::{self, Carriage, Session};
use crate::target::{FLOW_PATIENCE, Phone, Target};
use crate::trunk;

/// Where a call leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To the phones of an extension.
    Extension(ExtensionNumber),
    /// Into a conference room.
    Room(RoomNumber),
    /// Into a flow.
    Flow(FlowName),
    /// Into a queue.
    Queue(QueueName),
    /// Nowhere but to what is said while it is closed.
    Shut(Box<Shut>),
    /// Nowhere: a number is blocked.
    Blocked(Box<Blocked>),
    /// Into a box for messages.
    Voicemail(Mailbox),
    /// To a place for parked callers.
    Park(ParkPlace),
    /// To the messages in this box.
    Messages(Mailbox),
    /// To the echo test.
    EchoTest,
    /// By trunks, in order.
    Lines(Vec<Attempt>),
    /// Nowhere.
    Nowhere,
}

/// A target could not be called: no port, no room for another transaction or leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotStarted;

impl Call {
    /// Seeks the called party for the caller on `caller`.
    pub(crate) fn seek(&mut self, desk: &mut Desk, caller: LegIndex, route: &Route) {
        self.seek_for(desk, caller, route, None);
    }

    /// Seeks a party for `caller`, which may be one that is handed on.
    pub(super) fn seek_for(&mut self, desk: &mut Desk, caller: LegIndex, route: &Route, transfer: Option<Transfer>) {
        if *route == Route::EchoTest {
            return self.echo(desk, caller, transfer);
        }
        if let Route::Room(number) = route {
            return self.visit(desk, caller, number, transfer);
        }
        if let Route::Flow(name) = route {
            return self.enter_flow(desk, caller, name, transfer);
        }
        if let Route::Queue(name) = route {
            let how = Queued::without_flow(name.clone(), 0);
            return self.enter_queue(desk, caller, how, transfer);
        }
        if let Route::Shut(shut) = route {
            return self.shut_out(desk, caller, shut, transfer);
        }
        if let Route::Blocked(blocked) = route {
            return self.block(desk, caller, blocked, transfer);
        }
        if let Route::Voicemail(mailbox) = route {
            return self.enter_voicemail(desk, caller, mailbox, transfer);
        }
        if let Route::Park(place) = route {
            return self.enter_park(desk, caller, place, transfer);
        }
        if let Route::Messages(mailbox) = route {
            return self.listen_to_messages(desk, caller, mailbox, transfer);
        }
        let ring_until = desk.now.mono;
        self.stage = Stage::Seeking(Seeking { caller, queue: VecDeque::new(), verdict: None, ring_until, transfer });
        self.changed = true;
        if !self.ask_whether_to_dial(desk, route) {
            self.ring(desk, route);
        }
    }

    /// Rings whom it seeks.
    pub(super) fn ring(&mut self, desk: &mut Desk, route: &Route) {
        let transfer = self.transfer().map(|(transfer, _)| transfer);
        let (route, targets, ring_for) = match self.targets(desk, route) {
            Ok(found) => found,
            Err(verdict) => return self.nobody(desk, verdict),
        };
        let ring_for = match transfer.map(|transfer| transfer.purpose) {
            Some(Purpose::HandOn(_) | Purpose::Recall) => ring_for.min(TRANSFER_RING_MAX),
            Some(Purpose::Flow(Errand::Ring(ring_for))) => ring_for,
            Some(Purpose::Flow(Errand::Overflow)) => OVERFLOW_RING,
            None if self.calls_back() => ring_for.min(CALLBACK_RING),
            Some(Purpose::Flow(Errand::Confer | Errand::Shut)) | None => ring_for,
        };
        let ring_until = desk.start_timer(ring_for, TimerKey::Ring(self.id));
        let at_once = matches!(route, Route::Extension(_));
        let (first, queue) = if at_once { (targets, VecDeque::new()) } else { (Vec::new(), targets.into()) };
        if let Stage::Seeking(seeking) = &mut self.stage {
            (seeking.queue, seeking.ring_until) = (queue, ring_until);
        }
        for target in first {
            let _ = self.call_target(desk, target, Summons::Ring);
        }
        if !at_once {
            self.call_next(desk);
        }
        self.end_if_all_failed(desk);
    }

    /// Where a route leads in the end, who can be called there, and how long they may ring.
    pub(super) fn targets(
        &mut self,
        desk: &mut Desk,
        route: &Route,
    ) -> Result<(Route, Vec<Target>, Duration), Verdict> {
        let node_ring = desk.node.ring_timeout;
        let nowhere = Verdict { status: StatusCode::NOT_FOUND, cause: EndCause::Unreachable };
        let away = Verdict { status: StatusCode::TEMPORARILY_UNAVAILABLE, cause: EndCause::Unreachable };
        let no_line = Verdict { status: StatusCode::SERVICE_UNAVAILABLE, cause: EndCause::Congestion };
        let route = self.forwarded_always(desk, route).ok_or(away)?;
        *self.sought() = match &route {
            Route::Extension(number) => Some(number.clone()),
            Route::Room(_)
            | Route::Flow(_)
            | Route::Queue(_)
            | Route::Voicemail(_)
            | Route::Shut(_)
            | Route::Blocked(_)
            | Route::Park(_)
            | Route::Messages(_)
            | Route::EchoTest
            | Route::Lines(_)
            | Route::Nowhere => None,
        };
        let (targets, ring_for, nobody) = match &route {
            Route::Extension(number) => {
                let extension = self.tenant.extensions.get(number).filter(|extension| extension.enabled);
                let extension = extension.ok_or(nowhere)?;
                if self.is_engaged(desk, extension) {
                    return Err(ENGAGED);
                }
                let ring_for = extension.ring_timeout.unwrap_or(node_ring);
                let agent = desk.floor.on_extension(&self.tenant.tenant, number);
                let shown = self.shown();
                if let Some(lines) = agent.and_then(|agent| desk.mobile_lines(&self.tenant, agent, &shown)) {
                    // One after the other, as all lines are tried.
                    return if lines.is_empty() { Err(away) } else { Ok((Route::Lines(Vec::new()), lines, ring_for)) };
                }
                (desk.rung_phones(&self.tenant, number), ring_for, away)
            }
            Route::Lines(attempts) => {
                let lines = trunk::lines(desk, &self.tenant, &self.shown(), attempts);
                (lines, node_ring.min(trunk::RING_MAX), no_line)
            }
            Route::Room(_)
            | Route::Flow(_)
            | Route::Queue(_)
            | Route::Voicemail(_)
            | Route::Shut(_)
            | Route::Blocked(_)
            | Route::Park(_)
            | Route::Messages(_)
            | Route::EchoTest
            | Route::Nowhere => return Err(nowhere),
        };
        if targets.is_empty() { Err(nobody) } else { Ok((route, targets, ring_for)) }
    }

    /// There is nobody to be called, or nobody answered.
    pub(super) fn nobody(&mut self, desk: &mut Desk, verdict: Verdict) {
        let sought = self.sought().clone();
        if self.forwarded(desk, verdict) {
            return self.rewire(desk);
        }
        if let Some((transfer, stays)) = self.transfer() {
            return self.transfer_failed(desk, transfer, stays, verdict);
        }
        let is_agent = |number| desk.floor.on_extension(&self.tenant.tenant, &number).is_some();
        // AGT-12: who calls a colleague reads why it is busy.
        let refusal = if verdict.cause == EndCause::Busy && sought.is_some_and(is_agent) {
            Refusal::phrased(verdict.status, "Agent Not Available")
        } else {
            verdict.status.into()
        };
        self.end(desk, &End { cause: verdict.cause, by: EndedBy::System, refusal });
    }

    /// Sends an INVITE to a target as a new leg.
    pub(super) fn call_target(
        &mut self,
        desk: &mut Desk,
        target: Target,
        summons: Summons,
    ) -> Result<LegIndex, NotStarted> {
        if self.legs.len() >= LEGS_MAX {
            return Err(NotStarted);
        }
        let leg_ref = self.leg_ref(self.next_index());
        let flow = target.flow();
        let carriage = Carriage::to(&desk.node, &flow, target.srtp(&self.tenant));
        let mut session = Session::open(desk, &self.tenant.tenant, leg_ref, &flow, carriage).ok_or(NotStarted)?;
        let (proposal, about, diverted) = match summons {
            Summons::Ring | Summons::RingFirst | Summons::AutoAnswer => {
                session.ask_for(self.proposed_packets());
                (self.proposal(), self.shown(), self.redirects.diverted())
            }
            Summons::Supervise(agent) => (session::mixed(None), self.shown_as(&self.legs[agent.at()]), Vec::new()),
            Summons::Return(back) => {
                let proposal = self.proposal_back(back.leg).unwrap_or_else(session::g711);
                (proposal, self.shown_beside(back.leg), Vec::new())
            }
        };
        let offer = session.offer(&proposal);
        let tag: Box<str> = desk.random.token().into();
        let timer = desk.node.session_timer.propose();
        let (tenant, tag_text) = (&*self.tenant, &*tag);
        let request = invite::build(
            desk,
            &Invitation { tenant, about: &about, target: &target, summons, tag: tag_text, timer, offer, diverted },
        );
        let sip_call_id = request.headers.call_id().unwrap_or_default().to_owned();
        let sent = desk.send(request.clone(), flow);
        let Ok(client) = sent else {
            desk.media(MediaCommand::Close(session.endpoint()));
            return Err(NotStarted);
        };
        desk.clients.insert(client, ClientUse { leg: leg_ref, flow, left: None });
        let patience = self.patience(desk, leg_ref, &target);
        let peer = self.peer_of(&target, summons);
        let side = match summons {
            Summons::Ring | Summons::Supervise(_) => Side::Callee,
            Summons::AutoAnswer | Summons::RingFirst => Side::Caller,
            Summons::Return(back) => back.side,
        };
        let agent = match &target {
            Target::Trunk(line) => line.agent,
            Target::Phone(_) => desk.floor.at(&self.tenant.tenant, &peer),
        };
        let outgoing = Outgoing {
            client,
            forks: Forks::new(request),
            flow,
            target,
            summons,
            progress: Progress::Silent,
            early: Early::default(),
            patience,
            timer,
            raised: 0,
            login: None,
        };
        let leg = Leg {
            id: desk.leg_id(),
            side,
            agent,
            peer,
            tag,
            state: LegState::Outgoing(Box::new(outgoing)),
            media: LegMedia::Open(Box::new(session)),
            holds: Hold::Off,
            status: 0,
        };
        Ok(self.push_leg(desk, leg, &sip_call_id))
    }

    /// How long a target may give no sign of life.
    fn patience(&self, desk: &mut Desk, leg: LegRef, target: &Target) -> Patience {
        let patience = match target {
            Target::Trunk(line) => {
                let trunk = self.tenant.trunks.get(&line.trunk);
                trunk.map(|trunk| trunk.policy.choice.patience).unwrap_or_default()
            }
            Target::Phone(phone) if phone.others.is_empty() => return Patience::Unlimited,
            Target::Phone(_) => FLOW_PATIENCE,
        };
        Patience::Until(desk.start_timer(patience, TimerKey::NoResponse(leg)))
    }

    /// A response to the INVITE of a leg.
    pub(crate) fn responded(&mut self, desk: &mut Desk, leg: LegIndex, client: ClientKey, response: &Response) {
        let current = self.leg(leg).and_then(Leg::outgoing).map(|outgoing| outgoing.client);
        if self.ask_heard(desk, leg, client, response) {
            return;
        }
        if current != Some(client) {
            return self.responded_late(desk, leg, client, response);
        }
        self.lose_patience(desk, leg);
        if response.status.is_provisional() {
            self.progressed(desk, leg, response);
        } else if response.status.is_success() {
            self.answered(desk, leg, response);
        } else {
            self.refused(desk, leg, response);
        }
    }

    /// A second 2xx of a leg that is up or over (RFC 3261 §13.2.2.4).
    fn responded_late(&self, desk: &mut Desk, leg: LegIndex, client: ClientKey, response: &Response) {
        if self.leg(leg).is_some() {
            super::late_success(desk, client, response);
        }
    }

    /// A called leg failed finally.
    fn refused(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) {
        self.legs[leg.at()].status = response.status.code();
        self.heard_reason(leg, &response.headers);
        if self.sign_in(desk, leg, response)
            || self.lengthen(desk, leg, response)
            || self.redirected(desk, leg, response)
        {
            return;
        }
        self.failed(desk, leg, Verdict::of(response.status));
    }

    /// The INVITE of a leg got no final response, or could not be sent.
    pub(crate) fn unreachable(&mut self, desk: &mut Desk, leg: LegIndex, client: ClientKey, status: StatusCode) {
        if self.ask_unanswered(desk, leg, client, status) {
            return;
        }
        if self.leg(leg).and_then(Leg::outgoing).is_some_and(|outgoing| outgoing.client == client) {
            self.failed(desk, leg, Verdict { status, cause: EndCause::Unreachable });
        }
    }

    /// A trunk or a flow of a phone gave no sign of life: the next one is tried.
    pub(crate) fn no_response(&mut self, desk: &mut Desk, leg: LegIndex) {
        let verdict = Verdict { status: StatusCode::REQUEST_TIMEOUT, cause: EndCause::Unreachable };
        let another = self.by_another_flow(leg, verdict);
        let Some(outgoing) = self.legs.get_mut(leg.at()).and_then(Leg::outgoing_mut) else { return };
        outgoing.patience = Patience::Unlimited;
        let others = self.has_more(leg);
        if another.is_some() || others {
            self.cancel_leg(desk, leg, EndCause::Unreachable);
            if self.call_again(desk, leg, another).is_err() {
                self.note(verdict);
                self.call_next(desk);
                self.ring_next_line(desk, leg);
            }
            self.end_if_all_failed(desk);
        }
    }

    /// Whether something else can be tried in place of a target.
    fn has_more(&self, leg: LegIndex) -> bool {
        match &self.stage {
            Stage::Seeking(Seeking { queue, .. }) | Stage::Summoning { queue, .. } => !queue.is_empty(),
            Stage::Begun | Stage::Talking { .. } | Stage::Served { .. } | Stage::Ending { .. } | Stage::Over => {
                self.has_more_lines(leg)
            }
        }
    }

    /// The phone of a leg by another flow, if it said nothing on the one that failed.
    fn by_another_flow(&self, leg: LegIndex, verdict: Verdict) -> Option<(Phone, Summons)> {
        let outgoing = self.leg(leg).and_then(Leg::outgoing)?;
        match &outgoing.target {
            Target::Phone(phone) if outgoing.progress == Progress::Silent => {
                Some((phone.by_another_flow(verdict)?, outgoing.summons))
            }
            Target::Phone(_) | Target::Trunk(_) => None,
        }
    }

    /// Calls the phone of a leg that ended by another flow, if there is one.
    fn call_again(
        &mut self,
        desk: &mut Desk,
        ended: LegIndex,
        phone: Option<(Phone, Summons)>,
    ) -> Result<(), NotStarted> {
        let (phone, summons) = phone.ok_or(NotStarted)?;
        let new = self.call_target(desk, Target::Phone(phone), summons)?;
        self.leg_replaced(ended, new);
        Ok(())
    }

    /// Nobody answered in time.
    pub(crate) fn ring_elapsed(&mut self, desk: &mut Desk) {
        match &self.stage {
            Stage::Summoning { .. } | Stage::Seeking(_) => {
                let status = StatusCode::TEMPORARILY_UNAVAILABLE;
                self.nobody(desk, Verdict { status, cause: EndCause::NoAnswer });
            }
            Stage::Begun | Stage::Talking { .. } | Stage::Served { .. } | Stage::Ending { .. } | Stage::Over => {}
        }
    }

    /// A called leg failed: the others go on, or the next target is tried, or the call ends with the best of the failures.
    pub(super) fn failed(&mut self, desk: &mut Desk, leg: LegIndex, verdict: Verdict) {
        let line = self.legs[leg.at()].outgoing().and_then(|outgoing| match &outgoing.target {
            Target::Trunk(line) => Some(line.trunk.clone()),
            Target::Phone(_) => None,
        });
        if self.stayed_away(desk, leg, verdict) {
            return;
        }
        let another = self.by_another_flow(leg, verdict);
        self.finish_leg(desk, leg, verdict.cause);
        if self.call_again(desk, leg, another).is_ok() {
            return;
        }
        if self.third_failed(desk, leg, verdict) || self.supervisor_failed(desk, leg, verdict) {
            return;
        }
        self.note(verdict);
        if let Some(line) = line {
            if trunk::is_worth_another(self.tenant.trunks.get(&line), verdict) {
                self.call_next(desk);
                self.ring_next_line(desk, leg);
            } else if let Stage::Seeking(Seeking { queue, .. }) | Stage::Summoning { queue, .. } = &mut self.stage {
                queue.clear();
            }
        }
        // RFC 3261 §16.7 step 5: a 6xx ends the search.
        if verdict.status.class() == 6 {
            let agent = self.legs[leg.at()].agent;
            for other in self.called() {
                // In a queue it ends that for its own agent alone.
                if self.waiting_leg().is_none() || self.legs[other.at()].agent == agent {
                    self.cancel_leg(desk, other, EndCause::Cancelled);
                }
            }
        }
        self.call_next_way(desk, verdict);
        self.end_if_all_failed(desk);
    }

    /// Calls the next target that can be called.
    pub(super) fn call_next(&mut self, desk: &mut Desk) {
        let first = if self.calls_back() { Summons::RingFirst } else { Summons::AutoAnswer };
        loop {
            let (queue, summons) = match &mut self.stage {
                Stage::Seeking(Seeking { queue, .. }) => (queue, Summons::Ring),
                Stage::Summoning { queue, .. } => (queue, first),
                Stage::Begun | Stage::Talking { .. } | Stage::Served { .. } | Stage::Ending { .. } | Stage::Over => {
                    return;
                }
            };
            let Some(target) = queue.pop_front() else { return };
            // GEN-18: an emergency call is past limits.
            if let (Target::Trunk(line), false) = (&target, self.about.emergency)
                && trunk::is_full(desk, &self.tenant.tenant, &line.trunk)
            {
                let trunk = line.trunk.clone();
                queue.retain(|next| !matches!(next, Target::Trunk(line) if line.trunk == trunk));
                continue;
            }
            if self.call_target(desk, target, summons).is_ok() {
                return;
            }
        }
    }

    /// Ends the call when nobody is called any more.
    pub(super) fn end_if_all_failed(&mut self, desk: &mut Desk) {
        let verdict = match &self.stage {
            Stage::Summoning { verdict, .. } => *verdict,
            Stage::Seeking(seeking) => seeking.verdict,
            Stage::Served { by: Service::Park(_), .. } => return self.park_ring_failed(desk),
            Stage::Begun | Stage::Talking { .. } | Stage::Served { .. } | Stage::Ending { .. } | Stage::Over => return,
        };
        if !self.called().is_empty() {
            // The one that was heard may be the one that failed.
            return self.rewire(desk);
        }
        if verdict.is_some_and(|verdict| self.forwarded(desk, verdict)) {
            return self.rewire(desk);
        }
        if let Some((transfer, stays)) = self.transfer() {
            let full = Verdict { status: StatusCode::SERVICE_UNAVAILABLE, cause: EndCause::Congestion };
            return self.transfer_failed(desk, transfer, stays, verdict.unwrap_or(full));
        }
        // Without a verdict not even the first INVITE could be sent: no port, no transaction.
        let Some(verdict) = verdict else {
            let refusal = Refusal::busy_node();
            return self.end(desk, &End { cause: EndCause::Congestion, by: EndedBy::System, refusal });
        };
        let by = match verdict.cause {
            EndCause::Busy | EndCause::Rejected => self.called_side(),
            EndCause::Normal
            | EndCause::Cancelled
            | EndCause::AnsweredElsewhere
            | EndCause::NoAnswer
            | EndCause::Unreachable
            | EndCause::NotAcceptable
            | EndCause::Refused
            | EndCause::Congestion
            | EndCause::MediaTimeout
            | EndCause::PeerLost
            | EndCause::Command
            | EndCause::Transferred
            | EndCause::Reconnected
            | EndCause::Interrupted
            | EndCause::Stopped
            | EndCause::Failed => EndedBy::System,
        };
        self.end(desk, &End { cause: verdict.cause, by, refusal: verdict.refusal() });
    }

    /// Whom the phones that ring now belong to.
    fn called_side(&self) -> EndedBy {
        match &self.stage {
            Stage::Summoning { .. } => EndedBy::Caller,
            Stage::Begun
            | Stage::Seeking(_)
            | Stage::Talking { .. }
            | Stage::Served { .. }
            | Stage::Ending { .. }
            | Stage::Over => EndedBy::Callee,
        }
    }

    pub(super) fn note(&mut self, new: Verdict) {
        match &mut self.stage {
            Stage::Summoning { verdict, .. } | Stage::Seeking(Seeking { verdict, .. }) => {
                *verdict = Some(verdict.map_or(new, |old| old.better(new)));
            }
            Stage::Begun | Stage::Talking { .. } | Stage::Served { .. } | Stage::Ending { .. } | Stage::Over => {}
        }
    }

    /// The target answered something.
    fn lose_patience(&mut self, desk: &mut Desk, leg: LegIndex) {
        let key = TimerKey::NoResponse(self.leg_ref(leg));
        let Some(outgoing) = self.legs[leg.at()].outgoing_mut() else { return };
        if let Patience::Until(at) = std::mem::replace(&mut outgoing.patience, Patience::Unlimited) {
            desk.timers.stop(at, key);
        }
    }

    fn peer_of(&self, target: &Target, summons: Summons) -> Peer {
        match target {
            Target::Phone(phone) => {
                let name = phone.extension.to_string();
                let number = match summons {
                    Summons::Ring | Summons::Supervise(_) => name.clone(),
                    Summons::AutoAnswer | Summons::RingFirst => self.about.caller.clone(),
                    Summons::Return(back) => self.legs[back.leg.at()].peer.number.clone(),
                };
                Peer { kind: PeerKind::Extension, name, number }
            }
            Target::Trunk(line) => {
                Peer { kind: PeerKind::Trunk, name: line.trunk.to_string(), number: line.number.clone() }
            }
        }
    }
}

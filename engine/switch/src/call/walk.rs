//! A call in a flow (IVR-03): the caller is answered, hears what the flow says and presses keys; the flow rings others for it and goes
//! on when nobody answers, or when they have talked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::Flow;
use dialplan::flow::action::{Action, DialEnd, DialTarget, Event, QueueLeft};
use dialplan::flow::name::{FlowName, HoursName, Key, Mailbox, QueueName};
use dialplan::flow::node::{Cause, QueueFigure};
use dialplan::flow::run::{Caller, Run, World};
use dialplan::flow::trail::Visit;
use dialplan::hours::Opening;
use dialplan::number::Dialled;
use dialplan::say::Part;
use hooks::fact::{self, EndCause, EndedBy, FlowStep, FlowWalked};
use sip::message::StatusCode;

use super::queue::Queued;
use super::room::NOWHERE;
use super::transfer::{Errand, Purpose, Transfer};
use super::voicemail::After;
use super::{Call, End, Route, Service, Stage, Verdict};
use crate::config::TenantConfig;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::floor::Floor;
use crate::incoming::routed;
use crate::input::LookUpId;
use crate::leg::Side;
use crate::media::{Detect, PlayerId, Source};
use crate::players::Audience;

/// A flow that a call walks.
#[derive(Debug)]
pub(super) struct Walk {
    run: Run,
    name: FlowName,
    answered_ms: u64,
    /// What the caller hears.
    playing: Option<PlayerId>,
    /// When the caller will have been silent for too long.
    due: Option<Duration>,
    /// What a server was asked last and has not answered.
    asked: Option<LookUpId>,
    /// The wall clock of its beginning, ahead of the steady one: it is asked for the time in between.
    ahead_ms: i64,
    /// What happened while an action was being done, which may fail at once.
    events: VecDeque<Event>,
    is_acting: bool,
}

impl Call {
    /// Answers the caller and walks a flow with it.
    pub(super) fn enter_flow(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        name: &FlowName,
        transfer: Option<Transfer>,
    ) {
        if !self.tenant.flows.contains_key(name) {
            return self.not_served(desk, caller, transfer, NOWHERE);
        }
        let Some(answered_ms) = self.answer_and_serve(desk, caller, name.as_str(), transfer) else { return };
        self.walk_on(desk, caller, answered_ms, name);
    }

    /// Walks a flow with a caller who is served already.
    pub(super) fn walk_on(&mut self, desk: &mut Desk, caller: LegIndex, answered_ms: u64, name: &FlowName) {
        self.leave_flow(desk);
        self.stage = Stage::Served { caller, answered_ms, by: Service::Flow };
        let ahead_ms = i64::try_from(desk.now.unix_ms).unwrap_or(i64::MAX).saturating_sub(steady_ms(desk));
        let caller = Caller {
            number: self.legs[caller.at()].peer.number.clone(),
            name: self.about.caller_name.clone(),
            called: self.about.callee.clone(),
            trunk: self.about.trunk.clone().unwrap_or_default(),
            language: self.tenant.language,
        };
        let (run, actions) = Run::start(name, &caller, &Flows::of(&self.tenant, desk), steady_ms(desk) + ahead_ms);
        self.walk = Some(Box::new(Walk {
            run,
            name: name.clone(),
            answered_ms,
            playing: None,
            due: None,
            asked: None,
            ahead_ms,
            events: VecDeque::new(),
            is_acting: true,
        }));
        self.act(desk, actions);
    }

    /// Something happened that the flow wants to know.
    pub(super) fn tell_flow(&mut self, desk: &mut Desk, event: Event) {
        let Some(walk) = &mut self.walk else { return };
        walk.events.push_back(event);
        if !std::mem::replace(&mut walk.is_acting, true) {
            self.act(desk, Vec::new());
        }
    }

    /// Does what the flow wants, and what it wants after that.
    fn act(&mut self, desk: &mut Desk, actions: Vec<Action>) {
        let mut actions = VecDeque::from(actions);
        let tenant = self.tenant.clone();
        loop {
            if let Some(action) = actions.pop_front() {
                self.do_for_flow(desk, action);
                continue;
            }
            let Some(walk) = &mut self.walk else { return };
            let Some(event) = walk.events.pop_front() else { break };
            actions.extend(walk.run.handle(&Flows::of(&tenant, desk), steady_ms(desk) + walk.ahead_ms, &event));
        }
        self.tell_way_when_due(desk);
        let key = TimerKey::Flow(self.id);
        let now = desk.now.mono;
        if let Some(walk) = &mut self.walk {
            walk.is_acting = false;
            if let Some(due) = walk.due.take() {
                desk.timers.stop(due, key);
            }
            walk.due = walk.run.poll_timeout().map(|until_ms| {
                let left = u64::try_from(until_ms.saturating_sub(steady_ms(desk) + walk.ahead_ms)).unwrap_or_default();
                now + Duration::from_millis(left)
            });
            if let Some(due) = walk.due {
                desk.timers.start(due, key);
            }
        }
        self.rewire(desk);
    }

    fn do_for_flow(&mut self, desk: &mut Desk, action: Action) {
        let id = self.id;
        match action {
            Action::Play { language, parts } => {
                let player = desk.play(Audience::Call(id), &self.tenant.tenant, language, parts);
                let before = self.walk.as_mut().and_then(|walk| walk.playing.replace(player));
                before.into_iter().for_each(|before| desk.stop_playing(before));
            }
            Action::StopPlaying => {
                let playing = self.walk.as_mut().and_then(|walk| walk.playing.take());
                playing.into_iter().for_each(|player| desk.stop_playing(player));
            }
            Action::Dial { to, ring_s } => self.dial_for_flow(desk, &to, Duration::from_secs(u64::from(ring_s))),
            Action::Conference(room) => match room.as_str().parse() {
                Ok(room) => self.leave_for(desk, &Route::Room(room), Errand::Confer),
                Err(_) => self.tell_flow(desk, Event::Done),
            },
            Action::Queue { queue, priority, leaves, keys } => {
                if let Stage::Served { caller, answered_ms, by: Service::Flow } = self.stage {
                    self.wait_in(
                        desk,
                        caller,
                        answered_ms,
                        Queued { queue, priority, by_flow: leaves, flow_keys: keys },
                    );
                }
            }
            Action::LeaveQueue => self.leave_queue_for_flow(desk),
            Action::Voicemail { mailbox, greeting } => self.message_for_flow(desk, mailbox, greeting),
            Action::Survey(name) => self.survey_for_flow(desk, &name),
            Action::Lookup { url, timeout_ms, fields: _ } => {
                let id = desk.look_up(&self.tenant.tenant, id, url, Duration::from_millis(u64::from(timeout_ms)));
                if let Some(walk) = &mut self.walk {
                    walk.asked = Some(id);
                }
            }
            Action::Fault { .. } => desk.metrics.flow_faults += 1,
            Action::Collect { .. } | Action::SetVariable { .. } => {}
            Action::HangUp(cause) => {
                let (cause, status) = match cause {
                    Cause::Normal => (EndCause::Normal, StatusCode::REQUEST_TERMINATED),
                    Cause::Busy => (EndCause::Busy, StatusCode::BUSY_HERE),
                    Cause::Rejected => (EndCause::Rejected, StatusCode::FORBIDDEN),
                    Cause::Failure => (EndCause::Failed, StatusCode::SERVER_INTERNAL_ERROR),
                };
                self.end(desk, &End { cause, by: EndedBy::System, refusal: status.into() });
            }
        }
    }

    fn message_for_flow(&mut self, desk: &mut Desk, mailbox: Mailbox, greeting: Vec<Part>) {
        let Stage::Served { caller, answered_ms, by: Service::Flow } = self.stage else { return };
        if self.has_box(&mailbox) {
            return self.take_message(desk, caller, answered_ms, (mailbox, After::Flow), greeting);
        }
        // It was there when the flow was published.
        self.tell_flow(desk, Event::Done);
    }

    fn dial_for_flow(&mut self, desk: &mut Desk, to: &DialTarget, ring_for: Duration) {
        let route = match to {
            DialTarget::Extension(number) => number.parse().ok().map(Route::Extension),
            DialTarget::Outside(number) => {
                match Dialled::clean(number).map(|number| routed(&self.tenant, &number, desk.now.unix_ms)) {
                    Ok((lines @ Route::Lines(_), _, emergency)) => {
                        // GEN-18: it is past limits from here on.
                        self.about.emergency |= emergency;
                        Some(lines)
                    }
                    Ok(_) | Err(_) => None,
                }
            }
            // Whether he may be rung is asked where he is.
            DialTarget::Agent(number) => number
                .parse()
                .ok()
                .and_then(|number| desk.floor.agent(&self.tenant.tenant, &number))
                .and_then(|agent| desk.floor.extension_of(agent))
                .map(|extension| Route::Extension(extension.clone())),
        };
        match route {
            Some(route) => self.leave_for(desk, &route, Errand::Ring(ring_for)),
            None => self.tell_flow(desk, Event::DialEnded(DialEnd::Failed)),
        }
    }

    /// The caller leaves the flow for somebody, or a room: as if the flow handed it on.
    fn leave_for(&mut self, desk: &mut Desk, route: &Route, errand: Errand) {
        let Stage::Served { caller, answered_ms, by: Service::Flow } = self.stage else { return };
        let Some(by) = self.service() else { return };
        let transfer = Transfer { by, seat: Side::Callee, purpose: Purpose::Flow(errand), answered_ms };
        self.seek_for(desk, caller, route, Some(transfer));
    }

    /// The caller is in its flow again.
    pub(super) fn serve_by_flow(&mut self, caller: LegIndex) {
        let Some(walk) = &self.walk else { return };
        self.stage = Stage::Served { caller, answered_ms: walk.answered_ms, by: Service::Flow };
        self.changed = true;
    }

    /// The flow that it entered.
    pub(super) fn flow_name(&self) -> Option<FlowName> {
        self.walk.as_ref().map(|walk| walk.name.clone())
    }

    /// Nobody answered for whom the flow rang, or the room took nobody in.
    pub(super) fn nobody_for_flow(&mut self, desk: &mut Desk, caller: LegIndex, errand: Errand, verdict: Verdict) {
        self.serve_by_flow(caller);
        let event = match errand {
            Errand::Confer | Errand::Overflow | Errand::Shut => Event::Done,
            Errand::Ring(_) if verdict.cause == EndCause::Busy => Event::DialEnded(DialEnd::Busy),
            Errand::Ring(_) if verdict.cause == EndCause::NoAnswer => Event::DialEnded(DialEnd::NoAnswer),
            Errand::Ring(_) => Event::DialEnded(DialEnd::Failed),
        };
        self.tell_flow(desk, event);
    }

    /// Whom the flow rang hung up: the flow goes on if it says how. False if it does not.
    pub(super) fn back_to_flow(&mut self, desk: &mut Desk, gone: LegIndex) -> bool {
        let Stage::Talking { caller, callee, .. } = &self.stage else { return false };
        if *callee != gone {
            return false;
        }
        let caller = *caller;
        let goes_on = self.is_awaited_by_flow(desk, caller);
        if goes_on {
            let queued = self.walk.as_ref().is_some_and(|walk| walk.run.is_queued());
            let talked =
                if queued { Event::QueueLeft(QueueLeft::Answered) } else { Event::DialEnded(DialEnd::Answered) };
            self.go_on_with_flow(desk, caller, talked);
        }
        goes_on
    }

    /// A conference is over for the caller: its flow goes on if it says how, else the call ends.
    pub(super) fn end_visit(&mut self, desk: &mut Desk, end: &End) {
        let Stage::Served { caller, by: Service::Room(_), .. } = self.stage else { return };
        self.leave_room(desk, end.cause);
        if !self.is_awaited_by_flow(desk, caller) {
            return self.end(desk, end);
        }
        if let Some(room) = self.service() {
            self.finish_leg(desk, room, end.cause);
        }
        self.go_on_with_flow(desk, caller, Event::Done);
    }

    /// Whether a flow goes on with the caller when whoever is with it now has gone.
    pub(super) fn is_awaited_by_flow(&self, desk: &Desk, caller: LegIndex) -> bool {
        let comes_back = |walk: &Walk| walk.run.comes_back(&Flows::of(&self.tenant, desk));
        self.walk.as_deref().is_some_and(comes_back) && self.legs[caller.at()].is_up()
    }

    fn go_on_with_flow(&mut self, desk: &mut Desk, caller: LegIndex, event: Event) {
        let Some(name) = self.flow_name() else { return };
        self.push_service(desk, name.as_str());
        self.serve_by_flow(caller);
        self.tell_flow(desk, event);
    }

    /// A server answered, or did not. A flow that did not wait for it, and is elsewhere by now, is not told.
    pub(crate) fn looked_up(&mut self, desk: &mut Desk, id: LookUpId, answer: Option<serde_json::Value>) {
        if self.walk.as_mut().is_some_and(|walk| walk.asked.take_if(|asked| *asked == id).is_some()) {
            self.tell_flow(desk, Event::LookupDone(answer));
        }
    }

    /// What the flow says was said to its end. False if it is not the flow that says it.
    pub(super) fn played_for_flow(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        let is_its = self.walk.as_mut().is_some_and(|walk| walk.playing.take_if(|own| *own == player).is_some());
        if is_its {
            self.tell_flow(desk, Event::Played);
        }
        is_its
    }

    /// The caller pressed a key. False if it is not in a flow.
    pub(super) fn pressed_in_flow(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        let is_served = matches!(self.served(), Some((caller, Service::Flow | Service::Queue(_))) if caller == leg);
        let is_in_flow = is_served && self.walk.is_some();
        if let (true, Some(key)) = (is_in_flow, Key::new(key)) {
            self.tell_flow(desk, Event::Digit(key));
        }
        is_in_flow
    }

    /// The caller was silent for long enough.
    pub(crate) fn flow_due(&mut self, desk: &mut Desk) {
        let now = desk.now.mono;
        if self.walk.as_mut().is_some_and(|walk| walk.due.take_if(|due| *due <= now).is_some()) {
            self.tell_flow(desk, Event::TimedOut);
        }
    }

    /// The way so far is told when the caller is with somebody else, and when there is too much of it to be lost with the process.
    fn tell_way_when_due(&mut self, desk: &mut Desk) {
        let is_elsewhere = !matches!(self.stage, Stage::Served { by: Service::Flow, .. });
        let Some(walk) = &mut self.walk else { return };
        let now_ms = steady_ms(desk) + walk.ahead_ms;
        let untold = walk.run.trail().untold();
        if is_elsewhere
            || untold.is_some_and(|(nodes, since_ms)| nodes >= TOLD_AT || now_ms - since_ms >= TOLD_AFTER_MS)
        {
            self.tell_way(desk);
        }
    }

    fn tell_way(&mut self, desk: &mut Desk) {
        let Some(walk) = &mut self.walk else { return };
        let visits = walk.run.trail().tell();
        for visits in visits.chunks(TOLD_AT) {
            let steps = visits.iter().map(step_of).collect();
            self.fact(desk, fact::Event::FlowWalked(FlowWalked { call: self.id, steps }));
        }
    }

    /// The call ends.
    pub(super) fn leave_flow(&mut self, desk: &mut Desk) {
        self.tell_way(desk);
        let Some(walk) = self.walk.take() else { return };
        if let Some(due) = walk.due {
            desk.timers.stop(due, TimerKey::Flow(self.id));
        }
        walk.playing.into_iter().for_each(|player| desk.stop_playing(player));
    }

    /// Says what the caller hears.
    pub(super) fn rewire_flow(&mut self, desk: &mut Desk) {
        let Stage::Served { caller, by: Service::Flow, .. } = self.stage else { return };
        if let Some(session) = self.legs[caller.at()].session_mut() {
            session.listen(desk, Detect::On);
        }
        let playing = self.walk.as_ref().and_then(|walk| walk.playing);
        self.hear(desk, caller, playing.map(Source::Player).into_iter().collect());
    }
}

fn step_of(visit: &Visit) -> FlowStep {
    FlowStep {
        flow: visit.flow.to_string(),
        version: visit.version,
        node: visit.node.to_string(),
        step: visit.step.clone(),
        at_ms: u64::try_from(visit.at_ms).unwrap_or_default(),
        keys: visit.keys.clone(),
        typed: (visit.typed > 0).then_some(visit.typed),
        exit: visit.exit.clone(),
        fault: visit.fault.map(|fault| fault.word().to_owned()),
    }
}

/// A fact tells of no more nodes than these; so many are told at once.
const TOLD_AT: usize = 16;
/// A node that was entered so long ago is told with what happens next.
const TOLD_AFTER_MS: i64 = 10_000;

/// The steady clock, ms.
pub(super) fn steady_ms(desk: &Desk) -> i64 {
    i64::try_from(desk.now.mono.as_millis()).unwrap_or(i64::MAX)
}

/// What a run sees of a tenant.
struct Flows<'a> {
    tenant: &'a TenantConfig,
    floor: &'a Floor,
    now: Duration,
}

impl<'a> Flows<'a> {
    fn of(tenant: &'a TenantConfig, desk: &'a Desk) -> Self {
        Self { tenant, floor: &desk.floor, now: desk.now.mono }
    }
}

impl World for Flows<'_> {
    fn current(&self, flow: &FlowName) -> Option<u32> {
        self.tenant.flows.get(flow).map(|version| version.number)
    }

    fn flow(&self, flow: &FlowName, version: u32) -> Option<Arc<Flow>> {
        let found = self.tenant.flows.get(flow).filter(|found| found.number == version);
        found.map(|found| found.flow.clone())
    }

    fn opening(&self, hours: &HoursName, now_ms: i64) -> Option<Opening> {
        self.tenant.hours.get(hours).map(|hours| hours.at(now_ms))
    }

    fn queue(&self, queue: &QueueName, figure: QueueFigure) -> Option<u32> {
        self.floor.figure(&self.tenant.tenant, queue, figure, self.now)
    }
}

//! A satisfaction survey (满意度): the customer is asked how it was, once the agent is out of the call. What is asked and how often is
//! decided by [`dialplan::survey`].

use std::time::Duration;

use dialplan::flow::action::Event as FlowEvent;
use dialplan::flow::name::{Key, QueueName, SurveyName};
use dialplan::survey::{Action, Choice, Event as Heard, Outcome, Run};
use hooks::fact::{
    EndCause, EndedBy, Event, PeerKind, RecordingDiscarded, SurveyAnswer, SurveyCompleted, SurveyInvited, SurveyStart,
    SurveySubject,
};
use hooks::id::RecordingId;
use sip::message::StatusCode;

use super::voicemail::After;
use super::walk::steady_ms;
use super::{Call, End, Service, Stage};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::leg::Leg;
use crate::media::{Activity, Detect, PlayerId, Source};
use crate::output::Refused;

/// A survey under way.
#[derive(Debug)]
pub(super) struct Poll {
    run: Run,
    /// Of whom the customer is asked.
    subject: SurveySubject,
    playing: Option<PlayerId>,
    /// His comment, while and after it is recorded.
    comment: Option<Comment>,
    /// When a key has been waited for long enough, or the comment is over.
    due: Option<Duration>,
    after: After,
}

/// What a customer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comment {
    Running(RecordingId),
    Over(RecordingId),
}

impl Call {
    /// CALL-25: the agent's side ends at once, and the customer is asked.
    pub(super) fn evaluate(&mut self, desk: &mut Desk, agent: LegIndex) -> Result<(), Refused> {
        let (customer, name) = self.may_ask(desk, agent)?;
        let Stage::Talking { answered_ms, .. } = self.stage else { return Err(Refused::NotTalking) };
        self.stop_recording(desk);
        let side = self.legs[agent.at()].side;
        let subject = self.subject(desk, agent, &name);
        let service = self.push_service(desk, name.as_str());
        self.legs[service.at()].side = side;
        self.stage = Stage::Served { caller: customer, answered_ms, by: Service::Flow };
        self.hang_up_leg(desk, agent, EndCause::Normal);
        self.poll(desk, customer, answered_ms, subject, (SurveyStart::Agent, After::End));
        Ok(())
    }

    /// SURVEY-01: the agent hung up first, and his queue asks then. False if it does not.
    pub(super) fn ask_after_hang_up(&mut self, desk: &mut Desk, gone: LegIndex) -> bool {
        let Stage::Talking { caller, callee, answered_ms } = self.stage else { return false };
        if !self.queueing.last.as_ref().is_some_and(|queue| queue.survey_after_hang_up) {
            return false;
        }
        let stays = if caller == gone { callee } else { caller };
        let Some(name) = self.survey_for(desk, gone, stays) else { return false };
        let after = if self.is_awaited_by_flow(desk, stays) { After::Flow } else { After::End };
        let subject = self.subject(desk, gone, &name);
        let service = self.push_service(desk, name.as_str());
        self.legs[service.at()].side = self.legs[gone.at()].side;
        self.poll(desk, stays, answered_ms, subject, (SurveyStart::HangUp, after));
        true
    }

    /// A flow asks. Without an agent who talked, it is asked all the same.
    pub(super) fn survey_for_flow(&mut self, desk: &mut Desk, name: &SurveyName) {
        let Stage::Served { caller, answered_ms, by: Service::Flow } = self.stage else { return };
        if !self.tenant.surveys.contains_key(name) {
            // It was there when the flow was published.
            return self.tell_flow(desk, FlowEvent::Done);
        }
        let talked = self.legs.iter().rev().find(|leg| leg.agent.is_some() && leg.status == StatusCode::OK.code());
        let agent = talked.and_then(|leg| leg.agent).and_then(|agent| desk.floor.number_of(agent));
        let subject = SurveySubject {
            call: self.id,
            survey: name.to_string(),
            agent: agent.map(ToString::to_string),
            queue: self.queueing.last.as_ref().map(|queue| queue.name.to_string()),
        };
        self.poll(desk, caller, answered_ms, subject, (SurveyStart::Flow, After::Flow));
    }

    /// Whether the agent on that leg may have the other party asked, who that is, and what is asked.
    fn may_ask(&self, desk: &Desk, agent: LegIndex) -> Result<(LegIndex, SurveyName), Refused> {
        let other = self.partner(agent).ok_or(Refused::NotTalking)?;
        if self.legs[agent.at()].agent.is_none() {
            return Err(Refused::WhichParty);
        }
        let name = self.survey_for(desk, agent, other).ok_or(Refused::NoSurvey)?;
        Ok((other, name))
    }

    /// Whether one of its agents may have the other party asked.
    pub(super) fn may_be_rated(&self, desk: &Desk) -> bool {
        let Stage::Talking { caller, callee, .. } = self.stage else { return false };
        [caller, callee].into_iter().any(|agent| self.may_ask(desk, agent).is_ok())
    }

    /// What is asked of an outside customer after a talk with an agent: that of the queue he came by, else of the agent's own.
    fn survey_for(&self, desk: &Desk, agent: LegIndex, customer: LegIndex) -> Option<SurveyName> {
        // GEN-18: who was called for help is asked nothing.
        if self.about.emergency {
            return None;
        }
        // An agent on his mobile is outside, and no customer.
        let is_customer = |leg: &&Leg| leg.is_up() && leg.peer.kind == PeerKind::Trunk && leg.agent.is_none();
        let customer = self.leg(customer).filter(is_customer);
        let (_, agent) = (customer?, self.legs[agent.at()].agent?);
        let of_queue = |queue: &QueueName| self.tenant.queues.get(queue).and_then(|queue| queue.survey.clone());
        let name = match &self.queueing.last {
            Some(queue) => of_queue(&queue.name),
            None => desk.floor.queues_of(agent).find_map(|queue| of_queue(&queue)),
        };
        name.filter(|name| self.tenant.surveys.contains_key(name))
    }

    fn subject(&self, desk: &Desk, agent: LegIndex, survey: &SurveyName) -> SurveySubject {
        let agent = self.legs[agent.at()].agent.and_then(|agent| desk.floor.number_of(agent));
        SurveySubject {
            call: self.id,
            survey: survey.to_string(),
            agent: agent.map(ToString::to_string),
            queue: self.queueing.last.as_ref().map(|queue| queue.name.to_string()),
        }
    }

    /// Asks somebody who is served already.
    fn poll(
        &mut self,
        desk: &mut Desk,
        customer: LegIndex,
        answered_ms: u64,
        subject: SurveySubject,
        (start, after): (SurveyStart, After),
    ) {
        let survey = subject.survey.parse().ok().and_then(|name: SurveyName| self.tenant.surveys.get(&name).cloned());
        let Some(survey) = survey else { return self.end_failed(desk) };
        let (run, actions) = Run::start((*survey).clone());
        self.fact(desk, Event::SurveyInvited(SurveyInvited { subject: subject.clone(), start }));
        let poll = Poll { run, subject, playing: None, comment: None, due: None, after };
        self.stage = Stage::Served { caller: customer, answered_ms, by: Service::Survey(Box::new(poll)) };
        self.changed = true;
        self.do_for_poll(desk, actions);
    }

    fn poll_mut(&mut self) -> Option<(LegIndex, &mut Poll)> {
        let (caller, Service::Survey(poll)) = self.served_mut()? else { return None };
        Some((caller, poll))
    }

    fn tell_poll(&mut self, desk: &mut Desk, event: Heard) {
        let now_ms = steady_ms(desk);
        let Some((_, poll)) = self.poll_mut() else { return };
        let actions = poll.run.handle(now_ms, event);
        self.do_for_poll(desk, actions);
    }

    fn do_for_poll(&mut self, desk: &mut Desk, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Play(parts) => {
                    let player = self.say(desk, parts);
                    let before = self.poll_mut().and_then(|(_, poll)| poll.playing.replace(player));
                    before.into_iter().for_each(|before| desk.stop_playing(before));
                }
                Action::StopPlaying => self.hush_poll(desk),
                Action::Result(outcome) => self.rated(desk, outcome),
                Action::Record => self.record_comment(desk),
                Action::StopRecording => self.stop_comment(desk),
                Action::End => return self.poll_over(desk),
            }
        }
        let (key, now_ms) = (TimerKey::Survey(self.id), steady_ms(desk));
        if let Some((_, poll)) = self.poll_mut() {
            if let Some(due) = poll.due.take() {
                desk.timers.stop(due, key);
            }
            let left = poll.run.poll_timeout().map(|until_ms| u64::try_from(until_ms - now_ms).unwrap_or_default());
            poll.due = left.map(|left| desk.start_timer(Duration::from_millis(left), key));
        }
        self.rewire(desk);
    }

    fn record_comment(&mut self, desk: &mut Desk) {
        let Some((customer, _)) = self.poll_mut() else { return };
        let running = self.record_alone(desk, customer, None);
        if let Some((_, poll)) = self.poll_mut() {
            poll.comment = running.map(Comment::Running);
        }
    }

    fn stop_comment(&mut self, desk: &mut Desk) {
        let Some((customer, poll)) = self.poll_mut() else { return };
        let Some(Comment::Running(id)) = poll.comment else { return };
        poll.comment = Some(Comment::Over(id));
        self.stop_alone(desk, customer, id);
    }

    /// A comment that can't be recorded is none; the survey goes on.
    pub(super) fn comment_lost(&mut self, id: RecordingId) {
        if let Some((_, poll)) = self.poll_mut() {
            poll.comment.take_if(|comment| *comment == Comment::Running(id));
        }
    }

    /// The customer began to speak, or has fallen silent.
    pub(super) fn voice_in_survey(&mut self, desk: &mut Desk, leg: LegIndex, activity: Activity) {
        if self.poll_mut().is_some_and(|(customer, _)| customer == leg) {
            let heard = match activity {
                Activity::Speech => Heard::Speech,
                Activity::Silence => Heard::Silence,
            };
            self.tell_poll(desk, heard);
        }
    }

    /// No key came in time, or nothing more is said.
    pub(crate) fn survey_due(&mut self, desk: &mut Desk) {
        let now = desk.now.mono;
        if self.poll_mut().is_some_and(|(_, poll)| poll.due.take_if(|due| *due <= now).is_some()) {
            self.tell_poll(desk, Heard::TimedOut);
        }
    }

    /// The customer pressed a key. False if he is asked nothing.
    pub(super) fn pressed_in_survey(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        let is_its = self.poll_mut().is_some_and(|(customer, _)| customer == leg);
        if let (true, Some(key)) = (is_its, Key::new(key)) {
            self.tell_poll(desk, Heard::Digit(key));
        }
        is_its
    }

    /// What is asked was said to its end. False if it is not that.
    pub(super) fn played_for_survey(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        let poll = self.poll_mut();
        let is_its = poll.is_some_and(|(_, poll)| poll.playing.take_if(|playing| *playing == player).is_some());
        if is_its {
            self.tell_poll(desk, Heard::Played);
        }
        is_its
    }

    /// The call ends while he is asked: what he has answered counts (SURVEY-05).
    pub(super) fn leave_survey(&mut self, desk: &mut Desk) {
        let (key, now_ms) = (TimerKey::Survey(self.id), steady_ms(desk));
        let Some((_, poll)) = self.poll_mut() else { return };
        if let Some(due) = poll.due.take() {
            desk.timers.stop(due, key);
        }
        for action in poll.run.handle(now_ms, Heard::CallerGone) {
            match action {
                Action::Result(outcome) => self.rated(desk, outcome),
                Action::StopRecording => self.stop_comment(desk),
                Action::Play(_) | Action::StopPlaying | Action::Record | Action::End => {}
            }
        }
        self.hush_poll(desk);
    }

    fn hush_poll(&mut self, desk: &mut Desk) {
        let playing = self.poll_mut().and_then(|(_, poll)| poll.playing.take());
        playing.into_iter().for_each(|player| desk.stop_playing(player));
    }

    fn rated(&mut self, desk: &mut Desk, outcome: Outcome) {
        let Some((_, poll)) = self.poll_mut() else { return };
        let (subject, recorded) = (poll.subject.clone(), poll.comment.take());
        let (Some(Comment::Running(id) | Comment::Over(id)), call) = (recorded, self.id) else {
            return self.tell_result(desk, subject, outcome, None);
        };
        if !outcome.comment {
            self.fact(desk, Event::RecordingDiscarded(RecordingDiscarded { recording: id, call }));
        }
        let comment = Some(id).filter(|_| outcome.comment);
        self.tell_result(desk, subject, outcome, comment);
    }

    fn tell_result(&mut self, desk: &mut Desk, subject: SurveySubject, outcome: Outcome, comment: Option<RecordingId>) {
        let (answer, second) = (outcome.answer.map(answer), outcome.second.map(answer));
        self.fact(desk, Event::SurveyCompleted(SurveyCompleted { subject, answer, second, comment }));
    }

    fn poll_over(&mut self, desk: &mut Desk) {
        let Stage::Served { caller, answered_ms, by: Service::Survey(poll) } = &self.stage else { return };
        let (customer, answered_ms, after) = (*caller, *answered_ms, poll.after);
        if let Some(due) = poll.due {
            desk.timers.stop(due, TimerKey::Survey(self.id));
        }
        match after {
            After::Flow => {
                self.stage = Stage::Served { caller: customer, answered_ms, by: Service::Flow };
                self.serve_by_flow(customer);
                self.tell_flow(desk, FlowEvent::Done);
            }
            After::End => {
                let refusal = StatusCode::REQUEST_TERMINATED.into();
                self.end(desk, &End { cause: EndCause::Normal, by: EndedBy::System, refusal });
            }
        }
    }

    /// Says what the customer hears.
    pub(super) fn rewire_survey(&mut self, desk: &mut Desk) {
        let Some((customer, poll)) = self.poll_mut() else { return };
        let heard = poll.playing.map(Source::Player).into_iter().collect();
        if let Some(session) = self.legs[customer.at()].session_mut() {
            session.listen(desk, Detect::On);
        }
        self.hear(desk, customer, heard);
    }
}

fn answer(choice: Choice) -> SurveyAnswer {
    SurveyAnswer { key: choice.key.to_string(), label: choice.label }
}

//! Supervisors in a call of an agent (MON-24 to MON-30): each listens, whispers to the agent or talks with both by a leg of his own,
//! for as long as the agent talks; or he takes the agent's place.

use std::time::Duration;

use hooks::fact::{CallSupervised, CallSupervisionEnded, EndCause, EndedBy, Event, Supervision};
use sip::message::StatusCode;

use super::third::Standing;
use super::{Call, End, Stage, Verdict};
use crate::agent::AgentEvent;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::floor::{Reach, Regarding};
use crate::invite::Summons;
use crate::leg::Leg;
use crate::media::{EndpointId, Sound, Source};
use crate::output::Refused;
use crate::queue::AgentId;
use crate::view::{LegView, SupervisorView};

/// The supervisors of a call.
#[derive(Debug, Default)]
pub(super) struct Supervisors(Vec<Session>);

/// What one of them does.
#[derive(Debug)]
struct Session {
    ask: Supervising,
    state: State,
}

/// What a supervisor asks for.
#[derive(Clone, Debug)]
pub(crate) struct Supervising {
    pub(crate) supervisor: AgentId,
    /// Whose call it is.
    pub(crate) agent: AgentId,
    pub(crate) how: Supervision,
    /// Who asks: a login name or `token:NAME`.
    pub(crate) by: String,
}

/// How far it is.
#[derive(Debug)]
enum State {
    /// The supervisor's phones are rung.
    Rung {
        legs: Vec<LegIndex>,
        until: Duration,
    },
    On(LegIndex),
}

impl Session {
    fn has(&self, leg: LegIndex) -> bool {
        match &self.state {
            State::Rung { legs, .. } => legs.contains(&leg),
            State::On(on) => *on == leg,
        }
    }

    fn on(&self) -> Option<LegIndex> {
        match &self.state {
            State::Rung { .. } => None,
            State::On(leg) => Some(*leg),
        }
    }
}

impl Call {
    /// Lets a supervisor into the call: his phones are rung, and answer by themselves.
    ///
    /// # Errors
    /// Why it may not be; nothing has changed then.
    pub(crate) fn supervise(&mut self, desk: &mut Desk, ask: Supervising) -> Result<(), Refused> {
        if self.is_on_probation() || self.is_somebody_away() {
            return Err(Refused::NotNow);
        }
        let agent = self.seat_of_agent(ask.agent).ok_or(Refused::NotOnCall)?;
        if let Some(at) = self.supervisors.0.iter().position(|session| session.ask.supervisor == ask.supervisor) {
            return self.supervise_otherwise(desk, at, ask);
        }
        if self.supervisors.0.len() >= SUPERVISORS_MAX {
            return Err(Refused::SupervisorsFull);
        }
        self.may_talk(&ask)?;
        let regarding = Regarding { call: Some(self.id), by: None };
        desk.agent_happens(ask.supervisor, AgentEvent::Supervises, &regarding)?;
        let supervisor = ask.supervisor;
        let until = desk.start_timer(SUPERVISOR_RING_MAX, TimerKey::Supervisor(self.id, supervisor));
        self.supervisors.0.push(Session { ask, state: State::Rung { legs: Vec::new(), until } });
        let mut rung = Vec::new();
        let shown = self.shown_as(&self.legs[agent.at()]).into_owned();
        let targets = match desk.reach(&self.tenant, supervisor, &shown) {
            Reach::Phones(phones) => phones,
            // The best way to his mobile; he asks again where it fails.
            Reach::Mobile(ways) => ways.into_iter().take(1).collect(),
        };
        for target in targets {
            rung.extend(self.call_target(desk, target, Summons::Supervise(agent)).ok());
        }
        if rung.is_empty() {
            self.end_supervision(desk, supervisor, EndCause::Failed);
            return Err(Refused::NotRegistered);
        }
        if let Some(Session { state: State::Rung { legs, .. }, .. }) = self.supervisors.0.last_mut() {
            *legs = rung;
        }
        self.changed = true;
        Ok(())
    }

    /// Who is in the call already may take it over; else he ends what he does first (MON-26).
    fn supervise_otherwise(&mut self, desk: &mut Desk, at: usize, ask: Supervising) -> Result<(), Refused> {
        let session = &self.supervisors.0[at];
        match (ask.how, session.on()) {
            (Supervision::Takeover, Some(leg)) if session.ask.agent == ask.agent => {
                if self.standing().is_some() {
                    return Err(Refused::ThreeAlready);
                }
                let before = self.supervisors.0.remove(at).ask;
                self.supervision_ended(desk, &before);
                self.take_agents_place(desk, &ask, leg);
                Ok(())
            }
            (
                Supervision::Monitor
                | Supervision::Whisper
                | Supervision::Barge
                | Supervision::Takeover
                | Supervision::HangUp,
                _,
            ) => Err(Refused::Supervises),
        }
    }

    /// MON-29: one may talk in it, whoever hears him, and not where three talk or somebody is asked.
    fn may_talk(&self, ask: &Supervising) -> Result<(), Refused> {
        if ask.how == Supervision::Monitor {
            return Ok(());
        }
        if self.standing().is_some() {
            return Err(Refused::ThreeAlready);
        }
        let talks = |session: &Session| session.ask.how != Supervision::Monitor;
        if self.supervisors.0.iter().any(talks) { Err(Refused::OneTalksAlready) } else { Ok(()) }
    }

    /// The leg by which an agent talks in the call.
    fn seat_of_agent(&self, agent: AgentId) -> Option<LegIndex> {
        self.talkers().into_iter().find(|at| self.legs[at.at()].agent == Some(agent) && self.legs[at.at()].is_up())
    }

    /// Whether an agent talks in it, so that a supervisor may end it (MON-23).
    pub(crate) fn is_agents_talk(&self, agent: AgentId) -> bool {
        self.seat_of_agent(agent).is_some()
    }

    /// The agents who talk in it.
    pub(crate) fn talking_agents(&self) -> Vec<AgentId> {
        let mut agents: Vec<AgentId> = self.talkers().into_iter().filter_map(|at| self.legs[at.at()].agent).collect();
        agents.sort_unstable();
        agents.dedup();
        agents
    }

    /// The two who talk, and the third.
    fn talkers(&self) -> Vec<LegIndex> {
        let Stage::Talking { caller, callee, .. } = &self.stage else { return Vec::new() };
        let third = match self.standing() {
            Some(Standing::Asking { third, .. } | Standing::Together { third }) => Some(third),
            Some(Standing::Calling { .. } | Standing::Inviting) | None => None,
        };
        [*caller, *callee].into_iter().chain(third).collect()
    }

    /// Whether that leg is a supervisor's.
    pub(super) fn is_supervisor(&self, leg: LegIndex) -> bool {
        self.supervisors.0.iter().any(|session| session.has(leg))
    }

    /// Whether somebody is in it, or about to come, whom others hear.
    pub(super) fn is_barged_in(&self) -> bool {
        self.supervisors.0.iter().any(|session| session.ask.how == Supervision::Barge)
    }

    /// Whether anybody supervises it.
    pub(super) fn is_supervised(&self) -> bool {
        !self.supervisors.0.is_empty()
    }

    /// A phone of a supervisor answered. False if the leg is none's.
    pub(super) fn supervisor_answered(&mut self, desk: &mut Desk, leg: LegIndex) -> bool {
        let Some(at) = self.supervisors.0.iter().position(|session| session.has(leg)) else { return false };
        let session = &mut self.supervisors.0[at];
        let supervisor = session.ask.supervisor;
        let others = match std::mem::replace(&mut session.state, State::On(leg)) {
            State::Rung { legs, until } => {
                desk.timers.stop(until, TimerKey::Supervisor(self.id, supervisor));
                legs
            }
            State::On(_) => Vec::new(),
        };
        for other in others.into_iter().filter(|other| *other != leg) {
            self.cancel_leg(desk, other, EndCause::AnsweredElsewhere);
        }
        self.changed = true;
        let ask = self.supervisors.0[at].ask.clone();
        if ask.how == Supervision::Takeover {
            match self.standing() {
                None => {
                    self.supervisors.0.remove(at);
                    self.take_agents_place(desk, &ask, leg);
                }
                // Somebody was asked meanwhile.
                Some(_) => self.end_supervision(desk, supervisor, EndCause::Refused),
            }
            return true;
        }
        self.supervised(desk, &ask, Some(leg));
        self.rewire(desk);
        self.record_from(desk);
        true
    }

    /// Writes down that a supervisor does that.
    fn supervised(&self, desk: &mut Desk, ask: &Supervising, leg: Option<LegIndex>) {
        let Some(agent) = desk.floor.number_of(ask.agent).map(ToString::to_string) else { return };
        let supervisor = leg.and_then(|_| desk.floor.number_of(ask.supervisor)).map(ToString::to_string);
        let leg = leg.map(|leg| self.legs[leg.at()].id);
        let (how, by) = (ask.how, ask.by.clone());
        self.fact(desk, Event::CallSupervised(CallSupervised { call: self.id, agent, how, supervisor, leg, by }));
    }

    /// Writes down that he does it no more; he may be offered calls again.
    fn supervision_ended(&self, desk: &mut Desk, ask: &Supervising) {
        let agent = desk.floor.number_of(ask.agent).map(ToString::to_string);
        let supervisor = desk.floor.number_of(ask.supervisor).map(ToString::to_string);
        if let (Some(agent), Some(supervisor)) = (agent, supervisor) {
            let ended = CallSupervisionEnded { call: self.id, agent, supervisor, how: ask.how };
            self.fact(desk, Event::CallSupervisionEnded(ended));
        }
        self.released(desk, ask.supervisor);
    }

    fn released(&self, desk: &mut Desk, supervisor: AgentId) {
        let regarding = Regarding { call: Some(self.id), by: None };
        // It is told what is so, not asked.
        let _ = desk.agent_happens(supervisor, AgentEvent::SupervisedEnough, &regarding);
    }

    /// MON-30: the supervisor talks in the place of the agent, who is out of the call.
    fn take_agents_place(&mut self, desk: &mut Desk, ask: &Supervising, leg: LegIndex) {
        self.supervised(desk, ask, Some(leg));
        self.released(desk, ask.supervisor);
        let (Some(agent), Stage::Talking { caller, callee, .. }) = (self.seat_of_agent(ask.agent), &mut self.stage)
        else {
            return self.hang_up_leg(desk, leg, EndCause::Failed);
        };
        for seat in [caller, callee] {
            if *seat == agent {
                *seat = leg;
            }
        }
        self.legs[leg.at()].side = self.legs[agent.at()].side;
        self.stop_recording(desk);
        self.hang_up_leg(desk, agent, EndCause::Transferred);
        self.changed = true;
        self.rewire(desk);
        self.start_recording(desk);
    }

    /// A phone of a supervisor cannot be reached, or does not want to. False if the leg is none's.
    pub(super) fn supervisor_failed(&mut self, desk: &mut Desk, leg: LegIndex, verdict: Verdict) -> bool {
        let Some(session) = self.supervisors.0.iter_mut().find(|session| session.has(leg)) else { return false };
        let supervisor = session.ask.supervisor;
        if let State::Rung { legs, .. } = &mut session.state {
            legs.retain(|other| *other != leg);
            if !legs.is_empty() {
                return true;
            }
        }
        self.end_supervision(desk, supervisor, verdict.cause);
        true
    }

    /// It did not answer in time.
    pub(crate) fn supervisor_elapsed(&mut self, desk: &mut Desk, supervisor: AgentId) {
        self.end_supervision(desk, supervisor, EndCause::NoAnswer);
    }

    /// A supervisor hung up, or is lost: the others go on. False if the leg is none's.
    pub(super) fn supervisor_gone(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) -> bool {
        let Some(session) = self.supervisors.0.iter().find(|session| session.has(leg)) else { return false };
        let supervisor = session.ask.supervisor;
        if cause == EndCause::Normal {
            // Its media is closed with it.
            self.record_without(desk, leg);
            self.finish_leg(desk, leg, cause);
        }
        self.end_supervision(desk, supervisor, cause);
        true
    }

    /// A supervisor is asked to leave, or has left.
    pub(super) fn end_supervision(&mut self, desk: &mut Desk, supervisor: AgentId, cause: EndCause) {
        let Some(at) = self.supervisors.0.iter().position(|session| session.ask.supervisor == supervisor) else {
            return;
        };
        let Session { ask, state } = self.supervisors.0.remove(at);
        match state {
            State::Rung { legs, until } => {
                desk.timers.stop(until, TimerKey::Supervisor(self.id, supervisor));
                for leg in legs {
                    self.cancel_leg(desk, leg, cause);
                }
                self.released(desk, supervisor);
            }
            State::On(leg) => {
                if self.legs[leg.at()].is_up() {
                    self.record_from(desk);
                }
                self.hang_up_leg(desk, leg, cause);
                match ask.how {
                    // It never came to that.
                    Supervision::Takeover => self.released(desk, supervisor),
                    Supervision::Monitor | Supervision::Whisper | Supervision::Barge | Supervision::HangUp => {
                        self.supervision_ended(desk, &ask);
                    }
                }
            }
        }
        self.changed = true;
        self.rewire(desk);
    }

    /// Whoever supervises by this leg leaves.
    pub(super) fn leave_supervision(&mut self, desk: &mut Desk, leg: LegIndex) {
        if let Some(session) = self.supervisors.0.iter().find(|session| session.has(leg)) {
            let supervisor = session.ask.supervisor;
            self.end_supervision(desk, supervisor, EndCause::Normal);
        }
    }

    /// An agent who does not talk any more is supervised no more.
    pub(super) fn end_idle_supervision(&mut self, desk: &mut Desk) {
        let idle = |session: &&Session| self.seat_of_agent(session.ask.agent).is_none();
        let over: Vec<AgentId> = self.supervisors.0.iter().filter(idle).map(|session| session.ask.supervisor).collect();
        for supervisor in over {
            self.end_supervision(desk, supervisor, EndCause::Normal);
        }
    }

    /// The call ends, and all its legs with it.
    pub(super) fn drop_supervisors(&mut self, desk: &mut Desk) {
        for Session { ask, state } in std::mem::take(&mut self.supervisors.0) {
            match state {
                State::Rung { until, .. } => {
                    desk.timers.stop(until, TimerKey::Supervisor(self.id, ask.supervisor));
                    self.released(desk, ask.supervisor);
                }
                State::On(_) => self.supervision_ended(desk, &ask),
            }
        }
    }

    /// MON-27: the call ends for all, and it is written down who ended it.
    pub(crate) fn hang_up_supervised(&mut self, desk: &mut Desk, agent: AgentId, by: String) {
        let ask = Supervising { supervisor: agent, agent, how: Supervision::HangUp, by };
        self.supervised(desk, &ask, None);
        let refusal = StatusCode::REQUEST_TERMINATED.into();
        self.end(desk, &End { cause: EndCause::Command, by: EndedBy::System, refusal });
    }

    /// Another phone of a supervisor is called, or the same one anew.
    pub(super) fn supervisor_replaced(&mut self, old: LegIndex, new: LegIndex) {
        if let Some(Session { state: State::Rung { legs, .. }, .. }) =
            self.supervisors.0.iter_mut().find(|session| session.has(old))
        {
            legs.push(new);
        }
    }

    /// Lets the supervisors hear who talks.
    pub(super) fn rewire_supervisors(&mut self, desk: &mut Desk) {
        let on: Vec<(LegIndex, AgentId)> =
            self.supervisors.0.iter().filter_map(|session| Some((session.on()?, session.ask.agent))).collect();
        for (leg, agent) in on {
            let sources = self.beside_agent(agent).into_iter().filter_map(|at| self.endpoint_of(at));
            let sources = sources.map(Source::Endpoint).collect();
            self.hear(desk, leg, sources);
        }
    }

    /// The agent, and who talks with him.
    fn beside_agent(&self, agent: AgentId) -> Vec<LegIndex> {
        let Some(seat) = self.seat_of_agent(agent) else { return Vec::new() };
        match self.standing() {
            Some(Standing::Asking { by, third }) if [by, third].contains(&seat) => vec![by, third],
            // He hears music.
            Some(Standing::Asking { .. }) => vec![seat],
            Some(Standing::Calling { .. } | Standing::Inviting | Standing::Together { .. }) | None => self.talkers(),
        }
    }

    fn endpoint_of(&self, leg: LegIndex) -> Option<EndpointId> {
        self.leg(leg).and_then(Leg::endpoint)
    }

    /// The supervisors whom this leg hears beside those sources; who is held hears nobody.
    pub(super) fn supervisors_heard(&self, leg: LegIndex, beside: &[Source]) -> Vec<Source> {
        if beside.contains(&Source::Sound(Sound::HoldMusic)) {
            return Vec::new();
        }
        let heard = |session: &&Session| match session.ask.how {
            Supervision::Whisper => self.legs[leg.at()].agent == Some(session.ask.agent),
            Supervision::Barge => self.talkers().contains(&leg),
            Supervision::Monitor | Supervision::Takeover | Supervision::HangUp => false,
        };
        let on = self.supervisors.0.iter().filter(heard).filter_map(Session::on);
        on.filter(|on| *on != leg).filter_map(|on| self.endpoint_of(on)).map(Source::Endpoint).collect()
    }

    /// What others see of the parties.
    pub(super) fn party_views(&self) -> Vec<LegView> {
        let parties = self
            .legs
            .iter()
            .enumerate()
            .filter(|(at, _)| u16::try_from(*at).is_ok_and(|at| !self.is_supervisor(LegIndex(at))));
        parties.filter_map(|(_, leg)| leg.view()).collect()
    }

    /// And of the supervisors.
    pub(super) fn supervisor_views(&self, desk: &Desk) -> Vec<SupervisorView> {
        let on = self.supervisors.0.iter().filter(|session| session.on().is_some());
        on.filter_map(|session| {
            let supervisor = desk.floor.number_of(session.ask.supervisor)?.to_string();
            Some(SupervisorView { supervisor, how: session.ask.how })
        })
        .collect()
    }

    /// The supervisors who talk with both: they are recorded with the agent.
    pub(super) fn barging(&self) -> impl Iterator<Item = LegIndex> + '_ {
        let barging = self.supervisors.0.iter().filter(|session| session.ask.how == Supervision::Barge);
        barging.filter_map(Session::on)
    }
}

/// Supervisors in one call; beyond: the next is refused.
const SUPERVISORS_MAX: usize = 8;
/// How long a supervisor's phones are rung: they should answer by themselves.
const SUPERVISOR_RING_MAX: Duration = Duration::from_secs(20);

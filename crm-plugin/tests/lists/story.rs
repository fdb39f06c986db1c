//! What happened to calls, as facts at seconds of the day.

use hooks::fact::{
    AgentState, AgentStateChanged, CallAnswered, CallCreated, CallEnded, CallLeftQueue, CallOfferEnded, CallOffered,
    CallQueued, CallSource, CallStatus, ChangeReason, ConsultEnded, ConsultOutcome, ConsultStarted, Direction,
    EndCause, EndedBy, Event, Fact, LegAnswered, LegEnded, LegRinging, LegStarted, OfferOutcome, OverflowAnswered,
    PeerKind, QueueExit, RecordingStarted, Sign, SurveyAnswer, SurveyCompleted, SurveyInvited, SurveyStart,
    SurveySubject, Talk, VoicemailLeft, Way,
};
use hooks::id::{CallId, LegId, RecordingId};

use crate::host::{NOW, tenant};

pub(crate) fn call(n: u64) -> CallId {
    CallId::new(NOW + n, u128::from(n))
}

pub(crate) fn leg(n: u64) -> LegId {
    LegId::new(NOW, u128::from(n))
}

pub(crate) fn recording(n: u64) -> RecordingId {
    RecordingId::new(NOW, u128::from(n))
}

/// Facts in their order.
#[derive(Default)]
pub(crate) struct Story(pub(crate) Vec<Fact>);

impl Story {
    pub(crate) fn at(&mut self, second: u64, event: Event) -> &mut Self {
        self.0.push(Fact { tenant: tenant(), at_ms: NOW + second * 1_000, event });
        self
    }

    fn created(
        &mut self,
        second: u64,
        call: CallId,
        direction: Direction,
        (caller, callee): (&str, &str),
    ) -> &mut Self {
        let trunk = (direction == Direction::Inbound).then(|| "lines".to_owned());
        let created = CallCreated {
            call,
            direction,
            source: CallSource::Dialled,
            caller: caller.to_owned(),
            caller_name: String::new(),
            callee: callee.to_owned(),
            trunk,
            emergency: false,
            diverted_from: None,
        };
        self.at(second, Event::CallCreated(created))
    }

    /// Somebody outside calls.
    pub(crate) fn comes_in(&mut self, second: u64, call: CallId, caller: &str) -> &mut Self {
        self.created(second, call, Direction::Inbound, (caller, "4008"))
    }

    /// An extension calls the outside; its leg is `1`, that of the outside `2` of the call's hundred.
    pub(crate) fn goes_out(&mut self, second: u64, call: CallId, callee: &str) -> &mut Self {
        self.created(second, call, Direction::Outbound, ("1001", callee))
    }

    pub(crate) fn inside(&mut self, second: u64, call: CallId) -> &mut Self {
        self.created(second, call, Direction::Internal, ("1001", "1002"))
    }

    pub(crate) fn leg(&mut self, second: u64, call: CallId, leg: LegId, peer: PeerKind, name: &str) -> &mut Self {
        let caller_side = name == "caller";
        let (peer_name, number) = (name.to_owned(), name.to_owned());
        let sip_call_id = "x".to_owned();
        self.at(second, Event::LegStarted(LegStarted { call, leg, caller_side, peer, peer_name, number, sip_call_id }))
    }

    pub(crate) fn rings(&mut self, second: u64, call: CallId, leg: LegId) -> &mut Self {
        self.at(second, Event::LegRinging(LegRinging { call, leg, early_media: false }))
    }

    pub(crate) fn picks_up(&mut self, second: u64, call: CallId, leg: LegId) -> &mut Self {
        self.at(second, Event::LegAnswered(LegAnswered { call, leg, codec: "PCMA".to_owned() }))
    }

    pub(crate) fn talks(&mut self, second: u64, call: CallId, leg: LegId) -> &mut Self {
        self.at(second, Event::CallAnswered(CallAnswered { call, leg }))
    }

    pub(crate) fn leg_ends(&mut self, second: u64, call: CallId, leg: LegId, cause: EndCause) -> &mut Self {
        self.at(second, Event::LegEnded(LegEnded { call, leg, cause, sip_status: 200, reason: None, quality: None }))
    }

    pub(crate) fn queues(&mut self, second: u64, call: CallId, queue: &str) -> &mut Self {
        self.at(second, Event::CallQueued(CallQueued { call, queue: queue.to_owned(), priority: 0, waited_ms: 0 }))
    }

    pub(crate) fn leaves_queue(
        &mut self,
        second: u64,
        call: CallId,
        (queue, waited_s): (&str, u64),
        exit: QueueExit,
    ) -> &mut Self {
        let (queue, waited_ms, agent, within_target) = (queue.to_owned(), waited_s * 1_000, None, false);
        self.at(second, Event::CallLeftQueue(CallLeftQueue { call, queue, exit, waited_ms, agent, within_target }))
    }

    pub(crate) fn is_offered(&mut self, second: u64, call: CallId, agent: &str) -> &mut Self {
        let (agent, queue) = (agent.to_owned(), Some("support".to_owned()));
        self.at(second, Event::CallOffered(CallOffered { call, agent, queue, why: None }))
    }

    pub(crate) fn offer_ends(
        &mut self,
        second: u64,
        call: CallId,
        (agent, ring_s): (&str, u64),
        outcome: OfferOutcome,
    ) -> &mut Self {
        let (agent, queue, ring_ms) = (agent.to_owned(), Some("support".to_owned()), ring_s * 1_000);
        self.at(second, Event::CallOfferEnded(CallOfferEnded { call, agent, queue, outcome, ring_ms }))
    }

    fn status(
        &mut self,
        second: u64,
        call: CallId,
        agent: &str,
        (call_status, reason): (CallStatus, ChangeReason),
    ) -> &mut Self {
        let changed = AgentStateChanged {
            agent: agent.to_owned(),
            // 10001 is signed in on 1001.
            extension: Some(format!("1{}", &agent[2..])),
            mobile: None,
            from: AgentState::Ready,
            to: AgentState::Ready,
            call_status,
            call: Some(call),
            sign: Sign::Phone(Way::Desk),
            reason,
            by: None,
        };
        self.at(second, Event::AgentStateChanged(changed))
    }

    pub(crate) fn dials(&mut self, second: u64, call: CallId, agent: &str) -> &mut Self {
        self.status(second, call, agent, (CallStatus::Dialling, ChangeReason::Dial))
    }

    pub(crate) fn connects(&mut self, second: u64, call: CallId, agent: &str) -> &mut Self {
        self.status(second, call, agent, (CallStatus::Connected(Talk::Talking), ChangeReason::Answer))
    }

    pub(crate) fn is_free(&mut self, second: u64, call: CallId, agent: &str) -> &mut Self {
        self.status(second, call, agent, (CallStatus::None, ChangeReason::CallEnd))
    }

    pub(crate) fn asks(&mut self, second: u64, call: CallId, leg: LegId, target: &str) -> &mut Self {
        self.at(second, Event::ConsultStarted(ConsultStarted { call, leg, target: target.to_owned() }))
    }

    pub(crate) fn asks_no_more(&mut self, second: u64, call: CallId, leg: LegId, outcome: ConsultOutcome) -> &mut Self {
        self.at(second, Event::ConsultEnded(ConsultEnded { call, leg, outcome }))
    }

    pub(crate) fn mobile_answers(&mut self, second: u64, call: CallId, number: &str) -> &mut Self {
        let (queue, number) = ("support".to_owned(), number.to_owned());
        self.at(second, Event::OverflowAnswered(OverflowAnswered { call, queue, number }))
    }

    pub(crate) fn leaves_message(&mut self, second: u64, call: CallId) -> &mut Self {
        let left = VoicemailLeft {
            voicemail: recording(second),
            call,
            mailbox: "extension:1001".to_owned(),
            caller: String::new(),
            caller_name: String::new(),
            callee: "4008".to_owned(),
            length_ms: 4_000,
        };
        self.at(second, Event::VoicemailLeft(left))
    }

    pub(crate) fn is_recorded(
        &mut self,
        second: u64,
        call: CallId,
        (left, right): (LegId, LegId),
        n: u64,
    ) -> &mut Self {
        let (recording, part, conference, mailbox) = (recording(n), 1, None, None);
        let started = RecordingStarted { recording, call, left, right, part, conference, mailbox };
        self.at(second, Event::RecordingStarted(started))
    }

    pub(crate) fn rates(&mut self, second: u64, call: CallId, agent: &str, label: Option<&str>) -> &mut Self {
        let subject = SurveySubject { call, survey: "service".into(), agent: Some(agent.to_owned()), queue: None };
        let invited = SurveyInvited { subject: subject.clone(), start: SurveyStart::Agent };
        self.at(second, Event::SurveyInvited(invited));
        let answer = label.map(|label| SurveyAnswer { key: "1".to_owned(), label: label.to_owned() });
        let completed = SurveyCompleted { subject, answer, second: None, comment: None };
        self.at(second + 5, Event::SurveyCompleted(completed))
    }

    pub(crate) fn ends(&mut self, second: u64, call: CallId) -> &mut Self {
        let ended = CallEnded { call, cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 };
        self.at(second, Event::CallEnded(ended))
    }

    /// A caller waits for 8 s, is offered to an agent for the last 5 of them, talks to him for 60 s and hangs up.
    pub(crate) fn is_served(&mut self, second: u64, call: CallId, (caller, agent): (&str, &str)) -> &mut Self {
        self.comes_in(second, call, caller).queues(second + 1, call, "support").is_offered(second + 4, call, agent);
        self.offer_ends(second + 9, call, (agent, 5), OfferOutcome::Answered);
        self.leaves_queue(second + 9, call, ("support", 8), QueueExit::Answered);
        self.connects(second + 9, call, agent).is_free(second + 69, call, agent).ends(second + 69, call)
    }

    /// A caller is offered to agents who do not answer, and gives up.
    pub(crate) fn is_lost(&mut self, second: u64, call: CallId, caller: &str, agents: &[&str]) -> &mut Self {
        self.comes_in(second, call, caller).queues(second + 1, call, "support");
        for agent in agents {
            self.is_offered(second + 2, call, agent);
            self.offer_ends(second + 22, call, (agent, 20), OfferOutcome::TimedOut);
        }
        self.leaves_queue(second + 30, call, ("support", 29), QueueExit::Abandoned).ends(second + 30, call)
    }
}

/// The facts of a story.
pub(crate) fn facts(tell: impl FnOnce(&mut Story)) -> Vec<Fact> {
    let mut story = Story::default();
    tell(&mut story);
    story.0
}

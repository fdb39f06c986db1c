//! What customers are asked once the agent is out of the call: each survey is begun by what must begin it, asked once, and ends in one
//! result, which is the keys that were pressed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hooks::fact::{SurveyAnswer, SurveyCompleted, SurveyInvited, SurveyStart, SurveySubject};
use hooks::id::CallId;
use switch::config::TenantConfig;

use crate::text::Text;

/// What is set for a survey: what each key stands for, and whether there is a second question.
#[derive(Clone, Debug)]
struct Asked {
    labels: BTreeMap<String, String>,
    twice: bool,
}

/// Somebody who is asked.
#[derive(Debug)]
struct Poll {
    subject: SurveySubject,
    /// The dialog of who is asked; `None` where two might be.
    customer: Option<String>,
    keys: Vec<char>,
    /// A key by INFO that is not answered yet.
    comes: Option<(u32, char)>,
}

/// All surveys of a world.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    set: BTreeMap<String, Asked>,
    /// Of each queue: its survey, and whether it asks when the agent hangs up.
    of_queues: BTreeMap<String, (Option<String>, bool)>,
    polls: BTreeMap<CallId, Poll>,
    /// Calls whose customer was asked, and who talked with him last.
    over: BTreeMap<CallId, Duration>,
    /// The agents that each call was answered by, and the last queue it was in.
    talked: BTreeMap<CallId, BTreeSet<String>>,
    /// The highest CSeq number of an INFO in each dialog.
    infos: BTreeMap<String, u32>,
    queued: BTreeMap<CallId, String>,
    pub(super) asked: usize,
    pub(super) rated: usize,
}

impl Surveys {
    pub(super) fn new(tenant: &TenantConfig) -> Self {
        let asked = |survey: &dialplan::survey::Survey| Asked {
            labels: survey.question.options.iter().map(|one| (one.key.to_string(), one.label.clone())).collect(),
            twice: survey.second.is_some(),
        };
        let of_queue = |queue: &switch::config::Queue| {
            (queue.survey.as_ref().map(ToString::to_string), queue.survey_after_hang_up)
        };
        Self {
            set: tenant.surveys.values().map(|survey| (survey.name.to_string(), asked(survey))).collect(),
            of_queues: tenant.queues.values().map(|queue| (queue.name.to_string(), of_queue(queue))).collect(),
            ..Self::default()
        }
    }

    pub(super) fn talks(&mut self, call: CallId, agent: &str) {
        self.talked.entry(call).or_default().insert(agent.to_owned());
    }

    /// Who talked in the one call is handed over to the other: on his mobile nothing else tells that he is there.
    pub(super) fn joins(&mut self, call: CallId, joined: CallId) {
        let talked = self.talked.get(&joined).cloned().unwrap_or_default();
        self.talked.entry(call).or_default().extend(talked);
    }

    pub(super) fn waits(&mut self, call: CallId, queue: &str) {
        self.queued.insert(call, queue.to_owned());
    }

    /// Somebody is asked.
    pub(super) fn invited(
        &mut self,
        now: Duration,
        e: &SurveyInvited,
        customer: Option<String>,
        (asks, is_there): (bool, bool),
    ) -> Result<(), String> {
        let subject = &e.subject;
        let queue = self.queued.get(&subject.call);
        let talked = self.talked.get(&subject.call);
        let has_talked =
            talked.is_some_and(|talked| subject.agent.as_ref().is_some_and(|agent| talked.contains(agent)));
        if subject.queue.as_ref() != queue || !(has_talked || is_there) {
            return Err(format!("{e:?}: he came by {queue:?} and talked with {talked:?}"));
        }
        let (of_queue, after) = queue.and_then(|queue| self.of_queues.get(queue)).cloned().unwrap_or((None, false));
        let right = match queue {
            Some(_) => of_queue.as_ref() == Some(&subject.survey),
            None => self.set.contains_key(&subject.survey),
        };
        let begun = match e.start {
            SurveyStart::Agent => asks,
            SurveyStart::HangUp => after,
            SurveyStart::Flow => false,
        };
        if !right || !begun {
            return Err(format!("{e:?}: nothing asks for that ({of_queue:?}, {after}, {asks})"));
        }
        if self.polls.contains_key(&subject.call) || self.over.insert(subject.call, now).is_some() {
            return Err(format!("{e:?}: he was asked before"));
        }
        self.asked += 1;
        let poll = Poll { subject: subject.clone(), customer, keys: Vec::new(), comes: None };
        self.polls.insert(subject.call, poll);
        Ok(())
    }

    /// What came of it.
    pub(super) fn completed(&mut self, e: &SurveyCompleted) -> Result<(), String> {
        let poll = self.polls.remove(&e.subject.call).ok_or_else(|| format!("{e:?}, and he was not asked"))?;
        if poll.subject != e.subject {
            return Err(format!("{e:?} of {poll:?}"));
        }
        let asked = self.set.get(&e.subject.survey).ok_or_else(|| format!("{e:?}: no such survey"))?;
        let labelled = |answer: &Option<SurveyAnswer>| {
            answer.as_ref().is_none_or(|answer| asked.labels.get(&answer.key) == Some(&answer.label))
        };
        if !labelled(&e.answer) || !labelled(&e.second) {
            return Err(format!("{e:?}: the keys stand for other things: {asked:?}"));
        }
        self.rated += usize::from(e.answer.is_some());
        let rated = (key_of(&e.answer), key_of(&e.second));
        let with: Vec<char> = poll.keys.iter().copied().chain(poll.comes.map(|(_, key)| key)).collect();
        let fits = [&poll.keys, &with].into_iter().any(|keys| asked.answers(keys) == rated);
        if poll.customer.is_some() && !fits {
            return Err(format!("{e:?}, and what was pressed is {poll:?}"));
        }
        Ok(())
    }

    /// The call is over. Whoever was asked has a result, unless the process was killed.
    pub(super) fn call_ended(&mut self, call: CallId, interrupted: bool) -> Result<(), String> {
        self.talked.remove(&call);
        self.queued.remove(&call);
        self.over.remove(&call);
        match self.polls.remove(&call) {
            Some(poll) if !interrupted => Err(format!("{call} is over, and nothing came of {poll:?}")),
            Some(_) | None => Ok(()),
        }
    }

    /// A request reaches the switch.
    pub(super) fn overhear(&mut self, text: &Text) {
        if text.status() > 0 || text.method() != "INFO" {
            return;
        }
        // RFC 3261 §12.2.2: one that was overtaken is refused, and one that is repeated does nothing.
        let last = self.infos.entry(text.call_id().to_owned()).or_default();
        if text.cseq() <= std::mem::replace(last, text.cseq().max(*last)) {
            return;
        }
        let key = text.body.lines().next().and_then(|line| line.trim_start_matches("Signal=").chars().next());
        if let (Some(poll), Some(key)) = (self.poll_of(text.call_id()), key) {
            poll.comes = Some((text.cseq(), key));
        }
    }

    /// The switch says what became of an INFO.
    pub(super) fn info_answered(&mut self, text: &Text) {
        let Some(poll) = self.poll_of(text.call_id()) else { return };
        if let Some((_, key)) = poll.comes.take_if(|(cseq, _)| *cseq == text.cseq()).filter(|_| text.status() == 200) {
            poll.keys.push(key);
        }
    }

    /// A key by the media reaches the switch.
    pub(super) fn pressed(&mut self, call_id: &str, key: char) {
        if let Some(poll) = self.poll_of(call_id) {
            poll.keys.push(key);
        }
    }

    fn poll_of(&mut self, call_id: &str) -> Option<&mut Poll> {
        self.polls.values_mut().find(|poll| poll.customer.as_deref() == Some(call_id))
    }

    /// The process was killed.
    pub(super) fn crashed(&mut self, waits: impl Fn(CallId) -> bool) {
        self.polls.clear();
        // A call in which two talk goes on without the rules of its queue.
        self.queued.retain(|call, _| waits(*call));
    }
}

impl Asked {
    /// SURVEY-02, 03: the first key that stands for something answers the first question, the next one the second.
    fn answers(&self, keys: &[char]) -> (Option<String>, Option<String>) {
        let mut valid = keys.iter().map(ToString::to_string).filter(|key| self.labels.contains_key(key));
        let first = valid.next();
        (first, valid.next().filter(|_| self.twice))
    }
}

fn key_of(answer: &Option<SurveyAnswer>) -> Option<String> {
    answer.as_ref().map(|answer| answer.key.clone())
}

//! Where a caller goes whom no agent takes (QUEUE-06): on to another queue, to mobiles one after another, into a flow; in the end he
//! is told so, and the call ends.

use std::collections::VecDeque;
use std::time::Duration;

use dialplan::flow::name::{Mailbox, QueueName};
use dialplan::number::Dialled;
use dialplan::say::{Part, PromptName, defaults};
use hooks::fact::{EndCause, EndedBy, Event, OverflowAnswered, QueueExit};
use sip::message::StatusCode;

use super::queue::Queued;
use super::transfer::{Errand, Purpose, Transfer};
use super::voicemail::After;
use super::{Call, End, Route, Service, Stage};
use crate::config::Overflow;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::incoming::routed;
use crate::media::{PlayerId, Source};

/// What is left to be tried.
#[derive(Debug)]
pub(super) struct Chain {
    steps: VecDeque<Overflow>,
    /// The queue that gave the caller up first.
    queue: Option<QueueName>,
    /// How it was left.
    exit: QueueExit,
}

/// What somebody hears before his call ends, or goes elsewhere.
#[derive(Debug)]
pub(super) struct LastWords {
    player: PlayerId,
    until: Duration,
    then: Then,
}

/// What comes after something is said.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// The call ends so.
    End(Box<End>),
    /// The caller goes there.
    Go(Route),
}

impl Call {
    /// A queue gave the caller up; he is in none now.
    pub(super) fn overflow(&mut self, desk: &mut Desk, caller: LegIndex, answered_ms: u64, exit: QueueExit) {
        if self.queueing.overflow.is_none() {
            let steps = self.queueing.last.as_ref().map(|queue| queue.overflow.iter().cloned().collect());
            let queue = self.queueing.last.as_ref().map(|queue| queue.name.clone());
            self.queueing.overflow = Some(Chain { steps: steps.unwrap_or_default(), queue, exit });
        }
        self.overflow_on(desk, caller, answered_ms);
    }

    /// Goes to the next place that there is.
    pub(super) fn overflow_on(&mut self, desk: &mut Desk, caller: LegIndex, answered_ms: u64) {
        let Some(chain) = &mut self.queueing.overflow else { return };
        let exit = chain.exit;
        match chain.steps.pop_front() {
            Some(Overflow::Queue(queue)) => {
                self.wait_in(desk, caller, answered_ms, Queued::without_flow(queue, 0));
            }
            Some(Overflow::Number(number)) => self.ring_outside(desk, caller, answered_ms, &number),
            Some(Overflow::Flow(flow)) => {
                // Its own queues may give him up anew.
                self.queueing.overflow = None;
                self.walk_on(desk, caller, answered_ms, &flow);
            }
            Some(Overflow::Voicemail) => {
                let mailbox = chain.queue.clone().map(Mailbox::Queue).filter(|mailbox| self.has_box(mailbox));
                match mailbox {
                    Some(mailbox) => self.take_message(desk, caller, answered_ms, (mailbox, After::End), Vec::new()),
                    None => self.overflow_on(desk, caller, answered_ms),
                }
            }
            Some(Overflow::Say(prompt)) => self.say_last(desk, caller, answered_ms, prompt),
            None => {
                let prompt = match exit {
                    QueueExit::Full => defaults::QUEUE_FULL,
                    QueueExit::Answered
                    | QueueExit::Abandoned
                    | QueueExit::MaxWait
                    | QueueExit::NobodySignedIn
                    | QueueExit::Led
                    | QueueExit::Callback
                    | QueueExit::Closed => defaults::QUEUE_CLOSED,
                };
                self.say_last(desk, caller, answered_ms, prompt);
            }
        }
    }

    /// Rings a mobile for the caller, by the outbound routes.
    fn ring_outside(&mut self, desk: &mut Desk, caller: LegIndex, answered_ms: u64, number: &Dialled) {
        let (route, _, _) = routed(&self.tenant, number, desk.now.unix_ms);
        match (route, self.service()) {
            (route @ Route::Lines(_), Some(by)) => {
                let seat = self.legs[by.at()].side;
                let purpose = Purpose::Flow(Errand::Overflow);
                self.seek_for(desk, caller, &route, Some(Transfer { by, seat, purpose, answered_ms }));
            }
            // The plan leads elsewhere by now.
            (_, _) => self.overflow_on(desk, caller, answered_ms),
        }
    }

    /// A mobile answered that was rung for the caller.
    pub(super) fn overflow_answered(&mut self, desk: &mut Desk, by: LegIndex) {
        let Some(queue) = self.queueing.last.as_ref().map(|queue| queue.name.to_string()) else { return };
        let number = self.legs[by.at()].peer.number.clone();
        self.fact(desk, Event::OverflowAnswered(OverflowAnswered { call: self.id, queue, number }));
    }

    /// Says to a party that is served why nobody answers, and ends the call.
    pub(super) fn say_last(&mut self, desk: &mut Desk, caller: LegIndex, answered_ms: u64, prompt: PromptName) {
        let refusal = StatusCode::TEMPORARILY_UNAVAILABLE.into();
        let end = End { cause: EndCause::NoAnswer, by: EndedBy::System, refusal };
        self.say_finally(desk, caller, answered_ms, prompt, end);
    }

    /// Says something to a party that is served, and ends the call so.
    pub(super) fn say_finally(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        answered_ms: u64,
        prompt: PromptName,
        end: End,
    ) {
        self.say_then(desk, caller, answered_ms, prompt, Then::End(Box::new(end)));
    }

    /// Says something to a party that is served.
    pub(super) fn say_then(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        answered_ms: u64,
        prompt: PromptName,
        then: Then,
    ) {
        let player = self.say(desk, vec![Part::Prompt(prompt)]);
        let until = desk.start_timer(LAST_WORDS_MAX, TimerKey::LastWords(self.id));
        let words = LastWords { player, until, then };
        self.stage = Stage::Served { caller, answered_ms, by: Service::LastWords(words) };
        self.changed = true;
        self.rewire(desk);
    }

    /// It was said to its end. False if it is not that.
    pub(super) fn played_last(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        let Stage::Served { by: Service::LastWords(words), .. } = &self.stage else { return false };
        if words.player != player {
            return false;
        }
        self.after_words(desk);
        true
    }

    /// It was not, in time.
    pub(crate) fn last_words_elapsed(&mut self, desk: &mut Desk) {
        self.after_words(desk);
    }

    fn after_words(&mut self, desk: &mut Desk) {
        let Stage::Served { caller, answered_ms, by: Service::LastWords(words) } = &self.stage else { return };
        let (caller, answered_ms, then) = (*caller, *answered_ms, words.then.clone());
        match (then, self.service()) {
            (Then::End(end), _) => self.end(desk, &end),
            (Then::Go(_), None) => self.end_failed(desk),
            (Then::Go(route), Some(by)) => {
                self.hush_last_words(desk);
                let (seat, purpose) = (self.legs[by.at()].side, Purpose::Flow(Errand::Shut));
                self.seek_for(desk, caller, &route, Some(Transfer { by, seat, purpose, answered_ms }));
            }
        }
    }

    /// The call ends while something is said.
    pub(super) fn hush_last_words(&mut self, desk: &mut Desk) {
        let Stage::Served { by: Service::LastWords(words), .. } = &self.stage else { return };
        desk.timers.stop(words.until, TimerKey::LastWords(self.id));
        desk.stop_playing(words.player);
    }

    pub(super) fn rewire_last_words(&mut self, desk: &mut Desk) {
        let Stage::Served { caller, by: Service::LastWords(words), .. } = &self.stage else { return };
        let (caller, player) = (*caller, words.player);
        self.hear(desk, caller, vec![Source::Player(player)]);
    }
}

/// How long it may take to say why a call ends, or that it is closed.
const LAST_WORDS_MAX: Duration = Duration::from_secs(60);

//! What the facts tell of callers who are to be called back: each keeps his place in the line without a call, one agent at a time is rung for him
//! when it is his turn, and once that one has answered he is called, three times at the most, five minutes apart.

use std::collections::BTreeMap;
use std::time::Duration;

use hooks::fact::{CallbackEnded, CallbackOutcome, CallbackRequested, CallbackStarted};
use hooks::id::CallId;
use switch::view::CallbackView;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Callbacks {
    open: BTreeMap<CallId, Callback>,
    /// Calls that are made for them, by the numbers that are to be called.
    made: BTreeMap<CallId, String>,
    /// For which callback each of these has an agent rung, or calls somebody.
    calls: BTreeMap<CallId, CallId>,
    pub(super) reached: usize,
}

/// Somebody who is to be called back.
#[derive(Clone, Debug)]
struct Callback {
    requested: CallbackRequested,
    asked_ms: u64,
    /// Since when he has waited, ms since the Unix epoch.
    since_ms: u64,
    attempts: u8,
    /// When he was called last.
    called_at: Duration,
    place: Place,
}

/// Where he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// He asked, and the call in which he did still waits.
    Asks,
    InLine,
    Called(CallId),
    /// He did not answer, and rests: since some moment of that call, until its end is so long ago at the latest.
    Rests {
        since: Duration,
        until: Duration,
    },
    /// The process was killed, and the new one was not told of him yet.
    Away,
}

/// Who stands in line from now on.
#[derive(Clone, Debug)]
pub(super) struct Lined {
    pub(super) callback: CallId,
    pub(super) queue: String,
    pub(super) priority: u8,
    pub(super) waited_ms: u64,
}

impl Callbacks {
    /// A call is made for one, to that number.
    pub(super) fn made(&mut self, call: CallId, number: &str) {
        self.made.insert(call, number.to_owned());
    }

    /// Whether a call is made for one.
    pub(super) fn is_made(&self, call: CallId) -> bool {
        self.made.contains_key(&call)
    }

    /// Who it is for whom a call has an agent rung: he himself, or who asked to be called back.
    pub(super) fn waiter_of(&mut self, call: CallId, queue: &str) -> CallId {
        let Some(number) = self.made.get(&call) else { return call };
        let of = |(_, of): &(&CallId, &Callback)| of.requested.queue == queue && of.requested.number == *number;
        let Some((callback, _)) = self.open.iter().find(of) else { return call };
        *self.calls.entry(call).or_insert(*callback)
    }

    /// He asks, in a call that has waited so long.
    pub(super) fn requested(&mut self, at_ms: u64, e: &CallbackRequested, waited_ms: u64) -> Result<(), String> {
        if e.waited_ms != waited_ms {
            return Err(format!("{e:?}, and he has waited {waited_ms}"));
        }
        if self.is_asked(&e.queue, &e.number) {
            return Err(format!("{e:?}, and he is to be called back already"));
        }
        let (requested, since_ms) = (e.clone(), at_ms - waited_ms);
        let callback = Callback {
            requested,
            asked_ms: at_ms,
            since_ms,
            attempts: 0,
            called_at: Duration::ZERO,
            place: Place::Asks,
        };
        self.open.insert(e.call, callback);
        Ok(())
    }

    fn is_asked(&self, queue: &str, number: &str) -> bool {
        self.open.values().any(|of| of.requested.queue == queue && of.requested.number == number)
    }

    /// The call in which he asked has left the line: he stands in it himself, or has a place already.
    pub(super) fn left_line(
        &mut self,
        at_ms: u64,
        call: CallId,
        queue: &str,
        number: &str,
    ) -> Result<Option<Lined>, String> {
        match self.open.get(&call) {
            Some(of) if of.place == Place::Asks => Ok(self.lines_up(call, at_ms)),
            None if self.is_asked(queue, number) => Ok(None),
            other => Err(format!("{call} is left to be called back at {number}: {other:?}")),
        }
    }

    fn lines_up(&mut self, callback: CallId, at_ms: u64) -> Option<Lined> {
        let of = self.open.get_mut(&callback)?;
        of.place = Place::InLine;
        let (queue, priority) = (of.requested.queue.clone(), of.requested.priority);
        Some(Lined { callback, queue, priority, waited_ms: at_ms - of.since_ms })
    }

    /// Those who have rested until now.
    pub(super) fn rested(&mut self, now: Duration, at_ms: u64) -> Vec<(Lined, Duration)> {
        let due = |of: &Callback| match of.place {
            Place::Rests { until, .. } if until <= now => Some(until),
            Place::Rests { .. } | Place::Asks | Place::InLine | Place::Called(_) | Place::Away => None,
        };
        let due: Vec<(CallId, Duration)> = self.open.iter().filter_map(|(it, of)| Some((*it, due(of)?))).collect();
        due.into_iter()
            .filter_map(|(callback, until)| {
                let ago = u64::try_from((now - until).as_millis()).unwrap_or(0);
                Some((self.lines_up(callback, at_ms - ago)?, until))
            })
            .collect()
    }

    /// An agent is rung for him: he may have rested long enough, though his last call ended later than his rest began.
    pub(super) fn rested_enough(&mut self, callback: CallId, now: Duration, at_ms: u64) -> Option<(Lined, Duration)> {
        match self.open.get(&callback)?.place {
            Place::Rests { since, .. } if since + REST <= now => Some((self.lines_up(callback, at_ms)?, now)),
            Place::Rests { .. } | Place::Asks | Place::InLine | Place::Called(_) | Place::Away => None,
        }
    }

    /// An agent has taken it.
    pub(super) fn started(&mut self, now: Duration, at_ms: u64, e: &CallbackStarted) -> Result<(), String> {
        let of = self.open.get_mut(&e.callback).ok_or_else(|| format!("{e:?} of nobody"))?;
        let right = of.place == Place::InLine
            && self.calls.get(&e.call) == Some(&e.callback)
            && (&e.queue, &e.number) == (&of.requested.queue, &of.requested.number)
            && (e.attempt, e.waited_ms) == (of.attempts + 1, at_ms - of.since_ms)
            && e.attempt <= ATTEMPTS_MAX;
        if !right {
            return Err(format!("{e:?} at {at_ms} of {of:?}"));
        }
        (of.attempts, of.called_at, of.place) = (e.attempt, now, Place::Called(e.call));
        Ok(())
    }

    /// A call is over; who was not reached in it is called again, if he was not called often enough.
    pub(super) fn call_ended(&mut self, now: Duration, call: CallId, interrupted: bool) -> Result<(), String> {
        self.made.remove(&call);
        let Some(of) = self.calls.remove(&call).and_then(|callback| self.open.get_mut(&callback)) else {
            return Ok(());
        };
        match of.place {
            Place::Called(by) if by == call && !interrupted => {
                if of.attempts >= ATTEMPTS_MAX {
                    return Err(format!("called often enough, and still to be called back: {of:?}"));
                }
                of.place = Place::Rests { since: of.called_at, until: now + REST };
            }
            Place::Called(_) | Place::Asks | Place::InLine | Place::Rests { .. } | Place::Away => {}
        }
        Ok(())
    }

    /// Nobody calls him any more. Whether he stood in line.
    pub(super) fn ended(&mut self, at_ms: u64, e: &CallbackEnded, answered: usize) -> Result<bool, String> {
        let of = self.open.remove(&e.call).ok_or_else(|| format!("{e:?} of nobody"))?;
        let as_told = (&e.queue, &e.number, e.attempts, e.waited_ms)
            == (&of.requested.queue, &of.requested.number, of.attempts, at_ms - of.since_ms);
        let right = match e.outcome {
            CallbackOutcome::Answered => matches!(of.place, Place::Called(_)) && answered >= 2,
            CallbackOutcome::Unanswered => of.attempts == ATTEMPTS_MAX && !matches!(of.place, Place::Rests { .. }),
            CallbackOutcome::Cancelled => e.by.is_some(),
            CallbackOutcome::Expired | CallbackOutcome::QueueGone => false,
        };
        if !as_told || !right {
            return Err(format!("{e:?} at {at_ms} of {of:?}, where {answered} answered"));
        }
        self.reached += usize::from(e.outcome == CallbackOutcome::Answered);
        Ok(of.place == Place::InLine)
    }

    /// Whether somebody is called back in that call, and has not answered.
    pub(super) fn is_called_in(&self, call: CallId) -> bool {
        self.open.values().any(|of| of.place == Place::Called(call))
    }

    /// In which call he is called, if he is.
    pub(super) fn called_in(&self, callback: CallId) -> Option<CallId> {
        match self.open.get(&callback)?.place {
            Place::Called(call) => Some(call),
            Place::Asks | Place::InLine | Place::Rests { .. } | Place::Away => None,
        }
    }

    /// The process was killed. What the log has of those who are to be called back: it is given to the new one.
    pub(super) fn crashed(&mut self) -> Vec<(CallbackRequested, u64, u8)> {
        (self.made, self.calls) = (BTreeMap::new(), BTreeMap::new());
        self.open.values_mut().for_each(|of| of.place = Place::Away);
        self.open.values().map(|of| (of.requested.clone(), of.asked_ms, of.attempts)).collect()
    }

    /// It has one of them: he stands in line again, as long as he has waited.
    pub(super) fn restored(&mut self, callback: CallId, at_ms: u64) -> Option<Lined> {
        self.lines_up(callback, at_ms)
    }

    /// All of a queue, or of all.
    pub(super) fn open(&self) -> impl Iterator<Item = (&CallId, &str)> {
        self.open.iter().map(|(call, of)| (call, of.requested.queue.as_str()))
    }

    /// What others see of those of a queue.
    pub(super) fn shown(&self, queue: &str, shown: &[CallbackView]) -> Result<(), String> {
        let of_queue = self.open.iter().filter(|(_, of)| of.requested.queue == queue && of.place != Place::Away);
        let told: BTreeMap<CallId, (&str, u64, u8)> =
            of_queue.map(|(call, of)| (*call, (of.requested.number.as_str(), of.since_ms, of.attempts))).collect();
        let seen: BTreeMap<CallId, (&str, u64, u8)> =
            shown.iter().map(|it| (it.call, (it.number.as_str(), it.since_ms, it.attempts))).collect();
        if told == seen { Ok(()) } else { Err(format!("queue {queue} shows {seen:?} to be called back: {told:?}")) }
    }
}

/// ADR 0180.
const ATTEMPTS_MAX: u8 = 3;
const REST: Duration = Duration::from_secs(300);

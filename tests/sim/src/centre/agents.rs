//! What the facts tell of the agents, and what must be so: each change is a row of AGT-17, has its cause, and comes when it must.

use std::collections::BTreeMap;
use std::time::Duration;

use hooks::fact::{
    AgentSignedIn, AgentState, AgentStateChanged, CallOfferEnded, CallOffered, CallStatus, ChangeReason, Console,
    OfferOutcome, Sign, Way,
};
use hooks::id::CallId;
use switch::agent::{AfterCall, AgentRules, Force};
use switch::input::AgentOrder;
use switch::view::AgentView;

use super::table::{Stand, Table};

/// An agent, by what is written down.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) extension: String,
    rules: AgentRules,
    pub(super) sign: Sign,
    pub(super) state: AgentState,
    pub(super) call: CallStatus,
    /// What was written down of him last, while he is signed in.
    pub(super) last: Option<AgentStateChanged>,
    /// Since when he is in his state, ms since the Unix epoch.
    pub(super) since_ms: u64,
    /// The offer that rings him: which call, which queue, since when.
    pub(super) offer: Option<(CallId, Option<String>, u64)>,
    /// The one that the killed process had out.
    cut_off: Option<(CallId, Option<String>, u64)>,
    /// One that rang him before, and went on in another call with the same phone: an attended transfer before he answered.
    moved: Option<(CallId, Option<String>, u64)>,
    /// What became of the last one, until his change is written down.
    ended: Option<OfferOutcome>,
    missed: u8,
    kept: Option<AgentState>,
    /// When wrap-up is over.
    wrap_until: Option<Duration>,
    /// When he is offline, because his phone is gone.
    lost_at: Option<Duration>,
    /// Legs to his phone that are open, by what is written down: the end of one is late.
    pub(super) legs: usize,
    /// He supervises now and then: by his mobile no leg of his extension shows it.
    pub(super) may_supervise: bool,
    /// The contacts of his phone.
    bound: Vec<String>,
    /// When he signed in by his own clock, and what his states amount to since, ms.
    signed_in: Option<Duration>,
    spent_ms: u64,
    changed_ms: u64,
}

/// All agents, by employee number.
#[derive(Debug)]
pub(super) struct Agents {
    table: Table,
    pub(super) told: BTreeMap<String, Told>,
    /// How long wrap-up after a call may last: of the last queue it was in.
    pub(super) wrap_up_of: BTreeMap<CallId, Option<Duration>>,
    /// Rows of the table that were seen, a bit each.
    pub(super) rows: u64,
    /// What is being asked for, until it is answered.
    asked: Option<(String, AgentOrder)>,
    /// What is asked for was asked during a call.
    on_call: bool,
    /// The process was started again, and not all are as they were yet.
    restoring: bool,
}

impl Told {
    fn stand(&self) -> Stand {
        Stand { sign: self.sign, state: self.state, call: self.call }
    }

    /// Online, idle, and with a phone.
    pub(super) fn is_idle(&self) -> bool {
        self.is_there() && self.state == AgentState::Ready && self.call == CallStatus::None && self.offer.is_none()
    }

    /// He can be rung.
    pub(super) fn is_there(&self) -> bool {
        self.sign != Sign::Out && self.has_phone()
    }

    /// QUEUE-06: somebody of the queue is there.
    pub(super) fn is_signed_in(&self) -> bool {
        self.sign != Sign::Out && self.state != AgentState::Offline
    }

    /// How he stands, whenever that is.
    pub(super) fn likeness(&self, now: Duration) -> String {
        let left = self.wrap_until.map(|until| until.saturating_sub(now));
        format!("{:?} {:?} {} {left:?} {} {:?}", self.state, self.call, self.offer.is_some(), self.missed, self.kept)
    }

    /// Somewhere to ring him.
    fn has_phone(&self) -> bool {
        // A desk phone is none of who is at the console without a phone.
        self.is_by_mobile() || self.sign != Sign::Phone(Way::Web) && !self.bound.is_empty()
    }

    fn is_by_mobile(&self) -> bool {
        matches!(self.sign, Sign::Mobile(_))
    }

    /// He talks.
    pub(super) fn is_connected(&self) -> bool {
        matches!(self.call, CallStatus::Connected(_))
    }

    /// What happens on the extension is his doing.
    pub(super) fn has_extension(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.extension.is_some())
    }

    /// The call that the last change of his was about.
    pub(super) fn last_call(&self) -> Option<CallId> {
        self.last.as_ref()?.call
    }
}

impl Agents {
    pub(super) fn new(agents: impl Iterator<Item = (String, String, AgentRules, bool)>, now_ms: u64) -> Self {
        let told = agents.map(|(number, extension, rules, is_fixed)| {
            let told = Told {
                extension,
                rules,
                sign: Sign::Out,
                state: AgentState::Offline,
                call: CallStatus::None,
                last: None,
                since_ms: now_ms,
                offer: None,
                cut_off: None,
                moved: None,
                ended: None,
                missed: 0,
                kept: None,
                wrap_until: None,
                lost_at: None,
                legs: 0,
                may_supervise: false,
                // One that does not register is always there.
                bound: is_fixed.then(|| "fixed".to_owned()).into_iter().collect(),
                signed_in: None,
                spent_ms: 0,
                changed_ms: now_ms,
            };
            (number, told)
        });
        let (told, wrap_up_of) = (told.collect(), BTreeMap::new());
        Self { table: Table::read(), told, wrap_up_of, rows: 0, asked: None, on_call: false, restoring: false }
    }

    pub(super) fn get(&self, agent: &str) -> Result<&Told, String> {
        self.told.get(agent).ok_or_else(|| format!("agent {agent}, whom there is not"))
    }

    fn get_mut(&mut self, agent: &str) -> Result<&mut Told, String> {
        self.told.get_mut(agent).ok_or_else(|| format!("agent {agent}, whom there is not"))
    }

    pub(super) fn may_supervise(&mut self, agent: &str) {
        if let Some(told) = self.told.get_mut(agent) {
            told.may_supervise = true;
        }
    }

    pub(super) fn of_extension(&self, extension: &str) -> Option<(&String, &Told)> {
        self.told.iter().find(|(_, told)| told.extension == extension)
    }

    /// Whether he has, or had just now, a call that the table may not know: an emergency call is past it.
    pub(super) fn is_on_the_phone(&self, agent: &str) -> bool {
        self.told.get(agent).is_some_and(|told| told.legs > 0)
    }

    /// So many legs more, or less, lead to an extension.
    pub(super) fn legs(&mut self, extension: &str, count: impl FnOnce(usize) -> usize) {
        if let Some(told) = self.told.values_mut().find(|told| told.extension == extension) {
            told.legs = count(told.legs);
        }
    }

    /// A phone registered on that extension, or is there no more.
    pub(super) fn bound(&mut self, now: Duration, extension: &str, contact: &str, is_there: bool) {
        let Some(told) = self.told.values_mut().find(|told| told.extension == extension) else { return };
        told.bound.retain(|known| known != contact);
        if is_there {
            told.bound.push(contact.to_owned());
            told.lost_at = None;
        } else if told.bound.is_empty() && told.lost_at.is_none() {
            told.lost_at = Some(now + LOST_GRACE);
        }
    }

    /// Whether a call rings somebody by his mobile.
    pub(super) fn rings_mobile(&self, call: CallId) -> bool {
        let rings = |told: &Told| told.is_by_mobile() && told.offer.as_ref().is_some_and(|(of, ..)| *of == call);
        self.told.values().any(rings)
    }

    /// He is rung.
    pub(super) fn offered(&mut self, e: &CallOffered, moved: bool, at_ms: u64) -> Result<(), String> {
        let (agent, call) = (&e.agent, e.call);
        let told = self.get_mut(agent)?;
        if moved && told.moved.is_none() {
            told.moved = told.offer.replace((call, e.queue.clone(), at_ms));
            return Ok(());
        }
        if let Some((other, ..)) = &told.offer {
            return Err(format!("agent {agent} is offered {call}, and {other} rings him"));
        }
        if !told.is_idle() {
            return Err(format!("agent {agent} is offered {call}, and is not idle with a phone: {told:?}"));
        }
        told.offer = Some((call, e.queue.clone(), at_ms));
        Ok(())
    }

    /// An offer of a queue that the killed process had out: it ends when the call is picked up, and is nobody's doing. Whether it is one.
    pub(super) fn ends_cut_off(&mut self, at_ms: u64, ended: &CallOfferEnded) -> Result<bool, String> {
        let told = self.get_mut(&ended.agent)?;
        let Some((_, queue, since_ms)) = told.cut_off.take_if(|(call, ..)| *call == ended.call) else {
            return Ok(false);
        };
        if queue != ended.queue || ended.outcome != OfferOutcome::Taken || at_ms - since_ms != ended.ring_ms {
            return Err(format!("{ended:?} of an offer that was cut off, by {queue:?} at {since_ms}, at {at_ms}"));
        }
        Ok(true)
    }

    /// He is rung no more; who takes a callback dials next.
    pub(super) fn offer_ended(&mut self, at_ms: u64, ended: &CallOfferEnded, dials: bool) -> Result<(), String> {
        let told = self.get_mut(&ended.agent)?;
        let moved = told.moved.take_if(|(call, ..)| *call == ended.call);
        let Some((call, queue, since_ms)) = moved.or_else(|| told.offer.take()) else {
            return Err(format!("the end of an offer that was not: {ended:?}"));
        };
        if call != ended.call || queue != ended.queue || at_ms - since_ms != ended.ring_ms {
            return Err(format!("{ended:?} of an offer of {call} by {queue:?} at {since_ms}, at {at_ms}"));
        }
        // Whom he calls back has not answered yet: nothing is answered by the table, and he dials at once.
        told.ended =
            Some(if dials && ended.outcome == OfferOutcome::Answered { OfferOutcome::Taken } else { ended.outcome });
        Ok(())
    }

    /// An agent's change.
    pub(super) fn changed(&mut self, now: Duration, at_ms: u64, e: &AgentStateChanged) -> Result<(), String> {
        let told = self.get(&e.agent)?;
        if told.state != e.from {
            return Err(format!("{e:?}, and he was {:?}", told.state));
        }
        if e.extension.as_deref().is_some_and(|extension| extension != told.extension) {
            return Err(format!("{e:?}: his extension is {}", told.extension));
        }
        let row = match self.table.row(told.stand(), e)? {
            // Both lead from wrap-up to wrap-up.
            18 | 19 if told.rules.after_call == AfterCall::Ready => 19,
            row => row,
        };
        self.rows |= 1 << row;
        let wrap_up_max = e.call.and_then(|call| self.wrap_up_of.get(&call).copied()).flatten();
        let asked = self.asked.as_ref().filter(|(agent, _)| *agent == e.agent).map(|(_, order)| order.clone());
        let told = self.get_mut(&e.agent)?;
        told.has_cause(now, row, e, asked.as_ref()).map_err(|wrong| format!("{wrong}: row {row}, {e:?}, {told:?}"))?;
        told.take(now, at_ms, row, e, wrap_up_max);
        Ok(())
    }

    /// He signed in: the change before says the same.
    pub(super) fn signed_in(&self, e: &AgentSignedIn) -> Result<(), String> {
        let last = self.get(&e.agent)?.last.as_ref();
        let same = last.is_some_and(|last| {
            matches!(last.reason, ChangeReason::Login | ChangeReason::MobileSignIn)
                && (last.sign, &last.extension, &last.mobile) == (e.sign, &e.extension, &e.mobile)
        });
        if same { Ok(()) } else { Err(format!("{e:?} after {last:?}")) }
    }

    /// What others see of him is what is written down.
    pub(super) fn shown(&self, view: &AgentView) -> Result<(), String> {
        if self.restoring {
            return Ok(());
        }
        let told = self.get(&view.agent)?;
        let same_call = std::mem::discriminant(&view.call_status) == std::mem::discriminant(&told.call);
        // GEN-18: an emergency call is dialled in every state, and no row says so. Nor is there one for who is called to dial.
        let past_the_table = told.call == CallStatus::None && !view.calls.is_empty();
        let fits = view.state == told.state
            && view.sign == told.sign
            && view.since_ms == told.since_ms
            && view.kept == told.kept
            && (same_call || past_the_table);
        if fits { Ok(()) } else { Err(format!("shown {view:?}, and written down {told:?}")) }
    }

    /// All are as the journal has them.
    pub(super) fn restored(&mut self) {
        self.restoring = false;
    }

    pub(super) fn is_restoring(&self) -> bool {
        self.restoring
    }

    /// Something is asked of an agent.
    pub(super) fn asks(&mut self, agent: &str, order: &AgentOrder) {
        self.asked = Some((agent.to_owned(), order.clone()));
        self.on_call = self.told.get(agent).is_some_and(|told| told.call != CallStatus::None);
    }

    /// What came of that.
    pub(super) fn answered(&mut self, now: Duration, done: bool, may_be_on_call: bool) -> Result<(), String> {
        let (agent, order) = self.asked.take().ok_or("an answer, and nothing was asked of an agent")?;
        let on_call = self.on_call;
        let told = self.get_mut(&agent)?;
        if told.asked_for(now, &order, done, on_call, may_be_on_call) {
            return Ok(());
        }
        let word = if done { "done" } else { "refused" };
        Err(format!("{order:?} of {agent} was {word}: {told:?}"))
    }

    /// Whether that may be asked of him (AGT-10, AGT-16, PHONE-05). `None` = it depends on more.
    pub(super) fn may(&self, agent: &str, order: &AgentOrder) -> Result<Option<bool>, String> {
        let told = self.get(agent)?;
        let (signed_in, idle) = (told.sign != Sign::Out, told.call == CallStatus::None);
        // Who has a call that the table does not know, or supervises, may have to end that first.
        let unsure = idle && (told.legs > 0 || told.may_supervise);
        let closed = told.sign == Sign::Mobile(Console::Closed);
        Ok(Some(match order {
            AgentOrder::SignIn(_) if closed => return Ok(None),
            AgentOrder::SignIn(_) if signed_in => false,
            // A call on the extension that began without him may stand in his way.
            AgentOrder::SignIn(_) => return Ok(None),
            // A mobile goes on without a console (PHONE-12).
            AgentOrder::SignOut if told.is_by_mobile() => !closed,
            AgentOrder::SignOut | AgentOrder::MobileSignIn(_) | AgentOrder::MobileSignOut if unsure => return Ok(None),
            AgentOrder::SignOut => signed_in && idle,
            AgentOrder::MobileSignIn(_) => idle && !told.is_by_mobile(),
            AgentOrder::MobileSignOut => idle && told.is_by_mobile(),
            AgentOrder::Pick(_) if !signed_in || told.call == CallStatus::Ringing => false,
            AgentOrder::Pick(_) if !idle => true,
            AgentOrder::Pick(AgentState::Ready) if told.sign == RETURNED => !told.bound.is_empty(),
            AgentOrder::Pick(state) => match told.state {
                AgentState::Offline => *state == AgentState::Ready && told.has_phone(),
                AgentState::Ready | AgentState::NotReady | AgentState::OnBreak | AgentState::WrapUp => {
                    *state != told.state
                }
            },
            AgentOrder::Force(force) => signed_in && idle && force_is_allowed(*force, told.state, told.has_phone()),
        }))
    }

    /// What must have happened by now has.
    pub(super) fn check_due(&self, now: Duration) -> Result<(), String> {
        if self.restoring {
            return Ok(());
        }
        for (agent, told) in &self.told {
            if told.ended.is_some() {
                return Err(format!("an offer to {agent} ended, and nothing came of it: {told:?}"));
            }
            if told.call != CallStatus::None || told.sign == Sign::Out {
                continue;
            }
            let wraps = told.state == AgentState::WrapUp && told.wrap_until.is_some_and(|until| until < now);
            let by_phone = told.state != AgentState::Offline && !told.is_by_mobile();
            let lost = by_phone && told.lost_at.is_some_and(|at| at < now);
            if wraps || lost {
                return Err(format!("agent {agent} should be in another state by now: {told:?}"));
            }
        }
        Ok(())
    }

    /// The process was killed: what is in no fact is forgotten.
    pub(super) fn crashed(&mut self, now: Duration, now_ms: u64) {
        self.restoring = true;
        for told in self.told.values_mut() {
            told.cut_off = told.offer.take_if(|(_, queue, _)| queue.is_some());
            (told.offer, told.moved, told.ended, told.kept, told.missed) = (None, None, None, None, 0);
            told.wrap_until = None;
            told.lost_at = told.bound.is_empty().then_some(now + RESTART_GRACE);
            if told.sign == Sign::Out {
                // Nobody remembers since when.
                told.since_ms = now_ms;
            }
        }
    }
}

impl Told {
    /// Whether something brought the change about.
    fn has_cause(
        &mut self,
        now: Duration,
        row: u32,
        e: &AgentStateChanged,
        asked: Option<&AgentOrder>,
    ) -> Result<(), &'static str> {
        let limit = self.rules.missed_limit;
        let asked_by = |ask: fn(&AgentOrder) -> bool| asked.is_some_and(ask);
        let fits = match e.reason {
            ChangeReason::MobileSignIn => asked_by(|order| matches!(order, AgentOrder::MobileSignIn(_))),
            // Row 32: his desk phone takes over as he picks Online.
            ChangeReason::MobileSignOut if asked_by(|order| matches!(order, AgentOrder::Pick(AgentState::Ready))) => {
                self.sign == RETURNED
            }
            ChangeReason::MobileSignOut => {
                let there = e.sign == Sign::Phone(Way::Desk) && !self.bound.is_empty();
                let online = (e.to == AgentState::Ready) == there;
                online && asked_by(|order| matches!(order, AgentOrder::MobileSignOut))
            }
            ChangeReason::Login => matches!(asked, Some(AgentOrder::SignIn(_))),
            ChangeReason::Logout => matches!(asked, Some(AgentOrder::SignOut)),
            ChangeReason::Forced => matches!(asked, Some(AgentOrder::Force(_))) && e.by.is_some(),
            ChangeReason::Manual if row == 20 => self.kept == Some(e.to),
            ChangeReason::Manual => matches!(asked, Some(AgentOrder::Pick(state)) if *state == e.to),
            ChangeReason::Ring => self.offer.as_ref().is_some_and(|(call, ..)| Some(*call) == e.call),
            ChangeReason::Answer if self.call == CallStatus::Ringing => self.ended == Some(OfferOutcome::Answered),
            ChangeReason::RingEnd | ChangeReason::MissedCalls => {
                let Some(outcome) = self.ended.or(self.restarted()) else { return Err("no offer ended") };
                let missed = match outcome {
                    OfferOutcome::TimedOut | OfferOutcome::Rejected | OfferOutcome::Failed => self.missed + 1,
                    OfferOutcome::CallerHungUp | OfferOutcome::Taken => self.missed,
                    OfferOutcome::Answered => return Err("it was answered"),
                };
                let enough = limit > 0 && missed >= limit;
                enough == (e.reason == ChangeReason::MissedCalls)
            }
            ChangeReason::CallEnd => {
                let wraps = self.rules.after_call == AfterCall::WrapUp;
                self.kept.is_none() && e.to == if wraps { AgentState::WrapUp } else { e.from }
            }
            ChangeReason::WrapUpTimeout => match self.wrap_until {
                Some(until) if self.call == CallStatus::None => until == now,
                Some(until) => until <= now,
                None => false,
            },
            ChangeReason::ConnectionLost if self.is_by_mobile() => false,
            ChangeReason::ConnectionLost => match self.lost_at {
                Some(at) if self.call == CallStatus::None => at == now,
                Some(at) => at <= now,
                None => false,
            },
            ChangeReason::Dial | ChangeReason::DialEnd | ChangeReason::Answer => true,
            ChangeReason::AccountClosed => false,
        };
        if fits { Ok(()) } else { Err("nothing brought that about") }
    }

    /// After a restart nobody rings any more; it is not his doing.
    fn restarted(&self) -> Option<OfferOutcome> {
        (self.offer.is_none() && self.call == CallStatus::Ringing).then_some(OfferOutcome::Taken)
    }

    fn take(&mut self, now: Duration, at_ms: u64, row: u32, e: &AgentStateChanged, wrap_up_max: Option<Duration>) {
        if self.sign != Sign::Out {
            self.spent_ms += at_ms - self.changed_ms;
        }
        self.changed_ms = at_ms;
        // A console that comes or goes beside a mobile is nothing to it.
        let beside = matches!(e.sign, Sign::Mobile(_))
            && self.is_by_mobile()
            && matches!(e.reason, ChangeReason::Login | ChangeReason::Logout);
        match e.reason {
            ChangeReason::RingEnd | ChangeReason::MissedCalls => {
                let counts =
                    matches!(self.ended, Some(OfferOutcome::TimedOut | OfferOutcome::Rejected | OfferOutcome::Failed));
                self.missed = if e.reason == ChangeReason::MissedCalls { 0 } else { self.missed + u8::from(counts) };
            }
            ChangeReason::Answer if self.call == CallStatus::Ringing => self.missed = 0,
            ChangeReason::Manual if row != 20 => self.missed = 0,
            ChangeReason::Login | ChangeReason::Logout if beside => {}
            ChangeReason::Forced
            | ChangeReason::Login
            | ChangeReason::Logout
            | ChangeReason::ConnectionLost
            | ChangeReason::MobileSignIn
            | ChangeReason::MobileSignOut => self.missed = 0,
            ChangeReason::Manual
            | ChangeReason::Ring
            | ChangeReason::Answer
            | ChangeReason::Dial
            | ChangeReason::DialEnd
            | ChangeReason::CallEnd
            | ChangeReason::WrapUpTimeout
            | ChangeReason::AccountClosed => {}
        }
        // PHONE-14: nobody is there to end it.
        let alone = (e.sign == Sign::Mobile(Console::Closed)).then_some(WRAP_UP_ALONE);
        let wrap_up_max = wrap_up_max.or(alone);
        let talked = matches!(self.call, CallStatus::Connected(_)) && e.call_status == CallStatus::None;
        if self.call != CallStatus::None && e.call_status == CallStatus::None {
            self.ended = None;
        }
        if e.reason == ChangeReason::Answer {
            self.ended = None;
        }
        self.wrap_until = match e.to {
            // After a talk it begins, or begins anew (AGT-09).
            AgentState::WrapUp if talked && (row == 18 || row == 20) => wrap_up_max.map(|limit| now + limit),
            AgentState::WrapUp if e.from == AgentState::WrapUp && row != 20 => self.wrap_until,
            AgentState::WrapUp
            | AgentState::Ready
            | AgentState::NotReady
            | AgentState::OnBreak
            | AgentState::Offline => None,
        };
        let anew =
            [ChangeReason::Login, ChangeReason::Logout, ChangeReason::ConnectionLost, ChangeReason::MobileSignIn];
        let anew = anew.contains(&e.reason) || e.reason == ChangeReason::MobileSignOut;
        if row == 20 || anew && !beside {
            self.kept = None;
        }
        if e.from != e.to {
            self.since_ms = at_ms;
        }
        (self.sign, self.state, self.call) = (e.sign, e.to, e.call_status);
        self.last = (e.sign != Sign::Out).then(|| e.clone());
    }

    /// Whether it was right to do so, or not to.
    fn asked_for(
        &mut self,
        now: Duration,
        order: &AgentOrder,
        done: bool,
        on_call: bool,
        may_be_on_call: bool,
    ) -> bool {
        if !done {
            return !matches!(order, AgentOrder::SignIn(_)) || self.sign != Sign::Out || may_be_on_call;
        }
        match order {
            AgentOrder::SignIn(_) => {
                self.begins(now);
                // Whether its phone is there is known anew.
                if self.has_phone() {
                    self.lost_at = None;
                }
                self.sign == Sign::Phone(Way::Desk) || self.sign == RETURNED
            }
            AgentOrder::SignOut if self.is_by_mobile() => self.sign == Sign::Mobile(Console::Closed),
            AgentOrder::SignOut => self.sign == Sign::Out && self.adds_up(now),
            AgentOrder::Pick(state) if on_call => {
                self.kept = Some(*state);
                true
            }
            AgentOrder::Pick(state) => self.state == *state,
            AgentOrder::Force(Force::Busy) => self.state == AgentState::NotReady,
            AgentOrder::Force(Force::Ready) => self.state == AgentState::Ready,
            AgentOrder::Force(Force::SignOut) => self.state == AgentState::Offline && self.leaves(now),
            AgentOrder::MobileSignIn(_) => {
                self.begins(now);
                self.is_by_mobile() && self.state == AgentState::Ready
            }
            AgentOrder::MobileSignOut => !self.is_by_mobile() && self.leaves(now),
        }
    }

    fn begins(&mut self, now: Duration) {
        if self.signed_in.is_none() {
            (self.signed_in, self.spent_ms) = (Some(now), 0);
        }
    }

    /// Who had nothing but his mobile is signed out with it.
    fn leaves(&mut self, now: Duration) -> bool {
        self.sign != Sign::Out || self.adds_up(now)
    }

    /// The times of his states add up to what he was signed in for, to the second.
    fn adds_up(&mut self, now: Duration) -> bool {
        let Some(since) = self.signed_in.take() else { return false };
        let signed_in_ms = u64::try_from((now - since).as_millis()).unwrap_or(u64::MAX);
        self.spent_ms.abs_diff(signed_in_ms) < 1_000
    }
}

/// AGT-16, the last column, for who has no call.
fn force_is_allowed(force: Force, state: AgentState, has_phone: bool) -> bool {
    match (force, state) {
        (Force::Ready, AgentState::NotReady | AgentState::WrapUp | AgentState::OnBreak) => has_phone,
        (Force::Busy, AgentState::Ready | AgentState::WrapUp | AgentState::OnBreak) => true,
        (Force::SignOut, state) => state != AgentState::Offline,
        (Force::Ready, AgentState::Ready | AgentState::Offline)
        | (Force::Busy, AgentState::NotReady | AgentState::Offline) => false,
    }
}

/// Signed in by his mobile, and back at his desk.
const RETURNED: Sign = Sign::Mobile(Console::Returned(Way::Desk));
/// PHONE-14.
const WRAP_UP_ALONE: Duration = Duration::from_secs(30);
/// PHONE-17.
const LOST_GRACE: Duration = Duration::from_secs(30);
/// AGT-15.
const RESTART_GRACE: Duration = Duration::from_secs(60);

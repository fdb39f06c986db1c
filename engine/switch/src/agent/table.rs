//! The table of AGT-17. The numbers in the comments are its rows.

use std::time::Duration;

use super::allowed::{Force, supervisor_may};
use super::change::{AgentEvent, Change, Refused};
use super::kind::{AfterCall, CallStatus, Console, Missed, Reason, Sign, State, Talk, Way};
use super::{AfterWrapUp, Agent, LOST_GRACE, Phone, Stay, WRAP_UP_ALONE};

/// What came of an event: a change that is written down, or nothing that anybody sees.
type Step = Result<Option<Reason>, Refused>;

impl Agent {
    /// Something happens. `None` where nothing that is written down changes.
    ///
    /// # Errors
    /// It may not be; nothing has changed then.
    pub fn handle(&mut self, now: Duration, event: AgentEvent) -> Result<Option<Change>, Refused> {
        let from = self.state();
        let reason = match event {
            AgentEvent::Login(way) => self.login(way),
            AgentEvent::Logout => self.logout(),
            AgentEvent::Pick(state) => self.pick(state),
            AgentEvent::Offered => self.offered(),
            AgentEvent::Answered => self.answered(),
            AgentEvent::Missed(how) => self.missed(how),
            AgentEvent::Dial => self.dial(),
            AgentEvent::DialAnswered => self.dial_answered(),
            AgentEvent::DialEnded => self.dial_ended(now),
            AgentEvent::Talk(talk) => self.talk(talk),
            AgentEvent::CallEnded { wrap_up_max } => self.call_ended(now, wrap_up_max),
            AgentEvent::Force(force) => self.force(force),
            AgentEvent::PhoneRegistered => Ok(self.phone_registered()),
            AgentEvent::PhoneLost => Ok(self.phone_lost(now)),
            AgentEvent::MobileSignIn => self.mobile_sign_in(),
            AgentEvent::MobileSignOut => self.mobile_sign_out(),
            AgentEvent::Supervises => self.supervise(),
            AgentEvent::SupervisedEnough => {
                self.supervises = false;
                Ok(None)
            }
            AgentEvent::AccountClosed => Ok(self.close_account()),
            AgentEvent::Elapsed => Ok(self.elapsed(now)),
        }?;
        let (to, call, sign) = (self.state(), self.call, self.sign);
        Ok(reason.map(|reason| Change { from, to, call, sign, reason }))
    }

    /// Rows 1, 2, 31, 32. Row 3 is no login of a phone.
    fn login(&mut self, way: Way) -> Step {
        if self.closed {
            return Err(Refused::Closed);
        }
        match (self.sign, way) {
            (Sign::Mobile(Console::Closed), way) => {
                self.sign = Sign::Mobile(Console::Returned(way));
                Ok(Some(self.take_over_from_mobile().unwrap_or(Reason::Login)))
            }
            (Sign::Out, way) => {
                self.sign = Sign::Phone(way);
                let stay = match (way, self.phone) {
                    (Way::Web, Phone::Registered) => Stay::Ready,
                    (Way::Web, Phone::Losing { .. } | Phone::Gone | Phone::Awaited) => {
                        self.phone = Phone::Awaited;
                        Stay::Offline
                    }
                    (Way::Desk, _) => Stay::Offline,
                };
                self.sign_in_phone(stay);
                Ok(Some(Reason::Login))
            }
            (Sign::Phone(_) | Sign::Mobile(Console::Open(_) | Console::Returned(_)), _) => Err(Refused::Already),
        }
    }

    /// Row 31: the web phone of a new login takes the mobile's place, when no call runs.
    fn take_over_from_mobile(&mut self) -> Option<Reason> {
        if self.sign != Sign::Mobile(Console::Returned(Way::Web)) || self.call != CallStatus::None {
            return None;
        }
        self.sign = Sign::Phone(Way::Web);
        self.sign_in_phone(Stay::Ready);
        if self.phone != Phone::Registered {
            (self.stay, self.phone) = (Stay::Offline, Phone::Awaited);
        }
        Some(Reason::MobileSignOut)
    }

    /// Row 27.
    fn logout(&mut self) -> Step {
        match self.sign {
            Sign::Out => Err(Refused::SignedOut),
            Sign::Mobile(Console::Closed) => Err(Refused::Already),
            // A mobile talks on without a console (PHONE-12, PHONE-14).
            Sign::Mobile(Console::Open(_) | Console::Returned(_)) => {
                self.sign = Sign::Mobile(Console::Closed);
                Ok(Some(Reason::Logout))
            }
            Sign::Phone(_) => {
                self.free()?;
                self.sign_out();
                Ok(Some(Reason::Logout))
            }
        }
    }

    /// Rows 4, 5, 6, 21, 32; and 20, where a call runs.
    fn pick(&mut self, state: State) -> Step {
        match (self.sign, self.call) {
            (Sign::Out, _) => return Err(Refused::SignedOut),
            (_, CallStatus::Ringing) => return Err(Refused::Ringing),
            (_, CallStatus::Dialling | CallStatus::Connected(_)) => {
                // Wrap-up is what follows a call anyway, but chosen it follows even where the agent is ready at once.
                self.kept = Some(state);
                return Ok(None);
            }
            (Sign::Phone(_) | Sign::Mobile(_), CallStatus::None) => {}
        }
        if self.sign == Sign::Mobile(Console::Returned(Way::Desk)) && state == State::Ready {
            self.need_phone()?;
            self.sign = Sign::Phone(Way::Desk);
            self.sign_in_phone(Stay::Ready);
            return Ok(Some(Reason::MobileSignOut));
        }
        match (self.stay, state) {
            (Stay::Offline, State::Ready) => {
                self.reachable()?;
                self.sign_in_phone(Stay::Ready);
            }
            (Stay::Offline, State::NotReady | State::OnBreak | State::WrapUp | State::Offline) => {
                return Err(Refused::Offline);
            }
            (Stay::Ready | Stay::NotReady | Stay::OnBreak | Stay::WrapUp { .. }, state) if state == self.state() => {
                return Err(Refused::Already);
            }
            (Stay::Ready | Stay::NotReady | Stay::OnBreak | Stay::WrapUp { .. }, state) => self.go(state),
        }
        self.missed_in_a_row = 0;
        Ok(Some(Reason::Manual))
    }

    /// Row 7.
    fn offered(&mut self) -> Step {
        if !self.is_offerable() {
            return Err(Refused::NotAvailable);
        }
        self.call = CallStatus::Ringing;
        Ok(Some(Reason::Ring))
    }

    /// Row 8.
    fn answered(&mut self) -> Step {
        self.need_call(CallStatus::Ringing)?;
        self.call = CallStatus::Connected(Talk::Talking);
        self.missed_in_a_row = 0;
        Ok(Some(Reason::Answer))
    }

    /// Rows 9 to 12.
    fn missed(&mut self, how: Missed) -> Step {
        self.need_call(CallStatus::Ringing)?;
        self.call = CallStatus::None;
        match how {
            Missed::CallerHungUp | Missed::Taken => {}
            Missed::TimedOut | Missed::Rejected | Missed::Failed => {
                self.missed_in_a_row = self.missed_in_a_row.saturating_add(1);
            }
        }
        if let Some(reason) = self.due_departure() {
            return Ok(Some(reason));
        }
        let limit = self.rules.missed_limit;
        if limit > 0 && self.missed_in_a_row >= limit {
            self.missed_in_a_row = 0;
            self.stay = Stay::NotReady;
            return Ok(Some(Reason::MissedCalls));
        }
        Ok(Some(Reason::RingEnd))
    }

    /// Rows 13, 14.
    fn dial(&mut self) -> Step {
        self.may_dial()?;
        self.call = CallStatus::Dialling;
        Ok(Some(Reason::Dial))
    }

    /// Whether he may dial now (AGT-06, CALL-06).
    ///
    /// # Errors
    /// Why not.
    pub fn may_dial(&self) -> Result<(), Refused> {
        match (self.sign, self.stay, self.call) {
            (Sign::Out, _, _) => Err(Refused::SignedOut),
            (_, _, CallStatus::Ringing) => Err(Refused::Ringing),
            (_, _, CallStatus::Dialling | CallStatus::Connected(_)) => Err(Refused::OnCall),
            _ if self.supervises => Err(Refused::OnCall),
            (_, Stay::Offline, CallStatus::None) => Err(Refused::Offline),
            (_, Stay::OnBreak, CallStatus::None) => Err(Refused::OnBreak),
            (Sign::Phone(_), _, CallStatus::None) if self.phone != Phone::Registered => {
                Err(Refused::PhoneNotRegistered)
            }
            (_, Stay::Ready | Stay::NotReady | Stay::WrapUp { .. }, CallStatus::None) => Ok(()),
        }
    }

    /// Row 15.
    fn dial_answered(&mut self) -> Step {
        self.need_call(CallStatus::Dialling)?;
        self.call = CallStatus::Connected(Talk::Talking);
        Ok(Some(Reason::Answer))
    }

    /// Row 16; and 22, where wrap-up ran out meanwhile.
    fn dial_ended(&mut self, now: Duration) -> Step {
        self.need_call(CallStatus::Dialling)?;
        self.call = CallStatus::None;
        if let Some(reason) = self.due_departure().or_else(|| self.take_kept()) {
            return Ok(Some(reason));
        }
        Ok(Some(self.end_wrap_up(now).unwrap_or(Reason::DialEnd)))
    }

    /// Row 17.
    fn talk(&mut self, talk: Talk) -> Step {
        match self.call {
            CallStatus::Connected(now) if now == talk => Ok(None),
            CallStatus::Connected(_) => {
                self.call = CallStatus::Connected(talk);
                Ok(None)
            }
            CallStatus::None | CallStatus::Dialling | CallStatus::Ringing => Err(Refused::NoCall),
        }
    }

    /// Rows 18 to 20, 26, 30.
    fn call_ended(&mut self, now: Duration, wrap_up_max: Option<Duration>) -> Step {
        let CallStatus::Connected(_) = self.call else { return Err(Refused::NoCall) };
        self.call = CallStatus::None;
        if let Some(reason) = self.due_departure() {
            return Ok(Some(reason));
        }
        let then = match self.stay {
            Stay::WrapUp { then, .. } => then,
            Stay::NotReady => AfterWrapUp::NotReady,
            Stay::Ready | Stay::OnBreak | Stay::Offline => AfterWrapUp::Ready,
        };
        let alone = matches!(self.sign, Sign::Mobile(Console::Closed)).then_some(WRAP_UP_ALONE);
        let until = wrap_up_max.or(alone).map(|limit| now + limit);
        if let Some(reason) = self.take_kept() {
            if let Stay::WrapUp { .. } = self.stay {
                self.stay = Stay::WrapUp { until, then };
            }
            return Ok(Some(reason));
        }
        match self.after_call {
            AfterCall::WrapUp => self.stay = Stay::WrapUp { until, then },
            // The wrap-up that he dialled from goes on.
            AfterCall::Ready => return Ok(Some(self.end_wrap_up(now).unwrap_or(Reason::CallEnd))),
        }
        Ok(Some(Reason::CallEnd))
    }

    /// Rows 23 to 25.
    fn force(&mut self, force: Force) -> Step {
        if !supervisor_may(force, self.state(), self.call) {
            return Err(Refused::NotInThisState);
        }
        match force {
            Force::Busy => self.stay = Stay::NotReady,
            Force::Ready => {
                self.reachable()?;
                self.stay = Stay::Ready;
            }
            Force::SignOut => {
                self.stay = Stay::Offline;
                self.sign = match self.sign {
                    Sign::Out | Sign::Mobile(Console::Closed) => Sign::Out,
                    Sign::Phone(way) | Sign::Mobile(Console::Open(way) | Console::Returned(way)) => Sign::Phone(way),
                };
            }
        }
        self.missed_in_a_row = 0;
        Ok(Some(Reason::Forced))
    }

    /// A web phone that registers after the login makes its agent ready (row 1).
    fn phone_registered(&mut self) -> Option<Reason> {
        let before = std::mem::replace(&mut self.phone, Phone::Registered);
        if before != Phone::Awaited || self.sign != Sign::Phone(Way::Web) {
            return None;
        }
        self.sign_in_phone(Stay::Ready);
        Some(Reason::Login)
    }

    /// Row 26 begins.
    fn phone_lost(&mut self, now: Duration) -> Option<Reason> {
        match self.phone {
            Phone::Registered => self.phone = Phone::Losing { until: now + LOST_GRACE },
            Phone::Losing { .. } | Phone::Gone | Phone::Awaited => {}
        }
        None
    }

    /// Row 28.
    fn mobile_sign_in(&mut self) -> Step {
        if self.closed {
            return Err(Refused::Closed);
        }
        self.free()?;
        self.sign = match self.sign {
            Sign::Mobile(_) => return Err(Refused::Already),
            Sign::Phone(way) => Sign::Mobile(Console::Open(way)),
            Sign::Out => Sign::Mobile(Console::Open(Way::Web)),
        };
        self.sign_in_phone(Stay::Ready);
        Ok(Some(Reason::MobileSignIn))
    }

    /// Row 29.
    fn mobile_sign_out(&mut self) -> Step {
        self.free()?;
        let sign = match self.sign {
            Sign::Out | Sign::Phone(_) => return Err(Refused::Already),
            Sign::Mobile(Console::Closed) => Sign::Out,
            Sign::Mobile(Console::Open(way) | Console::Returned(way)) => Sign::Phone(way),
        };
        let here = sign != Sign::Out && self.phone == Phone::Registered;
        self.sign = sign;
        self.sign_in_phone(if here { Stay::Ready } else { Stay::Offline });
        Ok(Some(Reason::MobileSignOut))
    }

    /// MON-29: with a signed-in phone and without a call.
    fn supervise(&mut self) -> Step {
        if self.sign == Sign::Out {
            return Err(Refused::SignedOut);
        }
        self.free()?;
        self.reachable()?;
        self.supervises = true;
        Ok(None)
    }

    /// Row 30.
    fn close_account(&mut self) -> Option<Reason> {
        self.closed = true;
        if self.sign == Sign::Out || self.call != CallStatus::None {
            return None;
        }
        self.due_departure()
    }

    /// Rows 22, 26.
    fn elapsed(&mut self, now: Duration) -> Option<Reason> {
        match self.phone {
            Phone::Losing { until } if until <= now => self.phone = Phone::Gone,
            Phone::Registered | Phone::Losing { .. } | Phone::Gone | Phone::Awaited => {}
        }
        if self.call != CallStatus::None {
            return None;
        }
        self.due_departure().or_else(|| self.end_wrap_up(now))
    }

    /// What waited for the end of a call: the account is closed (row 30), the web phone of a new login (row 31), or the phone
    /// is gone (row 26).
    fn due_departure(&mut self) -> Option<Reason> {
        if self.closed {
            self.sign_out();
            return Some(Reason::AccountClosed);
        }
        if let Some(reason) = self.take_over_from_mobile() {
            return Some(reason);
        }
        let by_phone = matches!(self.sign, Sign::Phone(_));
        if by_phone && self.phone == Phone::Gone && self.stay != Stay::Offline {
            (self.stay, self.kept, self.missed_in_a_row) = (Stay::Offline, None, 0);
            return Some(Reason::ConnectionLost);
        }
        None
    }

    /// Row 20.
    fn take_kept(&mut self) -> Option<Reason> {
        let state = self.kept.take()?;
        self.go(state);
        Some(Reason::Manual)
    }

    /// Row 22.
    fn end_wrap_up(&mut self, now: Duration) -> Option<Reason> {
        match self.stay {
            Stay::WrapUp { until: Some(until), then } if until <= now => {
                self.stay = match then {
                    AfterWrapUp::Ready => Stay::Ready,
                    AfterWrapUp::NotReady => Stay::NotReady,
                };
                Some(Reason::WrapUpTimeout)
            }
            Stay::WrapUp { .. } | Stay::Ready | Stay::NotReady | Stay::OnBreak | Stay::Offline => None,
        }
    }

    fn go(&mut self, state: State) {
        self.stay = match state {
            State::Ready => Stay::Ready,
            State::NotReady => Stay::NotReady,
            State::OnBreak => Stay::OnBreak,
            State::WrapUp => Stay::WrapUp { until: None, then: AfterWrapUp::Ready },
            State::Offline => Stay::Offline,
        };
    }

    /// A sign-in of the phone: what was set for after a call takes effect (AGT-07).
    fn sign_in_phone(&mut self, stay: Stay) {
        (self.stay, self.kept, self.missed_in_a_row) = (stay, None, 0);
        self.after_call = self.rules.after_call;
    }

    fn sign_out(&mut self) {
        (self.sign, self.stay, self.kept, self.missed_in_a_row) = (Sign::Out, Stay::Offline, None, 0);
        if self.phone == Phone::Awaited {
            self.phone = Phone::Gone;
        }
    }

    fn free(&self) -> Result<(), Refused> {
        match self.call {
            CallStatus::None if self.supervises => Err(Refused::OnCall),
            CallStatus::None => Ok(()),
            CallStatus::Ringing => Err(Refused::Ringing),
            CallStatus::Dialling | CallStatus::Connected(_) => Err(Refused::OnCall),
        }
    }

    fn need_call(&self, call: CallStatus) -> Result<(), Refused> {
        if self.call == call { Ok(()) } else { Err(Refused::NoCall) }
    }

    fn need_phone(&self) -> Result<(), Refused> {
        if self.phone == Phone::Registered { Ok(()) } else { Err(Refused::PhoneNotRegistered) }
    }

    /// Somewhere to ring him.
    fn reachable(&self) -> Result<(), Refused> {
        match self.sign {
            Sign::Mobile(_) => Ok(()),
            Sign::Out | Sign::Phone(_) => self.need_phone(),
        }
    }
}

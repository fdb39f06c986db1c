//! What is asked of agents and ordered in their calls.

use std::time::Duration;

use dialplan::number::Dialled;
use hooks::fact::{AgentState, Supervision};
use switch::input::{AgentOrder, CallOrder, Command, Party, Supervise};
use switch::output::{Done, Refused};

use super::day;
use crate::happen::Happening;
use crate::world::World;

/// Something that happens in a call centre.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Something is asked of an agent's state, by himself or by somebody else.
    Agent { agent: usize, order: AgentOrder, by: Option<String> },
    /// Something is ordered for an agent who has a call.
    Call(Ordered),
    /// An agent does something beside his calls, comes back, and does so again later.
    Routine(usize),
    /// Who supervises goes into the call of an agent, and leaves it after a while.
    Supervise(Supervision),
    /// Somebody meddles, and does so again before long.
    Meddle,
    /// An agent's phone is without power for so long.
    Replug(usize, Duration),
    /// What follows an order, for the same agent in the same call.
    Then(hooks::id::CallId, String, CallOrder),
    /// Somebody takes back that a caller is called back.
    CancelCallback,
    /// All who are to be called back are not, and nobody who asks for it any more.
    CancelCallbacks,
    /// An agent's phone loses its power.
    Unplug(usize),
    /// It has power again.
    Plug(usize),
}

/// What is ordered in a call; what has to follow does.
#[derive(Clone, Debug)]
pub(crate) enum Ordered {
    /// And retrieved after a while.
    Hold,
    /// The agent hangs up.
    HangUp,
    /// The other party is handed on.
    Transfer(String),
    /// Somebody is asked; then that is completed, cancelled, or all three talk.
    Consult(String),
    /// An extension joins.
    Join(String),
    /// The customer is asked how it was.
    Evaluate,
}

impl World {
    /// Lets it happen.
    pub(crate) fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Agent { agent, order, by } => {
                let Some(centre) = &mut self.centre else { return Ok(()) };
                let number = centre.site.agents[agent].clone();
                self.expects = centre.asks(&number, &order)?;
                let agent = number.parse().expect("an employee number");
                self.command(Command::Agent { agent, order, by })
            }
            Act::Call(ordered) => self.order_some_call(&ordered),
            Act::Supervise(how) => self.supervise_some_call(how),
            Act::Routine(agent) => {
                let (order, long) = day::routine(&mut self.rng);
                let back = self.now + long;
                let ready = AgentOrder::Pick(AgentState::Ready);
                let then = if matches!(order, AgentOrder::MobileSignIn(_)) { AgentOrder::MobileSignOut } else { ready };
                self.later(back, Act::Agent { agent, order: then, by: None });
                let again = Duration::from_secs(self.rng.between(200, 2_400));
                self.later(back + again, Act::Routine(agent));
                self.act(Act::Agent { agent, order, by: None })
            }
            Act::Meddle => {
                let Some(site) = self.centre.as_ref().map(|centre| centre.site.clone()) else { return Ok(()) };
                let act = day::meddling(&site, &mut self.rng);
                let again = Duration::from_secs(self.rng.between(5, 90));
                self.later(self.now + again, Act::Meddle);
                self.act(act)
            }
            Act::Replug(phone, long) => {
                self.later(self.now + long, Act::Plug(phone));
                self.act(Act::Unplug(phone))
            }
            Act::Then(call, agent, order) => self.order_in_call(call, &agent, order),
            Act::CancelCallback => {
                let open = self.centre.as_ref().map_or_else(Vec::new, |centre| centre.to_call_back());
                if open.is_empty() {
                    return Ok(());
                }
                let callback = self.rng.pick(&open).clone();
                self.cancel_callback(&callback)
            }
            Act::CancelCallbacks => {
                let again = self.now + TAKEN_BACK_EVERY;
                if again < self.span.lived + TAKEN_BACK_FOR {
                    self.happenings.push((again, Happening::Centre(Act::CancelCallbacks)));
                }
                let open = self.centre.as_ref().map_or_else(Vec::new, |centre| centre.to_call_back());
                open.iter().try_for_each(|callback| self.cancel_callback(callback))
            }
            Act::Unplug(phone) => {
                self.phones[phone].gone = true;
                self.phones[phone].was_cut_off = true;
                Ok(())
            }
            Act::Plug(phone) => {
                self.story.reboots += 1;
                self.phones[phone].gone = false;
                self.phones[phone].reboot(self.now);
                Ok(())
            }
        }
    }

    fn cancel_callback(&mut self, (callback, queue): &(hooks::id::CallId, String)) -> Result<(), String> {
        let queue = queue.parse().expect("a queue's name");
        self.command(Command::CancelCallback { queue, callback: *callback, by: "boss".to_owned() })
    }

    /// Something happens later, if there is still anybody then.
    fn later(&mut self, at: Duration, act: Act) {
        if at < self.span.lived {
            self.happenings.push((at, Happening::Centre(act)));
        }
    }

    /// What came of that.
    pub(crate) fn agent_answered(&mut self, agent: &str, result: &Result<Done, Refused>) -> Result<(), String> {
        let Some(centre) = &mut self.centre else { return Err("there are no agents".to_owned()) };
        let expected = self.expects.take();
        if expected.is_some_and(|expected| expected != result.is_ok()) {
            return Err(format!("agent {agent} asked, and got {result:?}"));
        }
        centre.answered(self.now, agent, result.is_ok())
    }

    /// Something is ordered for one of the agents who have a call.
    fn order_some_call(&mut self, ordered: &Ordered) -> Result<(), String> {
        let Some(centre) = &self.centre else { return Ok(()) };
        let with_call = centre.agents.told.iter().filter_map(|(agent, told)| {
            let open = centre.open.iter().find(|(_, open)| open.has(&told.extension))?;
            Some((*open.0, agent.clone()))
        });
        let with_call: Vec<_> = with_call.collect();
        if with_call.is_empty() {
            return Ok(());
        }
        let (call, agent) = self.rng.pick(&with_call).clone();
        let dialled = |number: &str| Dialled::clean(number).expect("the world's numbers are well formed");
        let (order, then) = match ordered {
            Ordered::Evaluate => (CallOrder::Evaluate, Vec::new()),
            Ordered::Hold => (CallOrder::Hold, vec![CallOrder::Retrieve]),
            Ordered::HangUp => (CallOrder::HangUp, Vec::new()),
            Ordered::Transfer(number) => (CallOrder::Transfer(dialled(number)), Vec::new()),
            Ordered::Consult(number) => {
                let ends = [CallOrder::CompleteConsult, CallOrder::CancelConsult, CallOrder::HangUp];
                let then = match self.rng.below(4) {
                    0 => vec![CallOrder::ThreeWay(None), CallOrder::CancelThreeWay],
                    _ => vec![self.rng.pick(&ends).clone()],
                };
                (CallOrder::Consult(dialled(number)), then)
            }
            Ordered::Join(extension) => {
                (CallOrder::ThreeWay(Some(dialled(extension))), vec![CallOrder::CancelThreeWay])
            }
        };
        let mut at = self.now;
        for next in then {
            at += Duration::from_millis(self.rng.between(500, 14_000));
            self.happenings.push((at, Happening::Centre(Act::Then(call, agent.clone(), next))));
        }
        self.order_in_call(call, &agent, order)
    }

    /// Who supervises goes into the call of one of the agents who talk.
    fn supervise_some_call(&mut self, how: Supervision) -> Result<(), String> {
        let Some(centre) = &mut self.centre else { return Ok(()) };
        let Some(boss) = centre.site.boss().cloned() else { return Ok(()) };
        let talking = centre.agents.told.iter().filter(|(agent, told)| **agent != boss && told.is_connected());
        let talking: Vec<_> = talking.filter_map(|(agent, told)| Some((agent.clone(), told.last_call()?))).collect();
        if talking.is_empty() {
            return Ok(());
        }
        let (agent, call) = self.rng.pick(&talking).clone();
        centre.ordered.insert(call);
        centre.agents.may_supervise(&boss);
        let number = |number: &str| number.parse().expect("an employee number");
        let (agent, supervisor) = (Some(number(&agent)), Some(number(&boss)));
        self.command(Command::Supervise(Box::new(Supervise { call, agent, supervisor, how, by: boss })))
    }

    fn order_in_call(&mut self, call: hooks::id::CallId, agent: &str, order: CallOrder) -> Result<(), String> {
        if let Some(centre) = &mut self.centre {
            centre.ordered.insert(call);
            if order == CallOrder::Evaluate {
                centre.evaluates(call, agent);
            }
        }
        let party = Some(Party::Agent(agent.parse().expect("an employee number")));
        self.command(Command::Call { call, party, order })
    }
}

/// After the end, how often and how long those are taken back who still ask to be called back.
const TAKEN_BACK_EVERY: Duration = Duration::from_secs(10);
const TAKEN_BACK_FOR: Duration = Duration::from_secs(120);

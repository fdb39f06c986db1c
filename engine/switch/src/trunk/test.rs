//! A test that somebody asked for: one OPTIONS to each address and one REGISTER, and what came back.

use std::net::SocketAddr;
use std::time::Duration;

use super::table::TrunkTimer;
use super::watched::Watched;
use crate::desk::Desk;
use crate::input::CommandId;
use crate::output::{Done, Output, Refused, TrunkTest};
use crate::view::TrunkAnswer;

/// A test under way.
#[derive(Debug)]
pub(crate) struct Test {
    command: CommandId,
    until: Duration,
    /// Addresses whose answer is awaited.
    awaited: Vec<SocketAddr>,
    answers: Vec<(SocketAddr, TrunkAnswer)>,
    registration: Registering,
}

#[derive(Debug)]
enum Registering {
    /// We do not register there.
    No,
    Awaited,
    Answered(TrunkAnswer),
}

impl Watched {
    /// Asks everything at once.
    pub(super) fn begin_test(&mut self, desk: &mut Desk, command: CommandId) -> Result<(), Refused> {
        if !self.trunk.as_ref().is_some_and(|trunk| trunk.enabled) {
            return Err(Refused::NoSuchTrunk);
        }
        if self.test.is_some() {
            return Err(Refused::TestRunning);
        }
        let until = desk.now.after(TEST_MAX);
        desk.trunks.timers.start(until, TrunkTimer::Test(self.id));
        let awaited = self.addresses.iter().map(|address| address.at).collect();
        let registration = if self.registration.is_some() { Registering::Awaited } else { Registering::No };
        self.test = Some(Test { command, until, awaited, answers: Vec::new(), registration });
        for at in self.places() {
            self.probe(desk, at);
        }
        self.register_now(desk);
        let waits: Vec<SocketAddr> =
            self.addresses.iter().filter(|address| address.is_asked()).map(|address| address.at).collect();
        if let Some(test) = &mut self.test {
            let (awaited, unasked) = test.awaited.iter().partition(|at| waits.contains(at));
            test.awaited = awaited;
            for at in unasked {
                test.answers.push((at, unanswered(desk.now.unix_ms, "we have too many requests under way to ask")));
            }
        }
        Ok(())
    }

    /// An address answered, or did not.
    pub(super) fn note_test(&mut self, at: SocketAddr, answer: &TrunkAnswer) {
        if let Some(test) = &mut self.test
            && let Some(place) = test.awaited.iter().position(|awaited| *awaited == at)
        {
            test.awaited.swap_remove(place);
            test.answers.push((at, answer.clone()));
        }
    }

    /// The REGISTER was answered, or was not.
    pub(super) fn note_test_registration(&mut self, answer: &TrunkAnswer) {
        if let Some(test) = &mut self.test
            && matches!(test.registration, Registering::Awaited)
        {
            test.registration = Registering::Answered(answer.clone());
        }
    }

    /// What has not answered by now has not answered.
    pub(super) fn test_elapsed(&mut self) {
        if let Some(test) = &mut self.test {
            for at in test.awaited.drain(..) {
                test.answers.push((at, unanswered(0, NOT_YET)));
            }
            if matches!(test.registration, Registering::Awaited) {
                test.registration = Registering::Answered(unanswered(0, NOT_YET));
            }
        }
    }

    /// Replies when everything has answered.
    pub(super) fn answer_test(&mut self, desk: &mut Desk) {
        let complete = |test: &mut Test| test.awaited.is_empty() && !matches!(test.registration, Registering::Awaited);
        let Some(mut test) = self.test.take_if(complete) else { return };
        desk.trunks.timers.stop(test.until, TrunkTimer::Test(self.id));
        test.answers.sort_by_key(|(at, _)| self.addresses.iter().position(|address| address.at == *at));
        let now_ms = desk.now.unix_ms;
        let dated = |answer: TrunkAnswer| TrunkAnswer {
            at_ms: if answer.at_ms == 0 { now_ms } else { answer.at_ms },
            ..answer
        };
        let targets = test.answers.into_iter().map(|(at, answer)| (at, dated(answer))).collect();
        let registration = match test.registration {
            Registering::No | Registering::Awaited => None,
            Registering::Answered(answer) => Some(dated(answer)),
        };
        let done = Done::TrunkTested(Box::new(TrunkTest { targets, registration }));
        desk.outputs.push_back(Output::Reply { id: test.command, result: Ok(done) });
    }
}

fn unanswered(at_ms: u64, text: &str) -> TrunkAnswer {
    TrunkAnswer { at_ms, status: 0, text: text.to_owned(), round_trip_us: None }
}

/// Whoever asked for a test is answered by then.
const TEST_MAX: Duration = Duration::from_secs(10);
const NOT_YET: &str = "no answer yet";

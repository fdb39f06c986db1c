//! What happens to a world beside its phones' calls: commands, a full disk, an order to stop, phones that lose power, and media
//! that fails.

use std::collections::BTreeSet;
use std::time::Duration;

use dialplan::number::{Dialled, RoomNumber};
use hooks::fact::{Event, Supervision};
use hooks::id::CallId;
use switch::input::{Admission, Command, CommandId, ConferenceOrder, Input, RecordAction};
use switch::media::{Decibels, MediaEvent};
use switch::output::{Done, Refused};
use switch::view::{CallPhase, View};

use crate::centre;
use crate::phone::Phone;
use crate::rng::Rng;
use crate::settings::{CARRIERS, People};
use crate::world::{World, tenant_id};

/// Something that happens at a time chosen beforehand.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// The API has an extension's phones rung, then dials.
    Originate { from: String, to: String },
    /// The API ends one of the live calls.
    Hangup,
    /// The API starts, stops, pauses or resumes the recording of one of the live calls.
    Record(RecordAction),
    /// The API does something to one of the conference rooms.
    Confer(Meddling),
    /// New calls are refused, or accepted again.
    Admit(Admission),
    /// The process is told to stop, and gets the time it needs.
    Stop,
    /// A phone loses its power and its memory.
    Reboot(usize),
    /// A phone's connections break.
    Reset(usize),
    /// The network parts a phone from the switch for so long.
    Part(usize, Duration),
    /// A carrier's machine dies.
    Die(usize),
    /// It runs again, and knows nothing of what was under way.
    Revive(usize),
    /// Somebody sets the wall clock, by so many ms.
    SetClock(i64),
    /// A phone takes a place in another one's call.
    TakeOver(usize),
    /// A recording fails in the middle.
    FailRecording,
    /// `kill -9`.
    Crash,
    /// Something in a call centre.
    Centre(centre::Act),
    /// Somebody ends what nobody else can end any more.
    TidyUp,
}

/// What the API does to a room, and to one of those in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meddling {
    Mute,
    Unmute,
    Kick,
    Gain(i8),
    Lock,
    Unlock,
    Record,
    StopRecording,
    End,
}

/// What is going to happen in a world.
pub(crate) fn plan(rng: &mut Rng, people: &People, phones: usize) -> Vec<(Duration, Happening)> {
    let mut plan = Vec::new();
    let at = |rng: &mut Rng| Duration::from_millis(rng.between(5_000, 200_000));
    for _ in 0..rng.below(4) {
        let from = rng.pick(&people.extensions()).clone();
        let to = rng.pick(&people.numbers()).clone();
        plan.push((at(rng), Happening::Originate { from, to }));
    }
    for _ in 0..rng.below(3) {
        plan.push((at(rng), Happening::Hangup));
    }
    if rng.chance(200) {
        let closed = at(rng);
        let why = *rng.pick(&[Admission::DiskLow, Admission::JournalFailed]);
        plan.push((closed, Happening::Admit(why)));
        plan.push((closed + Duration::from_secs(rng.between(1, 60)), Happening::Admit(Admission::Open)));
    }
    if rng.chance(150) {
        plan.push((at(rng), Happening::Stop));
    }
    if rng.chance(300) {
        let phone = usize::try_from(rng.below(phones as u64)).unwrap_or(0);
        plan.push((at(rng), Happening::Reboot(phone)));
    }
    for _ in 0..rng.below(4) {
        let phone = usize::try_from(rng.below(phones as u64)).unwrap_or(0);
        plan.push((at(rng), Happening::Reset(phone)));
    }
    plan_failures(&mut rng.fork(), phones, &mut plan);
    if rng.chance(150) {
        plan.push((at(rng), Happening::FailRecording));
    }
    for _ in 0..rng.below(4) {
        let phone = usize::try_from(rng.below(phones as u64)).unwrap_or(0);
        plan.push((at(rng), Happening::TakeOver(phone)));
    }
    if rng.chance(300) {
        plan.push((at(rng), Happening::Crash));
    }
    plan_recording(&mut rng.fork(), &mut plan);
    plan_rooms(&mut rng.fork(), people, &mut plan);
    plan.push((TIDIED_AT, Happening::TidyUp));
    plan
}

/// In a third of the worlds somebody has to do with recordings.
fn plan_recording(rng: &mut Rng, plan: &mut Vec<(Duration, Happening)>) {
    if !rng.chance(333) {
        return;
    }
    for _ in 0..rng.between(1, 12) {
        let actions = [RecordAction::Start, RecordAction::Stop, RecordAction::Pause, RecordAction::Resume];
        let at = Duration::from_millis(rng.between(5_000, 200_000));
        plan.push((at, Happening::Record(*rng.pick(&actions))));
    }
}

/// Where there are rooms, somebody meddles with them.
fn plan_rooms(rng: &mut Rng, people: &People, plan: &mut Vec<(Duration, Happening)>) {
    if people.rooms().is_empty() {
        return;
    }
    for _ in 0..rng.below(16) {
        let gain = i8::try_from(rng.below(20)).unwrap_or(0) - 12;
        let what = *rng.pick(&[
            Meddling::Mute,
            Meddling::Mute,
            Meddling::Unmute,
            Meddling::Kick,
            Meddling::Gain(gain),
            Meddling::Lock,
            Meddling::Unlock,
            Meddling::Record,
            Meddling::StopRecording,
            Meddling::End,
        ]);
        plan.push((Duration::from_millis(rng.between(5_000, 230_000)), Happening::Confer(what)));
    }
}

/// The network, a carrier or the clock fails, and recovers. In half of the worlds nothing of this happens.
fn plan_failures(rng: &mut Rng, phones: usize, plan: &mut Vec<(Duration, Happening)>) {
    if rng.chance(500) {
        return;
    }
    let at = |rng: &mut Rng| Duration::from_millis(rng.between(5_000, 200_000));
    let pick = |rng: &mut Rng, count: usize| usize::try_from(rng.below(count as u64)).unwrap_or(0);
    if rng.chance(250) {
        for _ in 0..rng.between(1, 3) {
            let long = Duration::from_millis(rng.between(200, 90_000));
            plan.push((at(rng), Happening::Part(pick(rng, phones), long)));
        }
    }
    if rng.chance(250) {
        let carrier = phones - 1 - pick(rng, CARRIERS.len());
        let dies = at(rng);
        plan.push((dies, Happening::Die(carrier)));
        plan.push((dies + Duration::from_millis(rng.between(500, 60_000)), Happening::Revive(carrier)));
    }
    if rng.chance(250) {
        for _ in 0..rng.between(1, 3) {
            let most = *rng.pick(&[2_000, 60_000, 86_400_000]);
            let by = i64::try_from(rng.below(2 * most)).unwrap_or(0) - i64::try_from(most).unwrap_or(0);
            plan.push((at(rng), Happening::SetClock(by)));
        }
    }
}

/// When every talk is over, whoever is alive.
const TIDIED_AT: Duration = Duration::from_secs(400);

impl World {
    /// Lets everything happen that is due.
    pub(crate) fn let_happen(&mut self) -> Result<(), String> {
        let now = self.now;
        let due: Vec<Happening> = self.happenings.extract_if(.., |(at, _)| *at <= now).map(|(_, what)| what).collect();
        for happening in due {
            self.ladder.push(format!("{:>10.3} ---- {happening:?} ----", now.as_secs_f64()));
            self.happen(happening)?;
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Originate { from, to } => {
                let from = from.parse().expect("the world's extensions are well formed");
                let Ok(to) = Dialled::clean(&to) else { return Ok(()) };
                self.command(Command::Originate { from, to })
            }
            Happening::Hangup => self.command_some_call(Command::Hangup),
            Happening::Record(action) => {
                self.command_some_call(|call| Command::Record { call, action, by: "admin".to_owned() })
            }
            Happening::Confer(what) => self.confer(what),
            Happening::Admit(admission) => {
                if self.admission != Admission::Draining {
                    self.admission = admission;
                    self.tell(Input::Admission(admission))?;
                }
                Ok(())
            }
            Happening::Stop => {
                self.admission = Admission::Draining;
                self.wire.forget_emergencies();
                self.tell(Input::Stop)
            }
            Happening::Reboot(phone) => self.reboot(phone),
            Happening::Part(phone, long) => {
                self.story.parted += 1;
                let until = self.now + long;
                self.net.part(phone, until);
                self.phones[phone].part(self.now, until);
                Ok(())
            }
            Happening::Die(carrier) => {
                self.story.trunks_lost += 1;
                self.phones[carrier].gone = true;
                self.phones[carrier].was_cut_off = true;
                Ok(())
            }
            Happening::Revive(carrier) => {
                self.phones[carrier].gone = false;
                self.phones[carrier].reboot(self.now);
                Ok(())
            }
            Happening::SetClock(by_ms) => {
                self.story.clock_jumps += 1;
                self.leapt_ms += by_ms;
                self.records.clock_jumped(by_ms);
                Ok(())
            }
            Happening::Reset(phone) => self.reset(phone),
            Happening::FailRecording => {
                if let Some(event) = self.ears.fail_recording() {
                    self.reports.push((self.now, event));
                }
                Ok(())
            }
            Happening::TakeOver(phone) => {
                self.take_over(phone);
                Ok(())
            }
            Happening::Crash => self.crash(),
            Happening::Centre(act) => self.act(act),
            // A party that held with `inactive` and then vanished sends no RTP by agreement: silence proves nothing.
            Happening::TidyUp if self.ears.some_are_silent_by_agreement() => {
                self.records.open_calls().into_iter().try_for_each(|call| self.command(Command::Hangup(call)))
            }
            Happening::TidyUp => Ok(()),
        }
    }

    /// A command about one of the calls that there are, if there are any.
    fn command_some_call(&mut self, command: impl FnOnce(CallId) -> Command) -> Result<(), String> {
        let open = self.records.open_calls();
        if open.is_empty() {
            return Ok(());
        }
        let call = *self.rng.pick(&open);
        self.command(command(call))
    }

    /// The API does something to a room in which somebody is, or to one in which nobody is.
    fn confer(&mut self, what: Meddling) -> Result<(), String> {
        let busy: Vec<(String, Vec<CallId>)> =
            self.rooms.members().map(|(room, members)| (room.to_owned(), members)).collect();
        let (room, members) = if busy.is_empty() {
            (self.rng.pick(&self.rooms.numbers()).clone(), self.records.calls.keys().copied().collect())
        } else {
            self.rng.pick(&busy).clone()
        };
        if members.is_empty() {
            return Ok(());
        }
        let call = *self.rng.pick(&members);
        let order = match what {
            Meddling::Mute => ConferenceOrder::Mute(call),
            Meddling::Unmute => ConferenceOrder::Unmute(call),
            Meddling::Kick => ConferenceOrder::Kick(call),
            Meddling::Gain(db) => ConferenceOrder::SetGain(call, Decibels::new(db)),
            Meddling::Lock => ConferenceOrder::Lock,
            Meddling::Unlock => ConferenceOrder::Unlock,
            Meddling::Record => ConferenceOrder::Record,
            Meddling::StopRecording => ConferenceOrder::StopRecording,
            Meddling::End => ConferenceOrder::End,
        };
        let room: RoomNumber = room.parse().expect("the world's rooms are well formed");
        self.command(Command::Conference(room, order))
    }

    /// A phone takes the place that another one has at the moment, if any has one.
    fn take_over(&mut self, phone: usize) {
        if self.phones[phone].gone || self.phones[phone].password.is_none() {
            return;
        }
        let others = self.phones.iter().enumerate().filter(|(other, _)| *other != phone);
        let places: Vec<_> = others.filter_map(|(_, other)| other.place_to_take()).collect();
        if !places.is_empty() {
            let place = self.rng.pick(&places).clone();
            self.phones[phone].take_over(self.now, place);
            self.phone_speaks(phone);
        }
    }

    /// One phone in two comes back with another address.
    fn reboot(&mut self, phone: usize) -> Result<(), String> {
        self.story.reboots += 1;
        let moves = self.phones[phone].password.is_some() && self.rng.chance(500);
        if moves {
            self.phones[phone].move_house();
            self.net.drop_for_phone(phone);
        }
        self.phones[phone].reboot(self.now);
        self.reset(phone)
    }

    pub(crate) fn command(&mut self, command: Command) -> Result<(), String> {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.asked = Some((id, command.clone()));
        self.tell(Input::Command { id, tenant: tenant_id(), command })?;
        match self.asked.take() {
            None => Ok(()),
            Some((_, command)) => Err(format!("no reply to {command:?}")),
        }
    }

    /// A command is answered once, at once, and by what it did.
    pub(crate) fn replied(&mut self, id: CommandId, result: &Result<Done, Refused>) -> Result<(), String> {
        let Some((_, command)) = self.asked.take_if(|(asked, _)| *asked == id) else {
            return Err(format!("a reply to {id:?}, which nobody asked or which was answered"));
        };
        match (&command, result) {
            (Command::Originate { .. }, Ok(Done::Call(call))) if self.records.calls.contains_key(call) => Ok(()),
            (Command::Hangup(call), Ok(Done::Ok)) => {
                self.commanded.insert(*call);
                Ok(())
            }
            (Command::Conference(room, order), result) => {
                let room = room.to_string();
                let fits = match result {
                    Ok(done) => *done == Done::Ok && self.rooms.can_obey(&room, *order),
                    Err(_) => !self.rooms.can_obey(&room, *order),
                };
                if !fits {
                    return Err(format!("{result:?} to {command:?}"));
                }
                if result.is_ok() {
                    self.rooms.ordered(room, *order);
                }
                Ok(())
            }
            (Command::Agent { agent, .. }, result) => self.agent_answered(agent.as_str(), result),
            (Command::Record { .. } | Command::Call { .. }, Ok(Done::Ok)) => Ok(()),
            (Command::Call { .. }, Err(_)) => Ok(()),
            (Command::Supervise(order), Ok(Done::Ok)) => {
                if order.how == Supervision::HangUp {
                    self.commanded.insert(order.call);
                }
                Ok(())
            }
            (Command::Supervise(_), Err(_)) => Ok(()),
            (Command::CancelCallback { .. }, Ok(Done::Ok)) => Ok(()),
            (Command::Originate { .. } | Command::Hangup(_) | Command::Record { .. }, Err(_)) => Ok(()),
            _ => Err(format!("{result:?} to {command:?}")),
        }
    }

    /// A new call must be one that may be.
    pub(crate) fn may_begin(&self, event: &Event) -> Result<(), String> {
        let Event::CallCreated(created) = event else { return Ok(()) };
        if created.emergency {
            return Ok(());
        }
        if self.admission != Admission::Open {
            return Err(format!("a call began while {:?}: {created:?}", self.admission));
        }
        if self.records.open_calls().len() >= self.node.limits.calls {
            return Err(format!("a call began beyond the limit of {}: {created:?}", self.node.limits.calls));
        }
        Ok(())
    }

    /// What others see must be what is written down.
    pub(crate) fn published(&mut self, view: View) -> Result<(), String> {
        match view {
            View::Call(view) => {
                let record = self.records.calls.get(&view.call).ok_or("a view of a call that was never created")?;
                let talks = match view.phase {
                    CallPhase::Talking
                    | CallPhase::Held
                    | CallPhase::Consulting
                    | CallPhase::ThreeWay
                    | CallPhase::Transferring
                    | CallPhase::Parked => true,
                    CallPhase::Ringing => false,
                    CallPhase::Ending => record.answered,
                };
                if record.ended.is_some() || talks != record.answered {
                    return Err(format!("{view:?} of {record:?}"));
                }
                self.shown.insert(view.call, view);
            }
            View::CallGone(_, call) => self.call_gone(call)?,
            View::Registration(view) => drop(self.seen_bindings.insert((view.extension, view.contact))),
            View::RegistrationGone(_, extension, contact) => {
                if !self.seen_bindings.remove(&(extension.clone(), contact.clone())) {
                    return Err(format!("{contact} of {extension} is gone, and was never there"));
                }
            }
            View::Conference(view) => self.rooms.show(*view),
            View::ConferenceGone(_, room) => self.rooms.show_no_more(&room)?,
            View::Agent(view) => self.centre.as_ref().map_or(Ok(()), |centre| centre.agent_shown(&view))?,
            View::Queue(view) => {
                let now_ms = self.time().unix_ms;
                self.centre.as_mut().map_or(Ok(()), |centre| centre.queue_shown(&view, now_ms))?;
            }
            View::AgentGone(..) | View::QueueGone(..) => return Err(format!("gone, and it is still set: {view:?}")),
            View::Ban(_) | View::BanGone(_) | View::Trunk(_) | View::TrunkGone(..) => {}
        }
        Ok(())
    }

    fn call_gone(&mut self, call: CallId) -> Result<(), String> {
        self.shown.remove(&call);
        match self.records.calls.get(&call) {
            Some(record) if record.ended.is_some() => Ok(()),
            other => Err(format!("call {call} is gone but not over: {other:?}")),
        }
    }

    /// The media side says of each endpoint that should hear RTP, and has heard none for too long, that it is silent.
    pub(crate) fn count_silence(&mut self) {
        let mut speaking = BTreeSet::new();
        // A phone that the network parts from us is not heard.
        let heard = |phone: &&Phone| !phone.gone && (self.now < phone.parted_at || self.now >= phone.reachable_at);
        for phone in self.phones.iter().filter(heard) {
            let live = phone.dialogs.values().filter(|dialog| dialog.speaks());
            speaking.extend(live.map(|dialog| format!("{}:{}", phone.host(), dialog.port)));
        }
        let silent = self.ears.expecting().filter(|(_, address)| !speaking.contains(&address.to_string()));
        let silent: Vec<u64> = silent.map(|(endpoint, _)| endpoint).collect();
        self.silent.retain(|endpoint, _| silent.contains(endpoint));
        for endpoint in silent {
            let since = *self.silent.entry(endpoint).or_insert(self.now);
            if self.now.saturating_sub(since) >= self.node.rtp_timeout {
                self.silent.insert(endpoint, Duration::MAX);
                self.reports.push((self.now, MediaEvent::Silent(switch::media::EndpointId(endpoint))));
            }
        }
    }
}

//! A caller who leaves a message (VM-05): he hears a greeting and a tone, and what he says then is kept for the box of a queue or an
//! extension. When it ends is decided by [`dialplan::voicemail`].

use std::time::Duration;

use dialplan::flow::action::Event as FlowEvent;
use dialplan::flow::name::{Key, Mailbox};
use dialplan::number::ExtensionNumber;
use dialplan::say::{Part, defaults};
use dialplan::voicemail::{Action, Event as Heard, Rules, Run};
use hooks::fact::{EndCause, EndedBy, Event, RecordingDiscarded, VoicemailLeft};
use hooks::id::RecordingId;
use sip::message::StatusCode;

use super::room::NOWHERE;
use super::transfer::Transfer;
use super::walk::steady_ms;
use super::{Call, End, Service, Stage};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::media::{Activity, Detect, PlayerId, Source};

/// A message that is being left.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) mailbox: Mailbox,
    run: Run,
    /// What the caller hears.
    playing: Option<PlayerId>,
    /// When it ends by silence or by its length.
    due: Option<Duration>,
    tape: Tape,
    after: After,
}

/// What there is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tape {
    /// Nothing yet, or what there was is dropped.
    Empty,
    Running(RecordingId),
    /// It is over, and nobody has said yet whether it is kept.
    Over(RecordingId),
    Kept,
}

/// What comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The end of the call.
    End,
    /// The flow that led here goes on.
    Flow,
}

impl Call {
    /// Answers the caller and takes a message for a box.
    pub(super) fn enter_voicemail(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        mailbox: &Mailbox,
        transfer: Option<Transfer>,
    ) {
        if !self.has_box(mailbox) {
            return self.not_served(desk, caller, transfer, NOWHERE);
        }
        let Some(answered_ms) = self.answer_and_serve(desk, caller, &mailbox.to_string(), transfer) else { return };
        self.take_message(desk, caller, answered_ms, (mailbox.clone(), After::End), Vec::new());
    }

    /// Takes a message from a caller who is served already. Without a greeting he hears that of the box.
    pub(super) fn take_message(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        answered_ms: u64,
        (mailbox, after): (Mailbox, After),
        greeting: Vec<Part>,
    ) {
        let greeting = if greeting.is_empty() { self.greeting(&mailbox) } else { greeting };
        let (run, actions) = Run::start(Rules::default(), greeting);
        let message = Message { mailbox, run, playing: None, due: None, tape: Tape::Empty, after };
        self.stage = Stage::Served { caller, answered_ms, by: Service::Voicemail(Box::new(message)) };
        self.changed = true;
        self.do_for_message(desk, actions);
    }

    /// Whether somebody has this box. Each queue and each extension has one.
    pub(super) fn has_box(&self, mailbox: &Mailbox) -> bool {
        self.tenant.has_box(mailbox)
    }

    /// Whether an extension wants messages to be taken.
    pub(super) fn takes_messages(&self, number: &ExtensionNumber) -> bool {
        self.tenant.extensions.get(number).is_some_and(|own| own.enabled && own.handling.voicemail)
    }

    fn greeting(&self, mailbox: &Mailbox) -> Vec<Part> {
        let own = match mailbox {
            Mailbox::Queue(queue) => self.tenant.queues.get(queue).and_then(|queue| queue.voicemail_greeting.clone()),
            Mailbox::Extension(number) => {
                let extension = self.tenant.extensions.get(number);
                let own = extension.and_then(|extension| extension.handling.voicemail_greeting.clone());
                Some(own.unwrap_or(defaults::VOICEMAIL_GREETING))
            }
        };
        own.into_iter().chain([defaults::VOICEMAIL_LEAVE_MESSAGE]).map(Part::Prompt).collect()
    }

    fn message_mut(&mut self) -> Option<(LegIndex, &mut Message)> {
        let (caller, Service::Voicemail(message)) = self.served_mut()? else { return None };
        Some((caller, message))
    }

    fn tell_message(&mut self, desk: &mut Desk, event: Heard) {
        let now_ms = steady_ms(desk);
        let Some((_, message)) = self.message_mut() else { return };
        let actions = message.run.handle(now_ms, event);
        self.do_for_message(desk, actions);
    }

    fn do_for_message(&mut self, desk: &mut Desk, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Play(parts) => {
                    let player = self.say(desk, parts);
                    let before = self.message_mut().and_then(|(_, message)| message.playing.replace(player));
                    before.into_iter().for_each(|before| desk.stop_playing(before));
                }
                Action::StopPlaying => self.hush_message(desk),
                Action::Record => self.record_message(desk),
                Action::StopRecording => self.stop_message(desk),
                Action::Keep { length_ms } => self.keep_message(desk, length_ms),
                Action::Drop => self.drop_message(desk),
                Action::End => return self.message_over(desk),
            }
        }
        self.time_message(desk);
        self.rewire(desk);
    }

    /// Starts the timer of its end anew.
    fn time_message(&mut self, desk: &mut Desk) {
        let (key, now_ms) = (TimerKey::Message(self.id), steady_ms(desk));
        let Some((_, message)) = self.message_mut() else { return };
        if let Some(due) = message.due.take() {
            desk.timers.stop(due, key);
        }
        let left = message.run.poll_timeout().map(|until_ms| u64::try_from(until_ms - now_ms).unwrap_or_default());
        message.due = left.map(|left| desk.start_timer(Duration::from_millis(left), key));
    }

    /// It may be over by silence, or by its length.
    pub(crate) fn message_due(&mut self, desk: &mut Desk) {
        let now = desk.now.mono;
        if self.message_mut().is_some_and(|(_, message)| message.due.take_if(|due| *due <= now).is_some()) {
            self.tell_message(desk, Heard::TimedOut);
        }
    }

    /// The party of a leg began to speak, or has fallen silent.
    pub(crate) fn voice(&mut self, desk: &mut Desk, leg: LegIndex, activity: Activity) {
        self.voice_in_survey(desk, leg, activity);
        if self.message_mut().is_some_and(|(caller, _)| caller == leg) {
            self.tell_message(
                desk,
                match activity {
                    Activity::Speech => Heard::Speech,
                    Activity::Silence => Heard::Silence,
                },
            );
        }
    }

    /// The caller pressed a key. False if he leaves no message.
    pub(super) fn pressed_in_message(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        let is_its = self.message_mut().is_some_and(|(caller, _)| caller == leg);
        if let (true, Some(key)) = (is_its, Key::new(key)) {
            self.tell_message(desk, Heard::Digit(key));
        }
        is_its
    }

    /// What is said to him was said to its end. False if it is not that.
    pub(super) fn played_for_message(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        let is_its = self
            .message_mut()
            .is_some_and(|(_, message)| message.playing.take_if(|playing| *playing == player).is_some());
        if is_its {
            self.tell_message(desk, Heard::Played);
        }
        is_its
    }

    /// The recording has ended by itself: what there is of it counts, and nothing more can be said.
    pub(super) fn message_lost(&mut self, desk: &mut Desk, id: RecordingId, is_ready: bool) {
        let Some((_, message)) = self.message_mut() else { return };
        if message.tape != Tape::Running(id) {
            return;
        }
        message.tape = if is_ready { Tape::Over(id) } else { Tape::Empty };
        self.end_failed(desk);
    }

    /// The call ends while the message is being left.
    pub(super) fn leave_message(&mut self, desk: &mut Desk) {
        let (key, now_ms) = (TimerKey::Message(self.id), steady_ms(desk));
        let Some((_, message)) = self.message_mut() else { return };
        if let Some(due) = message.due.take() {
            desk.timers.stop(due, key);
        }
        for action in message.run.handle(now_ms, Heard::CallerGone) {
            match action {
                Action::StopRecording => self.stop_message(desk),
                Action::Keep { length_ms } => self.keep_message(desk, length_ms),
                Action::Drop => self.drop_message(desk),
                Action::Play(_) | Action::StopPlaying | Action::Record | Action::End => {}
            }
        }
        self.hush_message(desk);
    }

    fn hush_message(&mut self, desk: &mut Desk) {
        let playing = self.message_mut().and_then(|(_, message)| message.playing.take());
        playing.into_iter().for_each(|player| desk.stop_playing(player));
    }

    /// Records the caller, on both channels: it is heard in both ears.
    fn record_message(&mut self, desk: &mut Desk) {
        let Some((caller, message)) = self.message_mut() else { return };
        let mailbox = message.mailbox.to_string();
        let running = self.record_alone(desk, caller, Some(mailbox));
        if let (Some(id), Some((_, message))) = (running, self.message_mut()) {
            message.tape = Tape::Running(id);
        }
    }

    fn stop_message(&mut self, desk: &mut Desk) {
        let Some((caller, message)) = self.message_mut() else { return };
        let Tape::Running(id) = message.tape else { return };
        message.tape = Tape::Over(id);
        self.stop_alone(desk, caller, id);
    }

    fn keep_message(&mut self, desk: &mut Desk, length_ms: i64) {
        let Some((caller, message)) = self.message_mut() else { return };
        let Tape::Over(voicemail) = message.tape else { return };
        message.tape = Tape::Kept;
        let mailbox = message.mailbox.to_string();
        let left = VoicemailLeft {
            voicemail,
            call: self.id,
            mailbox,
            caller: self.legs[caller.at()].peer.number.clone(),
            caller_name: self.about.caller_name.clone(),
            callee: self.about.callee.clone(),
            length_ms: u64::try_from(length_ms).unwrap_or_default(),
        };
        self.fact(desk, Event::VoicemailLeft(left));
    }

    fn drop_message(&mut self, desk: &mut Desk) {
        let Some((_, message)) = self.message_mut() else { return };
        if let Tape::Over(recording) = std::mem::replace(&mut message.tape, Tape::Empty) {
            self.fact(desk, Event::RecordingDiscarded(RecordingDiscarded { recording, call: self.id }));
        }
    }

    /// The message was left, or was none: the flow goes on, or the caller is told and the call ends.
    fn message_over(&mut self, desk: &mut Desk) {
        let Stage::Served { caller, answered_ms, by: Service::Voicemail(message) } = &self.stage else { return };
        let (caller, answered_ms, after, kept) = (*caller, *answered_ms, message.after, message.tape == Tape::Kept);
        if let Some(due) = message.due {
            desk.timers.stop(due, TimerKey::Message(self.id));
        }
        match after {
            After::Flow => {
                self.serve_by_flow(caller);
                self.tell_flow(desk, FlowEvent::Done);
            }
            After::End => {
                let prompt = if kept { defaults::VOICEMAIL_SAVED } else { defaults::VOICEMAIL_TOO_SHORT };
                self.say_finally(desk, caller, answered_ms, prompt, over());
            }
        }
    }

    /// Says what the caller hears.
    pub(super) fn rewire_message(&mut self, desk: &mut Desk) {
        let Some((caller, message)) = self.message_mut() else { return };
        let heard = message.playing.map(Source::Player).into_iter().collect();
        if let Some(session) = self.legs[caller.at()].session_mut() {
            session.listen(desk, Detect::On);
        }
        self.hear(desk, caller, heard);
    }
}

/// How a call ends after its message.
fn over() -> End {
    End { cause: EndCause::Normal, by: EndedBy::System, refusal: StatusCode::REQUEST_TERMINATED.into() }
}

//! An extension listens to the messages in its own box (`*98`, VM-01), or in that of a queue whose members its agent is one of: it hears how many are new, then one after the other, the new ones
//! first and the oldest of them first. Its keys are those of [`Call::pressed_in_box`]. What was heard and what was deleted is written
//! down as when the API does it.

use std::time::Duration;

use dialplan::flow::name::Mailbox;
use dialplan::number::ExtensionNumber;
use dialplan::plan;
use dialplan::say::{Part, PromptName, defaults, messages};
use hooks::fact::{EndCause, EndedBy, Event, VoicemailUsed};
use sip::message::StatusCode;

use super::room::NOWHERE;
use super::transfer::Transfer;
use super::{Call, End, Service, Stage, Verdict};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::input::{BoxAnswer, LookUpId, StoredMessage};
use crate::media::{Audio, Detect, PlayerId, Source};
use crate::output::BoxOrder;
use crate::players::Audience;

/// Somebody who listens.
#[derive(Debug)]
pub(super) struct Listening {
    mailbox: Mailbox,
    /// Who listens, as the marks say it: the extension.
    by: String,
    /// New ones first, the oldest of them first.
    messages: Vec<StoredMessage>,
    /// Which is at hand.
    at: usize,
    /// What is said in that one, once the shell has given it out.
    sound: Option<Audio>,
    asked: Option<LookUpId>,
    playing: Option<PlayerId>,
    step: Step,
    /// When an answer or a key has been waited for long enough.
    due: Option<Duration>,
}

/// What happens now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The box is being read.
    Opening,
    /// Something is said before the message at hand.
    Announcing,
    /// The message is being read.
    Fetching,
    /// It is heard.
    Playing,
    /// A key is waited for.
    Choosing,
}

/// The queue's messages are not his to hear.
const NOT_A_MEMBER: Verdict = Verdict { status: StatusCode::FORBIDDEN, cause: EndCause::Rejected };
/// How long nothing need be pressed.
const KEY_MAX: Duration = Duration::from_secs(10);

impl Call {
    /// Answers an extension and reads its box.
    pub(super) fn listen_to_messages(
        &mut self,
        desk: &mut Desk,
        caller: LegIndex,
        mailbox: &Mailbox,
        transfer: Option<Transfer>,
    ) {
        let own: Option<ExtensionNumber> = self.legs[caller.at()].peer.name.parse().ok();
        let Some(own) = own.filter(|_| self.has_box(mailbox)) else {
            return self.not_served(desk, caller, transfer, NOWHERE);
        };
        // VM-06: those of a queue are its members'.
        if let Mailbox::Queue(queue) = mailbox
            && !desk.floor.is_members(&self.tenant, &own, queue)
        {
            return self.not_served(desk, caller, transfer, NOT_A_MEMBER);
        }
        let Some(answered_ms) = self.answer_and_serve(desk, caller, plan::MESSAGES, transfer) else { return };
        let (mailbox, by) = (mailbox.clone(), Mailbox::Extension(own).to_string());
        let (messages, step) = (Vec::new(), Step::Opening);
        let listening =
            Listening { mailbox, by, messages, at: 0, sound: None, asked: None, playing: None, step, due: None };
        let order = BoxOrder::Open(listening.mailbox.clone());
        self.stage = Stage::Served { caller, answered_ms, by: Service::Messages(Box::new(listening)) };
        self.changed = true;
        self.ask_box(desk, order, Step::Opening);
    }

    fn listening_mut(&mut self) -> Option<(LegIndex, &mut Listening)> {
        let (caller, Service::Messages(listening)) = self.served_mut()? else { return None };
        Some((caller, listening))
    }

    fn ask_box(&mut self, desk: &mut Desk, order: BoxOrder, step: Step) {
        self.hush_messages(desk);
        let (id, due) = desk.ask_box(&self.tenant.tenant, self.id, order, TimerKey::Box(self.id));
        if let Some((_, listening)) = self.listening_mut() {
            (listening.asked, listening.due, listening.step) = (Some(id), Some(due), step);
        }
        self.rewire(desk);
    }

    /// The shell has read what it was asked for, or can't.
    pub(crate) fn box_answered(&mut self, desk: &mut Desk, id: LookUpId, answer: Option<BoxAnswer>) {
        let Some((_, listening)) = self.listening_mut() else { return };
        if listening.asked != Some(id) {
            return;
        }
        self.hush_messages(desk);
        match answer {
            Some(BoxAnswer::Opened { new, messages }) => self.box_opened(desk, new, messages),
            Some(BoxAnswer::Sound(audio)) => {
                if let Some((_, listening)) = self.listening_mut() {
                    listening.sound = Some(audio);
                }
                self.play_message(desk);
            }
            None => self.box_unread(desk),
        }
    }

    fn box_opened(&mut self, desk: &mut Desk, new: u32, mut found: Vec<StoredMessage>) {
        let Some((_, listening)) = self.listening_mut() else { return };
        found.sort_by_key(|message| (message.heard, message.voicemail));
        listening.messages = found;
        if listening.messages.is_empty() {
            return self.leave_box(desk, defaults::VOICEMAIL_NO_MESSAGES);
        }
        let parts = messages(self.tenant.language, u64::from(new));
        self.say_in_box(desk, parts, Step::Announcing);
    }

    /// The box, or the message at hand, can't be read.
    fn box_unread(&mut self, desk: &mut Desk) {
        let Some((_, listening)) = self.listening_mut() else { return };
        match listening.step {
            Step::Opening => self.leave_box(desk, defaults::CALL_FAILED),
            Step::Fetching => self.say_in_box(desk, vec![Part::Prompt(defaults::VOICEMAIL_UNPLAYABLE)], Step::Choosing),
            Step::Announcing | Step::Playing | Step::Choosing => {}
        }
    }

    /// No answer came in time, or no key.
    pub(crate) fn box_due(&mut self, desk: &mut Desk) {
        let now = desk.now.mono;
        let Some((_, listening)) = self.listening_mut() else { return };
        if listening.due.take_if(|due| *due <= now).is_none() {
            return;
        }
        listening.asked = None;
        match listening.step {
            Step::Opening | Step::Fetching => self.box_unread(desk),
            Step::Choosing => self.leave_box(desk, defaults::IVR_GOODBYE),
            Step::Announcing | Step::Playing => {}
        }
    }

    /// The message at hand is heard from its beginning.
    fn hear_message(&mut self, desk: &mut Desk) {
        let Some((_, listening)) = self.listening_mut() else { return };
        let Some(message) = listening.messages.get(listening.at) else { return };
        if listening.sound.is_some() {
            return self.play_message(desk);
        }
        let order = BoxOrder::Sound { voicemail: message.voicemail, by: listening.by.clone() };
        self.ask_box(desk, order, Step::Fetching);
    }

    fn play_message(&mut self, desk: &mut Desk) {
        let id = self.id;
        let Some((_, listening)) = self.listening_mut() else { return };
        let (Some(audio), Some(message)) = (listening.sound.clone(), listening.messages.get_mut(listening.at)) else {
            return;
        };
        let used = VoicemailUsed { voicemail: message.voicemail, call: message.call, by: listening.by.clone() };
        let is_news = !std::mem::replace(&mut message.heard, true);
        if is_news {
            self.fact(desk, Event::VoicemailListened(used));
        }
        let player = desk.play_audio(Audience::Call(id), audio);
        self.play_in_box(desk, player, Step::Playing);
    }

    fn say_in_box(&mut self, desk: &mut Desk, parts: Vec<Part>, step: Step) {
        let player = self.say(desk, parts);
        self.play_in_box(desk, player, step);
    }

    fn play_in_box(&mut self, desk: &mut Desk, player: PlayerId, step: Step) {
        self.hush_messages(desk);
        if let Some((_, listening)) = self.listening_mut() {
            (listening.playing, listening.step) = (Some(player), step);
        }
        self.rewire(desk);
    }

    /// What is heard was heard to its end. False if it is not that.
    pub(super) fn played_message(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        let key = TimerKey::Box(self.id);
        let Some((_, listening)) = self.listening_mut() else { return false };
        if listening.playing.take_if(|playing| *playing == player).is_none() {
            return false;
        }
        match listening.step {
            Step::Announcing => self.hear_message(desk),
            Step::Playing => self.say_in_box(desk, vec![Part::Prompt(defaults::VOICEMAIL_KEYS)], Step::Choosing),
            Step::Choosing => {
                listening.due = Some(desk.start_timer(KEY_MAX, key));
                self.rewire(desk);
            }
            Step::Opening | Step::Fetching => {}
        }
        true
    }

    /// The party pressed a key. False if it listens to no messages.
    pub(super) fn pressed_in_box(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        let Some((_, listening)) = self.listening_mut().filter(|(caller, _)| *caller == leg) else { return false };
        if key == '#' {
            self.leave_box(desk, defaults::IVR_GOODBYE);
            return true;
        }
        // Whoever presses a key before he has heard what it is about deletes nothing.
        let is_known = matches!(listening.step, Step::Playing | Step::Choosing);
        match (key, listening.step) {
            (_, Step::Opening) | ('3', _) if !is_known => {}
            ('1', _) => self.hear_message(desk),
            ('2', _) if listening.at + 1 < listening.messages.len() => self.turn_to(desk, |at| at + 1),
            ('2', _) => self.say_in_box(desk, vec![Part::Prompt(defaults::VOICEMAIL_NO_MORE)], Step::Choosing),
            ('3', _) => self.delete_message(desk),
            ('4', _) => self.turn_to(desk, |at| at.saturating_sub(1)),
            (_, _) => self.say_in_box(desk, vec![Part::Prompt(defaults::VOICEMAIL_KEYS)], Step::Choosing),
        }
        true
    }

    /// Another message is heard.
    fn turn_to(&mut self, desk: &mut Desk, which: impl FnOnce(usize) -> usize) {
        if let Some((_, listening)) = self.listening_mut() {
            let at = which(listening.at);
            if at != listening.at {
                (listening.at, listening.sound) = (at, None);
            }
        }
        self.hear_message(desk);
    }

    /// The message at hand is deleted, and the next one is heard.
    fn delete_message(&mut self, desk: &mut Desk) {
        let Some((_, listening)) = self.listening_mut() else { return };
        if listening.at >= listening.messages.len() {
            return;
        }
        let StoredMessage { voicemail, call, .. } = listening.messages.remove(listening.at);
        listening.sound = None;
        let by = listening.by.clone();
        let (left, is_last) = (listening.messages.len(), listening.at == listening.messages.len());
        listening.at = listening.at.min(left.saturating_sub(1));
        self.fact(desk, Event::VoicemailDeleted(VoicemailUsed { voicemail, call, by }));
        let deleted = Part::Prompt(defaults::VOICEMAIL_DELETED);
        match (left, is_last) {
            (0, _) => self.leave_box(desk, defaults::VOICEMAIL_DELETED),
            (_, true) => {
                let parts = vec![deleted, Part::Prompt(defaults::VOICEMAIL_NO_MORE)];
                self.say_in_box(desk, parts, Step::Choosing);
            }
            (_, false) => self.say_in_box(desk, vec![deleted], Step::Announcing),
        }
    }

    /// Says something, and the call ends.
    fn leave_box(&mut self, desk: &mut Desk, prompt: PromptName) {
        self.hush_messages(desk);
        let Stage::Served { caller, answered_ms, by: Service::Messages(_) } = &self.stage else { return };
        let (caller, answered_ms) = (*caller, *answered_ms);
        let refusal = StatusCode::REQUEST_TERMINATED.into();
        let end = End { cause: EndCause::Normal, by: EndedBy::System, refusal };
        self.say_finally(desk, caller, answered_ms, prompt, end);
    }

    /// Nothing is heard or waited for any more.
    pub(super) fn hush_messages(&mut self, desk: &mut Desk) {
        let key = TimerKey::Box(self.id);
        let Some((_, listening)) = self.listening_mut() else { return };
        listening.asked = None;
        if let Some(due) = listening.due.take() {
            desk.timers.stop(due, key);
        }
        if let Some(player) = listening.playing.take() {
            desk.stop_playing(player);
        }
    }

    /// Says what the party hears.
    pub(super) fn rewire_messages(&mut self, desk: &mut Desk) {
        let Some((caller, listening)) = self.listening_mut() else { return };
        let heard = listening.playing.map(Source::Player).into_iter().collect();
        if let Some(session) = self.legs[caller.at()].session_mut() {
            session.listen(desk, Detect::On);
        }
        self.hear(desk, caller, heard);
    }
}

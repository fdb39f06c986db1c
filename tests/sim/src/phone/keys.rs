//! A person presses keys: by INFO, one after the other was answered, or by the phone's media.

use std::time::Duration;

use super::{Dialog, Hold, Phone, Plan, Role};
use crate::text::Text;

/// What a person knows of a room.
#[derive(Clone, Debug)]
pub struct RoomKnown {
    /// Its number.
    pub number: String,
    /// What it presses at the door: PINs right and wrong, or nothing.
    pub entries: Vec<String>,
}

/// How the keys of a call are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// `application/dtmf-relay`.
    Relay,
    /// `application/dtmf`.
    Plain,
    /// By telephone events, or as sounds.
    Media,
}

impl Phone {
    /// The room that this call leads into, as far as the person knows.
    fn room_of(&self, dialog: &Dialog) -> Option<&RoomKnown> {
        self.rooms.iter().find(|room| dialog.role == Role::Caller && room.number == dialog.dialled)
    }

    /// What the person presses during the talk; how long that lasts at least, ms.
    pub(super) fn plan_keys(&mut self, now: Duration, call_id: &str) -> u64 {
        if self.rng.chance(self.habits.presses) {
            self.plan_answers(now, call_id);
        }
        if self.rooms.is_empty() {
            return 0;
        }
        let Some(room) = self.room_of(&self.dialogs[call_id]).cloned() else {
            // Where it is only now and then somebody is who listens to keys.
            if self.rng.chance(300) {
                let keys = self.rng.pick(&KEYS).to_string();
                self.plan_press(now, call_id, 200, 20_000, keys);
            }
            return 0;
        };
        let mut at = 0;
        if !room.entries.is_empty() {
            // Two may be needed; who is in by then presses what means nothing there.
            for _ in 0..self.rng.between(1, 2) {
                let entry = self.rng.pick(&room.entries).clone();
                self.plan_press(now, call_id, at + 300, at + 3_000, entry);
                at += 6_000;
            }
        }
        for _ in 0..self.rng.below(6) {
            let keys = self.rng.pick(&KEYS).to_string();
            self.plan_press(now, call_id, at + 200, at + 60_000, keys);
        }
        self.rng.between(10_000, 90_000)
    }

    /// What it presses where it is asked something: a mobile the key that takes the call, a customer his opinion.
    fn plan_answers(&mut self, now: Duration, call_id: &str) {
        if self.dialogs[call_id].role == Role::Callee {
            return self.plan_press(now, call_id, 300, 9_000, "1".to_owned());
        }
        for _ in 0..self.rng.between(1, 5) {
            let key = self.rng.between(1, 7).to_string();
            self.plan_press(now, call_id, 500, self.habits.talk_ms.1, key);
        }
    }

    fn plan_press(&mut self, now: Duration, call_id: &str, from_ms: u64, to_ms: u64, keys: String) {
        let at = now + Duration::from_millis(self.rng.between(from_ms, to_ms));
        self.plan(at, Plan::Press(call_id.to_owned(), keys));
    }

    /// Presses the first of these, and then the others.
    pub(super) fn press(&mut self, now: Duration, call_id: &str, keys: &str) {
        let mut rest = keys.chars();
        let Some(key) = rest.next() else { return };
        let talks = |dialog: &&Dialog| dialog.is_up() && dialog.hold == Hold::None;
        if !self.dialogs.get(call_id).is_some_and(|dialog| talks(&dialog)) || self.pressing.contains_key(call_id) {
            return;
        }
        let way = match self.ways.get(call_id) {
            Some(way) => *way,
            None => *self.rng.pick(&[Way::Relay, Way::Plain, Way::Media, Way::Media]),
        };
        self.ways.insert(call_id.to_owned(), way);
        let body = match way {
            Way::Media => {
                self.keys_out.push((call_id.to_owned(), key));
                return self.press_next(now, call_id, rest.as_str());
            }
            Way::Relay => format!("Signal={key}\r\nDuration=160\r\n"),
            Way::Plain => key.to_string(),
        };
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        dialog.cseq += 1;
        dialog.asked_at = now;
        let branch = self.branch();
        let text = self.in_dialog("INFO", call_id, &branch, "", &body);
        let kind = if way == Way::Relay { "application/dtmf-relay" } else { "application/dtmf" };
        let text = text.replace("application/sdp", kind);
        self.pressing.insert(call_id.to_owned(), rest.as_str().to_owned());
        self.await_answer(now, &branch, "INFO", call_id, text);
    }

    fn press_next(&mut self, now: Duration, call_id: &str, rest: &str) {
        if !rest.is_empty() {
            self.plan_press(now, call_id, 80, 700, rest.to_owned());
        }
    }

    /// The final response to an INFO.
    pub(super) fn pressed(&mut self, now: Duration, call_id: &str, text: &Text) -> Result<(), String> {
        let rest = self.pressing.remove(call_id).unwrap_or_default();
        let overtaken = self.dialogs.get(call_id).is_none_or(|dialog| dialog.cseq > text.cseq());
        match text.status() {
            200 => self.press_next(now, call_id, &rest),
            // It is over, and its BYE or the process that knew it is gone.
            481 => {}
            // RFC 3261 §12.2.2: a later request overtook it.
            500 if overtaken => {}
            status => return Err(format!("{status} to an INFO on {call_id}")),
        }
        Ok(())
    }

    /// Keys that it presses now by its media.
    pub fn take_keys(&mut self) -> Vec<(String, char)> {
        let keys = std::mem::take(&mut self.keys_out);
        if self.gone { Vec::new() } else { keys }
    }
}

/// What somebody presses who is in a room; a moderator's keys as often as any.
const KEYS: [&str; 15] = ["*6", "*6", "*6", "*6", "**6", "6", "*", "*1", "*2", "*2", "*5", "*5", "*8", "*8", "*9"];

//! Keys between the parties of a call, each by its own way: telephone events (RFC 4733), INFO, or sounds.
//!
//! Between two parties that have telephone events the media passes them on, and a sound passes as sound wherever it can: nothing
//! is said twice. All else comes here one key at a time and is pressed anew toward the other party.

use hooks::id::LegId;
use sip::message::{Method, Request};

use super::third::Standing;
use super::{Call, Stage};
use crate::desk::{Desk, LegIndex};
use crate::leg::Leg;
use crate::media::{Detect, MediaCommand};
use crate::output::Refused;
use crate::session::{Keys, Session};

impl Call {
    /// The party of a leg pressed a key, which the media heard.
    pub(crate) fn digit(&mut self, desk: &mut Desk, leg: LegIndex, key: char) {
        let now = desk.now.mono;
        if let Some(session) = self.legs.get_mut(leg.at()).and_then(Leg::session_mut) {
            session.heard_key(key, now);
        }
        if self.pressed_for_us(desk, leg, key) {
            return;
        }
        let Some(other) = self.partner(leg) else { return };
        match (self.keys_of(leg), self.keys_of(other)) {
            (Some(Keys::Events), Some(Keys::Info | Keys::Sound)) | (Some(Keys::Sound), Some(Keys::Info)) => {
                self.send_key(desk, other, key);
            }
            (Some(Keys::Events | Keys::Info | Keys::Sound) | None, _) => {}
        }
    }

    /// Whether the key is for the switch itself, which takes it then.
    fn pressed_for_us(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        if self.pressed_to_confirm(desk, leg, key) {
            return true;
        }
        if self.is_visitor(leg) {
            self.visitor_pressed(desk, leg, key);
            return true;
        }
        self.pressed_to_be_called_back(desk, leg, key)
            || self.pressed_in_flow(desk, leg, key)
            || self.pressed_in_message(desk, leg, key)
            || self.pressed_in_survey(desk, leg, key)
            || self.pressed_in_box(desk, leg, key)
    }

    /// The party of a leg pressed a key by INFO. False if the INFO is to be handed on as it came.
    pub(super) fn pressed_by_info(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        let now = desk.now.mono;
        let Some(session) = self.legs.get_mut(leg.at()).and_then(Leg::session_mut) else { return true };
        if session.has_just_heard(key, now) {
            return true;
        }
        let is_news = session.takes_info();
        if is_news {
            self.rewire(desk);
        }
        if self.pressed_for_us(desk, leg, key) {
            return true;
        }
        let Some(other) = self.partner(leg) else { return true };
        match self.keys_of(other) {
            Some(Keys::Info) => return false,
            Some(Keys::Events | Keys::Sound) => self.send_key(desk, other, key),
            None => {}
        }
        true
    }

    /// Keys are listened for in the sound of a party that has no other way, where the other one hears them by INFO.
    pub(super) fn listen_for_keys(&mut self, desk: &mut Desk, leg: LegIndex, other: LegIndex) {
        let wanted = self.keys_of(leg) == Some(Keys::Sound) && self.keys_of(other) == Some(Keys::Info);
        if let Some(session) = self.legs[leg.at()].session_mut() {
            session.listen(desk, if wanted { Detect::On } else { Detect::Off });
        }
    }

    /// Presses keys toward a party by command: that of the leg, else the called one, or the only one there is.
    ///
    /// # Errors
    /// [`Refused::NotConnected`].
    pub(crate) fn send_digits(&mut self, desk: &mut Desk, leg: Option<LegId>, digits: &str) -> Result<(), Refused> {
        let to = match (leg, &self.stage) {
            (Some(leg), _) => self.live().into_iter().find(|at| self.legs[at.at()].id == leg),
            (None, Stage::Talking { callee, .. }) => Some(*callee),
            (None, Stage::Served { caller, .. }) => Some(*caller),
            (None, Stage::Begun | Stage::Summoning { .. } | Stage::Seeking(_) | Stage::Ending { .. } | Stage::Over) => {
                None
            }
        };
        let connected = |at: &LegIndex| self.leg(*at).is_some_and(Leg::is_up) && self.keys_of(*at).is_some();
        let to = to.filter(connected).ok_or(Refused::NotConnected)?;
        for key in digits.chars() {
            self.send_key(desk, to, key);
        }
        Ok(())
    }

    /// Presses keys for a party (CALL-04): toward whom it asks, else toward the other party, or both others where three talk.
    ///
    /// # Errors
    /// [`Refused::NotConnected`].
    pub(super) fn press_by_order(&mut self, desk: &mut Desk, by: LegIndex, digits: &str) -> Result<(), Refused> {
        let hear = match self.standing() {
            Some(Standing::Together { third }) => match self.stage {
                Stage::Talking { caller, callee, .. } => vec![caller, callee, third],
                Stage::Begun
                | Stage::Summoning { .. }
                | Stage::Seeking(_)
                | Stage::Served { .. }
                | Stage::Ending { .. }
                | Stage::Over => Vec::new(),
            },
            Some(Standing::Asking { .. } | Standing::Calling { .. } | Standing::Inviting) | None => {
                self.partner(by).into_iter().collect()
            }
        };
        let connected = |at: &LegIndex| self.leg(*at).is_some_and(Leg::is_up) && self.keys_of(*at).is_some();
        let to: Vec<LegIndex> = hear.into_iter().filter(|at| *at != by && connected(at)).collect();
        if to.is_empty() {
            return Err(Refused::NotConnected);
        }
        for key in digits.chars() {
            for leg in &to {
                self.send_key(desk, *leg, key);
            }
        }
        Ok(())
    }

    fn keys_of(&self, leg: LegIndex) -> Option<Keys> {
        self.leg(leg)?.session().map(Session::keys)
    }

    /// Presses a key toward a party by its own way.
    fn send_key(&mut self, desk: &mut Desk, to: LegIndex, key: char) {
        let Some(leg) = self.legs.get_mut(to.at()) else { return };
        let Some(session) = leg.session() else { return };
        let (endpoint, keys) = (session.endpoint(), session.keys());
        match keys {
            Keys::Events | Keys::Sound => {
                desk.media(MediaCommand::SendDigits { endpoint, digits: key.to_string() });
            }
            Keys::Info => {
                let Some(up) = leg.up_mut() else { return };
                let mut info = up.dialog.request(Method::Info);
                info.set_body("application/dtmf-relay", format!("Signal={key}\r\nDuration=160\r\n"));
                // A full table loses a key press, as the network may.
                let _ = up.send(desk, info);
            }
        }
    }
}

/// The key of a key press by INFO; a flash of the hook is none.
pub(super) fn pressed(request: &Request) -> Option<char> {
    let text = std::str::from_utf8(&request.body).ok()?;
    let signal = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then_some(value)
    });
    let mut word = signal.unwrap_or(text).trim().chars();
    let key = word.next().map(|key| key.to_ascii_uppercase()).filter(|key| KEYS.contains(*key));
    match (key, word.as_str()) {
        (Some(key), "") => Some(key),
        // By the number of its event: 10 is the star, 11 the pound sign.
        (Some('1'), "0") => Some('*'),
        (Some('1'), "1") => Some('#'),
        (Some(_) | None, _) => None,
    }
}

/// The keys there are.
const KEYS: &str = "0123456789*#ABCD";

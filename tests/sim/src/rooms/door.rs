//! The door of a room that has a PIN: what the keys pressed at it must lead to, where they were pressed so fast that no pause can
//! have ended an entry.

use std::time::Duration;

use hooks::fact::MemberRole;
use switch::config::Room;

/// Where somebody stands.
#[derive(Debug)]
pub(super) struct Door {
    state: State,
    since: Duration,
    digits: String,
    tries_left: u8,
    /// No pause can have ended an entry so far.
    sure: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    TurnedAway,
}

impl Door {
    pub(super) fn new(now: Duration) -> Self {
        Self { state: State::Before, since: now, digits: String::new(), tries_left: TRIES, sure: true }
    }

    pub(super) fn pass(&mut self) {
        self.state = State::Inside;
    }

    pub(super) fn refuse(&mut self) {
        self.state = State::TurnedAway;
    }

    pub(super) fn is_shut(&self) -> bool {
        self.state != State::Inside
    }

    /// When the last key was pressed, or it came.
    pub(super) fn since(&self) -> Duration {
        self.since
    }

    /// How long after that it may stand there.
    pub(super) fn patience(&self) -> Duration {
        match self.state {
            State::TurnedAway => Duration::from_secs(16),
            State::Before | State::Inside => Duration::from_secs(90),
        }
    }

    /// Whether it is known how the keys so far were read.
    pub(super) fn is_sure(&self, now: Duration) -> bool {
        let longest = if self.digits.is_empty() { FIRST } else { BETWEEN };
        self.sure && now.saturating_sub(self.since) < longest
    }

    /// A key: as what it must let in, if it must.
    pub(super) fn press(&mut self, now: Duration, room: &Room, key: char) -> Option<MemberRole> {
        self.sure = self.is_sure(now);
        self.since = now;
        if !self.sure || self.state == State::TurnedAway {
            return None;
        }
        let longest = [&room.pin, &room.moderator_pin].into_iter().flatten().map(|pin| pin.digits().len()).max();
        if key != '#' {
            self.digits.push(key);
            if Some(self.digits.len()) < longest {
                return None;
            }
        }
        let entered = std::mem::take(&mut self.digits);
        let role = role_of(room, &entered);
        if role.is_none() {
            self.tries_left -= 1;
            if self.tries_left == 0 {
                self.refuse();
            }
        }
        role
    }
}

fn role_of(room: &Room, entered: &str) -> Option<MemberRole> {
    match (&room.moderator_pin, &room.pin) {
        (Some(pin), _) if pin.digits() == entered => Some(MemberRole::Moderator),
        (_, Some(pin)) if pin.digits() == entered => Some(MemberRole::Participant),
        (_, None) if entered.is_empty() => Some(MemberRole::Participant),
        _ => None,
    }
}

/// Whether who pressed all this can have come in as that.
pub(super) fn may_be_known(room: &Room, role: MemberRole, pressed: &str) -> bool {
    let needed = match role {
        MemberRole::Moderator => &room.moderator_pin,
        MemberRole::Participant => &room.pin,
    };
    let ends = |digits: &str| pressed.ends_with(digits) || pressed.ends_with(&format!("{digits}#"));
    needed.as_ref().map_or(role == MemberRole::Participant, |pin| ends(pin.digits()))
}

const TRIES: u8 = 3;
/// Longer pauses before the first digit, and between two, may have ended an entry.
const FIRST: Duration = Duration::from_millis(9_900);
const BETWEEN: Duration = Duration::from_millis(4_900);

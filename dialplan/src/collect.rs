//! Digits that a caller presses, collected into one entry: a PIN, a menu's choice, an account number.
//!
//! It ends at the terminator, when it is full, or when nothing is pressed for too long. Time is an argument.

use std::time::Duration;

/// What an entry may be, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// It is complete with so many digits, 1 to [`DIGITS_MAX`].
    pub max: usize,
    /// This key ends it and is no part of it.
    pub terminator: Option<char>,
    /// How long the first digit may take.
    pub first: Duration,
    /// How long each further one may take.
    pub between: Duration,
}

/// What was entered. Nothing at all may be an entry, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The terminator was pressed after these, or there is no room for more.
    Complete(String),
    /// Nothing more was pressed in time.
    TimedOut(String),
}

/// One entry on its way.
#[derive(Clone, Debug)]
pub struct Collector {
    rule: Rule,
    digits: String,
    until: Duration,
}

impl Collector {
    /// Waits for the first digit from `now` on (of any clock, as long as it is one).
    #[must_use]
    pub fn begin(rule: Rule, now: Duration) -> Self {
        Self { rule, digits: String::new(), until: now + rule.first }
    }

    /// When [`Collector::elapsed`] is due.
    #[must_use]
    pub fn until(&self) -> Duration {
        self.until
    }

    /// What asks for it has been said to its end: the time for the first digit begins now, if none came yet.
    pub fn asked(&mut self, now: Duration) {
        if self.digits.is_empty() {
            self.until = now + self.rule.first;
        }
    }

    /// Takes a key; gives the entry if that completes it.
    pub fn press(&mut self, now: Duration, key: char) -> Option<Entry> {
        if self.rule.terminator == Some(key) {
            return Some(Entry::Complete(std::mem::take(&mut self.digits)));
        }
        self.digits.push(key);
        self.until = now + self.rule.between;
        let full = self.digits.len() >= self.rule.max.clamp(1, DIGITS_MAX);
        full.then(|| Entry::Complete(std::mem::take(&mut self.digits)))
    }

    /// What there is, if the time for the next key is over.
    pub fn elapsed(&mut self, now: Duration) -> Option<Entry> {
        (now >= self.until).then(|| Entry::TimedOut(std::mem::take(&mut self.digits)))
    }
}

/// No entry is longer.
pub const DIGITS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule =
        Rule { max: 4, terminator: Some('#'), first: Duration::from_secs(10), between: Duration::from_secs(3) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Presses a key each second from second 1 on; the entry, and at which key it came.
    fn entered(rule: Rule, keys: &str) -> Option<(usize, Entry)> {
        let mut collector = Collector::begin(rule, at(0));
        keys.chars().enumerate().find_map(|(n, key)| Some((n, collector.press(at(n as u64 + 1), key)?)))
    }

    #[test]
    fn an_entry_ends_at_the_terminator_or_when_it_is_full() {
        let complete = |n, digits: &str| Some((n, Entry::Complete(digits.to_owned())));
        assert_eq!(entered(RULE, "12#4"), complete(2, "12"));
        assert_eq!(entered(RULE, "#"), complete(0, ""));
        assert_eq!(entered(RULE, "*2345"), complete(3, "*234"));
        assert_eq!(entered(RULE, "123"), None);
        assert_eq!(entered(Rule { terminator: None, ..RULE }, "12#4"), complete(3, "12#4"));
        let nines = "9".repeat(40);
        assert_eq!(entered(Rule { max: usize::MAX, ..RULE }, &nines), complete(DIGITS_MAX - 1, &nines[..DIGITS_MAX]));
    }

    #[test]
    fn the_first_digit_may_take_longer_than_the_next() {
        let mut collector = Collector::begin(RULE, at(100));
        assert_eq!((collector.until(), collector.elapsed(at(109))), (at(110), None));
        assert_eq!(collector.press(at(109), '1'), None);
        assert_eq!((collector.until(), collector.elapsed(at(111))), (at(112), None));
        assert_eq!(collector.elapsed(at(112)), Some(Entry::TimedOut("1".to_owned())));
        let mut nothing = Collector::begin(RULE, at(0));
        assert_eq!(nothing.elapsed(at(10)), Some(Entry::TimedOut(String::new())));
    }
}

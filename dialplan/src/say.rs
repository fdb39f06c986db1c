//! What is said to a caller: prompts by name, numbers, digits, tones and pauses, and how a language says a number in clips.

pub mod defaults;
mod number;
mod phrase;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use number::{SPOKEN_MAX, digits, number};
pub use phrase::{messages, people, position, wait};

/// One part of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A prompt of the tenant, else the default one of that name.
    Prompt(PromptName),
    /// A number as it is counted: "twenty-one".
    Number(u64),
    /// Digit by digit: a telephone number, an extension, a code. What is none of `0`-`9`, `*`, `#` and `+` is left out.
    Digits(String),
    /// One period of a tone in the tone plan of the node.
    Tone(ToneKind),
    /// A pause.
    Silence(Duration),
}

/// A call progress tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToneKind {
    /// The called party is being rung.
    Ringback,
    /// The called party is busy.
    Busy,
    /// The network is busy.
    Congestion,
    /// Dial now.
    Dial,
    /// It has been done.
    Confirm,
    /// Speak now.
    Beep,
}

/// What happens at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It was all.
    Once,
    /// It begins again.
    Forever,
}

/// A language that prompts and numbers are spoken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Mandarin.
    ZhCn,
    /// English, as spoken in the United States.
    En,
}

impl Language {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// As it is written (BCP 47): `zh-CN`, `en`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = SayError;

    fn from_str(text: &str) -> Result<Self, SayError> {
        Self::ALL.into_iter().find(|language| language.as_str() == text).ok_or(SayError::Language)
    }
}

/// Names a prompt within a tenant and a language: 1 to [`PromptName::LEN_MAX`] of `a-z`, `0-9`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptName(Cow<'static, str>);

impl PromptName {
    /// Long enough to say what it says.
    pub const LEN_MAX: usize = 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One that is known to be well formed: the test of [`defaults`] reads them all.
    const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl fmt::Display for PromptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PromptName {
    type Err = SayError;

    fn from_str(text: &str) -> Result<Self, SayError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if text.is_empty() || text.len() > Self::LEN_MAX || !text.bytes().all(allowed) {
            return Err(SayError::Name);
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

/// Why a text is no name or language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SayError {
    /// Not a prompt's name.
    #[error("a prompt's name is 1 to 64 characters of a-z, 0-9, _ and -")]
    Name,
    /// Not a language.
    #[error("a language is zh-CN or en")]
    Language,
}

/// What is played for a part: nothing in it needs a language any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A prompt.
    Prompt(PromptName),
    /// One period of a tone.
    Tone(ToneKind),
    /// A pause.
    Silence(Duration),
}

/// Takes parts to pieces: numbers and digits become the prompts they are spoken with. At most [`PIECES_MAX`]; the rest is left out.
#[must_use]
pub fn pieces(language: Language, parts: &[Part]) -> Vec<Piece> {
    let all = parts.iter().flat_map(|part| match part {
        Part::Prompt(name) => vec![Piece::Prompt(name.clone())],
        Part::Number(number) => self::number(language, *number).into_iter().map(Piece::Prompt).collect(),
        Part::Digits(text) => digits(language, text).into_iter().map(Piece::Prompt).collect(),
        Part::Tone(tone) => vec![Piece::Tone(*tone)],
        Part::Silence(pause) => vec![Piece::Silence(*pause)],
    });
    all.take(PIECES_MAX).collect()
}

/// Longer than anything that is said at once.
pub const PIECES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_not_too_long() {
        for good in ["a", "you_are", "greeting-2", &"x".repeat(64)] {
            assert_eq!(good.parse::<PromptName>().unwrap().as_str(), good);
        }
        for bad in ["", "You", "a b", "../a", "你", &"x".repeat(65)] {
            assert_eq!(bad.parse::<PromptName>(), Err(SayError::Name), "{bad}");
        }
        assert_eq!(("zh-CN".parse(), "en".parse()), (Ok(Language::ZhCn), Ok(Language::En)));
        assert_eq!("fr".parse::<Language>(), Err(SayError::Language));
    }

    #[test]
    fn parts_become_pieces_in_their_order_and_not_without_end() {
        let parts = [
            Part::Prompt(defaults::YOU_ARE),
            Part::Number(21),
            Part::Silence(Duration::from_millis(300)),
            Part::Digits("8*".to_owned()),
            Part::Tone(ToneKind::Beep),
        ];
        let prompts =
            |names: &[&str]| names.iter().map(|name| Piece::Prompt(name.parse().unwrap())).collect::<Vec<_>>();
        let mut expected = prompts(&["you_are", "number_20", "number_1"]);
        expected.push(Piece::Silence(Duration::from_millis(300)));
        expected.extend(prompts(&["number_8", "digit_star"]));
        expected.push(Piece::Tone(ToneKind::Beep));
        assert_eq!(pieces(Language::En, &parts), expected);
        assert_eq!(pieces(Language::En, &[Part::Digits("1".repeat(5_000))]).len(), PIECES_MAX);
    }
}

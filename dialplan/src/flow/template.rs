//! Texts with variables in them, and what is said with them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name::{VariableName, by_text};
use crate::say::{Part, PromptName, ToneKind};

/// The variables of a run.
pub type Variables = BTreeMap<VariableName, String>;

/// A text that may name variables: `customer {customer_id}`. At most [`TEMPLATE_MAX`] characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(VariableName),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace that does not close, or holds no variable.
    #[error("`{0}` holds a brace that names no variable, write {{name}}")]
    Brace(String),
    /// Too long.
    #[error("a text has at most {TEMPLATE_MAX} characters")]
    Long,
}

/// Characters of a template.
pub const TEMPLATE_MAX: usize = 512;
/// Characters of a variable's value; what is longer is cut.
pub const VALUE_MAX: usize = 1_024;

impl Template {
    /// The variables that it names, in order.
    pub fn variables(&self) -> impl Iterator<Item = &VariableName> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Text(_) => None,
        })
    }

    /// The text where no variable is in it.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        self.variables().next().is_none().then_some(&self.text)
    }

    /// The text with the variables filled in, each through `escape`; one that is not set is empty. At most [`VALUE_MAX`].
    #[must_use]
    pub fn fill_with(&self, variables: &Variables, escape: fn(&str) -> String) -> String {
        let filled: String = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Variable(name) => variables.get(name).map(|value| escape(value)).unwrap_or_default(),
            })
            .collect();
        filled.chars().take(VALUE_MAX).collect()
    }

    /// The text with the variables filled in.
    #[must_use]
    pub fn fill(&self, variables: &Variables) -> String {
        self.fill_with(variables, str::to_owned)
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.chars().count() > TEMPLATE_MAX {
            return Err(TemplateError::Long);
        }
        let wrong = || TemplateError::Brace(text.to_owned());
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(wrong)?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Variable(name.parse().map_err(|_| wrong())?));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self { text: text.to_owned(), pieces })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

by_text!(Template, TemplateError);

/// A value for a place in a URL: all but unreserved characters (RFC 3986) become percent-encoded UTF-8.
#[must_use]
pub fn url_escaped(value: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    value.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A part of what is said, as it stands in a flow: a prompt's name alone, or a table of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// `"welcome"`.
    Prompt(PromptName),
    /// `{ number = "{balance}" }`: as it is counted. What is no whole number is read digit by digit.
    Number(Template),
    /// `{ digits = "{order}" }`.
    Digits(Template),
    /// `{ tone = "beep" }`.
    Tone(Tone),
    /// `{ silence_ms = 500 }`, at most [`SILENCE_MAX_MS`].
    Silence(u32),
}

/// A tone that a flow may play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as in ToneKind")]
pub enum Tone {
    Ringback,
    Busy,
    Congestion,
    Dial,
    Confirm,
    Beep,
}

/// Longest pause.
pub const SILENCE_MAX_MS: u32 = 10_000;

impl Spoken {
    /// The variables that it names.
    pub fn variables(&self) -> impl Iterator<Item = &VariableName> {
        let template = match self {
            Self::Number(text) | Self::Digits(text) => Some(text),
            Self::Prompt(_) | Self::Tone(_) | Self::Silence(_) => None,
        };
        template.into_iter().flat_map(Template::variables)
    }

    /// What is played.
    #[must_use]
    pub fn part(&self, variables: &Variables) -> Part {
        match self {
            Self::Prompt(name) => Part::Prompt(name.clone()),
            Self::Number(text) => {
                let text = text.fill(variables);
                // Neither a sign nor leading zeros: a telephone number is not counted.
                let counted = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
                let number = counted.then(|| text.parse().ok()).flatten();
                number.map_or(Part::Digits(text), Part::Number)
            }
            Self::Digits(text) => Part::Digits(text.fill(variables)),
            Self::Tone(tone) => Part::Tone(tone.kind()),
            Self::Silence(ms) => Part::Silence(Duration::from_millis(u64::from(*ms))),
        }
    }
}

impl Tone {
    fn kind(self) -> ToneKind {
        match self {
            Self::Ringback => ToneKind::Ringback,
            Self::Busy => ToneKind::Busy,
            Self::Congestion => ToneKind::Congestion,
            Self::Dial => ToneKind::Dial,
            Self::Confirm => ToneKind::Confirm,
            Self::Beep => ToneKind::Beep,
        }
    }
}

/// The table form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Table {
    Number(Template),
    Digits(Template),
    Tone(Tone),
    SilenceMs(u32),
}

impl Serialize for Spoken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Prompt(name) => serializer.serialize_str(name.as_str()),
            Self::Number(text) => Table::Number(text.clone()).serialize(serializer),
            Self::Digits(text) => Table::Digits(text.clone()).serialize(serializer),
            Self::Tone(tone) => Table::Tone(*tone).serialize(serializer),
            Self::Silence(ms) => Table::SilenceMs(*ms).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Spoken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Spoken;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a prompt's name, or a table with one of number, digits, tone and silence_ms")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Spoken, E> {
                name.parse().map(Spoken::Prompt).map_err(|_| E::custom(format!("`{name}` is no prompt's name")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Spoken, A::Error> {
                Ok(match Table::deserialize(MapAccessDeserializer::new(map))? {
                    Table::Number(text) => Spoken::Number(text),
                    Table::Digits(text) => Spoken::Digits(text),
                    Table::Tone(tone) => Spoken::Tone(tone),
                    Table::SilenceMs(ms) if ms > SILENCE_MAX_MS => {
                        let message = format!("a pause is at most {SILENCE_MAX_MS} ms");
                        return Err(serde::de::Error::custom(message));
                    }
                    Table::SilenceMs(ms) => Spoken::Silence(ms),
                })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Serialize for PromptName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PromptName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}`: {error}")))
    }
}

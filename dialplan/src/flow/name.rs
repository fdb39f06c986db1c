//! The names in flows: slugs, as they stand in paths, URLs and logs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is no name, or no key, mailbox or variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a slug.
    #[error("`{0}` is no name: 1 to {NAME_MAX} characters of a-z, 0-9, _ and -")]
    Slug(String),
    /// Not a variable.
    #[error("`{0}` is no variable: a letter of a-z, then up to 31 of a-z, 0-9 and _")]
    Variable(String),
    /// Not a key.
    #[error("`{0}` is no key of a telephone: 0 to 9, * or #")]
    Key(String),
    /// Not a mailbox.
    #[error("`{0}` is no mailbox, write it as queue:sales or extension:1001")]
    Mailbox(String),
}

/// Characters of a name.
pub const NAME_MAX: usize = 64;

macro_rules! by_text {
    ($name:ident, $error:ty) => {
        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
pub(crate) use by_text;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $valid:ident, $error:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// As written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if $valid(text) { Ok(Self(text.into())) } else { Err(NameError::$error(text.to_owned())) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        by_text!($name, NameError);
    )*};
}

names! {
    /// A flow of a tenant.
    FlowName: is_slug, Slug;
    /// A node of a flow.
    NodeName: is_slug, Slug;
    /// A skill group (技能组) of a tenant.
    QueueName: is_slug, Slug;
    /// Opening hours of a tenant.
    HoursName: is_slug, Slug;
    /// A survey of a tenant.
    SurveyName: is_slug, Slug;
    /// A conference room of a tenant.
    RoomName: is_slug, Slug;
    /// A variable of a run.
    VariableName: is_variable, Variable;
}

fn is_slug(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn is_variable(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A key of a telephone: `0` to `9`, `*`, `#`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(char);

impl Key {
    /// The key of a character.
    #[must_use]
    pub fn new(key: char) -> Option<Self> {
        (key.is_ascii_digit() || key == '*' || key == '#').then_some(Self(key))
    }

    /// As a character.
    #[must_use]
    pub fn as_char(self) -> char {
        self.0
    }
}

impl FromStr for Key {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut characters = text.chars();
        match (characters.next().and_then(Self::new), characters.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(NameError::Key(text.to_owned())),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

by_text!(Key, NameError);

/// Where a message is left: `queue:sales` or `extension:1001`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mailbox {
    /// A skill group's.
    Queue(QueueName),
    /// An extension's.
    Extension(crate::number::ExtensionNumber),
}

impl FromStr for Mailbox {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Mailbox(text.to_owned());
        match text.split_once(':').ok_or_else(wrong)? {
            ("queue", name) => name.parse().map(Self::Queue).map_err(|_| wrong()),
            ("extension", number) => number.parse().map(Self::Extension).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => write!(f, "queue:{name}"),
            Self::Extension(number) => write!(f, "extension:{number}"),
        }
    }
}

by_text!(Mailbox, NameError);

//! What is wrong with a configuration: where, what, and how to mend it. All problems are told at once.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file, at this line (from 1).
    Line(usize),
    /// In another file that it names, at this line (from 1).
    In(PathBuf, usize),
    /// In this environment variable.
    Env(String),
}

impl Place {
    /// A line of this file rather than of the configuration's.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Self {
        match self {
            Self::Line(line) => Self::In(file.to_owned(), line),
            Self::In(..) | Self::Env(_) => self,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line(line) => write!(f, "line {line}: {}", self.message),
            Place::In(file, line) => write!(f, "{}:{line}: {}", file.display(), self.message),
            Place::Env(name) => write!(f, "environment {name}: {}", self.message),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Why a configuration cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It can be read and is wrong.
    Invalid {
        /// Which.
        path: PathBuf,
        /// In the order of the file, then the environment; never empty.
        problems: Vec<Problem>,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                write!(f, "{}: cannot be read: {source}; name another with --config", path.display())
            }
            Self::Invalid { path, problems } => {
                for (index, problem) in problems.iter().enumerate() {
                    let line_end = if index + 1 < problems.len() { "\n" } else { "" };
                    match &problem.place {
                        Place::Line(line) => write!(f, "{}:{line}: {}{line_end}", path.display(), problem.message)?,
                        Place::In(..) | Place::Env(_) => write!(f, "{problem}{line_end}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigError {}

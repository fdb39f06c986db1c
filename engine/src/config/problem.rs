//! What is wrong with a configuration: where, what, and how to mend it. All problems are told at once.

use std::fmt;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file, at this line (from 1).
    Line(usize),
    /// In this environment variable.
    Env(String),
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
                        Place::Env(name) => write!(f, "environment {name}: {}{line_end}", problem.message)?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigError {}

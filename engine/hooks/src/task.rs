//! What is taken out of and into the system as a file: each module registers its kinds, the host runs them as tasks, one after
//! the other, and keeps the files. Called on threads that serve no calls, and may wait there.

use serde_json::{Map, Value};

use crate::duration;
use crate::id::TenantId;
use crate::operation::Parameter;
use crate::plugin::{FieldKey, PermissionKey};
use crate::scope::Scope;

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskAsk {
    /// Whose rows.
    pub tenant: TenantId,
    /// Who asked: a login name or `token:NAME`.
    pub by: String,
    /// His employee number; `None` for a program.
    pub employee: Option<String>,
    /// Which of these rows he might see when he asked (GEN-11).
    pub scope: Scope,
    /// When he asked, ms since the Unix epoch: "today" is that day.
    pub at_ms: u64,
    /// The conditions of the list at that moment, as the query of its address (GEN-11).
    pub query: String,
    /// The same, read as [`Export::parameters`] say; empty where it has none.
    pub parameters: Map<String, Value>,
}

/// A value in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text, whatever it looks like: never a formula.
    Text(String),
    /// A number that is reckoned with.
    Number(f64),
    /// A time, ms since the Unix epoch: the host shows it in the tenant's zone (GEN-03).
    Time(u64),
    /// A duration, ms: shown as [`duration::clock`] (GEN-04).
    Lasted(u64),
}

impl Cell {
    /// A text, where there is one.
    #[must_use]
    pub fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.into()))
    }

    /// A time, where there is one.
    #[must_use]
    pub fn time(ms: Option<u64>) -> Self {
        ms.map_or(Self::Empty, Self::Time)
    }

    /// A duration, where there is one.
    #[must_use]
    pub fn lasted(ms: Option<u64>) -> Self {
        ms.map_or(Self::Empty, Self::Lasted)
    }

    /// As people read it: times and durations become texts, by what shows a time.
    #[must_use]
    pub fn shown(self, time: impl Fn(u64) -> String) -> Self {
        match self {
            Self::Time(ms) => Self::Text(time(ms)),
            Self::Lasted(ms) => Self::Text(duration::clock(ms)),
            Self::Empty | Self::Text(_) | Self::Number(_) => self,
        }
    }
}

/// Why a task cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// What was asked for is not acceptable; what would be.
    #[error("{0}")]
    Unacceptable(String),
    /// Something it needs is away or broken.
    #[error("{0}")]
    Failed(String),
}

/// A kind of export.
pub trait Export: Send + Sync {
    /// Its name, as the API and the list of tasks have it: `call_records`.
    fn module(&self) -> &'static str;

    /// Who may take it out.
    fn permission(&self) -> PermissionKey;

    /// The heads of the columns.
    fn columns(&self) -> &'static [&'static str];

    /// The fields that roles have rights on (ORG-32), each with the head of its column: the host hides and masks them.
    fn fields(&self) -> &'static [(&'static str, FieldKey)] {
        &[]
    }

    /// What the query may hold, where the host shall read it: [`TaskAsk::parameters`].
    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    /// Begins at the first row. Cheap: it is done once more before, to see whether the query can be read. Called where it may wait for
    /// a database, but not for long.
    ///
    /// # Errors
    /// [`TaskError::Unacceptable`] for a query that cannot be read.
    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Rows>, TaskError>;
}

/// The rows of an export, read on and on.
pub trait Rows: Send {
    /// The next some hundred rows, each as long as the columns; none at the end.
    ///
    /// # Errors
    /// [`TaskError::Failed`]: the export ends.
    fn next_rows(&mut self) -> Result<Vec<Vec<Cell>>, TaskError>;
}

/// A column of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportColumn {
    /// The head that is looked for.
    pub name: &'static str,
    /// A file without it is not taken.
    pub required: bool,
}

/// A kind of import.
pub trait Import: Send + Sync {
    /// Its name.
    fn module(&self) -> &'static str;

    /// Who may take rows in.
    fn permission(&self) -> PermissionKey;

    /// What is looked for in the file.
    fn columns(&self) -> &'static [ImportColumn];

    /// Begins. Cheap, as [`Export::open`].
    ///
    /// # Errors
    /// [`TaskError::Unacceptable`] for a query that cannot be read.
    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Intake>, TaskError>;
}

/// An import on its way.
pub trait Intake: Send {
    /// Takes rows in, each on its own: good ones are saved, the others are named by their place in `rows` with the reason
    /// (TASK-04). Each is as long as [`Import::columns`]; what the file does not have is empty.
    ///
    /// # Errors
    /// [`TaskError::Failed`]: none of these was saved, and the import ends.
    fn take(&mut self, rows: &[Vec<String>]) -> Result<Vec<(usize, String)>, TaskError>;
}

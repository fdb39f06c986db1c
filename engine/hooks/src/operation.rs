//! What a plugin gives to the HTTP API: a table of operations, and plain requests and answers. The host mounts them below
//! `/api/v1/PLUGIN/` behind its own guard, writes them into its OpenAPI document and speaks HTTP; a plugin sees no web framework.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::id::TenantId;
use crate::plugin::PermissionKey;
use crate::scope::Scope;

/// An HTTP method that operations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something, or orders it done.
    Post,
    /// Sets the whole of something.
    Put,
    /// Changes parts of something.
    Patch,
    /// Takes something away.
    Delete,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its name in the OpenAPI document and in [`Request::operation`]: snake case, unique in the whole API.
    pub name: &'static str,
    /// By which method.
    pub method: Method,
    /// Below `/api/v1/PLUGIN/`: `missed-calls/{id}/process`, with parameters in braces; or below one of [`crate::plugin::Plugin::roots`], with a
    /// slash at its beginning: `/sms/messages`.
    pub path: &'static str,
    /// Who may call it; one of [`crate::plugin::Plugin::permission_keys`].
    pub permission: PermissionKey,
    /// One sentence for the reference.
    pub summary: &'static str,
    /// What its query may hold; anything else is refused by the host.
    pub query: Vec<Parameter>,
    /// The JSON schema of its body; without one a body is not read.
    pub body: Option<Value>,
    /// The answers of success. Those of failure are the host's: each is a problem.
    pub answers: Vec<Expected>,
}

/// A parameter of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does, for the reference.
    pub about: &'static str,
    /// What it may be.
    pub shape: Shape,
}

/// What a parameter of the query may be. The host reads it, refuses what does not fit, and gives it as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text, given as it came.
    Text,
    /// A whole number within bounds, given as a number.
    Whole {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// `true` or `false`, given so.
    Flag,
    /// An RFC 3339 time, given as ms since the Unix epoch.
    Time,
    /// One of these words, given as a text.
    OneOf(&'static [&'static str]),
    /// `next_cursor` of the page before, given as [`Content::List`] had it in `next`.
    Cursor,
}

/// An answer of success.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The status, 200 to 299.
    pub status: u16,
    /// What it says, for the reference.
    pub about: &'static str,
    /// The JSON schema of its body; none: no body.
    pub schema: Option<Value>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose rows he may see; never from the request itself.
    pub tenant: TenantId,
    /// His employee number; `None` for a program.
    pub employee: Option<String>,
    /// As it stands in logs: a login name or `token:NAME`.
    pub by: String,
    /// Which rows of the tenant he may see (GEN-09).
    pub scope: Scope,
    /// What he may do.
    pub keys: Keys,
}

/// Permission keys that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Every one there is.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Keys {
    /// Whether `key` is among them.
    #[must_use]
    pub fn hold(&self, key: PermissionKey) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(key.0),
        }
    }
}

/// A request that has passed the guard of its operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// [`Operation::name`].
    pub operation: &'static str,
    /// Who asks.
    pub caller: Caller,
    /// The parameters of the path by their names.
    pub path: BTreeMap<String, String>,
    /// The parameters of the query, each as its [`Shape`] says. Those that did not come are not in it.
    pub query: Map<String, Value>,
    /// The body; null where the operation has none.
    pub body: Value,
    /// The versions that `If-Match` names; `None` where any will do.
    pub if_match: Option<Vec<u64>>,
    /// When it came, ms since the Unix epoch.
    pub at_ms: u64,
}

/// An answer of success.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// One of the statuses of [`Operation::answers`].
    pub status: u16,
    /// What it holds.
    pub content: Content,
    /// The version of what was read or changed: it becomes the `ETag`.
    pub version: Option<u64>,
}

/// What an answer holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing.
    None,
    /// One JSON value.
    One(Value),
    /// A page of a list: becomes `{"items", "next_cursor"}`.
    List {
        /// The items, in the list's order.
        items: Vec<Value>,
        /// What [`Shape::Cursor`] shall bring for the next page; `None` at the end.
        next: Option<String>,
    },
}

impl Response {
    /// 200 with one value.
    #[must_use]
    pub fn one(value: Value) -> Self {
        Self { status: 200, content: Content::One(value), version: None }
    }

    /// 200 with a page.
    #[must_use]
    pub fn list(items: Vec<Value>, next: Option<String>) -> Self {
        Self { status: 200, content: Content::List { items, next }, version: None }
    }

    /// With the version of what it holds.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }
}

/// Whose fault it is that there is no answer of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such thing among what he may see: 404.
    NotFound,
    /// It cannot be done as things stand: 409.
    Refused,
    /// A parameter or field is not acceptable: 422.
    Invalid,
    /// Somebody changed it meanwhile: 412.
    Changed,
    /// Something that the plugin needs is away: 503.
    Unavailable,
}

/// An error on its way out; the host makes a problem of it (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose fault.
    pub fault: Fault,
    /// What to do about it, for people.
    pub detail: String,
    /// The parameter or field at fault, where one is.
    pub field: Option<String>,
}

impl Problem {
    /// Without a field.
    #[must_use]
    pub fn new(fault: Fault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into(), field: None }
    }

    /// [`Fault::Invalid`] with the field at fault.
    #[must_use]
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self { fault: Fault::Invalid, detail: detail.into(), field: Some(field.to_owned()) }
    }
}

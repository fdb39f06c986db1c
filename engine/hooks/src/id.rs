//! Identifiers that cross the boundary. People read and type tenants; everything else is a ULID.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A tenant (企业): a short slug of `a-z`, `0-9` and `-`, at most [`TenantId::LEN_MAX`] bytes. It stands in every row, key and
/// path (GEN-02), so it is never empty and never holds a separator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(std::sync::Arc<str>);

impl TenantId {
    /// Long enough for a company's name, short enough for a path.
    pub const LEN_MAX: usize = 32;

    /// The tenant that the first start makes.
    ///
    /// # Panics
    /// Never: the name is well formed.
    #[must_use]
    pub fn first() -> Self {
        Self::from_str("default").expect("`default` is a well-formed tenant")
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > Self::LEN_MAX || !text.bytes().all(allowed) {
            return Err(IdError::Tenant);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for TenantId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.as_str().to_owned()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a tenant's slug.
    #[error("a tenant is 1 to 32 characters of a-z, 0-9 and -")]
    Tenant,
    /// Not a ULID.
    #[error("an id is a ULID of 26 characters")]
    Ulid,
    /// Not a position.
    #[error("a position is written TENANT.EPOCH.NUMBER, as the log gave it")]
    Position,
}

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// Made of wall time in ms since the Unix epoch (48 bits are kept) and 80 random bits (the lower ones of `random`).
            #[must_use]
            pub fn new(unix_ms: u64, random: u128) -> Self {
                Self(ulid::Ulid::from_parts(unix_ms, random).0)
            }

            /// When it was made, ms since the Unix epoch.
            #[must_use]
            pub fn unix_ms(self) -> u64 {
                ulid::Ulid(self.0).timestamp_ms()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(ulid::Ulid(self.0).array_to_str(&mut [0; ulid::ULID_LEN]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                ulid::Ulid::from_string(text).map(|id| Self(id.0)).map_err(|_| IdError::Ulid)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

ulid_id!(
    /// A call: from the first INVITE (or the command that originates it) until its last leg ended.
    CallId
);
ulid_id!(
    /// A leg: one dialog of a call with one phone or trunk.
    LegId
);
ulid_id!(
    /// A recording: one file of one stretch of a call.
    RecordingId
);
ulid_id!(
    /// A conference: from its first member until its last one.
    ConferenceId
);
ulid_id!(
    /// A department (部门) of a tenant.
    DepartmentId
);
ulid_id!(
    /// A row of a plugin that no fact names.
    RowId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_ulids_and_read_back() {
        let id = CallId::new(1_700_000_000_000, 42);
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.unix_ms(), 1_700_000_000_000);
        assert_eq!("nonsense".parse::<CallId>(), Err(IdError::Ulid));
    }

    #[test]
    fn a_tenant_is_a_slug() {
        assert_eq!(TenantId::first().as_str(), "default");
        for bad in ["", "A", "a/b", "a.b", "..", &"x".repeat(33)] {
            assert_eq!(bad.parse::<TenantId>(), Err(IdError::Tenant), "{bad}");
        }
    }
}

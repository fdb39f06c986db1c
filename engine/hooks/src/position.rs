//! A place in the log of facts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{IdError, TenantId};

/// Where a fact stands: facts of one tenant are ordered by epoch, then number. Written `TENANT.EPOCH.NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Position {
    /// Whose log.
    pub tenant: TenantId,
    /// Grows by one each time a node takes the tenant over or a process starts; fences an older writer.
    pub epoch: u64,
    /// Grows by one with each fact and goes on over epochs; the first fact has 1.
    pub number: u64,
}

impl Position {
    /// Before the first fact of a tenant.
    #[must_use]
    pub fn start(tenant: TenantId) -> Self {
        Self { tenant, epoch: 0, number: 0 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.tenant, self.epoch, self.number)
    }
}

impl FromStr for Position {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.split('.');
        let (Some(tenant), Some(epoch), Some(number), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdError::Position);
        };
        Ok(Self {
            tenant: tenant.parse()?,
            epoch: epoch.parse().map_err(|_| IdError::Position)?,
            number: number.parse().map_err(|_| IdError::Position)?,
        })
    }
}

impl TryFrom<String> for Position {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written() {
        let position = Position { tenant: TenantId::first(), epoch: 3, number: 1042 };
        assert_eq!(position.to_string(), "default.3.1042");
        assert_eq!("default.3.1042".parse(), Ok(position));
        for bad in ["", "default", "default.1", "default.1.x", "default.1.2.3"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}

//! What all records so far amount to, carried from segment to segment: so a restart reads only the last one.

use hooks::position::Position;

/// A value that grows with each record and can be written down: for instance which calls are open.
pub trait Fold {
    /// Takes up what was carried over into a segment; empty for the first segment there is.
    ///
    /// # Errors
    /// The bytes are not what [`Fold::save`] writes: another version wrote them.
    fn load(&mut self, carry: &[u8]) -> Result<(), FoldError>;

    /// Takes in one more record.
    ///
    /// # Errors
    /// The record cannot be understood and must not be passed over.
    fn apply(&mut self, position: &Position, payload: &[u8]) -> Result<(), FoldError>;

    /// Writes down all it holds, at most [`super::CARRY_MAX`] bytes.
    fn save(&self, out: &mut Vec<u8>);
}

/// Why a fold cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FoldError(pub String);

/// Carries nothing: for a journal whose records stand alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFold;

impl Fold for NoFold {
    fn load(&mut self, _carry: &[u8]) -> Result<(), FoldError> {
        Ok(())
    }

    fn apply(&mut self, _position: &Position, _payload: &[u8]) -> Result<(), FoldError> {
        Ok(())
    }

    fn save(&self, _out: &mut Vec<u8>) {}
}

//! The plugin boundary: facts, commands and lookups as serde types.

//! Recording files: format, repair, checksum and storage.

pub mod failpoint;

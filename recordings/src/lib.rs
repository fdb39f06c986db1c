//! Recording files: format, repair, checksum and storage.

//! The shell around the pure cores: sockets, journal, store, HTTP and media threads.

pub mod journal;

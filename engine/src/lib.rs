//! The shell around the pure cores: sockets, journal, store, HTTP and media threads.

pub mod cli;
pub mod config;
pub mod consumers;
pub mod events;
pub mod http;
pub mod journal;
pub mod live;
pub mod provision;
pub mod secrets;
pub mod store;
pub mod tenant_config;

//! The shell around the pure cores: sockets, journal, store, HTTP and media threads.

pub mod call_handling;
pub mod cli;
pub mod clock;
pub mod config;
pub mod consumers;
pub mod events;
pub mod http;
pub mod journal;
pub mod keeper;
pub mod ladder;
pub mod live;
pub mod media_bridge;
pub mod names;
pub mod prompts;
pub mod provision;
pub mod recorder;
pub mod secrets;
pub mod serve;
pub mod sip_io;
pub mod srtp;
pub mod store;
pub mod tenant_config;
pub mod tls;
pub mod trunk_policy;
pub mod writer;

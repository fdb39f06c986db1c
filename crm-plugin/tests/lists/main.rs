//! The lists of calls, from facts and by the plugin's own operations.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

mod call_records;
mod crash;
mod exports;
mod host;
mod lost_calls;
mod missed_calls;
mod property;
mod sms;
mod story;
mod strangers;

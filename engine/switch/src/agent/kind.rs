//! The words of an agent's state; those of the glossary. What is written down of it is in `hooks`.

pub use hooks::fact::{AgentState as State, CallStatus, ChangeReason as Reason, Console, Sign, Talk, Way};
use serde::{Deserialize, Serialize};

/// What follows an answered call (话后处理状态).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterCall {
    /// Wrap-up (后处理).
    #[default]
    WrapUp,
    /// The state before the call (就绪).
    Ready,
}

/// How an offer ended that he did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The caller hung up.
    CallerHungUp,
    /// He did not answer in time.
    TimedOut,
    /// He, or his phone, rejected it (AGT-19).
    Rejected,
    /// It could not be offered: his phone failed.
    Failed,
    /// Another took it, of those who were rung at once. Not his doing.
    Taken,
}

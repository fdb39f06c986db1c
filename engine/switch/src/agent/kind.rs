//! The words of an agent's state; those of the glossary.

use serde::{Deserialize, Serialize};

/// The five states (坐席状态, AGT-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Online (电话在线); idle while there is no call.
    Ready,
    /// Busy (电话忙碌).
    NotReady,
    /// Break (电话小休).
    OnBreak,
    /// Wrap-up (电话后处理).
    WrapUp,
    /// Offline (电话离线).
    Offline,
}

impl State {
    /// Whether he may dial in it (AGT-06).
    #[must_use]
    pub fn may_dial(self) -> bool {
        match self {
            Self::Ready | Self::NotReady | Self::WrapUp => true,
            Self::OnBreak | Self::Offline => false,
        }
    }
}

/// The status of the call beside the state (AGT-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// No call.
    None,
    /// He dials.
    Dialling,
    /// A call is offered to him (振铃).
    Ringing,
    /// He is connected (接通).
    Connected(Talk),
}

/// What a connected agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Talk {
    /// He talks.
    Talking,
    /// The other side is held.
    Held,
    /// He asks somebody else meanwhile.
    Consulting,
    /// Three talk.
    ThreeWay,
}

/// With what he logged in (PHONE-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The phone in the browser (USB耳机, 网页电话).
    Web,
    /// A phone on the desk (外置电话机).
    Desk,
}

/// How he is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Not at all.
    Out,
    /// By the phone that he logged in with.
    Phone(Way),
    /// By his mobile (手机签入), whatever the console does.
    Mobile(Console),
}

/// The console beside a mobile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Console {
    /// Logged out, or closed.
    Closed,
    /// The one in which he signed in by mobile.
    Open(Way),
    /// Logged in anew. A phone on the desk takes over when he chooses to be ready (PHONE-10), a web phone at once or when
    /// his call is over (PHONE-11).
    Returned(Way),
}

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

/// Why a state changed (切换原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// He logged in.
    Login,
    /// He chose it.
    Manual,
    /// A call is offered.
    Ring,
    /// It was answered.
    Answer,
    /// The offer ended.
    RingEnd,
    /// Too many missed offers in a row.
    MissedCalls,
    /// He dials.
    Dial,
    /// What he dialled did not answer.
    DialEnd,
    /// His part of a call ended.
    CallEnd,
    /// Wrap-up was over.
    WrapUpTimeout,
    /// A supervisor did.
    Forced,
    /// His phone was lost.
    ConnectionLost,
    /// He logged out.
    Logout,
    /// He signed in by mobile.
    MobileSignIn,
    /// He signed out of his mobile.
    MobileSignOut,
    /// He left the enterprise.
    AccountClosed,
}

//! Facts of agents (坐席): the words of their states, and what changes them.

use serde::{Deserialize, Serialize};

use crate::id::CallId;

/// The five states (坐席状态, AGT-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
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

/// Why a state changed (切换原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeReason {
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

/// An agent stands otherwise than before: one row of the table AGT-17. The state is often the same, and another thing is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStateChanged {
    /// The employee number.
    pub agent: String,
    /// The extension that he is signed in on; `None` where he is not, or only by mobile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// The number of his mobile, while he is signed in by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// Before.
    pub from: AgentState,
    /// After.
    pub to: AgentState,
    /// The status of his call.
    pub call_status: CallStatus,
    /// The call that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// How he is signed in from now on.
    pub sign: Sign,
    /// Why.
    pub reason: ChangeReason,
    /// Who did it, where that was somebody else: a supervisor's login name or `token:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// See [`super::Event::AgentSignedIn`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSignedIn {
    /// The employee number.
    pub agent: String,
    /// The extension that he is signed in on; `None` where he is so only by mobile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// The number of his mobile, while he is signed in by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// How he is signed in from now on.
    pub sign: Sign,
}

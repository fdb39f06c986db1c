//! The closed set of what can happen to the switch.

use std::sync::Arc;

use bytes::Bytes;
use dialplan::flow::name::{Mailbox, QueueName};
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber, RoomNumber, TrunkName};
use hooks::fact::{AgentState, AgentStateChanged, CallbackRequested, RegistrationBound, Supervision, Way};
use hooks::id::{CallId, LegId, RecordingId, TenantId};
use hooks::lookup::Answer;
use sip::flow::{ConnectionId, Flow};
use sip::message::Message;
use sip::parse::ParseError;

use crate::agent::Force;
use crate::checkpoint::CallCheckpoint;
use crate::config::TenantConfig;
pub use crate::floor::REGULARS_MAX;
use crate::media::{Audio, Decibels, MediaEvent};
use crate::passes::Pass;

/// One thing that happens to the switch.
#[derive(Debug)]
pub enum Input {
    /// A message arrived; parsed on the reader's thread.
    Sip {
        /// From where.
        flow: Flow,
        /// The message, or why it is none (with what an answer needs).
        message: Result<Message, ParseError>,
    },
    /// A connection was closed by the peer or by an error: its flows are dead.
    ConnectionClosed(ConnectionId),
    /// A message could not be sent: the peer refused it or no connection could be made.
    SendFailed {
        /// Where to.
        flow: Flow,
        /// What was to be sent.
        bytes: Bytes,
    },
    /// What the media threads report.
    Media(MediaEvent),
    /// A tenant's settings are new or changed.
    Tenant(Arc<TenantConfig>),
    /// Bindings that the log remembers from before a restart; those that expired meanwhile are dropped.
    Restore {
        /// Whose.
        tenant: TenantId,
        /// The binding as last written down.
        binding: RegistrationBound,
    },
    /// An agent as the log remembers him from before a restart (AGT-15). His phone has a minute to come back; a call that he had
    /// has ended for him, unless it goes on by [`Input::Resume`].
    RestoreAgent {
        /// Whose.
        tenant: TenantId,
        /// What was written down of him last.
        fact: Box<AgentStateChanged>,
        /// Since when he is in his state, ms since the Unix epoch.
        since_ms: u64,
    },
    /// Somebody whom the last process was to call back: after the calls that go on, whose agents are not idle.
    RestoreCallback {
        /// Whose.
        tenant: TenantId,
        /// What he asked for.
        asked: Box<CallbackRequested>,
        /// When, ms since the Unix epoch.
        asked_ms: u64,
        /// How often he was called.
        attempts: u8,
    },
    /// What the records tell of the time before a restart: who talked with which caller last, in any order (IVR-05), and how many calls of
    /// queues each agent has answered today.
    Recall {
        /// Whose.
        tenant: TenantId,
        /// What they tell.
        recalled: Box<Recalled>,
    },
    /// A call of a process that was killed: it goes on if both parties are still there.
    Resume {
        /// What was kept of it.
        checkpoint: Box<CallCheckpoint>,
        /// When that process is known to have lived last, ms since the Unix epoch.
        interrupted_at_ms: u64,
    },
    /// Somebody asks for something; the answer is [`crate::output::Output::Reply`] with the same id.
    Command {
        /// Chosen by the shell.
        id: CommandId,
        /// Whose.
        tenant: TenantId,
        /// What.
        command: Command,
    },
    /// What a server answered to [`crate::output::Output::LookUp`]. An answer that nobody waits for any more is dropped.
    LookedUp {
        /// The call that asked.
        call: CallId,
        /// Which of its questions.
        id: LookUpId,
        /// The answer; none where there was none in time, or it was of no use.
        answer: Option<serde_json::Value>,
    },
    /// What a hook answered to [`crate::output::Output::Ask`]. An answer that nobody waits for any more is dropped.
    Answered {
        /// The call that asked.
        call: CallId,
        /// Which of its questions.
        id: LookUpId,
        /// The answer; none where nobody knows, or knew in time: the default holds.
        answer: Option<Answer>,
    },
    /// What came of [`crate::output::Output::Box`]. An answer that nobody waits for any more is dropped.
    Box {
        /// The call that asked.
        call: CallId,
        /// Which of its questions.
        id: LookUpId,
        /// None where it can't be read.
        answer: Option<BoxAnswer>,
    },
    /// Whether new calls are accepted. Emergency calls are, always (GEN-18).
    Admission(Admission),
    /// How many voice messages a box has now: phones that watch it are told (RFC 3842). None are counted where nothing was said.
    MessagesWaiting {
        /// Whose.
        tenant: TenantId,
        /// Which; one that is not in the tenant's settings is passed over.
        mailbox: Mailbox,
        /// Not heard yet.
        new: u32,
        /// Heard and kept.
        old: u32,
    },
    /// The process stops: end every call, then give no more output.
    Stop,
}

/// What there is in a box for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoxAnswer {
    /// The box.
    Opened {
        /// How many nobody has listened to, also those that are not in the list.
        new: u32,
        /// At most [`BOX_MESSAGES_MAX`], in any order.
        messages: Vec<StoredMessage>,
    },
    /// What was said.
    Sound(Audio),
}

/// A message in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Which.
    pub voicemail: RecordingId,
    /// The call in which it was left.
    pub call: CallId,
    /// Somebody has listened to it.
    pub heard: bool,
}

/// Messages that are read out of a box at a time: more than anybody listens to in one call.
pub const BOX_MESSAGES_MAX: usize = 100;

/// What the records tell of the time before a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Talks with callers from outside; more than [`REGULARS_MAX`] are no use.
    pub talks: Vec<Talk>,
    /// Agents, and how many calls of queues they have answered today.
    pub answered_today: Vec<(AgentNumber, u32)>,
}

/// An agent talked with a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// The caller's number, in any form.
    pub caller: String,
    /// Who.
    pub agent: AgentNumber,
    /// Since when, ms since the Unix epoch.
    pub at_ms: u64,
}

/// Names a command's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// Names a question to a server; no two of a process have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookUpId(pub u64);

/// What somebody may ask of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Rings the extension's phones (with the auto-answer header), then dials the number (CALL-09). Replies at once with the call.
    Originate {
        /// Whose phones.
        from: ExtensionNumber,
        /// What to dial.
        to: Dialled,
    },
    /// Ends a call.
    Hangup(CallId),
    /// Presses keys toward a party of a call: that of the leg, else the called one, or the only one there is.
    SendDigits {
        /// The call.
        call: CallId,
        /// One of its legs.
        leg: Option<LegId>,
        /// Of `0`-`9`, `*`, `#`, `A`-`D`.
        digits: String,
    },
    /// Does something to the conference in a room.
    Conference(RoomNumber, ConferenceOrder),
    /// Records a call, or does not, whatever the rule says (REC-08).
    Record {
        /// Which.
        call: CallId,
        /// What.
        action: RecordAction,
        /// Who asks: a login name or `token:NAME`.
        by: String,
    },
    /// Rings the phones of an agent or an extension for a call that rings elsewhere, or is parked.
    PickUp {
        /// The call.
        call: CallId,
        /// Who shall take it.
        by: Picker,
    },
    /// Something is ordered for a party of a call.
    Call {
        /// The call.
        call: CallId,
        /// For whom; for the only extension in it where nobody is named.
        party: Option<Party>,
        /// What.
        order: CallOrder,
    },
    /// A supervisor goes into the call of an agent, or ends it.
    Supervise(Box<Supervise>),
    /// Something is asked of an agent's state.
    Agent {
        /// Whose.
        agent: AgentNumber,
        /// What.
        order: AgentOrder,
        /// Who asks, where that is not himself: a login name or `token:NAME`.
        by: Option<String>,
    },
    /// Somebody did something with a message: that is written down.
    Voicemail {
        /// Which.
        voicemail: RecordingId,
        /// The call in which it was left.
        call: CallId,
        /// What.
        what: VoicemailUse,
        /// Who: a login name or `token:NAME`.
        by: String,
    },
    /// Somebody who asked to be called back is not.
    CancelCallback {
        /// The queue.
        queue: QueueName,
        /// The call in which he asked for it.
        callback: CallId,
        /// Who asks: a login name or `token:NAME`.
        by: String,
    },
    /// Lifts the ban on a source.
    LiftBan(std::net::IpAddr),
    /// Asks each address of a trunk whether it is there, and registers anew where we register. Replies when all have answered,
    /// or after some seconds.
    TestTrunk(TrunkName),
    /// A browser may register with this.
    Admit(Box<Pass>),
    /// The passes of this session end, and with them what is registered by them. Calls go on.
    Revoke(String),
    /// The phones of an extension are registered no more, until they register again. Calls go on.
    Unbind(ExtensionNumber),
}

/// What may be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoicemailUse {
    /// It was listened to.
    Listen,
    /// A copy was taken.
    Download,
    /// It is deleted.
    Delete,
}

/// Who shall take a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picker {
    /// An agent, wherever he is signed in.
    Agent(AgentNumber),
    /// Whoever is on that extension.
    Extension(ExtensionNumber),
}

/// A party of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// An agent.
    Agent(AgentNumber),
    /// Whoever is on that extension.
    Extension(ExtensionNumber),
    /// That leg.
    Leg(LegId),
}

/// What may be ordered for a party of a call (section 5 of the requirements).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOrder {
    /// The other party hears music (保持).
    Hold,
    /// And the party again.
    Retrieve,
    /// The other party is handed on to a number; this one is out of the call at once (转接, CALL-14).
    Transfer(Dialled),
    /// Somebody is asked; the other party hears music (询问, CALL-17).
    Consult(Dialled),
    /// The other party goes on with who was asked (确定询问).
    CompleteConsult,
    /// Back to the other party (取消询问).
    CancelConsult,
    /// Who was asked joins, or that extension does (三方).
    ThreeWay(Option<Dialled>),
    /// The third leaves, or it ends for all (取消三方).
    CancelThreeWay,
    /// The other party waits at a place with a number, and this one is out of the call at once.
    Park,
    /// Hangs up (挂断): what that means is a matter of the phase.
    HangUp,
    /// The agent is out of the call, and the customer is asked how it was (评价, CALL-25).
    Evaluate,
    /// Keys are pressed (键盘, CALL-04): toward the other party, whom is asked, or both others.
    Press(String),
}

/// What a supervisor does in the call of an agent (section 30 of the requirements).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervise {
    /// The call.
    pub call: CallId,
    /// Whose; the only agent's who talks in it where none is named.
    pub agent: Option<AgentNumber>,
    /// Whose phone takes part; none does where the call is hung up.
    pub supervisor: Option<AgentNumber>,
    /// What.
    pub how: Supervision,
    /// Who asks: a login name or `token:NAME`.
    pub by: String,
}

/// What is asked of an agent's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentOrder {
    /// He logs in with a phone (PHONE-01).
    SignIn(SignIn),
    /// He logs out.
    SignOut,
    /// He picks a state (AGT-10).
    Pick(AgentState),
    /// He signs in by mobile (手机签入, PHONE-07); the number of his settings where none is given.
    MobileSignIn(Option<Dialled>),
    /// He signs out of it (手机签出).
    MobileSignOut,
    /// A supervisor changes his state (AGT-16).
    Force(Force),
}

/// With which phone somebody logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// What kind of phone.
    pub way: Way,
    /// On which extension; his own where none is given.
    pub extension: Option<ExtensionNumber>,
}

/// What may be done to a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConferenceOrder {
    /// The member of this call is not heard any more.
    Mute(CallId),
    /// It is heard again.
    Unmute(CallId),
    /// It is sent away: its call ends.
    Kick(CallId),
    /// It is heard so loud.
    SetGain(CallId, Decibels),
    /// Only moderators come in from now on.
    Lock,
    /// All who know the PIN come in again.
    Unlock,
    /// It is recorded.
    Record,
    /// It is recorded no more.
    StopRecording,
    /// All are sent away.
    End,
}

/// What becomes of the recording of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordAction {
    /// It is recorded from now on, until it is over.
    Start,
    /// It is recorded no more.
    Stop,
    /// Silence is recorded from now on: a card number.
    Pause,
    /// What is said is recorded again.
    Resume,
}

/// Whether new calls are accepted, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Accepted.
    Open,
    /// The disk is below its floor.
    DiskLow,
    /// The log of facts cannot be written.
    JournalFailed,
    /// The process is about to stop.
    Draining,
}

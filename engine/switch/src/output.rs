//! The closed set of what the switch wants done. The shell writes the facts of a step to the journal before any other
//! output of the same step leaves the process (decision 4).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use dialplan::flow::name::Mailbox;
use dialplan::number::ExtensionNumber;
use hooks::fact::{Fact, Way};
use hooks::id::{CallId, RecordingId, TenantId};
use hooks::lookup::Question;
use sip::flow::{ConnectionId, Flow};

use crate::agent::{Control, Phase};
use crate::checkpoint::Checkpointed;
use crate::input::{CommandId, LookUpId};
use crate::media::MediaCommand;
use crate::view::{TrunkAnswer, View};

/// One thing to do.
#[derive(Debug)]
pub enum Output {
    /// Write this down.
    Fact(Fact),
    /// Keep this for a process that takes the place of this one. Written as a fact is, before the effects of its step.
    Checkpoint(Checkpointed),
    /// Send these bytes. On a stream without a connection: open one to the peer, or use the one there is.
    Send {
        /// Where to.
        flow: Flow,
        /// The whole message.
        bytes: Bytes,
    },
    /// Close a connection whose stream cannot be framed any more.
    CloseConnection(ConnectionId),
    /// Tell the media side.
    Media(MediaCommand),
    /// Ask a server; [`crate::input::Input::LookedUp`] follows.
    LookUp(Box<LookUp>),
    /// Ask whoever knows more; [`crate::input::Input::Answered`] follows, or the call goes on without when its time is over.
    Ask(Box<Asked>),
    /// Read a box for messages; [`crate::input::Input::Box`] follows, or the caller is told that it can't be read.
    Box(Box<BoxAsked>),
    /// Publish what an entity looks like now.
    Publish(View),
    /// Answer a command; comes after the views the command changed.
    Reply {
        /// Which command.
        id: CommandId,
        /// How it went.
        result: Result<Done, Refused>,
    },
}

/// What a flow asks of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// Whose call.
    pub tenant: TenantId,
    /// The call that asks.
    pub call: CallId,
    /// Which of its questions.
    pub id: LookUpId,
    /// By GET.
    pub url: String,
    /// No longer than this.
    pub timeout: Duration,
}

/// What a call asks of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which of the questions of this process.
    pub id: LookUpId,
    /// What.
    pub question: Question,
    /// An answer after this is of no use.
    pub timeout: Duration,
}

/// What a call wants of a box for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxAsked {
    /// Whose call.
    pub tenant: TenantId,
    /// The call that asks.
    pub call: CallId,
    /// Which of the questions of this process.
    pub id: LookUpId,
    /// What.
    pub what: BoxOrder,
}

/// See [`BoxAsked`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoxOrder {
    /// What is in it.
    Open(Mailbox),
    /// The sound of a message.
    Sound {
        /// Which.
        voicemail: RecordingId,
        /// Who listens: `extension:1001`.
        by: String,
    },
}

/// How long a caller waits for a box or a message; the shell gives up before.
pub const BOX_ANSWER_MAX: Duration = Duration::from_secs(10);

/// What a command brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A call was started.
    Call(CallId),
    /// A party is parked there.
    Parked(ExtensionNumber),
    /// Nothing to tell.
    Ok,
    /// A trunk was tested.
    TrunkTested(Box<TrunkTest>),
}

/// What a test of a trunk brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkTest {
    /// Each of its addresses, and what the OPTIONS to it came to.
    pub targets: Vec<(SocketAddr, TrunkAnswer)>,
    /// What the REGISTER came to, where we register.
    pub registration: Option<TrunkAnswer>,
}

/// Why a command was refused; the shell words it for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such call, or it is over.
    #[error("there is no such call; it may be over")]
    NoSuchCall,
    /// Nobody is there who could hear keys.
    #[error("the party is not connected, or the call has no such leg")]
    NotConnected,
    /// Nobody is in the room.
    #[error("nobody is in the room; somebody has to call it first")]
    NoSuchConference,
    /// The call is not in the room.
    #[error("the call is not in the room; see who is")]
    NoSuchMember,
    /// No such extension.
    #[error("there is no such extension, or it is disabled")]
    NoSuchExtension,
    /// The extension has no phone.
    #[error("no phone is registered on the extension; register one first")]
    NotRegistered,
    /// The number leads nowhere.
    #[error("the number leads nowhere; add an extension or an outbound route for it")]
    NoRoute,
    /// CALL-25.
    #[error("no survey: the party is not an outside customer, or the queue has none set")]
    NoSurvey,
    /// GEN-19.
    #[error("the number is on the block list; take it out first")]
    Blocked,
    /// New calls are not accepted now.
    #[error("new calls are not accepted now; see the health page")]
    NotAdmitted,
    /// Too many calls.
    #[error("too many calls; try again later")]
    Full,
    /// No such callback.
    #[error("nobody is to be called back by that name in the queue; he may have been")]
    NoSuchCallback,
    /// No such ban.
    #[error("the address is not banned")]
    NotBanned,
    /// No such trunk.
    #[error("there is no such trunk, or it is disabled")]
    NoSuchTrunk,
    /// Nobody talks yet, or a party waits for another.
    #[error("two parties have to talk for the call to be recorded")]
    NotTalking,
    /// It is recorded.
    #[error("the call is being recorded already")]
    AlreadyRecorded,
    /// It is not.
    #[error("the call is not being recorded; start that first")]
    NotRecorded,
    /// It is paused.
    #[error("the recording is paused already")]
    AlreadyPaused,
    /// It is not.
    #[error("the recording is not paused")]
    NotPaused,
    /// The phase of the call does not allow it (section 5 of the requirements).
    #[error("{}", out_of_phase(*.control, *.phase))]
    OutOfPhase {
        /// What was ordered.
        control: Control,
        /// The phase of the party's call.
        phase: Phase,
    },
    /// Nobody knows for the moment who is still there, or the call is on its way to somebody else.
    #[error("the call is just changing hands, or coming back after a failure; try again in a moment")]
    NotNow,
    /// No party of the call is meant, or several could be.
    #[error("name the party for whom this is ordered: `agent`, `extension` or `leg`")]
    WhichParty,
    /// AGT-12.
    #[error("agent not available: busy, offline or on a call; choose another one")]
    NotAvailable,
    /// All places are taken.
    #[error("every place for parked callers is taken; take one of them first, or make more places ([park] slots)")]
    ParkFull,
    /// Somebody waits there.
    #[error("somebody is parked there already; choose another place")]
    SlotTaken,
    /// The call can be taken by nobody else.
    #[error("only a call that rings at an extension, or is parked, can be picked up")]
    NothingToPickUp,
    /// Who shall take it is in it, or is rung by it.
    #[error("who shall take the call takes part in it already, or is being rung by it")]
    TakesPart,
    /// CALL-21.
    #[error("a number outside joins a call only by a consult; consult it first")]
    OutsideByConsult,
    /// There is nobody to join.
    #[error("name the extension that shall join, or consult somebody first")]
    NoThird,
    /// MON-23.
    #[error("the agent has no call that is answered; wait until he talks")]
    NotOnCall,
    /// MON-29.
    #[error("nobody supervises himself; choose another agent")]
    Oneself,
    /// Whose phone shall listen is not said.
    #[error("name the supervisor whose phone takes part: `supervisor`")]
    WhichSupervisor,
    /// MON-26.
    #[error("you supervise a call already; hang up there first")]
    Supervises,
    /// MON-29.
    #[error("another supervisor whispers or talks in the call; listening in is possible")]
    OneTalksAlready,
    /// MON-29.
    #[error("three talk, or somebody is being asked; only listening in is possible")]
    ThreeAlready,
    /// CALL-24.
    #[error("a supervisor talks in the call, and three are the most; ask again when he has left")]
    BargedIn,
    /// Too many supervisors.
    #[error("too many supervisors are in the call already; one of them has to leave first")]
    SupervisorsFull,
    /// No such agent.
    #[error("there is no such agent; make the employee an agent first")]
    NoSuchAgent,
    /// He has no extension, and none was named.
    #[error("the agent has no extension of his own; name one to sign in on")]
    NoExtension,
    /// PHONE-05.
    #[error("another agent is signed in on the extension; choose another one, or sign him out")]
    ExtensionTaken,
    /// PHONE-05.
    #[error("{}", way_not_allowed(*.0))]
    WayNotAllowed(Way),
    /// A call runs on it that began before.
    #[error("a call is running on the extension; end it first")]
    ExtensionOnCall,
    /// PHONE-07.
    #[error("the agent has no mobile of his own; name one to sign in by")]
    NoMobile,
    /// No trunk takes it.
    #[error(
        "the mobile's number leads to no trunk; write it as it is dialled outside, or add an outbound route for it"
    )]
    MobileUnreachable,
    /// His state forbids it.
    #[error(transparent)]
    Agent(#[from] crate::agent::Refused),
    /// It is being tested.
    #[error("the trunk is being tested already; wait for that")]
    TestRunning,
}

fn way_not_allowed(way: Way) -> &'static str {
    match way {
        Way::Web => "the extension takes no web phone; sign in with a desk phone, or set its `ways` otherwise",
        Way::Desk => "the extension takes no desk phone; sign in with the web phone, or set its `ways` otherwise",
    }
}

/// "cannot hold: no call".
fn out_of_phase(control: Control, phase: Phase) -> String {
    format!("cannot {} now: {}", control.verb(), phase.explained())
}

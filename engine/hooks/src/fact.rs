//! Facts: what happened, in the past tense, once. The log of facts is the only source of records, reports and pops.

mod agent;
mod block;
mod callback;
mod conference;
mod consult;
mod directory;
mod flow;
mod park;
mod quality;
mod queue;
mod recording;
mod supervise;
mod survey;
mod transfer;
mod voicemail;

use serde::{Deserialize, Serialize};

pub use agent::{AgentSignedIn, AgentState, AgentStateChanged, CallStatus, ChangeReason, Console, Sign, Talk, Way};
pub use block::{BlockTreatment, BlockedSide, CallBlocked};
pub use callback::{CallbackEnded, CallbackOutcome, CallbackRequested, CallbackStarted};
pub use conference::{
    ConferenceEnd, ConferenceEnded, ConferenceStarted, LeftReason, MemberJoined, MemberLeft, MemberMuted, MemberRole,
    MutedBy,
};
pub use consult::{ConsultEnded, ConsultOutcome, ConsultStarted, ThreeWayEnded, ThreeWayStarted};
pub use directory::{DirectoryChanged, DirectoryPart};
pub use flow::{FlowStep, FlowWalked};
pub use park::{CallParked, CallUnparked, ParkEnd};
pub use quality::{MediaQuality, QualityStretch, QualityTimeline, ReceivedQuality, ReportedQuality};
pub use queue::{
    CallLeftQueue, CallOfferEnded, CallOffered, CallQueued, ChoiceRule, OfferOutcome, OverflowAnswered, QueueExit,
    WhyAgent, WhyCandidate,
};
pub use recording::{
    AudioFormat, AudioPlace, RecordingDiscarded, RecordingFailed, RecordingMark, RecordingPurged, RecordingReady,
    RecordingStarted, RecordingStored,
};
pub use supervise::{CallSupervised, CallSupervisionEnded, Supervision};
pub use survey::{SurveyAnswer, SurveyCompleted, SurveyInvited, SurveyStart, SurveySubject};
pub use transfer::{TransferFailed, TransferKind, TransferStarted, Transferred};
pub use voicemail::{VoicemailLeft, VoicemailUsed};

use crate::id::{CallId, LegId, TenantId};
use crate::position::Position;

/// One thing that happened in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Whose it is.
    pub tenant: TenantId,
    /// Wall time, ms since the Unix epoch, UTC (GEN-03, GEN-04).
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. Serialised as `{"type": "call.created", "data": {...}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A call exists: an INVITE was accepted for routing, or a command originates one.
    #[serde(rename = "call.created")]
    CallCreated(CallCreated),
    /// A leg exists: an INVITE came in or is about to leave.
    #[serde(rename = "call.leg_started")]
    LegStarted(LegStarted),
    /// The phone on a called leg rings, or gives early media.
    #[serde(rename = "call.leg_ringing")]
    LegRinging(LegRinging),
    /// A leg answered (200 sent or received).
    #[serde(rename = "call.leg_answered")]
    LegAnswered(LegAnswered),
    /// A leg is over; what its media was like.
    #[serde(rename = "call.leg_ended")]
    LegEnded(LegEnded),
    /// Two parties talk for the first time.
    #[serde(rename = "call.answered")]
    CallAnswered(CallAnswered),
    /// A party put the other on hold (CALL-12).
    #[serde(rename = "call.held")]
    CallHeld(LegOfCall),
    /// The held party was taken back.
    #[serde(rename = "call.retrieved")]
    CallRetrieved(LegOfCall),
    /// A party began to hand the other one on (CALL-14): that one waits while somebody else is called.
    #[serde(rename = "call.transfer_started")]
    TransferStarted(TransferStarted),
    /// The party that was handed on talks with the new one; who handed it on is out of the call.
    #[serde(rename = "call.transferred")]
    Transferred(Transferred),
    /// The new party could not be reached: the call returned to who handed it on, or rings there again; that of an agent goes to the front of a queue.
    #[serde(rename = "call.transfer_failed")]
    TransferFailed(TransferFailed),
    /// A party was handed on to a place where it waits until somebody takes it.
    #[serde(rename = "call.parked")]
    CallParked(CallParked),
    /// It is there no more.
    #[serde(rename = "call.unparked")]
    CallUnparked(CallUnparked),
    /// A caller went through nodes of a flow: told when he leaves it for somebody or a queue, when the call ends, and else after ten seconds or
    /// 16 nodes.
    #[serde(rename = "call.flow_walked")]
    FlowWalked(FlowWalked),
    /// A party asks somebody else meanwhile (CALL-17).
    #[serde(rename = "call.consult_started")]
    ConsultStarted(ConsultStarted),
    /// It does so no more.
    #[serde(rename = "call.consult_ended")]
    ConsultEnded(ConsultEnded),
    /// Three talk (CALL-21).
    #[serde(rename = "call.conference_started")]
    ThreeWayStarted(ThreeWayStarted),
    /// They do so no more.
    #[serde(rename = "call.conference_ended")]
    ThreeWayEnded(ThreeWayEnded),
    /// A supervisor listens, talks, takes the agent's place, or ended the call (MON-24 to MON-30).
    #[serde(rename = "call.supervised")]
    CallSupervised(CallSupervised),
    /// A supervisor listens or talks no more.
    #[serde(rename = "call.supervision_ended")]
    CallSupervisionEnded(CallSupervisionEnded),
    /// A caller began to wait in a queue.
    #[serde(rename = "call.queued")]
    CallQueued(CallQueued),
    /// He left it.
    #[serde(rename = "call.left_queue")]
    CallLeftQueue(CallLeftQueue),
    /// A call is offered to an agent.
    #[serde(rename = "call.offered")]
    CallOffered(CallOffered),
    /// The offer ended.
    #[serde(rename = "call.offer_ended")]
    CallOfferEnded(CallOfferEnded),
    /// A number outside answered a call that no agent took.
    #[serde(rename = "call.overflow_answered")]
    OverflowAnswered(OverflowAnswered),
    /// A caller who waits asked to be called back.
    #[serde(rename = "callback.requested")]
    CallbackRequested(CallbackRequested),
    /// An agent took the call to him, and he is dialled.
    #[serde(rename = "callback.started")]
    CallbackStarted(CallbackStarted),
    /// He is called back no more.
    #[serde(rename = "callback.ended")]
    CallbackEnded(CallbackEnded),
    /// An agent signed in or out, chose a state, was offered a call, talks, or does so no more.
    #[serde(rename = "agent.state_changed")]
    AgentStateChanged(AgentStateChanged),
    /// An agent signed in: on a phone on the desk, in the browser, or by his mobile. It follows the change that says the same.
    #[serde(rename = "agent.signed_in")]
    AgentSignedIn(AgentSignedIn),
    /// The call goes on after the process was killed and another took its place.
    #[serde(rename = "call.resumed")]
    CallResumed(CallResumed),
    /// The call is over; nothing follows but its recording.
    #[serde(rename = "call.ended")]
    CallEnded(CallEnded),
    /// A recording began.
    #[serde(rename = "recording.started")]
    RecordingStarted(RecordingStarted),
    /// A recording is complete, or was repaired after a crash.
    #[serde(rename = "recording.ready")]
    RecordingReady(RecordingReady),
    /// A recording stopped early or could not start: the call went on without it.
    #[serde(rename = "recording.failed")]
    RecordingFailed(RecordingFailed),
    /// A recording is not to be kept: it is deleted.
    #[serde(rename = "recording.discarded")]
    RecordingDiscarded(RecordingDiscarded),
    /// A recording lies where it is kept, in the form in which it is kept.
    #[serde(rename = "recording.stored")]
    RecordingStored(RecordingStored),
    /// The audio of a recording was deleted, since its time was over (REC-06).
    #[serde(rename = "recording.purged")]
    RecordingPurged(RecordingPurged),
    /// A number of the call is on a block list (GEN-19): its caller gets what is set for that.
    #[serde(rename = "call.blocked")]
    CallBlocked(CallBlocked),
    /// A customer is asked how it was (SURVEY-04).
    #[serde(rename = "survey.invited")]
    SurveyInvited(SurveyInvited),
    /// What came of it; once for each invitation.
    #[serde(rename = "survey.completed")]
    SurveyCompleted(SurveyCompleted),
    /// A caller left a message (VM-05).
    #[serde(rename = "voicemail.left")]
    VoicemailLeft(VoicemailLeft),
    /// Somebody listened to a message (VM-02).
    #[serde(rename = "voicemail.listened")]
    VoicemailListened(VoicemailUsed),
    /// Somebody took a copy of it (VM-02).
    #[serde(rename = "voicemail.downloaded")]
    VoicemailDownloaded(VoicemailUsed),
    /// Somebody deleted it.
    #[serde(rename = "voicemail.deleted")]
    VoicemailDeleted(VoicemailUsed),
    /// The first member entered a conference room.
    #[serde(rename = "conference.started")]
    ConferenceStarted(ConferenceStarted),
    /// A call entered a conference room.
    #[serde(rename = "conference.member_joined")]
    MemberJoined(MemberJoined),
    /// A call left it.
    #[serde(rename = "conference.member_left")]
    MemberLeft(MemberLeft),
    /// A member is not heard any more, or is heard again.
    #[serde(rename = "conference.member_muted")]
    MemberMuted(MemberMuted),
    /// The last member left, or was sent away.
    #[serde(rename = "conference.ended")]
    ConferenceEnded(ConferenceEnded),
    /// Silence is recorded from here on (REC-08).
    #[serde(rename = "recording.paused")]
    RecordingPaused(RecordingMark),
    /// What is said is recorded again.
    #[serde(rename = "recording.resumed")]
    RecordingResumed(RecordingMark),
    /// A phone registered, refreshed or moved.
    #[serde(rename = "registration.bound")]
    RegistrationBound(RegistrationBound),
    /// A registration ended.
    #[serde(rename = "registration.unbound")]
    RegistrationUnbound(RegistrationUnbound),
    /// A source of failed sign-ins is refused for a while.
    #[serde(rename = "source.banned")]
    SourceBanned(SourceBanned),
    /// A setting was changed, by whom and how; the audit log holds the same entry.
    #[serde(rename = "settings.changed")]
    SettingsChanged(SettingsChanged),
    /// An employee, department, role or extension was changed: what was known of it is to be asked for again.
    #[serde(rename = "tenant.directory_changed")]
    DirectoryChanged(DirectoryChanged),
    /// A trunk can be used: it is registered with, and answers, as far as either is asked for.
    #[serde(rename = "trunk.up")]
    TrunkUp(TrunkUp),
    /// A trunk cannot be used, and calls leave it out.
    #[serde(rename = "trunk.down")]
    TrunkDown(TrunkDown),
}

/// Which way a call goes, seen from the tenant (CDR-02, CDR-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a trunk (呼入).
    Inbound,
    /// To a trunk (呼出).
    Outbound,
    /// Between extensions, or to a service such as the echo test.
    Internal,
}

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerKind {
    /// A registered extension of the tenant.
    Extension,
    /// The outside, through a trunk.
    Trunk,
    /// A service of the switch itself (echo test).
    Service,
}

/// What made a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallSource {
    /// Somebody dialled.
    Dialled,
    /// The API originated it (two-step dialling, CALL-09).
    Api,
    /// A queue calls back who asked for it.
    Callback,
}

/// See [`Event::CallCreated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCreated {
    /// The call.
    pub call: CallId,
    /// Which way it goes.
    pub direction: Direction,
    /// What made it (CDR-01).
    pub source: CallSource,
    /// The caller's number as matched (CALL-32); empty when withheld.
    pub caller: String,
    /// The caller's display name, empty when none was given.
    pub caller_name: String,
    /// The number dialled, as dialled (for an inbound call: the DID).
    pub callee: String,
    /// The trunk it came in by.
    pub trunk: Option<String>,
    /// An emergency number was dialled (GEN-18).
    pub emergency: bool,
    /// The number that the call was meant for, where somebody outside sent it on to us (RFC 5806, RFC 7044).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverted_from: Option<String>,
}

/// See [`Event::LegStarted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegStarted {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// True for the leg whose INVITE came to us, or that the API rings first.
    pub caller_side: bool,
    /// What is at the far end.
    pub peer: PeerKind,
    /// The extension's number, the trunk's name, or the service's number.
    pub peer_name: String,
    /// The number shown to or dialled at the far end.
    pub number: String,
    /// The Call-ID of its dialog (one leg, one Call-ID); empty on a service.
    pub sip_call_id: String,
}

/// See [`Event::LegRinging`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRinging {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// The far end sends its own tones or announcements (CALL-31).
    pub early_media: bool,
}

/// See [`Event::LegAnswered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegAnswered {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// The codec agreed on, by its SDP name.
    pub codec: String,
}

/// Why a leg or call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// Hung up after the answer.
    Normal,
    /// The caller hung up before the answer.
    Cancelled,
    /// Another phone answered.
    AnsweredElsewhere,
    /// The called phone was busy (486, 600).
    Busy,
    /// The called party rejected (603, 403 ...).
    Rejected,
    /// Nobody answered in time (408, 480, our own ring time-out).
    NoAnswer,
    /// The number leads nowhere (404, 484, 604) or nobody is registered there.
    Unreachable,
    /// No common codec (488, 606).
    NotAcceptable,
    /// The caller may not dial this, or the switch was told to refuse it.
    Refused,
    /// The switch or the trunk is full (503).
    Congestion,
    /// No RTP for longer than allowed.
    MediaTimeout,
    /// No answer to an in-dialog request, no ACK, or the transport failed.
    PeerLost,
    /// A command of the API ended it.
    Command,
    /// The party handed the call on, or its leg went on in another call.
    Transferred,
    /// The browser came back to the call from a page that was loaded again: it goes on with another leg.
    Reconnected,
    /// The process died; the times are the last ones known.
    Interrupted,
    /// The process was told to stop, and ended what still ran.
    Stopped,
    /// The far end answered with something else, or an internal failure; see the SIP status.
    Failed,
}

/// Who ended a call (CDR-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The calling party.
    Caller,
    /// The called party.
    Callee,
    /// The switch: a limit, a time-out, a command or a crash.
    System,
}

/// See [`Event::LegEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegEnded {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// Why.
    pub cause: EndCause,
    /// The final SIP status of its INVITE; 0 when none was seen.
    pub sip_status: u16,
    /// What its far end said of it in the Reason of a BYE, a CANCEL or a refusal (RFC 3326): `Q.850;cause=16`. At most 128
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What its media was like; `None` where none flowed.
    pub quality: Option<MediaQuality>,
}

/// See [`Event::CallAnswered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAnswered {
    /// The call.
    pub call: CallId,
    /// The leg that answered.
    pub leg: LegId,
}

/// A leg and its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegOfCall {
    /// The call.
    pub call: CallId,
    /// The leg that acted.
    pub leg: LegId,
}

/// See [`Event::CallResumed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResumed {
    /// The call.
    pub call: CallId,
    /// The last moment at which the killed process is known to have lived, ms since the Unix epoch: the two may have heard
    /// each other for up to a second more.
    pub interrupted_at_ms: u64,
    /// From then until both have said that they are still there.
    pub gap_ms: u64,
}

/// See [`Event::CallEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnded {
    /// The call.
    pub call: CallId,
    /// Why.
    pub cause: EndCause,
    /// By whom.
    pub by: EndedBy,
    /// The final SIP status the caller saw; 0 when none.
    pub sip_status: u16,
}

/// See [`Event::RegistrationBound`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationBound {
    /// The extension.
    pub extension: String,
    /// The Contact as registered, with its parameters.
    pub contact: String,
    /// Proxies between the phone and us, the one next to us first, each as a name-addr (RFC 3327).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// `UDP 192.0.2.1:5060`: where the REGISTER came from.
    pub source: String,
    /// Which of our sockets it came to, as `address:port`.
    pub local: String,
    /// The User-Agent header, empty when missing.
    pub user_agent: String,
    /// Its Call-ID and CSeq (RFC 3261 §10.3 step 7).
    pub sip_call_id: String,
    /// Its CSeq number.
    pub cseq: u32,
    /// When it ends unless refreshed, ms since the Unix epoch.
    pub expires_at_ms: u64,
}

/// Why a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnboundReason {
    /// The phone took it back.
    Unregistered,
    /// It was not refreshed.
    Expired,
    /// Its connection closed.
    FlowLost,
    /// A newer one of the same phone took its place, or there were too many.
    Replaced,
    /// The extension was changed or deleted.
    Settings,
    /// The session that it was made with ended.
    SignedOut,
}

/// See [`Event::RegistrationUnbound`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationUnbound {
    /// The extension.
    pub extension: String,
    /// The Contact as registered.
    pub contact: String,
    /// Why.
    pub reason: UnboundReason,
}

/// See [`Event::SourceBanned`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBanned {
    /// The IP address.
    pub source: String,
    /// Until when, ms since the Unix epoch.
    pub until_ms: u64,
    /// Failed attempts counted.
    pub failures: u32,
}

/// See [`Event::SettingsChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChanged {
    /// Who: a login name, `token:NAME` or `provision`.
    pub by: String,
    /// What kind of thing: `extension`, `trunk`, `route`, ...
    pub resource: String,
    /// Which one.
    pub id: String,
    /// `created`, `updated` or `deleted`.
    pub action: String,
}

/// See [`Event::TrunkUp`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkUp {
    /// Its name.
    pub trunk: String,
}

/// Why a trunk is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkDownReason {
    /// None of its addresses answers OPTIONS.
    Unanswered,
    /// The registration with it ran out, or was not granted.
    Unregistered,
}

/// See [`Event::TrunkDown`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkDown {
    /// Its name.
    pub trunk: String,
    /// Why.
    pub reason: TrunkDownReason,
    /// What was heard last, for an administrator.
    pub detail: String,
}

/// A fact as others see it: a CloudEvents 1.0 envelope in JSON format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// The position, which is unique and ordered.
    pub id: String,
    /// `/tenants/TENANT`.
    pub source: String,
    /// `call.created`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// RFC 3339, UTC, with ms.
    pub time: String,
    /// The call, where there is one: events of one subject are in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// What the event holds.
    pub data: serde_json::Value,
}

impl Event {
    /// The call it belongs to, if any.
    #[must_use]
    pub fn call(&self) -> Option<CallId> {
        match self {
            Self::CallCreated(e) => Some(e.call),
            Self::LegStarted(e) => Some(e.call),
            Self::LegRinging(e) => Some(e.call),
            Self::LegAnswered(e) => Some(e.call),
            Self::LegEnded(e) => Some(e.call),
            Self::CallAnswered(e) => Some(e.call),
            Self::CallHeld(e) | Self::CallRetrieved(e) => Some(e.call),
            Self::TransferStarted(e) => Some(e.call),
            Self::Transferred(e) => Some(e.call),
            Self::TransferFailed(e) => Some(e.call),
            Self::CallParked(e) => Some(e.call),
            Self::CallUnparked(e) => Some(e.call),
            Self::FlowWalked(e) => Some(e.call),
            Self::ConsultStarted(e) => Some(e.call),
            Self::ConsultEnded(e) => Some(e.call),
            Self::ThreeWayStarted(e) => Some(e.call),
            Self::ThreeWayEnded(e) => Some(e.call),
            Self::CallSupervised(e) => Some(e.call),
            Self::CallSupervisionEnded(e) => Some(e.call),
            Self::CallQueued(e) => Some(e.call),
            Self::CallLeftQueue(e) => Some(e.call),
            Self::CallOffered(e) => Some(e.call),
            Self::CallOfferEnded(e) => Some(e.call),
            Self::OverflowAnswered(e) => Some(e.call),
            Self::CallbackRequested(e) => Some(e.call),
            Self::CallbackStarted(e) => Some(e.call),
            Self::CallbackEnded(e) => Some(e.call),
            Self::CallResumed(e) => Some(e.call),
            Self::CallEnded(e) => Some(e.call),
            Self::RecordingStarted(e) => Some(e.call),
            Self::RecordingReady(e) => Some(e.call),
            Self::RecordingFailed(e) => Some(e.call),
            Self::RecordingDiscarded(e) => Some(e.call),
            Self::CallBlocked(e) => Some(e.call),
            Self::SurveyInvited(e) => Some(e.subject.call),
            Self::SurveyCompleted(e) => Some(e.subject.call),
            Self::VoicemailLeft(e) => Some(e.call),
            Self::VoicemailListened(e) | Self::VoicemailDownloaded(e) | Self::VoicemailDeleted(e) => Some(e.call),
            Self::RecordingStored(e) => Some(e.call),
            Self::RecordingPurged(e) => Some(e.call),
            Self::RecordingPaused(e) | Self::RecordingResumed(e) => Some(e.call),
            Self::MemberJoined(e) => Some(e.call),
            Self::MemberLeft(e) => Some(e.call),
            Self::MemberMuted(e) => Some(e.call),
            Self::AgentStateChanged(_)
            | Self::AgentSignedIn(_)
            | Self::ConferenceStarted(_)
            | Self::ConferenceEnded(_)
            | Self::RegistrationBound(_)
            | Self::RegistrationUnbound(_)
            | Self::SourceBanned(_)
            | Self::SettingsChanged(_)
            | Self::DirectoryChanged(_)
            | Self::TrunkUp(_)
            | Self::TrunkDown(_) => None,
        }
    }
}

impl Fact {
    /// The fact in its envelope. `time` is [`Fact::at_ms`] as RFC 3339, which the host formats.
    ///
    /// # Errors
    /// None in practice: every event serialises to an object with `type` and `data`.
    pub fn to_cloud_event(&self, position: &Position, time: String) -> serde_json::Result<CloudEvent> {
        let mut event = serde_json::to_value(&self.event)?;
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        Ok(CloudEvent {
            specversion: "1.0".to_owned(),
            id: position.to_string(),
            source: format!("/tenants/{}", self.tenant),
            kind,
            time,
            subject: self.event.call().map(|call| call.to_string()),
            datacontenttype: "application/json".to_owned(),
            data: event["data"].take(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_written_flat_and_read_back() {
        let call = CallId::new(1, 2);
        let fact = Fact {
            tenant: TenantId::first(),
            at_ms: 5,
            event: Event::CallEnded(CallEnded { call, cause: EndCause::Busy, by: EndedBy::Callee, sip_status: 486 }),
        };
        let json = serde_json::to_string(&fact).unwrap();
        assert!(json.contains(r#""type":"call.ended""#), "{json}");
        assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact);
        let position = Position { tenant: TenantId::first(), epoch: 1, number: 7 };
        let envelope = fact.to_cloud_event(&position, "1970-01-01T00:00:00.005Z".to_owned()).unwrap();
        assert_eq!((envelope.kind.as_str(), envelope.id.as_str()), ("call.ended", "default.1.7"));
        assert_eq!(envelope.subject, Some(call.to_string()));
        assert_eq!(envelope.data["cause"], "busy");
    }

    #[test]
    fn facts_of_older_journals_are_read() {
        let call = CallId::new(1, 2);
        let old = format!(
            r#"{{"tenant":"default","at_ms":5,"type":"call.created","data":{{"call":"{call}","direction":"internal",
            "source":"dialled","caller":"1001","caller_name":"","callee":"1002","trunk":null,"emergency":false}}}}"#
        );
        let Event::CallCreated(created) = serde_json::from_str::<Fact>(&old).unwrap().event else { panic!("{old}") };
        assert_eq!(created.diverted_from, None);
        assert!(!serde_json::to_string(&created).unwrap().contains("diverted_from"));
    }
}

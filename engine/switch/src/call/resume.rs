//! A call that outlives its process: what must survive of it, and how another process picks it up.
//!
//! The call goes on at once as it was: same ports, same dialogs, each hears the other, those in its conference, or the music of its queue. Its far ends are
//! asked by re-INVITE whether they are still there. Until they have said so the call is on probation: whatever ends it, it ended when the process
//! did.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dialplan::number::RoomNumber;
use hooks::fact::{
    CallEnded, CallLeftQueue, CallResumed, CallUnparked, EndCause, EndedBy, Event, LegEnded, ParkEnd, PeerKind,
    QueueExit,
};
use sip::dialog::Dialog;
use sip::digest::{Credentials, DigestClient};
use sip::flow::Flow;
use sip::message::StatusCode;
use sip::uri::Uri;

use super::queue::Queueing;
use super::room::Visit;
use super::{BIND_RETRIES_MAX, Call, End, Service, Stage};
use crate::asking::Asking;
use crate::checkpoint::{CallCheckpoint, Checkpointed, LegCheckpoint, Other, RoomCheckpoint};
use crate::conference::Newcomer;
use crate::config::TenantConfig;
use crate::desk::{Desk, LegIndex, LegRef, TimerKey};
use crate::leg::{Hold, Leg, LegMedia, LegState, Peer, Side, Up};
use crate::lifetime::Lifetime;
use crate::nat;
use crate::output::Output;
use crate::registrar::Device;
use crate::session::{self, Session};
use crate::target::Phone;

/// A call of a killed process whose far ends have not both said that they are still there.
#[derive(Debug)]
pub(super) struct Probation {
    /// When that process is known to have lived last.
    interrupted_at_ms: u64,
    /// It was being recorded.
    recorded: bool,
    awaited: BTreeSet<LegIndex>,
    until: Duration,
}

/// A phone that registers over a connection.
pub(crate) struct Reconnected<'a> {
    /// The number of its extension.
    pub(crate) extension: &'a str,
    pub(crate) contact: &'a Uri,
    pub(crate) flow: Flow,
    /// Which phone it is, where it says so.
    pub(crate) device: Option<&'a Device>,
    /// As it is called.
    pub(crate) target: Phone,
}

impl Reconnected<'_> {
    /// Whether this leg leads to it and has no connection. Its port may be another one now.
    fn is(&self, leg: &Leg) -> bool {
        let LegState::Up(up) = &leg.state else { return false };
        leg.peer.kind == PeerKind::Extension
            && leg.peer.name == self.extension
            && up.flow.transport == self.flow.transport
            && up.flow.connection.is_none()
            && same_phone(up.dialog.remote_target(), self.contact)
    }
}

fn same_phone(one: &Uri, other: &Uri) -> bool {
    match (one.as_sip(), other.as_sip()) {
        (Some(one), Some(other)) => one.user() == other.user() && one.host() == other.host(),
        (Some(_) | None, _) => false,
    }
}

/// How an interrupted call or leg ended, in place of what ended it now.
pub(super) struct Over {
    pub(super) cause: EndCause,
    pub(super) by: EndedBy,
    pub(super) at_ms: u64,
}

impl Call {
    /// Says what must survive of the call, where that has changed.
    pub(super) fn keep_checkpoint(&mut self, desk: &mut Desk) {
        let now = self.checkpoint(desk);
        if now.as_ref() == self.checkpoint.as_deref() {
            return;
        }
        self.checkpoint = now.map(Arc::new);
        let said = match &self.checkpoint {
            Some(checkpoint) => Checkpointed::Kept(Arc::clone(checkpoint)),
            None => Checkpointed::Gone(self.tenant.tenant.clone(), self.id),
        };
        desk.outputs.push_back(Output::Checkpoint(said));
    }

    /// `None` unless two parties talk, or one is in a conference, waits in a queue or is parked, with media agreed: anything else is over when the process is. A
    /// call on probation is not tried again.
    fn checkpoint(&self, desk: &Desk) -> Option<CallCheckpoint> {
        if self.probation.is_some() {
            return None;
        }
        let (caller, answered_ms, other) = match &self.stage {
            Stage::Talking { caller, callee, answered_ms } => {
                (*caller, *answered_ms, Other::Callee(Box::new(self.leg_checkpoint(desk, *callee)?)))
            }
            Stage::Served { caller, answered_ms, by: Service::Room(visit) } => {
                let (conference, at) = visit.conference()?;
                let member = desk.conferences.checkpoint(conference, at)?;
                // That of a flow that led here is over. The flow ends with its process.
                let service = self.legs.iter().find(|leg| matches!(leg.state, LegState::Service))?.id;
                (*caller, *answered_ms, Other::Room(RoomCheckpoint { service, member }))
            }
            Stage::Served { caller, answered_ms, by: Service::Queue(_) } => {
                (*caller, *answered_ms, Other::Queue(self.queue_checkpoint(desk)?))
            }
            Stage::Served { caller, answered_ms, by: Service::Park(_) } => {
                (*caller, *answered_ms, Other::Park(Box::new(self.park_checkpoint(desk)?)))
            }
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Seeking(_)
            | Stage::Served {
                by:
                    Service::Echo
                    | Service::Flow
                    | Service::Voicemail(_)
                    | Service::Survey(_)
                    | Service::Messages(_)
                    | Service::LastWords(_),
                ..
            }
            | Stage::Ending { .. }
            | Stage::Over => return None,
        };
        Some(CallCheckpoint {
            tenant: self.tenant.tenant.clone(),
            call: self.id,
            about: self.about.clone(),
            answered_ms,
            caller: self.leg_checkpoint(desk, caller)?,
            other,
            recorded: self.tape.is_running(),
            reel: self.tape.reel(),
            transfers: self.transfers,
        })
    }

    fn leg_checkpoint(&self, desk: &Desk, leg: LegIndex) -> Option<LegCheckpoint> {
        let leg = self.leg(leg)?;
        let LegState::Up(up) = &leg.state else { return None };
        Some(LegCheckpoint {
            leg: leg.id,
            caller_side: leg.side == Side::Caller,
            peer: leg.peer.kind,
            peer_name: leg.peer.name.clone(),
            number: leg.peer.number.clone(),
            mobile_of: leg
                .agent
                .filter(|_| leg.peer.kind == PeerKind::Trunk)
                .and_then(|agent| desk.floor.number_of(agent).cloned()),
            status: leg.status,
            dialog: up.dialog.checkpoint(),
            transport: up.flow.transport,
            local: up.flow.local,
            remote: up.flow.peer,
            session: leg.session().and_then(Session::checkpoint)?,
            timer: up.lifetime.checkpoint(),
            refresh_by: up.refresh_by,
        })
    }

    /// The call again, on probation. `None` if it cannot go on here: no free port, no socket, a damaged checkpoint.
    pub(crate) fn resumed(
        desk: &mut Desk,
        tenant: Arc<TenantConfig>,
        checkpoint: &CallCheckpoint,
        interrupted_at_ms: u64,
    ) -> Option<Self> {
        let (caller, callee) = (LegIndex(0), LegIndex(1));
        let (stage, queueing) = restored_stage(&tenant, checkpoint, caller, callee)?;
        let mut call = Self {
            id: checkpoint.call,
            tenant,
            about: checkpoint.about.clone(),
            legs: Vec::new(),
            stage,
            tape: super::record::Tape::resumed(&checkpoint.reel),
            walk: None,
            third: None,
            supervisors: super::supervise::Supervisors::default(),
            unconfirmed: Vec::new(),
            announcement: None,
            hooked: super::hooked::Hooked::default(),
            queueing,
            parts: std::collections::BTreeMap::new(),
            checkpoint: None,
            probation: None,
            changed: true,
            transfers: checkpoint.transfers,
            redirects: super::redirect::Redirects::default(),
            bind_retries: BIND_RETRIES_MAX,
            reasons: super::reason::Reasons::default(),
        };
        let places = [caller, callee].into_iter().zip(checkpoint.far_ends());
        let dialogs: Vec<(Dialog, Flow)> =
            checkpoint.far_ends().map(|leg| restored_dialog(desk, leg)).collect::<Option<_>>()?;
        let mut sessions = Vec::new();
        for ((at, leg), (_, flow)) in places.zip(&dialogs) {
            match Session::restored(desk, &call.tenant.tenant, call.leg_ref(at), flow, &leg.session) {
                Some(session) => sessions.push(session),
                None => {
                    sessions.into_iter().for_each(|session| session.abandon(desk));
                    return None;
                }
            }
        }
        for ((leg, (dialog, flow)), session) in checkpoint.far_ends().zip(dialogs).zip(sessions) {
            call.push_restored(desk, leg, dialog, flow, session);
        }
        let awaited: BTreeSet<LegIndex> = call.live().into_iter().collect();
        match &checkpoint.other {
            Other::Callee(_) => {}
            Other::Room(room) => call.return_to_room(desk, caller, room),
            Other::Queue(kept) => call.return_to_queue(desk, caller, kept, interrupted_at_ms),
            Other::Park(kept) => call.return_to_place(desk, caller, kept, interrupted_at_ms),
        }
        let until = desk.start_timer(PROBATION, TimerKey::Probation(call.id));
        let asked = awaited.clone();
        call.probation = Some(Probation { interrupted_at_ms, recorded: checkpoint.recorded, awaited, until });
        call.rewire(desk);
        for leg in asked {
            // Behind NAT nobody can be called back whose connection broke: the phone has to come.
            let flow = call.leg(leg).and_then(Leg::up).map(|up| up.flow);
            if flow.is_some_and(|flow| !flow.transport.is_reliable() || nat::is_local(&desk.node, flow.peer.ip())) {
                call.ask_presence(desk, leg);
            }
        }
        Some(call)
    }

    /// The visitor is in its conference again, beside the room's own leg.
    fn return_to_room(&mut self, desk: &mut Desk, visitor: LegIndex, kept: &RoomCheckpoint) {
        let Stage::Served { by: Service::Room(visit), .. } = &self.stage else { return };
        let room = visit.room.clone();
        let leg = &self.legs[visitor.at()];
        let side = match leg.side {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
        };
        let newcomer = Newcomer {
            at: self.leg_ref(visitor),
            leg: leg.id,
            peer: leg.peer.clone(),
            role: kept.member.role(),
            endpoint: leg.endpoint(),
            hold: leg.hold(),
        };
        desk.rejoin_room(&self.tenant, &room, newcomer, &kept.member);
        let service = Leg::service(kept.service, side, &kept.member.room);
        desk.leg_began(&self.tenant.tenant, self.id, &service);
        self.legs.push(service);
    }

    /// Asks the far end whether it is still there.
    fn ask_presence(&mut self, desk: &mut Desk, leg: LegIndex) {
        // RFC 3264 §8: what was agreed is offered anew; a far end that holds says so again in its answer.
        let codecs = self.leg(leg).and_then(Leg::session).and_then(Session::agreed_codecs);
        self.reoffer(desk, leg, codecs.unwrap_or_else(session::g711));
    }

    /// Where the phone's connection broke during the call, it is reached over its new one from now on.
    pub(crate) fn reconnected(&mut self, desk: &mut Desk, phone: &Reconnected<'_>) {
        for leg in self.live() {
            if let Some(this) = self.legs.get_mut(leg.at()).filter(|leg| phone.is(leg))
                && let Some(up) = this.up_mut()
            {
                up.flow = phone.flow;
                self.is_back(desk, leg);
                self.reached_again(desk, leg);
                self.renew_ice(desk, leg);
            } else if self.is_away(leg) {
                self.ask_back(desk, leg, phone);
            }
        }
    }

    /// The network of a browser has changed: it is asked to look for its way to us anew, whether its page thinks of that or not.
    fn renew_ice(&mut self, desk: &mut Desk, leg: LegIndex) {
        let Some(session) = self.legs[leg.at()].session_mut().filter(|session| session.is_browser()) else { return };
        session.want_restart();
        let codecs = session.agreed_codecs().unwrap_or_else(session::g711);
        self.reoffer(desk, leg, codecs);
    }

    /// There is a connection to a far end again: what waits to be asked is asked now.
    pub(super) fn reached_again(&mut self, desk: &mut Desk, leg: LegIndex) {
        let leg_ref = self.leg_ref(leg);
        let awaited = self.probation.as_ref().is_some_and(|probation| probation.awaited.contains(&leg));
        let Some(up) = self.legs.get_mut(leg.at()).and_then(Leg::up_mut) else { return };
        match (up.asking.until(), &up.asking) {
            (Some(until), _) => {
                desk.timers.stop(until, TimerKey::AskAgain(leg_ref));
                self.ask_again(desk, leg);
            }
            (None, Asking::Idle) if awaited => self.ask_presence(desk, leg),
            (None, Asking::Idle | Asking::Waiting(_) | Asking::Sent { .. } | Asking::BackingOff { .. }) => {}
        }
    }

    fn push_restored(&mut self, desk: &mut Desk, leg: &LegCheckpoint, dialog: Dialog, flow: Flow, session: Session) {
        let tag: Box<str> = dialog.id().local_tag.as_str().into();
        let index = self.next_index();
        desk.dialogs.insert(tag.clone(), self.leg_ref(index));
        let login = self.login_of(leg);
        // The re-INVITE that follows keeps what was agreed (RFC 4028 §7.4).
        let (policy, terms) = leg.timer;
        let up = Up {
            dialog,
            flow,
            login,
            unacknowledged: None,
            referring: None,
            asking: Asking::Idle,
            refresh_by: leg.refresh_by,
            lifetime: Lifetime::begin(desk, self.leg_ref(index), policy, terms),
            away: None,
        };
        let peer = Peer { kind: leg.peer, name: leg.peer_name.clone(), number: leg.number.clone() };
        let mobile = leg.mobile_of.as_ref().and_then(|number| desk.floor.agent(&self.tenant.tenant, number));
        let leg = Leg {
            id: leg.leg,
            side: if leg.caller_side { Side::Caller } else { Side::Callee },
            agent: match mobile {
                Some(_) => mobile,
                None => desk.floor.at(&self.tenant.tenant, &peer),
            },
            peer,
            tag,
            state: LegState::Up(Box::new(up)),
            media: LegMedia::Open(Box::new(session)),
            holds: Hold::Off,
            status: leg.status,
        };
        desk.leg_began(&self.tenant.tenant, self.id, &leg);
        self.legs.push(leg);
    }

    /// A trunk may ask anew who we are.
    fn login_of(&self, leg: &LegCheckpoint) -> Option<Box<DigestClient>> {
        if leg.peer != PeerKind::Trunk {
            return None;
        }
        let trunk = leg.peer_name.parse().ok().and_then(|name| self.tenant.trunks.get(&name))?;
        let account = trunk.credentials.as_ref()?;
        let credentials = Credentials { username: account.username.clone(), password: account.password.clone() };
        Some(Box::new(DigestClient::new(credentials)))
    }

    /// A far end is still there. With the other one the call goes on.
    pub(super) fn is_present(&mut self, desk: &mut Desk, leg: LegIndex) {
        let Some(probation) = &mut self.probation else { return };
        probation.awaited.remove(&leg);
        if !probation.awaited.is_empty() {
            return;
        }
        let Some(Probation { interrupted_at_ms, recorded, until, .. }) = self.probation.take() else { return };
        desk.timers.stop(until, TimerKey::Probation(self.id));
        let gap_ms = desk.now.unix_ms.saturating_sub(interrupted_at_ms);
        self.fact(desk, Event::CallResumed(CallResumed { call: self.id, interrupted_at_ms, gap_ms }));
        desk.metrics.calls_resumed += 1;
        self.changed = true;
        if recorded {
            self.record_on(desk);
        }
        if let Stage::Served { by: Service::Room(visit), .. } = &self.stage
            && let Some((conference, _)) = visit.conference()
        {
            desk.record_room_again(conference);
        }
        if let Stage::Served { by: Service::Queue(_), .. } = &self.stage {
            self.rejoin_queue(desk);
        }
        self.stay_on(desk);
    }

    /// A far end does not want to go on, or did not answer in time: the call is over.
    pub(crate) fn not_present(&mut self, desk: &mut Desk) {
        if self.probation.is_some() {
            let refusal = StatusCode::REQUEST_TIMEOUT.into();
            self.end(desk, &End { cause: EndCause::Interrupted, by: EndedBy::System, refusal });
        }
    }

    /// Nobody knows yet whether the far ends are still there.
    pub(super) fn is_on_probation(&self) -> bool {
        self.probation.is_some()
    }

    /// The call ends: nobody waits any more for its far ends.
    pub(super) fn stop_probation(&self, desk: &mut Desk) {
        if let Some(probation) = &self.probation {
            desk.timers.stop(probation.until, TimerKey::Probation(self.id));
        }
    }

    /// How the call or a leg of it ended: on probation, when and because its process did.
    pub(super) fn outcome(&self, now: Over) -> Over {
        match &self.probation {
            None => now,
            Some(probation) => {
                let at_ms = probation.interrupted_at_ms.min(now.at_ms);
                Over { cause: EndCause::Interrupted, by: EndedBy::System, at_ms }
            }
        }
    }
}

/// Where the call was, and what is known of its wait. `None` where that is not there any more.
fn restored_stage(
    tenant: &TenantConfig,
    checkpoint: &CallCheckpoint,
    caller: LegIndex,
    callee: LegIndex,
) -> Option<(Stage, Queueing)> {
    let answered_ms = checkpoint.answered_ms;
    let served = |by| Stage::Served { caller, answered_ms, by };
    Some(match &checkpoint.other {
        Other::Callee(_) => (Stage::Talking { caller, callee, answered_ms }, Queueing::default()),
        Other::Room(RoomCheckpoint { member, .. }) => {
            let room = member.room.parse().ok().and_then(|number: RoomNumber| tenant.rooms.get(&number))?.clone();
            let at = LegRef { call: checkpoint.call, leg: caller };
            let visit = Visit::restored(at, room, member.conference);
            (served(Service::Room(Box::new(visit))), Queueing::default())
        }
        Other::Queue(kept) => {
            let (by, queueing) = Call::restored_wait(tenant, kept)?;
            (served(by), queueing)
        }
        Other::Park(kept) => {
            let (by, queueing) = Call::restored_stay(tenant, kept)?;
            (served(by), queueing)
        }
    })
}

/// Writes down the end of a call that cannot go on at all.
pub(crate) fn close_interrupted(desk: &mut Desk, checkpoint: &CallCheckpoint, at_ms: u64) {
    let (call, cause) = (checkpoint.call, EndCause::Interrupted);
    let statuses = checkpoint.far_ends().map(|leg| leg.status).chain([0]);
    if let Other::Queue(kept) = &checkpoint.other {
        let (queue, exit) = (kept.queue.to_string(), QueueExit::Closed);
        let waited_ms = at_ms.saturating_sub(kept.since_ms);
        let left = CallLeftQueue { call, queue, exit, waited_ms, agent: None, within_target: false };
        desk.fact_at(&checkpoint.tenant, at_ms, Event::CallLeftQueue(left));
    }
    if let Other::Park(kept) = &checkpoint.other {
        let waited_ms = at_ms.saturating_sub(kept.since_ms);
        let unparked = CallUnparked { call, slot: kept.slot.to_string(), outcome: ParkEnd::Left, to: None, waited_ms };
        desk.fact_at(&checkpoint.tenant, at_ms, Event::CallUnparked(unparked));
    }
    for (leg, sip_status) in checkpoint.legs().into_iter().zip(statuses) {
        let ended = LegEnded { call, leg, cause, sip_status, reason: None, quality: None };
        desk.fact_at(&checkpoint.tenant, at_ms, Event::LegEnded(ended));
    }
    let sip_status = checkpoint.caller.status;
    let ended = CallEnded { call, cause, by: EndedBy::System, sip_status };
    desk.fact_at(&checkpoint.tenant, at_ms, Event::CallEnded(ended));
}

/// The dialog of a leg and the way to its far end, if nobody else has its tag.
fn restored_dialog(desk: &Desk, leg: &LegCheckpoint) -> Option<(Dialog, Flow)> {
    let dialog = Dialog::restore(&leg.dialog).ok()?;
    let kept = Flow { transport: leg.transport, local: leg.local, peer: leg.remote, connection: None };
    let same_socket = |socket: &&crate::config::ListeningSocket| {
        socket.transport == leg.transport && socket.local.port() == leg.local.port()
    };
    let flow = match desk.node.sockets.iter().find(same_socket) {
        Some(_) => kept,
        // The settings have changed, or we had connected to the far end.
        None => nat::new_flow(&desk.node, leg.transport, leg.remote)?,
    };
    let is_free = !desk.dialogs.contains_key(dialog.id().local_tag.as_str());
    is_free.then_some((dialog, flow))
}

/// How long both far ends have to say that they are still there.
const PROBATION: Duration = Duration::from_secs(5);

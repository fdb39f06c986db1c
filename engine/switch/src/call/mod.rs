//! A call: its legs and the stage it is in. This file holds what a call is and what is written down of it; the stages are in
//! the files beside it.

mod announce;
mod answer;
mod ask;
mod away;
mod callback;
mod closed;
mod confirm;
mod control;
mod digits;
mod echo;
mod end;
mod forward;
mod hold;
mod hooked;
mod in_dialog;
mod join;
mod lines;
mod listen;
mod notify;
mod originate;
mod overflow;
mod park;
mod part;
mod provisional;
mod queue;
mod reason;
mod record;
mod redirect;
mod refresh;
mod regular;
mod relay;
mod resume;
mod ring;
mod room;
mod seek;
mod serve;
mod sign_in;
mod supervise;
mod survey;
mod take_over;
mod third;
mod transfer;
mod two_party;
mod update;
mod voicemail;
mod walk;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hooks::fact::{CallCreated, CallSource, Direction, EndCause, EndedBy, Event, LegStarted};
use hooks::id::CallId;
use serde::{Deserialize, Serialize};

pub(crate) use away::Away;
pub(crate) use closed::{Blocked, led};
pub(crate) use end::{End, Verdict, late_success, stray_success};
pub(crate) use hold::not_acceptable;
pub(crate) use in_dialog::Outcome;
pub(crate) use notify::Subscription;
pub(crate) use park::PickUpBy;
pub(crate) use provisional::Repeated;
pub(crate) use record::{Recording, Reel, path as recording_path};
pub(crate) use redirect::{Diverted, diversion};
pub(crate) use resume::{Reconnected, close_interrupted};
pub(crate) use seek::Route;
pub(crate) use supervise::Supervising;
pub(crate) use transfer::HandOn;
pub(crate) use two_party::Arrival;

use resume::Probation;
use third::Standing;

use crate::checkpoint::CallCheckpoint;
use crate::config::TenantConfig;
use crate::desk::{Desk, LegIndex, LegRef};
use crate::identity::Identity;
use crate::leg::{Hold, Leg, LegState};
use crate::queue::AgentId;
use crate::target::Target;
use crate::view::{CallPhase, CallView, View};

/// A call. It keeps the settings that it began with.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) tenant: Arc<TenantConfig>,
    pub(crate) about: About,
    legs: Vec<Leg>,
    stage: Stage,
    tape: record::Tape,
    /// The flow that it walks, also while it rings or talks on behalf of it.
    walk: Option<Box<walk::Walk>>,
    /// Somebody beside the two who talk.
    third: Option<Box<third::Third>>,
    supervisors: supervise::Supervisors,
    /// Mobiles of agents that answered and have yet to press a key.
    unconfirmed: Vec<confirm::Unconfirmed>,
    /// What is said after the answer, before the two hear each other.
    announcement: Option<announce::Announcement>,
    /// What hooks are asked, and have said.
    hooked: hooked::Hooked,
    /// Where it waits, or has waited.
    queueing: queue::Queueing,
    /// The agents who take part in it.
    parts: BTreeMap<AgentId, part::Part>,
    /// The last that was said of what must survive.
    checkpoint: Option<Arc<CallCheckpoint>>,
    /// The process that began it was killed, and its far ends may be gone.
    probation: Option<Probation>,
    /// Something changed that others may see.
    changed: bool,
    /// How often its parties were handed on.
    transfers: u8,
    /// How often another port may still be tried.
    bind_retries: u8,
    redirects: redirect::Redirects,
    reasons: reason::Reasons,
}

/// What a call is, from its beginning on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) direction: Direction,
    pub(crate) source: CallSource,
    /// The caller's number; empty when withheld.
    pub(crate) caller: String,
    pub(crate) caller_name: String,
    /// The number dialled, as dialled.
    pub(crate) callee: String,
    /// The trunk it came in by.
    pub(crate) trunk: Option<String>,
    pub(crate) emergency: bool,
    /// What is known of the caller beside the number.
    pub(crate) identity: Identity,
    /// Hops that the INVITE may still make, so that a loop through us ends (RFC 3261 §8.1.1.6).
    pub(crate) hops: u8,
}

/// Where a call is.
#[derive(Debug)]
enum Stage {
    /// Nothing was decided about it yet.
    Begun,
    /// The phones of whom the API calls first ring (CALL-09).
    Summoning {
        route: Route,
        /// Tried when those that are called now have failed.
        queue: VecDeque<Target>,
        verdict: Option<Verdict>,
        ring_until: Duration,
    },
    /// The called party is sought.
    Seeking(Seeking),
    /// Two parties talk.
    Talking { caller: LegIndex, callee: LegIndex, answered_ms: u64 },
    /// One party is served by the switch itself.
    Served { caller: LegIndex, answered_ms: u64, by: Service },
    /// Hung up; media is being closed.
    Ending { end: Ended, closing_until: Duration },
    /// Everything is written down.
    Over,
}

/// What serves a party.
#[derive(Debug)]
enum Service {
    /// It hears itself.
    Echo,
    /// It is in a conference room, or at its door.
    Room(Box<room::Visit>),
    /// It is in the flow of [`Call::walk`]: prompts, menus, digits.
    Flow,
    /// It waits for an agent.
    Queue(Box<queue::Wait>),
    /// It is parked.
    Park(Box<park::Stay>),
    /// It leaves a message.
    Voicemail(Box<voicemail::Message>),
    /// It is asked how it was.
    Survey(Box<survey::Poll>),
    /// It listens to the messages in its box.
    Messages(Box<listen::Listening>),
    /// It is told why its call ends.
    LastWords(overflow::LastWords),
}

/// The called party is sought: some phones ring, or one trunk after the other is tried.
#[derive(Debug)]
struct Seeking {
    /// Who waits: the caller, or the party that is handed on.
    caller: LegIndex,
    /// Tried when those that are called now have failed.
    queue: VecDeque<Target>,
    /// The best of the failures so far (RFC 3261 §16.7 step 6).
    verdict: Option<Verdict>,
    ring_until: Duration,
    /// Where a party is handed on.
    transfer: Option<transfer::Transfer>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    cause: EndCause,
    by: EndedBy,
    /// The final status that the caller saw; 0 when none.
    status: u16,
    at_ms: u64,
}

impl Call {
    /// A call without legs; the fact of its beginning is written down.
    fn new(desk: &mut Desk, id: CallId, tenant: Arc<TenantConfig>, about: About) -> Self {
        let created = CallCreated {
            call: id,
            direction: about.direction,
            source: about.source,
            caller: about.caller.clone(),
            caller_name: about.caller_name.clone(),
            callee: about.callee.clone(),
            trunk: about.trunk.clone(),
            emergency: about.emergency,
            diverted_from: about.identity.diverted_from.clone(),
        };
        desk.fact(&tenant.tenant, Event::CallCreated(created));
        desk.metrics.calls_created += 1;
        Self {
            id,
            tenant,
            about,
            legs: Vec::new(),
            stage: Stage::Begun,
            tape: record::Tape::default(),
            walk: None,
            third: None,
            supervisors: supervise::Supervisors::default(),
            unconfirmed: Vec::new(),
            announcement: None,
            hooked: hooked::Hooked::default(),
            queueing: queue::Queueing::default(),
            parts: BTreeMap::new(),
            checkpoint: None,
            probation: None,
            changed: true,
            transfers: 0,
            bind_retries: BIND_RETRIES_MAX,
            redirects: redirect::Redirects::default(),
            reasons: reason::Reasons::default(),
        }
    }

    /// The leg in that place.
    pub(crate) fn leg(&self, index: LegIndex) -> Option<&Leg> {
        self.legs.get(index.at())
    }

    /// Ends what has ended, and publishes what changed. True when the call is over and can be forgotten.
    pub(crate) fn settle(&mut self, desk: &mut Desk) -> bool {
        self.end_idle_supervision(desk);
        self.take_stock(desk);
        self.finish_if_closed(desk);
        self.keep_checkpoint(desk);
        let over = matches!(self.stage, Stage::Over);
        let changed = std::mem::take(&mut self.changed);
        if changed {
            self.touch_watchers(desk);
        }
        if over {
            desk.publish(View::CallGone(self.tenant.tenant.clone(), self.id));
        } else if changed {
            desk.publish(View::Call(self.view(desk)));
        }
        over
    }

    /// What others see of it.
    fn view(&self, desk: &Desk) -> CallView {
        let (phase, answered_ms) = match &self.stage {
            Stage::Seeking(Seeking { transfer: Some(transfer), .. }) => {
                (CallPhase::Transferring, Some(transfer.answered_ms))
            }
            Stage::Begun | Stage::Summoning { .. } | Stage::Seeking(_) => (CallPhase::Ringing, None),
            Stage::Talking { caller, callee, answered_ms } => {
                let held = [caller, callee].into_iter().any(|leg| self.legs[leg.at()].is_holding());
                let phase = match self.standing() {
                    Some(Standing::Calling { .. } | Standing::Asking { .. }) => CallPhase::Consulting,
                    Some(Standing::Together { .. }) => CallPhase::ThreeWay,
                    Some(Standing::Inviting) | None if held => CallPhase::Held,
                    Some(Standing::Inviting) | None => CallPhase::Talking,
                };
                (phase, Some(*answered_ms))
            }
            Stage::Served { answered_ms, by: Service::Park(_), .. } => (CallPhase::Parked, Some(*answered_ms)),
            Stage::Served { caller, answered_ms, by } => {
                let held = matches!(by, Service::Room(_)) && self.legs[caller.at()].hold() == Hold::On;
                (if held { CallPhase::Held } else { CallPhase::Talking }, Some(*answered_ms))
            }
            Stage::Ending { .. } | Stage::Over => (CallPhase::Ending, None),
        };
        CallView {
            tenant: self.tenant.tenant.clone(),
            call: self.id,
            direction: self.about.direction,
            phase,
            caller: self.about.caller.clone(),
            caller_name: self.about.caller_name.clone(),
            callee: self.about.callee.clone(),
            emergency: self.about.emergency,
            created_ms: self.id.unix_ms(),
            answered_ms,
            recording: self.tape.is_running(),
            recording_paused: self.tape.is_paused(),
            survey: self.may_be_rated(desk),
            legs: self.party_views(),
            parked: self.park_view(),
            offers: self.queueing.rung.iter().filter_map(|rung| rung.view(desk)).collect(),
            supervisors: self.supervisor_views(desk),
        }
    }

    /// The place that the next leg gets.
    fn next_index(&self) -> LegIndex {
        LegIndex(u16::try_from(self.legs.len()).expect("a call has at most LEGS_MAX legs"))
    }

    /// Whether two parties, or one and a service, are connected, or were until one was handed on.
    fn is_talking(&self) -> bool {
        match &self.stage {
            Stage::Seeking(Seeking { transfer: Some(_), .. }) => true,
            Stage::Talking { .. } | Stage::Served { .. } => true,
            Stage::Begun | Stage::Summoning { .. } | Stage::Seeking(_) | Stage::Ending { .. } | Stage::Over => false,
        }
    }

    /// The leg that this one talks with, if it is one alone.
    fn partner(&self, leg: LegIndex) -> Option<LegIndex> {
        match self.standing() {
            Some(Standing::Asking { by, third }) if by == leg => return Some(third),
            Some(Standing::Asking { by, third }) if third == leg => return Some(by),
            Some(Standing::Asking { .. } | Standing::Calling { .. } | Standing::Together { .. }) => return None,
            Some(Standing::Inviting) | None => {}
        }
        match &self.stage {
            Stage::Talking { caller, callee, .. } if *caller == leg => Some(*callee),
            Stage::Talking { caller, callee, .. } if *callee == leg => Some(*caller),
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Seeking(_)
            | Stage::Talking { .. }
            | Stage::Served { .. }
            | Stage::Ending { .. }
            | Stage::Over => None,
        }
    }

    fn leg_ref(&self, leg: LegIndex) -> LegRef {
        LegRef { call: self.id, leg }
    }

    /// Adds a leg and writes down that it began.
    fn push_leg(&mut self, desk: &mut Desk, leg: Leg, sip_call_id: &str) -> LegIndex {
        let index = self.next_index();
        let started = LegStarted {
            call: self.id,
            leg: leg.id,
            caller_side: leg.side == crate::leg::Side::Caller,
            peer: leg.peer.kind,
            peer_name: leg.peer.name.clone(),
            number: leg.peer.number.clone(),
            sip_call_id: sip_call_id.to_owned(),
        };
        self.fact(desk, Event::LegStarted(started));
        if !leg.tag.is_empty() {
            desk.dialogs.insert(leg.tag.clone(), self.leg_ref(index));
        }
        desk.leg_began(&self.tenant.tenant, self.id, &leg);
        self.legs.push(leg);
        self.changed = true;
        index
    }

    fn fact(&self, desk: &mut Desk, event: Event) {
        desk.fact(&self.tenant.tenant, event);
    }

    /// The places of the legs that ring: their INVITE is out, or a key has yet to be pressed. Those of supervisors excepted: they are no
    /// parties.
    fn called(&self) -> Vec<LegIndex> {
        self.legs
            .iter()
            .enumerate()
            .filter_map(|(at, leg)| Some((u16::try_from(at).ok().map(LegIndex)?, leg)))
            .filter(|(at, leg)| matches!(leg.state, LegState::Outgoing(_)) || self.is_unconfirmed(*at))
            .map(|(at, _)| at)
            .filter(|leg| !self.is_supervisor(*leg))
            .collect()
    }

    /// The places of all legs that are not over.
    fn live(&self) -> Vec<LegIndex> {
        self.legs
            .iter()
            .enumerate()
            .filter(|(_, leg)| !leg.is_ended())
            .filter_map(|(at, _)| u16::try_from(at).ok().map(LegIndex))
            .collect()
    }
}

/// Legs that a call may have over its life: phones rung at once, trunks tried one after the other, ports tried anew.
const LEGS_MAX: usize = 64;
/// How often one call tries another port when one cannot be bound.
const BIND_RETRIES_MAX: u8 = 3;

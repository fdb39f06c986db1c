//! What every part of the switch works with: the transactions, the tables that lead from SIP and media back to a leg, and the
//! outputs of the step at hand.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use hooks::fact::{Event, Fact};
use hooks::id::{CallId, ConferenceId, LegId, RecordingId, TenantId};
use hooks::lookup::Question;
use sip::dialog::Dialog;
use sip::flow::Flow;
use sip::headers::{HeaderName, HeaderValue};
use sip::message::{Request, Response, StatusCode};
use sip::random::Random;
use sip::time::Now;
use sip::transaction::{ClientKey, Config, Hop, Limits, SendError, ServerKey, TimerConfig, Transactions};

use crate::call::Recording;
use crate::conference::{Conferences, Unresumed};
use crate::config::NodeConfig;
use crate::engaged::Engaged;
use crate::farewell::Farewells;
use crate::floor::Floor;
use crate::input::LookUpId;
use crate::media::MediaCommand;
use crate::metrics::Metrics;
use crate::nat;
use crate::output::{Asked, BOX_ANSWER_MAX, BoxAsked, BoxOrder, LookUp, Output};
use crate::parking::Parking;
use crate::players::Players;
use crate::ports::Ports;
use crate::presence::Presence;
use crate::queue::AgentId;
use crate::registrar::Registrar;
use crate::timers::Timers;
use crate::trunk::table::Trunks;
use crate::view::View;

/// A leg of a call: the call, and the leg's place in it, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LegRef {
    pub(crate) call: CallId,
    pub(crate) leg: LegIndex,
}

/// A leg's place in its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LegIndex(pub(crate) u16);

/// What a timer of the switch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// Nobody answered the call in time.
    Ring(CallId),
    /// A trunk or phone gave no sign of life: the next one is tried.
    NoResponse(LegRef),
    /// The far ends of a call of a killed process did not say in time that they are still there.
    Probation(CallId),
    /// A browser did not come back to its call.
    Away(LegRef),
    /// Media of an ended call did not report in time.
    Closing(CallId),
    /// The media side did not report a recording in time.
    Recording(RecordingId),
    /// The session of a leg is to be refreshed, or was not.
    Session(LegRef),
    /// What was asked of the far end of a leg is asked again.
    AskAgain(LegRef),
    /// A provisional response to the caller waits for its PRACK: it is sent again.
    Prack(LegRef),
    /// At the door of a conference room the next digit did not come in time, or what is said last was not played to its end.
    Visit(CallId),
    /// A flow has waited long enough for a key.
    Flow(CallId),
    /// A hook did not say in time who calls.
    CallerLookup(CallId),
    /// A hook did not say in time whether a number may be called.
    Authorize(CallId),
    /// A message that is left ends by silence or by its length.
    Message(CallId),
    /// A survey has waited long enough for a key.
    Survey(CallId),
    /// Who listens to messages pressed no key in time, or the shell did not answer.
    Box(CallId),
    /// What is said last was not played to its end in time.
    LastWords(CallId),
    /// Nobody took in time who is parked.
    Parked(CallId),
    /// Who is rung for somebody who is parked did not answer in time.
    ParkRing(CallId),
    /// A third person did not answer in time.
    Third(CallId),
    /// An agent's mobile that answered did not press the key in time.
    Confirm(LegRef),
    /// Who did not answer when he was called back is called again.
    Callback(CallId),
    /// What an agent is told before he is connected was not said to its end in time.
    Announcement(CallId),
    /// A supervisor's phone did not answer in time.
    Supervisor(CallId, AgentId),
    /// An agent's wrap-up is over, or his phone has been away for too long.
    Agent(AgentId),
    /// All calls that go on after a killed process do so.
    Unresumed,
    /// A slowed answer is due.
    Slowed(u64),
}

/// An INVITE, or another request that asks something of a leg's far end, that was sent.
#[derive(Clone, Debug)]
pub(crate) struct ClientUse {
    /// Whose it is.
    pub(crate) leg: LegRef,
    /// Where it was sent: a 2xx that comes late is acknowledged there.
    pub(crate) flow: Flow,
    /// The dialog of a re-INVITE whose leg is over: a 2xx to it is still acknowledged.
    pub(crate) left: Option<Box<Left>>,
}

/// A dialog that ended while a re-INVITE of ours had no final response.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) dialog: Dialog,
    pub(crate) invite: Request,
}

/// Everything a call uses while it handles an input.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) node: NodeConfig,
    /// The time of this step.
    pub(crate) now: Now,
    pub(crate) transactions: Transactions,
    pub(crate) random: Random,
    pub(crate) ports: Ports<LegRef>,
    pub(crate) timers: Timers<TimerKey>,
    pub(crate) metrics: Metrics,
    /// INVITEs that were received and have no final response, or no ACK yet.
    pub(crate) servers: BTreeMap<ServerKey, LegRef>,
    /// INVITEs and other requests that were sent and whose responses a leg waits for.
    pub(crate) clients: BTreeMap<ClientKey, ClientUse>,
    /// Dialogs by our own tag, which is unique.
    pub(crate) dialogs: BTreeMap<Box<str>, LegRef>,
    /// Dialogs that end once their 2xx is acknowledged.
    pub(crate) farewells: Farewells,
    /// Recordings that were not reported yet.
    pub(crate) recordings: BTreeMap<RecordingId, Recording>,
    pub(crate) registrar: Registrar,
    /// The trunks as they stand.
    pub(crate) trunks: Trunks,
    /// What is being played, and to whom.
    pub(crate) players: Players,
    /// Those whose members are legs of many calls.
    pub(crate) conferences: Conferences,
    pub(crate) unresumed: Unresumed,
    /// The extensions that have a call.
    pub(crate) engaged: Engaged,
    /// Who is parked where.
    pub(crate) parking: Parking,
    /// Who watches whose calls and messages.
    pub(crate) presence: Presence,
    /// Agents and queues.
    pub(crate) floor: Floor,
    /// Questions that were put to servers.
    pub(crate) lookups: u64,
    pub(crate) outputs: VecDeque<Output>,
}

impl Desk {
    /// An empty one.
    pub(crate) fn new(node: NodeConfig, mut random: Random, now: Now) -> Self {
        let limits = Limits {
            pending_server: node.limits.pending_transactions,
            pending_client: node.limits.pending_transactions,
            finished: node.limits.finished_transactions,
            retry_after_s: RETRY_AFTER_S,
        };
        let config = Config { timers: TimerConfig::default(), limits };
        Self {
            now,
            transactions: Transactions::new(config, random.fork()),
            random,
            ports: Ports::new(node.rtp_ports),
            timers: Timers::new(),
            metrics: Metrics::default(),
            servers: BTreeMap::new(),
            clients: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            farewells: Farewells::default(),
            recordings: BTreeMap::new(),
            registrar: Registrar::new(node.expiry, node.limits.contacts_per_extension),
            trunks: Trunks::new(),
            players: Players::default(),
            conferences: Conferences::default(),
            unresumed: Unresumed::default(),
            engaged: Engaged::default(),
            parking: Parking::default(),
            presence: Presence::default(),
            floor: Floor::default(),
            lookups: 0,
            outputs: VecDeque::new(),
            node,
        }
    }

    /// Writes down what happened just now.
    pub(crate) fn fact(&mut self, tenant: &TenantId, event: Event) {
        self.fact_at(tenant, self.now.unix_ms, event);
    }

    /// Writes down what happened at `at_ms`.
    pub(crate) fn fact_at(&mut self, tenant: &TenantId, at_ms: u64, event: Event) {
        self.outputs.push_back(Output::Fact(Fact { tenant: tenant.clone(), at_ms, event }));
    }

    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.outputs.push_back(Output::Media(command));
    }

    pub(crate) fn publish(&mut self, view: View) {
        self.outputs.push_back(Output::Publish(view));
    }

    /// Names a question; no two of a process have the same.
    fn question(&mut self) -> LookUpId {
        self.lookups += 1;
        LookUpId(self.lookups)
    }

    /// Has a server asked.
    pub(crate) fn look_up(&mut self, tenant: &TenantId, call: CallId, url: String, timeout: Duration) -> LookUpId {
        let id = self.question();
        self.outputs.push_back(Output::LookUp(Box::new(LookUp { tenant: tenant.clone(), call, id, url, timeout })));
        id
    }

    /// Has a hook asked; `done` ends the wait where it says nothing in time.
    pub(crate) fn ask(&mut self, question: Question, timeout: Duration, done: TimerKey) -> (LookUpId, Duration) {
        let id = self.question();
        self.outputs.push_back(Output::Ask(Box::new(Asked { id, question, timeout })));
        (id, self.start_timer(timeout, done))
    }

    /// Has something of a box for messages asked for; `done` ends the wait where nothing comes in time.
    pub(crate) fn ask_box(
        &mut self,
        tenant: &TenantId,
        call: CallId,
        what: BoxOrder,
        done: TimerKey,
    ) -> (LookUpId, Duration) {
        let id = self.question();
        self.outputs.push_back(Output::Box(Box::new(BoxAsked { tenant: tenant.clone(), call, id, what })));
        (id, self.start_timer(BOX_ANSWER_MAX, done))
    }

    pub(crate) fn call_id(&mut self) -> CallId {
        CallId::new(self.now.unix_ms, self.random_bits())
    }

    pub(crate) fn leg_id(&mut self) -> LegId {
        LegId::new(self.now.unix_ms, self.random_bits())
    }

    pub(crate) fn recording_id(&mut self) -> RecordingId {
        RecordingId::new(self.now.unix_ms, self.random_bits())
    }

    pub(crate) fn conference_id(&mut self) -> ConferenceId {
        ConferenceId::new(self.now.unix_ms, self.random_bits())
    }

    fn random_bits(&mut self) -> u128 {
        (u128::from(self.random.next_u64()) << 64) | u128::from(self.random.next_u64())
    }

    /// Starts a timer and gives its end, which stops it.
    pub(crate) fn start_timer(&mut self, delay: Duration, key: TimerKey) -> Duration {
        let at = self.now.after(delay);
        self.timers.start(at, key);
        at
    }

    /// The way to the next hop of a request on this flow.
    pub(crate) fn hop(&self, flow: Flow) -> Hop {
        Hop { sent_by: nat::sent_by(&self.node, &flow), flow }
    }

    /// Answers a request. A transaction that is gone by now wants no answer.
    pub(crate) fn respond(&mut self, key: ServerKey, response: Response) {
        let response = response.with(HeaderName::Server, self.node.product.as_str());
        let _ = self.transactions.respond(self.now, key, response);
    }

    /// Answers a request that makes no dialog.
    pub(crate) fn refuse(&mut self, key: ServerKey, request: &Request, refusal: Refusal) {
        let tag = self.random.token();
        self.respond(key, refusal.tagged(request, Some(&tag)));
    }

    /// Sends a request on this flow.
    pub(crate) fn send(&mut self, request: Request, flow: Flow) -> Result<ClientKey, SendError> {
        let request = request.with(HeaderName::UserAgent, self.node.product.as_str());
        let hop = self.hop(flow);
        self.transactions.send_request(self.now, request, &hop)
    }
}

/// A final response that refuses, and what it says besides.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The reason phrase, which phones show to a person; that of the RFC where there is none.
    pub(crate) phrase: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Refusal {
    /// The response to a request in a dialog.
    pub(crate) fn response(self, request: &Request) -> Response {
        self.tagged(request, None)
    }

    /// The response, with our tag where the request has none.
    fn tagged(self, request: &Request, tag: Option<&str>) -> Response {
        let mut response = Response::to_request(request, self.status, tag);
        if let Some(phrase) = self.phrase {
            response = response.with_reason(phrase);
        }
        for (name, value) in self.headers {
            response.headers.push(name, value);
        }
        response
    }

    /// One whose reason phrase says to a person what is the matter.
    pub(crate) fn phrased(status: StatusCode, phrase: &'static str) -> Self {
        Self { phrase: Some(phrase), ..Self::from(status) }
    }

    /// We are full: come back in a while (RFC 3261 §21.5.4).
    pub(crate) fn busy_node() -> Self {
        Self::from(StatusCode::SERVICE_UNAVAILABLE).with(HeaderName::RetryAfter, RETRY_AFTER_S)
    }
}

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), phrase: None }
    }
}

/// Long enough for calls to end, short enough that nobody waits for nothing.
const RETRY_AFTER_S: u32 = 5;

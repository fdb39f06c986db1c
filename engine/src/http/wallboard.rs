//! `wallboard`: how the centre stands now and what the day has brought (MON-01 to MON-10, MON-20), as a snapshot and pushed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use hooks::fact::{AgentState, CallStatus, Sign};
use hooks::id::{CallId, TenantId};
use hooks::plugin::PermissionKey;
use serde::Serialize;
use switch::view::{AgentView, CallView, QueueView};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::agent::StateName;
use super::emergency::{EmergencyCall, emergencies};
use super::kept::Kept;
use super::operation::{Guard, Operations};
use super::origin;
use super::permission::WALLBOARD_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::roster::{OnRoster, Roster, roster};
use super::sight::People;
use super::socket::{self, Snapshot, Watched};
use super::state::Api;
use super::time_text::Instant;
use super::waiting::{WaitingCaller, callers};
use crate::board_limits::BoardLimits;
use crate::store::tenants::Tenant;
use crate::store::wallboard::{DayAsk, DayFigures, HourFigures};

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(WALLBOARD_READ), routes!(read_wallboard))
        .add(Guard::Needs(WALLBOARD_READ), routes!(stream_wallboard))
}

/// How the centre stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Wallboard {
    /// When this was so.
    pub at: Instant,
    /// What the day has brought.
    pub today: Today,
    /// Callers who wait now.
    pub waiting: u32,
    /// How many of these agents are in which state (MON-10); `idle`, `ringing` and `connected` are parts of the rest.
    pub states: BTreeMap<&'static str, u32>,
    /// The agents whose data one sees (MON-20), by employee number.
    pub agents: Vec<AgentOnBoard>,
    /// The queues, by name.
    pub queues: Vec<QueueOnBoard>,
    /// The first of those who wait, by queue, in their order; 500 at most.
    pub callers: Vec<WaitingCaller>,
    /// Emergency calls that are under way, the oldest first (GEN-18).
    pub emergencies: Vec<EmergencyCall>,
    /// From where on the figures ask for attention.
    pub limits: BoardLimits,
}

/// What the day has brought, in the tenant's time zone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Today {
    /// When it began.
    pub began_at: Instant,
    /// Calls from outside (呼入电话总量).
    pub inbound: u64,
    /// Those that a person answered (呼入接通量).
    pub inbound_connected: u64,
    /// Callers who hung up before that, in a menu, too, and offers that timed out, each once (中继呼入放弃和超时未接总量).
    pub abandoned_or_timed_out: u64,
    /// Calls to outside (呼出电话总量).
    pub outbound: u64,
    /// Those that were answered.
    pub outbound_connected: u64,
    /// Those that ended without.
    pub outbound_not_connected: u64,
    /// From the entry into the queue, or the ringing, to the answer, on average (平均响应时长); null while nothing was answered.
    pub average_response_ms: Option<u64>,
    /// Talks longer than `wallboard.abnormal_max_s` or shorter than `abnormal_min_s` (异常通话数).
    pub abnormal_calls: u64,
    /// Calls that entered a queue (语音排队总量).
    pub queued: u64,
    /// By the hour (今日趋势); hours without a call are left out.
    pub trend: Vec<HourOnBoard>,
}

/// An hour of the day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HourOnBoard {
    /// Which, from the beginning of the day.
    pub hour: u64,
    /// Calls from outside.
    pub inbound: u64,
    /// Calls from and to outside that a person answered.
    pub connected: u64,
    /// Calls to outside.
    pub outbound: u64,
}

/// An agent on the board.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentOnBoard {
    /// The employee number.
    pub agent: String,
    /// The name; empty for one who has just become an agent.
    pub name: String,
    /// The name of the department; empty like the name.
    pub department: String,
    /// The queues that he is a member of, by name.
    pub groups: Vec<String>,
    /// The state.
    #[schema(value_type = StateName)]
    pub state: AgentState,
    /// Since when.
    pub since: Instant,
    /// One word for both (AGT-11): `idle`, `ringing` (also while he dials), `connected`, `not_ready`, `on_break`, `wrap_up`, `offline`.
    pub word: &'static str,
    /// `none`, `dialling`, `ringing` or `{"connected": "talking" | "held" | "consulting" | "three_way"}`.
    #[schema(value_type = serde_json::Value)]
    pub call_status: CallStatus,
    /// The extension that he is signed in on.
    pub extension: Option<String>,
    /// The mobile that he is signed in by.
    #[schema(extensions(("x-field" = json!("agents.mobile"))))]
    pub mobile: Option<String>,
    /// He supervises a call of another.
    pub supervises: bool,
    /// The call that he takes part in.
    pub call: Option<String>,
    /// Since when that is answered; until then since when it is.
    pub call_since: Option<Instant>,
    /// The number of the other side of it.
    #[schema(extensions(("x-field" = json!("wallboard.other_side"))))]
    pub other_side: Option<String>,
}

/// A queue on the board.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueOnBoard {
    /// Its name.
    pub queue: String,
    /// Callers who wait.
    pub waiting: u32,
    /// Since when the first of them does.
    pub longest_waiting_since: Option<Instant>,
    /// Agents who are signed in.
    pub signed_in: u32,
    /// Those of them who are idle.
    pub idle: u32,
    /// Callers who came today, since the start of the process.
    pub entered: u64,
    /// Those who were answered.
    pub answered: u64,
    /// Those who were answered within the target.
    pub within_target: u64,
    /// Those who hung up.
    pub abandoned: u64,
}

/// What is read once for all who look at boards.
#[derive(Debug)]
pub struct Boards {
    days: Kept<(Today, BoardLimits)>,
    /// Who the agents are.
    pub(super) rosters: Kept<Arc<Roster>>,
}

impl Default for Boards {
    fn default() -> Self {
        Self { days: Kept::for_a(COUNT_EVERY), rosters: Kept::for_a(NAMES_EVERY) }
    }
}

/// What `[wallboard]` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abnormal {
    /// A talk longer than this is abnormal.
    pub max: Duration,
    /// A talk shorter than this is; zero = none.
    pub min: Duration,
}

/// How often the figures of the day are counted anew at most.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// How often the directory is asked anew who the agents are, at most.
const NAMES_EVERY: Duration = Duration::from_secs(3);
/// Waiting callers on one board.
const CALLERS_MAX: usize = 500;
/// Agents and queues on one board.
const SHOWN_MAX: usize = 5_000;

/// How the centre stands now.
#[utoipa::path(get, path = "/wallboard", tag = "wallboard", responses((status = 200, body = Wallboard)))]
async fn read_wallboard(State(api): State<Api>, principal: Principal) -> Result<Json<Wallboard>, Problem> {
    Ok(Json(board(&api, &principal.tenant, &People::of(&api, &principal).await?).await?))
}

/// The same, pushed: at once, at each change (a quarter of a second later at most), and every two seconds in any case. Each text message
/// is one whole wallboard.
#[utoipa::path(get, path = "/wallboard/stream", tag = "wallboard",
    responses((status = 101, description = "a WebSocket follows"), (status = 426, description = "ask for a WebSocket")))]
async fn stream_wallboard(
    State(api): State<Api>,
    principal: Principal,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    origin::own_origin(&headers)?;
    let (upgrade, permit) = socket::open(&api, upgrade, "read the wallboard instead")?;
    let people = People::of(&api, &principal).await?;
    let watched = Watching { tenant: principal.tenant.clone(), people };
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _permit = permit;
        socket::push(api, principal, watched, socket).await;
    }))
}

/// The wallboard as somebody sees it.
struct Watching {
    tenant: TenantId,
    people: People,
}

impl Watched for Watching {
    const KEY: PermissionKey = WALLBOARD_READ;
    type Whole = Wallboard;

    async fn look(&self, api: &Api) -> Option<Snapshot<Wallboard>> {
        let whole = board(api, &self.tenant, &self.people).await.ok()?;
        Some(Snapshot { said: said(&whole)?, whole })
    }

    async fn renewed(&mut self, api: &Api, principal: Principal) {
        if let Ok(people) = People::of(api, &principal).await {
            self.people = people;
        }
    }
}

/// What it says but for the time.
fn said(board: &Wallboard) -> Option<String> {
    let live = (board.waiting, &board.states, &board.agents, &board.queues, &board.callers, &board.emergencies);
    serde_json::to_string(&(&board.today, live, board.limits)).ok()
}

async fn board(api: &Api, tenant: &TenantId, people: &People) -> Result<Wallboard, Problem> {
    let (today, limits) = today(api, tenant).await?;
    let roster = roster(api, tenant).await?;
    let mut agents = api.live().agents(tenant, SHOWN_MAX);
    agents.retain(|view| people.has(&view.agent));
    let queues = api.live().queues(tenant, SHOWN_MAX);
    let agents: Vec<AgentOnBoard> = agents.iter().map(|view| agent_on_board(api, view, &roster)).collect();
    let mut states = BTreeMap::new();
    for agent in &agents {
        *states.entry(agent.word).or_insert(0) += 1;
    }
    Ok(Wallboard {
        at: Instant(crate::clock::unix_ms()),
        today,
        waiting: queues.iter().map(|queue| queue.waiting).sum(),
        states,
        agents,
        queues: queues.iter().map(|view| queue_on_board(view)).collect(),
        callers: queues.iter().flat_map(|view| callers(api.live(), view, people)).take(CALLERS_MAX).collect(),
        emergencies: emergencies(api.live(), tenant),
        limits,
    })
}

/// The figures of the day and their limits, no older than [`COUNT_EVERY`].
async fn today(api: &Api, tenant: &TenantId) -> Result<(Today, BoardLimits), Problem> {
    if let Some(counted) = api.boards().days.fresh(tenant) {
        return Ok(counted);
    }
    let settings = api.store().get::<Tenant>(tenant, tenant.as_str()).await?.value;
    let begins_ms = settings.day_began_ms(crate::clock::unix_ms());
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let abnormal = api.abnormal();
    let ask = DayAsk { begins_ms, abnormal_max_ms: ms(abnormal.max), abnormal_min_ms: ms(abnormal.min) };
    let counted = (Today::of(begins_ms, api.store().day_figures(tenant, ask).await?), settings.wallboard);
    api.boards().days.keep(tenant, counted.clone());
    Ok(counted)
}

impl Today {
    fn of(begins_ms: u64, figures: DayFigures) -> Self {
        let hour = |hour: &HourFigures| HourOnBoard {
            hour: hour.hour,
            inbound: hour.inbound,
            connected: hour.connected,
            outbound: hour.outbound,
        };
        Self {
            began_at: Instant(begins_ms),
            inbound: figures.inbound,
            inbound_connected: figures.inbound_connected,
            abandoned_or_timed_out: figures.abandoned_or_timed_out,
            outbound: figures.outbound,
            outbound_connected: figures.outbound_connected,
            outbound_not_connected: figures.outbound_not_connected,
            average_response_ms: figures.response_ms,
            abnormal_calls: figures.abnormal,
            queued: figures.queued,
            trend: figures.hours.iter().map(hour).collect(),
        }
    }
}

fn agent_on_board(api: &Api, view: &AgentView, roster: &Roster) -> AgentOnBoard {
    let call = view.calls.first().and_then(|call| api.live().call(&view.tenant, *call));
    let OnRoster { name, department, groups } = roster.get(&view.agent).cloned().unwrap_or_default();
    AgentOnBoard {
        agent: view.agent.clone(),
        name,
        department,
        groups,
        state: view.state,
        since: Instant(view.since_ms),
        word: word(view),
        call_status: view.call_status,
        extension: view.extension.clone(),
        mobile: view.mobile.clone(),
        supervises: view.supervises,
        call: view.calls.first().map(CallId::to_string),
        call_since: call.as_ref().map(|call| Instant(call.answered_ms.unwrap_or(call.created_ms))),
        other_side: call.map(|call| other_side(view, &call)),
    }
}

/// AGT-11.
pub(super) fn word(view: &AgentView) -> &'static str {
    match (view.call_status, view.state) {
        (CallStatus::Dialling | CallStatus::Ringing, _) => "ringing",
        (CallStatus::Connected(_), _) => "connected",
        (CallStatus::None, AgentState::Ready) => "idle",
        (CallStatus::None, AgentState::NotReady) => "not_ready",
        (CallStatus::None, AgentState::OnBreak) => "on_break",
        (CallStatus::None, AgentState::WrapUp) => "wrap_up",
        (CallStatus::None, AgentState::Offline) => "offline",
    }
}

/// The number of whom he talks with, or is rung for.
fn other_side(view: &AgentView, call: &CallView) -> String {
    let own = match view.sign {
        Sign::Mobile(_) => None,
        Sign::Phone(_) | Sign::Out => view.extension.as_deref(),
    };
    if own == Some(call.caller.as_str()) { call.callee.clone() } else { call.caller.clone() }
}

pub(super) fn queue_on_board(view: &QueueView) -> QueueOnBoard {
    QueueOnBoard {
        queue: view.queue.clone(),
        waiting: view.waiting,
        longest_waiting_since: view.first.iter().map(|first| first.since_ms).min().map(Instant),
        signed_in: view.signed_in,
        idle: view.idle,
        entered: view.today.entered,
        answered: view.today.answered,
        within_target: view.today.within_target,
        abandoned: view.today.abandoned,
    }
}

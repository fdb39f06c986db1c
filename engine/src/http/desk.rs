//! `desk`: what the console of an agent has to know of himself, pushed while it changes: how he stands, his call, who could help. And his
//! own day and missed calls (UI-01, UI-03), for which he needs no permission to see those of others.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use hooks::plugin::PermissionKey;
use serde::Serialize;
use switch::view::{AgentView, CallView};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::agent::AgentNow;
use super::agent_state::AgentStayShown;
use super::call::CallShown;
use super::emergency::{EmergencyCall, emergencies};
use super::extract::Query;
use super::missed_offer::MissedOfferShown;
use super::operation::{Guard, Operations};
use super::origin;
use super::page::{Listed, PageQuery};
use super::permission::{AGENTS_READ, CALLS_DIAL, QUEUES_READ, WALLBOARD_READ};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::socket::{self, Snapshot, Watched};
use super::state::Api;
use super::time_text::Instant;
use super::wallboard::{QueueOnBoard, queue_on_board, word};
use crate::store::agent_states::StayFilter;
use crate::store::desk::OwnDayAsk;
use crate::store::records::MissedFilter;
use crate::store::scope::Sight;
use crate::store::setting::PageAsk;
use crate::store::tenants::Tenant;
use crate::store::unix_ms;

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(CALLS_DIAL), routes!(read_desk))
        .add(Guard::Needs(CALLS_DIAL), routes!(stream_desk))
        .add(Guard::Needs(AGENTS_READ), routes!(read_colleague_names))
        .add(Guard::Needs(CALLS_DIAL), routes!(read_own_day))
        .add(Guard::Needs(CALLS_DIAL), routes!(list_own_missed))
}

/// What an agent's console shows on every page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Desk {
    /// When this was so: the server's clock.
    pub at: Instant,
    /// How he stands; null for who is no agent.
    pub agent: Option<AgentNow>,
    /// The call that he takes part in.
    pub call: Option<CallShown>,
    /// From which queue it comes, while he is rung.
    pub offered_by: Option<OfferingQueue>,
    /// Who could be asked or take the call, by employee number; he himself is not among them. Empty without `agents.read`.
    pub colleagues: Vec<Colleague>,
    /// The queues, by name. Empty without `queues.read`.
    pub queues: Vec<QueueOnBoard>,
    /// Emergency calls that are under way (GEN-18). Empty without `wallboard.read`.
    pub emergencies: Vec<EmergencyCall>,
}

/// A queue that offers a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferingQueue {
    /// Its name.
    pub queue: String,
    /// Since when the caller waits.
    pub waiting_since: Instant,
    /// Since when he himself is rung; null where the call comes otherwise than by an offer to him.
    pub rings_since: Option<Instant>,
    /// Up to when; then the queue offers the call to somebody else.
    pub rings_until: Option<Instant>,
}

/// Another agent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Colleague {
    /// The employee number.
    pub agent: String,
    /// The extension that he is signed in on.
    pub extension: Option<String>,
    /// `idle`, `ringing`, `connected`, `not_ready`, `on_break`, `wrap_up`, `offline`: only who is idle can be asked (AGT-12).
    pub word: &'static str,
    /// Since when his state is that.
    pub since: Instant,
}

/// What the agents are called.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColleagueNames {
    /// Those whose data one sees, by employee number.
    pub items: Vec<ColleagueName>,
}

/// What an agent is called.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColleagueName {
    /// The employee number.
    #[schema(example = "10001")]
    pub agent: String,
    /// The employee's name.
    #[schema(example = "张伟")]
    pub name: String,
}

/// An agent's own day, in the tenant's time zone.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnDayShown {
    /// When it began.
    pub began_at: Instant,
    /// Calls that were offered to him.
    pub offered: u64,
    /// Those that he answered.
    pub answered: u64,
    /// Calls to outside by the extension that he was signed in on.
    pub outbound: u64,
    /// Those that were answered.
    pub outbound_connected: u64,
    /// How long he talked.
    pub talk_ms: u64,
    /// How long he was in each state, ms, by its name.
    pub states_ms: BTreeMap<String, u64>,
    /// The newest row of his state log: why he is in his state. Null before his first sign-in.
    pub newest_stay: Option<AgentStayShown>,
}

/// Colleagues and queues on one desk.
const SHOWN_MAX: usize = 5_000;
/// How far back missed calls are shown (UI-03), ms.
const MISSED_SHOWN_MS: u64 = 7 * 24 * 3_600_000;

/// How one stands oneself.
#[utoipa::path(get, path = "/desk", tag = "desk", responses((status = 200, body = Desk)))]
async fn read_desk(State(api): State<Api>, principal: Principal) -> Json<Desk> {
    Json(desk(&api, &principal))
}

/// The same, pushed: at once, at each change (a quarter of a second later at most), and every two seconds in any case. Each text message
/// is one whole desk.
#[utoipa::path(get, path = "/desk/stream", tag = "desk",
    responses((status = 101, description = "a WebSocket follows"), (status = 426, description = "ask for a WebSocket")))]
async fn stream_desk(
    State(api): State<Api>,
    principal: Principal,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    origin::own_origin(&headers)?;
    let (upgrade, permit) = socket::open(&api, upgrade, "read the desk instead")?;
    let watched = Watching(principal.clone());
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _permit = permit;
        socket::push(api, principal, watched, socket).await;
    }))
}

/// The desk of somebody, as he stands now.
struct Watching(Principal);

impl Watched for Watching {
    const KEY: PermissionKey = CALLS_DIAL;
    type Whole = Desk;

    async fn look(&self, api: &Api) -> Option<Snapshot<Desk>> {
        let whole = desk(api, &self.0);
        let said = (&whole.agent, &whole.call, &whole.offered_by, &whole.colleagues, &whole.queues, &whole.emergencies);
        Some(Snapshot { said: serde_json::to_string(&said).ok()?, whole })
    }

    async fn renewed(&mut self, _api: &Api, principal: Principal) {
        self.0 = principal;
    }
}

fn desk(api: &Api, principal: &Principal) -> Desk {
    let (live, tenant) = (api.live(), &principal.tenant);
    let own = principal.agent().and_then(|number| live.agent(tenant, number.as_str()));
    let call = own.as_ref().and_then(|own| live.call(tenant, *own.calls.first()?));
    let agents = if principal.permissions.allow(AGENTS_READ) { live.agents(tenant, SHOWN_MAX) } else { Vec::new() };
    let queues = live.queues(tenant, SHOWN_MAX);
    let offering = queues.iter().find_map(|queue| {
        let waits = queue.first.iter().find(|waits| Some(waits.call) == call.as_ref().map(|call| call.call))?;
        let rings = own.as_ref().and_then(|own| own.rings);
        Some(OfferingQueue {
            queue: queue.queue.clone(),
            waiting_since: Instant(waits.since_ms),
            rings_since: rings.map(|rings| Instant(rings.since_ms)),
            rings_until: rings.map(|rings| Instant(rings.until_ms)),
        })
    });
    let shown = if principal.permissions.allow(QUEUES_READ) { queues } else { Vec::new() };
    Desk {
        at: Instant(unix_ms()),
        agent: own.as_deref().map(|view| AgentNow::of(Some(view))),
        call: call.as_deref().map(|view: &CallView| CallShown::of(view, principal, api.locations())),
        offered_by: offering,
        colleagues: agents.iter().filter(|view| is_other(view, own.as_deref())).map(|view| colleague(view)).collect(),
        queues: shown.iter().map(|view| queue_on_board(view)).collect(),
        emergencies: if principal.permissions.allow(WALLBOARD_READ) { emergencies(live, tenant) } else { Vec::new() },
    }
}

fn is_other(view: &AgentView, own: Option<&AgentView>) -> bool {
    own.is_none_or(|own| own.agent != view.agent)
}

fn colleague(view: &AgentView) -> Colleague {
    Colleague {
        agent: view.agent.clone(),
        extension: view.extension.clone(),
        word: word(view),
        since: Instant(view.since_ms),
    }
}

/// What the colleagues of the desk are called, of whom one sees the data. Not in the desk, which is pushed each time that any of them does something.
#[utoipa::path(get, path = "/desk/colleagues", tag = "desk", responses((status = 200, body = ColleagueNames)))]
async fn read_colleague_names(State(api): State<Api>, principal: Principal) -> Result<Json<ColleagueNames>, Problem> {
    let names = api.store().agent_names(principal.sight()).await?;
    Ok(Json(ColleagueNames { items: names.into_iter().map(|(agent, name)| ColleagueName { agent, name }).collect() }))
}

/// One's own day so far.
#[utoipa::path(get, path = "/desk/today", tag = "desk",
    responses((status = 200, body = OwnDayShown), (status = 404, description = "who asks is no agent")))]
async fn read_own_day(State(api): State<Api>, principal: Principal) -> Result<Json<OwnDayShown>, Problem> {
    let agent = principal.agent().ok_or_else(no_agent)?;
    let settings = api.store().get::<Tenant>(&principal.tenant, principal.tenant.as_str()).await?.value;
    let now_ms = unix_ms();
    let begins_ms = settings.day_began_ms(now_ms);
    let ask = OwnDayAsk { agent: agent.as_str(), begins_ms, now_ms };
    let day = api.store().own_day(&principal.tenant, ask).await?;
    let scope = principal.own_scope();
    let sight = Sight { tenant: &principal.tenant, scope: &scope };
    let own = StayFilter { agent: Some(agent.to_string()), ..StayFilter::default() };
    let newest = api.store().agent_stays(sight, &own, &PageAsk { limit: 1, after: None }).await?;
    Ok(Json(OwnDayShown {
        began_at: Instant(begins_ms),
        offered: day.offered,
        answered: day.answered,
        outbound: day.outbound,
        outbound_connected: day.outbound_connected,
        talk_ms: day.talk_ms,
        states_ms: day.states,
        newest_stay: newest.items.into_iter().next().map(AgentStayShown::from),
    }))
}

/// The calls that one missed in the last seven days, newest first.
#[utoipa::path(get, path = "/desk/missed-offers", tag = "desk", params(PageQuery),
    responses((status = 200, body = Listed<MissedOfferShown>), (status = 404, description = "who asks is no agent")))]
async fn list_own_missed(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<MissedOfferShown>>, Problem> {
    let agent = principal.agent().ok_or_else(no_agent)?;
    let filter = MissedFilter {
        from_ms: Some(unix_ms().saturating_sub(MISSED_SHOWN_MS)),
        agent: Some(agent.to_string()),
        ..MissedFilter::default()
    };
    let scope = principal.own_scope();
    let sight = Sight { tenant: &principal.tenant, scope: &scope };
    let rows = api.store().missed_offers(sight, &filter, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, MissedOfferShown::from)))
}

fn no_agent() -> Problem {
    Problem::new(Kind::NotFound, "you are no agent, so you have no calls of your own")
}

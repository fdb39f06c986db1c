//! `queues/{name}/staffing`: what a queue had to do at each time of day, and how callers would wait with so many agents (Erlang A).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use dialplan::hours::{WeekDay, Zone};
use serde::{Deserialize, Serialize};
use switch::queue::staffing::{AGENTS_MAX, Demand, Forecast, agents_needed, forecast};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::{Path, Query};
use super::operation::{Guard, Operations};
use super::permission::WALLBOARD_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::setting::Faults;
use super::state::Api;
use super::time_text::Instant;
use crate::store::queues::Queue;
use crate::store::staffing::{HistoryAsk, QUARTER_MS, QueueFigures};
use crate::store::tenants::Tenant;

/// The operation.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(WALLBOARD_READ), routes!(read_staffing))
}

/// What a queue had to do, and what so many agents would make of that.
#[derive(Debug, Serialize, ToSchema)]
pub struct Staffing {
    /// The queue.
    pub queue: String,
    /// Callers who came from then on are counted.
    pub from: Instant,
    /// Up to then.
    pub to: Instant,
    /// The zone of the times of day.
    pub time_zone: String,
    /// An answer within it is within the service level.
    pub target_s: u32,
    /// The share of callers who shall be answered within the target.
    pub wanted_service_level: f64,
    /// All of it together.
    pub measured: Measured,
    /// By time of day; times at which nobody came are left out.
    pub slots: Vec<Slot>,
    /// Why there is nothing to forecast, where that is so.
    pub note: Option<&'static str>,
}

/// A time of day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Slot {
    /// When it begins.
    #[schema(example = "09:30")]
    pub begins: String,
    /// So many hours of it lie in the time that was looked at.
    pub hours: f64,
    /// What was measured.
    pub measured: Measured,
    /// What is reckoned with; null where no agent was ever done with a call.
    pub demand: Option<DemandShown>,
    /// The least number of agents that reaches the wanted service level; null where there is none.
    pub needed: Option<ForecastShown>,
    /// What to expect of each number of agents that was asked for, else of one fewer than needed up to two more. Numbers with which the
    /// line would grow for ever are left out.
    pub forecasts: Vec<ForecastShown>,
}

/// What was measured.
#[derive(Debug, Serialize, ToSchema)]
pub struct Measured {
    /// Callers who entered, and have left.
    pub calls: u64,
    /// Those whom an agent answered.
    pub answered: u64,
    /// Those who hung up.
    pub abandoned: u64,
    /// The share of all who were answered within the target.
    pub service_level: Option<f64>,
    /// The mean wait of all.
    pub mean_wait_ms: Option<u64>,
    /// What an agent has to do with a call on average: talk, hold and wrap-up.
    pub handle_ms: Option<u64>,
    /// How long a caller waits on average before he hangs up: the waits of all by the number who hung up (the likeliest mean, where patience
    /// is exponential). Null where nobody did.
    pub patience_ms: Option<u64>,
}

/// What is reckoned with.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemandShown {
    /// Calls an hour.
    pub calls_per_hour: f64,
    /// Of this time of day, or of all times where fewer than 30 calls were handled in it.
    pub handle_ms: u64,
    /// Of this time of day, or of all times where fewer than 30 hung up in it; null: for ever.
    pub patience_ms: Option<u64>,
}

/// What to expect.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastShown {
    /// Of so many agents.
    pub agents: u32,
    /// The share of callers who wait at all.
    pub wait_probability: f64,
    /// The mean wait of all, of those who hang up, too.
    pub mean_wait_ms: u64,
    /// 95 of 100 wait no longer.
    pub p95_wait_ms: u64,
    /// The share of callers who hang up.
    pub abandoned: f64,
    /// The share of all callers who are answered within the target.
    pub service_level: f64,
    /// The share of their time for which agents have a call.
    pub occupancy: f64,
}

impl From<Forecast> for ForecastShown {
    fn from(forecast: Forecast) -> Self {
        Self {
            agents: forecast.agents,
            wait_probability: forecast.wait_probability,
            mean_wait_ms: ms(forecast.mean_wait),
            p95_wait_ms: ms(forecast.p95_wait),
            abandoned: forecast.abandoned,
            service_level: forecast.service_level,
            occupancy: forecast.occupancy,
        }
    }
}

/// How long a slot is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotLength {
    /// Half an hour.
    #[default]
    HalfHour,
    /// An hour.
    Hour,
}

impl SlotLength {
    fn minutes(self) -> u16 {
        match self {
            Self::HalfHour => 30,
            Self::Hour => 60,
        }
    }
}

/// What is looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StaffingQuery {
    /// Callers who came at this time or later; four weeks before the end where it is left out. At most 92 days before it.
    from: Option<Instant>,
    /// Before this time; now where it is left out.
    to: Option<Instant>,
    /// On these days of the week only; all where it is left out.
    #[param(example = "mon,tue,wed,thu,fri")]
    weekdays: Option<String>,
    /// How the day is cut.
    #[serde(default)]
    #[param(inline, value_type = Option<SlotLength>)]
    by: SlotLength,
    /// For so many agents: `8`, or `6-12`, at most 40 numbers.
    #[param(example = "6-12")]
    agents: Option<String>,
    /// The share of callers who shall be answered within the queue's target, 0.01 to 0.999; 0.8 where it is left out.
    service_level: Option<f64>,
}

/// A query that was read.
struct Asked {
    from_ms: u64,
    to_ms: u64,
    weekdays: Vec<WeekDay>,
    slot_min: u16,
    agents: Option<RangeInclusive<u32>>,
    wanted: f64,
}

/// Where no beginning is given, ms.
const RANGE_MS: u64 = 28 * 86_400_000;
/// What is counted for one answer at most, ms.
const RANGE_MAX_MS: u64 = 92 * 86_400_000;
/// Numbers of agents in one answer.
const AGENTS_SHOWN_MAX: u32 = 40;
/// The service level where none is given.
const WANTED: f64 = 0.8;
/// A mean of fewer than this is taken from all times of day.
const FEW: u64 = 30;
const NOBODY_CAME: &str = "no caller entered the queue in this time; look at an earlier or longer one";
const NOTHING_HANDLED: &str =
    "no agent was done with a call of the queue in this time, so what a call takes is not known; look at a longer one";

/// What a queue had to do at each time of day, and how callers would wait with so many agents. Reckoned by Erlang A: callers come at
/// random, talks and patience are exponential, agents are always there. Callers whom the queue's overflow takes are counted as callers who
/// have lost no patience yet.
#[utoipa::path(get, path = "/queues/{name}/staffing", tag = "queues", params(("name" = String, Path), StaffingQuery),
    responses((status = 200, body = Staffing)))]
async fn read_staffing(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    Query(query): Query<StaffingQuery>,
) -> Result<Json<Staffing>, Problem> {
    let asked = Asked::read(&query, crate::clock::unix_ms())?;
    let tenant = &principal.tenant;
    let queue = api.store().get::<Queue>(tenant, &name).await?.value;
    let zone = api.store().get::<Tenant>(tenant, tenant.as_str()).await?.value.time_zone;
    let zone: Zone = zone.parse().map_err(|error| Problem::internal(&error))?;
    let target_s = queue.rules.target_s;
    let ask = HistoryAsk { from_ms: asked.from_ms, to_ms: asked.to_ms, target_ms: u64::from(target_s) * 1_000 };
    let history = api.store().queue_history(tenant, &name, ask).await?;
    let reckon = move || staffing(name, &zone, target_s, &asked, &history);
    let reckoned = tokio::task::spawn_blocking(reckon).await;
    reckoned.map(Json).map_err(|error| Problem::internal(&error))
}

impl Asked {
    fn read(query: &StaffingQuery, now_ms: u64) -> Result<Self, Problem> {
        let mut faults = Faults::default();
        // What has not come yet is no history.
        let to_ms = query.to.map_or(now_ms, |to| to.0.min(now_ms));
        let from_ms = query.from.map_or_else(|| to_ms.saturating_sub(RANGE_MS), |from| from.0);
        faults.require("from", from_ms < to_ms, "it must lie before `to`, and in the past");
        let short = to_ms.saturating_sub(from_ms) <= RANGE_MAX_MS;
        faults.require("from", short, "at most 92 days are looked at; take a later `from`, or an earlier `to`");
        let weekdays = query.weekdays.as_deref().map_or(Ok(Vec::new()), |text| {
            text.split(',').map(|day| WeekDay::try_from(day.trim().to_owned())).collect()
        });
        let weekdays = faults.note("weekdays", weekdays);
        let agents = faults.note("agents", query.agents.as_deref().map(agents).transpose());
        let wanted = query.service_level.unwrap_or(WANTED);
        faults.require("service_level", (0.01..=0.999).contains(&wanted), "write a share from 0.01 to 0.999");
        faults.check()?;
        let (weekdays, agents) = (weekdays.unwrap_or_default(), agents.flatten());
        Ok(Self { from_ms, to_ms, weekdays, slot_min: query.by.minutes(), agents, wanted })
    }
}

/// `8`, or `6-12`.
fn agents(text: &str) -> Result<RangeInclusive<u32>, String> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    match (low.trim().parse(), high.trim().parse()) {
        (Ok(low @ 1..), Ok(high @ ..=AGENTS_MAX)) if low <= high && high - low < AGENTS_SHOWN_MAX => Ok(low..=high),
        _ => Err(format!(
            "`{text}`: write a number as 8, or from one to another as 6-12, at most {AGENTS_SHOWN_MAX} of 1 to {AGENTS_MAX}"
        )),
    }
}

/// What was seen at a time of day.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// How much of it lies in the time that was looked at, ms.
    exposed_ms: u64,
    figures: QueueFigures,
}

fn staffing(queue: String, zone: &Zone, target_s: u32, asked: &Asked, history: &[(u64, QueueFigures)]) -> Staffing {
    let seen = by_time_of_day(zone, asked, history);
    let mut whole = QueueFigures::default();
    seen.values().for_each(|slot| whole += slot.figures);
    let reckoning = Reckoning { asked, whole, target: Duration::from_secs(u64::from(target_s)) };
    let note = match (whole.calls, whole.handled) {
        (0, _) => Some(NOBODY_CAME),
        (_, 0) => Some(NOTHING_HANDLED),
        (_, _) => None,
    };
    let slots = seen.into_iter().filter(|(_, seen)| seen.figures.calls > 0);
    Staffing {
        queue,
        from: Instant(asked.from_ms),
        to: Instant(asked.to_ms),
        time_zone: zone.name().to_owned(),
        target_s,
        wanted_service_level: asked.wanted,
        measured: measured(&whole),
        slots: slots.map(|(minute, seen)| reckoning.slot(minute, seen)).collect(),
        note,
    }
}

/// The quarters of the time that was looked at, put together by the clock of the zone.
fn by_time_of_day(zone: &Zone, asked: &Asked, history: &[(u64, QueueFigures)]) -> BTreeMap<u16, Seen> {
    let figures: BTreeMap<u64, QueueFigures> = history.iter().copied().collect();
    let mut seen: BTreeMap<u16, Seen> = BTreeMap::new();
    for quarter in asked.from_ms / QUARTER_MS..asked.to_ms.div_ceil(QUARTER_MS) {
        let begins_ms = quarter * QUARTER_MS;
        let Some((weekday, minute)) = i64::try_from(begins_ms).ok().and_then(|ms| zone.clock(ms)) else { continue };
        if !asked.weekdays.is_empty() && !asked.weekdays.contains(&weekday) {
            continue;
        }
        let slot = seen.entry(minute - minute % asked.slot_min).or_default();
        let ends_ms = (begins_ms + QUARTER_MS).min(asked.to_ms);
        slot.exposed_ms += ends_ms - begins_ms.max(asked.from_ms);
        slot.figures += figures.get(&quarter).copied().unwrap_or_default();
    }
    seen
}

struct Reckoning<'a> {
    asked: &'a Asked,
    whole: QueueFigures,
    target: Duration,
}

impl Reckoning<'_> {
    fn slot(&self, minute: u16, seen: Seen) -> Slot {
        let hours = seen.exposed_ms as f64 / 3_600_000.0;
        let demand = self.demand(&seen.figures, hours);
        let needed = demand.as_ref().and_then(|demand| agents_needed(demand, self.target, self.asked.wanted));
        let about = needed.map(|needed| needed.agents.saturating_sub(1).max(1)..=(needed.agents + 2).min(AGENTS_MAX));
        let range = self.asked.agents.clone().or(about);
        let forecasts = demand.iter().zip(range).flat_map(|(demand, range)| {
            range.filter_map(|agents| forecast(demand, agents, self.target)).map(ForecastShown::from)
        });
        Slot {
            begins: format!("{:02}:{:02}", minute / 60, minute % 60),
            hours,
            measured: measured(&seen.figures),
            forecasts: forecasts.collect(),
            needed: needed.map(ForecastShown::from),
            demand: demand.map(|demand| DemandShown {
                calls_per_hour: demand.calls_per_hour,
                handle_ms: ms(demand.handle_time),
                patience_ms: demand.patience.map(ms),
            }),
        }
    }

    /// The means of few are those of all times of day.
    fn demand(&self, figures: &QueueFigures, hours: f64) -> Option<Demand> {
        let of_handling = if figures.handled < FEW { &self.whole } else { figures };
        let of_patience = if figures.abandoned < FEW { &self.whole } else { figures };
        let handle_time = Duration::from_millis(handle_ms(of_handling)?.max(1));
        let patience = patience_ms(of_patience).map(|ms| Duration::from_millis(ms.max(1)));
        Some(Demand { calls_per_hour: figures.calls as f64 / hours, handle_time, patience })
    }
}

fn measured(figures: &QueueFigures) -> Measured {
    let share = |part: u64| (figures.calls > 0).then(|| part as f64 / figures.calls as f64);
    Measured {
        calls: figures.calls,
        answered: figures.answered,
        abandoned: figures.abandoned,
        service_level: share(figures.within_target),
        mean_wait_ms: figures.waited_ms.checked_div(figures.calls),
        handle_ms: handle_ms(figures),
        patience_ms: patience_ms(figures),
    }
}

fn handle_ms(figures: &QueueFigures) -> Option<u64> {
    figures.handled_ms.checked_div(figures.handled)
}

fn patience_ms(figures: &QueueFigures) -> Option<u64> {
    figures.waited_ms.checked_div(figures.abandoned)
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

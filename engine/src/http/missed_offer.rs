//! `missed-offers`: each offer that its agent did not take (MISS-01, MISS-02), newest first.

use axum::Json;
use axum::extract::State;
use hooks::fact::OfferOutcome;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::Query;
use super::operation::{Guard, Operations};
use super::page::{self, Listed, PageQuery};
use super::permission::MISSED_OFFERS_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;
use crate::store::records::{MissedFilter, MissedOffer};
use crate::store::sql::word;

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(MISSED_OFFERS_READ), routes!(list_missed_offers))
}

/// An offer that its agent did not take. A call that was missed three times is here three times.
#[derive(Debug, Serialize, ToSchema)]
pub struct MissedOfferShown {
    /// The call, a ULID.
    pub call: String,
    /// The employee number.
    pub agent: Option<String>,
    /// The queue that offered it; null where somebody called the agent himself.
    pub queue: Option<String>,
    /// The caller's number; empty when withheld.
    #[schema(extensions(("x-field" = json!("missed_offers.caller"))))]
    pub caller: String,
    /// The number dialled.
    #[schema(extensions(("x-field" = json!("missed_offers.callee"))))]
    pub callee: String,
    /// When it began to ring.
    pub ring_started_at: Instant,
    /// When it rang no more.
    pub ring_ended_at: Option<Instant>,
    /// How long it rang.
    pub ring_duration_ms: Option<u64>,
    /// `caller_hung_up`, `timed_out`, `rejected` or `failed` (挂机状态).
    pub outcome: Option<String>,
}

impl From<MissedOffer> for MissedOfferShown {
    fn from(missed: MissedOffer) -> Self {
        let offer = missed.offer;
        Self {
            call: missed.call.to_string(),
            agent: offer.agent,
            queue: offer.queue,
            caller: missed.caller,
            callee: missed.callee,
            ring_started_at: Instant(offer.started_at_ms),
            ring_ended_at: offer.ended_at_ms.map(Instant),
            ring_duration_ms: offer.ended_at_ms.map(|at_ms| at_ms.saturating_sub(offer.started_at_ms)),
            outcome: offer.outcome,
        }
    }
}

/// Which of them are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MissedQuery {
    /// Rang from this time on.
    from: Option<Instant>,
    /// Rang before this time.
    to: Option<Instant>,
    /// To the agent of this employee number.
    agent: Option<String>,
    /// By this queue.
    queue: Option<String>,
    /// From exactly this number.
    caller: Option<String>,
    /// Ended so.
    #[param(value_type = Option<String>, example = "timed_out")]
    outcome: Option<OfferOutcome>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The offers that were not taken, newest first.
#[utoipa::path(get, path = "/missed-offers", tag = "call-records", params(MissedQuery),
    responses((status = 200, body = Listed<MissedOfferShown>)))]
async fn list_missed_offers(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<MissedQuery>,
) -> Result<Json<Listed<MissedOfferShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let filter = MissedFilter {
        from_ms: query.from.map(|at| at.0),
        to_ms: query.to.map(|at| at.0),
        agent: query.agent,
        queue: query.queue,
        caller: query.caller,
        outcome: query.outcome.as_ref().map(word),
    };
    let rows = api.store().missed_offers(principal.sight(), &filter, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, MissedOfferShown::from)))
}

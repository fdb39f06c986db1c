//! `agent-states`: the agent state log (坐席状态日志, LOG-01 to LOG-03), newest first. Nobody changes it.

use axum::Json;
use axum::extract::State;
use hooks::fact::{AgentState, ChangeReason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::agent::StateName;
use super::department;
use super::extract::Query;
use super::operation::{Guard, Operations};
use super::page::{self, Listed, PageQuery};
use super::permission::AGENT_STATES_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;
use crate::store::agent_states::{AgentStay, StayFilter};

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(AGENT_STATES_READ), routes!(list_agent_states))
}

/// A stay of an agent in a state. Each begins when the one before ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentStayShown {
    /// The employee number.
    pub agent: String,
    /// The state.
    #[schema(value_type = StateName)]
    pub state: AgentState,
    /// When it began.
    pub began_at: Instant,
    /// When it ended; null while it lasts.
    pub ended_at: Option<Instant>,
    /// How long it lasted: between the times of both changes, each cut to whole seconds, so that the stays of a day add up (GEN-04).
    pub duration_ms: Option<u64>,
    /// Why the state before was left for this one (切换原因).
    #[schema(value_type = String, example = "wrap_up_timeout")]
    pub reason: ChangeReason,
    /// Who did that, where it was a supervisor: a login name or `token:NAME`.
    pub done_by: Option<String>,
    /// The extension that he was signed in on.
    pub extension: Option<String>,
    /// The mobile that he was signed in by.
    #[schema(extensions(("x-field" = json!("agents.mobile"))))]
    pub mobile: Option<String>,
}

impl From<AgentStay> for AgentStayShown {
    fn from(stay: AgentStay) -> Self {
        Self {
            agent: stay.agent,
            state: stay.state,
            began_at: Instant(stay.began_at_ms),
            ended_at: stay.ended_at_ms.map(Instant),
            duration_ms: stay.ended_at_ms.map(|at_ms| lasted_ms(stay.began_at_ms, at_ms)),
            reason: stay.reason,
            done_by: stay.done_by,
            extension: stay.extension,
            mobile: stay.mobile,
        }
    }
}

/// How long a state lasts (GEN-04).
pub(super) fn lasted_ms(from_ms: u64, to_ms: u64) -> u64 {
    (to_ms / 1_000).saturating_sub(from_ms / 1_000) * 1_000
}

/// Which stays are wanted (LOG-02).
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StayQuery {
    /// Began at this time or later.
    from: Option<Instant>,
    /// Began before this time.
    to: Option<Instant>,
    /// Of the agent of this employee number.
    agent: Option<String>,
    /// Of agents who were in this department then, or in one below it; not together with `agent`.
    department: Option<String>,
    /// In this state.
    #[param(value_type = Option<StateName>)]
    state: Option<AgentState>,
    /// Begun for this reason.
    #[param(value_type = Option<String>, example = "manual")]
    reason: Option<ChangeReason>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The stays of agents in their states, newest first.
#[utoipa::path(get, path = "/agent-states", tag = "agents", params(StayQuery),
    responses((status = 200, body = Listed<AgentStayShown>)))]
async fn list_agent_states(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<StayQuery>,
) -> Result<Json<Listed<AgentStayShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let departments = department::asked(&api, &principal, query.agent.as_deref(), query.department.as_deref()).await?;
    let filter = StayFilter {
        departments,
        from_ms: query.from.map(|at| at.0),
        to_ms: query.to.map(|at| at.0),
        agent: query.agent,
        state: query.state,
        reason: query.reason,
    };
    let rows = api.store().agent_stays(principal.sight(), &filter, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, AgentStayShown::from)))
}

#[cfg(test)]
mod tests {
    use super::lasted_ms;

    /// Proves GEN-04 of states, and LOG-03 (the duration): stays that follow each other add up to the whole, to the second.
    #[test]
    fn a_stay_lasts_between_whole_seconds() {
        assert_eq!(lasted_ms(900, 2_100), 2_000);
        assert_eq!(lasted_ms(1_000, 1_999), 0);
        let changes = [1_700, 4_999, 5_000, 9_001, 12_345];
        let stays: u64 = changes.windows(2).map(|two| lasted_ms(two[0], two[1])).sum();
        assert_eq!(stays, lasted_ms(1_700, 12_345));
    }
}

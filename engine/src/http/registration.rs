//! `registrations`: who is registered, from where, until when, and how far away.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use switch::view::RegistrationView;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::Query;
use super::operation::{Guard, Operations};
use super::page::{self, LIMIT_DEFAULT, Listed, PageQuery};
use super::permission::REGISTRATIONS_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;

/// The operations on registrations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(REGISTRATIONS_READ), routes!(list_registrations))
}

/// One phone registered on an extension.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegistrationShown {
    /// Which extension.
    pub extension: String,
    /// Its Contact.
    pub contact: String,
    /// The transport and address its REGISTER came from.
    #[schema(example = "UDP 192.0.2.1:5060")]
    pub source: String,
    /// What it calls itself.
    pub user_agent: String,
    /// When it was bound first.
    pub since: Instant,
    /// When it ends unless refreshed.
    pub expires_at: Instant,
    /// How long the phone took to answer our last challenge to sign in: the network's round trip and its own time. Null until
    /// it was challenged, and after a restart until it is again.
    pub round_trip_ms: Option<f64>,
}

/// Which registrations are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RegistrationQuery {
    /// Only of this extension.
    extension: Option<String>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<&RegistrationView> for RegistrationShown {
    fn from(view: &RegistrationView) -> Self {
        Self {
            extension: view.extension.clone(),
            contact: view.contact.clone(),
            source: view.source.clone(),
            user_agent: view.user_agent.clone(),
            since: Instant(view.since_ms),
            expires_at: Instant(view.expires_at_ms),
            round_trip_ms: view.round_trip_us.map(|us| std::time::Duration::from_micros(us).as_secs_f64() * 1_000.0),
        }
    }
}

/// The registered phones of the tenant, by extension.
#[utoipa::path(get, path = "/registrations", tag = "registrations", params(RegistrationQuery),
    responses((status = 200, body = Listed<RegistrationShown>)))]
async fn list_registrations(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<RegistrationQuery>,
) -> Result<Json<Listed<RegistrationShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    // An extension's number holds no line break.
    let cursor = page.after()?.map(|key| key.split_once('\n').map(|(e, c)| (e.to_owned(), c.to_owned())));
    let after = match cursor {
        Some(Some(key)) => Some(key),
        Some(None) => return Err(page::bad_cursor()),
        None => query.extension.clone().map(|extension| (extension, String::new())),
    };
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT) as usize;
    let mut rows = api.live().registrations(&principal.tenant, after, limit + 1);
    if let Some(only) = &query.extension {
        rows.retain(|row| row.extension == *only);
    }
    let key = |row: &std::sync::Arc<RegistrationView>| format!("{}\n{}", row.extension, row.contact);
    Ok(Json(Listed::cut(rows, limit, key, |row| RegistrationShown::from(&*row))))
}

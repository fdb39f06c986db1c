//! `tenants`: one sees and changes one's own.

use axum::Json;
use axum::extract::State;
use dialplan::hours::Zone;
use dialplan::number::Dialled;
use dialplan::say::Language;
use hooks::fact::AudioFormat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path};
use super::operation::{Guard, Operations};
use super::page::Listed;
use super::permission::{TENANTS_READ, TENANTS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::Problem;
use super::setting::{Edit, Faults, Tagged, nullable, read};
use super::state::Api;
use super::time_text::Instant;
use crate::board_limits::BoardLimits;
use crate::store::setting::Stored;
use crate::store::tenants::Tenant;

/// The operations on tenants.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(TENANTS_READ), routes!(list_tenants))
        .add(Guard::Needs(TENANTS_READ), routes!(read_tenant))
        .add(Guard::Needs(TENANTS_WRITE), routes!(change_tenant))
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantShown {
    /// Its slug.
    #[schema(example = "default")]
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// SIP domains that mean this tenant.
    pub domains: Vec<String>,
    /// IANA name; days begin in it.
    pub time_zone: String,
    /// In which language callers and members of conferences are spoken to: `zh-CN` or `en`.
    #[schema(example = "zh-CN")]
    pub language: String,
    /// The default line: the caller number of an outbound call where nothing else gives one.
    pub caller_number: Option<String>,
    /// Calls between two extensions are recorded, too.
    pub record_internal: bool,
    /// Emergency numbers: dialled past every rule and limit.
    pub emergency: Vec<String>,
    /// For how many days recordings are kept; 0: for ever; null: as the configuration says.
    pub recording_keep_days: Option<u64>,
    /// How recordings are kept when they are finished: `wav` or `opus`; null: as the configuration says.
    #[schema(value_type = Option<String>)]
    pub recording_format: Option<AudioFormat>,
    /// From where on figures of the wallboard ask for attention.
    pub wallboard: BoardLimits,
    /// The name of the product in "About us"; empty: Switchboard.
    pub product: String,
    /// The hotline in "About us".
    pub hotline: String,
    /// The web site in "About us": http or https.
    #[schema(example = "https://example.com/")]
    pub website: String,
    /// The address in "About us".
    pub address: String,
    /// After how many minutes an account that was locked by wrong passwords is unlocked by itself; 0: never.
    pub auto_unlock_min: u64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// What shall be different; what is left out stays (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    name: Option<String>,
    time_zone: Option<String>,
    language: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    caller_number: Option<Option<String>>,
    record_internal: Option<bool>,
    emergency: Option<Vec<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u64>)]
    recording_keep_days: Option<Option<u64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    recording_format: Option<Option<AudioFormat>>,
    /// The whole of it; what is left out has its default.
    wallboard: Option<BoardLimits>,
    product: Option<String>,
    hotline: Option<String>,
    website: Option<String>,
    address: Option<String>,
    auto_unlock_min: Option<u64>,
}

impl From<Stored<Tenant>> for TenantShown {
    fn from(stored: Stored<Tenant>) -> Self {
        let value = stored.value;
        Self {
            id: value.slug.to_string(),
            name: value.name,
            domains: value.domains,
            time_zone: value.time_zone,
            language: value.language.to_string(),
            caller_number: value.caller_number,
            record_internal: value.record_internal,
            emergency: value.emergency,
            recording_keep_days: value.recording_keep_days,
            recording_format: value.recording_format,
            wallboard: value.wallboard,
            product: value.about.product,
            hotline: value.about.hotline,
            website: value.about.website,
            address: value.about.address,
            auto_unlock_min: value.auto_unlock_min,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The tenants one may see: one's own.
#[utoipa::path(get, path = "/tenants", tag = "tenants", responses((status = 200, body = Listed<TenantShown>)))]
async fn list_tenants(State(api): State<Api>, principal: Principal) -> Result<Json<Listed<TenantShown>>, Problem> {
    let own = api.store().get::<Tenant>(&principal.tenant, principal.tenant.as_str()).await?;
    Ok(Json(Listed { items: vec![own.into()], next_cursor: None }))
}

/// One's own tenant.
#[utoipa::path(get, path = "/tenants/{id}", tag = "tenants", params(("id" = String, Path)),
    responses((status = 200, body = TenantShown)))]
async fn read_tenant(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Tagged<TenantShown>, Problem> {
    read::<Tenant, _>(&api, &principal, &id).await
}

/// Changes one's own tenant; a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/tenants/{id}", tag = "tenants", params(("id" = String, Path)),
    request_body = TenantChange, responses((status = 200, body = TenantShown)))]
async fn change_tenant(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(change): Body<TenantChange>,
) -> Result<Tagged<TenantShown>, Problem> {
    let mut faults = Faults::default();
    let named = change.name.as_deref().is_none_or(|name| (1..=64).contains(&name.chars().count()));
    faults.require("name", named, "a tenant's name is 1 to 64 characters");
    if let Some(zone) = &change.time_zone {
        faults.note("time_zone", zone.parse::<Zone>());
    }
    let language = change.language.as_ref().and_then(|language| faults.note("language", language.parse::<Language>()));
    if let Some(Some(number)) = &change.caller_number {
        faults.note("caller_number", number.parse::<Dialled>());
    }
    let emergency = change.emergency.as_deref().unwrap_or_default();
    let some = change.emergency.is_none() || (1..=EMERGENCY_MAX).contains(&emergency.len());
    faults.require("emergency", some, "a tenant has 1 to 16 emergency numbers");
    for (n, number) in emergency.iter().take(EMERGENCY_MAX).enumerate() {
        faults.note(&format!("emergency.{n}"), number.parse::<Dialled>());
    }
    let days = change.recording_keep_days.flatten().unwrap_or_default();
    faults.require("recording_keep_days", days <= KEEP_DAYS_MAX, "recordings are kept for 0 (for ever) to 36500 days");
    for (field, wrong) in change.wallboard.map(|limits| limits.faults()).unwrap_or_default() {
        faults.require(&format!("wallboard.{field}"), false, &wrong);
    }
    about_is_shown(&mut faults, &change);
    let minutes = change.auto_unlock_min.unwrap_or_default();
    faults.require("auto_unlock_min", minutes <= UNLOCK_MIN_MAX, "locks are lifted after 0 (never) to 525600 minutes");
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut tenant, expect) = edit.found::<Tenant>(&id, &if_match).await?;
    tenant.name = change.name.unwrap_or(tenant.name);
    tenant.time_zone = change.time_zone.unwrap_or(tenant.time_zone);
    tenant.language = language.unwrap_or(tenant.language);
    tenant.caller_number = change.caller_number.unwrap_or(tenant.caller_number);
    tenant.record_internal = change.record_internal.unwrap_or(tenant.record_internal);
    tenant.emergency = change.emergency.unwrap_or(tenant.emergency);
    tenant.recording_keep_days = change.recording_keep_days.unwrap_or(tenant.recording_keep_days);
    tenant.recording_format = change.recording_format.unwrap_or(tenant.recording_format);
    tenant.wallboard = change.wallboard.unwrap_or(tenant.wallboard);
    tenant.about.product = change.product.unwrap_or(tenant.about.product);
    tenant.about.hotline = change.hotline.unwrap_or(tenant.about.hotline);
    tenant.about.website = change.website.unwrap_or(tenant.about.website);
    tenant.about.address = change.address.unwrap_or(tenant.about.address);
    tenant.auto_unlock_min = change.auto_unlock_min.unwrap_or(tenant.auto_unlock_min);
    let stored = edit.tx.update(tenant, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// GEN-01. What a page shows as a link must be one of the web.
fn about_is_shown(faults: &mut Faults, change: &TenantChange) {
    for (field, text) in [("product", &change.product), ("hotline", &change.hotline), ("address", &change.address)] {
        let fits = text.as_deref().is_none_or(|text| text.chars().count() <= ABOUT_MAX);
        faults.require(field, fits, "it has at most 200 characters");
    }
    let website = change.website.as_deref().unwrap_or_default();
    let is_web = website.starts_with("https://") || website.starts_with("http://");
    let fits = website.is_empty() || (is_web && website.len() <= ABOUT_MAX && !website.contains(char::is_whitespace));
    faults.require("website", fits, "write it as https://example.com/, with at most 200 characters");
}

/// Characters of what "About us" shows.
const ABOUT_MAX: usize = 200;
/// A year.
const UNLOCK_MIN_MAX: u64 = 525_600;
/// A hundred years.
const KEEP_DAYS_MAX: u64 = 36_500;
/// Countries have a handful.
const EMERGENCY_MAX: usize = 16;

//! `about`: what "About us" (关于我们) shows (GEN-01).

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::operation::{Guard, Operations};
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use crate::store::tenants::Tenant;

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::SignedIn, routes!(read_about))
}

/// The product where its enterprise has no name of its own for it.
const PRODUCT: &str = "Switchboard";

/// What this is, and whose.
#[derive(Debug, Serialize, ToSchema)]
pub struct AboutShown {
    /// The name of the product.
    #[schema(example = "Switchboard")]
    pub product: String,
    /// The version of the server.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// The enterprise.
    pub enterprise: String,
    /// Whom one calls for help; may be empty, as all below.
    pub hotline: String,
    /// Its web site: http or https.
    pub website: String,
    /// Where it is.
    pub address: String,
}

/// What this is, and whose: for everybody who is signed in. Set by `PATCH tenants/{id}`.
#[utoipa::path(get, path = "/about", tag = "system", responses((status = 200, body = AboutShown)))]
async fn read_about(State(api): State<Api>, principal: Principal) -> Result<Json<AboutShown>, Problem> {
    let Tenant { name, about, .. } = api.store().get(&principal.tenant, principal.tenant.as_str()).await?.value;
    let product = if about.product.is_empty() { PRODUCT.to_owned() } else { about.product };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let (hotline, website, address) = (about.hotline, about.website, about.address);
    Ok(Json(AboutShown { product, version, enterprise: name, hotline, website, address }))
}

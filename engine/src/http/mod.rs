//! The HTTP API of the contract: who asks, what they may, and one file a resource. It decides nothing about calls: it reads
//! published snapshots and the database, and sends commands to the writer.

pub mod about;
pub mod agent;
pub mod agent_state;
pub mod api_token;
pub mod audit;
pub mod avatar;
pub mod ban;
pub mod block;
pub mod block_import;
pub mod byte_range;
pub mod call;
pub mod call_control;
pub mod call_quality;
pub mod call_record;
pub mod caller;
pub mod conference;
pub mod console;
pub mod department;
pub mod desk;
mod dial_record;
pub mod document;
pub mod emergency;
pub mod employee;
pub mod event;
pub mod export;
pub mod extension;
pub mod extract;
pub mod field;
pub mod flow;
pub mod health;
pub mod hours;
pub mod idempotency;
pub mod kept;
pub mod ladder;
pub mod login;
mod mask;
pub mod me;
pub mod metric;
pub mod missed_offer;
pub mod oidc;
pub mod operation;
pub mod origin;
pub mod page;
pub mod peer;
pub mod permission;
pub mod plugin;
pub mod precondition;
pub mod principal;
pub mod problem;
pub mod prompt;
pub mod queue;
pub mod recording;
pub mod registration;
pub mod rights;
pub mod role;
pub mod room;
pub mod roster;
pub mod route;
pub mod server;
pub mod session;
pub mod setting;
pub mod sight;
pub mod sip;
pub mod sip_credential;
pub mod sms_login;
mod socket;
pub mod staffing;
pub mod state;
pub mod supervision;
pub mod survey;
pub mod system;
pub mod task;
pub mod tenant;
pub mod throttle;
pub mod time_text;
pub mod trunk;
pub mod voicemail;
pub mod waiting;
pub mod wallboard;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hooks::plugin::Plugin;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

use operation::Operations;
use problem::{Kind, Problem};
use state::Api;

/// Where the API's operations are.
pub const BASE: &str = "/api/v1";
/// No request body is larger, bytes: settings are small.
pub const BODY_MAX: usize = 64 * 1024;
/// A request must be answered within this time (the body of the answer may take longer).
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Every operation there is, with its guard: the engine's own, and those of these plugins.
#[must_use]
pub fn operations(plugins: &[Arc<dyn Plugin>]) -> Operations {
    let resources = [
        about::operations(),
        agent::operations(),
        agent_state::operations(),
        api_token::operations(),
        audit::operations(),
        ban::operations(),
        block::operations(),
        caller::operations(),
        call::operations(),
        call_control::operations(),
        call_record::operations(),
        call_quality::operations(),
        conference::operations(),
        desk::operations(),
        ladder::operations(),
        me::operations(),
        login::operations(),
        missed_offer::operations(),
        department::operations(),
        document::operations(),
        employee::operations(),
        event::operations(),
        extension::operations(),
        flow::operations(),
        hours::operations(),
        prompt::operations(),
        queue::operations(),
        recording::operations(),
        registration::operations(),
        role::operations(),
        room::operations(),
        route::operations(),
        session::operations(),
        sms_login::operations(),
        oidc::operations(),
        sip_credential::operations(),
        staffing::operations(),
        supervision::operations(),
        survey::operations(),
        system::operations(),
        task::operations(),
        tenant::operations(),
        trunk::operations(),
        voicemail::operations(),
        wallboard::operations(),
        plugin::operations(plugins),
        webhook::operations(),
    ];
    let below = resources.into_iter().fold(Operations::new(), Operations::merge).below(BASE);
    below.merge(health::root_operations()).merge(metric::root_operations()).merge(document::page_operations())
}

/// The OpenAPI 3.1 document, as the code and these plugins have it.
#[must_use]
pub fn openapi(plugins: &[Arc<dyn Plugin>]) -> OpenApi {
    document::complete(operations(plugins).split().1)
}

/// The whole API. [`sip`] is merged beside it, and the console's files stand before it ([`console::before`]).
pub fn router(api: Api) -> Router {
    let (routes, _) = operations(&api.desks().plugins()).split();
    routes
        .fallback(no_path)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(api.clone(), idempotency::once))
        .layer(from_fn_with_state(api.clone(), principal::authenticate))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(in_time))
        .layer(from_fn(metric::count))
        .layer(from_fn(harden))
        .with_state(api)
}

async fn no_path() -> Problem {
    Problem::new(Kind::NotFound, "there is nothing at this path; see /api/docs for what there is")
}

async fn no_method() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "this path has no such operation; see /api/docs for what there is")
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::internal(&format_args!("a handler panicked: {said}")).into_response()
}

async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(ANSWER_MAX, next.run(request)).await.unwrap_or_else(|_| {
        Problem::new(Kind::TimedOut, "no answer within 30 s; a write may still be done: look before you send it again")
            .into_response()
    })
}

/// What a browser may do with answers: not guess their type, not frame them, not keep them unless they say so.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    harden_headers(response.headers_mut());
    response
}

fn harden_headers(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

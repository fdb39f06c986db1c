//! The HTTP API of the contract: who asks, what they may, and one file a resource. It decides nothing about calls: it reads
//! published snapshots and the database, and sends commands to the writer.

pub mod agent;
pub mod agent_state;
pub mod api_token;
pub mod audit;
pub mod ban;
pub mod block;
pub mod byte_range;
pub mod call;
pub mod call_control;
pub mod call_quality;
pub mod call_record;
pub mod caller;
pub mod conference;
pub mod document;
pub mod event;
pub mod extension;
pub mod extract;
pub mod flow;
pub mod health;
pub mod hours;
pub mod idempotency;
pub mod ladder;
pub mod metric;
pub mod missed_offer;
pub mod operation;
pub mod origin;
pub mod page;
pub mod peer;
pub mod permission;
pub mod precondition;
pub mod principal;
pub mod problem;
pub mod prompt;
pub mod queue;
pub mod recording;
pub mod registration;
pub mod room;
pub mod route;
pub mod server;
pub mod session;
pub mod setting;
pub mod sip;
pub mod sip_credential;
mod socket;
pub mod staffing;
pub mod state;
pub mod supervision;
pub mod survey;
pub mod tenant;
pub mod throttle;
pub mod time_text;
pub mod trunk;
pub mod voicemail;
pub mod wallboard;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
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

/// Every operation there is, with its guard.
#[must_use]
pub fn operations() -> Operations {
    let resources = [
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
        ladder::operations(),
        missed_offer::operations(),
        document::operations(),
        event::operations(),
        extension::operations(),
        flow::operations(),
        health::operations(),
        hours::operations(),
        prompt::operations(),
        queue::operations(),
        recording::operations(),
        registration::operations(),
        room::operations(),
        route::operations(),
        session::operations(),
        sip_credential::operations(),
        staffing::operations(),
        supervision::operations(),
        survey::operations(),
        tenant::operations(),
        trunk::operations(),
        voicemail::operations(),
        wallboard::operations(),
    ];
    let below = resources.into_iter().fold(Operations::new(), Operations::merge).below(BASE);
    below.merge(health::root_operations()).merge(metric::root_operations()).merge(document::page_operations())
}

/// The OpenAPI 3.1 document, as the code has it.
#[must_use]
pub fn openapi() -> OpenApi {
    document::complete(operations().split().1)
}

/// The whole API. Other parts of the console's server ([`sip`], the console's files) are merged beside it.
pub fn router(api: Api) -> Router {
    let (routes, _) = operations().split();
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
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

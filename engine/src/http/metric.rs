//! `/metrics`: the counters of the process as Prometheus text, and the API's own.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::watch;
use utoipa_axum::routes;

use super::operation::{Guard, Operations};
use super::permission::METRICS_READ;
use super::state::Api;
use crate::gauge;
use crate::media_bridge::figures;
use crate::tls::Validity;

/// The operations on metrics.
#[must_use]
pub fn root_operations() -> Operations {
    Operations::new().add(Guard::LocalOr(METRICS_READ), routes!(read_metrics))
}

const SECONDS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The process's counters: installed at the first call, the same for all later ones. Every part counts with the macros of the
/// `metrics` crate; a name ends in its unit.
///
/// # Panics
/// When another recorder was installed, which nothing of ours does.
#[must_use]
pub fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .expect("there are buckets");
            let figures = [
                ("switchboard_media_mos", &figures::MOS[..]),
                ("switchboard_media_loss_ratio", &figures::LOSS),
                ("switchboard_media_level_dbov", &figures::LEVEL_DBOV),
            ];
            let builder = figures.into_iter().fold(builder, |builder, (name, steps)| {
                builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), steps).expect("there are steps")
            });
            builder.install_recorder().expect("no other recorder is installed")
        })
        .clone()
}

/// Sums up what histograms took in, until told to stop: they keep every value until then, also where nobody reads them.
pub async fn sum_up(mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SUM_UP_EVERY) => recorder().run_upkeep(),
            _ = stopping.changed() => return,
        }
    }
}

/// When each certificate is over, seconds since the Unix epoch; the one for all names has no name.
const EXPIRES: &str = "switchboard_certificate_expires_timestamp_seconds";

/// How often histograms are summed up.
const SUM_UP_EVERY: Duration = Duration::from_secs(5);

/// The counters of the process. Programs on the same machine need no token.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn read_metrics(State(api): State<Api>) -> impl IntoResponse {
    let counts = api.live().counts();
    gauge::set("switchboard_calls", counts.calls);
    gauge::set("switchboard_registrations", counts.registrations);
    gauge::set("switchboard_bans", counts.bans);
    for Validity { name, not_after_ms, .. } in api.health().certificates() {
        let seconds = u32::try_from(not_after_ms / 1_000).unwrap_or(u32::MAX);
        gauge!(EXPIRES, "name" => name.unwrap_or_default()).set(f64::from(seconds));
    }
    api.metrics().run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], api.metrics().render())
}

/// Counts each request by its operation.
pub async fn count(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let path = request.extensions().get::<MatchedPath>().map_or_else(|| "other".to_owned(), |p| p.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    counter!("switchboard_http_requests_total", "method" => method.clone(), "path" => path.clone(), "status" => status)
        .increment(1);
    histogram!("switchboard_http_request_duration_seconds", "method" => method, "path" => path)
        .record(began.elapsed().as_secs_f64());
    response
}

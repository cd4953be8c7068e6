//! An HTTP service with nothing around its routes: no policy, limits, metrics, log or time limits.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::{get, post},
};
use port_checker_api::{CheckRequest, CheckResponse, PortResult};
use port_checker_probe::{Budget, Policy, Probe, ProbeSettings, Prober, Targets, Verdict};

/// Sockets for probes, as many as the service has by default.
const SOCKETS: usize = 8192;

/// Serves until the process is ended.
#[tokio::main]
pub(super) async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let settings = ProbeSettings {
        attempts: std::num::NonZeroU32::MIN,
        settle: Duration::ZERO,
        ..Default::default()
    };
    let routes = Router::new()
        .route("/", get(async || ()))
        .route("/check-ports", post(check))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(Prober::new(settings, Budget::new(SOCKETS))));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn check(
    State(prober): State<Arc<Prober>>,
    Json(request): Json<CheckRequest>,
) -> Result<Json<CheckResponse>, StatusCode> {
    let address = request.provider_ip.ok_or(StatusCode::UNPROCESSABLE_ENTITY)?;
    let policy = Policy { targets: Targets::Any, allow_local: true, ..Policy::default() };
    let target = policy.vet(address, address, request.ports).map_err(|_| StatusCode::FORBIDDEN)?;
    let budget = prober.budget();
    let admission =
        budget.admit_now(address, target.ports().len()).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let deadline = ProbeSettings::default().longest();
    let mut check = prober.check(admission, target, Probe::Tcp { challenge: None }, deadline);
    let mut findings = Vec::new();
    while let Some(finding) = check.next().await {
        findings.push(finding.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?);
    }
    findings.sort_unstable_by_key(|finding| finding.index);
    let results = findings.into_iter().map(|finding| match finding.verdict {
        Verdict::Open => (finding.port, PortResult::accessible()),
        Verdict::NotOpen(reason) => (finding.port, PortResult::not_accessible(reason)),
    });
    Ok(Json(CheckResponse::new(results.collect())))
}

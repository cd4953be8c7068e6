//! `GET /health` and `GET /ready`: can the process answer, and does it take work.

use axum::{Json, extract::State};
use port_checker_api::{ErrorBody, Health, HealthStatus, Readiness, ReadinessStatus};

use crate::{error::ApiError, routes::state::AppState};

/// Whether the process can answer.
#[utoipa::path(
    get,
    path = "/health",
    tag = "Status",
    responses((status = 200, description = "The process can answer.", body = Health))
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: HealthStatus::Ok })
}

/// Whether the checker takes work. For load balancers: 503 while it shuts down or cannot open
/// sockets.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "Status",
    responses(
        (status = 200, description = "The checker takes work.", body = Readiness),
        (status = 503, description = "It does not: `CHECK_FAILED`.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds")))
    )
)]
pub(crate) async fn ready(State(state): State<AppState>) -> Result<Json<Readiness>, ApiError> {
    if state.draining.is_cancelled() {
        return Err(ApiError::check_failed("the checker is shutting down"));
    }
    state.checker.prober.can_open_sockets().map_err(|error| {
        ApiError::check_failed(format!("the checker cannot open sockets: {error}"))
    })?;
    Ok(Json(Readiness { status: ReadinessStatus::Ready }))
}

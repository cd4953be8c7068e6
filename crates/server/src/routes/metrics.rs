//! `GET /metrics`, for Prometheus.

use axum::{
    Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};

use crate::{
    error::ApiError, net::answer::MemoryCharge, net::caller::Caller, routes::body::out_of_memory,
    routes::state::AppState,
};

/// The text format, version 0.0.4.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(
    State(state): State<AppState>,
    Caller(caller): Caller,
) -> Result<impl IntoResponse, ApiError> {
    let text = state.metrics.text(&state.checker.prober, state.config.signing_keys.as_deref());
    let share = state.memory.take(caller, text.len());
    let share = share.ok_or_else(|| out_of_memory(&state.memory, &state.config.bounds))?;
    Ok(([(CONTENT_TYPE, TEXT)], MemoryCharge::extension(share), text))
}

//! When a request must have its answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::config::Config;

/// When a request must have its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// How much time is left; zero once the deadline has passed.
    pub(crate) fn time_left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Attaches the deadline to a request whose head has arrived.
pub(crate) async fn deadline(
    State(config): State<Arc<Config>>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(Deadline(Instant::now() + config.deadline));
    next.run(request).await
}

//! Events of the limits that an operator wants to count.

use std::time::Duration;

use crate::subject::Scope;

/// Counts the decisions of the limits, and the answers and losses of Redis.
pub trait Observer: Send + Sync + 'static {
    /// One limit admitted or refused its part of a request.
    fn limiter_decided(&self, scope: Scope, admitted: bool);

    /// Redis began or ceased to answer.
    fn redis_up(&self, up: bool);

    /// Redis answered a request after this time, or failed to.
    fn redis_answered(&self, time: Duration, succeeded: bool);
}

/// Counts nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn limiter_decided(&self, _: Scope, _: bool) {}

    fn redis_up(&self, _: bool) {}

    fn redis_answered(&self, _: Duration, _: bool) {}
}

//! The facts about a request that decide whether it may go on.

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};

use super::deadline::Deadline;
use crate::{net::caller::Caller, observe::check_summary::CheckSummary};

/// Who asks, until when the answer must be there, and where the log counts verdicts.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    pub(crate) caller: IpAddr,
    pub(crate) deadline: Deadline,
    pub(crate) summary: CheckSummary,
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        const ATTACHED: &str = "the layers around every route attach it";
        let Caller(caller) = *parts.extensions.get().expect(ATTACHED);
        Ok(Self {
            caller,
            deadline: *parts.extensions.get().expect(ATTACHED),
            summary: parts.extensions.get::<CheckSummary>().expect(ATTACHED).clone(),
        })
    }
}

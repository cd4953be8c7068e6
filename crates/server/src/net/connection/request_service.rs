//! From a request on a connection to its answer.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{Router, body::Body};
use hyper::{Request, Response, body::Incoming};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    config::Config,
    net::{
        answer::{Answers, SplitBody},
        caller::Peer,
    },
};

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct RequestService {
    /// The other end, or the client that a trusted proxy at the other end names.
    pub(crate) peer: SocketAddr,
    pub(crate) app: Router,
    pub(crate) config: Arc<Config>,
    /// Cancelled when the connection should end after its next answer.
    pub(crate) draining: CancellationToken,
    /// The answers under way on this connection.
    pub(crate) answers: Answers,
}

impl RequestService {
    /// Answers one request.
    pub(super) async fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<SplitBody>, Infallible> {
        request.extensions_mut().insert(Peer(self.peer));
        let answer = self.app.clone().oneshot(request.map(Body::new)).await;
        answer.map(|answer| SplitBody::of(answer, self.answers.begin()))
    }
}

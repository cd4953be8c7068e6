//! A connection that speaks HTTP/1.1.

use std::{
    convert::Infallible,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
};

use axum::http::{HeaderValue, header::CONNECTION};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tracing::debug;

use super::request_service::RequestService;
use crate::net::error_bodies::WithErrorBodies;

/// Answers requests until either side ends the connection.
///
/// Once the service drains, the answers say `Connection: close`. A connection between two requests is
/// kept a moment longer, for a request that is already on its way.
pub(super) async fn serve(
    requests: RequestService,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
) {
    let asked = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        async {
            let mut answer = requests.answer(request).await?;
            if requests.draining.is_cancelled() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let bounds = &requests.config.bounds;
    let mut served = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head_time)
            .max_buf_size(bounds.head_bytes)
            // Most answers are small: one copy and `send` cost less than `writev`.
            .writev(false)
            .serve_connection(TokioIo::new(WithErrorBodies::new(stream)), service)
    );
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = requests.draining.cancelled() => {
            match timeout(bounds.last_requests_time, served.as_mut()).await {
                Ok(ended) => ended,
                // hyper would wait for the first request of a connection that sent none.
                Err(_) if !asked.load(Ordering::Relaxed) => return,
                Err(_) => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            }
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection broke off");
    }
}

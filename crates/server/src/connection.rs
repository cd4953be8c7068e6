//! One connection: its requests, its time limits, its end.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, time::timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::debug;

use crate::{Bounds, caller::Peer, malformed::WithErrorBodies};

/// Answers the requests of one connection until either side ends it.
///
/// Once `draining` is cancelled the answers say `Connection: close`. A connection between two
/// requests is kept a moment longer, for a request that is already on its way.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    bounds: Arc<Bounds>,
    draining: CancellationToken,
) {
    // Fails only on a connection that is already gone, which hyper will find out.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(bounds.write_time));
    let asked = AtomicBool::new(false);
    let service = service_fn(|mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(peer));
        app.clone().oneshot(request.map(Body::new))
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head_time)
            .max_buf_size(bounds.head_bytes)
            .serve_connection(TokioIo::new(WithErrorBodies::new(Box::pin(stream))), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = draining.cancelled() => {
            match timeout(bounds.last_requests_time, connection.as_mut()).await {
                Ok(ended) => ended,
                // hyper would wait for the first request of a connection that sent none.
                Err(_) if !asked.load(Ordering::Relaxed) => return,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection broke off");
    }
}

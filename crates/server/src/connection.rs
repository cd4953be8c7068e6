//! One connection: its requests, its time limits, its end.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc};

use axum::{Router, body::Body, response::Response};
use hyper::{Request, body::Incoming};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    select,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::debug;

use crate::{
    Bounds,
    caller::Peer,
    https::{HTTP2, Handshakes},
};

mod http1;
mod http2;

/// What one connection needs.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) app: Router,
    pub(crate) bounds: Arc<Bounds>,
    /// Cancelled when the connection should end after its next answer.
    pub(crate) draining: CancellationToken,
}

impl Connection {
    /// Answers its requests until either side ends it.
    pub(crate) async fn serve(self, stream: TcpStream, handshakes: Option<&Handshakes>) {
        // Fails only on a connection that is already gone, which the HTTP library will find out.
        let _ = stream.set_nodelay(true);
        let Some(handshakes) = handshakes else {
            let stream = self.bounded(stream);
            return http1::serve(self, stream).await;
        };
        let shaken = select! {
            shaken = handshakes.shake(stream, self.peer.ip()) => shaken,
            // Nothing was asked yet.
            () = self.draining.cancelled() => return,
        };
        match shaken {
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(HTTP2) => {
                let stream = self.bounded(stream);
                http2::serve(self, stream).await;
            }
            Ok(stream) => {
                let stream = self.bounded(stream);
                http1::serve(self, stream).await;
            }
            Err(error) => debug!(%error, "no TLS handshake"),
        }
    }

    /// A stream whose writes do not wait for ever.
    fn bounded<S: AsyncRead + AsyncWrite>(&self, stream: S) -> Pin<Box<TimeoutStream<S>>> {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.bounds.write_time));
        Box::pin(stream)
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        request.extensions_mut().insert(Peer(self.peer));
        self.app.clone().oneshot(request.map(Body::new)).await
    }
}

//! One connection: its requests, its time limits, its end.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    select,
    time::timeout,
};
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::{
    caller::is_trusted,
    connection_limit::{ClientPermit, ConnectionLimit},
    pool::{Pool, Share},
    tls_server::{HTTP2, TlsServer},
};

mod answer_time;
mod http1;
mod http2;
mod preamble;
pub(crate) mod request_service;

use answer_time::AnswerTime;
use preamble::PeekedStream;
use request_service::RequestService;

/// One connection, before it is known which protocol its client speaks.
pub(crate) struct Connection {
    pub(crate) service: RequestService,
    /// The connections of each client.
    pub(crate) clients: Arc<ConnectionLimit>,
    /// How many connections may speak HTTP/2.
    pub(crate) http2: Arc<Pool>,
}

impl Connection {
    /// Answers its requests until either side ends it.
    pub(crate) async fn serve(mut self, stream: TcpStream, tls: Option<&TlsServer>) {
        // Fails only on a connection that is already gone, which the HTTP library will find out.
        let _ = stream.set_nodelay(true);
        let mut stream = PeekedStream::new(stream);
        let Some(_client) = self.find_client(&mut stream).await else { return };
        match tls {
            Some(tls) => self.serve_tls(stream, tls).await,
            None => self.serve_plain(stream).await,
        }
    }

    /// Reads the PROXY header of a trusted proxy. The client that it names may have as many connections as
    /// any other; none if it has them.
    async fn find_client(&mut self, stream: &mut PeekedStream) -> Option<Option<ClientPermit>> {
        if !is_trusted(self.service.peer.ip().to_canonical(), &self.service.config.trusted_proxies)
        {
            return Some(None);
        }
        let Some(client) = self.read_preamble(stream.proxied_client()).await?.ok()? else {
            return Some(None);
        };
        self.service.peer = client;
        let permit = self.clients.acquire(client.ip());
        if permit.is_none() {
            debug!(%client, "refused a connection: its client has as many as it may");
        }
        permit.map(Some)
    }

    /// Waits for the first bytes of a connection; none if they do not come in time, or not before the service
    /// ends.
    async fn read_preamble<T>(
        &self,
        reading: impl Future<Output = io::Result<T>>,
    ) -> Option<io::Result<T>> {
        let bounds = &self.service.config.bounds;
        let drained = async {
            self.service.draining.cancelled().await;
            tokio::time::sleep(bounds.last_requests_time).await;
        };
        select! {
            read = timeout(bounds.head_time, reading) => read.ok(),
            () = drained => None,
        }
    }

    async fn serve_plain(self, mut stream: PeekedStream) {
        let speaks_http2 = self.read_preamble(stream.speaks_http2()).await;
        let stream = self.bounded(stream);
        match speaks_http2 {
            Some(Ok(true)) => match self.http2.take(self.service.peer.ip(), 1) {
                Some(share) => http2::serve(self.service, stream, share).await,
                None => refuse_http2(stream).await,
            },
            Some(Ok(false)) => http1::serve(self.service, stream).await,
            None | Some(Err(_)) => debug!("the connection ended before its first request"),
        }
    }

    async fn serve_tls(self, stream: PeekedStream, tls: &TlsServer) {
        let share = self.http2.take(self.service.peer.ip(), 1);
        let established = select! {
            established = tls.handshake(stream, self.service.peer.ip(), share.is_some()) => established,
            // No request has come yet.
            () = self.service.draining.cancelled() => return,
        };
        match established {
            Ok(stream) => self.serve_encrypted(stream, share).await,
            Err(error) => debug!(%error, "no TLS handshake"),
        }
    }

    async fn serve_encrypted(self, stream: TlsStream<PeekedStream>, share: Option<Share>) {
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        let stream = self.bounded(stream);
        match share.filter(|_| http2) {
            Some(share) => http2::serve(self.service, stream, share).await,
            None => http1::serve(self.service, stream).await,
        }
    }

    /// A stream whose client cannot make answers wait without end.
    fn bounded<S>(&self, stream: S) -> AnswerTime<S> {
        AnswerTime::new(
            stream,
            self.service.answers.clone(),
            self.service.config.bounds.answer_time,
        )
    }
}

/// Tells a client that speaks HTTP/2 that there may be no further connection of that kind.
async fn refuse_http2(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    // SETTINGS, and GOAWAY with ENHANCE_YOUR_CALM (RFC 9113, sections 6.5, 6.8 and 7).
    const REFUSAL: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b";
    // A client that is gone needs no refusal.
    let _ = stream.write_all(REFUSAL).await;
    let _ = stream.shutdown().await;
}

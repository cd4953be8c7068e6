//! TLS handshakes with callers.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use rustls::{ServerConfig, ServerConnection, crypto::ring};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::connection_limit::ConnectionLimit;
use crate::config::{Config, TlsIdentity};

/// The protocols that are offered to clients, the better one first (RFC 7301); only the last one if there may
/// be no further HTTP/2 connection.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];

/// How much of an answer is encrypted before the client takes it, in bytes.
const ENCRYPTED_AHEAD: usize = 16 * 1024;

/// HTTP/2 over TLS (RFC 9113, section 3.2).
pub(crate) const HTTP2: &[u8] = b"h2";

/// The part of all connections whose handshakes may be under way at once.
const HANDSHAKE_PART: usize = 4;

/// Makes TLS handshakes with clients, a bounded number at once, of which no client has all.
pub(crate) struct TlsServer {
    acceptor: TlsAcceptor,
    without_http2: TlsAcceptor,
    slots: Semaphore,
    clients: Arc<ConnectionLimit>,
    time: Duration,
}

impl TlsServer {
    pub(crate) fn new(identity: Arc<TlsIdentity>, config: &Config) -> Self {
        let max_handshakes = config.bounds.connections.div_ceil(HANDSHAKE_PART);
        let with_http2 = tls_config(identity);
        let mut without_http2 = with_http2.clone();
        without_http2.alpn_protocols.remove(0);
        Self {
            acceptor: TlsAcceptor::from(Arc::new(with_http2)),
            without_http2: TlsAcceptor::from(Arc::new(without_http2)),
            slots: Semaphore::new(max_handshakes),
            clients: ConnectionLimit::new(max_handshakes, &config.trusted_proxies),
            time: config.bounds.handshake_time,
        }
    }

    /// Makes the handshake with one client; offers HTTP/2 or not.
    pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        peer: IpAddr,
        http2: bool,
    ) -> io::Result<TlsStream<S>> {
        let Some(_permit) = self.clients.acquire(peer) else {
            return Err(io::ErrorKind::QuotaExceeded.into());
        };
        let handshake = async {
            let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
            let acceptor = if http2 { &self.acceptor } else { &self.without_http2 };
            let bounded = |session: &mut ServerConnection| {
                session.set_buffer_limit(Some(ENCRYPTED_AHEAD));
            };
            acceptor.accept_with(stream, bounded).await
        };
        timeout(self.time, handshake).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn tls_config(identity: Arc<TlsIdentity>) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("the provider knows both versions")
        .with_no_client_auth()
        .with_cert_resolver(identity);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    config
}

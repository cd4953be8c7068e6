//! TLS towards callers: the certificate, which can change while the service runs, and the handshakes.

use std::{
    io,
    net::IpAddr,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{Config, TlsFiles, net::connection_limit::Peers};

/// What is offered to clients, the better one first (RFC 7301); the last one where there is no room for
/// another HTTP/2 connection.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];

/// How much of an answer is encrypted before the client takes it, in bytes.
const ENCRYPTED_AHEAD: usize = 16 * 1024;

/// HTTP/2 over TLS (RFC 9113, section 3.2).
pub(crate) const HTTP2: &[u8] = b"h2";

/// A certificate and its key. Connections begun before a reload keep what they began with.
#[derive(Debug)]
pub struct TlsIdentity {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

/// A certificate and a key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableIdentity {
    /// One of the files is not named.
    #[error("a certificate and a key are needed")]
    Incomplete,
    /// A file cannot be read, or is not PEM.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// They do not belong together, or are of a kind that cannot be used.
    #[error("{0}")]
    Mismatch(#[from] rustls::Error),
}

impl TlsIdentity {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn load(files: &TlsFiles) -> Result<Arc<Self>, UnusableIdentity> {
        let current = RwLock::new(read(files)?);
        Ok(Arc::new(Self { files: files.clone(), current }))
    }

    /// Reads the files again, for the handshakes from now on.
    ///
    /// # Errors
    /// They cannot be used; what there was before is kept.
    pub fn reload(&self) -> Result<(), UnusableIdentity> {
        let new = read(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

fn read(files: &TlsFiles) -> Result<Arc<CertifiedKey>, UnusableIdentity> {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else {
        return Err(UnusableIdentity::Incomplete);
    };
    let unreadable = |path: &Path| {
        let path = path.display().to_string();
        move |source| UnusableIdentity::File { path, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider())?))
}

impl ResolvesServerCert for TlsIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The part of all connections that may be shaking hands at once.
const HANDSHAKE_PART: usize = 4;

/// Shakes hands with clients, a bounded number at once, of which no client has all.
pub(crate) struct Handshakes {
    acceptor: TlsAcceptor,
    without_http2: TlsAcceptor,
    room: Semaphore,
    peers: Arc<Peers>,
    time: Duration,
}

impl Handshakes {
    pub(crate) fn new(identity: Arc<TlsIdentity>, config: &Config) -> Self {
        let most = config.bounds.connections.div_ceil(HANDSHAKE_PART);
        let with_http2 = tls_config(identity);
        let mut without_http2 = with_http2.clone();
        without_http2.alpn_protocols.remove(0);
        Self {
            acceptor: TlsAcceptor::from(Arc::new(with_http2)),
            without_http2: TlsAcceptor::from(Arc::new(without_http2)),
            room: Semaphore::new(most),
            peers: Peers::new(most, &config.trusted_proxies),
            time: config.bounds.handshake_time,
        }
    }

    /// Shakes hands with one client; offers HTTP/2 or not.
    pub(crate) async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        peer: IpAddr,
        http2: bool,
    ) -> io::Result<TlsStream<S>> {
        let Some(_share) = self.peers.enter(peer) else {
            return Err(io::ErrorKind::QuotaExceeded.into());
        };
        let handshake = async {
            let _turn = self.room.acquire().await.expect("the semaphore is never closed");
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

//! An HTTPS client that tells which certificate it was shown.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::http::{Answer, try_connect, try_read_answer};

/// Asks for `path` on a connection of its own, as if the server were called `localhost` and
/// `authority`, in PEM, vouched for it. Returns the certificate too.
///
/// # Errors
/// There was no connection, no trust, or no answer.
///
/// # Panics
/// When `authority` is no certificate.
pub fn get(
    server: SocketAddr,
    authority: &str,
    path: &str,
) -> io::Result<(Answer, CertificateDer<'static>)> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate");
    roots.add(authority).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = ClientConnection::new(config.into(), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(client, try_connect(server)?);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let answer = try_read_answer(&mut stream)?;
    let shown = stream.conn.peer_certificates().and_then(<[_]>::first).cloned();
    Ok((answer, shown.ok_or(io::ErrorKind::InvalidData)?))
}

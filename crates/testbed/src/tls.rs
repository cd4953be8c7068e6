//! An HTTPS client that tells which certificate it was shown.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::http::{Answer, connect_from, try_connect, try_read_answer};

/// Asks for `path` on a new connection, as if the server were called `localhost` and
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
    ask(try_connect(server)?, authority, path)
}

/// The same, from one of the addresses of loopback.
///
/// # Errors
/// There was no connection, no trust, or no answer.
pub fn get_from(
    client: &str,
    server: SocketAddr,
    authority: &str,
    path: &str,
) -> io::Result<(Answer, CertificateDer<'static>)> {
    ask(connect_from(client, server)?, authority, path)
}

fn ask(
    socket: TcpStream,
    authority: &str,
    path: &str,
) -> io::Result<(Answer, CertificateDer<'static>)> {
    let mut stream = shake_hands(socket, authority, &[])?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let answer = try_read_answer(&mut stream)?;
    let shown = stream.conn.peer_certificates().and_then(<[_]>::first).cloned();
    Ok((answer, shown.ok_or(io::ErrorKind::InvalidData)?))
}

/// Shakes hands with a server as if it were called `localhost`, and offers these protocols (RFC 7301).
///
/// # Errors
/// There was no trust, or no answer.
///
/// # Panics
/// When `authority`, in PEM, is no certificate.
pub fn shake_hands(
    socket: TcpStream,
    authority: &str,
    protocols: &[&[u8]],
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate");
    roots.add(authority).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = ClientConnection::new(config.into(), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(client, socket);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

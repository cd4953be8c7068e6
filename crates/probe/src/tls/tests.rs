//! Handshakes with servers on loopback.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream as Peer},
    thread,
    time::Duration,
};

use port_checker_api::Port;
use port_checker_testbed::certificates::Identity;
use rustls::{
    ServerConfig, ServerConnection, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::WebPkiClientVerifier,
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::*;
use crate::{Budget, Policy};

mod certificates;
mod handshakes;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Far beyond the need of a handshake over loopback.
const LONG: Duration = Duration::from_secs(60);

/// A prober that trusts these authorities, in PEM, and no others.
fn trusting(authorities: &[&str]) -> TlsProber {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(certificate(authority)).unwrap();
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    TlsProber { provider, verifier: verifier.build().unwrap() }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A server that shows these certificates and signs with this key, whether they belong together or not.
fn server(
    chain: Vec<CertificateDer<'static>>,
    key: &str,
    version: &'static SupportedProtocolVersion,
) -> ServerConfig {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown))
}

/// The same, for a certificate that is the server's own.
fn honest(identity: &Identity) -> ServerConfig {
    server(vec![certificate(&identity.certificate)], &identity.key, &rustls::version::TLS13)
}

/// Treats the first connection so.
fn listen(treat: impl FnOnce(Peer) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || treat(listener.accept().expect("the prober connects").0));
    address
}

/// Shakes hands with the first peer, and waits until it goes.
fn serve(config: ServerConfig) -> SocketAddr {
    listen(move |mut peer| {
        let mut connection = ServerConnection::new(config.into()).unwrap();
        while connection.is_handshaking() && connection.complete_io(&mut peer).is_ok() {}
        let _ = connection.complete_io(&mut peer);
    })
}

/// Sends these bytes to the first peer, and waits until it goes.
fn say(bytes: Vec<u8>) -> SocketAddr {
    listen(move |mut peer| {
        let mut ignored = [0; 4096];
        let _ = peer.read(&mut ignored);
        let _ = peer.write_all(&bytes);
        while peer.read(&mut ignored).is_ok_and(|count| count > 0) {}
    })
}

fn expect(name: &str) -> TlsExpectation {
    TlsExpectation { name: ServerName::try_from(name.to_owned()).unwrap(), ip: None }
}

async fn contact(
    prober: &TlsProber,
    server: SocketAddr,
    expected: TlsExpectation,
    times: (Duration, Duration),
) -> Result<TlsContact, Fault> {
    let policy = Policy { allow_local: true, ..Policy::default() };
    let port = Port::new(server.port()).unwrap();
    let target = policy.vet(server.ip(), server.ip(), vec![port]).unwrap();
    let admission = Budget::new(1).admit_now(server.ip(), 1).unwrap();
    prober.handshake(admission, &target, expected, times).await
}

/// The finding about a server of which this is expected.
async fn finding(prober: &TlsProber, server: SocketAddr, expected: TlsExpectation) -> TlsFinding {
    match contact(prober, server, expected, (LONG, LONG)).await.unwrap() {
        TlsContact::Judged(finding) => finding,
        TlsContact::Unverified(unverified) => unverified.verify(),
    }
}

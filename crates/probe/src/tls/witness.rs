//! Sees the certificate that a target shows, good or bad, and leaves the judgement to others.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use time::OffsetDateTime;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::TlsProblem;

/// Sees one certificate.
#[derive(Debug)]
pub(super) struct Witness {
    verifier: Arc<dyn ServerCertVerifier>,
    seen: OnceLock<CertificateDer<'static>>,
}

impl Witness {
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        Self { verifier, seen: OnceLock::new() }
    }

    /// When the certificate ceases to be valid.
    pub(super) fn not_after(&self) -> Option<OffsetDateTime> {
        self.read(|certificate| certificate.validity().not_after.to_datetime())
    }

    /// Whether the certificate names itself as its issuer.
    pub(super) fn is_self_signed(&self) -> bool {
        self.read(|certificate| certificate.issuer() == certificate.subject()).unwrap_or(false)
    }

    /// What is wrong if the certificate should name `ip`.
    pub(super) fn contradicts(&self, ip: Option<IpAddr>) -> Option<TlsProblem> {
        let name = ServerName::IpAddress(ip?.into());
        let certificate = ParsedCertificate::try_from(self.seen.get()?).ok()?;
        verify_server_name(&certificate, &name).err().map(|_| TlsProblem::IpNotInCertificate)
    }

    fn read<T>(&self, what: impl FnOnce(&X509Certificate<'_>) -> T) -> Option<T> {
        let (_, certificate) = X509Certificate::from_der(self.seen.get()?).ok()?;
        Some(what(&certificate))
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // A handshake shows one certificate.
        let _ = self.seen.set(certificate.clone().into_owned());
        self.verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

//! The verification of certificates, apart from the handshake in which they were shown.

use std::sync::Arc;

use rustls::{
    client::{danger::ServerCertVerifier, verify_server_name},
    pki_types::ServerName,
    server::ParsedCertificate,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::{
    paths,
    problem::{self, TlsProblem},
    recorder::Shown,
    verdict::{TlsExpectation, TlsFinding, TlsVerdict},
};

/// Certificates that a target showed, and nobody has verified yet.
#[derive(Debug)]
pub struct Unverified {
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    pub(super) shown: Shown,
    pub(super) expected: TlsExpectation,
    /// The problem of the handshake, if there is one.
    pub(super) problem: Option<TlsProblem>,
}

impl Unverified {
    /// Verifies the chain, the time and the names of the certificate. A problem of it outweighs
    /// one of the handshake: a server that wants to see a certificate too may hang up.
    ///
    /// Takes as much of a processor as the target chose: usually less than a millisecond, at most some
    /// tens. Not for a thread that others wait for.
    pub fn verify(self) -> TlsFinding {
        let Self { shown, problem, .. } = &self;
        // A certificate that cannot be parsed has no dates.
        let parsed = X509Certificate::from_der(&shown.certificate).ok();
        let parsed = parsed.as_ref().map(|(_, certificate)| certificate);
        let is_self_signed =
            parsed.is_some_and(|certificate| certificate.issuer() == certificate.subject());
        let problem = self
            .verified(is_self_signed)
            .err()
            .or_else(|| problem.clone())
            .or_else(|| self.contradicts_address());
        TlsFinding {
            verdict: problem.map_or(TlsVerdict::Valid, TlsVerdict::Invalid),
            not_after: parsed.map(|certificate| certificate.validity().not_after.to_datetime()),
        }
    }

    fn verified(&self, is_self_signed: bool) -> Result<(), TlsProblem> {
        let Shown { certificate, intermediates, time } = &self.shown;
        if !paths::are_few(certificate, intermediates) {
            return Err(TlsProblem::BadCertificate("there are too many ways to build its chain"));
        }
        let name = &self.expected.name;
        self.verifier
            .verify_server_cert(certificate, intermediates, name, &[], *time)
            .map(drop)
            .map_err(|error| problem::of_certificate(&error, self.is_by_address(), is_self_signed))
    }

    fn is_by_address(&self) -> bool {
        matches!(self.expected.name, ServerName::IpAddress(_))
    }

    /// The problem, if the certificate lacks an address that it should contain.
    fn contradicts_address(&self) -> Option<TlsProblem> {
        let address = ServerName::IpAddress(self.expected.ip?.into());
        let certificate = ParsedCertificate::try_from(&self.shown.certificate).ok()?;
        verify_server_name(&certificate, &address).err().map(|_| TlsProblem::IpNotInCertificate)
    }
}

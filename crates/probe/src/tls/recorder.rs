//! Records the certificates that a target shows. Nothing is verified here but that the target has the
//! key of the certificate that it calls its own.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{bounds::MAX_INTERMEDIATES, problem::TlsProblem};

/// Records the certificates of one target.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Knows which signatures are good.
    verifier: Arc<dyn ServerCertVerifier>,
    recorded: OnceLock<Result<Shown, TlsProblem>>,
}

/// The certificates of a target, not yet looked into.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    /// When they were shown.
    pub(super) time: UnixTime,
}

impl Recorder {
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        Self { verifier, recorded: OnceLock::new() }
    }

    /// None if the target did not come to show any.
    ///
    /// # Errors
    /// [`TlsProblem`] when the certificates are more, or more costly, than are verified.
    pub(super) fn recorded(&self) -> Result<Option<Shown>, TlsProblem> {
        self.recorded.get().cloned().transpose()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        time: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let too_many = intermediates.len() > MAX_INTERMEDIATES;
        // A handshake shows certificates once.
        let _ = self.recorded.set(if too_many {
            Err(TlsProblem::TooManyCertificates)
        } else {
            let intermediates = intermediates.iter().map(|der| der.clone().into_owned()).collect();
            Ok(Shown { certificate: certificate.clone().into_owned(), intermediates, time })
        });
        if too_many {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ServerCertVerified::assertion())
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

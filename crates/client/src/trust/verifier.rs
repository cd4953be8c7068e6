//! How the certificate of a checker is judged.

use std::{error::Error, fmt, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer, time::ASN1Time};

/// The most intermediate certificates that are looked at. The server chooses them, and the cost to
/// find a way among them grows faster than their number; chains in use have one or two.
const MAX_INTERMEDIATES: usize = 8;

/// Asks the system's authorities and those given; a certificate that was given itself needs none.
///
/// `openssl req -x509` makes a certificate that is its own authority, which no authority could vouch
/// for: RFC 5280 forbids such a one to be a server's. It is accepted where exactly that certificate was
/// given, for its names and for its time.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) authorities: Arc<dyn ServerCertVerifier>,
    pub(super) given: Vec<CertificateDer<'static>>,
}

/// Problems of a certificate for which rustls has no word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// Nobody but itself vouches for it.
    SelfSigned,
    /// It has no name of the form that counts (RFC 9525).
    NoNames,
    /// More than [`MAX_INTERMEDIATES`].
    TooManyIntermediates,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Error for Distrust {}

impl From<Distrust> for rustls::Error {
    fn from(distrust: Distrust) -> Self {
        CertificateError::Other(OtherError(Arc::new(distrust))).into()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.given.iter().any(|given| given == certificate) {
            return verify_given(certificate, name, now);
        }
        if intermediates.len() > MAX_INTERMEDIATES {
            return Err(Distrust::TooManyIntermediates.into());
        }
        let verified =
            self.authorities.verify_server_cert(certificate, intermediates, name, ocsp, now);
        verified.map_err(|error| match error {
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            ) if is_self_signed(certificate) => Distrust::SelfSigned.into(),
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Its time and its names; that it is the one that was given vouches for the rest.
fn verify_given(
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let bad = || rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| bad())?;
    let now = i64::try_from(now.as_secs()).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
    let now = now.ok_or(rustls::Error::FailedToGetCurrentTime)?;
    if now > parsed.validity().not_after {
        return Err(CertificateError::Expired.into());
    }
    if now < parsed.validity().not_before {
        return Err(CertificateError::NotValidYet.into());
    }
    if !matches!(parsed.subject_alternative_name(), Ok(Some(_))) {
        return Err(Distrust::NoNames.into());
    }
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
    Ok(ServerCertVerified::assertion())
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, parsed)| parsed.subject().as_raw() == parsed.issuer().as_raw())
}

/// Believes every certificate of a server that has its key.
#[derive(Debug)]
pub(super) struct Credulous(pub(super) WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

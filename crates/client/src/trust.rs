//! Whose certificates are good.

use std::{error::Error, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

/// Authorities to trust beside those of the system.
#[derive(Debug, Clone, Default)]
pub struct Roots(Vec<CertificateDer<'static>>);

/// Certificates that cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[error("no certificates of authorities in PEM: {0}")]
pub struct InvalidRoots(String);

impl Roots {
    /// One or several certificates in PEM.
    ///
    /// # Errors
    /// There is none, or one that cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidRoots> {
        let invalid = |error: &dyn Error| InvalidRoots(error.to_string());
        let roots: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| invalid(&error))?;
        if roots.is_empty() {
            return Err(InvalidRoots("there is none".to_owned()));
        }
        let mut store = RootCertStore::empty();
        for root in &roots {
            store.add(root.clone()).map_err(|error| invalid(&error))?;
        }
        Ok(Self(roots))
    }
}

/// Whose certificates are good.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// Those that lead to an authority of the system, or to one of these.
    Authorities(Roots),
    /// Anybody's, for any name.
    Anybody,
}

impl Trust {
    pub(crate) fn config(&self) -> ClientConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows them");
        let verifier: Arc<dyn ServerCertVerifier> = match self {
            Self::Anybody => Arc::new(Credulous(provider.signature_verification_algorithms)),
            Self::Authorities(roots) => {
                match Verifier::new_with_extra_roots(roots.0.clone(), provider) {
                    Ok(verifier) => Arc::new(verifier),
                    Err(_) => {
                        return builder.with_root_certificates(alone(roots)).with_no_client_auth();
                    }
                }
            }
        };
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    }
}

/// Without trust roots of the system only `roots` are trusted; without any, no certificate is, and
/// plain HTTP needs none.
fn alone(roots: &Roots) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.0.iter().cloned());
    store
}

/// Believes every certificate of whoever has its key.
#[derive(Debug)]
struct Credulous(WebPkiSupportedAlgorithms);

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

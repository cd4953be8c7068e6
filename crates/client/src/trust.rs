//! Whose certificates are good.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};

mod verifier;

pub(crate) use verifier::Distrust;
use verifier::{Credulous, Verifier};

/// Authorities, and certificates of checkers themselves, to trust beside the authorities of the system.
#[derive(Debug, Clone, Default)]
pub struct Roots(Vec<CertificateDer<'static>>);

/// Certificates that cannot be trusted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRoots {
    /// There is no certificate in PEM.
    #[error("there is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")]
    None,
    /// The text between the lines of PEM is not base64, or a line is missing.
    #[error("a certificate in PEM is damaged: copy it whole, from its BEGIN line to its END line")]
    Damaged,
    /// It is no certificate that can be used.
    #[error("certificate {0} cannot be read: it is no X.509 certificate")]
    Unreadable(
        /// Its position, from 1.
        usize,
    ),
}

impl Roots {
    /// One or several certificates in PEM.
    ///
    /// # Errors
    /// There is none, or one that cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidRoots> {
        let roots: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| InvalidRoots::Damaged)?;
        if roots.is_empty() {
            return Err(InvalidRoots::None);
        }
        let mut store = RootCertStore::empty();
        for (index, root) in roots.iter().enumerate() {
            store.add(root.clone()).map_err(|_| InvalidRoots::Unreadable(index + 1))?;
        }
        Ok(Self(roots))
    }
}

/// Whose certificates are good.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// Nobody is asked for one: the checker is asked over plain HTTP.
    NotNeeded,
    /// Those that lead to an authority of the system, or to one of these, and these themselves.
    Authorities(Roots),
    /// Anybody's, for any name.
    Anybody,
}

impl Trust {
    /// Reads the system's authorities, if they are needed.
    pub(crate) fn config(&self) -> ClientConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows them");
        let verifier: Arc<dyn ServerCertVerifier> = match self {
            Self::NotNeeded => {
                let nobody = RootCertStore::empty();
                return builder.with_root_certificates(nobody).with_no_client_auth();
            }
            Self::Anybody => Arc::new(Credulous(provider.signature_verification_algorithms)),
            Self::Authorities(roots) => match authorities(roots, provider) {
                Some(authorities) => Arc::new(Verifier { authorities, given: roots.0.clone() }),
                None => {
                    let nobody = RootCertStore::empty();
                    return builder.with_root_certificates(nobody).with_no_client_auth();
                }
            },
        };
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    }
}

/// Without authorities of the system only those given are trusted; none if there are none either.
fn authorities(
    roots: &Roots,
    provider: Arc<CryptoProvider>,
) -> Option<Arc<dyn ServerCertVerifier>> {
    let further = roots.0.iter().cloned();
    let system = rustls_platform_verifier::Verifier::new_with_extra_roots(
        further.clone(),
        Arc::clone(&provider),
    );
    if let Ok(system) = system {
        return Some(Arc::new(system));
    }
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(further);
    let alone = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
    Some(alone.ok()?)
}

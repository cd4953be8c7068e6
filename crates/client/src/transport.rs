//! The HTTP client below a checker: what it trusts, and which way it connects.

use std::time::Duration;

use reqwest::{Certificate, Client, redirect};

use crate::Family;

/// How long a connection may take. Shorter than the patience for an answer, so that a dead path of
/// one family does not take it all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Authorities to trust beside those of the system.
#[derive(Debug, Clone)]
pub struct Roots(Vec<Certificate>);

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
        let invalid = |error: reqwest::Error| {
            let cause = std::error::Error::source(&error);
            InvalidRoots(cause.map_or_else(|| error.to_string(), ToString::to_string))
        };
        choose_provider();
        let roots = Certificate::from_pem_bundle(pem).map_err(invalid)?;
        if roots.is_empty() {
            return Err(InvalidRoots("there is none".to_owned()));
        }
        client(&roots, None).map_err(invalid)?;
        Ok(Self(roots))
    }

    pub(crate) fn certificates(&self) -> &[Certificate] {
        &self.0
    }
}

/// Chooses the cryptography. Fails only if somebody else has chosen already, which is as good.
pub(crate) fn choose_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client that trusts `roots` beside those of the system, and uses one family only if told so.
pub(crate) fn client(roots: &[Certificate], family: Option<Family>) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("port-checker/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .local_address(family.map(Family::unspecified))
        .tls_certs_merge(roots.iter().cloned())
        // A proxy or a redirect would make the checker see somebody else's address.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .build()
}

//! One TLS handshake with a vetted target, judged against the trust roots of this system.

use std::{net::IpAddr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::ServerName,
};
use time::OffsetDateTime;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

use crate::{Admission, Fault, Reason, Target, tcp};

mod problem;
mod witness;

pub use problem::TlsProblem;
use witness::Witness;

/// Shakes hands with targets; clones are cheap.
#[derive(Debug, Clone)]
pub struct TlsProber {
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
}

/// What one handshake found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFinding {
    /// What it came to.
    pub verdict: TlsVerdict,
    /// When the target's certificate ceases to be valid; none if it did not show one that can be
    /// read.
    pub not_after: Option<OffsetDateTime>,
}

/// What a handshake says about the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsVerdict {
    /// The target proved to be who it should be.
    Valid,
    /// No connection was established, and why.
    NotConnected(Reason),
    /// The handshake failed, or the certificate is not good.
    Invalid(TlsProblem),
}

/// This checker cannot judge certificates.
#[derive(Debug, thiserror::Error)]
pub enum NoTrustRoots {
    /// The system has none where they are looked for.
    #[error("this checker's system has no trust roots: install ca-certificates")]
    Missing,
    /// They cannot be used.
    #[error("this checker's trust roots cannot be used: {0}")]
    Unusable(String),
}

impl TlsVerdict {
    /// Every name.
    pub const NAMES: [&'static str; 3] = ["valid", "invalid", "not_connected"];

    /// The verdict's name in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid(_) => "invalid",
            Self::NotConnected(_) => "not_connected",
        }
    }
}

impl TlsProber {
    /// Reads the trust roots of the system: the file or directory named by `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`, or where the distribution keeps them. Takes some milliseconds.
    ///
    /// # Errors
    /// There are none.
    pub fn with_system_roots() -> Result<Self, NoTrustRoots> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(NoTrustRoots::Missing);
        }
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build();
        let verifier = verifier.map_err(|error| NoTrustRoots::Unusable(error.to_string()))?;
        Ok(Self { provider, verifier })
    }

    /// Connects to the target's first port and shakes hands, both together for at most `limit`. The
    /// target should prove to be `name` and, if one is given, also to be `expected_ip`.
    ///
    /// # Errors
    /// The checker could not judge.
    pub async fn handshake(
        &self,
        _admission: Admission,
        target: &Target,
        name: ServerName<'static>,
        expected_ip: Option<IpAddr>,
        limit: Duration,
    ) -> Result<TlsFinding, Fault> {
        let until = Instant::now() + limit;
        let stream = match tcp::connect(target.socket(0), until).await? {
            Ok(stream) => stream,
            Err(reason) => {
                return Ok(TlsFinding {
                    verdict: TlsVerdict::NotConnected(reason),
                    not_after: None,
                });
            }
        };
        let witness = Arc::new(Witness::new(Arc::clone(&self.verifier)));
        let problem = self.shake(stream, name, Arc::clone(&witness), until).await;
        let problem = problem.or_else(|| witness.contradicts(expected_ip));
        Ok(TlsFinding {
            verdict: problem.map_or(TlsVerdict::Valid, TlsVerdict::Invalid),
            not_after: witness.not_after(),
        })
    }

    async fn shake(
        &self,
        stream: TcpStream,
        name: ServerName<'static>,
        witness: Arc<Witness>,
        until: Instant,
    ) -> Option<TlsProblem> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        let by_address = matches!(name, ServerName::IpAddress(_));
        let connector = TlsConnector::from(Arc::new(config));
        match timeout_at(until, connector.connect(name, stream)).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(problem::of(&error, by_address, &witness)),
            Err(_) => Some(TlsProblem::TimedOut),
        }
    }
}

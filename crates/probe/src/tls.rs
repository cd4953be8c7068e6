//! TLS with a vetted target, judged against the trust roots of this system: a handshake, and then,
//! apart from it, the verification of the certificates that the target showed.
//!
//! The target chooses the cost of a verification: it may show certificates that lead to one another
//! in thousands of ways. So the handshake, which runs on the workers of the runtime, only records the
//! certificates, and [`Unverified::verify`] is for a thread that may be kept busy. The handshake itself
//! is not moved there, because it waits for the target most of the time, and because everything in it
//! has a bounded cost:
//!
//! * at most [`MAX_HANDSHAKE_BYTES`] are read, however many records or messages they are cut into;
//! * certificates are counted and copied, and of the target's own the key is found;
//! * one key agreement, and one signature, by a key of at most 8192 bits of RSA (whose exponent has at
//!   most 33 bits), P-256, P-384 or Ed25519: less than a millisecond. `ring` knows no other, and refuses them
//!   before it computes.

use std::{sync::Arc, time::Duration};

use port_checker_api::Reason;
use rustls::{
    ClientConfig, RootCertStore,
    client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
};
use tokio::{
    io::{AsyncReadExt, join},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

use crate::{budget::Admission, fault::Fault, policy::Target, tcp};

mod bounds;
mod paths;
mod problem;
mod recorder;
mod unverified;
mod verdict;

use bounds::MAX_HANDSHAKE_BYTES;
pub use problem::TlsProblem;
use recorder::Recorder;
pub use unverified::Unverified;
pub use verdict::{TlsExpectation, TlsFinding, TlsVerdict};

/// Shakes hands with targets; clones are cheap.
#[derive(Debug, Clone)]
pub struct TlsProber {
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
}

/// The result of a handshake.
#[derive(Debug)]
pub enum TlsContact {
    /// There is no certificate to verify.
    Judged(TlsFinding),
    /// The target showed certificates.
    Unverified(Unverified),
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

impl TlsProber {
    /// Reads the trust roots of the system: the file or directory named by `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`, or where the distribution keeps them. Takes some milliseconds.
    ///
    /// # Errors
    /// The system has no trust roots, or they cannot be used.
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

    /// Connects to the target's first port and shakes hands, both together for at most `limit`, and for
    /// no longer than `time_left` of the request's time.
    ///
    /// # Errors
    /// The checker could not judge. That `time_left` was over before `limit` says nothing about the
    /// target.
    pub async fn handshake(
        &self,
        admission: Admission,
        target: &Target,
        expected: TlsExpectation,
        (limit, time_left): (Duration, Duration),
    ) -> Result<TlsContact, Fault> {
        let until = Instant::now() + limit.min(time_left);
        let contact = match tcp::connect(target.socket(0), until).await? {
            Ok(stream) => self.connect(stream, expected, until).await,
            Err(reason) => TlsContact::Judged(TlsVerdict::NotConnected(reason).into()),
        };
        // Held until its socket was closed.
        drop(admission);
        if time_left < limit && contact.timed_out() {
            return Err(Fault::DeadlinePassed { unjudged: 1, ports: 1 });
        }
        Ok(contact)
    }

    async fn connect(
        &self,
        stream: TcpStream,
        expected: TlsExpectation,
        until: Instant,
    ) -> TlsContact {
        let recorder = Arc::new(Recorder::new(Arc::clone(&self.verifier)));
        let (reader, writer) = stream.into_split();
        let mut stream = join(reader.take(MAX_HANDSHAKE_BYTES), writer);
        let connector = self.connector(&recorder);
        let connecting = connector.connect(expected.name.clone(), &mut stream);
        let done = timeout_at(until, connecting).await.map(|connected| connected.map(drop));
        let problem = match done {
            Ok(Ok(())) => None,
            // The TLS library takes the read limit for the end of the stream.
            Ok(Err(_)) if stream.reader().limit() == 0 => Some(TlsProblem::Endless),
            Ok(Err(error)) => Some(problem::of_handshake(&error)),
            Err(_) => Some(TlsProblem::TimedOut),
        };
        match (recorder.recorded(), problem) {
            (Err(refused), _) => TlsContact::Judged(TlsVerdict::Invalid(refused).into()),
            (Ok(Some(shown)), problem) => {
                let verifier = Arc::clone(&self.verifier);
                TlsContact::Unverified(Unverified { verifier, shown, expected, problem })
            }
            (Ok(None), problem) => {
                let problem = problem.expect("no handshake succeeds without a certificate");
                TlsContact::Judged(TlsVerdict::Invalid(problem).into())
            }
        }
    }

    fn connector(&self, recorder: &Arc<Recorder>) -> TlsConnector {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(recorder) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        // Each connection has another configuration, so that no session is resumed.
        config.resumption = Resumption::disabled();
        TlsConnector::from(Arc::new(config))
    }
}

impl TlsContact {
    /// Whether there was no time for more.
    fn timed_out(&self) -> bool {
        match self {
            Self::Judged(TlsFinding { verdict, .. }) => matches!(
                verdict,
                TlsVerdict::NotConnected(Reason::TimedOut)
                    | TlsVerdict::Invalid(TlsProblem::TimedOut)
            ),
            Self::Unverified(unverified) => unverified.problem == Some(TlsProblem::TimedOut),
        }
    }
}

#[cfg(test)]
mod tests;

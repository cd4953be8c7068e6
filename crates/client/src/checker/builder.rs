//! How a checker is asked.

use std::time::Duration;

use super::Checker;
use crate::{Family, InvalidUrl, Roots, server_url::ServerUrl, transport::Transport, trust::Trust};

/// How long a checker may take to answer, unless told otherwise: a little more than the longest a
/// checker with its default settings takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest `Retry-After` that is waited for instead of giving up, unless told otherwise.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// A checker, and how it is asked; the order of the calls makes no difference.
#[derive(Debug, Clone)]
pub struct CheckerBuilder {
    server: ServerUrl,
    family: Option<Family>,
    roots: Roots,
    verified: bool,
    timeout: Duration,
    max_wait: Duration,
}

impl CheckerBuilder {
    pub(super) fn new(url: &str) -> Result<Self, InvalidUrl> {
        Ok(Self {
            server: ServerUrl::parse(url)?,
            family: None,
            roots: Roots::default(),
            verified: true,
            timeout: TIMEOUT,
            max_wait: MAX_WAIT,
        })
    }

    /// Talks to the checker over one address family only, so that it sees this machine's address of that
    /// family; by default over whichever works.
    #[must_use]
    pub fn over(self, family: Family) -> Self {
        Self { family: Some(family), ..self }
    }

    /// The checker's certificate may also come from one of these authorities, or be one of these.
    #[must_use]
    pub fn trusting(self, roots: &Roots) -> Self {
        Self { roots: roots.clone(), ..self }
    }

    /// The checker's certificate is not looked at: for one on this machine, which is asked by another
    /// name than its certificate has.
    #[must_use]
    pub fn unverified(self) -> Self {
        Self { verified: false, ..self }
    }

    /// How long each answer may take; 30 seconds by default.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The longest `Retry-After` that is waited for; 10 seconds by default. In a verification all waits
    /// together are no longer than that and half a second for each verdict of the checker; one that is
    /// busy again after a wait is not waited for until it has given a verdict.
    #[must_use]
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// The checker. For one over HTTPS this reads the authorities that the system trusts.
    pub fn build(self) -> Checker {
        let trust = match (self.server.is_https(), self.verified) {
            (false, _) => Trust::NotNeeded,
            (true, false) => Trust::Anybody,
            (true, true) => Trust::Authorities(self.roots),
        };
        let tls = trust.config();
        Checker {
            server: self.server,
            http: Transport::new(tls.clone(), self.family),
            tls,
            timeout: self.timeout,
            max_wait: self.max_wait,
        }
    }
}

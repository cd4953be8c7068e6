//! What an operator decides about signed statements.

use std::{path::PathBuf, time::Duration};

use port_checker_attestation::{Issuer, Vantage};

/// What an operator decides about signed statements.
#[derive(Debug, Clone)]
pub struct AttestationSettings {
    /// The name that is signed with: the URL of this checker.
    pub issuer: Option<Issuer>,
    /// The file of the key that signs.
    pub signing_key: Option<PathBuf>,
    /// The file of the key that will sign.
    pub next_key: Option<PathBuf>,
    /// How long a statement is valid, 1 to 86400 seconds.
    pub lifetime: Duration,
    /// Whether to sign only while the system calls its clock synchronised.
    pub clock_check: bool,
    /// Where this checker stands.
    pub vantage: Option<Vantage>,
}

impl Default for AttestationSettings {
    fn default() -> Self {
        Self {
            issuer: None,
            signing_key: None,
            next_key: None,
            lifetime: Duration::from_secs(7200),
            clock_check: true,
            vantage: None,
        }
    }
}

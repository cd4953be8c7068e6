//! The flags of a verification that keeps signed statements.

use std::path::PathBuf;

use clap::Args;
use port_checker_client::{Attest, Challenge, ClaimText};

/// Whether to ask for signed statements, and for whom.
#[derive(Args)]
pub(crate) struct AttestArgs {
    /// Ask each checker for a signed statement about the open ports, verify it, and keep them in this file, one on
    /// each line. The file is replaced if there is at least one
    #[arg(long = "attest", value_name = "FILE", requires = "servers", conflicts_with = "every")]
    pub(crate) file: Option<PathBuf>,
    /// With --attest: the only reader that the statements are for
    #[arg(long, value_name = "TEXT", requires = "file", allow_hyphen_values = true)]
    audience: Option<ClaimText>,
    /// With --attest: a text that the reader of the statements chose, which shows that they were made afterwards
    #[arg(long, value_name = "TEXT", requires = "file", allow_hyphen_values = true)]
    nonce: Option<ClaimText>,
    /// The line that the listeners here send, 16 to 128 characters, instead of a random one: such as a signature by a
    /// key of yours, which is then in the statements. Use each only once: who has seen it can send it too
    #[arg(long, value_name = "TEXT", conflicts_with = "every", allow_hyphen_values = true)]
    pub(crate) challenge: Option<Challenge>,
}

impl AttestArgs {
    /// The request for a statement, if there is one.
    pub(crate) fn request(&self) -> Option<Attest> {
        let Self { file, audience, nonce, .. } = self;
        file.as_ref().map(|_| Attest { audience: audience.clone(), nonce: nonce.clone() })
    }
}

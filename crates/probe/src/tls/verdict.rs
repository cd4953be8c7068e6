//! The identity that a target should prove, and the verdict about it.

use std::net::IpAddr;

use port_checker_api::Reason;
use rustls::pki_types::ServerName;
use strum::{IntoStaticStr, VariantNames};
use time::OffsetDateTime;

use super::problem::TlsProblem;

/// Who a target should prove to be.
#[derive(Debug, Clone)]
pub struct TlsExpectation {
    /// A DNS name or an address.
    pub name: ServerName<'static>,
    /// An address that the certificate should contain too.
    pub ip: Option<IpAddr>,
}

/// The result of a handshake and the verification after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFinding {
    /// The verdict.
    pub verdict: TlsVerdict,
    /// When the target's certificate ceases to be valid; none if it did not show one that can be
    /// read.
    pub not_after: Option<OffsetDateTime>,
}

/// The verdict about the TLS of a target.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum TlsVerdict {
    /// The target proved to be who it should be.
    Valid,
    /// No connection was established, and why.
    NotConnected(Reason),
    /// The handshake failed, or the certificate is not good.
    Invalid(TlsProblem),
}

impl TlsVerdict {
    /// Every name.
    pub const NAMES: &'static [&'static str] = Self::VARIANTS;

    /// The verdict's name in metrics.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

impl From<TlsVerdict> for TlsFinding {
    fn from(verdict: TlsVerdict) -> Self {
        Self { verdict, not_after: None }
    }
}

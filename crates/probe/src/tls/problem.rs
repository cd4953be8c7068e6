//! From what the TLS library says to what is wrong with the target.

use std::io;

use rustls::{CertificateError, Error};

use super::witness::Witness;

/// What is wrong with a target's TLS; its display is for the owner of the target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// The certificate's time is over.
    #[error("The certificate has expired")]
    Expired,
    /// The certificate's time has not come.
    #[error("The certificate is not yet valid")]
    NotYetValid,
    /// The certificate is for other names.
    #[error("The certificate is not for that name")]
    NameMismatch,
    /// The certificate does not name the IP address.
    #[error("The certificate does not contain that IP address")]
    IpNotInCertificate,
    /// No trust root leads to the certificate, or the server leaves out the certificates between.
    #[error("The certificate's issuer is unknown, or the server does not send the chain to it")]
    UnknownIssuer,
    /// The certificate is its own issuer, and no trust root.
    #[error("The certificate is self-signed")]
    SelfSigned,
    /// The certificate is bad in another way.
    #[error("The certificate cannot be used: {0}")]
    BadCertificate(String),
    /// What came back is not TLS.
    #[error("What answers does not speak TLS")]
    NotTls,
    /// The target speaks TLS, but none that is still safe, or refuses.
    #[error("The handshake failed: {0}")]
    Refused(String),
    /// Nothing more came within the time.
    #[error("The handshake timed out")]
    TimedOut,
    /// The connection ended before the handshake did.
    #[error("The connection was reset during the handshake")]
    Reset,
}

/// Sorts an error of a handshake, by its type and never by its text. Whatever goes wrong on an
/// established connection speaks about the target.
pub(super) fn of(error: &io::Error, by_address: bool, witness: &Witness) -> TlsProblem {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return TlsProblem::Reset;
    };
    match error {
        Error::InvalidCertificate(error) => of_certificate(error, by_address, witness),
        Error::InvalidMessage(_) => TlsProblem::NotTls,
        other => TlsProblem::Refused(other.to_string()),
    }
}

fn of_certificate(error: &CertificateError, by_address: bool, witness: &Witness) -> TlsProblem {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsProblem::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsProblem::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            if by_address {
                TlsProblem::IpNotInCertificate
            } else {
                TlsProblem::NameMismatch
            }
        }
        CertificateError::UnknownIssuer | CertificateError::Other(_)
            if witness.is_self_signed() =>
        {
            TlsProblem::SelfSigned
        }
        CertificateError::UnknownIssuer => TlsProblem::UnknownIssuer,
        other => TlsProblem::BadCertificate(other.to_string()),
    }
}

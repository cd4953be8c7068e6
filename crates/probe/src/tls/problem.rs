//! From errors of the TLS library to a problem of the target.

use std::io;

use rustls::{CertificateError, Error};

use super::bounds::{MAX_HANDSHAKE_BYTES, MAX_INTERMEDIATES};

/// A problem of a target's TLS; its display is for the owner of the target.
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
    /// Clients look for the words in brackets, which are OpenSSL's.
    #[error(
        "The certificate's issuer is unknown, or the server does not send the chain to it (unable to \
         get local issuer certificate)"
    )]
    UnknownIssuer,
    /// The certificate is its own issuer, and no trust root.
    #[error("The certificate is self-signed")]
    SelfSigned,
    /// The certificate is bad in another way.
    #[error("The certificate cannot be used: {0}")]
    BadCertificate(&'static str),
    /// The target shows more certificates than are verified.
    #[error(
        "The server sends too many certificates: at most {MAX_INTERMEDIATES} beside its own are verified"
    )]
    TooManyCertificates,
    /// The target sends more than a handshake takes.
    #[error("The handshake failed: the server sends more than {MAX_HANDSHAKE_BYTES} bytes")]
    Endless,
    /// The answer is not TLS.
    #[error("The server does not speak TLS")]
    NotTls,
    /// The target speaks TLS, but none that is still safe, or refuses.
    #[error("The handshake failed: {0}")]
    Refused(&'static str),
    /// Nothing more came within the time.
    #[error("The handshake timed out")]
    TimedOut,
    /// The target reset the connection before the handshake was over.
    #[error("The connection was reset during the handshake")]
    Reset,
    /// The target closed the connection before the handshake was over.
    #[error("The connection was closed during the handshake")]
    Closed,
}

/// Sorts an error of a handshake, by its type and never by its text. Whatever goes wrong on an
/// established connection speaks about the target.
pub(super) fn of_handshake(error: &io::Error) -> TlsProblem {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => TlsProblem::Closed,
            // The TLS library has no room for the whole of a message.
            io::ErrorKind::InvalidData => TlsProblem::Endless,
            _ => TlsProblem::Reset,
        };
    };
    match error {
        // All that a handshake verifies is the signature that proves to have the certificate's key.
        Error::InvalidCertificate(_) => TlsProblem::Refused(
            "the server does not prove to have the key of its certificate, or the key is of a kind \
             or size that is not accepted",
        ),
        Error::InvalidMessage(_) => TlsProblem::NotTls,
        Error::AlertReceived(_) => TlsProblem::Refused("the server refused it"),
        Error::PeerIncompatible(_) => {
            TlsProblem::Refused("the server offers no version or cipher that is still safe")
        }
        _ => TlsProblem::Refused("the server does not keep to the protocol"),
    }
}

/// Sorts an error of a verification.
pub(super) fn of_certificate(error: &Error, by_address: bool, is_self_signed: bool) -> TlsProblem {
    const MALFORMED: TlsProblem = TlsProblem::BadCertificate("it is malformed");
    let Error::InvalidCertificate(error) = error else { return MALFORMED };
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
        CertificateError::UnknownIssuer | CertificateError::Other(_) if is_self_signed => {
            TlsProblem::SelfSigned
        }
        CertificateError::UnknownIssuer => TlsProblem::UnknownIssuer,
        CertificateError::BadEncoding => MALFORMED,
        CertificateError::BadSignature => {
            TlsProblem::BadCertificate("a signature in its chain is wrong")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            TlsProblem::BadCertificate("it is not for servers")
        }
        _ => TlsProblem::BadCertificate("it breaks a rule for certificates of servers"),
    }
}

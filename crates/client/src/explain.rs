//! From an error of a library to a sentence for a person.
//!
//! Errors are told apart by their types and kinds, never by their texts. The text of a library is
//! not shown: it speaks to programmers.

use std::{
    error::Error,
    io::{self, ErrorKind},
    iter,
};

use hyper_util::client;
use nix::errno::Errno;
use rustls::{CertificateError, Error as TlsError, PeerIncompatible};

use crate::{resolver::LookupError, server_url::ServerUrl, trust::Distrust};

const INCOMPLETE: &str = "it hung up before its answer was complete";

/// Why nothing, or nothing more, comes from the checker at `server`.
pub(crate) fn explain(error: &(dyn Error + 'static), server: &ServerUrl) -> String {
    let connecting =
        error.downcast_ref::<client::legacy::Error>().is_some_and(|error| error.is_connect());
    // The innermost cause that there is a sentence for.
    let said = causes(error).filter_map(|cause| sentence(cause, server, connecting)).last();
    said.unwrap_or_else(|| "the connection failed".to_owned())
}

/// The error and its causes, from without.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| wrapped(error).or_else(|| error.source()))
}

/// The cause within an error of the system, which it does not name as its source.
fn wrapped<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inner)
}

fn sentence(error: &(dyn Error + 'static), server: &ServerUrl, connecting: bool) -> Option<String> {
    if let Some(lookup) = error.downcast_ref::<LookupError>() {
        Some(lookup.to_string())
    } else if let Some(tls) = error.downcast_ref::<TlsError>() {
        Some(of_tls(tls, server))
    } else if let Some(http) = error.downcast_ref::<hyper::Error>() {
        of_http(http, server)
    } else {
        of_system(error.downcast_ref::<io::Error>()?, server, connecting)
    }
}

fn of_http(error: &hyper::Error, server: &ServerUrl) -> Option<String> {
    let other = server.other_scheme();
    // hyper has a method that tells, but only together with its server, which a client does not need.
    Some(if error.is_parse() && error.to_string().contains("too large") {
        "the head of its answer is too large".to_owned()
    } else if error.is_parse() && server.is_https() {
        "the server there does not speak HTTP".to_owned()
    } else if error.is_parse() {
        format!("the server there does not speak plain HTTP; try {other}")
    } else if error.is_incomplete_message() && !server.is_https() {
        format!("{INCOMPLETE}; if it expects HTTPS, try {other}")
    } else if error.is_incomplete_message() {
        INCOMPLETE.to_owned()
    } else {
        return None;
    })
}

fn of_system(error: &io::Error, server: &ServerUrl, connecting: bool) -> Option<String> {
    let text = match (error.kind(), error.raw_os_error().map(Errno::from_raw)) {
        (_, Some(Errno::EMFILE | Errno::ENFILE)) => {
            "this machine has no descriptor left: too many files are open"
        }
        (_, Some(Errno::EPERM | Errno::EACCES)) => {
            "this machine's own firewall does not let the connection out"
        }
        (_, Some(Errno::EAFNOSUPPORT)) => "this machine does not know the address family",
        (ErrorKind::ConnectionRefused, _) if server.is_at_web_port() => {
            "the connection was refused: nothing listens on port 80; a checker usually listens on port 9000, \
             written :9000 behind its name"
        }
        (ErrorKind::ConnectionRefused, _) => "the connection was refused: nothing listens there",
        (ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe, _) => {
            "the connection was reset"
        }
        (ErrorKind::TimedOut, _) => {
            "the connection timed out: the address is wrong, or a firewall drops the packets"
        }
        (ErrorKind::NetworkUnreachable | ErrorKind::NotConnected, _) => {
            "this machine has no route to it"
        }
        (ErrorKind::HostUnreachable, _) => "a router says that it cannot reach it",
        (ErrorKind::AddrNotAvailable, _) => {
            "this machine has no address, or no port left, to connect from"
        }
        (ErrorKind::UnexpectedEof, _) if connecting && server.is_https() => {
            return Some(format!(
                "it hung up during the TLS handshake; if it speaks plain HTTP, try {}",
                server.other_scheme()
            ));
        }
        (ErrorKind::UnexpectedEof, _) => INCOMPLETE,
        _ => return None,
    };
    Some(text.to_owned())
}

fn of_tls(error: &TlsError, server: &ServerUrl) -> String {
    match error {
        TlsError::InvalidCertificate(certificate) => of_certificate(certificate, server),
        TlsError::InvalidMessage(_) => {
            format!("the server there does not speak HTTPS; try {}", server.other_scheme())
        }
        TlsError::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13)
        | TlsError::AlertReceived(_)
        | TlsError::PeerIncompatible(_) => "it refuses the TLS handshake: it and this program have no \
                                            version (1.2 or 1.3) or cipher in common, or it asks for a \
                                            certificate of ours"
            .to_owned(),
        TlsError::NoCertificatesPresented => "it shows no certificate".to_owned(),
        _ => "it does not keep to the TLS protocol".to_owned(),
    }
}

fn of_certificate(error: &CertificateError, server: &ServerUrl) -> String {
    use CertificateError as Of;
    let host = server.host();
    match error {
        Of::Expired | Of::ExpiredContext { .. } => {
            "its certificate has expired, or this machine's clock is wrong".to_owned()
        }
        Of::NotValidYet | Of::NotValidYetContext { .. } => {
            "its certificate is not yet valid, or this machine's clock is wrong".to_owned()
        }
        Of::NotValidForName | Of::NotValidForNameContext { .. } => {
            format!("its certificate is not for '{host}'")
        }
        Of::UnknownIssuer => "its certificate is of an authority that is not trusted here, or it does \
                              not send the certificates between: give the authority's with --ca-file"
            .to_owned(),
        Of::Revoked => "its certificate has been revoked".to_owned(),
        Of::Other(other) => match other.0.downcast_ref() {
            Some(Distrust::SelfSigned) => {
                "its certificate is self-signed: give that very certificate with --ca-file".to_owned()
            }
            Some(Distrust::NoNames) => format!(
                "its certificate has no subjectAltName, the only names that count: make one with \
                 openssl req -x509 -addext subjectAltName=DNS:{host}, or IP: for an address"
            ),
            Some(Distrust::TooManyIntermediates) => {
                "it sends more certificates than are looked at".to_owned()
            }
            None => "its certificate is not one of a server".to_owned(),
        },
        Of::InvalidPurpose | Of::InvalidPurposeContext { .. } => {
            "its certificate is not one of a server".to_owned()
        }
        _ => "its certificate is damaged, or signed in a way that is not trusted".to_owned(),
    }
}

//! The one place where the system's errors about a connection become a verdict about the target.

use std::{io, net::SocketAddr};

use port_checker_api::Reason;

use crate::fault::Fault;

/// The verdict about a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A connection was established; over UDP, the right answer came.
    Open,
    /// It is not open, and why.
    NotOpen(Reason),
}

impl Verdict {
    /// The verdict's name in logs and metrics: `open`, or the reason why not.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::NotOpen(reason) => reason.name(),
        }
    }
}

/// Who speaks when a step of a connection fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before anything was sent: only the checker's own system can speak.
    Prepare(&'static str),
    /// After the SYN was sent: the target, or a router on the way to it.
    Underway,
}

/// The one place where an error of the system becomes the reason of a verdict, or a fault.
///
/// The same error number means different things at different steps. "Network is unreachable" from
/// the call to `connect` is the checker's own routing table speaking; after the SYN has left it is
/// an ICMP message from a router (RFC 1122, section 4.2.3.9; RFC 4443, section 3.1). Whatever no rule
/// names is a fault: a verdict needs evidence.
pub(crate) fn judge(step: Step, address: SocketAddr, error: io::Error) -> Result<Reason, Fault> {
    let reason = match (step, error.raw_os_error()) {
        (Step::Underway, Some(libc::ECONNREFUSED)) => Reason::Refused,
        (Step::Underway, Some(libc::ECONNRESET | libc::EPIPE)) => Reason::Reset,
        (Step::Underway, Some(libc::ETIMEDOUT)) => Reason::TimedOut,
        (Step::Underway, Some(libc::ENETUNREACH)) => Reason::NetworkUnreachable,
        // EACCES is "administratively prohibited" over IPv6, the code with which many firewalls reject; the
        // others are the rarer ways a router says that the host cannot be reached.
        (
            Step::Underway,
            Some(
                libc::EHOSTUNREACH
                | libc::EACCES
                | libc::EHOSTDOWN
                | libc::ENONET
                | libc::ENOPROTOOPT
                | libc::EOPNOTSUPP
                | libc::EPROTO,
            ),
        ) => Reason::HostUnreachable,
        (Step::Prepare(operation), _) => {
            return Err(Fault::System { operation, address, source: error });
        }
        (Step::Underway, _) => {
            return Err(Fault::System {
                operation: "go on with a connection",
                address,
                source: error,
            });
        }
    };
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;

    #[test]
    fn a_verdict_is_called_open_or_by_its_reason() {
        assert_eq!(Verdict::Open.name(), "open");
        assert_eq!(Verdict::NotOpen(Reason::TimedOut).name(), "timed_out");
    }

    const PREPARE: Step = Step::Prepare("open a socket");

    #[test]
    fn errors_that_speak_about_the_target() {
        let cases = [
            (Step::Underway, libc::ECONNREFUSED, Reason::Refused, "a RST to our SYN"),
            (Step::Underway, libc::ECONNRESET, Reason::Reset, "a RST after the handshake"),
            (Step::Underway, libc::EPIPE, Reason::Reset, "a RST after a FIN"),
            (Step::Underway, libc::ETIMEDOUT, Reason::TimedOut, "the kernel gave up first"),
            (Step::Underway, libc::EHOSTUNREACH, Reason::HostUnreachable, "ICMP 3/1, 3/10, 3/13"),
            (Step::Underway, libc::EACCES, Reason::HostUnreachable, "ICMPv6 1/1, prohibited"),
            (Step::Underway, libc::EHOSTDOWN, Reason::HostUnreachable, "ICMP 3/7, host unknown"),
            (Step::Underway, libc::ENONET, Reason::HostUnreachable, "ICMP 3/8, host isolated"),
            (Step::Underway, libc::ENOPROTOOPT, Reason::HostUnreachable, "ICMP 3/2, protocol"),
            (Step::Underway, libc::EOPNOTSUPP, Reason::HostUnreachable, "ICMP 3/5, source route"),
            (Step::Underway, libc::EPROTO, Reason::HostUnreachable, "ICMP 12/0, ICMPv6 1/7, 4/0"),
            (Step::Underway, libc::ENETUNREACH, Reason::NetworkUnreachable, "ICMP 3/0, 3/6, 3/9"),
        ];
        for (step, errno, reason, why) in cases {
            let judged = judge(step, address(), io::Error::from_raw_os_error(errno)).unwrap();
            assert_eq!(judged, reason, "{why}");
        }
    }

    #[test]
    fn errors_that_are_the_checkers_own() {
        let cases = [
            (PREPARE, libc::EMFILE, FaultKind::Descriptors, "this process has too many open"),
            (PREPARE, libc::ENFILE, FaultKind::Descriptors, "this machine has too many open"),
            (PREPARE, libc::EADDRNOTAVAIL, FaultKind::LocalAddress, "no free local port"),
            (PREPARE, libc::ENOBUFS, FaultKind::Memory, "no buffers"),
            (PREPARE, libc::ENOMEM, FaultKind::Memory, "no memory"),
            (PREPARE, libc::EAGAIN, FaultKind::Memory, "no entry in the routing cache"),
            (PREPARE, libc::EPERM, FaultKind::Permission, "our own firewall"),
            (PREPARE, libc::EACCES, FaultKind::Permission, "our own routing policy"),
            (PREPARE, libc::ENETUNREACH, FaultKind::Route, "no route here"),
            (PREPARE, libc::EHOSTUNREACH, FaultKind::Route, "an unreachable route here"),
            (PREPARE, libc::EINVAL, FaultKind::Route, "a blackhole route here"),
            (PREPARE, libc::ECONNREFUSED, FaultKind::Permission, "our own firewall rejects"),
            (PREPARE, libc::EAFNOSUPPORT, FaultKind::Route, "a system without IPv6"),
            (PREPARE, libc::ETIMEDOUT, FaultKind::Other, "nothing was sent yet"),
            (Step::Underway, libc::EMFILE, FaultKind::Descriptors, "whatever the step"),
            (Step::Underway, libc::EPERM, FaultKind::Permission, "no router says that"),
            (Step::Underway, libc::EIO, FaultKind::Other, "no evidence about the target"),
        ];
        for (step, errno, kind, why) in cases {
            let fault = judge(step, address(), io::Error::from_raw_os_error(errno)).unwrap_err();
            assert_eq!(fault.kind(), kind, "{why}");
        }
    }

    fn address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }
}

//! Words with which other checkers call a port closed because they could not dial it.
//!
//! The Python service reports every error of the system as `"accessible": false`, with Python's text.
//! Which of them are about the checker and not about the port is told by their words and numbers here;
//! a text that may be about either, such as "No route to host", remains a verdict.

use nix::errno::Errno;

use CheckerFault::{Other, Shortage};

/// The resource that a checker reports to lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckerFault {
    /// Descriptors, memory or local ports: fewer ports at once may do.
    Shortage,
    /// A name server, a network, or the permission to use it.
    Other,
}

/// Parts of error texts of systems and languages, in lower case.
const PHRASES: [(&str, CheckerFault); 19] = [
    ("too many open files", Shortage),
    ("cannot allocate memory", Shortage),
    ("no buffer space", Shortage),
    ("cannot assign requested address", Shortage),
    ("can't assign requested address", Shortage),
    ("resource temporarily unavailable", Shortage),
    ("network is unreachable", Other),
    ("network is down", Other),
    ("address family not supported", Other),
    ("operation not permitted", Other),
    ("name resolution", Other),
    ("name or service not known", Other),
    ("no address associated with", Other),
    ("nodename nor servname", Other),
    ("non-recoverable failure", Other),
    ("getaddrinfo", Other),
    ("no such host", Other),
    ("could not resolve", Other),
    ("server misbehaving", Other),
];

/// Numbers of Linux, which Python prints before words that tell nothing: `[Errno 101] Connect call
/// failed`.
const NUMBERS: [(Errno, CheckerFault); 10] = [
    (Errno::EPERM, Other),
    (Errno::EAGAIN, Shortage),
    (Errno::ENOMEM, Shortage),
    (Errno::ENFILE, Shortage),
    (Errno::EMFILE, Shortage),
    (Errno::EAFNOSUPPORT, Other),
    (Errno::EADDRNOTAVAIL, Shortage),
    (Errno::ENETDOWN, Other),
    (Errno::ENETUNREACH, Other),
    (Errno::ENOBUFS, Shortage),
];

/// The fault of a checker that reports this text for a port; none, if the text is about the port.
pub(crate) fn of_words(error: &str) -> Option<CheckerFault> {
    let words = error.to_lowercase();
    let phrase = PHRASES.iter().find(|(phrase, _)| words.contains(phrase));
    phrase.map(|(_, fault)| *fault).or_else(|| of_number(&words))
}

/// The number in a text in lower case such as `[errno 113] connect call failed`.
pub(crate) fn errno(words: &str) -> Option<i32> {
    let (_, number) = words.split_once("[errno ")?;
    number.split_once(']')?.0.parse().ok()
}

fn of_number(words: &str) -> Option<CheckerFault> {
    let number = errno(words)?;
    // Failed look-ups of names have negative numbers.
    let listed = || NUMBERS.iter().find(|(errno, _)| *errno as i32 == number);
    if number < 0 { Some(Other) } else { listed().map(|(_, fault)| *fault) }
}

#[cfg(test)]
mod tests {
    use port_checker_api::Reason;

    use super::*;

    #[test]
    fn whose_fault_it_is() {
        let cases = [
            ("[Errno 24] Too many open files", Some(Shortage), "Python, no descriptor"),
            ("dial tcp: socket: too many open files", Some(Shortage), "Go, the same"),
            ("[Errno 99] Cannot assign requested address", Some(Shortage), "no local port"),
            ("[Errno 105] No buffer space available", Some(Shortage), "no memory for it"),
            ("[Errno 101] Network is unreachable", Some(Other), "no route, at once"),
            ("[Errno 101] Connect call failed ('192.0.2.1', 80)", Some(Other), "asyncio's words"),
            ("[Errno 51] Network is unreachable", Some(Other), "macOS"),
            ("connect: network is unreachable", Some(Other), "Go"),
            ("[Errno 1] Operation not permitted", Some(Other), "its own firewall"),
            ("[Errno -3] Temporary failure in name resolution", Some(Other), "no name server"),
            ("[Errno -2] Name or service not known", Some(Other), "no such name"),
            ("[Errno -5] Whatever", Some(Other), "some look-up"),
            ("getaddrinfo EAI_AGAIN a.example", Some(Other), "JavaScript"),
            ("[Errno 113] Connect call failed ('192.0.2.1', 80)", None, "a router may say so"),
            ("[Errno 111] Connect call failed ('192.0.2.1', 80)", None, "refused"),
            ("[Errno 104] Connection reset by peer", None, "the port"),
            ("[Errno x] [Errno", None, "no number"),
            ("", None, "nothing"),
        ];
        for (words, expected, why) in cases {
            assert_eq!(of_words(words), expected, "{why}");
        }
        for reason in Reason::ALL {
            assert_eq!(of_words(reason.text()), None, "the contract's own words are verdicts");
        }
    }
}

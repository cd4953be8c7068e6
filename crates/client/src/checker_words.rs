//! Words in which other checkers say why a port is closed.
//!
//! The Python service hands on what its system says: "[Errno 113] Connect call failed".

use nix::errno::Errno;
use port_checker_api::Reason;

use crate::checker_fault::errno;

/// Parts of error texts of systems and languages, in lower case.
const PHRASES: [(&str, Reason); 5] = [
    ("connection refused", Reason::Refused),
    ("no route to host", Reason::HostUnreachable),
    ("connection reset by peer", Reason::Reset),
    ("timed out", Reason::TimedOut),
    ("i/o timeout", Reason::TimedOut),
];

/// Numbers of Linux, which Python prints before words that tell nothing.
const NUMBERS: [(Errno, Reason); 4] = [
    (Errno::ECONNREFUSED, Reason::Refused),
    (Errno::EHOSTUNREACH, Reason::HostUnreachable),
    (Errno::ECONNRESET, Reason::Reset),
    (Errno::ETIMEDOUT, Reason::TimedOut),
];

/// The reason that a text gives; none if it is in words that nobody knows.
pub(crate) fn reason(error: &str) -> Option<Reason> {
    let words = error.to_lowercase();
    let phrase = || PHRASES.iter().find(|(phrase, _)| words.contains(phrase));
    let number = || {
        let errno = errno(&words)?;
        NUMBERS.iter().find(|(number, _)| *number as i32 == errno).map(|(_, reason)| *reason)
    };
    Reason::from_text(error).or_else(|| phrase().map(|(_, reason)| *reason)).or_else(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_of_other_systems() {
        let cases = [
            ("[Errno 113] Connect call failed ('192.0.2.1', 80)", Some(Reason::HostUnreachable)),
            ("[Errno 111] Connect call failed ('192.0.2.1', 80)", Some(Reason::Refused)),
            ("[Errno 110] Connect call failed ('192.0.2.1', 80)", Some(Reason::TimedOut)),
            ("[Errno 104] Connection reset by peer", Some(Reason::Reset)),
            ("dial tcp 192.0.2.1:80: connect: no route to host", Some(Reason::HostUnreachable)),
            ("dial tcp 192.0.2.1:80: i/o timeout", Some(Reason::TimedOut)),
            ("[Errno 112] Connect call failed ('192.0.2.1', 80)", None),
            ("EHOSTDOWN", None),
            ("[Errno 1130] [Errno", None),
            ("", None),
        ];
        for (words, expected) in cases {
            assert_eq!(reason(words), expected, "{words}");
        }
        for known in Reason::ALL {
            assert_eq!(reason(known.text()), Some(*known));
        }
    }
}

//! The datagrams with which UDP ports are checked.
//!
//! A checker sends a [`UdpQuestion`]; a listener that wants its port found open sends a [`UdpAnswer`] back to
//! the address and port that the question came from. No answer is longer than a question, so that neither
//! side can be used as an amplifier; and only who has seen a question knows its token.

/// The length of a question, and the most that an answer may have, in bytes.
pub const UDP_DATAGRAM_BYTES: usize = 160;

/// The length of a token, in bytes: too long to guess.
pub const UDP_TOKEN_BYTES: usize = 16;

const QUESTION: &[u8; 8] = b"PRTCHK1?";
const ANSWER: &[u8; 8] = b"PRTCHK1!";

/// The datagram of a checker: 8 bytes that name the protocol, the token, and zeros; 160 bytes in all.
///
/// ```
/// use port_checker_api::{UdpAnswer, UdpQuestion};
///
/// let sent = UdpQuestion { token: [7; 16] }.to_bytes();
/// let question = UdpQuestion::parse(&sent).expect("a question");
/// let answer = question.answered(b"correct horse battery staple");
/// let read = UdpAnswer::parse(&answer).expect("an answer");
/// assert_eq!(read.token, [7; 16]);
/// assert_eq!(read.challenge, b"correct horse battery staple");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpQuestion {
    /// New for each attempt at each port.
    pub token: [u8; UDP_TOKEN_BYTES],
}

/// The datagram of a listener: 8 bytes that name the protocol, the token of the question, and the challenge,
/// up to the end of the datagram; 160 bytes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpAnswer<'a> {
    /// The token of the question.
    pub token: [u8; UDP_TOKEN_BYTES],
    /// The rest of the datagram.
    pub challenge: &'a [u8],
}

impl UdpQuestion {
    /// The datagram.
    pub fn to_bytes(self) -> [u8; UDP_DATAGRAM_BYTES] {
        let mut bytes = [0; UDP_DATAGRAM_BYTES];
        let (name, rest) = bytes.split_at_mut(QUESTION.len());
        name.copy_from_slice(QUESTION);
        rest[..UDP_TOKEN_BYTES].copy_from_slice(&self.token);
        bytes
    }

    /// Reads a whole datagram; none if it is anything else than a question.
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let question = Self::begins(datagram)?;
        (datagram == question.to_bytes()).then_some(question)
    }

    /// Reads the beginning of a question, such as an ICMP message quotes it; none if the token is not whole.
    pub fn begins(quoted: &[u8]) -> Option<Self> {
        let (token, _) = split(quoted, QUESTION)?;
        Some(Self { token })
    }

    /// The answer to this question that proves `challenge`. A challenge of more than
    /// [`Challenge::MAX_LENGTH`](crate::Challenge::MAX_LENGTH) bytes, which no checker accepts, makes an answer
    /// that none accepts either.
    pub fn answered(self, challenge: &[u8]) -> Vec<u8> {
        [&ANSWER[..], &self.token, challenge].concat()
    }
}

impl<'a> UdpAnswer<'a> {
    /// Reads a whole datagram; none if it is anything else than an answer.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (token, challenge) = split(datagram, ANSWER)?;
        (datagram.len() <= UDP_DATAGRAM_BYTES).then_some(Self { token, challenge })
    }
}

/// The token behind the name of the protocol, and the rest.
fn split<'a>(bytes: &'a [u8], name: &[u8]) -> Option<([u8; UDP_TOKEN_BYTES], &'a [u8])> {
    let (token, rest) = bytes.strip_prefix(name)?.split_first_chunk()?;
    Some((*token, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Challenge;

    const TOKEN: [u8; UDP_TOKEN_BYTES] = *b"\x00\x01 token \xff\xfe\r\n\0\0\0";

    #[test]
    fn a_question_is_laid_out_as_the_contract_says() {
        let bytes = UdpQuestion { token: TOKEN }.to_bytes();
        assert_eq!(bytes.len(), 160);
        assert_eq!(&bytes[..8], b"PRTCHK1?");
        assert_eq!(bytes[8..24], TOKEN);
        assert!(bytes[24..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn datagrams_that_are_questions() {
        let good = UdpQuestion { token: TOKEN }.to_bytes();
        let (mut other, mut filled) = (good, good);
        other[7] = b'!';
        filled[159] = 1;
        let cases: [(&[u8], bool, &str); 7] = [
            (&good, true, "a question"),
            (&[&good[..], &[0]].concat(), false, "a byte too long"),
            (&good[..159], false, "a byte too short"),
            (&other, false, "the name of an answer"),
            (&filled, false, "not zeros to the end"),
            (&good[..8], false, "no token"),
            (b"", false, "empty"),
        ];
        for (datagram, expected, why) in cases {
            assert_eq!(UdpQuestion::parse(datagram).is_some(), expected, "{why}");
        }
        assert_eq!(UdpQuestion::begins(&good[..24]), Some(UdpQuestion { token: TOKEN }));
        assert_eq!(UdpQuestion::begins(&good[..23]), None);
    }

    #[test]
    fn datagrams_that_are_answers() {
        let longest = "x".repeat(Challenge::MAX_LENGTH);
        let answered =
            |challenge: &str| UdpQuestion { token: TOKEN }.answered(challenge.as_bytes());
        let question = UdpQuestion { token: TOKEN }.to_bytes();
        let cases: [(&[u8], Option<usize>, &str); 7] = [
            (&answered("0123456789abcdef"), Some(16), "the shortest challenge"),
            (&answered(&longest), Some(128), "the longest challenge"),
            (&answered(""), Some(0), "no challenge: an answer, and a wrong one"),
            (&answered(&"x".repeat(136)), Some(136), "as long as a question"),
            (&answered(&"x".repeat(137)), None, "longer than a question"),
            (&question, None, "the question, sent back"),
            (&answered("")[..23], None, "part of a token"),
        ];
        for (datagram, length, why) in cases {
            let read = UdpAnswer::parse(datagram);
            assert_eq!(read.map(|read| read.challenge.len()), length, "{why}");
            assert!(read.is_none_or(|read| read.token == TOKEN), "{why}");
        }
    }
}

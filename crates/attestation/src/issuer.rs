//! Who signs.

use std::{fmt, str::FromStr};

use url::Url;

use crate::invalid_claim::InvalidClaim;

/// The most characters of an issuer.
const MAX_CHARACTERS: usize = 256;

/// `iss`, the URL of a checker in its normal form (WHATWG URL), so that equal issuers are equal texts: http or https,
/// without user, query, fragment or final slash, at most 256 characters.
///
/// ```
/// use port_checker_attestation::Issuer;
///
/// assert!("https://checker.example.net".parse::<Issuer>().is_ok());
/// assert!("https://Checker.example.net:443/".parse::<Issuer>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issuer(String);

impl Issuer {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Issuer {
    type Err = InvalidClaim;

    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        if text.len() <= MAX_CHARACTERS && is_normal(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidClaim::Issuer)
        }
    }
}

fn is_normal(text: &str) -> bool {
    let Ok(url) = text.parse::<Url>() else { return false };
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let normal = url.as_str();
    plain && !text.ends_with('/') && text == normal.strip_suffix('/').unwrap_or(normal)
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_name_a_checker() {
        let long = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        let cases = [
            ("https://checker.example.net", true, "a name"),
            ("http://127.0.0.1:8000", true, "an address and a port"),
            ("https://[2001:db8::1]", true, "an address of IPv6"),
            ("https://example.net/checker", true, "a path"),
            ("https://xn--bcher-kva.example", true, "a name beyond ASCII, as DNS has it"),
            (&long(256), true, "the longest"),
            (&long(257), false, "too long"),
            ("https://checker.example.net/", false, "a final slash"),
            ("https://example.net/checker/", false, "the same behind a path"),
            ("https://example.net/checker//", false, "two of them"),
            ("https://Checker.example.net", false, "capital letters"),
            ("https://checker.example.net:443", false, "the usual port"),
            ("https://example.net/a/../b", false, "a way back"),
            ("https://bücher.example", false, "a name beyond ASCII"),
            ("https://user@checker.example.net", false, "a user"),
            ("https://:secret@checker.example.net", false, "a password"),
            ("https://checker.example.net?", false, "a query"),
            ("https://checker.example.net/?a", false, "the same behind a slash"),
            ("https://checker.example.net/x?a", false, "the same behind a path"),
            ("https://checker.example.net/x#a", false, "a fragment"),
            ("ftp://checker.example.net", false, "another scheme"),
            ("checker.example.net", false, "no scheme"),
            (" https://checker.example.net", false, "a blank"),
            ("https://checker.example.net\n", false, "a line feed"),
            ("https://", false, "no host"),
            ("", false, "nothing"),
        ];
        for (text, valid, why) in cases {
            let read = text.parse::<Issuer>();
            assert_eq!(read.is_ok(), valid, "{why}: {text}");
            assert!(read.is_ok_and(|issuer| issuer.to_string() == text) == valid, "{why}: {text}");
        }
    }
}

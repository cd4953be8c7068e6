//! The address that a statement is about.

use std::{fmt, net::IpAddr, str::FromStr};

use crate::invalid_claim::InvalidClaim;

/// `ip`, an address of IPv4 or IPv6. One of IPv4 that is mapped into IPv6 (RFC 4291, section 2.5.5.2) becomes one of
/// IPv4, and only the shortest form (RFC 5952) is read: equal addresses are equal texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self(ip.to_canonical())
    }
}

impl FromStr for Address {
    type Err = InvalidClaim;

    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        let address = text.parse::<IpAddr>().ok().map(Self::from);
        address.filter(|address| address.to_string() == text).ok_or(InvalidClaim::Address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_each_address() {
        let cases = [
            ("192.0.2.7", true, "IPv4"),
            ("2001:db8::7", true, "IPv6"),
            ("2001:DB8::7", false, "capital letters"),
            ("2001:db8:0:0:0:0:0:7", false, "zeros written"),
            ("::ffff:192.0.2.7", false, "IPv4 mapped into IPv6"),
            ("fe80::1%lo", false, "a zone"),
            ("[2001:db8::7]", false, "brackets"),
            ("192.0.2.07", false, "a leading zero"),
            ("", false, "nothing"),
        ];
        for (text, valid, why) in cases {
            assert_eq!(
                text.parse::<Address>().is_ok_and(|it| it.to_string() == text),
                valid,
                "{why}"
            );
            assert_eq!(text.parse::<Address>().is_ok(), valid, "{why}");
        }
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(Address::from(mapped).ip(), "192.0.2.7".parse::<IpAddr>().unwrap());
    }
}

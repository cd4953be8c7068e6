//! Where a checker stands.

use std::{fmt, str::FromStr};

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::invalid_claim::InvalidClaim;

/// A Regional Internet Registry: the part of the world whose addresses it gives out.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Rir {
    /// Africa.
    Afrinic,
    /// Asia and the Pacific.
    Apnic,
    /// North America.
    Arin,
    /// Latin America and the Caribbean.
    Lacnic,
    /// Europe, the Middle East and central Asia.
    Ripe,
}

impl Rir {
    /// Every registry.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name on the wire: `RIPE`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Rir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a place: 1 to 32 ASCII letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VantageCode(String);

impl VantageCode {
    /// The most characters.
    pub const MAX_LENGTH: usize = 32;

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VantageCode {
    type Err = InvalidClaim;

    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        let length = (1..=Self::MAX_LENGTH).contains(&text.len());
        let characters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if length && characters { Ok(Self(text.to_owned())) } else { Err(InvalidClaim::Vantage) }
    }
}

/// `vantage`, the place from which a checker looks, as its operator names it: `fra1:RIPE`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vantage {
    /// The place.
    pub code: VantageCode,
    /// The registry in whose part of the world it lies.
    pub rir: Rir,
}

impl FromStr for Vantage {
    type Err = InvalidClaim;

    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        let (code, rir) = text.split_once(':').ok_or(InvalidClaim::Vantage)?;
        Ok(Self { code: code.parse()?, rir: rir.parse().map_err(|_| InvalidClaim::Vantage)? })
    }
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.code.as_str(), self.rir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_operators_name() {
        let longest = format!("{}:ARIN", "a".repeat(32));
        let too_long = format!("{}:ARIN", "a".repeat(33));
        let cases = [
            ("fra1:RIPE", true, "the example"),
            ("us-East-2:ARIN", true, "a hyphen and a capital"),
            (&longest, true, "the longest"),
            (&too_long, false, "too long"),
            (":RIPE", false, "no code"),
            ("fra1", false, "no registry"),
            ("fra1:", false, "an empty registry"),
            ("fra1:ripe", false, "small letters"),
            ("fra1:RIPE NCC", false, "another name"),
            ("fra 1:RIPE", false, "a blank"),
            ("fra1:x:RIPE", false, "two colons"),
        ];
        for (text, valid, why) in cases {
            let read = text.parse::<Vantage>();
            assert_eq!(read, text.parse::<Vantage>());
            assert_eq!(read.clone().is_ok_and(|it| it.to_string() == text), valid, "{why}");
            assert_eq!(read.is_ok(), valid, "{why}");
        }
        let names = ["AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE"];
        assert_eq!(Rir::ALL.iter().map(|rir| rir.name()).collect::<Vec<_>>(), names);
    }
}

//! Ports and lists of ports as people write them.

use std::{fmt, num::NonZeroU16, ops::RangeInclusive, str::FromStr};

/// A TCP port, 1 to 65535. Port 0 is reserved and cannot be connected to (RFC 6335, section 6).
pub type Port = NonZeroU16;

/// Ports as people write them: `7466`, `50800-50899`, `80,443,1024-65535`. Ranges include both
/// ends; white space around the parts is ignored.
///
/// ```
/// use port_checker_api::PortRanges;
///
/// let ports: PortRanges = "80,50800-50899".parse()?;
/// assert!(ports.contains(50_899) && !ports.contains(443));
/// assert_eq!(ports.iter().count(), 101);
/// # Ok::<(), port_checker_api::InvalidPorts>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRanges(Vec<RangeInclusive<u16>>);

/// A text that names no ports; its message quotes the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{part}' is neither a port from 1 to 65535 nor a range such as 50800-50899")]
pub struct InvalidPorts {
    part: String,
}

impl PortRanges {
    /// Every port, `1-65535`.
    pub fn all() -> Self {
        Self(vec![1..=u16::MAX])
    }

    /// Whether `port` is among them.
    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|range| range.contains(&port))
    }

    /// Every port, in the order written; a port written twice comes twice.
    pub fn iter(&self) -> impl Iterator<Item = Port> {
        self.0.iter().cloned().flatten().filter_map(Port::new)
    }
}

impl FromStr for PortRanges {
    type Err = InvalidPorts;

    fn from_str(text: &str) -> Result<Self, InvalidPorts> {
        text.split(',').map(|part| range(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

fn range(part: &str) -> Result<RangeInclusive<u16>, InvalidPorts> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(InvalidPorts { part: part.to_owned() }),
    }
}

/// Digits only: `str::parse` alone would also take a leading `+`.
fn port(text: &str) -> Option<u16> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&port| port != 0)
}

impl fmt::Display for PortRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_people_write() {
        let cases = [
            ("7466", Ok(vec![7466]), "one port"),
            ("80-82", Ok(vec![80, 81, 82]), "both ends"),
            ("443, 80", Ok(vec![443, 80]), "the order written, with a blank"),
            ("80 - 81", Ok(vec![80, 81]), "blanks around the dash"),
            ("65535-65535", Ok(vec![65_535]), "a range of one at the top"),
            ("0", Err("0"), "port 0 names no port"),
            ("65536", Err("65536"), "above the range"),
            ("82-80", Err("82-80"), "backwards"),
            ("80,,81", Err(""), "an empty part"),
            ("", Err(""), "nothing"),
            ("+80", Err("+80"), "a sign"),
            ("1-2-3", Err("1-2-3"), "two dashes"),
            ("http", Err("http"), "a service name"),
        ];
        for (text, expected, why) in cases {
            let parsed = text.parse::<PortRanges>();
            let got = parsed.map(|ports| ports.iter().map(Port::get).collect::<Vec<_>>());
            let expected = expected.map_err(|part: &str| InvalidPorts { part: part.to_owned() });
            assert_eq!(got, expected, "{why}: {text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(ends in prop::collection::vec((1..=u16::MAX, 1..=u16::MAX), 1..9)) {
            let ranges = ends.into_iter().map(|(a, b)| a.min(b)..=a.max(b)).collect();
            let ports = PortRanges(ranges);
            prop_assert_eq!(ports.to_string().parse::<PortRanges>(), Ok(ports));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = text.parse::<PortRanges>();
        }
    }
}

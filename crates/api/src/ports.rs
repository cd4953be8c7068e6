//! Ports and lists of ports as people write them.

use std::{fmt, num::NonZeroU16, ops::RangeInclusive, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Unexpected, Visitor},
};

/// A port of TCP or UDP, 1 to 65535. Port 0 is reserved and cannot be connected to (RFC 6335, section 6).
pub type Port = NonZeroU16;

/// The ports, each once, where it came first.
pub fn distinct(ports: impl IntoIterator<Item = Port>) -> impl Iterator<Item = Port> {
    let mut seen = vec![false; usize::from(u16::MAX) + 1];
    ports.into_iter().filter(move |port| {
        let seen = &mut seen[usize::from(port.get())];
        !std::mem::replace(seen, true)
    })
}

/// A port as JSON has it: any number that is mathematically an integer from 1 to 65535. To JSON
/// Schema `80.0` is the integer 80.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonPort(pub Port);

impl<'de> Deserialize<'de> for JsonPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number)
    }
}

struct Number;

impl Visitor<'_> for Number {
    type Value = JsonPort;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer from 1 to 65535")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<JsonPort, E> {
        let port = u16::try_from(number).ok().and_then(Port::new);
        port.map(JsonPort).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<JsonPort, E> {
        let whole = number.fract() == 0.0 && (1.0..=f64::from(u16::MAX)).contains(&number);
        let port = if whole { Port::new(number as u16) } else { None };
        port.map(JsonPort).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

/// A list of [`JsonPort`]s, for `#[serde(deserialize_with)]`.
pub(crate) fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Port>, D::Error> {
    struct List;

    impl<'de> Visitor<'de> for List {
        type Value = Vec<Port>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of integers from 1 to 65535")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Port>, A::Error> {
            let mut ports = Vec::new();
            while let Some(JsonPort(port)) = list.next_element()? {
                ports.push(port);
            }
            Ok(ports)
        }
    }

    deserializer.deserialize_seq(List)
}

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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PortRanges(Vec<RangeInclusive<u16>>);

/// A text that names no ports; its message quotes the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidPorts {
    part: String,
}

impl fmt::Display for InvalidPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = &self.part;
        match ends(part) {
            Some((last, first)) => {
                write!(f, "'{part}' is a range backwards; expected {first}-{last}")
            }
            _ => write!(
                f,
                "'{part}' is neither a port from 1 to 65535 nor a range such as 50800-50899"
            ),
        }
    }
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

    /// Every range, in the order written; a single port is one.
    pub fn ranges(&self) -> impl Iterator<Item = &RangeInclusive<u16>> {
        self.0.iter()
    }

    /// Every port, in the order written; a port written twice comes twice.
    pub fn iter(&self) -> impl Iterator<Item = Port> {
        self.0.iter().cloned().flatten().filter_map(Port::new)
    }
}

/// Neighbours that follow each other become one range.
impl FromIterator<Port> for PortRanges {
    fn from_iter<I: IntoIterator<Item = Port>>(ports: I) -> Self {
        let mut ranges: Vec<RangeInclusive<u16>> = Vec::new();
        for port in ports.into_iter().map(Port::get) {
            match ranges.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(port) => {
                    *last = *last.start()..=port;
                }
                _ => ranges.push(port..=port),
            }
        }
        Self(ranges)
    }
}

impl FromStr for PortRanges {
    type Err = InvalidPorts;

    fn from_str(text: &str) -> Result<Self, InvalidPorts> {
        text.split(',').map(|part| range(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

fn range(part: &str) -> Result<RangeInclusive<u16>, InvalidPorts> {
    read_range(part).ok_or_else(|| InvalidPorts { part: part.to_owned() })
}

/// A port, or a range of them; none if the text is neither.
pub(crate) fn read_range(part: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = ends(part)?;
    (first <= last).then_some(first..=last)
}

/// The numbers before and after the dash.
fn ends(part: &str) -> Option<(u16, u16)> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    Some((port(first)?, port(last)?))
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

    #[test]
    fn a_message_about_a_range_backwards_has_the_right_one() {
        for (text, message) in [
            ("80,90 - 70", "'90 - 70' is a range backwards; expected 70-90"),
            ("90-0", "'90-0' is neither a port from 1 to 65535 nor a range such as 50800-50899"),
        ] {
            let error = text.parse::<PortRanges>().expect_err("it is wrong");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn numbers_that_are_ports() {
        let cases = [
            ("1", Some(1), "the first"),
            ("65535", Some(65_535), "the last"),
            ("80.0", Some(80), "an integer to JSON Schema"),
            ("8e1", Some(80), "the same"),
            ("0", None, "names no port"),
            ("0.0", None, "the same"),
            ("65536", None, "above the range"),
            ("65535.5", None, "not an integer"),
            ("-1", None, "below the range"),
            ("1e300", None, "far above the range"),
            ("\"80\"", None, "a string"),
            ("null", None, "nothing"),
        ];
        for (json, expected, why) in cases {
            let port = serde_json::from_str::<JsonPort>(json).ok();
            assert_eq!(port.map(|JsonPort(port)| port.get()), expected, "{why}: {json}");
        }
    }

    #[test]
    fn single_ports_become_ranges() {
        let cases = [
            (&[7466, 50_800, 50_801, 50_802][..], "7466,50800-50802", "a range after a port"),
            (&[2, 1], "2,1", "the order written"),
            (&[65_534, 65_535, 1], "65534-65535,1", "no overflow at the top"),
            (&[5, 5], "5,5", "a port twice"),
        ];
        for (ports, expected, why) in cases {
            let ranges: PortRanges = ports.iter().map(|&port| Port::new(port).unwrap()).collect();
            assert_eq!(ranges.to_string(), expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn a_displayed_list_is_read_back(ends in prop::collection::vec((1..=u16::MAX, 1..=u16::MAX), 1..9)) {
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

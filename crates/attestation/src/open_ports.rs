//! The ports that a statement is about.

use std::{collections::BTreeSet, fmt, str::FromStr};

use port_checker_api::{Port, PortRanges};

use crate::invalid_claim::InvalidClaim;

/// `open`, at least one port, in the one form that a set of ports has: ranges in ascending order, of which none
/// touches the next.
///
/// ```
/// use port_checker_attestation::OpenPorts;
///
/// let open: OpenPorts = "7466,50800-50899".parse()?;
/// assert!(open.contains(50_850) && open.iter().count() == 101);
/// assert!("7466,7467".parse::<OpenPorts>().is_err(), "that is 7466-7467");
/// # Ok::<(), port_checker_attestation::InvalidClaim>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpenPorts(PortRanges);

impl OpenPorts {
    /// The ports, in whatever order; none if there is none.
    pub fn new(ports: impl IntoIterator<Item = Port>) -> Option<Self> {
        let ports: BTreeSet<Port> = ports.into_iter().collect();
        (!ports.is_empty()).then(|| Self(ports.into_iter().collect()))
    }

    /// Whether a port is among them.
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(port)
    }

    /// Every port, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Port> {
        self.0.iter()
    }
}

impl FromStr for OpenPorts {
    type Err = InvalidClaim;

    /// Takes time in proportion to the text, however many ports it names.
    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        let ports: PortRanges = text.parse().map_err(|_| InvalidClaim::OpenPorts)?;
        let are_apart = ports
            .ranges()
            .zip(ports.ranges().skip(1))
            .all(|(one, next)| *next.start() > one.end().saturating_add(1));
        let is_as_written = ports.to_string() == text;
        (are_apart && is_as_written).then_some(Self(ports)).ok_or(InvalidClaim::OpenPorts)
    }
}

impl fmt::Display for OpenPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_in_the_one_form() {
        let cases = [
            ("7466", true, "one port"),
            ("7466,50800-50899", true, "a port and a range"),
            ("80-81", true, "two neighbours"),
            ("1-65535", true, "all"),
            ("65533,65535", true, "the last"),
            ("80,81", false, "neighbours apart"),
            ("80-81,82", false, "a range and its neighbour"),
            ("1-65535,1-65535", false, "twice"),
            ("80,80", false, "a port twice"),
            ("65535,65535", false, "the same at the end"),
            ("443,80", false, "in another order"),
            ("80-80", false, "a range of one"),
            ("81-80", false, "backwards"),
            ("0", false, "no port"),
            ("0-1", false, "the same in a range"),
            ("65536", false, "above the range"),
            ("080", false, "a leading zero"),
            ("+80", false, "a sign"),
            ("80, 443", false, "a blank"),
            ("80,", false, "an empty part"),
            ("80-82-84", false, "two dashes"),
            ("", false, "nothing"),
        ];
        for (text, valid, why) in cases {
            let read = text.parse::<OpenPorts>();
            assert_eq!(read.is_ok(), valid, "{why}: {text:?}");
            assert_eq!(read.is_ok_and(|ports| ports.to_string() == text), valid, "{why}: {text:?}");
        }
        assert_eq!(OpenPorts::new([]), None);
    }

    #[test]
    fn both_ends_of_a_range_are_in_it() {
        let ports: OpenPorts = "10-12".parse().unwrap();
        assert_eq!([9, 10, 12, 13].map(|port| ports.contains(port)), [false, true, true, false]);
    }

    proptest! {
        #[test]
        fn a_set_of_ports_is_written_and_read(ports in prop::collection::vec(1..=u16::MAX, 1..40), few in any::<bool>()) {
            let ports = ports.into_iter().map(|port| if few { port % 50 + 1 } else { port });
            let set: BTreeSet<Port> = ports.filter_map(Port::new).collect();
            let open = OpenPorts::new(set.iter().rev().chain(&set).copied()).unwrap();
            prop_assert_eq!(&open.iter().collect::<BTreeSet<_>>(), &set);
            prop_assert_eq!(open.iter().count(), set.len());
            prop_assert_eq!(open.to_string().parse::<OpenPorts>(), Ok(open));
        }

        #[test]
        fn whatever_is_read_is_written_the_same(text in "[0-9]{1,3}(-[0-9]{1,3})?(,[0-9]{1,5}(-[0-9]{1,5})?){0,3}") {
            if let Ok(ports) = text.parse::<OpenPorts>() {
                prop_assert_eq!(ports.to_string(), text);
            }
        }
    }
}

//! Ports with their transports, and lists of them as people write them.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::{Port, Transport, ports::read_range};

/// A port of one transport: the same number over the other transport is another port. Written `7466` over TCP, and
/// `51820/udp` over any other transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportPort {
    /// The transport.
    pub transport: Transport,
    /// The port.
    pub port: Port,
}

impl TransportPort {
    /// A port over a transport.
    pub const fn over(transport: Transport, port: Port) -> Self {
        Self { transport, port }
    }
}

/// Without a transport it is one over TCP.
impl From<Port> for TransportPort {
    fn from(port: Port) -> Self {
        Self::over(Transport::default(), port)
    }
}

impl fmt::Display for TransportPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.port, suffix(self.transport))
    }
}

/// The text behind a port or a range.
fn suffix(transport: Transport) -> String {
    if transport == Transport::default() { String::new() } else { format!("/{}", transport.name()) }
}

/// Ports with their transports as people write them: `7466`, `51820/udp`, `53/tcp`, `80,50800-50809/udp`. A transport
/// belongs to the port or the range before it; without one it is TCP. Ranges include both ends; white space around
/// the parts is ignored.
///
/// ```
/// use port_checker_api::TransportPortRanges;
///
/// let ports: TransportPortRanges = "7466,50800-50801/udp".parse()?;
/// let ports: Vec<String> = ports.iter().map(|port| port.to_string()).collect();
/// assert_eq!(ports, ["7466", "50800/udp", "50801/udp"]);
/// # Ok::<(), port_checker_api::InvalidTransportPorts>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportPortRanges(Vec<(RangeInclusive<u16>, Transport)>);

/// A text that names no ports; its message quotes the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{part}' is neither a port from 1 to 65535 nor a range such as 50800-50899, with /udp or /tcp behind it or without"
)]
pub struct InvalidTransportPorts {
    part: String,
}

impl TransportPortRanges {
    /// Every port, in the order written; a port written twice comes twice.
    pub fn iter(&self) -> impl Iterator<Item = TransportPort> {
        self.0.iter().flat_map(|(range, transport)| {
            let ports = range.clone().filter_map(Port::new);
            ports.map(|port| TransportPort { transport: *transport, port })
        })
    }
}

/// Neighbours of one transport that follow each other become one range.
impl FromIterator<TransportPort> for TransportPortRanges {
    fn from_iter<I: IntoIterator<Item = TransportPort>>(ports: I) -> Self {
        let mut ranges: Vec<(RangeInclusive<u16>, Transport)> = Vec::new();
        for TransportPort { transport, port } in ports {
            let number = port.get();
            match ranges.last_mut() {
                Some((last, of))
                    if *of == transport && last.end().checked_add(1) == Some(number) =>
                {
                    *last = *last.start()..=number;
                }
                _ => ranges.push((number..=number, transport)),
            }
        }
        Self(ranges)
    }
}

impl FromStr for TransportPortRanges {
    type Err = InvalidTransportPorts;

    fn from_str(text: &str) -> Result<Self, InvalidTransportPorts> {
        let part =
            |part: &str| read(part).ok_or_else(|| InvalidTransportPorts { part: part.to_owned() });
        text.split(',').map(|text| part(text.trim())).collect::<Result<_, _>>().map(Self)
    }
}

fn read(part: &str) -> Option<(RangeInclusive<u16>, Transport)> {
    let Some((range, name)) = part.split_once('/') else {
        return Some((read_range(part)?, Transport::default()));
    };
    let named = |transport: &&Transport| transport.name().eq_ignore_ascii_case(name.trim());
    Some((read_range(range)?, *Transport::ALL.iter().find(named)?))
}

impl fmt::Display for TransportPortRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (range, transport)) in self.0.iter().enumerate() {
            let (comma, suffix) = (if index == 0 { "" } else { "," }, suffix(*transport));
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}{suffix}")?,
                (first, last) => write!(f, "{comma}{first}-{last}{suffix}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_people_write() {
        let cases = [
            ("7466", Ok("7466"), "TCP"),
            ("51820/udp", Ok("51820/udp"), "UDP"),
            ("53/tcp", Ok("53"), "TCP by name"),
            ("53,53/udp", Ok("53,53/udp"), "one number over both"),
            ("80-82/udp", Ok("80-82/udp"), "a range"),
            ("80/udp,81/udp,82", Ok("80-81/udp,82"), "only the last is TCP"),
            (" 80 - 81 / UDP ", Ok("80-81/udp"), "blanks, and capitals"),
            ("80/sctp", Err("80/sctp"), "no such transport"),
            ("80/", Err("80/"), "no transport"),
            ("80/udp/tcp", Err("80/udp/tcp"), "two transports"),
            ("/udp", Err("/udp"), "no port"),
            ("udp/80", Err("udp/80"), "the wrong order"),
            ("80/udp-82/udp", Err("80/udp-82/udp"), "a transport within a range"),
            ("0/udp", Err("0/udp"), "port 0 names no port"),
            ("80,,81/udp", Err(""), "an empty part"),
            ("", Err(""), "nothing"),
        ];
        for (text, expected, why) in cases {
            let parsed = text.parse::<TransportPortRanges>();
            let shown =
                parsed.map(|ports| ports.iter().collect::<TransportPortRanges>().to_string());
            let expected = expected.map(str::to_owned);
            let expected = expected.map_err(|part| InvalidTransportPorts { part: part.to_owned() });
            assert_eq!(shown, expected, "{why}: {text:?}");
        }
    }

    #[test]
    fn a_port_is_shown_as_people_write_it() {
        let (number, udp) = (Port::new(53).unwrap(), "53/udp");
        assert_eq!(TransportPort::from(number).to_string(), "53");
        let ports: Vec<_> = udp.parse::<TransportPortRanges>().unwrap().iter().collect();
        assert_eq!(ports.len(), 1);
        assert_eq!((ports[0].port, ports[0].to_string().as_str()), (number, udp));
    }

    #[test]
    fn every_list_is_read_as_it_is_written() {
        for text in ["1", "65535/udp", "1-65535,1-65535/udp", "7466,51820/udp,27015-27020/udp"] {
            assert_eq!(text.parse::<TransportPortRanges>().unwrap().to_string(), text);
        }
    }
}

//! The packets of a mapping over PCP, RFC 6887. Own code, as `crab_nat` sends no options.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crab_nat::pcp::Nonce;

use super::{
    facts::{MappingTransport, RouterFailureCause},
    lease::Granted,
    router_port::RouterPort,
};

/// Code 1 of section 7.4: the server speaks another version, such as NAT-PMP.
pub(super) const UNSUPPORTED_VERSION: u16 = 1;
/// Code 5: the server does not know an option that it must know to comply.
pub(super) const UNSUPPORTED_OPTION: u16 = 5;

const VERSION: u8 = 2;
/// The version of NAT-PMP: how such a server answers.
const NAT_PMP_VERSION: u8 = 0;
const MAP: u8 = 1;
const ANSWER: u8 = 0x80;
/// The option of section 13.2 without its length, which is 0.
const PREFER_FAILURE: u8 = 2;
const HEADER_BYTES: usize = 24;
/// A header, and the fields of a mapping.
const ANSWER_BYTES: usize = HEADER_BYTES + 36;

/// A mapping of a port to the same port of the client.
pub(super) struct MapRequest {
    pub(super) client: Ipv4Addr,
    pub(super) nonce: Nonce,
    pub(super) port: RouterPort,
    pub(super) lease_seconds: u32,
}

impl MapRequest {
    /// The request; it can ask for a refusal instead of another port.
    pub(super) fn bytes(&self, prefer_failure: bool) -> Vec<u8> {
        let mut bytes = vec![VERSION, MAP, 0, 0];
        bytes.extend(self.lease_seconds.to_be_bytes());
        bytes.extend(self.client.to_ipv6_mapped().octets());
        bytes.extend(self.nonce.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend([protocol_number(self.port.transport), 0, 0, 0]);
        let number = self.port.get().to_be_bytes();
        bytes.extend(number);
        bytes.extend(number);
        bytes.extend(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets());
        if prefer_failure {
            bytes.extend([PREFER_FAILURE, 0, 0, 0]);
        }
        bytes
    }

    /// The answer in a datagram; none if it answers something else.
    pub(super) fn answer(&self, bytes: &[u8]) -> Option<Result<Granted, RouterFailureCause>> {
        let version = *bytes.first()?;
        if version == NAT_PMP_VERSION {
            return Some(Err(RouterFailureCause::Refused(UNSUPPORTED_VERSION)));
        }
        if version != VERSION || *bytes.get(1)? != ANSWER | MAP {
            return None;
        }
        let code = u16::from(*bytes.get(3)?);
        let Some(fields) = bytes.get(HEADER_BYTES..ANSWER_BYTES) else {
            return Some(Err(match code {
                0 => RouterFailureCause::Malformed,
                _ => RouterFailureCause::Refused(code),
            }));
        };
        let nonce = self.nonce.iter().flat_map(|word| word.to_be_bytes());
        let is_port = fields[12] == protocol_number(self.port.transport)
            && fields[16..18] == self.port.get().to_be_bytes();
        if !nonce.eq(fields[..12].iter().copied()) || !is_port {
            return None;
        }
        if code != 0 {
            return Some(Err(RouterFailureCause::Refused(code)));
        }
        let lease = bytes[4..8].try_into().expect("four bytes of a header");
        let address: [u8; 16] = fields[20..].try_into().expect("the last 16 of 36 bytes");
        let address = IpAddr::V6(Ipv6Addr::from(address)).to_canonical();
        Some(Ok(Granted {
            external_port: u16::from_be_bytes([fields[18], fields[19]]),
            lease_seconds: Some(u32::from_be_bytes(lease)),
            address: Some(address).filter(|address| !address.is_unspecified()),
        }))
    }
}

/// The number of a transport in the registry of IP protocols.
const fn protocol_number(transport: MappingTransport) -> u8 {
    match transport {
        MappingTransport::Tcp => 6,
        MappingTransport::Udp => 17,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    const REQUEST: MapRequest = MapRequest {
        client: Ipv4Addr::new(192, 168, 1, 10),
        nonce: [1, 2, 3],
        port: RouterPort {
            number: NonZeroU16::new(7466).unwrap(),
            transport: MappingTransport::Tcp,
        },
        lease_seconds: 120,
    };

    /// What `miniupnpd` makes of the request.
    fn answer() -> Vec<u8> {
        let mut bytes = REQUEST.bytes(false);
        bytes[1] |= ANSWER;
        bytes[44..].copy_from_slice(&Ipv4Addr::new(8, 8, 4, 4).to_ipv6_mapped().octets());
        bytes
    }

    fn with(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = answer();
        change(&mut bytes);
        bytes
    }

    #[test]
    fn a_request_has_the_form_of_the_rfc() {
        let bytes = REQUEST.bytes(true);
        assert_eq!(bytes.len(), 64, "a multiple of four");
        assert_eq!(bytes[..8], [2, 1, 0, 0, 0, 0, 0, 120]);
        assert_eq!(bytes[8..24], Ipv4Addr::new(192, 168, 1, 10).to_ipv6_mapped().octets());
        assert_eq!(bytes[24..36], [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
        assert_eq!(bytes[36..44], [6, 0, 0, 0, 0x1d, 0x2a, 0x1d, 0x2a]);
        assert_eq!(bytes[60..], [2, 0, 0, 0]);
        assert_eq!(REQUEST.bytes(false), bytes[..60]);
        let port = RouterPort { transport: MappingTransport::Udp, ..REQUEST.port };
        assert_eq!(MapRequest { port, ..REQUEST }.bytes(true)[36], 17);
    }

    #[test]
    fn answers_good_and_bad() {
        use RouterFailureCause::{Malformed, Refused};
        let address = Some([8, 8, 4, 4].into());
        let granted = Granted { external_port: 7466, lease_seconds: Some(120), address };
        let other = Granted { external_port: 7467, ..granted };
        let unknown = Granted { address: None, ..granted };
        let refused = |code| Some(Err(Refused(code)));
        for (bytes, expected, why) in [
            (answer(), Some(Ok(granted)), "as asked for"),
            (with(|it| it[43] += 1), Some(Ok(other)), "another port outside"),
            (with(|it| it[44..].fill(0)), Some(Ok(unknown)), "no address"),
            (with(|it| it[3] = 11), refused(11), "a refusal"),
            (with(|it| drop(it.splice(3.., [2]))), refused(2), "one without the fields"),
            (vec![0, 129, 0, 1], refused(1), "a server of NAT-PMP"),
            (with(|it| it.truncate(59)), Some(Err(Malformed)), "too short"),
            (with(|it| it[35] = 4), None, "another nonce"),
            (with(|it| it[41] += 1), None, "another port inside"),
            (with(|it| it[36] = 17), None, "the same port over UDP"),
            (with(|it| it[1] = MAP), None, "a request"),
            (with(|it| it[0] = 3), None, "another version"),
            (vec![], None, "nothing"),
            (vec![2], None, "a byte"),
        ] {
            assert_eq!(REQUEST.answer(&bytes), expected, "{why}");
        }
    }
}

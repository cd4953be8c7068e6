//! The header of UDP (RFC 768), and its checksum over both versions of IP (RFC 1071, RFC 8200, section 8.1).

use std::net::IpAddr;

use nix::libc::IPPROTO_UDP;

/// The length of the header.
pub(super) const HEADER_BYTES: usize = 8;

/// The ports of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UdpHeader {
    pub(super) from: u16,
    pub(super) to: u16,
}

impl UdpHeader {
    /// Reads a datagram, and returns its payload too; none if it is cut short.
    pub(super) fn read(datagram: &[u8]) -> Option<(Self, &[u8])> {
        let field =
            |at: usize| Some(u16::from_be_bytes(datagram.get(at..at + 2)?.try_into().ok()?));
        let payload = datagram.get(HEADER_BYTES..usize::from(field(4)?))?;
        Some((Self { from: field(0)?, to: field(2)? }, payload))
    }

    /// That of the answer.
    pub(super) const fn back(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

/// A datagram between two addresses, with its checksum; none if it is too long for one.
pub(super) fn datagram(
    header: UdpHeader,
    from: IpAddr,
    to: IpAddr,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let length = u16::try_from(HEADER_BYTES + payload.len()).ok()?;
    let fields = [header.from, header.to, length, 0].map(u16::to_be_bytes).concat();
    let mut datagram = [&fields, payload].concat();
    let protocol = [0, u8::try_from(IPPROTO_UDP).ok()?];
    let pseudo_header =
        [octets(from), octets(to), protocol.to_vec(), length.to_be_bytes().to_vec()].concat();
    // Zero would say that there is no checksum; the sum of ones is the same number.
    let checksum = match !sum([&pseudo_header[..], &datagram].concat().chunks(2)) {
        0 => u16::MAX,
        checksum => checksum,
    };
    datagram[6..HEADER_BYTES].copy_from_slice(&checksum.to_be_bytes());
    Some(datagram)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The one's complement sum of 16-bit words; the last byte of an odd number is filled up with zero.
fn sum<'a>(words: impl Iterator<Item = &'a [u8]>) -> u16 {
    words.fold(0, |sum: u16, word| {
        let word = u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)]);
        let (sum, carries) = sum.overflowing_add(word);
        sum + u16::from(carries)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some((_, payload)) = UdpHeader::read(&bytes) {
                prop_assert!(payload.len() + HEADER_BYTES <= bytes.len());
            }
        }
    }

    #[test]
    fn checksums_of_the_standard_and_of_the_kernel() {
        // RFC 1071, section 3.
        let words = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(sum(words.chunks(2)), 0xddf2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let header = UdpHeader { from: 51_820, to: 40_000 };
        for (from, to) in [("192.0.2.1", "198.51.100.1"), ("2001:db8::1", "2001:db8::2")] {
            for payload in [&b""[..], b"a", b"ab", b"abc"] {
                let (from, to) = (address(from), address(to));
                let made = datagram(header, from, to, payload).unwrap();
                assert_eq!(UdpHeader::read(&made), Some((header, payload)));
                let length = u16::try_from(made.len()).unwrap().to_be_bytes();
                let whole = [octets(from), octets(to), vec![0, 17], length.to_vec(), made].concat();
                assert_eq!(sum(whole.chunks(2)), 0xffff, "the sum with the checksum");
            }
        }
    }

    #[test]
    fn a_checksum_of_zero_is_sent_as_ones() {
        let (from, to) = ("0.0.0.0".parse().unwrap(), "0.0.0.0".parse().unwrap());
        let header = UdpHeader { from: 0, to: 0 };
        // 17 and twice the length of 10 are 37.
        let payload = (!37_u16).to_be_bytes();
        let made = datagram(header, from, to, &payload).unwrap();
        assert_eq!(made[6..8], [0xff, 0xff]);
    }

    #[test]
    fn datagrams_that_are_cut_short_are_not_read() {
        let whole = datagram(
            UdpHeader { from: 1, to: 2 },
            "192.0.2.1".parse().unwrap(),
            "192.0.2.2".parse().unwrap(),
            b"payload",
        );
        let whole = whole.unwrap();
        assert!(UdpHeader::read(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(UdpHeader::read(&whole[..length]), None, "{length}");
        }
        let mut short = whole;
        short[5] = 7;
        assert_eq!(UdpHeader::read(&short), None, "a length below that of the header");
        assert!(
            datagram(UdpHeader { from: 1, to: 2 }, [0; 4].into(), [0; 4].into(), &[0; 65_528])
                .is_none()
        );
    }
}

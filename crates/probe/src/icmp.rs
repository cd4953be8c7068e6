//! Who reported an error, and in which words: the target, a router on the way, or this machine.
//!
//! "No route to host" comes from a router that gave up on the target, but also from our own kernel
//! when our own gateway does not answer. Only the first says anything about the target. The kernel
//! keeps the message that caused an error, and who sent it, if asked to (ip(7), `IP_RECVERR`).

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt,
    sockopt::{Ipv4RecvErr, Ipv6RecvErr},
};
use port_checker_api::{Icmp, IcmpMessage};
use socket2::{SockRef, Socket};

/// How much of a datagram is read that a message quotes, in bytes: the name of the protocol and the token.
const MAX_QUOTED: usize = 24;

/// Asks the kernel to keep the messages that cause errors on this socket. A socket on which that
/// fails is used all the same: its errors are then believed.
pub(crate) fn keep(socket: &Socket, address: SocketAddr) {
    let _ = match address {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4RecvErr, &true),
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvErr, &true),
    };
}

/// The kernel's record of the message that caused the last error on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    from: IpAddr,
    /// None when this kernel made it up, or for a message of no kind that is told.
    message: Option<IcmpMessage>,
}

/// The kernel's record of a message about a datagram, and as much of that as the message quotes.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) report: Report,
    /// The error that the message stands for.
    pub(crate) errno: i32,
    /// Where the datagram was sent.
    pub(crate) sent_to: SocketAddr,
    quoted: [u8; MAX_QUOTED],
    quoted_length: usize,
}

impl Returned {
    /// Takes the first in the queue of a socket; none if it is not about a datagram.
    ///
    /// # Errors
    /// There is nothing in the queue.
    pub(crate) fn take(socket: &impl AsRawFd) -> io::Result<Option<Self>> {
        let mut quoted = [0; MAX_QUOTED];
        let record = receive(socket, &mut quoted)?;
        Ok(record.error.zip(record.sent_to).map(|((report, errno), sent_to)| Self {
            report,
            errno,
            sent_to,
            quoted,
            quoted_length: record.length,
        }))
    }

    /// The beginning of the datagram.
    pub(crate) fn quoted(&self) -> &[u8] {
        &self.quoted[..self.quoted_length]
    }
}

/// A record in the queue of a socket.
struct Record {
    /// None if no other machine is named.
    error: Option<(Report, i32)>,
    sent_to: Option<SocketAddr>,
    length: usize,
}

fn receive(socket: &impl AsRawFd, quoted: &mut [u8]) -> io::Result<Record> {
    let mut quoted = [IoSliceMut::new(quoted)];
    let mut control = nix::cmsg_space!([u8; 256]);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut quoted, Some(&mut control), flags)?;
    let error = message.cmsgs()?.find_map(|control| {
        let (error, from) = match control {
            ControlMessageOwned::Ipv4RecvErr(error, Some(from)) => {
                (error, IpAddr::from(u32::from_be(from.sin_addr.s_addr).to_be_bytes()))
            }
            ControlMessageOwned::Ipv6RecvErr(error, Some(from)) => {
                (error, IpAddr::from(from.sin6_addr.s6_addr))
            }
            _ => return None,
        };
        let message = message_of(error.ee_origin, error.ee_type, error.ee_code);
        Some((Report { from, message }, i32::try_from(error.ee_errno).ok()?))
    });
    let sent_to = message.address.and_then(|address| {
        let v4 = || Some(SocketAddr::V4((*address.as_sockaddr_in()?).into()));
        let v6 = || Some(SocketAddr::V6((*address.as_sockaddr_in6()?).into()));
        v4().or_else(v6)
    });
    Ok(Record { error, sent_to, length: message.bytes })
}

impl Report {
    /// Takes it; none when no message caused the error.
    pub(crate) fn take(socket: &SockRef<'_>) -> Option<Self> {
        let record = receive(&**socket, &mut [0; MAX_QUOTED]).ok()?;
        record.error.map(|(report, _)| report)
    }

    /// Whether this machine reported the error, and not as the target.
    pub(crate) fn is_of_this_machine(self, socket: &SockRef<'_>, target: SocketAddr) -> bool {
        let here = socket.local_addr().ok().and_then(|here| here.as_socket());
        here.is_some_and(|here| here.ip() == self.from) && self.from != target.ip()
    }

    /// The message in the words of the contract.
    pub(crate) fn icmp(self) -> Option<Icmp> {
        self.message.map(|message| Icmp { message, from: self.from })
    }
}

/// ICMP types and codes of RFC 792 and RFC 1812, section 5.2.7.1, or of RFC 4443, section 3.1.
fn message_of(origin: u8, kind: u8, code: u8) -> Option<IcmpMessage> {
    const UNREACHABLE: u8 = 3;
    const UNREACHABLE_V6: u8 = 1;
    Some(match (origin, kind, code) {
        (libc::SO_EE_ORIGIN_ICMP, UNREACHABLE, code) => match code {
            0 | 6 | 11 => IcmpMessage::NetworkUnreachable,
            1 | 7 | 8 | 12 => IcmpMessage::HostUnreachable,
            3 => IcmpMessage::PortUnreachable,
            9 | 10 | 13..=15 => IcmpMessage::AdministrativelyProhibited,
            _ => return None,
        },
        (libc::SO_EE_ORIGIN_ICMP6, UNREACHABLE_V6, code) => match code {
            0 | 6 => IcmpMessage::NetworkUnreachable,
            1 | 5 => IcmpMessage::AdministrativelyProhibited,
            2 | 3 => IcmpMessage::HostUnreachable,
            4 => IcmpMessage::PortUnreachable,
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use IcmpMessage::{
        AdministrativelyProhibited, HostUnreachable, NetworkUnreachable, PortUnreachable,
    };

    use super::*;

    #[test]
    fn messages_have_the_meaning_of_their_rfcs() {
        const V4: u8 = libc::SO_EE_ORIGIN_ICMP;
        const V6: u8 = libc::SO_EE_ORIGIN_ICMP6;
        let cases = [
            (V4, 3, 0, Some(NetworkUnreachable), "network unreachable"),
            (V4, 3, 1, Some(HostUnreachable), "host unreachable"),
            (V4, 3, 3, Some(PortUnreachable), "port unreachable, the default of REJECT"),
            (V4, 3, 6, Some(NetworkUnreachable), "destination network unknown"),
            (V4, 3, 9, Some(AdministrativelyProhibited), "network prohibited"),
            (V4, 3, 10, Some(AdministrativelyProhibited), "host prohibited"),
            (V4, 3, 13, Some(AdministrativelyProhibited), "communication prohibited"),
            (V4, 3, 14, Some(AdministrativelyProhibited), "host precedence violation"),
            (V4, 3, 15, Some(AdministrativelyProhibited), "precedence cutoff"),
            (V4, 3, 4, None, "fragmentation needed is about the path"),
            (V4, 11, 0, None, "time exceeded is of no kind that is told"),
            (V6, 1, 0, Some(NetworkUnreachable), "no route to destination"),
            (V6, 1, 1, Some(AdministrativelyProhibited), "communication prohibited"),
            (V6, 1, 3, Some(HostUnreachable), "address unreachable"),
            (V6, 1, 4, Some(PortUnreachable), "port unreachable"),
            (V6, 1, 5, Some(AdministrativelyProhibited), "ingress or egress policy"),
            (V6, 1, 6, Some(NetworkUnreachable), "reject route"),
            (V6, 3, 3, None, "an IPv4 type over IPv6 is another message"),
            (libc::SO_EE_ORIGIN_LOCAL, 3, 1, None, "no message at all"),
        ];
        for (origin, kind, code, expected, why) in cases {
            assert_eq!(message_of(origin, kind, code), expected, "{why}");
        }
    }
}

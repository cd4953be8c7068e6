//! A raw socket for UDP, which gets a copy of the datagrams that other programs of this machine get, after its firewall,
//! and can answer from their ports; see raw(7) and RFC 768.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use nix::{
    errno::Errno,
    libc::{
        BPF_ABS, BPF_B, BPF_IND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_LDX, BPF_MSH, BPF_RET, BPF_W,
    },
};
use port_checker_api::UDP_DATAGRAM_BYTES;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::io::{Interest, unix::AsyncFd};

use super::udp_header::{HEADER_BYTES, UdpHeader, datagram};
use crate::{
    Family,
    local_source::{LocalSource, keep_destinations, receive, send_answer},
};

/// The longest header of IPv4, in bytes.
const MAX_IP_HEADER: usize = 60;

/// A packet that is longer than any question with its headers is not read whole.
const MAX_PACKET: usize = MAX_IP_HEADER + HEADER_BYTES + UDP_DATAGRAM_BYTES + 1;

/// The first four bytes of a question: of the traffic of other programs nothing else is copied.
const QUESTION_MARK: u32 = u32::from_be_bytes(*b"PRTC");

/// A raw socket of one address family.
pub(super) struct RawUdpSocket {
    socket: AsyncFd<Socket>,
    family: Family,
}

/// A datagram that another program got too.
pub(super) struct Copied {
    /// Its payload.
    pub(super) payload: Vec<u8>,
    /// The address of its sender.
    pub(super) from: IpAddr,
    /// The address of this machine that it came to.
    pub(super) to: IpAddr,
    /// The ports.
    pub(super) header: UdpHeader,
    local: LocalSource,
}

impl RawUdpSocket {
    /// Opens one; needs CAP_NET_RAW.
    pub(super) fn open(family: Family) -> io::Result<Self> {
        let domain = Domain::for_address((family.unspecified(), 0).into());
        let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(Protocol::UDP))?;
        socket.attach_filter(&filter(family))?;
        keep_destinations(&socket, family)?;
        let socket = watched(socket)?;
        Ok(Self { socket, family })
    }

    /// Waits for datagrams, and has `read` take them; false if it left some.
    pub(super) async fn wait(&self, read: impl FnOnce() -> bool) -> io::Result<()> {
        let mut guard = self.socket.readable().await?;
        if read() {
            guard.clear_ready();
        }
        Ok(())
    }

    /// The next datagram, or none where it is not whole.
    ///
    /// # Errors
    /// `EAGAIN`: there is none.
    pub(super) fn receive(&self) -> nix::Result<Option<Copied>> {
        let mut packet = [0; MAX_PACKET];
        let Some(received) = receive(self.socket.get_ref(), &mut packet)? else { return Ok(None) };
        let packet = packet.get(..received.length).unwrap_or_default();
        let from = received.from.ip();
        Ok(received.to.and_then(|local| self.copied(packet, from, local)))
    }

    /// Over IPv4 the header of IP comes first.
    fn copied(&self, packet: &[u8], from: IpAddr, local: LocalSource) -> Option<Copied> {
        let header_of_ip = match self.family {
            Family::Ipv4 => usize::from(packet.first()? & 0xf) * 4,
            Family::Ipv6 => 0,
        };
        let (header, payload) = UdpHeader::read(packet.get(header_of_ip..)?)?;
        Some(Copied { payload: payload.to_vec(), from, to: local.address(), header, local })
    }

    /// Sends an answer to the sender of a datagram, from the address and the port that it came to.
    pub(super) fn answer(&self, answer: &[u8], question: &Copied) -> nix::Result<()> {
        let answer = datagram(question.header.back(), question.to, question.from, answer);
        let answer = answer.ok_or(Errno::EMSGSIZE)?;
        // The port of a raw socket is no port of UDP.
        let to = SocketAddr::new(question.from, 0);
        send_answer(self.socket.get_ref(), &answer, to, Some(&question.local))
    }
}

/// Admits datagrams that begin like a question. Over IPv4 the socket sees the header of IP, over IPv6 it does not.
fn filter(family: Family) -> Vec<SockFilter> {
    let instruction = |code: u32, if_not: u8, value: u32| {
        let code = u16::try_from(code).expect("codes of classic BPF have 16 bits");
        SockFilter::new(code, 0, if_not, value)
    };
    let mark = HEADER_BYTES as u32;
    let mut program = match family {
        Family::Ipv4 => vec![
            instruction(BPF_LDX | BPF_B | BPF_MSH, 0, 0),
            instruction(BPF_LD | BPF_W | BPF_IND, 0, mark),
        ],
        Family::Ipv6 => vec![instruction(BPF_LD | BPF_W | BPF_ABS, 0, mark)],
    };
    program.push(instruction(BPF_JMP | BPF_JEQ | BPF_K, 1, QUESTION_MARK));
    program.push(instruction(BPF_RET | BPF_K, 0, MAX_PACKET as u32));
    program.push(instruction(BPF_RET | BPF_K, 0, 0));
    program
}

#[expect(deprecated, reason = "sound for a socket that owns its descriptor; the new one is unsafe")]
fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    AsyncFd::with_interest(socket, Interest::READABLE)
}

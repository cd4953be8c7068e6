//! Ports of this machine that behave in a known way for as long as they are held.

use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use port_checker_api::Port;
use socket2::{Domain, Socket, Type};

/// This machine, over IPv4.
pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A port that accepts connections, by the kernel's hand: nobody takes them out of the queue.
pub struct Listening {
    /// The listener.
    pub listener: TcpListener,
}

/// A port that refuses connections. It is bound, so that nobody else can get it, and does not
/// listen.
pub struct Refusing {
    socket: Socket,
}

/// A port that never answers: its queue of length zero is full, so that the kernel drops every
/// further SYN.
pub struct Silent {
    socket: Socket,
    _occupant: Socket,
}

/// The parts that all of them share.
pub trait Held {
    /// Where it is.
    fn address(&self) -> SocketAddr;

    /// Its port.
    fn port(&self) -> Port {
        Port::new(self.address().port()).expect("a bound socket has a port")
    }
}

/// Ports on which nothing listens over either family, below those that the kernel gives out by
/// itself, and each given to one caller in this process. They are not held.
///
/// # Panics
/// When there are not as many.
pub fn unused(count: usize) -> Vec<Port> {
    static NEXT: AtomicU16 = AtomicU16::new(FIRST_UNUSED);
    take_unused(count, &NEXT, |address| TcpListener::bind(address).is_ok())
}

/// The first port that may be given to a caller.
pub(crate) const FIRST_UNUSED: u16 = 20_000;

/// Ports from `next` on that can be bound over either family.
pub(crate) fn take_unused(
    count: usize,
    next: &AtomicU16,
    can_be_bound: impl Fn(SocketAddr) -> bool,
) -> Vec<Port> {
    let free = |port: u16| {
        let of = |ip: IpAddr| can_be_bound((ip, port).into());
        of(Ipv4Addr::UNSPECIFIED.into()) && of(Ipv6Addr::UNSPECIFIED.into())
    };
    let mut ports = Vec::with_capacity(count);
    while ports.len() < count {
        let port = next.fetch_add(1, Ordering::Relaxed);
        assert!(port < 32_768, "the kernel gives out the rest");
        if free(port) {
            ports.extend(Port::new(port));
        }
    }
    ports
}

impl Listening {
    /// Takes a free port of `ip`.
    pub fn on(ip: IpAddr) -> Self {
        Self { listener: TcpListener::bind((ip, 0)).expect("a free port") }
    }
}

impl Refusing {
    /// Takes a free port of `ip`.
    pub fn on(ip: IpAddr) -> Self {
        Self { socket: bound(ip) }
    }

    /// Makes it answer no more.
    pub fn fall_silent(self) -> Silent {
        Silent::of(self.socket)
    }

    /// Makes it listen after all.
    pub fn listen(&self) {
        self.socket.listen(16).expect("a bound socket can listen");
    }
}

impl Silent {
    /// Takes a free port of `ip`.
    pub fn on(ip: IpAddr) -> Self {
        Self::of(bound(ip))
    }

    fn of(socket: Socket) -> Self {
        socket.listen(0).expect("a bound socket can listen");
        let occupant = Socket::new(Domain::for_address(address(&socket)), Type::STREAM, None)
            .expect("a socket");
        #[expect(clippy::disallowed_methods, reason = "dials the listener made above")]
        occupant
            .connect_timeout(&address(&socket).into(), Duration::from_secs(5))
            .expect("the queue holds one");
        Self { socket, _occupant: occupant }
    }

    /// Empties its queue: from now on the kernel answers.
    ///
    /// # Panics
    /// When there is nothing in the queue.
    pub fn make_room(&self) {
        self.socket.accept().expect("the occupant");
    }

    /// Waits for a connection, and says `line` to it if there is one.
    ///
    /// # Panics
    /// When the connection breaks off.
    pub fn answer(&self, line: Option<&str>) {
        let (mut peer, _) = self.socket.accept().expect("a connection");
        if let Some(line) = line {
            peer.write_all(format!("{line}\n").as_bytes()).expect("it listens");
        }
    }
}

impl Held for Listening {
    fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket")
    }
}

impl Held for Refusing {
    fn address(&self) -> SocketAddr {
        address(&self.socket)
    }
}

impl Held for Silent {
    fn address(&self) -> SocketAddr {
        address(&self.socket)
    }
}

fn bound(ip: IpAddr) -> Socket {
    let any = SocketAddr::new(ip, 0);
    let socket = Socket::new(Domain::for_address(any), Type::STREAM, None).expect("a socket");
    socket.bind(&any.into()).expect("a free port");
    socket
}

fn address(socket: &Socket) -> SocketAddr {
    socket.local_addr().ok().and_then(|local| local.as_socket()).expect("a bound socket")
}

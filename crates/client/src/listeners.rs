//! The listeners of a verification: bound for the time of a check, they send the challenge to every peer that
//! connects, and record the connections.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use port_checker_api::{Challenge, Port};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest, unix::AsyncFd},
    net::TcpStream,
    select,
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::{
    Family,
    bind_error::obstacle,
    facts::{Arrivals, Local},
    peer_filter::PeerFilter,
    sockets::{Holder, half_open, holders, waiting},
};

/// Connections to one port that the kernel holds until we take them.
const BACKLOG: i32 = 64;

/// How long a peer is given to take the challenge and hang up. The side that closes first keeps the port
/// in TIME-WAIT: better the checker than this machine, whose service will want it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait after an error of accept, such as no descriptor left.
const BACKOFF: Duration = Duration::from_millis(100);

/// How often the kernel is asked for connections that were begun and not completed. It keeps them
/// for many seconds.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Listeners on ports of one address family; they are closed when dropped.
pub(crate) struct Listeners {
    family: Family,
    peers: PeerFilter,
    greeting: Bytes,
    open: Vec<Listener>,
    locals: HashMap<Port, Local>,
    /// Connections that were begun before: the kernel keeps them for seconds after their listener is closed.
    begun_before: HashSet<(u16, SocketAddr)>,
}

/// One listener and the connections that arrived at it.
struct Listener {
    port: Port,
    listener: AsyncFd<TcpListener>,
    arrivals: Mutex<Arrivals>,
}

impl Listeners {
    /// Binds `ports`, as many as can be.
    pub(crate) async fn open(
        family: Family,
        ports: &[Port],
        challenge: &Challenge,
        peers: PeerFilter,
    ) -> Self {
        let family_missing = peers.knows_no_address();
        let mut listeners = Self {
            family,
            peers,
            greeting: Bytes::from(format!("{}\n", challenge.as_str())),
            open: Vec::with_capacity(ports.len()),
            locals: HashMap::with_capacity(ports.len()),
            // Apart from the runtime's threads, as for every look at the list.
            begun_before: spawn_blocking(move || half_open(family)).await.unwrap_or_default(),
        };
        for &port in ports {
            let local = match listen(family, port) {
                _ if family_missing => Local::FamilyMissing,
                Ok(listener) => {
                    listeners.open.push(Listener { port, listener, arrivals: Mutex::default() });
                    Local::Bound
                }
                Err(error) => obstacle(&error),
            };
            listeners.locals.insert(port, local);
        }
        listeners.name_holders().await;
        listeners
    }

    async fn name_holders(&mut self) {
        let (family, ports) = (self.family, self.held_ports());
        if ports.is_empty() {
            return;
        }
        let found = spawn_blocking(move || holders(family, &ports)).await;
        let mut holders = found.unwrap_or_default();
        for (port, local) in self.locals.iter_mut().filter(|(_, local)| is_in_use(local)) {
            let Holder { by, listens_on, waiting } =
                holders.remove(&port.get()).unwrap_or_default();
            *local = Local::InUse { by, listens_on, waiting };
        }
    }

    /// The connections that wait for the programs which hold some of the ports, by port.
    pub(crate) async fn waiting(&self) -> HashMap<u16, u32> {
        let (family, ports) = (self.family, self.held_ports());
        if ports.is_empty() {
            return HashMap::new();
        }
        spawn_blocking(move || waiting(family, &ports)).await.unwrap_or_default()
    }

    /// The ports that other programs hold.
    fn held_ports(&self) -> HashSet<u16> {
        let held = self.locals.iter().filter(|(_, local)| is_in_use(local));
        held.map(|(port, _)| port.get()).collect()
    }

    /// The local half of a port.
    ///
    /// # Panics
    /// When the port was not among those to bind.
    pub(crate) fn local(&self, port: Port) -> &Local {
        &self.locals[&port]
    }

    /// The arrivals so far at each port that is listened on.
    pub(crate) fn arrivals(&self) -> HashMap<Port, Arrivals> {
        self.open.iter().map(|listener| (listener.port, listener.arrivals())).collect()
    }

    /// Sends the challenge to every peer, to as many at once as there are permits, and reports every connection.
    pub(crate) async fn serve(
        &self,
        permits: &Semaphore,
        on_arrival: impl Fn(Port, IpAddr),
    ) -> Infallible {
        let mut listeners: FuturesUnordered<_> =
            self.open.iter().map(|listener| listener.listen(self, permits, &on_arrival)).collect();
        select! {
            Some(never) = listeners.next() => never,
            never = self.watch() => never,
        }
    }

    /// Notes at intervals the connections that the kernel could not complete.
    async fn watch(&self) -> Infallible {
        loop {
            sleep(POLL_INTERVAL).await;
            self.note_half_open().await;
        }
    }

    /// Notes connections that the kernel could not complete: their first packet came in, and our answer was
    /// lost.
    pub(crate) async fn note_half_open(&self) {
        if self.open.is_empty() {
            return;
        }
        let listeners: HashMap<u16, &Listener> =
            self.open.iter().map(|listener| (listener.port.get(), listener)).collect();
        let family = self.family;
        // Apart from the listeners: the list of a busy machine is long.
        let found = spawn_blocking(move || half_open(family)).await.unwrap_or_default();
        for (port, peer) in found.difference(&self.begun_before) {
            let peer = peer.ip().to_canonical();
            let known = listeners.get(port).filter(|_| self.peers.admits(peer));
            if let Some(listener) = known {
                listener.note(|arrivals| arrivals.begun_by(peer));
            }
        }
    }
}

impl Listener {
    async fn listen(
        &self,
        all: &Listeners,
        permits: &Semaphore,
        on_arrival: &impl Fn(Port, IpAddr),
    ) -> Infallible {
        let mut leaving = FuturesUnordered::new();
        loop {
            select! {
                accepted = self.accept(permits) => match accepted {
                    Ok((stream, peer, permit)) => {
                        let counts = all.peers.admits(peer);
                        if counts {
                            self.note(|arrivals| arrivals.completed_by(peer));
                            on_arrival(self.port, peer);
                        }
                        leaving.push(self.greet(stream, &all.greeting, counts, permit));
                    }
                    Err(_) => sleep(BACKOFF).await,
                },
                Some(()) = leaving.next() => {}
            }
        }
    }

    /// The next connection. Takes a permit only once there is one: ports to which nobody comes must
    /// not keep the permits from those to which somebody does.
    async fn accept<'a>(
        &self,
        permits: &'a Semaphore,
    ) -> io::Result<(TcpStream, IpAddr, SemaphorePermit<'a>)> {
        loop {
            let mut ready = self.listener.readable().await?;
            let permit = permits.acquire().await.expect("the semaphore is never closed");
            let Ok(accepted) = ready.try_io(|listener| listener.get_ref().accept()) else {
                continue;
            };
            let (stream, peer) = accepted?;
            stream.set_nonblocking(true)?;
            return Ok((TcpStream::from_std(stream)?, peer.ip().to_canonical(), permit));
        }
    }

    async fn greet(
        &self,
        mut stream: TcpStream,
        greeting: &[u8],
        counts: bool,
        _permit: SemaphorePermit<'_>,
    ) {
        let conversation = async {
            stream.write_all(greeting).await?;
            if counts {
                self.note(Arrivals::answered);
            }
            let mut ignored = [0; 256];
            while stream.read(&mut ignored).await? > 0 {}
            io::Result::Ok(())
        };
        // A peer that hangs up early, or never, is no concern of ours.
        let _ = timeout(CLOSE_TIMEOUT, conversation).await;
    }

    fn note(&self, note: impl FnOnce(&mut Arrivals)) {
        note(&mut self.arrivals.lock().expect("nothing panics while it is held"));
    }

    fn arrivals(&self) -> Arrivals {
        self.arrivals.lock().expect("nothing panics while it is held").clone()
    }
}

fn listen(family: Family, port: Port) -> io::Result<AsyncFd<TcpListener>> {
    let address = SocketAddr::new(family.unspecified(), port.get());
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if family == Family::Ipv6 {
        socket.set_only_v6(true)?;
    }
    // Connections of an earlier run that are not quite over do not hold the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    #[expect(
        deprecated,
        reason = "sound for a listener of std, which owns its descriptor; the new one is unsafe"
    )]
    AsyncFd::with_interest(socket.into(), Interest::READABLE)
}

fn is_in_use(local: &Local) -> bool {
    matches!(local, Local::InUse { .. })
}

#[cfg(test)]
mod tests;

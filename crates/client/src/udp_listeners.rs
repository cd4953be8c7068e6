//! The UDP listeners of a verification: bound for the time of a check, they answer the datagrams of checkers with the
//! challenge, and record them.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::pending,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use port_checker_api::{Challenge, Port, UDP_DATAGRAM_BYTES, UdpQuestion};
use tokio::{task::yield_now, time::sleep};

mod answer_rate;
mod socket;

use crate::{
    Family,
    bind_error::obstacle,
    facts::{Arrivals, Local},
    peer_filter::PeerFilter,
    sockets::{Holder, udp_sockets},
};
use answer_rate::AnswerRate;
use socket::AnsweringSocket;

/// Datagrams that are read from one port before others get their turn.
const READ_BATCH: usize = 16;

/// How long to wait after an error of a socket that is not about a datagram.
const BACKOFF: Duration = Duration::from_millis(100);

/// Listeners on UDP ports of one address family; they are closed when dropped.
pub(crate) struct UdpListeners {
    peers: PeerFilter,
    challenge: Challenge,
    open: Vec<UdpListener>,
    locals: HashMap<Port, Local>,
}

/// One listener and the datagrams of checkers that arrived at it.
struct UdpListener {
    port: Port,
    socket: AnsweringSocket,
    received: Mutex<Received>,
}

#[derive(Default)]
struct Received {
    arrivals: Arrivals,
    rate: AnswerRate,
}

impl UdpListeners {
    /// Binds `ports`, as many as can be.
    pub(crate) fn open(
        family: Family,
        ports: &[Port],
        challenge: &Challenge,
        peers: PeerFilter,
    ) -> Self {
        let family_missing = peers.knows_no_address();
        let (mut open, mut locals) = (Vec::with_capacity(ports.len()), HashMap::new());
        for &port in ports {
            let local = match AnsweringSocket::bind(family, port) {
                _ if family_missing => Local::FamilyMissing,
                Ok(socket) => {
                    open.push(UdpListener { port, socket, received: Mutex::default() });
                    Local::Bound
                }
                Err(error) => obstacle(&error),
            };
            locals.insert(port, local);
        }
        name_holders(family, &mut locals);
        Self { peers, challenge: challenge.clone(), open, locals }
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
        let arrivals = |listener: &UdpListener| listener.received(|it| it.arrivals.clone());
        self.open.iter().map(|listener| (listener.port, arrivals(listener))).collect()
    }

    /// Answers checkers, and reports every datagram of theirs.
    pub(crate) async fn serve(&self, on_arrival: impl Fn(Port, IpAddr)) -> Infallible {
        let listeners = self.open.iter().map(|listener| listener.listen(self, &on_arrival));
        let mut listeners: FuturesUnordered<_> = listeners.collect();
        match listeners.next().await {
            Some(never) => never,
            None => pending().await,
        }
    }
}

impl UdpListener {
    async fn listen(&self, all: &UdpListeners, on_arrival: &impl Fn(Port, IpAddr)) -> Infallible {
        loop {
            let ready = self.socket.readable().await;
            if ready.is_err() || self.read(all, on_arrival).is_err() {
                sleep(BACKOFF).await;
            }
            yield_now().await;
        }
    }

    /// Reads and answers what has arrived, a batch at most.
    fn read(&self, all: &UdpListeners, on_arrival: &impl Fn(Port, IpAddr)) -> nix::Result<()> {
        // One byte more than a question has tells one that is too long.
        let mut datagram = [0; UDP_DATAGRAM_BYTES + 1];
        for _ in 0..READ_BATCH {
            let Some(received) = self.socket.receive(&mut datagram)? else { break };
            let Some(question) = UdpQuestion::parse(&datagram[..received.length]) else { continue };
            let from = received.from.ip().to_canonical();
            let counts = all.peers.admits(from);
            if counts {
                self.received(|it| it.arrivals.completed_by(from));
                on_arrival(self.port, from);
            }
            if !self.received(|it| it.rate.admits(Instant::now())) {
                continue;
            }
            let answer = question.answered(all.challenge.as_str().as_bytes());
            if self.socket.answer(&answer, &received).is_ok() && counts {
                self.received(|it| it.arrivals.answered());
            }
        }
        Ok(())
    }

    fn received<T>(&self, with: impl FnOnce(&mut Received) -> T) -> T {
        with(&mut self.received.lock().expect("nothing panics while it is held"))
    }
}

/// Names the programs that hold some of the ports.
fn name_holders(family: Family, locals: &mut HashMap<Port, Local>) {
    let is_held = |local: &Local| matches!(local, Local::InUse { .. });
    let held = locals.iter().filter(|(_, local)| is_held(local));
    let held: HashSet<u16> = held.map(|(port, _)| port.get()).collect();
    if held.is_empty() {
        return;
    }
    let mut holders = udp_sockets(family, &held);
    for (port, local) in locals.iter_mut().filter(|(_, local)| is_held(local)) {
        let Holder { by, listens_on, waiting } = holders.remove(&port.get()).unwrap_or_default();
        *local = Local::InUse { by, listens_on, waiting };
    }
}

#[cfg(test)]
mod tests;

//! The UDP listeners of a verification: bound for the time of a check, they answer the datagrams of checkers with the
//! challenge, and record them.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::pending,
    net::IpAddr,
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use port_checker_api::{Challenge, Port, UDP_DATAGRAM_BYTES, UdpQuestion};
use tokio::{select, task::yield_now, time::sleep};

mod answer_rate;
mod beside;
mod raw_socket;
mod received;
mod socket;
mod udp_header;

use crate::{
    Family,
    bind_error::obstacle,
    facts::{Arrivals, Local},
    peer_filter::PeerFilter,
    sockets::{Holder, udp_sockets},
};
use beside::Beside;
use received::Received;
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
    /// Answers at ports that other programs hold, where this user may.
    beside: Option<Beside>,
    locals: HashMap<Port, Local>,
}

/// One listener and the datagrams of checkers that arrived at it.
struct UdpListener {
    port: Port,
    socket: AnsweringSocket,
    received: Received,
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
                    open.push(UdpListener { port, socket, received: Received::default() });
                    Local::Bound
                }
                Err(error) => obstacle(&error),
            };
            locals.insert(port, local);
        }
        name_holders(family, &mut locals);
        let beside = Beside::of(family, &mut locals);
        Self { peers, challenge: challenge.clone(), open, beside, locals }
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
        let open = self.open.iter().map(|listener| (listener.port, &listener.received));
        let beside = self.beside.iter().flat_map(Beside::received);
        open.chain(beside).map(|(port, received)| (port, received.arrivals())).collect()
    }

    /// Answers checkers, and reports every datagram of theirs that is answered.
    pub(crate) async fn serve(&self, on_arrival: impl Fn(Port, IpAddr)) -> Infallible {
        let asked = |port: Port, received: &Received, from: IpAddr| {
            let counts = self.peers.admits(from);
            let is_answered = received.admits(from, counts);
            // A flood is no news without end.
            if counts && is_answered {
                on_arrival(port, from);
            }
            is_answered
        };
        let challenge = self.challenge.as_str().as_bytes();
        let listeners = self.open.iter().map(|listener| listener.listen(challenge, &asked));
        let mut listeners: FuturesUnordered<_> = listeners.collect();
        let beside = async {
            match &self.beside {
                Some(beside) => beside.listen(challenge, &asked).await,
                None => pending().await,
            }
        };
        select! {
            Some(never) = listeners.next() => never,
            never = beside => never,
        }
    }
}

impl UdpListener {
    /// Answers where `asked` says that a question of a peer is to be answered.
    async fn listen(
        &self,
        challenge: &[u8],
        asked: &impl Fn(Port, &Received, IpAddr) -> bool,
    ) -> Infallible {
        loop {
            let ready = self.socket.readable().await;
            if ready.is_err() || self.read(challenge, asked).is_err() {
                sleep(BACKOFF).await;
            }
            yield_now().await;
        }
    }

    /// Reads and answers what has arrived, a batch at most.
    fn read(
        &self,
        challenge: &[u8],
        asked: &impl Fn(Port, &Received, IpAddr) -> bool,
    ) -> nix::Result<()> {
        // One byte more than a question has tells one that is too long.
        let mut datagram = [0; UDP_DATAGRAM_BYTES + 1];
        for _ in 0..READ_BATCH {
            let Some(received) = self.socket.receive(&mut datagram)? else { break };
            let Some(question) = UdpQuestion::parse(&datagram[..received.length]) else { continue };
            let from = received.from.ip().to_canonical();
            if asked(self.port, &self.received, from)
                && self.socket.answer(&question.answered(challenge), &received).is_ok()
            {
                self.received.note_answer(from);
            }
        }
        Ok(())
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

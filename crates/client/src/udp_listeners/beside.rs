//! Answers at ports that other programs hold, while these go on: a raw socket gets a copy of each question.

use std::{collections::HashMap, convert::Infallible, net::IpAddr, time::Duration};

use nix::errno::Errno;
use port_checker_api::{Port, UdpQuestion};
use tokio::{task::yield_now, time::sleep};

use super::{
    raw_socket::{Copied, RawUdpSocket},
    received::Received,
};
use crate::{Family, facts::Local};

/// Datagrams that are read before others get their turn.
const READ_BATCH: usize = 64;

/// How long to wait after an error of the socket.
const BACKOFF: Duration = Duration::from_millis(100);

/// The raw socket, and the ports at which it answers.
pub(super) struct Beside {
    socket: RawUdpSocket,
    ports: HashMap<Port, Held>,
}

/// A port that another program holds.
struct Held {
    /// The addresses on which that gets datagrams.
    listens_on: Vec<IpAddr>,
    received: Received,
}

impl Held {
    /// Whether the program gets datagrams to this address.
    fn is_on(&self, address: IpAddr) -> bool {
        self.listens_on.iter().any(|ip| ip.is_unspecified() || *ip == address)
    }
}

impl Beside {
    /// Shares those of these ports that other programs hold; none if there are none, or this user may not.
    pub(super) fn of(family: Family, locals: &mut HashMap<Port, Local>) -> Option<Self> {
        let is_held = |local: &Local| matches!(local, Local::InUse { .. });
        if !locals.values().any(is_held) {
            return None;
        }
        let socket = RawUdpSocket::open(family).ok()?;
        let mut ports = HashMap::new();
        for (port, local) in locals {
            let Local::InUse { by, listens_on, .. } = local else { continue };
            let (by, listens_on) = (by.take(), std::mem::take(listens_on));
            *local = Local::Shared { by, listens_on: listens_on.clone() };
            ports.insert(*port, Held { listens_on, received: Received::default() });
        }
        Some(Self { socket, ports })
    }

    /// The questions that came to each port.
    pub(super) fn received(&self) -> impl Iterator<Item = (Port, &Received)> {
        self.ports.iter().map(|(port, held)| (*port, &held.received))
    }

    /// Answers where `asked` says that a question of a peer is to be answered.
    pub(super) async fn listen(
        &self,
        challenge: &[u8],
        asked: &impl Fn(Port, &Received, IpAddr) -> bool,
    ) -> Infallible {
        loop {
            let ready = self.socket.wait(|| self.read(challenge, asked)).await;
            if ready.is_err() {
                sleep(BACKOFF).await;
            }
            yield_now().await;
        }
    }

    /// Reads and answers a batch at most; whether no more has arrived.
    fn read(&self, challenge: &[u8], asked: &impl Fn(Port, &Received, IpAddr) -> bool) -> bool {
        for _ in 0..READ_BATCH {
            match self.socket.receive() {
                Ok(Some(copied)) => self.answer(&copied, challenge, asked),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(_) => return true,
            }
        }
        false
    }

    /// A question to an address on which the program does not listen is refused by the system itself.
    fn answer(
        &self,
        copied: &Copied,
        challenge: &[u8],
        asked: &impl Fn(Port, &Received, IpAddr) -> bool,
    ) {
        let Some(question) = UdpQuestion::parse(&copied.payload) else { return };
        let Some(port) = Port::new(copied.header.to) else { return };
        let Some(held) = self.ports.get(&port).filter(|held| held.is_on(copied.to)) else { return };
        let from = copied.from.to_canonical();
        if asked(port, &held.received, from)
            && self.socket.answer(&question.answered(challenge), copied).is_ok()
        {
            held.received.note_answer(from);
        }
    }
}

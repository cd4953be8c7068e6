//! An address that may be dialled.

use std::net::{IpAddr, SocketAddr};

use crate::Port;

/// An address and ports that a [`Policy`](super::Policy) admitted. Nothing else can be dialled, and
/// nothing but the policy can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    address: IpAddr,
    ports: Box<[Port]>,
}

impl Target {
    /// Keeps the first of each port that `ports` repeats.
    pub(super) fn vetted(address: IpAddr, mut ports: Vec<Port>) -> Self {
        let mut seen = vec![false; usize::from(u16::MAX) + 1];
        ports.retain(|port| !std::mem::replace(&mut seen[usize::from(port.get())], true));
        Self { address, ports: ports.into_boxed_slice() }
    }

    /// The address, never IPv4-mapped.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The ports, each once, in the order asked.
    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// Where to dial for the port at `index`.
    pub(crate) fn socket(&self, index: usize) -> SocketAddr {
        SocketAddr::new(self.address, self.ports[index].get())
    }
}

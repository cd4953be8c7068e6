//! An address that may be dialled.

use std::net::{IpAddr, SocketAddr};

use port_checker_api::{Port, distinct};

/// An address and ports that a [`Policy`](super::Policy) admitted. Nothing else can be dialled, and
/// nothing but the policy can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    address: IpAddr,
    ports: Box<[Port]>,
}

impl Target {
    /// Keeps the first of each port that `ports` repeats.
    pub(super) fn vetted(address: IpAddr, ports: Vec<Port>) -> Self {
        Self { address, ports: distinct(ports).collect() }
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

//! The yardsticks of speed; each runs as a separate process.

mod accepting;
mod floor;
mod routes;

use std::net::SocketAddr;

use clap::Subcommand;
use floor::{Connected, floor};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Listens on these ports of loopback, and accepts and closes as fast as it can.
    Accept {
        #[arg(required = true)]
        ports: Vec<u16>,
    },
    /// Serves an empty route at `/`, and at `/check-ports` a check without anything around it.
    Routes { address: SocketAddr },
    /// Connects and closes as fast as the kernel lets two threads.
    Floor {
        /// How many connections.
        connections: usize,
        #[arg(required = true)]
        ports: Vec<u16>,
    },
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Accept { ports } => accepting::accept(&ports),
            Self::Routes { address } => routes::serve(address),
            Self::Floor { connections, ports } => {
                let Connected { open, closed, seconds } = floor(&ports, connections)?;
                let rate = connections as f64 / seconds;
                println!("open {open} closed {closed} seconds {seconds:.3} per_second {rate:.0}");
                Ok(())
            }
        }
    }
}

//! Which addresses may be dialled: policy as data, one function from an address to a [`Target`].

use std::net::IpAddr;

use ipnet::IpNet;
use port_checker_api::{Port, PortRanges};

mod special_purpose;
mod target;

pub use special_purpose::{SPECIAL_PURPOSE, SpecialPurpose};
pub use target::Target;

/// Whose addresses may be checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Targets {
    /// Any public address.
    #[default]
    Public,
    /// Only the caller's own address, and only if it is public.
    Caller,
    /// Any address at all, except those that are denied explicitly.
    Any,
}

/// The addresses and ports that may be dialled. The default admits every port of every public address.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whose addresses may be checked.
    pub targets: Targets,
    /// Admits private and loopback addresses.
    pub allow_local: bool,
    /// Admitted although they are special-purpose.
    pub allowed: Vec<IpNet>,
    /// Refused whatever else admits them.
    pub denied: Vec<IpNet>,
    /// The ports that may be dialled.
    pub ports: PortRanges,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            targets: Targets::default(),
            allow_local: false,
            allowed: Vec::new(),
            denied: Vec::new(),
            ports: PortRanges::all(),
        }
    }
}

/// Why the policy refuses a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address is special-purpose and nothing admits it.
    #[error("{address} is in {} ({}, {})", purpose.prefix, purpose.name, purpose.source)]
    SpecialPurpose {
        /// The refused address.
        address: IpAddr,
        /// The kind of address.
        purpose: &'static SpecialPurpose,
    },
    /// The operator denied the address.
    #[error("{address} is in {prefix}, which this checker's operator excluded")]
    Denied {
        /// The refused address.
        address: IpAddr,
        /// The denied prefix that holds it.
        prefix: IpNet,
    },
    /// Only the caller's own address may be checked.
    #[error("{address} is not your own address, which is {caller} as seen from here")]
    NotTheCaller {
        /// The refused address.
        address: IpAddr,
        /// The address that would be admitted.
        caller: IpAddr,
    },
    /// The port is not among those that may be dialled.
    #[error("port {port} is not among the ports this checker dials: {allowed}")]
    Port {
        /// The first refused port.
        port: Port,
        /// The ports that would be admitted.
        allowed: PortRanges,
    },
}

impl Policy {
    /// Judges whether `caller` may have `ports` of `address` checked. An IPv4-mapped IPv6 address is
    /// judged, and later dialled, as the IPv4 address inside (RFC 4291, section 2.5.5.2).
    ///
    /// # Errors
    /// A [`Refusal`] for the first rule that refuses: the caller's own address is not exempt from
    /// any, for behind an unknown proxy "the caller" is the proxy.
    pub fn vet(
        &self,
        caller: IpAddr,
        address: IpAddr,
        ports: Vec<Port>,
    ) -> Result<Target, Refusal> {
        let (caller, address) = (caller.to_canonical(), address.to_canonical());
        self.judge_address(address)?;
        if self.targets == Targets::Caller && address != caller {
            return Err(Refusal::NotTheCaller { address, caller });
        }
        self.judge_ports(&ports)?;
        Ok(Target::vetted(address, ports))
    }

    /// Judges ports alone, where their address is not known yet.
    ///
    /// # Errors
    /// [`Refusal::Port`] for the first that may not be dialled.
    pub fn judge_ports(&self, ports: &[Port]) -> Result<(), Refusal> {
        match ports.iter().find(|port| !self.ports.contains(port.get())) {
            Some(&port) => Err(Refusal::Port { port, allowed: self.ports.clone() }),
            None => Ok(()),
        }
    }

    fn judge_address(&self, address: IpAddr) -> Result<(), Refusal> {
        let holds = |prefix: &&IpNet| prefix.contains(&address);
        if let Some(&prefix) = self.denied.iter().find(holds) {
            return Err(Refusal::Denied { address, prefix });
        }
        if self.targets == Targets::Any || self.allowed.iter().any(|prefix| holds(&prefix)) {
            return Ok(());
        }
        match SpecialPurpose::of(address) {
            Some(purpose) if !(purpose.local && self.allow_local) => {
                Err(Refusal::SpecialPurpose { address, purpose })
            }
            _ => Ok(()),
        }
    }
}

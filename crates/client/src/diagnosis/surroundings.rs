//! The facts around a port that decide about its advice.

use std::net::SocketAddr;

use port_checker_api::Port;

use super::network_position::NetworkPosition;
use crate::{
    facts::Watch,
    router::{MappingEntry, RouterFacts},
};

/// The facts of a family that decide about the advice for its ports.
pub(super) struct Surroundings<'a> {
    pub(super) position: &'a NetworkPosition,
    pub(super) router: Option<&'a RouterFacts>,
    pub(super) watch: Watch,
    /// Whether a notice tells the likely cause of the silence.
    pub(super) likely_cause_told: bool,
}

impl Surroundings<'_> {
    /// The machine to which the router maps a port, by its own account.
    pub(super) fn mapped_to(&self, port: Port) -> Option<SocketAddr> {
        let ports = self.router?.ports.iter();
        let mut ports = ports.filter(|mapped| mapped.port == port.get());
        ports.find_map(|mapped| match &mapped.entry {
            MappingEntry::Mapped { to, enabled: true, .. } => Some(*to),
            _ => None,
        })
    }

    /// The way to learn more, with a blank before it; nothing if there is none.
    pub(super) const fn root(&self) -> &'static str {
        match self.watch {
            Watch::NotPermitted => {
                " Run as root, this would tell whether this machine's firewall is the cause."
            }
            _ => "",
        }
    }

    /// Whether every packet at the interfaces of this machine was seen: only then is it certain that none came.
    pub(super) const fn is_watch_complete(&self) -> bool {
        matches!(self.watch, Watch::Yes { lost: 0 })
    }
}

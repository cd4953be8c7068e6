//! The packets of a verification that were seen at the interfaces of this machine.

use std::net::IpAddr;

use serde::Serialize;

/// The packets of one port at the interfaces of this machine, by who sent them or got them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sights {
    /// Who began a connection, or over UDP sent a datagram of a check, checkers and strangers; at most [`Sights::MAX_PEERS`] addresses.
    pub peers: Vec<PeerSights>,
}

/// The packets of one port to and from one address: those that came in, before the firewall of this machine, and
/// those that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PeerSights {
    /// The address.
    pub peer: IpAddr,
    /// The interface at which its first packet of a connection came in; none: that was not seen.
    pub interface: Option<String>,
    /// The first packets of connections that came in, those sent again included; over UDP, the datagrams of checks.
    pub probes: u32,
    /// Whether an answer left that accepts a connection; over UDP, one to a datagram of a check.
    pub answered: bool,
    /// The refusal that left, if one did.
    pub rejection: Option<LocalRejection>,
}

/// A refusal that this machine sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LocalRejection {
    /// A segment that resets the connection.
    Reset,
    /// An ICMP message that the destination is unreachable.
    Icmp,
}

impl Sights {
    /// How many addresses are kept.
    pub const MAX_PEERS: usize = 8;

    /// The interface at which the first connection came in; none: none came.
    pub(crate) fn interface(&self) -> Option<&str> {
        self.peers.iter().find_map(|sights| sights.interface.as_deref())
    }

    /// Whether an answer left that accepts a connection.
    pub(crate) fn is_answered(&self) -> bool {
        self.peers.iter().any(|sights| sights.answered)
    }

    /// A connection of `peer` came in; `interface` names the interface.
    pub(crate) fn arrived(&mut self, interface: impl FnOnce() -> String, peer: IpAddr) {
        if let Some(sights) = self.of(peer) {
            sights.interface.get_or_insert_with(interface);
            sights.probes = sights.probes.saturating_add(1);
        }
    }

    /// An answer left that accepts a connection of `peer`.
    pub(crate) fn answered(&mut self, peer: IpAddr) {
        if let Some(sights) = self.of(peer) {
            sights.answered = true;
        }
    }

    /// A refusal of a connection of `peer` left. Where one was accepted, a reset ends one of those: it
    /// rejects none.
    pub(crate) fn rejected(&mut self, peer: IpAddr, rejection: LocalRejection) {
        if let Some(sights) = self.of(peer).filter(|sights| !sights.answered) {
            sights.rejection.get_or_insert(rejection);
        }
    }

    /// Whether others may have come that are not kept.
    pub(crate) fn is_full(&self) -> bool {
        self.peers.len() >= Self::MAX_PEERS
    }

    /// The packets of `peer`; none if too many others came before it.
    fn of(&mut self, peer: IpAddr) -> Option<&mut PeerSights> {
        let peer = peer.to_canonical();
        let known = self.peers.iter().position(|sights| sights.peer == peer);
        if known.is_none() && !self.is_full() {
            let (interface, probes, answered, rejection) = (None, 0, false, None);
            self.peers.push(PeerSights { peer, interface, probes, answered, rejection });
            return self.peers.last_mut();
        }
        self.peers.get_mut(known?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_rejects_a_connection_only_where_none_was_accepted() {
        let peer = "198.51.100.1".parse().unwrap();
        for (answered, expected) in [(false, Some(LocalRejection::Reset)), (true, None)] {
            let mut sights = Sights::default();
            sights.arrived(|| "eth0".to_owned(), peer);
            if answered {
                sights.answered(peer);
            }
            sights.rejected(peer, LocalRejection::Reset);
            sights.rejected(peer, LocalRejection::Icmp);
            assert_eq!(sights.peers[0].rejection, expected, "accepted: {answered}");
        }
    }

    #[test]
    fn so_many_peers_are_kept_and_no_more() {
        let mut sights = Sights::default();
        for last in 0..=u8::MAX {
            sights.arrived(|| "eth0".to_owned(), [198, 51, 100, last].into());
        }
        assert_eq!(sights.peers.len(), Sights::MAX_PEERS);
        assert!(sights.is_full());
    }
}

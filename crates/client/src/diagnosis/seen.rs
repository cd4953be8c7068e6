//! The address from which checkers see this machine.

use std::net::IpAddr;

use crate::{
    facts::{FamilyFacts, PortFacts},
    local_address::is_unreachable_from_outside,
};

impl FamilyFacts {
    /// The address seen outside. If checkers see several: one of the Internet, else one that this machine has, else
    /// the one that most of them see, else the one at which most ports were reached; of equals the first.
    pub(crate) fn seen(&self) -> Option<IpAddr> {
        let seen = || self.checkers.iter().enumerate();
        let seen = || seen().filter_map(|(index, checker)| Some((index, checker.address?)));
        let is_own = |ip: IpAddr| {
            let host = self.host.as_ref();
            !ip.is_loopback() && host.is_some_and(|host| host.addresses.contains(&ip))
        };
        let votes = |ip| seen().filter(|(_, other)| *other == ip).count();
        let rank = |&(checker, ip): &(usize, IpAddr)| {
            (!is_unreachable_from_outside(ip), is_own(ip), votes(ip), self.reached(checker))
        };
        // Of equals the last is taken.
        seen().collect::<Vec<_>>().into_iter().rev().max_by_key(rank).map(|(_, ip)| ip)
    }

    /// Ports that a checker reached while something arrived there.
    fn reached(&self, checker: usize) -> usize {
        let reached = |port: &&PortFacts| {
            let answer = port.answers.get(checker).and_then(Option::as_ref);
            port.arrivals.connections > 0 && answer.is_some_and(|answer| answer.accessible)
        };
        self.ports.iter().filter(reached).count()
    }
}

#[cfg(test)]
mod tests;

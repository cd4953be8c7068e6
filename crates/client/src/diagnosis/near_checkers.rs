//! Checkers that are no farther away than this machine's own networks: they prove nothing about the Internet.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    facts::{CheckerFacts, FamilyFacts, PortFacts},
    host::Host,
    local_address::{is_private, is_unreachable_from_outside},
};

/// A checker beside which there is none outside of this machine's networks.
pub(super) enum NearChecker {
    /// It is in a network of this machine, whose own address it checked; without a network it is on this machine.
    InTheNetwork { checker: IpAddr, network: Option<IpNet> },
    /// The address it checked is the router's.
    BehindTheRouter { checker: IpAddr, seen: IpAddr },
}

/// One of the checkers, if all of them are near, no connection came from outside, and the address that was checked is
/// one of the Internet.
pub(super) fn near_checker(facts: &FamilyFacts) -> Option<NearChecker> {
    let host = facts.host.as_ref()?;
    let seen = facts.seen().filter(|seen| !is_unreachable_from_outside(*seen))?;
    let peers = || facts.checkers.iter().filter_map(judging_peer);
    let checker = peers().next()?;
    if !peers().all(|peer| host.is_near(peer)) || is_visited_from_outside(facts, host, seen) {
        return None;
    }
    let network = host.network_with(&[checker, seen]);
    let is_here = host.addresses.contains(&checker);
    Some(match host.addresses.contains(&seen) && (is_here || network.is_some()) {
        true => NearChecker::InTheNetwork { checker, network: network.filter(|_| !is_here) },
        false => NearChecker::BehindTheRouter { checker, seen },
    })
}

/// The checkers of this machine's networks that stand beside others outside, about an address of the Internet: how
/// connections from inside fare says nothing about those from outside.
pub(super) fn local_checkers(facts: &FamilyFacts) -> Vec<usize> {
    let Some(host) = &facts.host else { return Vec::new() };
    let is_outside = |peer| !host.is_near(peer);
    let outside = facts.checkers.iter().filter_map(judging_peer).any(is_outside);
    if facts.seen().is_none_or(is_unreachable_from_outside) || !outside {
        return Vec::new();
    }
    // One on this machine may be the near end of a tunnel to one outside, but not if it sees a local address.
    let sees_local =
        |checker: &CheckerFacts| checker.address.is_some_and(is_unreachable_from_outside);
    let is_here = |checker: &CheckerFacts| {
        let peer = judging_peer(checker);
        peer.is_some_and(|peer| is_beside(host, peer)) || sees_local(checker)
    };
    let checkers = facts.checkers.iter().enumerate();
    checkers.filter(|(_, checker)| is_here(checker)).map(|(index, _)| index).collect()
}

/// Whether an address is one of this machine's networks, and not merely a name of this machine.
fn is_beside(host: &Host, ip: IpAddr) -> bool {
    let is_name_of_this = ip.is_loopback() || (host.addresses.contains(&ip) && !is_private(ip));
    host.is_near(ip) && !is_name_of_this
}

/// The address of a checker that gave a verdict.
fn judging_peer(checker: &CheckerFacts) -> Option<IpAddr> {
    checker.peer.filter(|_| checker.failure.is_none())
}

/// Whether it was a checker whose connections came from outside of this machine's networks, though it is asked
/// within them: the near end of a tunnel, for example. At a port that no checker reached, it may have been anybody;
/// there only one on this machine is believed to be such an end.
fn is_visited_from_outside(facts: &FamilyFacts, host: &Host, seen: IpAddr) -> bool {
    let is_inside = |from: &IpAddr| *from == seen || host.is_near(*from);
    let mut peers = facts.checkers.iter().filter_map(judging_peer);
    let may_be_tunnel = peers.all(|peer| peer.is_loopback());
    let from_outside = |port: &PortFacts| {
        let sights = port.sights.iter().flat_map(|sights| &sights.peers);
        let arrived = port.arrivals.from.iter().chain(&port.arrivals.half_open);
        let came: Vec<_> = arrived.chain(sights.map(|sights| &sights.peer)).collect();
        let is_reached = port.answers.iter().flatten().any(|answer| answer.accessible);
        (is_reached || may_be_tunnel) && !came.is_empty() && !came.into_iter().any(is_inside)
    };
    facts.ports.iter().any(from_outside)
}

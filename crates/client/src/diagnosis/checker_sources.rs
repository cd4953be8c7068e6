//! The addresses from which checkers connect, as far as they are proven. Connections from others are strangers', and
//! tell nothing about the checkers' own.

use std::net::IpAddr;

use port_checker_api::{ChallengeOutcome, PortResult};

use super::{judgement::challenge, senders::Senders};
use crate::{
    facts::{Arrivals, FamilyFacts, PortFacts, Watch},
    host::Host,
    sights::{PeerSights, Sights},
};

/// The addresses of the checkers that gave a verdict over one family.
pub(super) struct CheckerSources {
    /// Those from which they connect; none unless that is proven of each.
    proven: Option<Vec<IpAddr>>,
    /// Those at which they were talked to; none unless that is known of each.
    talked_to: Option<Vec<IpAddr>>,
    /// This machine, if all of them were talked to outside of its networks: then its neighbours are hardly checkers.
    among_neighbours: Option<Host>,
    /// Whether packets may have come that were not seen.
    is_watch_incomplete: bool,
}

impl CheckerSources {
    pub(super) fn of(facts: &FamilyFacts) -> Self {
        let answered =
            |index: &usize| facts.ports.iter().any(|port| answer(port, *index).is_some());
        let checkers = || (0..facts.checkers.len()).filter(answered);
        let all = |addresses: Option<Vec<IpAddr>>| addresses.filter(|them| !them.is_empty());
        let talked_to = all(checkers().map(|index| facts.checkers[index].peer).collect());
        let are_outside = |host: &&Host| {
            talked_to.as_ref().is_some_and(|them| !them.iter().any(|peer| host.is_near(*peer)))
        };
        Self {
            proven: all(checkers().map(|index| proven_source(facts, index)).collect()),
            among_neighbours: facts.host.as_ref().filter(are_outside).cloned(),
            talked_to,
            is_watch_incomplete: matches!(facts.watch, Watch::Yes { lost: 1.. }),
        }
    }

    /// One of the addresses from which they connect; none if they are not proven.
    pub(super) fn first(&self) -> Option<IpAddr> {
        self.proven.as_ref()?.first().copied()
    }

    /// One of the addresses from which they connect, if that is proven and this machine had talked to each of
    /// those: then a firewall may have admitted them for that alone.
    pub(super) fn contacted(&self) -> Option<IpAddr> {
        let (proven, talked_to) = (self.proven.as_ref()?, self.talked_to.as_ref()?);
        let all = proven.iter().all(|source| talked_to.contains(source));
        proven.first().copied().filter(|_| all)
    }

    /// The facts about a port without those of strangers, as far as they are known. Where packets of checkers may
    /// have come that were not kept, the facts hold no sights.
    pub(super) fn without_strangers(&self, port: &PortFacts) -> (PortFacts, Senders) {
        // Where connections came from every address at which a checker was talked to, those are the checkers'.
        let all_came = |them: &&Vec<IpAddr>| them.iter().all(|checker| came(port, *checker));
        let sources = self.proven.as_ref().or(self.talked_to.as_ref().filter(all_came));
        let mut facts = port.clone();
        let mut neighbour = None;
        match (sources, &self.among_neighbours) {
            (Some(sources), _) => leave_out_strangers(&mut facts, sources),
            (None, Some(host)) => neighbour = leave_out_neighbours(&mut facts, host),
            (None, None) => {}
        }
        let may_have_come =
            self.is_watch_incomplete || port.sights.as_ref().is_some_and(Sights::is_full);
        facts.sights = facts.sights.filter(|sights| !may_have_come || !sights.peers.is_empty());
        let is_stranger = |peer: &&PeerSights| {
            peer.interface.is_some() && sources.is_some_and(|them| !them.contains(&peer.peer))
        };
        let stranger = port.sights.iter().flat_map(|sights| &sights.peers).find(is_stranger);
        (facts, Senders { is_certain: sources.is_some(), stranger: stranger.cloned(), neighbour })
    }
}

/// The address from which a checker connects. Who brought a challenge back had a connection to the port: from the
/// only address that had one there, or from that at which it was talked to. One that connects from several
/// addresses proves none.
fn proven_source(facts: &FamilyFacts, checker: usize) -> Option<IpAddr> {
    let is_matched = |port: &&PortFacts| answer(port, checker).is_some_and(is_matched);
    let lists = || facts.ports.iter().filter(is_matched).map(|port| &port.arrivals.from);
    let lone = lists().find_map(|from| from.first().filter(|_| from.len() == 1)).copied();
    let source = lone.or(facts.checkers[checker].peer)?;
    let may_hold = |from: &Vec<IpAddr>| from.contains(&source) || is_full(from);
    (lists().any(|from| from.contains(&source)) && lists().all(may_hold)).then_some(source)
}

fn answer(port: &PortFacts, checker: usize) -> Option<&PortResult> {
    port.answers.get(checker)?.as_ref()
}

fn is_matched(answer: &PortResult) -> bool {
    answer.accessible && challenge(answer) == Some(ChallengeOutcome::Matched)
}

/// Whether a connection came from an address, as far as the listener or an interface.
fn came(port: &PortFacts, from: IpAddr) -> bool {
    let seen = port.sights.iter().flat_map(|sights| &sights.peers).map(|sights| sights.peer);
    let Arrivals { from: completed, half_open, .. } = &port.arrivals;
    seen.chain(completed.iter().chain(half_open).copied()).any(|peer| peer == from)
}

fn leave_out_strangers(facts: &mut PortFacts, sources: &[IpAddr]) {
    let arrivals = &mut facts.arrivals;
    let may_hold_more = is_full(&arrivals.from);
    arrivals.from.retain(|peer| sources.contains(peer));
    arrivals.half_open.retain(|peer| sources.contains(peer));
    if arrivals.from.is_empty() && !may_hold_more {
        arrivals.connections = 0;
    }
    if let Some(sights) = &mut facts.sights {
        sights.peers.retain(|sights| sources.contains(&sights.peer));
    }
}

/// Leaves out those of the local network whose connections were not completed. A router may connect in the name of a
/// checker, and seldom another machine does: so nothing is known any more of a port to which only such came. The first
/// of them is handed back.
fn leave_out_neighbours(facts: &mut PortFacts, host: &Host) -> Option<PeerSights> {
    let is_neighbour =
        |ip: IpAddr| host.is_near(ip) && !host.addresses.contains(&ip) && host.gateway != Some(ip);
    facts.arrivals.half_open.retain(|peer| !is_neighbour(*peer));
    let sights = facts.sights.as_mut()?;
    let first = sights.peers.iter().find(|sights| is_neighbour(sights.peer)).cloned()?;
    sights.peers.retain(|sights| !is_neighbour(sights.peer));
    if sights.peers.is_empty() {
        facts.sights = None;
    }
    Some(first)
}

/// Whether others may have come that are not kept.
fn is_full(peers: &[IpAddr]) -> bool {
    peers.len() >= Arrivals::MAX_PEERS
}

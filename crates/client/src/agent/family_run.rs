//! A verification over one address family.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
};

use futures_util::future::join;
use port_checker_api::{Challenge, Transport, TransportPort};
use tokio::{select, task::spawn_blocking};

use super::{
    arrival_wait::{arrivals_or_timeout, has_arrived},
    asked_checkers::AskedCheckers,
    common::{Common, OwnListeners},
    local_evidence::{LocalEvidence, with_queue},
    observed_address,
    open_ports::{OpenPorts, over},
    packet_watch::PacketWatch,
    port_query::{PortQuery, Verdicts},
    router_query,
};
use crate::{
    Checker, Event, Family, NoVerdict, Plan,
    facts::{FamilyFacts, Watch},
    host::Host,
    peer_filter::PeerFilter,
    router::{MappingProtocol, MappingTransport},
    sockets::udp_holders,
};

/// A verification over one address family, under way.
pub(super) struct FamilyRun<'a> {
    common: Common<'a>,
    checkers: AskedCheckers,
    /// Checkers that reported a connection which never came.
    contradicted: HashSet<usize>,
    facts: FamilyFacts,
}

impl<'a> FamilyRun<'a> {
    /// Finds out from which address each checker sees this machine.
    pub(super) async fn of_this_machine(family: Family, common: Common<'a>) -> Self {
        let host = Host::read(family);
        if let Some(address) = common.plan.address(family) {
            let mut run = Self::of_another_machine(address, common);
            run.facts.host = Some(host.towards(Some(address)));
            return run;
        }
        let within = common.checkers.iter().map(Checker::timeout).max().unwrap_or_default();
        common.send(Event::AskingAddress { family, within });
        let own = &host.addresses;
        let (facts, checkers) =
            observed_address::ask(family, common.checkers, own, common.stop).await;
        let facts = FamilyFacts {
            family,
            asked_for: common.plan.insists(),
            address_given: false,
            host: Some(host),
            watch: Watch::default(),
            router: None,
            checkers: facts,
            ports: Vec::new(),
        };
        let seen = facts.seen();
        let facts = FamilyFacts { host: facts.host.map(|host| host.towards(seen)), ..facts };
        Self::new(common, AskedCheckers::new(checkers), facts).announced()
    }

    /// Has any address checked.
    pub(super) fn of_another_machine(address: IpAddr, common: Common<'a>) -> Self {
        let (asked, checkers) = AskedCheckers::about(address, common);
        let facts = FamilyFacts {
            family: Family::of(address),
            asked_for: true,
            address_given: true,
            host: None,
            watch: Watch::default(),
            router: None,
            checkers,
            ports: Vec::new(),
        };
        Self::new(common, asked, facts).announced()
    }

    fn new(common: Common<'a>, checkers: AskedCheckers, facts: FamilyFacts) -> Self {
        Self { common, checkers, contradicted: HashSet::new(), facts }
    }

    /// That a family which nobody asked for is not there is no news.
    fn announced(self) -> Self {
        let (family, ports) = (self.facts.family, self.common.plan.ports.len());
        for (checker, facts) in self.facts.checkers.iter().enumerate() {
            match (facts.address, &facts.failure) {
                (Some(_), _) => self.common.send(Event::Asking { checker, family, ports }),
                (None, Some(failure)) if self.facts.asked_for => {
                    self.common.send(Event::NoVerdict {
                        checker,
                        family,
                        message: failure.message.clone(),
                    });
                }
                (None, _) => {}
            }
        }
        self
    }

    /// The facts.
    pub(super) fn into_facts(self) -> FamilyFacts {
        self.facts
    }

    /// The facts so far.
    pub(super) const fn facts(&self) -> &FamilyFacts {
        &self.facts
    }

    /// The router has mapped a port to `to`, which is at this machine.
    pub(super) fn note_mapping(
        &mut self,
        to: (SocketAddr, MappingTransport),
        protocol: MappingProtocol,
        address: Option<IpAddr>,
    ) {
        if let Some(router) = &mut self.facts.router {
            router.mapped(to, protocol, address);
        }
    }

    /// Listens on these ports and has them checked, unless it is to stop.
    pub(super) async fn verify(&mut self, ports: &[TransportPort], own: &OwnListeners) {
        if self.common.stop.is_sent() {
            return self.record_unasked(ports);
        }
        let host = self.facts.host.clone().unwrap_or_default();
        let peers = PeerFilter::of(&host, self.facts.seen());
        let family = self.facts.family;
        let watch = PacketWatch::begin(family, self.facts.seen(), ports, &host.addresses);
        let open = OpenPorts::open(family, ports, &own.challenge, peers).await;
        let on_arrival = |port, from| self.common.send(Event::Arrived { port, from });
        let asking = async {
            let answers = self.ask(|address| open.queries(address, ports));
            let router = router_query::ask(self.common.router, &self.facts, ports);
            let router = self.common.stop.or_stop(router);
            let (answers, router) = join(answers, router).await;
            let contradicted = |index: &usize| self.contradicted.contains(index);
            arrivals_or_timeout(&open, &answers, contradicted).await;
            // Connections since the last look.
            open.note_half_open().await;
            (answers, router.flatten())
        };
        let (answers, router) = select! {
            found = asking => found,
            never = open.serve(&own.permits, on_arrival) => match never {},
            never = watch.run() => match never {},
        };
        let mut sights = watch.sights();
        self.facts.watch = watch.state(self.facts.watch);
        self.facts.router = self.facts.router.take().or(router);
        let mut arrivals = open.arrivals();
        let contradicted = answers.iter().enumerate().filter(|(_, answer)| {
            answer.as_ref().is_some_and(|verdicts| !has_arrived(verdicts, &arrivals))
        });
        self.contradicted.extend(contradicted.map(|(index, _)| index));
        let answers = self.keep_attestations(answers);
        let tcp_only = tcp_only(ports, self.common.plan);
        let mut udp = spawn_blocking(move || udp_holders(&tcp_only)).await.unwrap_or_default();
        // Connections may have come to wait meanwhile.
        let waiting = open.waiting().await;
        self.record(ports, answers, |port| {
            let is_tcp = port.transport == Transport::Tcp;
            let number = port.port.get();
            let waiting = waiting.get(&number).filter(|_| is_tcp);
            LocalEvidence {
                local: Some(with_queue(open.local(port), waiting)),
                udp_holder: udp.remove(&number).filter(|_| is_tcp),
                arrivals: arrivals.remove(&port).unwrap_or_default(),
                sights: sights.as_mut().map(|sights| sights.remove(&port).unwrap_or_default()),
            }
        });
    }

    /// Has these ports checked, unless it is to stop. Over UDP only an answer with this challenge counts.
    pub(super) async fn check(&mut self, ports: &[TransportPort], challenge: &Challenge) {
        if self.common.stop.is_sent() {
            return self.record_unasked(ports);
        }
        let answers = self.ask(|address| {
            let query = |transport, challenge| PortQuery {
                address,
                transport,
                ports: over(ports, transport),
                challenge,
                attest: None,
            };
            vec![query(Transport::Tcp, None), query(Transport::Udp, Some(challenge.clone()))]
        });
        let answers = answers.await;
        self.record(ports, answers, |_| LocalEvidence::default());
    }

    async fn ask(&self, queries: impl Fn(IpAddr) -> Vec<PortQuery>) -> Vec<Option<Verdicts>> {
        self.checkers.ask(self.common, &self.facts.checkers, queries).await
    }

    /// Takes the statements out of the answers. One that the listeners contradict proves nothing.
    fn keep_attestations(&mut self, mut answers: Vec<Option<Verdicts>>) -> Vec<Option<Verdicts>> {
        for (index, answer) in answers.iter_mut().enumerate() {
            let statements = answer.iter_mut().flat_map(|it| it.attestations.drain(..));
            if !self.contradicted.contains(&index) {
                self.facts.checkers[index].attestations.extend(statements);
            }
        }
        answers
    }

    /// Records ports that no checker was asked about.
    fn record_unasked(&mut self, ports: &[TransportPort]) {
        let answers = self.facts.checkers.iter().map(|_| None).collect();
        self.record(ports, answers, |_| LocalEvidence::default());
    }

    fn record(
        &mut self,
        ports: &[TransportPort],
        mut answers: Vec<Option<Verdicts>>,
        mut here: impl FnMut(TransportPort) -> LocalEvidence,
    ) {
        for (index, answer) in answers.iter().enumerate() {
            if let Some(error) = answer.as_ref().and_then(|verdicts| verdicts.failure.as_ref()) {
                self.note_failure(index, error);
            }
        }
        for (facts, checker) in self.facts.checkers.iter_mut().zip(self.checkers.iter()) {
            facts.peer = checker.peer();
        }
        let recorded = self.facts.ports.iter().zip(0..);
        let recorded: HashMap<_, usize> =
            recorded.map(|(it, index)| (it.transport_port(), index)).collect();
        for &port in ports {
            let answers = answers.iter_mut();
            let answers = answers.map(|answer| answer.as_mut()?.results.remove(&port)).collect();
            let facts = here(port).into_facts(port, answers);
            match recorded.get(&port) {
                Some(&index) => self.facts.ports[index] = facts,
                None => self.facts.ports.push(facts),
            }
        }
    }

    fn note_failure(&mut self, checker: usize, error: &NoVerdict) {
        self.facts.checkers[checker].failure = Some(error.into());
        self.checkers.note_failure(checker, error, self.common);
        let (family, message) = (self.facts.family, error.to_string());
        self.common.send(Event::NoVerdict { checker, family, message });
    }
}

/// The numbers that are verified over TCP and not over UDP.
fn tcp_only(ports: &[TransportPort], plan: &Plan) -> HashSet<u16> {
    let udp: HashSet<u16> =
        over(&plan.ports, Transport::Udp).into_iter().map(|port| port.get()).collect();
    let tcp = over(ports, Transport::Tcp).into_iter().map(|port| port.get());
    tcp.filter(|number| !udp.contains(number)).collect()
}

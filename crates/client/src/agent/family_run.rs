//! A verification over one address family.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
};

use futures_util::future::{join, join_all};
use port_checker_api::{Challenge, Port};
use tokio::{
    select,
    sync::{Semaphore, mpsc::UnboundedSender},
    task::spawn_blocking,
};

use super::{
    arrival_wait::{arrivals_or_timeout, has_arrived},
    local_evidence::{LocalEvidence, with_queue},
    observed_address,
    packet_watch::PacketWatch,
    port_query::{PortQuery, Verdicts},
    query_events::QueryEvents,
    router_query,
    stop::StopSignal,
    wait_budget::WaitBudget,
};
use crate::{
    Checker, Event, Family, NoVerdict, Plan,
    facts::{CheckerFacts, FamilyFacts, Local, Watch},
    host::Host,
    listeners::Listeners,
    peer_filter::PeerFilter,
    router::{KnownRouter, MappingProtocol},
    sockets::udp_holders,
};

/// The parts that all families of a verification share.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) plan: &'a Plan,
    pub(super) checkers: &'a [Checker],
    /// One for each checker.
    pub(super) budgets: &'a [WaitBudget],
    pub(super) events: &'a UnboundedSender<Event>,
    /// The router, as earlier verifications have come to know it; none: it is not asked.
    pub(super) router: Option<&'a KnownRouter>,
    pub(super) stop: &'a StopSignal,
}

/// The same for every listener of a verification.
pub(super) struct OwnListeners {
    pub(super) challenge: Challenge,
    /// One for each connection that may be open.
    pub(super) permits: Semaphore,
}

/// A verification over one address family, under way.
pub(super) struct FamilyRun<'a> {
    common: Common<'a>,
    /// The checkers as they are asked over this family.
    checkers: Vec<Checker>,
    /// Checkers that are asked no more.
    given_up: HashSet<usize>,
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
        // Who does not listen any more will drop the verification too.
        let _ = common.events.send(Event::AskingAddress { family, within });
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
        Self::new(common, checkers, facts).announced()
    }

    /// Has any address checked.
    pub(super) fn of_another_machine(address: IpAddr, common: Common<'a>) -> Self {
        let checkers = common.checkers.to_vec();
        let facts = FamilyFacts {
            family: Family::of(address),
            asked_for: true,
            address_given: true,
            host: None,
            watch: Watch::default(),
            router: None,
            checkers: checkers
                .iter()
                .map(|checker| CheckerFacts::asked(checker, address))
                .collect(),
            ports: Vec::new(),
        };
        Self::new(common, checkers, facts).announced()
    }

    fn new(common: Common<'a>, checkers: Vec<Checker>, facts: FamilyFacts) -> Self {
        let (given_up, contradicted) = (HashSet::new(), HashSet::new());
        Self { common, checkers, given_up, contradicted, facts }
    }

    /// That a family which nobody asked for is not there is no news.
    fn announced(self) -> Self {
        let (family, ports) = (self.facts.family, self.common.plan.ports.len());
        for (checker, facts) in self.facts.checkers.iter().enumerate() {
            match (facts.address, &facts.failure) {
                (Some(_), _) => self.send(Event::Asking { checker, family, ports }),
                (None, Some(failure)) if self.facts.asked_for => {
                    self.send(Event::NoVerdict {
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

    /// The router has mapped a port to `to`, this machine.
    pub(super) fn note_mapping(
        &mut self,
        to: SocketAddr,
        protocol: MappingProtocol,
        address: Option<IpAddr>,
    ) {
        if let Some(router) = &mut self.facts.router {
            router.mapped(to, protocol, address);
        }
    }

    /// Listens on these ports and has them checked, unless it is to stop.
    pub(super) async fn verify(&mut self, ports: &[Port], own: &OwnListeners) {
        if self.common.stop.is_sent() {
            return self.record_unasked(ports);
        }
        let host = self.facts.host.clone().unwrap_or_default();
        let peers = PeerFilter::of(&host, self.facts.seen());
        let family = self.facts.family;
        let watch = PacketWatch::begin(family, self.facts.seen(), ports, &host.addresses);
        let listeners = Listeners::open(family, ports, &own.challenge, peers).await;
        let on_arrival = |port, from| self.send(Event::Arrived { port, from });
        let (bound, others): (Vec<_>, Vec<_>) =
            ports.iter().partition(|&&port| *listeners.local(port) == Local::Bound);
        let others =
            others.into_iter().filter(|&port| *listeners.local(port) != Local::FamilyMissing);
        let others: Vec<Port> = others.collect();
        let asking = async {
            let answers = self.ask(|address| {
                let challenge = Some(own.challenge.clone());
                let bound = PortQuery { address, ports: bound.clone(), challenge };
                vec![bound, PortQuery { address, ports: others.clone(), challenge: None }]
            });
            let router = router_query::ask(self.common.router, &self.facts, ports);
            let router = self.common.stop.or_stop(router);
            let (answers, router) = join(answers, router).await;
            let contradicted = |index: &usize| self.contradicted.contains(index);
            arrivals_or_timeout(&listeners, &answers, contradicted).await;
            // Connections since the last look.
            listeners.note_half_open().await;
            (answers, router.flatten())
        };
        let (answers, router) = select! {
            found = asking => found,
            never = listeners.serve(&own.permits, on_arrival) => match never {},
            never = watch.run() => match never {},
        };
        let mut sights = watch.sights();
        self.facts.watch = watch.state(self.facts.watch);
        self.facts.router = self.facts.router.take().or(router);
        let mut arrivals = listeners.arrivals();
        let contradicted = answers.iter().enumerate().filter(|(_, answer)| {
            answer.as_ref().is_some_and(|verdicts| !has_arrived(verdicts, &arrivals))
        });
        self.contradicted.extend(contradicted.map(|(index, _)| index));
        let numbers: HashSet<u16> = ports.iter().map(|port| port.get()).collect();
        let mut udp = spawn_blocking(move || udp_holders(&numbers)).await.unwrap_or_default();
        // Connections may have come to wait meanwhile.
        let waiting = listeners.waiting().await;
        self.record(ports, answers, |port| {
            let local = Some(with_queue(listeners.local(port), waiting.get(&port.get())));
            let sights =
                sights.as_mut().map(|sights| sights.remove(&port.get()).unwrap_or_default());
            let arrivals = arrivals.remove(&port).unwrap_or_default();
            LocalEvidence { local, udp_holder: udp.remove(&port.get()), arrivals, sights }
        });
    }

    /// Has these ports checked, unless it is to stop.
    pub(super) async fn check(&mut self, ports: &[Port]) {
        if self.common.stop.is_sent() {
            return self.record_unasked(ports);
        }
        let answers =
            self.ask(|address| vec![PortQuery { address, ports: ports.to_vec(), challenge: None }]);
        let answers = answers.await;
        self.record(ports, answers, |_| LocalEvidence::default());
    }

    /// Asks every checker that has an address to check, all at once.
    async fn ask(&self, questions: impl Fn(IpAddr) -> Vec<PortQuery>) -> Vec<Option<Verdicts>> {
        let asked = self.checkers.iter().enumerate().map(async |(index, checker)| {
            let address = self.facts.checkers[index].address?;
            if self.given_up.contains(&index) {
                return None;
            }
            let budget = &self.common.budgets[index];
            let Common { events, stop, .. } = self.common;
            let events = QueryEvents { events, checker: index, address };
            let asked = questions(address).into_iter();
            let asked = asked.map(|question| question.ask(checker, budget, events, stop));
            let answers = join_all(asked).await;
            Some(answers.into_iter().fold(Verdicts::default(), Verdicts::and))
        });
        join_all(asked).await
    }

    /// Records ports that no checker was asked about.
    fn record_unasked(&mut self, ports: &[Port]) {
        let answers = self.checkers.iter().map(|_| None).collect();
        self.record(ports, answers, |_| LocalEvidence::default());
    }

    fn record(
        &mut self,
        ports: &[Port],
        mut answers: Vec<Option<Verdicts>>,
        mut here: impl FnMut(Port) -> LocalEvidence,
    ) {
        for (index, answer) in answers.iter().enumerate() {
            if let Some(error) = answer.as_ref().and_then(|verdicts| verdicts.failure.as_ref()) {
                self.note_failure(index, error);
            }
        }
        for (facts, checker) in self.facts.checkers.iter_mut().zip(&self.checkers) {
            facts.peer = checker.peer();
        }
        let recorded = self.facts.ports.iter().zip(0..);
        let recorded: HashMap<Port, usize> = recorded.map(|(it, index)| (it.port, index)).collect();
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

    /// Who says when to come again, or only does not dial some ports, is asked about the next ones;
    /// one that failed in another way is not.
    fn note_failure(&mut self, checker: usize, error: &NoVerdict) {
        self.facts.checkers[checker].failure = Some(error.into());
        let busy = error.retry_after().is_some() || error.may_be_about_some_ports();
        if !busy || self.common.budgets[checker].is_spent() {
            self.given_up.insert(checker);
        }
        let (family, message) = (self.facts.family, error.to_string());
        self.send(Event::NoVerdict { checker, family, message });
    }

    fn send(&self, event: Event) {
        // Who does not listen any more will drop the verification too.
        let _ = self.common.events.send(event);
    }
}

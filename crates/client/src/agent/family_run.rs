//! A verification over one address family.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    time::Duration,
};

use futures_util::future::join_all;
use port_checker_api::{Challenge, Port, Progress};
use tokio::{
    select,
    sync::{Semaphore, mpsc::UnboundedSender},
    time::{interval, timeout},
};

use super::{
    observed_address,
    port_query::{PortQuery, QueryObserver, Verdicts},
    wait_budget::WaitBudget,
};
use crate::{
    Checker, Event, Family, NoVerdict, Plan,
    facts::{Arrivals, CheckerFacts, FamilyFacts, Local, PortFacts},
    host::Host,
    listeners::{Listeners, PeerFilter},
};

/// How long to wait for a connection that a checker reports and our listener has not seen yet: the
/// report can overtake it by a moment.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The same for a checker that reported one which never came: it may go on to do so in every batch.
const CONTRADICTED_ARRIVAL_TIMEOUT: Duration = Duration::from_millis(100);

/// How often to look whether it has come.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The parts that all families of a verification share.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) plan: &'a Plan,
    pub(super) checkers: &'a [Checker],
    /// One for each checker.
    pub(super) budgets: &'a [WaitBudget],
    pub(super) events: &'a UnboundedSender<Event>,
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
        let (facts, checkers) =
            observed_address::ask(family, common.checkers, &host.addresses).await;
        let facts = FamilyFacts {
            family,
            asked_for: common.plan.insists(),
            host: Some(host),
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
            host: None,
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

    /// Listens on these ports and has them checked.
    pub(super) async fn verify(&mut self, ports: &[Port], own: &OwnListeners) {
        let host = self.facts.host.clone().unwrap_or_default();
        let peers = PeerFilter::of(&host, self.facts.seen());
        let family = self.facts.family;
        let listeners = Listeners::open(family, ports, &own.challenge, peers);
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
            let answers = answers.await;
            let others = |index: &usize| !self.contradicted.contains(index);
            let _ = timeout(ARRIVAL_TIMEOUT, all_arrived(&listeners, &answers, others)).await;
            let _ =
                timeout(CONTRADICTED_ARRIVAL_TIMEOUT, all_arrived(&listeners, &answers, |_| true))
                    .await;
            // Connections since the last look.
            listeners.note_half_open().await;
            answers
        };
        let answers = select! {
            answers = asking => answers,
            never = listeners.serve(&own.permits, on_arrival) => match never {},
        };
        let mut arrivals = listeners.arrivals();
        let contradicted = answers.iter().enumerate().filter(|(_, answer)| {
            answer.as_ref().is_some_and(|verdicts| !has_arrived(verdicts, &arrivals))
        });
        self.contradicted.extend(contradicted.map(|(index, _)| index));
        self.record(ports, answers, |port| {
            (Some(listeners.local(port).clone()), arrivals.remove(&port).unwrap_or_default())
        });
    }

    /// Has these ports checked.
    pub(super) async fn check(&mut self, ports: &[Port]) {
        let answers =
            self.ask(|address| vec![PortQuery { address, ports: ports.to_vec(), challenge: None }]);
        let answers = answers.await;
        self.record(ports, answers, |_| (None, Arrivals::default()));
    }

    /// Asks every checker that has an address to check, all at once.
    async fn ask(&self, questions: impl Fn(IpAddr) -> Vec<PortQuery>) -> Vec<Option<Verdicts>> {
        let asked = self.checkers.iter().enumerate().map(async |(index, checker)| {
            let address = self.facts.checkers[index].address?;
            if self.given_up.contains(&index) {
                return None;
            }
            let budget = &self.common.budgets[index];
            let observer = EventSender { run: self, checker: index, address };
            let asked = questions(address).into_iter();
            let answers =
                join_all(asked.map(|question| question.ask(checker, budget, &observer))).await;
            Some(answers.into_iter().fold(Verdicts::default(), Verdicts::and))
        });
        join_all(asked).await
    }

    fn record(
        &mut self,
        ports: &[Port],
        mut answers: Vec<Option<Verdicts>>,
        mut here: impl FnMut(Port) -> (Option<Local>, Arrivals),
    ) {
        for (index, answer) in answers.iter().enumerate() {
            if let Some(error) = answer.as_ref().and_then(|verdicts| verdicts.failure.as_ref()) {
                self.note_failure(index, error);
            }
        }
        for &port in ports {
            let (local, arrivals) = here(port);
            let answers = answers.iter_mut();
            let answers = answers.map(|answer| answer.as_mut()?.results.remove(&port)).collect();
            self.facts.ports.push(PortFacts { port, local, arrivals, answers });
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

/// Sends the events of one checker.
struct EventSender<'a> {
    run: &'a FamilyRun<'a>,
    checker: usize,
    address: IpAddr,
}

impl QueryObserver for EventSender<'_> {
    fn judged(&self, progress: &Progress) {
        let Self { run, checker, address } = *self;
        let (port, accessible) = (progress.port, progress.result.accessible);
        run.send(Event::Judged { checker, address, port, accessible });
    }

    fn waiting(&self, wait: Duration) {
        self.run.send(Event::Waiting { checker: self.checker, wait });
    }
}

/// Waits until every port that one of these checkers got through to has arrivals a connection.
async fn all_arrived(
    listeners: &Listeners,
    answers: &[Option<Verdicts>],
    of: impl Fn(&usize) -> bool,
) {
    let mut looks = interval(POLL_INTERVAL);
    loop {
        looks.tick().await;
        let arrivals = listeners.arrivals();
        let answers = answers.iter().enumerate().filter(|(index, _)| of(index));
        if answers.filter_map(|(_, answer)| answer.as_ref()).all(|it| has_arrived(it, &arrivals)) {
            return;
        }
    }
}

/// Whether every port that a checker got through to has arrivals a connection, if we listen on it.
fn has_arrived(verdicts: &Verdicts, arrivals: &HashMap<Port, Arrivals>) -> bool {
    let came = |port| arrivals.get(port).is_none_or(|arrivals| arrivals.connections > 0);
    verdicts.results.iter().all(|(port, result)| !result.accessible || came(port))
}
